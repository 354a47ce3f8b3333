/* SPDX-License-Identifier: MIT
 *
 * Executing one picture on a pe_array: weights in digits of weight_bits meet
 * inputs in digits of input_bits, tile by tile and cycle by cycle as the flow
 * has it, and each event is posted where it happens. Sums wrap at 32 bits. */
#include "accel/pe_array.h"
#include "accel/digital.h"
#include <string.h>

typedef struct machine_state {
    const pe_mapping *m;
    stn_values values;
    int32_t *window; /* digits of one position: digit, element */
    int t;           /* time step */
} machine_state;

/* One layer at work. */
typedef struct work {
    const machine_state *s;
    const pe_layer *l;
    stn_ledger_row *row;
    uint64_t cycles;
} work;

static int32_t *value_of(const machine_state *s, int value)
{
    return stn_values_at(&s->values, value, s->t);
}

static void post_rows(const machine_state *s, stn_event event, uint64_t bits,
                      stn_ledger_row *row)
{
    uint64_t rows = pe_rows_of(s->m, bits);
    stn_ledger_post(row, event, rows, 0);
    stn_ledger_post(row, STN_EVENT_link_bit,
                    rows * (uint64_t)s->m->machine->array.columns, 0);
}

static void post_value(const machine_state *s, int value, stn_event event,
                       stn_ledger_row *row)
{
    uint64_t bits = pe_value_bits(s->m, value, pe_bits_of(s->m, value));
    if (s->m->homes[value] == PE_HOME_OUTSIDE)
        stn_ledger_post(row, STN_EVENT_off_chip_bit, bits, 0);
    else if (s->m->homes[value] == PE_HOME_BUFFER)
        post_rows(s, event, bits, row);
}

/* --- operands -------------------------------------------------------------*/

static void read_weights(const work *k, uint64_t bits)
{
    if (k->l->resident)
        post_rows(k->s, STN_EVENT_row_read, bits, k->row);
    else
        stn_ledger_post(k->row, STN_EVENT_off_chip_bit, bits, 0);
}

/* The channels that `blocks` blocks look at. */
static void read_input(const work *k, int blocks)
{
    int x = k->l->in->inputs[0];
    const stn_shape shape = k->s->m->program->values[x].shape;
    uint64_t bits = (uint64_t)shape.h * (uint64_t)shape.w *
                    (uint64_t)(blocks * k->l->channels) *
                    (uint64_t)k->l->x_bits;
    for (int again = 0; again < k->l->rereads; again++) {
        if (k->s->m->homes[x] == PE_HOME_OUTSIDE)
            stn_ledger_post(k->row, STN_EVENT_off_chip_bit, bits, 0);
        else
            post_rows(k->s, STN_EVENT_row_read, bits, k->row);
    }
}

/* Digits of a block's inputs at one position; the highest one has the sign. */
static void gather(const work *k, int block, int position)
{
    const pe_layer *l = k->l;
    const stn_instruction *in = l->in;
    const stn_shape x = k->s->m->program->values[in->inputs[0]].shape;
    const stn_shape y = k->s->m->program->values[in->output].shape;
    const int32_t *from = value_of(k->s, in->inputs[0]);
    int taps = in->kh * in->kw, bits = k->s->m->options.input_bits;
    for (int e = 0; e < l->window; e++) {
        int r = position / y.w * in->stride + e % taps / in->kw - in->pad;
        int q = position % y.w * in->stride + e % taps % in->kw - in->pad;
        int c = block * l->channels + e / taps;
        int32_t number = 0;
        if (r >= 0 && r < x.h && q >= 0 && q < x.w)
            number = from[(r * x.w + q) * x.c + c];
        for (int d = 0; d < l->x_digits; d++) {
            int32_t rest = number >> (d * bits);
            k->s->window[d * l->window + e] =
                d + 1 < l->x_digits ? rest & ((1 << bits) - 1) : rest;
        }
    }
}

