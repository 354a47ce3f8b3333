/* SPDX-License-Identifier: MIT
 *
 * Depthwise window sums with AVX-512 VNNI: 64 elements at once, 4 taps a
 * vpdpbusd. Bytes of 4 taps are interleaved (unpack), which leaves sums in the
 * order of 128-bit lanes: sum d of lane l of vector k is element
 * 16 l + 4 k + d. Weights, and the multipliers of a map that follows, are laid
 * out in that order, and packing sums down to bytes undoes it.
 *
 * From 64 channels on, a block of 64 lies in one pixel; the last block moves
 * back to end with the channels and repeats some. With fewer and a stride of
 * 1, pixels follow each other in input and output, so that a row is one flat
 * array: weights repeat after a whole number of blocks. The rest (16-bit
 * inputs, few channels with a stride, large windows) is AVX2's.
 *
 * Signed inputs are read as x + 128; 128 * sum of w is taken off. */
#include "kernels/layout/dot_pack.h"
#include "kernels/x86/rescale_avx512.h"

#ifdef STN_X86
#include <string.h>

#define AVX512 STN_AVX512
#define BLOCK 64
#define VECTORS 4
#define TAPS_MAX 128
#define PHASES_MAX 64 /* blocks after which weights repeat */

typedef struct pack {
    const void *avx2; /* what AVX2 prepared where that runs it, or NULL */
    bool flat, flip;
    int n_groups; /* of 4 taps; the last may have 1 */
    bool lone;    /* it has */
    int multiples;
    int phases; /* of each multiple */
    /* For each multiple and phase: n_groups * VECTORS vectors. */
    const int8_t *weights;
    const int32_t *starts;       /* VECTORS vectors of -128 * sum of w, or 0 */
    const stn_rescale_pack *map; /* VECTORS blocks of multipliers, or NULL */
} pack;

static int common_divisor(int a, int b)
{
    return b ? common_divisor(b, a % b) : a;
}

/* Channel of element e of a block, within one multiple. */
static int channel_of(const pack *p, const stn_depthwise_shape *s, int phase,
                      int e)
{
    if (p->flat)
        return (phase * BLOCK + e) % s->channels;
    int start = phase * BLOCK;
    if (start + BLOCK > s->channels)
        start = s->channels - BLOCK;
    return start + e;
}

/* Element of a block that sum `lane` of vector `vector` belongs to. */
static int element_of(int vector, int lane)
{
    return 16 * (lane / 4) + 4 * vector + lane % 4;
}

static bool fits(const stn_depthwise_shape *s)
{
    if (s->input == STN_TYPE_S16 || s->kh * s->kw > TAPS_MAX)
        return false;
    if (s->channels >= BLOCK)
        return true;
    int granule = common_divisor(s->channels, BLOCK);
    return s->stride == 1 && s->channels / granule <= PHASES_MAX &&
           (s->out == s->channels || s->channels % 16 == 0);
}

/* One vector of one group: 4 taps of 16 elements. */
static void put_weights(const pack *p, const stn_depthwise_shape *s,
                        const int8_t *codes, int at, int vector, int group,
                        int8_t *w, int32_t *start)
{
    int taps = s->kh * s->kw, first = at / p->phases * s->channels;
    for (int lane = 0; lane < 16; lane++) {
        int e = element_of(vector, lane);
        int o = first + channel_of(p, s, at % p->phases, e);
        for (int t = 4 * group; t < 4 * group + 4 && t < taps; t++) {
            int code = codes[o * taps + t];
            w[4 * lane + t % 4] = (int8_t)code;
            if (p->flip)
                start[lane] -= 128 * code;
        }
    }
}

/* The map with its multipliers in the order of sums. Two inputs are left to
 * the rescale that follows. */
static stn_status make_map(pack *p, const stn_depthwise_shape *s,
                           stn_arena *arena, stn_error *err)
{
    const stn_rescale_shape *map = s->ending.map;
    if (!map || map->m1 || map->type == STN_TYPE_S32)
        return STN_OK;
    size_t n = (size_t)(p->multiples * p->phases) * BLOCK;
    int32_t *m = stn_arena_alloc(arena, n, sizeof *m);
    int64_t *a = stn_arena_alloc(arena, n, sizeof *a);
    if (!m || !a)
        return stn_fail_memory(err, "laid-out multipliers");
    for (size_t i = 0; i < n; i++) {
        int at = (int)(i / BLOCK), vector = (int)(i % BLOCK / 16);
        int e = element_of(vector, (int)(i % 16));
        int o =
            at / p->phases * s->channels + channel_of(p, s, at % p->phases, e);
        m[i] = map->m0[o];
        a[i] = map->a[o];
    }
    stn_rescale_shape ordered = *map;
    ordered.channels = (int)n;
    ordered.m0 = m;
    ordered.a = a;
    return stn_ending_make(&(stn_ending){.map = &ordered}, 16, arena, &p->map,
                           err);
}

