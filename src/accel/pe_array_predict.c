/* SPDX-License-Identifier: MIT
 *
 * Events of one picture on a pe_array in closed form: tiles times what one
 * tile reads, multiplies, adds and clocks. */
#include "accel/pe_array.h"
#include <math.h>

static void move(const pe_mapping *m, stn_event event, uint64_t rows,
                 stn_ledger_row *row)
{
    row->total[event] += rows;
    row->total[STN_EVENT_link_bit] +=
        rows * (uint64_t)m->machine->array.columns;
}

/* `bits` of a value or of weights, `times` times. */
static void predict_read(const pe_mapping *m, bool outside, uint64_t bits,
                         uint64_t times, stn_ledger_row *row)
{
    if (outside)
        row->total[STN_EVENT_off_chip_bit] += bits * times;
    else
        move(m, STN_EVENT_row_read, pe_rows_of(m, bits) * times, row);
}

static void predict_value(const pe_mapping *m, int value, bool written,
                          stn_ledger_row *row)
{
    uint64_t bits = pe_value_bits(m, value, pe_bits_of(m, value));
    if (m->homes[value] == PE_HOME_OUTSIDE)
        row->total[STN_EVENT_off_chip_bit] += bits;
    else if (m->homes[value] == PE_HOME_BUFFER)
        move(m, written ? STN_EVENT_row_write : STN_EVENT_row_read,
             pe_rows_of(m, bits), row);
}

/* Weights, tile by tile; the last tiles of a block are smaller. */
static void predict_weights(const pe_mapping *m, const pe_layer *l,
                            stn_ledger_row *row)
{
    const pe_options *o = &m->options;
    uint64_t again = l->held ? 1 : l->p_tiles;
    if (o->flow == PE_FLOW_GROUPS) {
        predict_read(m, !l->resident, l->weight_bits, again, row);
        return;
    }
    bool weight = o->flow == PE_FLOW_WEIGHT;
    int cut = weight ? o->rows * o->held : l->window;
    int parts = weight ? l->rounds : 1;
    for (int t = 0; t < l->f_tiles; t++)
        for (int r = 0; r < parts; r++) {
            int f = pe_least(o->columns, l->filters - t * o->columns);
            int e = pe_least(cut, l->window - r * cut);
            uint64_t bits = (uint64_t)f * (uint64_t)e * (uint64_t)l->code_bits;
            predict_read(m, !l->resident, bits,
                         (uint64_t)l->n_blocks * (weight ? 1 : again), row);
        }
}

/* The block's channels for each of its tiles; all at once for groups. */
static void predict_input(const pe_mapping *m, const pe_layer *l,
                          stn_ledger_row *row)
{
    int x = l->in->inputs[0];
    uint64_t bits = pe_value_bits(m, x, l->x_bits);
    bool groups = m->options.flow == PE_FLOW_GROUPS;
    uint64_t blocks = groups ? 1 : (uint64_t)l->n_blocks;
    uint64_t tiles = groups ? 1 : (uint64_t)l->f_tiles;
    predict_read(m, m->homes[x] == PE_HOME_OUTSIDE, bits / blocks,
                 blocks * tiles * (uint64_t)l->rereads, row);
}

/* Sums that wait for the next round of elements. */
static void predict_partial(const pe_mapping *m, const pe_layer *l,
                            stn_ledger_row *row)
{
    uint64_t times = (uint64_t)l->n_blocks * (uint64_t)(l->rounds - 1);
    for (int t = 0; t < l->f_tiles; t++) {
        int f =
            pe_least(m->options.columns, l->filters - t * m->options.columns);
        uint64_t bits = l->positions * (uint64_t)f * (uint64_t)l->y_bits;
        move(m, STN_EVENT_row_write, times * pe_rows_of(m, bits), row);
        move(m, STN_EVENT_row_read, times * pe_rows_of(m, bits), row);
    }
}

/* Bits of registers clocked in one pass of all products by a systolic array:
 * inputs pass every filter, sums or weights every element or position. */
static uint64_t systolic_registers(const pe_mapping *m, const pe_layer *l,
                                   int x_bits)
{
    uint64_t x = (uint64_t)x_bits, y = (uint64_t)l->y_bits;
    if (m->options.flow == PE_FLOW_WEIGHT)
        return l->positions * (uint64_t)l->n_blocks * (uint64_t)l->window *
               (uint64_t)l->filters * (x + y);
    return l->slots * l->positions * (x + (uint64_t)l->code_bits) +
           l->nonzero * l->positions * y;
}

