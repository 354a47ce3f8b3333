/* SPDX-License-Identifier: MIT
 *
 * Between a weight tensor and the sequence of its stored values: what the two
 * directions of program_codes.c share. */
#ifndef STN_PACK_WALK_H
#define STN_PACK_WALK_H

#include "pack/format.h"

/* One way or the other: from codes to the sequence, or, `unpacking`, back,
 * where all weights are then written. */
typedef struct stn_walk {
    const stn_weights *w; /* shape, chunk, layout */
    int8_t *codes;        /* of all weights */
    int8_t *stored;       /* the sequence */
    size_t n;             /* of it so far */
    bool unpacking;
} stn_walk;

/* Dense and plane structures: in the order of the weights, each value where
 * it occurs first. */
stn_status stn_walk_plane(stn_walk *walk, stn_error *err);

/* Groups whose bit in `live` is set, in order. */
void stn_walk_groups(stn_walk *walk, const uint8_t *live);
/* Sets the bits of groups that have a nonzero weight; all are 0 before. */
void stn_mark_live(const stn_weights *w, uint8_t *live);
int stn_group_count(const stn_weights *w);
size_t stn_group_size(const stn_weights *w, int group);

/* Nonzero weights in order. A distance is the number of zeros before one. The
 * largest number of index_bits bits says instead that so many zeros follow,
 * and no value yet. Writes the index, which is 0 before. */
void stn_walk_sparse(stn_walk *walk, uint8_t *index);
/* Follows an index of layout.n_index distances: false where it leaves the
 * weights or ends without a value; else how many values it places. */
bool stn_walk_sparse_count(const stn_weights *w, const uint8_t *index,
                           size_t *n_stored);
/* Writes the codes of an index that was counted. */
void stn_walk_sparse_back(stn_walk *walk, const uint8_t *index);

#endif