/* One element of one filter, in every pass: w · x by digits of both. */
static uint32_t product(const work *k, int code, int element)
{
    const pe_layer *l = k->l;
    const pe_options *o = &k->s->m->options;
    int size = code < 0 ? -code : code;
    uint32_t sum = 0;
    for (int d = 0; d < l->x_digits; d++) {
        int x_bits = pe_least(o->input_bits, l->x_bits - d * o->input_bits);
        for (int v = 0; v < l->w_digits; v++) {
            int w = size >> (v * o->weight_bits) & ((1 << o->weight_bits) - 1);
            int32_t part = w * k->s->window[d * l->window + element];
            sum += (uint32_t)part << (d * o->input_bits + v * o->weight_bits);
            int w_bits = pe_least(l->w_bits, o->weight_bits);
            int add_bits = pe_adder_bits(o, x_bits, w_bits, l->y_bits);
            stn_ledger_post(k->row, STN_EVENT_add_bit, (uint64_t)add_bits, 0);
            if (w_bits > 1 && x_bits > 1)
                stn_ledger_post(k->row, STN_EVENT_mul_bit,
                                (uint64_t)(w_bits * x_bits), 0);
        }
    }
    return code < 0 ? 0 - sum : sum;
}

/* Registers of n operands of `bits`, clocked in every pass; inputs have as
 * many bits as the digit (bits < 0). */
static void clock_registers(const work *k, uint64_t n, int bits)
{
    const pe_layer *l = k->l;
    int wide = k->s->m->options.input_bits;
    for (int d = 0; d < l->x_digits; d++) {
        int each = bits < 0 ? pe_least(wide, l->x_bits - d * wide) : bits;
        stn_ledger_post(k->row, STN_EVENT_register_bit,
                        n * (uint64_t)each * (uint64_t)l->w_digits, 0);
    }
}

static uint64_t passes(const pe_layer *l)
{
    return (uint64_t)(l->x_digits * l->w_digits);
}

static const int8_t *codes_of(const pe_layer *l, int filter)
{
    return l->codes + (size_t)filter * (size_t)l->window;
}

static void add(const work *k, int position, int filter, uint32_t part)
{
    const stn_shape y = k->s->m->program->values[k->l->in->output].shape;
    int32_t *to = value_of(k->s, k->l->in->output) + position * y.c + filter;
    *to = (int32_t)((uint32_t)*to + part);
}

/* --- weights stay ---------------------------------------------------------*/

/* Elements [e, end) for filters [f, last) of a block, at one position: one
 * cycle a pass. A column's tree adds its rows. */
static void weight_cycle(work *k, int block, int position, const int *tile)
{
    const pe_layer *l = k->l;
    for (int f = tile[0]; f < tile[1]; f++) {
        int o = f * l->n_blocks + block;
        uint32_t sum = 0;
        for (int e = tile[2]; e < tile[3]; e++)
            if (codes_of(l, o)[e])
                sum += product(k, codes_of(l, o)[e], e);
        add(k, position, o, sum);
    }
    uint64_t inputs = (uint64_t)(tile[3] - tile[2]);
    uint64_t sums = (uint64_t)(tile[1] - tile[0]);
    bool systolic = k->s->m->options.systolic;
    clock_registers(k, systolic ? inputs * sums : inputs, -1);
    clock_registers(k, systolic ? inputs * sums : sums, l->y_bits);
    if (pe_has_trees(&k->s->m->options))
        stn_ledger_post(k->row, STN_EVENT_add_bit,
                        sums * (uint64_t)l->y_bits * passes(l), 0);
    k->cycles += passes(l);
}

static void weight_round(work *k, int block, int first, int last, int round)
{
    const pe_layer *l = k->l;
    const pe_options *o = &k->s->m->options;
    int begin = round * o->held * o->rows;
    int end = pe_least(l->window, begin + o->held * o->rows);
    uint64_t filters = (uint64_t)(last - first);
    read_weights(k, filters * (uint64_t)(end - begin) * (uint64_t)l->code_bits);
    for (int p = 0; p < (int)l->positions; p++) {
        gather(k, block, p);
        for (int e = begin; e < end; e += o->rows)
            weight_cycle(k, block, p,
                         (int[]){first, last, e, pe_least(end, e + o->rows)});
    }
    k->cycles += pe_div_up((uint64_t)(end - begin), (uint64_t)o->rows) *
                 pe_fill_cycles(k->s->m);
    if (round + 1 < l->rounds) { /* sums wait for the rest */
        uint64_t bits = l->positions * filters * (uint64_t)l->y_bits;
        post_rows(k->s, STN_EVENT_row_write, bits, k->row);
        post_rows(k->s, STN_EVENT_row_read, bits, k->row);
    }
}

