/* SPDX-License-Identifier: MIT
 *
 * Patch-by-filter products on bits, for binary and ternary weights and inputs
 * of few bits. An input x in lo … hi is cut into planes,
 *     x = lo + sum over j of 2^j * x_j,        x_j in {0, 1},
 * and a dot product becomes counts of ones of words of 32 bits:
 *     ternary, w = p - m:  sum of 2^j * (|p & x_j| - |m & x_j|) + lo * sum w
 *     binary,  w = 2p - 1: sum of 2^j * (2 |p & x_j| - |x_j|) + lo * sum w
 * One filter is a 32-bit lane, as in dot_pack.h. All that a call's patches
 * read is cut into planes once, into its scratch: bit i of a plane is element
 * i after the first patch's start, so that a patch's bits begin at a whole
 * byte when its elements begin at a multiple of 8. A run is read in words of
 * 32 bits, whose last may reach beyond it: weights are 0 there. Words in which
 * all filters of a block have weight 0 are not in its list. */
#ifndef STN_KERNELS_DOT_BITS_H
#define STN_KERNELS_DOT_BITS_H

#include "base/compiler.h"
#include "kernels/layout/dot_pack.h"
#include <string.h>

#define STN_BITS_PLANES_MAX 4
/* Words that are summed by carry-save adders before ones are counted. */
#define STN_BITS_GROUP 8

typedef struct stn_bits_block {
    int n_words;
    int width, first;        /* filters in use, output index of the first */
    const uint32_t *offsets; /* n_words byte offsets into a patch's bits */
    const uint32_t *masks;   /* n_words: bits that belong to the run */
    /* streams * n_words * lanes words, stream by stream */
    const uint32_t *words;
    const int32_t *constant; /* lanes: lo * sum of w */
} stn_bits_block;

typedef struct stn_bits_pack {
    stn_dot_head head;
    int planes;
    int streams;           /* 1: binary, p alone; 2: ternary, p and m */
    int lo;                /* taken off inputs before they are cut */
    size_t plane_bytes;    /* scratch of a plane */
    size_t patch_elements; /* from a patch's start to its end */
    int n_blocks;
    stn_bits_block blocks[];
} stn_bits_pack;

/* What a level asks for; `run` as in stn_dot_style. */
typedef struct stn_bits_style {
    int lanes; /* 32-bit lanes: 8 or 16 */
    const char *isa;
    void (*run)(const stn_dot_call *call);
    /* Cycles of a vector of filters against one patch, measured: a word of one
     * plane and stream, and what comes once for each of them. */
    double word, once;
} stn_bits_style;

/* Planes and streams that a shape needs; 0 streams where bits cannot do it:
 * other weights, more planes than PLANES_MAX, no alignment. */
typedef struct stn_bits_fit {
    int planes, streams;
} stn_bits_fit;

stn_bits_fit stn_bits_try(const stn_dot_shape *shape, stn_dot_facts facts);

/* Cycles that all patches of a call are expected to take. */
double stn_bits_cost(const stn_bits_style *style, const stn_dot_shape *shape,
                     stn_bits_fit fit);

stn_status stn_bits_make(const stn_bits_style *style,
                         const stn_dot_shape *shape, const int8_t *codes,
                         stn_bits_fit fit, stn_arena *arena, stn_prepared *out,
                         stn_error *err);

#ifdef STN_X86
const stn_bits_style *stn_bits_style_avx2(void);
const stn_bits_style *stn_bits_style_avx512(void); /* as the CPU counts */
#endif
#ifdef STN_ARM64
const stn_bits_style *stn_bits_style_neon(void);
#endif

/* Elements of a call, from its first patch's start to its last's end. */
static inline size_t stn_bits_elements(const stn_bits_pack *pack,
                                       const stn_dot_call *call)
{
    return call->patches[call->n - 1] - call->patches[0] + pack->patch_elements;
}

/* Ones of a patch that count, over all planes: sum of 2^j * |x_j|. Inlined,
 * so that it is compiled for a level that has popcnt. */
STN_INLINE int32_t stn_bits_count(const stn_bits_pack *pack,
                                  const uint8_t *bits)
{
    const stn_bits_block *block = &pack->blocks[0];
    int32_t sum = 0;
    for (int j = 0; j < pack->planes; j++, bits += pack->plane_bytes) {
        int32_t ones = 0;
        for (int i = 0; i < block->n_words; i++) {
            uint32_t word;
            memcpy(&word, bits + block->offsets[i], sizeof word);
            ones += __builtin_popcount(word & block->masks[i]);
        }
        sum += ones << j;
    }
    return sum;
}

#endif
