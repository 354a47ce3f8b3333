/* SPDX-License-Identifier: MIT
 *
 * setun table: a results file as Markdown. */
#include "cli.h"
#include "setun/report.h"
#include <stdio.h>

static const stn_option OPTIONS[] = {
    {"data", 'd', false, "NAME", NULL,
     "put all variants on this data set side by side; of a validation: one "
     "rung, spice, nvsim or silicon; of a benchmark: one table, such "
     "as avx512 or recipes"},
    {"variants", 0, false, "PATTERN", NULL,
     "with --data: only variants that match, such as 'fixed*'"},
    {0},
};

static int run(const stn_arguments *arguments)
{
    stn_error err = {0};
    const stn_status status = stn_report_markdown(
        arguments->operands[0], stn_cli_text(arguments, "data"),
        stn_cli_text(arguments, "variants"), stdout, &err);
    return status == STN_OK ? STN_EXIT_OK : stn_cli_fail(status, &err);
}

const stn_command stn_cmd_table = {
    .name = "table",
    .operands = "RESULTS.json|FOLDER",
    .min_operands = 1,
    .max_operands = 1,
    .summary = "Print a results file as a Markdown table",
    .details = "Without --data: what was published beside ours. Of a folder: "
               "all systems that recipes reproduce, and what each reached. "
               "README and docs/ take their tables from this command, by "
               "'make docs'.",
    .options = OPTIONS,
    .run = run,
};
