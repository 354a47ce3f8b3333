/* SPDX-License-Identifier: MIT
 *
 * The planner of dot layouts, see dot_plan.h. */
#include "kernels/layout/dot_plan.h"
#include <math.h>

/* Cycles of each layout; infinite where it does not serve. */
typedef struct costs {
    double of[STN_LAYOUTS];
    stn_bits_fit bits;
    stn_tables_fit tables;
    int code_bits, picks;
    stn_dot_facts facts;
} costs;

static void find_costs(const stn_dot_level *level, const stn_dot_shape *s,
                       const int8_t *codes, costs *c)
{
    *c = (costs){0};
    for (int i = 0; i < STN_LAYOUTS; i++)
        c->of[i] = INFINITY;
    c->facts = stn_dot_look(s, codes);
    c->of[STN_LAYOUT_MULTIPLY] =
        stn_dot_pack_cost(level->multiply, s, codes, c->facts);
    c->code_bits = level->codes ? stn_codes_try(s, codes, c->facts) : 0;
    if (c->code_bits)
        c->of[STN_LAYOUT_CODES] = stn_codes_cost(level->codes, s, c->code_bits);
    c->picks = level->picks ? stn_picks_try(s, codes, c->facts) : 0;
    if (c->picks)
        c->of[STN_LAYOUT_PICKS] = stn_picks_cost(level->picks, s, c->picks);
    c->bits = stn_bits_try(s, c->facts);
    if (c->bits.streams)
        c->of[STN_LAYOUT_BITS] = stn_bits_cost(level->bits, s, c->bits);
    if (level->tables)
        c->tables = stn_tables_try(s, c->facts);
    if (c->tables.streams)
        c->of[STN_LAYOUT_TABLES] = stn_tables_cost(level->tables, s, c->tables);
    if (level->sparse)
        c->of[STN_LAYOUT_SPARSE] =
            stn_sparse_cost(level->sparse, s, codes, c->facts);
}

static stn_dot_layout choose(const stn_dot_shape *s, const costs *c)
{
    if (s->layout != STN_LAYOUT_AUTO && isfinite(c->of[s->layout]))
        return s->layout;
    stn_dot_layout best = STN_LAYOUT_MULTIPLY;
    for (int i = 0; i < STN_LAYOUTS; i++)
        if (c->of[i] < c->of[best])
            best = (stn_dot_layout)i;
    return best;
}

static stn_status make(const stn_dot_level *level, const stn_dot_shape *shape,
                       const int8_t *codes, const costs *c,
                       stn_dot_layout layout, stn_arena *arena,
                       stn_prepared *out, stn_error *err)
{
    switch (layout) {
    case STN_LAYOUT_CODES:
        return stn_codes_make(level->codes, shape, codes, c->code_bits, arena,
                              out, err);
    case STN_LAYOUT_BITS:
        return stn_bits_make(level->bits, shape, codes, c->bits, arena, out,
                             err);
    case STN_LAYOUT_TABLES:
        return stn_tables_make(level->tables, shape, codes, c->tables, arena,
                               out, err);
    case STN_LAYOUT_SPARSE:
        return stn_sparse_make(level->sparse, shape, codes, arena, out, err);
    case STN_LAYOUT_PICKS:
        return stn_picks_make(level->picks, shape, codes, c->picks, arena, out,
                              err);
    case STN_LAYOUT_AUTO:
    case STN_LAYOUT_MULTIPLY:
    case STN_LAYOUTS:
        break;
    }
    if (stn_dot_is_wide(level->multiply, shape, c->facts))
        return level->wide_make(level->multiply, shape, codes, arena, out, err);
    return stn_dot_pack_make(level->multiply, shape, codes, arena, out, err);
}

stn_status stn_dot_plan(const stn_dot_level *level, const stn_dot_shape *shape,
                        const int8_t *codes, stn_arena *arena,
                        stn_prepared *out, stn_error *err)
{
    costs c;
    find_costs(level, shape, codes, &c);
    stn_dot_layout layout = choose(shape, &c);
    STN_TRY(make(level, shape, codes, &c, layout, arena, out, err));
    out->layout = layout;
    return STN_OK;
}

void stn_dot_planned(const stn_dot_call *call)
{
    ((const stn_dot_head *)call->prepared)->run(call);
}
