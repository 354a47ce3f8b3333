/* SPDX-License-Identifier: MIT
 *
 * Inside the executor: its program and its memory.
 *
 * A pass is a list of instructions, cut into phases. Every shard runs a phase
 * on one thread; between phases one node's statistics are reduced. */
#ifndef STN_NN_EXECUTOR_IMPL_H
#define STN_NN_EXECUTOR_IMPL_H

#include "nn/executor.h"

typedef enum stn_instruction_kind {
    STN_DO_FETCH, /* pixels into node 0 */
    STN_DO_FORWARD_STATS,
    STN_DO_FORWARD,
    STN_DO_LOSS, /* and the gradient of the last node */
    STN_DO_BACKWARD_STATS,
    STN_DO_BACKWARD
} stn_instruction_kind;

typedef struct stn_instruction {
    stn_instruction_kind kind;
    int node;
} stn_instruction;

/* Instructions [first, last), then for every shard's statistics of `reduce`
 * (-1: none) the forward or backward reduction. */
typedef struct stn_phase {
    int first, last;
    int reduce;
    bool reduce_backward;
} stn_phase;

typedef struct stn_program {
    int n_instructions, n_phases;
    stn_instruction *instructions;
    stn_phase *phases;
} stn_program;

/* A node's part of the memory; offsets in floats into a shard's block. */
typedef struct stn_node_memory {
    void *plan;
    stn_op_needs needs;
    size_t y, saved, stats, dy;
    float *batch;
    bool trains; /* it or a node before it has trained parameters */
    int relu;    /* the relu node that training computes with this one, or 0 */
    bool absorbed; /* this is such a relu node */
    /* Another consumer has already written the gradient of input k: add. */
    bool adds[STN_NODE_INPUTS];
} stn_node_memory;

typedef struct stn_shard {
    float *block;   /* y, saved, stats of all nodes */
    float *dy;      /* gradients, shared by lifetime */
    float *dparams; /* this shard's part of every parameter's gradient */
    uint8_t *labels;
    double loss_sum;
    int n_correct;
} stn_shard;

typedef struct stn_thread_memory {
    float *scratch;
    float *gradient[STN_NODE_INPUTS]; /* before it is added */
    uint8_t *pixels;
} stn_thread_memory;

/* A piece of a parameter's gradient that one task adds up over shards. */
typedef struct stn_gradient_piece {
    size_t offset; /* into dparams */
    float *out;
    size_t count;
} stn_gradient_piece;

struct stn_executor {
    stn_graph *graph;
    stn_pool *pool;
    int batch, n_shards, shard_n; /* pictures; shards; pictures in a shard */
    bool training;
    stn_node_memory *nodes;
    stn_program train, evaluate;
    stn_shard *shards;
    stn_thread_memory *threads;
    size_t *dparam_offsets; /* of every parameter, into dparams */
    int n_pieces;
    stn_gradient_piece *pieces;
    const float **stats; /* room for one pointer per shard */
    const stn_executor_batch *current;
    const stn_program *running;
    const stn_phase *phase;
    stn_arena arena;
};

/* Floats of node `index`'s output in one shard. */
size_t stn_executor_floats(const stn_executor *executor, int index);

/* Operators' plans, the memory of nodes, shards and threads, the programs.
 * On failure the executor is left for stn_executor_destroy. */
stn_status stn_executor_plan(stn_executor *executor, stn_error *err);

#endif
