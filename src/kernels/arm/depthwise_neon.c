/* SPDX-License-Identifier: MIT
 *
 * Depthwise window sums with NEON: channels in lanes, 4 pixels side by side
 * that share weights.
 *
 * SHORT: 16 channels of bytes, whose products (SMLAL) are summed in 16 bits.
 * Exact when (largest sum of |w| over a filter) * max |x| <= 32767. Inputs
 * that may exceed 127 are read as x - 128; 128 * sum of w is added.
 * WIDE: 8 channels, widened to 16 bits first and summed in 32.
 *
 * The last block reads from where it ends with the channels, and drops what
 * the one before it has made. Fewer than 8 channels or very large windows go
 * to the scalar kernel. */
#include "kernels/arm/rescale_neon.h"
#include "kernels/ref/ref.h"

#ifdef STN_ARM64
#include "kernels/layout/ending.h"
#include <stdlib.h>

#define LANES STN_VEC_LANES
#define SHORT_BLOCK 16
#define WIDE_BLOCK 8
#define VECTORS 2 /* of sums, most of a block */
#define PIXELS 4
#define TAPS_MAX 128

typedef enum kind { REF, SHORT, WIDE } kind;

typedef struct pack {
    stn_dot_head head;
    kind kind;
    bool flip;           /* u8 inputs are read as s8, 128 lower */
    const void *ref;     /* REF: what the scalar kernel prepared */
    int taps;            /* of a window */
    int block, n_blocks; /* channels a block, blocks that cover all */
    /* For each multiple of `channels` in out, block and tap: `block` weights,
     * of 8 bits (SHORT) or 16. */
    const int8_t *weights;
    const int32_t *correction; /* as many blocks: 128 * sum of w, or 0 */
} pack;

/* First channel that block b reads. */
static int block_start(const pack *p, int channels, int b)
{
    int start = b * p->block;
    return start + p->block <= channels ? start : channels - p->block;
}

static void choose(const stn_depthwise_shape *s, const int8_t *codes, pack *p)
{
    int sum_max = 0;
    for (int o = 0; o < s->out; o++) {
        int sum = 0;
        for (int t = 0; t < p->taps; t++)
            sum += abs(codes[(size_t)o * (size_t)p->taps + (size_t)t]);
        sum_max = sum > sum_max ? sum : sum_max;
    }
    bool flip = s->hi > INT8_MAX;
    int64_t lo = s->lo - (flip ? 128 : 0), hi = s->hi - (flip ? 128 : 0);
    int64_t x_max = hi > -lo ? hi : -lo;
    p->kind = WIDE;
    p->block = WIDE_BLOCK;
    if (s->input != STN_TYPE_S16 && s->channels >= SHORT_BLOCK &&
        sum_max * x_max <= INT16_MAX) {
        p->kind = SHORT;
        p->flip = flip;
        p->block = SHORT_BLOCK;
    }
    p->n_blocks = (s->channels + p->block - 1) / p->block;
}

/* The weights of one block, whose first filter is `first`. */
static void put_block(const pack *p, const int8_t *codes, int first,
                      int8_t *weights, int32_t *correction)
{
    for (int t = 0; t < p->taps; t++)
        for (int i = 0; i < p->block; i++) {
            size_t to = (size_t)(t * p->block + i);
            int16_t w =
                codes[(size_t)(first + i) * (size_t)p->taps + (size_t)t];
            if (p->kind == SHORT)
                weights[to] = (int8_t)w;
            else
                memcpy(weights + 2 * to, &w, sizeof w);
            correction[i] += p->flip ? 128 * w : 0;
        }
}

