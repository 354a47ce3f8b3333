/* SPDX-License-Identifier: MIT
 *
 * Inside src/nn: one byte per value, 0 where the gradient stops, kept in an
 * operator's `saved` memory. */
#ifndef STN_NN_MASK_H
#define STN_NN_MASK_H

#include "nn/op.h"
#include <stdint.h>

/* Floats of memory that a mask of `count` values takes. */
static inline size_t stn_mask_floats(size_t count)
{
    return (count + sizeof(float) - 1) / sizeof(float);
}

static inline uint8_t *stn_mask_of(float *saved)
{
    return (uint8_t *)(void *)saved;
}

/* The `plan` of operators that keep one mask over their output in training. */
stn_status stn_mask_plan(const stn_node *node, int shard_pictures,
                         bool training, void **plan, stn_op_needs *needs,
                         stn_error *err);

/* dx = dy where the mask is not 0, else 0; dx may be dy. */
void stn_mask_apply(const uint8_t *mask, const float *dy, size_t count,
                    float *dx);

#endif
