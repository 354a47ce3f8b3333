/* SPDX-License-Identifier: MIT
 *
 * A picture's values as numbers that lie one after another, for machines that
 * work on numbers: of a value all time steps, then the next value. */
#ifndef STN_ACCEL_VALUES_H
#define STN_ACCEL_VALUES_H

#include "accel/neurons.h"
#include "base/memory.h"

typedef struct stn_values {
    const stn_program *program;
    const size_t *offsets; /* of each value, in numbers */
    int32_t *numbers;
} stn_values;

/* Offsets of all values, in the arena, or NULL where memory is out; `n` gets
 * how many numbers there are. */
size_t *stn_values_place(const stn_program *program, stn_arena *arena,
                         size_t *n);
/* The numbers of a value at time step t; every t is the same one where the
 * value has no steps of its own. */
int32_t *stn_values_at(const stn_values *values, int value, int t);
/* What a tick of `in` works on. `state` is where it keeps numbers of its own,
 * NULL where it keeps none. */
stn_tick_data stn_values_tick(const stn_values *values,
                              const stn_instruction *in, const stn_tick *tick,
                              int32_t *state);

#endif
