/* SPDX-License-Identifier: MIT
 *
 * From a network file to a program without weights. Follows lower.c in what
 * becomes an instruction: affine nodes owe, and what owes is paid by a rescale
 * where an integer is needed. Unlike there, nothing is refused for want of a
 * quantiser: the options say the bits. */
#include "setun/outline.h"
#include "base/share.h"
#include "nn/ops.h"
#include "pack/program_image.h"
#include <fnmatch.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a node's output is: one integer value, or a sum of two, that is paid
 * (an activation) or not. */
typedef struct state {
    int n_terms, value[2];
    bool paid, relu;
} state;

typedef struct outliner {
    const stn_graph *graph;
    const stn_outline_options *options;
    stn_program_image *image;
    state *states;   /* one a node */
    int first, last; /* nodes with weights */
    stn_error *err;
} outliner;

stn_outline_options stn_outline_defaults(void)
{
    return (stn_outline_options){
        .weight_bits = 1, .activation_bits = 8, .end_bits = 8, .density = 1};
}

static int emit(outliner *l, const char *name, stn_instruction in,
                stn_shape shape, stn_type type, int64_t lo, int64_t hi)
{
    stn_program *p = &l->image->program;
    in.output = p->n_values++;
    snprintf(in.name, sizeof in.name, "%s", name);
    stn_value *v = &l->image->values[in.output];
    *v = (stn_value){.shape = shape, .type = type, .lo = lo, .hi = hi};
    v->steps = stn_program_steps(&in, &l->image->values[in.inputs[0]]);
    memcpy(v->name, in.name, sizeof v->name);
    l->image->instructions[p->n_instructions++] = in;
    return in.output;
}

static stn_type type_of(int bits, bool is_signed)
{
    return bits > 8 ? STN_TYPE_S16 : is_signed ? STN_TYPE_S8 : STN_TYPE_U8;
}

/* One rescale to `bits`, named after the node whose output it writes. */
static void pay(outliner *l, const char *name, state *s, int bits,
                bool is_signed)
{
    is_signed = is_signed && bits > 1;
    int64_t hi = ((int64_t)1 << (bits - is_signed)) - 1;
    stn_instruction in = {.opcode = STN_RESCALE,
                          .n_inputs = s->n_terms,
                          .inputs = {s->value[0], s->value[1]},
                          .shift = 16, /* 0 would be a step */
                          .lo = is_signed ? (int32_t)-hi : 0,
                          .hi = (int32_t)hi};
    int value = emit(l, name, in, l->image->values[s->value[0]].shape,
                     type_of(bits, is_signed), is_signed ? -hi : 0, hi);
    *s = (state){.n_terms = 1, .value = {value}, .paid = true};
}

/* The activation that node `index` gives; it is paid for once. */
static int activation(outliner *l, int index)
{
    state *s = &l->states[index];
    if (!s->paid)
        pay(l, l->graph->nodes[index].name, s, l->options->activation_bits,
            !s->relu);
    return s->value[0];
}

static const stn_outline_codes *codes_of(const stn_outline_options *o,
                                         const char *layer)
{
    for (int i = 0; i < o->n_codes; i++)
        if (fnmatch(o->codes[i].layers, layer, 0) == 0)
            return &o->codes[i];
    return NULL;
}

void stn_outline_bound(const stn_weights *w, const stn_value *x, int64_t *lo,
                       int64_t *hi)
{
    int largest = w->outline->bits < 3 ? 1 : (1 << (w->outline->bits - 1)) - 1;
    double products = (double)w->kh * w->kw * w->in / w->outline->blocks;
    double half = products * w->outline->density / 2 * (largest + 1) / 2;
    double least = x->lo < 0 ? (double)x->lo : 0.0;
    double most = x->hi > 0 ? (double)x->hi : 0.0;
    *lo = (int64_t)floor(half * (least - most));
    *hi = (int64_t)ceil(half * (most - least));
}

