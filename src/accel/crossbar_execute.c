/* SPDX-License-Identifier: MIT
 *
 * Executing one picture: rows are driven digit by digit, columns summed,
 * converted, shifted and added, and each event is posted where it happens.
 * Accumulators are registers of 32 bits and wrap. */
#include "accel/crossbar.h"
#include "accel/digital.h"
#include <string.h>

/* One thread's memory for one picture. */
typedef struct machine_state {
    const xb_mapping *m;
    bool scalar;      /* by the definition, not by columns */
    uint64_t *frame;  /* bit strings of a padded input */
    uint64_t *window; /* bits of one position: bit, group, block, words */
    uint64_t *string; /* rows of one block */
    stn_values values;
    int32_t *padded;
    uint32_t *sums, *acc;      /* a layer's filters */
    uint32_t *unit, *unit_acc; /* a layer's blocks */
    uint64_t *bins;            /* histograms, or NULL */
    int t;                     /* time step */
} machine_state;

static int32_t *value_of(const machine_state *s, int value)
{
    return stn_values_at(&s->values, value, s->t);
}

/* A value into or out of the buffer, which is double: it takes no time. */
static void post_buffer(const machine_state *s, int value, stn_ledger_row *row)
{
    uint64_t n = stn_shape_count(s->m->program->values[value].shape);
    stn_ledger_post(row, STN_EVENT_buffer_bit,
                    n * (uint64_t)xb_value_bits(s->m, value), 0);
}

/* --- analog layers --------------------------------------------------------*/

/* The input with its padding; channels fastest, or for a depthwise layer
 * slowest, so that the rows of a kernel are runs. */
static void fill_frame(const machine_state *s, const xb_layer *l)
{
    const stn_shape x = s->m->program->values[l->in->inputs[0]].shape;
    const int32_t *from = value_of(s, l->in->inputs[0]);
    size_t area = (size_t)l->frame_h * (size_t)l->frame_w;
    size_t n = area * (size_t)x.c;
    memset(s->padded, 0, n * sizeof *s->padded);
    for (int r = 0; r < x.h; r++)
        for (int q = 0; q < x.w; q++, from += x.c) {
            size_t at = (size_t)(r + l->in->pad) * (size_t)l->frame_w +
                        (size_t)(q + l->in->pad);
            if (!l->depthwise)
                memcpy(s->padded + at * (size_t)x.c, from,
                       (size_t)x.c * sizeof *from);
            else
                for (int c = 0; c < x.c; c++)
                    s->padded[(size_t)c * area + at] = from[c];
        }
    xb_bits_slice(s->padded, n, l->n_bits, s->frame, xb_frame_words(n));
}

/* Rows of one block at output position (r, q), bit b, into the window. */
static void gather_block(const machine_state *s, const xb_layer *l, int r,
                         int q, int b, int block)
{
    size_t area = (size_t)l->frame_h * (size_t)l->frame_w;
    size_t channels = (size_t)l->in->weights.in;
    size_t total = area * channels * (size_t)l->n_blocks;
    const uint64_t *frame = s->frame + (size_t)b * xb_frame_words(total);
    size_t run = (size_t)l->in->kw * channels;
    size_t words = (size_t)l->words;
    uint64_t *to =
        s->window + (size_t)b * xb_window_words(l) + (size_t)block * words;
    bool whole = l->n_groups == 1 && !l->n_runs;
    uint64_t *string = whole ? to : s->string;
    if (!whole)
        memset(string, 0, xb_frame_words((size_t)l->n_rows) * sizeof *string);
    for (int i = 0; i < l->in->kh; i++) {
        size_t at = (size_t)(r * l->in->stride + i) * (size_t)l->frame_w +
                    (size_t)(q * l->in->stride);
        xb_bits_copy(frame, (at + (size_t)block * area) * channels, string,
                     (size_t)i * run, run);
    }
    for (int i = 0; i < l->n_runs; i++) {
        const xb_run *run_of = &l->runs[i];
        xb_bits_copy(string, (size_t)run_of->from,
                     to + (size_t)run_of->group * words, (size_t)run_of->to,
                     (size_t)run_of->n);
    }
    for (int g = 0; !l->n_runs && l->n_groups > 1 && g < l->n_groups; g++)
        xb_bits_copy(string, (size_t)l->groups[g].first,
                     to + (size_t)g * (size_t)l->n_blocks * words, 0,
                     (size_t)l->groups[g].n);
}

