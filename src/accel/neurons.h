/* SPDX-License-Identifier: MIT
 *
 * Instructions across time on a machine: encoders, neurons, split time and
 * sums over time. A machine goes through a program step by step, so that
 * memory holds one step of a value, and beside it what an instruction keeps
 * from step to step: membranes, or the spikes of a window. What happens at a
 * step is cut into ticks; families move the numbers of a tick from where they
 * lie and back, and pay for it. docs/bitwise.md, "Neurons". */
#ifndef STN_ACCEL_NEURONS_H
#define STN_ACCEL_NEURONS_H

#include "accel/ledger.h"
#include "setun/program.h"

/* What is kept from step to step. */
typedef enum stn_keep {
    STN_KEEP_NOTHING,
    STN_KEEP_STATE, /* numbers of its own: membranes, spikes of a window */
    STN_KEEP_OUTPUT /* the output of the step before */
} stn_keep;

typedef struct stn_neurons {
    stn_event unit; /* of one operation on one element */
    stn_keep keep;
    int64_t lo, hi; /* of STN_KEEP_STATE */
    int bits;       /* the same as two's complement, or unsigned; 0: none */
} stn_neurons;

/* One pass over all elements. The last ticks of a window of split time write
 * its spikes, which are known when all of it is read. */
typedef struct stn_tick {
    int t; /* of the input that is read, and of the output that is written */
    bool reads_input, reads_kept, writes_state, writes_output;
    bool works; /* one operation an element */
    int left;   /* split time, writing: steps to the end of the window */
} stn_tick;

/* How often all ticks of a picture do so. */
typedef struct stn_tick_sums {
    uint64_t reads_input, reads_kept, writes_state, writes_output, works;
} stn_tick_sums;

/* Numbers of one tick. */
typedef struct stn_tick_data {
    const int32_t *x;
    int32_t *kept; /* the output of the step before where that is kept */
    int32_t *y;
    stn_shape shape;
    bool by_channel; /* all positions of a channel, then the next channel */
} stn_tick_data;

/* What an instruction across time does; x is its input. */
stn_neurons stn_neurons_of(const stn_instruction *in, const stn_value *x);
/* Number of ticks of `steps` time steps, those that the input has, or that
 * rate_code makes; and tick k of them. */
int stn_neurons_ticks(const stn_instruction *in, int steps);
stn_tick stn_neurons_tick(const stn_instruction *in, int steps, int k);
/* The sums over all ticks, in closed form. */
stn_tick_sums stn_neurons_sums(const stn_instruction *in, int steps);
/* What a tick computes: docs/semantics.md, step by step. */
void stn_neurons_run(const stn_instruction *in, const stn_tick *tick,
                     const stn_tick_data *data);
/* Time steps through which an instruction goes. */
int stn_neurons_steps(const stn_program *program, const stn_instruction *in);

#endif
