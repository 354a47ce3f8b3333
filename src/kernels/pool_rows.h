/* SPDX-License-Identifier: MIT
 *
 * The two pools, written once. ref/pool.c compiles them plainly, x86/pool_*.c
 * for wider vectors: loops over channels that a compiler vectorises well need
 * no intrinsics. Included by those files only. */
#ifndef STN_KERNELS_POOL_ROWS_H
#define STN_KERNELS_POOL_ROWS_H

#include "base/compiler.h"
#include "kernels/kernels.h"
#include <string.h>

/* One output pixel: `x` is the window's first element. */
#define STN_DEFINE_POOLS(type, suffix)                                         \
    STN_INLINE void stn_max_##suffix(const stn_pool_call *p, const type *x,    \
                                     type *STN_RESTRICT y)                     \
    {                                                                          \
        size_t c = (size_t)p->channels;                                        \
        memcpy(y, x, c * sizeof *y);                                           \
        for (int i = 0; i < p->kh; i++)                                        \
            for (int j = 0; j < p->kw; j++) {                                  \
                const type *v = x + (size_t)i * p->pitch + (size_t)j * c;      \
                for (size_t k = 0; k < c; k++)                                 \
                    y[k] = v[k] > y[k] ? v[k] : y[k];                          \
            }                                                                  \
    }                                                                          \
    STN_INLINE void stn_sum_##suffix(const stn_pool_call *p, const type *x,    \
                                     int32_t *STN_RESTRICT y)                  \
    {                                                                          \
        size_t c = (size_t)p->channels;                                        \
        memset(y, 0, c * sizeof *y);                                           \
        for (int i = 0; i < p->kh; i++)                                        \
            for (int j = 0; j < p->kw; j++) {                                  \
                const type *v = x + (size_t)i * p->pitch + (size_t)j * c;      \
                for (size_t k = 0; k < c; k++)                                 \
                    y[k] += v[k];                                              \
            }                                                                  \
    }                                                                          \
    STN_INLINE void stn_max_row_##suffix(const stn_pool_call *p)               \
    {                                                                          \
        size_t c = (size_t)p->channels, step = (size_t)p->stride * c;          \
        for (size_t q = 0; q < (size_t)p->width; q++)                          \
            stn_max_##suffix(p, (const type *)p->x + q * step,                 \
                             (type *)p->y + q * c);                            \
    }                                                                          \
    STN_INLINE void stn_sum_row_##suffix(const stn_pool_call *p)               \
    {                                                                          \
        size_t c = (size_t)p->channels, step = (size_t)p->stride * c;          \
        for (size_t q = 0; q < (size_t)p->width; q++)                          \
            stn_sum_##suffix(p, (const type *)p->x + q * step,                 \
                             (int32_t *)p->y + q * c);                         \
    }

STN_DEFINE_POOLS(uint8_t, u8)
STN_DEFINE_POOLS(int8_t, s8)
STN_DEFINE_POOLS(int16_t, s16)
STN_DEFINE_POOLS(int32_t, s32)

STN_INLINE void stn_max_row(const stn_pool_call *p)
{
    if (p->input == STN_TYPE_U8)
        stn_max_row_u8(p);
    else if (p->input == STN_TYPE_S8)
        stn_max_row_s8(p);
    else if (p->input == STN_TYPE_S16)
        stn_max_row_s16(p);
    else
        stn_max_row_s32(p);
}

STN_INLINE void stn_sum_row(const stn_pool_call *p)
{
    if (p->input == STN_TYPE_U8)
        stn_sum_row_u8(p);
    else if (p->input == STN_TYPE_S8)
        stn_sum_row_s8(p);
    else if (p->input == STN_TYPE_S16)
        stn_sum_row_s16(p);
    else
        stn_sum_row_s32(p);
}

#endif