/* One position's inputs leave the buffer and pass the bus, once a pass. */
static void gather(const machine_state *s, const xb_layer *l, int r, int q,
                   stn_ledger_row *row)
{
    memset(s->window, 0,
           xb_window_words(l) * (size_t)l->n_bits * sizeof *s->window);
    for (int b = 0; b < l->n_bits; b++)
        for (int block = 0; block < l->n_blocks; block++)
            gather_block(s, l, r, q, b, block);
    uint64_t bits = xb_position_bits(l);
    for (uint64_t pass = 0; pass < l->placement.passes; pass++) {
        stn_ledger_post(row, STN_EVENT_buffer_bit, bits, 0);
        stn_ledger_post(row, STN_EVENT_link_bit, bits, 0);
    }
}

/* What one digit of one read is about. */
typedef struct drive {
    const machine_state *s;
    const xb_layer *l;
    const xb_read *read;
    const xb_digit *digit;
    const uint64_t *x; /* rows of the read's first block */
} drive;

/* Where the unit columns of its blocks, or its pack, are. */
static size_t unit_of(const drive *d)
{
    return (size_t)(d->l->groups[d->read->group].pack + d->read->first);
}

/* The columns of ones: Σ x of each block, through the ADC of slice 0. */
static void convert_units(const drive *d)
{
    const xb_layer *l = d->l;
    xb_columns c = {.x = d->x,
                    .x_column = (size_t)l->words,
                    .x_bit = xb_window_words(l),
                    .n_bits = d->digit->n,
                    .n = d->read->n,
                    .words = l->words};
    size_t at = unit_of(d);
    uint32_t *unit = d->s->unit + at;
    xb_adc whole = l->adc[0]; /* its cells are ideal */
    whole.fraction = 0;
    xb_columns_count(&c, unit);
    for (int b = 0; b < d->read->n; b++) {
        unit[b] = xb_adc_convert(&whole, unit[b]);
        uint32_t add = unit[b] << d->digit->first;
        d->s->unit_acc[at + (size_t)b] += d->digit->negative ? 0 - add : add;
    }
}

/* The nearest whole sum; cells that are not ideal may exceed the largest. */
static size_t bin_of(const xb_layer *l, uint32_t sum)
{
    size_t bin = l->cells
                     ? (sum + ((uint32_t)1 << XB_FRACTION) / 2) >> XB_FRACTION
                     : sum;
    return bin < l->n_bins ? bin : l->n_bins - 1;
}

/* Into the histogram; a column that is not converted has no sum. */
static void count_sums(const drive *d, int sign, int slice, int first, int n)
{
    const xb_layer *l = d->l;
    uint64_t *bins = d->s->bins + l->first_bin + (size_t)slice * l->n_bins;
    const uint8_t *live = l->live;
    if (live)
        live += xb_column_index(l, d->read->group, sign, slice) + (size_t)first;
    for (int i = 0; i < n; i++)
        if (!live || live[i])
            bins[bin_of(l, d->s->sums[i])]++;
}

/* The sums of cells that are not ideal; `c` says which columns. */
static void sum_cells(const drive *d, const xb_columns *c, int sign, int slice,
                      int first)
{
    const xb_layer *l = d->l;
    xb_cells_sum(
        &(xb_cells){.x = c->x,
                    .x_column = c->x_column,
                    .x_bit = c->x_bit,
                    .cells =
                        xb_cells_of(l, d->read->group, sign, slice) + first,
                    .stride = xb_width(l, d->read->group),
                    .n_bits = c->n_bits,
                    .n = c->n,
                    .words = c->words,
                    .rows = l->groups[d->read->group].n},
        d->s->sums);
}

/* Columns [first, first + n) of a set: sum, convert, shift and add. `unit`
 * is that of column i in unit[i · unit_step]. */
