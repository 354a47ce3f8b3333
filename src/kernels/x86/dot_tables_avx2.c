/* SPDX-License-Identifier: MIT
 *
 * Products by look-up with AVX2: 32 filters, 4 rows at a time, a row being a
 * patch and a digit. Of a row's 8-bit sums a 16-bit lane holds two filters,
 * low + 256 * high: `both` adds these as they are, wrapping, and `high` the
 * upper ones alone, so that low = both - 256 * high is exact as long as each
 * fits 16 bits. */
#include "kernels/layout/dot_tables.h"
#include "kernels/x86/ending_avx2.h"

#ifdef STN_X86
#include <string.h>

#define AVX2 STN_AVX2
#define LANES 32
#define VECTORS 4 /* of 32-bit sums */
#define ROWS 4

/* Sums of one patch's filters. */
typedef struct sums {
    __m256i v[VECTORS];
} sums;

/* Rows that are looked up together, and where their sums go. */
typedef struct tile {
    const uint8_t *x[ROWS];
    sums *to[ROWS];
    int shift[ROWS];
    bool minus;
} tile;

AVX2 STN_INLINE __m256i table(const uint8_t *x)
{
    return _mm256_broadcastsi128_si256(_mm_load_si128((const void *)x));
}

/* Adds 16-bit sums of a row, shifted by its digit, to those of its patch. */
AVX2 STN_INLINE void flush(const tile *t, int row, __m256i both, __m256i high)
{
    __m256i low = _mm256_sub_epi16(both, _mm256_slli_epi16(high, 8));
    __m256i a = _mm256_unpacklo_epi16(low, high);
    __m256i b = _mm256_unpackhi_epi16(low, high);
    const __m128i words[VECTORS] = {
        _mm256_castsi256_si128(a), _mm256_castsi256_si128(b),
        _mm256_extracti128_si256(a, 1), _mm256_extracti128_si256(b, 1)};
    const __m128i shift = _mm_cvtsi32_si128(t->shift[row]);
    sums *to = t->to[row];
    for (int v = 0; v < VECTORS; v++) {
        __m256i add = _mm256_sll_epi32(_mm256_cvtepu16_epi32(words[v]), shift);
        to->v[v] = t->minus ? _mm256_sub_epi32(to->v[v], add)
                            : _mm256_add_epi32(to->v[v], add);
    }
}

/* Sums are named variables: gcc 12 keeps those in registers. */
#define EACH_ROW(X) X(0) X(1) X(2) X(3)
#define BEGIN(r)                                                               \
    const uint8_t *x##r = t->x[(r) < rows ? (r) : 0];                          \
    __m256i both##r = zero, high##r = zero, sum##r = zero;
/* Four tables of a row, two steps. */
#define LOOK_UP(r)                                                             \
    _mm256_add_epi8(                                                           \
        _mm256_add_epi8(PICK(r, one, 0, s0), PICK(r, one, 16, s1)),            \
        _mm256_add_epi8(PICK(r, two, 0, s2), PICK(r, two, 16, s3)))
