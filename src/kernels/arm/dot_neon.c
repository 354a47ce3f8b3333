/* SPDX-License-Identifier: MIT
 *
 * Products with NEON as every 64-bit ARM CPU has it. SMULL multiplies 8 bytes
 * into 16 bits, of at most 2^14; SADALP adds pairs of those to 32-bit sums.
 * Where n products of a weight by an input fit 16 bits, SMLAL adds n before
 * they are widened: 255 for ternary weights, 2 for 8 bits short of -128. */
#include "kernels/arm/rescale_neon.h"
#include "kernels/layout/dot_plan.h"

#ifdef STN_ARM64

#define DOT_TARGET

/* Two partial sums of each: of the first two in a, of the others in b. */
typedef struct stn_quads {
    int32x4_t a, b;
    int16x8_t short_a, short_b;
} stn_quads;

STN_INLINE void stn_quads_add(stn_quads *q, int8x16_t w, int8x16_t x)
{
    q->a = vpadalq_s16(q->a, vmull_s8(vget_low_s8(w), vget_low_s8(x)));
    q->b = vpadalq_s16(q->b, vmull_high_s8(w, x));
}

STN_INLINE void stn_quads_add_short(stn_quads *q, int8x16_t w, int8x16_t x)
{
    q->short_a = vmlal_s8(q->short_a, vget_low_s8(w), vget_low_s8(x));
    q->short_b = vmlal_high_s8(q->short_b, w, x);
}

STN_INLINE void stn_quads_add_words(stn_quads *q, int16x8_t w, int16x8_t x)
{
    q->a = vmlal_s16(q->a, vget_low_s16(w), vget_low_s16(x));
    q->b = vmlal_high_s16(q->b, w, x);
}

STN_INLINE void stn_quads_widen(stn_quads *q)
{
    q->a = vpadalq_s16(q->a, q->short_a);
    q->b = vpadalq_s16(q->b, q->short_b);
    q->short_a = q->short_b = vdupq_n_s16(0);
}

STN_INLINE int32x4_t stn_quads_end(const stn_quads *q)
{
    return vpaddq_s32(q->a, q->b);
}

#include "kernels/arm/dot_codes_rows.h"
#include "kernels/arm/dot_picks_rows.h"
#include "kernels/arm/dot_sparse_rows.h"
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
    static const stn_codes_style codes_style = {
        .lanes = STN_VEC_LANES,
        .vectors = 1,
        .isa = "codes_neon",
        .run = stn_codes_dot,
        .weight = {0, 0.18, 0.21},
    };
    static const stn_picks_style picks = {"picks_neon", stn_picks_dot, 0.26};
    static const stn_sparse_style sparse = {
        .lanes = STN_VEC_LANES,
        .is_signed = true,
        .isa = "sparse_neon",
        .tile = stn_sparse_do_tile,
        .patches = STN_SPARSE_PATCHES,
        .group = 43,
        .turn = 24,
        .end = 14,
    };
    const stn_dot_level level = {
        .multiply = &style,
        .codes = &codes_style,
        .bits = stn_bits_style_neon(),
        .tables = stn_tables_style_neon(),
        .sparse = &sparse,
        .picks = &picks,
    };
    return stn_dot_plan(&level, shape, codes, arena, out, err);
}
#endif
