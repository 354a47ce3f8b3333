/* SPDX-License-Identifier: MIT
 *
 * Geometry of stored weights: one definition for training (compress), files
 * (pack) and hardware (accel). Part of libsetun-rt. */
#ifndef STN_BASE_LAYOUT_H
#define STN_BASE_LAYOUT_H

#include "base/memory.h"
#include "setun/layout.h"

/* Names in the order of their enums, ended by NULL. */
extern const char *const stn_levels_names[], *const stn_structure_names[];

/* Whether such an alphabet exists. */
bool stn_alphabet_valid(stn_alphabet alphabet);
bool stn_alphabet_holds(stn_alphabet alphabet, int code);
/* The `bits` bits that stand for a code of the alphabet, and back. Not for
 * TERNARY. Bits that stand for no code (-128) give one that the alphabet does
 * not hold. */
unsigned stn_alphabet_encode(stn_alphabet alphabet, int code);
int stn_alphabet_decode(stn_alphabet alphabet, unsigned bits);

/* Rows (filters) and columns (input channels; kernel positions times input
 * channels where the layout is flat) of the plane that a structure lies on. */
typedef struct stn_plane {
    int rows, cols;
} stn_plane;

/* Blocks, permuted diagonal, circulant. */
bool stn_structure_is_plane(stn_structure structure);
/* Whether weights may be zero because they are not stored. */
bool stn_structure_has_zeros(stn_structure structure);

/* Whether the parameters of a plane structure fit the plane, without its
 * index; else *got and *expected say what is wrong (static texts). */
bool stn_layout_fits(const stn_layout *layout, stn_plane plane,
                     const char **got, const char **expected);
/* Entries of the index, and how many bits entry i takes in a file. 0 for
 * natural shifts, sparse and structures without an index. */
size_t stn_layout_index_count(const stn_layout *layout, stn_plane plane);
int stn_layout_index_bits(const stn_layout *layout, stn_plane plane, size_t i);
/* Entry i must be below this; and, of a run of kept columns, above the entry
 * before it: then *ascends is set. */
uint32_t stn_layout_index_limit(const stn_layout *layout, stn_plane plane,
                                size_t i, bool *ascends);

/* Where the weights of plane row `row` come from, for every column: -1 for a
 * zero, else row' * cols + col' of the first weight, in row order, that has
 * the same stored value: its own where it is stored itself. For plane
 * structures that fit, and dense ones. */
void stn_layout_row(const stn_layout *layout, stn_plane plane, int row,
                    int32_t *source);
/* Of weights stored row, area, column (area kernel positions), the index of
 * the one that `source` >= 0 of a row names, at position `a`. */
static inline size_t stn_plane_origin(int32_t source, stn_plane plane,
                                      size_t area, size_t a)
{
    size_t cols = (size_t)plane.cols;
    return ((size_t)source / cols * area + a) * cols + (size_t)source % cols;
}

/* The same of a source for the cell `own` of the plane, which is weight k.
 * Most sources are the cell itself, and division is slow. */
static inline size_t stn_plane_from(int32_t source, int32_t own, size_t k,
                                    stn_plane plane, size_t area, size_t a)
{
    return source == own ? k : stn_plane_origin(source, plane, area, a);
}

/* Stored values of the plane; `source` is scratch for one row. */
size_t stn_layout_stored(const stn_layout *layout, stn_plane plane,
                         int32_t *source);

/* Bits that tell apart `n` things. */
int stn_bits_for(uint32_t n);

#endif
