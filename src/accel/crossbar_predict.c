/* SPDX-License-Identifier: MIT
 *
 * Events of one picture in closed form: positions times digits times what one
 * activation of all arrays of a layer drives, reads and converts. */
#include "accel/crossbar.h"

static void predict_buffer(const xb_mapping *m, int value, stn_ledger_row *row)
{
    row->total[STN_EVENT_buffer_bit] +=
        stn_shape_count(m->program->values[value].shape) *
        (uint64_t)xb_value_bits(m, value);
}

/* Columns that a read converts of one set of arrays. */
static uint64_t converted(const xb_layer *l, const xb_read *r, int sign,
                          int slice)
{
    uint64_t blocks = (uint64_t)r->n;
    uint64_t width = xb_width(l, r->group);
    uint64_t n = blocks * (width / (uint64_t)l->n_blocks);
    if (l->live) {
        const uint8_t *live =
            l->live + xb_column_index(l, r->group, sign, slice);
        n = 0;
        for (int base = 0; base < (int)width; base += l->n_blocks)
            for (int b = r->first; b < r->first + r->n; b++)
                n += live[base + b];
    }
    return n + (l->has_unit && slice == 0 ? blocks : 0);
}

/* One read, of all signs and slices, `times` times. */
static void predict_read(const xb_layer *l, const xb_read *r, uint64_t times,
                         stn_ledger_row *row)
{
    const xb_group *group = &l->groups[r->group];
    uint64_t rows = (uint64_t)group->n * (uint64_t)r->n;
    uint64_t tiles = (uint64_t)l->packs[group->pack].tiles;
    stn_ledger_post(row, STN_EVENT_dac,
                    times * rows * tiles * (uint64_t)(l->n_signs * l->n_slices),
                    0);
    for (int sign = 0; sign < l->n_signs; sign++)
        for (int s = 0; s < l->n_slices; s++) {
            uint64_t n = times * converted(l, r, sign, s);
            stn_event adc = (stn_event)(STN_EVENT_adc1 + l->adc[s].bits - 1);
            stn_ledger_post(row, STN_EVENT_crossbar_read, rows * n, 0);
            stn_ledger_post(row, adc, n, 0);
            stn_ledger_post(row, STN_EVENT_sample_hold, n, 0);
            stn_ledger_post(row, STN_EVENT_shift_add, n, 0);
        }
}

/* Arrays of one pass are written side by side, each row after row. */
static void predict_writes(const xb_mapping *m, const xb_layer *l,
                           stn_ledger_row *row)
{
    uint64_t rows = l->placement.streamed_rows;
    if (!rows)
        return;
    stn_ledger_post(row, STN_EVENT_link_bit, rows * xb_row_bits(m), 0);
    stn_ledger_post(row, STN_EVENT_row_write, rows,
                    l->placement.passes * (uint64_t)l->most_held);
}

static void predict_analog(const xb_mapping *m, const xb_layer *l,
                           stn_ledger_row *row)
{
    const stn_shape y = m->program->values[l->in->output].shape;
    uint64_t positions = (uint64_t)y.h * (uint64_t)y.w;
    uint64_t copies = (uint64_t)m->options.copies;
    uint64_t digits = (uint64_t)l->n_digits;
    uint64_t passes = l->placement.passes;
    uint64_t bits = passes * positions * xb_position_bits(l);
    predict_writes(m, l, row);
    stn_ledger_post(row, STN_EVENT_buffer_bit, bits, 0);
    stn_ledger_post(row, STN_EVENT_link_bit, bits, 0);
    for (int i = 0; i < l->n_reads; i++)
        predict_read(l, &l->reads[i], l->reads[i].times * positions * digits,
                     row);
    stn_ledger_post(row, STN_EVENT_shift_add, positions * xb_additions(l), 0);
    uint64_t times = passes * ((positions + copies - 1) / copies) * digits;
    for (int k = 0; k < l->n_rounds; k++) {
        const xb_round *r = &l->rounds[k];
        row->steps[STN_EVENT_crossbar_read] += times * r->read_steps;
        row->steps[STN_EVENT_adc1 + r->adc_bits - 1] += times * r->adc_steps;
    }
}

static void predict_digital(const xb_mapping *m, const xb_layer *l,
                            stn_ledger_row *row)
{
    const stn_instruction *in = l->in;
    bool is_rescale = in->opcode == STN_RESCALE;
    uint64_t lanes = (uint64_t)m->options.lanes;
    uint64_t each =
        is_rescale ? (uint64_t)in->n_inputs : (uint64_t)(in->kh * in->kw - 1);
    uint64_t n = each * stn_shape_count(m->program->values[in->output].shape);
    for (int k = 0; k < in->n_inputs; k++)
        predict_buffer(m, in->inputs[k], row);
    stn_ledger_post(row, is_rescale ? STN_EVENT_rescale : STN_EVENT_pool, n,
                    (n + lanes - 1) / lanes);
}

static void predict_time(const xb_mapping *m, const xb_layer *l,
                         stn_ledger_row *row)
{
    const stn_instruction *in = l->in;
    stn_tick_sums n = stn_neurons_sums(in, l->steps);
    uint64_t each = stn_shape_count(m->program->values[in->output].shape);
    uint64_t lanes = (uint64_t)m->options.lanes;
    uint64_t x = (uint64_t)xb_value_bits(m, in->inputs[0]);
    uint64_t y = (uint64_t)xb_value_bits(m, in->output);
    uint64_t kept =
        l->kept.keep == STN_KEEP_OUTPUT ? y : (uint64_t)l->kept.bits;
    stn_ledger_post(row, l->kept.unit, n.works * each,
                    n.works * ((each + lanes - 1) / lanes));
    stn_ledger_post(row, STN_EVENT_buffer_bit,
                    each * (n.reads_input * x + n.reads_kept * kept +
                            n.writes_state * kept + n.writes_output * y),
                    0);
}

/* One time step of what does all of them alike. */
static void predict_step(const xb_mapping *m, const xb_layer *l,
                         stn_ledger_row *row)
{
    if (l->analog)
        predict_analog(m, l, row);
    else
        predict_digital(m, l, row);
    predict_buffer(m, l->in->output, row);
}

void xb_predict(const void *mapping, const double *density, stn_ledger *ledger)
{
    const xb_mapping *m = mapping;
    int n = m->program->n_instructions;
    (void)density;
    predict_buffer(m, 0, &ledger->rows[0]);
    for (int i = 0; i < n; i++) {
        const xb_layer *l = &m->layers[i];
        if (l->in->opcode == STN_CONCAT)
            continue;
        if (stn_opcode_is_time(l->in->opcode)) {
            predict_time(m, l, &ledger->rows[i]);
            continue;
        }
        if (l->steps == 1) {
            predict_step(m, l, &ledger->rows[i]);
            continue;
        }
        stn_ledger_row step = {0};
        predict_step(m, l, &step);
        stn_ledger_post_row(&ledger->rows[i], &step, (uint64_t)l->steps);
    }
    predict_buffer(m, m->layers[n - 1].in->output, &ledger->rows[n - 1]);
}
