/* SPDX-License-Identifier: MIT
 *
 * Where a program lies on a pe_array: tiles of each layer, values in the
 * buffer or off the chip, and weights in what is left of it. All layers share
 * one array and one buffer, whose area the first instruction carries. */
#include "accel/pe_array.h"
#include <math.h>

int pe_range_bits(int64_t lo, int64_t hi)
{
    int64_t size = lo < 0 && -lo - 1 > hi ? -lo - 1 : hi;
    int bits = lo < 0;
    while (size > 0) {
        size >>= 1;
        bits++;
    }
    return bits ? bits : 1;
}

static int div_up(int a, int b)
{
    return (a + b - 1) / b;
}

/* --- layers ---------------------------------------------------------------*/

static void choose_blocks(const pe_mapping *m, pe_layer *l)
{
    const stn_weights *w = &l->in->weights;
    l->n_blocks = 1;
    if (l->in->opcode == STN_DEPTHWISE)
        l->n_blocks = m->program->values[l->in->inputs[0]].shape.c;
    else if (w->outline)
        l->n_blocks = w->outline->blocks;
    l->channels = l->in->opcode == STN_CONV ? w->in / l->n_blocks : 1;
    l->window = w->kh * w->kw * l->channels;
    l->filters = w->out / l->n_blocks;
}

/* Rows of the input that windows share stay in registers, of the channels
 * that are at work at once; else each is read for every row of the kernel. */
static void choose_rereads(const pe_mapping *m, pe_layer *l)
{
    const pe_options *o = &m->options;
    const stn_instruction *in = l->in;
    const stn_shape x = m->program->values[in->inputs[0]].shape;
    int channels = l->channels;
    if (o->flow == PE_FLOW_WEIGHT) {
        int64_t at_once = (int64_t)o->rows * o->held / (in->kh * in->kw);
        if (at_once < channels)
            channels = at_once ? (int)at_once : 1;
    }
    int64_t bits = (int64_t)(in->kh - 1) * x.w * channels * l->x_bits;
    bool once = bits <= o->line_bits || l->positions == 1;
    l->rereads = once ? 1 : div_up(in->kh, in->stride);
}

static void cut_tiles(const pe_mapping *m, pe_layer *l)
{
    const pe_options *o = &m->options;
    const stn_shape y = m->program->values[l->in->output].shape;
    l->positions = (uint64_t)y.h * (uint64_t)y.w;
    l->p_tiles = pe_div_up(l->positions, (uint64_t)o->rows);
    l->f_tiles =
        div_up(l->filters, o->flow == PE_FLOW_SPIKES ? o->rows : o->columns);
    l->k_tiles = div_up(l->window, o->rows);
    l->rounds = div_up(l->k_tiles, o->held);
}

static double utilisation(const pe_mapping *m, const pe_layer *l)
{
    const pe_options *o = &m->options;
    double rows = o->rows, columns = o->columns;
    double positions = (double)l->positions / ((double)l->p_tiles * rows);
    if (o->flow == PE_FLOW_WEIGHT)
        return l->filters / (l->f_tiles * columns) * l->window /
               (l->k_tiles * rows);
    if (o->flow == PE_FLOW_OUTPUT)
        return l->steps
                   ? positions * (double)l->slots / ((double)l->steps * columns)
                   : 0.0;
    if (o->flow == PE_FLOW_SPIKES) {
        double windows = div_up(l->time_steps, l->time_window);
        double columns_used = ceil(windows / columns) * columns;
        return l->filters / (l->f_tiles * rows) * windows / columns_used;
    }
    uint64_t batches = pe_div_up(l->live, (uint64_t)o->columns);
    return batches ? positions * (double)l->nonzero /
                         ((double)(batches * l->longest) * columns)
                   : 0.0;
}

/* Share of a layer's cycles in which a fold is not filling or draining. */
static double steady(const pe_mapping *m, const pe_layer *l)
{
    pe_mapping lock_step = *m;
    lock_step.options.systolic = false;
    if (!m->options.systolic)
        return 1.0;
    return (double)pe_layer_cycles(&lock_step, l) /
           (double)pe_layer_cycles(m, l);
}

/* Whether weights stay beside the elements while positions change. */
static bool is_held(const pe_mapping *m, const pe_layer *l)
{
    uint64_t batches = pe_div_up(l->live, (uint64_t)m->options.columns);
    uint64_t each = m->options.flow == PE_FLOW_GROUPS ? batches * l->longest
                                                      : (uint64_t)l->window;
    return each <= (uint64_t)m->options.held;
}

/* A column takes the window that split time has left one spike of; elsewhere
 * a step. */
