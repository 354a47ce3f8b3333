/* SPDX-License-Identifier: MIT
 *
 * Reads a network file into a graph: parameters, input, layers, repeats.
 * Layers are appended in file order, so order of execution needs no sorting;
 * a name can only mean an earlier layer. Grammar: docs/networks.md. */
#include "nn/op.h"
#include <stdio.h>
#include <string.h>

#define MAX_VARIABLES 64
#define MAX_NODES 4096
#define MAX_SIDE 16384 /* pixels; keeps products of a shape inside 64 bits */
#define MAX_CLASSES 4096

/* Where names are looked up: one per nested repeat, and the file itself. */
typedef struct place {
    const struct place *outer;
    char prefix[STN_NAME_CAPACITY]; /* "" or "block0." */
    int in;                         /* node that the local name `in` means */
} place;

typedef struct builder {
    stn_graph *graph;
    stn_error *err;
    const char *file;
    stn_yaml_variable variables[MAX_VARIABLES]; /* 0 is `i` inside a repeat */
    size_t n_variables;
    stn_yaml_scope scope;
    int node_capacity;
    int last; /* node that the next layer reads by default */
} builder;

static bool is_name(const char *text)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    return *text && text[strspn(text, letters)] == '\0';
}

/* ---- parameters and input ---- */

static stn_status check_overrides(const stn_yaml *map, const stn_yaml *network,
                                  const stn_yaml_scope *overrides,
                                  stn_error *err)
{
    for (size_t i = 0; overrides && i < overrides->n_variables; i++) {
        const char *name = overrides->variables[i].name;
        if (!stn_yaml_get(map, name))
            return stn_yaml_fail(
                network, err, "the network has no parameter '%s' to set", name);
    }
    return STN_OK;
}

/* A value may use the parameters above it. */
static stn_status read_parameters(builder *b, const stn_yaml *network,
                                  const stn_yaml_scope *overrides)
{
    const stn_yaml *map = stn_yaml_get(network, "parameters");
    STN_TRY(check_overrides(map, network, overrides, b->err));
    if (!map)
        return STN_OK;
    if (map->kind != STN_YAML_MAP)
        return stn_yaml_fail(map, b->err,
                             "parameters must be a map of "
                             "names to numbers");
    for (const stn_yaml *item = map->first; item; item = item->next) {
        if (!is_name(item->key) || strcmp(item->key, "i") == 0)
            return stn_yaml_fail(item, b->err,
                                 "'%s' cannot name a parameter: use letters, "
                                 "digits and _, and not the loop index i",
                                 item->key);
        if (b->n_variables == MAX_VARIABLES)
            return stn_yaml_fail(item, b->err, "more than %d parameters",
                                 MAX_VARIABLES - 1);
        const stn_yaml_scope above = {b->variables + 1, b->n_variables - 1};
        double value;
        STN_TRY(stn_yaml_number(item, &above, -1e9, 1e9, &value, b->err));
        for (size_t i = 0; overrides && i < overrides->n_variables; i++)
            if (strcmp(overrides->variables[i].name, item->key) == 0)
                value = overrides->variables[i].value;
        char *name = stn_arena_string(&b->graph->arena, item->key);
        if (!name)
            return stn_fail_memory(b->err, "parameter names");
        b->variables[b->n_variables++] = (stn_yaml_variable){name, value};
    }
    return STN_OK;
}

static stn_status read_side(builder *b, const stn_yaml *input, const char *key,
                            int *out)
{
    const stn_yaml *node = stn_yaml_get(input, key);
    if (!node)
        return stn_yaml_fail(input, b->err, "input has no '%s'", key);
    int64_t value;
    STN_TRY(stn_yaml_int(node, &b->scope, 1, MAX_SIDE, &value, b->err));
    *out = (int)value;
    return STN_OK;
}

