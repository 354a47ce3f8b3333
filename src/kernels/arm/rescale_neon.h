/* SPDX-License-Identifier: MIT
 *
 * Vectors of 8 32-bit lanes, two registers of NEON, and the map of
 * rescale_pack.h on them. Fewer than 8 elements go through a copy. */
#ifndef STN_KERNELS_RESCALE_NEON_H
#define STN_KERNELS_RESCALE_NEON_H

#include "kernels/arm/arm.h"
#include "kernels/layout/rescale_pack.h"

#ifdef STN_ARM64
#include <arm_neon.h>
#include <string.h>

#define STN_VEC
#define STN_VEC_LANES 8

typedef struct stn_vec {
    int32x4_t lo, hi;
} stn_vec;
typedef size_t stn_lanes; /* in use */

STN_INLINE stn_lanes stn_lanes_of(int width)
{
    return width < STN_VEC_LANES ? (size_t)width : STN_VEC_LANES;
}

STN_INLINE stn_vec stn_vec_zero(void)
{
    return (stn_vec){vdupq_n_s32(0), vdupq_n_s32(0)};
}

STN_INLINE stn_vec stn_vec_load(const int32_t *x)
{
    return (stn_vec){vld1q_s32(x), vld1q_s32(x + 4)};
}

STN_INLINE stn_vec stn_vec_widen(const void *x, stn_type type)
{
    int16x8_t words;
    if (type == STN_TYPE_S32) {
        uint8x16_t lo = vld1q_u8(x), hi = vld1q_u8((const uint8_t *)x + 16);
        return (stn_vec){vreinterpretq_s32_u8(lo), vreinterpretq_s32_u8(hi)};
    }
    if (type == STN_TYPE_U8)
        words = vreinterpretq_s16_u16(vmovl_u8(vld1_u8(x)));
    else if (type == STN_TYPE_S8)
        words = vmovl_s8(vld1_s8(x));
    else
        words = vreinterpretq_s16_u8(vld1q_u8(x));
    return (stn_vec){vmovl_s16(vget_low_s16(words)), vmovl_high_s16(words)};
}

/* Elements i … i + n - 1 as 32-bit numbers, 1 <= n <= 8. */
STN_INLINE stn_vec stn_vec_read(const void *x, stn_type type, size_t i,
                                stn_lanes n)
{
    size_t size = stn_type_size(type);
    const uint8_t *from = (const uint8_t *)x + i * size;
    if (n == STN_VEC_LANES)
        return stn_vec_widen(from, type);
    uint8_t copy[32] = {0};
    memcpy(copy, from, n * size);
    return stn_vec_widen(copy, type);
}

/* Values fit their type, so that dropping high bits is exact. */
STN_INLINE void stn_vec_write(void *y, stn_type type, size_t i, stn_lanes n,
                              stn_vec v)
{
    size_t size = stn_type_size(type);
    uint8_t copy[32], *to = (uint8_t *)y + i * size;
    uint8_t *at = n == STN_VEC_LANES ? to : copy;
    if (type == STN_TYPE_S32) {
        vst1q_u8(at, vreinterpretq_u8_s32(v.lo));
        vst1q_u8(at + 16, vreinterpretq_u8_s32(v.hi));
    } else {
        int16x8_t words = vcombine_s16(vmovn_s32(v.lo), vmovn_s32(v.hi));
        if (type == STN_TYPE_S16)
            vst1q_u8(at, vreinterpretq_u8_s16(words));
        else
            vst1_s8((int8_t *)at, vmovn_s16(words));
    }
    if (n != STN_VEC_LANES)
        memcpy(to, copy, n * size);
}

/* Even lanes of x times those of m, and odd ones. */
STN_INLINE void stn_add_products(int32x4_t x, const int32_t *m, int64x2_t *even,
                                 int64x2_t *odd)
{
    int32x2x2_t both = vld2_s32(m);
    *even = vmlal_s32(*even, vget_low_s32(vuzp1q_s32(x, x)), both.val[0]);
    *odd = vmlal_s32(*odd, vget_low_s32(vuzp2q_s32(x, x)), both.val[1]);
}

/* `a` has the first two even addends, and the odd ones 4 further on. */
STN_INLINE int32x4_t stn_map_half(const stn_rescale_pack *p, size_t at,
                                  const int64_t *a, int32x4_t x0, int32x4_t x1)
{
    if (p->kind == STN_RESCALE_STEP) {
        x0 = veorq_s32(x0, vld1q_s32(p->flip + at));
        uint32x4_t above = vcgtq_s32(x0, vld1q_s32(p->limit + at));
        return vsubq_s32(vdupq_n_s32(p->lo), vreinterpretq_s32_u32(above));
    }
    int64x2_t even = vld1q_s64(a), odd = vld1q_s64(a + 4);
    const int32x4_t before = vdupq_n_s32(p->before);
    stn_add_products(vshlq_s32(x0, before), p->m0 + at, &even, &odd);
    if (p->two)
        stn_add_products(vshlq_s32(x1, before), p->m1 + at, &even, &odd);
    /* Upper halves. */
    int32x4_t v =
        vtrn2q_s32(vreinterpretq_s32_s64(even), vreinterpretq_s32_s64(odd));
    v = vshlq_s32(v, vdupq_n_s32(-p->after));
    v = vmaxq_s32(v, vdupq_n_s32(p->lo));
    return vminq_s32(v, vdupq_n_s32(p->hi));
}

/* y of 8 elements whose multipliers begin at `at`; x1 is read where the map
 * has two inputs. The kind is not REF. */
STN_INLINE stn_vec stn_vec_map(const stn_rescale_pack *p, size_t at, stn_vec x0,
                               stn_vec x1)
{
    const int64_t *a = p->a + at;
    return (stn_vec){stn_map_half(p, at, a, x0.lo, x1.lo),
                     stn_map_half(p, at + 4, a + 2, x0.hi, x1.hi)};
}

#endif
#endif
