/* SPDX-License-Identifier: MIT
 *
 * Lays subsets of weights out, see dot_tables.h. */
#include "kernels/layout/dot_tables.h"

#define STEP STN_TABLES_STEP
#define GROUP 4 /* elements a table */

static int64_t levels_of(const stn_dot_shape *s)
{
    return s->hi - (s->lo < 0 ? s->lo : 0);
}

/* Largest digit. */
static int top_digit(const stn_dot_shape *s)
{
    int64_t levels = levels_of(s);
    return levels < 1 ? 1 : levels < 15 ? (int)levels : 15;
}

/* Even; at least 2 as 4 tables of 4 * 15 fit. */
static int byte_steps(const stn_dot_shape *s)
{
    return UINT8_MAX / (GROUP * top_digit(s)) / 2 / 2 * 2;
}

stn_tables_fit stn_tables_try(const stn_dot_shape *s, stn_dot_facts facts)
{
    stn_tables_fit fit = {levels_of(s) > 15 ? 2 : 1, 0};
    if (!stn_dot_is_ternary(facts) || s->input == STN_TYPE_S16 ||
        s->band == 0 || s->align % GROUP != 0 || s->align == 0)
        return fit;
    fit.streams = facts.zeros ? 2 : 1;
    return fit;
}

/* `rows` rows against a stream of a block. */
static double tile_cost(const stn_tables_style *style, const stn_dot_shape *s,
                        int rows)
{
    double steps = (double)s->runs * ((s->run + STEP - 1) / STEP);
    double row = style->row + style->widen / byte_steps(s);
    double part = (double)rows / style->rows;
    return steps * (style->index + row * rows) + style->once * part;
}

double stn_tables_cost(const stn_tables_style *style, const stn_dot_shape *s,
                       stn_tables_fit fit)
{
    int all = s->patches * fit.digits, left = all % style->rows;
    double tiles = all / style->rows * tile_cost(style, s, style->rows);
    if (left) /* more than 2 run as a whole tile */
        tiles += tile_cost(style, s, left > 2 ? style->rows : left);
    int blocks = (s->out + style->lanes - 1) / style->lanes;
    return tiles * fit.streams * blocks +
           (double)s->band / STEP * fit.digits * style->make;
}

/* Where a pack's parts come from. */
typedef struct source {
    const stn_dot_shape *shape;
    const int8_t *codes;
    const stn_tables_style *style;
    int steps; /* of a run */
} source;

/* Subsets of step `t` of run `r` of a filter: weights equal to `value`. */
static uint8_t subsets_of(const source *s, int filter, int r, int t, int value)
{
    size_t run = (size_t)s->shape->run;
    const int8_t *codes =
        s->codes + ((size_t)filter * (size_t)s->shape->runs + (size_t)r) * run;
    unsigned subsets = 0;
    for (size_t b = 0; b < STEP; b++) {
        size_t k = (size_t)t * STEP + b;
        if (k < run && codes[k] == value)
            subsets |= 1U << b;
    }
    return (uint8_t)subsets;
}

/* Returns false when memory is out. */
static bool make_stream(const source *s, const stn_tables_block *b, int value,
                        stn_tables_stream *stream, stn_arena *arena)
{
    size_t most = (size_t)s->shape->runs * (size_t)s->steps;
    size_t lanes = (size_t)s->style->lanes;
    /* One more, as their number is made even. */
    uint32_t *offsets = stn_arena_alloc(arena, most + 1, sizeof *offsets);
    uint8_t *subsets = stn_arena_alloc(arena, most + 1, lanes);
    if (!offsets || !subsets)
        return false;
    int n = 0;
    for (int i = 0; i < (int)most; i++) {
        int r = i / s->steps, t = i % s->steps;
        uint8_t *to = subsets + (size_t)n * lanes;
        bool live = false;
        for (int f = 0; f < b->width; f++) {
            to[f] = subsets_of(s, b->first + f, r, t, value);
            live |= to[f] != 0;
        }
        if (live)
            offsets[n++] =
                (uint32_t)(((size_t)r * s->shape->pitch + (size_t)t * STEP) *
                           STN_TABLES_TABLE / GROUP);
    }
    if (n % 2) {
        for (size_t f = 0; f < lanes; f++)
            subsets[(size_t)n * lanes + f] = 0;
        offsets[n++] = 0;
    }
    *stream = (stn_tables_stream){n, offsets, subsets};
    return true;
}

/* Returns the block's bytes, 0 when memory is out. */
static size_t make_block(const source *s, const stn_tables_pack *pack,
                         stn_tables_block *b, stn_arena *arena)
{
    const stn_dot_shape *shape = s->shape;
    int left = shape->out - b->first, lanes = s->style->lanes;
    b->width = left < lanes ? left : lanes;
    int32_t *constant = stn_arena_alloc(arena, (size_t)lanes, sizeof *constant);
    if (!constant)
        return 0;
    size_t bytes = (size_t)lanes * sizeof *constant;
    for (int i = 0; i < pack->streams; i++) {
        if (!make_stream(s, b, i ? -1 : 1, &b->streams[i], arena))
            return 0;
        bytes += (size_t)b->streams[i].n_steps * ((size_t)lanes + 4);
    }
    stn_dot_constants(shape, s->codes, pack->lo, b->first, b->width, constant);
    b->constant = constant;
    return bytes;
}

static void settle_steps(stn_tables_pack *pack, const stn_dot_shape *s)
{
    int words = UINT16_MAX / (STEP * top_digit(s));
    pack->byte_steps = byte_steps(s);
    pack->word_steps = words / pack->byte_steps * pack->byte_steps;
}

stn_status stn_tables_make(const stn_tables_style *style,
                           const stn_dot_shape *shape, const int8_t *codes,
                           stn_tables_fit fit, stn_arena *arena,
                           stn_prepared *out, stn_error *err)
{
    int n = (shape->out + style->lanes - 1) / style->lanes;
    stn_tables_pack *pack = NULL;
    size_t size = sizeof *pack + (size_t)n * sizeof pack->blocks[0];
    pack = stn_arena_alloc(arena, 1, size);
    if (!pack)
        return stn_fail_memory(err, "laid-out weights");
    STN_TRY(stn_dot_head_make(shape, style->lanes / 4, style->run, arena,
                              &pack->head, err));
    pack->digits = fit.digits;
    pack->streams = fit.streams;
    pack->lo = shape->lo < 0 ? (int)shape->lo : 0;
    settle_steps(pack, shape);
    /* A step may begin at a plane's last table; whole vectors are stored. */
    size_t steps = (shape->band + STEP - 1) / STEP + 1;
    pack->plane_bytes = steps * STEP / GROUP * STN_TABLES_TABLE;
    pack->plane_bytes = stn_align_up(pack->plane_bytes);
    pack->patch_elements =
        (size_t)(shape->runs - 1) * shape->pitch + (size_t)shape->run;
    pack->n_blocks = n;
    source s = {shape, codes, style, (shape->run + STEP - 1) / STEP};
    for (int i = 0; i < n; i++) {
        pack->blocks[i].first = i * style->lanes;
        size_t bytes = make_block(&s, pack, &pack->blocks[i], arena);
        if (!bytes)
            return stn_fail_memory(err, "laid-out weights");
        size += bytes;
    }
    *out =
        (stn_prepared){.data = pack,
                       .size_bytes = size,
                       .isa = style->isa,
                       .maps = pack->head.map != NULL,
                       .parts = n,
                       .scratch_bytes = (size_t)fit.digits * pack->plane_bytes};
    return STN_OK;
}
