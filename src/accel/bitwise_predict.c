/* SPDX-License-Identifier: MIT
 *
 * Events of one picture in closed form: sums over lines, operands and steps
 * of what their widths imply. Only fully connected layers depend on data (a
 * 0 bit is skipped); they are estimated from the density of ones, and their
 * time from the chunk with most inputs, which is a little below the mean of
 * the slowest. */
#include "accel/bitwise.h"
#include <math.h>

void bw_predict_move(const bw_value *v, stn_event event, uint64_t times,
                     stn_ledger_row *row)
{
    uint64_t rows = times * v->rows;
    stn_ledger_post_steps(row, event, rows, (uint64_t)v->tiles);
    stn_ledger_post_steps(row, STN_EVENT_link_bit, rows, (uint64_t)v->columns);
    stn_ledger_post_steps(row, STN_EVENT_buffer_bit, rows,
                          (uint64_t)v->columns);
}

static stn_status make_parts(bw_mapping *m, bw_layer *layer, int n,
                             stn_error *err)
{
    layer->n_parts = n;
    layer->parts = stn_arena_alloc(&m->arena, (size_t)n, sizeof *layer->parts);
    return layer->parts ? STN_OK : stn_fail_memory(err, "a prediction");
}

void bw_predict_fetch(const bw_mapping *m, const bw_layer *layer,
                      uint64_t fetched, stn_ledger_row *part)
{
    const bw_value *x = &m->values[layer->in->inputs[0]];
    const bw_value *y = &m->values[layer->in->output];
    stn_ledger_post_steps(part, STN_EVENT_row_read, fetched,
                          (uint64_t)x->tiles);
    stn_ledger_post_steps(part, STN_EVENT_link_bit, fetched,
                          (uint64_t)y->columns);
    stn_ledger_post_steps(part, STN_EVENT_row_write, fetched,
                          (uint64_t)y->tiles);
}

static void predict_group(const bw_mapping *m, const bw_layer *layer,
                          const bw_group *group, stn_ledger_row *part)
{
    const bw_value *x = &m->values[layer->in->inputs[0]];
    const bw_value *y = &m->values[layer->in->output];
    const bw_window *w = &layer->window;
    uint64_t fetched = 0;
    for (int i = group->first; i < group->first + group->n; i++) {
        const bw_operand *o = &w->operands[i];
        const bw_line *line = bw_line_of(x, o->line);
        fetched += (uint64_t)line->width;
        for (int k = o->first; k < o->first + o->n; k++) {
            const bw_step *step = &w->steps[k];
            bw_predict_step(part, step, bw_line_of(y, step->filter)->width,
                            line, (uint64_t)y->tiles, &m->options);
        }
    }
    bw_predict_fetch(m, layer, fetched, part);
}

stn_status bw_predict_window_parts(bw_mapping *m, bw_layer *layer,
                                   stn_error *err)
{
    const bw_window *w = &layer->window;
    STN_TRY(make_parts(m, layer, w->n_groups, err));
    for (int g = 0; g < w->n_groups; g++) {
        layer->parts[g].times = 1;
        predict_group(m, layer, &w->groups[g], &layer->parts[g].row);
    }
    return STN_OK;
}

/* `times` parts like `one` beside each other. */
static void join(const bw_mapping *m, const stn_ledger_row *one, uint64_t times,
                 stn_ledger_row *row, stn_ledger_row *slowest,
                 double *slowest_s)
{
    stn_ledger_row part = *one;
    for (int e = 0; e < STN_EVENT_COUNT; e++)
        part.total[e] *= times;
    stn_ledger_join(row, &part, m->machine->event_latency_s, slowest,
                    slowest_s);
}

static void predict_window(const bw_mapping *m, const bw_layer *layer,
                           stn_ledger_row *row)
{
    stn_ledger_row slowest = {0};
    double slowest_s = -1.0;
    bw_post_kernels(layer, row);
    for (int g = 0; g < layer->n_parts; g++)
        join(m, &layer->parts[g].row, layer->parts[g].times, row, &slowest,
             &slowest_s);
    bw_join_end(layer, row, &slowest);
}

void bw_predict_synapse(const bw_mapping *m, const bw_layer *layer,
                        const bw_line *input, stn_ledger_row *all)
{
    int width = m->values[layer->in->output].bits;
    bw_line weights = {.width = layer->neurons.weight_bits, .is_signed = true};
    for (int b = 0; b < input->width && b < width; b++)
        bw_predict_step(all, &(bw_step){.kind = BW_ADD, .shift = (uint8_t)b},
                        width, &weights, 1, &m->options);
}

stn_status bw_predict_neurons_parts(bw_mapping *m, bw_layer *layer,
                                    stn_error *err)
{
    const bw_neurons *n = &layer->neurons;
    const bw_value *x = &m->values[layer->in->inputs[0]];
    STN_TRY(make_parts(m, layer, n->n_chunks, err));
    for (int i = 0; i < n->n_synapses; i++) {
        const bw_line *line = bw_line_of(x, n->synapses[i].line);
        bw_part *part = &layer->parts[i / n->per_chunk];
        part->times = 1;
        part->is_signed |=
            line->is_signed && line->width <= m->values[layer->in->output].bits;
        bw_predict_synapse(m, layer, line, &part->row);
    }
    return STN_OK;
}

/* Expected events of one chunk: each bit is 1 with probability `density`. */
static void predict_chunk(const bw_mapping *m, const bw_layer *layer,
                          const bw_part *chunk, double density,
                          stn_ledger_row *part)
{
    const bw_value *y = &m->values[layer->in->output];
    uint64_t width = (uint64_t)y->bits, tiles = (uint64_t)y->tiles;
    for (int e = 0; e < STN_EVENT_COUNT; e++)
        stn_ledger_post_steps(
            part, (stn_event)e,
            (uint64_t)llround(density * (double)chunk->row.total[e]), tiles);
    bw_predict_clear(part, width, tiles, &m->options);
    if (chunk->is_signed && density > 0.0)
        bw_predict_complement(part, 2 * width, tiles, &m->options);
}