/* Bits of registers clocked in one pass of all products. */
static uint64_t registers(const pe_mapping *m, const pe_layer *l, int x_bits)
{
    uint64_t x = (uint64_t)x_bits, y = (uint64_t)l->y_bits;
    uint64_t sums = l->nonzero * l->positions * y;
    if (m->options.systolic)
        return systolic_registers(m, l, x_bits);
    if (m->options.flow == PE_FLOW_WEIGHT)
        return l->positions * (uint64_t)l->n_blocks *
               ((uint64_t)l->f_tiles * (uint64_t)l->window * x +
                (uint64_t)l->k_tiles * (uint64_t)l->filters * y);
    if (m->options.flow == PE_FLOW_OUTPUT)
        return l->steps * l->positions * x +
               l->slots * l->p_tiles * (uint64_t)l->code_bits + sums;
    return l->nonzero * l->positions * x +
           l->live * l->longest * l->p_tiles * (uint64_t)l->stored_bits + sums;
}

uint64_t pe_layer_cycles(const pe_mapping *m, const pe_layer *l)
{
    uint64_t passes = (uint64_t)(l->x_digits * l->w_digits);
    uint64_t folds = (uint64_t)l->n_blocks * (uint64_t)l->f_tiles;
    if (m->options.flow == PE_FLOW_WEIGHT)
        return folds * (uint64_t)l->k_tiles *
               (l->positions * passes + pe_fill_cycles(m));
    if (m->options.flow == PE_FLOW_OUTPUT)
        return l->p_tiles * (l->steps * passes + folds * pe_fill_cycles(m));
    return pe_div_up(l->live, (uint64_t)m->options.columns) * l->longest *
           l->p_tiles * passes;
}

/* Bits added below the trees in one pass. */
static uint64_t tree_sums(const pe_layer *l)
{
    return l->positions * (uint64_t)l->n_blocks * (uint64_t)l->k_tiles *
           (uint64_t)l->filters * (uint64_t)l->y_bits;
}

static void predict_products(const pe_mapping *m, const pe_layer *l,
                             stn_ledger_row *row)
{
    const pe_options *o = &m->options;
    uint64_t products = l->nonzero * l->positions;
    int w_bits = pe_least(l->w_bits, o->weight_bits);
    predict_weights(m, l, row);
    predict_input(m, l, row);
    if (o->flow == PE_FLOW_WEIGHT)
        predict_partial(m, l, row);
    for (int d = 0; d < l->x_digits; d++) {
        int x_bits = pe_least(o->input_bits, l->x_bits - d * o->input_bits);
        uint64_t passes = (uint64_t)l->w_digits;
        int add_bits = pe_adder_bits(o, x_bits, w_bits, l->y_bits);
        row->total[STN_EVENT_add_bit] += passes * products * (uint64_t)add_bits;
        if (pe_has_trees(o))
            row->total[STN_EVENT_add_bit] += passes * tree_sums(l);
        row->total[STN_EVENT_register_bit] += passes * registers(m, l, x_bits);
        if (w_bits > 1 && x_bits > 1)
            row->total[STN_EVENT_mul_bit] +=
                passes * products * (uint64_t)(w_bits * x_bits);
    }
    if (o->flow == PE_FLOW_GROUPS) {
        uint64_t bits = l->merges * l->positions * (uint64_t)l->y_bits;
        row->total[STN_EVENT_add_bit] += bits;
        row->total[STN_EVENT_register_bit] += bits;
    }
}

/* Inputs of a window's elements that are not silent in `steps` steps, when
 * a bit is 1 with probability `density`. Split time leaves one spike of a
 * window. */
static double active(const pe_layer *l, int steps, double density)
{
    double one = 1.0 - pow(1.0 - density, l->x_bits);
    double windows = steps;
    if (l->time_window > 1) {
        one = fmin(1.0, one * l->time_window);
        windows = (double)steps / l->time_window;
    }
    return l->window * (1.0 - pow(1.0 - one, windows));
}

static uint64_t rounded(double x)
{
    return (uint64_t)llround(x);
}

/* Steps [t, t + n) of all positions, for one tile of `filters`. */
static uint64_t predict_batch(const pe_mapping *m, const pe_layer *l, int n,
                              int filters, double density, stn_ledger_row *row)
{
    uint64_t times = (uint64_t)l->n_blocks * l->positions;
    uint64_t inputs = rounded((double)times * active(l, n, density));
    uint64_t bits = (uint64_t)filters * (uint64_t)l->code_bits;
    uint64_t columns = pe_div_up((uint64_t)n, (uint64_t)l->time_window);
    predict_read(m, !l->resident, bits, inputs, row);
    for (int d = 0; d < l->x_digits; d++) {
        int x_bits = pe_least(m->options.input_bits,
                              l->x_bits - d * m->options.input_bits);
        row->total[STN_EVENT_register_bit] +=
            (uint64_t)l->w_digits * inputs *
            ((uint64_t)n * (uint64_t)x_bits + columns * bits);
    }
    return inputs * (uint64_t)(l->x_digits * l->w_digits);
}

