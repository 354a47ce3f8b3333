/* SPDX-License-Identifier: MIT
 *
 * What the files lower*.c share: the program under construction, and the
 * affine maps that are still owed. */
#ifndef STN_PACK_LOWERING_H
#define STN_PACK_LOWERING_H

#include "compress/compress.h"
#include "pack/program_image.h"

/* What the output of a node stands for:
 *     real[c] = Σ k<n_terms  p[k][c] · integer(value[k])[c]  +  q[c]
 * and, where `relu`, the positive part of that. Two terms come from an
 * addition. p and q have one number a channel. */
typedef struct stn_owed {
    int n_terms;
    int value[2];
    double *p[2], *q;
    bool relu;
} stn_owed;

typedef struct stn_lowering {
    const stn_graph *graph;
    const stn_compression *compression;
    stn_program_image *image;
    stn_arena scratch; /* p and q */
    stn_owed *owed;    /* one a node */
    stn_error *err;
} stn_lowering;

/* How a rescale is to clamp, and what its output is. */
typedef struct stn_target {
    char name[STN_NAME_CAPACITY + 16];
    stn_type type;
    double scale; /* real value of one step */
    int32_t lo, hi;
} stn_target;

/* STN_E_UNSUPPORTED "FILE:LINE: layer NAME: …". */
stn_status stn_lowering_refuse(const stn_lowering *l, const stn_node *node,
                               const char *format, ...) STN_PRINTF(3, 4);

/* Appends an instruction writing a new value of `shape` and `type`, checks
 * both, and gives the value's index; its range is then known. */
stn_status stn_lowering_emit(stn_lowering *l, const stn_node *node,
                             stn_instruction in, stn_shape shape, stn_type type,
                             double scale, int *value);

/* A zeroed map of `n_terms` terms with room for `channels` numbers each. */
stn_status stn_lowering_owe(stn_lowering *l, int channels, int n_terms,
                            stn_owed *out);

/* What is owed by input k of a node, its name, and the effective values of a
 * node's parameter k. */
static inline const stn_owed *stn_lowering_input(const stn_lowering *l,
                                                 const stn_node *node, int k)
{
    return &l->owed[node->inputs[k]];
}

static inline const char *stn_lowering_input_name(const stn_lowering *l,
                                                  const stn_node *node, int k)
{
    return l->graph->nodes[node->inputs[k]].name;
}

static inline const float *stn_lowering_param(const stn_lowering *l,
                                              const stn_node *node, int k)
{
    return l->graph->params[node->params[k]].effective;
}

/* An instruction named after its node that reads the value of its input. */
stn_instruction stn_lowering_start(const stn_lowering *l, const stn_node *node,
                                   stn_opcode opcode);

/* Refuses an input that is more than one value with a map behind it, and,
 * unless `relu_ok`, a ReLU behind that. */
stn_status stn_lowering_single(stn_lowering *l, const stn_node *node,
                               bool relu_ok);

/* lower_time.c: the operators that know of time. */
stn_status stn_lower_rate_code(stn_lowering *l, const stn_node *node);
stn_status stn_lower_lif(stn_lowering *l, const stn_node *node);
stn_status stn_lower_mean_steps(stn_lowering *l, const stn_node *node);

/* lower_weights.c: the operators with weights. */
stn_status stn_lower_conv(stn_lowering *l, const stn_node *node);
stn_status stn_lower_depthwise(stn_lowering *l, const stn_node *node);
stn_status stn_lower_linear(stn_lowering *l, const stn_node *node);

/* Pays: emits the rescale that turns what is owed into integers of `target`. */
stn_status stn_lowering_pay(stn_lowering *l, const stn_node *node,
                            const stn_owed *owed, const stn_target *target,
                            int *value);

/* Pays a single term at a step: 1 where what is owed is >= 0, else 0. */
stn_status stn_lowering_pay_step(stn_lowering *l, const stn_node *node,
                                 const stn_owed *owed, int *value);

/* A step for the last rescale, such that logits use most of 32 bits. */
double stn_lowering_logit_scale(const stn_lowering *l, const stn_owed *owed,
                                int channels);

#endif