stn_status stn_depthwise_prepare_avx512(const stn_depthwise_shape *shape,
                                        const int8_t *codes, stn_arena *arena,
                                        stn_prepared *out, stn_error *err)
{
    pack *p = stn_arena_alloc(arena, 1, sizeof *p);
    if (!p)
        return stn_fail_memory(err, "laid-out weights");
    if (!fits(shape)) {
        STN_TRY(stn_depthwise_prepare_avx2(shape, codes, arena, out, err));
        p->avx2 = out->data;
        out->data = p;
        return STN_OK;
    }
    int taps = shape->kh * shape->kw, c = shape->channels;
    p->flat = c < BLOCK;
    p->flip = shape->input == STN_TYPE_S8 && shape->lo < 0;
    p->n_groups = (taps + 3) / 4;
    p->lone = taps % 4 == 1;
    p->multiples = shape->out / c;
    p->phases =
        p->flat ? c / common_divisor(c, BLOCK) : (c + BLOCK - 1) / BLOCK;
    size_t n = (size_t)(p->multiples * p->phases) * VECTORS;
    size_t vectors = n * (size_t)p->n_groups;
    int8_t *w = stn_arena_alloc(arena, vectors, 64);
    int32_t *starts = stn_arena_alloc(arena, n, 64);
    if (!w || !starts)
        return stn_fail_memory(err, "laid-out weights");
    p->weights = w;
    p->starts = starts;
    for (int at = 0; at < p->multiples * p->phases; at++)
        for (int g = 0; g < p->n_groups; g++)
            for (int v = 0; v < VECTORS; v++, w += 64)
                put_weights(p, shape, codes, at, v, g, w,
                            starts + (at * VECTORS + v) * 16);
    STN_TRY(make_map(p, shape, arena, err));
    *out = (stn_prepared){.data = p,
                          .size_bytes = (vectors + n) * 64,
                          .isa = "avx512",
                          .maps = p->map != NULL};
    return STN_OK;
}

/* Bytes of 4 taps, interleaved. */
typedef struct quad {
    __m512i v[VECTORS];
} quad;

AVX512 STN_INLINE __m512i load(const uint8_t *x, __mmask64 lanes, bool flip)
{
    __m512i v = _mm512_maskz_loadu_epi8(lanes, x);
    return flip ? _mm512_xor_si512(v, _mm512_set1_epi8(-128)) : v;
}

AVX512 STN_INLINE quad interleave(const uint8_t *x, const size_t *offsets,
                                  __mmask64 lanes, bool flip)
{
    __m512i x0 = load(x + offsets[0], lanes, flip);
    __m512i x1 = load(x + offsets[1], lanes, flip);
    __m512i x2 = load(x + offsets[2], lanes, flip);
    __m512i x3 = load(x + offsets[3], lanes, flip);
    __m512i low01 = _mm512_unpacklo_epi8(x0, x1);
    __m512i low23 = _mm512_unpacklo_epi8(x2, x3);
    __m512i high01 = _mm512_unpackhi_epi8(x0, x1);
    __m512i high23 = _mm512_unpackhi_epi8(x2, x3);
    return (quad){{_mm512_unpacklo_epi16(low01, low23),
                   _mm512_unpackhi_epi16(low01, low23),
                   _mm512_unpacklo_epi16(high01, high23),
                   _mm512_unpackhi_epi16(high01, high23)}};
}

/* One tap alone: each byte becomes the lowest of a sum's four. */
AVX512 STN_INLINE quad spread(const uint8_t *x, __mmask64 lanes, bool flip)
{
    __m512i v = load(x, lanes, flip);
    const __m128i first = _mm_setr_epi8(0, -1, -1, -1, 1, -1, -1, -1, 2, -1, -1,
                                        -1, 3, -1, -1, -1);
    const __m128i four =
        _mm_setr_epi8(4, 0, 0, 0, 4, 0, 0, 0, 4, 0, 0, 0, 4, 0, 0, 0);
    quad q;
    __m128i order = first;
    for (int k = 0; k < VECTORS; k++) {
        q.v[k] = _mm512_shuffle_epi8(v, _mm512_broadcast_i32x4(order));
        order = _mm_add_epi8(order, four);
    }
    return q;
}

