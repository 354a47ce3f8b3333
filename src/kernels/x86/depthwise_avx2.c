/* SPDX-License-Identifier: MIT
 *
 * Depthwise window sums with AVX2: channels in lanes, taps two by two.
 *
 * SHORT: bytes of two taps are interleaved, vpmaddubsw adds their products in
 * 16 bits, and so are all taps of a filter. Exact when
 * (largest sum of |w| over a filter) * max x <= 32767: always for a ternary
 * 3 x 3. Signed inputs are read as x + 128; 128 * sum of w is taken off.
 * SPLIT: other 8-bit weights as w = 16 high + low, each from -8 to 8, summed as
 * SHORT does and joined by vpmaddwd at the end. Exact when 8 * taps * max x <=
 * 32767: 16 taps.
 * WIDE: values are widened to 16 bits first and summed in 32 (vpmaddwd).
 *
 * Blocks of 32 (SHORT, SPLIT) or 16 (WIDE) channels; the last block moves back
 * to end with the channels and repeats some. Fewer channels or very large
 * windows go to the scalar kernel. */
#include "kernels/ref/ref.h"
#include "kernels/x86/x86.h"

#ifdef STN_X86
#include <immintrin.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define AVX2 STN_TARGET("avx2")
#define SHORT_BLOCK 32
#define WIDE_BLOCK 16
#define TAPS_MAX 128
#define LOW_MAX 8 /* of either part of a split weight */

typedef enum kind { REF, SHORT, SPLIT, WIDE } kind;

typedef struct pack {
    kind kind;
    bool flip;           /* s8 inputs are read as u8, 128 higher */
    const void *ref;     /* REF: what the scalar kernel prepared */
    int n_pairs;         /* of taps; the second of the last may weigh 0 */
    int planes;          /* of weights: SPLIT has 2, low and high */
    int block, n_blocks; /* channels a block, blocks that cover all */
    /* For each multiple of `channels` in out, block, pair and plane: 64 bytes,
     * two vectors as interleaving orders them. */
    const int8_t *weights;
    const int32_t *correction; /* out: 128 * sum of w, or 0 */
} pack;

/* First channel of block b. */
static int block_start(const pack *p, int channels, int b)
{
    int start = b * p->block;
    return start + p->block <= channels ? start : channels - p->block;
}

static void choose(const stn_depthwise_shape *s, const int8_t *codes, pack *p)
{
    int taps = s->kh * s->kw, sum_max = 0;
    for (int o = 0; o < s->out; o++) {
        int sum = 0;
        for (int t = 0; t < taps; t++)
            sum += abs(codes[(size_t)o * (size_t)taps + (size_t)t]);
        sum_max = sum > sum_max ? sum : sum_max;
    }
    bool bytes = s->input != STN_TYPE_S16;
    bool flip = s->input == STN_TYPE_S8 && s->lo < 0;
    int64_t x_max = s->hi + (flip ? 128 : 0);
    p->planes = 1;
    bool is_short = sum_max * x_max <= INT16_MAX;
    if (bytes && s->channels >= SHORT_BLOCK &&
        (is_short || LOW_MAX * taps * x_max <= INT16_MAX)) {
        p->kind = is_short ? SHORT : SPLIT;
        p->planes = is_short ? 1 : 2;
        p->flip = flip;
        p->block = SHORT_BLOCK;
    } else {
        p->kind = WIDE;
        p->block = WIDE_BLOCK;
    }
    p->n_pairs = (taps + 1) / 2;
    p->n_blocks = (s->channels + p->block - 1) / p->block;
}

/* Channel, within its block, of lane `lane` of vector `vector`: interleaving
 * works on the 128-bit halves of a vector, `per_half` channels each. */
static int lane_channel(int lane, int vector, int per_half)
{
    int half = lane / per_half;
    return half * 2 * per_half + vector * per_half + lane % per_half;
}

/* A part of a weight: all of it unless SPLIT. */
static int part_of(const pack *p, int w, int plane)
{
    int low = ((w + LOW_MAX) & 15) - LOW_MAX;
    if (p->kind != SPLIT)
        return w;
    return plane ? (w - low) / 16 : low;
}

