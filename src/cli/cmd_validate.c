/* SPDX-License-Identifier: MIT
 *
 * setun validate: the models beside other tools and silicon. */
#include "results.h"
#include "setun/validate.h"
#include <stdio.h>

static const stn_option OPTIONS[] = {
    {"reference", 0, false, "FOLDER", NULL,
     "CSV files of SPICE, NVSim and silicon; without, these are left out"},
    {"results", 0, false, "FILE", NULL, "write every agreement there, as JSON"},
    STN_CLI_JSON,
    {0},
};

static void put(stn_json_writer *w, const stn_agreement *a)
{
    stn_json_begin_object(w, NULL);
    stn_json_string(w, "rung", a->rung);
    stn_json_string(w, "quantity", a->quantity);
    stn_json_string(w, "group", a->group);
    stn_json_string(w, "unit", a->unit);
    stn_json_int(w, "n", a->n);
    if (a->n == 1) {
        stn_json_number(w, "reference", a->reference);
        stn_json_number(w, "model", a->model);
    }
    stn_json_number(w, "median_error", a->median);
    stn_json_number(w, "p95_error", a->p95);
    stn_json_number(w, "worst_error", a->worst);
    stn_json_number(w, "median_signed_error", a->median_signed);
    stn_json_string(w, "worst_case", a->worst_case);
    if (a->limit_median > 0.0)
        stn_json_number(w, "limit_median", a->limit_median);
    if (a->limit_worst > 0.0)
        stn_json_number(w, "limit_worst", a->limit_worst);
    stn_json_bool(w, "met", a->met);
    stn_json_end_object(w);
}

/* What was compared, and the command that asked for it. */
typedef struct ladder {
    const stn_arguments *arguments;
    stn_validation *validation;
} ladder;

static void write(const void *study, stn_json_writer *w)
{
    const ladder *l = study;
    stn_json_begin_object(w, NULL);
    stn_cli_results_origin(w, l->arguments);
    stn_json_bool(w, "met", l->validation->met);
    stn_json_begin_array(w, "agreements");
    for (int i = 0; i < l->validation->n; i++)
        put(w, &l->validation->items[i]);
    stn_json_end_array(w);
    stn_json_end_object(w);
}

static void limit(double value)
{
    if (value > 0.0)
        stn_table_cell("%s", stn_cli_percent(value, 0));
    else
        stn_table_cell("-");
}

static void print(const void *study)
{
    const stn_validation *v = ((const ladder *)study)->validation;
    stn_table_begin("lllrrrrrrl", "rung", "quantity", "group", "n", "median",
                    "worst", "signed", "limit", "worst limit", "", NULL);
    for (int i = 0; i < v->n; i++) {
        const stn_agreement *a = &v->items[i];
        stn_table_cell("%s", a->rung);
        stn_table_cell("%s", a->quantity);
        stn_table_cell("%s", a->group);
        stn_table_cell("%d", a->n);
        stn_table_cell("%s", stn_cli_percent(a->median, 1));
        stn_table_cell("%s", stn_cli_percent(a->worst, 1));
        stn_table_cell("%s", stn_cli_percent(a->median_signed, 1));
        limit(a->limit_median);
        limit(a->limit_worst);
        stn_table_cell("%s", a->met ? "" : "MISSED");
    }
    stn_table_end();
}

static int run(const stn_arguments *arguments)
{
    stn_error err = {0};
    ladder l = {.arguments = arguments};
    const stn_cli_study study = {
        .arguments = arguments, .study = &l, .print = print, .write = write};
    stn_status status =
        stn_validate(stn_cli_text(arguments, "reference"), &l.validation, &err);
    if (status != STN_OK)
        return stn_cli_fail(status, &err);
    int code = stn_cli_results_show(&study);
    if (code == STN_EXIT_OK && !l.validation->met)
        code = STN_EXIT_MISMATCH;
    stn_validation_destroy(l.validation);
    return code;
}

const stn_command stn_cmd_validate = {
    .name = "validate",
    .operands = "",
    .min_operands = 0,
    .max_operands = 0,
    .summary = "Compare the models with other tools and silicon",
    .details =
        "Prints how far the models are from the figures of others: an error is "
        "model / reference - 1, median and worst are without sign. Nothing is "
        "fitted per case. Exit code 3 when a limit is missed.\n\n"
        "Example: setun validate --reference ../shared/reference "
        "--results results/validate.json",
    .options = OPTIONS,
    .run = run,
};