static stn_status new_node(builder *b, const stn_yaml *at, stn_node **out)
{
    stn_graph *graph = b->graph;
    if (graph->n_nodes == MAX_NODES)
        return stn_yaml_fail(at, b->err, "more than %d layers", MAX_NODES - 1);
    if (graph->n_nodes == b->node_capacity) {
        const int capacity = b->node_capacity ? 2 * b->node_capacity : 32;
        stn_node *nodes =
            stn_arena_alloc(&graph->arena, (size_t)capacity, sizeof *nodes);
        if (!nodes)
            return stn_fail_memory(b->err, "the list of layers");
        if (graph->n_nodes)
            memcpy(nodes, graph->nodes, (size_t)graph->n_nodes * sizeof *nodes);
        graph->nodes = nodes;
        b->node_capacity = capacity;
    }
    stn_node *node = &graph->nodes[graph->n_nodes];
    *node = (stn_node){.file = b->file, .line = at->line};
    *out = node;
    return STN_OK;
}

static stn_status read_input(builder *b, const stn_yaml *network)
{
    static const char *const keys[] = {"height", "width", "channels", NULL};
    const stn_yaml *input = stn_yaml_get(network, "input");
    if (!input)
        return stn_yaml_fail(network, b->err,
                             "no 'input: {height, width, channels}'");
    STN_TRY(stn_yaml_check_keys(input, keys, b->err));
    stn_shape shape;
    STN_TRY(read_side(b, input, "height", &shape.h));
    STN_TRY(read_side(b, input, "width", &shape.w));
    STN_TRY(read_side(b, input, "channels", &shape.c));
    stn_node *node;
    STN_TRY(new_node(b, input, &node));
    snprintf(node->name, sizeof node->name, "in");
    node->out = shape;
    node->steps = node->steps_in = 1;
    b->graph->input = shape;
    b->graph->n_nodes = 1;
    return STN_OK;
}

/* ---- names ---- */

static int find_node(const builder *b, const char *name)
{
    for (int i = 1; i < b->graph->n_nodes; i++)
        if (strcmp(b->graph->nodes[i].name, name) == 0)
            return i;
    return -1;
}

/* Innermost first. */
static int resolve(const builder *b, const place *at, const char *name)
{
    if (strcmp(name, "in") == 0)
        return at->in;
    for (; at; at = at->outer) {
        char full[2 * STN_NAME_CAPACITY];
        if (strlen(name) >= STN_NAME_CAPACITY)
            return -1;
        snprintf(full, sizeof full, "%s%s", at->prefix, name);
        const int found = find_node(b, full);
        if (found >= 0)
            return found;
    }
    return -1;
}

/* Sets node->name from `name:` or, without one, from the operator. */
static stn_status name_node(builder *b, const place *at, const stn_yaml *layer,
                            const stn_yaml *attrs, stn_node *node)
{
    const stn_yaml *given = stn_yaml_get(attrs, "name");
    const char *base = given ? given->scalar : layer->key;
    if (given && (given->kind != STN_YAML_SCALAR || !is_name(base) ||
                  strcmp(base, "in") == 0))
        return stn_yaml_fail(given, b->err,
                             "a layer's name has letters, digits and _, and "
                             "is not 'in'");
    char full[3 * STN_NAME_CAPACITY];
    if (strlen(base) >= STN_NAME_CAPACITY)
        return stn_yaml_fail(layer, b->err, "the name '%s' is too long", base);
    snprintf(full, sizeof full, "%s%s", at->prefix, base);
    if (given && find_node(b, full) >= 0)
        return stn_yaml_fail(given, b->err, "the name '%s' is taken by line %d",
                             full, b->graph->nodes[find_node(b, full)].line);
    for (int i = 2; find_node(b, full) >= 0; i++)
        snprintf(full, sizeof full, "%s%s%d", at->prefix, base, i);
    if (strlen(full) >= sizeof node->name)
        return stn_yaml_fail(layer, b->err,
                             "the name '%s' has more than %zu letters", full,
                             sizeof node->name - 1);
    memcpy(node->name, full, strlen(full) + 1);
    return STN_OK;
}

/* ---- layers ---- */

