/* SPDX-License-Identifier: MIT
 *
 * Places buffers of known lifetime into one block, sharing room between those
 * that never live at the same time. */
#ifndef STN_NN_PLACEMENT_H
#define STN_NN_PLACEMENT_H

#include <stddef.h>

typedef struct stn_placed {
    size_t size;     /* any unit; 0: takes no room */
    int first, last; /* times at which it lives, both included */
    size_t offset;   /* out */
} stn_placed;

/* Gives every item an offset, in order, at the lowest gap that fits; sizes
 * should be multiples of the alignment wanted. Returns the block's size. */
size_t stn_place(stn_placed *items, int n);

#endif