/* All time steps of a layer. */
static uint64_t predict_spikes(const pe_mapping *m, const pe_layer *l,
                               double density, stn_ledger_row *row)
{
    int batch = pe_batch_steps(m, l), rows = m->options.rows;
    double one = 1.0 - pow(1.0 - density, l->x_bits);
    uint64_t products = rounded(one * (double)l->nonzero *
                                (double)l->positions * l->time_steps);
    int w_bits = pe_least(l->w_bits, m->options.weight_bits);
    uint64_t cycles = 0;
    for (int t = 0; t < l->time_steps; t++)
        predict_input(m, l, row);
    for (int f = 0; f < l->filters; f += rows)
        for (int t = 0; t < l->time_steps; t += batch)
            cycles +=
                predict_batch(m, l, pe_least(batch, l->time_steps - t),
                              pe_least(rows, l->filters - f), density, row);
    for (int d = 0; d < l->x_digits; d++) {
        int x_bits = pe_least(m->options.input_bits,
                              l->x_bits - d * m->options.input_bits);
        uint64_t sums = (uint64_t)l->w_digits * products * (uint64_t)l->y_bits;
        row->total[STN_EVENT_add_bit] += sums;
        row->total[STN_EVENT_register_bit] += sums;
        if (w_bits > 1 && x_bits > 1)
            row->total[STN_EVENT_mul_bit] +=
                (uint64_t)l->w_digits * products * (uint64_t)(w_bits * x_bits);
    }
    return cycles;
}

static void predict_values(const pe_mapping *m, int value, bool written,
                           uint64_t times, stn_ledger_row *row)
{
    for (uint64_t k = 0; k < times; k++)
        predict_value(m, value, written, row);
}

/* All time steps, which pass as one: the slowest unit sets their time. */
static void predict_time(const pe_mapping *m, const pe_layer *l,
                         stn_ledger_row *row)
{
    const stn_instruction *in = l->in;
    stn_tick_sums n = stn_neurons_sums(in, l->time_steps);
    uint64_t each = stn_shape_count(m->program->values[in->output].shape);
    uint64_t rows = pe_rows_of(m, l->state_bits);
    predict_values(m, in->inputs[0], false, n.reads_input, row);
    if (l->kept.keep == STN_KEEP_OUTPUT)
        predict_values(m, in->output, false, n.reads_kept, row);
    else
        move(m, STN_EVENT_row_read, n.reads_kept * rows, row);
    move(m, STN_EVENT_row_write, n.writes_state * rows, row);
    predict_values(m, in->output, true, n.writes_output, row);
    row->total[l->kept.unit] += n.works * each;
    pe_pass_time(m, l->kept.unit,
                 n.works * pe_div_up(each, (uint64_t)m->options.lanes), row);
}

/* All time steps, or one of those that are alike. */
static void predict_layer(const pe_mapping *m, const pe_layer *l,
                          double density, stn_ledger_row *row)
{
    const stn_instruction *in = l->in;
    stn_event unit = STN_EVENT_add_bit;
    uint64_t steps = 0, times = 1;
    if (l->products && m->options.flow == PE_FLOW_SPIKES) {
        steps = predict_spikes(m, l, density, row);
        times = (uint64_t)l->time_steps;
    } else if (l->products) {
        predict_products(m, l, row);
        steps = pe_layer_cycles(m, l);
    } else {
        bool is_rescale = in->opcode == STN_RESCALE;
        uint64_t lanes = (uint64_t)m->options.lanes;
        uint64_t n =
            stn_shape_count(m->program->values[in->output].shape) *
            (uint64_t)(is_rescale ? in->n_inputs : in->kh * in->kw - 1);
        unit = is_rescale ? STN_EVENT_rescale : STN_EVENT_pool;
        row->total[unit] += n;
        steps = pe_div_up(n, lanes);
        for (int k = 0; k < in->n_inputs; k++)
            predict_value(m, in->inputs[k], false, row);
    }
    predict_values(m, in->output, true, times, row);
    pe_pass_time(m, unit, steps, row);
}

void pe_predict(const void *mapping, const double *density, stn_ledger *ledger)
{
    const pe_mapping *m = mapping;
    int n = m->program->n_instructions;
    for (int i = 0; i < n; i++) {
        const pe_layer *l = &m->layers[i];
        stn_ledger_row *row = &ledger->rows[i];
        uint64_t picture = i ? 0 : pe_value_bits(m, 0, 8);
        uint64_t times = pe_is_whole(m, l) ? 1 : (uint64_t)l->time_steps;
        row->total[STN_EVENT_off_chip_bit] += picture;
        if (m->homes[0] == PE_HOME_BUFFER)
            move(m, STN_EVENT_row_write, pe_rows_of(m, picture), row);
        if (stn_opcode_is_time(l->in->opcode)) {
            predict_time(m, l, row);
        } else if (l->in->opcode != STN_CONCAT) {
            predict_layer(m, l, density ? density[i] : 0.5, row);
        }
        if (times > 1) {
            const stn_ledger_row one = *row;
            stn_ledger_post_row(row, &one, times - 1);
        }
    }
}
