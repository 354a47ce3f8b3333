/* SPDX-License-Identifier: MIT
 *
 * Structured sparsity in arrays. Filters are packed `row_packing` at a time:
 * a pack holds the rows on which any of its filters has a weight, one below
 * the other, and no others; a filter without weights has no column. Filters
 * with alike rows are put together, so that few rows are held: the first of a
 * pack is the first that is left, the next each the one that needs the fewest
 * new rows. A pack of fewer filters than columns shares its array with the
 * next ones; they drive other inputs on the same word lines, so their turns
 * follow each other, as operation units do in the Sparse ReRAM Engine (Yang et
 * al., ISCA 2019). Which rows are driven is an index, read with the inputs. */
#include "accel/crossbar.h"
#include <string.h>

/* Which rows filters have weights on. */
typedef struct row_sets {
    int n_rows, n_live;
    size_t words;
    uint64_t *of;   /* filter, words */
    uint64_t *pack; /* words: those of the pack that is being filled */
    int *order;     /* filters as they are packed */
} row_sets;

static bool has_weights(const row_sets *s, int filter)
{
    for (size_t i = 0; i < s->words; i++)
        if (s->of[(size_t)filter * s->words + i])
            return true;
    return false;
}

static void find_rows(const xb_layer *l, row_sets *s)
{
    const int8_t *code = l->in->weights.codes;
    for (int o = 0; o < l->out; o++)
        for (int k = 0; k < l->n_rows; k++)
            if (*code++)
                s->of[(size_t)o * s->words + (size_t)k / 64] |= (uint64_t)1
                                                                << (k % 64);
}

/* Rows that a filter would add to the pack. */
static int new_rows(const row_sets *s, int filter)
{
    int n = 0;
    for (size_t i = 0; i < s->words; i++)
        n += __builtin_popcountll(s->of[(size_t)filter * s->words + i] &
                                  ~s->pack[i]);
    return n;
}

static void add_rows(row_sets *s, int filter)
{
    for (size_t i = 0; i < s->words; i++)
        s->pack[i] |= s->of[(size_t)filter * s->words + i];
}

/* The filter at place `to` of the order: of those from there on the one that
 * adds fewest rows. Those behind keep their order. */
static void choose_next(row_sets *s, int to)
{
    int best = to, fewest = s->n_rows + 1;
    for (int i = to; i < s->n_live && fewest > 0; i++) {
        int n = new_rows(s, s->order[i]);
        if (n < fewest) {
            fewest = n;
            best = i;
        }
    }
    int filter = s->order[best];
    memmove(s->order + to + 1, s->order + to,
            (size_t)(best - to) * sizeof *s->order);
    s->order[to] = filter;
    add_rows(s, filter);
}

/* Filters with weights first. A layer without any keeps one, on one row. */
static void order_live(const xb_layer *l, row_sets *s)
{
    int dead = 0;
    for (int o = 0; o < l->out; o++)
        if (has_weights(s, o))
            s->order[s->n_live++] = o;
    if (!s->n_live) {
        s->of[0] = 1;
        s->order[s->n_live++] = 0;
    }
    for (int o = 0; o < l->out; o++)
        if (!has_weights(s, o))
            s->order[s->n_live + dead++] = o;
}

static stn_status keep_rows(xb_mapping *m, const row_sets *s, xb_pack *p,
                            stn_error *err)
{
    int *rows = stn_arena_alloc(&m->arena, (size_t)s->n_rows, sizeof *rows);
    if (!rows)
        return stn_fail_memory(err, "the rows of a pack");
    for (int k = 0; k < s->n_rows; k++)
        if (s->pack[k / 64] >> (k % 64) & 1)
            rows[p->n_rows++] = k;
    p->rows = rows;
    return STN_OK;
}

static stn_status fill_packs(xb_mapping *m, xb_layer *l, row_sets *s,
                             stn_error *err)
{
    int wide = m->options.row_packing, used = 0;
    find_rows(l, s);
    order_live(l, s);
    l->order = s->order;
    l->pack_columns = wide;
    l->packs = stn_arena_alloc(&m->arena, (size_t)(s->n_live / wide + 1),
                               sizeof *l->packs);
    if (!l->packs)
        return stn_fail_memory(err, "the packs of a layer");
    for (int first = 0; first < s->n_live; first += wide) {
        xb_pack *p = &l->packs[l->n_packs++];
        *p = (xb_pack){.first = first, .tiles = 1};
        p->n = s->n_live - first < wide ? s->n_live - first : wide;
        memset(s->pack, 0, s->words * sizeof *s->pack);
        for (int i = 0; i < p->n; i++)
            choose_next(s, first + i);
        STN_TRY(keep_rows(m, s, p, err));
    }
    memset(s->pack, 0, s->words * sizeof *s->pack);
    for (int i = 0; i < s->n_live; i++) {
        used += new_rows(s, s->order[i]);
        add_rows(s, s->order[i]);
    }
    l->used_rows = used;
    return STN_OK;
}

