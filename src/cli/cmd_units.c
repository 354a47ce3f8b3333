/* SPDX-License-Identifier: MIT
 *
 * setun units: what digital units beside memory arrays cost. */
#include "cli.h"
#include "setun/unit.h"
#include <stdio.h>

static const stn_option OPTIONS[] = {
    {"bits", 0, false, "N", "32",
     "of the numbers; a multiplier is built for at most 64"},
    {"node", 0, false, "NM", "45",
     "technology node, 22 to 90 nm; between two files it is interpolated"},
    {"roadmap", 0, false, "HP|LSTP", "HP",
     "transistors: fast, or with little leakage"},
    {"tech", 0, false, "SET", "ptm",
     "technology files: ptm (judged by SPICE) or nvsim (NVSim's own)"},
    {"temperature", 0, false, "K", "300", "300 to 400"},
    {"json", 0, false, NULL, NULL, "print as JSON, SI units"},
    {0},
};

/* What was evaluated. */
typedef struct row {
    const char *name;
    stn_unit_report report;
} row;

static int print_json(const row *rows, int n, int bits)
{
    stn_json_writer w = {.indent = 2};
    stn_json_begin_object(&w, NULL);
    stn_json_int(&w, "bits", bits);
    for (int i = 0; i < n; i++) {
        const stn_unit_report *r = &rows[i].report;
        stn_json_begin_object(&w, rows[i].name);
        stn_json_int(&w, "gates", r->gates);
        stn_json_number(&w, "area_m2", r->area_m2);
        stn_json_number(&w, "latency_s", r->latency_s);
        stn_json_number(&w, "energy_j", r->energy_j);
        stn_json_number(&w, "energy_max_j", r->energy_max_j);
        stn_json_number(&w, "leakage_w", r->leakage_w);
        stn_json_end_object(&w);
    }
    stn_json_end_object(&w);
    return stn_cli_json(&w);
}

static int print_text(const row *rows, int n, const stn_unit_request *q)
{
    printf("%d bits, %s %g nm %s, %g K\n\n", q->bits, q->tech, q->node_nm,
           q->roadmap, q->temperature_k);
    stn_table_begin("lrrrrrr", "unit", "gates", "area", "latency", "energy",
                    "with pulses", "leakage", NULL);
    for (int i = 0; i < n; i++) {
        const stn_unit_report *r = &rows[i].report;
        stn_table_cell("%s", rows[i].name);
        stn_table_cell("%d", r->gates);
        stn_table_cell("%.1f um2", 1e12 * r->area_m2);
        stn_table_cell("%s", stn_cli_si(r->latency_s, "s"));
        stn_table_cell("%s", stn_cli_si(r->energy_j, "J"));
        stn_table_cell("%s", stn_cli_si(r->energy_max_j, "J"));
        stn_table_cell("%s", stn_cli_si(r->leakage_w, "W"));
    }
    stn_table_end();
    return STN_EXIT_OK;
}

static int run(const stn_arguments *arguments)
{
    int64_t bits = 0;
    stn_unit_request q = {.pulses = true,
                          .tech = stn_cli_text(arguments, "tech"),
                          .roadmap = stn_cli_text(arguments, "roadmap")};
    row rows[STN_UNIT_KINDS];
    int n = 0;
    stn_error err = {0};
    if (!stn_cli_int(arguments, "bits", 1, stn_unit_max_bits(STN_UNIT_ADDER),
                     &bits) ||
        !stn_cli_number(arguments, "node", &q.node_nm) ||
        !stn_cli_number(arguments, "temperature", &q.temperature_k))
        return STN_EXIT_USAGE;
    q.bits = (int)bits;
    for (int kind = 0; kind < STN_UNIT_KINDS; kind++) {
        q.kind = (stn_unit_kind)kind;
        if (q.bits > stn_unit_max_bits(q.kind))
            continue;
        rows[n].name = stn_unit_name(q.kind);
        stn_status status = stn_unit_evaluate(&q, &rows[n++].report, &err);
        if (status != STN_OK)
            return stn_cli_fail(status, &err);
    }
    return stn_cli_switch(arguments, "json") ? print_json(rows, n, q.bits)
                                             : print_text(rows, n, &q);
}

const stn_command stn_cmd_units = {
    .name = "units",
    .operands = "",
    .min_operands = 0,
    .max_operands = 0,
    .summary = "Say what digital units beside a memory array cost",
    .details =
        "The NANDs of the bits of two numbers, an adder, a comparator, a "
        "shifter, a counter of ones and a multiplier "
        "of N bits, built of NANDs and inverters with the transistors of the "
        "array model (docs/memory.md). The energy is of one operation on "
        "random operands after another, by simulating the circuit; with pulses "
        "is a bound, if gates passed on all that unequal paths "
        "make.\n\nExample: setun units --bits 32 --node 45 --roadmap HP",
    .options = OPTIONS,
    .run = run,
};
