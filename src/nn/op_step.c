/* SPDX-License-Identifier: MIT
 *
 * step: y = 1 where x >= 0, else 0: one comparison, as CMPNET (CMP-PIM, DAC
 * 2018) has it behind a difference of two pixels, and as a neuron fires.
 * Backward: the gradient of the ramp clamp(x / (2 window) + 1/2, 0, 1), that
 * is dy / (2 window) where |x| <= window, else 0. One byte for each value says
 * where. */
#include "base/compiler.h"
#include "nn/mask.h"
#include "nn/ops.h"

// clang-format off
static const stn_attr attrs[] = {
    {"window", STN_ATTR_FLOAT, offsetof(stn_step_attrs, window), 1, 1e-6, 1e6,
     NULL, "largest |x| that a gradient passes"},
    {.name = NULL}};
// clang-format on

STN_CLONES
static void find_inside(const float *STN_RESTRICT x, size_t count, float window,
                        uint8_t *STN_RESTRICT mask)
{
    for (size_t i = 0; i < count; i++)
        mask[i] = (x[i] >= -window) & (x[i] <= window);
}

STN_CLONES
static void fire(const float *x, size_t count, float *y)
{
    STN_INDEPENDENT
    for (size_t i = 0; i < count; i++)
        y[i] = x[i] >= 0.0f ? 1.0f : 0.0f;
}

static void forward(const stn_op_call *call)
{
    const stn_step_attrs *a = call->node->attrs;
    if (call->training)
        find_inside(call->x[0], stn_op_count(call), a->window,
                    stn_mask_of(call->saved));
    fire(call->x[0], stn_op_count(call), call->y);
}

STN_CLONES
static void pass_inside(const uint8_t *mask, const float *dy, size_t count,
                        float slope, float *dx)
{
    STN_INDEPENDENT
    for (size_t i = 0; i < count; i++)
        dx[i] = mask[i] ? slope * dy[i] : 0.0f;
}

static void backward(const stn_op_call *call)
{
    const stn_step_attrs *a = call->node->attrs;
    if (call->dx[0])
        pass_inside(stn_mask_of(call->saved), call->dy, stn_op_count(call),
                    0.5f / a->window, call->dx[0]);
}

const stn_op_type stn_op_step = {
    .name = "step",
    .help = "y = 1 where x >= 0, else 0; gradient of a ramp over +-window",
    .attrs = attrs,
    .attrs_size = sizeof(stn_step_attrs),
    .n_inputs = 1,
    .shape = stn_op_shape_of_input,
    .plan = stn_mask_plan,
    .forward = forward,
    .backward = backward,
    .y_over_x = true,
    .dx_over_dy = true,
};
