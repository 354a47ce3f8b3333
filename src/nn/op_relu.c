/* SPDX-License-Identifier: MIT
 *
 * relu: y = max(x, 0). NaN becomes 0 in neither pass: it is let through. */
#include "base/compiler.h"
#include "nn/ops.h"

static stn_status shape(stn_graph *graph, stn_node *node, stn_error *err)
{
    (void)graph, (void)err;
    node->out = node->in[0];
    return STN_OK;
}

STN_CLONES
static void rectify(const float *STN_RESTRICT x, size_t count,
                    float *STN_RESTRICT y)
{
    for (size_t i = 0; i < count; i++)
        y[i] = x[i] < 0.0f ? 0.0f : x[i];
}

STN_CLONES
static void mask(const float *STN_RESTRICT y, const float *STN_RESTRICT dy,
                 size_t count, float *STN_RESTRICT dx)
{
    for (size_t i = 0; i < count; i++)
        dx[i] = y[i] > 0.0f ? dy[i] : 0.0f;
}

static size_t count_of(const stn_op_call *call)
{
    return (size_t)call->n * stn_shape_count(call->node->out);
}

static void forward(const stn_op_call *call)
{
    rectify(call->x[0], count_of(call), call->y);
}

static void backward(const stn_op_call *call)
{
    if (call->dx[0])
        mask(call->y, call->dy, count_of(call), call->dx[0]);
}

const stn_op_type stn_op_relu = {
    .name = "relu",
    .help = "y = max(x, 0)",
    .n_inputs = 1,
    .shape = shape,
    .forward = forward,
    .backward = backward,
};
