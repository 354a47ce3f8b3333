/* SPDX-License-Identifier: MIT
 *
 * How the `dot` kernels lay weights out: blocks of filters, one filter a
 * 32-bit lane, and for each block a list of steps. A step is 4 bytes of a
 * patch (4 8-bit or 2 16-bit elements), broadcast to all lanes, against 4
 * bytes of weight in each. Steps in which all filters of a block are zero are
 * not in the list, filters that are zero altogether are in no block: they
 * cost nothing. Blocks are formed of filters in order or, where that saves
 * enough, of filters that are zero in similar places. */
#ifndef STN_KERNELS_DOT_PACK_H
#define STN_KERNELS_DOT_PACK_H

#include "kernels/layout/rescale_pack.h"

/* What every prepared dot of a fast level begins with. */
typedef struct stn_dot_head {
    void (*run)(const stn_dot_call *call);
    const stn_rescale_pack *map; /* padded; NULL: sums are stored */
    bool second;                 /* the sums are its x1 */
} stn_dot_head;

/* Which arithmetic is exact for these weights and inputs. */
typedef enum stn_dot_kind {
    STN_DOT_BYTES,       /* sums of 32 bits at once */
    STN_DOT_BYTES_SHORT, /* `int16_steps` steps may be summed in 16 bits */
    STN_DOT_BYTES_PAIR,  /* sums of two products fit 16 bits */
    STN_DOT_BYTES_SIGN, /* they do not: |x| by w with the sign of x, s8 by s8 */
    STN_DOT_BYTES_SPLIT, /* nor for w = -128: w = 2 * high + low, two planes */
    STN_DOT_WORDS,       /* s16 by s16 */
    STN_DOT_KINDS
} stn_dot_kind;

typedef struct stn_dot_arithmetic {
    stn_dot_kind kind;
    /* 8-bit inputs are read as x + shift, 128 or -128, by flipping the sign
     * bit, and shift * sum of w is taken off; 0: as they are. */
    int shift;
    int int16_steps; /* BYTES_SHORT: steps before sums are widened; even */
} stn_dot_arithmetic;

/* What layouts ask of codes, found in one pass. */
typedef struct stn_dot_facts {
    int least, most; /* codes, widened to include 0 */
    bool zeros;      /* some code is 0 */
} stn_dot_facts;

stn_dot_facts stn_dot_look(const stn_dot_shape *shape, const int8_t *codes);

/* Whether all codes are -1, 0 or 1. */
static inline bool stn_dot_is_ternary(stn_dot_facts facts)
{
    return facts.least >= -1 && facts.most <= 1;
}

/* What a level asks for. */
typedef struct stn_dot_style {
    int lanes;   /* 32-bit lanes of a vector: 8 or 16 */
    int vectors; /* largest number of vectors a block: 1, 2 or 3 */
    bool wide;   /* BYTES_SPLIT gives way to inputs of 16 bits */
    const char *isa;
    /* For 8-bit inputs. */
    stn_dot_arithmetic (*arithmetic)(const stn_dot_shape *shape,
                                     stn_dot_facts facts);
    void (*run)(const stn_dot_call *call);
    /* Cycles of a vector step of one patch, measured; 0: not a level's. */
    double step[STN_DOT_KINDS];
} stn_dot_style;

/* Lays the map of an ending out for 32-bit `lanes`: *map is NULL where the
 * shape has none or it does not fit. */
stn_status stn_ending_make(const stn_ending *ending, int lanes,
                           stn_arena *arena, const stn_rescale_pack **map,
                           stn_error *err);

/* With that map and `run`, a level's function. */
stn_status stn_dot_head_make(const stn_dot_shape *shape, int lanes,
                             void (*run)(const stn_dot_call *call),
                             stn_arena *arena, stn_dot_head *head,
                             stn_error *err);

/* sums[i] = lo * sum of w of filter first + i: what inputs counted from `lo`
 * on lack. */
void stn_dot_constants(const stn_dot_shape *shape, const int8_t *codes, int lo,
                       int first, int n, int32_t *sums);

typedef struct stn_dot_block {
    int vectors;             /* of `lanes` filters each */
    int width;               /* filters in use */
    int first;               /* output index of the first when contiguous */
    bool contiguous;         /* filters are first, first + 1, … */
    int n_steps;             /* even: the last may be at 0, with weights 0 */
    const uint32_t *offsets; /* n_steps byte offsets into a patch */
    /* n_steps * planes * vectors * lanes * 4 bytes */
    const int8_t *weights;
    const int32_t *correction; /* vectors * lanes: shift * sum of w */
    const int32_t *filters;    /* width output indices */
} stn_dot_block;

typedef struct stn_dot_pack {
    stn_dot_head head;
    stn_dot_arithmetic arithmetic;
    int n_dead; /* filters in no block */
    const int32_t *dead;
    int n_blocks;
    stn_dot_block blocks[];
} stn_dot_pack;

/* Whether inputs are widened to 16 bits first (x86/dot_wide.h). */
bool stn_dot_is_wide(const stn_dot_style *style, const stn_dot_shape *shape,
                     stn_dot_facts facts);

/* Cycles that all patches of a call are expected to take, with filters in
 * order. */
double stn_dot_pack_cost(const stn_dot_style *style, const stn_dot_shape *shape,
                         const int8_t *codes, stn_dot_facts facts);

stn_status stn_dot_pack_make(const stn_dot_style *style,
                             const stn_dot_shape *shape, const int8_t *codes,
                             stn_arena *arena, stn_prepared *out,
                             stn_error *err);

/* Products of a weight by an input of magnitude `x_max` whose sums fit 16 bits:
 * at most 8192. */
int stn_dot_int16_products(stn_dot_facts facts, int64_t x_max);

/* Writes one patch's sums of a block that is not contiguous. */
void stn_dot_scatter(const stn_dot_block *block, const int32_t *sums,
                     int32_t *acc);
/* Zeroes the sums of filters in no block. */
void stn_dot_clear_dead(const stn_dot_pack *pack, const stn_dot_call *call);

#endif