static stn_status choose_window(const pe_mapping *m, pe_layer *l,
                                stn_error *err)
{
    const stn_program *p = m->program;
    l->time_window = 1;
    for (int i = 0; i < p->n_instructions; i++)
        if (p->instructions[i].output == l->in->inputs[0] &&
            p->instructions[i].opcode == STN_SPLIT_TIME)
            l->time_window = pe_least(p->instructions[i].window, l->time_steps);
    if (m->options.flow != PE_FLOW_SPIKES || l->time_window <= m->options.held)
        return STN_OK;
    return stn_fail(err, STN_E_UNSUPPORTED,
                    "%s on %s: %s has windows of %d steps, an element has %d "
                    "sums; see options.held",
                    p->name, m->machine->name, l->in->name, l->time_window,
                    m->options.held);
}

static stn_status map_products(pe_mapping *m, pe_layer *l, stn_error *err)
{
    const pe_options *o = &m->options;
    l->products = true;
    STN_TRY(choose_window(m, l, err));
    choose_blocks(m, l);
    cut_tiles(m, l);
    STN_TRY(pe_map_weights(m, l, err));
    l->x_bits = pe_bits_of(m, l->in->inputs[0]);
    l->y_bits = pe_bits_of(m, l->in->output);
    l->x_digits = div_up(l->x_bits, o->input_bits);
    l->w_digits = div_up(l->w_bits, o->weight_bits);
    l->held = is_held(m, l);
    choose_rereads(m, l);
    l->placement.utilisation = utilisation(m, l) * steady(m, l);
    size_t window = (size_t)l->window * (size_t)(l->x_digits + 1);
    if (window > m->n_window)
        m->n_window = window;
    if (l->y_bits <= o->sum_bits)
        return STN_OK;
    return stn_fail(err, STN_E_UNSUPPORTED,
                    "%s on %s: sums of %s take %d bits, adders have %d; see "
                    "options.sum_bits",
                    m->program->name, m->machine->name, l->in->name, l->y_bits,
                    o->sum_bits);
}

/* --- values ---------------------------------------------------------------*/

static bool is_sum(const stn_instruction *in)
{
    return in->opcode == STN_CONV || in->opcode == STN_DEPTHWISE ||
           in->opcode == STN_SUM_POOL;
}

/* What takes an element after the other as it comes, from sums or rescaled.
 * Where spikes flow, pools take the rows of a filter as they come. */
static bool is_direct(const pe_mapping *m, stn_opcode from, bool sum,
                      stn_opcode to)
{
    if (m->options.flow == PE_FLOW_SPIKES && sum && to == STN_SUM_POOL)
        return true;
    if (sum)
        return to == STN_RESCALE || to == STN_PREFIX_SUM || to == STN_SUM_STEPS;
    return from == STN_RESCALE && to == STN_LIF;
}

/* Sums that only the rescale behind them reads go there directly; likewise
 * to neurons and sums over time. */
static void find_direct(pe_mapping *m, int *last)
{
    const stn_program *p = m->program;
    for (int i = 0; i < p->n_instructions; i++) {
        const stn_instruction *in = &p->instructions[i];
        for (int k = 0; k < in->n_inputs; k++)
            last[in->inputs[k]] = i;
    }
    for (int i = 0; i + 1 < p->n_instructions; i++) {
        const stn_instruction *in = &p->instructions[i], *next = in + 1;
        if (is_direct(m, in->opcode, is_sum(in), next->opcode) &&
            last[in->output] == i + 1)
            m->homes[in->output] = PE_HOME_DIRECT;
    }
}

/* Spikes flow layer by layer, all steps of them; what is between sums and
 * neurons is taken up step by step. */
static uint64_t stored_bits(const pe_mapping *m, int value)
{
    uint64_t bits = pe_value_bits(m, value, pe_bits_of(m, value));
    if (m->options.flow == PE_FLOW_SPIKES && pe_bits_of(m, value) == 1)
        bits *= (uint64_t)m->program->values[value].steps;
    return bits;
}

/* Values that are needed together are in the buffer; those that do not fit
 * beside the ones that are there lie outside from the beginning. Returns the
 * most bits that values take at any time. */
static uint64_t place_values(pe_mapping *m, const int *last, uint64_t room)
{
    const stn_program *p = m->program;
    uint64_t now = 0, most = 0;
    for (int i = -1; i < p->n_instructions; i++) {
        const stn_instruction *in = i < 0 ? NULL : &p->instructions[i];
        int output = in ? in->output : 0;
        uint64_t bits = stored_bits(m, output);
        if (m->homes[output] != PE_HOME_DIRECT) {
            if (now + bits > room)
                m->homes[output] = PE_HOME_OUTSIDE;
            else
                now += bits;
        }
        most = now > most ? now : most;
        for (int k = 0; in && k < in->n_inputs; k++) {
            int v = in->inputs[k];
            if (last[v] == i && m->homes[v] == PE_HOME_BUFFER &&
                (k == 0 || v != in->inputs[0]))
                now -= stored_bits(m, v);
        }
    }
    return most;
}

