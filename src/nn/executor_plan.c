/* SPDX-License-Identifier: MIT
 *
 * What an executor lays down once: operators' plans, offsets into the
 * shards' blocks, the programs of the two passes. Activations live until the
 * backward pass has read them, except those that the next operator may
 * overwrite; gradients share room by lifetime. */
#include "nn/executor_impl.h"
#include "nn/ops.h"
#include "nn/placement.h"
#include <string.h>

#define PIECE_FLOATS 2048 /* of a gradient: 16 shards' worth fits into L2 */

static size_t aligned(size_t floats)
{
    const size_t line = STN_ALIGNMENT / sizeof(float);
    return (floats + line - 1) / line * line;
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

size_t stn_executor_floats(const stn_executor *e, int i)
{
    const stn_node *node = &e->graph->nodes[i];
    return (size_t)e->shard_n * (size_t)node->steps *
           stn_shape_count(node->out);
}

/* ---- operators ---- */

static stn_status plan_operators(stn_executor *e, stn_error *err)
{
    for (int i = 1; i < e->graph->n_nodes; i++) {
        const stn_node *node = &e->graph->nodes[i];
        stn_node_memory *m = &e->nodes[i];
        if (node->type->plan)
            STN_TRY(node->type->plan(node, e->shard_n * node->steps_in,
                                     e->training, &m->plan, &m->needs, err));
        for (int k = 0; k < node->n_params; k++)
            m->trains |= e->graph->params[node->params[k]].grad != NULL;
        for (int k = 0; k < node->n_inputs; k++)
            m->trains |= e->nodes[node->inputs[k]].trains;
        m->batch =
            stn_arena_alloc(&e->arena, m->needs.batch_floats, sizeof(float));
        if (!m->batch)
            return stn_fail_memory(err, "batch statistics");
    }
    return STN_OK;
}

/* ---- activations and gradients ---- */

static int count_readers(const stn_graph *graph, int index)
{
    int n = 0;
    for (int i = index + 1; i < graph->n_nodes; i++)
        for (int k = 0; k < graph->nodes[i].n_inputs; k++)
            n += graph->nodes[i].inputs[k] == index;
    return n;
}

/* Whether node i writes its output over its first input. Not without training,
 * where stn_executor_output shows every node's own output. */
static bool works_in_place(const stn_executor *e, int i)
{
    const stn_node *node = &e->graph->nodes[i];
    return e->training && i > 0 && node->type->y_over_x &&
           node->inputs[0] > 0 && count_readers(e->graph, node->inputs[0]) == 1;
}

/* Gives relu nodes to the node before them, if nobody else reads that one. */
static void absorb(stn_executor *e)
{
    for (int i = 1; e->training && i < e->graph->n_nodes; i++) {
        const stn_node *node = &e->graph->nodes[i];
        const int from = node->inputs[0];
        if (node->type != &stn_op_relu || !works_in_place(e, i) ||
            !e->graph->nodes[from].type->absorbs_relu)
            continue;
        e->nodes[from].relu = i;
        e->nodes[i].absorbed = true;
    }
}

static size_t place_activations(stn_executor *e)
{
    size_t at = 0;
    for (int i = 0; i < e->graph->n_nodes; i++) {
        stn_node_memory *m = &e->nodes[i];
        if (works_in_place(e, i)) {
            m->y = e->nodes[e->graph->nodes[i].inputs[0]].y;
        } else {
            m->y = at;
            at += aligned(stn_executor_floats(e, i));
        }
        m->saved = at;
        at += aligned(m->needs.saved_floats);
        m->stats = at;
        at += aligned(m->needs.stats_floats);
    }
    return at;
}

/* Finds room for the gradient of input k of node i, when i is the first to
 * write it: that of the node's own gradient if the operator works in place.
 * `room` has for every node the item that holds its gradient, or -1. */
static void place_gradient(stn_executor *e, int i, int k, stn_placed *items,
                           int *room)
{
    const stn_node *node = &e->graph->nodes[i];
    const int from = node->inputs[k];
    if (!e->nodes[from].trains)
        return;
    e->nodes[i].adds[k] = room[from] >= 0;
    if (e->nodes[i].adds[k])
        return;
    if (k == 0 && node->type->dx_over_dy) {
        room[from] = room[i];
        return;
    }
    room[from] = from;
    items[from].size = aligned(stn_executor_floats(e, from));
    items[from].first = e->graph->n_nodes - 1 - i;
}

/* Time runs backward over nodes: node i is worked on at n_nodes - 1 - i. A
 * gradient lives from its first writer, the node's last consumer, until the
 * node's own turn. Consumers after the first writer add. */
static stn_status place_gradients(stn_executor *e, size_t *total,
                                  stn_error *err)
{
    const int n = e->graph->n_nodes;
    stn_placed *items = stn_alloc((size_t)n, sizeof *items);
    int *room = stn_alloc((size_t)n, sizeof *room);
    if (!items || !room) {
        stn_free(items);
        stn_free(room);
        return stn_fail_memory(err, "the placement of gradients");
    }
    for (int i = 0; i < n; i++)
        room[i] = -1;
    room[n - 1] = n - 1;
    items[n - 1].size = aligned(stn_executor_floats(e, n - 1));
    for (int i = n - 1; i > 0; i--) {
        if (!e->nodes[i].trains)
            continue;
        items[room[i]].last = n - 1 - i;
        for (int k = 0; k < e->graph->nodes[i].n_inputs; k++)
            place_gradient(e, i, k, items, room);
    }
    *total = stn_place(items, n);
    for (int i = 0; i < n; i++)
        e->nodes[i].dy = room[i] >= 0 ? items[room[i]].offset : 0;
    stn_free(items);
    stn_free(room);
    return STN_OK;
}

static stn_status place_parameters(stn_executor *e, size_t *total,
                                   stn_error *err)
{
    const stn_graph *graph = e->graph;
    size_t at = 0, n_pieces = 0;
    e->dparam_offsets = stn_arena_alloc(&e->arena, (size_t)graph->n_params,
                                        sizeof *e->dparam_offsets);
    if (!e->dparam_offsets)
        return stn_fail_memory(err, "parameter gradients");
    for (int i = 0; i < graph->n_params; i++) {
        e->dparam_offsets[i] = at;
        if (!graph->params[i].grad)
            continue;
        at += aligned(graph->params[i].count);
        n_pieces += (graph->params[i].count + PIECE_FLOATS - 1) / PIECE_FLOATS;
    }
    e->pieces = stn_arena_alloc(&e->arena, n_pieces, sizeof *e->pieces);
    if (!e->pieces)
        return stn_fail_memory(err, "parameter gradients");
    for (int i = 0; i < graph->n_params; i++) {
        const stn_param *p = &graph->params[i];
        for (size_t done = 0; p->grad && done < p->count; done += PIECE_FLOATS)
            e->pieces[e->n_pieces++] = (stn_gradient_piece){
                e->dparam_offsets[i] + done, p->grad + done,
                p->count - done < PIECE_FLOATS ? p->count - done
                                               : PIECE_FLOATS};
    }
    *total = at;
    return STN_OK;
}

static stn_status take_shards(stn_executor *e, stn_error *err)
{
    size_t n_dy = 0, n_dparams = 0;
    const size_t n_block = place_activations(e);
    if (e->training) {
        STN_TRY(place_gradients(e, &n_dy, err));
        STN_TRY(place_parameters(e, &n_dparams, err));
    }
    for (int s = 0; s < e->n_shards; s++) {
        stn_shard *shard = &e->shards[s];
        shard->block = stn_arena_alloc(&e->arena, n_block, sizeof(float));
        shard->labels = stn_arena_alloc(&e->arena, (size_t)e->shard_n, 1);
        shard->dy = stn_arena_alloc(&e->arena, n_dy, sizeof(float));
        shard->dparams = stn_arena_alloc(&e->arena, n_dparams, sizeof(float));
        if (!shard->block || !shard->labels || !shard->dy || !shard->dparams)
            return stn_fail_memory(err, "the activations of a batch");
    }
    return STN_OK;
}

static stn_status take_threads(stn_executor *e, stn_error *err)
{
    size_t scratch = 0, gradient = 0;
    for (int i = 1; i < e->graph->n_nodes; i++) {
        const stn_node_memory *m = &e->nodes[i];
        scratch = larger(scratch, m->needs.scratch_floats);
        for (int k = 0; k < e->graph->nodes[i].n_inputs; k++)
            if (m->adds[k] && !e->graph->nodes[i].type->adds_dx)
                gradient = larger(
                    gradient,
                    stn_executor_floats(e, e->graph->nodes[i].inputs[k]));
    }
    for (int t = 0; t < stn_pool_threads(e->pool); t++) {
        stn_thread_memory *thread = &e->threads[t];
        bool ok = true;
        thread->scratch = stn_arena_alloc(&e->arena, scratch, sizeof(float));
        thread->pixels =
            stn_arena_alloc(&e->arena, stn_executor_floats(e, 0), 1);
        for (int k = 0; k < STN_NODE_INPUTS; k++) {
            thread->gradient[k] =
                stn_arena_alloc(&e->arena, gradient, sizeof(float));
            ok = ok && thread->gradient[k];
        }
        if (!thread->scratch || !thread->pixels || !ok)
            return stn_fail_memory(err, "the threads' scratch");
    }
    return STN_OK;
}

/* ---- programs ---- */

static void emit(stn_program *p, stn_instruction_kind kind, int node)
{
    p->instructions[p->n_instructions++] = (stn_instruction){kind, node};
}

static void end_phase(stn_program *p, int reduce, bool backward)
{
    const int first = p->n_phases ? p->phases[p->n_phases - 1].last : 0;
    p->phases[p->n_phases++] =
        (stn_phase){first, p->n_instructions, reduce, backward};
}

static void emit_forward(const stn_executor *e, stn_program *p, bool training)
{
    emit(p, STN_DO_FETCH, 0);
    for (int i = 1; i < e->graph->n_nodes; i++) {
        const stn_op_type *type = e->graph->nodes[i].type;
        if (training && type->forward_barrier) {
            emit(p, STN_DO_FORWARD_STATS, i);
            end_phase(p, i, false);
        }
        if (!training || !e->nodes[i].absorbed)
            emit(p, STN_DO_FORWARD, i);
    }
    emit(p, STN_DO_LOSS, e->graph->n_nodes - 1);
}

static void emit_backward(const stn_executor *e, stn_program *p)
{
    for (int i = e->graph->n_nodes - 1; i > 0; i--) {
        if (!e->nodes[i].trains || e->nodes[i].absorbed)
            continue;
        if (e->graph->nodes[i].type->backward_reduce) {
            emit(p, STN_DO_BACKWARD_STATS, i);
            end_phase(p, i, true);
        }
        emit(p, STN_DO_BACKWARD, i);
    }
}

static stn_status write_program(stn_executor *e, stn_program *p, bool training,
                                stn_error *err)
{
    const size_t n = (size_t)e->graph->n_nodes;
    p->instructions =
        stn_arena_alloc(&e->arena, 4 * n + 2, sizeof *p->instructions);
    p->phases = stn_arena_alloc(&e->arena, 2 * n + 1, sizeof *p->phases);
    if (!p->instructions || !p->phases)
        return stn_fail_memory(err, "the executor's program");
    emit_forward(e, p, training);
    if (training)
        emit_backward(e, p);
    end_phase(p, -1, false);
    return STN_OK;
}

stn_status stn_executor_plan(stn_executor *e, stn_error *err)
{
    const size_t n_shards = (size_t)e->n_shards;
    e->nodes =
        stn_arena_alloc(&e->arena, (size_t)e->graph->n_nodes, sizeof *e->nodes);
    e->shards = stn_arena_alloc(&e->arena, n_shards, sizeof *e->shards);
    e->stats = stn_arena_alloc(&e->arena, n_shards, sizeof *e->stats);
    e->threads = stn_arena_alloc(&e->arena, (size_t)stn_pool_threads(e->pool),
                                 sizeof *e->threads);
    if (!e->nodes || !e->shards || !e->stats || !e->threads)
        return stn_fail_memory(err, "an executor");
    STN_TRY(plan_operators(e, err));
    absorb(e);
    STN_TRY(take_shards(e, err));
    STN_TRY(take_threads(e, err));
    if (e->training)
        STN_TRY(write_program(e, &e->train, true, err));
    return write_program(e, &e->evaluate, false, err);
}
