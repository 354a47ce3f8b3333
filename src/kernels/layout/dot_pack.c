/* SPDX-License-Identifier: MIT
 *
 * Lays weights out for the `dot` kernels, see dot_pack.h. Runs once for
 * each instruction, so it favours plain loops over speed. */
#include "kernels/layout/dot_pack.h"
#include <stdlib.h>
#include <string.h>

/* Clustering compares every filter with every other; beyond this many group
 * comparisons (about a second) filters stay in order. */
#define CLUSTER_MAX 4e9

/* A lone patch uses each byte of weight once: cycles to fetch one from a
 * second-level cache of usual size, or from beyond, measured. */
#define NEAR_BYTES (1 << 20)
#define CYCLES_NEAR 0.03
#define CYCLES_FAR 0.25

/* The 4 bytes of a patch that one step reads. `base` counts elements from the
 * run's start; the last group of a run is moved back to end with it, and the
 * elements that an earlier group covers have weight 0 here. */
typedef struct group {
    uint32_t offset; /* bytes from the start of the patch */
    int k;           /* index of the weight of its first element */
    int skip, end;   /* elements [skip, end) of the 4 or 2 count */
} group;

/* Working memory of one pack, in its own arena. */
typedef struct packer {
    const stn_dot_style *style;
    const stn_dot_shape *shape;
    const int8_t *codes;
    stn_dot_facts facts; /* of the codes */
    size_t depth;
    int step; /* elements a group: 4 or 2 */
    group *groups;
    int n_groups;
    uint8_t *live; /* out * n_groups: group of filter has a nonzero weight */
    int *order;    /* filters that live, in block order */
    int n_order;
    const stn_rescale_pack *map; /* wanted at the end, or NULL */
} packer;

/* A map needs all filters in order. Up to this share of filters without a
 * weight may cost their vectors for it. */
#define DEAD_MAX 0.2

static void list_groups(packer *p)
{
    const stn_dot_shape *s = p->shape;
    int n = 0;
    for (int i = 0; i < s->runs; i++)
        for (int e = 0; e < s->run; e += p->step) {
            int base = e + p->step <= s->run ? e : s->run - p->step;
            base = base < 0 ? 0 : base;
            size_t at =
                ((size_t)i * s->pitch + (size_t)base) * stn_type_size(s->input);
            int end = s->run - base;
            p->groups[n++] = (group){
                .offset = (uint32_t)at,
                .k = i * s->run + base,
                .skip = e - base,
                .end = end < p->step ? end : p->step,
            };
        }
}

/* Weight of element e of a group, 0 where it does not count. */
static int weight(const packer *p, int filter, const group *g, int e)
{
    if (e < g->skip || e >= g->end)
        return 0;
    return p->codes[(size_t)filter * p->depth + (size_t)(g->k + e)];
}

/* Whether all 4 weights of a group of bytes count. */
static bool is_whole(const group *g)
{
    return g->skip == 0 && g->end == 4;
}

static bool is_live(const packer *p, int filter, const group *g)
{
    uint32_t four = 0;
    if (is_whole(g)) {
        memcpy(&four, p->codes + (size_t)filter * p->depth + g->k, sizeof four);
        return four != 0;
    }
    for (int e = 0; e < p->step && !four; e++)
        four = weight(p, filter, g, e) != 0;
    return four != 0;
}

/* Groups of whole runs of bytes follow each other: no list is needed. */
static bool find_whole(const packer *p, int o, uint8_t *live)
{
    const int8_t *codes = p->codes + (size_t)o * p->depth;
    uint8_t any = 0;
    for (int g = 0; g < p->n_groups; g++) { /* vectorises */
        uint32_t four;
        memcpy(&four, codes + 4 * (size_t)g, sizeof four);
        live[g] = four != 0;
        any |= live[g];
    }
    return any != 0;
}