static void run_weight(work *k)
{
    const pe_layer *l = k->l;
    int columns = k->s->m->options.columns;
    for (int b = 0; b < l->n_blocks; b++)
        for (int f = 0; f < l->filters; f += columns) {
            read_input(k, 1);
            for (int r = 0; r < l->rounds; r++)
                weight_round(k, b, f, pe_least(l->filters, f + columns), r);
        }
}

/* --- sums stay ------------------------------------------------------------*/

/* A tile of filters at the positions of the array's rows. */
static void output_tile(work *k, int block, int tile, int p0, int p1)
{
    const pe_layer *l = k->l;
    int columns = k->s->m->options.columns, first = tile * columns;
    int last = pe_least(l->filters, first + columns);
    size_t at =
        ((size_t)block * (size_t)l->f_tiles + (size_t)tile) * (size_t)l->window;
    uint64_t steps = 0;
    for (int e = 0; e < l->window; e++)
        steps += !l->needed || l->needed[at + (size_t)e];
    for (int p = p0; p < p1; p++) {
        gather(k, block, p);
        for (int e = 0; e < l->window; e++)
            for (int f = first; f < last; f++) {
                int o = f * l->n_blocks + block, code = codes_of(l, o)[e];
                if (code == 0)
                    continue;
                add(k, p, o, product(k, code, e));
                clock_registers(k, 1, l->y_bits);
            }
    }
    uint64_t inputs = steps * (uint64_t)(p1 - p0);
    uint64_t weights = steps * (uint64_t)(last - first);
    bool systolic = k->s->m->options.systolic;
    clock_registers(k, systolic ? inputs * (uint64_t)(last - first) : inputs,
                    -1);
    clock_registers(k, systolic ? weights * (uint64_t)(p1 - p0) : weights,
                    l->code_bits);
    k->cycles += steps * passes(l) + pe_fill_cycles(k->s->m);
}

static void run_output(work *k)
{
    const pe_layer *l = k->l;
    const pe_options *o = &k->s->m->options;
    int n = (int)l->positions;
    for (int b = 0; b < l->n_blocks; b++)
        for (int t = 0; t < l->f_tiles; t++) {
            int filters = pe_least(o->columns, l->filters - t * o->columns);
            uint64_t bits = (uint64_t)filters * (uint64_t)l->window *
                            (uint64_t)l->code_bits;
            read_input(k, 1);
            for (int p = 0; p < n; p += o->rows) {
                if (p == 0 || !l->held)
                    read_weights(k, bits);
                output_tile(k, b, t, p, pe_least(n, p + o->rows));
            }
        }
}

/* Group after group runs through its own weights; a batch of as many as there
 * are columns takes as long as the longest group of the layer. */
static void group_position(work *k, int position)
{
    const pe_layer *l = k->l;
    int filter = -1, block = -1;
    for (uint64_t g = 0; g < l->live; g++) {
        const pe_group *group = &l->groups[g];
        if (group->filter % l->n_blocks != block) {
            block = group->filter % l->n_blocks;
            gather(k, block, position);
        }
        uint32_t sum = 0;
        for (int j = 0; j < group->n; j++) {
            int e = l->elements[group->first + (size_t)j];
            sum += product(k, codes_of(l, group->filter)[e], e);
            clock_registers(k, 1, -1);
            clock_registers(k, 1, l->y_bits);
        }
        if (group->filter == filter) { /* sums of one filter are merged */
            stn_ledger_post(k->row, STN_EVENT_add_bit, (uint64_t)l->y_bits, 0);
            stn_ledger_post(k->row, STN_EVENT_register_bit, (uint64_t)l->y_bits,
                            0);
        }
        filter = group->filter;
        add(k, position, filter, sum);
    }
}

static void run_groups(work *k)
{
    const pe_layer *l = k->l;
    const pe_options *o = &k->s->m->options;
    uint64_t stored = l->live * l->longest;
    read_input(k, l->n_blocks);
    for (int p = 0; p < (int)l->positions; p++) {
        if (p % o->rows == 0) { /* the next positions enter the rows */
            if (p == 0 || !l->held)
                read_weights(k, stored * (uint64_t)l->stored_bits);
            clock_registers(k, stored, l->stored_bits);
            for (uint64_t g = 0; g < l->live; g += (uint64_t)o->columns)
                k->cycles += l->longest * passes(l);
        }
        group_position(k, p);
    }
}