static stn_status outline_weights(outliner *l, const stn_node *node,
                                  stn_instruction in, int blocks)
{
    const stn_outline_options *o = l->options;
    int index = (int)(node - l->graph->nodes);
    bool end = index == l->first || index == l->last;
    stn_weight_outline *w = stn_arena_alloc(&l->image->arena, 1, sizeof *w);
    if (!w)
        return stn_fail_memory(l->err, "an outline");
    *w = (stn_weight_outline){.bits = end ? o->end_bits : o->weight_bits,
                              .blocks = blocks};
    w->density = w->bits == 1 || end ? 1 : o->density;
    const stn_outline_codes *own = codes_of(o, node->name);
    if (own) {
        w->bits = own->bits;
        w->density = own->bits == 1 ? 1 : own->density;
    }
    in.n_inputs = 1;
    in.inputs[0] = activation(l, node->inputs[0]);
    stn_weights *v = &in.weights;
    v->code = w->bits == 1   ? STN_CODE_BINARY
              : w->bits == 2 ? STN_CODE_TERNARY
                             : STN_CODE_INT8;
    v->kh = in.kh;
    v->kw = in.kw;
    v->chunk = v->in / blocks;
    v->n_groups = v->out * blocks;
    v->n_live = v->out;
    v->n_nonzero =
        (size_t)(w->density * (double)stn_weights_count(v) / (double)blocks);
    v->outline = w;
    state *y = &l->states[index];
    *y = (state){.n_terms = 1};
    int64_t lo, hi;
    stn_outline_bound(v, &l->image->values[in.inputs[0]], &lo, &hi);
    y->value[0] = emit(l, node->name, in, node->out, STN_TYPE_S32, lo, hi);
    return STN_OK;
}

static stn_status outline_conv(outliner *l, const stn_node *node)
{
    const stn_conv_attrs *a = node->attrs;
    return outline_weights(
        l, node,
        (stn_instruction){.opcode = STN_CONV,
                          .kh = a->kernel,
                          .kw = a->kernel,
                          .stride = a->stride,
                          .pad = a->pad,
                          .weights = {.out = a->out, .in = node->in[0].c}},
        a->groups);
}

static stn_status outline_depthwise(outliner *l, const stn_node *node)
{
    const stn_depthwise_attrs *a = node->attrs;
    return outline_weights(
        l, node,
        (stn_instruction){.opcode = STN_DEPTHWISE,
                          .kh = a->kernel,
                          .kw = a->kernel,
                          .stride = a->stride,
                          .pad = a->pad,
                          .weights = {.out = node->out.c, .in = 1}},
        1);
}

static stn_status outline_linear(outliner *l, const stn_node *node)
{
    return outline_weights(
        l, node,
        (stn_instruction){.opcode = STN_CONV,
                          .kh = node->in[0].h,
                          .kw = node->in[0].w,
                          .stride = 1,
                          .weights = {.out = node->out.c, .in = node->in[0].c}},
        1);
}

static stn_status outline_pool(outliner *l, const stn_node *node)
{
    const stn_pool_attrs *a = node->attrs;
    bool max = node->type == &stn_op_max_pool;
    const state *sums = &l->states[node->inputs[0]];
    bool linear = !max && !sums->paid && !sums->relu && sums->n_terms == 1;
    stn_instruction in = {
        .opcode = max ? STN_MAX_POOL : STN_SUM_POOL,
        .n_inputs = 1,
        .inputs = {linear ? sums->value[0] : activation(l, node->inputs[0])},
        .kh = a->kernel ? a->kernel : node->in[0].h,
        .kw = a->kernel ? a->kernel : node->in[0].w,
        .pad = a->pad};
    in.stride = a->stride ? a->stride : in.kh;
    const stn_value *x = &l->image->values[in.inputs[0]];
    int64_t window = max ? 1 : (int64_t)in.kh * in.kw;
    state *y = &l->states[node - l->graph->nodes];
    *y = (state){.n_terms = 1, .paid = max, .relu = !max && x->lo >= 0};
    y->value[0] =
        emit(l, node->name, in, node->out, max ? x->type : STN_TYPE_S32,
             window * x->lo, window * x->hi);
    return STN_OK;
}