/* Makes node `found` the next input. */
static stn_status read_node(builder *b, const stn_yaml *at, int found,
                            stn_node *node)
{
    const stn_node *from = &b->graph->nodes[found];
    if (node->n_inputs && from->steps != node->steps_in)
        return stn_yaml_fail(at, b->err,
                             "'%s' has %d time steps, the input before it %d; "
                             "both must have as many",
                             from->name, from->steps, node->steps_in);
    node->in[node->n_inputs] = from->out;
    node->inputs[node->n_inputs++] = found;
    node->steps = node->steps_in = from->steps;
    return STN_OK;
}

static stn_status add_input(builder *b, const place *at, const stn_yaml *from,
                            stn_node *node)
{
    if (from->kind != STN_YAML_SCALAR)
        return stn_yaml_fail(from, b->err,
                             "'from' is a name or a list of names");
    if (node->n_inputs == node->type->n_inputs)
        return stn_yaml_fail(from, b->err, "%s takes %d input%s, got more",
                             node->type->name, node->type->n_inputs,
                             node->type->n_inputs == 1 ? "" : "s");
    const int found = resolve(b, at, from->scalar);
    if (found < 0)
        return stn_yaml_fail(from, b->err,
                             "no layer '%s' above this one; names are those "
                             "of earlier layers, or 'in'",
                             from->scalar);
    return read_node(b, from, found, node);
}

static stn_status connect(builder *b, const place *at, const stn_yaml *layer,
                          const stn_yaml *attrs, stn_node *node)
{
    const stn_yaml *from = stn_yaml_get(attrs, "from");
    if (!from) {
        STN_TRY(read_node(b, layer, b->last, node));
    } else if (from->kind == STN_YAML_SEQUENCE) {
        for (const stn_yaml *item = from->first; item; item = item->next)
            STN_TRY(add_input(b, at, item, node));
    } else {
        STN_TRY(add_input(b, at, from, node));
    }
    if (node->n_inputs != node->type->n_inputs)
        return stn_yaml_fail(
            layer, b->err, "%s takes %d inputs, got %d; write from: [A, B]",
            node->type->name, node->type->n_inputs, node->n_inputs);
    return STN_OK;
}

static stn_status unknown_op(builder *b, const stn_yaml *layer)
{
    const char *words[64] = {"repeat"};
    for (int i = 0; stn_op_types[i] && i < 62; i++)
        words[i + 1] = stn_op_types[i]->name;
    const char *near = stn_nearest_word(layer->key, words);
    return stn_yaml_fail(layer, b->err, "no operator '%s'%s%s%s", layer->key,
                         near ? "; did you mean '" : "", near ? near : "",
                         near ? "'?" : "; see docs/networks.md");
}

static stn_status add_layer(builder *b, const place *at, const stn_yaml *layer,
                            const char *op_name)
{
    static const char *const also[] = {"name", "from", NULL};
    stn_yaml named = *layer;
    named.key = op_name;
    if (layer->kind == STN_YAML_SCALAR)
        named.scalar = "";
    const stn_yaml *attrs = &named;
    stn_node *node;
    STN_TRY(new_node(b, layer, &node));
    node->type = stn_op_find(op_name);
    if (!node->type)
        return unknown_op(b, &named);
    STN_TRY(name_node(b, at, &named, attrs, node));
    STN_TRY(connect(b, at, &named, attrs, node));
    node->attrs = stn_arena_alloc(&b->graph->arena, 1, node->type->attrs_size);
    if (!node->attrs)
        return stn_fail_memory(b->err, "a layer's attributes");
    static const stn_attr none[] = {{.name = NULL}};
    STN_TRY(stn_attrs_parse(node->type->attrs ? node->type->attrs : none, attrs,
                            &b->scope, also, node->attrs, b->err));
    stn_status status = node->type->shape(b->graph, node, b->err);
    if (status != STN_OK)
        return status;
    if (node->out.h > MAX_SIDE || node->out.w > MAX_SIDE ||
        stn_shape_count(node->out) * (size_t)node->steps > INT32_MAX / 4)
        return stn_yaml_fail(layer, b->err,
                             "the output of '%s', %dx%dx%d in %d steps, is too "
                             "large",
                             node->name, node->out.h, node->out.w, node->out.c,
                             node->steps);
    b->last = b->graph->n_nodes++;
    return STN_OK;
}

