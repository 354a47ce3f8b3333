/* SPDX-License-Identifier: MIT
 *
 * Between a weight tensor and the sequence of its stored values, for every
 * kind of layout. */
#include "pack/walk.h"
#include "base/bits.h"
#include "pack/program_image.h"
#include <string.h>

static void move(stn_walk *v, size_t k)
{
    if (v->unpacking)
        v->codes[k] = v->stored[v->n++];
    else
        v->stored[v->n++] = v->codes[k];
}

stn_status stn_walk_plane(stn_walk *v, stn_error *err)
{
    stn_plane plane = stn_weights_plane(v->w);
    size_t cols = (size_t)plane.cols;
    size_t area = stn_weights_count(v->w) / (size_t)plane.rows / cols, k = 0;
    int32_t *source = stn_alloc(cols, sizeof *source);
    if (!source)
        return stn_fail_memory(err, "a row of weights");
    for (int r = 0; r < plane.rows; r++) {
        int32_t own = r * plane.cols;
        stn_layout_row(&v->w->layout, plane, r, source);
        for (size_t a = 0; a < area; a++)
            for (size_t c = 0; c < cols; c++, k++) {
                size_t from = 0;
                if (source[c] >= 0)
                    from = stn_plane_from(source[c], own + (int32_t)c, k, plane,
                                          area, a);
                if (source[c] >= 0 && from == k)
                    move(v, k);
                else if (v->unpacking)
                    v->codes[k] = source[c] >= 0 ? v->codes[from] : 0;
            }
    }
    stn_free(source);
    return STN_OK;
}

/* The weights of one group: `area` runs of `width` neighbours. */
typedef struct group {
    size_t first, step; /* index of the first weight, and from run to run */
    int width, area;
} group;

int stn_group_count(const stn_weights *w)
{
    return w->out * ((w->in + w->chunk - 1) / w->chunk);
}

static group group_at(const stn_weights *w, int index)
{
    int n_chunks = (w->in + w->chunk - 1) / w->chunk;
    int o = index / n_chunks, b = index % n_chunks;
    int left = w->in - b * w->chunk;
    int area = w->kh * w->kw;
    return (group){
        .first = (size_t)o * (size_t)area * (size_t)w->in +
                 (size_t)b * (size_t)w->chunk,
        .step = (size_t)w->in,
        .width = left < w->chunk ? left : w->chunk,
        .area = area,
    };
}

size_t stn_group_size(const stn_weights *w, int index)
{
    group g = group_at(w, index);
    return (size_t)g.width * (size_t)g.area;
}

static size_t group_nonzero(group g, const int8_t *codes)
{
    size_t n = 0;
    for (int k = 0; k < g.area; k++)
        for (int c = 0; c < g.width; c++)
            n += codes[g.first + (size_t)k * g.step + (size_t)c] != 0;
    return n;
}

void stn_mark_live(const stn_weights *w, uint8_t *live)
{
    for (int i = 0; i < stn_group_count(w); i++)
        stn_bits_put(live, (size_t)i, 1,
                     group_nonzero(group_at(w, i), w->codes) != 0);
}

/* One run of a group. */
static void move_run(stn_walk *v, size_t at, size_t width, bool alive)
{
    int8_t *codes = v->codes + at, *stored = v->stored + v->n;
    if (!alive && v->unpacking)
        memset(codes, 0, width);
    if (!alive)
        return;
    if (v->unpacking)
        memcpy(codes, stored, width);
    else
        memcpy(stored, codes, width);
    v->n += width;
}

void stn_walk_groups(stn_walk *v, const uint8_t *live)
{
    int n = stn_group_count(v->w);
    for (int i = 0; i < n; i++) {
        group g = group_at(v->w, i);
        bool alive = stn_bits_get(live, (size_t)i, 1);
        for (int k = 0; k < g.area; k++)
            move_run(v, g.first + (size_t)k * g.step, (size_t)g.width, alive);
    }
}

void stn_walk_sparse(stn_walk *v, uint8_t *index)
{
    int bits = v->w->layout.index_bits;
    size_t n = stn_weights_count(v->w), most = ((size_t)1 << bits) - 1;
    size_t gap = 0, entry = 0;
    for (size_t k = 0; k < n; k++) {
        if (!v->codes[k]) {
            gap++;
            continue;
        }
        for (; gap >= most; gap -= most)
            stn_bits_put(index, (size_t)bits * entry++, bits, (uint32_t)most);
        stn_bits_put(index, (size_t)bits * entry++, bits, (uint32_t)gap);
        move(v, k);
        gap = 0;
    }
}

bool stn_walk_sparse_count(const stn_weights *w, const uint8_t *index,
                           size_t *n_stored)
{
    int bits = w->layout.index_bits;
    size_t n = stn_weights_count(w), at = 0, values = 0;
    uint32_t most = ((uint32_t)1 << bits) - 1, gap = 0;
    for (size_t i = 0; i < w->layout.n_index; i++) {
        gap = stn_bits_get(index, i * (size_t)bits, bits);
        at += gap + (gap < most);
        values += gap < most;
        if (at > n)
            return false;
    }
    *n_stored = values;
    return !w->layout.n_index || gap < most;
}

void stn_walk_sparse_back(stn_walk *v, const uint8_t *index)
{
    int bits = v->w->layout.index_bits;
    size_t n = stn_weights_count(v->w), at = 0;
    uint32_t most = ((uint32_t)1 << bits) - 1;
    for (size_t k = 0; k < n; k++)
        v->codes[k] = 0;
    for (size_t i = 0; i < v->w->layout.n_index; i++) {
        uint32_t gap = stn_bits_get(index, i * (size_t)bits, bits);
        at += gap;
        if (gap < most)
            move(v, at++);
    }
}
