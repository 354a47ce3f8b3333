/* SPDX-License-Identifier: MIT
 *
 * A mapped program and the sub-arrays that there are: whether it fits, and who
 * shares what if it does not. Families call it at the end of `map`. */
#ifndef STN_ACCEL_FIT_H
#define STN_ACCEL_FIT_H

#include "accel/accel.h"

typedef struct stn_fit_layer {
    stn_placement *placement; /* of the family's; all that it needs */
    bool has_weights;         /* in its sub-arrays, which others may take */
} stn_fit_layer;

typedef struct stn_fit {
    const stn_machine *machine;
    const stn_program *program;
    stn_fit_layer *layers; /* of each instruction */
    uint64_t sub_arrays;   /* on the chip */
    bool stream;           /* a program that does not fit shares them */
    const char *noun;      /* what the family calls them */
    const char *options;   /* of the family, that make room */
} stn_fit;

/* Sets `passes` of each placement to 1. If the program does not fit, refuses
 * it by how much (STN_E_UNSUPPORTED), or changes the placements of those that
 * share: weights that were to be loaded are streamed, sub-arrays are at most
 * those that are shared, `borrowed` but for the largest of these layers, with
 * which the circuits around them are counted. */
stn_status stn_fit_program(const stn_fit *fit, stn_error *err);

#endif
