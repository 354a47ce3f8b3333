/* SPDX-License-Identifier: MIT
 *
 * Packed codes against a lone patch with NEON, see layout/dot_codes.h: codes
 * are shifted down in registers, so that all fields share their sums. A code
 * is at most 2 and an input at most 128, of which WIDEN products fit 16 bits.
 * Written once, for the quads of a level (dot_tile.h). */
#ifndef STN_KERNELS_DOT_CODES_ROWS_H
#define STN_KERNELS_DOT_CODES_ROWS_H

#include "kernels/layout/dot_codes.h"
#include "kernels/layout/ending.h"

#define STN_CODES_WIDEN 127

/* Field `f` of 16 bytes. */
STN_INLINE int8x16_t stn_codes_field(uint8x16_t v, int bits, int f)
{
    const uint8x16_t mask = vdupq_n_u8((uint8_t)((1 << bits) - 1));
    const int8x16_t down = vdupq_n_s8((int8_t)(-bits * f));
    return vreinterpretq_s8_u8(vandq_u8(vshlq_u8(v, down), mask));
}

DOT_TARGET STN_INLINE stn_vec stn_codes_sums(const stn_codes_pack *p,
                                             const uint8_t *codes,
                                             const uint8_t *x, int bits)
{
    const int fields = 8 / bits, chunk = STN_CODES_WIDEN / fields;
    stn_quads lo = {0}, hi = {0};
    for (int g = 0; g < p->groups;) {
        int end = p->groups - g < chunk ? p->groups : g + chunk;
        for (; g < end; g++, codes += 32) {
            uint8x16_t a = vld1q_u8(codes), b = vld1q_u8(codes + 16);
            for (int f = 0; f < fields; f++, x += 4) {
                uint32_t four;
                memcpy(&four, x, sizeof four);
                int8x16_t v = vreinterpretq_s8_u32(vdupq_n_u32(four));
                stn_quads_add_short(&lo, stn_codes_field(a, bits, f), v);
                stn_quads_add_short(&hi, stn_codes_field(b, bits, f), v);
            }
        }
        stn_quads_widen(&lo);
        stn_quads_widen(&hi);
    }
    return (stn_vec){stn_quads_end(&lo), stn_quads_end(&hi)};
}

DOT_TARGET static void stn_codes_dot(const stn_dot_call *call)
{
    const stn_codes_pack *p = call->prepared;
    if (call->n == 0)
        return;
    const int32x4_t sum_x = vdupq_n_s32(stn_codes_input(p, call));
    const uint8_t *x = call->scratch;
    for (int i = call->part; i < call->part_end; i++) {
        const stn_codes_block *b = &p->blocks[i];
        stn_vec sum = p->bits == 2 ? stn_codes_sums(p, b->codes, x, 2)
                                   : stn_codes_sums(p, b->codes, x, 1);
        stn_vec more = stn_vec_load(b->constant);
        const int32x4_t twice = vdupq_n_s32(p->bits == 1);
        sum.lo = vaddq_s32(vshlq_s32(sum.lo, twice), more.lo);
        sum.hi = vaddq_s32(vshlq_s32(sum.hi, twice), more.hi);
        sum.lo = vsubq_s32(sum.lo, sum_x);
        sum.hi = vsubq_s32(sum.hi, sum_x);
        stn_finish_vec(
            &(stn_finish){&p->head, call, 0, 1, (size_t)b->first, b->width},
            &sum, 1);
    }
}

#endif
