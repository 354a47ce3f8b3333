/* SPDX-License-Identifier: MIT
 *
 * Executing one picture: bits move and combine as the machine would move and
 * combine them, and each event is posted where it happens. Nothing here looks
 * at closed forms, and no integer arithmetic of a convolution is done: sums
 * come out of the row operations. */
#include "accel/bitwise_noise.h"
#include <string.h>

static uint64_t *operand_of(const bw_state *s)
{
    return s->words + s->m->operand_offset;
}

static uint64_t *carry_of(const bw_state *s)
{
    return s->words + s->m->carry_offset;
}

static bw_tally tally_of(const bw_state *s, stn_ledger_row *row,
                         const bw_value *v)
{
    return (bw_tally){.row = row,
                      .arrays = (uint64_t)v->tiles,
                      .logic = s->m->options.logic,
                      .latch = s->m->options.carry == BW_CARRY_LATCH,
                      .noise = s->noise};
}

/* --- values between sub-arrays and digital units --------------------------*/

/* One row of a value leaves (or, with row_write, enters) its sub-arrays, by
 * the link, through the buffer that turns rows into numbers. */
static void post_row(stn_ledger_row *row, stn_event event, const bw_value *v)
{
    uint64_t bits = (uint64_t)v->columns;
    stn_ledger_post(row, event, (uint64_t)v->tiles, 1);
    stn_ledger_post(row, STN_EVENT_link_bit, bits, 1);
    stn_ledger_post(row, STN_EVENT_buffer_bit, bits, 1);
}

/* What is read of a line: its rows, or where reading errs a copy of them. */
static const uint64_t *read_line(const bw_state *s, const bw_value *v, int line,
                                 uint64_t *copy)
{
    if (!s->noise)
        return bw_rows_of(s, v, line);
    for (int b = 0; b < bw_line_of(v, line)->width; b++)
        memcpy(copy + (size_t)b * (size_t)v->words, bw_read_row(s, v, line, b),
               (size_t)v->words * sizeof *copy);
    return copy;
}

void bw_value_read(const bw_state *s, const bw_value *v, int32_t *numbers,
                   stn_ledger_row *row)
{
    for (int l = 0; l < v->n_lines; l++) {
        for (int b = 0; b < bw_line_of(v, l)->width; b++)
            post_row(row, STN_EVENT_row_read, v);
        bw_line_unpack(v, l, read_line(s, v, l, operand_of(s)),
                       numbers + (size_t)l * (size_t)v->columns);
    }
}

/* Cells of one row of a value's columns. */
static size_t row_cells(const bw_value *v)
{
    return 64 * (size_t)v->words;
}

void bw_value_write(const bw_state *s, const bw_value *v,
                    const int32_t *numbers, stn_ledger_row *row)
{
    for (int l = 0; l < v->n_lines; l++) {
        uint64_t *rows = bw_rows_of(s, v, l);
        bw_line_pack(v, l, numbers + (size_t)l * (size_t)v->columns, rows);
        for (int b = 0; b < bw_line_of(v, l)->width; b++) {
            size_t at = (size_t)l * (size_t)v->bits + (size_t)b;
            bw_noise_write(s->noise, rows + (size_t)b * (size_t)v->words,
                           v->cells + at * row_cells(v), v->words);
            post_row(row, STN_EVENT_row_write, v);
        }
    }
}

/* --- convolutions ---------------------------------------------------------*/

/* Cells of an operand's slot in its group. */
static size_t slot_cells(const bw_state *s, const bw_layer *layer, int group)
{
    const bw_value *x = &s->m->values[layer->in->inputs[0]];
    const bw_value *y = &s->m->values[layer->in->output];
    return layer->places.operand +
           (size_t)group * (size_t)x->bits * row_cells(y);
}

/* Reads the operand's line, moves it to its place, writes it to the slot. */
static void fetch(const bw_state *s, const bw_layer *layer, int group,
                  const bw_operand *o, stn_ledger_row *row)
{
    const bw_value *x = &s->m->values[layer->in->inputs[0]];
    const bw_value *y = &s->m->values[layer->in->output];
    uint64_t *to = operand_of(s);
    for (int b = 0; b < bw_line_of(x, o->line)->width; b++, to += y->words) {
        bw_row_gather(&layer->window.taps[o->tap], x, o->column,
                      bw_read_row(s, x, o->line, b), y, to);
        bw_noise_write(s->noise, to,
                       slot_cells(s, layer, group) + (size_t)b * row_cells(y),
                       y->words);
        stn_ledger_post(row, STN_EVENT_row_read, (uint64_t)x->tiles, 1);
        stn_ledger_post(row, STN_EVENT_link_bit, (uint64_t)y->columns, 1);
        stn_ledger_post(row, STN_EVENT_row_write, (uint64_t)y->tiles, 1);
    }
}

