/* SPDX-License-Identifier: MIT
 *
 * Products with NEON as every 64-bit ARM CPU has it. SMULL multiplies 8 bytes
 * into 16 bits, of at most 2^14; SADALP adds pairs of those to 32-bit sums.
 * Where n products of a weight by an input fit 16 bits, SMLAL adds n before
 * they are widened: 255 for ternary weights, 2 for 8 bits short of -128. */
#include "kernels/arm/rescale_neon.h"
#include "kernels/layout/dot_plan.h"

#ifdef STN_ARM64

/* Two partial sums of each filter: filters 0 … 3 in a and b, 4 … 7 in c, d. */
typedef struct stn_sums {
    int32x4_t a, b, c, d;
    int16x8_t short_a, short_b, short_c, short_d;
} stn_sums;

#define DOT_TARGET

STN_INLINE void stn_sums_step(stn_sums *s, const int8_t *w, int8x16_t x,
                              stn_dot_kind kind)
{
    int8x16_t w0 = vld1q_s8(w), w1 = vld1q_s8(w + 16);
    if (kind == STN_DOT_WORDS) {
        int16x8_t v = vreinterpretq_s16_s8(x), u = vreinterpretq_s16_s8(w0);
        s->a = vmlal_s16(s->a, vget_low_s16(u), vget_low_s16(v));
        s->b = vmlal_high_s16(s->b, u, v);
        u = vreinterpretq_s16_s8(w1);
        s->c = vmlal_s16(s->c, vget_low_s16(u), vget_low_s16(v));
        s->d = vmlal_high_s16(s->d, u, v);
    } else if (kind == STN_DOT_BYTES_SHORT) {
        s->short_a = vmlal_s8(s->short_a, vget_low_s8(w0), vget_low_s8(x));
        s->short_b = vmlal_high_s8(s->short_b, w0, x);
        s->short_c = vmlal_s8(s->short_c, vget_low_s8(w1), vget_low_s8(x));
        s->short_d = vmlal_high_s8(s->short_d, w1, x);
    } else {
        s->a = vpadalq_s16(s->a, vmull_s8(vget_low_s8(w0), vget_low_s8(x)));
        s->b = vpadalq_s16(s->b, vmull_high_s8(w0, x));
        s->c = vpadalq_s16(s->c, vmull_s8(vget_low_s8(w1), vget_low_s8(x)));
        s->d = vpadalq_s16(s->d, vmull_high_s8(w1, x));
    }
}

STN_INLINE void stn_sums_widen(stn_sums *s, stn_dot_kind kind)
{
    const int16x8_t zero = vdupq_n_s16(0);
    if (kind != STN_DOT_BYTES_SHORT)
        return;
    s->a = vpadalq_s16(s->a, s->short_a);
    s->b = vpadalq_s16(s->b, s->short_b);
    s->c = vpadalq_s16(s->c, s->short_c);
    s->d = vpadalq_s16(s->d, s->short_d);
    s->short_a = s->short_b = s->short_c = s->short_d = zero;
}

STN_INLINE stn_vec stn_sums_end(const stn_sums *s)
{
    return (stn_vec){vpaddq_s32(s->a, s->b), vpaddq_s32(s->c, s->d)};
}

#include "kernels/arm/dot_tile.h"

static stn_dot_arithmetic arithmetic(const stn_dot_shape *s,
                                     stn_dot_facts facts)
{
    stn_dot_arithmetic a = {.kind = STN_DOT_BYTES,
                            .shift = s->hi > INT8_MAX ? -128 : 0};
    int64_t lo = s->lo + a.shift, hi = s->hi + a.shift;
    int steps = stn_dot_int16_products(facts, hi > -lo ? hi : -lo);
    if (steps >= 2) {
        a.kind = STN_DOT_BYTES_SHORT;
        a.int16_steps = steps / 2 * 2;
    }
    return a;
}

stn_status stn_dot_prepare_neon(const stn_dot_shape *shape, const int8_t *codes,
                                stn_arena *arena, stn_prepared *out,
                                stn_error *err)
{
    /* Cycles counted as instructions at two a cycle, not measured. */
    static const stn_dot_style style = {
        .lanes = STN_VEC_LANES,
        .vectors = 1,
        .isa = "neon",
        .arithmetic = arithmetic,
        .run = stn_tile_dot,
        .step = {[STN_DOT_BYTES] = 4.5,
                 [STN_DOT_BYTES_SHORT] = 2.5,
                 [STN_DOT_WORDS] = 2.5},
    };
    const stn_dot_level level = {.multiply = &style,
                                 .bits = stn_bits_style_neon()};
    return stn_dot_plan(&level, shape, codes, arena, out, err);
}
#endif
