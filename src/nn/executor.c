/* SPDX-License-Identifier: MIT
 *
 * Runs the programs of executor_plan.c. Nothing here depends on which thread
 * works on a shard: a shard writes its own memory only, and everything that
 * joins shards runs in a fixed order. */
#include "base/compiler.h"
#include "nn/executor_impl.h"
#include "nn/loss.h"
#include "nn/mask.h"
#include <assert.h>
#include <math.h>
#include <omp.h>
#include <string.h>

void stn_executor_thread_init(void)
{
    omp_set_num_threads(1);
}

stn_status stn_executor_create(stn_graph *graph, stn_pool *pool, int batch,
                               int n_shards, bool training, stn_executor **out,
                               stn_error *err)
{
    if (batch < 1 || n_shards < 1 || batch % n_shards != 0)
        return stn_fail(err, STN_E_ARGUMENT,
                        "a batch of %d pictures cannot be cut into %d equal "
                        "shards; use a divisor",
                        batch, n_shards);
    stn_executor *e = stn_alloc(1, sizeof *e);
    if (!e)
        return stn_fail_memory(err, "an executor");
    *e = (stn_executor){.graph = graph,
                        .pool = pool,
                        .batch = batch,
                        .n_shards = n_shards,
                        .shard_n = batch / n_shards,
                        .training = training};
    const stn_status status = stn_executor_plan(e, err);
    if (status != STN_OK) {
        stn_executor_destroy(e);
        return status;
    }
    *out = e;
    return STN_OK;
}

void stn_executor_destroy(stn_executor *e)
{
    if (!e)
        return;
    for (int i = 1; e->nodes && i < e->graph->n_nodes; i++)
        if (e->nodes[i].plan && e->graph->nodes[i].type->unplan)
            e->graph->nodes[i].type->unplan(&e->graph->nodes[i],
                                            e->nodes[i].plan);
    stn_arena_deinit(&e->arena);
    stn_free(e);
}

/* ---- one shard ---- */

STN_CLONES
static void to_floats(const uint8_t *STN_RESTRICT pixels, size_t count,
                      float *STN_RESTRICT out)
{
    for (size_t i = 0; i < count; i++)
        out[i] = (float)pixels[i];
}

STN_CLONES
static void add_to(float *STN_RESTRICT sum, const float *STN_RESTRICT x,
                   size_t count)
{
    for (size_t i = 0; i < count; i++)
        sum[i] += x[i];
}

static void fetch(const stn_executor *e, stn_shard *shard, int first,
                  const stn_thread_memory *thread)
{
    e->current->fetch(e->current->context, first, e->shard_n, thread->pixels,
                      shard->labels);
    to_floats(thread->pixels,
              (size_t)e->shard_n * stn_shape_count(e->graph->input),
              shard->block + e->nodes[0].y);
}

static void find_loss(const stn_executor *e, stn_shard *shard, int first)
{
    const int last = e->graph->n_nodes - 1, classes = e->graph->n_classes;
    const bool training = e->running == &e->train;
    const stn_executor_batch *b = e->current;
    const stn_loss loss = {.classes = classes,
                           .smoothing = b->label_smoothing,
                           .scale = 1.0f / (float)e->batch};
    shard->loss_sum = 0.0;
    shard->n_correct = 0;
    for (int i = 0; i < e->shard_n && first + i < b->n; i++) {
        const size_t at = (size_t)i * (size_t)classes;
        const float *logits = shard->block + e->nodes[last].y + at;
        float *dy = training ? shard->dy + e->nodes[last].dy + at : NULL;
        const size_t row = (size_t)(first + i) * (size_t)classes;
        bool correct;
        if (b->teacher)
            shard->loss_sum +=
                stn_loss_distil(&loss, &b->distil, logits, b->teacher + row,
                                shard->labels[i], dy, &correct);
        else
            shard->loss_sum +=
                stn_loss_softmax(&loss, logits, shard->labels[i], dy, &correct);
        shard->n_correct += correct;
        if (b->logits)
            memcpy(b->logits + row, logits, (size_t)classes * sizeof *logits);
    }
}

