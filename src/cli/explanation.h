/* SPDX-License-Identifier: MIT
 *
 * Printing why a figure is what it is. */
#ifndef STN_CLI_EXPLANATION_H
#define STN_CLI_EXPLANATION_H

#include "cli.h"
#include "setun/explain.h"

/* Prints the tree down to `depth`, with --json as JSON; an exit code. */
int stn_cli_explanation(const stn_arguments *arguments, const stn_reason *root,
                        int depth);

#endif
