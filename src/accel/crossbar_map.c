/* SPDX-License-Identifier: MIT
 *
 * Where a program lies: arrays of each layer, the reads that one output
 * position takes, the rounds they run in, and what does not fit. */
#include "accel/crossbar.h"
#include "accel/fit.h"

static int div_up(int a, int b)
{
    return (a + b - 1) / b;
}

static int n_adcs(const xb_mapping *m)
{
    return div_up(m->machine->array.columns, m->options.columns_per_adc);
}

/* --- reads ----------------------------------------------------------------*/

/* A block on arrays of its own: each row group is a read. Groups of one array
 * follow each other, arrays run side by side. Blocks of an outline are alike.
 */
static stn_status own_reads(xb_mapping *m, xb_layer *l, stn_error *err)
{
    const bool outline = l->in->weights.outline != NULL;
    l->n_reads = l->n_groups * (outline ? 1 : l->n_blocks);
    l->reads = stn_arena_alloc(&m->arena, (size_t)l->n_reads, sizeof *l->reads);
    if (!l->reads)
        return stn_fail_memory(err, "the reads of a layer");
    for (int i = 0; i < l->n_reads; i++) {
        int g = i % l->n_groups, turn = l->groups[g].turn;
        l->reads[i] = (xb_read){
            .group = g, .first = i / l->n_groups, .n = 1, .round = turn};
        l->reads[i].times =
            outline ? l->groups[g].times * (uint64_t)l->n_blocks : 1;
        if (turn >= l->n_rounds)
            l->n_rounds = turn + 1;
    }
    return STN_OK;
}

/* Reads of `times` arrays that are alike, which hold blocks [first, end),
 * `together` of them at once. */
static void read_diagonal(xb_layer *l, int first, int end, int together,
                          uint64_t times)
{
    int round = 0;
    for (int b = first; b < end; b += together)
        for (int g = 0; g < l->n_groups; g++)
            l->reads[l->n_reads++] =
                (xb_read){.group = g,
                          .first = b,
                          .n = end - b < together ? end - b : together,
                          .round = round++,
                          .times = times};
    l->n_rounds = round > l->n_rounds ? round : l->n_rounds;
}

/* Blocks on the diagonal of an array, `held` of them; as many of them at once
 * as may be driven. A block of more rows than that is read in parts. Rows of
 * other blocks meet empty cells. Full arrays of an outline are alike. */
static stn_status diagonal_reads(xb_mapping *m, xb_layer *l, int held,
                                 stn_error *err)
{
    int active = m->options.active_rows ? m->options.active_rows
                                        : m->machine->array.rows;
    int together = active / l->n_rows < held ? active / l->n_rows : held;
    together = together ? together : 1;
    int arrays = div_up(l->n_blocks, held), full = l->n_blocks / held;
    int alike = l->in->weights.outline && full > 1 ? full : 1;
    int most = (arrays - alike + 1) * div_up(held, together) * l->n_groups;
    l->reads = stn_arena_alloc(&m->arena, (size_t)most, sizeof *l->reads);
    if (!l->reads)
        return stn_fail_memory(err, "the reads of a layer");
    for (int base = 0; base < l->n_blocks; base += held) {
        int end = l->n_blocks - base < held ? l->n_blocks : base + held;
        read_diagonal(l, base, end, together, (uint64_t)(base ? 1 : alike));
        base += base ? 0 : (alike - 1) * held;
    }
    l->arrays = (uint64_t)arrays;
    l->most_held = (l->n_blocks < held ? l->n_blocks : held) * l->n_rows;
    return STN_OK;
}

static stn_status choose_reads(xb_mapping *m, xb_layer *l, stn_error *err)
{
    int columns = m->machine->array.columns;
    int wide = l->out / l->n_blocks + l->has_unit;
    int held = m->machine->array.rows / l->n_rows;
    held = held < columns / wide ? held : columns / wide;
    if (l->n_blocks > 1 && held > 1)
        return diagonal_reads(m, l, held, err);
    return own_reads(m, l, err);
}

/* Columns that a read converts of `sign` and `slice`, among the n filters of
 * each of its blocks from the pack's `first` on; unit columns are with the
 * first. */