static stn_status add_layers(builder *b, const place *at,
                             const stn_yaml *layers);

static stn_status add_iteration(builder *b, const place *at,
                                const stn_yaml *repeat, const char *name,
                                int64_t i)
{
    place inner = {.outer = at, .in = b->last};
    char prefix[3 * STN_NAME_CAPACITY];
    if (strlen(name) >= STN_NAME_CAPACITY)
        return stn_yaml_fail(repeat, b->err, "the name '%s' is too long", name);
    snprintf(prefix, sizeof prefix, "%s%s%lld.", at->prefix, name,
             (long long)i);
    if (strlen(prefix) >= sizeof inner.prefix)
        return stn_yaml_fail(repeat, b->err, "the name '%s' is too long",
                             prefix);
    memcpy(inner.prefix, prefix, strlen(prefix) + 1);
    const stn_yaml_scope outer_scope = b->scope;
    const double outer_i = b->variables[0].value;
    b->variables[0].value = (double)i;
    b->scope = (stn_yaml_scope){b->variables, b->n_variables};
    const stn_status status =
        add_layers(b, &inner, stn_yaml_get(repeat, "layers"));
    b->variables[0].value = outer_i;
    b->scope = outer_scope;
    return status;
}

static stn_status add_repeat(builder *b, const place *at,
                             const stn_yaml *repeat)
{
    static const char *const keys[] = {"times", "name", "layers", NULL};
    STN_TRY(stn_yaml_check_keys(repeat, keys, b->err));
    const stn_yaml *times = stn_yaml_get(repeat, "times");
    const stn_yaml *name = stn_yaml_get(repeat, "name");
    if (!times || !name || !stn_yaml_get(repeat, "layers"))
        return stn_yaml_fail(repeat, b->err,
                             "repeat needs times, name and layers");
    if (name->kind != STN_YAML_SCALAR || !is_name(name->scalar))
        return stn_yaml_fail(name, b->err,
                             "a repeat's name has letters, digits and _");
    int64_t n;
    STN_TRY(stn_yaml_int(times, &b->scope, 0, MAX_NODES, &n, b->err));
    for (int64_t i = 0; i < n; i++)
        STN_TRY(add_iteration(b, at, repeat, name->scalar, i));
    return STN_OK;
}

static stn_status add_layers(builder *b, const place *at,
                             const stn_yaml *layers)
{
    if (layers->kind != STN_YAML_SEQUENCE)
        return stn_yaml_fail(layers, b->err,
                             "layers must be a list of '- OP: {…}'");
    for (const stn_yaml *item = layers->first; item; item = item->next) {
        if (item->kind == STN_YAML_SCALAR && *item->scalar) {
            STN_TRY(add_layer(b, at, item, item->scalar));
            continue;
        }
        if (item->kind != STN_YAML_MAP || item->n_children != 1)
            return stn_yaml_fail(item, b->err,
                                 "a layer is a map of one operator: "
                                 "'- OP: {…}'");
        const stn_yaml *layer = item->first;
        if (layer->kind == STN_YAML_SEQUENCE ||
            (layer->kind == STN_YAML_SCALAR && *layer->scalar))
            return stn_yaml_fail(
                layer, b->err, "attributes of '%s' must be a map", layer->key);
        if (strcmp(layer->key, "repeat") == 0)
            STN_TRY(add_repeat(b, at, layer));
        else
            STN_TRY(add_layer(b, at, layer, layer->key));
    }
    return STN_OK;
}