/* Weights of the first layers stay in what values leave of the buffer. */
static void place_weights(pe_mapping *m, uint64_t room)
{
    for (int i = 0; i < m->program->n_instructions; i++) {
        pe_layer *l = &m->layers[i];
        uint64_t rows = pe_rows_of(m, l->weight_bits);
        l->resident = l->products && l->weight_bits <= room;
        room -= l->resident ? l->weight_bits : 0;
        if (!l->products)
            continue;
        l->placement.weight_rows = l->resident ? rows : 0;
        l->placement.streamed_rows = l->resident ? 0 : rows;
    }
}

static stn_status check_room(const pe_mapping *m, uint64_t room, stn_error *err)
{
    uint64_t values = 0, weights = 0;
    bool outside = false;
    for (int v = 0; v < m->program->n_values; v++)
        if (m->homes[v] == PE_HOME_OUTSIDE) {
            values += stored_bits(m, v);
            outside = true;
        }
    for (int i = 0; i < m->program->n_instructions; i++)
        if (m->layers[i].products && !m->layers[i].resident) {
            weights += m->layers[i].weight_bits;
            outside = true;
        }
    if (!outside || m->options.off_chip)
        return STN_OK;
    return stn_fail(err, STN_E_UNSUPPORTED,
                    "%s does not fit on %s: values of %llu bits and weights of "
                    "%llu bits have no room in the buffer's %llu; see "
                    "options.sub_arrays and options.off_chip",
                    m->program->name, m->machine->name,
                    (unsigned long long)values, (unsigned long long)weights,
                    (unsigned long long)room);
}

/* --- area -----------------------------------------------------------------*/

double pe_array_adder_bits(const pe_options *o)
{
    double n = (double)o->rows * o->columns;
    int each = pe_adder_bits(o, o->input_bits, o->weight_bits, o->sum_bits);
    return n * each + (pe_has_trees(o) ? (double)o->columns * o->sum_bits : 0);
}

/* Elements with their registers; a sum stands in each (or at the foot of each
 * column, or for each step of a window), an input at each row (or column), and
 * lines beside the array. Of a systolic array each has an input, a sum and a
 * weight. */
static double array_area(const pe_mapping *m)
{
    const pe_options *o = &m->options;
    const pe_circuits *c = m->machine->circuits;
    double n = (double)o->rows * o->columns;
    bool weight = o->flow == PE_FLOW_WEIGHT;
    bool spikes = o->flow == PE_FLOW_SPIKES;
    int code = o->weight_bits == 1 ? 2 : o->weight_bits + 1;
    double inputs = (double)(spikes ? o->columns : o->rows) * o->input_bits;
    double weights = (weight   ? n * o->held
                      : spikes ? (double)o->rows
                               : (double)o->columns * o->held) *
                     code;
    double sums = (weight ? (double)o->columns : n * (spikes ? o->held : 1)) *
                  o->sum_bits;
    if (o->systolic) {
        inputs = n * o->input_bits;
        weights += weight ? 0.0 : n * code;
        sums = n * o->sum_bits;
    }
    double registers = (double)o->line_bits + inputs + weights + sums;
    double gates = pe_array_adder_bits(o) * c->add_area_m2;
    if (o->weight_bits > 1 && o->input_bits > 1)
        gates += n * o->weight_bits * o->input_bits * c->multiply_area_m2;
    return (gates + registers * c->register_area_m2) / c->cell_density;
}

static void place_area(pe_mapping *m)
{
    for (int i = 0; i < m->program->n_instructions; i++) {
        stn_placement *p = &m->layers[i].placement;
        p->sub_arrays = (uint64_t)m->options.sub_arrays;
        p->borrowed = i ? p->sub_arrays : 0;
        p->lanes = i ? 0 : (uint64_t)m->options.lanes;
        p->logic_m2 = i ? 0.0 : array_area(m);
        if (!m->layers[i].products)
            p->utilisation = 1.0;
    }
}

/* --- a program ------------------------------------------------------------*/

/* What is kept from step to step stays in the buffer, whatever has no room
 * beside it. */
