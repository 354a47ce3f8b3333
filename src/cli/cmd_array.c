/* SPDX-License-Identifier: MIT
 *
 * setun array: what one memory sub-array costs, part by part. */
#include "explanation.h"
#include <stdio.h>

static const stn_option OPTIONS[] = {
    {"cell", 0, false, "NAME", "sot-mram-v",
     "file in share/setun/cells, without .yaml"},
    {"node", 0, false, "NM", "45",
     "technology node, 22 to 90 nm; between two files it is interpolated"},
    {"roadmap", 0, false, "HP|LSTP", "HP",
     "transistors: fast, or with little leakage"},
    {"cell-roadmap", 0, false, "HP|LSTP", NULL,
     "those of the cells; default: as --roadmap"},
    {"tech", 0, false, "SET", "ptm",
     "technology files: ptm (judged by SPICE) or nvsim (NVSim's own)"},
    {"rows", 0, false, "R", "256", "word lines"},
    {"columns", 0, false, "C", "512", "bit lines"},
    {"columns-per-sense-amp", 0, false, "M", "1",
     "columns that share a sense amplifier"},
    {"sub-arrays", 0, false, "N", "1",
     "of a bank with an H-tree; a power of two"},
    {"temperature", 0, false, "K", "300", "300 to 400"},
    {"explain", 0, false, "KEY", NULL,
     "say what is behind a figure, down to cell and technology"},
    {"depth", 0, false, "N", "20", "with --explain: how far down to go"},
    {"figures", 0, false, NULL, NULL,
     "list the figures that it rests on, with their sources"},
    {"json", 0, false, NULL, NULL, "print as JSON, SI units"},
    {0},
};

/* Prefixes do not suit squared units: areas are printed in um2. */
static void put(stn_array_total total, double value)
{
    if (value == 0.0)
        stn_table_cell("-");
    else if (total == STN_ARRAY_AREA_M2)
        stn_table_cell("%.1f um2", value * 1e12);
    else
        stn_table_cell("%s", stn_cli_si(value, stn_array_total_unit(total)));
}

static int print_text(const stn_array_request *q, const stn_array_report *r)
{
    printf("%d x %d cells %s, %s %g nm %s, cells %s, %g K, %d column%s per "
           "sense amplifier\n\n",
           q->rows, q->columns, q->cell, q->tech, q->node_nm, q->roadmap,
           q->cell_roadmap, q->temperature_k, q->columns_per_sense_amp,
           q->columns_per_sense_amp == 1 ? "" : "s");
    stn_table_begin("lrrrrrrrr", "part", "area", "read", "write", "read",
                    "write", "leakage", "2 rows", "3 rows", NULL);
    for (int i = 0; i < STN_ARRAY_PARTS; i++) {
        stn_table_cell("%s", stn_array_part_name((stn_array_part)i));
        for (int t = 0; t < STN_ARRAY_TOTALS; t++)
            put((stn_array_total)t, r->part[t][i]);
    }
    stn_table_cell("total");
    for (int t = 0; t < STN_ARRAY_TOTALS; t++)
        put((stn_array_total)t, r->total[t]);
    stn_table_end();
    return STN_EXIT_OK;
}

static int print_bank(const stn_array_request *q, int n)
{
    stn_error err = {0};
    stn_bank_report r;
    stn_status status = stn_bank_evaluate(q, n, &r, &err);
    if (status != STN_OK)
        return stn_cli_fail(status, &err);
    printf("\na bank of %d, words of %d bits\n\n", n,
           q->columns / q->columns_per_sense_amp);
    stn_table_begin("lrrrrrrrr", "part", "area", "read", "write", "read",
                    "write", "leakage", "2 rows", "3 rows", NULL);
    for (int i = 0; i < STN_BANK_PARTS; i++) {
        stn_table_cell("%s", stn_bank_part_name((stn_bank_part)i));
        for (int k = 0; k < STN_ARRAY_TOTALS; k++)
            put((stn_array_total)k, r.part[k][i]);
    }
    stn_table_cell("total");
    for (int k = 0; k < STN_ARRAY_TOTALS; k++)
        put((stn_array_total)k, r.total[k]);
    stn_table_end();
    return STN_EXIT_OK;
}

static int put_bank(stn_json_writer *w, const stn_array_request *q, int n)
{
    stn_error err = {0};
    stn_bank_report r;
    stn_status status = stn_bank_evaluate(q, n, &r, &err);
    if (status != STN_OK)
        return stn_cli_fail(status, &err);
    stn_json_begin_object(w, "bank");
    stn_json_int(w, "sub_arrays", n);
    for (int t = 0; t < STN_ARRAY_TOTALS; t++)
        stn_json_number(w, stn_array_total_name((stn_array_total)t),
                        r.total[t]);
    stn_json_begin_object(w, "parts");
    for (int t = 0; t < STN_ARRAY_TOTALS; t++) {
        stn_json_begin_object(w, stn_array_total_name((stn_array_total)t));
        for (int i = 0; i < STN_BANK_PARTS; i++)
            stn_json_number(w, stn_bank_part_name((stn_bank_part)i),
                            r.part[t][i]);
        stn_json_end_object(w);
    }
    stn_json_end_object(w);
    stn_json_end_object(w);
    return STN_EXIT_OK;
}

