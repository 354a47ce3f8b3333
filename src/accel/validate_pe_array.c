/* SPDX-License-Identifier: MIT
 *
 * Cycles against SCALE-Sim v2: share/setun/references/scale-sim.csv has layers
 * of networks on an array of its size, whose operands pass from element to
 * element and whose folds follow one another (scripts/measure-scale-sim.py).
 * Beside them stands `pe-int8` of that size, in lock step and systolic, one
 * product a cycle; cycles are those of the elements alone, as if the buffer
 * kept up. Reported, not judged. */
#include "accel/pe_array.h"
#include "accel/validate.h"
#include "setun/outline.h"
#include <stdio.h>
#include <string.h>

static const char *const NETWORKS[] = {"resnet18", "alexnet"};
static const char *const FLOWS[] = {"output", "weight"};

/* Lines of the file that are compared, and with which array. */
typedef struct series {
    const stn_csv *csv;
    const char *network, *flow;
    bool systolic;
} series;

static bool is_of(const series *s, int row)
{
    return strcmp(stn_csv_text(s->csv, row, "network"), s->network) == 0 &&
           strcmp(stn_csv_text(s->csv, row, "flow"), s->flow) == 0;
}

static stn_status cycles_of(const pe_mapping *m, const series *s, int row,
                            double *cycles, stn_error *err)
{
    const char *layer = stn_csv_text(s->csv, row, "layer");
    for (int i = 0; i < m->program->n_instructions; i++)
        if (m->layers[i].products &&
            strcmp(m->program->instructions[i].name, layer) == 0) {
            *cycles = (double)pe_layer_cycles(m, &m->layers[i]);
            return STN_OK;
        }
    return stn_fail(err, STN_E_FORMAT, "%s:%d: %s has no layer \"%.40s\"",
                    s->csv->file, row + 2, s->network, layer);
}

/* The machine of the first line of the series; all have one size. */
static stn_status load(const series *s, stn_machine **out, stn_error *err)
{
    char flow[48], rows[48], columns[48];
    int row = 0;
    while (row < s->csv->n_rows && !is_of(s, row))
        row++;
    if (row == s->csv->n_rows)
        return stn_fail(err, STN_E_FORMAT, "%s: no line of %s with flow %s",
                        s->csv->file, s->network, s->flow);
    snprintf(flow, sizeof flow, "options.flow=%s", s->flow);
    snprintf(rows, sizeof rows, "options.rows=%.20s",
             stn_csv_text(s->csv, row, "rows"));
    snprintf(columns, sizeof columns, "options.columns=%.20s",
             stn_csv_text(s->csv, row, "columns"));
    const char *const set[] = {flow, rows, columns,
                               s->systolic ? "options.systolic=true"
                                           : "options.systolic=false"};
    return stn_machine_load("pe-int8", set, 4, out, err);
}

static stn_status compare(const series *s, const pe_mapping *m,
                          stn_validate_list *list, stn_error *err)
{
    stn_validate_series errors;
    stn_agreement item = {
        .rung = "scale-sim", .quantity = "cycles of a layer", .unit = "1"};
    STN_TRY(
        stn_validate_series_init(&errors, list->arena, s->csv->n_rows, err));
    for (int row = 0; row < s->csv->n_rows; row++) {
        double cycles = 0.0;
        if (!is_of(s, row))
            continue;
        STN_TRY(cycles_of(m, s, row, &cycles, err));
        stn_validate_note(&errors, cycles,
                          stn_csv_number(s->csv, row, "cycles"),
                          stn_csv_text(s->csv, row, "layer"));
    }
    snprintf(item.group, sizeof item.group, "%s, %s stays, %s", s->network,
             s->flow, s->systolic ? "systolic" : "lock step");
    return stn_validate_add_series(list, &errors, &item, err);
}

static stn_status compare_on_machine(const series *s,
                                     const stn_program *program,
                                     stn_validate_list *list, stn_error *err)
{
    stn_machine *machine = NULL;
    void *mapping = NULL;
    STN_TRY(load(s, &machine, err));
    stn_status status = pe_map(machine, program, &mapping, err);
    if (status == STN_OK) {
        status = compare(s, mapping, list, err);
        pe_unmap(mapping);
    }
    stn_machine_destroy(machine);
    return status;
}

static stn_status compare_network(const stn_csv *csv, const char *network,
                                  stn_validate_list *list, stn_error *err)
{
    stn_outline_options o = stn_outline_defaults();
    stn_program *program = NULL;
    stn_status status = STN_OK;
    o.weight_bits = 8;
    STN_TRY(stn_program_outline(network, &o, &program, err));
    for (int i = 0; i < 4 && status == STN_OK; i++) {
        const series s = {csv, network, FLOWS[i / 2], i % 2};
        status = compare_on_machine(&s, program, list, err);
    }
    stn_program_destroy(program);
    return status;
}

stn_status stn_validate_pe_array(stn_validate_list *list, stn_error *err)
{
    stn_csv csv;
    STN_TRY(stn_validate_table(list, NULL, "scale-sim.csv", &csv, err));
    for (size_t i = 0; i < sizeof NETWORKS / sizeof NETWORKS[0]; i++)
        STN_TRY(compare_network(&csv, NETWORKS[i], list, err));
    return STN_OK;
}
