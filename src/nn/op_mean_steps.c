/* SPDX-License-Identifier: MIT
 *
 * mean_steps: y = (1/T) sum over t of x[t]: the end of time. Behind the last
 * linear layer this reads membranes that neither leak nor fire; behind spikes
 * it is their rate. */
#include "base/compiler.h"
#include "nn/ops.h"

static stn_status shape(stn_graph *graph, stn_node *node, stn_error *err)
{
    (void)graph, (void)err;
    node->out = node->in[0];
    node->steps = 1;
    return STN_OK;
}

STN_CLONES
static void add_scaled(const float *STN_RESTRICT x, size_t count, float scale,
                       float *STN_RESTRICT y)
{
    for (size_t i = 0; i < count; i++)
        y[i] += scale * x[i];
}

static void forward(const stn_op_call *call)
{
    const size_t count = stn_shape_count(call->node->out);
    const int steps = call->node->steps_in;
    for (int n = 0; n < call->n; n++) {
        float *y = call->y + (size_t)(n / steps) * count;
        for (size_t i = 0; n % steps == 0 && i < count; i++)
            y[i] = 0.0f;
        add_scaled(call->x[0] + (size_t)n * count, count, 1.0f / (float)steps,
                   y);
    }
}

static void backward(const stn_op_call *call)
{
    const size_t count = stn_shape_count(call->node->out);
    const int steps = call->node->steps_in;
    for (int n = 0; call->dx[0] && n < call->n; n++) {
        const float *dy = call->dy + (size_t)(n / steps) * count;
        float *dx = call->dx[0] + (size_t)n * count;
        for (size_t i = 0; i < count; i++)
            dx[i] = dy[i] / (float)steps;
    }
}

const stn_op_type stn_op_mean_steps = {
    .name = "mean_steps",
    .help = "y = mean over time of x",
    .n_inputs = 1,
    .shape = shape,
    .forward = forward,
    .backward = backward,
};
