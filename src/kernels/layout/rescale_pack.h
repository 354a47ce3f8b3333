/* SPDX-License-Identifier: MIT
 *
 * How the kernels lay the multipliers of a rescale out. The map
 *     y = clamp((x0 * m0 + x1 * m1 + a) >> shift, lo, hi)
 * is brought to a sum of which the upper 32 bits are wanted, so that one
 * shuffle takes the place of two 64-bit shifts:
 *     v = (x0 << before) * m0' + (x1 << before) * m1' + a'
 *     y = clamp((v >> 32) >> after)
 * with m' = m * 2^(32 - shift - before) and a' = a * 2^(32 - shift) where
 * shift <= 32, and after = shift - 32, m' = m, a' = a beyond; floor of a floor
 * is the floor of the whole, so bits are equal. It is possible when m' fits 32
 * bits and v, for the proven ranges, 64.
 *
 * A map of one input to two values is a comparison: x > limit, or for a
 * negative multiplier ~x > limit. */
#ifndef STN_KERNELS_RESCALE_PACK_H
#define STN_KERNELS_RESCALE_PACK_H

#include "kernels/kernels.h"
#include <stdbool.h>

#define STN_RESCALE_BLOCK 16 /* elements a core handles at once */

typedef enum stn_rescale_kind {
    STN_RESCALE_REF,  /* does not fit: the scalar kernel */
    STN_RESCALE_HIGH, /* the upper half of 64-bit sums */
    STN_RESCALE_STEP  /* x > limit ? hi : lo */
} stn_rescale_kind;

typedef struct stn_rescale_pack {
    stn_rescale_kind kind;
    stn_type type0, type1, type;
    bool two; /* inputs */
    int before, after;
    int32_t lo, hi;
    /* Elements after which multipliers repeat, a multiple of the block: as
     * positions follow each other, so do these; `padded` ones begin anew at a
     * block for each position. */
    size_t period;
    const int32_t *m0, *m1; /* period + 1 elements */
    /* period elements; within each 2 * lanes: even ones, then odd ones. */
    const int64_t *a;
    const int32_t *flip, *limit; /* STEP: period elements; flip 0 or -1 */
} stn_rescale_pack;

/* `lanes` 64-bit ones of a vector. With `padded`, channels are rounded up to a
 * whole number of blocks. NULL when memory is out. */
const stn_rescale_pack *stn_rescale_pack_make(const stn_rescale_shape *shape,
                                              int lanes, bool padded,
                                              stn_arena *arena);

/* What a rescale kernel's `prepare` returns. */
stn_status stn_rescale_pack_prepare(const stn_rescale_shape *shape, int lanes,
                                    const char *isa, stn_arena *arena,
                                    stn_prepared *out, stn_error *err);

#endif
