/* SPDX-License-Identifier: MIT
 *
 * Row operations that err. A reference parts two neighbouring numbers of
 * ones; a column that holds one of the two is taken for the other with the
 * chance that the options say, independently for every operation, column and
 * reference. A written cell is wrong with the chance of a write error.
 *
 * Errors are drawn by the distance to the next one, so that rows without any
 * cost nothing. What is drawn follows from the seed and the picture, never
 * from threads. Spread that belongs to a cell, and so repeats, is not kept
 * apart from noise: every operation draws anew. */
#include "accel/bitwise_noise.h"
#include <math.h>
#include <string.h>

bool bw_is_noisy(const bw_options *o)
{
    return o->read_error > 0 || o->logic2_error > 0 || o->logic3_error > 0 ||
           o->write_error > 0;
}

/* Columns without error before the next one. */
static uint64_t gap(bw_noise *n, bw_error kind)
{
    double u = ((double)(stn_rng_u64(&n->rng) >> 11) + 0.5) * 0x1p-53;
    double columns = floor(log(u) * n->scale[kind]);
    return columns < 1e18 ? (uint64_t)columns : (uint64_t)1e18;
}

void bw_noise_begin(bw_noise *n, const bw_options *o, const uint8_t *pixels,
                    size_t n_pixels, uint64_t *masks, size_t words)
{
    const float chance[BW_ERRORS] = {o->read_error, o->logic2_error,
                                     o->logic3_error, o->write_error};
    uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a */
    for (size_t i = 0; i < n_pixels; i++)
        hash = (hash ^ pixels[i]) * 0x100000001b3u;
    n->rng = stn_rng_make((uint64_t)o->seed, STN_RNG_SENSE, hash);
    for (int k = 0; k < BW_ERRORS; k++) {
        n->scale[k] = 1.0 / log1p(-(double)chance[k]); /* -inf when it is 0 */
        n->left[k] = chance[k] > 0 ? gap(n, (bw_error)k) : UINT64_MAX;
    }
    n->masks = masks;
    n->words = words;
}

const uint64_t *bw_noise_mask(bw_noise *n, bw_error kind, int slot, int words)
{
    uint64_t columns = 64 * (uint64_t)words, at = n->left[kind];
    if (at >= columns) {
        n->left[kind] -= at == UINT64_MAX ? 0 : columns;
        return NULL;
    }
    uint64_t *mask = n->masks + (size_t)slot * n->words;
    memset(mask, 0, (size_t)words * sizeof *mask);
    for (; at < columns; at += 1 + gap(n, kind))
        mask[at / 64] |= (uint64_t)1 << (at % 64);
    n->left[kind] = at - columns;
    return mask;
}

void bw_noise_flip(bw_noise *n, bw_error kind, uint64_t *row, int words)
{
    const uint64_t *mask = n ? bw_noise_mask(n, kind, 0, words) : NULL;
    for (int w = 0; mask && w < words; w++)
        row[w] ^= mask[w];
}

int64_t bw_noise_count(bw_noise *n, const uint64_t *a, const uint64_t *b,
                       int words)
{
    const uint64_t *mask = bw_noise_mask(n, BW_ERROR_LOGIC2, 0, words);
    int64_t wrong = 0;
    for (int w = 0; mask && w < words; w++)
        wrong += __builtin_popcountll(mask[w] & (a[w] ^ b[w])) -
                 __builtin_popcountll(mask[w] & a[w] & b[w]);
    return wrong;
}

static uint64_t word_of(const uint64_t *mask, int w)
{
    return mask ? mask[w] : 0;
}

/* OR and AND of two cells, by one reference each. */
static void sense2(uint64_t x, uint64_t y, uint64_t low, uint64_t high,
                   uint64_t *any, uint64_t *both)
{
    *any = (x | y) ^ (low & ~(x & y));
    *both = (x & y) ^ (high & (x | y));
}

/* Masks of both references of two rows. */
static void draw2(bw_noise *n, int words, const uint64_t *mask[2])
{
    for (int k = 0; k < 2; k++)
        mask[k] = bw_noise_mask(n, BW_ERROR_LOGIC2, k, words);
}

/* Accumulator, operand and carry row together. */
static void add3(bw_noise *n, const bw_sum *s, uint64_t *a, const uint64_t *x)
{
    const uint64_t *mask[3];
    for (int k = 0; k < 3; k++)
        mask[k] = bw_noise_mask(n, BW_ERROR_LOGIC3, k, s->words);
    for (int w = 0; w < s->words; w++) {
        uint64_t p = a[w], q = x[w], r = s->carry[w];
        uint64_t all = p & q & r, any = p | q | r;
        uint64_t most = (p & q) | (r & (p | q));
        any ^= word_of(mask[0], w) & ~most;
        uint64_t sensed = most ^ (word_of(mask[1], w) & (p | q | r) & ~all);
        all ^= word_of(mask[2], w) & most;
        a[w] = all | (any & ~sensed);
        s->carry[w] = sensed;
    }
}

/* Two rows; `latch` is the carry beside the amplifiers, or NULL. */
static void add2(bw_noise *n, int words, uint64_t *a, const uint64_t *x,
                 uint64_t *carry, bool latch)
{
    const uint64_t *mask[2];
    draw2(n, words, mask);
    for (int w = 0; w < words; w++) {
        uint64_t any, both, in = latch ? carry[w] : 0;
        sense2(a[w], x[w], word_of(mask[0], w), word_of(mask[1], w), &any,
               &both);
        a[w] = (any & ~both) ^ in;
        carry[w] = both | (any & in);
    }
}

/* One row and the latch. */
static void add1(bw_noise *n, int words, uint64_t *a, uint64_t *carry)
{
    const uint64_t *mask = bw_noise_mask(n, BW_ERROR_READ, 0, words);
    for (int w = 0; w < words; w++) {
        uint64_t read = a[w] ^ word_of(mask, w);
        a[w] = read ^ carry[w];
        carry[w] &= read;
    }
}

void bw_noise_add(bw_noise *n, const bw_sum *s, uint64_t *a, const uint64_t *x,
                  bool first, bool latch, uint64_t flip)
{
    if (first)
        add2(n, s->words, a, x, s->carry, false);
    else if (x && latch)
        add2(n, s->words, a, x, s->carry, true);
    else if (x)
        add3(n, s, a, x);
    else if (latch)
        add1(n, s->words, a, s->carry);
    else
        add2(n, s->words, a, s->carry, s->carry, false);
    for (int w = 0; w < s->words; w++)
        a[w] ^= flip;
    bw_noise_flip(n, BW_ERROR_WRITE, a, s->words);
    if (!latch)
        bw_noise_flip(n, BW_ERROR_WRITE, s->carry, s->words);
}
