/* SPDX-License-Identifier: MIT
 *
 * Adam (Kingma & Ba 2015, algorithm 1), with coupled l2 decay:
 *
 *     g = grad + weight_decay * w
 *     m = beta1 * m + (1 - beta1) * g;   v = beta2 * v + (1 - beta2) * g^2
 *     w = w - lr * (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + epsilon)
 *
 * The powers are taken by squaring, since libm's pow may differ between
 * machines. */
#include "base/compiler.h"
#include "train/optimiser.h"

#include <math.h>

typedef struct adam_attrs {
    float lr, beta1, beta2, epsilon, weight_decay;
} adam_attrs;

// clang-format off
static const stn_attr attrs[] = {
    {"lr", STN_ATTR_FLOAT, offsetof(adam_attrs, lr), 1e-3, 0, 1e30, NULL,
     "peak learning rate"},
    {"beta1", STN_ATTR_FLOAT, offsetof(adam_attrs, beta1), 0.9, 0, 0.999999,
     NULL, "decay of the mean of gradients"},
    {"beta2", STN_ATTR_FLOAT, offsetof(adam_attrs, beta2), 0.999, 0, 0.999999,
     NULL, "decay of the mean of squared gradients"},
    {"epsilon", STN_ATTR_FLOAT, offsetof(adam_attrs, epsilon), 1e-8, 1e-12, 1,
     NULL, "added to the root, against division by 0"},
    {"weight_decay", STN_ATTR_FLOAT, offsetof(adam_attrs, weight_decay), 0, 0,
     1, NULL, "coupled l2 decay of weights"},
    {.name = NULL}};
// clang-format on

static double power(double base, uint64_t n)
{
    double result = 1;

    for (; n; n >>= 1, base *= base)
        if (n & 1)
            result *= base;
    return result;
}

/* Of one step. */
typedef struct factors {
    float decay, lr, root, b1, b2, epsilon;
} factors;

STN_CLONES
static void move(factors f, size_t n, const float *STN_RESTRICT grad,
                 float *STN_RESTRICT w, float *STN_RESTRICT m,
                 float *STN_RESTRICT v)
{
    for (size_t i = 0; i < n; i++) {
        float g = grad[i] + f.decay * w[i];
        m[i] = f.b1 * m[i] + (1 - f.b1) * g;
        v[i] = f.b2 * v[i] + (1 - f.b2) * g * g;
        w[i] -= f.lr * m[i] / (sqrtf(v[i]) * f.root + f.epsilon);
    }
}

static void step(const void *state, const stn_optimiser_call *call)
{
    const adam_attrs *a = state;
    double first = 1 - power((double)a->beta1, call->t);
    double second = 1 - power((double)a->beta2, call->t);
    factors f = {
        .decay = call->decay ? a->weight_decay : 0,
        .lr = (float)((double)a->lr * (double)call->factor / first),
        .root = (float)(1 / sqrt(second)),
        .b1 = a->beta1,
        .b2 = a->beta2,
        .epsilon = a->epsilon,
    };

    move(f, call->n, call->grad, call->w, call->moments[0], call->moments[1]);
}

const stn_optimiser_type stn_optimiser_adam = {
    .name = "adam",
    .help = "adaptive moments",
    .attrs = attrs,
    .attrs_size = sizeof(adam_attrs),
    .n_moments = 2,
    .step = step,
};
