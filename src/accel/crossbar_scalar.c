/* SPDX-License-Identifier: MIT
 *
 * What a crossbar machine computes, in plain loops over numbers. A machine
 * whose ADCs miss nothing equals the reference interpreter; one whose ADCs
 * saturate or round equals this, bit for bit:
 *
 *     y[o] = gain · Σ groups, digits, signs, slices
 *                   ± back(adc(Σ rows  cell · digit(x))) · 2^(place)
 *            - bias · Σ groups, digits  ± adc(Σ rows  digit(x)) · 2^(place)
 *
 * where adc(s) = min((s + step/2) / step, 2^bits - 1) · step, and back() of a
 * column that lies inverted is full · adc(Σ digit(x)) - adc(…). Groups are
 * the rows driven at once, cut within arrays, and where rows are packed those
 * of the filter's pack. Sums wrap at 32 bits. Cells that
 * are not ideal count as much as crossbar_device.c says. */
#include "accel/crossbar.h"

/* One column of one group, as it is driven for one digit. */
typedef struct column {
    const xb_layer *l;
    const int8_t *codes; /* of the filter */
    const int32_t *x;    /* of its block */
    int n;               /* rows of the group */
    int cell_bits, sign, slice;
    int group, at; /* column of the group's */
} column;

static uint32_t digit_of(const xb_digit *d, int32_t x)
{
    return (uint32_t)x >> d->first & (((uint32_t)1 << d->n) - 1);
}

static int row_of(const column *c, int k)
{
    return xb_row_at(c->l, &c->l->groups[c->group], k);
}

static uint32_t cell_of(const column *c, int k)
{
    int code = c->codes[row_of(c, k)];
    int word = c->l->has_unit ? (code + (int)c->l->bias) / (int)c->l->gain
               : c->sign      ? -code
                              : code;
    word = word > 0 ? word : 0;
    return (uint32_t)word >> (c->slice * c->cell_bits) &
           (((uint32_t)1 << c->cell_bits) - 1);
}

/* A column more than half full lies inverted. */
static bool is_inverted(const column *c)
{
    uint32_t sum = 0, full = ((uint32_t)1 << c->cell_bits) - 1;
    for (int k = 0; k < c->n; k++)
        sum += cell_of(c, k);
    return 2 * sum > full * (uint32_t)c->n;
}

static uint32_t adc_of(const xb_adc *adc, uint32_t sum)
{
    uint32_t step = (uint32_t)1 << adc->shift;
    uint32_t part = step << adc->fraction;
    uint32_t code = (sum + part / 2) / part;
    return (code < adc->max ? code : adc->max) * step;
}

/* Σ x of the group, through the ADC of the lowest slice. */
static uint32_t unit_of(const column *c, const xb_digit *d)
{
    uint32_t sum = 0;
    for (int k = 0; k < c->n; k++)
        sum += digit_of(d, c->x[row_of(c, k)]);
    xb_adc whole = c->l->adc[0];
    whole.fraction = 0;
    return adc_of(&whole, sum);
}

/* What a cell adds to its column: its content, or its conductance. */
static uint32_t conductance(const column *c, int k, bool flip)
{
    uint32_t full = ((uint32_t)1 << c->cell_bits) - 1, cell = cell_of(c, k);
    if (c->l->cells)
        return (uint32_t)xb_cells_of(
            c->l, c->group, c->sign,
            c->slice)[(size_t)k * xb_width(c->l, c->group) + (size_t)c->at];
    return flip ? full - cell : cell;
}

static uint32_t convert(const column *c, const xb_digit *d, bool flip)
{
    uint32_t sum = 0, full = ((uint32_t)1 << c->cell_bits) - 1;
    for (int k = 0; k < c->n; k++)
        sum += digit_of(d, c->x[row_of(c, k)]) * conductance(c, k, flip);
    uint32_t code = adc_of(&c->l->adc[c->slice], sum);
    return flip ? full * unit_of(c, d) - code : code;
}

/* What one group of rows adds to y[o]. */
static uint32_t group_of(const xb_mapping *m, column c)
{
    const xb_layer *l = c.l;
    uint32_t sum = 0, units = 0;
    for (int i = 0; i < l->n_digits; i++) {
        const xb_digit *d = &l->digits[i];
        uint32_t unit = l->has_unit ? unit_of(&c, d) << d->first : 0;
        units += d->negative ? 0 - unit : unit;
        for (c.sign = 0; c.sign < l->n_signs; c.sign++)
            for (c.slice = 0; c.slice < l->n_slices; c.slice++) {
                bool flip =
                    m->options.signs == XB_SIGNS_FLIP && is_inverted(&c);
                uint32_t part = convert(&c, d, flip)
                                << (d->first + c.slice * c.cell_bits);
                sum += d->negative != (c.sign == 1) ? 0 - part : part;
            }
    }
    return l->gain * sum - l->bias * units;
}

int32_t xb_scalar_filter(const xb_mapping *m, const xb_layer *l, int o,
                         const int32_t *rows)
{
    int at = 0;
    uint32_t y = 0;
    while (xb_filter_at(l, at) != o)
        at++;
    for (int g = 0; g < l->n_groups; g++) {
        int first = l->packs[l->groups[g].pack].first;
        if (at < first || at >= first + (int)xb_width(l, g))
            continue;
        y += group_of(m, (column){.l = l,
                                  .codes = l->in->weights.codes +
                                           (size_t)o * (size_t)l->n_rows,
                                  .x = rows + (size_t)(o % l->n_blocks) *
                                                  (size_t)l->n_rows,
                                  .n = l->groups[g].n,
                                  .group = g,
                                  .at = at - first,
                                  .cell_bits = m->options.cell_bits});
    }
    return (int32_t)y;
}
