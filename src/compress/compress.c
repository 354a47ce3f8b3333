/* SPDX-License-Identifier: MIT
 *
 * Binding compression rules to the weights of a graph, and running them.
 *
 * A binding owns the codes, the scales and the effective weights of one
 * parameter. Bindings are independent, so they run in parallel and the only
 * sum over them (of penalties) is taken afterwards in their order. */
#include "compress/compress.h"
#include "compress/structure.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#define STN_QUANTISER(name)                                                    \
    extern const stn_quantiser_type stn_quantiser_##name;
#include "compress/quantisers.def"
#undef STN_QUANTISER
#define STN_PENALTY(name) extern const stn_penalty_type stn_penalty_##name;
#include "compress/penalties.def"
#undef STN_PENALTY
#define STN_STRUCTURE(name)                                                    \
    extern const stn_structure_type stn_structure_##name;
#include "compress/structures.def"
#undef STN_STRUCTURE

const stn_quantiser_type *const stn_quantiser_types[] = {
#define STN_QUANTISER(name) &stn_quantiser_##name,
#include "compress/quantisers.def"
#undef STN_QUANTISER
    NULL};

const stn_penalty_type *const stn_penalty_types[] = {
#define STN_PENALTY(name) &stn_penalty_##name,
#include "compress/penalties.def"
#undef STN_PENALTY
    NULL};

const stn_structure_type *const stn_structure_types[] = {
#define STN_STRUCTURE(name) &stn_structure_##name,
#include "compress/structures.def"
#undef STN_STRUCTURE
    NULL};

static const char *const quantiser_names[] = {
#define STN_QUANTISER(name) #name,
#include "compress/quantisers.def"
#undef STN_QUANTISER
    NULL};

static const char *const penalty_names[] = {
#define STN_PENALTY(name) #name,
#include "compress/penalties.def"
#undef STN_PENALTY
    NULL};

static const char *const structure_names[] = {
#define STN_STRUCTURE(name) #name,
#include "compress/structures.def"
#undef STN_STRUCTURE
    NULL};

static const char *const rule_keys[] = {"layers",  "quantiser", "structure",
                                        "penalty", "group",     NULL};

/* The codes, scales and scratch of a binding whose kinds are known. */
static stn_status allocate(stn_compression *c, stn_binding *b, stn_error *err)
{
    bool per_filter =
        stn_quantiser_per_filter(b->quantiser, b->quantiser_attrs);

    b->n_scales = per_filter ? b->shape.out : 1;
    b->codes = stn_arena_alloc(&c->arena, b->param->count, 1);
    b->scales = stn_arena_alloc(&c->arena, (size_t)b->n_scales, sizeof(float));
    b->norms = stn_arena_alloc(&c->arena, (size_t)b->groups.n, sizeof(float));
    b->param->effective =
        stn_arena_alloc(&c->arena, b->param->count, sizeof(float));
    if (!b->codes || !b->scales || !b->norms || !b->param->effective)
        return stn_fail_memory(err, "compressed weights");
    if (b->low_radix > 1) {
        b->low = stn_arena_alloc(&c->arena, b->param->count, 1);
        if (!b->low)
            return stn_fail_memory(err, "compressed weights");
    }
    for (int k = 0; b->penalty && k < b->penalty->n_states; k++) {
        b->penalty_state[k] =
            stn_arena_alloc(&c->arena, b->param->count, sizeof(float));
        if (!b->penalty_state[k])
            return stn_fail_memory(err, "the state of a penalty");
    }
    return STN_OK;
}

static stn_status read_quantiser(stn_compression *c, const stn_yaml *rule,
                                 const stn_yaml_scope *scope, stn_binding *b,
                                 stn_error *err)
{
    const stn_yaml *node = stn_yaml_get(rule, "quantiser"), *options;
    int kind;

    if (!node)
        return stn_yaml_fail(rule, err,
                             "the rule has no quantiser; a weight without "
                             "codes cannot be packed: add one, such as "
                             "'quantiser: uniform'");
    STN_TRY(stn_yaml_pick(node, quantiser_names, &kind, &options, err));
    b->quantiser = stn_quantiser_types[kind];
    b->quantiser_attrs =
        stn_arena_alloc(&c->arena, 1, b->quantiser->attrs_size);
    if (!b->quantiser_attrs)
        return stn_fail_memory(err, "quantiser options");
    STN_TRY(stn_attrs_parse(b->quantiser->attrs, options, scope, NULL,
                            b->quantiser_attrs, err));
    b->alphabet = b->quantiser->alphabet(b->quantiser_attrs);
    b->low_radix = b->quantiser->low_radix
                       ? b->quantiser->low_radix(b->quantiser_attrs)
                       : 1;
    return STN_OK;
}

/* Whether a weight that is stored cannot be 0. Levels that leave 0 out are
 * stored sparsely where no other structure is asked for. */
static bool lacks_zero(const stn_binding *b)
{
    return b->layout.structure != STN_SPARSE &&
           (b->alphabet.levels == STN_LEVELS_ODD ||
            (b->alphabet.levels == STN_LEVELS_NONZERO && b->structure));
}

