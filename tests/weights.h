/* SPDX-License-Identifier: MIT
 *
 * Random weights of any shape, alphabet and layout, for tests. */
#ifndef STN_TESTS_WEIGHTS_H
#define STN_TESTS_WEIGHTS_H

#include "base/rng.h"
#include "pack/format.h"
#include "pack/program_image.h"

static inline int random_below(stn_rng *rng, int n)
{
    return (int)stn_rng_below(rng, (uint32_t)n);
}

static inline stn_alphabet random_alphabet(stn_rng *rng)
{
    switch (random_below(rng, 4)) {
    case 0:
        return (stn_alphabet){STN_LEVELS_WHOLE, 2 + random_below(rng, 7)};
    case 1:
        return (stn_alphabet){STN_LEVELS_ODD, 1 + random_below(rng, 7)};
    case 2:
        return (stn_alphabet){STN_LEVELS_NONZERO, 1 + random_below(rng, 7)};
    default:
        return (stn_alphabet){STN_LEVELS_TERNARY, 2};
    }
}

static inline int8_t random_code(stn_rng *rng, stn_alphabet a)
{
    for (;;) {
        int code = random_below(rng, 255) - 127;
        code %= 2 << (a.bits - 1);
        if (stn_alphabet_holds(a, code))
            return (int8_t)code;
    }
}

static inline void random_index(stn_rng *rng, stn_layout *l, stn_plane plane,
                                stn_arena *arena)
{
    l->n_index = stn_layout_index_count(l, plane);
    uint32_t *index = stn_arena_alloc(arena, l->n_index, sizeof *index);
    for (size_t i = 0; i < l->n_index;) {
        bool ascends;
        uint32_t n = stn_layout_index_limit(l, plane, i, &ascends);
        uint32_t least = ascends ? index[i - 1] + 1 : 0;
        /* Leaves room for what of the run may follow. */
        size_t run = 1;
        for (bool more = true; i + run < l->n_index && more;) {
            stn_layout_index_limit(l, plane, i + run, &more);
            run += more;
        }
        uint32_t room = n - least - (uint32_t)(run - 1);
        index[i++] = least + stn_rng_below(rng, room);
    }
    l->index = index;
}

/* A layout of that structure on weights whose shape is set; false when this
 * shape has none (the draw was unlucky). */
static inline bool random_layout(stn_rng *rng, stn_structure structure,
                                 stn_weights *w, stn_arena *arena)
{
    const char *got, *expected;
    stn_layout *l = &w->layout;
    *l = (stn_layout){.structure = structure};
    w->chunk = 1 + random_below(rng, w->in);
    l->index_bits = structure == STN_SPARSE ? 1 + random_below(rng, 8) : 0;
    if (!stn_structure_is_plane(structure))
        return true;
    l->flat = w->kh * w->kw > 1 && random_below(rng, 2);
    stn_plane plane = stn_weights_plane(w);
    l->p = structure == STN_BLOCKS ? 0 : 1 + random_below(rng, 7);
    l->natural = structure == STN_PERMUTED_DIAGONAL && random_below(rng, 2);
    if (structure == STN_BLOCKS) {
        l->n_grids = 1 + random_below(rng, 2);
        for (int i = 0; i < l->n_grids; i++)
            l->grids[i] =
                (stn_grid){1 + random_below(rng, 6), 1 + random_below(rng, 6),
                           1 + random_below(rng, 4)};
        if (l->n_grids == 2) {
            stn_grid *a = &l->grids[0];
            a->rows = plane.rows / (1 + random_below(rng, 2));
            a->cols = plane.cols / 2;
        }
    }
    if (!stn_layout_fits(l, plane, &got, &expected))
        return false;
    if (structure == STN_BLOCKS ||
        (structure == STN_PERMUTED_DIAGONAL && !l->natural))
        random_index(rng, l, plane, arena);
    return true;
}

/* Codes that alphabet and layout can store, into out * kh * kw * in bytes. */
static inline void random_weights(stn_rng *rng, const stn_weights *w,
                                  int8_t *codes)
{
    stn_plane plane = stn_weights_plane(w);
    size_t n = stn_weights_count(w), cols = (size_t)plane.cols, k = 0;
    size_t area = n / (size_t)plane.rows / cols;
    int32_t source[4096];
    int zeros = random_below(rng, 101); /* percent, where zeros may be */
    bool free_zeros =
        w->layout.structure == STN_SPARSE || w->layout.structure == STN_GROUPS;
    for (int r = 0; r < plane.rows; r++) {
        stn_layout_row(&w->layout, plane, r, source);
        for (size_t a = 0; a < area; a++)
            for (size_t c = 0; c < cols; c++, k++) {
                codes[k] = random_code(rng, w->alphabet);
                if (free_zeros && random_below(rng, 100) < zeros)
                    codes[k] = 0;
                if (source[c] < 0)
                    codes[k] = 0;
                else
                    codes[k] =
                        codes[stn_plane_origin(source[c], plane, area, a)];
            }
    }
}

#endif
