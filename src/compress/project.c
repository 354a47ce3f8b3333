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

/* What the search works on: of the magnitudes in each bucket their number,
 * sum, sum of squares and mean. Empty buckets stand last, from n on. */
struct histogram {
    int n, n_levels;
    double counts[BUCKETS], sums[BUCKETS], squares[BUCKETS];
    float means[BUCKETS];
};

static void fill_buckets(size_t n, const float *w, float max,
                         struct histogram *h)
{
    float per_unit = BUCKETS / max;

    for (size_t i = 0; i < n; i++) {
        float m = fabsf(w[i]), place = m * per_unit;
        int b = place < BUCKETS ? (int)place : BUCKETS - 1;

        if (!(m > 0))
            continue;
        h->counts[b]++;
        h->sums[b] += (double)m;
        h->squares[b] += (double)m * (double)m;
    }
}

/* Moves empty buckets behind the others. */
static void close_ranks(struct histogram *h)
{
    for (int i = 0; i < BUCKETS; i++) {
        double count = h->counts[i], sum = h->sums[i], square = h->squares[i];

        if (!(count > 0))
            continue;
        h->counts[i] = h->sums[i] = h->squares[i] = 0;
        h->counts[h->n] = count;
        h->sums[h->n] = sum;
        h->squares[h->n] = square;
        h->means[h->n++] = (float)(sum / count);
    }
}

/* Clamped first and then rounded half to even by adding and taking away 2^23,
 * which vectorises. */
STN_CLONES
static void find_levels(int n, const float *STN_RESTRICT means, float q,
                        float limit, float *STN_RESTRICT levels)
{
    const float magic = 0x1p23f;

    for (int i = 0; i < n; i++) {
        float level = means[i] / q;

        level = level < limit ? level : limit;
        level = level > 1 ? level : 1;
        levels[i] = (level + magic) - magic;
    }
}

#define LANES 8 /* sums, so that the loop vectorises with the same bits */

/* sum (|w| - k q)^2 with k the level nearest to the mean of a bucket. Buckets
 * past the last are empty. */
STN_CLONES
static double squared_error(const struct histogram *h, double q)
{
    float levels[BUCKETS];
    double lanes[LANES] = {0}, error = 0;

    find_levels((h->n + LANES - 1) / LANES * LANES, h->means, (float)q,
                (float)h->n_levels, levels);
    for (int i = 0; i < h->n; i += LANES)
        for (int k = 0; k < LANES; k++) {
            double level = q * (double)levels[i + k];

            lanes[k] += h->squares[i + k] - 2 * level * h->sums[i + k] +
                        level * level * h->counts[i + k];
        }
    for (int k = 0; k < LANES; k++)
        error += lanes[k];
    return error;
}

/* Weights that stand on levels already have an error of rounding alone. */
#define ON_LEVELS 1e-12

#define STEPS 200

/* base = max / n_levels; the best of STEPS + 1 from `from` base to 1.1 base. */
static double search(const struct histogram *h, double max, double from)
{
    int n_levels = h->n_levels;
    double best = max / n_levels, least = INFINITY, total = 0;

    for (int i = 0; i < h->n; i++)
        total += h->squares[i];
    for (int m = 1; m <= n_levels; m++)
        if (squared_error(h, max / m) <= ON_LEVELS * total)
            return max / m;
    for (int i = 0; i <= STEPS; i++) {
        double q = max / n_levels * (from + (1.1 - from) * i / STEPS);
        double error = squared_error(h, q);

        if (error < least) {
            least = error;
            best = q;
        }
    }
    return best;
}

float stn_levels_search(size_t n, const float *w, int n_levels, float from)
{
    struct histogram h = {.n_levels = n_levels};
    float max = stn_max_magnitude(n, w);

    if (!(max > 0) || !isfinite(BUCKETS / max) || !isfinite(max))
        return max;
    fill_buckets(n, w, max, &h);
    close_ranks(&h);
    return (float)search(&h, (double)max, (double)from);
}

STN_CLONES
void stn_levels_codes(size_t n, const float *STN_RESTRICT w, float q,
                      int n_levels, int8_t *STN_RESTRICT codes)
{
    const float magic = 0x1p23f, limit = (float)n_levels;

    for (size_t i = 0; i < n; i++) {
        float level = fabsf(w[i]) / q;

        /* Comparisons in this form also send NaN to a level. */
        level = level < limit ? level : limit;
        level = level > 1 ? level : 1;
        int sign = 1 - 2 * (w[i] < 0) - (w[i] == 0);
        codes[i] = (int8_t)(sign * (int)((level + magic) - magic));
    }
}
