/* SPDX-License-Identifier: MIT
 *
 * Published costs beside ours: the cases of share/setun/comparisons/ID.yaml,
 * networks from their shapes on machines, nothing trained and nothing fitted
 * (docs/comparisons.md). */
#ifndef STN_COMPARE_H
#define STN_COMPARE_H

#include "setun/reproduce.h"

/* Rows of one comparison, of the form of a reproduction's: per case energy,
 * latency and area, then the ratios. Owned by whoever asked for it. */
typedef struct stn_comparison {
    char title[160];
    int n_rows;
    const stn_result_row *rows;
} stn_comparison;

/* `id` names a file of share/setun/comparisons, or is the path of one.
 * `results`, a file for `setun table`, and `command`, which is recorded in it,
 * may be NULL. A malformed file is refused with file, line, field. */
stn_status stn_compare(const char *id, const char *results, const char *command,
                       stn_comparison **out, stn_error *err);
void stn_comparison_destroy(stn_comparison *comparison); /* NULL is legal */

#endif
