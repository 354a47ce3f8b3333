/* SPDX-License-Identifier: MIT
 *
 * Sparse products with AVX-512 VNNI, see dot_sparse.h. */
#include "kernels/layout/dot_sparse.h"
#include "kernels/x86/ending_avx512.h"

#ifdef STN_X86
#include <string.h>

#define AVX512 STN_AVX512
#define VECTORS (STN_SPARSE_PATCHES / STN_SPARSE_LANES)
#define QUADS (STN_SPARSE_GROUP / 4) /* weights of 4 bytes in a group */

AVX512 STN_INLINE __m512i four_rows(const uint8_t *const *rows)
{
    __m512i v = _mm512_castsi128_si512(_mm_loadu_si128((const void *)rows[0]));
    v = _mm512_inserti32x4(v, _mm_loadu_si128((const void *)rows[4]), 1);
    v = _mm512_inserti32x4(v, _mm_loadu_si128((const void *)rows[8]), 2);
    return _mm512_inserti32x4(v, _mm_loadu_si128((const void *)rows[12]), 3);
}

/* 16 rows of four 32-bit numbers: number k of row i goes to lane i of to[k]. */
AVX512 STN_INLINE void turn(const uint8_t *const *rows, __m512i *to)
{
    __m512i a = four_rows(rows), b = four_rows(rows + 1);
    __m512i c = four_rows(rows + 2), d = four_rows(rows + 3);
    __m512i ab01 = _mm512_unpacklo_epi32(a, b);
    __m512i ab23 = _mm512_unpackhi_epi32(a, b);
    __m512i cd01 = _mm512_unpacklo_epi32(c, d);
    __m512i cd23 = _mm512_unpackhi_epi32(c, d);
    to[0] = _mm512_unpacklo_epi64(ab01, cd01);
    to[1] = _mm512_unpackhi_epi64(ab01, cd01);
    to[2] = _mm512_unpacklo_epi64(ab23, cd23);
    to[3] = _mm512_unpackhi_epi64(ab23, cd23);
}

/* The input of a chunk: for each slot and 4 bytes, `vectors` vectors. Patches
 * beyond n repeat the last. */
AVX512 static void turn_input(const stn_dot_call *call,
                              const stn_sparse_pack *p,
                              const stn_sparse_chunk *chunk, int first, int n,
                              int vectors, __m512i *to)
{
    const __m512i top = _mm512_set1_epi8(p->flip ? -128 : 0);
    for (int v = 0; v < vectors; v++) {
        const uint8_t *patches[STN_SPARSE_LANES];
        const uint8_t *rows[STN_SPARSE_LANES];
        for (int i = 0; i < STN_SPARSE_LANES; i++) {
            int r = v * STN_SPARSE_LANES + i;
            patches[i] = (const uint8_t *)call->x +
                         call->patches[first + (r < n ? r : n - 1)];
        }
        for (int s = 0; s < chunk->n_slots; s++) {
            for (int i = 0; i < STN_SPARSE_LANES; i++)
                rows[i] = patches[i] + chunk->offsets[s];
            __m512i turned[QUADS];
            turn(rows, turned);
            for (int k = 0; k < QUADS; k++)
                _mm512_store_si512(to + (s * QUADS + k) * vectors + v,
                                   _mm512_xor_si512(turned[k], top));
        }
    }
}

/* Adds 4 weights to the sums of each vector of patches. */
AVX512 STN_INLINE void add_quad(const int8_t *w, const __m512i *x, int vectors,
                                __m512i *a, __m512i *b, __m512i *c, __m512i *d)
{
    int32_t four;
    memcpy(&four, w, sizeof four);
    __m512i v = _mm512_set1_epi32(four);
    *a = _mm512_dpbusd_epi32(*a, x[0], v);
    if (vectors > 1)
        *b = _mm512_dpbusd_epi32(*b, x[1], v);
    if (vectors > 2)
        *c = _mm512_dpbusd_epi32(*c, x[2], v);
    if (vectors > 3)
        *d = _mm512_dpbusd_epi32(*d, x[3], v);
}

/* Adds a chunk to the sums of all filters. Even and odd weights have their
 * own sums, enough to hide the latency of vpdpbusd. */
