/* SPDX-License-Identifier: MIT
 *
 * Weights of a few bits on an even grid, as in Coarse-Grain Sparsification
 * with low precision (Yin et al., Asilomar 2017; papers/compression-and-
 * accelerators section 2b):
 *
 *     bits = 1   code = sign(w)                        -1, 1
 *     bits = 2   code = clip(rint(w / step), -1, 1)
 *     else       code = clip(rint(w / step), -2^(bits-1), 2^(bits-1) - 1)
 *     step = range / 2^(bits-1)      scale = step;  1 bit: mean|w|
 *
 * The paper clips latent weights to [-1, 1] and takes range = 1, for weights
 * that begin as wide. Here the range follows them: `spread` times mean|w|
 * over the layer. (0.73 mean|w| is the step of 8 levels that is nearest to
 * normal weights in the sum of squares; 2.9 is the spread for it.) The
 * gradient passes straight through. */
#include "compress/quant.h"

#include <string.h>

typedef struct grid_attrs {
    int bits;
    float spread;
} grid_attrs;

// clang-format off
static const stn_attr attrs[] = {
    {"bits", STN_ATTR_INT, offsetof(grid_attrs, bits), 3, 1, 8, NULL,
     "of a weight"},
    {"spread", STN_ATTR_FLOAT, offsetof(grid_attrs, spread), 2.9, 0.01, 100,
     NULL, "largest magnitude of the grid, in mean|w|"},
    {.name = NULL}};
// clang-format on

static void encode(const stn_quantiser_call *call, int8_t *codes, float *scales)
{
    const grid_attrs *a = call->attrs;
    size_t n = stn_weight_count(call->shape);
    float mean = stn_mean_magnitude(n, call->latent, 0);
    int half = 1 << (a->bits - 1);
    float step = a->spread * mean / (float)half;
    /* 8 bits leave out -128, which no code is. */
    float lo = a->bits == 2 ? -1 : a->bits == 8 ? -127 : (float)-half;

    scales[0] = a->bits == 1 ? mean : step;
    if (a->bits == 1)
        for (size_t i = 0; i < n; i++)
            codes[i] = call->latent[i] >= 0 ? 1 : -1;
    else if (step > 0)
        stn_round_codes(n, call->latent, step, lo, (float)(half - 1), codes);
    else
        memset(codes, 0, n);
}

static stn_alphabet alphabet(const void *state)
{
    int bits = ((const grid_attrs *)state)->bits;

    return (stn_alphabet){bits == 1   ? STN_LEVELS_ODD
                          : bits == 2 ? STN_LEVELS_TERNARY
                                      : STN_LEVELS_WHOLE,
                          bits};
}

const stn_quantiser_type stn_quantiser_grid = {
    .name = "grid",
    .help = "code = clip(rint(w / step)), steps even, 1 bit: sign",
    .attrs = attrs,
    .attrs_size = sizeof(grid_attrs),
    .alphabet = alphabet,
    .encode = encode,
};