stn_status stn_depthwise_prepare_neon(const stn_depthwise_shape *shape,
                                      const int8_t *codes, stn_arena *arena,
                                      stn_prepared *out, stn_error *err)
{
    pack *p = stn_arena_alloc(arena, 1, sizeof *p);
    if (!p)
        return stn_fail_memory(err, "laid-out weights");
    p->taps = shape->kh * shape->kw;
    if (shape->channels < WIDE_BLOCK || p->taps > TAPS_MAX) {
        STN_TRY(stn_depthwise_prepare_ref(shape, codes, arena, out, err));
        p->ref = out->data;
        out->data = p;
        return STN_OK;
    }
    choose(shape, codes, p);
    int multiples = shape->out / shape->channels;
    size_t n = (size_t)multiples * (size_t)p->n_blocks;
    size_t block = (size_t)p->block;
    size_t bytes = block * (size_t)p->taps * (p->kind == SHORT ? 1 : 2);
    int8_t *w = stn_arena_alloc(arena, n, bytes);
    int32_t *correction = stn_arena_alloc(arena, n * block, sizeof *correction);
    if (!w || !correction)
        return stn_fail_memory(err, "laid-out weights");
    p->weights = w;
    p->correction = correction;
    for (int m = 0; m < multiples; m++)
        for (int b = 0; b < p->n_blocks; b++, w += bytes, correction += block)
            put_block(p, codes,
                      m * shape->channels + block_start(p, shape->channels, b),
                      w, correction);
    /* Multipliers are read from multiples of LANES. */
    if (multiples == 1 || shape->channels % LANES == 0)
        STN_TRY(
            stn_ending_make(&shape->ending, LANES, arena, &p->head.map, err));
    p->head.second = shape->ending.second;
    *out = (stn_prepared){.data = p,
                          .size_bytes = n * (bytes + block * 4),
                          .isa = "neon",
                          .maps = p->head.map != NULL};
    return STN_OK;
}

/* PIXELS pixels of one block. `x` are the first taps of the block's first
 * channel, taps are `offsets` bytes from there. */
STN_INLINE void short_block(const uint8_t *const *x, const size_t *offsets,
                            int taps, const int8_t *w, bool flip,
                            const int32_t *correction, stn_vec *to)
{
    const int8x16_t top = vdupq_n_s8(flip ? INT8_MIN : 0);
    int16x8_t a[PIXELS], b[PIXELS];
    for (int r = 0; r < PIXELS; r++)
        a[r] = b[r] = vdupq_n_s16(0);
    for (int t = 0; t < taps; t++) {
        int8x16_t v = vld1q_s8(w + SHORT_BLOCK * t);
        for (int r = 0; r < PIXELS; r++) {
            int8x16_t u = vreinterpretq_s8_u8(vld1q_u8(x[r] + offsets[t]));
            u = veorq_s8(u, top);
            a[r] = vmlal_s8(a[r], vget_low_s8(u), vget_low_s8(v));
            b[r] = vmlal_high_s8(b[r], u, v);
        }
    }
    stn_vec c = stn_vec_load(correction), d = stn_vec_load(correction + LANES);
    for (int r = 0; r < PIXELS; r++, to += VECTORS) {
        to[0].lo = vaddw_s16(c.lo, vget_low_s16(a[r]));
        to[0].hi = vaddw_high_s16(c.hi, a[r]);
        to[1].lo = vaddw_s16(d.lo, vget_low_s16(b[r]));
        to[1].hi = vaddw_high_s16(d.hi, b[r]);
    }
}

STN_INLINE int16x8_t load_words(const uint8_t *x, stn_type type)
{
    if (type == STN_TYPE_U8)
        return vreinterpretq_s16_u16(vmovl_u8(vld1_u8(x)));
    if (type == STN_TYPE_S8)
        return vmovl_s8(vreinterpret_s8_u8(vld1_u8(x)));
    return vreinterpretq_s16_u8(vld1q_u8(x));
}

STN_INLINE void wide_block(const uint8_t *const *x, const size_t *offsets,
                           int taps, const int8_t *w, stn_type type,
                           stn_vec *to)
{
    stn_vec sums[PIXELS];
    for (int r = 0; r < PIXELS; r++)
        sums[r] = stn_vec_zero();
    for (int t = 0; t < taps; t++) {
        int16x8_t v = vreinterpretq_s16_s8(vld1q_s8(w + 2 * WIDE_BLOCK * t));
        for (int r = 0; r < PIXELS; r++) {
            int16x8_t u = load_words(x[r] + offsets[t], type);
            sums[r].lo =
                vmlal_s16(sums[r].lo, vget_low_s16(u), vget_low_s16(v));
            sums[r].hi = vmlal_high_s16(sums[r].hi, u, v);
        }
    }
    for (int r = 0; r < PIXELS; r++)
        to[VECTORS * r] = sums[r];
}