static stn_op_call make_call(const stn_executor *e, int index, int s,
                             const stn_thread_memory *thread)
{
    const stn_node *node = &e->graph->nodes[index];
    const stn_node_memory *m = &e->nodes[index];
    const stn_shard *shard = &e->shards[s];
    stn_op_call call = {.node = node,
                        .plan = m->plan,
                        .n = e->shard_n * node->steps_in,
                        .training = e->running == &e->train,
                        .y = shard->block + m->y,
                        .scratch = thread->scratch,
                        .saved = shard->block + m->saved,
                        .stats = shard->block + m->stats,
                        .batch = m->batch,
                        .seed = e->current->seed,
                        .step = e->current->step,
                        .first_picture = s * e->shard_n * node->steps_in};
    if (call.training && m->relu)
        call.relu_mask = stn_mask_of(shard->block + e->nodes[m->relu].saved);
    for (int k = 0; k < node->n_inputs; k++)
        call.x[k] = shard->block + e->nodes[node->inputs[k]].y;
    for (int k = 0; k < node->n_params; k++)
        call.param[k] = e->graph->params[node->params[k]].effective;
    return call;
}

/* Adds what a call needs to go backward: dy, and where dx and dparam go. */
static void turn_backward(const stn_executor *e, int index,
                          const stn_shard *shard,
                          const stn_thread_memory *thread, stn_op_call *call)
{
    const stn_node *node = &e->graph->nodes[index];
    const stn_node_memory *m = &e->nodes[index];
    call->dy = shard->dy + m->dy;
    for (int k = 0; k < node->n_inputs; k++) {
        const stn_node_memory *from = &e->nodes[node->inputs[k]];
        if (!from->trains)
            continue;
        call->add_dx[k] = m->adds[k] && node->type->adds_dx;
        call->dx[k] = m->adds[k] && !call->add_dx[k] ? thread->gradient[k]
                                                     : shard->dy + from->dy;
    }
    for (int k = 0; k < node->n_params; k++)
        if (e->graph->params[node->params[k]].grad)
            call->dparam[k] =
                shard->dparams + e->dparam_offsets[node->params[k]];
}

static void run_backward(const stn_executor *e, int index,
                         const stn_shard *shard, const stn_op_call *call)
{
    const stn_node *node = &e->graph->nodes[index];
    node->type->backward(call);
    for (int k = 0; k < node->n_inputs; k++)
        if (e->nodes[index].adds[k] && !call->add_dx[k])
            add_to(shard->dy + e->nodes[node->inputs[k]].dy, call->dx[k],
                   stn_executor_floats(e, node->inputs[k]));
}

static void run_instruction(const stn_executor *e, const stn_instruction *step,
                            int s, const stn_thread_memory *thread)
{
    stn_shard *shard = &e->shards[s];
    if (step->kind == STN_DO_FETCH) {
        fetch(e, shard, s * e->shard_n, thread);
        return;
    }
    if (step->kind == STN_DO_LOSS) {
        find_loss(e, shard, s * e->shard_n);
        return;
    }
    const stn_op_type *type = e->graph->nodes[step->node].type;
    stn_op_call call = make_call(e, step->node, s, thread);
    if (step->kind == STN_DO_FORWARD_STATS) {
        type->forward_stats(&call);
        return;
    }
    if (step->kind == STN_DO_FORWARD) {
        type->forward(&call);
        return;
    }
    turn_backward(e, step->node, shard, thread, &call);
    if (step->kind == STN_DO_BACKWARD_STATS)
        type->backward_stats(&call);
    else
        run_backward(e, step->node, shard, &call);
}

static void run_shard(void *context, int shard, int thread)
{
    const stn_executor *e = context;
    for (int i = e->phase->first; i < e->phase->last; i++)
        run_instruction(e, &e->running->instructions[i], shard,
                        &e->threads[thread]);
}

/* ---- all shards ---- */

