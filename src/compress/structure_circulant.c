/* SPDX-License-Identifier: MIT
 *
 * CirCNN (Ding et al., MICRO 2017; papers/compression-and-accelerators
 * section 4b): the plane of filters and input channels is a grid of p x p
 * circulant blocks; element (r, c) of a block is w[(r - c) mod p], w its
 * first column. Exactly p times fewer values, each used p times. The node is
 * folded, so that what is quantised, penalised and trained are these values,
 * a scale per filter becomes one per row of blocks, and products go by fast
 * Fourier transforms. */
#include "compress/structure.h"
#include "nn/circulant.h"

typedef struct circulant_attrs {
    int p;
} circulant_attrs;

// clang-format off
static const stn_attr attrs[] = {
    {"p", STN_ATTR_INT, offsetof(circulant_attrs, p), 8, 2, 65536, NULL,
     "side of a block; values become p times fewer"},
    {.name = NULL}};
// clang-format on

static stn_status lay(const void *state, stn_weight_shape shape, stn_rng *rng,
                      const stn_yaml *where, stn_arena *arena,
                      stn_layout *layout, stn_error *err)
{
    const circulant_attrs *a = state;

    (void)rng;
    (void)arena;
    *layout = (stn_layout){.structure = STN_CIRCULANT, .p = a->p};
    return stn_structure_check_plane(layout, shape, where, err);
}

static stn_status fold(stn_graph *graph, stn_node *node,
                       const stn_layout *layout, stn_error *err)
{
    return stn_node_fold_circulant(graph, node, layout->p, err);
}

const stn_structure_type stn_structure_circulant = {
    .name = "circulant",
    .help = "p x p blocks of one column, rotated: p times fewer values",
    .attrs = attrs,
    .attrs_size = sizeof(circulant_attrs),
    .lay = lay,
    .fold = fold,
};
