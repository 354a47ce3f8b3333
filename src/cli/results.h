/* SPDX-License-Identifier: MIT
 *
 * Results files that a command writes for 'setun table'. */
#ifndef STN_CLI_RESULTS_H
#define STN_CLI_RESULTS_H

#include "cli.h"

/* The command line as it was typed, without switches and the options in
 * `left_out`, whose last is NULL; NULL: none. */
void stn_cli_command_text(const stn_arguments *arguments,
                          const char *const *left_out, char *out,
                          size_t capacity);

/* Where figures come from: commit, machine and the command line as it was
 * typed (switches left out), as members of the object that is open. */
void stn_cli_results_origin(stn_json_writer *w, const stn_arguments *arguments);
/* Begins the file of `system`, with its origin, and its list of rows. */
void stn_cli_results_begin(stn_json_writer *w, const char *system,
                           const stn_arguments *arguments);
/* `conditions`: "network, data, variant, …". */
void stn_cli_results_row(stn_json_writer *w, const char *quantity,
                         const char *conditions, double ours, const char *unit);
void stn_cli_results_end(stn_json_writer *w);

/* A study that has ended, to be shown in two ways. */
typedef struct stn_cli_study {
    const stn_arguments *arguments; /* with --json and --results */
    const void *study;
    void (*print)(const void *study); /* as tables */
    void (*write)(const void *study, stn_json_writer *w);
} stn_cli_study;

/* Prints the study, with --json as JSON, and writes it to the file of
 * --results; returns the exit code. */
int stn_cli_results_show(const stn_cli_study *s);

#endif