/* Refuses a penalty that cannot do with this quantiser what it is for. */
static stn_status check_pair(const stn_binding *b, const stn_yaml *node,
                             stn_error *err)
{
    const stn_penalty_type *p = b->penalty;

    if (b->quantiser->is_drawn)
        return stn_yaml_fail(node, err,
                             "weights of '%s' stay as they are drawn, which %s "
                             "would change; leave the penalty out",
                             b->quantiser->name, p->name);
    if (p->reads_codes && b->low_radix == STN_LOW_RADIX_WIDE)
        return stn_yaml_fail(node, err,
                             "%s reads codes of at most 9 bits; give the "
                             "quantiser fewer",
                             p->name);
    if (lacks_zero(b) && p->makes_zeros && p->makes_zeros(b->penalty_attrs))
        return stn_yaml_fail(node, err,
                             "%s makes weights 0, and '%s' of these bits has "
                             "no code 0; take a quantiser that has, or "
                             "'structure: sparse', which stores no zeros",
                             p->name, b->quantiser->name);
    return STN_OK;
}

static stn_status read_penalty(stn_compression *c, const stn_yaml *rule,
                               const stn_yaml_scope *scope, stn_binding *b,
                               stn_error *err)
{
    const stn_yaml *node = stn_yaml_get(rule, "penalty"), *options;
    int kind;

    if (!node)
        return STN_OK;
    STN_TRY(stn_yaml_pick(node, penalty_names, &kind, &options, err));
    b->penalty = stn_penalty_types[kind];
    b->penalty_attrs = stn_arena_alloc(&c->arena, 1, b->penalty->attrs_size);
    if (!b->penalty_attrs)
        return stn_fail_memory(err, "penalty options");
    STN_TRY(stn_attrs_parse(b->penalty->attrs, options, scope, NULL,
                            b->penalty_attrs, err));
    return check_pair(b, node, err);
}

/* The node that has parameter `index`; every parameter has one. */
static stn_node *owner(const stn_graph *graph, ptrdiff_t index)
{
    int i = 0;

    for (;; i++)
        for (int k = 0; k < graph->nodes[i].n_params; k++)
            if (graph->nodes[i].params[k] == index)
                return &graph->nodes[i];
}

static stn_status read_structure(stn_compression *c, const stn_yaml *rule,
                                 const stn_yaml_scope *scope, stn_rng *rng,
                                 stn_binding *b, stn_error *err)
{
    const stn_yaml *node = stn_yaml_get(rule, "structure"), *options;
    int kind;

    if (!node)
        return STN_OK;
    STN_TRY(stn_yaml_pick(node, structure_names, &kind, &options, err));
    b->structure = stn_structure_types[kind];
    b->structure_attrs =
        stn_arena_alloc(&c->arena, 1, b->structure->attrs_size);
    if (!b->structure_attrs)
        return stn_fail_memory(err, "structure options");
    STN_TRY(stn_attrs_parse(b->structure->attrs, options, scope, NULL,
                            b->structure_attrs, err));
    STN_TRY(b->structure->lay(b->structure_attrs, b->shape, rng, node,
                              &c->arena, &b->layout, err));
    if (!b->structure->fold)
        return stn_stored_create(b, &c->arena, err);
    STN_TRY(b->structure->fold(c->graph,
                               owner(c->graph, b->param - c->graph->params),
                               &b->layout, err));
    b->shape = stn_weight_shape_of(b->param);
    return STN_OK;
}

static stn_status read_group(const stn_yaml *rule, const stn_yaml_scope *scope,
                             stn_binding *b, stn_error *err)
{
    const stn_yaml *node = stn_yaml_get(rule, "group");
    int64_t chunk = b->shape.in;

    if (node &&
        !(node->kind == STN_YAML_SCALAR && strcmp(node->scalar, "filter") == 0))
        STN_TRY(stn_yaml_int(node, scope, 1, INT32_MAX, &chunk, err));
    b->groups = stn_groups_make(b->shape, (int)chunk);
    return STN_OK;
}

/* A pattern matches many layers: which one it was. */
static stn_status in_layer(const char *layer, stn_status status, stn_error *err)
{
    size_t n = err ? strlen(err->text) : 0;

    if (status != STN_OK && err)
        snprintf(err->text + n, sizeof(err->text) - n, " (layer %s)", layer);
    return status;
}

static stn_status bind(stn_compression *c, stn_param *param,
                       const stn_yaml *rule, const stn_yaml_scope *scope,
                       uint64_t seed, stn_error *err)
{
    stn_binding *b = &c->bindings[c->n];
    stn_rng rng = stn_rng_make(seed, STN_RNG_STRUCTURE,
                               (uint64_t)(param - c->graph->params));

    b->param = param;
    b->shape = stn_weight_shape_of(param);
    STN_TRY(read_quantiser(c, rule, scope, b, err));
    STN_TRY(in_layer(owner(c->graph, param - c->graph->params)->name,
                     read_structure(c, rule, scope, &rng, b, err), err));
    STN_TRY(read_penalty(c, rule, scope, b, err));
    STN_TRY(read_group(rule, scope, b, err));
    STN_TRY(allocate(c, b, err));
    c->n++;
    return STN_OK;
}

