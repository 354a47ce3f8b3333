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
