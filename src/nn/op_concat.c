/* SPDX-License-Identifier: MIT
 *
 * concat: the channels of two inputs side by side, pixel by pixel. */
#include "nn/ops.h"
#include <string.h>

static stn_status shape(stn_graph *graph, stn_node *node, stn_error *err)
{
    (void)graph;
    const stn_shape a = node->in[0], b = node->in[1];
    if (a.h != b.h || a.w != b.w)
        return stn_node_fail(node, err,
                             "the second input is %dx%d, expected %dx%d as "
                             "the first",
                             b.h, b.w, a.h, a.w);
    node->out = (stn_shape){a.h, a.w, a.c + b.c};
    return STN_OK;
}

static size_t pixels_of(const stn_op_call *call)
{
    const stn_shape *s = &call->node->out;
    return (size_t)call->n * (size_t)s->h * (size_t)s->w;
}

static void forward(const stn_op_call *call)
{
    const size_t a = (size_t)call->node->in[0].c;
    const size_t b = (size_t)call->node->in[1].c;
    for (size_t p = 0; p < pixels_of(call); p++) {
        float *y = call->y + p * (a + b);
        memcpy(y, call->x[0] + p * a, a * sizeof *y);
        memcpy(y + a, call->x[1] + p * b, b * sizeof *y);
    }
}

static void backward(const stn_op_call *call)
{
    const size_t row = (size_t)call->node->out.c;
    size_t first = 0;
    for (int k = 0; k < 2; k++) {
        const size_t c = (size_t)call->node->in[k].c;
        for (size_t p = 0; call->dx[k] && p < pixels_of(call); p++)
            memcpy(call->dx[k] + p * c, call->dy + p * row + first,
                   c * sizeof(float));
        first += c;
    }
}

const stn_op_type stn_op_concat = {
    .name = "concat",
    .help = "y = channels of a, then channels of b",
    .n_inputs = 2,
    .shape = shape,
    .forward = forward,
    .backward = backward,
};