static int print_json(const stn_array_request *q, const stn_array_report *r,
                      int sub_arrays)
{
    stn_json_writer w = {.indent = 2};
    stn_json_begin_object(&w, NULL);
    stn_json_string(&w, "cell", q->cell);
    stn_json_string(&w, "tech", q->tech);
    stn_json_number(&w, "node_nm", q->node_nm);
    stn_json_string(&w, "roadmap", q->roadmap);
    stn_json_string(&w, "cell_roadmap", q->cell_roadmap);
    stn_json_number(&w, "temperature_k", q->temperature_k);
    stn_json_int(&w, "rows", q->rows);
    stn_json_int(&w, "columns", q->columns);
    stn_json_int(&w, "columns_per_sense_amp", q->columns_per_sense_amp);
    for (int t = 0; t < STN_ARRAY_TOTALS; t++)
        stn_json_number(&w, stn_array_total_name((stn_array_total)t),
                        r->total[t]);
    stn_json_begin_object(&w, "parts");
    for (int t = 0; t < STN_ARRAY_TOTALS; t++) {
        stn_json_begin_object(&w, stn_array_total_name((stn_array_total)t));
        for (int i = 0; i < STN_ARRAY_PARTS; i++)
            stn_json_number(&w, stn_array_part_name((stn_array_part)i),
                            r->part[t][i]);
        stn_json_end_object(&w);
    }
    stn_json_end_object(&w);
    if (sub_arrays > 1 && put_bank(&w, q, sub_arrays) != STN_EXIT_OK) {
        stn_json_discard(&w);
        return STN_EXIT_USAGE;
    }
    stn_json_end_object(&w);
    return stn_cli_json(&w);
}

static void put_figure(const stn_figure *figure, void *user)
{
    (void)user;
    stn_table_cell("%s", figure->key);
    stn_table_cell("%.6g", figure->value);
    stn_table_cell("%s", figure->unit);
    stn_table_cell("%s", figure->confidence);
    stn_table_cell("%s", figure->source);
}

static int print_figures(const stn_array_request *q)
{
    stn_error err = {0};
    printf("\n");
    stn_table_begin("lrlll", "figure", "value", "unit", "confidence", "source",
                    NULL);
    stn_status status = stn_array_figures(q, put_figure, NULL, &err);
    if (status != STN_OK)
        return stn_cli_fail(status, &err);
    stn_table_end();
    return STN_EXIT_OK;
}

static int explain(const stn_arguments *arguments, const stn_array_request *q,
                   int sub_arrays)
{
    int64_t depth = 0;
    if (!stn_cli_int(arguments, "depth", 0, 20, &depth))
        return STN_EXIT_USAGE;
    stn_error err = {0};
    stn_explanation *explanation = NULL;
    stn_status status = stn_explain_array(
        q, sub_arrays, stn_cli_text(arguments, "explain"), &explanation, &err);
    if (status != STN_OK)
        return stn_cli_fail(status, &err);
    int code = stn_cli_explanation(arguments, stn_explanation_root(explanation),
                                   (int)depth);
    stn_explanation_destroy(explanation);
    return code;
}

static int run(const stn_arguments *arguments)
{
    int64_t rows = 0, columns = 0, per_amplifier = 0, sub_arrays = 0;
    stn_array_request q = {.cell = stn_cli_text(arguments, "cell"),
                           .tech = stn_cli_text(arguments, "tech"),
                           .roadmap = stn_cli_text(arguments, "roadmap"),
                           .cell_roadmap =
                               stn_cli_text(arguments, "cell-roadmap")};
    if (!q.cell_roadmap)
        q.cell_roadmap = q.roadmap;
    if (!stn_cli_int(arguments, "rows", 2, 65536, &rows) ||
        !stn_cli_int(arguments, "columns", 1, 65536, &columns) ||
        !stn_cli_int(arguments, "columns-per-sense-amp", 1, 65536,
                     &per_amplifier) ||
        !stn_cli_int(arguments, "sub-arrays", 1, 1 << 20, &sub_arrays) ||
        !stn_cli_number(arguments, "node", &q.node_nm) ||
        !stn_cli_number(arguments, "temperature", &q.temperature_k))
        return STN_EXIT_USAGE;
    q.rows = (int)rows;
    q.columns = (int)columns;
    q.columns_per_sense_amp = (int)per_amplifier;
    if (stn_cli_text(arguments, "explain"))
        return explain(arguments, &q, (int)sub_arrays);
    stn_error err = {0};
    stn_array_report report;
    stn_status status = stn_array_evaluate(&q, &report, &err);
    if (status != STN_OK)
        return stn_cli_fail(status, &err);
    if (stn_cli_switch(arguments, "json"))
        return print_json(&q, &report, (int)sub_arrays);
    int code = print_text(&q, &report);
    if (code == STN_EXIT_OK && sub_arrays > 1)
        code = print_bank(&q, (int)sub_arrays);
    if (code == STN_EXIT_OK && stn_cli_switch(arguments, "figures"))
        code = print_figures(&q);
    return code;
}

const stn_command stn_cmd_array = {
    .name = "array",
    .operands = "",
    .min_operands = 0,
    .max_operands = 0,
    .summary = "Say what one memory sub-array costs, part by part",
    .details =
        "Area, latency and energy of reading and writing one word, and "
        "leakage, from the analytic model of docs/memory.md. A read activates "
        "one row and senses as many bits as there are sense amplifiers. Every "
        "total is the sum of its parts. With --sub-arrays also a bank of them "
        "and the H-tree from its port, for one access.\n\n--explain KEY says "
        "why a "
        "figure is what it is, where KEY is a total as --json names it "
        "(read_latency_s), a part of one (read_latency_s.bit_line), or either "
        "of the bank (bank.read_energy_j.data_tree): the formula, and the "
        "inputs that matter to it, the strongest first, with unit, source, "
        "confidence and by how many percent the figure grows when the input "
        "grows by one.\n\nExamples: setun array --cell sot-mram-v --node 45 "
        "--roadmap HP --rows 256 --columns 512; setun array --cell sot-2t1m "
        "--explain read_latency_s.bit_line",
    .options = OPTIONS,
    .run = run,
};
