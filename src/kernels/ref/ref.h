/* SPDX-License-Identifier: MIT
 *
 * The scalar kernels: what every other level is measured against, and what it
 * falls back to for shapes that it has nothing faster for. */
#ifndef STN_KERNELS_REF_H
#define STN_KERNELS_REF_H

#include "kernels/kernels.h"

stn_status stn_dot_prepare_ref(const stn_dot_shape *shape, const int8_t *codes,
                               stn_arena *arena, stn_prepared *out,
                               stn_error *err);
void stn_dot_ref(const stn_dot_call *call);

bool stn_circulant_pays_ref(const stn_dot_shape *shape,
                            stn_circulant_blocks blocks);
stn_status stn_circulant_prepare_ref(const stn_dot_shape *shape,
                                     stn_circulant_blocks blocks,
                                     const int8_t *codes, stn_arena *arena,
                                     stn_prepared *out, stn_error *err);
void stn_circulant_ref(const stn_dot_call *call);

stn_status stn_depthwise_prepare_ref(const stn_depthwise_shape *shape,
                                     const int8_t *codes, stn_arena *arena,
                                     stn_prepared *out, stn_error *err);
void stn_depthwise_ref(const stn_depthwise_call *call);

/* Needs nothing laid out: out->data is NULL. */
stn_status stn_rescale_prepare_ref(const stn_rescale_shape *shape,
                                   stn_arena *arena, stn_prepared *out,
                                   stn_error *err);
void stn_rescale_ref(const stn_rescale_call *call);
/* Elements [first, last) of the n * channels of a call. */
void stn_rescale_range_ref(const stn_rescale_call *call, size_t first,
                           size_t last);

void stn_max_pool_ref(const stn_pool_call *call);
void stn_sum_pool_ref(const stn_pool_call *call);

void stn_lif_ref(const stn_lif_call *call);
void stn_rate_code_ref(const stn_rate_code_call *call);

/* Element i of an array of any type. */
static inline int32_t stn_load(const void *x, stn_type type, size_t i)
{
    switch (type) {
    case STN_TYPE_U8:
        return ((const uint8_t *)x)[i];
    case STN_TYPE_S8:
        return ((const int8_t *)x)[i];
    case STN_TYPE_S16:
        return ((const int16_t *)x)[i];
    case STN_TYPE_S32:
        break;
    }
    return ((const int32_t *)x)[i];
}

/* v lies within the type. */
static inline void stn_store(void *y, stn_type type, size_t i, int64_t v)
{
    switch (type) {
    case STN_TYPE_U8:
        ((uint8_t *)y)[i] = (uint8_t)v;
        break;
    case STN_TYPE_S8:
        ((int8_t *)y)[i] = (int8_t)v;
        break;
    case STN_TYPE_S16:
        ((int16_t *)y)[i] = (int16_t)v;
        break;
    case STN_TYPE_S32:
        ((int32_t *)y)[i] = (int32_t)v;
        break;
    }
}

#endif
