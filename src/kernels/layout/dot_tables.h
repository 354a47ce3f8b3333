/* SPDX-License-Identifier: MIT
 *
 * Patch-by-filter products by looking sums up, for binary and ternary weights.
 * Four inputs x_0 … x_3 have 16 sums over subsets; a table of them is made
 * once for each four inputs, and every filter finds its sum there by its four
 * weights, which are one nibble: one vpshufb (TBL) takes the place of 4
 * products of as many filters as a vector has bytes. An entry must stay small,
 * for several are added in 8 bits before they are widened, so that inputs are
 * cut into digits of 4 bits, x = lo + sum over j of 16^j * x_j,         x_j in
 * 0 … 15, and with p the weights of 1 and m those of -1 (T(s) looks subset s
 * up) ternary, w = p - m:  sum of 16^j * (T_j(p) - T_j(m)) + lo * sum of w
 *     binary,  w = 2p - 1: sum of 16^j * 2 T_j(p) - sum of (x - lo)
 *                          + lo * sum of w
 * One filter is a byte lane. All that a call's patches read is tabled once,
 * into its scratch: the table of elements 4i … 4i + 3 after the first patch's
 * start lies 16 i bytes after the digit's plane, so that patches must begin at
 * multiples of 4 elements. A step is 8 elements of a run; its last may reach
 * beyond: weights are 0 there, as entry 0 of every table is. Steps in which
 * all filters of a block have no weight of the stream are not in its list. */
#ifndef STN_KERNELS_DOT_TABLES_H
#define STN_KERNELS_DOT_TABLES_H

#include "kernels/layout/dot_pack.h"

#define STN_TABLES_STEP 8 /* elements */
#define STN_TABLES_TABLE 16
#define STN_TABLES_DIGITS_MAX 2

/* p or m of a block of filters. */
typedef struct stn_tables_stream {
    int n_steps;             /* even */
    const uint32_t *offsets; /* n_steps byte offsets into a patch's tables */
    /* n_steps * lanes bytes: the low nibble has the subset of the step's first
     * 4 elements, the high one that of its last 4. */
    const uint8_t *subsets;
} stn_tables_stream;

typedef struct stn_tables_block {
    int width, first; /* filters in use, output index of the first */
    stn_tables_stream streams[2];
    const int32_t *constant; /* lanes: lo * sum of w */
} stn_tables_block;

typedef struct stn_tables_pack {
    stn_dot_head head;
    int digits, streams; /* streams: 1 binary, p alone; 2 ternary, p and m */
    int lo;
    int byte_steps; /* even: steps whose sums fit 8 bits */
    int word_steps; /* a multiple of byte_steps: sums fit 16 bits */
    size_t plane_bytes;
    size_t patch_elements; /* from a patch's start to its end */
    int n_blocks;
    stn_tables_block blocks[];
} stn_tables_pack;

/* What a level asks for; `run` as in stn_dot_style. */
typedef struct stn_tables_style {
    int lanes; /* 8-bit lanes: 32 or 64 */
    int rows;  /* pairs of patch and digit that are looked up together */
    const char *isa;
    void (*run)(const stn_dot_call *call);
    /* Cycles, measured: a step's subsets, a row at a step, widening a row's
     * bytes, what comes once for each tile and stream of a block, making a
     * step's tables. */
    double index, row, widen, once, make;
} stn_tables_style;

/* Digits and streams that a shape needs; 0 streams where tables cannot do it:
 * other weights, more digits, no alignment, sums beyond 32 bits. */
typedef struct stn_tables_fit {
    int digits, streams;
} stn_tables_fit;

stn_tables_fit stn_tables_try(const stn_dot_shape *shape, stn_dot_facts facts);

/* Cycles that all patches of a call are expected to take. */
double stn_tables_cost(const stn_tables_style *style,
                       const stn_dot_shape *shape, stn_tables_fit fit);

stn_status stn_tables_make(const stn_tables_style *style,
                           const stn_dot_shape *shape, const int8_t *codes,
                           stn_tables_fit fit, stn_arena *arena,
                           stn_prepared *out, stn_error *err);

#ifdef STN_X86
const stn_tables_style *stn_tables_style_avx2(void);
const stn_tables_style *stn_tables_style_avx512(void);

/* Makes the tables of all that a call reads, and of 8 zeros after. */
void stn_tables_input_avx2(const stn_tables_pack *pack,
                           const stn_dot_call *call);

/* Sum of x - lo over a patch. */
int32_t stn_tables_sum_avx2(const stn_tables_pack *pack,
                            const stn_dot_call *call, int patch);
#endif
#ifdef STN_ARM64
const stn_tables_style *stn_tables_style_neon(void);
#endif

/* The nearer of two ends of a list. */
static inline const uint32_t *stn_tables_end(const uint32_t *a,
                                             const uint32_t *b)
{
    return a < b ? a : b;
}

/* Elements of a call, from its first patch's start to its last's end. */
static inline size_t stn_tables_elements(const stn_tables_pack *pack,
                                         const stn_dot_call *call)
{
    return call->patches[call->n - 1] - call->patches[0] + pack->patch_elements;
}

#endif
