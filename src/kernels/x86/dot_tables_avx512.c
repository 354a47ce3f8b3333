/* SPDX-License-Identifier: MIT
 *
 * Products by look-up with AVX-512: 64 filters, 8 rows at a time; otherwise as
 * in dot_tables_avx2.c. */
#include "kernels/layout/dot_tables.h"
#include "kernels/x86/ending_avx512.h"

#ifdef STN_X86
#include <string.h>

#define AVX512 STN_AVX512
#define LANES 64
#define VECTORS 4 /* of 32-bit sums */
#define ROWS 8

/* Sums of one patch's filters. */
typedef struct sums {
    __m512i v[VECTORS];
} sums;

/* Rows that are looked up together, and where their sums go. */
typedef struct tile {
    const uint8_t *x[ROWS];
    sums *to[ROWS];
    int shift[ROWS];
    bool minus;
} tile;

AVX512 STN_INLINE __m512i table(const uint8_t *x)
{
    return _mm512_broadcast_i32x4(_mm_load_si128((const void *)x));
}

/* 16-bit words of quarter k of a, then of b: 16 filters in order. */
#define WORDS(k)                                                               \
    _mm256_inserti128_si256(                                                   \
        _mm256_castsi128_si256(_mm512_extracti32x4_epi32(a, k)),               \
        _mm512_extracti32x4_epi32(b, k), 1)
#define ADD_WORDS(k)                                                           \
    {                                                                          \
        __m512i add =                                                          \
            _mm512_sll_epi32(_mm512_cvtepu16_epi32(WORDS(k)), shift);          \
        to->v[k] = t->minus ? _mm512_sub_epi32(to->v[k], add)                  \
                            : _mm512_add_epi32(to->v[k], add);                 \
    }

/* Adds 16-bit sums of a row, shifted by its digit, to those of its patch. */
AVX512 STN_INLINE void flush(const tile *t, int row, __m512i both, __m512i high)
{
    __m512i low = _mm512_sub_epi16(both, _mm512_slli_epi16(high, 8));
    __m512i a = _mm512_unpacklo_epi16(low, high);
    __m512i b = _mm512_unpackhi_epi16(low, high);
    const __m128i shift = _mm_cvtsi32_si128(t->shift[row]);
    sums *to = t->to[row];
    ADD_WORDS(0)
    ADD_WORDS(1)
    ADD_WORDS(2)
    ADD_WORDS(3)
}

/* Sums are named variables: gcc 12 keeps those in registers. */
#define EACH_ROW(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7)
#define BEGIN(r)                                                               \
    const uint8_t *x##r = t->x[(r) < rows ? (r) : 0];                          \
    __m512i both##r = zero, high##r = zero, sum##r = zero;
/* Four tables of a row, two steps. */
#define LOOK_UP(r)                                                             \
    _mm512_add_epi8(                                                           \
        _mm512_add_epi8(PICK(r, one, 0, s0), PICK(r, one, 16, s1)),            \
        _mm512_add_epi8(PICK(r, two, 0, s2), PICK(r, two, 16, s3)))
