/* SPDX-License-Identifier: MIT
 *
 * Which weights of a plane are stored. Blocks: Coarse-Grain Sparsification
 * (papers/compression-and-accelerators section 2b), with its hierarchical
 * variant. Permuted diagonal: PermDNN (section 3b). Circulant: CirCNN
 * (section 4b), first-column convention. Sides need not divide the plane:
 * blocks at its edges are cut off. */
#include "base/layout.h"
#include <stdio.h>

const char *const stn_structure_names[] = {
    "dense",     "groups", "blocks", "permuted_diagonal",
    "circulant", "sparse", NULL};

const char *stn_structure_name(stn_structure structure)
{
    return stn_structure_names[structure];
}

void stn_layout_describe(const stn_layout *l, char *text, size_t capacity)
{
    const char *name = stn_structure_name(l->structure);
    const stn_grid *g = l->grids;
    if (l->structure == STN_BLOCKS && l->n_grids == 2)
        snprintf(text, capacity, "%s %dx%d, %d a row of %dx%d, %d", name,
                 g[0].rows, g[0].cols, g[0].keep, g[1].rows, g[1].cols,
                 g[1].keep);
    else if (l->structure == STN_BLOCKS)
        snprintf(text, capacity, "%s %dx%d, %d a row", name, g->rows, g->cols,
                 g->keep);
    else if (l->structure == STN_SPARSE)
        snprintf(text, capacity, "%s, %d-bit gaps", name, l->index_bits);
    else if (stn_structure_is_plane(l->structure))
        snprintf(text, capacity, "%s, p = %d", name, l->p);
    else
        snprintf(text, capacity, "%s", name);
}

bool stn_structure_is_plane(stn_structure structure)
{
    return structure == STN_BLOCKS || structure == STN_PERMUTED_DIAGONAL ||
           structure == STN_CIRCULANT;
}

bool stn_structure_has_zeros(stn_structure structure)
{
    return structure != STN_DENSE && structure != STN_CIRCULANT;
}

int stn_bits_for(uint32_t n)
{
    int bits = 0;
    while (bits < 32 && ((uint64_t)1 << bits) < n)
        bits++;
    return bits;
}

static int div_up(int a, int b)
{
    return a / b + (a % b != 0);
}

static int block_cols(const stn_layout *l, stn_plane plane)
{
    return div_up(plane.cols,
                  l->structure == STN_BLOCKS ? l->grids[0].cols : l->p);
}

static int block_rows(const stn_layout *l, stn_plane plane)
{
    return div_up(plane.rows,
                  l->structure == STN_BLOCKS ? l->grids[0].rows : l->p);
}

/* At least two blocks a row, so that each entry of an index has a bit. */
static bool grid_fits(stn_grid g, int rows, int cols)
{
    return g.rows >= 1 && g.rows <= rows && g.cols >= 1 && g.cols < cols &&
           g.keep >= 1 && g.keep <= div_up(cols, g.cols);
}

bool stn_layout_fits(const stn_layout *l, stn_plane plane, const char **got,
                     const char **expected)
{
    if (l->structure != STN_BLOCKS) {
        *got = "a block side outside the plane";
        *expected = "1 to the smaller of rows and columns";
        return l->p >= 1 && l->p <= plane.rows && l->p <= plane.cols;
    }
    *got = "a grid outside the plane";
    *expected =
        "blocks within the plane, two or more a row, and 1 to all of them "
        "kept";
    if (l->n_grids < 1 || l->n_grids > 2 ||
        !grid_fits(l->grids[0], plane.rows, plane.cols))
        return false;
    if (l->n_grids == 1)
        return true;
    stn_grid a = l->grids[0], b = l->grids[1];
    *got = "two grids that do not divide the plane";
    *expected = "a plane of whole blocks, and blocks of whole finer blocks";
    return grid_fits(b, a.rows, a.cols) && plane.rows % a.rows == 0 &&
           plane.cols % a.cols == 0 && a.rows % b.rows == 0 &&
           a.cols % b.cols == 0;
}

/* Entries of the first grid; those of the second follow. */
static size_t first_grid_entries(const stn_layout *l, stn_plane plane)
{
    return (size_t)block_rows(l, plane) * (size_t)l->grids[0].keep;
}

static size_t finer_entries_a_block(const stn_layout *l)
{
    return (size_t)(l->grids[0].rows / l->grids[1].rows) *
           (size_t)l->grids[1].keep;
}

