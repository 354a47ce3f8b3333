/* SPDX-License-Identifier: MIT
 *
 * Equally spaced levels without zero (ADMM-NN, Ren et al., ASPLOS 2019), for
 * weights that are pruned already.
 *
 *     code  = 0 where w = 0, else sign(w) clamp(rint(|w| / q), 1, 2^(bits-1))
 *     scale = q, searched for the least squared error over nonzero weights,
 *             from `from` to 1.1 times max |w| / 2^(bits-1)
 *
 * So a weight that is not pruned takes `bits` bits. The gradient passes
 * straight through; weights that are 0 stay 0 only where a structure holds
 * them there. */
#include "compress/project.h"
#include "compress/quant.h"

typedef struct levels_attrs {
    int bits;
    float from;
} levels_attrs;

// clang-format off
static const stn_attr attrs[] = {
    {"bits", STN_ATTR_INT, offsetof(levels_attrs, bits), 3, 1, 7, NULL,
     "of a code: 2^bits levels"},
    {"from", STN_ATTR_FLOAT, offsetof(levels_attrs, from), 0.1, 0.01, 1, NULL,
     "least interval tried, as a share of max |w| / 2^(bits-1)"},
    {.name = NULL}};
// clang-format on

static void encode(const stn_quantiser_call *call, int8_t *codes, float *scales)
{
    const levels_attrs *a = call->attrs;
    int n_levels = 1 << (a->bits - 1);
    size_t n = stn_weight_count(call->shape);
    float q = stn_levels_search(n, call->latent, n_levels, a->from);

    stn_levels_codes(n, call->latent, q, n_levels, codes);
    scales[0] = q;
}

/* Zeros belong to a sparse structure, which does not store them. */
static stn_alphabet alphabet(const void *state)
{
    const levels_attrs *a = state;

    return (stn_alphabet){STN_LEVELS_NONZERO, a->bits};
}

const stn_quantiser_type stn_quantiser_levels = {
    .name = "levels",
    .help = "code = 0 where w = 0, else one of +-1 … +-2^(bits-1)",
    .attrs = attrs,
    .attrs_size = sizeof(levels_attrs),
    .alphabet = alphabet,
    .encode = encode,
};