/* A layer that nothing reads is a mistake, and would have no gradient. */
static stn_status check_used(const builder *b)
{
    const stn_graph *graph = b->graph;
    bool used[MAX_NODES] = {false};
    for (int i = 1; i < graph->n_nodes; i++)
        for (int k = 0; k < graph->nodes[i].n_inputs; k++)
            used[graph->nodes[i].inputs[k]] = true;
    for (int i = 1; i < graph->n_nodes - 1; i++)
        if (!used[i])
            return stn_node_fail(&graph->nodes[i], b->err,
                                 "no later layer reads this one; name it in a "
                                 "'from' or remove it");
    return STN_OK;
}

static stn_status check_last(builder *b, const stn_yaml *layers)
{
    stn_graph *graph = b->graph;
    const stn_shape out = graph->nodes[b->last].out;
    if (b->last == 0)
        return stn_yaml_fail(layers, b->err, "the network has no layers");
    if (out.h != 1 || out.w != 1 || out.c < 2 || out.c > MAX_CLASSES)
        return stn_yaml_fail(layers, b->err,
                             "the last layer '%s' gives %dx%dx%d; a "
                             "classifier ends in 1x1 with 2 to %d channels",
                             graph->nodes[b->last].name, out.h, out.w, out.c,
                             MAX_CLASSES);
    if (graph->nodes[b->last].steps != 1)
        return stn_yaml_fail(layers, b->err,
                             "the last layer '%s' has %d time steps; end in "
                             "'- mean_steps'",
                             graph->nodes[b->last].name,
                             graph->nodes[b->last].steps);
    graph->n_classes = out.c;
    return STN_OK;
}

static stn_status build(builder *b, const stn_yaml *network,
                        const stn_yaml_scope *overrides)
{
    static const char *const keys[] = {"name",  "description", "parameters",
                                       "input", "layers",      NULL};
    STN_TRY(stn_yaml_check_keys(network, keys, b->err));
    b->file = stn_arena_string(&b->graph->arena, network->file);
    if (!b->file)
        return stn_fail_memory(b->err, "a network");
    const stn_yaml *name = stn_yaml_get(network, "name");
    if (!name || name->kind != STN_YAML_SCALAR || !*name->scalar ||
        strlen(name->scalar) >= sizeof b->graph->name)
        return stn_yaml_fail(name ? name : network, b->err,
                             "a network needs a 'name' of 1 to %zu letters",
                             sizeof b->graph->name - 1);
    memcpy(b->graph->name, name->scalar, strlen(name->scalar) + 1);
    STN_TRY(read_parameters(b, network, overrides));
    b->scope = (stn_yaml_scope){b->variables + 1, b->n_variables - 1};
    STN_TRY(read_input(b, network));
    const stn_yaml *layers = stn_yaml_get(network, "layers");
    if (!layers)
        return stn_yaml_fail(network, b->err, "the network has no 'layers'");
    const place top = {.in = 0};
    STN_TRY(add_layers(b, &top, layers));
    STN_TRY(check_last(b, layers));
    return check_used(b);
}

static stn_status make(const stn_yaml *network, const stn_yaml_scope *overrides,
                       bool outline, stn_graph **out, stn_error *err)
{
    stn_graph *graph = stn_alloc(1, sizeof *graph);
    if (!graph)
        return stn_fail_memory(err, "a network");
    graph->outline = outline;
    builder b = {.graph = graph, .err = err, .n_variables = 1};
    b.variables[0] = (stn_yaml_variable){"i", 0};
    const stn_status status = build(&b, network, overrides);
    if (status != STN_OK) {
        stn_graph_destroy(graph);
        return status;
    }
    *out = graph;
    return STN_OK;
}

stn_status stn_graph_build(const stn_yaml *network,
                           const stn_yaml_scope *overrides, stn_graph **out,
                           stn_error *err)
{
    return make(network, overrides, false, out, err);
}

stn_status stn_graph_outline(const stn_yaml *network,
                             const stn_yaml_scope *overrides, stn_graph **out,
                             stn_error *err)
{
    return make(network, overrides, true, out, err);
}
