/* SPDX-License-Identifier: MIT
 *
 * Building the graphs of narrower widths and moving numbers between them and
 * the whole graph. A slice is copied before a pass, and its gradient added
 * after it: operators then see ordinary dense weights, and a narrow network
 * computes the same bits as one that was never part of another. */
#include "train/widths.h"

#include "base/text.h"
#include "nn/ops.h"

#include <stdio.h>

#define SHARE "share" /* the network's parameter */
#define VARIABLES 33  /* what a recipe may override, and `share` */

static stn_status build_graph(const stn_recipe *recipe,
                              const stn_yaml_scope *overrides, stn_width *width,
                              stn_error *err)
{
    const stn_yaml *network = stn_yaml_root(recipe->network);
    const stn_yaml *parameters = stn_yaml_get(network, "parameters");
    stn_yaml_variable variables[VARIABLES];
    stn_yaml_scope scope = {variables, 0};

    if (!parameters || !stn_yaml_get(parameters, SHARE))
        return stn_yaml_fail(parameters ? parameters : network, err,
                             "widths need a network parameter '" SHARE
                             ": 1' that its numbers of channels are "
                             "multiplied by");
    for (size_t i = 0; i < overrides->n_variables; i++) {
        if (strcmp(overrides->variables[i].name, SHARE) == 0)
            return stn_yaml_fail(recipe->parameters, err,
                                 "with 'widths:' the parameter '" SHARE
                                 "' is not for a recipe to set");
        variables[scope.n_variables++] = overrides->variables[i];
    }
    variables[scope.n_variables++] = (stn_yaml_variable){SHARE, width->share};
    return stn_graph_build(network, &scope, &width->graph, err);
}

/* Filters, kernel positions and channels of a weight or bias. */
static void cut(const stn_node *node, const stn_param *param, size_t *out,
                size_t *area, size_t *in)
{
    *out = (size_t)param->dims[0];
    *in = 1;
    if (param->role == STN_PARAM_WEIGHT && node->type != &stn_op_depthwise)
        *in = (size_t)node->in[0].c;
    *area = param->count / *out / *in;
}

/* What is not a leading channel in the whole network may not be one here: the
 * first filters of a grouped convolution, or of a depthwise one with several
 * kernels a channel, read others; a concatenation moves them. */
static stn_status check_node(const stn_node *node, stn_error *err)
{
    const char *what = NULL;

    if (node->type == &stn_op_conv &&
        ((const stn_conv_attrs *)node->attrs)->groups > 1)
        what = "a convolution in groups";
    if (node->type == &stn_op_depthwise &&
        ((const stn_depthwise_attrs *)node->attrs)->multiplier > 1)
        what = "a multiplier above 1";
    if (node->type == &stn_op_concat)
        what = "a concatenation";
    if (!what)
        return STN_OK;
    return stn_node_fail(node, err,
                         "%s does not keep leading channels in front, which "
                         "'widths:' needs",
                         what);
}

/* A weight or bias as the leading part of the whole graph's. */
static stn_status link_slice(const stn_node *node, const stn_param *param,
                             const stn_node *whole_node, const stn_param *whole,
                             stn_width_link *link, stn_error *err)
{
    stn_slice *s = &link->slice;
    size_t out, area, in;

    cut(node, param, &s->out, &s->area, &s->in);
    cut(whole_node, whole, &out, &area, &in);
    s->whole_in = in;
    link->is_slice = true;
    if (s->out > out || s->area != area || s->in > in)
        return stn_node_fail(node, err,
                             "%s has %zu x %zu x %zu values, which is not a "
                             "leading part of %zu x %zu x %zu",
                             param->name, s->out, s->area, s->in, out, area,
                             in);
    return STN_OK;
}

/* A parameter of its own, kept as a guest of the whole graph. */
static stn_status link_guest(stn_widths *widths, double share, stn_param *param,
                             stn_width_link *link, stn_error *err)
{
    char number[STN_TEXT_DOUBLE], name[STN_TEXT_DOUBLE + sizeof(param->name)];
    const stn_param *guest;

    stn_text_from_double(share, number);
    snprintf(name, sizeof(name), "%s/%s", number, param->name);
    link->whole = widths->whole->n_params;
    STN_TRY(stn_graph_add_guest(widths->whole, name, param, err));
    guest = &widths->whole->params[link->whole];
    param->latent = guest->latent;
    param->effective = guest->effective;
    param->grad = guest->grad;
    return STN_OK;
}

static stn_status link_node(stn_widths *widths, stn_width *width, int index,
                            stn_error *err)
{
    const stn_node *node = &width->graph->nodes[index];
    const stn_node *whole = &widths->whole->nodes[index];

    STN_TRY(check_node(node, err));
    for (int k = 0; k < node->n_params; k++) {
        stn_param *param = &width->graph->params[node->params[k]];
        stn_width_link *link = &width->links[node->params[k]];

        link->whole = whole->params[k];
        if (param->role == STN_PARAM_WEIGHT || param->role == STN_PARAM_BIAS)
            STN_TRY(link_slice(node, param, whole,
                               &widths->whole->params[link->whole], link, err));
        else
            STN_TRY(link_guest(widths, width->share, param, link, err));
    }
    return STN_OK;
}

static stn_status add_width(stn_widths *widths, const stn_recipe *recipe,
                            const stn_yaml_scope *overrides, double share,
                            stn_error *err)
{
    stn_width *width = &widths->width[widths->n++];

    width->share = share;
    STN_TRY(build_graph(recipe, overrides, width, err));
    if (width->graph->n_nodes != widths->whole->n_nodes)
        return stn_yaml_fail(stn_yaml_root(recipe->network), err,
                             "'" SHARE "' changes the number of layers, not "
                             "only of channels");
    width->links = stn_arena_alloc(
        &widths->arena, (size_t)width->graph->n_params, sizeof(*width->links));
    if (!width->links)
        return stn_fail_memory(err, "a width");
    for (int i = 1; i < width->graph->n_nodes; i++)
        STN_TRY(link_node(widths, width, i, err));
    return STN_OK;
}

