/* SPDX-License-Identifier: MIT
 *
 * Neurons and sums over time: digital units beside the sub-arrays, like those
 * that rescale. Membranes, and the spikes that split time counts, lie in rows
 * of their own as values do; they are read, changed and written at every
 * step. */
#include "accel/bitwise.h"

/* One step of what is kept: lines like those of the output. */
static void place_state(bw_mapping *m, bw_layer *layer, bw_line *line)
{
    bw_value *state = &layer->state;
    *state = m->values[layer->in->output];
    *line = (bw_line){.lo = layer->kept.lo, .hi = layer->kept.hi};
    bw_line_size(line);
    state->lines = line;
    state->line_step = 0;
    state->bits = line->width;
    state->rows = (uint64_t)state->n_lines * (uint64_t)line->width;
    state->offset = m->n_words;
    state->step_words = 0;
    m->n_words +=
        (size_t)state->n_lines * (size_t)state->bits * (size_t)state->words;
}

stn_status bw_map_time(bw_mapping *m, bw_layer *layer, stn_error *err)
{
    const stn_instruction *in = layer->in;
    layer->kept = stn_neurons_of(in, &m->program->values[in->inputs[0]]);
    bw_place_digital(m, layer);
    if (layer->kept.keep != STN_KEEP_STATE)
        return STN_OK;
    bw_line *line = stn_arena_alloc(&m->arena, 1, sizeof *line);
    if (!line)
        return stn_fail_memory(err, "the lines of a value");
    place_state(m, layer, line);
    layer->placement.sub_arrays += bw_bank_arrays(m, &layer->state);
    return STN_OK;
}

/* Line after line, as other digital units work. */
static void post_units(const bw_mapping *m, const bw_layer *layer,
                       uint64_t times, stn_ledger_row *row)
{
    const bw_value *y = &m->values[layer->in->output];
    uint64_t lines = times * (uint64_t)y->n_lines;
    uint64_t n = (uint64_t)y->columns, lanes = (uint64_t)m->options.lanes;
    stn_ledger_post(row, layer->kept.unit, lines * n,
                    lines * ((n + lanes - 1) / lanes));
}

static void run_tick(bw_state *s, const bw_layer *layer, const stn_tick *tick,
                     stn_ledger_row *row)
{
    const stn_instruction *in = layer->in;
    const bw_value *x = &s->m->values[in->inputs[0]];
    const bw_value *y = &s->m->values[in->output];
    bool own = layer->kept.keep == STN_KEEP_STATE;
    const stn_tick_data data = {.x = s->numbers[0],
                                .kept = s->numbers[1],
                                .y = s->numbers[2],
                                .shape = y->shape,
                                .by_channel = true};
    s->t = tick->t;
    if (tick->reads_input)
        bw_value_read(s, x, s->numbers[0], row);
    s->t -= !own; /* the output of the step before */
    if (tick->reads_kept)
        bw_value_read(s, own ? &layer->state : y, s->numbers[1], row);
    s->t = tick->t;
    stn_neurons_run(in, tick, &data);
    if (tick->works)
        post_units(s->m, layer, 1, row);
    if (tick->writes_state)
        bw_value_write(s, &layer->state, s->numbers[1], row);
    if (tick->writes_output)
        bw_value_write(s, y, s->numbers[2], row);
}

void bw_run_time(const bw_state *state, const bw_layer *layer,
                 stn_ledger_row *row)
{
    bw_state s = *state;
    int n = stn_neurons_ticks(layer->in, layer->steps);
    for (int k = 0; k < n; k++) {
        stn_tick tick = stn_neurons_tick(layer->in, layer->steps, k);
        run_tick(&s, layer, &tick, row);
    }
}

void bw_predict_time(const bw_mapping *m, const bw_layer *layer,
                     stn_ledger_row *row)
{
    const stn_instruction *in = layer->in;
    const bw_value *y = &m->values[in->output];
    bool own = layer->kept.keep == STN_KEEP_STATE;
    stn_tick_sums n = stn_neurons_sums(in, layer->steps);
    bw_predict_move(&m->values[in->inputs[0]], STN_EVENT_row_read,
                    n.reads_input, row);
    bw_predict_move(own ? &layer->state : y, STN_EVENT_row_read, n.reads_kept,
                    row);
    post_units(m, layer, n.works, row);
    bw_predict_move(&layer->state, STN_EVENT_row_write, n.writes_state, row);
    bw_predict_move(y, STN_EVENT_row_write, n.writes_output, row);
}
