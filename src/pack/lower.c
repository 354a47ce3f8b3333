/* SPDX-License-Identifier: MIT
 *
 * Walks the graph once. For each node it keeps an integer value and the
 * affine map that its real value still owes (stn_owed): batch-norm, bias and
 * scales change only the map; a quantise node pays it with one rescale;
 * a convolution needs a paid input, because integers times integers stand for
 * reals only where no constant is left over and all channels share a scale.
 *
 * What has no integer form is refused with the layer's name. */
#include "pack/lower.h"
#include "nn/ops.h"
#include "pack/lowering.h"
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

stn_status stn_lowering_refuse(const stn_lowering *l, const stn_node *node,
                               const char *format, ...)
{
    char text[STN_ERROR_CAPACITY / 2];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return stn_fail(l->err, STN_E_UNSUPPORTED, "%s:%d: layer %s: %s",
                    node->file, node->line, node->name, text);
}

stn_status stn_lowering_emit(stn_lowering *l, const stn_node *node,
                             stn_instruction in, stn_shape shape, stn_type type,
                             double scale, int *value)
{
    stn_program *p = &l->image->program;
    int index = p->n_instructions++;
    in.output = p->n_values++;
    stn_value *v = &l->image->values[in.output];
    *v = (stn_value){.shape = shape, .type = type, .scale = scale};
    memcpy(v->name, in.name, sizeof v->name);
    l->image->instructions[index] = in;
    char where[STN_NAME_CAPACITY + 16];
    snprintf(where, sizeof where, "layer %s", node->name);
    stn_status status =
        stn_program_check_shapes(l->image, index, where, l->err);
    if (status == STN_OK)
        status = stn_program_bound(l->image, index, where, l->err);
    if (status == STN_E_FORMAT)
        status = stn_fail_within(l->err, STN_E_UNSUPPORTED, "%s:%d", node->file,
                                 node->line);
    if (status == STN_OK)
        *value = in.output;
    return status;
}

stn_status stn_lowering_owe(stn_lowering *l, int channels, int n_terms,
                            stn_owed *out)
{
    *out = (stn_owed){.n_terms = n_terms};
    for (int k = 0; k < n_terms; k++) {
        out->p[k] =
            stn_arena_alloc(&l->scratch, (size_t)channels, sizeof *out->p[k]);
        if (!out->p[k])
            return stn_fail_memory(l->err, "affine maps");
    }
    out->q = stn_arena_alloc(&l->scratch, (size_t)channels, sizeof *out->q);
    return out->q ? STN_OK : stn_fail_memory(l->err, "affine maps");
}

stn_status stn_lowering_single(stn_lowering *l, const stn_node *node,
                               bool relu_ok)
{
    const stn_owed *x = stn_lowering_input(l, node, 0);
    if (x->n_terms == 1 && (relu_ok || !x->relu))
        return STN_OK;
    return stn_lowering_refuse(l, node,
                               "its input %s is a%s that is not quantised; put "
                               "a quantise node between them",
                               stn_lowering_input_name(l, node, 0),
                               x->n_terms == 1 ? " ReLU" : "n addition");
}

stn_instruction stn_lowering_start(const stn_lowering *l, const stn_node *node,
                                   stn_opcode opcode)
{
    stn_instruction in = {.opcode = opcode,
                          .n_inputs = 1,
                          .inputs = {stn_lowering_input(l, node, 0)->value[0]},
                          .stride = 1};
    memcpy(in.name, node->name, sizeof node->name);
    return in;
}

/* A map y = g[c]·x + d[c] put behind what is owed. */
static stn_status compose(stn_lowering *l, const stn_node *node,
                          const double *g, const double *d)
{
    const stn_owed *x = stn_lowering_input(l, node, 0);
    stn_owed *y = &l->owed[node - l->graph->nodes];
    if (x->relu)
        return stn_lowering_refuse(l, node,
                                   "its input %s is a ReLU that is not "
                                   "quantised; put a quantise node between "
                                   "them",
                                   stn_lowering_input_name(l, node, 0));
    STN_TRY(stn_lowering_owe(l, node->out.c, x->n_terms, y));
    for (int c = 0; c < node->out.c; c++) {
        for (int k = 0; k < x->n_terms; k++)
            y->p[k][c] = x->p[k][c] * g[c];
        y->q[c] = x->q[c] * g[c] + d[c];
    }
    memcpy(y->value, x->value, sizeof y->value);
    return STN_OK;
}

