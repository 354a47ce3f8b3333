/* SPDX-License-Identifier: MIT
 *
 * Weights that have been kept since they were loaded: some of their bits are
 * flipped by heat, and by having been read. Each is asked once, when a mapping
 * is prepared, and stays as it is while pictures are executed.
 *
 * A cell's numbers go on where those of its deviations end (bitwise_cells.c):
 * its chance to have flipped is that of the junction that it is, and a chip
 * that is older is the same chip. Not a path in time but one moment of it:
 * every age has the right share of flipped bits by itself.
 *
 * How often a row has been read is what execution does for a picture, in
 * closed form; where a bit of an input decides whether it is read, as often as
 * if every second bit were 1. The weights of a convolution by addition are not
 * here: the controller reads their rows one by one, as a code, which can be
 * protected by more bits as rows that are sensed together cannot. Values and
 * operands are written anew for every picture. */
#include "accel/bitwise_noise.h"
#include <string.h>

static const double ONES = 0.5; /* share among an input's bits */

bool bw_keeps_weights(const bw_layer *layer)
{
    return (layer->unit == BW_NEURONS || layer->unit == BW_COUNT) &&
           layer->placement.streamed_rows == 0;
}

/* A row of weights: where its cells are, and how often one picture reads it. */
typedef struct kept_row {
    uint64_t region;
    size_t row;
    int columns;
    double reads;
} kept_row;

static void age_row(const bw_mapping *m, const kept_row *r, uint64_t *bits,
                    stn_placement *placement)
{
    const stn_machine *machine = m->machine;
    for (int c = 0; c < r->columns; c++) {
        stn_rng rng = bw_cell_rng(machine, r->region, r->row, (size_t)c);
        const stn_mtj_deviation d = stn_mtj_draw(machine->aged, &rng);
        const stn_mtj cell = stn_mtj_cell(machine->aged, &d);
        double u = ((double)(stn_rng_u64(&rng) >> 11) + 0.5) * 0x1p-53;
        double chance[2];
        stn_mtj_flips(&cell, machine->age_s, machine->pictures * r->reads,
                      chance);
        uint64_t flip = u < chance[bits[c / 64] >> (c % 64) & 1];
        bits[c / 64] ^= flip << (c % 64);
        placement->flipped_bits += flip;
    }
    placement->kept_bits += (uint64_t)r->columns;
}

/* A row of an input's weights is added at each of its bits; the last one, the
 * sign, also to every row of the sum above (bitwise_rows.c). */
static double reads_of_synapse(const bw_mapping *m, const bw_layer *layer,
                               int synapse, int k)
{
    const bw_neurons *n = &layer->neurons;
    const bw_value *x = &m->values[layer->in->inputs[0]];
    const int width = m->values[layer->in->output].bits;
    const bw_line *line = bw_line_of(x, n->synapses[synapse].line);
    int reads = 0;
    for (int b = 0; b < line->width && b + k < width; b++)
        reads += k + 1 < n->weight_bits ? 1 : width - b - k;
    return ONES * reads * layer->steps;
}

/* The row of ones of binary weights, which all inputs of a chunk share. */
static void age_ones(const bw_mapping *m, bw_layer *layer, int chunk)
{
    const bw_neurons *n = &layer->neurons;
    const bw_value *y = &m->values[layer->in->output];
    int first = chunk * n->per_chunk, end = first + n->per_chunk;
    end = end < n->n_synapses ? end : n->n_synapses;
    size_t stride = (size_t)n->weight_bits * (size_t)y->words;
    kept_row r = {.region = layer->places.region + 1,
                  .row = (size_t)chunk,
                  .columns = y->columns};
    for (int i = first; i < end; i++)
        r.reads += reads_of_synapse(m, layer, i, 0);
    uint64_t *ones = n->planes + (size_t)first * stride;
    age_row(m, &r, ones, &layer->placement);
    for (int i = first + 1; i < end; i++)
        memcpy(n->planes + (size_t)i * stride, ones,
               (size_t)y->words * sizeof *ones);
}

static void age_neurons(const bw_mapping *m, bw_layer *layer)
{
    const bw_neurons *n = &layer->neurons;
    const bw_value *y = &m->values[layer->in->output];
    int shared = n->weight_bits - n->stored_bits;
    for (int i = 0; i < n->n_synapses; i++)
        for (int k = shared; k < n->weight_bits; k++) {
            size_t row = (size_t)i * (size_t)n->weight_bits + (size_t)k;
            const kept_row r = {.region = layer->places.region,
                                .row = row,
                                .columns = y->columns,
                                .reads = reads_of_synapse(m, layer, i, k)};
            age_row(m, &r, n->planes + row * (size_t)y->words,
                    &layer->placement);
        }
    for (int chunk = 0; shared && chunk < n->n_chunks; chunk++)
        age_ones(m, layer, chunk);
}

/* Copies were alike when they were loaded. Each takes the windows that begin
 * with its own, and meets every row of weights with every plane of a window. */
static stn_status age_count(bw_mapping *m, bw_layer *layer, stn_error *err)
{
    bw_count *c = &layer->count;
    const bw_value *x = &m->values[layer->in->inputs[0]];
    size_t rows = (size_t)layer->in->weights.out * (size_t)c->planes;
    size_t words = rows * (size_t)c->words;
    uint64_t *codes =
        stn_arena_alloc(&m->arena, (size_t)c->replicas * words, sizeof *codes);
    if (!codes)
        return stn_fail_memory(err, "the weights of an aged chip");
    for (int copy = 0; copy < c->replicas; copy++) {
        uint64_t *own = codes + (size_t)copy * words;
        int windows = (c->positions - copy + c->replicas - 1) / c->replicas;
        kept_row r = {.region = layer->places.region,
                      .columns = c->window,
                      .reads = (double)windows * x->bits * layer->steps};
        memcpy(own, c->codes, words * sizeof *own);
        for (size_t k = 0; k < rows; k++) {
            r.row = (size_t)copy * rows + k;
            age_row(m, &r, own + k * (size_t)c->words, &layer->placement);
        }
    }
    c->codes = codes;
    c->copy_words = words;
    return STN_OK;
}

stn_status bw_age(bw_mapping *m, stn_error *err)
{
    for (int i = 0; i < m->program->n_instructions; i++) {
        bw_layer *layer = &m->layers[i];
        if (!bw_keeps_weights(layer))
            continue;
        if (layer->unit == BW_COUNT)
            STN_TRY(age_count(m, layer, err));
        else
            age_neurons(m, layer);
    }
    return STN_OK;
}
