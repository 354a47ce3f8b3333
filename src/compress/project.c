/* SPDX-License-Identifier: MIT
 *
 * Projections of ADMM-NN (Ren et al., ASPLOS 2019; formulas from the
 * authors' Caffe fork, yeshaokai/ADMM-NN, sgd_solver.cpp).
 *
 * Selection runs over the digits of 32-bit keys: three passes of counting
 * instead of a sorted copy. The interval search looks at magnitudes through
 * a histogram whose buckets keep count, sum and sum of squares, so that the
 * squared error of a bucket is exact wherever it goes to one level whole. */
#include "compress/project.h"

#include "base/compiler.h"

#include "compress/quant.h"

#include <math.h>
#include <string.h>

#define DIGIT_BITS 11
#define DIGITS (1u << DIGIT_BITS)

/* Keys whose digits above `shift + 11` equal those of `prefix`. */
static void count_digits(size_t n, stn_key_function *key, const void *context,
                         uint64_t prefix, unsigned shift, size_t *counts)
{
    memset(counts, 0, DIGITS * sizeof(*counts));
    for (size_t i = 0; i < n; i++) {
        uint32_t value;

        if (key(context, i, &value) &&
            (uint64_t)value >> (shift + DIGIT_BITS) == prefix)
            counts[value >> shift & (DIGITS - 1)]++;
    }
}

void stn_pick_smallest(size_t n, size_t k, stn_key_function *key,
                       void (*pick)(void *context, size_t i), void *context)
{
    size_t counts[DIGITS], ties = k;
    uint64_t last = 0;

    if (k == 0)
        return;
    /* Digit by digit, the key of rank k; `ties` is its rank among its like.
     * With fewer than k keys it becomes the largest there is. */
    for (unsigned shift = 22; shift <= 22; shift -= DIGIT_BITS) {
        uint32_t digit = 0;

        count_digits(n, key, context, last, shift, counts);
        while (digit < DIGITS - 1 && counts[digit] < ties)
            ties -= counts[digit++];
        last = last << DIGIT_BITS | digit;
    }
    for (size_t i = 0; i < n; i++) {
        uint32_t value;

        if (!key(context, i, &value) || value > last ||
            (value == last && ties == 0))
            continue;
        ties -= value == last;
        pick(context, i);
    }
}

uint32_t stn_magnitude_key(float x)
{
    uint32_t bits;

    memcpy(&bits, &x, sizeof(bits));
    return bits & 0x7fffffffu;
}

struct smallest {
    float *w;
    const float *from;
};

static bool magnitude_of(const void *context, size_t i, uint32_t *key)
{
    const struct smallest *s = context;

    /* Zeroing from the end keeps the first of equal magnitudes. */
    *key = stn_magnitude_key(s->from[-(ptrdiff_t)i]);
    return true;
}

static void zero(void *context, size_t i)
{
    struct smallest *s = context;

    s->w[-(ptrdiff_t)i] = 0;
}

void stn_keep_largest(size_t n, float *w, size_t keep)
{
    struct smallest s = {w + n - 1, w + n - 1};

    if (keep < n)
        stn_pick_smallest(n, n - keep, magnitude_of, zero, &s);
}

#define BUCKETS 2048

struct bucket {
    double n, sum, squares; /* of the magnitudes in it */
};

static void fill_buckets(size_t n, const float *w, float max,
                         struct bucket buckets[BUCKETS])
{
    float per_unit = BUCKETS / max;

    for (size_t i = 0; i < n; i++) {
        float m = fabsf(w[i]), place = m * per_unit;
        struct bucket *b;

        if (!(m > 0))
            continue;
        b = &buckets[place < BUCKETS ? (int)place : BUCKETS - 1];
        b->n++;
        b->sum += (double)m;
        b->squares += (double)m * (double)m;
    }
}

/* What the search works on: buckets that are not empty, and their means. */
struct histogram {
    int n, n_levels;
    struct bucket buckets[BUCKETS];
    float means[BUCKETS];
};

STN_CLONES
static void find_levels(const struct histogram *h, float q,
                        float *STN_RESTRICT levels)
{
    float limit = (float)h->n_levels;

    for (int i = 0; i < h->n; i++) {
        float level = stn_rintf(h->means[i] / q);

        level = level < limit ? level : limit;
        levels[i] = level > 1 ? level : 1;
    }
}

/* sum (|w| - k q)^2 with k the level nearest to the mean of a bucket. */
static double squared_error(const struct histogram *h, double q)
{
    float levels[BUCKETS];
    double error = 0;

    find_levels(h, (float)q, levels);
    for (int i = 0; i < h->n; i++) {
        const struct bucket *b = &h->buckets[i];
        double level = q * (double)levels[i];

        error += b->squares - 2 * level * b->sum + level * level * b->n;
    }
    return error;
}

/* Weights that stand on levels already have an error of rounding alone. */
#define ON_LEVELS 1e-12

/* base = max / n_levels; the best of 0.9 base … 1.1 base in steps of 0.001
 * base, as the authors search. */
static double search(const struct histogram *h, double max)
{
    int n_levels = h->n_levels;
    double best = max / n_levels, least = INFINITY, total = 0;

    for (int i = 0; i < h->n; i++)
        total += h->buckets[i].squares;
    for (int m = 1; m <= n_levels; m++)
        if (squared_error(h, max / m) <= ON_LEVELS * total)
            return max / m;
    for (int i = 0; i <= 200; i++) {
        double q = max / n_levels * (900 + i) / 1000;
        double error = squared_error(h, q);

        if (error < least) {
            least = error;
            best = q;
        }
    }
    return best;
}

float stn_levels_search(size_t n, const float *w, int n_levels)
{
    struct histogram h = {.n_levels = n_levels};
    float max = stn_max_magnitude(n, w);

    if (!(max > 0) || !isfinite(BUCKETS / max) || !isfinite(max))
        return max;
    fill_buckets(n, w, max, h.buckets);
    for (int i = 0; i < BUCKETS; i++) {
        const struct bucket b = h.buckets[i];

        if (!(b.n > 0))
            continue;
        h.buckets[h.n] = b;
        h.means[h.n++] = (float)(b.sum / b.n);
    }
    return (float)search(&h, (double)max);
}

int stn_levels_nearest(float w, float q, int n_levels)
{
    float limit = (float)n_levels, level = stn_rintf(fabsf(w) / q);

    if (w == 0)
        return 0;
    /* Comparisons in this form also send NaN to a level. */
    level = level < limit ? level : limit;
    level = level > 1 ? level : 1;
    return w < 0 ? -(int)level : (int)level;
}