static stn_status pack_rows(xb_mapping *m, xb_layer *l, stn_error *err)
{
    row_sets s = {.n_rows = l->n_rows, .words = xb_words((size_t)l->n_rows)};
    if (m->options.row_packing > m->machine->array.columns)
        return stn_fail(err, STN_E_ARGUMENT,
                        "%s: options.row_packing: got %d, an array has %d "
                        "columns",
                        m->machine->name, m->options.row_packing,
                        m->machine->array.columns);
    s.order = stn_arena_alloc(&m->arena, (size_t)l->out, sizeof *s.order);
    s.of = stn_alloc((size_t)l->out + 1, s.words * sizeof *s.of);
    if (!s.of || !s.order) {
        stn_free(s.of);
        return stn_fail_memory(err, "the rows of a layer");
    }
    s.pack = s.of + (size_t)l->out * s.words;
    stn_status status = fill_packs(m, l, &s, err);
    stn_free(s.of);
    return status;
}

/* One pack of all filters, on all rows. */
static stn_status pack_all(xb_mapping *m, xb_layer *l, stn_error *err)
{
    l->packs = stn_arena_alloc(&m->arena, 1, sizeof *l->packs);
    if (!l->packs)
        return stn_fail_memory(err, "the packs of a layer");
    int columns = m->machine->array.columns, filters = l->out / l->n_blocks;
    l->n_packs = 1;
    l->pack_columns = l->out;
    l->used_rows = l->n_rows;
    l->packs[0] = (xb_pack){.n = filters,
                            .n_rows = l->n_rows,
                            .tiles = (filters + columns - 1) / columns};
    return STN_OK;
}

/* ---- groups --------------------------------------------------------------*/

static int rows_at_once(const xb_mapping *m)
{
    int rows = m->machine->array.rows, active = m->options.active_rows;
    return active && active < rows ? active : rows;
}

/* Of one pack, from its row `base` on, as far as one array goes, for `times`
 * arrays that are alike; `turn` counts the groups of that array. */
static void cut_array(const xb_mapping *m, xb_layer *l, int pack, int base,
                      uint64_t times, int *turn)
{
    int rows = m->machine->array.rows, active = rows_at_once(m);
    int n_rows = l->packs[pack].n_rows;
    int end = n_rows - base < rows ? n_rows : base + rows;
    for (int k = base; k < end; k += active) {
        xb_group g = {
            .pack = pack, .first = k, .turn = (*turn)++, .times = times};
        g.n = end - k < active ? end - k : active;
        l->most_rows = g.n > l->most_rows ? g.n : l->most_rows;
        l->groups[l->n_groups++] = g;
    }
}

/* Where the columns of each group begin in memory. */
static void place_groups(xb_layer *l)
{
    size_t column = 0;
    for (int g = 0; g < l->n_groups; g++) {
        l->groups[g].column = column * (size_t)l->n_slices;
        l->groups[g].plane = column * (size_t)(l->n_planes * l->words);
        column += (size_t)l->n_signs * xb_width(l, g);
    }
    l->n_columns = column;
}

/* Counts the rows of `times` arrays that hold weights, given that `before` of
 * them do and a pack takes `n` beside those. Returns how many do then. */
static int hold_rows(xb_layer *l, const xb_pack *p, uint64_t times, int before,
                     int n)
{
    if (n <= before)
        return before;
    l->held_rows +=
        times * (uint64_t)(n - before) * (uint64_t)(p->tiles * l->n_blocks);
    l->most_held = n > l->most_held ? n : l->most_held;
    return n;
}

