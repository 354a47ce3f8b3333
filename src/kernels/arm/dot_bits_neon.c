/* SPDX-License-Identifier: MIT
 *
 * Products on bits with NEON, which counts the ones of each byte in one
 * instruction (CNT). */
#include "kernels/arm/rescale_neon.h"
#include "kernels/layout/dot_bits.h"

#ifdef STN_ARM64
#include "kernels/layout/ending.h"

#define LANES STN_VEC_LANES
#define WORDS_MAX 31 /* before a byte's count, 8 a word, may pass 255 */
#define PATCHES 16   /* whose sums are finished together */

/* For each filter the ones that `n` words of its weights share with x. */
STN_INLINE stn_vec count(const uint32_t *words, const uint32_t *offsets, int n,
                         const uint8_t *x)
{
    uint32x4_t lo = vdupq_n_u32(0), hi = lo;
    while (n > 0) {
        uint8x16_t a = vdupq_n_u8(0), b = a;
        int some = n < WORDS_MAX ? n : WORDS_MAX;
        n -= some;
        for (; some > 0; some--, words += LANES, offsets++) {
            uint32_t word;
            memcpy(&word, x + *offsets, sizeof word);
            uint32x4_t v = vdupq_n_u32(word);
            uint32x4_t p = vandq_u32(v, vld1q_u32(words));
            uint32x4_t q = vandq_u32(v, vld1q_u32(words + 4));
            a = vaddq_u8(a, vcntq_u8(vreinterpretq_u8_u32(p)));
            b = vaddq_u8(b, vcntq_u8(vreinterpretq_u8_u32(q)));
        }
        lo = vpadalq_u16(lo, vpaddlq_u8(a));
        hi = vpadalq_u16(hi, vpaddlq_u8(b));
    }
    return (stn_vec){vreinterpretq_s32_u32(lo), vreinterpretq_s32_u32(hi)};
}

/* Bit j of 16 bytes, each in the place of its byte among 8. */
STN_INLINE uint8x16_t take_bit(uint8x16_t v, int j)
{
    static const int8_t places[16] = {0, 1, 2, 3, 4, 5, 6, 7,
                                      0, 1, 2, 3, 4, 5, 6, 7};
    v = vandq_u8(vshlq_u8(v, vdupq_n_s8((int8_t)-j)), vdupq_n_u8(1));
    return vshlq_u8(v, vld1q_s8(places));
}

/* Cuts the input of a call into planes. */
static void cut(const stn_bits_pack *pack, const stn_dot_call *call)
{
    const uint8_t *x = (const uint8_t *)call->x + call->patches[0];
    size_t n = stn_bits_elements(pack, call);
    const uint8x16_t lo = vdupq_n_u8((uint8_t)pack->lo);
    for (size_t i = 0; i < n; i += 32) {
        uint8_t tail[32] = {0};
        if (n - i < 32)
            memcpy(tail, x + i, n - i);
        const uint8_t *from = n - i < 32 ? tail : x + i;
        uint8x16_t a = vsubq_u8(vld1q_u8(from), lo);
        uint8x16_t b = vsubq_u8(vld1q_u8(from + 16), lo);
        uint8_t *to = (uint8_t *)call->scratch + i / 8;
        for (int j = 0; j < pack->planes; j++, to += pack->plane_bytes) {
            uint8x16_t v = vpaddq_u8(take_bit(a, j), take_bit(b, j));
            v = vpaddq_u8(v, v);
            v = vpaddq_u8(v, v);
            uint32_t bits = vgetq_lane_u32(vreinterpretq_u32_u8(v), 0);
            memcpy(to, &bits, sizeof bits);
        }
    }
}

/* Sums of one patch by one block; `sub` is what binary weights take off. */
STN_INLINE stn_vec patch_sums(const stn_bits_pack *pack,
                              const stn_bits_block *b, const uint8_t *x,
                              int32_t sub)
{
    stn_vec sum = stn_vec_load(b->constant);
    sum.lo = vsubq_s32(sum.lo, vdupq_n_s32(sub));
    sum.hi = vsubq_s32(sum.hi, vdupq_n_s32(sub));
    const uint32_t *p = b->words, *m = p + (size_t)b->n_words * LANES;
    for (int j = 0; j < pack->planes; j++, x += pack->plane_bytes) {
        const int32x4_t shift = vdupq_n_s32(j);
        stn_vec ones = count(p, b->offsets, b->n_words, x), less = ones;
        if (pack->streams == 2) { /* p - m, else p + p */
            less = count(m, b->offsets, b->n_words, x);
            less.lo = vnegq_s32(less.lo);
            less.hi = vnegq_s32(less.hi);
        }
        ones.lo = vaddq_s32(ones.lo, less.lo);
        ones.hi = vaddq_s32(ones.hi, less.hi);
        sum.lo = vaddq_s32(sum.lo, vshlq_s32(ones.lo, shift));
        sum.hi = vaddq_s32(sum.hi, vshlq_s32(ones.hi, shift));
    }
    return sum;
}

static void dot(const stn_dot_call *call)
{
    const stn_bits_pack *pack = call->prepared;
    if (call->n == 0)
        return;
    cut(pack, call);
    for (int first = 0; first < call->n; first += PATCHES) {
        int n = call->n - first < PATCHES ? call->n - first : PATCHES;
        const uint8_t *x[PATCHES];
        int32_t sub[PATCHES];
        for (int r = 0; r < n; r++) {
            uint32_t at = call->patches[first + r] - call->patches[0];
            x[r] = (const uint8_t *)call->scratch + at / 8;
            sub[r] = pack->streams == 2 ? 0 : stn_bits_count(pack, x[r]);
        }
        for (int i = call->part; i < call->part_end; i++) {
            const stn_bits_block *b = &pack->blocks[i];
            stn_vec sums[PATCHES];
            for (int r = 0; r < n; r++)
                sums[r] = patch_sums(pack, b, x[r], sub[r]);
            stn_finish_vec(&(stn_finish){&pack->head, call, (size_t)first,
                                         (size_t)n, (size_t)b->first, b->width},
                           sums, 1);
        }
    }
}

const stn_bits_style *stn_bits_style_neon(void)
{
    /* Cycles counted as instructions at two a cycle, not measured. */
    static const stn_bits_style style = {
        .lanes = LANES, .isa = "bits_neon", .run = dot, .word = 5, .once = 10};
    return &style;
}
#endif