/* The sum of two values that owe nothing but a constant is paid at once. */
static stn_status outline_add(outliner *l, const stn_node *node)
{
    state *y = &l->states[node - l->graph->nodes];
    *y = (state){.n_terms = 2};
    for (int k = 0; k < 2; k++) {
        const state *x = &l->states[node->inputs[k]];
        y->value[k] = x->n_terms == 1 && !x->relu
                          ? x->value[0]
                          : activation(l, node->inputs[k]);
    }
    return STN_OK;
}

static stn_status outline_concat(outliner *l, const stn_node *node)
{
    stn_instruction in = {.opcode = STN_CONCAT,
                          .n_inputs = 2,
                          .inputs = {activation(l, node->inputs[0]),
                                     activation(l, node->inputs[1])}};
    const stn_value *a = &l->image->values[in.inputs[0]];
    const stn_value *b = &l->image->values[in.inputs[1]];
    state *y = &l->states[node - l->graph->nodes];
    *y = (state){.n_terms = 1, .paid = true};
    y->value[0] =
        emit(l, node->name, in, node->out, a->lo < b->lo ? a->type : b->type,
             a->lo < b->lo ? a->lo : b->lo, a->hi > b->hi ? a->hi : b->hi);
    return STN_OK;
}

static stn_status outline_quantise(outliner *l, const stn_node *node)
{
    const stn_quantise_attrs *a = node->attrs;
    state *y = &l->states[node - l->graph->nodes];
    *y = l->states[node->inputs[0]];
    if (a->bits == 0) /* the identity */
        return STN_OK;
    pay(l, node->name, y, a->bits, a->is_signed);
    return STN_OK;
}

/* Time begins: spikes of pixels. */
static stn_status outline_rate_code(outliner *l, const stn_node *node)
{
    state *y = &l->states[node - l->graph->nodes];
    stn_instruction in = {.opcode = STN_RATE_CODE,
                          .n_inputs = 1,
                          .inputs = {l->states[node->inputs[0]].value[0]},
                          .steps = node->steps};
    int value = emit(l, node->name, in, node->out, STN_TYPE_U8, 0, 1);
    *y = (state){.n_terms = 1, .value = {value}, .paid = true, .relu = true};
    return STN_OK;
}

/* Currents of 16 bits in which the threshold is STN_LIF_THRESHOLD, as they are
 * packed; and the neurons behind them. */
static stn_status outline_lif(outliner *l, const stn_node *node)
{
    char name[STN_NAME_CAPACITY + 16];
    state x = l->states[node->inputs[0]];
    snprintf(name, sizeof name, "%s.current", node->name);
    pay(l, name, &x, 16, true);
    stn_instruction in = {.opcode = STN_LIF,
                          .n_inputs = 1,
                          .inputs = {x.value[0]},
                          .leak = stn_lif_leak(node->attrs),
                          .threshold = STN_LIF_THRESHOLD};
    int value = emit(l, node->name, in, node->out, STN_TYPE_U8, 0, 1);
    l->states[node - l->graph->nodes] =
        (state){.n_terms = 1, .value = {value}, .paid = true, .relu = true};
    return STN_OK;
}

/* Time ends. */
static stn_status outline_mean_steps(outliner *l, const stn_node *node)
{
    const state *x = &l->states[node->inputs[0]];
    stn_instruction in = {
        .opcode = STN_SUM_STEPS, .n_inputs = 1, .inputs = {x->value[0]}};
    const stn_value *from = &l->image->values[x->value[0]];
    int value = emit(l, node->name, in, node->out, STN_TYPE_S32,
                     node->steps_in * from->lo, node->steps_in * from->hi);
    l->states[node - l->graph->nodes] = (state){.n_terms = 1, .value = {value}};
    return STN_OK;
}