AVX512 STN_INLINE void add_chunk(const stn_sparse_chunk *chunk, int out,
                                 const __m512i *x, int vectors, __m512i *sums)
{
    const __m512i zero = _mm512_setzero_si512();
    for (int f = 0; f < out; f++, sums += VECTORS) {
        uint32_t g = chunk->starts[f], end = chunk->starts[f + 1];
        if (g == end)
            continue;
        __m512i a = sums[0], b = sums[1], c = sums[2], d = sums[3];
        __m512i e = zero, h = zero, i = zero, j = zero;
        const int8_t *w = chunk->weights + (size_t)g * STN_SPARSE_GROUP;
        for (; g < end; g++, w += STN_SPARSE_GROUP) {
            const __m512i *at = x + chunk->slots[g] * QUADS * vectors;
            for (int k = 0; k < QUADS; k += 2, at += 2 * vectors) {
                add_quad(w + 4 * k, at, vectors, &a, &b, &c, &d);
                add_quad(w + 4 * k + 4, at + vectors, vectors, &e, &h, &i, &j);
            }
        }
        sums[0] = _mm512_add_epi32(a, e);
        sums[1] = _mm512_add_epi32(b, h);
        sums[2] = _mm512_add_epi32(c, i);
        sums[3] = _mm512_add_epi32(d, j);
    }
}

AVX512 static void add(const stn_sparse_chunk *chunk, int out, const __m512i *x,
                       int vectors, __m512i *sums)
{
    if (vectors == 4)
        add_chunk(chunk, out, x, 4, sums);
    else if (vectors == 3)
        add_chunk(chunk, out, x, 3, sums);
    else if (vectors == 2)
        add_chunk(chunk, out, x, 2, sums);
    else
        add_chunk(chunk, out, x, 1, sums);
}

/* Turns sums back, 16 filters by 4 patches at a time. */
AVX512 static void finish(const stn_dot_call *call, const stn_sparse_pack *p,
                          const __m512i *sums, int first, int n)
{
    int out = call->shape->out;
    for (int f = 0; f < out; f += 16)
        for (int r = 0; r < n; r += 4) {
            const uint8_t *rows[16];
            __m512i turned[4];
            for (int i = 0; i < 16; i++)
                rows[i] = (const uint8_t *)(sums + (f + i) * VECTORS) + 4 * r;
            turn(rows, turned);
            stn_finish_vec(&(stn_finish){&p->head, call, (size_t)(first + r),
                                         (size_t)(n - r < 4 ? n - r : 4),
                                         (size_t)f, out - f},
                           turned, 1);
        }
}

AVX512 static void dot(const stn_dot_call *call)
{
    const stn_sparse_pack *p = call->prepared;
    __m512i *x = call->scratch;
    __m512i *sums = x + p->input_bytes / sizeof *x;
    /* Tiles of nearly equal size: one vector alone would wait for latency. */
    int all = (call->n + STN_SPARSE_LANES - 1) / STN_SPARSE_LANES;
    int tiles = (all + VECTORS - 1) / VECTORS;
    for (int t = 0, first = 0; t < tiles; t++) {
        int vectors = all / tiles + (t < all % tiles);
        int n = vectors * STN_SPARSE_LANES, left = call->n - first;
        n = n < left ? n : left;
        for (int f = 0; f < p->filters; f++)
            for (int v = 0; v < VECTORS; v++)
                sums[f * VECTORS + v] = _mm512_set1_epi32(p->correction[f]);
        for (int c = 0; c < p->n_chunks; c++) {
            turn_input(call, p, &p->chunks[c], first, n, vectors, x);
            add(&p->chunks[c], call->shape->out, x, vectors, sums);
        }
        finish(call, p, sums, first, n);
        first += n;
    }
}

const stn_sparse_style *stn_sparse_style_avx512(void)
{
    static const stn_sparse_style style = {.lanes = 16,
                                           .isa = "sparse_avx512",
                                           .run = dot,
                                           .group = 4.7,
                                           .turn = 14,
                                           .chunk = 6,
                                           .end = 9};
    return &style;
}
#endif