/* All amplifiers of a sub-array that holds it. */
static size_t all_amplifiers(const bw_value *y)
{
    return BW_REFERENCES * row_cells(y);
}

static void run_steps(const bw_state *s, const bw_layer *layer, int group,
                      const bw_operand *o, stn_ledger_row *row)
{
    static void (*const run[])(const bw_sum *, bw_tally *) = {
        bw_rows_copy, bw_rows_negate, bw_rows_add};
    const bw_value *x = &s->m->values[layer->in->inputs[0]];
    const bw_value *y = &s->m->values[layer->in->output];
    const bw_line *line = bw_line_of(x, o->line);
    const bw_places *places = &layer->places;
    bw_tally tally = tally_of(s, row, y);
    size_t slot = slot_cells(s, layer, group);
    for (int i = o->first; i < o->first + o->n; i++) {
        const bw_step *step = &layer->window.steps[i];
        size_t first = (size_t)step->filter * (size_t)y->bits;
        bw_sum sum = {.acc = bw_rows_of(s, y, step->filter),
                      .width = bw_line_of(y, step->filter)->width,
                      .words = y->words,
                      .operand = operand_of(s),
                      .bits = line->width,
                      .is_signed = line->is_signed,
                      .shift = step->shift,
                      .invert = step->invert,
                      .carry = carry_of(s),
                      .acc_cells = y->cells + first * row_cells(y),
                      .operand_cells = slot,
                      .low_cells = slot,
                      .carry_cells =
                          places->carry + (size_t)group * row_cells(y),
                      .amplifiers = places->amplifiers +
                                    (size_t)group * all_amplifiers(y)};
        run[step->kind](&sum, &tally);
    }
}

static void run_window(const bw_state *s, const bw_layer *layer,
                       stn_ledger_row *row)
{
    const bw_window *w = &layer->window;
    const double *latency_s = s->m->machine->event_latency_s;
    stn_ledger_row slowest = {0};
    double slowest_s = -1.0;
    bw_post_kernels(layer, row);
    for (int g = 0; g < w->n_groups; g++) {
        stn_ledger_row part = {0};
        const bw_group *group = &w->groups[g];
        for (int i = group->first; i < group->first + group->n; i++) {
            fetch(s, layer, g, &w->operands[i], &part);
            run_steps(s, layer, g, &w->operands[i], &part);
        }
        stn_ledger_join(row, &part, latency_s, &slowest, &slowest_s);
    }
    bw_join_end(layer, row, &slowest);
}

/* --- fully connected layers -----------------------------------------------*/

static uint64_t *partial_of(const bw_state *s, const bw_layer *layer, int chunk)
{
    const bw_value *y = &s->m->values[layer->in->output];
    return s->words + layer->neurons.offset +
           (size_t)chunk * (size_t)y->bits * (size_t)y->words;
}

/* Accumulators of a chunk, with no operand yet. */
static bw_sum chunk_sum(const bw_state *s, const bw_layer *layer, int chunk)
{
    const bw_value *y = &s->m->values[layer->in->output];
    const bw_places *places = &layer->places;
    size_t n = (size_t)chunk;
    return (bw_sum){.acc = partial_of(s, layer, chunk),
                    .width = y->bits,
                    .words = y->words,
                    .is_signed = true,
                    .carry = carry_of(s),
                    .acc_cells =
                        places->sums + n * (size_t)y->bits * row_cells(y),
                    .carry_cells = places->carry + n * row_cells(y),
                    .amplifiers = places->amplifiers + n * all_amplifiers(y)};
}

/* Row `bit` of the line that an input is in, as the controller has read it. */
static const uint64_t *input_row(const bw_state *s, const bw_layer *layer,
                                 const bw_synapse *from, int bit)
{
    const bw_value *x = &s->m->values[layer->in->inputs[0]];
    const uint64_t *rows =
        s->noise ? s->words + s->m->read_offset : bw_rows_of(s, x, 0);
    return rows + ((size_t)from->line * (size_t)x->bits + (size_t)bit) *
                      (size_t)x->words;
}

