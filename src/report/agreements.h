/* SPDX-License-Identifier: MIT
 *
 * Markdown of what `setun validate` wrote. */
#ifndef STN_REPORT_AGREEMENTS_H
#define STN_REPORT_AGREEMENTS_H

#include "base/json.h"
#include <stdio.h>

/* Prints the agreements of one rung, or all of them (`rung` NULL), as one
 * table; single comparisons with both figures, groups with their spread. Below
 * it stands where the file `path`, whose root it is, comes from. */
void stn_report_agreements(const stn_json *root, const char *rung,
                           const char *path, FILE *out);

#endif
