/* SPDX-License-Identifier: MIT
 *
 * Sparse binarisation (Sparse BD-Net, ACM JETC 16(2) art. 15, 2020; formulas
 * from the authors' code, github mengjian0502/resnet_quantization_pruning).
 *
 *     th    = threshold * max|w|          over the layer, anew each step
 *     code  = +1 where w >= th, -1 where w < -th, else 0
 *     scale = mean(|w| : |w| >= th)
 *     dL/dw = dL/d(effective) where |w| < 1, else 0
 *
 * The asymmetry (>= above, strict < below) is the authors': w = -th counts
 * for the scale but has code 0. */
#include "compress/quant.h"

typedef struct sparse_attrs {
    float threshold;
} sparse_attrs;

// clang-format off
static const stn_attr attrs[] = {
    {"threshold", STN_ATTR_FLOAT, offsetof(sparse_attrs, threshold), 0.05, 0,
     1, NULL, "share of the layer's max|w| below which a weight is 0"},
    {.name = NULL}};
// clang-format on

static void encode(const stn_quantiser_call *call, int8_t *codes, float *scales)
{
    const sparse_attrs *a = call->attrs;
    size_t n = stn_weight_count(call->shape);
    float max = stn_max_magnitude(n, call->latent);
    float th = a->threshold * max;

    /* An all-zero layer has th = 0, where 0 >= th would code it +1. */
    for (size_t i = 0; i < n; i++)
        codes[i] =
            (int8_t)(max > 0 ? (call->latent[i] >= th) - (call->latent[i] < -th)
                             : 0);
    scales[0] = stn_mean_magnitude(n, call->latent, th);
}

static stn_alphabet alphabet(const void *state)
{
    (void)state;
    return (stn_alphabet){STN_LEVELS_TERNARY, 2};
}

const stn_quantiser_type stn_quantiser_sparse_binary = {
    .name = "sparse_binary",
    .help = "code = sign(w) where |w| >= threshold * max|w|, else 0",
    .attrs = attrs,
    .attrs_size = sizeof(sparse_attrs),
    .alphabet = alphabet,
    .encode = encode,
    .backward = stn_straight_through,
};