/* --- spikes ---------------------------------------------------------------*/

/* What element e brings at this step to filters [first, last). */
static void add_input(const work *k, int block, int position, const int *tile,
                      int e)
{
    const pe_layer *l = k->l;
    for (int f = tile[0]; f < tile[1]; f++) {
        int o = f * l->n_blocks + block, code = codes_of(l, o)[e];
        if (code == 0)
            continue;
        add(k, position, o, product(k, code, e));
        clock_registers(k, 1, l->y_bits);
    }
}

/* Time steps [t0, t1) at one position, a window of them a column. An input
 * that is 0 in all of them is left out; for each other one, the weights are
 * read once and pass the columns, and it passes the rows. */
static void spike_batch(work *k, machine_state *s, int block, int position,
                        const int *tile, const int *steps)
{
    const pe_layer *l = k->l;
    int32_t *active = s->window + (size_t)l->window * (size_t)l->x_digits;
    uint64_t bits = (uint64_t)(tile[1] - tile[0]) * (uint64_t)l->code_bits;
    uint64_t n = (uint64_t)(steps[1] - steps[0]);
    memset(active, 0, (size_t)l->window * sizeof *active);
    for (s->t = steps[0]; s->t < steps[1]; s->t++) {
        gather(k, block, position);
        for (int e = 0; e < l->window; e++) {
            bool some = false;
            for (int d = 0; d < l->x_digits; d++)
                some |= s->window[d * l->window + e] != 0;
            if (some)
                add_input(k, block, position, tile, e);
            active[e] |= some;
        }
    }
    s->t = 0;
    for (int e = 0; e < l->window; e++) {
        if (!active[e])
            continue;
        read_weights(k, bits);
        clock_registers(k, n, -1);
        clock_registers(k, pe_div_up(n, (uint64_t)l->time_window) * bits, 1);
        k->cycles += passes(l);
    }
}

/* All time steps of a layer. */
static void run_spikes(work *k, machine_state *s)
{
    const pe_layer *l = k->l;
    int rows = s->m->options.rows, batch = pe_batch_steps(s->m, l);
    for (int b = 0; b < l->n_blocks; b++)
        for (int f = 0; f < l->filters; f += rows) {
            int tile[] = {f, pe_least(l->filters, f + rows)};
            for (int t = 0; t < l->time_steps; t++)
                read_input(k, 1);
            for (int p = 0; p < (int)l->positions; p++)
                for (int t = 0; t < l->time_steps; t += batch)
                    spike_batch(k, s, b, p, tile,
                                (int[]){t, pe_least(l->time_steps, t + batch)});
        }
}

/* --- digital units --------------------------------------------------------*/

static void run_digital(const machine_state *s, const stn_instruction *in,
                        stn_ledger_row *row)
{
    uint64_t lanes = (uint64_t)s->m->options.lanes;
    uint64_t n = stn_digital_count(s->m->program, in);
    stn_event unit = stn_digital_unit(in);
    for (int k = 0; k < in->n_inputs; k++)
        post_value(s, in->inputs[k], STN_EVENT_row_read, row);
    stn_digital_run(s->m->program, in, value_of(s, in->inputs[0]),
                    value_of(s, in->inputs[in->n_inputs - 1]),
                    value_of(s, in->output));
    stn_ledger_post(row, unit, n, 0);
    post_value(s, in->output, STN_EVENT_row_write, row);
    pe_pass_time(s->m, unit, pe_div_up(n, lanes), row);
}

/* --- across time ----------------------------------------------------------*/

static void run_tick(const machine_state *s, const pe_layer *l,
                     const stn_tick *tick, stn_ledger_row *row)
{
    const stn_instruction *in = l->in;
    bool own = l->kept.keep == STN_KEEP_STATE;
    int32_t *state = own ? s->values.numbers + l->state : NULL;
    stn_tick_data data = stn_values_tick(&s->values, in, tick, state);
    if (tick->reads_input)
        post_value(s, in->inputs[0], STN_EVENT_row_read, row);
    if (tick->reads_kept && own)
        post_rows(s, STN_EVENT_row_read, l->state_bits, row);
    else if (tick->reads_kept)
        post_value(s, in->output, STN_EVENT_row_read, row);
    stn_neurons_run(in, tick, &data);
    if (tick->works)
        stn_ledger_post(row, l->kept.unit, stn_shape_count(data.shape), 0);
    if (tick->writes_state)
        post_rows(s, STN_EVENT_row_write, l->state_bits, row);
    if (tick->writes_output)
        post_value(s, in->output, STN_EVENT_row_write, row);
}