#define PICK(r, step, at, subset)                                              \
    _mm512_shuffle_epi8(table(x##r + step + (at)), subset)
#define ADD(r)                                                                 \
    if ((r) < rows)                                                            \
        sum##r = _mm512_add_epi8(sum##r, LOOK_UP(r));
#define ADD_WIDE(r)                                                            \
    if ((r) < rows) {                                                          \
        __m512i sum = LOOK_UP(r);                                              \
        both##r = _mm512_add_epi16(both##r, sum);                              \
        high##r = _mm512_add_epi16(high##r, _mm512_srli_epi16(sum, 8));        \
    }
#define WIDEN(r)                                                               \
    if ((r) < rows) {                                                          \
        both##r = _mm512_add_epi16(both##r, sum##r);                           \
        high##r = _mm512_add_epi16(high##r, _mm512_srli_epi16(sum##r, 8));     \
        sum##r = zero;                                                         \
    }
#define FLUSH(r)                                                               \
    if ((r) < rows) {                                                          \
        flush(t, r, both##r, high##r);                                         \
        both##r = high##r = zero;                                              \
    }
#define TWO_STEPS(X)                                                           \
    {                                                                          \
        size_t one = offset[0], two = offset[1];                               \
        __m512i s0 = _mm512_load_si512(subsets);                               \
        __m512i s2 = _mm512_load_si512(subsets + LANES);                       \
        __m512i s1 = _mm512_and_si512(_mm512_srli_epi16(s0, 4), nibble);       \
        __m512i s3 = _mm512_and_si512(_mm512_srli_epi16(s2, 4), nibble);       \
        s0 = _mm512_and_si512(s0, nibble);                                     \
        s2 = _mm512_and_si512(s2, nibble);                                     \
        EACH_ROW(X)                                                            \
        offset += 2;                                                           \
        subsets += 2 * LANES;                                                  \
    }

AVX512 STN_INLINE void look_up(const tile *t, const stn_tables_pack *pack,
                               const stn_tables_stream *stream, int rows,
                               bool wide)
{
    const __m512i zero = _mm512_setzero_si512(), nibble = _mm512_set1_epi8(15);
    const uint8_t *subsets = stream->subsets;
    const uint32_t *offset = stream->offsets;
    const uint32_t *end = offset + stream->n_steps;
    EACH_ROW(BEGIN)
    while (offset < end) {
        const uint32_t *words = stn_tables_end(end, offset + pack->word_steps);
        while (wide && offset < words)
            TWO_STEPS(ADD_WIDE)
        while (offset < words) {
            const uint32_t *bytes =
                stn_tables_end(words, offset + pack->byte_steps);
            while (offset < bytes)
                TWO_STEPS(ADD)
            EACH_ROW(WIDEN)
        }
        EACH_ROW(FLUSH)
    }
}

#define DEFINE_LOOK_UP(name, rows, wide)                                       \
    AVX512 static void name(const tile *t, const stn_tables_pack *pack,        \
                            const stn_tables_stream *stream)                   \
    {                                                                          \
        look_up(t, pack, stream, rows, wide);                                  \
    }

DEFINE_LOOK_UP(all_rows, ROWS, false)
DEFINE_LOOK_UP(all_rows_wide, ROWS, true)
DEFINE_LOOK_UP(two_rows, 2, false)
DEFINE_LOOK_UP(two_rows_wide, 2, true)
DEFINE_LOOK_UP(one_row, 1, false)
DEFINE_LOOK_UP(one_row_wide, 1, true)

typedef void (*look_up_function)(const tile *t, const stn_tables_pack *pack,
                                 const stn_tables_stream *stream);

static look_up_function choose(int rows, bool wide)
{
    if (rows == 1)
        return wide ? one_row_wide : one_row;
    if (rows == 2)
        return wide ? two_rows_wide : two_rows;
    return wide ? all_rows_wide : all_rows;
}

/* Patches [first, first + n) against one block. */
AVX512 static void do_block(const stn_dot_call *call,
                            const stn_tables_pack *pack,
                            const stn_tables_block *b, int first, int n,
                            const int32_t *sub)
{
    sums all[ROWS], ignored = {0};
    tile t;
    int rows = 0;
    for (int p = 0; p < n; p++) {
        for (int v = 0; v < VECTORS; v++)
            all[p].v[v] =
                _mm512_sub_epi32(_mm512_load_si512(b->constant + 16 * v),
                                 _mm512_set1_epi32(sub[p]));
        size_t at = call->patches[first + p] - call->patches[0];
        for (int j = 0; j < pack->digits; j++, rows++) {
            t.x[rows] = (const uint8_t *)call->scratch +
                        (size_t)j * pack->plane_bytes +
                        at / 4 * STN_TABLES_TABLE;
            t.to[rows] = &all[p];
            t.shift[rows] = 4 * j + (pack->streams == 1);
        }
    }
    int used = rows > 2 ? ROWS : rows;
    for (; rows < used; rows++) {
        t.x[rows] = t.x[0];
        t.to[rows] = &ignored;
        t.shift[rows] = 0;
    }
    look_up_function function = choose(used, pack->byte_steps == 2);
    for (int i = 0; i < pack->streams; i++) {
        t.minus = i == 1;
        function(&t, pack, &b->streams[i]);
    }
    for (int v = 0; v < VECTORS && 16 * v < b->width; v++)
        stn_finish_vec(&(stn_finish){&pack->head, call, (size_t)first,
                                     (size_t)n, (size_t)(b->first + 16 * v),
                                     b->width - 16 * v},
                       &all[0].v[v], VECTORS);
}

AVX512 static void dot(const stn_dot_call *call)
{
    const stn_tables_pack *pack = call->prepared;
    if (call->n == 0)
        return;
    stn_tables_input_avx2(pack, call);
    int together = ROWS / pack->digits;
    for (int first = 0; first < call->n; first += together) {
        int n = call->n - first < together ? call->n - first : together;
        int32_t sub[ROWS] = {0};
        for (int p = 0; p < n && pack->streams == 1; p++)
            sub[p] = stn_tables_sum_avx2(pack, call, first + p);
        for (int i = call->part; i < call->part_end; i++)
            do_block(call, pack, &pack->blocks[i], first, n, sub);
    }
}

const stn_tables_style *stn_tables_style_avx512(void)
{
    static const stn_tables_style style = {.lanes = LANES,
                                           .rows = ROWS,
                                           .isa = "tables_avx512",
                                           .run = dot,
                                           .index = 3,
                                           .row = 2.9,
                                           .widen = 1.4,
                                           .once = 450,
                                           .make = 8};
    return &style;
}
#endif
