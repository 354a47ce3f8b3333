/* SPDX-License-Identifier: MIT
 *
 * relu: y = max(x, 0); a NaN is let through, so that it is found. One byte
 * for each value says where x > 0: a quarter of the memory that keeping y for
 * the backward pass would take, and the next operator may work in place. */
#include "base/compiler.h"
#include "nn/mask.h"
#include "nn/ops.h"

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
        rectify_saved(call->x[0], stn_op_count(call), stn_mask_of(call->saved),
                      call->y);
    else
        rectify(call->x[0], stn_op_count(call), call->y);
}

static void backward(const stn_op_call *call)
{
    if (call->dx[0])
        stn_mask_apply(stn_mask_of(call->saved), call->dy, stn_op_count(call),
                       call->dx[0]);
}

const stn_op_type stn_op_relu = {
    .name = "relu",
    .help = "y = max(x, 0)",
    .n_inputs = 1,
    .shape = stn_op_shape_of_input,
    .plan = stn_mask_plan,
    .forward = forward,
    .backward = backward,
    .y_over_x = true,
    .dx_over_dy = true,
};
