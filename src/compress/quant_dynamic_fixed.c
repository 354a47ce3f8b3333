/* SPDX-License-Identifier: MIT
 *
 * Dynamic fixed point (bit-slice L1, Zhang et al., EMC2 at NeurIPS 2019,
 * arXiv 1909.08496, section 3.1): magnitudes of `bits` bits, and a sign.
 *
 *     S    = ceil(log2(max|w|))           over the layer, anew each step
 *     step = 2^(S - bits)
 *     B    = clamp(round(|w| / step), 0, 2^bits - 1)
 *     w    → sign(w) B step
 *
 * `rounding`: the authors' code rounds, their text takes the floor. The clamp
 * at 2^bits - 1 is ours: |w| = 2^S would need one bit more.
 *
 * A magnitude of 8 bits and a sign exceed a code of 8 bits. So code = B / 2
 * (towards 0) with scale 2 step, and low = the last bit of B, with the sign.
 * The gradient passes straight through: no weight lies outside the range. */
#include "compress/quant.h"

#include <math.h>

enum { ROUND, FLOOR };
static const char *const roundings[] = {"round", "floor", NULL};

typedef struct fixed_attrs {
    int bits, rounding;
} fixed_attrs;

// clang-format off
static const stn_attr attrs[] = {
    {"bits", STN_ATTR_INT, offsetof(fixed_attrs, bits), 8, 1, 8, NULL,
     "of the magnitude"},
    {"rounding", STN_ATTR_CHOICE, offsetof(fixed_attrs, rounding), ROUND, 0, 0,
     roundings, "of the magnitude"},
    {.name = NULL}};
// clang-format on

/* Below this a step would not be a normal number. */
#define LEAST_S (-100)

static float step_of(const fixed_attrs *a, float max)
{
    int s;
    float fraction = frexpf(max, &s); /* max = fraction 2^s, 0.5 <= it < 1 */

    if (!(max > 0) || isinf(max))
        return max;
    s -= fraction == 0.5f;
    return ldexpf(1, (s > LEAST_S ? s : LEAST_S) - a->bits);
}

static int magnitude(const fixed_attrs *a, float w, float step)
{
    float limit = (float)((1 << a->bits) - 1), b = fabsf(w) / step;

    b = a->rounding == FLOOR ? floorf(b) : stn_rintf(b);
    /* In this form NaN becomes 0. */
    b = b < limit ? b : b >= limit ? limit : 0;
    return (int)b;
}

static bool has_low(const void *state)
{
    return ((const fixed_attrs *)state)->bits == 8;
}

static void encode(const stn_quantiser_call *call, int8_t *codes, float *scales)
{
    const fixed_attrs *a = call->attrs;
    const float *latent = call->latent;
    size_t n = stn_weight_count(call->shape);
    float step = step_of(a, stn_max_magnitude(n, latent));
    int drop = has_low(a);

    for (size_t i = 0; i < n; i++) {
        int code = magnitude(a, latent[i], step) >> drop;
        codes[i] = (int8_t)(latent[i] < 0 ? -code : code);
    }
    scales[0] = step * (float)(1 << drop);
}

static void encode_low(const stn_quantiser_call *call, const float *scales,
                       int8_t *low)
{
    const fixed_attrs *a = call->attrs;
    const float *latent = call->latent;
    size_t n = stn_weight_count(call->shape);

    for (size_t i = 0; i < n; i++) {
        int bit = magnitude(a, latent[i], scales[0] / 2) & 1;
        low[i] = (int8_t)(latent[i] < 0 ? -bit : bit);
    }
}

/* Of codes, a sign included; low codes are ternary. */
static stn_alphabet alphabet(const void *state)
{
    int bits = ((const fixed_attrs *)state)->bits;

    return (stn_alphabet){STN_LEVELS_WHOLE, bits < 8 ? bits + 1 : 8};
}

static bool scale_per_filter(const void *state)
{
    (void)state;
    return false;
}

static void backward(const stn_quantiser_call *call, float *grad)
{
    (void)call;
    (void)grad;
}

const stn_quantiser_type stn_quantiser_dynamic_fixed = {
    .name = "dynamic_fixed",
    .help = "sign(w) round(|w| / step) step, step = 2^(ceil(log2 max|w|)-bits)",
    .attrs = attrs,
    .attrs_size = sizeof(fixed_attrs),
    .alphabet = alphabet,
    .encode = encode,
    .has_low = has_low,
    .encode_low = encode_low,
    .scale_per_filter = scale_per_filter,
    .backward = backward,
};
