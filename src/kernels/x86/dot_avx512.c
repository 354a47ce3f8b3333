/* SPDX-License-Identifier: MIT
 *
 * Patch-by-filter products with AVX-512 VNNI: vpdpbusd multiplies 4 u8 by 4
 * s8, adds them and a 32-bit sum without saturating, so every kind of 8-bit
 * weight is exact; vpdpwssd does the same for 2 s16. A tile is 8 patches by 2
 * vectors of 16 filters (16 sums hide the latency of 5 cycles at 2 a cycle).
 * A lone patch runs 4 steps side by side instead.
 *
 * Signed inputs are read as x + 128 (the sign bit flipped) and 128 * sum of w
 * is taken off; both wrap in 32 bits, the difference is exact. */
#include "kernels/layout/dot_plan.h"
#include "kernels/x86/ending_avx512.h"

#ifdef STN_X86
#include <immintrin.h>
#include <string.h>

#define AVX512 STN_AVX512
#define LANES 16
#define ROWS 8
#define VECTORS 2
#define UNROLL 4 /* steps side by side of a lone patch */

typedef struct tile {
    const stn_dot_block *block;
    const uint8_t *x[ROWS];
    __m512i start[VECTORS];       /* of every row: -correction */
    __m512i sums[ROWS * VECTORS]; /* row by row */
} tile;

AVX512 STN_INLINE __m512i step(__m512i sum, const uint8_t *x, __m512i w,
                               bool flip, bool words)
{
    int32_t four;
    memcpy(&four, x, sizeof four);
    __m512i v = _mm512_set1_epi32(four);
    if (words)
        return _mm512_dpwssd_epi32(sum, v, w);
    if (flip)
        v = _mm512_xor_si512(v, _mm512_set1_epi8(-128));
    return _mm512_dpbusd_epi32(sum, v, w);
}

/* Sums are named variables, not an array: gcc 12 keeps those in registers
 * without copying them around the loop. */
#define EACH_ROW(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7)
#define BEGIN(r)                                                               \
    const uint8_t *x##r = t->x[r];                                             \
    __m512i a##r = start, b##r = start_last;
#define STEP(r)                                                                \
    a##r = step(a##r, x##r + at, w0, flip, words);                             \
    if (last)                                                                  \
        b##r = step(b##r, x##r + at, w1, flip, words);
#define END(r)                                                                 \
    t->sums[(r)*vectors] = a##r;                                               \
    if (last)                                                                  \
        t->sums[(r)*vectors + last] = b##r;

AVX512 STN_INLINE void tile_rows(tile *t, int vectors, bool flip, bool words)
{
    const stn_dot_block *block = t->block;
    const int last = vectors - 1; /* 0 or 1 */
    const __m512i *w = (const __m512i *)(const void *)block->weights;
    const uint32_t *offset = block->offsets;
    const uint32_t *end = offset + block->n_steps;
    const __m512i start = t->start[0], start_last = t->start[last];
    EACH_ROW(BEGIN)
    STN_UNROLL(2)
    for (; offset < end; offset++, w += vectors) {
        size_t at = *offset;
        __m512i w0 = _mm512_load_si512(w), w1 = _mm512_load_si512(w + last);
        EACH_ROW(STEP)
    }
    EACH_ROW(END)
}

/* UNROLL steps side by side, so that one patch has sums enough. */
#define EACH_STEP(X) X(0) X(1) X(2) X(3)
#define BEGIN_LONE(u) __m512i a##u = zero, b##u = zero;
#define STEP_LONE(u)                                                           \
    a##u = step(a##u, x + offset[u], _mm512_load_si512(w + (u)*vectors), flip, \
                words);                                                        \
    if (last)                                                                  \
        b##u = step(b##u, x + offset[u],                                       \
                    _mm512_load_si512(w + (u)*vectors + last), flip, words);

AVX512 STN_INLINE void tile_lone(tile *t, int vectors, bool flip, bool words)
{
    const stn_dot_block *block = t->block;
    const int last = vectors - 1;
    const __m512i *w = (const __m512i *)(const void *)block->weights;
    const uint8_t *x = t->x[0];
    const uint32_t *offset = block->offsets;
    const __m512i zero = _mm512_setzero_si512();
    EACH_STEP(BEGIN_LONE)
    int left = block->n_steps;
    for (; left >= UNROLL; left -= UNROLL) {
        EACH_STEP(STEP_LONE)
        offset += UNROLL;
        w += UNROLL * vectors;
    }
    for (; left > 0; left--, offset++, w += vectors) {
        STEP_LONE(0)
    }
    a0 = _mm512_add_epi32(_mm512_add_epi32(a0, a1), _mm512_add_epi32(a2, a3));
    b0 = _mm512_add_epi32(_mm512_add_epi32(b0, b1), _mm512_add_epi32(b2, b3));
    t->sums[0] = _mm512_add_epi32(t->start[0], a0);
    if (last)
        t->sums[last] = _mm512_add_epi32(t->start[last], b0);
}

