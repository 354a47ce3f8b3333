/* SPDX-License-Identifier: MIT
 *
 * Markdown of what `setun validate` wrote. */
#ifndef STN_REPORT_AGREEMENTS_H
#define STN_REPORT_AGREEMENTS_H

#include "base/json.h"
#include <stdio.h>

/* Prints the agreements of one rung, or all of them (`rung` NULL), as one
 * table; single comparisons with both figures, groups with their spread. */
void stn_report_agreements(const stn_json *agreements, const char *rung,
                           FILE *out);

#endif
