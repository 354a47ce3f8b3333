/* SPDX-License-Identifier: MIT
 *
 * add: the join of two branches. */
#include "base/compiler.h"
#include "nn/mask.h"
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

STN_CLONES
static void sum_rectified(const float *a, const float *b, size_t count,
                          uint8_t *STN_RESTRICT mask, float *y)
{
    STN_INDEPENDENT
    for (size_t i = 0; i < count; i++) {
        const float v = a[i] + b[i];
        mask[i] = v > 0.0f;
        y[i] = v < 0.0f ? 0.0f : v;
    }
}

STN_CLONES
static void sum_masked(const float *a, const float *b, size_t count,
                       const uint8_t *STN_RESTRICT mask, float *y)
{
    STN_INDEPENDENT
    for (size_t i = 0; i < count; i++)
        y[i] = a[i] + (mask[i] ? b[i] : 0.0f);
}

static void forward(const stn_op_call *call)
{
    if (call->relu_mask)
        sum_rectified(call->x[0], call->x[1], stn_op_count(call),
                      call->relu_mask, call->y);
    else
        sum(call->x[0], call->x[1], stn_op_count(call), call->y);
}

static void backward(const stn_op_call *call)
{
    const uint8_t *mask = call->relu_mask;
    const size_t count = stn_op_count(call);
    for (int i = 1; i >= 0; i--) { /* 0 last: it may overwrite dy */
        float *dx = call->dx[i];
        if (!dx)
            continue;
        if (call->add_dx[i] && mask)
            sum_masked(dx, call->dy, count, mask, dx);
        else if (call->add_dx[i])
            sum(dx, call->dy, count, dx);
        else if (mask)
            stn_mask_apply(mask, call->dy, count, dx);
        else if (dx != call->dy)
            memcpy(dx, call->dy, count * sizeof *dx);
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
    .absorbs_relu = true,
};
