/* SPDX-License-Identifier: MIT
 *
 * What the flows of a pe_array need to know of a layer's weights: how wide
 * they are, how many are not zero, which steps no filter of a tile needs, and
 * the groups that have weights. Of an outline all that is expected: weights
 * are independent, and the longest of N groups of n weights with density d
 * has n d + sqrt(2 n d (1 - d) ln N) (the usual bound of a largest binomial
 * number), at most n. */
#include "accel/pe_array.h"
#include <math.h>

static int magnitude_bits(int most)
{
    int bits = 1;
    while (most >> bits)
        bits++;
    return bits;
}

static uint64_t rounded(double x)
{
    return (uint64_t)llround(x);
}

/* Filter o as the block it is of sees it. */
static int8_t *codes_of(const pe_layer *l, int filter)
{
    return l->codes + (size_t)filter * (size_t)l->window;
}

static void copy_codes(pe_layer *l)
{
    const stn_weights *w = &l->in->weights;
    const int8_t *from = w->codes;
    int taps = w->kh * w->kw, most = 1;
    for (int o = 0; o < w->out; o++)
        for (int tap = 0; tap < taps; tap++)
            for (int c = 0; c < w->in; c++, from++) {
                int size = *from < 0 ? -*from : *from;
                codes_of(l, o)[c * taps + tap] = *from;
                l->nonzero += *from != 0;
                most = size > most ? size : most;
            }
    l->w_bits = magnitude_bits(most);
    l->code_bits = w->code == STN_CODE_BINARY ? 1 : l->w_bits + 1;
}

/* --- flow: output ---------------------------------------------------------*/

static bool is_needed(const pe_layer *l, int block, int first, int n,
                      int element)
{
    for (int k = first; k < first + n; k++)
        if (codes_of(l, k * l->n_blocks + block)[element])
            return true;
    return false;
}

static int tile_filters(const pe_mapping *m, const pe_layer *l, int tile)
{
    return pe_least(m->options.columns, l->filters - tile * m->options.columns);
}

static stn_status mark_needed(pe_mapping *m, pe_layer *l, stn_error *err)
{
    size_t n = (size_t)l->n_blocks * (size_t)l->f_tiles * (size_t)l->window;
    uint8_t *needed = stn_arena_alloc(&m->arena, n, 1);
    if (!needed)
        return stn_fail_memory(err, "the steps of a layer");
    l->needed = needed;
    for (int b = 0; b < l->n_blocks; b++)
        for (int t = 0; t < l->f_tiles; t++) {
            int filters = tile_filters(m, l, t);
            for (int e = 0; e < l->window; e++, needed++) {
                *needed = is_needed(l, b, t * m->options.columns, filters, e);
                l->steps += *needed;
                l->slots += *needed * (uint64_t)filters;
            }
        }
    return STN_OK;
}

static stn_status map_steps(pe_mapping *m, pe_layer *l, stn_error *err)
{
    bool skip = m->options.skip_zeros;
    if (skip && l->codes)
        return mark_needed(m, l, err);
    double zero = skip ? 1.0 - l->in->weights.outline->density : 0.0;
    for (int t = 0; t < l->f_tiles; t++) {
        int filters = tile_filters(m, l, t);
        uint64_t steps = rounded(l->n_blocks * (double)l->window *
                                 (1.0 - pow(zero, filters)));
        l->steps += steps;
        l->slots += steps * (uint64_t)filters;
    }
    return STN_OK;
}

/* --- flow: groups ---------------------------------------------------------*/

static void expect_groups(pe_layer *l, int per_filter, int elements)
{
    double d = l->in->weights.outline->density;
    double all = (double)per_filter * l->filters * l->n_blocks;
    double n = pe_least(elements, l->window);
    double longest = n * d + sqrt(2.0 * n * d * (1.0 - d) * log(all));
    l->live = rounded(all * (1.0 - pow(1.0 - d, n)));
    l->longest = rounded(ceil(fmin(longest, n)));
    l->merges = l->live - (uint64_t)(l->filters * l->n_blocks);
}

static void collect_groups(pe_layer *l, int per_filter, int elements)
{
    size_t at = 0;
    for (int o = 0; o < l->in->weights.out; o++) {
        uint64_t before = l->live;
        for (int g = 0; g < per_filter; g++) {
            pe_group *group = &l->groups[l->live];
            int end = pe_least(l->window, (g + 1) * elements);
            *group = (pe_group){.filter = o, .first = at};
            for (int e = g * elements; e < end; e++)
                if (codes_of(l, o)[e])
                    l->elements[at++] = e;
            group->n = (int)(at - group->first);
            l->live += group->n > 0;
            if ((uint64_t)group->n > l->longest)
                l->longest = (uint64_t)group->n;
        }
        if (l->live > before)
            l->merges += l->live - before - 1;
    }
}

/* A stored weight says its code and which element of its group it is. */
static stn_status map_groups(pe_mapping *m, pe_layer *l, stn_error *err)
{
    const stn_weights *w = &l->in->weights;
    int group = pe_least(m->options.group, l->channels);
    int per_filter = (int)pe_div_up((uint64_t)l->channels, (uint64_t)group);
    int elements = group * w->kh * w->kw;
    l->stored_bits = l->code_bits + magnitude_bits(elements - 1);
    if (w->outline) {
        expect_groups(l, per_filter, elements);
        return STN_OK;
    }
    l->groups = stn_arena_alloc(
        &m->arena, (size_t)w->out * (size_t)per_filter + 1, sizeof *l->groups);
    l->elements = stn_arena_alloc(&m->arena, l->nonzero, sizeof *l->elements);
    if (!l->groups || !l->elements)
        return stn_fail_memory(err, "the groups of a layer");
    collect_groups(l, per_filter, elements);
    return STN_OK;
}

stn_status pe_map_weights(pe_mapping *m, pe_layer *l, stn_error *err)
{
    const stn_weights *w = &l->in->weights;
    uint64_t all = (uint64_t)w->out * (uint64_t)l->window;
    if (w->outline) {
        l->w_bits = w->outline->bits < 3 ? 1 : w->outline->bits - 1;
        l->code_bits = w->outline->bits;
        l->nonzero = rounded(w->outline->density * (double)all);
    } else {
        l->codes = stn_arena_alloc(&m->arena, all, 1);
        if (!l->codes)
            return stn_fail_memory(err, "the weights of a layer");
        copy_codes(l);
    }
    l->weight_bits = all * (uint64_t)l->code_bits;
    if (m->options.flow == PE_FLOW_OUTPUT)
        return map_steps(m, l, err);
    if (m->options.flow == PE_FLOW_GROUPS) {
        STN_TRY(map_groups(m, l, err));
        l->weight_bits = l->live * l->longest * (uint64_t)l->stored_bits;
    }
    return STN_OK;
}
