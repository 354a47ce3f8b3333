/* SPDX-License-Identifier: MIT
 *
 * Weights that are block-circulant (CirCNN): a conv or linear node of which
 * the parameter holds the first columns of p x p blocks alone. */
#ifndef STN_NN_CIRCULANT_H
#define STN_NN_CIRCULANT_H

#include "nn/op.h"
#include "tensor/onednn.h"

/* Makes the weight of `node` one of p x p circulant blocks over the plane of
 * filters and input channels (linear: inputs), p from 2 to the smaller of
 * them: parameter 0 {out, …, in} becomes {R, …, Q p}, R = ceil(out / p), Q =
 * ceil(in / p), with value t of block (i, j) at i, …, j p + t. Its values
 * become the means along wrapped diagonals, widened so that initial ones keep
 * their variance. Call it after stn_graph_init and before an
 * executor is made. A node that is folded already stays as it is; refuses
 * another p, operators other than conv and linear, and convolutions in
 * groups. */
stn_status stn_node_fold_circulant(stn_graph *graph, stn_node *node, int p,
                                   stn_error *err);

/* Numbers of the weight before it was folded. */
size_t stn_node_dense_count(const stn_node *node, const stn_param *weight);
/* latent: the nearest blocks to a weight of that size, the means along
 * wrapped diagonals. */
void stn_node_project_circulant(const stn_node *node, const stn_param *weight,
                                const float *dense);

/* For the operators: what their hooks of these names do for a folded node,
 * whose convolution is `shape`. */
stn_status stn_circulant_op_plan(const stn_node *node,
                                 const stn_conv_shape *shape, bool training,
                                 void **plan, stn_op_needs *needs,
                                 stn_error *err);
void stn_circulant_op_unplan(void *plan); /* NULL is legal */
void stn_circulant_op_prepare(const stn_op_call *call);
void stn_circulant_op_forward(const stn_op_call *call, bool bias);
void stn_circulant_op_backward(const stn_op_call *call, bool bias);

/* Where weight (o, c) of a kernel position stands in the first columns, of
 * `cols` a row of blocks: i, …, j p + t as above, without the position. */
static inline size_t stn_circulant_column(int p, int o, int c)
{
    return (size_t)(c / p * p + (o % p - c % p + p) % p);
}

#endif
