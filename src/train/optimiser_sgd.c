/* SPDX-License-Identifier: MIT
 *
 * Stochastic gradient descent with momentum (Sutskever et al. 2013, in the
 * form of PyTorch, which the authors trained with):
 *
 *     g = grad + weight_decay * w
 *     v = momentum * v + g
 *     w = w - lr * (nesterov ? g + momentum * v : v) */
#include "train/optimiser.h"

typedef struct sgd_attrs {
    float lr, momentum, weight_decay;
    bool nesterov;
} sgd_attrs;

// clang-format off
static const stn_attr attrs[] = {
    {"lr", STN_ATTR_FLOAT, offsetof(sgd_attrs, lr), 0.05, 0, 1e30, NULL,
     "peak learning rate"},
    {"momentum", STN_ATTR_FLOAT, offsetof(sgd_attrs, momentum), 0.9, 0, 1,
     NULL, "share of the last step kept"},
    {"nesterov", STN_ATTR_BOOL, offsetof(sgd_attrs, nesterov), 1, 0, 1, NULL,
     "look ahead by the momentum"},
    {"weight_decay", STN_ATTR_FLOAT, offsetof(sgd_attrs, weight_decay), 0, 0,
     1, NULL, "coupled l2 decay of weights"},
    {.name = NULL}};
// clang-format on

static void step(const void *state, const stn_optimiser_call *call)
{
    const sgd_attrs *a = state;
    float *STN_RESTRICT w = call->w, *STN_RESTRICT v = call->moments[0];
    const float *STN_RESTRICT grad = call->grad;
    float lr = a->lr * call->factor, momentum = a->momentum;
    float decay = call->decay ? a->weight_decay : 0;
    float ahead = a->nesterov ? momentum : 1, own = a->nesterov ? 1 : 0;

    for (size_t i = 0; i < call->n; i++) {
        float g = grad[i] + decay * w[i];
        v[i] = momentum * v[i] + g;
        w[i] -= lr * (own * g + ahead * v[i]);
    }
}

const stn_optimiser_type stn_optimiser_sgd = {
    .name = "sgd",
    .help = "stochastic gradient descent with momentum",
    .attrs = attrs,
    .attrs_size = sizeof(sgd_attrs),
    .n_moments = 1,
    .step = step,
};