/* Sums of 64 elements into s, in the order of lanes. */
AVX512 STN_INLINE void block_sums(const uint8_t *x, const size_t *offsets,
                                  __mmask64 lanes, const int8_t *w,
                                  const int32_t *start, int n_groups, bool lone,
                                  bool flip, __m512i *s)
{
    for (int k = 0; k < VECTORS; k++)
        s[k] = _mm512_load_si512(start + 16 * k);
    for (int g = 0; g < n_groups; g++, offsets += 4, w += 64 * VECTORS) {
        quad q = lone && g == n_groups - 1
                     ? spread(x + offsets[0], lanes, flip)
                     : interleave(x, offsets, lanes, flip);
        for (int k = 0; k < VECTORS; k++)
            s[k] = _mm512_dpbusd_epi32(s[k], q.v[k],
                                       _mm512_load_si512(w + 64 * k));
    }
}

/* Sums as they are, in the order of elements: a transposition of lanes. */
AVX512 STN_INLINE void store_sums(int32_t *y, int n, const __m512i *s)
{
    __m512i a = _mm512_shuffle_i32x4(s[0], s[1], 0x44);
    __m512i b = _mm512_shuffle_i32x4(s[2], s[3], 0x44);
    __m512i c = _mm512_shuffle_i32x4(s[0], s[1], 0xEE);
    __m512i d = _mm512_shuffle_i32x4(s[2], s[3], 0xEE);
    __m512i in_order[VECTORS] = {
        _mm512_shuffle_i32x4(a, b, 0x88), _mm512_shuffle_i32x4(a, b, 0xDD),
        _mm512_shuffle_i32x4(c, d, 0x88), _mm512_shuffle_i32x4(c, d, 0xDD)};
    for (int k = 0; k < VECTORS && 16 * k < n; k++) {
        int left = n - 16 * k;
        __mmask16 lanes = (__mmask16)(left < 16 ? (1U << left) - 1 : 0xFFFF);
        _mm512_mask_storeu_epi32(y + 16 * k, lanes, in_order[k]);
    }
}

/* Mapped sums, which fit the type, packed down into the order of elements. */
AVX512 STN_INLINE void store_mapped(uint8_t *y, stn_type type, int n,
                                    const __m512i *s)
{
    __mmask64 lanes = n < 64 ? (UINT64_C(1) << n) - 1 : UINT64_MAX;
    __m512i low = _mm512_packs_epi32(s[0], s[1]);
    __m512i high = _mm512_packs_epi32(s[2], s[3]);
    if (type == STN_TYPE_U8) {
        _mm512_mask_storeu_epi8(y, lanes, _mm512_packus_epi16(low, high));
    } else if (type == STN_TYPE_S8) {
        _mm512_mask_storeu_epi8(y, lanes, _mm512_packs_epi16(low, high));
    } else {
        const __m512i first = _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11);
        const __m512i last = _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15);
        _mm512_mask_storeu_epi16(y, (__mmask32)lanes,
                                 _mm512_permutex2var_epi64(low, first, high));
        _mm512_mask_storeu_epi16(y + 64, (__mmask32)(lanes >> 32),
                                 _mm512_permutex2var_epi64(low, last, high));
    }
}

/* What the blocks of a call share. */
typedef struct row {
    const pack *p;
    stn_rescale_pack map;
    const size_t *offsets;
    size_t size; /* bytes of an output element */
    bool maps;
} row;

/* Block `at` (multiple and phase) of n elements from x, to y. */
AVX512 STN_INLINE void run_block(const row *r, int at, const uint8_t *x, int n,
                                 void *y, int n_groups, bool lone, bool flip)
{
    __mmask64 lanes = n < 64 ? (UINT64_C(1) << n) - 1 : UINT64_MAX;
    __m512i s[VECTORS];
    block_sums(x, r->offsets, lanes,
               r->p->weights + (size_t)at * (size_t)n_groups * VECTORS * 64,
               r->p->starts + at * VECTORS * 16, n_groups, lone, flip, s);
    if (!r->maps) {
        store_sums(y, n, s);
        return;
    }
    for (int k = 0; k < VECTORS; k++)
        s[k] =
            stn_vec_map(&r->map, (size_t)(at * VECTORS + k) * 16, s[k], s[k]);
    store_mapped(y, r->map.type, n, s);
}

/* Rows of 64 channels and more: block by block of each pixel. */
AVX512 STN_INLINE void run_pixels(const row *r, const stn_depthwise_call *call,
                                  uint8_t *y, int n_groups, bool lone,
                                  bool flip)
{
    const stn_depthwise_shape *s = call->shape;
    size_t step = (size_t)s->stride * (size_t)s->channels;
    for (int at = 0; at < r->p->multiples * r->p->phases; at++) {
        int start = channel_of(r->p, s, at % r->p->phases, 0);
        const uint8_t *x = (const uint8_t *)call->x + start;
        int o = at / r->p->phases * s->channels + start;
        uint8_t *to = y + (size_t)o * r->size;
        for (int q = 0; q < call->width; q++) {
            run_block(r, at, x, BLOCK, to, n_groups, lone, flip);
            x += step;
            to += (size_t)s->out * r->size;
        }
    }
}