/* One pair of taps of one block: two vectors of (w0, w1) a lane. */
static void put_pair(const stn_depthwise_shape *s, const pack *p,
                     const int8_t *codes, int first_out, int step, int8_t *out)
{
    int taps = s->kh * s->kw, pair = step / p->planes;
    int lanes = p->block / 2, per_half = lanes / 2;
    for (int i = 0; i < 2 * p->block; i++) {
        int vector = i / p->block, lane = i / 2 % lanes, tap = 2 * pair + i % 2;
        int o = first_out + lane_channel(lane, vector, per_half);
        int w = tap < taps ? codes[(size_t)o * (size_t)taps + (size_t)tap] : 0;
        int16_t word = (int16_t)w;
        if (p->kind == WIDE)
            memcpy(out + 2 * i, &word, sizeof word);
        else
            out[i] = (int8_t)part_of(p, w, step % p->planes);
    }
}

stn_status stn_depthwise_prepare_avx2(const stn_depthwise_shape *shape,
                                      const int8_t *codes, stn_arena *arena,
                                      stn_prepared *out, stn_error *err)
{
    pack *p = stn_arena_alloc(arena, 1, sizeof *p);
    if (!p)
        return stn_fail_memory(err, "laid-out weights");
    int taps = shape->kh * shape->kw;
    if (shape->channels < WIDE_BLOCK || taps > TAPS_MAX) {
        STN_TRY(stn_depthwise_prepare_ref(shape, codes, arena, out, err));
        p->ref = out->data;
        out->data = p;
        return STN_OK;
    }
    choose(shape, codes, p);
    int multiples = shape->out / shape->channels;
    int steps = p->n_pairs * p->planes;
    size_t n = (size_t)multiples * (size_t)p->n_blocks * (size_t)steps;
    int8_t *w = stn_arena_alloc(arena, n, 64);
    int32_t *correction =
        stn_arena_alloc(arena, (size_t)shape->out, sizeof *correction);
    if (!w || !correction)
        return stn_fail_memory(err, "laid-out weights");
    p->weights = w;
    p->correction = correction;
    for (int m = 0; m < multiples; m++)
        for (int b = 0; b < p->n_blocks; b++)
            for (int k = 0; k < steps; k++, w += 64)
                put_pair(shape, p, codes,
                         m * shape->channels +
                             block_start(p, shape->channels, b),
                         k, w);
    for (int i = 0; p->flip && i < shape->out * taps; i++)
        correction[i / taps] += 128 * codes[i];
    *out = (stn_prepared){.data = p,
                          .size_bytes = n * 64 + (size_t)shape->out * 4,
                          .isa = "avx2"};
    return STN_OK;
}

/* One block of one pixel. `x` is the first tap of the block's first channel,
 * taps are `offsets` bytes from there. */
AVX2 STN_INLINE void short_block(const uint8_t *x, const size_t *offsets,
                                 int n_pairs, const __m256i *w, bool flip,
                                 const int32_t *correction, int32_t *acc)
{
    const __m256i top = _mm256_set1_epi8(-128);
    __m256i low = _mm256_setzero_si256(), high = low;
    for (int k = 0; k < n_pairs; k++) {
        __m256i x0 = _mm256_loadu_si256((const void *)(x + offsets[2 * k]));
        __m256i x1 = _mm256_loadu_si256((const void *)(x + offsets[2 * k + 1]));
        if (flip) {
            x0 = _mm256_xor_si256(x0, top);
            x1 = _mm256_xor_si256(x1, top);
        }
        __m256i a = _mm256_unpacklo_epi8(x0, x1);
        __m256i b = _mm256_unpackhi_epi8(x0, x1);
        low = _mm256_add_epi16(low, _mm256_maddubs_epi16(a, w[2 * k]));
        high = _mm256_add_epi16(high, _mm256_maddubs_epi16(b, w[2 * k + 1]));
    }
    __m128i parts[4] = {
        _mm256_castsi256_si128(low), _mm256_castsi256_si128(high),
        _mm256_extracti128_si256(low, 1), _mm256_extracti128_si256(high, 1)};
    for (int i = 0; i < 4; i++) {
        __m256i v = _mm256_cvtepi16_epi32(parts[i]);
        if (flip)
            v = _mm256_sub_epi32(
                v, _mm256_loadu_si256((const void *)(correction + 8 * i)));
        _mm256_storeu_si256((void *)(acc + 8 * i), v);
    }
}

