/* SPDX-License-Identifier: MIT
 *
 * Fully connected layers: columns are neurons, weights lie in the rows.
 *
 * The controller reads an input number and, for each of its bits that is 1,
 * adds that input's weight rows to the accumulators at the bit's row offset;
 * bits that are 0 cost nothing. Inputs are cut into chunks, one sub-array
 * each, that work in parallel; their partial sums are added pairwise at the
 * end. An input whose weights are all zero is left out.
 *
 * Weights are two's complement: 8 rows for int8, mask and sign for ternary;
 * a binary weight stores its sign, and the row below it, all ones, is shared
 * by all inputs of a sub-array. */
#include "accel/bitwise.h"

static int8_t code_of(const stn_instruction *in, int o, int i, int j, int c)
{
    const stn_weights *w = &in->weights;
    size_t tap = (size_t)i * (size_t)w->kw + (size_t)j;
    return w
        ->codes[((size_t)o * (size_t)(w->kh * w->kw) + tap) * (size_t)w->in +
                (size_t)c];
}

/* Puts one input's weights into `rows`; false when all are zero. */
static bool fill_rows(const bw_mapping *m, const bw_layer *layer, int i, int j,
                      int c, uint64_t *rows)
{
    const stn_instruction *in = layer->in;
    const bw_value *y = &m->values[in->output];
    int bits = layer->neurons.weight_bits;
    bool live = false;
    for (int o = 0; o < in->weights.out; o++) {
        int code = code_of(in, o, i, j, c);
        live |= code != 0;
        for (int b = 0; b < bits; b++)
            rows[(size_t)b * (size_t)y->words + (size_t)(o / 64)] |=
                (uint64_t)((unsigned)code >> b & 1) << (o % 64);
    }
    return live;
}

/* One position of the kernel, when it lies inside the input. */
static void add_position(bw_mapping *m, bw_layer *layer, int i, int j)
{
    const stn_instruction *in = layer->in;
    const bw_value *x = &m->values[in->inputs[0]];
    const bw_value *y = &m->values[in->output];
    bw_neurons *n = &layer->neurons;
    int r = i - in->pad, q = j - in->pad;
    if (r < 0 || r >= x->shape.h || q < 0 || q >= x->shape.w)
        return;
    for (int c = 0; c < in->weights.in; c++) {
        bw_synapse s = {.line = x->flat ? 0 : c,
                        .column = x->flat ? c : r * x->shape.w + q};
        uint64_t *rows = n->planes + (size_t)n->n_synapses *
                                         (size_t)n->weight_bits *
                                         (size_t)y->words;
        if (bw_line_of(x, s.line)->width && fill_rows(m, layer, i, j, c, rows))
            n->synapses[n->n_synapses++] = s;
    }
}

/* Rows left for weights beside accumulators, carry, ones, and the slot for a
 * partial sum when there is more than one chunk. */
static stn_status cut(const bw_mapping *m, bw_layer *layer, stn_error *err)
{
    bw_neurons *n = &layer->neurons;
    int width = m->values[layer->in->output].bits;
    bool binary = layer->in->weights.code == STN_CODE_BINARY;
    int room = m->rows - width - bw_reserved_rows(&m->options) - binary;
    if (n->n_synapses * (int64_t)n->stored_bits > room)
        room -= width;
    n->per_chunk = room / n->stored_bits;
    if (n->n_synapses == 0)
        return STN_OK;
    if (room < n->stored_bits)
        return stn_fail(err, STN_E_UNSUPPORTED,
                        "%s: sums of %d rows leave no room for weights in a "
                        "sub-array of %d rows",
                        layer->in->name, width, m->rows);
    n->n_chunks = (n->n_synapses + n->per_chunk - 1) / n->per_chunk;
    return STN_OK;
}

stn_status bw_cut_neurons(bw_mapping *m, bw_layer *layer, stn_error *err)
{
    STN_TRY(cut(m, layer, err));
    const bw_value *y = &m->values[layer->in->output];
    const bw_neurons *n = &layer->neurons;
    bool binary = layer->in->weights.code == STN_CODE_BINARY;
    uint64_t tiles = (uint64_t)y->tiles, chunks = (uint64_t)n->n_chunks;
    layer->placement = (stn_placement){
        .sub_arrays = chunks * tiles,
        .utilisation = (double)y->columns / (double)(y->tiles * m->columns),
        .weight_rows = ((uint64_t)n->n_synapses * (uint64_t)n->stored_bits +
                        (binary ? chunks : 0)) *
                       tiles};
    return STN_OK;
}

stn_status bw_map_neurons(bw_mapping *m, bw_layer *layer, stn_error *err)
{
    static const int weight_bits[] = {8, 2, 2}, stored_bits[] = {8, 2, 1};
    const stn_instruction *in = layer->in;
    const bw_value *y = &m->values[in->output];
    bw_neurons *n = &layer->neurons;
    size_t inputs = (size_t)(in->kh * in->kw) * (size_t)in->weights.in;
    n->weight_bits = weight_bits[in->weights.code];
    n->stored_bits = stored_bits[in->weights.code];
    n->synapses = stn_arena_alloc(&m->arena, inputs, sizeof *n->synapses);
    n->planes = stn_arena_alloc(
        &m->arena, inputs * (size_t)n->weight_bits * (size_t)y->words,
        sizeof *n->planes);
    if (!n->synapses || !n->planes)
        return stn_fail_memory(err, "the weight rows of a layer");
    for (int i = 0; i < in->kh; i++)
        for (int j = 0; j < in->kw; j++)
            add_position(m, layer, i, j);
    STN_TRY(bw_cut_neurons(m, layer, err));
    n->offset = m->n_words;
    m->n_words += (size_t)n->n_chunks * (size_t)y->bits * (size_t)y->words;
    return bw_predict_neurons_parts(m, layer, err);
}
