/* SPDX-License-Identifier: MIT
 *
 * Patch-by-filter products with AVX2: a tile of 4 patches by 24 filters, all
 * 16 registers in use, 4 by 16, or 8 by 8. Each step broadcasts 4 bytes of
 * every patch against 4 bytes of every filter (dot_pack.h).
 *
 * vpmaddubsw multiplies u8 by s8 and adds pairs into 16 bits, saturating. It
 * is exact here, because for each kind the pair sums stay below 2^15:
 *   BYTES_SHORT  int16_steps * 2 * max |w| * max x <= 32767 by construction;
 *                for ternary weights and 8-bit inputs, 64 steps of 510;
 *   BYTES_PAIR   2 * max |w| * max x <= 32767: widened at every step;
 *   BYTES_SIGN   s8 by s8 as |x| <= 128 by w with the sign of x, for which w
 *                must not be -128: 2 * 128 * 127 = 32512; for a lone patch
 *                only, others are widened first (dot_wide_avx2.c);
 *   BYTES_SPLIT  w = 2 * high + low with -64 <= high <= 63 and 0 <= low <= 1:
 *                2 * 64 * 255 = 32640, and 2 * 255; for what is left.
 * BYTES_SIGN reads u8 inputs as x - 128 and adds 128 * sum of w. Other signed
 * inputs are read as x + 128 (the sign bit flipped) and 128 * sum of w is taken
 * off; both wrap in 32 bits, the difference is exact. */
#include "kernels/layout/dot_plan.h"
#include "kernels/x86/dot_wide.h"
#include "kernels/x86/ending_avx2.h"

#ifdef STN_X86
#include <immintrin.h>
#include <string.h>

#define AVX2 STN_AVX2
#define LANES 8
#define VECTORS 3
#define ROWS 8      /* of a tile of one vector */
#define ROWS_MANY 4 /* of others */

/* One tile: `rows` patches by the filters of one block. */
typedef struct tile {
    const uint8_t *x[ROWS];            /* patches; [rows] in use */
    __m256i sums[ROWS_MANY * VECTORS]; /* row by row; start at -correction */
} tile;

/* A function for each shape of a tile: adds an even number of steps. */
typedef void (*add_function)(tile *t, const uint32_t *offset,
                             const uint32_t *end, const __m256i *w);

AVX2 STN_INLINE __m256i broadcast(const uint8_t *x, bool flip)
{
    int32_t four;
    memcpy(&four, x, sizeof four);
    __m256i v = _mm256_set1_epi32(four);
    return flip ? _mm256_xor_si256(v, _mm256_set1_epi8(-128)) : v;
}

AVX2 STN_INLINE __m256i load(const void *p)
{
    return _mm256_load_si256(p);
}

/* Sums are named variables, not an array: gcc 12 keeps those in registers. A
 * tile of one vector uses a0 … a7 of 8 patches, one of more a0 … a3, b0 … b3,
 * c0 … c3 of 4; what a tile lacks folds away. */
