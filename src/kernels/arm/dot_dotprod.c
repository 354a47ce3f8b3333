/* SPDX-License-Identifier: MIT
 *
 * Products with SDOT, which adds 4 products of bytes to each 32-bit lane and
 * cannot overflow: every kind of 8-bit weight is exact. */
#include "kernels/arm/rescale_neon.h"
#include "kernels/layout/dot_plan.h"

#ifdef STN_ARM_DOTPROD

typedef struct stn_sums {
    int32x4_t a, c; /* filters 0 … 3, 4 … 7 */
} stn_sums;

#define DOT_TARGET STN_ARM_DOTPROD

DOT_TARGET STN_INLINE void stn_sums_step(stn_sums *s, const int8_t *w,
                                         int8x16_t x, stn_dot_kind kind)
{
    int8x16_t w0 = vld1q_s8(w), w1 = vld1q_s8(w + 16);
    if (kind != STN_DOT_WORDS) {
        s->a = vdotq_s32(s->a, w0, x);
        s->c = vdotq_s32(s->c, w1, x);
        return;
    }
    int16x8_t v = vreinterpretq_s16_s8(x), u = vreinterpretq_s16_s8(w0);
    int16x8_t t = vreinterpretq_s16_s8(w1);
    int32x4_t a = vmull_s16(vget_low_s16(u), vget_low_s16(v));
    int32x4_t c = vmull_s16(vget_low_s16(t), vget_low_s16(v));
    s->a = vaddq_s32(s->a, vpaddq_s32(a, vmull_high_s16(u, v)));
    s->c = vaddq_s32(s->c, vpaddq_s32(c, vmull_high_s16(t, v)));
}

STN_INLINE void stn_sums_widen(stn_sums *s, stn_dot_kind kind)
{
    (void)s;
    (void)kind;
}

STN_INLINE stn_vec stn_sums_end(const stn_sums *s)
{
    return (stn_vec){s->a, s->c};
}

#include "kernels/arm/dot_tile.h"

static stn_dot_arithmetic arithmetic(const stn_dot_shape *s,
                                     stn_dot_facts facts)
{
    (void)facts;
    return (stn_dot_arithmetic){.kind = STN_DOT_BYTES,
                                .shift = s->hi > INT8_MAX ? -128 : 0};
}

stn_status stn_dot_prepare_dotprod(const stn_dot_shape *shape,
                                   const int8_t *codes, stn_arena *arena,
                                   stn_prepared *out, stn_error *err)
{
    /* Cycles counted as instructions at two a cycle, not measured. */
    static const stn_dot_style style = {
        .lanes = STN_VEC_LANES,
        .vectors = 1,
        .isa = "dotprod",
        .arithmetic = arithmetic,
        .run = stn_tile_dot,
        .step = {[STN_DOT_BYTES] = 1.5, [STN_DOT_WORDS] = 4.5},
    };
    const stn_dot_level level = {.multiply = &style,
                                 .bits = stn_bits_style_neon()};
    return stn_dot_plan(&level, shape, codes, arena, out, err);
}
#endif
