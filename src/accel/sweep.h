/* SPDX-License-Identifier: MIT
 *
 * Inside a sweep: sweep.c runs threads over points, sweep_point.c turns a
 * point into a machine and its cost, sweep_mapped.c keeps mappings,
 * sweep_check.c costs some points again, sweep_front.c finds the front. */
#ifndef STN_ACCEL_SWEEP_H
#define STN_ACCEL_SWEEP_H

#include "accel/machine.h"
#include "base/pool.h"
#include "setun/sweep.h"

/* A program for one choice of the outline's values. */
typedef struct stn_sweep_variant {
    uint64_t key; /* values of the axes of the network, mixed radix */
    stn_program *program;
} stn_sweep_variant;

/* A program mapped on one choice of options and geometry. */
typedef struct stn_sweep_mapped {
    struct stn_sweep_mapped *next;
    const stn_program *program;
    stn_machine *machine; /* what the mapping borrows; figures are replaced */
    void *mapping;        /* NULL: refused, see `reason` */
    stn_placement *placements;
    stn_ledger ledger;
    bool predicted; /* for the latencies in `machine` */
    char reason[STN_ERROR_CAPACITY];
} stn_sweep_mapped;

/* One thread, with files and mappings of its own. */
typedef struct stn_sweep_worker {
    stn_machine_source *source;
    stn_sweep_variant *variants;
    int n_variants, capacity;
    const stn_program *program;
    uint64_t variant_key;   /* of `program` */
    int at[STN_SWEEP_AXES]; /* values assigned now; -1: none */
    stn_sweep_mapped *list; /* the most recently used first */
    int n_mapped;
    stn_array *arrays; /* by the axes that make one; rows 0: not made yet */
    stn_status status; /* a failure that ends the sweep */
    stn_error err;
    uint64_t refused; /* first point; UINT64_MAX: none */
    char reason[STN_ERROR_CAPACITY];
} stn_sweep_worker;

typedef struct stn_sweep_job {
    const stn_sweep_options *o;
    stn_sweep *sweep;
    stn_pool *pool;
    stn_sweep_worker *workers;
    int n_workers;
    uint64_t first; /* point of the batch that runs */
    stn_yaml_document **values[STN_SWEEP_AXES];
    bool of_network[STN_SWEEP_AXES];
    bool of_part[STN_SWEEP_AXES];    /* of the cell or technology named now */
    bool names_part[STN_SWEEP_AXES]; /* which of these that is */
    bool parts_change;               /* any does */
    bool of_array[STN_SWEEP_AXES];   /* changes the sub-array, or may */
    size_t n_arrays;                 /* combinations of these */
} stn_sweep_job;

/* Costs a point; what does not fit is written into it. */
stn_status stn_sweep_cost_point(const stn_sweep_job *j, stn_sweep_worker *w,
                                uint64_t index, stn_error *err);
/* Sets w->program to the point's. */
stn_status stn_sweep_choose_program(const stn_sweep_job *j, stn_sweep_worker *w,
                                    uint64_t point, stn_error *err);
/* Sets the fields of a source to the point's values; `at` are the values that
 * they have, by axis, or -1. */
stn_status stn_sweep_assign(const stn_sweep_job *j, uint64_t point,
                            stn_machine_source *source, int *at,
                            stn_error *err);

/* The mapping of w->program on `machine`, which it takes over, with that
 * machine's figures. */
stn_status stn_sweep_find_mapped(stn_sweep_worker *w, stn_machine *machine,
                                 stn_sweep_mapped **out, stn_error *err);
void stn_sweep_free_mapped(stn_sweep_mapped *p); /* NULL is legal */

/* The spot checks of stn_sweep_options. */
stn_status stn_sweep_check(const stn_sweep_job *j, stn_error *err);
/* Marks the points of the front, and counts those that fit. */
stn_status stn_sweep_find_front(const stn_sweep_options *options,
                                stn_sweep *sweep, stn_error *err);

#endif
