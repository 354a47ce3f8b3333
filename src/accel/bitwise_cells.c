/* SPDX-License-Identifier: MIT
 *
 * Cells and amplifiers of a chip, drawn once from its device's spread.
 *
 * Every row that execution writes or senses gets cells of its own, and every
 * sub-array amplifiers of its own: weights and operands of each group and
 * copy, accumulators, carries, the banks of values. What a cell is follows
 * from the chip's seed, its region (value or layer, and what is kept there),
 * row and column, by a counter-based generator: never from the order in which
 * cells are drawn or used. Six bytes a cell. Only the columns that carry
 * data differ, the simulator's padding is ideal.
 *
 * Shared sub-arrays of a machine that streams are taken to be different for
 * every layer; time steps use the same cells. */
#include "accel/bitwise_noise.h"
#include <math.h>

/* A walk over all regions of a mapping, in an order that only the program
 * decides: once to count, once to draw. */
typedef struct walk {
    bw_mapping *m;
    bw_cells *cells; /* NULL: count */
    const stn_mtj_writing *writing;
    uint64_t region;
    size_t n_cells, n_offsets;
} walk;

static const double SURE = 40.0; /* hazard of a cell that is never written */

static int16_t fixed(double steps)
{
    double within = steps < -8.0 ? -8.0 : steps > 8.0 ? 8.0 : steps;
    return (int16_t)lrint(ldexp(within, BW_CELL_FRACTION));
}

static uint64_t counter(uint64_t region, size_t row, size_t column)
{
    return region << 48 | (uint64_t)row << 24 | (uint64_t)column;
}

stn_rng bw_cell_rng(const stn_machine *machine, uint64_t region, size_t row,
                    size_t column)
{
    return stn_rng_make((uint64_t)machine->device_seed, STN_RNG_DEVICE,
                        counter(region, row, column));
}

static stn_rng rng_of(const walk *w, size_t row, size_t column)
{
    return bw_cell_rng(w->m->machine, w->region, row, column);
}

static uint16_t log_chance(double chance)
{
    double steps = ldexp(-log2(chance), BW_CHANCE_FRACTION);
    return steps < BW_NEVER ? (uint16_t)lrint(steps) : BW_NEVER;
}

/* Strips have numbers of their own, so that nothing else changes with them. */
static void draw_cell(const walk *w, size_t row, size_t column, size_t at)
{
    const stn_machine *machine = w->m->machine;
    double content[2];
    stn_rng rng = rng_of(w, row, column);
    stn_mtj_deviation d = stn_mtj_draw(machine->device, &rng);
    rng = stn_rng_make((uint64_t)machine->device_seed, STN_RNG_STRIP,
                       counter(w->region, row, column));
    d.strip = stn_mtj_draw_strip(machine->device, &rng);
    stn_mtj_content(machine->device, &d, content);
    for (int k = 0; k < 2; k++)
        w->cells->content[k][at] = fixed(content[k]);
    w->cells->write_chance[at] =
        log_chance(stn_mtj_cell_write_error(w->writing, &d));
}

/* Cells from `at` on, of which `columns` are not padding. */
static void draw_row(const walk *w, size_t row, size_t columns, size_t stride,
                     size_t at)
{
    uint16_t least = BW_NEVER;
    for (size_t c = 0; c < columns; c++) {
        draw_cell(w, row, c, at + c);
        if (w->cells->write_chance[at + c] < least)
            least = w->cells->write_chance[at + c];
    }
    for (size_t c = columns; c < stride; c++) {
        w->cells->content[1][at + c] = fixed(1.0);
        w->cells->write_chance[at + c] = BW_NEVER;
    }
    double chance = exp2(ldexp(-least, -BW_CHANCE_FRACTION));
    w->cells->write_hazard[at / 64] = (float)fmin(-log1p(-chance), SURE);
}

/* `rows` rows of `columns` cells begin at *first. */
static void add_rows(walk *w, size_t *first, size_t rows, int columns,
                     int words)
{
    size_t stride = 64 * (size_t)words;
    *first = w->n_cells;
    for (size_t r = 0; w->cells && r < rows; r++)
        draw_row(w, r, (size_t)columns, stride, w->n_cells + r * stride);
    w->n_cells += rows * stride;
    w->region++;
}

