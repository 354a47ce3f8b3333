/* SPDX-License-Identifier: MIT
 *
 * Patch-by-filter products with AVX2: a tile of 8 accumulators, 8 patches by
 * 8 filters or 4 by 16. Each step broadcasts 4 bytes of every patch against
 * 4 bytes of every filter (dot_pack.h).
 *
 * vpmaddubsw multiplies u8 by s8 and adds pairs into 16 bits, saturating. It
 * is exact here, because for each kind the pair sums stay below 2^15:
 *   BYTES_SHORT  int16_steps * 2 * max |w| * max x <= 32767 by construction;
 *                for ternary weights and 8-bit inputs, 64 steps of 510;
 *   BYTES_PAIR   2 * max |w| * max x <= 32767: widened at every step;
 *   BYTES_SPLIT  w = 2 * high + low with -64 <= high <= 63 and 0 <= low <= 1:
 *                2 * 64 * 255 = 32640, and 2 * 255; for a lone patch only,
 *                others are widened first (dot_wide_avx2.c).
 * Signed inputs are read as x + 128 (the sign bit flipped) and 128 * sum of w
 * is taken off; both wrap in 32 bits, the difference is exact. */
#include "kernels/x86/dot_plan.h"
#include "kernels/x86/ending_avx2.h"

#ifdef STN_X86
#include <immintrin.h>
#include <string.h>

#define AVX2 STN_AVX2
#define LANES 8
#define ACCUMULATORS 8

/* One tile: `rows` patches by the filters of one block. */
typedef struct tile {
    const stn_dot_block *block;
    const uint8_t *x[ACCUMULATORS]; /* patches; [rows] in use */
    int int16_steps;
    __m256i sums[ACCUMULATORS]; /* row by row; start at -correction */
} tile;

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

/* Sums are named variables, not an array: gcc 12 keeps those in registers.
 * A tile of one vector uses 8 patches a0 … a7, one of two vectors 4 patches
 * a0 … a3 and b0 … b3; rows that a tile lacks fold away. */
#define EACH_ROW(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7)
#define BEGIN(r)                                                               \
    const uint8_t *x##r = t->x[(r) < rows ? (r) : 0];                          \
    __m256i a##r = zero, b##r = zero;