static uint32_t columns_of(const xb_layer *l, const xb_read *r, int sign,
                           int slice, int first, int n)
{
    int filters = xb_pack_of(l, r)->n;
    int end = first + n < filters ? first + n : filters;
    uint32_t count = (uint32_t)((end - first) * r->n);
    if (l->live) {
        const uint8_t *live =
            l->live + xb_column_index(l, r->group, sign, slice);
        count = 0;
        for (int k = first; k < end; k++)
            for (int b = r->first; b < r->first + r->n; b++)
                count += live[k * l->n_blocks + b];
    }
    return count +
           (l->has_unit && slice == 0 && first == 0 ? (uint32_t)r->n : 0);
}

/* The slowest ADC of one read's arrays: it converts one column after the
 * other. */
static void time_read(const xb_mapping *m, const xb_layer *l, const xb_read *r,
                      xb_round *round)
{
    int wide = m->machine->array.columns;
    for (int tile = 0; tile < xb_pack_of(l, r)->tiles; tile++)
        for (int sign = 0; sign < l->n_signs; sign++)
            for (int slice = 0; slice < l->n_slices; slice++) {
                uint64_t columns =
                    columns_of(l, r, sign, slice, tile * wide, wide);
                uint64_t adcs = (uint64_t)n_adcs(m);
                uint64_t steps = (columns + adcs - 1) / adcs;
                int bits = l->adc[slice].bits;
                double time_s =
                    (double)steps *
                    m->machine->event_latency_s[STN_EVENT_adc1 + bits - 1];
                if (time_s <= round->adc_s)
                    continue;
                round->adc_s = time_s;
                round->adc_steps = steps;
                round->adc_bits = bits;
            }
}

/* Whether two reads convert the same columns for sure. */
static bool same_columns(const xb_layer *l, const xb_read *a, const xb_read *b)
{
    return !l->live && a->n == b->n && xb_pack_of(l, a) == xb_pack_of(l, b);
}

/* A round takes as long as its slowest array: its read and its conversions,
 * or the longer of the two. */
static stn_status time_rounds(xb_mapping *m, xb_layer *l, stn_error *err)
{
    double read_s = m->machine->event_latency_s[STN_EVENT_crossbar_read];
    xb_round one = {.adc_s = -1.0};
    l->rounds =
        stn_arena_alloc(&m->arena, (size_t)l->n_rounds, sizeof *l->rounds);
    if (!l->rounds)
        return stn_fail_memory(err, "the rounds of a layer");
    for (int k = 0; k < l->n_rounds; k++)
        l->rounds[k].adc_s = -1.0;
    for (int i = 0; i < l->n_reads; i++) {
        const xb_read *r = &l->reads[i];
        if (!i || !same_columns(l, r, r - 1)) {
            one = (xb_round){.adc_s = -1.0};
            time_read(m, l, r, &one);
        }
        if (one.adc_s > l->rounds[r->round].adc_s)
            l->rounds[r->round] = one;
    }
    for (int k = 0; k < l->n_rounds; k++) {
        xb_round *r = &l->rounds[k];
        r->read_steps = 1;
        if (m->options.pipeline && r->adc_s >= read_s)
            r->read_steps = 0;
        else if (m->options.pipeline)
            r->adc_steps = 0;
    }
    return STN_OK;
}

/* --- arrays and their area ------------------------------------------------*/

static void place_analog(const xb_mapping *m, xb_layer *l)
{
    const stn_array *a = &m->machine->array;
    const xb_circuits *c = m->machine->circuits;
    stn_adc_cost adc = {0};
    uint64_t copies = (uint64_t)m->options.copies;
    double ends_m2 = a->rows * c->dac_area_m2 + a->columns * c->hold_area_m2;
    double ends_w = a->rows * c->dac_leakage_w + a->columns * c->hold_leakage_w;
    double converter_m2 = 0.0, converter_w = 0.0;
    for (int s = 0; s < l->n_slices; s++) {
        xb_adc_cost(c, (xb_adc_model)m->options.adc_model, l->adc[s].bits,
                    &adc);
        converter_m2 += l->n_signs * (ends_m2 + n_adcs(m) * adc.area_m2);
        converter_w += l->n_signs * (ends_w + n_adcs(m) * adc.leakage_w);
    }
    uint64_t sets = l->arrays * copies;
    uint64_t kinds = (uint64_t)(l->n_signs * l->n_slices);
    uint64_t cells = 0;
    for (int p = 0; p < l->n_packs; p++)
        cells += (uint64_t)l->packs[p].n_rows * (uint64_t)l->n_blocks *
                 (uint64_t)l->packs[p].n;
    l->placement = (stn_placement){
        .sub_arrays = sets * kinds,
        .converter_m2 = (double)sets * converter_m2,
        .converter_w = (double)sets * converter_w,
        .logic_m2 = (double)(sets * kinds) * n_adcs(m) * c->shift_add_area_m2,
        .utilisation = (double)cells / ((double)l->arrays * (double)a->rows *
                                        (double)a->columns),
        .weight_rows = l->held_rows * copies * kinds};
}

