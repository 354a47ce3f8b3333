/* SPDX-License-Identifier: MIT
 *
 * Weights and operations, layer by layer.
 *
 * Operations of one picture are counted by kind. A binary or ternary weight
 * that is not zero costs one addition or subtraction; another weight one
 * multiply-accumulate; a rescale one multiplication a value and input, and
 * a batch-norm of a float graph one a value. */
#include "compress/compress.h"
#include "nn/graph.h"
#include "nn/op.h"
#include "report/measure.h"
#include <string.h>

/* ---- a packed program */

typedef struct zero_count {
    const int8_t *codes;
    size_t n, n_zero;
} zero_count;

static void count_zeros(void *context, size_t first, size_t n)
{
    zero_count *count = context;
    count->n += n;
    for (size_t i = first; i < first + n; i++)
        count->n_zero += count->codes[i] == 0;
}

static double min_live_sparsity(const stn_weights *w)
{
    stn_weight_shape shape = {w->out, w->kh * w->kw, w->in};
    stn_groups groups = stn_groups_make(shape, w->chunk);
    double least = 1;
    for (int g = 0; g < groups.n; g++) {
        zero_count count = {.codes = w->codes};
        stn_groups_visit(&groups, g, count_zeros, &count);
        double share = (double)count.n_zero / (double)count.n;
        if (count.n_zero < count.n && share < least)
            least = share;
    }
    return least;
}

static void shape_of(const stn_weights *w, stn_measure_layer *layer)
{
    layer->code = stn_code_name(w->code);
    layer->out = w->out;
    layer->kh = w->kh;
    layer->kw = w->kw;
    layer->in = w->in;
}

static void weights_of(const stn_program *program, int i,
                       stn_measure_layer *layer)
{
    const stn_weights *w = &program->instructions[i].weights;
    uint64_t dense = 0, nonzero = 0;
    stn_instruction_operations(program, i, &dense, &nonzero);
    shape_of(w, layer);
    layer->slices = stn_program_slices(program, i);
    layer->is_low = layer->slices.n == 0;
    layer->n_weights = layer->slices.n;
    layer->n_nonzero = layer->slices.n_nonzero;
    layer->weight_bytes = w->stored_bytes;
    layer->is_sparse = w->layout.structure == STN_SPARSE;
    layer->bits = w->alphabet.bits;
    layer->n_stored = layer->is_low ? 0 : w->n_stored;
    layer->value_bits = w->value_bits;
    layer->index_bits = w->index_bits;
    layer->codes = w->codes;
    const stn_value *x = &program->values[program->instructions[i].inputs[0]];
    bool spikes = x->steps > 1 && x->hi <= 1; /* add weights, or not */
    if (w->code == STN_CODE_INT8 && !spikes)
        layer->multiply = (double)dense;
    else
        layer->add_subtract = (double)nonzero;
    if (layer->is_low)
        layer->code = "low";
    if (w->code != STN_CODE_TERNARY || layer->is_low)
        return;
    layer->chunk = w->chunk;
    layer->n_groups = w->n_groups;
    layer->n_live = w->n_live;
    layer->min_live_sparsity = min_live_sparsity(w);
}

/* Weights that are not there are counted as if they were; what a file would
 * take for them is not known. */
static void outline_of(const stn_program *program, int i,
                       stn_measure_layer *layer)
{
    const stn_weights *w = &program->instructions[i].weights;
    const size_t blocks = (size_t)w->outline->blocks;
    uint64_t dense = 0, nonzero = 0;
    stn_instruction_operations(program, i, &dense, &nonzero);
    shape_of(w, layer);
    layer->bits = w->outline->bits;
    layer->n_weights =
        (size_t)w->out * (size_t)w->kh * (size_t)w->kw * (size_t)w->in / blocks;
    layer->n_nonzero = w->n_nonzero;
    if (w->code == STN_CODE_INT8)
        layer->multiply = (double)(dense / blocks);
    else
        layer->add_subtract = (double)nonzero;
}

stn_status stn_measure_program_layers(stn_measure *measure, stn_error *err)
{
    const stn_program *program = measure->program;
    measure->layers =
        stn_arena_alloc(&measure->arena, (size_t)program->n_instructions,
                        sizeof *measure->layers);
    if (!measure->layers)
        return stn_fail_memory(err, "layers of a report");
    for (int i = 0; i < program->n_instructions; i++) {
        const stn_instruction *in = &program->instructions[i];
        stn_measure_layer *layer = &measure->layers[i];
        layer->name = in->name;
        layer->op = stn_opcode_name(in->opcode);
        layer->code = "";
        if (in->weights.outline)
            outline_of(program, i, layer);
        else if (in->weights.codes)
            weights_of(program, i, layer);
        else if (in->opcode == STN_RESCALE)
            layer->rescale =
                (double)stn_value_count(&program->values[in->output]) *
                in->n_inputs;
    }
    measure->n_layers = program->n_instructions;
    return STN_OK;
}

/* ---- a float graph */

/* Sizes of a weight {out, kh, kw, in}, {out, kh, kw} or {out, in}. */
static void dims_of(const stn_param *p, stn_measure_layer *layer)
{
    layer->out = p->dims[0];
    layer->kh = p->rank > 2 ? p->dims[1] : 1;
    layer->kw = p->rank > 2 ? p->dims[2] : 1;
    layer->in = p->rank == 4 ? p->dims[3] : p->rank == 2 ? p->dims[1] : 1;
}

stn_status stn_measure_graph_layers(stn_measure *measure,
                                    const stn_graph *graph, stn_error *err)
{
    char *name;
    measure->layers = stn_arena_alloc(&measure->arena, (size_t)graph->n_nodes,
                                      sizeof *measure->layers);
    if (!measure->layers)
        return stn_fail_memory(err, "layers of a report");
    for (int i = 1; i < graph->n_nodes; i++) {
        const stn_node *node = &graph->nodes[i];
        stn_measure_layer *layer = &measure->layers[measure->n_layers++];
        if (!(name = stn_arena_string(&measure->arena, node->name)))
            return stn_fail_memory(err, "layers of a report");
        layer->name = name;
        layer->op = node->type->name;
        layer->code = "";
        if (strcmp(node->type->name, "batch_norm") == 0)
            layer->rescale =
                (double)node->steps * (double)stn_shape_count(node->out);
        for (int k = 0; k < node->n_params; k++) {
            const stn_param *p = &graph->params[node->params[k]];
            layer->weight_bytes += p->count * sizeof(float);
            if (p->role != STN_PARAM_WEIGHT)
                continue;
            dims_of(p, layer);
            layer->code = "float32";
            layer->n_weights = layer->n_nonzero = p->count;
            /* Every weight is used once at each output position of a step. */
            layer->multiply = (double)node->steps * node->out.h * node->out.w *
                              (double)p->count;
        }
    }
    return STN_OK;
}
