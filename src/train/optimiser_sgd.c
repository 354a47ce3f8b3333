/* SPDX-License-Identifier: MIT
 *
 * Stochastic gradient descent with momentum (Sutskever et al. 2013, in the
 * form of PyTorch, which the authors trained with):
 *
 *     g = grad + weight_decay * w
 *     v = momentum * v + g
 *     w = w - lr * (nesterov ? g + momentum * v : v) */
#include "base/compiler.h"
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

/* Of one step; w moves by lr (own g + ahead v). */
typedef struct factors {
    float decay, lr, momentum, own, ahead;
} factors;

STN_CLONES
static void move(factors f, size_t n, const float *STN_RESTRICT grad,
                 float *STN_RESTRICT w, float *STN_RESTRICT v)
{
    for (size_t i = 0; i < n; i++) {
        float g = grad[i] + f.decay * w[i];
        v[i] = f.momentum * v[i] + g;
        w[i] -= f.lr * (f.own * g + f.ahead * v[i]);
    }
}

static void step(const void *state, const stn_optimiser_call *call)
{
    const sgd_attrs *a = state;
    factors f = {
        .decay = call->decay ? a->weight_decay : 0,
        .lr = a->lr * call->factor,
        .momentum = a->momentum,
        .own = a->nesterov ? 1 : 0,
        .ahead = a->nesterov ? a->momentum : 1,
    };

    move(f, call->n, call->grad, call->w, call->moments[0]);
}

const stn_optimiser_type stn_optimiser_sgd = {
    .name = "sgd",
    .help = "stochastic gradient descent with momentum",
    .attrs = attrs,
    .attrs_size = sizeof(sgd_attrs),
    .n_moments = 1,
    .step = step,
};
