/* SPDX-License-Identifier: MIT
 *
 * R = lambda * sum |w|; dR/dw = lambda * sign(w), 0 at w = 0. With `prune`,
 * weights below it become 0 when the run ends. */
#include "compress/compress.h"

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

static double apply(const void *state, const stn_penalty_call *call)
{
    const l1_attrs *a = state;
    double sum = 0;

    for (size_t i = 0; i < call->n; i++) {
        float w = call->latent[i];

        sum += (double)fabsf(w);
        call->grad[i] += a->lambda * (float)((w > 0) - (w < 0));
    }
    return (double)a->lambda * sum;
}

static void turn(const void *state, const stn_penalty_call *call, int epoch,
                 int n_epochs)
{
    const l1_attrs *a = state;

    for (size_t i = 0; i < call->n && epoch == n_epochs; i++)
        if (fabsf(call->latent[i]) < a->prune)
            call->latent[i] = 0;
}

const stn_penalty_type stn_penalty_l1 = {
    .name = "l1",
    .help = "lambda * sum |w|; may prune small weights at the end",
    .attrs = attrs,
    .attrs_size = sizeof(l1_attrs),
    .apply = apply,
    .turn = turn,
};