/* Adds the weights of an input whose bit `bit` is 1. Returns whether it is. */
static uint64_t add_bit(const bw_state *s, const bw_layer *layer, int chunk,
                        int input, int bit, bw_tally *tally)
{
    const bw_neurons *n = &layer->neurons;
    const bw_value *y = &s->m->values[layer->in->output];
    const bw_synapse *from = &n->synapses[input];
    const uint64_t *row = input_row(s, layer, from, bit) + from->column / 64;
    if (!(*row >> (from->column % 64) & 1))
        return 0;
    size_t first = (size_t)input * (size_t)n->weight_bits;
    bw_sum sum = chunk_sum(s, layer, chunk);
    sum.operand = n->planes + first * (size_t)y->words;
    sum.bits = n->weight_bits;
    sum.shift = bit;
    sum.operand_cells = layer->places.weights + first * row_cells(y);
    sum.low_cells = sum.operand_cells;
    if (n->stored_bits < n->weight_bits) /* one row of ones serves them all */
        sum.low_cells = layer->places.ones + (size_t)chunk * row_cells(y);
    bw_rows_add(&sum, tally);
    return 1;
}

/* The bit of weight −2^(width − 1): its weights are subtracted, all at once,
 * while the accumulators lie complemented. */
static uint64_t subtract_signs(const bw_state *s, const bw_layer *layer,
                               int chunk, int first, int end, bw_tally *tally)
{
    const bw_value *x = &s->m->values[layer->in->inputs[0]];
    const bw_value *y = &s->m->values[layer->in->output];
    const bw_sum all = chunk_sum(s, layer, chunk);
    uint64_t ones = 0;
    for (int i = first; i < end; i++) {
        const bw_synapse *from = &layer->neurons.synapses[i];
        const bw_line *line = bw_line_of(x, from->line);
        if (!line->is_signed || line->width > y->bits ||
            !(input_row(s, layer, from, line->width - 1)[from->column / 64] >>
                  (from->column % 64) &
              1))
            continue;
        if (!ones++)
            bw_rows_complement(&all, tally);
        add_bit(s, layer, chunk, i, line->width - 1, tally);
    }
    if (ones)
        bw_rows_complement(&all, tally);
    return ones;
}

static void run_chunk(const bw_state *s, const bw_layer *layer, int chunk,
                      stn_ledger_row *part)
{
    const bw_neurons *n = &layer->neurons;
    const bw_value *x = &s->m->values[layer->in->inputs[0]];
    const bw_value *y = &s->m->values[layer->in->output];
    bw_tally tally = tally_of(s, part, y);
    int first = chunk * n->per_chunk;
    int end = first + n->per_chunk < n->n_synapses ? first + n->per_chunk
                                                   : n->n_synapses;
    const bw_sum all = chunk_sum(s, layer, chunk);
    bw_rows_clear(&all, &tally);
    for (int i = first; i < end; i++) {
        const bw_line *line = bw_line_of(x, n->synapses[i].line);
        int bits = line->width - line->is_signed;
        for (int b = 0; b < bits && b < y->bits; b++)
            part->input_ones += add_bit(s, layer, chunk, i, b, &tally);
        part->input_bits +=
            (uint64_t)(line->width < y->bits ? line->width : y->bits);
    }
    part->input_ones += subtract_signs(s, layer, chunk, first, end, &tally);
}

/* Partial sum of chunk b moves to chunk a's sub-array and is added there. */
static void reduce(const bw_state *s, const bw_layer *layer, int a, int b,
                   stn_ledger_row *part)
{
    const bw_value *y = &s->m->values[layer->in->output];
    bw_tally tally = tally_of(s, part, y);
    const bw_sum from = chunk_sum(s, layer, b);
    bw_sum sum = chunk_sum(s, layer, a);
    sum.operand = from.acc;
    sum.bits = y->bits;
    sum.operand_cells =
        layer->places.operand + (size_t)a * (size_t)y->bits * row_cells(y);
    sum.low_cells = sum.operand_cells;
    for (int k = 0; k < y->bits; k++) {
        uint64_t *moved = from.acc + k * y->words;
        const bw_row row = {moved, from.acc_cells + (size_t)k * row_cells(y)};
        if (s->noise) {
            memcpy(moved,
                   bw_noise_sense(s->noise, 1, &row, from.amplifiers, y->words),
                   (size_t)y->words * sizeof *moved);
            bw_noise_write(s->noise, moved,
                           sum.operand_cells + (size_t)k * row_cells(y),
                           y->words);
        }
        stn_ledger_post(part, STN_EVENT_row_read, (uint64_t)y->tiles, 1);
        stn_ledger_post(part, STN_EVENT_link_bit, (uint64_t)y->columns, 1);
        stn_ledger_post(part, STN_EVENT_row_write, (uint64_t)y->tiles, 1);
    }
    bw_rows_add(&sum, &tally);
}

