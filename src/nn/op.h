/* SPDX-License-Identifier: MIT
 *
 * The operator seam. An operator is one file, op_<name>.c: attributes, shape,
 * forward and backward together; and one line in ops.def. The gradient check
 * of tests/test_gradients.c runs over that list.
 *
 * A minibatch is cut into a fixed number of shards; a call works on one
 * shard, on one thread. What needs the whole batch (batch-norm) writes
 * per-shard statistics, which are then reduced in fixed order, so results do
 * not depend on the number of threads.
 *
 * Time is unrolled by layers: a spiking network's T steps of a picture are T
 * pictures in a row to every operator that does not look at time, and the
 * few that do (rate_code, lif, mean_steps) know node->steps. Nothing flows
 * back from a later layer, so this is the same as unrolling step by step. */
#ifndef STN_NN_OP_H
#define STN_NN_OP_H

#include "base/attributes.h"
#include "nn/graph.h"
#include <stdbool.h>

/* One operator on one shard. Buffers never alias, except where the operator's
 * type allows it (y_over_x, dx_over_dy). */
typedef struct stn_op_call {
    const stn_node *node;
    void *plan;    /* what the operator's `plan` made */
    int n;         /* pictures in this shard, times steps_in */
    bool training; /* false: running statistics, no dropout */
    const float *x[STN_NODE_INPUTS]; /* inputs, n * in[i] floats */
    float *y;        /* output, n * out floats (n / steps_in * steps * out) */
    const float *dy; /* backward: dLoss/dy */
    float *dx[STN_NODE_INPUTS];          /* to overwrite; NULL: not needed */
    bool add_dx[STN_NODE_INPUTS];        /* add to dx instead; only set
                                            for types with adds_dx */
    const float *param[STN_NODE_PARAMS]; /* effective values */
    float *dparam[STN_NODE_PARAMS];      /* to overwrite; this shard's part;
                                            NULL for STATE */
    float *scratch; /* scratch_floats, this thread's, undefined content */
    float *saved;   /* saved_floats, this shard's, kept forward → backward */
    float *stats;   /* stats_floats, this shard's */
    const float *batch; /* batch_floats: what `reduce` made of all stats */
    /* Only set for types with absorbs_relu: what follows is max(y, 0), and y is
     * to be that. One byte for each value is kept forward → backward, to say
     * where dy passes. NULL: no relu follows. */
    uint8_t *relu_mask;
    uint64_t seed, step; /* for dropout */
    int first_picture;   /* index of the shard's first picture in the batch,
                            times steps_in */
} stn_op_call;

/* Combining the shards' statistics: serial, in shard order. */
typedef struct stn_op_reduce {
    const stn_node *node;
    void *plan;
    bool training;
    int n_shards, n; /* n: pictures in the whole batch, times steps_in */
    const float *const *stats; /* one per shard */
    float *batch;              /* batch_floats */
    float *const *state;       /* latent pointers of the node's parameters;
                                  running statistics may be updated here */
} stn_op_reduce;

/* Sizes an operator asks for, per shard of the planned size. */
typedef struct stn_op_needs {
    size_t scratch_floats, saved_floats, stats_floats, batch_floats;
} stn_op_needs;

struct stn_op_type {
    const char *name;
    const char *help;      /* one line with the formula */
    const stn_attr *attrs; /* NULL: none */
    size_t attrs_size;
    int n_inputs; /* 1 or 2 */

    /* Checks node->in, sets node->out, declares parameters. What begins or
     * ends time sets node->steps, which is steps_in before. */
    stn_status (*shape)(stn_graph *graph, stn_node *node, stn_error *err);
    /* Optional: makes what depends on the shard's size (oneDNN primitives)
     * and says what memory a call needs. */
    stn_status (*plan)(const stn_node *node, int shard_pictures, bool training,
                       void **plan, stn_op_needs *needs, stn_error *err);
    void (*unplan)(const stn_node *node, void *plan);
    /* Optional: lays the parameters out for the passes that follow, once a
     * step for all shards; only node, plan, param and scratch are set. */
    void (*prepare)(const stn_op_call *call);

    void (*forward)(const stn_op_call *call);
    void (*backward)(const stn_op_call *call);

    /* What spares memory and passes over it. `y_over_x`: forward may be given
     * y == x[0], and backward reads neither x nor y. `dx_over_dy`: backward
     * may be given dx[0] == dy. `adds_dx`: backward honours call->add_dx.
     * `absorbs_relu`: all calls honour call->relu_mask. */
    bool y_over_x, dx_over_dy, adds_dx, absorbs_relu;

    /* Optional. With `forward_barrier`, `forward_stats` fills call->stats from
     * x, and `forward_reduce` runs before any shard's `forward`. Without, it
     * is `forward` that fills call->stats, and `forward_reduce` runs after
     * the whole step (it updates ranges for the next one).
     * In evaluation only barrier operators are reduced, with training false
     * and stats NULL: they fill `batch` from the running state. */
    bool forward_barrier;
    void (*forward_stats)(const stn_op_call *call);
    void (*forward_reduce)(const stn_op_reduce *reduce);
    /* Optional; always a barrier: `backward_stats` reads dy (and x, saved),
     * `backward_reduce` writes `batch` beside what forward left there, and
     * then every shard's `backward` runs. */
    void (*backward_stats)(const stn_op_call *call);
    void (*backward_reduce)(const stn_op_reduce *reduce);
};

/* "FILE:LINE: NAME: …" with STN_E_UNSUPPORTED: a shape that does not fit. */
stn_status stn_node_fail(const stn_node *node, stn_error *err,
                         const char *format, ...) STN_PRINTF(3, 4);
/* Sets out.h and out.w of a node whose windows of kernel x kernel move by
 * `stride` over its input with `pad` zeros around; fails when none fits. */
stn_status stn_node_window(stn_node *node, int kernel, int stride, int pad,
                           stn_error *err);

/* Values of the shard's output: n * out. */
static inline size_t stn_op_count(const stn_op_call *call)
{
    return (size_t)call->n * stn_shape_count(call->node->out);
}

/* A `shape` for operators whose output is shaped as their only input. */
stn_status stn_op_shape_of_input(stn_graph *graph, stn_node *node,
                                 stn_error *err);

/* All operators, ended by NULL; order of ops.def. */
extern const stn_op_type *const stn_op_types[];
/* NULL when unknown. */
const stn_op_type *stn_op_find(const char *name);

#endif
