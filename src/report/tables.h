/* SPDX-License-Identifier: MIT
 *
 * Markdown of what `make bench` wrote. */
#ifndef STN_REPORT_TABLES_H
#define STN_REPORT_TABLES_H

#include "base/json.h"
#include <stdio.h>

/* Prints one table of a benchmark's file (`root` holds "tables"): the one
 * called `name`, or the first; then where its figures come from. A file has
 * its tables as texts, so that the unit and spread of each figure are in one
 * place, bench/record.py. */
void stn_report_tables(const stn_json *root, const char *name, const char *path,
                       FILE *out);

#endif
