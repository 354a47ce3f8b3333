/* SPDX-License-Identifier: MIT
 *
 * dropout (Srivastava et al. 2014), inverted: kept values are scaled in
 * training, evaluation is the identity. Which values fall is a function of
 * (seed, step, node name, picture) alone. */
#include "base/rng.h"
#include "nn/ops.h"
#include <stddef.h>
#include <string.h>

#define AT(field) offsetof(stn_dropout_attrs, field)
/* clang-format off */
static const stn_attr attrs[] = {
    {"rate", STN_ATTR_FLOAT, AT(rate), 0.5, 0, 0.99, NULL,
     "probability that a value becomes 0"},
    {.name = NULL}};
/* clang-format on */

static stn_status plan(const stn_node *node, int n, bool training, void **out,
                       stn_op_needs *needs, stn_error *err)
{
    (void)out, (void)err;
    if (training) /* the factor of each value, for backward */
        needs->saved_floats = (size_t)n * stn_shape_count(node->out);
    return STN_OK;
}

/* FNV-1a over the name, then over the two counters. */
static uint64_t counter_of(const stn_op_call *call, int picture)
{
    const uint64_t prime = 1099511628211u;
    uint64_t hash = 14695981039346656037u;
    for (const char *at = call->node->name; *at; at++)
        hash = (hash ^ (unsigned char)*at) * prime;
    hash = (hash ^ call->step) * prime;
    return (hash ^ (uint64_t)(call->first_picture + picture)) * prime;
}

static void draw(const stn_op_call *call, int picture, float *factors)
{
    const stn_dropout_attrs *a = call->node->attrs;
    const size_t count = stn_shape_count(call->node->out);
    const float kept = 1.0f / (1.0f - a->rate);
    stn_rng rng =
        stn_rng_make(call->seed, STN_RNG_DROPOUT, counter_of(call, picture));
    for (size_t i = 0; i < count; i++)
        factors[i] = stn_rng_unit(&rng) < a->rate ? 0.0f : kept;
}

static void forward(const stn_op_call *call)
{
    if (!call->training) {
        if (call->y != call->x[0])
            memcpy(call->y, call->x[0], stn_op_count(call) * sizeof(float));
        return;
    }
    for (int n = 0; n < call->n; n++)
        draw(call, n,
             call->saved + (size_t)n * stn_shape_count(call->node->out));
    for (size_t i = 0; i < stn_op_count(call); i++)
        call->y[i] = call->x[0][i] * call->saved[i];
}

static void backward(const stn_op_call *call)
{
    for (size_t i = 0; call->dx[0] && i < stn_op_count(call); i++)
        call->dx[0][i] = call->dy[i] * call->saved[i];
}

const stn_op_type stn_op_dropout = {
    .name = "dropout",
    .help = "training: 0 with probability rate, else x / (1 - rate)",
    .attrs = attrs,
    .attrs_size = sizeof(stn_dropout_attrs),
    .n_inputs = 1,
    .shape = stn_op_shape_of_input,
    .plan = plan,
    .forward = forward,
    .backward = backward,
    .y_over_x = true,
    .dx_over_dy = true,
};
