/* SPDX-License-Identifier: MIT
 *
 * Folding a weight into the first columns of its circulant blocks (papers/
 * compression-and-accelerators section 4b). The graph then has fewer
 * parameters, so that quantisers, penalties, the optimiser and checkpoints
 * work on what is stored and on nothing else. */
#include "nn/circulant.h"
#include "nn/ops.h"
#include "tensor/circulant.h"
#include <math.h>

static size_t inputs_of(const stn_node *node)
{
    return node->type == &stn_op_linear ? stn_shape_count(node->in[0])
                                        : (size_t)node->in[0].c;
}

static size_t area_of(const stn_param *weight)
{
    return weight->rank == 4 ? (size_t)weight->dims[1] * (size_t)weight->dims[2]
                             : 1;
}

size_t stn_node_dense_count(const stn_node *node, const stn_param *weight)
{
    return (size_t)node->out.c * area_of(weight) * inputs_of(node);
}

/* Adds up the dense weights that are value (i, a, column), in their order. */
static double sum_of(const stn_node *node, size_t area, const float *dense,
                     size_t i, size_t a, size_t column, int *times)
{
    size_t p = (size_t)node->circulant, in = inputs_of(node);
    size_t first = column / p * p, t = column % p;
    double sum = 0;

    *times = 0;
    for (size_t r = 0; r < p && i * p + r < (size_t)node->out.c; r++) {
        size_t c = first + (r + p - t) % p;
        if (c >= in)
            continue;
        sum += (double)dense[((i * p + r) * area + a) * in + c];
        ++*times;
    }
    return sum;
}

/* Means; those of `initial` weights, which are independent, widened so that
 * their variance stays. Values that no weight has are 0. */
static void project(const stn_node *node, const stn_param *weight,
                    const float *dense, float *latent, bool initial)
{
    size_t area = area_of(weight), n = 0;
    size_t cols = (size_t)weight->dims[weight->rank - 1];

    for (size_t i = 0; i < (size_t)weight->dims[0]; i++)
        for (size_t a = 0; a < area; a++)
            for (size_t column = 0; column < cols; column++) {
                int times;
                double sum = sum_of(node, area, dense, i, a, column, &times);
                double by = initial ? sqrt((double)times) : times;
                latent[n++] = times ? (float)(sum / by) : 0;
            }
}

void stn_node_project_circulant(const stn_node *node, const stn_param *weight,
                                const float *dense)
{
    project(node, weight, dense, weight->latent, false);
}

static int div_up(size_t a, int b)
{
    return (int)((a + (size_t)b - 1) / (size_t)b);
}

static stn_status check(const stn_node *node, int p, stn_error *err)
{
    const stn_conv_attrs *conv = node->attrs;

    if (node->type != &stn_op_conv && node->type != &stn_op_linear)
        return stn_node_fail(node, err,
                             "circulant blocks are for conv and linear "
                             "layers, not for %s",
                             node->type->name);
    if (node->type == &stn_op_conv && conv->groups > 1)
        return stn_node_fail(node, err,
                             "a convolution in groups cannot have circulant "
                             "blocks; leave the layer out of the rule");
    if (node->circulant && node->circulant != p)
        return stn_node_fail(node, err,
                             "its blocks have %d rows already, not %d",
                             node->circulant, p);
    return STN_OK;
}

stn_status stn_node_fold_circulant(stn_graph *graph, stn_node *node, int p,
                                   stn_error *err)
{
    stn_param *weight = &graph->params[node->params[0]];
    size_t in = inputs_of(node);
    float *dense;

    STN_TRY(check(node, p, err));
    if (node->circulant || p < 2)
        return STN_OK;
    node->circulant = p;
    dense = weight->latent;
    weight->dims[0] = div_up((size_t)node->out.c, p);
    weight->dims[weight->rank - 1] = div_up(in, p) * p;
    weight->count = (size_t)weight->dims[0] * area_of(weight) *
                    (size_t)weight->dims[weight->rank - 1];
    if (graph->outline)
        return STN_OK;
    weight->latent =
        stn_arena_alloc(&graph->arena, weight->count, sizeof(float));
    if (!weight->latent)
        return stn_fail_memory(err, weight->name);
    weight->effective = weight->latent;
    project(node, weight, dense, weight->latent, true);
    return STN_OK;
}

stn_status stn_circulant_op_plan(const stn_node *node,
                                 const stn_conv_shape *shape, bool training,
                                 void **plan, stn_op_needs *needs,
                                 stn_error *err)
{
    stn_circulant_needs floats;
    stn_circulant *made;

    STN_TRY(stn_circulant_create(shape, node->circulant, training, &made,
                                 &floats, err));
    needs->scratch_floats = floats.scratch;
    needs->saved_floats = floats.saved;
    *plan = made;
    return STN_OK;
}

void stn_circulant_op_unplan(void *plan)
{
    stn_circulant_destroy(plan);
}

void stn_circulant_op_prepare(const stn_op_call *call)
{
    stn_circulant_prepare(call->plan, call->param[0], call->scratch);
}

void stn_circulant_op_forward(const stn_op_call *call, bool bias)
{
    stn_circulant_forward(call->plan, call->x[0], bias ? call->param[1] : NULL,
                          call->y, call->saved, call->scratch);
}

void stn_circulant_op_backward(const stn_op_call *call, bool bias)
{
    const stn_circulant_gradients to = {.dx = call->dx[0],
                                        .dw = call->dparam[0],
                                        .dbias = bias ? call->dparam[1] : NULL};

    stn_circulant_backward(call->plan, call->dy, call->saved, &to,
                           call->scratch);
}
