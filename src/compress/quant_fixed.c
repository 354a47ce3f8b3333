/* SPDX-License-Identifier: MIT
 *
 * Weights that are drawn once and never trained: the latent weights stay as
 * they were initialised, so the seed alone decides.
 *
 *     pair     +1 where a filter's largest latent weight lies, -1 where its
 *              smallest, else 0: the difference of two inputs, whose sign is
 *              the comparison of CMPNET (CMP-PIM, DAC 2018; local binary
 *              patterns). For equal values the first place counts.
 *     scatter  sign(w) where |w| is at least the quantile that leaves
 *              `density` of the layer's weights nonzero, else 0: the anchor
 *              weights of LBCNN (Juefei-Xu et al., CVPR 2017). The authors'
 *              code draws indices with replacement; the count here is exact
 *              but for ties.
 *
 *     scale = 1        dL/dw = 0 */
#include "compress/quant.h"

#include <math.h>
#include <string.h>

typedef enum fixed_pattern { PAIR, SCATTER } fixed_pattern;

typedef struct fixed_attrs {
    int pattern;
    float density;
} fixed_attrs;

// clang-format off
static const char *const patterns[] = {"pair", "scatter", NULL};

static const stn_attr attrs[] = {
    {"pattern", STN_ATTR_CHOICE, offsetof(fixed_attrs, pattern), PAIR, 0, 0,
     patterns, "one +1 and one -1 a filter, or signs scattered"},
    {"density", STN_ATTR_FLOAT, offsetof(fixed_attrs, density), 0.5, 0, 1,
     NULL, "of scatter: share of weights that are not 0"},
    {.name = NULL}};
// clang-format on

static void encode_pair(size_t n, const float *w, int8_t *codes)
{
    size_t largest = 0, smallest = 0;

    for (size_t i = 1; i < n; i++) {
        largest = w[i] > w[largest] ? i : largest;
        smallest = w[i] < w[smallest] ? i : smallest;
    }
    memset(codes, 0, n);
    if (largest != smallest) {
        codes[largest] = 1;
        codes[smallest] = -1;
    }
}

static size_t count_above(size_t n, const float *w, float threshold)
{
    size_t count = 0;

    for (size_t i = 0; i < n; i++)
        count += fabsf(w[i]) >= threshold;
    return count;
}

/* The largest threshold that keeps at least `keep` weights, by bisection over
 * the 31 bits of a positive float, whose order is that of their values. */
static float threshold_of(size_t n, const float *w, size_t keep)
{
    uint32_t bits = 0;
    float threshold;

    for (int bit = 30; bit >= 0; bit--) {
        uint32_t trial = bits | (uint32_t)1 << bit;
        memcpy(&threshold, &trial, sizeof(threshold));
        if (!isnan(threshold) && count_above(n, w, threshold) >= keep)
            bits = trial;
    }
    memcpy(&threshold, &bits, sizeof(threshold));
    return threshold;
}

static void encode(const stn_quantiser_call *call, int8_t *codes, float *scales)
{
    const fixed_attrs *a = call->attrs;
    const float *latent = call->latent;
    size_t n = stn_weight_count(call->shape);
    size_t n_filters = (size_t)call->shape.out, filter = n / n_filters;

    scales[0] = 1;
    if (a->pattern == PAIR) {
        for (size_t o = 0; o < n_filters; o++) {
            encode_pair(filter, latent + o * filter, codes + o * filter);
            scales[o] = 1;
        }
        return;
    }
    size_t keep = (size_t)((double)a->density * (double)n + 0.5);
    float threshold = keep ? threshold_of(n, latent, keep) : INFINITY;
    for (size_t i = 0; i < n; i++) {
        bool kept = keep && fabsf(latent[i]) >= threshold;
        codes[i] = (int8_t)(kept ? (latent[i] > 0) - (latent[i] < 0) : 0);
    }
}

static stn_alphabet alphabet(const void *state)
{
    (void)state;
    return (stn_alphabet){STN_LEVELS_TERNARY, 2};
}

/* Of a pair, so that a structure, too, gives it one filter at a time. */
static bool per_filter(const void *state)
{
    return ((const fixed_attrs *)state)->pattern == PAIR;
}

static void backward(const stn_quantiser_call *call, float *grad)
{
    memset(grad, 0, stn_weight_count(call->shape) * sizeof(*grad));
}

const stn_quantiser_type stn_quantiser_fixed = {
    .name = "fixed",
    .help = "patterns of -1, 0, +1 that stay as they are drawn",
    .attrs = attrs,
    .attrs_size = sizeof(fixed_attrs),
    .is_drawn = true,
    .alphabet = alphabet,
    .encode = encode,
    .scale_per_filter = per_filter,
    .backward = backward,
};
