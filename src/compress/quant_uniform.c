/* SPDX-License-Identifier: MIT
 *
 * Uniform symmetric k-bit weights, for the layers a paper keeps in fixed
 * point (first convolution, classifier).
 *
 *     scale = max|w| / (2^(bits-1) - 1)      per filter, or per layer
 *     code  = rint(w / scale)                half to even
 *
 * The gradient passes straight through: no weight is ever clipped, because
 * the scale follows the largest one. */
#include "compress/quant.h"

#include <string.h>

typedef struct uniform_attrs {
    int bits;
    bool per_filter;
} uniform_attrs;

// clang-format off
static const stn_attr attrs[] = {
    {"bits", STN_ATTR_INT, offsetof(uniform_attrs, bits), 8, 2, 8, NULL,
     "bits of a code, sign included"},
    {"per_filter", STN_ATTR_BOOL, offsetof(uniform_attrs, per_filter), 1, 0, 1,
     NULL, "one scale for each filter instead of one for the layer"},
    {.name = NULL}};
// clang-format on

/* Codes of one block that shares a scale; returns the scale. */
static float encode_block(int hi, size_t n, const float *w, int8_t *codes)
{
    float scale = stn_max_magnitude(n, w) / (float)hi;

    if (scale > 0)
        stn_round_codes(n, w, scale, (float)-hi, (float)hi, codes);
    else
        memset(codes, 0, n);
    return scale;
}

static void encode(const stn_quantiser_call *call, int8_t *codes, float *scales)
{
    const uniform_attrs *a = call->attrs;
    int n_scales = a->per_filter ? call->shape.out : 1;
    size_t block = stn_weight_count(call->shape) / (size_t)n_scales;

    for (int o = 0; o < n_scales; o++)
        scales[o] = encode_block((1 << (a->bits - 1)) - 1, block,
                                 call->latent + (size_t)o * block,
                                 codes + (size_t)o * block);
}

static stn_alphabet alphabet(const void *state)
{
    const uniform_attrs *a = state;

    return (stn_alphabet){STN_LEVELS_WHOLE, a->bits};
}

static bool scale_per_filter(const void *state)
{
    return ((const uniform_attrs *)state)->per_filter;
}

const stn_quantiser_type stn_quantiser_uniform = {
    .name = "uniform",
    .help = "code = rint(w / scale), scale = max|w| / (2^(bits-1) - 1)",
    .attrs = attrs,
    .attrs_size = sizeof(uniform_attrs),
    .alphabet = alphabet,
    .encode = encode,
    .scale_per_filter = scale_per_filter,
};