#define PICK(r, step, at, subset)                                              \
    _mm256_shuffle_epi8(table(x##r + step + (at)), subset)
#define ADD(r)                                                                 \
    if ((r) < rows)                                                            \
        sum##r = _mm256_add_epi8(sum##r, LOOK_UP(r));
#define ADD_WIDE(r)                                                            \
    if ((r) < rows) {                                                          \
        __m256i sum = LOOK_UP(r);                                              \
        both##r = _mm256_add_epi16(both##r, sum);                              \
        high##r = _mm256_add_epi16(high##r, _mm256_srli_epi16(sum, 8));        \
        STN_KEEP(both##r);                                                     \
        STN_KEEP(high##r);                                                     \
    }
#define WIDEN(r)                                                               \
    if ((r) < rows) {                                                          \
        both##r = _mm256_add_epi16(both##r, sum##r);                           \
        high##r = _mm256_add_epi16(high##r, _mm256_srli_epi16(sum##r, 8));     \
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
        __m256i s0 = _mm256_load_si256((const void *)(subsets));               \
        __m256i s2 = _mm256_load_si256((const void *)(subsets + LANES));       \
        __m256i s1 = _mm256_and_si256(_mm256_srli_epi16(s0, 4), nibble);       \
        __m256i s3 = _mm256_and_si256(_mm256_srli_epi16(s2, 4), nibble);       \
        s0 = _mm256_and_si256(s0, nibble);                                     \
        s2 = _mm256_and_si256(s2, nibble);                                     \
        EACH_ROW(X)                                                            \
        offset += 2;                                                           \
        subsets += 2 * LANES;                                                  \
    }

AVX2 STN_INLINE void look_up(const tile *t, const stn_tables_pack *pack,
                             const stn_tables_stream *stream, int rows,
                             bool wide)
{
    const __m256i zero = _mm256_setzero_si256(), nibble = _mm256_set1_epi8(15);
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
    AVX2 static void name(const tile *t, const stn_tables_pack *pack,          \
                          const stn_tables_stream *stream)                     \
    {                                                                          \
        look_up(t, pack, stream, rows, wide);                                  \
    }

DEFINE_LOOK_UP(four_rows, 4, false)
DEFINE_LOOK_UP(four_rows_wide, 4, true)
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
    return wide ? four_rows_wide : four_rows;
}

/* Tables of 8 inputs, less lo: entry s has the sum over subset s. */
AVX2 STN_INLINE void make_tables(__m256i digits, uint8_t *to)
{
#define TAKE(e, n0, n1, n2, n3)                                                \
    _mm256_shuffle_epi8(digits, _mm256_setr_epi64x(TAKE_LOW(e, n0, n1),        \
                                                   TAKE_LOW(e, n2, n3),        \
                                                   TAKE_LOW((e) + 4, n0, n1),  \
                                                   TAKE_LOW((e) + 4, n2, n3)))
/* Eight positions; in nibble masks n0 and n1 a bit says that the position
 * takes element e. */
#define TAKE_BYTE(e, n, b, at) ((n) >> (b)&1 ? (e) : 0x80LL) << 8 * (at)
#define TAKE_LOW(e, n0, n1)                                                    \
    (int64_t)((uint64_t)(TAKE_BYTE(e, n0, 0, 0) | TAKE_BYTE(e, n0, 1, 1) |     \
                         TAKE_BYTE(e, n0, 2, 2) | TAKE_BYTE(e, n0, 3, 3)) |    \
              ((uint64_t)(TAKE_BYTE(e, n1, 0, 0) | TAKE_BYTE(e, n1, 1, 1) |    \
                          TAKE_BYTE(e, n1, 2, 2) | TAKE_BYTE(e, n1, 3, 3))     \
               << 32))
    __m256i a = TAKE(0, 0xA, 0xA, 0xA, 0xA);
    __m256i b = TAKE(1, 0xC, 0xC, 0xC, 0xC);
    __m256i c = TAKE(2, 0x0, 0xF, 0x0, 0xF);
    __m256i d = TAKE(3, 0x0, 0x0, 0xF, 0xF);
    _mm256_store_si256((void *)to, _mm256_add_epi8(_mm256_add_epi8(a, b),
                                                   _mm256_add_epi8(c, d)));
#undef TAKE
#undef TAKE_BYTE
#undef TAKE_LOW
}

AVX2 void stn_tables_input_avx2(const stn_tables_pack *pack,
                                const stn_dot_call *call)
{
    const uint8_t *x = (const uint8_t *)call->x + call->patches[0];
    const __m256i lo = _mm256_set1_epi8((char)pack->lo);
    const __m256i nibble = _mm256_set1_epi8(15);
    size_t n = stn_tables_elements(pack, call);
    uint8_t *to = call->scratch;
    for (size_t i = 0; i < n + STN_TABLES_STEP; i += STN_TABLES_STEP) {
        uint64_t eight;
        memset(&eight, pack->lo, sizeof eight);
        if (i < n)
            memcpy(&eight, x + i, n - i < 8 ? n - i : 8);
        __m256i v = _mm256_set1_epi64x((int64_t)eight);
        v = _mm256_sub_epi8(v, lo);
        make_tables(_mm256_and_si256(v, nibble), to);
        if (pack->digits == 2)
            make_tables(_mm256_and_si256(_mm256_srli_epi16(v, 4), nibble),
                        to + pack->plane_bytes);
        to += STN_TABLES_STEP / 4 * STN_TABLES_TABLE;
    }
}

AVX2 int32_t stn_tables_sum_avx2(const stn_tables_pack *pack,
                                 const stn_dot_call *call, int patch)
{
    const stn_dot_shape *s = call->shape;
    const uint8_t *x = (const uint8_t *)call->x + call->patches[patch];
    const __m256i lo = _mm256_set1_epi8((char)pack->lo);
    const __m256i zero = _mm256_setzero_si256();
    __m256i sum = zero;
    for (int r = 0; r < s->runs; r++, x += s->pitch)
        for (int k = 0; k < s->run; k += 32) {
            __m256i v = lo;
            if (s->run - k >= 32)
                v = _mm256_loadu_si256((const void *)(x + k));
            else
                memcpy(&v, x + k, (size_t)(s->run - k));
            v = _mm256_sub_epi8(v, lo);
            sum = _mm256_add_epi64(sum, _mm256_sad_epu8(v, zero));
        }
    __m128i two = _mm_add_epi64(_mm256_castsi256_si128(sum),
                                _mm256_extracti128_si256(sum, 1));
    return _mm_cvtsi128_si32(_mm_add_epi64(two, _mm_unpackhi_epi64(two, two)));
}

/* Patches [first, first + n) against one block. */
AVX2 static void do_block(const stn_dot_call *call, const stn_tables_pack *pack,
                          const stn_tables_block *b, int first, int n,
                          const int32_t *sub)
{
    sums all[ROWS];
    tile t;
    int rows = 0;
    for (int p = 0; p < n; p++) {
        for (int v = 0; v < VECTORS; v++)
            all[p].v[v] = _mm256_sub_epi32(
                _mm256_load_si256((const void *)(b->constant + 8 * v)),
                _mm256_set1_epi32(sub[p]));
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
    sums ignored = {0};
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
    for (int v = 0; v < VECTORS && 8 * v < b->width; v++)
        stn_finish_vec(&(stn_finish){&pack->head, call, (size_t)first,
                                     (size_t)n, (size_t)(b->first + 8 * v),
                                     b->width - 8 * v},
                       &all[0].v[v], VECTORS);
}

AVX2 static void dot(const stn_dot_call *call)
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

const stn_tables_style *stn_tables_style_avx2(void)
{
    static const stn_tables_style style = {.lanes = LANES,
                                           .rows = ROWS,
                                           .isa = "tables_avx2",
                                           .run = dot,
                                           .index = 2,
                                           .row = 2.1,
                                           .widen = 1,
                                           .once = 250,
                                           .make = 8};
    return &style;
}
#endif
