/* SPDX-License-Identifier: MIT
 *
 * All systems that recipes reproduce, in one table. */
#ifndef STN_REPORT_SYSTEMS_H
#define STN_REPORT_SYSTEMS_H

#include "setun/status.h"
#include <stdio.h>

/* Prints the recipes that have a `reproduce:`, and from FOLDER/ID.json the
 * accuracy of each one's first variant on each data set, its drop, and of how
 * many seeds it is the mean. Links are from the root of the checkout. */
stn_status stn_report_systems(const char *folder, FILE *out, stn_error *err);

#endif
