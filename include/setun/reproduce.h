/* SPDX-License-Identifier: MIT
 *
 * A system of the literature from data to cost: what its recipe's
 * `reproduce:` section names is trained, packed, verified, evaluated and
 * costed, and set beside share/setun/published/ID.yaml. */
#ifndef STN_REPRODUCE_H
#define STN_REPRODUCE_H

#include "setun/train.h"

#define STN_SEEDS_MAX 16

typedef struct stn_reproduce_options {
    const char *id;       /* recipe */
    const char *budget;   /* "quick" (default), "full", … of the recipe */
    const char *data;     /* "a,b": only these; NULL: the recipe's */
    const char *variants; /* likewise */
    const char *machine;  /* NULL: the recipe's */
    const char *out;      /* folder; NULL: runs/ID-BUDGET-seedN */
    const char *results;  /* file; NULL: results/ID.json */
    const char *command;  /* recorded in the results; may be NULL */
    uint64_t seed;
    int n_seeds; /* 1 … STN_SEEDS_MAX: also train with the seeds after `seed`,
                    for mean and spread of the accuracy */
    int threads; /* 0: all CPUs */
    int verify_images;   /* pictures all executors are compared on */
    int simulate_images; /* pictures executed on the machine */
    /* As in stn_train_options. */
    void (*progress)(void *context, const stn_train_progress *progress);
    /* One line on what starts, was skipped, or was found. May be NULL. */
    void (*say)(void *context, const char *line);
    void *context;
    const volatile int *stop;
} stn_reproduce_options;

stn_reproduce_options stn_reproduce_defaults(void);

/* One row of results/ID.json. Texts live as long as the reproduction. */
typedef struct stn_result_row {
    const char *quantity, *conditions, *unit;
    double published;                 /* NaN: nobody published it */
    const char *published_confidence; /* "" then */
    double ours;
    const char *calibrated_by; /* keys separated by ", ", or "" */
    const char *note;
} stn_result_row;

/* One line of the comparison. NaN: not applicable. */
typedef struct stn_variant_summary {
    const char *variant, *title, *data;
    double accuracy;     /* 0 … 1; of the packed program, or float graph; of
                            several seeds the mean */
    double weight_bytes; /* on disk */
    double add_subtract; /* operations of one picture */
    double multiply;
    double group_density; /* live / all groups of ternary weights */
    double energy_j, latency_s, area_m2; /* one picture, on the machine */
    double images_per_s;                 /* on this CPU */
} stn_variant_summary;

typedef struct stn_reproduction {
    char out[512], results[512], report[512];
    int n_rows, n_variants, n_skipped; /* skipped: data sets not found */
    const stn_result_row *rows;
    const stn_variant_summary *variants;
} stn_reproduction;

/* Finished runs are not trained again; an interrupted one goes on. Writes
 * OUT/summary.json after every step, the results file and OUT/report.html at
 * the end. A results file of the same system keeps what it says of other data
 * sets, each with the command, commit and seed that it came from. A data set that is not found is skipped and said; STN_E_NOT_FOUND
 * when none is found. STN_E_MISMATCH when executors disagree. */
stn_status stn_reproduce(const stn_reproduce_options *options,
                         stn_reproduction **out, stn_error *err);
void stn_reproduction_destroy(stn_reproduction *reproduction);

#endif