/* n - 1 partial sums are moved and added, in ⌈log2 n⌉ rounds. */
static void predict_reduce(const bw_mapping *m, const bw_layer *layer,
                           stn_ledger_row *row)
{
    const bw_value *y = &m->values[layer->in->output];
    bw_line partial = {.width = y->bits, .is_signed = true};
    stn_ledger_row one = {0};
    uint64_t adds = (uint64_t)(layer->neurons.n_chunks - 1), rounds = 0;
    while (((uint64_t)1 << rounds) <= adds)
        rounds++;
    stn_ledger_post_steps(&one, STN_EVENT_row_read, (uint64_t)y->bits,
                          (uint64_t)y->tiles);
    stn_ledger_post_steps(&one, STN_EVENT_link_bit, (uint64_t)y->bits,
                          (uint64_t)y->columns);
    stn_ledger_post_steps(&one, STN_EVENT_row_write, (uint64_t)y->bits,
                          (uint64_t)y->tiles);
    bw_predict_step(&one, &(bw_step){.kind = BW_ADD}, y->bits, &partial,
                    (uint64_t)y->tiles, &m->options);
    for (int e = 0; e < STN_EVENT_COUNT; e++)
        stn_ledger_post(row, (stn_event)e, adds * one.total[e],
                        rounds * one.steps[e]);
}

static void predict_neurons(const bw_mapping *m, const bw_layer *layer,
                            double density, stn_ledger_row *row)
{
    stn_ledger_row slowest = {0};
    double slowest_s = -1.0;
    bw_predict_move(&m->values[layer->in->inputs[0]], STN_EVENT_row_read, 1,
                    row);
    for (int c = 0; c < layer->n_parts; c++) {
        stn_ledger_row part = {0};
        predict_chunk(m, layer, &layer->parts[c], density, &part);
        join(m, &part, layer->parts[c].times, row, &slowest, &slowest_s);
    }
    bw_join_end(layer, row, &slowest);
    if (layer->neurons.n_chunks > 1)
        predict_reduce(m, layer, row);
}

static void predict_count(const bw_mapping *m, const bw_layer *layer,
                          stn_ledger_row *row)
{
    bw_predict_move(&m->values[layer->in->inputs[0]], STN_EVENT_row_read, 1,
                    row);
    bw_predict_count(m, layer, row);
    bw_predict_move(&m->values[layer->in->output], STN_EVENT_row_write, 1, row);
}

static void predict_digital(const bw_mapping *m, const bw_layer *layer,
                            stn_ledger_row *row)
{
    const stn_instruction *in = layer->in;
    const bw_value *y = &m->values[in->output];
    bool is_rescale = in->opcode == STN_RESCALE;
    uint64_t lanes = (uint64_t)m->options.lanes;
    uint64_t each =
        is_rescale ? (uint64_t)in->n_inputs : (uint64_t)(in->kh * in->kw - 1);
    uint64_t per_line = each * (uint64_t)y->columns;
    uint64_t lines = (uint64_t)y->n_lines;
    for (int k = 0; k < in->n_inputs; k++)
        bw_predict_move(&m->values[in->inputs[k]], STN_EVENT_row_read, 1, row);
    stn_ledger_post(row, is_rescale ? STN_EVENT_rescale : STN_EVENT_pool,
                    lines * per_line, lines * ((per_line + lanes - 1) / lanes));
    bw_predict_move(y, STN_EVENT_row_write, 1, row);
}

/* One time step of a layer that does all of them alike. */
static void predict_step(const bw_mapping *m, const bw_layer *layer,
                         double density, stn_ledger_row *row)
{
    uint64_t streamed = layer->placement.streamed_rows;
    stn_ledger_post_steps(row, STN_EVENT_row_write, streamed, 1);
    stn_ledger_post_steps(row, STN_EVENT_link_bit, streamed,
                          (uint64_t)m->columns);
    if (layer->unit == BW_WINDOW)
        predict_window(m, layer, row);
    else if (layer->unit == BW_NEURONS)
        predict_neurons(m, layer, density, row);
    else if (layer->unit == BW_COUNT)
        predict_count(m, layer, row);
    else if (layer->unit == BW_COMPARE)
        bw_predict_compare(m, layer, density, row);
    else if (layer->unit == BW_DIGITAL)
        predict_digital(m, layer, row);
}

void bw_predict(const void *mapping, const double *density, stn_ledger *ledger)
{
    const bw_mapping *m = mapping;
    int n = m->program->n_instructions;
    bw_predict_move(&m->values[0], STN_EVENT_row_write, 1, &ledger->rows[0]);
    for (int i = 0; i < n; i++) {
        const bw_layer *layer = &m->layers[i];
        stn_ledger_row *row = &ledger->rows[i];
        double ones = density ? density[i] : 0.5;
        if (layer->steps == 1) {
            predict_step(m, layer, ones, row);
        } else {
            stn_ledger_row step = {0};
            predict_step(m, layer, ones, &step);
            stn_ledger_post_row(row, &step, (uint64_t)layer->steps);
        }
        if (layer->unit == BW_TIME)
            bw_predict_time(m, layer, row);
    }
    const bw_value *result = &m->values[m->layers[n - 1].in->output];
    bw_predict_move(result, STN_EVENT_row_read, 1, &ledger->rows[n - 1]);
}
