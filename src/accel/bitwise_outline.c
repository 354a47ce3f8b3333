/* SPDX-License-Identifier: MIT
 *
 * Layers whose weights are known by number only (stn_weight_outline): the
 * sums of bitwise_predict.c in expectation. A weight is nonzero with the
 * outline's density, all nonzero codes are alike often and independent, so
 * that half are negative; filters of a layer are as wide as the expected
 * range that the outline has. Filters fill groups alike, but for the last. */
#include "accel/bitwise.h"
#include <math.h>

#define DIGITS 9

/* Of one nonzero code: P(digit k of its canonical signed digits is not 0), and
 * their sum. */
typedef struct code_digits {
    double digit[DIGITS], sum;
} code_digits;

/* Canonical signed digits of c are the binary digits in which 3c and c
 * differ, one place up (Reitwiesner 1960). */
static code_digits digits_of(int bits)
{
    code_digits d = {0};
    int largest = bits < 3 ? 1 : (1 << (bits - 1)) - 1;
    const double one = 1.0 / largest;
    for (int c = 1; c <= largest; c++)
        for (int k = 0; k < DIGITS; k++)
            d.digit[k] += (3 * c ^ c) >> (k + 1) & 1 ? one : 0.0;
    for (int k = 0; k < DIGITS; k++)
        d.sum += d.digit[k];
    return d;
}

/* Products of one output. */
static double products_of(const stn_weights *w)
{
    return (double)w->kh * w->kw * w->in / w->outline->blocks;
}

/* Events of a step, of any logic. */
static const stn_event step_events[] = {
    STN_EVENT_row_read, STN_EVENT_row_logic2, STN_EVENT_row_logic3,
    STN_EVENT_row_copy, STN_EVENT_row_write};
#define N_STEP_EVENTS (sizeof step_events / sizeof *step_events)

/* Adds `weight` times what bw_predict_step says of a step to `sum`. */
static void add_step(const bw_mapping *m, const bw_layer *layer, bw_kind kind,
                     int shift, double weight, double *sum)
{
    const bw_value *y = &m->values[layer->in->output];
    stn_ledger_row one = {0};
    bw_step step = {.kind = (uint8_t)kind, .shift = (uint8_t)shift};
    bw_predict_step(&one, &step, y->bits,
                    bw_line_of(&m->values[layer->in->inputs[0]], 0), 1,
                    &m->options);
    for (size_t i = 0; i < N_STEP_EVENTS; i++)
        sum[i] += weight * (double)one.total[step_events[i]];
}

/* What `filters` filters of one group do: the operands that any of them needs
 * are fetched, and each adds its own, the first as copy or as negation. */
static void predict_group(const bw_mapping *m, const bw_layer *layer,
                          const code_digits *d, int filters,
                          stn_ledger_row *part)
{
    const stn_weights *w = &layer->in->weights;
    const bw_value *x = &m->values[layer->in->inputs[0]];
    const bw_value *y = &m->values[layer->in->output];
    double density = w->outline->density, sharing = filters, sets = 1.0;
    if (layer->in->opcode == STN_DEPTHWISE) {
        sharing = fmin(filters, (double)w->out / x->shape.c);
        sets = filters / sharing;
    }
    double fetched =
        sets * products_of(w) * (1.0 - pow(1.0 - density, sharing)) * x->bits;
    double steps = products_of(w) * density * d->sum;
    double sum[N_STEP_EVENTS] = {0};
    for (int k = 0; k < DIGITS && k < y->bits; k++) {
        double share = filters * d->digit[k] / d->sum;
        if (share <= 0.0)
            continue;
        add_step(m, layer, BW_COPY, k, share / 2, sum);
        add_step(m, layer, BW_NEGATE, k, share / 2, sum);
        add_step(m, layer, BW_ADD, k, share * fmax(steps - 1.0, 0.0), sum);
    }
    for (size_t i = 0; i < N_STEP_EVENTS; i++) {
        uint64_t rows = (uint64_t)llround(sum[i]);
        stn_ledger_post(part, step_events[i], rows * (uint64_t)y->tiles, rows);
    }
    bw_predict_fetch(m, layer, (uint64_t)llround(fetched), part);
}

/* Room for one kind of part that is full and one that is not. */
static stn_status make_parts(bw_mapping *m, bw_layer *layer, uint64_t n_full,
                             bool rest, stn_error *err)
{
    layer->n_parts = (n_full > 0) + rest;
    layer->parts = stn_arena_alloc(&m->arena, 2, sizeof *layer->parts);
    return layer->parts ? STN_OK : stn_fail_memory(err, "a prediction");
}

stn_status bw_outline_window(bw_mapping *m, bw_layer *layer, stn_error *err)
{
    const stn_instruction *in = layer->in;
    const bw_value *x = &m->values[in->inputs[0]];
    const bw_value *y = &m->values[in->output];
    int blocks = in->weights.outline->blocks;
    int out = in->weights.out / blocks; /* a block has groups of its own */
    int per_group = y->bits ? bw_window_room(m, x) / y->bits : out;
    if (per_group < 1)
        return stn_fail(err, STN_E_UNSUPPORTED,
                        "%s: a sum of %d rows beside an operand of %d does "
                        "not fit a sub-array of %d rows",
                        in->name, y->bits, x->bits, m->rows);
    if (m->options.filters && per_group > m->options.filters)
        per_group = m->options.filters;
    uint64_t n_full = (uint64_t)(out / per_group);
    int rest = out % per_group;
    STN_TRY(make_parts(m, layer, n_full, rest > 0, err));
    bw_part *parts = layer->parts;
    const code_digits d = digits_of(in->weights.outline->bits);
    if (n_full) {
        parts[0].times = n_full * (uint64_t)blocks;
        predict_group(m, layer, &d, per_group, &parts[0].row);
        parts++;
    }
    if (rest) {
        parts[0].times = (uint64_t)blocks;
        predict_group(m, layer, &d, rest, &parts[0].row);
    }
    bw_place_window(m, layer, (n_full + (rest > 0)) * (uint64_t)blocks);
    return STN_OK;
}

stn_status bw_outline_neurons(bw_mapping *m, bw_layer *layer, stn_error *err)
{
    const stn_weights *w = &layer->in->weights;
    const bw_line *x = bw_line_of(&m->values[layer->in->inputs[0]], 0);
    bw_neurons *n = &layer->neurons;
    n->stored_bits = w->outline->bits;
    n->weight_bits = n->stored_bits < 2 ? 2 : n->stored_bits;
    n->n_synapses = w->kh * w->kw * w->in;
    STN_TRY(bw_cut_neurons(m, layer, err));
    int rest = n->n_synapses % n->per_chunk;
    uint64_t n_full = (uint64_t)(n->n_synapses / n->per_chunk);
    STN_TRY(make_parts(m, layer, n_full, rest > 0, err));
    bw_part *parts = layer->parts;
    stn_ledger_row one = {0};
    bw_predict_synapse(m, layer, x, &one);
    for (int p = 0; p < layer->n_parts; p++) {
        bool full = n_full && p == 0;
        parts[p].times = full ? n_full : 1;
        parts[p].is_signed = x->is_signed;
        for (int e = 0; e < STN_EVENT_COUNT; e++)
            stn_ledger_post(
                &parts[p].row, (stn_event)e,
                one.total[e] * (uint64_t)(full ? n->per_chunk : rest),
                one.steps[e] * (uint64_t)(full ? n->per_chunk : rest));
    }
    return STN_OK;
}
