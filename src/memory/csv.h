/* SPDX-License-Identifier: MIT
 *
 * Tables of comma-separated values with a line of names, as in RFC 4180
 * without line breaks inside fields. */
#ifndef STN_MEMORY_CSV_H
#define STN_MEMORY_CSV_H

#include "base/memory.h"

typedef struct stn_csv {
    const char *file;
    int n_columns, n_rows;
    const char **names;  /* n_columns */
    const char **fields; /* n_rows * n_columns; missing ones are "" */
} stn_csv;

/* Everything lives in `arena`. A file without a line of names, or a line with
 * more fields than names, is STN_E_FORMAT with its line. */
stn_status stn_csv_load(const char *path, stn_arena *arena, stn_csv *out,
                        stn_error *err);
/* "" when there is no such column. */
const char *stn_csv_text(const stn_csv *csv, int row, const char *name);
/* NaN for an empty field or one that is no number. */
double stn_csv_number(const stn_csv *csv, int row, const char *name);

#endif