static void find_live(packer *p)
{
    bool whole = p->step == 4 && p->shape->run % 4 == 0;
    if (!p->facts.zeros)
        memset(p->live, 1, (size_t)p->shape->out * (size_t)p->n_groups);
    for (int o = 0; o < p->shape->out; o++) {
        uint8_t *live = p->live + (size_t)o * (size_t)p->n_groups;
        bool any = !p->facts.zeros || (whole && find_whole(p, o, live));
        for (int g = 0; g < p->n_groups && p->facts.zeros && !whole; g++) {
            live[g] = is_live(p, o, &p->groups[g]);
            any |= live[g];
        }
        if (any)
            p->order[p->n_order++] = o;
    }
    int out = p->shape->out;
    if (p->map && p->n_order >= (1 - DEAD_MAX) * out)
        for (p->n_order = 0; p->n_order < out; p->n_order++)
            p->order[p->n_order] = p->n_order;
}

static bool is_ordered(const packer *p)
{
    for (int i = 0; i < p->n_order; i++)
        if (p->order[i] != i)
            return false;
    return p->n_order == p->shape->out;
}

/* Groups that any of `n` filters needs. */
static int count_union(const packer *p, const int *filters, int n)
{
    int count = 0;
    for (int g = 0; g < p->n_groups; g++) {
        bool any = false;
        for (int i = 0; i < n && !any; i++)
            any = p->live[(size_t)filters[i] * (size_t)p->n_groups + (size_t)g];
        count += any;
    }
    return count;
}

/* Vectors of the block that begins at position `at` of an order. A lone vector
 * at the end is avoided where two of two do. */
static int block_vectors(const packer *p, int vectors, int at)
{
    int left = (p->n_order - at + p->style->lanes - 1) / p->style->lanes;
    if (vectors == 3 && left == 4)
        return 2;
    return vectors < left ? vectors : left;
}

/* Vector steps of one patch when the order is cut into such blocks. */
static double cost(const packer *p, const int *order, int vectors)
{
    double sum = 0;
    for (int at = 0; at < p->n_order;) {
        int v = block_vectors(p, vectors, at), n = v * p->style->lanes;
        int width = p->n_order - at < n ? p->n_order - at : n;
        /* One vector leaves each broadcast to be used once only. */
        double each = v == 1 ? 1.15 : 1;
        sum += each * v * count_union(p, order + at, width);
        at += n;
    }
    return sum;
}

static int count_live(const packer *p, int filter)
{
    return count_union(p, &filter, 1);
}

/* Groups that a filter adds to the needed ones. */
static int count_added(const packer *p, const uint8_t *needed, int filter)
{
    const uint8_t *live = p->live + (size_t)filter * (size_t)p->n_groups;
    int n = 0;
    for (int g = 0; g < p->n_groups; g++)
        n += live[g] && !needed[g];
    return n;
}

/* Greedy: a block starts with the fullest filter left and takes, one by one,
 * the filter that adds the fewest groups to it. */
static void cluster(const packer *p, int lanes, uint8_t *needed, int *order)
{
    memcpy(order, p->order, (size_t)p->n_order * sizeof *order);
    for (int i = 0; i < p->n_order; i++) {
        bool starts = i % lanes == 0;
        if (starts)
            memset(needed, 0, (size_t)p->n_groups);
        int best = i, best_count = 0;
        for (int j = i; j < p->n_order; j++) {
            int count = starts ? -count_live(p, order[j])
                               : count_added(p, needed, order[j]);
            if (j == i || count < best_count) {
                best = j;
                best_count = count;
            }
        }
        int chosen = order[best];
        order[best] = order[i];
        order[i] = chosen;
        const uint8_t *live = p->live + (size_t)chosen * (size_t)p->n_groups;
        for (int g = 0; g < p->n_groups; g++)
            needed[g] |= live[g];
    }
}

/* Chooses order and block width. Clustered filters must be stored one by one,
 * so they have to save a fifth. Returns the number of vectors. */
