/* SPDX-License-Identifier: MIT
 *
 * setun report: a run or a reproduction as one HTML file. */
#include "cli.h"

#include "setun/report.h"
#include <stdio.h>

/* clang-format off */
static const stn_option OPTIONS[] = {
    {"out", 'o', false, "FILE.html", "report.html",
     "file to write"},
    {"on", 0, false, "MACHINE", "bdnet-sot",
     "machine a run of 'train' is costed on"},
    STN_CLI_THREADS,
    {0},
};
/* clang-format on */

static int run(const stn_arguments *arguments)
{
    int64_t threads = 0;
    if (!stn_cli_int(arguments, "threads", 0, 4096, &threads))
        return STN_EXIT_USAGE;
    const char *out = stn_cli_text(arguments, "out");
    stn_error err = {0};
    stn_status status =
        stn_report_write(arguments->operands[0], stn_cli_text(arguments, "on"),
                         (int)threads, out, &err);
    if (status != STN_OK)
        return stn_cli_fail(status, &err);
    printf("%s%s\n", out, stn_cli_without_charts());
    return STN_EXIT_OK;
}

const stn_command stn_cmd_report = {
    .name = "report",
    .operands = "RUN",
    .min_operands = 1,
    .max_operands = 1,
    .summary = "Write a run or a reproduction as one HTML file",
    .details =
        "The file holds its data and chart script and opens offline. A folder "
        "of 'setun reproduce' is shown with all its variants; a run of 'setun "
        "train' is packed and costed first. 'setun simulate --html' writes the "
        "same charts of any network on a machine.",
    .options = OPTIONS,
    .run = run,
};