#define WIDEN(r)                                                               \
    if ((r) < rows) {                                                          \
        __m256i *sum = &t->sums[(r)*vectors];                                  \
        sum[0] = _mm256_add_epi32(sum[0], _mm256_madd_epi16(a##r, ones));      \
        a##r = zero;                                                           \
        if (vectors == 2) {                                                    \
            sum[1] = _mm256_add_epi32(sum[1], _mm256_madd_epi16(b##r, ones));  \
            b##r = zero;                                                       \
        }                                                                      \
    }
#define STEP_SHORT(r)                                                          \
    if ((r) < rows) {                                                          \
        __m256i x = broadcast(x##r + at, flip);                                \
        a##r = _mm256_add_epi16(a##r, _mm256_maddubs_epi16(x, w0));            \
        if (vectors == 2)                                                      \
            b##r = _mm256_add_epi16(b##r, _mm256_maddubs_epi16(x, w1));        \
    }

AVX2 STN_INLINE void tile_short(tile *t, int rows, int vectors, bool flip)
{
    const stn_dot_block *block = t->block;
    const __m256i *w = (const __m256i *)(const void *)block->weights;
    const __m256i ones = _mm256_set1_epi16(1), zero = _mm256_setzero_si256();
    const uint32_t *offset = block->offsets;
    const uint32_t *end = offset + block->n_steps;
    EACH_ROW(BEGIN)
    while (offset < end) {
        const uint32_t *stop =
            end - offset < t->int16_steps ? end : offset + t->int16_steps;
        STN_UNROLL(2)
        for (; offset < stop; offset++, w += vectors) {
            size_t at = *offset;
            __m256i w0 = load(w), w1 = load(w + vectors - 1);
            EACH_ROW(STEP_SHORT)
        }
        EACH_ROW(WIDEN)
    }
}

/* The products of one step that are widened at once. */
AVX2 STN_INLINE __m256i wide_step(__m256i x, const __m256i *w,
                                  stn_dot_kind kind)
{
    const __m256i ones = _mm256_set1_epi16(1);
    if (kind == STN_DOT_WORDS)
        return _mm256_madd_epi16(x, load(w));
    __m256i p = _mm256_maddubs_epi16(x, load(w));
    if (kind == STN_DOT_BYTES_PAIR)
        return _mm256_madd_epi16(p, ones);
    __m256i low = _mm256_maddubs_epi16(x, load(w + 1));
    return _mm256_add_epi32(_mm256_madd_epi16(p, _mm256_set1_epi16(2)),
                            _mm256_madd_epi16(low, ones));
}

#define STEP_WIDE(r)                                                           \
    if ((r) < rows) {                                                          \
        __m256i x = broadcast(x##r + at, flip);                                \
        a##r = _mm256_add_epi32(a##r, wide_step(x, w, kind));                  \
        if (vectors == 2)                                                      \
            b##r = _mm256_add_epi32(b##r, wide_step(x, w + planes, kind));     \
    }
#define END_WIDE(r)                                                            \
    if ((r) < rows) {                                                          \
        __m256i *sum = &t->sums[(r)*vectors];                                  \
        sum[0] = _mm256_add_epi32(sum[0], a##r);                               \
        if (vectors == 2)                                                      \
            sum[1] = _mm256_add_epi32(sum[1], b##r);                           \
    }

AVX2 STN_INLINE void tile_wide(tile *t, int rows, int vectors, bool flip,
                               stn_dot_kind kind)
{
    const stn_dot_block *block = t->block;
    const int planes = kind == STN_DOT_BYTES_SPLIT ? 2 : 1;
    const __m256i *w = (const __m256i *)(const void *)block->weights;
    const __m256i zero = _mm256_setzero_si256();
    const uint32_t *offset = block->offsets;
    const uint32_t *end = offset + block->n_steps;
    EACH_ROW(BEGIN)
    STN_UNROLL(2)
    for (; offset < end; offset++, w += vectors * planes) {
        size_t at = *offset;
        EACH_ROW(STEP_WIDE)
    }
    EACH_ROW(END_WIDE)
}

/* Specialises a tile's shape. */
AVX2 STN_INLINE void tile_kind(tile *t, int rows, int vectors, bool flip,
                               stn_dot_kind kind)
{
    if (kind == STN_DOT_BYTES_SHORT)
        tile_short(t, rows, vectors, flip);
    else
        tile_wide(t, rows, vectors, flip, kind);
}

AVX2 STN_INLINE void tile_shape(tile *t, int rows, bool flip, stn_dot_kind kind)
{
    if (t->block->vectors == 2) {
        if (rows == 1)
            tile_kind(t, 1, 2, flip, kind);
        else
            tile_kind(t, 4, 2, flip, kind);
    } else {
        if (rows == 1)
            tile_kind(t, 1, 1, flip, kind);
        else
            tile_kind(t, 8, 1, flip, kind);
    }
}

#define DEFINE_TILE(name, kind, flip)                                          \
    AVX2 static void name(tile *t, int rows)                                   \
    {                                                                          \
        tile_shape(t, rows, flip, kind);                                       \
    }

DEFINE_TILE(tile_short_u8, STN_DOT_BYTES_SHORT, false)
DEFINE_TILE(tile_short_s8, STN_DOT_BYTES_SHORT, true)
DEFINE_TILE(tile_pair_u8, STN_DOT_BYTES_PAIR, false)
DEFINE_TILE(tile_pair_s8, STN_DOT_BYTES_PAIR, true)
DEFINE_TILE(tile_split_u8, STN_DOT_BYTES_SPLIT, false)
DEFINE_TILE(tile_split_s8, STN_DOT_BYTES_SPLIT, true)
DEFINE_TILE(tile_s16, STN_DOT_WORDS, false)

typedef void (*tile_function)(tile *t, int rows);

static tile_function choose(const stn_dot_pack *pack)
{
    switch (pack->kind) {
    case STN_DOT_BYTES_SHORT:
        return pack->flip ? tile_short_s8 : tile_short_u8;
    case STN_DOT_BYTES_PAIR:
        return pack->flip ? tile_pair_s8 : tile_pair_u8;
    case STN_DOT_BYTES:
    case STN_DOT_BYTES_SPLIT:
        return pack->flip ? tile_split_s8 : tile_split_u8;
    case STN_DOT_WORDS:
    case STN_DOT_KINDS:
        break;
    }
    return tile_s16;
}

/* Patches [first, first + n) against one block. A short tile repeats its last
 * patch, which keeps the variants few, and stores it once. */
AVX2 static void do_tile(const stn_dot_call *call, const stn_dot_pack *pack,
                         const stn_dot_block *b, tile_function function,
                         int first, int n)
{
    tile t;
    t.block = b;
    t.int16_steps = pack->int16_steps;
    int rows = n == 1 ? 1 : ACCUMULATORS / b->vectors;
    for (int r = 0; r < rows; r++) {
        int p = first + (r < n ? r : n - 1);
        t.x[r] = (const uint8_t *)call->x + call->patches[p];
        for (int v = 0; v < b->vectors; v++)
            t.sums[r * b->vectors + v] = _mm256_sub_epi32(
                _mm256_setzero_si256(), load(b->correction + v * LANES));
    }
    function(&t, rows);
    if (!b->contiguous) {
        for (int r = 0; r < n; r++) {
            int32_t sums[2 * LANES];
            memcpy(sums, &t.sums[r * b->vectors],
                   (size_t)b->vectors * sizeof t.sums[0]);
            stn_dot_scatter(b, sums,
                            call->acc +
                                (size_t)(first + r) * (size_t)call->shape->out);
        }
        return;
    }
    for (int v = 0; v < b->vectors; v++)
        stn_finish8(&(stn_finish){&pack->head, call, (size_t)first, (size_t)n,
                                  (size_t)(b->first + v * LANES),
                                  b->width - v * LANES},
                    &t.sums[v], b->vectors);
}

AVX2 static void dot(const stn_dot_call *call)
{
    const stn_dot_pack *pack = call->prepared;
    tile_function function = choose(pack);
    if (call->part == 0)
        stn_dot_clear_dead(pack, call);
    int end = call->part_end < pack->n_blocks ? call->part_end : pack->n_blocks;
    for (int first = 0; first < call->n; first += ACCUMULATORS) {
        int n = call->n - first < ACCUMULATORS ? call->n - first : ACCUMULATORS;
        for (int i = call->part; i < end; i++) {
            const stn_dot_block *b = &pack->blocks[i];
            int rows = ACCUMULATORS / b->vectors;
            for (int r = 0; r < n; r += rows)
                do_tile(call, pack, b, function, first + r,
                        n - r < rows ? n - r : rows);
        }
    }
}

void stn_dot_avx2(const stn_dot_call *call)
{
    ((const stn_dot_head *)call->prepared)->run(call);
}

stn_status stn_dot_prepare_avx2(const stn_dot_shape *shape, const int8_t *codes,
                                stn_arena *arena, stn_prepared *out,
                                stn_error *err)
{
    static const stn_dot_style style = {
        .lanes = LANES,
        .vectors = 2,
        .int16_sums = true,
        .isa = "avx2",
        .run = dot,
        .step = {[STN_DOT_BYTES_SHORT] = 1.35,
                 [STN_DOT_BYTES_PAIR] = 2,
                 [STN_DOT_BYTES_SPLIT] = 3,
                 [STN_DOT_WORDS] = 1.25},
    };
    const stn_dot_level level = {
        .multiply = &style,
        .codes = stn_codes_style_avx2(),
        .bits = stn_bits_style_avx2(),
        .tables = stn_tables_style_avx2(),
    };
    return stn_dot_plan(&level, shape, codes, arena, out, err);
}
#endif