static void run_time(const machine_state *s, const pe_layer *l,
                     stn_ledger_row *row)
{
    uint64_t n = stn_shape_count(s->m->program->values[l->in->output].shape);
    uint64_t passes = 0;
    for (int k = 0; k < stn_neurons_ticks(l->in, l->time_steps); k++) {
        stn_tick tick = stn_neurons_tick(l->in, l->time_steps, k);
        run_tick(s, l, &tick, row);
        passes += tick.works;
    }
    pe_pass_time(s->m, l->kept.unit,
                 passes * pe_div_up(n, (uint64_t)s->m->options.lanes), row);
}

/* --- a picture ------------------------------------------------------------*/

static void run_products(const machine_state *s, const pe_layer *l,
                         stn_ledger_row *row)
{
    machine_state at = *s;
    work k = {.s = &at, .l = l, .row = row};
    int y = l->in->output;
    bool spikes = s->m->options.flow == PE_FLOW_SPIKES;
    size_t n = stn_shape_count(s->m->program->values[y].shape);
    n *= spikes ? (size_t)l->time_steps : 1;
    memset(value_of(s, y), 0, n * sizeof(int32_t));
    if (spikes)
        run_spikes(&k, &at);
    else if (s->m->options.flow == PE_FLOW_WEIGHT)
        run_weight(&k);
    else if (s->m->options.flow == PE_FLOW_OUTPUT)
        run_output(&k);
    else
        run_groups(&k);
    for (int t = 0; t < (spikes ? l->time_steps : 1); t++)
        post_value(s, y, STN_EVENT_row_write, row);
    pe_pass_time(s->m, STN_EVENT_add_bit, k.cycles, row);
}

size_t pe_scratch_bytes(const void *mapping)
{
    const pe_mapping *m = mapping;
    return (m->n_numbers + m->n_window) * sizeof(int32_t);
}

/* From outside, and into the buffer. */
static void post_picture(const machine_state *s, stn_ledger_row *row)
{
    uint64_t bits = 8 * stn_shape_count(s->m->program->input);
    stn_ledger_post(row, STN_EVENT_off_chip_bit, bits, 0);
    if (s->m->homes[0] == PE_HOME_BUFFER)
        post_rows(s, STN_EVENT_row_write, bits, row);
}

void pe_execute(const void *mapping, const uint8_t *pixels, int32_t *logits,
                void *scratch, stn_ledger *ledger)
{
    const pe_mapping *m = mapping;
    const stn_program *p = m->program;
    machine_state s = {
        .m = m,
        .values = {.program = p, .offsets = m->offsets, .numbers = scratch},
        .window = (int32_t *)scratch + m->n_numbers};
    size_t n = stn_shape_count(p->input);
    for (size_t i = 0; i < n; i++)
        value_of(&s, 0)[i] = pixels[i];
    for (int i = 0; i < p->n_instructions; i++) {
        const pe_layer *l = &m->layers[i];
        bool time = stn_opcode_is_time(l->in->opcode);
        int times = pe_is_whole(m, l) ? 1 : l->time_steps;
        for (s.t = 0; s.t < times; s.t++) {
            stn_ledger_row row = {0};
            if (i == 0)
                post_picture(&s, &row);
            if (time)
                run_time(&s, l, &row);
            else if (l->products)
                run_products(&s, l, &row);
            else
                run_digital(&s, l->in, &row);
            for (int e = 0; e < STN_EVENT_COUNT; e++)
                stn_ledger_post(&ledger->rows[i], (stn_event)e, row.total[e],
                                row.steps[e]);
        }
        s.t = 0;
    }
    memcpy(logits, value_of(&s, p->instructions[p->n_instructions - 1].output),
           (size_t)p->n_classes * sizeof *logits);
}