static stn_status lower_batch_norm(stn_lowering *l, const stn_node *node)
{
    const stn_batch_norm_attrs *attrs = node->attrs;
    const float *gain = stn_lowering_param(l, node, 0),
                *shift = stn_lowering_param(l, node, 1);
    const float *mean = stn_lowering_param(l, node, 2),
                *variance = stn_lowering_param(l, node, 3);
    stn_owed map;
    STN_TRY(stn_lowering_owe(l, node->out.c, 1, &map));
    double *g = map.p[0], *d = map.q;
    for (int c = 0; c < node->out.c; c++) {
        g[c] = gain[c] / sqrt((double)variance[c] + attrs->epsilon);
        d[c] = shift[c] - mean[c] * g[c];
    }
    return compose(l, node, g, d);
}

static stn_status lower_normalise(stn_lowering *l, const stn_node *node)
{
    const stn_normalise_attrs *attrs = node->attrs;
    stn_owed map;
    STN_TRY(stn_lowering_owe(l, node->out.c, 1, &map));
    for (int c = 0; c < node->out.c; c++) {
        double mean = attrs->mean.v[attrs->mean.n > 1 ? c : 0];
        double std = attrs->std.v[attrs->std.n > 1 ? c : 0];
        map.p[0][c] = 1 / (255 * std);
        map.q[c] = -mean / std;
    }
    return compose(l, node, map.p[0], map.q);
}

static stn_status lower_quantise(stn_lowering *l, const stn_node *node)
{
    const stn_quantise_attrs *attrs = node->attrs;
    if (attrs->bits == 0) {
        l->owed[node - l->graph->nodes] = *stn_lowering_input(l, node, 0);
        return STN_OK;
    }
    int hi = (1 << (attrs->bits - attrs->is_signed)) - 1;
    float range =
        stn_quantise_largest(attrs, stn_lowering_param(l, node, 0)[0]);
    if (!(range > 0) || !isfinite(range))
        return stn_lowering_refuse(l, node,
                                   "its range is %g, expected a positive "
                                   "number; train the network first, or give "
                                   "it `fixed`",
                                   (double)range);
    if (hi > INT16_MAX)
        return stn_lowering_refuse(l, node,
                                   "unsigned values of %d bits have no type; "
                                   "use at most 15, or signed",
                                   attrs->bits);
    stn_target target = {.lo = attrs->is_signed ? -hi : 0, .hi = hi};
    target.scale = range / (float)hi; /* in float, as training has it */
    target.type = attrs->bits > 8    ? STN_TYPE_S16
                  : attrs->is_signed ? STN_TYPE_S8
                                     : STN_TYPE_U8;
    memcpy(target.name, node->name, sizeof node->name);

    stn_owed *y = &l->owed[node - l->graph->nodes];
    STN_TRY(stn_lowering_owe(l, node->out.c, 1, y));
    for (int c = 0; c < node->out.c; c++)
        y->p[0][c] = target.scale;
    return stn_lowering_pay(l, node, stn_lowering_input(l, node, 0), &target,
                            &y->value[0]);
}

static stn_status lower_step(stn_lowering *l, const stn_node *node)
{
    stn_owed *y = &l->owed[node - l->graph->nodes];
    STN_TRY(stn_lowering_single(l, node, false));
    STN_TRY(stn_lowering_owe(l, node->out.c, 1, y));
    for (int c = 0; c < node->out.c; c++)
        y->p[0][c] = 1;
    return stn_lowering_pay_step(l, node, stn_lowering_input(l, node, 0),
                                 &y->value[0]);
}

