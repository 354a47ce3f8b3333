/* SPDX-License-Identifier: MIT
 *
 * Against SPICE: spice-45nm.csv has ngspice's figures of single circuits with
 * the PTM 45 nm HP card at 350 K. The technology set is `ptm`, whose
 * transistors are measured with the same card; the circuits are not. */
#include "memory/validate.h"
#include "memory/model.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Limits: parts bound by wires, and gates. */
static const double WIRE_LIMIT = 0.10, GATE_LIMIT = 0.15;

typedef struct bench {
    stn_tech tech;
    stn_cell stt, sram;
} bench;

/* The word line of `columns` cells behind NAND2 and three inverters, the
 * circuit that was simulated. */
static stn_part_cost word_line(const bench *b, const stn_cell *cell,
                               int columns)
{
    const stn_device *d = &b->tech.device;
    double length_m =
        columns * sqrt(cell->area_f2 / cell->aspect_ratio) * d->feature_m;
    int gates = cell->kind == STN_CELL_SRAM ? 2 : 1;
    double access_m = cell->access_width_f * d->feature_m;
    double load_f = length_m * b->tech.local.farad_m +
                    gates * columns * stn_gate_capacitance(d, access_m);
    stn_gate nand = stn_gate_minimum(d, 2);
    stn_driver driver =
        stn_driver_size(d, stn_logical_effort(d, 2), stn_gate_input_f(d, &nand),
                        load_f, length_m * b->tech.local.ohm_m, 3);
    double input_f = stn_driver_input_f(&driver), ramp = 0.0;
    double delay_s =
        stn_gate_delay(d, &nand, input_f, 0.0, STN_STEP_RAMP, &ramp);
    stn_part_cost cost = stn_driver_cost(&driver, ramp);
    cost.latency_s += delay_s;
    cost.energy_j +=
        (stn_gate_output_f(d, &nand) + input_f) * d->supply_v * d->supply_v;
    return cost;
}

/* A bit line of `rows` cells without multiplexer, behind an ideal word line,
 * until its voltage differs by `signal_v`. */
static stn_status bit_line(const bench *b, int rows, double signal_v,
                           double *delay_s, stn_error *err)
{
    stn_cell cell = b->sram;
    cell.signal_v = signal_v;
    stn_subarray s = {.tech = &b->tech,
                      .cell = &cell,
                      .rows = rows,
                      .columns = 1,
                      .columns_per_sense_amp = 1};
    stn_bitline line = stn_bitline_of(&s, stn_read_access_f(s.cell));
    stn_part_cost cost;
    STN_TRY(stn_bitline_read(&s, &line, STN_STEP_RAMP, &cost, err));
    *delay_s = cost.latency_s;
    return STN_OK;
}

/* The model's figure for a line of the file, in the file's unit; *limit 0
 * when there is none. */
static stn_status model(const bench *b, const char *quantity,
                        const char *conditions, double *value, double *limit,
                        stn_error *err)
{
    const stn_device *d = &b->tech.device;
    int n = atoi(conditions);
    bool long_line = n >= 1024;
    const stn_cell *cell = strstr(conditions, "SRAM") ? &b->sram : &b->stt;
    /* Of a short word line, half the delay is that of its drivers. */
    *limit = strncmp(quantity, "word", 4) == 0 && !long_line ? GATE_LIMIT
                                                             : WIRE_LIMIT;
    if (strcmp(quantity, "Ion NMOS") == 0) {
        *value = d->on_n_a_m;
    } else if (strcmp(quantity, "Ioff NMOS") == 0) {
        *value = 1e3 * d->off_n_a_m;
    } else if (strcmp(quantity, "gate capacitance") == 0) {
        *value = 1e9 * d->gate_f_m;
    } else if (strcmp(quantity, "FO4 delay") == 0) {
        *value = 1e12 * stn_fo4_s(d);
        *limit = GATE_LIMIT;
    } else if (strcmp(quantity, "word line delay") == 0 && n > 0) {
        *value = 1e12 * word_line(b, cell, n).latency_s;
    } else if (strcmp(quantity, "word line energy") == 0 && n > 0) {
        *value = 1e12 * word_line(b, cell, n).energy_j;
    } else if (strncmp(quantity, "SRAM bit line delay to", 22) == 0 && n > 0) {
        STN_TRY(bit_line(b, n, 1e-3 * atof(quantity + 22), value, err));
        *value *= 1e12;
    } else {
        *limit = 0.0;
    }
    return STN_OK;
}

static stn_status load_bench(stn_arena *arena, bench *b, stn_error *err)
{
    stn_figures figures = {.arena = arena};
    const stn_tech_choice transistors = {
        .set = "ptm", .roadmap = "HP", .node_nm = 45, .temperature_k = 350};
    STN_TRY(stn_tech_load(&transistors, &figures, &b->tech, err));
    STN_TRY(stn_cell_load("stt-mram", &figures, &b->stt, err));
    return stn_cell_load("sram-6t", &figures, &b->sram, err);
}

stn_status stn_validate_spice(const char *folder, stn_validate_list *list,
                              stn_error *err)
{
    stn_csv csv;
    bench b;
    STN_TRY(stn_validate_table(list, folder, "spice-45nm.csv", &csv, err));
    STN_TRY(load_bench(list->arena, &b, err));
    for (int row = 0; row < csv.n_rows; row++) {
        stn_agreement item = {.rung = "spice"};
        const char *quantity = stn_csv_text(&csv, row, "quantity");
        const char *conditions = stn_csv_text(&csv, row, "conditions");
        item.reference = stn_csv_number(&csv, row, "spice_ptm45");
        STN_TRY(model(&b, quantity, conditions, &item.model, &item.limit_worst,
                      err));
        if (!(item.limit_worst > 0.0 && item.reference > 0.0))
            return stn_fail(err, STN_E_FORMAT,
                            "%s:%d: \"%.60s\" is no quantity that the model "
                            "has, or lacks spice_ptm45",
                            csv.file, row + 2, quantity);
        snprintf(item.quantity, sizeof item.quantity, "%s", quantity);
        snprintf(item.group, sizeof item.group, "%s", conditions);
        snprintf(item.unit, sizeof item.unit, "%s",
                 stn_csv_text(&csv, row, "unit"));
        STN_TRY(stn_validate_add_single(list, &item, err));
    }
    return STN_OK;
}