static stn_status place_states(pe_mapping *m, uint64_t *room, stn_error *err)
{
    const stn_program *p = m->program;
    uint64_t sum = 0;
    for (int i = 0; i < p->n_instructions; i++) {
        pe_layer *l = &m->layers[i];
        if (!stn_opcode_is_time(l->in->opcode))
            continue;
        l->kept = stn_neurons_of(l->in, &p->values[l->in->inputs[0]]);
        if (l->kept.keep != STN_KEEP_STATE)
            continue;
        size_t n = stn_shape_count(p->values[l->in->output].shape);
        l->state = m->n_numbers;
        m->n_numbers += n;
        l->state_bits = n * (uint64_t)l->kept.bits;
        sum += l->state_bits;
    }
    if (sum > *room)
        return stn_fail(err, STN_E_UNSUPPORTED,
                        "%s does not fit on %s: what its neurons keep takes "
                        "%llu bits, the buffer has %llu; see "
                        "options.sub_arrays",
                        p->name, m->machine->name, (unsigned long long)sum,
                        (unsigned long long)*room);
    *room -= sum;
    return STN_OK;
}

static stn_status check_systolic(const pe_mapping *m, stn_error *err)
{
    const pe_options *o = &m->options;
    if (!o->systolic || o->flow == PE_FLOW_WEIGHT || o->flow == PE_FLOW_OUTPUT)
        return STN_OK;
    return stn_fail(err, STN_E_UNSUPPORTED,
                    "%s: options.systolic: expected false with this flow; "
                    "operands pass from element to element with flow weight "
                    "or output only",
                    m->machine->name);
}

static stn_status map_all(pe_mapping *m, stn_error *err)
{
    const stn_program *p = m->program;
    size_t n = (size_t)p->n_values;
    const stn_array *a = &m->machine->array;
    uint64_t room = (uint64_t)m->options.sub_arrays * (uint64_t)a->rows *
                    (uint64_t)a->columns;
    STN_TRY(check_systolic(m, err));
    m->layers = stn_arena_alloc(&m->arena, (size_t)p->n_instructions,
                                sizeof *m->layers);
    m->homes = stn_arena_alloc(&m->arena, n, 1);
    m->offsets = stn_values_place(p, &m->arena, &m->n_numbers);
    int *last = stn_arena_alloc(&m->arena, n, sizeof *last);
    if (!m->layers || !m->homes || !m->offsets || !last)
        return stn_fail_memory(err, "a mapping");
    for (int i = 0; i < p->n_instructions; i++) {
        pe_layer *l = &m->layers[i];
        l->in = &p->instructions[i];
        l->time_steps = stn_neurons_steps(p, l->in);
        if (l->in->opcode == STN_CONV || l->in->opcode == STN_DEPTHWISE)
            STN_TRY(map_products(m, l, err));
    }
    find_direct(m, last);
    STN_TRY(place_states(m, &room, err));
    place_weights(m, room - place_values(m, last, room));
    place_area(m);
    return check_room(m, room, err);
}

stn_status pe_map(const stn_machine *machine, const stn_program *program,
                  void **mapping, stn_error *err)
{
    pe_mapping *m = stn_alloc(1, sizeof *m);
    if (!m)
        return stn_fail_memory(err, "a mapping");
    m->machine = machine;
    m->program = program;
    m->options = *(const pe_options *)machine->attrs;
    stn_status status = map_all(m, err);
    if (status != STN_OK) {
        pe_unmap(m);
        return status;
    }
    *mapping = m;
    return STN_OK;
}

void pe_unmap(void *mapping)
{
    pe_mapping *m = mapping;
    if (!m)
        return;
    stn_arena_deinit(&m->arena);
    stn_free(m);
}

void pe_pass_time(const pe_mapping *m, stn_event unit, uint64_t unit_steps,
                  stn_ledger_row *row)
{
    const double *latency_s = m->machine->event_latency_s;
    uint64_t ports = (uint64_t)m->options.ports;
    uint64_t reads = pe_div_up(row->total[STN_EVENT_row_read], ports);
    uint64_t writes = pe_div_up(row->total[STN_EVENT_row_write], ports);
    uint64_t bits = row->total[STN_EVENT_off_chip_bit];
    double unit_s = (double)unit_steps * latency_s[unit];
    double buffer_s = (double)reads * latency_s[STN_EVENT_row_read] +
                      (double)writes * latency_s[STN_EVENT_row_write];
    double outside_s = (double)bits * latency_s[STN_EVENT_off_chip_bit];
    if (unit_s >= buffer_s && unit_s >= outside_s) {
        row->steps[unit] += unit_steps;
    } else if (buffer_s >= outside_s) {
        row->steps[STN_EVENT_row_read] += reads;
        row->steps[STN_EVENT_row_write] += writes;
    } else {
        row->steps[STN_EVENT_off_chip_bit] += bits;
    }
}
