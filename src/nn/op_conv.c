/* SPDX-License-Identifier: MIT
 *
 * conv: a thin cover over the convolution plans of src/tensor; over those of
 * circulant layers where the weight is folded. */
#include "nn/circulant.h"
#include "nn/ops.h"
#include "tensor/onednn.h"
#include <math.h>
#include <stddef.h>

#define AT(field) offsetof(stn_conv_attrs, field)
/* clang-format off */
static const stn_attr attrs[] = {
    {"out",    STN_ATTR_INT,  AT(out),    NAN, 1, 65536, NULL,
     "number of filters"},
    {"kernel", STN_ATTR_INT,  AT(kernel), 3,   1, 63,    NULL,
     "height and width of a filter"},
    {"stride", STN_ATTR_INT,  AT(stride), 1,   1, 63,    NULL,
     "pixels between windows"},
    {"pad",    STN_ATTR_INT,  AT(pad),    0,   0, 62,    NULL,
     "zero pixels on each side"},
    {"groups", STN_ATTR_INT,  AT(groups), 1,   1, 65536, NULL,
     "parts of the input channels, each with its own filters"},
    {"bias",   STN_ATTR_BOOL, AT(bias),   0,   0, 1,     NULL,
     "add a trained constant to each output channel"},
    {.name = NULL}};
/* clang-format on */

static stn_status shape(stn_graph *graph, stn_node *node, stn_error *err)
{
    const stn_conv_attrs *a = node->attrs;
    STN_TRY(stn_node_window(node, a->kernel, a->stride, a->pad, err));
    node->out.c = a->out;
    if (node->in[0].c % a->groups || a->out % a->groups)
        return stn_node_fail(node, err,
                             "%d input channels and %d filters cannot be cut "
                             "into %d groups",
                             node->in[0].c, a->out, a->groups);
    const int dims[] = {a->out, a->kernel, a->kernel,
                        node->in[0].c / a->groups};
    STN_TRY(stn_graph_add_param(graph, node, "weight", STN_PARAM_WEIGHT, 4,
                                dims, err));
    if (a->bias)
        STN_TRY(stn_graph_add_param(graph, node, "bias", STN_PARAM_BIAS, 1,
                                    dims, err));
    return STN_OK;
}

static stn_status plan(const stn_node *node, int n, bool training, void **out,
                       stn_op_needs *needs, stn_error *err)
{
    const stn_conv_attrs *a = node->attrs;
    const stn_conv_shape s = {.n = n,
                              .h = node->in[0].h,
                              .w = node->in[0].w,
                              .c = node->in[0].c,
                              .out = a->out,
                              .kernel = a->kernel,
                              .stride = a->stride,
                              .pad = a->pad,
                              .groups = a->groups,
                              .bias = a->bias};
    if (node->circulant)
        return stn_circulant_op_plan(node, &s, training, out, needs, err);
    stn_conv_plan *made;
    stn_status status = stn_conv_plan_create(&s, training, &made, err);
    if (status != STN_OK)
        return stn_fail_within(err, status, "%s:%d: %s", node->file, node->line,
                               node->name);
    needs->scratch_floats = stn_conv_plan_scratch(made);
    *out = made;
    return STN_OK;
}

static void unplan(const stn_node *node, void *made)
{
    if (node->circulant)
        stn_circulant_op_unplan(made);
    else
        stn_conv_plan_destroy(made);
}

static void prepare(const stn_op_call *call)
{
    if (call->node->circulant)
        stn_circulant_op_prepare(call);
    else
        stn_conv_prepare(call->plan, call->param[0], call->scratch);
}

static void forward(const stn_op_call *call)
{
    const stn_conv_attrs *a = call->node->attrs;
    if (call->node->circulant)
        stn_circulant_op_forward(call, a->bias);
    else
        stn_conv_forward(call->plan, call->x[0],
                         a->bias ? call->param[1] : NULL, call->y,
                         call->scratch);
}

static void backward(const stn_op_call *call)
{
    const stn_conv_attrs *a = call->node->attrs;
    if (call->node->circulant) {
        stn_circulant_op_backward(call, a->bias);
        return;
    }
    if (call->dx[0])
        stn_conv_backward_data(call->plan, call->dy, call->dx[0],
                               call->scratch);
    stn_conv_backward_weights(call->plan, call->x[0], call->dy, call->dparam[0],
                              a->bias ? call->dparam[1] : NULL, call->scratch);
}

const stn_op_type stn_op_conv = {
    .name = "conv",
    .help = "y[o] = sum over window and channels of w[o] x + b[o]",
    .attrs = attrs,
    .attrs_size = sizeof(stn_conv_attrs),
    .n_inputs = 1,
    .shape = shape,
    .plan = plan,
    .unplan = unplan,
    .prepare = prepare,
    .forward = forward,
    .backward = backward,
};
