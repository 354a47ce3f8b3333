/* SPDX-License-Identifier: MIT
 *
 * Coarse-Grain Sparsification (Kadetotad et al., ICCAD 2016; with low
 * precision Yin et al., Asilomar 2017; papers/compression-and-accelerators
 * section 2b): the plane of filters and input channels is cut into blocks; of
 * each row of blocks the same number is kept, chosen at random before
 * training and never changed. In the hierarchical variant each kept block is
 * cut again, and of each row of finer blocks inside it the same number is
 * kept. Kernel positions live or die with their channel. */
#include "compress/structure.h"

#include <math.h>

typedef struct blocks_attrs {
    int rows, cols;
    float keep;
    int inner_rows, inner_cols;
    float inner_keep;
} blocks_attrs;

// clang-format off
static const stn_attr attrs[] = {
    {"rows", STN_ATTR_INT, offsetof(blocks_attrs, rows), 16, 1, 65536, NULL,
     "filters a block"},
    {"cols", STN_ATTR_INT, offsetof(blocks_attrs, cols), 16, 1, 65536, NULL,
     "input channels a block"},
    {"keep", STN_ATTR_FLOAT, offsetof(blocks_attrs, keep), 0.25, 0, 1, NULL,
     "share of the blocks of a row that is kept, rounded to whole blocks"},
    {"inner_rows", STN_ATTR_INT, offsetof(blocks_attrs, inner_rows), 0, 0,
     65536, NULL, "hierarchical: filters a finer block; 0: one level only"},
    {"inner_cols", STN_ATTR_INT, offsetof(blocks_attrs, inner_cols), 0, 0,
     65536, NULL, "hierarchical: input channels a finer block"},
    {"inner_keep", STN_ATTR_FLOAT, offsetof(blocks_attrs, inner_keep), 0.5, 0,
     1, NULL, "hierarchical: share of a finer row that is kept"},
    {.name = NULL}};
// clang-format on

/* `keep` of the numbers below n, ascending. */
static void draw(stn_rng *rng, uint32_t n, int keep, uint32_t *out)
{
    int kept = 0;

    /* Selection sampling: each is taken with probability wanted / left. */
    for (uint32_t i = 0; kept < keep; i++)
        if (stn_rng_below(rng, n - i) < (uint32_t)(keep - kept))
            out[kept++] = i;
}

static int blocks_of(int size, int side)
{
    return (size + side - 1) / side;
}

static stn_grid grid_of(int rows, int cols, float keep, int width)
{
    int n = blocks_of(width, cols), kept = (int)lrintf(keep * (float)n);

    return (stn_grid){rows, cols, kept < 1 ? 1 : kept};
}

static stn_status lay(const void *state, stn_weight_shape shape, stn_rng *rng,
                      const stn_yaml *where, stn_arena *arena,
                      stn_layout *layout, stn_error *err)
{
    const blocks_attrs *a = state;
    stn_plane plane = {shape.out, shape.in};
    uint32_t *index;

    *layout =
        (stn_layout){.structure = STN_BLOCKS,
                     .n_grids = a->inner_rows ? 2 : 1,
                     .grids = {grid_of(a->rows, a->cols, a->keep, shape.in)}};
    if (a->inner_rows && a->inner_cols)
        layout->grids[1] =
            grid_of(a->inner_rows, a->inner_cols, a->inner_keep, a->cols);
    STN_TRY(stn_structure_check_plane(layout, shape, where, err));
    layout->n_index = stn_layout_index_count(layout, plane);
    index = stn_arena_alloc(arena, layout->n_index, sizeof(*index));
    if (!index)
        return stn_fail_memory(err, "an index of blocks");
    for (size_t i = 0; i < layout->n_index;) {
        bool ascends, finer = i >= (size_t)blocks_of(shape.out, a->rows) *
                                       (size_t)layout->grids[0].keep;
        uint32_t n = stn_layout_index_limit(layout, plane, i, &ascends);

        draw(rng, n, layout->grids[finer].keep, index + i);
        i += (size_t)layout->grids[finer].keep;
    }
    layout->index = index;
    return STN_OK;
}

const stn_structure_type stn_structure_blocks = {
    .name = "blocks",
    .help = "random blocks of filters x channels, as many in each row of them",
    .attrs = attrs,
    .attrs_size = sizeof(blocks_attrs),
    .lay = lay,
};
