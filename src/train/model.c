/* SPDX-License-Identifier: MIT
 *
 * From a resolved recipe to a graph with its compression bound.
 *
 * Rules of a recipe may use the network's parameters ("group: $p") and the
 * recipe's constants, so their values are gathered here: the network's own,
 * overridden by the recipe's. */
#include "train/model.h"

#include <math.h>
#include <string.h>

#define VARIABLES 32

struct scope {
    stn_yaml_variable variables[VARIABLES];
    stn_yaml_scope scope;
};

static stn_status add_variable(struct scope *s, const stn_yaml *node,
                               stn_error *err)
{
    double value;
    size_t i = 0;

    STN_TRY(stn_yaml_number(node, &s->scope, -1e9, 1e9, &value, err));
    while (i < s->scope.n_variables &&
           strcmp(s->variables[i].name, node->key) != 0)
        i++;
    if (i == VARIABLES)
        return stn_yaml_fail(node, err, "more than %d parameters", VARIABLES);
    s->variables[i] = (stn_yaml_variable){node->key, value};
    if (i == s->scope.n_variables)
        s->scope.n_variables++;
    return STN_OK;
}

/* Adds the entries of a map of numbers; NULL and empty maps add none. */
static stn_status add_map(struct scope *s, const stn_yaml *map, stn_error *err)
{
    s->scope.variables = s->variables;
    if (!map || (map->kind == STN_YAML_SCALAR && !*map->scalar))
        return STN_OK;
    if (map->kind != STN_YAML_MAP)
        return stn_yaml_fail(map, err, "'%s:' is a map of numbers", map->key);
    for (const stn_yaml *node = map->first; node; node = node->next)
        STN_TRY(add_variable(s, node, err));
    return STN_OK;
}

/* The network's parameters with the recipe's laid over them. An own value
 * that is an expression of others sees their final values. */
static stn_status gather(const stn_yaml *network, const struct scope *overrides,
                         struct scope *out, stn_error *err)
{
    const stn_yaml *own = stn_yaml_get(network, "parameters");

    *out = *overrides;
    out->scope.variables = out->variables;
    for (const stn_yaml *node = own ? own->first : NULL; node;
         node = node->next) {
        bool overridden = false;

        for (size_t i = 0; i < overrides->scope.n_variables; i++)
            overridden |= strcmp(overrides->variables[i].name, node->key) == 0;
        if (!overridden)
            STN_TRY(add_variable(out, node, err));
    }
    return STN_OK;
}

/* N(0, sqrt(2 / fan_in)) → N(0, sqrt(2 / fan_out)) for convolutions. */
static void rescale_to_fan_out(stn_graph *graph)
{
    for (int i = 0; i < graph->n_params; i++) {
        const stn_param *p = &graph->params[i];
        float ratio = sqrtf((float)p->fan_in / (float)p->fan_out);

        if (p->role != STN_PARAM_WEIGHT || p->rank < 3)
            continue;
        for (size_t k = 0; k < p->count; k++)
            p->latent[k] *= ratio;
    }
}

static stn_status build(stn_model *m, uint64_t seed, stn_error *err)
{
    const stn_yaml *network = stn_yaml_root(m->recipe->network);
    struct scope overrides = {0}, all = {0};

    STN_TRY(add_map(&overrides, m->recipe->parameters, err));
    STN_TRY(stn_graph_build(network, &overrides.scope, &m->graph, err));
    if (m->recipe->n_widths)
        STN_TRY(stn_widths_create(m->recipe, &overrides.scope, m->graph,
                                  &m->widths, err));
    stn_graph_init(m->graph, seed);
    if (m->recipe->init == STN_INIT_FAN_OUT)
        rescale_to_fan_out(m->graph);
    m->recipe->augment.height = m->graph->input.h;
    m->recipe->augment.width = m->graph->input.w;
    STN_TRY(gather(network, &overrides, &all, err));
    STN_TRY(add_map(&all, m->recipe->constants, err));
    STN_TRY(stn_compression_create(m->graph, m->recipe->compress, &all.scope,
                                   seed, &m->compression, err));
    return m->widths
               ? stn_widths_check(m->compression, m->recipe->compress, err)
               : STN_OK;
}

stn_status stn_model_create(stn_recipe *recipe, uint64_t seed, stn_model **out,
                            stn_error *err)
{
    stn_model *m = stn_alloc(1, sizeof(*m));
    stn_status status;

    if (!m) {
        stn_recipe_destroy(recipe);
        return stn_fail_memory(err, "a model");
    }
    m->recipe = recipe;
    status = build(m, seed, err);
    if (status != STN_OK)
        stn_model_destroy(m);
    else
        *out = m;
    return status;
}

void stn_model_destroy(stn_model *model)
{
    if (!model)
        return;
    stn_compression_destroy(model->compression);
    stn_widths_destroy(model->widths);
    stn_graph_destroy(model->graph);
    stn_recipe_destroy(model->recipe);
    stn_free(model);
}