static int choose(packer *p, stn_arena *work)
{
    int vectors = p->style->vectors;
    double best = cost(p, p->order, vectors);
    for (int v = vectors - 1; v >= 1; v--) {
        double c = cost(p, p->order, v);
        if (c < best) {
            best = c;
            vectors = v;
        }
    }
    /* Nothing to gain where nearly all is live. */
    double least = 0;
    for (int i = 0; i < p->n_order; i++)
        least += count_live(p, p->order[i]);
    if (least / p->style->lanes > 0.8 * best ||
        (double)p->n_order * p->n_order * p->n_groups > CLUSTER_MAX)
        return vectors;
    int *order = stn_arena_alloc(work, (size_t)p->n_order, sizeof *order);
    uint8_t *needed = stn_arena_alloc(work, (size_t)p->n_groups, 1);
    if (!order || !needed)
        return vectors;
    cluster(p, p->style->lanes, needed, order);
    if (cost(p, order, 1) < 0.8 * best) {
        memcpy(p->order, order, (size_t)p->n_order * sizeof *order);
        vectors = 1;
    }
    return vectors;
}

stn_dot_facts stn_dot_look(const stn_dot_shape *s, const int8_t *codes)
{
    size_t n = (size_t)s->out * (size_t)s->runs * (size_t)s->run;
    int8_t least = 0, most = 0;
    uint8_t zeros = 0;
    for (size_t k = 0; k < n; k++) { /* a loop that vectorises */
        least = codes[k] < least ? codes[k] : least;
        most = codes[k] > most ? codes[k] : most;
        zeros |= codes[k] == 0;
    }
    return (stn_dot_facts){least, most, zeros != 0};
}

int stn_dot_int16_products(stn_dot_facts facts, int64_t x_max)
{
    int w_max = facts.most > -facts.least ? facts.most : -facts.least;
    x_max = x_max < 1 ? 1 : x_max;
    int64_t n = INT16_MAX / ((w_max < 1 ? 1 : w_max) * x_max);
    return n < 8192 ? (int)n : 8192;
}

static stn_dot_arithmetic find_arithmetic(const packer *p)
{
    if (p->shape->input == STN_TYPE_S16)
        return (stn_dot_arithmetic){.kind = STN_DOT_WORDS};
    return p->style->arithmetic(p->shape, p->facts);
}

/* One step of one vector: 4 bytes for each lane. */
static void put_weights(const packer *p, stn_dot_kind kind, int plane,
                        const int *filters, int n, const group *g, int8_t *out)
{
    bool copies = is_whole(g) && kind != STN_DOT_BYTES_SPLIT;
    for (int lane = 0; lane < n && copies; lane++, out += 4)
        memcpy(out, p->codes + (size_t)filters[lane] * p->depth + g->k, 4);
    for (int lane = 0; lane < n && !copies; lane++, out += 4)
        for (int e = 0; e < p->step; e++) {
            int w = weight(p, filters[lane], g, e);
            if (kind == STN_DOT_WORDS) {
                int16_t word = (int16_t)w;
                memcpy(out + 2 * e, &word, sizeof word);
            } else if (kind == STN_DOT_BYTES_SPLIT) {
                int low = w & 1;
                out[e] = (int8_t)(plane ? low : (w - low) / 2);
            } else {
                out[e] = (int8_t)w;
            }
        }
}

static int n_planes(stn_dot_kind kind)
{
    return kind == STN_DOT_BYTES_SPLIT ? 2 : 1;
}

/* Fills the arrays of a block whose counts are set. */
static void fill_block(const packer *p, const stn_dot_pack *pack,
                       const int *filters, stn_dot_block *b, uint32_t *offsets,
                       int8_t *weights)
{
    int lanes = p->style->lanes, n = 0;
    for (int g = 0; g < p->n_groups; g++) {
        bool any = false;
        for (int i = 0; i < b->width && !any; i++)
            any = p->live[(size_t)filters[i] * (size_t)p->n_groups + (size_t)g];
        if (!any)
            continue;
        offsets[n++] = p->groups[g].offset;
        for (int v = 0; v < b->vectors; v++)
            for (int plane = 0; plane < n_planes(pack->arithmetic.kind);
                 plane++) {
                int left = b->width - v * lanes;
                put_weights(p, pack->arithmetic.kind, plane,
                            filters + v * lanes, left < lanes ? left : lanes,
                            &p->groups[g], weights);
                weights += 4 * lanes;
            }
    }
}