/* Amplifiers of `arrays` sub-arrays, a row a reference, begin at *first. */
static void add_amplifiers(walk *w, size_t *first, size_t arrays, int columns,
                           int words)
{
    size_t rows = BW_REFERENCES * arrays, stride = 64 * (size_t)words;
    *first = w->n_offsets;
    for (size_t r = 0; w->cells && r < rows; r++)
        for (size_t c = 0; c < (size_t)columns; c++) {
            stn_rng rng = rng_of(w, r, c);
            w->cells->offset[w->n_offsets + r * stride + c] =
                fixed(stn_mtj_draw_offset(w->m->machine->device, &rng));
        }
    w->n_offsets += rows * stride;
    w->region++;
}

/* A value in a bank of its own. */
static void walk_value(walk *w, bw_value *v)
{
    size_t rows = (size_t)v->n_lines * (size_t)v->bits;
    size_t each = (size_t)w->m->rows, first = 0;
    size_t amplifiers = BW_REFERENCES * 64 * (size_t)v->words;
    add_rows(w, &v->cells, rows, v->columns, v->words);
    add_amplifiers(w, &first, (rows + each - 1) / each, v->columns, v->words);
    for (int l = 0; l < v->n_lines; l++)
        v->amplifiers[l] =
            first + (size_t)l * (size_t)v->bits / each * amplifiers;
}

/* Sums lie in the sub-arrays of their groups, and are read there. */
static void walk_window(walk *w, bw_layer *layer)
{
    const bw_value *x = &w->m->values[layer->in->inputs[0]];
    bw_value *y = &w->m->values[layer->in->output];
    const bw_window *window = &layer->window;
    size_t groups = (size_t)window->n_groups, bits = (size_t)x->bits;
    size_t amplifiers = BW_REFERENCES * 64 * (size_t)y->words;
    bw_places *p = &layer->places;
    add_rows(w, &p->operand, groups * bits, y->columns, y->words);
    add_rows(w, &p->carry, groups, y->columns, y->words);
    add_rows(w, &y->cells, (size_t)y->n_lines * (size_t)y->bits, y->columns,
             y->words);
    add_amplifiers(w, &p->amplifiers, groups, y->columns, y->words);
    for (int g = 0; g < window->n_groups; g++)
        for (int i = 0; i < window->groups[g].n; i++) {
            const bw_operand *o =
                &window->operands[window->groups[g].first + i];
            for (int k = o->first; k < o->first + o->n; k++)
                y->amplifiers[window->steps[k].filter] =
                    p->amplifiers + (size_t)g * amplifiers;
        }
}

/* The result is what the first chunk has summed. */
static void walk_neurons(walk *w, bw_layer *layer)
{
    bw_value *y = &w->m->values[layer->in->output];
    const bw_neurons *n = &layer->neurons;
    size_t chunks = (size_t)n->n_chunks, sums = chunks * (size_t)y->bits;
    size_t weights = (size_t)n->n_synapses * (size_t)n->weight_bits;
    bw_places *p = &layer->places;
    p->region = w->region;
    add_rows(w, &p->weights, weights, y->columns, y->words);
    add_rows(w, &p->ones, chunks, y->columns, y->words);
    add_rows(w, &p->sums, sums, y->columns, y->words);
    add_rows(w, &p->operand, sums, y->columns, y->words);
    add_rows(w, &p->carry, chunks, y->columns, y->words);
    add_amplifiers(w, &p->amplifiers, chunks, y->columns, y->words);
    y->cells = p->sums;
    y->amplifiers[0] = p->amplifiers;
}

static void walk_count(walk *w, bw_layer *layer)
{
    const bw_value *x = &w->m->values[layer->in->inputs[0]];
    const bw_count *c = &layer->count;
    size_t copies = (size_t)c->replicas;
    size_t filters = copies * (size_t)layer->in->weights.out;
    size_t slots = copies * (size_t)c->n_groups * (size_t)c->fold;
    bw_places *p = &layer->places;
    p->region = w->region;
    add_rows(w, &p->weights, filters * (size_t)c->planes, c->window, c->words);
    add_rows(w, &p->operand, slots * (size_t)x->bits, c->window, c->words);
    add_amplifiers(w, &p->amplifiers, slots, c->window, c->words);
    walk_value(w, &w->m->values[layer->in->output]);
}

