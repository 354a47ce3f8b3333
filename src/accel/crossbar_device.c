/* SPDX-License-Identifier: MIT
 *
 * Cells that are not ideal: what conductance each one shows to its column.
 *
 * In units of one cell step, with v the content of a cell, F = 2^cell_bits - 1
 * the largest, and N a normal deviate that the seed decides for every cell:
 *
 *   g = v + F / (on_off - 1)                      cells are never quite off
 *   g = g + variation · N · (F or g)              independent or proportional,
 *                                                 as CrossSim names its errors
 *   g = g · (1 - wire/F · (D + W))                wires, to first order
 *
 * The last line is the nodal equations of a driven group, expanded once in
 * wire = (resistance between two cells) · (conductance of a full cell): the
 * potential that its own column's current builds up at row k below it is
 * D(k) = Σ_i g(i) · (rows from the lower of i and k to the ADC), and the drop
 * along its row W(j) = Σ_j' g(j') · (columns from the driver to the nearer of
 * j and j'). Both are linear in the inputs, so they belong to the cell. The
 * expansion is good while drops are small; g is cut at 0. A block of a
 * depthwise layer is taken to stand at the driver's end of its array.
 *
 * Conductances are then fixed numbers of XB_FRACTION bits below a step, so
 * sums are exact integers whatever the order. */
#include "accel/crossbar.h"
#include "base/rng.h"
#include <math.h>

/* One set: group, sign, slice; g is row by row, all filters of a row. */
typedef struct set {
    const xb_mapping *m;
    const xb_layer *l;
    int group, sign, slice;
    double *g, *loss;
} set;

static size_t at(const set *s, int row, int o)
{
    return (size_t)row * xb_width(s->l, s->group) + (size_t)o;
}

static double full_of(const xb_mapping *m)
{
    return ldexp(1.0, m->options.cell_bits) - 1.0;
}

/* Content as stored, inverted columns inverted. */
static double content_of(const set *s, int row, int o)
{
    const xb_layer *l = s->l;
    int bits = s->m->options.cell_bits;
    double v = 0.0;
    for (int t = 0; t < bits && s->slice * bits + t < l->n_planes; t++) {
        const uint64_t *words =
            xb_plane_of(l, s->group, s->sign, s->slice * bits + t) +
            (size_t)o * (size_t)l->words;
        v += ldexp((double)(words[row / 64] >> (row % 64) & 1), t);
    }
    return v;
}

/* One generator a column, keyed by where the column stands. */
static void program_column(const set *s, int o)
{
    const xb_options *p = &s->m->options;
    const xb_layer *l = s->l;
    double full = full_of(s->m);
    uint64_t layer = (uint64_t)(l - s->m->layers);
    uint64_t column =
        xb_column_index(l, s->group, s->sign, s->slice) + (uint64_t)o;
    stn_rng rng =
        stn_rng_make((uint64_t)p->seed, STN_RNG_DEVICE, layer << 40 | column);
    for (int k = 0; k < l->groups[s->group].n; k++) {
        double g = content_of(s, k, o);
        if (p->on_off > 0.0f)
            g += full / ((double)p->on_off - 1.0);
        double spread = p->variation_of == XB_VARIATION_CELL ? g : full;
        g += (double)p->variation * spread * (double)stn_rng_normal(&rng);
        s->g[at(s, k, o)] = g > 0.0 ? g : 0.0;
    }
}

/* Rows from row k of the group to the ADC, its own included. */
static double below(const set *s, int k)
{
    int rows = s->m->machine->array.rows;
    return rows - (s->l->groups[s->group].first + k) % rows;
}

/* D: from the top, rows above count as far down as row k does. */
static void drop_column(const set *s, int o)
{
    int n = s->l->groups[s->group].n;
    double above = 0.0, under = 0.0;
    for (int k = 0; k < n; k++)
        under += s->g[at(s, k, o)] * below(s, k);
    for (int k = 0; k < n; k++) {
        double g = s->g[at(s, k, o)];
        above += g;
        under -= g * below(s, k);
        s->loss[at(s, k, o)] = above * below(s, k) + under;
    }
}

/* W: along one row of one block, tile by tile. */
static void drop_row(const set *s, int k, int block)
{
    int columns = s->m->machine->array.columns, step = s->l->n_blocks;
    int filters = s->l->packs[s->l->groups[s->group].pack].n;
    for (int base = 0; base < filters; base += columns) {
        int end = filters - base < columns ? filters : base + columns;
        double nearer = 0.0, beyond = 0.0;
        for (int j = base; j < end; j++)
            beyond += s->g[at(s, k, block + j * step)];
        for (int j = base; j < end; j++) {
            double g = s->g[at(s, k, block + j * step)];
            double place = j - base + 1;
            beyond -= g;
            nearer += g * place;
            s->loss[at(s, k, block + j * step)] += nearer + beyond * place;
        }
    }
}

static void fix_cells(const set *s, int32_t *cells)
{
    const xb_layer *l = s->l;
    double wire = (double)s->m->options.wire / full_of(s->m);
    const uint8_t *live =
        l->live ? l->live + xb_column_index(l, s->group, s->sign, s->slice)
                : NULL;
    for (int k = 0; k < l->groups[s->group].n; k++)
        for (int o = 0; o < (int)xb_width(l, s->group); o++) {
            double g = s->g[at(s, k, o)] * (1.0 - wire * s->loss[at(s, k, o)]);
            g = (g > 0.0 && (!live || live[o])) ? g : 0.0;
            cells[at(s, k, o)] = (int32_t)floor(ldexp(g, XB_FRACTION) + 0.5);
        }
}

static void make_set(const set *s, int32_t *cells)
{
    for (int o = 0; o < (int)xb_width(s->l, s->group); o++) {
        program_column(s, o);
        drop_column(s, o);
    }
    for (int k = 0; k < s->l->groups[s->group].n; k++)
        for (int b = 0; b < s->l->n_blocks; b++)
            drop_row(s, k, b);
    fix_cells(s, cells);
}

stn_status xb_map_device(xb_mapping *m, xb_layer *l, stn_error *err)
{
    const xb_options *o = &m->options;
    size_t rows = (size_t)l->most_rows;
    size_t most = (size_t)l->pack_columns * rows;
    if (o->variation <= 0.0f && o->wire <= 0.0f && o->on_off <= 0.0f)
        return STN_OK;
    double *g = stn_alloc(2, most * sizeof *g);
    l->cells = stn_arena_alloc(
        &m->arena, l->n_columns * (size_t)l->n_slices * rows, sizeof *l->cells);
    int kinds = l->n_signs * l->n_slices;
    for (int i = 0; g && l->cells && i < l->n_groups * kinds; i++) {
        set s = {.m = m,
                 .l = l,
                 .group = i / kinds,
                 .sign = i % kinds / l->n_slices,
                 .slice = i % l->n_slices,
                 .g = g,
                 .loss = g + most};
        make_set(&s, l->cells +
                         xb_column_index(l, s.group, s.sign, s.slice) * rows);
    }
    stn_free(g);
    for (int s = 0; s < l->n_slices; s++)
        l->adc[s].fraction = XB_FRACTION;
    return g && l->cells ? STN_OK
                         : stn_fail_memory(err, "the cells of a layer");
}
