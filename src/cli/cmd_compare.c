/* SPDX-License-Identifier: MIT
 *
 * setun compare: published costs beside ours, without training. */
#include "cli.h"
#include "setun/compare.h"
#include <math.h>
#include <stdio.h>

/* clang-format off */
static const stn_option OPTIONS[] = {
    STN_CLI_TABLE_FILE,
    STN_CLI_JSON,
    {0},
};
/* clang-format on */

static void print_text(const stn_comparison *c)
{
    printf("%s\n\n", c->title);
    stn_table_begin("llrrrl", "quantity", "of", "published", "ours", "", "",
                    NULL);
    for (int i = 0; i < c->n_rows; i++) {
        const stn_result_row *r = &c->rows[i];
        stn_table_cell("%s", r->quantity);
        stn_table_cell("%s", r->conditions);
        bool known = !isnan(r->published);
        if (known)
            stn_table_cell("%.4g", r->published);
        else
            stn_table_cell("%s", "");
        stn_table_cell("%.4g", r->ours);
        if (known)
            stn_table_cell("%.2gx", r->ours / r->published);
        else
            stn_table_cell("%s", "");
        stn_table_cell("%s", r->unit);
    }
    stn_table_end();
}

static int print_json(const stn_comparison *c)
{
    stn_json_writer w = {.indent = 2};
    stn_json_begin_array(&w, NULL);
    for (int i = 0; i < c->n_rows; i++) {
        const stn_result_row *r = &c->rows[i];
        stn_json_begin_object(&w, NULL);
        stn_json_string(&w, "quantity", r->quantity);
        stn_json_string(&w, "conditions", r->conditions);
        stn_json_number(&w, "published", r->published);
        stn_json_number(&w, "ours", r->ours);
        stn_json_string(&w, "unit", r->unit);
        stn_json_string(&w, "source", r->note);
        stn_json_end_object(&w);
    }
    stn_json_end_array(&w);
    return stn_cli_json(&w);
}

static int run(const stn_arguments *arguments)
{
    stn_error err = {0};
    stn_comparison *c = NULL;
    char command[300];
    const char *results = stn_cli_text(arguments, "results");
    snprintf(command, sizeof command, "setun compare %s%s%s",
             arguments->operands[0], results ? " --results " : "",
             results ? results : "");
    stn_status status =
        stn_compare(arguments->operands[0], results, command, &c, &err);
    if (status != STN_OK)
        return stn_cli_fail(status, &err);
    int code = STN_EXIT_OK;
    if (stn_cli_switch(arguments, "json"))
        code = print_json(c);
    else
        print_text(c);
    stn_comparison_destroy(c);
    return code;
}

const stn_command stn_cmd_compare = {
    .name = "compare",
    .operands = "ID|FILE.yaml",
    .min_operands = 1,
    .max_operands = 1,
    .summary = "Set published costs of accelerators beside ours",
    .details =
        "ID is one of 'setun list comparisons'. Networks are costed from their "
        "shapes, nothing is trained and nothing is fitted. The fifth column is "
        "ours over the published figure.\n\n"
        "Example: setun compare mram-lowbit",
    .options = OPTIONS,
    .run = run,
};