static stn_status lower_add(stn_lowering *l, const stn_node *node)
{
    const stn_owed *x[2] = {stn_lowering_input(l, node, 0),
                            stn_lowering_input(l, node, 1)};
    stn_owed *y = &l->owed[node - l->graph->nodes];
    int n_terms = x[0]->n_terms + x[1]->n_terms;
    for (int k = 0; k < 2; k++)
        if (x[k]->relu || n_terms > 2)
            return stn_lowering_refuse(l, node,
                                       "its input %s is a%s that is not "
                                       "quantised; put a quantise node "
                                       "between them",
                                       stn_lowering_input_name(l, node, k),
                                       x[k]->relu ? " ReLU" : " sum");
    STN_TRY(stn_lowering_owe(l, node->out.c, n_terms, y));
    for (int k = 0; k < 2; k++) {
        y->value[k] = x[k]->value[0];
        for (int c = 0; c < node->out.c; c++) {
            y->p[k][c] = x[k]->p[0][c];
            y->q[c] += x[k]->q[c];
        }
    }
    return STN_OK;
}

static stn_status lower_pool(stn_lowering *l, const stn_node *node)
{
    const stn_pool_attrs *attrs = node->attrs;
    bool max = node->type == &stn_op_max_pool;
    const stn_owed *x = stn_lowering_input(l, node, 0);
    stn_owed *y = &l->owed[node - l->graph->nodes];
    if (attrs->pad)
        return stn_lowering_refuse(l, node,
                                   "pad is %d; a padded max_pool has no "
                                   "integer form yet",
                                   attrs->pad);
    stn_instruction in =
        stn_lowering_start(l, node, max ? STN_MAX_POOL : STN_SUM_POOL);
    in.kh = attrs->kernel ? attrs->kernel : node->in[0].h;
    in.kw = attrs->kernel ? attrs->kernel : node->in[0].w;
    in.stride = attrs->stride ? attrs->stride : in.kh;
    STN_TRY(stn_lowering_single(l, node, max));
    STN_TRY(stn_lowering_owe(l, node->out.c, 1, y));
    const stn_value *from = &l->image->values[x->value[0]];
    double window = max ? 1 : (double)in.kh * in.kw;
    for (int c = 0; c < node->out.c; c++) {
        if (max && x->p[0][c] < 0)
            return stn_lowering_refuse(l, node,
                                       "channel %d of its input %s falls where "
                                       "the integers rise; put a quantise node "
                                       "between them",
                                       c, stn_lowering_input_name(l, node, 0));
        y->p[0][c] = x->p[0][c] / window;
        y->q[c] = x->q[c];
    }
    y->relu = x->relu;
    return stn_lowering_emit(l, node, in, node->out,
                             max ? from->type : STN_TYPE_S32,
                             from->scale / window, &y->value[0]);
}

static stn_status lower_relu(stn_lowering *l, const stn_node *node)
{
    stn_owed *y = &l->owed[node - l->graph->nodes];
    *y = *stn_lowering_input(l, node, 0);
    y->relu = true;
    return STN_OK;
}

static stn_status lower_dropout(stn_lowering *l, const stn_node *node)
{
    l->owed[node - l->graph->nodes] = *stn_lowering_input(l, node, 0);
    return STN_OK;
}

static stn_status lower_node(stn_lowering *l, const stn_node *node)
{
    // clang-format off
    static const struct {
        const stn_op_type *type;
        stn_status (*lower)(stn_lowering *l, const stn_node *node);
    } rules[] = {
        {&stn_op_normalise,  lower_normalise},
        {&stn_op_conv,       stn_lower_conv},
        {&stn_op_depthwise,  stn_lower_depthwise},
        {&stn_op_linear,     stn_lower_linear},
        {&stn_op_batch_norm, lower_batch_norm},
        {&stn_op_relu,       lower_relu},
        {&stn_op_step,       lower_step},
        {&stn_op_rate_code,  stn_lower_rate_code},
        {&stn_op_lif,        stn_lower_lif},
        {&stn_op_mean_steps, stn_lower_mean_steps},
        {&stn_op_quantise,   lower_quantise},
        {&stn_op_max_pool,   lower_pool},
        {&stn_op_avg_pool,   lower_pool},
        {&stn_op_add,        lower_add},
        {&stn_op_dropout,    lower_dropout},
    };
    // clang-format on
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        if (rules[i].type == node->type)
            return rules[i].lower(l, node);
    return stn_lowering_refuse(l, node, "%s has no integer form yet",
                               node->type->name);
}

