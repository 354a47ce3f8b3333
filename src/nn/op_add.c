/* SPDX-License-Identifier: MIT
 *
 * add: the join of two branches. */
#include "base/compiler.h"
#include "nn/ops.h"
#include <string.h>

static stn_status shape(stn_graph *graph, stn_node *node, stn_error *err)
{
    (void)graph;
    const stn_shape a = node->in[0], b = node->in[1];
    if (a.h != b.h || a.w != b.w || a.c != b.c)
        return stn_node_fail(node, err,
                             "the second input is %dx%dx%d, expected %dx%dx%d "
                             "as the first",
                             b.h, b.w, b.c, a.h, a.w, a.c);
    node->out = a;
    return STN_OK;
}

STN_CLONES
static void sum(const float *a, const float *b, size_t count, float *y)
{
    STN_INDEPENDENT
    for (size_t i = 0; i < count; i++)
        y[i] = a[i] + b[i];
}

static size_t count_of(const stn_op_call *call)
{
    return (size_t)call->n * stn_shape_count(call->node->out);
}

static void forward(const stn_op_call *call)
{
    sum(call->x[0], call->x[1], count_of(call), call->y);
}

static void backward(const stn_op_call *call)
{
    for (int i = 1; i >= 0; i--) { /* 0 last: it may overwrite dy */
        if (!call->dx[i])
            continue;
        if (call->add_dx[i])
            sum(call->dx[i], call->dy, count_of(call), call->dx[i]);
        else if (call->dx[i] != call->dy)
            memcpy(call->dx[i], call->dy, count_of(call) * sizeof(float));
    }
}

const stn_op_type stn_op_add = {
    .name = "add",
    .help = "y = a + b, two inputs of one shape",
    .n_inputs = 2,
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .y_over_x = true,
    .dx_over_dy = true,
    .adds_dx = true,
};