static void fill_correction(const packer *p, int32_t shift, const int *filters,
                            int width, int32_t *correction)
{
    for (int i = 0; i < width && shift; i++)
        for (size_t k = 0; k < p->depth; k++)
            correction[i] +=
                shift * p->codes[(size_t)filters[i] * p->depth + k];
}

/* Returns the block's bytes, 0 when memory is out. */
static size_t make_block(const packer *p, const stn_dot_pack *pack, int at,
                         stn_dot_block *b, stn_arena *arena)
{
    const int *filters = p->order + at;
    int lanes = b->vectors * p->style->lanes;
    b->width = p->n_order - at < lanes ? p->n_order - at : lanes;
    b->n_steps = (count_union(p, filters, b->width) + 1) / 2 * 2;
    b->first = filters[0];
    b->contiguous = true;
    for (int i = 0; i < b->width; i++)
        b->contiguous &= filters[i] == b->first + i;
    size_t steps = (size_t)b->n_steps;
    size_t step_bytes =
        (size_t)n_planes(pack->arithmetic.kind) * (size_t)lanes * 4;
    uint32_t *offsets = stn_arena_alloc(arena, steps, sizeof *offsets);
    int8_t *weights = stn_arena_alloc(arena, steps, step_bytes);
    int32_t *extra = stn_arena_alloc(arena, 2 * (size_t)lanes, sizeof *extra);
    if (!offsets || !weights || !extra)
        return 0;
    fill_block(p, pack, filters, b, offsets, weights);
    fill_correction(p, pack->arithmetic.shift, filters, b->width, extra);
    for (int i = 0; i < b->width; i++)
        extra[lanes + i] = filters[i];
    b->offsets = offsets;
    b->weights = weights;
    b->correction = extra;
    b->filters = extra + lanes;
    return steps * (step_bytes + 4) + 8 * (size_t)lanes;
}

/* Working memory and what depends on the codes alone. */
static bool begin(packer *p, stn_arena *work)
{
    const stn_dot_shape *s = p->shape;
    p->step = s->input == STN_TYPE_S16 ? 2 : 4;
    p->n_groups = s->runs * ((s->run + p->step - 1) / p->step);
    size_t n = (size_t)p->n_groups;
    p->groups = stn_arena_alloc(work, n, sizeof *p->groups);
    p->live = stn_arena_alloc(work, (size_t)s->out, n);
    p->order = stn_arena_alloc(work, (size_t)s->out, sizeof *p->order);
    if (!p->groups || !p->live || !p->order)
        return false;
    list_groups(p);
    find_live(p);
    return true;
}

bool stn_dot_is_wide(const stn_dot_style *style, const stn_dot_shape *shape,
                     stn_dot_facts facts)
{
    return style->wide && shape->input != STN_TYPE_S16 && shape->band > 0 &&
           shape->patches > 1 &&
           style->arithmetic(shape, facts).kind == STN_DOT_BYTES_SPLIT;
}

double stn_dot_pack_cost(const stn_dot_style *style, const stn_dot_shape *shape,
                         const int8_t *codes, stn_dot_facts facts)
{
    packer p = {.style = style, .shape = shape, .codes = codes, .facts = facts};
    p.depth = (size_t)shape->runs * (size_t)shape->run;
    stn_arena work = {0};
    double step = style->step[find_arithmetic(&p).kind], steps = 0;
    if (stn_dot_is_wide(style, shape, facts))
        step = 2 * style->step[STN_DOT_WORDS];
    if (begin(&p, &work))
        steps = cost(&p, p.order, style->vectors);
    stn_arena_deinit(&work);
    double cycles = step * steps * shape->patches;
    double bytes = steps * style->lanes * 4;
    if (shape->patches == 1)
        cycles += bytes * (bytes > NEAR_BYTES ? CYCLES_FAR : CYCLES_NEAR);
    return cycles;
}

/* Lists the filters that no block has. */
static bool list_dead(const packer *p, stn_dot_pack *pack, stn_arena *arena)
{
    int32_t *dead = stn_arena_alloc(arena, (size_t)p->shape->out, sizeof *dead);
    if (!dead)
        return false;
    for (int o = 0; o < p->shape->out; o++) {
        bool found = false;
        for (int i = 0; i < p->n_order && !found; i++)
            found = p->order[i] == o;
        if (!found)
            dead[pack->n_dead++] = o;
    }
    pack->dead = dead;
    return true;
}

