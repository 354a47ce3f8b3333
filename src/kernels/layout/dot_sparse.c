/* SPDX-License-Identifier: MIT
 *
 * Lists the live groups of each block of filters, see dot_sparse.h. */
#include "kernels/layout/dot_sparse.h"
#include <math.h>
#include <string.h>

#define GROUP STN_SPARSE_GROUP
#define FILTERS STN_SPARSE_FILTERS

#define LEAST_PATCHES 16

static bool is_live(const int8_t *w)
{
    uint64_t half[2];
    memcpy(half, w, sizeof half);
    return (half[0] | half[1]) != 0;
}

static size_t depth_of(const stn_dot_shape *s)
{
    return (size_t)s->runs * (size_t)s->run;
}

static int n_blocks(const stn_dot_shape *s)
{
    return (s->out + FILTERS - 1) / FILTERS;
}

/* Filters [first, end) of block i. */
static size_t block_end(const stn_dot_shape *s, int i)
{
    int end = (i + 1) * FILTERS;
    return (size_t)(end < s->out ? end : s->out);
}

/* How many filters of block i need group g. */
static uint32_t count_live(const stn_dot_shape *s, const int8_t *codes, int i,
                           size_t g)
{
    uint32_t n = 0;
    for (size_t o = (size_t)i * FILTERS; o < block_end(s, i); o++)
        n += is_live(codes + o * depth_of(s) + g * GROUP);
    return n;
}

double stn_sparse_cost(const stn_sparse_style *style, const stn_dot_shape *s,
                       const int8_t *codes, stn_dot_facts facts)
{
    int64_t x_max = s->lo < 0 ? UINT8_MAX : s->hi;
    if (s->input == STN_TYPE_S16 || s->run % GROUP ||
        s->patches < LEAST_PATCHES ||
        stn_dot_int16_products(facts, x_max) < style->products)
        return INFINITY;
    size_t groups = depth_of(s) / GROUP;
    double live = (double)groups * s->out, used = (double)groups * n_blocks(s);
    if (facts.zeros) {
        live = used = 0;
        for (int i = 0; i < n_blocks(s); i++)
            for (size_t g = 0; g < groups; g++) {
                uint32_t n = count_live(s, codes, i, g);
                live += n;
                used += n > 0;
            }
    }
    double tile =
        style->group * live + style->turn * used + style->end * s->out;
    return tile * ((s->patches + 15) / 16);
}

/* What the level adds to inputs, flipping their sign bit. */
static int shift_of(const stn_sparse_style *style, const stn_dot_shape *s)
{
    if (style->is_signed)
        return s->hi > INT8_MAX ? -128 : 0;
    return s->lo < 0 ? 128 : 0;
}

/* A group and how many filters of the block need it. */
typedef struct use {
    uint32_t group, n;
} use;

/* Lists the groups that block i needs, those of few filters first. */
static int list_used(const stn_dot_shape *s, const int8_t *codes, int i,
                     use *used)
{
    uint32_t starts[FILTERS + 2] = {0};
    size_t groups = depth_of(s) / GROUP;
    for (size_t g = 0; g < groups; g++)
        starts[count_live(s, codes, i, g) + 1]++;
    uint32_t none = starts[1];
    starts[1] = 0;
    for (int n = 2; n <= FILTERS + 1; n++)
        starts[n] += starts[n - 1];
    for (size_t g = 0; g < groups; g++) {
        uint32_t n = count_live(s, codes, i, g);
        if (n)
            used[starts[n]++] = (use){(uint32_t)g, n};
    }
    return (int)(groups - none);
}

/* `sums`: bytes of a filter's sums. */
static void fill_live(const stn_dot_shape *s, const int8_t *codes, int i,
                      size_t group, size_t sums, stn_sparse_live **to)
{
    size_t first = (size_t)i * FILTERS;
    for (size_t o = first; o < block_end(s, i); o++) {
        const int8_t *w = codes + o * depth_of(s) + group * GROUP;
        if (!is_live(w))
            continue;
        (*to)->at = (uint32_t)((o - first) * sums);
        memcpy((*to)++->weights, w, GROUP);
    }
}

