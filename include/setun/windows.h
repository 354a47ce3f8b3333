/* SPDX-License-Identifier: MIT
 *
 * Split-time temporal coding by window: how right a spiking network is, and
 * what it adds up, when each neuron fires at most once a window. */
#ifndef STN_WINDOWS_H
#define STN_WINDOWS_H

#include "setun/evaluate.h"
#include "setun/simulate.h"

/* One window of a network; counts are means over pictures. Window 1 is the
 * rate code: every bit is as without split time. */
typedef struct stn_window {
    int window;
    uint32_t n; /* pictures judged, for accuracy */
    double accuracy;
    /* Spikes that layers with weights read. Each brings the weights that it
     * meets: one read and one addition each. */
    double spikes, weight_additions;
    double sum_additions; /* of prefix sums, n - 1 a neuron and window */
    /* What a machine takes for a picture; 0 without one. */
    double energy_j, latency_s;
    uint32_t n_executed;   /* pictures, on the machine */
    uint32_t n_mismatches; /* of these, other logits than the reference */
} stn_window;

typedef struct stn_window_options {
    stn_engine_options engine;
    uint32_t n_counted;         /* pictures, from the first */
    const stn_machine *machine; /* or NULL */
    uint32_t n_executed;        /* pictures on it, from the first */
} stn_window_options;

/* The longest run of time steps in a program; 1 where there is no time. */
int stn_program_longest_time(const stn_program *program);

/* Accuracy by the engine on all pictures, counts by the reference interpreter
 * and cost by a machine on the first of them. STN_E_UNSUPPORTED for a program
 * without spikes, or one that the machine has no room for. */
stn_status stn_window_run(const stn_program *program, int window,
                          const stn_pictures *pictures,
                          const stn_window_options *options, stn_window *out,
                          stn_error *err);

#endif
