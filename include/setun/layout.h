/* SPDX-License-Identifier: MIT
 *
 * How a weight tensor is stored: which integers a stored weight may be
 * (stn_alphabet), and which weights are stored at all, the others being zero
 * or copies (stn_layout). docs/format.md, "Weights". */
#ifndef STN_LAYOUT_H
#define STN_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The integers that b bits stand for. */
typedef enum stn_levels {
    STN_LEVELS_WHOLE,   /* -2^(b-1) ... 2^(b-1) - 1; 8 bits: from -127 */
    STN_LEVELS_ODD,     /* -(2^b - 1) ... 2^b - 1 in steps of 2; b <= 7 */
    STN_LEVELS_NONZERO, /* -2^(b-1) ... -1, 1 ... 2^(b-1); b <= 7 */
    STN_LEVELS_TERNARY  /* -1, 0, 1: one bit, and a sign where not 0; b = 2 */
} stn_levels;

typedef struct stn_alphabet {
    stn_levels levels;
    int bits; /* 2 … 8 of WHOLE, 1 … 7 of ODD and NONZERO, 2 of TERNARY */
} stn_alphabet;

/* Which weights are stored. A plane structure looks at the plane of filters
 * times input channels and treats all kernel positions alike. */
typedef enum stn_structure {
    STN_DENSE,             /* all */
    STN_GROUPS,            /* those of groups with a nonzero weight */
    STN_BLOCKS,            /* plane: kept blocks of a grid */
    STN_PERMUTED_DIAGONAL, /* plane: one a row and column of p x p blocks */
    STN_CIRCULANT,         /* plane: the first column of p x p blocks */
    STN_SPARSE             /* the nonzero ones, by distance */
} stn_structure;

/* Blocks of rows x cols, of which each row of blocks keeps `keep`. */
typedef struct stn_grid {
    int rows, cols, keep;
} stn_grid;

#define STN_INDEX_BITS_MAX 16

typedef struct stn_layout {
    stn_structure structure;
    /* Plane: its columns are kernel positions times channels (a fully
     * connected layer that reads a picture). */
    bool flat;
    int n_grids;       /* blocks: 1, or 2: a finer grid inside kept blocks */
    stn_grid grids[2]; /* blocks */
    int p;             /* permuted diagonal, circulant: side of a block */
    bool
        natural; /* permuted diagonal: shifts are block index mod p, unstored */
    /* Sparse: of one distance, 1 … STN_INDEX_BITS_MAX; before weights are
     * packed also 0: as many as make all distances shortest. */
    int index_bits;
    size_t n_index; /* entries of the index in a file */
    /* blocks: for each row of blocks the kept columns, ascending; then for
     * each kept block and each row of the finer grid its kept columns.
     * permuted diagonal: one shift a block, row of blocks by row of blocks.
     * Else NULL. */
    const uint32_t *index;
} stn_layout;

/* A text for people, such as "blocks 16x16, 4 a row". */
void stn_layout_describe(const stn_layout *layout, char *text, size_t capacity);
const char *stn_levels_name(stn_levels levels);          /* "whole", … */
const char *stn_structure_name(stn_structure structure); /* "dense", … */

#endif
