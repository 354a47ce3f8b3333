/* SPDX-License-Identifier: MIT
 *
 * Storage of weights, shared by the writer (pack) and the reader (program):
 * docs/format.md, "Weights". Part of libsetun-rt. */
#ifndef STN_PACK_FORMAT_H
#define STN_PACK_FORMAT_H

#include "base/layout.h"
#include "setun/program.h"

#define STN_FORMAT_VERSION "3"

/* The tensors of a weight. */
typedef enum stn_part {
    STN_PART_LIVE,  /* groups: one bit a group */
    STN_PART_INDEX, /* blocks, random shifts, sparse: what is stored where */
    STN_PART_CODES, /* `bits` bits a stored value; bytes where dense int8 */
    STN_PART_MASK,  /* ternary: one bit a stored value, set where nonzero */
    STN_PART_SIGN,  /* ternary: one bit a nonzero value, set where negative */
    STN_PARTS
} stn_part;

extern const char *const stn_part_names[]; /* "live", … */

typedef struct stn_parts {
    const uint8_t *data[STN_PARTS];
    size_t size[STN_PARTS]; /* bytes; 0 also where there is no such tensor */
} stn_parts;

/* Whether weights of this alphabet and layout have that tensor. */
bool stn_weights_has_part(const stn_weights *w, stn_part part);
/* Whether it holds signed bytes, one a weight, not bits. */
bool stn_weights_are_bytes(const stn_weights *w);

/* Rows and columns that the layout lies on. */
stn_plane stn_weights_plane(const stn_weights *w);

/* Packs decoded weights that passed stn_weights_check. Memory comes from the
 * arena; the codes of dense 8-bit weights are borrowed. */
stn_status stn_weights_pack(const stn_weights *w, stn_arena *arena,
                            stn_parts *parts, stn_error *err);

/* The inverse: from shape, alphabet, chunk, layout (without `index`), which
 * passed stn_weights_check_layout, and the tensors to codes, layout.index.
 * Dense 8-bit codes stay where they are. Refuses tensors that are not exactly
 * what stn_weights_pack makes. `where` names the file. */
stn_status stn_weights_unpack(stn_weights *w, const stn_parts *parts,
                              stn_arena *arena, const char *where,
                              stn_error *err);

/* Settles `code`, or where that is all that is given alphabet and layout;
 * refuses an alphabet and a layout that do not fit the shape, and sets
 * layout.n_index but for sparse. Looks neither at codes nor at an index. */
stn_status stn_weights_check_layout(stn_weights *w, const char *where,
                                    stn_error *err);
/* The same, refuses codes that alphabet and layout cannot store, and fills in
 * n_stored, value_bits and index_bits. */
stn_status stn_weights_check(stn_weights *w, const char *where, stn_error *err);
/* Refuses index entries that are out of range or order. */
stn_status stn_weights_check_index(const stn_weights *w, const char *where,
                                   stn_error *err);
/* Sets n_stored of a plane structure whose index is sound. */
stn_status stn_weights_count_plane(stn_weights *w, stn_error *err);
/* Bits of the index; for sparse, layout.n_index must be known. */
size_t stn_weights_index_bits(const stn_weights *w);

#endif