stn_status stn_ending_make(const stn_ending *ending, int lanes,
                           stn_arena *arena, const stn_rescale_pack **map,
                           stn_error *err)
{
    *map = NULL;
    if (!ending->map)
        return STN_OK;
    *map = stn_rescale_pack_make(ending->map, lanes / 2, true, arena);
    if (!*map)
        return stn_fail_memory(err, "laid-out multipliers");
    if ((*map)->kind == STN_RESCALE_REF)
        *map = NULL;
    return STN_OK;
}

stn_status stn_dot_head_make(const stn_dot_shape *shape, int lanes,
                             void (*run)(const stn_dot_call *call),
                             stn_arena *arena, stn_dot_head *head,
                             stn_error *err)
{
    *head = (stn_dot_head){.run = run, .second = shape->ending.second};
    return stn_ending_make(&shape->ending, lanes, arena, &head->map, err);
}

void stn_dot_constants(const stn_dot_shape *shape, const int8_t *codes, int lo,
                       int first, int n, int32_t *sums)
{
    size_t depth = (size_t)shape->runs * (size_t)shape->run;
    const int8_t *w = codes + (size_t)first * depth;
    for (int i = 0; i < n; i++, w += depth) {
        sums[i] = 0;
        for (size_t k = 0; k < depth; k++)
            sums[i] += lo * w[k];
    }
}

stn_status stn_dot_pack_make(const stn_dot_style *style,
                             const stn_dot_shape *shape, const int8_t *codes,
                             stn_arena *arena, stn_prepared *out,
                             stn_error *err)
{
    packer p = {.style = style,
                .shape = shape,
                .codes = codes,
                .facts = stn_dot_look(shape, codes)};
    STN_TRY(stn_ending_make(&shape->ending, style->lanes, arena, &p.map, err));
    p.depth = (size_t)shape->runs * (size_t)shape->run;
    stn_arena work = {0};
    stn_status status = STN_OK;
    stn_dot_pack *pack = NULL;
    size_t max_blocks = (size_t)(shape->out + style->lanes - 1);
    max_blocks /= (size_t)style->lanes;
    size_t size = sizeof *pack + max_blocks * sizeof pack->blocks[0];
    if (!begin(&p, &work))
        goto no_memory;
    pack = stn_arena_alloc(arena, 1, size);
    if (!pack)
        goto no_memory;
    int vectors = choose(&p, &work);
    pack->arithmetic = find_arithmetic(&p);
    pack->head.run = style->run;
    pack->head.map = is_ordered(&p) ? p.map : NULL;
    pack->head.second = shape->ending.second;
    if (p.n_order < shape->out && !list_dead(&p, pack, arena))
        goto no_memory;
    for (int at = 0; at < p.n_order;) {
        stn_dot_block *b = &pack->blocks[pack->n_blocks++];
        b->vectors = block_vectors(&p, vectors, at);
        size_t bytes = make_block(&p, pack, at, b, arena);
        if (!bytes)
            goto no_memory;
        size += bytes;
        at += b->vectors * style->lanes;
    }
    *out = (stn_prepared){.data = pack,
                          .size_bytes = size,
                          .isa = style->isa,
                          .maps = pack->head.map != NULL,
                          .parts = pack->n_blocks ? pack->n_blocks : 1};
    goto out;
no_memory:
    status = stn_fail_memory(err, "laid-out weights");
out:
    stn_arena_deinit(&work);
    return status;
}

void stn_dot_scatter(const stn_dot_block *block, const int32_t *sums,
                     int32_t *acc)
{
    for (int i = 0; i < block->width; i++)
        acc[block->filters[i]] = sums[i];
}

void stn_dot_clear_dead(const stn_dot_pack *pack, const stn_dot_call *call)
{
    for (int p = 0; p < call->n; p++)
        for (int i = 0; i < pack->n_dead; i++)
            call->acc[(size_t)p * (size_t)call->shape->out +
                      (size_t)pack->dead[i]] = 0;
}
