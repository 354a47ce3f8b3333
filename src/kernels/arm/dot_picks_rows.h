/* SPDX-License-Identifier: MIT
 *
 * Picked inputs with NEON, see layout/dot_picks.h: TBL picks them. What that
 * header says of halves of vectors are registers here. Written once, for the
 * quads of a level (dot_tile.h). */
#ifndef STN_KERNELS_DOT_PICKS_ROWS_H
#define STN_KERNELS_DOT_PICKS_ROWS_H

#include "kernels/layout/dot_picks.h"
#include "kernels/layout/ending.h"

#define STN_PICKS_VECTORS 4 /* of 8 filters, most of a block */

/* Picks of two segments by 16 places each, the low and the high nibbles. */
STN_INLINE void stn_picks_take(const uint8_t *x, const uint8_t *places,
                               uint8x16_t *to)
{
    uint8x16_t v = vld1q_u8(places);
    to[0] = vqtbl1q_u8(vld1q_u8(x), vandq_u8(v, vdupq_n_u8(15)));
    to[1] = vqtbl1q_u8(vld1q_u8(x + 16), vshrq_n_u8(v, 4));
}

/* Joins the picks of two segments to 4 of each filter, or to 2. */
STN_INLINE void stn_picks_join(uint8x16_t *v, bool pairs)
{
    uint8x16_t a = v[0], b = v[1];
    uint16x8_t c = vreinterpretq_u16_u8(a), d = vreinterpretq_u16_u8(b);
    v[0] = pairs ? vreinterpretq_u8_u16(vzip1q_u16(c, d)) : vzip1q_u8(a, b);
    v[1] = pairs ? vreinterpretq_u8_u16(vzip2q_u16(c, d)) : vzip2q_u8(a, b);
}

DOT_TARGET STN_INLINE void stn_picks_add(stn_quads *q, uint8x16_t x,
                                         const uint8_t *w)
{
    stn_quads_add(q, vreinterpretq_s8_u8(vld1q_u8(w)), vreinterpretq_s8_u8(x));
}

/* Half of a block: filters 0 … 3 of every 8, or 4 … 7, for which `at` and all
 * steps begin 16 bytes later. */
DOT_TARGET STN_INLINE void stn_picks_half(const stn_picks_pack *p,
                                          const uint8_t *at, const uint8_t *x,
                                          int picks, int32x4_t *to)
{
    stn_quads sums[STN_PICKS_VECTORS] = {0};
    for (int i = 0; i < p->n_steps; i++) {
        uint8x16_t a[2], b[2], c[2];
        stn_picks_take(x, at, a);
        if (picks == 2)
            stn_picks_join(a, true);
        if (picks == 1) { /* pairs of segments, then fours */
            stn_picks_take(x + 32, at + 32, b);
            stn_picks_join(a, false);
            stn_picks_join(b, false);
            c[0] = a[1];
            c[1] = b[1];
            a[1] = b[0];
            stn_picks_join(a, true);
            stn_picks_join(c, true);
            stn_picks_add(&sums[2], c[0], at + 128);
            stn_picks_add(&sums[3], c[1], at + 160);
        }
        stn_picks_add(&sums[0], a[0], at + (picks == 1 ? 64 : 32));
        stn_picks_add(&sums[1], a[1], at + (picks == 1 ? 96 : 64));
        at += picks == 1 ? 192 : 96;
        x += picks == 1 ? 64 : 32;
    }
    for (int v = 0; v < STN_PICKS_VECTORS; v++)
        to[v] = stn_quads_end(&sums[v]);
    if (picks == 4) /* both are of the same filters */
        to[0] = vaddq_s32(to[0], to[1]);
}

DOT_TARGET static void stn_picks_block_sums(const stn_picks_pack *p,
                                            const uint8_t *at, const uint8_t *x,
                                            int32x4_t *to)
{
    if (p->picks == 4)
        stn_picks_half(p, at, x, 4, to);
    else if (p->picks == 2)
        stn_picks_half(p, at, x, 2, to);
    else
        stn_picks_half(p, at, x, 1, to);
}

DOT_TARGET static void stn_picks_dot(const stn_dot_call *call)
{
    const stn_picks_pack *p = call->prepared;
    if (call->n == 0)
        return;
    stn_picks_input(p, call);
    const uint8_t *x = call->scratch;
    for (int i = call->part; i < call->part_end; i++) {
        const stn_picks_block *b = &p->blocks[i];
        int32x4_t lo[STN_PICKS_VECTORS], hi[STN_PICKS_VECTORS];
        stn_picks_block_sums(p, b->steps, x, lo);
        stn_picks_block_sums(p, b->steps + 16, x, hi);
        for (int v = 0; 8 * v < b->width; v++) {
            stn_vec sum = stn_vec_load(b->constant + 8 * v);
            sum.lo = vaddq_s32(sum.lo, lo[v]);
            sum.hi = vaddq_s32(sum.hi, hi[v]);
            stn_finish_vec(&(stn_finish){&p->head, call, 0, 1,
                                         (size_t)(b->first + 8 * v),
                                         b->width - 8 * v},
                           &sum, 1);
        }
    }
}

#endif