/* Returns the block's bytes, 0 when memory is out. */
static size_t make_block(const stn_dot_shape *s, const int8_t *codes, int i,
                         const stn_sparse_style *style, stn_sparse_block *b,
                         stn_arena *arena)
{
    size_t depth = depth_of(s), first = (size_t)i * FILTERS, n_live = 0;
    size_t lanes = (size_t)style->lanes;
    size_t filters = (block_end(s, i) - first + lanes - 1) / lanes * lanes;
    size_t sums = (size_t)style->patches * sizeof(int32_t);
    int shift = shift_of(style, s);
    use *used = stn_arena_alloc(arena, depth / GROUP, sizeof *used);
    int n = used ? list_used(s, codes, i, used) : 0;
    for (int k = 0; k < n; k++)
        n_live += used[k].n;
    stn_sparse_slot *slots = stn_arena_alloc(arena, (size_t)n, sizeof *slots);
    stn_sparse_live *live = stn_arena_alloc(arena, n_live, sizeof *live);
    int32_t *correction = stn_arena_alloc(arena, filters, sizeof *correction);
    if (!used || !slots || !live || !correction)
        return 0;
    *b = (stn_sparse_block){(int)first, (int)filters, correction,
                            n,          slots,        live};
    for (int k = 0; k < n; k++) {
        size_t at = (size_t)used[k].group * GROUP, run = (size_t)s->run;
        slots[k] = (stn_sparse_slot){(uint32_t)(at / run * s->pitch + at % run),
                                     used[k].n};
        fill_live(s, codes, i, used[k].group, sums, &live);
    }
    for (size_t o = first; o < block_end(s, i) && shift; o++)
        for (size_t k = 0; k < depth; k++)
            correction[o - first] -= shift * codes[o * depth + k];
    return n_live * sizeof *live + (size_t)n * sizeof *slots +
           filters * sizeof *correction;
}

/* Tile after tile of each block. */
static void dot(const stn_dot_call *call)
{
    const stn_sparse_pack *p = call->prepared;
    for (int i = call->part; i < call->part_end; i++)
        for (int first = 0; first < call->n; first += p->style->patches) {
            stn_sparse_tile t = {.call = call,
                                 .block = &p->blocks[i],
                                 .first = first,
                                 .n = call->n - first};
            t.n = t.n < p->style->patches ? t.n : p->style->patches;
            for (int r = 0; r < p->style->patches; r++)
                t.patches[r] = (const uint8_t *)call->x +
                               call->patches[first + (r < t.n ? r : t.n - 1)];
            p->style->tile(&t);
        }
}

stn_status stn_sparse_make(const stn_sparse_style *style,
                           const stn_dot_shape *shape, const int8_t *codes,
                           stn_arena *arena, stn_prepared *out, stn_error *err)
{
    size_t parts = (size_t)n_blocks(shape), bytes = 0;
    size_t sums = (size_t)style->patches * sizeof(int32_t);
    stn_sparse_pack *p = NULL;
    p = stn_arena_alloc(arena, 1, sizeof *p + parts * sizeof p->blocks[0]);
    if (!p)
        return stn_fail_memory(err, "laid-out weights");
    STN_TRY(stn_dot_head_make(shape, style->lanes, dot, arena, &p->head, err));
    p->style = style;
    p->flip = shift_of(style, shape) != 0;
    for (int i = 0; i < (int)parts; i++) {
        size_t n = make_block(shape, codes, i, style, &p->blocks[i], arena);
        if (!n)
            return stn_fail_memory(err, "laid-out weights");
        bytes += n;
    }
    *out = (stn_prepared){.data = p,
                          .size_bytes = bytes,
                          .isa = style->isa,
                          .maps = p->head.map != NULL,
                          .parts = (int)parts,
                          .scratch_bytes = FILTERS * sums};
    return STN_OK;
}
