/* SPDX-License-Identifier: MIT
 *
 * Sparse products with AVX-512 VNNI, see dot_sparse.h. */
#include "kernels/layout/dot_sparse.h"
#include "kernels/x86/ending_avx512.h"

#ifdef STN_X86
#include <string.h>

#define AVX512 STN_AVX512
#define PATCHES 32
#define SUMS (PATCHES * (int)sizeof(int32_t)) /* bytes of a filter's */

AVX512 STN_INLINE __m512i four_rows(const uint8_t *const *rows, size_t at)
{
    __m512i v =
        _mm512_castsi128_si512(_mm_loadu_si128((const void *)(rows[0] + at)));
    v = _mm512_inserti32x4(v, _mm_loadu_si128((const void *)(rows[4] + at)), 1);
    v = _mm512_inserti32x4(v, _mm_loadu_si128((const void *)(rows[8] + at)), 2);
    return _mm512_inserti32x4(v, _mm_loadu_si128((const void *)(rows[12] + at)),
                              3);
}

/* 16 rows of four 32-bit numbers: number k of row i goes to lane i of to[k]. */
AVX512 STN_INLINE void turn(const uint8_t *const *rows, size_t at, __m512i *to)
{
    __m512i a = four_rows(rows, at), b = four_rows(rows + 1, at);
    __m512i c = four_rows(rows + 2, at), d = four_rows(rows + 3, at);
    __m512i ab01 = _mm512_unpacklo_epi32(a, b);
    __m512i ab23 = _mm512_unpackhi_epi32(a, b);
    __m512i cd01 = _mm512_unpacklo_epi32(c, d);
    __m512i cd23 = _mm512_unpackhi_epi32(c, d);
    to[0] = _mm512_unpacklo_epi64(ab01, cd01);
    to[1] = _mm512_unpackhi_epi64(ab01, cd01);
    to[2] = _mm512_unpacklo_epi64(ab23, cd23);
    to[3] = _mm512_unpackhi_epi64(ab23, cd23);
}

/* Sums of one filter and 32 patches; of 16 where `b` is not in use. */
typedef struct pair {
    __m512i a, b;
} pair;

AVX512 STN_INLINE pair load(const uint8_t *sums, bool two)
{
    const __m512i *from = (const void *)sums;
    return (pair){_mm512_load_si512(from), _mm512_load_si512(from + two)};
}

AVX512 STN_INLINE void store(uint8_t *sums, pair p, bool two)
{
    _mm512_store_si512(sums, p.a);
    if (two)
        _mm512_store_si512(sums + sizeof p.a, p.b);
}

/* Adds the products of 4 weights with x[0] and, of the patches after those,
 * x[4]. */
AVX512 STN_INLINE pair add(pair p, const __m512i *x, const int8_t *w, bool two)
{
    int32_t four;
    memcpy(&four, w, sizeof four);
    __m512i v = _mm512_set1_epi32(four);
    p.a = _mm512_dpbusd_epi32(p.a, x[0], v);
    if (two)
        p.b = _mm512_dpbusd_epi32(p.b, x[4], v);
    return p;
}

/* Adds what 16 turned inputs give of the filters that need them. Four filters
 * go side by side: alone one would wait for the latency of its own sums. */
AVX512 STN_INLINE void add_slot(const stn_sparse_live *g,
                                const stn_sparse_live *end, const __m512i *x,
                                bool two, uint8_t *sums)
{
    for (; end - g >= 4; g += 4) {
        pair p = load(sums + g[0].at, two), q = load(sums + g[1].at, two);
        pair r = load(sums + g[2].at, two), s = load(sums + g[3].at, two);
        STN_UNROLL(4)
        for (int k = 0; k < 4; k++) {
            p = add(p, x + k, g[0].weights + 4 * k, two);
            q = add(q, x + k, g[1].weights + 4 * k, two);
            r = add(r, x + k, g[2].weights + 4 * k, two);
            s = add(s, x + k, g[3].weights + 4 * k, two);
        }
        store(sums + g[0].at, p, two);
        store(sums + g[1].at, q, two);
        store(sums + g[2].at, r, two);
        store(sums + g[3].at, s, two);
    }
    for (; g < end; g++) {
        pair p = load(sums + g->at, two);
        STN_UNROLL(4)
        for (int k = 0; k < 4; k++)
            p = add(p, x + k, g->weights + 4 * k, two);
        store(sums + g->at, p, two);
    }
}

/* Adds all of a block to the sums of 32 patches, or of 16. */
AVX512 STN_INLINE void add_block(const stn_sparse_block *b,
                                 const uint8_t *const *patches, bool flip,
                                 bool two, uint8_t *sums)
{
    const __m512i top = _mm512_set1_epi8(-128);
    const stn_sparse_live *g = b->live;
    for (int s = 0; s < b->n_slots; s++) {
        __m512i x[8];
        turn(patches, b->slots[s].offset, x);
        if (two)
            turn(patches + 16, b->slots[s].offset, x + 4);
        STN_UNROLL(8)
        for (int k = 0; k < 8 && flip; k++)
            if (k < 4 || two)
                x[k] = _mm512_xor_si512(x[k], top);
        add_slot(g, g + b->slots[s].n, x, two, sums);
        g += b->slots[s].n;
    }
}

/* Turns sums back, 16 filters by 4 patches at a time. */
AVX512 static void finish(const stn_sparse_tile *t, const uint8_t *sums)
{
    const stn_sparse_pack *p = t->call->prepared;
    const stn_sparse_block *b = t->block;
    int out = t->call->shape->out;
    for (int f = 0; f < b->filters; f += 16)
        for (int r = 0; r < t->n; r += 4) {
            const uint8_t *rows[16];
            __m512i turned[4];
            for (int i = 0; i < 16; i++)
                rows[i] = sums + (f + i) * SUMS;
            turn(rows, 4 * (size_t)r, turned);
            stn_finish_vec(
                &(stn_finish){&p->head, t->call, (size_t)(t->first + r),
                              (size_t)(t->n - r < 4 ? t->n - r : 4),
                              (size_t)(b->first + f), out - b->first - f},
                turned, 1);
        }
}

AVX512 static void do_tile(const stn_sparse_tile *t)
{
    const stn_sparse_pack *p = t->call->prepared;
    const stn_sparse_block *b = t->block;
    uint8_t *sums = t->call->scratch;
    for (int f = 0; f < b->filters; f++) {
        __m512i start = _mm512_set1_epi32(b->correction[f]);
        store(sums + f * SUMS, (pair){start, start}, true);
    }
    if (p->flip && t->n > 16)
        add_block(b, t->patches, true, true, sums);
    else if (p->flip)
        add_block(b, t->patches, true, false, sums);
    else if (t->n > 16)
        add_block(b, t->patches, false, true, sums);
    else
        add_block(b, t->patches, false, false, sums);
    finish(t, sums);
}

const stn_sparse_style *stn_sparse_style_avx512(void)
{
    static const stn_sparse_style style = {.isa = "sparse_avx512",
                                           .tile = do_tile,
                                           .lanes = 16,
                                           .patches = PATCHES,
                                           .group = 4.6,
                                           .turn = 25,
                                           .end = 23};
    return &style;
}
#endif