#define EACH_ROW(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7)
#define EACH_SUM(X, r)                                                         \
    if ((r) < rows) {                                                          \
        X(r, 0, a##r)                                                          \
        if (vectors > 1)                                                       \
            X(r, 1, b##r)                                                      \
        if (vectors > 2)                                                       \
            X(r, 2, c##r)                                                      \
    }
#define BEGIN(r)                                                               \
    const uint8_t *x##r = t->x[(r) < rows ? (r) : 0];                          \
    __m256i a##r = zero, b##r = zero, c##r = zero;
#define ADD(r, v, sum)                                                         \
    {                                                                          \
        sum = add(sum, x, w##v, low##v, kind);                                 \
        STN_KEEP(sum);                                                         \
    }
#define STEP(r)                                                                \
    if ((r) < rows) {                                                          \
        __m256i x = broadcast(x##r + at, flip);                                \
        EACH_SUM(ADD, r)                                                       \
    }
#define ONE_STEP                                                               \
    {                                                                          \
        size_t at = *offset++;                                                 \
        __m256i w0 = load(w), low0 = load(w + planes - 1);                     \
        __m256i w1 = load(w + planes * (vectors > 1));                         \
        __m256i low1 = load(w + planes * (vectors > 1) + planes - 1);          \
        __m256i w2 = load(w + planes * (vectors - 1));                         \
        __m256i low2 = load(w + planes * vectors - 1);                         \
        EACH_ROW(STEP)                                                         \
        w += planes * vectors;                                                 \
    }
#define END_SUM(r, v, sum)                                                     \
    {                                                                          \
        __m256i *to = &t->sums[(r)*vectors + (v)];                             \
        *to = _mm256_add_epi32(*to,                                            \
                               is_short ? _mm256_madd_epi16(sum, ones) : sum); \
    }
#define END(r) EACH_SUM(END_SUM, r)

/* Adds the products of one step, in 16 bits where sums are short. */
AVX2 STN_INLINE __m256i add(__m256i sum, __m256i x, __m256i w, __m256i low,
                            stn_dot_kind kind)
{
    const __m256i ones = _mm256_set1_epi16(1), twos = _mm256_set1_epi16(2);
    if (kind == STN_DOT_WORDS)
        return _mm256_add_epi32(sum, _mm256_madd_epi16(x, w));
    if (kind == STN_DOT_BYTES_SIGN) {
        w = _mm256_sign_epi8(w, x);
        x = _mm256_abs_epi8(x);
    }
    __m256i p = _mm256_maddubs_epi16(x, w);
    if (kind == STN_DOT_BYTES_SHORT)
        return _mm256_add_epi16(sum, p);
    if (kind != STN_DOT_BYTES_SPLIT)
        return _mm256_add_epi32(sum, _mm256_madd_epi16(p, ones));
    p = _mm256_madd_epi16(p, twos);
    low = _mm256_madd_epi16(_mm256_maddubs_epi16(x, low), ones);
    return _mm256_add_epi32(sum, _mm256_add_epi32(p, low));
}

AVX2 STN_INLINE void add_steps(tile *t, const uint32_t *offset,
                               const uint32_t *end, const __m256i *w, int rows,
                               int vectors, stn_dot_kind kind, bool flip)
{
    const int planes = kind == STN_DOT_BYTES_SPLIT ? 2 : 1;
    const bool is_short = kind == STN_DOT_BYTES_SHORT;
    const __m256i zero = _mm256_setzero_si256(), ones = _mm256_set1_epi16(1);
    EACH_ROW(BEGIN)
    while (offset < end) {
        ONE_STEP
        ONE_STEP
    }
    EACH_ROW(END)
}

#define DEFINE_ADD(name, rows, vectors, kind, flip)                            \
    AVX2 static void name(tile *t, const uint32_t *offset,                     \
                          const uint32_t *end, const __m256i *w)               \
    {                                                                          \
        add_steps(t, offset, end, w, rows, vectors, kind, flip);               \
    }
/* By vectors: of one patch, of many. */
#define DEFINE_SHAPES(name, kind, flip)                                        \
    DEFINE_ADD(name##_1x1, 1, 1, kind, flip)                                   \
    DEFINE_ADD(name##_1x2, 1, 2, kind, flip)                                   \
    DEFINE_ADD(name##_1x3, 1, 3, kind, flip)                                   \
    DEFINE_ADD(name##_8x1, ROWS, 1, kind, flip)                                \
    DEFINE_ADD(name##_4x2, ROWS_MANY, 2, kind, flip)                           \
    DEFINE_ADD(name##_4x3, ROWS_MANY, 3, kind, flip)                           \
    static const add_function name[2][VECTORS] = {                             \
        {name##_1x1, name##_1x2, name##_1x3},                                  \
        {name##_8x1, name##_4x2, name##_4x3}};

DEFINE_SHAPES(short_u8, STN_DOT_BYTES_SHORT, false)
DEFINE_SHAPES(short_s8, STN_DOT_BYTES_SHORT, true)
DEFINE_SHAPES(pair_u8, STN_DOT_BYTES_PAIR, false)
DEFINE_SHAPES(pair_s8, STN_DOT_BYTES_PAIR, true)
DEFINE_SHAPES(sign_s8, STN_DOT_BYTES_SIGN, false)
DEFINE_SHAPES(sign_u8, STN_DOT_BYTES_SIGN, true)
DEFINE_SHAPES(split_u8, STN_DOT_BYTES_SPLIT, false)
DEFINE_SHAPES(split_s8, STN_DOT_BYTES_SPLIT, true)
DEFINE_SHAPES(words, STN_DOT_WORDS, false)

static add_function choose(const stn_dot_pack *pack, bool many, int vectors)
{
    bool flip = pack->arithmetic.shift != 0;
    switch (pack->arithmetic.kind) {
    case STN_DOT_BYTES_SHORT:
        return (flip ? short_s8 : short_u8)[many][vectors - 1];
    case STN_DOT_BYTES_PAIR:
        return (flip ? pair_s8 : pair_u8)[many][vectors - 1];
    case STN_DOT_BYTES_SIGN:
        return (flip ? sign_u8 : sign_s8)[many][vectors - 1];
    case STN_DOT_BYTES:
    case STN_DOT_BYTES_SPLIT:
        return (flip ? split_s8 : split_u8)[many][vectors - 1];
    case STN_DOT_WORDS:
    case STN_DOT_KINDS:
        break;
    }
    return words[many][vectors - 1];
}

/* Adds all steps of a block, as many at a time as 16-bit sums allow. */
static void add_block(tile *t, const stn_dot_pack *pack, const stn_dot_block *b,
                      bool many)
{
    add_function function = choose(pack, many, b->vectors);
    const __m256i *w = (const __m256i *)(const void *)b->weights;
    int most = b->n_steps;
    if (pack->arithmetic.kind == STN_DOT_BYTES_SHORT &&
        most > pack->arithmetic.int16_steps)
        most = pack->arithmetic.int16_steps;
    const uint32_t *offset = b->offsets, *end = offset + b->n_steps;
    int planes = pack->arithmetic.kind == STN_DOT_BYTES_SPLIT ? 2 : 1;
    while (offset < end) {
        const uint32_t *stop = end - offset < most ? end : offset + most;
        function(t, offset, stop, w);
        w += (stop - offset) * b->vectors * planes;
        offset = stop;
    }
}

static int rows_of(const stn_dot_block *b)
{
    return b->vectors == 1 ? ROWS : ROWS_MANY;
}

/* Patches [first, first + n) against one block. A short tile repeats its last
 * patch, which keeps the variants few, and stores it once. */
AVX2 static void do_tile(const stn_dot_call *call, const stn_dot_pack *pack,
                         const stn_dot_block *b, int first, int n)
{
    tile t;
    int rows = n == 1 ? 1 : rows_of(b);
    const uint32_t *patches = call->patches + first;
    for (int r = 0; r < rows; r++)
        t.x[r] = (const uint8_t *)call->x + patches[r < n ? r : n - 1];
    for (int v = 0; v < b->vectors; v++) {
        __m256i start = _mm256_sub_epi32(_mm256_setzero_si256(),
                                         load(b->correction + v * LANES));
        for (int r = 0; r < rows; r++)
            t.sums[r * b->vectors + v] = start;
    }
    add_block(&t, pack, b, n > 1);
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

AVX2 static void dot(const stn_dot_call *call)
{
    const stn_dot_pack *pack = call->prepared;
    if (call->part == 0)
        stn_dot_clear_dead(pack, call);
    int end = call->part_end < pack->n_blocks ? call->part_end : pack->n_blocks;
    for (int first = 0; first < call->n; first += ROWS) {
        int n = call->n - first < ROWS ? call->n - first : ROWS;
        for (int i = call->part; i < end; i++) {
            const stn_dot_block *b = &pack->blocks[i];
            int rows = rows_of(b);
            for (int r = 0; r < n; r += rows)
                do_tile(call, pack, b, first + r, n - r < rows ? n - r : rows);
        }
    }
}

/* Pair sums of vpmaddubsw saturate beyond 32767 = 2 * max |w| * max x. */
static stn_dot_arithmetic arithmetic(const stn_dot_shape *s,
                                     stn_dot_facts facts)
{
    stn_dot_arithmetic a = {.shift = s->lo < 0 ? 128 : 0};
    int steps = stn_dot_int16_products(facts, s->hi + a.shift) / 2;
    if (steps >= 16) {
        a.kind = STN_DOT_BYTES_SHORT;
        a.int16_steps = steps / 2 * 2;
    } else if (steps >= 1) {
        a.kind = STN_DOT_BYTES_PAIR;
    } else if (s->patches == 1 && facts.least > INT8_MIN) {
        a.kind = STN_DOT_BYTES_SIGN;
        a.shift = s->input == STN_TYPE_U8 ? -128 : 0;
    } else {
        a.kind = STN_DOT_BYTES_SPLIT;
    }
    return a;
}

stn_status stn_dot_prepare_avx2(const stn_dot_shape *shape, const int8_t *codes,
                                stn_arena *arena, stn_prepared *out,
                                stn_error *err)
{
    static const stn_dot_style style = {
        .lanes = LANES,
        .vectors = VECTORS,
        .wide = true,
        .arithmetic = arithmetic,
        .isa = "avx2",
        .run = dot,
        .step = {[STN_DOT_BYTES_SHORT] = 1.15,
                 [STN_DOT_BYTES_PAIR] = 2,
                 [STN_DOT_BYTES_SIGN] = 1.7,
                 [STN_DOT_BYTES_SPLIT] = 3,
                 [STN_DOT_WORDS] = 0.95},
    };
    const stn_dot_level level = {
        .multiply = &style,
        .wide_make = stn_dot_wide_make,
        .codes = stn_codes_style_avx2(),
        .bits = stn_bits_style_avx2(),
        .tables = stn_tables_style_avx2(),
        .sparse = stn_sparse_style_avx2(),
        .picks = stn_picks_style_avx2(),
    };
    return stn_dot_plan(&level, shape, codes, arena, out, err);
}
#endif