static void convert_columns(const drive *d, int sign, int slice, int first,
                            int n)
{
    const xb_layer *l = d->l;
    int bits = d->s->m->options.cell_bits, plane = slice * bits;
    int planes = l->n_planes - plane < bits ? l->n_planes - plane : bits;
    size_t words = (size_t)l->words;
    const uint64_t *w = xb_plane_of(l, d->read->group, sign, plane);
    xb_columns c = {.x = d->x,
                    .x_column = l->depthwise ? words : 0,
                    .x_bit = xb_window_words(l),
                    .w = w + (size_t)first * words,
                    .w_plane = xb_width(l, d->read->group) * words,
                    .n_bits = d->digit->n,
                    .n_planes = planes,
                    .n = n,
                    .words = l->words};
    if (l->cells)
        sum_cells(d, &c, sign, slice, first);
    else
        xb_columns_sum(&c, d->s->sums);
    if (d->s->bins)
        count_sums(d, sign, slice, first, n);
    size_t column =
        xb_column_index(l, d->read->group, sign, slice) + (size_t)first;
    xb_columns_add(&(xb_add){.adc = &l->adc[slice],
                             .shift = plane + d->digit->first,
                             .negative = d->digit->negative != (sign == 1),
                             .flips = l->flips ? l->flips + column : NULL,
                             .full = ((uint32_t)1 << bits) - 1,
                             .unit = d->s->unit + unit_of(d),
                             .unit_step = l->depthwise,
                             .n = n},
                   d->s->sums,
                   d->s->acc + xb_pack_of(d->l, d->read)->first + first);
}

/* One read for one digit: all signs, slices and column tiles. */
static void drive_rows(const drive *d, stn_ledger_row *row)
{
    const xb_layer *l = d->l;
    uint64_t rows =
        (uint64_t)l->groups[d->read->group].n * (uint64_t)d->read->n;
    if (l->has_unit)
        convert_units(d);
    for (int sign = 0; sign < l->n_signs; sign++)
        for (int slice = 0; slice < l->n_slices; slice++) {
            uint64_t columns = d->read->columns[sign][slice];
            stn_event adc =
                (stn_event)(STN_EVENT_adc1 + l->adc[slice].bits - 1);
            stn_ledger_post(row, STN_EVENT_crossbar_read, rows * columns, 0);
            stn_ledger_post(row, STN_EVENT_dac,
                            rows * (uint64_t)xb_pack_of(d->l, d->read)->tiles,
                            0);
            stn_ledger_post(row, STN_EVENT_sample_hold, columns, 0);
            stn_ledger_post(row, adc, columns, 0);
            stn_ledger_post(row, STN_EVENT_shift_add, columns, 0);
            if (!l->depthwise)
                convert_columns(d, sign, slice, 0,
                                xb_pack_of(d->l, d->read)->n);
            else
                for (int o = d->read->first; o < l->out; o += l->n_blocks)
                    convert_columns(d, sign, slice, o, d->read->n);
        }
}

/* Time passes for the slowest array of each round, in every pass. */
static void pass_rounds(const xb_layer *l, stn_ledger_row *row)
{
    uint64_t passes = l->placement.passes;
    for (int k = 0; k < l->n_rounds; k++) {
        const xb_round *r = &l->rounds[k];
        stn_ledger_post(row, STN_EVENT_crossbar_read, 0,
                        passes * r->read_steps);
        stn_ledger_post(row, (stn_event)(STN_EVENT_adc1 + r->adc_bits - 1), 0,
                        passes * r->adc_steps);
    }
}

/* One output position. */
static void run_position(const machine_state *s, const xb_layer *l, bool timed,
                         int32_t *y, stn_ledger_row *row)
{
    memset(s->acc, 0, (size_t)l->out * sizeof *s->acc);
    memset(s->unit_acc, 0, xb_units(l) * sizeof *s->unit_acc);
    for (int k = 0; k < l->n_digits; k++) {
        for (int i = 0; i < l->n_reads; i++) {
            const xb_read *read = &l->reads[i];
            size_t at = (size_t)l->digits[k].first * (size_t)l->n_groups +
                        (size_t)read->group;
            at = at * (size_t)l->n_blocks + (size_t)read->first;
            drive_rows(&(drive){.s = s,
                                .l = l,
                                .read = read,
                                .digit = &l->digits[k],
                                .x = s->window + at * (size_t)l->words},
                       row);
        }
        if (timed)
            pass_rounds(l, row);
    }
    int held = l->packs[l->n_packs - 1].first +
               l->packs[l->n_packs - 1].n * l->n_blocks;
    for (int i = 0; i < held; i++) {
        int unit = i % l->n_blocks + i / l->pack_columns;
        y[xb_filter_at(l, i)] =
            (int32_t)(l->gain * s->acc[i] - l->bias * s->unit_acc[unit]);
    }
    for (int i = held; i < l->out; i++) /* no weights, no column */
        y[xb_filter_at(l, i)] = 0;
    stn_ledger_post(row, STN_EVENT_shift_add, xb_additions(l), 0);
}

