/* SPDX-License-Identifier: MIT
 *
 * The engine: a plan, a pool of threads, and memory for each of them. Several
 * pictures run one a thread, each wholly in that thread's memory; fewer
 * pictures than threads are cut into rows, step by step. */
#include "base/pool.h"
#include "base/status.h"
#include "run/plan.h"

/* Below this many operations, handing a part to another thread (about 1 us)
 * costs more than it saves. */
#define OPERATIONS_WORTH_THREADS 100000

/* How a step is cut for all threads. */
typedef struct cut {
    int rows;  /* output rows a task */
    int parts; /* parts a task, where rows are not cut */
} cut;

struct stn_engine {
    stn_plan plan;
    stn_pool *pool;
    int threads;
    uint8_t *memory; /* `threads` times values and scratch */
    size_t stride;   /* bytes from one thread's part to the next */
    cut *cuts;       /* of the plan's steps */
    int *n_tasks;
};

/* What the tasks of one pool run share. */
typedef struct batch {
    const stn_engine *engine;
    const uint8_t *pixels;
    int32_t *logits;
} batch;

/* One picture by all threads. */
typedef struct together {
    const stn_engine *engine;
    stn_picture picture;
} together;

stn_engine_options stn_engine_defaults(void)
{
    return (stn_engine_options){.level = stn_cpu_detect(), .threads = 0};
}

/* Cuts a step by rows or, where there is one, by what its kernel calls parts.
 * Returns the number of tasks. */
static int cut_step(const stn_step *s, int threads, cut *c)
{
    c->rows = s->out.h;
    if (threads == 1 || s->operations < OPERATIONS_WORTH_THREADS)
        return 1;
    if (s->out.h == 1 && stn_step_has_parts(s)) {
        c->parts = (s->weights.parts + threads - 1) / threads;
        return (s->weights.parts + c->parts - 1) / c->parts;
    }
    int share = (s->out.h + threads - 1) / threads;
    c->rows = share < s->chunk_rows ? share : s->chunk_rows;
    return (s->out.h + c->rows - 1) / c->rows;
}

stn_status stn_engine_create(const stn_program *program,
                             const stn_engine_options *options,
                             stn_engine **out, stn_error *err)
{
    bool known = (unsigned)options->level < STN_CPU_LEVELS;
    const stn_kernels *kernels = known ? stn_kernels_get(options->level) : NULL;
    if (!kernels)
        return stn_fail(err, STN_E_UNSUPPORTED,
                        "engine: this CPU has no %s; the best it offers is %s",
                        known ? stn_cpu_level_name(options->level)
                              : "such kernel level",
                        stn_cpu_level_name(stn_cpu_detect()));
    stn_engine *e = stn_alloc(1, sizeof *e);
    if (!e)
        return stn_fail_memory(err, "an engine");
    stn_status status = stn_plan_init(&e->plan, program, kernels, err);
    if (status != STN_OK)
        goto fail;
    status = stn_pool_create(options->threads, NULL, &e->pool, err);
    if (status != STN_OK)
        goto fail;
    stn_pool_linger(e->pool);
    e->threads = stn_pool_threads(e->pool);
    e->cuts = stn_alloc((size_t)e->plan.n_steps, sizeof *e->cuts);
    e->n_tasks = stn_alloc((size_t)e->plan.n_steps, sizeof *e->n_tasks);
    e->stride = stn_align_up(e->plan.value_bytes + e->plan.scratch_bytes);
    e->memory = stn_alloc((size_t)e->threads, e->stride);
    if (!e->memory || !e->cuts || !e->n_tasks) {
        status = stn_fail_memory(err, "an engine's activations");
        goto fail;
    }
    for (int i = 0; i < e->plan.n_steps; i++)
        e->n_tasks[i] = cut_step(&e->plan.steps[i], e->threads, &e->cuts[i]);
    *out = e;
    return STN_OK;
fail:
    stn_engine_destroy(e);
    return status;
}

void stn_engine_destroy(stn_engine *engine)
{
    if (!engine)
        return;
    stn_pool_destroy(engine->pool);
    stn_plan_deinit(&engine->plan);
    stn_free(engine->memory);
    stn_free(engine->cuts);
    stn_free(engine->n_tasks);
    stn_free(engine);
}

static uint8_t *values_of(const stn_engine *e, int thread)
{
    return e->memory + (size_t)thread * e->stride;
}

static uint8_t *scratch_of(const stn_engine *e, int thread)
{
    return values_of(e, thread) + e->plan.value_bytes;
}

/* Picture i of a batch, in the memory of `thread`. */
static stn_picture picture_of(const batch *b, int i, int thread)
{
    const stn_program *p = b->engine->plan.program;
    return (stn_picture){
        .pixels = b->pixels + (size_t)i * stn_shape_count(p->input),
        .logits = b->logits + (size_t)i * (size_t)p->n_classes,
        .values = values_of(b->engine, thread),
    };
}

static void run_picture(void *context, int task, int thread)
{
    const batch *b = context;
    const stn_plan *plan = &b->engine->plan;
    stn_picture picture = picture_of(b, task, thread);
    for (int i = 0; i < plan->n_steps; i++)
        stn_step_run(plan, &plan->steps[i], &picture,
                     stn_step_whole(&plan->steps[i]),
                     scratch_of(b->engine, thread));
}

static void run_piece(void *context, int step, int task, int thread)
{
    const together *t = context;
    const stn_step *s = &t->engine->plan.steps[step];
    const cut *c = &t->engine->cuts[step];
    stn_piece piece = stn_step_whole(s);
    if (c->parts) {
        piece.part = task * c->parts;
        if (piece.part + c->parts < piece.part_end)
            piece.part_end = piece.part + c->parts;
    } else {
        piece.first = task * c->rows;
        if (piece.first + c->rows < piece.last)
            piece.last = piece.first + c->rows;
    }
    stn_step_run(&t->engine->plan, s, &t->picture, piece,
                 scratch_of(t->engine, thread));
}

stn_status stn_engine_run(stn_engine *engine, const uint8_t *pixels, int n,
                          int32_t *logits, stn_error *err)
{
    if (n < 0)
        return stn_fail(err, STN_E_ARGUMENT,
                        "engine: got %d pictures, expected 0 or more", n);
    batch b = {engine, pixels, logits};
    if (n >= engine->threads) {
        stn_pool_run(engine->pool, n, run_picture, &b);
        return STN_OK;
    }
    for (int i = 0; i < n; i++) { /* values lie in thread 0's memory */
        together t = {engine, picture_of(&b, i, 0)};
        stn_pool_run_steps(engine->pool, engine->plan.n_steps, engine->n_tasks,
                           run_piece, &t);
    }
    return STN_OK;
}

const char *stn_engine_kernel_name(const stn_engine *engine, int index)
{
    return engine->plan.names[index];
}

size_t stn_engine_activation_bytes(const stn_engine *engine)
{
    return engine->plan.value_bytes;
}

size_t stn_engine_weight_bytes(const stn_engine *engine)
{
    return engine->plan.weight_bytes;
}