size_t stn_layout_index_count(const stn_layout *l, stn_plane plane)
{
    if (l->structure == STN_PERMUTED_DIAGONAL)
        return l->natural ? 0
                          : (size_t)block_rows(l, plane) *
                                (size_t)block_cols(l, plane);
    if (l->structure != STN_BLOCKS)
        return 0;
    size_t n = first_grid_entries(l, plane);
    return l->n_grids == 1 ? n : n + n * finer_entries_a_block(l);
}

uint32_t stn_layout_index_limit(const stn_layout *l, stn_plane plane, size_t i,
                                bool *ascends)
{
    *ascends = false;
    if (l->structure == STN_PERMUTED_DIAGONAL)
        return (uint32_t)l->p;
    size_t first = first_grid_entries(l, plane);
    bool finer = i >= first;
    size_t keep = (size_t)l->grids[finer].keep;
    *ascends = (finer ? i - first : i) % keep != 0;
    return (uint32_t)(finer ? l->grids[0].cols / l->grids[1].cols
                            : block_cols(l, plane));
}

int stn_layout_index_bits(const stn_layout *l, stn_plane plane, size_t i)
{
    bool ascends;
    return stn_bits_for(stn_layout_index_limit(l, plane, i, &ascends));
}

static void keep_range(stn_plane plane, int row, int first, int n,
                       int32_t *source)
{
    for (int c = first; c < first + n && c < plane.cols; c++)
        source[c] = row * plane.cols + c;
}

static void blocks_row(const stn_layout *l, stn_plane plane, int row,
                       int32_t *source)
{
    stn_grid a = l->grids[0], b = l->grids[1];
    int block_row = row / a.rows;
    for (int k = 0; k < a.keep; k++) {
        size_t kept = (size_t)block_row * (size_t)a.keep + (size_t)k;
        int first = (int)l->index[kept] * a.cols;
        if (l->n_grids == 1) {
            keep_range(plane, row, first, a.cols, source);
            continue;
        }
        const uint32_t *finer =
            l->index + first_grid_entries(l, plane) +
            kept * finer_entries_a_block(l) +
            (size_t)(row % a.rows / b.rows) * (size_t)b.keep;
        for (int j = 0; j < b.keep; j++)
            keep_range(plane, row, first + (int)finer[j] * b.cols, b.cols,
                       source);
    }
}

/* With c = row mod p, the one weight of this row in a block of shift k lies
 * at column (c + k) mod p of it. */
static void diagonal_row(const stn_layout *l, stn_plane plane, int row,
                         int32_t *source)
{
    int n = block_cols(l, plane);
    for (int g = 0; g < n; g++) {
        size_t block = (size_t)(row / l->p) * (size_t)n + (size_t)g;
        int shift =
            l->natural ? (int)(block % (size_t)l->p) : (int)l->index[block];
        keep_range(plane, row, g * l->p + (row % l->p + shift) % l->p, 1,
                   source);
    }
}

/* Element (r, c) of a block is w[(r - c) mod p], w its first column. Value t
 * first occurs in row 0 at column p - t where that is inside the plane, and
 * else, in a block cut off on the right, in row t at column 0. */
static void circulant_row(const stn_layout *l, stn_plane plane, int row,
                          int32_t *source)
{
    int p = l->p, r = row % p;
    for (int col = 0; col < plane.cols; col++) {
        int first = col / p * p, c = col - first;
        int width = plane.cols - first < p ? plane.cols - first : p;
        int t = (r - c + p) % p, from_row = row - r, from_col = first;
        if (t && p - t < width)
            from_col += p - t;
        else
            from_row += t;
        source[col] = from_row * plane.cols + from_col;
    }
}

void stn_layout_row(const stn_layout *l, stn_plane plane, int row,
                    int32_t *source)
{
    if (l->structure == STN_CIRCULANT) {
        circulant_row(l, plane, row, source);
        return;
    }
    for (int c = 0; c < plane.cols; c++)
        source[c] = -1;
    if (l->structure == STN_BLOCKS)
        blocks_row(l, plane, row, source);
    else if (l->structure == STN_PERMUTED_DIAGONAL)
        diagonal_row(l, plane, row, source);
    else
        keep_range(plane, row, 0, plane.cols, source);
}

size_t stn_layout_stored(const stn_layout *l, stn_plane plane, int32_t *source)
{
    size_t n = 0;
    for (int r = 0; r < plane.rows; r++) {
        stn_layout_row(l, plane, r, source);
        for (int c = 0; c < plane.cols; c++)
            n += source[c] == r * plane.cols + c;
    }
    return n;
}
