/* SPDX-License-Identifier: MIT
 *
 * A graph's parameters: their memory, initial values, and look-up by name.
 * How a graph is read from a file: graph_yaml.c. */
#include "nn/graph.h"
#include "base/rng.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

void stn_graph_destroy(stn_graph *graph)
{
    if (!graph)
        return;
    stn_arena_deinit(&graph->arena);
    stn_free(graph);
}

stn_param *stn_graph_param(const stn_graph *graph, const char *name)
{
    for (int i = 0; i < graph->n_params; i++)
        if (strcmp(graph->params[i].name, name) == 0)
            return &graph->params[i];
    return NULL;
}

const stn_node *stn_graph_node(const stn_graph *graph, const char *name)
{
    for (int i = 0; i < graph->n_nodes; i++)
        if (strcmp(graph->nodes[i].name, name) == 0)
            return &graph->nodes[i];
    return NULL;
}

/* Room for one more parameter; the array doubles, the old one stays in the
 * arena until the graph dies. */
static stn_param *new_param(stn_graph *graph)
{
    const int n = graph->n_params;
    const bool is_full = (n & (n - 1)) == 0; /* 0, 1, 2, 4, 8, … */
    if (is_full) {
        const size_t capacity = n ? 2 * (size_t)n : 1;
        stn_param *params =
            stn_arena_alloc(&graph->arena, capacity, sizeof *params);
        if (!params)
            return NULL;
        if (n)
            memcpy(params, graph->params, (size_t)n * sizeof *params);
        graph->params = params;
    }
    return &graph->params[n];
}

/* Dimensions are out, then kernel positions, then input channels (absent for
 * depthwise, whose fan-in is one kernel). */
static void set_fans(stn_param *param)
{
    param->fan_in = 1;
    for (int i = 1; i < param->rank; i++)
        param->fan_in *= param->dims[i];
    param->fan_out = param->dims[0];
    for (int i = 1; i < param->rank && i < 3 && param->rank > 2; i++)
        param->fan_out *= param->dims[i];
}

/* Memory of the last parameter, which then counts. */
static stn_status take_memory(stn_graph *graph, stn_param *param,
                              stn_error *err)
{
    const bool trained = param->role != STN_PARAM_STATE;
    graph->n_params++;
    if (graph->outline)
        return STN_OK;
    param->latent = stn_arena_alloc(&graph->arena, param->count, sizeof(float));
    if (trained)
        param->grad =
            stn_arena_alloc(&graph->arena, param->count, sizeof(float));
    if (!param->latent || (trained && !param->grad))
        return stn_fail_memory(err, param->name);
    param->effective = param->latent;
    return STN_OK;
}

stn_status stn_graph_add_guest(stn_graph *graph, const char *name,
                               const stn_param *like, stn_error *err)
{
    stn_param *param = new_param(graph);
    if (!param)
        return stn_fail_memory(err, "the list of parameters");
    *param = *like;
    param->latent = param->effective = param->grad = NULL;
    if (strlen(name) >= sizeof param->name)
        return stn_fail(err, STN_E_UNSUPPORTED,
                        "the name '%s' is longer than %zu bytes; shorten that "
                        "of the layer",
                        name, sizeof param->name - 1);
    memcpy(param->name, name, strlen(name) + 1);
    return take_memory(graph, param, err);
}

stn_status stn_graph_add_param(stn_graph *graph, stn_node *node,
                               const char *suffix, stn_param_role role,
                               int rank, const int *dims, stn_error *err)
{
    stn_param *param = new_param(graph);
    if (!param)
        return stn_fail_memory(err, "the list of parameters");
    *param = (stn_param){.role = role, .rank = rank, .count = 1};
    snprintf(param->name, sizeof param->name, "%s.%s", node->name, suffix);
    for (int i = 0; i < rank; i++) {
        param->dims[i] = dims[i];
        param->count *= (size_t)dims[i];
    }
    if (param->count > INT32_MAX)
        return stn_fail(err, STN_E_UNSUPPORTED,
                        "%s:%d: %s has %zu values, more than 2^31; make the "
                        "layer smaller",
                        node->file, node->line, param->name, param->count);
    set_fans(param);
    node->params[node->n_params++] = graph->n_params;
    return take_memory(graph, param, err);
}

static void fill(stn_param *param, float value)
{
    for (size_t i = 0; i < param->count; i++)
        param->latent[i] = value;
}

static bool has_suffix(const char *name, const char *suffix)
{
    const size_t n = strlen(name), m = strlen(suffix);
    return n >= m && strcmp(name + n - m, suffix) == 0;
}

void stn_graph_init(stn_graph *graph, uint64_t seed)
{
    for (int i = 0; i < graph->n_params; i++) {
        stn_param *param = &graph->params[i];
        if (param->role == STN_PARAM_WEIGHT) {
            stn_rng rng = stn_rng_make(seed, STN_RNG_INIT, (uint64_t)i);
            const float deviation = sqrtf(2.0f / (float)param->fan_in);
            for (size_t j = 0; j < param->count; j++)
                param->latent[j] = deviation * stn_rng_normal(&rng);
        } else {
            const bool one = param->role == STN_PARAM_GAIN ||
                             has_suffix(param->name, ".variance");
            fill(param, one ? 1.0f : 0.0f);
        }
    }
}