/* `beside` packs lie side by side in an array. */
static stn_status cut_groups(xb_mapping *m, xb_layer *l, int beside,
                             stn_error *err)
{
    int rows = m->machine->array.rows, active = rows_at_once(m), most = 0;
    int place = 0, turn = 0, held = 0;
    for (int p = 0; p < l->n_packs; p++)
        most += l->packs[p].n_rows / active + l->packs[p].n_rows / rows + 2;
    l->groups = stn_arena_alloc(&m->arena, (size_t)most, sizeof *l->groups);
    if (!l->groups)
        return stn_fail_memory(err, "the row groups of a layer");
    for (int p = 0; p < l->n_packs; p++)
        for (int base = 0; base < l->packs[p].n_rows; base += rows) {
            if (place++ % beside == 0) {
                turn = held = 0;
                l->arrays += (uint64_t)(l->packs[p].tiles * l->n_blocks);
            }
            l->packs[p].row_arrays++;
            int left = l->packs[p].n_rows - base;
            held =
                hold_rows(l, &l->packs[p], 1, held, left < rows ? left : rows);
            cut_array(m, l, p, base, 1, &turn);
        }
    l->words = (int)xb_words((size_t)l->most_rows);
    place_groups(l);
    return STN_OK;
}

/* The one pack of an outline: arrays that are full are alike, and one may not
 * be full. */
static stn_status cut_outline(xb_mapping *m, xb_layer *l, stn_error *err)
{
    const int rows = m->machine->array.rows, active = rows_at_once(m);
    xb_pack *p = &l->packs[0];
    const int full = p->n_rows / rows, rest = p->n_rows % rows;
    const int most = 2 * (rows / active + 1);
    l->groups = stn_arena_alloc(&m->arena, (size_t)most, sizeof *l->groups);
    if (!l->groups)
        return stn_fail_memory(err, "the row groups of a layer");
    for (int k = 0; k < 2; k++) {
        int turn = 0, n = k ? rest : rows;
        uint64_t times = k ? rest > 0 : (uint64_t)full;
        if (!times)
            continue;
        l->arrays += times * (uint64_t)(p->tiles * l->n_blocks);
        p->row_arrays += (int)times;
        hold_rows(l, p, times, 0, n);
        cut_array(m, l, 0, k ? full * rows : 0, times, &turn);
    }
    return STN_OK;
}

/* Runs of rows that are copied whole; an index has the first and the length
 * of each. */
static stn_status find_runs(xb_mapping *m, xb_layer *l, stn_error *err)
{
    size_t most = 0;
    int bits = 0;
    for (int g = 0; g < l->n_groups; g++)
        most += (size_t)l->groups[g].n;
    l->runs = stn_arena_alloc(&m->arena, most, sizeof *l->runs);
    if (!l->runs)
        return stn_fail_memory(err, "the runs of a layer");
    for (int g = 0; g < l->n_groups; g++) {
        xb_run *run = NULL;
        for (int k = 0; k < l->groups[g].n; k++) {
            int row = xb_row_at(l, &l->groups[g], k);
            if (!run || row != run->from + run->n) {
                run = &l->runs[l->n_runs++];
                *run = (xb_run){.group = g, .from = row, .to = k};
            }
            run->n++;
        }
    }
    while (l->n_rows >> bits)
        bits++;
    if (l->n_packs > 1 || l->used_rows < l->n_rows)
        l->index_bits = 2 * (uint64_t)l->n_runs * (uint64_t)bits;
    return STN_OK;
}

stn_status xb_map_packs(xb_mapping *m, xb_layer *l, stn_error *err)
{
    if (l->in->weights.outline) {
        STN_TRY(pack_all(m, l, err));
        return cut_outline(m, l, err);
    }
    if (!m->options.row_packing || l->in->opcode != STN_CONV) {
        STN_TRY(pack_all(m, l, err));
        return cut_groups(m, l, 1, err);
    }
    STN_TRY(pack_rows(m, l, err));
    STN_TRY(cut_groups(m, l, m->machine->array.columns / l->pack_columns, err));
    return find_runs(m, l, err);
}

uint64_t xb_additions(const xb_layer *l)
{
    uint64_t n = 0;
    for (int p = 0; p < l->n_packs; p++) {
        const xb_pack *k = &l->packs[p];
        uint64_t terms = (uint64_t)(l->n_signs * l->n_slices * k->row_arrays);
        n += (uint64_t)(k->n * l->n_blocks) * (terms - 1 + l->has_unit);
    }
    return n;
}

uint64_t xb_position_bits(const xb_layer *l)
{
    return (uint64_t)l->used_rows * (uint64_t)l->n_blocks *
               (uint64_t)l->n_bits +
           l->index_bits;
}
