/* SPDX-License-Identifier: MIT
 *
 * Shared parts of quantisers. A sum over n values is LANES sums, of every
 * LANES-th value each, added up in one order, so that loops vectorise and
 * their bits do not depend on the instruction set. */
#include "compress/quant.h"

#include "base/compiler.h"

#include <math.h>

#define LANES 32

static double add_up(const double lanes[LANES])
{
    double sum = 0;

    for (size_t k = 0; k < LANES; k++)
        sum += lanes[k];
    return sum;
}

/* Adds f(x) of every value x of w to the lanes; LANES - 1 values at most are
 * left for the last lines. */
#define SUM(n, w, f)                                                           \
    double lanes[LANES] = {0};                                                 \
    size_t whole = (n) - (n) % LANES;                                          \
    for (size_t i = 0; i < whole; i += LANES)                                  \
        for (size_t k = 0; k < LANES; k++)                                     \
            lanes[k] += f((w)[i + k]);                                         \
    for (size_t k = 0; whole + k < (n); k++)                                   \
        lanes[k] += f((w)[whole + k]);                                         \
    return add_up(lanes)

#define VALUE(x) (double)(x)
#define MAGNITUDE(x) (double)fabsf(x)
#define SQUARE(x) (double)(x) * (double)(x)

STN_CLONES
double stn_sum(size_t n, const float *w)
{
    SUM(n, w, VALUE);
}

STN_CLONES
double stn_sum_magnitudes(size_t n, const float *w)
{
    SUM(n, w, MAGNITUDE);
}

STN_CLONES
double stn_sum_squares(size_t n, const float *w)
{
    SUM(n, w, SQUARE);
}

STN_INLINE void count_magnitude(float w, float threshold, double *sum,
                                double *count)
{
    const float magnitude = fabsf(w);

    *sum += magnitude >= threshold ? (double)magnitude : 0.0;
    *count += magnitude >= threshold ? 1.0 : 0.0;
}

STN_CLONES
float stn_mean_magnitude(size_t n, const float *w, float threshold)
{
    double sums[LANES] = {0}, counts[LANES] = {0}, count;
    size_t whole = n - n % LANES;

    for (size_t i = 0; i < whole; i += LANES)
        for (size_t k = 0; k < LANES; k++)
            count_magnitude(w[i + k], threshold, &sums[k], &counts[k]);
    for (size_t k = 0; whole + k < n; k++)
        count_magnitude(w[whole + k], threshold, &sums[k], &counts[k]);
    count = add_up(counts);
    return count > 0 ? (float)(add_up(sums) / count) : 0;
}

/* Adding and subtracting 1.5 * 2^23 rounds |x| < 2^22 half to even, as
 * stn_rintf does, and vectorises. Clamping first gives the same result, since
 * the bounds are integers; comparisons in this form send NaN to one. */
STN_CLONES
void stn_round_codes(size_t n, const float *STN_RESTRICT w, float scale,
                     float lo, float hi, int8_t *STN_RESTRICT codes)
{
    const float magic = 12582912.0f;

    for (size_t i = 0; i < n; i++) {
        float q = w[i] / scale;
        q = q > lo ? q : lo;
        q = q < hi ? q : hi;
        codes[i] = (int8_t)(int)((q + magic) - magic);
    }
}

void stn_straight_through(const stn_quantiser_call *call, float *grad)
{
    size_t n = stn_weight_count(call->shape);
    const float *w = call->latent;

    for (size_t i = 0; i < n; i++)
        grad[i] = fabsf(w[i]) < 1 ? grad[i] : 0;
}