/* One bit a value: whether it is negative. */
static stn_status outline_step(outliner *l, const stn_node *node)
{
    state *y = &l->states[node - l->graph->nodes];
    const state *x = &l->states[node->inputs[0]];
    stn_instruction in = {.opcode = STN_RESCALE,
                          .n_inputs = x->n_terms,
                          .inputs = {x->value[0], x->value[1]},
                          .hi = 1};
    int value = emit(l, node->name, in, node->out, STN_TYPE_U8, 0, 1);
    *y = (state){.n_terms = 1, .value = {value}, .paid = true, .relu = true};
    return STN_OK;
}

/* Affine nodes and ReLU: what goes in, with something owed. A constant factor
 * on the pixels is owed by nobody. */
static stn_status outline_owing(outliner *l, const stn_node *node)
{
    state *y = &l->states[node - l->graph->nodes];
    *y = l->states[node->inputs[0]];
    if (node->type == &stn_op_relu)
        y->relu = true;
    if (node->type == &stn_op_batch_norm || node->type == &stn_op_relu)
        y->paid = false;
    if (node->type == &stn_op_batch_norm)
        y->relu = false;
    return STN_OK;
}

static stn_status outline_node(outliner *l, const stn_node *node)
{
    // clang-format off
    static const struct {
        const stn_op_type *type;
        stn_status (*outline)(outliner *l, const stn_node *node);
    } rules[] = {
        {&stn_op_normalise,  outline_owing},
        {&stn_op_conv,       outline_conv},
        {&stn_op_depthwise,  outline_depthwise},
        {&stn_op_linear,     outline_linear},
        {&stn_op_batch_norm, outline_owing},
        {&stn_op_relu,       outline_owing},
        {&stn_op_quantise,   outline_quantise},
        {&stn_op_max_pool,   outline_pool},
        {&stn_op_avg_pool,   outline_pool},
        {&stn_op_add,        outline_add},
        {&stn_op_concat,     outline_concat},
        {&stn_op_dropout,    outline_owing},
        {&stn_op_step,       outline_step},
        {&stn_op_rate_code,  outline_rate_code},
        {&stn_op_lif,        outline_lif},
        {&stn_op_mean_steps, outline_mean_steps},
    };
    // clang-format on
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        if (rules[i].type == node->type)
            return rules[i].outline(l, node);
    return stn_fail(l->err, STN_E_UNSUPPORTED,
                    "%s:%d: layer %s: %s is not costed from shapes alone; "
                    "train and pack the network, and give the .stn file",
                    node->file, node->line, node->name, node->type->name);
}

static bool has_weights(const stn_node *node)
{
    return node->type == &stn_op_conv || node->type == &stn_op_depthwise ||
           node->type == &stn_op_linear;
}

static stn_status outline_all(outliner *l)
{
    const stn_graph *graph = l->graph;
    stn_program_image *image = l->image;
    stn_program *p = &image->program;
    size_t n = 2 * (size_t)graph->n_nodes + 1; /* a node and its payment */
    image->values = stn_arena_alloc(&image->arena, n, sizeof *image->values);
    image->instructions =
        stn_arena_alloc(&image->arena, n, sizeof *image->instructions);
    l->states = stn_arena_alloc(&image->arena, (size_t)graph->n_nodes,
                                sizeof *l->states);
    if (!image->values || !image->instructions || !l->states)
        return stn_fail_memory(l->err, "an outline");
    p->values = image->values;
    p->instructions = image->instructions;
    p->input = graph->input;
    p->n_classes = graph->n_classes;
    memcpy(p->name, graph->name, sizeof p->name);
    image->values[0] = (stn_value){.name = "pixels",
                                   .shape = graph->input,
                                   .type = STN_TYPE_U8,
                                   .lo = 0,
                                   .hi = 255,
                                   .steps = 1};
    p->n_values = 1;
    l->states[0] = (state){.n_terms = 1, .paid = true};
    for (int i = graph->n_nodes - 1; i > 0; i--)
        if (has_weights(&graph->nodes[i]))
            l->first = i;
    for (int i = 1; i < graph->n_nodes; i++)
        if (has_weights(&graph->nodes[i]))
            l->last = i;
    for (int i = 1; i < graph->n_nodes; i++)
        STN_TRY(outline_node(l, &graph->nodes[i]));
    char name[STN_NAME_CAPACITY + 16];
    snprintf(name, sizeof name, "%s.logits",
             graph->nodes[graph->n_nodes - 1].name);
    state *last = &l->states[graph->n_nodes - 1];
    stn_instruction in = {.opcode = STN_RESCALE,
                          .n_inputs = last->n_terms,
                          .inputs = {last->value[0], last->value[1]}};
    emit(l, name, in, graph->nodes[graph->n_nodes - 1].out, STN_TYPE_S32,
         -((int64_t)1 << 30), (int64_t)1 << 30);
    return STN_OK;
}

