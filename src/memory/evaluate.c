/* SPDX-License-Identifier: MIT
 *
 * From names to a modelled sub-array: loads cell and technology files, checks
 * the geometry, and names what comes out. */
#include "memory/model.h"
#include <string.h>

static const char *const total_names[STN_ARRAY_TOTALS] = {
    "area_m2",        "read_latency_s", "write_latency_s", "read_energy_j",
    "write_energy_j", "leakage_w",      "logic2_energy_j", "logic3_energy_j"};
static const char *const total_units[STN_ARRAY_TOTALS] = {"m2", "s", "s", "J",
                                                          "J",  "W", "J", "J"};
static const char *const part_names[STN_ARRAY_PARTS] = {
    "cells",        "predecoder",  "row_decoder", "column_select",
    "bit_line",     "multiplexer", "precharge",   "sense_amplifier",
    "write_driver", "white_space"};

const char *stn_array_total_name(stn_array_total total)
{
    return total_names[total];
}

const char *stn_array_total_unit(stn_array_total total)
{
    return total_units[total];
}

const char *stn_array_part_name(stn_array_part part)
{
    return part_names[part];
}

static stn_status check_range(const char *what, int value, int min, int max,
                              stn_error *err)
{
    if (value >= min && value <= max)
        return STN_OK;
    return stn_fail(err, STN_E_ARGUMENT, "%s: got %d, expected from %d to %d",
                    what, value, min, max);
}

const char *stn_bank_part_name(stn_bank_part part)
{
    static const char *const names[STN_BANK_PARTS] = {
        "sub_arrays", "address_tree", "data_tree"};
    return names[part];
}

static stn_status evaluate(const stn_array_request *q, stn_figures *figures,
                           stn_array_evaluation *out, stn_error *err)
{
    const stn_tech_choice transistors = {.set = q->tech,
                                         .roadmap = q->roadmap,
                                         .cell_roadmap = q->cell_roadmap,
                                         .node_nm = q->node_nm,
                                         .temperature_k = q->temperature_k};
    STN_TRY(check_range("rows", q->rows, 2, 65536, err));
    STN_TRY(check_range("columns", q->columns, 1, 65536, err));
    STN_TRY(check_range("columns per sense amplifier", q->columns_per_sense_amp,
                        1, q->columns, err));
    if (q->columns % q->columns_per_sense_amp)
        return stn_fail(err, STN_E_ARGUMENT,
                        "columns per sense amplifier: got %d, expected a "
                        "divisor of the %d columns",
                        q->columns_per_sense_amp, q->columns);
    STN_TRY(stn_model_name("cell", q->cell, err));
    STN_TRY(stn_cell_load(q->cell, figures, &out->cell, err));
    STN_TRY(stn_tech_load(&transistors, figures, &out->tech, err));
    stn_subarray s = {.tech = &out->tech,
                      .cell = &out->cell,
                      .rows = q->rows,
                      .columns = q->columns,
                      .columns_per_sense_amp = q->columns_per_sense_amp};
    return stn_subarray_model(&s, &out->array, err);
}

stn_status stn_array_evaluate_all(const stn_array_request *request,
                                  int sub_arrays, stn_figures *figures,
                                  stn_array_evaluation *out, stn_error *err)
{
    STN_TRY(check_range("sub-arrays of a bank", sub_arrays, 1, 1 << 20, err));
    STN_TRY(stn_bank_check(sub_arrays, err));
    STN_TRY(evaluate(request, figures, out, err));
    stn_bank_size size = {.sub_arrays = sub_arrays,
                          .rows = request->rows,
                          .word_bits = request->columns /
                                       request->columns_per_sense_amp};
    stn_bank_model(&out->tech, &out->array, &size, &out->bank);
    return STN_OK;
}

stn_status stn_array_evaluate(const stn_array_request *request,
                              stn_array_report *out, stn_error *err)
{
    stn_figures unlisted = {0};
    stn_array_evaluation e;
    STN_TRY(evaluate(request, &unlisted, &e, err));
    *out = e.array;
    return STN_OK;
}

stn_status stn_bank_evaluate(const stn_array_request *request, int sub_arrays,
                             stn_bank_report *out, stn_error *err)
{
    stn_figures unlisted = {0};
    stn_array_evaluation e;
    STN_TRY(stn_array_evaluate_all(request, sub_arrays, &unlisted, &e, err));
    *out = e.bank;
    return STN_OK;
}

stn_status stn_array_figures(const stn_array_request *request,
                             stn_array_figure_fn each, void *user,
                             stn_error *err)
{
    stn_arena arena = {0};
    stn_figures figures = {.arena = &arena};
    stn_array_evaluation e;
    stn_status status = evaluate(request, &figures, &e, err);
    for (int i = 0; status == STN_OK && i < figures.n; i++)
        each(&figures.items[i], user);
    stn_arena_deinit(&arena);
    return status;
}
