/* SPDX-License-Identifier: MIT
 *
 * Results files that a command writes for 'setun table'. */
#ifndef STN_CLI_RESULTS_H
#define STN_CLI_RESULTS_H

#include "cli.h"

/* Begins the file of `system`, with commit, machine and the command line as it
 * was typed (switches left out), and its list of rows. */
void stn_cli_results_begin(stn_json_writer *w, const char *system,
                           const stn_arguments *arguments);
/* `conditions`: "network, data, variant, …". */
void stn_cli_results_row(stn_json_writer *w, const char *quantity,
                         const char *conditions, double ours, const char *unit);
void stn_cli_results_end(stn_json_writer *w);

#endif
