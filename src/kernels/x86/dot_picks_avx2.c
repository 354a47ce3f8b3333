/* SPDX-License-Identifier: MIT
 *
 * Picked inputs with AVX2. Products are those of |x| by w with the sign of x,
 * at most 128 * 127, whose pairs fit the 16 bits of vpmaddubsw. */
#include "kernels/layout/dot_picks.h"
#include "kernels/x86/ending_avx2.h"

#ifdef STN_X86

#define AVX2 STN_AVX2
#define VECTORS 4 /* of 8 filters, most of a block */

AVX2 STN_INLINE __m256i pick(const uint8_t *x, __m256i places)
{
    return _mm256_shuffle_epi8(
        _mm256_broadcastsi128_si256(_mm_load_si128((const void *)x)), places);
}

/* Adds 4 products to each lane. */
AVX2 STN_INLINE __m256i add(__m256i sum, __m256i x, const uint8_t *w)
{
    __m256i v = _mm256_load_si256((const void *)w);
    v = _mm256_maddubs_epi16(_mm256_abs_epi8(x), _mm256_sign_epi8(v, x));
    return _mm256_add_epi32(sum, _mm256_madd_epi16(v, _mm256_set1_epi16(1)));
}

/* Sums of one block, 8 filters a vector. */
AVX2 STN_INLINE void block_sums(const stn_picks_pack *p, const uint8_t *at,
                                const uint8_t *x, int picks, __m256i *sums)
{
    const __m256i nibble = _mm256_set1_epi8(15);
    __m256i a = _mm256_setzero_si256(), b = a, c = a, d = a;
    for (int i = 0; i < p->n_steps; i++) {
        __m256i places = _mm256_load_si256((const void *)at);
        __m256i s = pick(x, _mm256_and_si256(places, nibble));
        places = _mm256_and_si256(_mm256_srli_epi16(places, 4), nibble);
        __m256i t = pick(x + 16, places);
        if (picks == 4) {
            a = add(a, s, at + 32);
            b = add(b, t, at + 64);
        } else if (picks == 2) {
            a = add(a, _mm256_unpacklo_epi16(s, t), at + 32);
            b = add(b, _mm256_unpackhi_epi16(s, t), at + 64);
        } else {
            places = _mm256_load_si256((const void *)(at + 32));
            __m256i u = pick(x + 32, _mm256_and_si256(places, nibble));
            places = _mm256_and_si256(_mm256_srli_epi16(places, 4), nibble);
            __m256i v = pick(x + 48, places);
            __m256i low = _mm256_unpacklo_epi8(s, t);
            __m256i high = _mm256_unpackhi_epi8(s, t);
            __m256i low1 = _mm256_unpacklo_epi8(u, v);
            __m256i high1 = _mm256_unpackhi_epi8(u, v);
            a = add(a, _mm256_unpacklo_epi16(low, low1), at + 64);
            b = add(b, _mm256_unpackhi_epi16(low, low1), at + 96);
            c = add(c, _mm256_unpacklo_epi16(high, high1), at + 128);
            d = add(d, _mm256_unpackhi_epi16(high, high1), at + 160);
        }
        at += picks == 1 ? 192 : 96;
        x += picks == 1 ? 64 : 32;
    }
    sums[0] = picks == 4 ? _mm256_add_epi32(a, b) : a;
    sums[1] = b;
    sums[2] = c;
    sums[3] = d;
}

AVX2 static void dot(const stn_dot_call *call)
{
    const stn_picks_pack *p = call->prepared;
    if (call->n == 0)
        return;
    stn_picks_input(p, call);
    const uint8_t *x = call->scratch;
    for (int i = call->part; i < call->part_end; i++) {
        const stn_picks_block *b = &p->blocks[i];
        __m256i sums[VECTORS];
        if (p->picks == 4)
            block_sums(p, b->steps, x, 4, sums);
        else if (p->picks == 2)
            block_sums(p, b->steps, x, 2, sums);
        else
            block_sums(p, b->steps, x, 1, sums);
        for (int v = 0; 8 * v < b->width; v++) {
            sums[v] = _mm256_add_epi32(
                sums[v],
                _mm256_load_si256((const void *)(b->constant + 8 * v)));
            stn_finish_vec(&(stn_finish){&p->head, call, 0, 1,
                                         (size_t)(b->first + 8 * v),
                                         b->width - 8 * v},
                           &sums[v], 1);
        }
    }
}

const stn_picks_style *stn_picks_style_avx2(void)
{
    static const stn_picks_style style = {"picks_avx2", dot, 0.2};
    return &style;
}
#endif