/* The picture: real value = pixel. */
static stn_status lower_input(stn_lowering *l)
{
    stn_program_image *image = l->image;
    stn_shape shape = l->graph->input;
    image->values[0] = (stn_value){.name = "pixels",
                                   .shape = shape,
                                   .type = STN_TYPE_U8,
                                   .scale = 1.0 / 255,
                                   .lo = 0,
                                   .hi = 255,
                                   .steps = 1};
    image->program.n_values = 1;
    image->program.input = shape;
    STN_TRY(stn_lowering_owe(l, shape.c, 1, &l->owed[0]));
    for (int c = 0; c < shape.c; c++)
        l->owed[0].p[0][c] = 1;
    return STN_OK;
}

static stn_status lower_logits(stn_lowering *l)
{
    const stn_node *node = &l->graph->nodes[l->graph->n_nodes - 1];
    const stn_owed *owed = &l->owed[l->graph->n_nodes - 1];
    stn_target target = {
        .type = STN_TYPE_S32, .lo = INT32_MIN, .hi = INT32_MAX};
    int value;
    target.scale = stn_lowering_logit_scale(l, owed, node->out.c);
    snprintf(target.name, sizeof target.name, "%s.logits", node->name);
    return stn_lowering_pay(l, node, owed, &target, &value);
}

static stn_status copy_names(stn_lowering *l, const char *const *class_names)
{
    stn_program *p = &l->image->program;
    stn_arena *arena = &l->image->arena;
    p->n_classes = l->graph->n_classes;
    memcpy(p->name, l->graph->name, sizeof p->name);
    const char **names =
        stn_arena_alloc(arena, (size_t)p->n_classes, sizeof *names);
    for (int i = 0; names && i < p->n_classes; i++) {
        char number[16];
        snprintf(number, sizeof number, "%d", i);
        names[i] =
            stn_arena_string(arena, class_names ? class_names[i] : number);
        if (!names[i])
            names = NULL;
    }
    p->class_names = names;
    return names ? STN_OK : stn_fail_memory(l->err, "class names");
}

static stn_status lower_all(stn_lowering *l, const char *const *class_names)
{
    const stn_graph *graph = l->graph;
    stn_program_image *image = l->image;
    /* Each node emits at most three instructions, and the logits one. */
    size_t n = 3 * (size_t)graph->n_nodes + 1;
    image->values = stn_arena_alloc(&image->arena, n, sizeof *image->values);
    image->instructions =
        stn_arena_alloc(&image->arena, n, sizeof *image->instructions);
    l->owed = stn_arena_alloc(&l->scratch, n, sizeof *l->owed);
    if (!image->values || !image->instructions || !l->owed)
        return stn_fail_memory(l->err, "a program");
    image->program.values = image->values;
    image->program.instructions = image->instructions;
    STN_TRY(copy_names(l, class_names));
    STN_TRY(lower_input(l));
    for (int i = 1; i < graph->n_nodes; i++)
        STN_TRY(lower_node(l, &graph->nodes[i]));
    STN_TRY(lower_logits(l));
    stn_status status = stn_program_check(image, graph->name, l->err);
    if (status == STN_E_FORMAT)
        status = stn_fail_within(l->err, STN_E_UNSUPPORTED, "network");
    return status;
}

stn_status stn_lower(const stn_graph *graph, const stn_compression *compression,
                     const char *const *class_names, stn_program **out,
                     stn_error *err)
{
    stn_program_image *image = stn_alloc(1, sizeof *image);
    if (!image)
        return stn_fail_memory(err, "a program");
    stn_lowering l = {
        .graph = graph, .compression = compression, .image = image, .err = err};
    stn_status status = lower_all(&l, class_names);
    stn_arena_deinit(&l.scratch);
    if (status != STN_OK) {
        stn_program_destroy(&image->program);
        return status;
    }
    *out = &image->program;
    return STN_OK;
}
