/* SPDX-License-Identifier: MIT
 *
 * Sparse products with AVX2, see dot_sparse.h. Pairs of products, which
 * vpmaddubsw makes, are summed in 16 bits over a group and widened then: 8
 * products must fit. */
#include "kernels/layout/dot_sparse.h"
#include "kernels/x86/ending_avx2.h"

#ifdef STN_X86
#include <string.h>

#define AVX2 STN_AVX2
#define PATCHES 16
#define SUMS (PATCHES * (int)sizeof(int32_t)) /* bytes of a filter's */

AVX2 STN_INLINE __m256i two_rows(const uint8_t *low, const uint8_t *high)
{
    return _mm256_inserti128_si256(
        _mm256_castsi128_si256(_mm_loadu_si128((const void *)low)),
        _mm_loadu_si128((const void *)high), 1);
}

/* 8 rows of four 32-bit numbers: number k of row i goes to lane i of to[k]. */
AVX2 STN_INLINE void turn(const uint8_t *const *rows, size_t at, __m256i *to)
{
    __m256i a = two_rows(rows[0] + at, rows[4] + at);
    __m256i b = two_rows(rows[1] + at, rows[5] + at);
    __m256i c = two_rows(rows[2] + at, rows[6] + at);
    __m256i d = two_rows(rows[3] + at, rows[7] + at);
    __m256i ab01 = _mm256_unpacklo_epi32(a, b);
    __m256i ab23 = _mm256_unpackhi_epi32(a, b);
    __m256i cd01 = _mm256_unpacklo_epi32(c, d);
    __m256i cd23 = _mm256_unpackhi_epi32(c, d);
    to[0] = _mm256_unpacklo_epi64(ab01, cd01);
    to[1] = _mm256_unpackhi_epi64(ab01, cd01);
    to[2] = _mm256_unpacklo_epi64(ab23, cd23);
    to[3] = _mm256_unpackhi_epi64(ab23, cd23);
}

AVX2 STN_INLINE __m256i four_weights(const int8_t *w)
{
    int32_t four;
    memcpy(&four, w, sizeof four);
    return _mm256_set1_epi32(four);
}

/* Widens 16-bit sums of pairs and adds them to a filter's. */
AVX2 STN_INLINE void put(__m256i *to, __m256i pairs)
{
    const __m256i ones = _mm256_set1_epi16(1);
    _mm256_store_si256(to,
                       _mm256_add_epi32(_mm256_madd_epi16(pairs, ones), *to));
}

/* Adds all of a block to the sums of 16 patches, x[k] and x[4 + k] being
 * their inputs 4 k to 4 k + 3. */
AVX2 STN_INLINE void add_block(const stn_sparse_block *b,
                               const uint8_t *const *patches, bool flip,
                               uint8_t *sums)
{
    const __m256i top = _mm256_set1_epi8(-128);
    const stn_sparse_live *g = b->live;
    for (int s = 0; s < b->n_slots; s++) {
        __m256i x[8];
        turn(patches, b->slots[s].offset, x);
        turn(patches + 8, b->slots[s].offset, x + 4);
        STN_UNROLL(8)
        for (int k = 0; k < 8 && flip; k++)
            x[k] = _mm256_xor_si256(x[k], top);
        for (const stn_sparse_live *end = g + b->slots[s].n; g < end; g++) {
            __m256i *to = (__m256i *)(void *)(sums + g->at);
            __m256i w = four_weights(g->weights);
            __m256i low = _mm256_maddubs_epi16(x[0], w);
            __m256i high = _mm256_maddubs_epi16(x[4], w);
            STN_UNROLL(4)
            for (int k = 1; k < 4; k++) {
                w = four_weights(g->weights + 4 * k);
                low = _mm256_add_epi16(low, _mm256_maddubs_epi16(x[k], w));
                high =
                    _mm256_add_epi16(high, _mm256_maddubs_epi16(x[4 + k], w));
            }
            put(to, low);
            put(to + 1, high);
        }
    }
}

/* Turns sums back, 8 filters by 4 patches at a time. */
AVX2 static void finish(const stn_sparse_tile *t, const uint8_t *sums)
{
    const stn_sparse_pack *p = t->call->prepared;
    const stn_sparse_block *b = t->block;
    int out = t->call->shape->out;
    for (int f = 0; f < b->filters; f += 8)
        for (int r = 0; r < t->n; r += 4) {
            const uint8_t *rows[8];
            __m256i turned[4];
            for (int i = 0; i < 8; i++)
                rows[i] = sums + (f + i) * SUMS;
            turn(rows, 4 * (size_t)r, turned);
            stn_finish_vec(
                &(stn_finish){&p->head, t->call, (size_t)(t->first + r),
                              (size_t)(t->n - r < 4 ? t->n - r : 4),
                              (size_t)(b->first + f), out - b->first - f},
                turned, 1);
        }
}

AVX2 static void do_tile(const stn_sparse_tile *t)
{
    const stn_sparse_pack *p = t->call->prepared;
    const stn_sparse_block *b = t->block;
    uint8_t *sums = t->call->scratch;
    for (int f = 0; f < b->filters; f++) {
        __m256i *to = (__m256i *)(void *)(sums + f * SUMS);
        to[0] = to[1] = _mm256_set1_epi32(b->correction[f]);
    }
    if (p->flip)
        add_block(b, t->patches, true, sums);
    else
        add_block(b, t->patches, false, sums);
    finish(t, sums);
}

const stn_sparse_style *stn_sparse_style_avx2(void)
{
    static const stn_sparse_style style = {.isa = "sparse_avx2",
                                           .tile = do_tile,
                                           .lanes = 8,
                                           .patches = PATCHES,
                                           .products = 8,
                                           .group = 11.8,
                                           .turn = 25,
                                           .end = 54};
    return &style;
}
#endif