static void run_neurons(const bw_state *s, const bw_layer *layer,
                        stn_ledger_row *row)
{
    const bw_neurons *n = &layer->neurons;
    const bw_value *x = &s->m->values[layer->in->inputs[0]];
    const bw_value *y = &s->m->values[layer->in->output];
    const double *latency_s = s->m->machine->event_latency_s;
    stn_ledger_row slowest = {0};
    double slowest_s = -1.0;
    for (int l = 0; l < x->n_lines; l++) {
        read_line(s, x, l,
                  s->words + s->m->read_offset +
                      (size_t)l * (size_t)x->bits * (size_t)x->words);
        for (int b = 0; b < bw_line_of(x, l)->width; b++)
            post_row(row, STN_EVENT_row_read, x);
    }
    for (int c = 0; c < n->n_chunks; c++) {
        stn_ledger_row part = {0};
        run_chunk(s, layer, c, &part);
        stn_ledger_join(row, &part, latency_s, &slowest, &slowest_s);
    }
    bw_join_end(layer, row, &slowest);
    for (int distance = 1; distance < n->n_chunks; distance *= 2) {
        slowest = (stn_ledger_row){0};
        slowest_s = -1.0;
        for (int a = 0; a + distance < n->n_chunks; a += 2 * distance) {
            stn_ledger_row part = {0};
            reduce(s, layer, a, a + distance, &part);
            stn_ledger_join(row, &part, latency_s, &slowest, &slowest_s);
        }
        stn_ledger_join_end(row, &slowest);
    }
    if (n->n_chunks)
        memcpy(bw_rows_of(s, y, 0), partial_of(s, layer, 0),
               (size_t)y->bits * (size_t)y->words * sizeof *s->words);
}

/* --- sums by bit-count ----------------------------------------------------*/

static void run_count(const bw_state *s, const bw_layer *layer,
                      stn_ledger_row *row)
{
    const bw_value *y = &s->m->values[layer->in->output];
    bw_value_read(s, &s->m->values[layer->in->inputs[0]], s->numbers[0], row);
    bw_run_count(s->m, layer,
                 &(bw_count_memory){.in = s->numbers[0],
                                    .out = s->numbers[2],
                                    .window = s->numbers[1],
                                    .planes = s->words + s->m->window_offset,
                                    .noise = s->noise},
                 row);
    bw_value_write(s, y, s->numbers[2], row);
}

/* --- digital units --------------------------------------------------------*/

static int32_t clamp(int64_t v, int64_t lo, int64_t hi)
{
    return (int32_t)(v < lo ? lo : v > hi ? hi : v);
}

/* Numbers lie line by line: channel by channel, and with one position per
 * channel that is also the order of a flat value. */
static void rescale(const bw_state *s, const stn_instruction *in)
{
    const bw_value *y = &s->m->values[in->output];
    size_t positions = (size_t)y->shape.h * (size_t)y->shape.w;
    for (int c = 0; c < y->shape.c; c++) {
        const int32_t *x0 = s->numbers[0] + (size_t)c * positions;
        const int32_t *x1 = s->numbers[1] + (size_t)c * positions;
        int32_t *out = s->numbers[2] + (size_t)c * positions;
        int64_t m0 = in->m0[c], m1 = in->n_inputs == 2 ? in->m1[c] : 0;
        for (size_t p = 0; p < positions; p++) {
            int64_t sum = x0[p] * m0 + in->a[c];
            if (in->n_inputs == 2)
                sum += x1[p] * m1;
            out[p] = clamp(sum >> in->shift, in->lo, in->hi);
        }
    }
}

static int32_t window(const stn_instruction *in, const int32_t *x, int width)
{
    int32_t best = x[0];
    int64_t sum = 0;
    for (int i = 0; i < in->kh; i++)
        for (int j = 0; j < in->kw; j++) {
            int32_t v = x[i * width + j];
            best = v > best ? v : best;
            sum += v;
        }
    return in->opcode == STN_MAX_POOL ? best : (int32_t)sum;
}

