/* SPDX-License-Identifier: MIT
 *
 * Weights as cells: cut by sign or shifted to be positive, sliced by bits,
 * grouped by rows that are driven at once.
 *
 * How many bits a weight needs follows from the layer's largest code, so a
 * ternary layer takes one slice where an int8 layer takes several. */
#include "accel/crossbar.h"

static int bit_length(uint32_t v)
{
    int n = 0;
    while (v >> n)
        n++;
    return n;
}

static int code_at(const xb_layer *l, int o, int row)
{
    return l->in->weights.codes[(size_t)o * (size_t)l->n_rows + (size_t)row];
}

/* What the cells of weight `code` hold, on the array of `sign`. */
static uint32_t cells_of(const xb_layer *l, int code, int sign)
{
    if (l->has_unit)
        return (uint32_t)(code + (int)l->bias) / l->gain;
    return (uint32_t)(sign ? (code < 0 ? -code : 0) : code > 0 ? code : 0);
}

/* Largest magnitude of the layer's codes. */
static uint32_t largest_code(const xb_layer *l)
{
    const stn_weights *w = &l->in->weights;
    uint32_t most = 1;
    if (w->outline)
        return w->outline->bits < 3 ? 1 : (1u << (w->outline->bits - 1)) - 1;
    for (int f = 0; f < l->out; f++)
        for (int k = 0; k < l->n_rows; k++) {
            int code = code_at(l, f, k);
            uint32_t size = (uint32_t)(code < 0 ? -code : code);
            most = size > most ? size : most;
        }
    return most;
}

static bool is_binary(const stn_weights *w)
{
    return w->outline ? w->outline->bits == 1 : w->code == STN_CODE_BINARY;
}

/* Signs, slices and the affine map back: -1, +1 is 0, 1 doubled less one. */
static stn_status choose_cells(const xb_mapping *m, xb_layer *l, stn_error *err)
{
    const xb_options *o = &m->options;
    uint32_t most = largest_code(l);
    l->has_unit = o->signs != XB_SIGNS_PAIR;
    l->n_signs = l->has_unit ? 1 : 2;
    l->gain = l->has_unit && is_binary(&l->in->weights) ? 2 : 1;
    l->bias = l->has_unit ? most : 0;
    uint32_t largest = l->has_unit ? 2 * most / l->gain : most;
    l->n_planes = bit_length(largest);
    l->n_slices = (l->n_planes + o->cell_bits - 1) / o->cell_bits;
    if (l->n_slices > XB_MAX_SLICES)
        return stn_fail(err, STN_E_UNSUPPORTED,
                        "%s: weights up to %u take %d slices of %d bits, at "
                        "most %d are supported; see options.cell_bits",
                        l->in->name, (unsigned)most, l->n_slices, o->cell_bits,
                        XB_MAX_SLICES);
    /* An inverted top slice has all its bits. */
    if (o->signs == XB_SIGNS_FLIP)
        l->n_planes = l->n_slices * o->cell_bits;
    return STN_OK;
}

int xb_ideal_bits(const stn_machine *machine)
{
    const xb_options *o = machine->attrs;
    uint32_t rows = (uint32_t)machine->array.rows;
    if (o->active_rows && (uint32_t)o->active_rows < rows)
        rows = (uint32_t)o->active_rows;
    uint32_t digit = ((uint32_t)1 << o->dac_bits) - 1;
    uint32_t cell = ((uint32_t)1 << o->cell_bits) - 1;
    uint32_t full = rows * cell;
    if (o->signs == XB_SIGNS_FLIP)
        full = full / 2 > rows ? full / 2 : rows;
    return bit_length(full * digit);
}

static stn_status choose_adcs(const xb_mapping *m, xb_layer *l, stn_error *err)
{
    const xb_options *o = &m->options;
    int ideal = xb_ideal_bits(m->machine);
    for (int s = 0; s < l->n_slices; s++) {
        int i = s < o->adc_bits.n ? s : o->adc_bits.n - 1;
        int asked = i < 0 ? 0 : (int)o->adc_bits.v[i];
        int bits = asked ? asked : ideal;
        if (bits > XB_MAX_ADC_BITS)
            return stn_fail(err, STN_E_UNSUPPORTED,
                            "%s: an ADC that misses nothing needs %d bits, at "
                            "most %d are supported; see options.active_rows, "
                            "cell_bits, dac_bits and adc_bits",
                            l->in->name, bits, XB_MAX_ADC_BITS);
        int shift =
            o->adc_range == XB_RANGE_FULL && ideal > bits ? ideal - bits : 0;
        l->adc[s] = (xb_adc){
            .bits = bits, .shift = shift, .max = ((uint32_t)1 << bits) - 1};
    }
    return STN_OK;
}

