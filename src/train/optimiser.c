/* SPDX-License-Identifier: MIT
 *
 * The list of optimisers, and running one over the parameters of a graph,
 * a parameter a task. */
#include "train/optimiser.h"

#define STN_OPTIMISER(name)                                                    \
    extern const stn_optimiser_type stn_optimiser_##name;
#include "train/optimisers.def"
#undef STN_OPTIMISER

const stn_optimiser_type *const stn_optimiser_types[] = {
#define STN_OPTIMISER(name) &stn_optimiser_##name,
#include "train/optimisers.def"
#undef STN_OPTIMISER
    NULL};

const char *const stn_optimiser_names[] = {
#define STN_OPTIMISER(name) #name,
#include "train/optimisers.def"
#undef STN_OPTIMISER
    NULL};

static stn_status allocate(stn_optimiser *o, stn_error *err)
{
    int n = o->graph->n_params;

    o->moments = stn_arena_alloc(&o->arena, (size_t)n, sizeof(*o->moments));
    o->failed = stn_arena_alloc(&o->arena, (size_t)n, sizeof(*o->failed));
    if (!o->moments || !o->failed)
        return stn_fail_memory(err, "an optimiser");
    for (int i = 0; i < n; i++) {
        const stn_param *p = &o->graph->params[i];
        for (int k = 0; p->grad && k < o->type->n_moments; k++) {
            o->moments[i][k] =
                stn_arena_alloc(&o->arena, p->count, sizeof(float));
            if (!o->moments[i][k])
                return stn_fail_memory(err, "an optimiser");
        }
    }
    return STN_OK;
}

stn_status stn_optimiser_create(const stn_optimiser_type *type,
                                const void *attrs, stn_graph *graph,
                                stn_optimiser **out, stn_error *err)
{
    stn_optimiser *o = stn_alloc(1, sizeof(*o));
    stn_status status;

    if (!o)
        return stn_fail_memory(err, "an optimiser");
    *o = (stn_optimiser){.type = type, .attrs = attrs, .graph = graph};
    status = allocate(o, err);
    if (status != STN_OK) {
        stn_optimiser_destroy(o);
        return status;
    }
    *out = o;
    return STN_OK;
}

void stn_optimiser_destroy(stn_optimiser *optimiser)
{
    if (!optimiser)
        return;
    stn_arena_deinit(&optimiser->arena);
    stn_free(optimiser);
}

/* Zero times anything finite is zero; eight sums let the loop vectorise with
 * the same result in any order. */
static bool all_finite(size_t n, const float *x)
{
    float sum[8] = {0}, total = 0;
    size_t i = 0;

    for (; i + 8 <= n; i += 8)
        for (size_t k = 0; k < 8; k++)
            sum[k] += x[i + k] * 0.0f;
    for (; i < n; i++)
        total += x[i] * 0.0f;
    for (size_t k = 0; k < 8; k++)
        total += sum[k];
    return total == 0;
}

struct step_context {
    stn_optimiser *optimiser;
    float factor;
    uint64_t t;
};

static void step_one(void *context, int task, int thread)
{
    const struct step_context *step = context;
    stn_optimiser *o = step->optimiser;
    const stn_param *p = &o->graph->params[task];
    stn_optimiser_call call = {.n = p->count,
                               .w = p->latent,
                               .grad = p->grad,
                               .moments = o->moments[task],
                               .factor = step->factor,
                               .t = step->t,
                               .decay = p->role == STN_PARAM_WEIGHT};

    (void)thread;
    o->failed[task] = p->grad && !all_finite(p->count, p->grad);
    if (p->grad && !o->failed[task])
        o->type->step(o->attrs, &call);
}

const char *stn_optimiser_step(stn_optimiser *optimiser, stn_pool *pool,
                               float factor, uint64_t t)
{
    struct step_context step = {optimiser, factor, t};
    const stn_graph *graph = optimiser->graph;

    stn_pool_run(pool, graph->n_params, step_one, &step);
    for (int i = 0; i < graph->n_params; i++)
        if (optimiser->failed[i])
            return graph->params[i].name;
    return NULL;
}