/* The same by the scalar definition. */
static void define_position(const machine_state *s, const xb_layer *l, int r,
                            int q, int32_t *y)
{
    size_t area = (size_t)l->frame_h * (size_t)l->frame_w;
    size_t channels = (size_t)l->in->weights.in;
    int32_t *rows = s->padded + area * channels * (size_t)l->n_blocks;
    size_t run = (size_t)l->in->kw * channels;
    for (int k = 0; k < l->n_blocks * l->in->kh; k++) {
        int block = k / l->in->kh, i = k % l->in->kh;
        size_t at = (size_t)block * area +
                    (size_t)(r * l->in->stride + i) * (size_t)l->frame_w +
                    (size_t)(q * l->in->stride);
        memcpy(rows + (size_t)k * run, s->padded + at * channels,
               run * sizeof *rows);
    }
    for (int o = 0; o < l->out; o++)
        y[o] = xb_scalar_filter(s->m, l, o, rows);
}

/* Weights that do not stay come by the bus, row by row. Each pass takes as
 * long as the array that most rows are written in. */
static void write_weights(const machine_state *s, const xb_layer *l,
                          stn_ledger_row *row)
{
    uint64_t rows = l->placement.streamed_rows;
    for (uint64_t k = 0; k < rows; k++) {
        stn_ledger_post(row, STN_EVENT_link_bit, xb_row_bits(s->m), 0);
        stn_ledger_post(row, STN_EVENT_row_write, 1, 0);
    }
    for (uint64_t pass = 0; rows && pass < l->placement.passes; pass++)
        for (int k = 0; k < l->most_held; k++)
            stn_ledger_post(row, STN_EVENT_row_write, 0, 1);
}

static void run_analog(const machine_state *s, const xb_layer *l,
                       stn_ledger_row *row)
{
    const stn_shape y = s->m->program->values[l->in->output].shape;
    int32_t *out = value_of(s, l->in->output);
    write_weights(s, l, row);
    fill_frame(s, l);
    for (int p = 0; p < y.h * y.w; p++) {
        int32_t *to = out + (size_t)p * (size_t)y.c;
        if (s->scalar) {
            define_position(s, l, p / y.w, p % y.w, to);
            continue;
        }
        gather(s, l, p / y.w, p % y.w, row);
        run_position(s, l, p % s->m->options.copies == 0, to, row);
    }
    post_buffer(s, l->in->output, row);
}

/* --- digital units --------------------------------------------------------*/

static void run_digital(const machine_state *s, const xb_layer *l,
                        stn_ledger_row *row)
{
    const stn_instruction *in = l->in;
    uint64_t lanes = (uint64_t)s->m->options.lanes;
    uint64_t n = stn_digital_count(s->m->program, in);
    for (int k = 0; k < in->n_inputs; k++)
        post_buffer(s, in->inputs[k], row);
    stn_digital_run(s->m->program, in, value_of(s, in->inputs[0]),
                    value_of(s, in->inputs[in->n_inputs - 1]),
                    value_of(s, in->output));
    stn_ledger_post(row, stn_digital_unit(in), n, (n + lanes - 1) / lanes);
    post_buffer(s, in->output, row);
}

/* --- across time ----------------------------------------------------------*/