/* Joins the parts of sums, low ones in a and high ones in b, of 8 channels and
 * of the 8 that are 16 further on, and stores them less the correction. */
AVX2 STN_INLINE void store_joined(__m256i a, __m256i b, bool flip,
                                  const int32_t *less, int32_t *acc)
{
    const __m256i join = _mm256_set1_epi32(16 << 16 | 1);
    __m256i low = _mm256_madd_epi16(_mm256_unpacklo_epi16(a, b), join);
    __m256i high = _mm256_madd_epi16(_mm256_unpackhi_epi16(a, b), join);
    __m256i first = _mm256_permute2x128_si256(low, high, 0x20);
    __m256i last = _mm256_permute2x128_si256(low, high, 0x31);
    if (flip) {
        first = _mm256_sub_epi32(first, _mm256_loadu_si256((const void *)less));
        last = _mm256_sub_epi32(last,
                                _mm256_loadu_si256((const void *)(less + 16)));
    }
    _mm256_storeu_si256((void *)acc, first);
    _mm256_storeu_si256((void *)(acc + 16), last);
}

/* As short_block, with weights of two parts. */
AVX2 STN_INLINE void split_block(const uint8_t *x, const size_t *offsets,
                                 int n_pairs, const __m256i *w, bool flip,
                                 const int32_t *correction, int32_t *acc)
{
    const __m256i top = _mm256_set1_epi8(-128);
    __m256i a = _mm256_setzero_si256(), b = a, c = a, d = a;
    for (int k = 0; k < n_pairs; k++, w += 4) {
        __m256i x0 = _mm256_loadu_si256((const void *)(x + offsets[2 * k]));
        __m256i x1 = _mm256_loadu_si256((const void *)(x + offsets[2 * k + 1]));
        if (flip) {
            x0 = _mm256_xor_si256(x0, top);
            x1 = _mm256_xor_si256(x1, top);
        }
        STN_KEEP(x0); /* read once: it may cross a cache line */
        STN_KEEP(x1);
        __m256i low = _mm256_unpacklo_epi8(x0, x1);
        __m256i high = _mm256_unpackhi_epi8(x0, x1);
        a = _mm256_add_epi16(a, _mm256_maddubs_epi16(low, w[0]));
        b = _mm256_add_epi16(b, _mm256_maddubs_epi16(high, w[1]));
        c = _mm256_add_epi16(c, _mm256_maddubs_epi16(low, w[2]));
        d = _mm256_add_epi16(d, _mm256_maddubs_epi16(high, w[3]));
        STN_KEEP(a);
        STN_KEEP(b);
        STN_KEEP(c);
        STN_KEEP(d);
    }
    store_joined(a, c, flip, correction, acc);
    store_joined(b, d, flip, correction + 8, acc + 8);
}

AVX2 STN_INLINE __m256i load_words(const uint8_t *x, stn_type type)
{
    if (type == STN_TYPE_U8)
        return _mm256_cvtepu8_epi16(_mm_loadu_si128((const void *)x));
    if (type == STN_TYPE_S8)
        return _mm256_cvtepi8_epi16(_mm_loadu_si128((const void *)x));
    return _mm256_loadu_si256((const void *)x);
}

AVX2 STN_INLINE void wide_block(const uint8_t *x, const size_t *offsets,
                                int n_pairs, const __m256i *w, stn_type type,
                                int32_t *acc)
{
    __m256i low = _mm256_setzero_si256(), high = low;
    for (int k = 0; k < n_pairs; k++) {
        __m256i x0 = load_words(x + offsets[2 * k], type);
        __m256i x1 = load_words(x + offsets[2 * k + 1], type);
        __m256i a = _mm256_unpacklo_epi16(x0, x1);
        __m256i b = _mm256_unpackhi_epi16(x0, x1);
        low = _mm256_add_epi32(low, _mm256_madd_epi16(a, w[2 * k]));
        high = _mm256_add_epi32(high, _mm256_madd_epi16(b, w[2 * k + 1]));
    }
    _mm256_storeu_si256((void *)acc,
                        _mm256_permute2x128_si256(low, high, 0x20));
    _mm256_storeu_si256((void *)(acc + 8),
                        _mm256_permute2x128_si256(low, high, 0x31));
}