static const char *pattern_of(const stn_yaml *rule)
{
    return stn_yaml_get(rule, "layers")->scalar;
}

/* The last rule that matches, or NULL. */
static const stn_yaml *rule_for(const stn_yaml *rules, const char *node_name)
{
    const stn_yaml *found = NULL;

    for (const stn_yaml *r = rules->first; r; r = r->next)
        if (fnmatch(pattern_of(r), node_name, 0) == 0)
            found = r;
    return found;
}

/* Form of the rules, and that each matches some weight. */
static stn_status check_rules(const stn_graph *graph, const stn_yaml *rules,
                              stn_error *err)
{
    if (rules->kind != STN_YAML_SEQUENCE)
        return stn_yaml_fail(rules, err,
                             "expected a list of rules "
                             "'- {layers: …, quantiser: …}'");
    for (const stn_yaml *r = rules->first; r; r = r->next) {
        const stn_yaml *layers;
        bool used = false;

        STN_TRY(stn_yaml_check_keys(r, rule_keys, err));
        layers = stn_yaml_get(r, "layers");
        if (!layers || layers->kind != STN_YAML_SCALAR)
            return stn_yaml_fail(r, err, "the rule needs 'layers: PATTERN'");
        for (int i = 0; i < graph->n_params && !used; i++)
            used = graph->params[i].role == STN_PARAM_WEIGHT &&
                   fnmatch(layers->scalar, owner(graph, i)->name, 0) == 0;
        if (!used)
            return stn_yaml_fail(layers, err,
                                 "no layer of '%s' that has weights matches "
                                 "'%s'; compare with the names in its "
                                 "network file",
                                 graph->name, layers->scalar);
    }
    return STN_OK;
}

/* Adds the numbers that quantisers learn to the graph. That may move its
 * parameters, so what points to them is moved along at the end. */
static stn_status add_learned(stn_compression *c, stn_error *err)
{
    static const int dims[] = {1};
    stn_graph *graph = c->graph;
    const stn_param *before = graph->params;

    for (int i = 0; i < c->n; i++) {
        const stn_binding *b = &c->bindings[i];
        if (b->quantiser->learned)
            STN_TRY(stn_graph_add_param(graph, owner(graph, b->param - before),
                                        b->quantiser->learned,
                                        STN_PARAM_LEARNED, 1, dims, err));
    }
    for (int i = 0; i < c->n; i++) {
        stn_binding *b = &c->bindings[i];
        const stn_node *node = owner(graph, b->param - before);
        b->param = &graph->params[b->param - before];
        if (b->quantiser->learned)
            b->learned = &graph->params[node->params[node->n_params - 1]];
    }
    return STN_OK;
}

static stn_status bind_all(stn_compression *c, const stn_yaml *rules,
                           const stn_yaml_scope *scope, uint64_t seed,
                           stn_error *err)
{
    STN_TRY(check_rules(c->graph, rules, err));
    for (int i = 0; i < c->graph->n_params; i++) {
        stn_param *param = &c->graph->params[i];
        const stn_yaml *rule;

        if (param->role != STN_PARAM_WEIGHT)
            continue;
        rule = rule_for(rules, owner(c->graph, i)->name);
        if (rule)
            STN_TRY(bind(c, param, rule, scope, seed, err));
    }
    return add_learned(c, err);
}

stn_status stn_compression_create(stn_graph *graph, const stn_yaml *rules,
                                  const stn_yaml_scope *scope, uint64_t seed,
                                  stn_compression **out, stn_error *err)
{
    stn_compression *c = stn_alloc(1, sizeof(*c));
    stn_status status = STN_OK;

    if (!c)
        return stn_fail_memory(err, "the compression of a graph");
    c->graph = graph;
    c->bindings = stn_arena_alloc(&c->arena, (size_t)graph->n_params + 1,
                                  sizeof(*c->bindings));
    if (!c->bindings)
        status = stn_fail_memory(err, "the compression of a graph");
    else if (rules)
        status = bind_all(c, rules, scope, seed, err);
    if (status != STN_OK) {
        stn_compression_destroy(c);
        return status;
    }
    *out = c;
    return STN_OK;
}

void stn_compression_destroy(stn_compression *compression)
{
    if (!compression)
        return;
    /* A parameter that failed half-way may stand just behind the last. */
    for (int i = 0; compression->bindings && i <= compression->n; i++) {
        stn_param *param = compression->bindings[i].param;
        if (param)
            param->effective = param->latent;
    }
    stn_arena_deinit(&compression->arena);
    stn_free(compression);
}

const stn_binding *stn_compression_find(const stn_compression *compression,
                                        const stn_param *param)
{
    for (int i = 0; i < compression->n; i++)
        if (compression->bindings[i].param == param)
            return &compression->bindings[i];
    return NULL;
}