static stn_status check_options(const stn_outline_options *o, stn_error *err)
{
    const struct {
        const char *what;
        int value, max;
    } bits[] = {{"weight bits", o->weight_bits, 8},
                {"activation bits", o->activation_bits, 16},
                {"weight bits of the ends", o->end_bits, 8}};
    for (size_t i = 0; i < sizeof bits / sizeof bits[0]; i++)
        if (bits[i].value < 1 || bits[i].value > bits[i].max)
            return stn_fail(err, STN_E_ARGUMENT, "%s: got %d, expected 1 to %d",
                            bits[i].what, bits[i].value, bits[i].max);
    if (!(o->density > 0 && o->density <= 1))
        return stn_fail(err, STN_E_ARGUMENT,
                        "weight density: got %g, expected above 0 and at most "
                        "1",
                        o->density);
    return STN_OK;
}

/* `set` as a scope over the network's parameters; texts are copied. */
static stn_status read_set(const stn_outline_options *o, stn_arena *arena,
                           stn_yaml_scope *scope, stn_error *err)
{
    stn_yaml_variable *v = stn_arena_alloc(arena, (size_t)o->n_set, sizeof *v);
    if (!v)
        return stn_fail_memory(err, "parameters");
    for (int i = 0; i < o->n_set; i++) {
        char *name = stn_arena_string(arena, o->set[i]), *end = NULL;
        if (!name)
            return stn_fail_memory(err, "parameters");
        char *equals = strchr(name, '=');
        if (equals) {
            *equals = '\0';
            v[i].value = strtod(equals + 1, &end);
        }
        if (!end || end == equals + 1 || *end)
            return stn_fail(err, STN_E_ARGUMENT,
                            "\"%.100s\": expected parameter=number", o->set[i]);
        v[i].name = name;
    }
    *scope = (stn_yaml_scope){v, (size_t)o->n_set};
    return STN_OK;
}

static stn_status load_graph(const char *network, const stn_yaml_scope *scope,
                             stn_graph **graph, stn_error *err)
{
    char path[STN_SHARE_PATH];
    stn_yaml_document *document = NULL;
    STN_TRY(stn_share_find("networks", "network", network, path, err));
    STN_TRY(stn_yaml_load(path, &document, err));
    stn_status status =
        stn_graph_outline(stn_yaml_root(document), scope, graph, err);
    stn_yaml_destroy(document);
    return status;
}

stn_status stn_program_outline(const char *network,
                               const stn_outline_options *options,
                               stn_program **out, stn_error *err)
{
    stn_graph *graph = NULL;
    stn_yaml_scope scope = {0};
    STN_TRY(check_options(options, err));
    stn_program_image *image = stn_alloc(1, sizeof *image);
    if (!image)
        return stn_fail_memory(err, "an outline");
    stn_status status = read_set(options, &image->arena, &scope, err);
    if (status == STN_OK)
        status = load_graph(network, &scope, &graph, err);
    outliner l = {
        .graph = graph, .options = options, .image = image, .err = err};
    if (status == STN_OK)
        status = outline_all(&l);
    stn_graph_destroy(graph);
    if (status != STN_OK) {
        stn_program_destroy(&image->program);
        return status;
    }
    *out = &image->program;
    return STN_OK;
}
