/* SPDX-License-Identifier: MIT
 *
 * A network as a static graph: nodes in order of execution, their shapes,
 * and the parameters they own. Built from a YAML network file; no network is
 * C code. Grammar of the file: docs/networks.md.
 *
 * Layout everywhere: activations n, h, w, c (NHWC), where the time steps of a
 * spiking network count as pictures, those of a picture in a row; convolution
 * weights out, kh, kw, in (OHWI); linear weights out, in, where `in` runs over
 * the flattened h, w, c of the input; depthwise weights out, kh, kw, where
 * output channel o reads input channel o mod C. */
#ifndef STN_NN_GRAPH_H
#define STN_NN_GRAPH_H

#include "base/memory.h"
#include "base/yaml.h"
#include "setun/types.h"
#include <stdbool.h>
#include <stdint.h>

#define STN_NODE_INPUTS 2
#define STN_NODE_PARAMS 4

typedef enum stn_param_role {
    STN_PARAM_WEIGHT, /* compressed, decayed */
    STN_PARAM_BIAS,
    STN_PARAM_GAIN,    /* gamma of batch-norm */
    STN_PARAM_SHIFT,   /* beta of batch-norm */
    STN_PARAM_LEARNED, /* a trainable number of a quantiser */
    STN_PARAM_STATE    /* running statistics and ranges: stored, not trained */
} stn_param_role;

/* One named tensor of floats. The trainer moves `latent`; operators read
 * `effective`, which a quantiser computes from it and is otherwise the same
 * pointer. `grad` receives dLoss/d(effective), reduced over shards, and is
 * turned into dLoss/d(latent) by the quantiser; NULL for STATE. */
typedef struct stn_param {
    char name[STN_NAME_CAPACITY + 16]; /* "block0.dw.weight" */
    stn_param_role role;
    int rank;
    int dims[4];
    size_t count;
    int fan_in;  /* products summed into one output; for initialisation */
    int fan_out; /* outputs * kernel area, as in N(0, sqrt(2 / fan_out)) */
    float *latent, *effective, *grad;
} stn_param;

typedef struct stn_op_type stn_op_type;

typedef struct stn_node {
    const stn_op_type *type; /* NULL for node 0, the input */
    char name[STN_NAME_CAPACITY];
    const char *file; /* where the network file declares it */
    int line;
    int n_inputs;
    int inputs[STN_NODE_INPUTS];        /* indices of earlier nodes */
    stn_shape in[STN_NODE_INPUTS], out; /* of one time step */
    int steps_in, steps; /* time steps of the inputs and of the output; 1
                            where there is no time */
    int n_params;
    int params[STN_NODE_PARAMS]; /* indices into the graph's parameters */
    void *attrs;                 /* the operator's parsed attributes */
    int circulant; /* side of the circulant blocks of its weight; 0: none
                      (nn/circulant.h) */
} stn_node;

typedef struct stn_graph {
    char name[STN_NAME_CAPACITY];
    stn_shape input;
    int n_classes; /* channels of the last node */
    bool outline;  /* parameters have shapes, but no memory */
    int n_nodes, n_params;
    stn_node *nodes; /* nodes[0] is the input: raw pixels 0 … 255 */
    stn_param *params;
    stn_arena arena;
} stn_graph;

/* Builds the graph of a network file's root node. `overrides` (may be empty)
 * replaces values of its `parameters:` map; unknown names are refused.
 * Shapes are inferred and checked: a mismatch names file, line, layer, got
 * and expected. Parameters are allocated and zero; see stn_graph_init. */
stn_status stn_graph_build(const stn_yaml *network,
                           const stn_yaml_scope *overrides, stn_graph **out,
                           stn_error *err);
/* The same without memory for parameters: their latent, effective and grad
 * are NULL. For what needs shapes only. */
stn_status stn_graph_outline(const stn_yaml *network,
                             const stn_yaml_scope *overrides, stn_graph **out,
                             stn_error *err);
void stn_graph_destroy(stn_graph *graph); /* NULL is legal */

/* Initial values: convolution, depthwise and linear weights
 * N(0, sqrt(2 / fan_in)) (He et al. 2015), biases 0, gain 1, shift 0, running
 * variance 1, other state 0. The same seed gives the same bits. */
void stn_graph_init(stn_graph *graph, uint64_t seed);

/* NULL when there is none. */
stn_param *stn_graph_param(const stn_graph *graph, const char *name);
const stn_node *stn_graph_node(const stn_graph *graph, const char *name);

/* For an operator's `shape`: declares a parameter NODE.SUFFIX and gives its
 * memory; the node's params[] gets its index. */
stn_status stn_graph_add_param(stn_graph *graph, stn_node *node,
                               const char *suffix, stn_param_role role,
                               int rank, const int *dims, stn_error *err);
/* Declares a parameter that none of the graph's operators reads: optimisers
 * move it and checkpoints keep it for somebody else, who fills its gradient.
 * It is shaped like `like`, a parameter of any graph. */
stn_status stn_graph_add_guest(stn_graph *graph, const char *name,
                               const stn_param *like, stn_error *err);

#endif