static void pool(const bw_state *s, const stn_instruction *in)
{
    const bw_value *x = &s->m->values[in->inputs[0]];
    const bw_value *y = &s->m->values[in->output];
    const int32_t *from = s->numbers[0];
    int32_t *to = s->numbers[2];
    for (int c = 0; c < y->shape.c; c++, from += x->shape.h * x->shape.w)
        for (int r = 0; r < y->shape.h; r++)
            for (int q = 0; q < y->shape.w; q++)
                *to++ = window(
                    in, from + r * in->stride * x->shape.w + q * in->stride,
                    x->shape.w);
}

static void run_digital(const bw_state *s, const bw_layer *layer,
                        stn_ledger_row *row)
{
    const stn_instruction *in = layer->in;
    const bw_value *y = &s->m->values[in->output];
    bool is_rescale = in->opcode == STN_RESCALE;
    uint64_t lanes = (uint64_t)s->m->options.lanes;
    uint64_t each =
        is_rescale ? (uint64_t)in->n_inputs : (uint64_t)(in->kh * in->kw - 1);
    for (int k = 0; k < in->n_inputs; k++)
        bw_value_read(s, &s->m->values[in->inputs[k]], s->numbers[k], row);
    if (is_rescale)
        rescale(s, in);
    else
        pool(s, in);
    for (int l = 0; l < y->n_lines; l++) {
        uint64_t n = (uint64_t)y->columns * each;
        stn_ledger_post(row, is_rescale ? STN_EVENT_rescale : STN_EVENT_pool, n,
                        (n + lanes - 1) / lanes);
    }
    bw_value_write(s, y, s->numbers[2], row);
}

/* Weights that do not stay come by the link, row by row. */
static void stream_weights(const bw_state *s, const bw_layer *layer,
                           stn_ledger_row *row)
{
    for (uint64_t k = 0; k < layer->placement.streamed_rows; k++) {
        stn_ledger_post(row, STN_EVENT_link_bit, (uint64_t)s->m->columns, 1);
        stn_ledger_post(row, STN_EVENT_row_write, 1, 1);
    }
}

/* --- a picture ------------------------------------------------------------*/

size_t bw_scratch_bytes(const void *mapping)
{
    const bw_mapping *m = mapping;
    return m->n_words * sizeof(uint64_t) + 3 * m->n_numbers * sizeof(int32_t);
}

static void load_picture(const bw_state *s, const uint8_t *pixels,
                         stn_ledger_row *row)
{
    const bw_value *v = &s->m->values[0];
    int positions = v->shape.h * v->shape.w;
    for (int p = 0; p < positions; p++)
        for (int c = 0; c < v->shape.c; c++)
            s->numbers[0][(size_t)c * (size_t)positions + (size_t)p] =
                *pixels++;
    bw_value_write(s, v, s->numbers[0], row);
}

static void run_layer(const bw_state *s, const bw_layer *layer,
                      stn_ledger_row *row)
{
    stream_weights(s, layer, row);
    if (layer->unit == BW_WINDOW)
        run_window(s, layer, row);
    else if (layer->unit == BW_NEURONS)
        run_neurons(s, layer, row);
    else if (layer->unit == BW_COUNT)
        run_count(s, layer, row);
    else if (layer->unit == BW_COMPARE)
        bw_run_compare(s, layer, row);
    else if (layer->unit == BW_DIGITAL)
        run_digital(s, layer, row);
}

void bw_execute(const void *mapping, const uint8_t *pixels, int32_t *logits,
                void *scratch, stn_ledger *ledger)
{
    const bw_mapping *m = mapping;
    bw_state s = {.m = m, .words = scratch};
    int n = m->program->n_instructions;
    for (int k = 0; k < 3; k++)
        s.numbers[k] =
            (int32_t *)(s.words + m->n_words) + (size_t)k * m->n_numbers;
    bw_noise noise;
    if (m->noise_words) {
        bw_noise_begin(&noise, m, pixels, s.words + m->noise_offset);
        s.noise = &noise;
    }
    load_picture(&s, pixels, &ledger->rows[0]);
    for (int i = 0; i < n; i++) {
        if (m->layers[i].unit == BW_TIME)
            bw_run_time(&s, &m->layers[i], &ledger->rows[i]);
        else
            for (s.t = 0; s.t < m->layers[i].steps; s.t++)
                run_layer(&s, &m->layers[i], &ledger->rows[i]);
        s.t = 0;
    }
    const bw_value *result = &m->values[m->layers[n - 1].in->output];
    bw_value_read(&s, result, s.numbers[0], &ledger->rows[n - 1]);
    memcpy(logits, s.numbers[0],
           (size_t)m->program->n_classes * sizeof *logits);
}