static void run_tick(const machine_state *s, const xb_layer *l,
                     const stn_tick *tick, stn_ledger_row *row)
{
    const stn_instruction *in = l->in;
    bool own = l->kept.keep == STN_KEEP_STATE;
    int32_t *state = own ? s->values.numbers + l->state : NULL;
    stn_tick_data data = stn_values_tick(&s->values, in, tick, state);
    uint64_t n = stn_shape_count(data.shape);
    uint64_t lanes = (uint64_t)s->m->options.lanes;
    if (tick->reads_input)
        post_buffer(s, in->inputs[0], row);
    if (tick->reads_kept && !own)
        post_buffer(s, in->output, row);
    else if (tick->reads_kept)
        stn_ledger_post(row, STN_EVENT_buffer_bit, n * (uint64_t)l->kept.bits,
                        0);
    stn_neurons_run(in, tick, &data);
    if (tick->works)
        stn_ledger_post(row, l->kept.unit, n, (n + lanes - 1) / lanes);
    if (tick->writes_state)
        stn_ledger_post(row, STN_EVENT_buffer_bit, n * (uint64_t)l->kept.bits,
                        0);
    if (tick->writes_output)
        post_buffer(s, in->output, row);
}

static void run_time(const machine_state *s, const xb_layer *l,
                     stn_ledger_row *row)
{
    for (int k = 0; k < stn_neurons_ticks(l->in, l->steps); k++) {
        stn_tick tick = stn_neurons_tick(l->in, l->steps, k);
        run_tick(s, l, &tick, row);
    }
}

/* --- a picture ------------------------------------------------------------*/

size_t xb_scratch_bytes(const void *mapping)
{
    const xb_mapping *m = mapping;
    return (m->n_frame + m->n_window + m->n_string + 2) * sizeof(uint64_t) +
           (m->n_numbers + m->n_padded) * sizeof(int32_t) +
           m->n_sums * sizeof(uint32_t);
}

static machine_state state_of(const xb_mapping *m, void *scratch)
{
    machine_state s = {.m = m, .frame = scratch};
    s.window = s.frame + m->n_frame;
    s.string = s.window + m->n_window + 1;
    s.values = (stn_values){.program = m->program,
                            .offsets = m->offsets,
                            .numbers = (int32_t *)(s.string + m->n_string + 1)};
    s.padded = s.values.numbers + m->n_numbers;
    s.sums = (uint32_t *)(s.padded + m->n_padded);
    return s;
}

static void run_layer(machine_state *s, int index, stn_ledger_row *row)
{
    const xb_layer *l = &s->m->layers[index];
    s->acc = s->sums + l->out;
    s->unit = s->acc + l->out;
    s->unit_acc = s->unit + (l->analog ? xb_units(l) : 0);
    if (stn_opcode_is_time(l->in->opcode)) {
        run_time(s, l, row);
        return;
    }
    for (s->t = 0; s->t < l->steps; s->t++)
        if (l->analog)
            run_analog(s, l, row);
        else
            run_digital(s, l, row);
    s->t = 0;
}

/* The picture goes into value 0, and the last value is the result. */
static void load_picture(const machine_state *s, const uint8_t *pixels)
{
    size_t n = stn_shape_count(s->m->program->input);
    int32_t *to = value_of(s, 0);
    for (size_t i = 0; i < n; i++)
        to[i] = pixels[i];
}

static int result_of(const machine_state *s)
{
    const stn_program *p = s->m->program;
    return p->instructions[p->n_instructions - 1].output;
}

void xb_execute(const void *mapping, const uint8_t *pixels, int32_t *logits,
                void *scratch, stn_ledger *ledger)
{
    machine_state s = state_of(mapping, scratch);
    int n = s.m->program->n_instructions;
    s.bins = ledger->bins;
    load_picture(&s, pixels);
    post_buffer(&s, 0, &ledger->rows[0]);
    for (int i = 0; i < n; i++)
        run_layer(&s, i, &ledger->rows[i]);
    post_buffer(&s, result_of(&s), &ledger->rows[n - 1]);
    memcpy(logits, value_of(&s, result_of(&s)),
           (size_t)s.m->program->n_classes * sizeof *logits);
}

void xb_define(const void *mapping, const uint8_t *pixels, int32_t *logits,
               void *scratch)
{
    machine_state s = state_of(mapping, scratch);
    stn_ledger_row unused = {0};
    s.scalar = true;
    load_picture(&s, pixels);
    for (int i = 0; i < s.m->program->n_instructions; i++)
        run_layer(&s, i, &unused);
    memcpy(logits, value_of(&s, result_of(&s)),
           (size_t)s.m->program->n_classes * sizeof *logits);
}
