/* SPDX-License-Identifier: MIT
 *
 * Unstructured sparsity, for networks that were pruned: weights that are zero
 * stay zero. A file stores the nonzero ones with their distances, as Deep
 * Compression (Han et al., ICLR 2016) and ADMM-NN do. */
#include "compress/structure.h"

typedef struct sparse_attrs {
    int index_bits;
} sparse_attrs;

// clang-format off
static const stn_attr attrs[] = {
    {"index_bits", STN_ATTR_INT, offsetof(sparse_attrs, index_bits), 0, 0,
     STN_INDEX_BITS_MAX, NULL,
     "bits of a distance, longer gaps take several; 0: what makes the smallest "
     "file"},
    {.name = NULL}};
// clang-format on

static stn_status lay(const void *state, stn_weight_shape shape, stn_rng *rng,
                      const stn_yaml *where, stn_arena *arena,
                      stn_layout *layout, stn_error *err)
{
    const sparse_attrs *a = state;

    (void)shape;
    (void)rng;
    (void)where;
    (void)arena;
    (void)err;
    *layout =
        (stn_layout){.structure = STN_SPARSE, .index_bits = a->index_bits};
    return STN_OK;
}

const stn_structure_type stn_structure_sparse = {
    .name = "sparse",
    .help = "weights that are zero stay zero; the others store distances",
    .attrs = attrs,
    .attrs_size = sizeof(sparse_attrs),
    .lay = lay,
};