stn_status xb_map_reads(xb_mapping *m, xb_layer *l, stn_error *err)
{
    STN_TRY(choose_reads(m, l, err));
    for (int i = 0; l->planes && i < l->n_reads; i++) /* to be executed */
        for (int sign = 0; sign < l->n_signs; sign++)
            for (int slice = 0; slice < l->n_slices; slice++)
                l->reads[i].columns[sign][slice] =
                    columns_of(l, &l->reads[i], sign, slice, 0, l->out);
    STN_TRY(time_rounds(m, l, err));
    place_analog(m, l);
    uint32_t digit = ((uint32_t)1 << m->options.dac_bits) - 1;
    uint32_t cell = ((uint32_t)1 << m->options.cell_bits) - 1;
    l->first_bin = m->n_bins;
    l->n_bins = (size_t)l->most_rows * cell * digit + 1;
    m->n_bins += (size_t)l->n_slices * l->n_bins;
    return STN_OK;
}

/* --- a program ------------------------------------------------------------*/

/* Ranges that hold whatever an inexact layer before delivers: clamps and
 * types, not the proof from weights. */
static void set_range(xb_mapping *m, int value, const stn_instruction *in)
{
    m->lo[value] = INT32_MIN;
    m->hi[value] = INT32_MAX;
    if (!in) {
        m->lo[value] = 0;
        m->hi[value] = 255;
    } else if (in->opcode == STN_RESCALE) {
        m->lo[value] = in->lo;
        m->hi[value] = in->hi;
    } else if (stn_opcode_is_time(in->opcode) &&
               m->program->values[value].type == STN_TYPE_U8) { /* spikes */
        m->lo[value] = 0;
        m->hi[value] = 1;
    } else if (in->opcode == STN_MAX_POOL) {
        m->lo[value] = m->lo[in->inputs[0]];
        m->hi[value] = m->hi[in->inputs[0]];
    }
}

int xb_value_bits(const xb_mapping *m, int value)
{
    const stn_value *v = &m->program->values[value];
    bool is_signed = v->lo < 0;
    int64_t size = is_signed && -v->lo - 1 > v->hi ? -v->lo - 1 : v->hi;
    int bits = is_signed;
    while (size > 0) {
        size >>= 1;
        bits++;
    }
    return bits ? bits : 1;
}

/* Bits that all of a value takes in the buffer, which holds it until it is
 * read for the last time. */
static uint64_t value_size(const xb_mapping *m, int value)
{
    return stn_value_count(&m->program->values[value]) *
           (uint64_t)xb_value_bits(m, value);
}

