/* SPDX-License-Identifier: MIT
 *
 * relu: y = max(x, 0); a NaN is let through, so that it is found. One byte
 * for each value says where x > 0: a quarter of the memory that keeping y for
 * the backward pass would take, and the next operator may work in place. */
#include "base/compiler.h"
#include "nn/mask.h"
#include "nn/ops.h"

static stn_status shape(stn_graph *graph, stn_node *node, stn_error *err)
{
    (void)graph, (void)err;
    node->out = node->in[0];
    return STN_OK;
}

static size_t count_of(const stn_op_call *call)
{
    return (size_t)call->n * stn_shape_count(call->node->out);
}

static stn_status plan(const stn_node *node, int n, bool training, void **out,
                       stn_op_needs *needs, stn_error *err)
{
    (void)out, (void)err;
    if (training)
        needs->saved_floats =
            stn_mask_floats((size_t)n * stn_shape_count(node->out));
    return STN_OK;
}

STN_CLONES
static void rectify(const float *x, size_t count, float *y)
{
    STN_INDEPENDENT
    for (size_t i = 0; i < count; i++)
        y[i] = x[i] < 0.0f ? 0.0f : x[i];
}

STN_CLONES
static void rectify_saved(const float *x, size_t count,
                          uint8_t *STN_RESTRICT mask, float *y)
{
    STN_INDEPENDENT
    for (size_t i = 0; i < count; i++) {
        const float v = x[i];
        mask[i] = v > 0.0f;
        y[i] = v < 0.0f ? 0.0f : v;
    }
}

static void forward(const stn_op_call *call)
{
    if (call->training)
        rectify_saved(call->x[0], count_of(call), stn_mask_of(call->saved),
                      call->y);
    else
        rectify(call->x[0], count_of(call), call->y);
}

static void backward(const stn_op_call *call)
{
    if (call->dx[0])
        stn_mask_apply(stn_mask_of(call->saved), call->dy, count_of(call),
                       call->dx[0]);
}

const stn_op_type stn_op_relu = {
    .name = "relu",
    .help = "y = max(x, 0)",
    .n_inputs = 1,
    .shape = shape,
    .plan = plan,
    .forward = forward,
    .backward = backward,
    .y_over_x = true,
    .dx_over_dy = true,
};