/* The sign bit of a signed input is a digit of its own. */
static void choose_digits(const xb_mapping *m, xb_layer *l)
{
    int value = l->in->inputs[0];
    int64_t lo = m->lo[value], hi = m->hi[value];
    bool is_signed = lo < 0;
    uint32_t size = (uint32_t)(hi > 0 ? hi : 0);
    uint32_t below = is_signed ? (uint32_t)(-lo) - 1 : 0;
    int bits = bit_length(size > below ? size : below);
    l->n_bits = bits + is_signed;
    for (int b = 0; b < bits; b += m->options.dac_bits) {
        int n = bits - b < m->options.dac_bits ? bits - b : m->options.dac_bits;
        l->digits[l->n_digits++] = (xb_digit){.first = b, .n = n};
    }
    if (is_signed)
        l->digits[l->n_digits++] =
            (xb_digit){.first = bits, .n = 1, .negative = true};
}

/* Stored cells of one column in one slice: their sum decides a flip. */
static uint32_t slice_of(const xb_mapping *m, uint32_t cells, int slice)
{
    int bits = m->options.cell_bits;
    return cells >> (slice * bits) & (((uint32_t)1 << bits) - 1);
}

static void store_column(const xb_mapping *m, xb_layer *l, int group, int sign,
                         int column)
{
    const xb_group *g = &l->groups[group];
    const int o =
        xb_filter_at(l, l->packs[g->pack].first * l->n_blocks + column);
    uint32_t full = ((uint32_t)1 << m->options.cell_bits) - 1;
    uint32_t invert = 0;
    for (int s = 0; s < l->n_slices; s++) {
        uint32_t sum = 0;
        for (int k = 0; k < g->n; k++)
            sum += slice_of(
                m, cells_of(l, code_at(l, o, xb_row_at(l, g, k)), sign), s);
        size_t at = xb_column_index(l, group, sign, s) + (size_t)column;
        if (l->flips && 2 * sum > (uint32_t)g->n * full) {
            l->flips[at] = 1;
            invert |= full << (s * m->options.cell_bits);
            sum = (uint32_t)g->n * full - sum;
        }
        if (l->live)
            l->live[at] = sum > 0;
    }
    for (int k = 0; k < g->n; k++) {
        uint32_t cells =
            cells_of(l, code_at(l, o, xb_row_at(l, g, k)), sign) ^ invert;
        for (int t = 0; t < l->n_planes; t++)
            (xb_plane_of(l, group, sign, t) +
             (size_t)column * (size_t)l->words)[k / 64] |=
                (uint64_t)(cells >> t & 1) << (k % 64);
    }
}

static stn_status store_weights(xb_mapping *m, xb_layer *l, stn_error *err)
{
    l->planes = stn_arena_alloc(&m->arena, l->n_columns * (size_t)l->n_planes,
                                (size_t)l->words * sizeof *l->planes);
    bool flip = m->options.signs == XB_SIGNS_FLIP;
    bool skip = m->options.skip_zero_columns;
    if (skip)
        l->live =
            stn_arena_alloc(&m->arena, l->n_columns * (size_t)l->n_slices, 1);
    if (flip)
        l->flips =
            stn_arena_alloc(&m->arena, l->n_columns * (size_t)l->n_slices, 1);
    if (!l->planes || (skip && !l->live) || (flip && !l->flips))
        return stn_fail_memory(err, "the cells of a layer");
    for (int g = 0; g < l->n_groups; g++)
        for (int sign = 0; sign < l->n_signs; sign++)
            for (int column = 0; column < (int)xb_width(l, g); column++)
                store_column(m, l, g, sign, column);
    return STN_OK;
}

/* Blocks of an outline are those of a group convolution. */
static void choose_blocks(const xb_mapping *m, xb_layer *l)
{
    const stn_weights *w = &l->in->weights;
    l->out = w->out;
    l->n_rows = w->kh * w->kw * w->in;
    l->n_blocks = 1;
    if (l->in->opcode == STN_DEPTHWISE)
        l->n_blocks = m->program->values[l->in->inputs[0]].shape.c;
    else if (w->outline)
        l->n_blocks = w->outline->blocks;
    if (l->in->opcode == STN_CONV)
        l->n_rows /= l->n_blocks;
}

stn_status xb_map_layer(xb_mapping *m, xb_layer *l, stn_error *err)
{
    l->analog = true;
    l->depthwise = l->in->opcode == STN_DEPTHWISE;
    choose_blocks(m, l);
    STN_TRY(choose_cells(m, l, err));
    STN_TRY(choose_adcs(m, l, err));
    choose_digits(m, l);
    STN_TRY(xb_map_packs(m, l, err));
    if (!l->in->weights.outline) {
        STN_TRY(store_weights(m, l, err));
        STN_TRY(xb_map_device(m, l, err));
    }
    return xb_map_reads(m, l, err);
}
