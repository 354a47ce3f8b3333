/* SPDX-License-Identifier: MIT
 *
 * R = lambda * sum |w|; dR/dw = lambda * sign(w), 0 at w = 0. With `prune`,
 * weights below it become 0 when the run ends. */
#include "base/compiler.h"
#include "compress/quant.h"

#include <math.h>

typedef struct l1_attrs {
    float lambda, prune;
} l1_attrs;

// clang-format off
static const stn_attr attrs[] = {
    {"lambda", STN_ATTR_FLOAT, offsetof(l1_attrs, lambda), 1e-4, 0, 1e3, NULL,
     "weight of the penalty in the loss"},
    {"prune", STN_ATTR_FLOAT, offsetof(l1_attrs, prune), 0, 0, 1e3, NULL,
     "magnitude below which a weight becomes 0 when the run ends"},
    {.name = NULL}};
// clang-format on

STN_CLONES
static void push(float lambda, size_t n, const float *STN_RESTRICT w,
                 float *STN_RESTRICT grad)
{
    for (size_t i = 0; i < n; i++)
        grad[i] += w[i] > 0 ? lambda : w[i] < 0 ? -lambda : 0;
}

static double apply(const void *state, const stn_penalty_call *call)
{
    const l1_attrs *a = state;

    push(a->lambda, call->n, call->latent, call->grad);
    return (double)a->lambda * stn_sum_magnitudes(call->n, call->latent);
}

static void turn(const void *state, const stn_penalty_call *call, int epoch,
                 int n_epochs)
{
    const l1_attrs *a = state;

    for (size_t i = 0; i < call->n && epoch == n_epochs; i++)
        if (fabsf(call->latent[i]) < a->prune)
            call->latent[i] = 0;
}

static bool makes_zeros(const void *state)
{
    (void)state;
    return true;
}

const stn_penalty_type stn_penalty_l1 = {
    .name = "l1",
    .help = "lambda * sum |w|; may prune small weights at the end",
    .attrs = attrs,
    .attrs_size = sizeof(l1_attrs),
    .makes_zeros = makes_zeros,
    .apply = apply,
    .turn = turn,
};
