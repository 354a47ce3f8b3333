/* SPDX-License-Identifier: MIT
 *
 * Design-space exploration: every combination of values of some fields,
 * costed by prediction. */
#ifndef STN_SWEEP_H
#define STN_SWEEP_H

#include "setun/outline.h"
#include "setun/simulate.h"

#define STN_SWEEP_AXES 16

/* One field and its values. `path` is a field of the machine file
 * ("array.rows", "options.carry", "cell"), of its cell or technology file
 * ("cell.cell_area.value", "tech.events.link_bit.energy.value"), or
 * of the outline: "network.weights", ".activations", ".ends", ".density", or
 * "network.NAME" for a parameter of the network. Texts are borrowed. */
typedef struct stn_sweep_axis {
    const char *path;
    const char *const *values;
    int n;
} stn_sweep_axis;

/* What a point is judged by; less is better. */
typedef enum stn_objective {
    STN_OBJECTIVE_ENERGY,
    STN_OBJECTIVE_LATENCY,
    STN_OBJECTIVE_AREA,
    STN_OBJECTIVE_EDP,         /* energy times latency */
    STN_OBJECTIVE_PROGRAMMING, /* energy of loading the weights */
    STN_OBJECTIVES
} stn_objective;
extern const char *const stn_objective_names[]; /* NULL ends */

/* One combination, for one picture. */
typedef struct stn_sweep_point {
    double objective[STN_OBJECTIVES]; /* SI; NaN where it does not fit */
    uint64_t sub_arrays;
    double utilisation;
    bool fits;  /* false: refused; the first reason is kept */
    bool front; /* no other point is at least as good in all objectives
                   asked for and better in one */
} stn_sweep_point;

typedef struct stn_sweep_options {
    const char *machine;
    const char *const *set; /* laid over the machine file before all */
    int n_set;
    const stn_program *program; /* borrowed; NULL: an outline of `network` */
    const char *network;
    stn_outline_options outline;
    const stn_sweep_axis *axes;
    int n_axes;
    const stn_objective *objectives; /* of the front */
    int n_objectives;
    double density; /* see stn_simulate_options */
    int threads;    /* 0: all CPUs */
    /* Spot check: n_checks points, evenly spaced, are costed again by
     * stn_simulate, whose prediction must be the same; with pixels (and a
     * program with weights) they are also executed, bits and counts
     * compared. */
    int n_checks;
    const uint8_t *pixels; /* one picture, or NULL */
    /* Called now and then from the caller's thread; may be NULL. */
    void (*progress)(void *context, uint64_t done, uint64_t n_points,
                     double elapsed_s);
    void *context;
} stn_sweep_options;

/* Point i has, of the last axis, value i mod its n, and so on backwards: the
 * last axis runs fastest. Owned by whoever asked; stn_sweep_destroy. */
typedef struct stn_sweep {
    uint64_t n_points, n_fit, n_front;
    stn_sweep_point *points;
    char reason[STN_ERROR_CAPACITY]; /* of the first point that was refused */
    int n_checked, n_executed;
    double seconds, cpu_seconds; /* of costing all points, without checks */
} stn_sweep;

stn_status stn_sweep_run(const stn_sweep_options *options, stn_sweep **out,
                         stn_error *err);
void stn_sweep_destroy(stn_sweep *sweep); /* NULL is legal */
/* Index of the value of axis `axis` at a point. */
int stn_sweep_value(const stn_sweep_options *options, uint64_t point, int axis);

#endif
