/* SPDX-License-Identifier: MIT
 *
 * From measured runs to rows of results/ID.json, the comparison, and the
 * summary that the report shows. */
#ifndef STN_REPORT_RESULTS_H
#define STN_REPORT_RESULTS_H

#include "report/measure.h"
#include "report/plan.h"

/* What a reproduction has so far. */
typedef struct stn_results {
    const stn_plan *plan;
    const char *title, *command; /* of a report without a plan; or NULL */
    const stn_reproduce_options *options;
    const stn_machine *machine;
    char commit[64], cpu[320];
    int n_measures;
    /* Owned. Of each data set and variant, all widths. */
    stn_measure *measures[STN_PLAN_MAX * STN_PLAN_MAX * STN_WIDTHS_MAX];
    int n_skipped;
    const char *skipped[STN_PLAN_MAX]; /* in the arena */
    int n_rows, row_capacity;
    stn_result_row *rows; /* in the arena, with their texts */
    int n_variants;
    stn_variant_summary *variants; /* in the arena */
    stn_arena arena;
} stn_results;

/* Adding rows about one measure. */
typedef struct stn_adder {
    stn_results *results;
    const stn_measure *m;
    const char *variant; /* that rows are about */
    char place[256];     /* conditions without the machine */
    stn_status status;   /* of the first that failed: none is added then */
    stn_error *err;
} stn_adder;

/* Writes `place` for the adder's variant. */
void stn_adder_place(stn_adder *adder);
/* One row, with what is published about it; none when `ours` is not finite.
 * `more` goes behind the conditions; `layer`, or NULL, is for matching. */
void stn_add_row(stn_adder *adder, const char *quantity, const char *more,
                 const char *layer, double ours, const char *unit);
/* results_bits.c: rows of the same network at fewer bits, as variants "NAME at
 * N bits". `base`, the measure that accuracy is compared with, or NULL. */
void stn_add_bits(stn_adder *adder, const stn_measure *base);

/* results_windows.c: rows of a spiking network in windows of split time, as
 * variants "window N of NAME". */
void stn_add_windows(stn_adder *adder);

/* results_adcs.c: rows of a network on analog arrays, as variants "ADCs of
 * RESOLUTION, NAME". */
void stn_add_adcs(stn_adder *adder);

void stn_results_deinit(stn_results *results);

/* Rows and comparison of all measures; replaces those before. */
stn_status stn_results_tabulate(stn_results *results, stn_error *err);

/* results_json.c: the schema that tables, charts and checks read. */
stn_status stn_results_write(const stn_results *results, const char *path,
                             stn_error *err);
/* Everything, for the report; the caller releases *text (stn_free). Plan and
 * options may be NULL: a single run. */
stn_status stn_results_summary(const stn_results *results, char **text,
                               stn_error *err);

#endif
