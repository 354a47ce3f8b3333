/* SPDX-License-Identifier: MIT
 *
 * How the x86 `rescale` kernels lay multipliers out, and the frame they share:
 * positions and channels are one flat array, whose multipliers repeat with a
 * period of a whole number of 16-element blocks. Work goes by short chunks
 * that are widened to 32 bits, mapped by the level's core, and narrowed. */
#ifndef STN_KERNELS_RESCALE_PACK_H
#define STN_KERNELS_RESCALE_PACK_H

#include "kernels/kernels.h"
#include <stdbool.h>

#define STN_RESCALE_BLOCK 16 /* elements a core handles at once */
#define STN_RESCALE_CHUNK 512

typedef struct stn_rescale_pack {
    /* (x0 * m0 + x1 * m1 + a) >> shift fits 32 bits for the proven ranges. */
    bool narrow;
    size_t period;          /* elements, a multiple of STN_RESCALE_BLOCK */
    const int32_t *m0, *m1; /* period + 1 elements */
    /* period elements; within each `lanes` * 2: even ones, then odd ones. */
    const int64_t *a;
} stn_rescale_pack;

/* `bias` is added to every a, wrapping. */
stn_status stn_rescale_pack_make(const stn_rescale_shape *shape, int lanes,
                                 uint64_t bias, const char *isa,
                                 stn_arena *arena, stn_prepared *out,
                                 stn_error *err);

/* Maps n elements (a multiple of the block; phase: index of the first within
 * the period). x1 is NULL for one input. */
typedef void (*stn_rescale_core)(const stn_rescale_shape *shape,
                                 const stn_rescale_pack *pack, size_t phase,
                                 const int32_t *x0, const int32_t *x1, int n,
                                 int32_t *y);

/* Widens n elements of any type, and narrows n that fit. */
typedef void (*stn_rescale_widen)(const void *x, stn_type type, size_t first,
                                  int n, int32_t *y);
typedef void (*stn_rescale_narrow)(const int32_t *x, int n, void *y,
                                   stn_type type, size_t first);

void stn_rescale_chunks(const stn_rescale_call *call, stn_rescale_core core,
                        stn_rescale_widen widen, stn_rescale_narrow narrow);

#endif
