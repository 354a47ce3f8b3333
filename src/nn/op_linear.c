/* SPDX-License-Identifier: MIT
 *
 * linear: matrix products over the flattened input; where the weight is
 * folded, a circulant layer over pictures of one pixel. */
#include "nn/circulant.h"
#include "nn/ops.h"
#include "tensor/onednn.h"
#include <math.h>
#include <stddef.h>
#include <string.h>

#define AT(field) offsetof(stn_linear_attrs, field)
/* clang-format off */
static const stn_attr attrs[] = {
    {"out",  STN_ATTR_INT,  AT(out),  NAN, 1, 1048576, NULL,
     "number of outputs"},
    {"bias", STN_ATTR_BOOL, AT(bias), 1,   0, 1,       NULL,
     "add a trained constant to each output"},
    {.name = NULL}};
/* clang-format on */

static stn_status shape(stn_graph *graph, stn_node *node, stn_error *err)
{
    const stn_linear_attrs *a = node->attrs;
    const size_t in = stn_shape_count(node->in[0]);
    if (in > INT32_MAX)
        return stn_node_fail(node, err, "%zu inputs are too many", in);
    node->out = (stn_shape){1, 1, a->out};
    const int dims[] = {a->out, (int)in};
    STN_TRY(stn_graph_add_param(graph, node, "weight", STN_PARAM_WEIGHT, 2,
                                dims, err));
    if (a->bias)
        STN_TRY(stn_graph_add_param(graph, node, "bias", STN_PARAM_BIAS, 1,
                                    dims, err));
    return STN_OK;
}

static stn_status plan(const stn_node *node, int n, bool training, void **out,
                       stn_op_needs *needs, stn_error *err)
{
    const stn_linear_attrs *a = node->attrs;
    const stn_conv_shape s = {.n = n,
                              .h = 1,
                              .w = 1,
                              .c = (int)stn_shape_count(node->in[0]),
                              .out = a->out,
                              .kernel = 1,
                              .stride = 1,
                              .bias = a->bias};
    return node->circulant
               ? stn_circulant_op_plan(node, &s, training, out, needs, err)
               : STN_OK;
}

static void unplan(const stn_node *node, void *made)
{
    (void)node;
    stn_circulant_op_unplan(made);
}

static void prepare(const stn_op_call *call)
{
    if (call->node->circulant)
        stn_circulant_op_prepare(call);
}

static void forward(const stn_op_call *call)
{
    const stn_linear_attrs *a = call->node->attrs;
    if (call->node->circulant) {
        stn_circulant_op_forward(call, a->bias);
        return;
    }
    const int in = (int)stn_shape_count(call->node->in[0]);
    const size_t row = (size_t)a->out * sizeof(float);
    if (a->bias)
        for (int i = 0; i < call->n; i++)
            memcpy(call->y + (size_t)i * (size_t)a->out, call->param[1], row);
    stn_sgemm(false, true, call->n, a->out, in, 1, call->x[0], in,
              call->param[0], in, a->bias ? 1.0f : 0.0f, call->y, a->out);
}

static void backward(const stn_op_call *call)
{
    const stn_linear_attrs *a = call->node->attrs;
    const int in = (int)stn_shape_count(call->node->in[0]);
    if (call->node->circulant) {
        stn_circulant_op_backward(call, a->bias);
        return;
    }
    if (call->dx[0])
        stn_sgemm(false, false, call->n, in, a->out, 1, call->dy, a->out,
                  call->param[0], in, 0, call->dx[0], in);
    stn_sgemm(true, false, a->out, in, call->n, 1, call->dy, a->out, call->x[0],
              in, 0, call->dparam[0], in);
    if (!a->bias)
        return;
    memset(call->dparam[1], 0, (size_t)a->out * sizeof(float));
    for (int i = 0; i < call->n; i++)
        for (int o = 0; o < a->out; o++)
            call->dparam[1][o] +=
                call->dy[(size_t)i * (size_t)a->out + (size_t)o];
}

const stn_op_type stn_op_linear = {
    .name = "linear",
    .help = "y = W x + b over the flattened input",
    .attrs = attrs,
    .attrs_size = sizeof(stn_linear_attrs),
    .n_inputs = 1,
    .shape = shape,
    .plan = plan,
    .unplan = unplan,
    .prepare = prepare,
    .forward = forward,
    .backward = backward,
};
