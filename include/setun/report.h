/* SPDX-License-Identifier: MIT
 *
 * One self-contained HTML file about a run, a reproduction or a simulation:
 * tables, and charts that open offline. */
#ifndef STN_REPORT_H
#define STN_REPORT_H

#include "setun/simulate.h"
#include <stdio.h>

/* Reports `folder` into `out_html`. A folder of `setun reproduce` (it holds
 * summary.json) is shown as it is. A run of `setun train` is packed and costed
 * on `machine` (a name or file) first; what cannot be packed is reported
 * without those parts, and the report says why. */
stn_status stn_report_write(const char *folder, const char *machine,
                            int threads, const char *out_html, stn_error *err);

/* Reports what a program costs on a machine: its layers, components and
 * events, and the figures that they rest on. The simulation is of both;
 * `command`, or NULL, is the command line that it came from. */
stn_status stn_report_simulation(const stn_machine *machine,
                                 const stn_program *program,
                                 const stn_simulation *simulation,
                                 const char *command, const char *out_html,
                                 stn_error *err);

/* The same from the text of a summary.json, which must be valid JSON. */
stn_status stn_report_render(const char *summary_json, const char *out_html,
                             stn_error *err);

/* A results file (results/ID.json) as a Markdown table, with the command,
 * commit, seed and machine it came from: the published rows beside ours, or,
 * when `data` names a data set, all variants on it side by side, or those
 * that match the shell pattern `variants`. Both may be NULL. Of a folder of
 * such files: every system and what it reached. */
stn_status stn_report_markdown(const char *results_file, const char *data,
                               const char *variants, FILE *out, stn_error *err);

#endif