static size_t most(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* Scratch of an analog layer: its padded input, as numbers and as strings of
 * bits; the bits of one position, block by block; sums and accumulators. */
static void size_scratch(xb_mapping *m, xb_layer *l)
{
    const stn_shape x = m->program->values[l->in->inputs[0]].shape;
    l->frame_h = x.h + 2 * l->in->pad;
    l->frame_w = x.w + 2 * l->in->pad;
    size_t numbers = (size_t)l->frame_h * (size_t)l->frame_w * (size_t)x.c;
    size_t rows = (size_t)l->n_rows * (size_t)l->n_blocks;
    m->n_padded = most(m->n_padded, numbers + rows);
    m->n_frame = most(m->n_frame, xb_frame_words(numbers) * (size_t)l->n_bits);
    m->n_window = most(m->n_window, xb_window_words(l) * (size_t)l->n_bits);
    m->n_string = most(m->n_string, xb_frame_words((size_t)l->n_rows));
    m->n_sums = most(m->n_sums, 2 * (size_t)l->out + 2 * xb_units(l));
}

static stn_status map_layer(xb_mapping *m, int index, stn_error *err)
{
    xb_layer *l = &m->layers[index];
    l->in = &m->program->instructions[index];
    l->steps = stn_neurons_steps(m->program, l->in);
    if (l->in->opcode == STN_CONV || l->in->opcode == STN_DEPTHWISE) {
        STN_TRY(xb_map_layer(m, l, err));
        size_scratch(m, l);
    } else if (l->in->opcode == STN_CONCAT) { /* side by side in the buffer */
        l->placement.utilisation = 1.0;
    } else {
        if (stn_opcode_is_time(l->in->opcode))
            l->kept =
                stn_neurons_of(l->in, &m->program->values[l->in->inputs[0]]);
        l->placement = (stn_placement){.lanes = (uint64_t)m->options.lanes,
                                       .utilisation = 1.0};
    }
    set_range(m, l->in->output, l->in);
    if (l->in->opcode != STN_CONCAT)
        l->placement.buffer_bits = value_size(m, l->in->output);
    if (index == 0)
        l->placement.buffer_bits += value_size(m, l->in->inputs[0]);
    return STN_OK;
}

static stn_status fit(xb_mapping *m, stn_error *err)
{
    int n = m->program->n_instructions;
    stn_fit f = {.machine = m->machine,
                 .program = m->program,
                 .sub_arrays = (uint64_t)m->options.arrays,
                 .stream = m->options.stream,
                 .noun = "arrays",
                 .options = "options.arrays, options.copies and "
                            "options.stream"};
    f.layers = stn_arena_alloc(&m->arena, (size_t)n, sizeof *f.layers);
    if (!f.layers)
        return stn_fail_memory(err, "a mapping");
    for (int i = 0; i < n; i++)
        f.layers[i] =
            (stn_fit_layer){&m->layers[i].placement, m->layers[i].analog};
    return stn_fit_program(&f, err);
}

static stn_status map_all(xb_mapping *m, stn_error *err)
{
    const stn_program *p = m->program;
    size_t n = (size_t)p->n_values;
    m->layers = stn_arena_alloc(&m->arena, (size_t)p->n_instructions,
                                sizeof *m->layers);
    m->lo = stn_arena_alloc(&m->arena, n, sizeof *m->lo);
    m->hi = stn_arena_alloc(&m->arena, n, sizeof *m->hi);
    m->offsets = stn_values_place(p, &m->arena, &m->n_numbers);
    if (!m->layers || !m->lo || !m->hi || !m->offsets)
        return stn_fail_memory(err, "a mapping");
    int held = m->machine->array.cell_bits;
    if (held && m->options.cell_bits > held)
        return stn_fail(err, STN_E_UNSUPPORTED,
                        "%s: options.cell_bits is %d, a cell holds %d",
                        m->machine->name, m->options.cell_bits, held);
    set_range(m, 0, NULL);
    for (int i = 0; i < p->n_instructions; i++)
        STN_TRY(map_layer(m, i, err));
    for (int i = 0; i < p->n_instructions; i++) {
        xb_layer *l = &m->layers[i];
        l->state = m->n_numbers;
        if (l->kept.keep == STN_KEEP_STATE)
            m->n_numbers += stn_shape_count(p->values[l->in->output].shape);
    }
    return fit(m, err);
}

stn_status xb_map(const stn_machine *machine, const stn_program *program,
                  void **mapping, stn_error *err)
{
    xb_mapping *m = stn_alloc(1, sizeof *m);
    if (!m)
        return stn_fail_memory(err, "a mapping");
    m->machine = machine;
    m->program = program;
    m->options = *(const xb_options *)machine->attrs;
    stn_status status = map_all(m, err);
    if (status != STN_OK) {
        xb_unmap(m);
        return status;
    }
    *mapping = m;
    return STN_OK;
}

void xb_unmap(void *mapping)
{
    xb_mapping *m = mapping;
    if (!m)
        return;
    stn_arena_deinit(&m->arena);
    stn_free(m);
}