static void walk_compare(walk *w, bw_layer *layer)
{
    const bw_value *x = &w->m->values[layer->in->inputs[0]];
    const bw_value *y = &w->m->values[layer->in->output];
    const bw_compare *c = &layer->compare;
    size_t groups = (size_t)c->n_groups;
    bw_places *p = &layer->places;
    add_rows(w, &p->operand, groups * BW_MAX_TAPS * (size_t)x->bits, y->columns,
             y->words);
    add_amplifiers(w, &p->amplifiers, groups, y->columns, y->words);
    walk_value(w, &w->m->values[c->result]);
}

static void walk_all(walk *w)
{
    walk_value(w, &w->m->values[0]);
    for (int i = 0; i < w->m->program->n_instructions; i++) {
        bw_layer *layer = &w->m->layers[i];
        if (layer->unit == BW_WINDOW)
            walk_window(w, layer);
        else if (layer->unit == BW_NEURONS)
            walk_neurons(w, layer);
        else if (layer->unit == BW_COUNT)
            walk_count(w, layer);
        else if (layer->unit == BW_COMPARE)
            walk_compare(w, layer);
        else if (layer->unit == BW_DIGITAL || layer->unit == BW_TIME)
            walk_value(w, &w->m->values[layer->in->output]);
        if (layer->unit == BW_TIME && layer->state.n_lines)
            walk_value(w, &layer->state);
    }
}

static stn_status make_amplifiers(bw_mapping *m, bw_value *v, stn_error *err)
{
    size_t n = v->n_lines ? (size_t)v->n_lines : 1;
    v->amplifiers = stn_arena_alloc(&m->arena, n, sizeof *v->amplifiers);
    return v->amplifiers ? STN_OK
                         : stn_fail_memory(err, "the amplifiers of a value");
}

/* As many as `counted` has found. */
static stn_status draw_cells(bw_mapping *m, const walk *counted, stn_error *err)
{
    bw_cells *cells = stn_alloc(1, sizeof *cells);
    if (!cells)
        return stn_fail_memory(err, "the cells of a chip");
    m->cells = cells;
    cells->n_cells = counted->n_cells;
    cells->n_offsets = counted->n_offsets;
    cells->content[0] = stn_alloc(cells->n_cells, sizeof(int16_t));
    cells->content[1] = stn_alloc(cells->n_cells, sizeof(int16_t));
    cells->offset = stn_alloc(cells->n_offsets, sizeof(int16_t));
    cells->write_chance = stn_alloc(cells->n_cells, sizeof(uint16_t));
    cells->write_hazard = stn_alloc(cells->n_cells / 64, sizeof(float));
    if (!cells->content[0] || !cells->content[1] || !cells->offset ||
        !cells->write_chance || !cells->write_hazard)
        return stn_fail_memory(err, "the cells of a chip");
    const stn_mtj_writing writing = stn_mtj_writing_make(m->machine->device);
    walk w = {.m = m, .cells = cells, .writing = &writing};
    walk_all(&w);
    return STN_OK;
}

stn_status bw_prepare(void *mapping, stn_error *err)
{
    bw_mapping *m = mapping;
    if (!m->machine->device && !m->machine->aged)
        return STN_OK;
    for (int v = 0; v < m->program->n_values; v++)
        STN_TRY(make_amplifiers(m, &m->values[v], err));
    for (int i = 0; i < m->program->n_instructions; i++)
        STN_TRY(make_amplifiers(m, &m->layers[i].state, err));
    walk w = {.m = m};
    walk_all(&w);
    if (m->machine->device)
        STN_TRY(draw_cells(m, &w, err));
    return m->machine->aged ? bw_age(m, err) : STN_OK;
}

void bw_cells_destroy(bw_cells *cells)
{
    if (!cells)
        return;
    stn_free(cells->content[0]);
    stn_free(cells->content[1]);
    stn_free(cells->offset);
    stn_free(cells->write_chance);
    stn_free(cells->write_hazard);
    stn_free(cells);
}