#define PIECE 16 /* elements */

/* Copies by vectors: sizes that are known when compiled. */
STN_INLINE void copy_piece(uint8_t *to, const uint8_t *from, size_t size)
{
    if (size == 1)
        memcpy(to, from, PIECE);
    else if (size == 2)
        memcpy(to, from, 2 * PIECE);
    else
        memcpy(to, from, 4 * PIECE);
}

/* n elements of a flat row from element i, all multiples. Where there are
 * several, blocks are cut into pieces of 16 elements, which lie in one pixel
 * each. */
AVX512 STN_INLINE void run_piece(const row *r, const stn_depthwise_call *call,
                                 uint8_t *y, int phase, int i, int n,
                                 int n_groups, bool lone, bool flip)
{
    const stn_depthwise_shape *s = call->shape;
    const uint8_t *x = (const uint8_t *)call->x + i;
    int c = s->channels;
    if (s->out == c) {
        run_block(r, phase, x, n, y + (size_t)i * r->size, n_groups, lone,
                  flip);
        return;
    }
    for (int m = 0; m < r->p->multiples; m++) {
        uint8_t block[BLOCK * sizeof(int32_t)];
        run_block(r, m * r->p->phases + phase, x, n, block, n_groups, lone,
                  flip);
        int channel = i % c;
        size_t o = (size_t)(i / c * s->out + m * c + channel);
        for (int e = 0; e < n; e += PIECE) {
            copy_piece(y + o * r->size, block + (size_t)e * r->size, r->size);
            o += PIECE;
            channel += PIECE;
            if (channel == c) { /* on to the next pixel */
                channel = 0;
                o += (size_t)(s->out - c);
            }
        }
    }
}

/* Rows of fewer channels, as one array. A constant n lets whole blocks do
 * without masks. */
AVX512 STN_INLINE void run_flat(const row *r, const stn_depthwise_call *call,
                                uint8_t *y, int n_groups, bool lone, bool flip)
{
    int total = call->width * call->shape->channels, phase = 0, i = 0;
    for (; i + BLOCK <= total; i += BLOCK) {
        run_piece(r, call, y, phase, i, BLOCK, n_groups, lone, flip);
        phase = phase + 1 == r->p->phases ? 0 : phase + 1;
    }
    if (i < total)
        run_piece(r, call, y, phase, i, total - i, n_groups, lone, flip);
}

AVX512 STN_INLINE void run_row(const row *r, const stn_depthwise_call *call,
                               uint8_t *y, int n_groups, bool lone, bool flip)
{
    if (r->p->flat)
        run_flat(r, call, y, n_groups, lone, flip);
    else
        run_pixels(r, call, y, n_groups, lone, flip);
}

/* Groups of 3 x 3 taps, for which loops are unrolled. */
#define GROUPS_3X3 3

AVX512 static void run_u8(const row *r, const stn_depthwise_call *call,
                          uint8_t *y)
{
    if (r->p->n_groups == GROUPS_3X3 && r->p->lone)
        run_row(r, call, y, GROUPS_3X3, true, false);
    else
        run_row(r, call, y, r->p->n_groups, r->p->lone, false);
}

AVX512 static void run_s8(const row *r, const stn_depthwise_call *call,
                          uint8_t *y)
{
    if (r->p->n_groups == GROUPS_3X3 && r->p->lone)
        run_row(r, call, y, GROUPS_3X3, true, true);
    else
        run_row(r, call, y, r->p->n_groups, r->p->lone, true);
}

AVX512 void stn_depthwise_avx512(const stn_depthwise_call *call)
{
    const stn_depthwise_shape *s = call->shape;
    const pack *p = call->prepared;
    if (p->avx2) {
        stn_depthwise_call avx2 = *call;
        avx2.prepared = p->avx2;
        stn_depthwise_avx2(&avx2);
        return;
    }
    size_t offsets[TAPS_MAX + 4];
    int taps = 0;
    for (int i = 0; i < s->kh; i++) { /* by additions: rows may be short */
        size_t at = (size_t)i * call->pitch;
        for (int j = 0; j < s->kw; j++, at += (size_t)s->channels)
            offsets[taps++] = at;
    }
    for (; taps % 4; taps++)
        offsets[taps] = offsets[taps - 1]; /* weighs 0 */
    row r = {.p = p, .offsets = offsets, .size = 4, .maps = p->map != NULL};
    uint8_t *y = (uint8_t *)call->acc;
    if (p->map) {
        r.map = *p->map;
        r.size = stn_type_size(p->map->type);
        y = call->y;
    }
    if (p->flip)
        run_s8(&r, call, y);
    else
        run_u8(&r, call, y);
}
#endif