stn_status stn_widths_create(const stn_recipe *recipe,
                             const stn_yaml_scope *overrides, stn_graph *whole,
                             stn_widths **out, stn_error *err)
{
    stn_widths *widths = stn_alloc(1, sizeof(*widths));
    stn_status status = STN_OK;

    if (!widths)
        return stn_fail_memory(err, "widths");
    widths->whole = whole;
    for (int i = 0; i + 1 < recipe->n_widths && status == STN_OK; i++)
        status = add_width(widths, recipe, overrides, recipe->widths[i], err);
    if (status != STN_OK)
        stn_widths_destroy(widths);
    else
        *out = widths;
    return status;
}

void stn_widths_destroy(stn_widths *widths)
{
    if (!widths)
        return;
    for (int i = 0; i < widths->n; i++)
        stn_graph_destroy(widths->width[i].graph);
    stn_arena_deinit(&widths->arena);
    stn_free(widths);
}

stn_status stn_widths_check(const stn_compression *compression,
                            const stn_yaml *rules, stn_error *err)
{
    for (int i = 0; i < compression->n; i++)
        if (compression->bindings[i].structure)
            return stn_yaml_fail(rules, err,
                                 "the %s structure of %s has no leading "
                                 "channels, which 'widths:' needs; leave one "
                                 "of both out",
                                 compression->bindings[i].structure->name,
                                 compression->bindings[i].param->name);
    return STN_OK;
}

struct pass {
    const stn_widths *widths;
    const stn_width *width;
};

static void load_one(void *context, int task, int thread)
{
    const struct pass *pass = context;
    const stn_width_link *link = &pass->width->links[task];

    (void)thread;
    if (link->is_slice)
        stn_slice_take(&link->slice,
                       pass->widths->whole->params[link->whole].effective,
                       sizeof(float), pass->width->graph->params[task].latent);
}

void stn_width_load(const stn_widths *widths, int index, stn_pool *pool)
{
    struct pass pass = {widths, &widths->width[index]};

    stn_pool_run(pool, pass.width->graph->n_params, load_one, &pass);
}

static void add_one(void *context, int task, int thread)
{
    const struct pass *pass = context;
    const stn_width_link *link = &pass->width->links[task];

    (void)thread;
    if (link->is_slice)
        stn_slice_add(&link->slice, pass->width->graph->params[task].grad,
                      pass->widths->whole->params[link->whole].grad);
}

void stn_width_add_gradients(const stn_widths *widths, int index,
                             stn_pool *pool)
{
    struct pass pass = {widths, &widths->width[index]};

    stn_pool_run(pool, pass.width->graph->n_params, add_one, &pass);
}

/* A copy of the codes that the narrow weight has; NULL: memory is out. */
static int8_t *take_codes(stn_compression *c, const stn_slice *slice,
                          const int8_t *whole)
{
    int8_t *codes =
        stn_arena_alloc(&c->arena, slice->out * slice->area, slice->in);

    if (codes)
        stn_slice_take(slice, whole, 1, codes);
    return codes;
}

static stn_status slice_binding(stn_compression *c, const stn_binding *whole,
                                const stn_slice *slice, stn_param *param,
                                stn_error *err)
{
    stn_binding *b = &c->bindings[c->n++];

    *b = (stn_binding){.param = param,
                       .shape = stn_weight_shape_of(param),
                       .quantiser = whole->quantiser,
                       .quantiser_attrs = whole->quantiser_attrs,
                       .alphabet = whole->alphabet,
                       .low_radix = whole->low_radix,
                       .scales = whole->scales,
                       .n_scales = whole->n_scales > 1 ? param->dims[0] : 1};
    b->groups = stn_groups_make(b->shape, whole->groups.chunk);
    b->codes = take_codes(c, slice, whole->codes);
    if (whole->low)
        b->low = take_codes(c, slice, whole->low);
    if (!b->codes || (whole->low && !b->low))
        return stn_fail_memory(err, "compressed weights");
    return STN_OK;
}

static stn_status slice_bindings(const stn_widths *widths,
                                 const stn_width *width,
                                 const stn_compression *whole,
                                 stn_compression *c, stn_error *err)
{
    for (int i = 0; i < width->graph->n_params; i++) {
        const stn_width_link *link = &width->links[i];
        const stn_binding *b =
            stn_compression_find(whole, &widths->whole->params[link->whole]);
        if (link->is_slice && b)
            STN_TRY(slice_binding(c, b, &link->slice, &width->graph->params[i],
                                  err));
    }
    return STN_OK;
}

stn_status stn_width_compression(const stn_widths *widths, int index,
                                 const stn_compression *compression,
                                 stn_compression **out, stn_error *err)
{
    stn_compression *c = stn_alloc(1, sizeof(*c));
    stn_status status;

    if (!c)
        return stn_fail_memory(err, "the compression of a width");
    c->graph = widths->width[index].graph;
    c->bindings = stn_arena_alloc(&c->arena, (size_t)compression->n + 1,
                                  sizeof(*c->bindings));
    if (!c->bindings)
        status = stn_fail_memory(err, "the compression of a width");
    else
        status =
            slice_bindings(widths, &widths->width[index], compression, c, err);
    if (status != STN_OK)
        stn_compression_destroy(c);
    else
        *out = c;
    return status;
}
