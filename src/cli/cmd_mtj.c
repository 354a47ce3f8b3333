/* SPDX-License-Identifier: MIT
 *
 * setun mtj: what a magnetic tunnel junction does. */
#include "cli.h"
#include "setun/mtj.h"
#include <stdio.h>
#include <string.h>

static const stn_option OPTIONS[] = {
    {"json", 0, false, NULL, NULL, "print as JSON, SI units"},
    {0},
};

/* One line of what is printed. */
typedef struct line {
    const char *key, *unit;
    double value;
    bool probability;
} line;

#define LINES 15

static void lines_of(const stn_mtj_report *r, line out[LINES])
{
    const line all[LINES] = {
        {"parallel_ohm", "ohm", r->parallel_ohm, false},
        {"antiparallel_ohm", "ohm", r->antiparallel_ohm, false},
        {"tmr", "", r->tmr, false},
        {"stability", "", r->stability, false},
        {"retention_s", "s", r->retention_s, false},
        {"critical_a", "A", r->critical_a, false},
        {"overdrive", "", r->overdrive, false},
        {"switching_s", "s", r->switching_s, false},
        {"write_error", "", r->write_error, true},
        {"write_error_spread", "", r->write_error_spread, true},
        {"write_energy_j", "J", r->write_energy_j, false},
        {"read_disturb", "", r->read_disturb, true},
        {"sense_error_1_row", "", r->sense_error[0], true},
        {"sense_error_2_rows", "", r->sense_error[1], true},
        {"sense_error_3_rows", "", r->sense_error[2], true}};
    memcpy(out, all, sizeof all);
}

static int print_json(const char *name, const line *lines)
{
    stn_json_writer w = {.indent = 2};
    stn_json_begin_object(&w, NULL);
    stn_json_string(&w, "device", name);
    for (int i = 0; i < LINES; i++)
        stn_json_number(&w, lines[i].key, lines[i].value);
    stn_json_end_object(&w);
    return stn_cli_json(&w);
}

static int print_text(const line *lines)
{
    stn_table_begin("lr", "figure", "value", NULL);
    for (int i = 0; i < LINES; i++) {
        stn_table_cell("%s", lines[i].key);
        if (*lines[i].unit)
            stn_table_cell("%s", stn_cli_si(lines[i].value, lines[i].unit));
        else
            stn_table_cell(lines[i].probability ? "%.2e" : "%.3g",
                           lines[i].value);
    }
    stn_table_end();
    return STN_EXIT_OK;
}

static int run(const stn_arguments *arguments)
{
    stn_error err = {0};
    stn_mtj_report r;
    line lines[LINES];
    const char *name = arguments->operands[0];
    stn_status status = stn_mtj_evaluate(name, &r, &err);
    if (status != STN_OK)
        return stn_cli_fail(status, &err);
    lines_of(&r, lines);
    return stn_cli_switch(arguments, "json") ? print_json(name, lines)
                                             : print_text(lines);
}

const stn_command stn_cmd_mtj = {
    .name = "mtj",
    .operands = "DEVICE",
    .min_operands = 1,
    .max_operands = 1,
    .summary = "Say what a magnetic tunnel junction does",
    .details =
        "DEVICE is a file of share/setun/devices without .yaml: stt-mtj or "
        "sot-mtj. Resistance, stability, switching, write errors, read "
        "disturb, and the error of sensing one, two and three rows at once "
        "under variation; equations in docs/memory.md.\n\nExample: setun mtj "
        "stt-mtj",
    .options = OPTIONS,
    .run = run,
};
