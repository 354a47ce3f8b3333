/* SPDX-License-Identifier: MIT
 *
 * Lists the live groups of each filter, see dot_sparse.h. */
#include "kernels/layout/dot_sparse.h"
#include <math.h>
#include <string.h>

#define GROUP STN_SPARSE_GROUP
#define SLOTS STN_SPARSE_SLOTS

#define LEAST_PATCHES 16

static bool is_live(const int8_t *w)
{
    for (int i = 0; i < GROUP; i++)
        if (w[i])
            return true;
    return false;
}

static size_t groups_of(const stn_dot_shape *s)
{
    return (size_t)s->runs * (size_t)s->run / GROUP;
}

static bool any_filter(const stn_dot_shape *s, const int8_t *codes, size_t g)
{
    size_t depth = (size_t)s->runs * (size_t)s->run;
    for (size_t o = 0; o < (size_t)s->out; o++)
        if (is_live(codes + o * depth + g * GROUP))
            return true;
    return false;
}

double stn_sparse_cost(const stn_sparse_style *style, const stn_dot_shape *s,
                       const int8_t *codes)
{
    if (s->input == STN_TYPE_S16 || s->run % GROUP ||
        s->patches < LEAST_PATCHES)
        return INFINITY;
    size_t groups = groups_of(s), live = 0, used = 0;
    for (size_t i = 0; i < groups * (size_t)s->out; i++)
        live += is_live(codes + i * GROUP);
    for (size_t g = 0; g < groups; g++)
        used += any_filter(s, codes, g);
    double chunks = ceil((double)used / SLOTS);
    double tile = style->group * (double)live + style->turn * (double)used +
                  (style->chunk * chunks + style->end) * s->out;
    return tile * s->patches / STN_SPARSE_LANES;
}

/* Chunk c of the groups in use, whose indices are `used`. */
static bool make_chunk(const stn_dot_shape *s, const int8_t *codes,
                       const uint32_t *used, int n, stn_sparse_chunk *c,
                       stn_arena *arena)
{
    size_t out = (size_t)s->out, depth = (size_t)s->runs * (size_t)s->run;
    size_t most = out * (size_t)n, count = 0;
    uint32_t *offsets = stn_arena_alloc(arena, (size_t)n, sizeof *offsets);
    uint32_t *starts = stn_arena_alloc(arena, out + 1, sizeof *starts);
    uint8_t *slots = stn_arena_alloc(arena, most, 1);
    for (size_t o = 0; offsets && starts && slots && o < out; o++) {
        starts[o] = (uint32_t)count;
        for (int i = 0; i < n; i++)
            if (is_live(codes + o * depth + used[i] * GROUP))
                slots[count++] = (uint8_t)i;
        starts[o + 1] = (uint32_t)count;
    }
    int8_t *weights = stn_arena_alloc(arena, count, GROUP);
    if (!offsets || !starts || !slots || !weights)
        return false;
    for (int i = 0; i < n; i++) {
        size_t k = (size_t)used[i] * GROUP, run = (size_t)s->run;
        offsets[i] = (uint32_t)(k / run * s->pitch + k % run);
    }
    for (size_t o = 0; o < out; o++)
        for (uint32_t g = starts[o]; g < starts[o + 1]; g++)
            memcpy(weights + g * GROUP,
                   codes + o * depth + used[slots[g]] * GROUP, GROUP);
    *c = (stn_sparse_chunk){n, offsets, starts, slots, weights};
    return true;
}

static stn_status make_chunks(stn_sparse_pack *p, const stn_dot_shape *s,
                              const int8_t *codes, stn_arena *arena,
                              stn_error *err)
{
    size_t groups = groups_of(s);
    uint32_t *used = stn_arena_alloc(arena, groups, sizeof *used);
    int n = 0;
    for (size_t g = 0; used && g < groups; g++)
        if (any_filter(s, codes, g))
            used[n++] = (uint32_t)g;
    for (int at = 0; used && at < n; at += SLOTS) {
        int left = n - at < SLOTS ? n - at : SLOTS;
        if (!make_chunk(s, codes, used + at, left, &p->chunks[p->n_chunks++],
                        arena))
            return stn_fail_memory(err, "laid-out weights");
    }
    return used ? STN_OK : stn_fail_memory(err, "laid-out weights");
}

stn_status stn_sparse_make(const stn_sparse_style *style,
                           const stn_dot_shape *shape, const int8_t *codes,
                           stn_arena *arena, stn_prepared *out, stn_error *err)
{
    size_t most = (groups_of(shape) + SLOTS - 1) / SLOTS;
    stn_sparse_pack *p = NULL;
    p = stn_arena_alloc(arena, 1, sizeof *p + most * sizeof p->chunks[0]);
    size_t filters = ((size_t)shape->out + 15) / 16 * 16;
    int32_t *correction = stn_arena_alloc(arena, filters, sizeof *correction);
    if (!p || !correction)
        return stn_fail_memory(err, "laid-out weights");
    p->head.run = style->run;
    p->head.second = shape->ending.second;
    STN_TRY(stn_ending_make(&shape->ending, style->lanes, arena, &p->head.map,
                            err));
    STN_TRY(make_chunks(p, shape, codes, arena, err));
    p->flip = style->is_signed ? shape->hi > INT8_MAX : shape->lo < 0;
    int flip = style->is_signed ? 128 : -128;
    p->filters = (int)filters;
    size_t depth = (size_t)shape->runs * (size_t)shape->run, bytes = 0;
    for (size_t i = 0; p->flip && i < (size_t)shape->out * depth; i++)
        correction[i / depth] += flip * codes[i];
    p->correction = correction;
    for (int c = 0; c < p->n_chunks; c++)
        bytes += (size_t)p->chunks[c].starts[shape->out] * (GROUP + 1) +
                 (size_t)shape->out * sizeof(uint32_t);
    p->input_bytes = (size_t)SLOTS * GROUP * STN_SPARSE_PATCHES;
    *out = (stn_prepared){.data = p,
                          .size_bytes = bytes,
                          .isa = style->isa,
                          .maps = p->head.map != NULL,
                          .parts = 1,
                          .scratch_bytes =
                              p->input_bytes +
                              filters * STN_SPARSE_PATCHES * sizeof(int32_t)};
    return STN_OK;
}