/* Pairs of a 3 x 3 window, for which loops over pairs are unrolled. */
#define PAIRS_3X3 5

AVX2 STN_INLINE void row(const stn_depthwise_call *call, const size_t *offsets,
                         int n_pairs, kind how, bool flip, stn_type type)
{
    const stn_depthwise_shape *s = call->shape;
    const pack *p = call->prepared;
    size_t size = stn_type_size(s->input);
    size_t step = (size_t)s->stride * (size_t)s->channels * size;
    const __m256i *w = (const __m256i *)(const void *)p->weights;
    for (int o = 0; o < s->out; o += s->channels)
        for (int b = 0; b < p->n_blocks; b++) {
            size_t start = (size_t)block_start(p, s->channels, b);
            const uint8_t *x = (const uint8_t *)call->x + start * size;
            int32_t *acc = call->acc + (size_t)o + start;
            const int32_t *correction = p->correction + (size_t)o + start;
            for (int q = 0; q < call->width; q++, x += step, acc += s->out)
                if (how == SHORT)
                    short_block(x, offsets, n_pairs, w, flip, correction, acc);
                else if (how == SPLIT)
                    split_block(x, offsets, n_pairs, w, flip, correction, acc);
                else
                    wide_block(x, offsets, n_pairs, w, type, acc);
            w += 2 * n_pairs * (how == SPLIT ? 2 : 1);
        }
}

#define DEFINE_ROW(name, how, flip, type)                                      \
    AVX2 static void name(const stn_depthwise_call *call,                      \
                          const size_t *offsets)                               \
    {                                                                          \
        int n_pairs = ((const pack *)call->prepared)->n_pairs;                 \
        if (n_pairs == PAIRS_3X3)                                              \
            row(call, offsets, PAIRS_3X3, how, flip, type);                    \
        else                                                                   \
            row(call, offsets, n_pairs, how, flip, type);                      \
    }

DEFINE_ROW(row_short_u8, SHORT, false, STN_TYPE_U8)
DEFINE_ROW(row_short_s8, SHORT, true, STN_TYPE_U8)
DEFINE_ROW(row_split_u8, SPLIT, false, STN_TYPE_U8)
DEFINE_ROW(row_split_s8, SPLIT, true, STN_TYPE_U8)
DEFINE_ROW(row_wide_u8, WIDE, false, STN_TYPE_U8)
DEFINE_ROW(row_wide_s8, WIDE, false, STN_TYPE_S8)
DEFINE_ROW(row_wide_s16, WIDE, false, STN_TYPE_S16)

AVX2 void stn_depthwise_avx2(const stn_depthwise_call *call)
{
    const stn_depthwise_shape *s = call->shape;
    const pack *p = call->prepared;
    if (p->kind == REF) {
        stn_depthwise_call ref = *call;
        ref.prepared = p->ref;
        stn_depthwise_ref(&ref);
        return;
    }
    size_t offsets[TAPS_MAX + 2], size = stn_type_size(s->input), taps = 0;
    for (size_t i = 0; i < (size_t)s->kh; i++)
        for (size_t j = 0; j < (size_t)s->kw; j++)
            offsets[taps++] =
                size * (i * call->pitch + j * (size_t)s->channels);
    offsets[taps] = offsets[taps - 1]; /* weighs 0 */
    if (p->kind == SHORT && p->flip)
        row_short_s8(call, offsets);
    else if (p->kind == SHORT)
        row_short_u8(call, offsets);
    else if (p->kind == SPLIT && p->flip)
        row_split_s8(call, offsets);
    else if (p->kind == SPLIT)
        row_split_u8(call, offsets);
    else if (s->input == STN_TYPE_U8)
        row_wide_u8(call, offsets);
    else if (s->input == STN_TYPE_S8)
        row_wide_s8(call, offsets);
    else
        row_wide_s16(call, offsets);
}
#endif
