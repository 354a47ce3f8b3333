/* SPDX-License-Identifier: MIT
 *
 * PermDNN (Deng et al., MICRO 2018; papers/compression-and-accelerators
 * section 3b): the plane of filters and input channels is a grid of p x p
 * blocks, each a diagonal shifted by k: of row c of a block only column
 * (c + k) mod p exists. Exactly p times fewer weights; k is the block's index
 * mod p (natural: nothing is stored) or random. Sizes that p does not divide
 * are padded: what lies beyond the edge does not exist. */
#include "compress/structure.h"

typedef struct diagonal_attrs {
    int p;
    int order;
} diagonal_attrs;

enum { NATURAL, RANDOM };
static const char *const orders[] = {"natural", "random", NULL};

// clang-format off
static const stn_attr attrs[] = {
    {"p", STN_ATTR_INT, offsetof(diagonal_attrs, p), 4, 1, 65536, NULL,
     "side of a block; weights become p times fewer"},
    {"order", STN_ATTR_CHOICE, offsetof(diagonal_attrs, order), NATURAL, 0, 0,
     orders, "shift of a block: its index mod p, or drawn and stored"},
    {.name = NULL}};
// clang-format on

static stn_status lay(const void *state, stn_weight_shape shape, stn_rng *rng,
                      const stn_yaml *where, stn_arena *arena,
                      stn_layout *layout, stn_error *err)
{
    const diagonal_attrs *a = state;
    stn_plane plane = {shape.out, shape.in};
    uint32_t *index;

    *layout = (stn_layout){.structure = STN_PERMUTED_DIAGONAL,
                           .p = a->p,
                           .natural = a->order == NATURAL};
    STN_TRY(stn_structure_check_plane(layout, shape, where, err));
    layout->n_index = stn_layout_index_count(layout, plane);
    if (layout->natural)
        return STN_OK;
    index = stn_arena_alloc(arena, layout->n_index, sizeof(*index));
    if (!index)
        return stn_fail_memory(err, "shifts of blocks");
    for (size_t i = 0; i < layout->n_index; i++)
        index[i] = stn_rng_below(rng, (uint32_t)a->p);
    layout->index = index;
    return STN_OK;
}

const stn_structure_type stn_structure_permuted_diagonal = {
    .name = "permuted_diagonal",
    .help = "one weight a row and column of p x p blocks: p times fewer",
    .attrs = attrs,
    .attrs_size = sizeof(diagonal_attrs),
    .lay = lay,
};