/* Drops the first `skip` filters of sums of PIXELS pixels. */
static void drop(stn_vec *sums, size_t skip)
{
    for (int r = 0; r < PIXELS; r++, sums += VECTORS) {
        int32_t words[2 * VECTORS * LANES] = {0};
        for (int v = 0; v < VECTORS; v++)
            stn_vec_write(words + v * LANES, STN_TYPE_S32, 0, LANES, sums[v]);
        for (int v = 0; v < VECTORS; v++)
            sums[v] = stn_vec_load(words + skip + (size_t)v * LANES);
    }
}

/* Where a block's sums go. */
typedef struct target {
    const stn_dot_head *head;
    const stn_dot_call *call;
    int filter, width; /* first filter, filters in use */
    size_t skip;       /* sums before it */
} target;

static void finish(const target *t, stn_vec *sums, int pixel, int n)
{
    if (t->skip)
        drop(sums, t->skip);
    for (int v = 0; v * LANES < t->width; v++)
        stn_finish_vec(&(stn_finish){t->head, t->call, (size_t)pixel, (size_t)n,
                                     (size_t)(t->filter + v * LANES),
                                     t->width - v * LANES},
                       sums + v, VECTORS);
}

/* Pixels of a row, one block of filters: `x` is its first input. A short tile
 * repeats its last pixel. */
STN_INLINE void block_row(const stn_depthwise_call *call, const target *t,
                          const uint8_t *x, const size_t *offsets, int taps,
                          const int8_t *w, const int32_t *correction)
{
    const pack *p = call->prepared;
    const stn_depthwise_shape *s = call->shape;
    size_t step = (size_t)s->stride * (size_t)s->channels;
    step *= stn_type_size(s->input);
    for (int q = 0; q < call->width; q += PIXELS) {
        int n = call->width - q < PIXELS ? call->width - q : PIXELS;
        const uint8_t *at[PIXELS];
        stn_vec sums[PIXELS * VECTORS] = {0};
        for (int r = 0; r < PIXELS; r++)
            at[r] = x + (size_t)(q + (r < n ? r : n - 1)) * step;
        if (p->kind == SHORT)
            short_block(at, offsets, taps, w, p->flip, correction, sums);
        else if (s->input == STN_TYPE_U8)
            wide_block(at, offsets, taps, w, STN_TYPE_U8, sums);
        else if (s->input == STN_TYPE_S8)
            wide_block(at, offsets, taps, w, STN_TYPE_S8, sums);
        else
            wide_block(at, offsets, taps, w, STN_TYPE_S16, sums);
        finish(t, sums, q, n);
    }
}

void stn_depthwise_neon(const stn_depthwise_call *call)
{
    const stn_depthwise_shape *s = call->shape;
    const pack *p = call->prepared;
    if (p->kind == REF) {
        stn_depthwise_call ref = *call;
        ref.prepared = p->ref;
        stn_depthwise_ref(&ref);
        return;
    }
    size_t offsets[TAPS_MAX], size = stn_type_size(s->input), taps = 0;
    for (size_t i = 0; i < (size_t)s->kh; i++)
        for (size_t j = 0; j < (size_t)s->kw; j++)
            offsets[taps++] =
                size * (i * call->pitch + j * (size_t)s->channels);
    const stn_dot_shape shape = {.out = s->out};
    const stn_dot_call ends = {
        .shape = &shape, .acc = call->acc, .other = call->other, .y = call->y};
    const int8_t *w = p->weights;
    const int32_t *correction = p->correction;
    size_t w_bytes =
        (size_t)p->block * taps * (p->kind == SHORT ? 1 : sizeof(int16_t));
    for (int o = 0; o < s->out; o += s->channels)
        for (int b = 0; b < p->n_blocks; b++) {
            int start = block_start(p, s->channels, b), first = b * p->block;
            int left = s->channels - first;
            const target t = {&p->head, &ends, o + first,
                              left < p->block ? left : p->block,
                              (size_t)(first - start)};
            const uint8_t *x = (const uint8_t *)call->x + (size_t)start * size;
            if (taps == 9) /* loops over taps are unrolled */
                block_row(call, &t, x, offsets, 9, w, correction);
            else
                block_row(call, &t, x, offsets, p->taps, w, correction);
            w += w_bytes;
            correction += p->block;
        }
}
#endif