static void reduce(stn_executor *e, int index, bool training, bool backward)
{
    const stn_node *node = &e->graph->nodes[index];
    const stn_node_memory *m = &e->nodes[index];
    float *state[STN_NODE_PARAMS];
    for (int k = 0; k < node->n_params; k++)
        state[k] = e->graph->params[node->params[k]].latent;
    for (int s = 0; s < e->n_shards; s++)
        e->stats[s] = e->shards[s].block + m->stats;
    const stn_op_reduce r = {.node = node,
                             .plan = m->plan,
                             .training = training,
                             .n_shards = e->n_shards,
                             .n = e->batch * node->steps_in,
                             .stats = training ? e->stats : NULL,
                             .batch = m->batch,
                             .state = state};
    if (backward)
        node->type->backward_reduce(&r);
    else
        node->type->forward_reduce(&r);
}

static void prepare(void *context, int task, int thread)
{
    const stn_executor *e = context;
    const stn_node *node = &e->graph->nodes[task + 1];
    if (!node->type->prepare)
        return;
    stn_op_call call = {.node = node,
                        .plan = e->nodes[task + 1].plan,
                        .scratch = e->threads[thread].scratch};
    for (int k = 0; k < node->n_params; k++)
        call.param[k] = e->graph->params[node->params[k]].effective;
    node->type->prepare(&call);
}

static void run_program(stn_executor *e, const stn_program *program,
                        const stn_executor_batch *batch,
                        stn_executor_result *result)
{
    e->current = batch;
    e->running = program;
    stn_pool_run(e->pool, e->graph->n_nodes - 1, prepare, e);
    for (int i = 0; i < program->n_phases; i++) {
        e->phase = &program->phases[i];
        stn_pool_run(e->pool, e->n_shards, run_shard, e);
        if (e->phase->reduce >= 0)
            reduce(e, e->phase->reduce, true, e->phase->reduce_backward);
    }
    *result = (stn_executor_result){0};
    for (int s = 0; s < e->n_shards; s++) {
        result->loss_sum += e->shards[s].loss_sum;
        result->n_correct += e->shards[s].n_correct;
    }
}

/* Adds a piece of the gradient over shards, neighbours first: ((0+1)+(2+3))+…
 * The shards' parts are used up. */
static void add_shards(void *context, int task, int thread)
{
    (void)thread;
    stn_executor *e = context;
    const stn_gradient_piece *piece = &e->pieces[task];
    for (int step = 1; step < e->n_shards; step *= 2)
        for (int s = 0; s + step < e->n_shards; s += 2 * step)
            add_to(e->shards[s].dparams + piece->offset,
                   e->shards[s + step].dparams + piece->offset, piece->count);
    memcpy(piece->out, e->shards[0].dparams + piece->offset,
           piece->count * sizeof *piece->out);
}

void stn_executor_train(stn_executor *e, const stn_executor_batch *batch,
                        stn_executor_result *result)
{
    assert(e->training && batch->n == e->batch);
    run_program(e, &e->train, batch, result);
    for (int i = 1; i < e->graph->n_nodes; i++) {
        const stn_op_type *type = e->graph->nodes[i].type;
        if (type->forward_reduce && !type->forward_barrier)
            reduce(e, i, true, false);
    }
    stn_pool_run(e->pool, e->n_pieces, add_shards, e);
}

void stn_executor_evaluate(stn_executor *e, const stn_executor_batch *batch,
                           stn_executor_result *result)
{
    assert(batch->n <= e->batch);
    for (int i = 1; i < e->graph->n_nodes; i++)
        if (e->graph->nodes[i].type->forward_barrier)
            reduce(e, i, false, false);
    run_program(e, &e->evaluate, batch, result);
}

const char *stn_executor_find_nonfinite(const stn_executor *e)
{
    for (int i = 0; i < e->graph->n_nodes; i++) {
        const size_t count = stn_executor_floats(e, i);
        for (int s = 0; s < e->n_shards; s++) {
            const float *y = stn_executor_output(e, i, s);
            for (size_t j = 0; j < count; j++)
                if (!isfinite(y[j]))
                    return e->graph->nodes[i].name;
        }
    }
    return NULL;
}

const float *stn_executor_output(const stn_executor *e, int index, int shard)
{
    return e->shards[shard].block + e->nodes[index].y;
}