AVX512 STN_INLINE void tile_shape(tile *t, bool lone, bool flip, bool words)
{
    if (lone) {
        if (t->block->vectors == 2)
            tile_lone(t, 2, flip, words);
        else
            tile_lone(t, 1, flip, words);
    } else {
        if (t->block->vectors == 2)
            tile_rows(t, 2, flip, words);
        else
            tile_rows(t, 1, flip, words);
    }
}

#define DEFINE_TILE(name, flip, words)                                         \
    AVX512 static void name(tile *t, bool lone)                                \
    {                                                                          \
        tile_shape(t, lone, flip, words);                                      \
    }

DEFINE_TILE(tile_u8, false, false)
DEFINE_TILE(tile_s8, true, false)
DEFINE_TILE(tile_s16, false, true)

/* Patches [first, first + n) against one block; see dot_avx2.c. */
AVX512 static void do_tile(const stn_dot_call *call, const stn_dot_pack *pack,
                           const stn_dot_block *b, int first, int n)
{
    tile t;
    t.block = b;
    const uint32_t *patches = call->patches + first;
    for (int r = 0; r < ROWS; r++) /* the last again in place of missing ones */
        t.x[r] = (const uint8_t *)call->x + patches[r < n ? r : n - 1];
    for (int v = 0; v < VECTORS; v++) {
        int from = v < b->vectors ? v * LANES : 0;
        t.start[v] = _mm512_sub_epi32(_mm512_setzero_si512(),
                                      _mm512_load_si512(b->correction + from));
    }
    if (pack->arithmetic.kind == STN_DOT_WORDS)
        tile_s16(&t, n == 1);
    else if (pack->arithmetic.shift)
        tile_s8(&t, n == 1);
    else
        tile_u8(&t, n == 1);
    if (!b->contiguous) {
        for (int r = 0; r < n; r++) {
            int32_t sums[VECTORS * LANES];
            memcpy(sums, &t.sums[r * b->vectors],
                   (size_t)b->vectors * sizeof t.sums[0]);
            stn_dot_scatter(b, sums,
                            call->acc +
                                (size_t)(first + r) * (size_t)call->shape->out);
        }
        return;
    }
    for (int v = 0; v < b->vectors; v++)
        stn_finish_vec(&(stn_finish){&pack->head, call, (size_t)first,
                                     (size_t)n, (size_t)(b->first + v * LANES),
                                     b->width - v * LANES},
                       &t.sums[v], b->vectors);
}

AVX512 static void dot(const stn_dot_call *call)
{
    const stn_dot_pack *pack = call->prepared;
    if (call->part == 0)
        stn_dot_clear_dead(pack, call);
    int end = call->part_end < pack->n_blocks ? call->part_end : pack->n_blocks;
    for (int first = 0; first < call->n; first += ROWS) {
        int n = call->n - first < ROWS ? call->n - first : ROWS;
        for (int i = call->part; i < end; i++)
            do_tile(call, pack, &pack->blocks[i], first, n);
    }
}

static stn_dot_arithmetic arithmetic(const stn_dot_shape *s,
                                     stn_dot_facts facts)
{
    (void)facts;
    return (stn_dot_arithmetic){.kind = STN_DOT_BYTES,
                                .shift = s->lo < 0 ? 128 : 0};
}

stn_status stn_dot_prepare_avx512(const stn_dot_shape *shape,
                                  const int8_t *codes, stn_arena *arena,
                                  stn_prepared *out, stn_error *err)
{
    static const stn_dot_style style = {
        .lanes = LANES,
        .vectors = VECTORS,
        .arithmetic = arithmetic,
        .isa = "avx512",
        .run = dot,
        .step = {[STN_DOT_BYTES] = 0.73, [STN_DOT_WORDS] = 0.7},
    };
    const stn_dot_level level = {
        .multiply = &style,
        .codes = stn_codes_style_avx512(),
        .bits = stn_bits_style_avx512(),
        .tables = stn_tables_style_avx512(),
        .picks = stn_picks_style_avx2(),
        .sparse = stn_sparse_style_avx512(),
    };
    return stn_dot_plan(&level, shape, codes, arena, out, err);
}
#endif
