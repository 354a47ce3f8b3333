/* SPDX-License-Identifier: MIT
 *
 * Binary weights (dense BD-Net; Courbariaux et al. 2015 with the scale of
 * Rastegari et al. 2016, XNOR-Net eq. 6).
 *
 *     code = sign(w), sign(0) = +1;   scale = mean|w|   per layer or filter
 *     dL/dw = dL/d(effective) where |w| < 1, else 0     (clipped STE)
 *
 * The scale is a constant in the backward pass, as in the authors' code. */
#include "compress/quant.h"

typedef struct binary_attrs {
    bool per_filter;
} binary_attrs;

// clang-format off
static const stn_attr attrs[] = {
    {"per_filter", STN_ATTR_BOOL, offsetof(binary_attrs, per_filter), 0, 0, 1,
     NULL, "one scale for each filter instead of one for the layer"},
    {.name = NULL}};
// clang-format on

static void encode(const stn_quantiser_call *call, int8_t *codes, float *scales)
{
    const binary_attrs *a = call->attrs;
    int n_scales = a->per_filter ? call->shape.out : 1;
    size_t n = stn_weight_count(call->shape);
    size_t block = n / (size_t)n_scales;

    for (size_t i = 0; i < n; i++)
        codes[i] = (int8_t)(call->latent[i] >= 0 ? 1 : -1);
    for (int o = 0; o < n_scales; o++)
        scales[o] =
            stn_mean_magnitude(block, call->latent + (size_t)o * block, 0);
}

static stn_alphabet alphabet(const void *state)
{
    (void)state;
    return (stn_alphabet){STN_LEVELS_ODD, 1};
}

static bool scale_per_filter(const void *state)
{
    return ((const binary_attrs *)state)->per_filter;
}

const stn_quantiser_type stn_quantiser_binary = {
    .name = "binary",
    .help = "code = sign(w), scale = mean|w|",
    .attrs = attrs,
    .attrs_size = sizeof(binary_attrs),
    .alphabet = alphabet,
    .encode = encode,
    .scale_per_filter = scale_per_filter,
    .backward = stn_straight_through,
};
