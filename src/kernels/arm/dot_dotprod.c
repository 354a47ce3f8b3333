/* SPDX-License-Identifier: MIT
 *
 * Products with SDOT, which adds 4 products of bytes to each 32-bit lane and
 * cannot overflow: every kind of 8-bit weight is exact. */
#include "kernels/arm/rescale_neon.h"
#include "kernels/layout/dot_plan.h"

#ifdef STN_ARM_DOTPROD

#define DOT_TARGET STN_ARM_DOTPROD

typedef struct stn_quads {
    int32x4_t a;
} stn_quads;

DOT_TARGET STN_INLINE void stn_quads_add(stn_quads *q, int8x16_t w, int8x16_t x)
{
    q->a = vdotq_s32(q->a, w, x);
}

DOT_TARGET STN_INLINE void stn_quads_add_short(stn_quads *q, int8x16_t w,
                                               int8x16_t x)
{
    stn_quads_add(q, w, x);
}

STN_INLINE void stn_quads_add_words(stn_quads *q, int16x8_t w, int16x8_t x)
{
    int32x4_t lo = vmull_s16(vget_low_s16(w), vget_low_s16(x));
    q->a = vaddq_s32(q->a, vpaddq_s32(lo, vmull_high_s16(w, x)));
}

STN_INLINE void stn_quads_widen(stn_quads *q)
{
    (void)q;
}

STN_INLINE int32x4_t stn_quads_end(const stn_quads *q)
{
    return q->a;
}

#include "kernels/arm/dot_codes_rows.h"
#include "kernels/arm/dot_picks_rows.h"
#include "kernels/arm/dot_sparse_rows.h"
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
    static const stn_codes_style codes_style = {
        .lanes = STN_VEC_LANES,
        .vectors = 1,
        .isa = "codes_dotprod",
        .run = stn_codes_dot,
        .weight = {0, 0.15, 0.18},
    };
    static const stn_picks_style picks = {"picks_dotprod", stn_picks_dot, 0.2};
    static const stn_sparse_style sparse = {
        .lanes = STN_VEC_LANES,
        .is_signed = true,
        .isa = "sparse_dotprod",
        .tile = stn_sparse_do_tile,
        .patches = STN_SPARSE_PATCHES,
        .group = 17,
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
