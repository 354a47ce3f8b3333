/* SPDX-License-Identifier: MIT
 *
 * setun man: the man page, from the table of verbs. */
#include "cli.h"

static const stn_option OPTIONS[] = {{0}};

static int run(const stn_arguments *arguments)
{
    (void)arguments;
    stn_cli_man();
    return STN_EXIT_OK;
}

const stn_command stn_cmd_man = {
    .name = "man",
    .operands = "",
    .min_operands = 0,
    .max_operands = 0,
    .summary = "Print the man page as troff",
    .details = "Read it with: setun man | man -l -",
    .options = OPTIONS,
    .run = run,
};
