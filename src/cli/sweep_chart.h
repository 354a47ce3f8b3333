/* SPDX-License-Identifier: MIT
 *
 * The chart of a sweep. */
#ifndef STN_CLI_SWEEP_CHART_H
#define STN_CLI_SWEEP_CHART_H

#include "setun/sweep.h"
#include <stdio.h>

/* Draws all points by the first two objectives of the front (or one, twice)
 * as SVG: logarithmic axes, the front in colour, a point's fields when the
 * pointer rests on it. */
void stn_cli_sweep_chart(const stn_sweep_options *o, const stn_sweep *s,
                         FILE *out);

#endif
