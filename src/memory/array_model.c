/* SPDX-License-Identifier: MIT
 *
 * Sub-arrays of a machine from the model: any geometry, any cell file with
 * `kind`. Logic in a row needs all columns at once, so there is a sense
 * amplifier per column.
 *
 * Columns of resistive cells have as many latches as rows are sensed together
 * at most, unless the file says how many. */
#include "memory/model.h"
#include "setun/mtj.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

static void take(const stn_array_report *r, stn_array *a)
{
    a->area_m2 = r->total[STN_ARRAY_AREA_M2];
    a->leakage_w = r->total[STN_ARRAY_LEAKAGE_W];
    a->read_energy_j = r->total[STN_ARRAY_READ_ENERGY_J];
    a->write_energy_j = r->total[STN_ARRAY_WRITE_ENERGY_J];
    a->read_latency_s = r->total[STN_ARRAY_READ_LATENCY_S];
    a->write_latency_s = r->total[STN_ARRAY_WRITE_LATENCY_S];
    a->logic2_energy_j = r->total[STN_ARRAY_LOGIC2_ENERGY_J];
    a->logic3_energy_j = r->total[STN_ARRAY_LOGIC3_ENERGY_J];
    a->copy_energy_j = a->read_energy_j + a->write_energy_j;
    a->copy_latency_s = a->read_latency_s + a->write_latency_s;
    a->logic2_latency_s = a->logic3_latency_s = a->read_latency_s;
}

/* A figure, and what parts of the sub-array have of it, with their formulas. */
static stn_status list_total(const stn_array_evaluation *e,
                             stn_array_total total, const char *name,
                             const char *source, stn_figures *figures,
                             stn_error *err)
{
    const stn_array_report *r = &e->array;
    char key[48], part_source[512];
    const char *unit = stn_array_total_unit(total);
    snprintf(key, sizeof key, "array.%s", name);
    STN_TRY(stn_figures_add(figures, "array", name, r->total[total], unit,
                            source, err));
    for (int k = 0; k < STN_ARRAY_PARTS; k++) {
        const stn_array_part part = (stn_array_part)k;
        if (r->part[total][k] == 0.0)
            continue;
        snprintf(part_source, sizeof part_source, "%s; %s",
                 stn_array_formula(&e->cell, total, part), source);
        STN_TRY(stn_figures_add(figures, key, stn_array_part_name(part),
                                r->part[total][k], unit, part_source, err));
    }
    return STN_OK;
}

static stn_status list(const stn_array *a, const stn_array_evaluation *e,
                       stn_figures *figures, const char *transistors,
                       stn_error *err)
{
    static const struct {
        const char *name;
        stn_array_total total;
    } rows[] = {{"read_energy", STN_ARRAY_READ_ENERGY_J},
                {"read_latency", STN_ARRAY_READ_LATENCY_S},
                {"logic2_energy", STN_ARRAY_LOGIC2_ENERGY_J},
                {"logic3_energy", STN_ARRAY_LOGIC3_ENERGY_J},
                {"write_energy", STN_ARRAY_WRITE_ENERGY_J},
                {"write_latency", STN_ARRAY_WRITE_LATENCY_S},
                {"leakage", STN_ARRAY_LEAKAGE_W},
                {"area", STN_ARRAY_AREA_M2}};
    char source[160];
    if (!figures->arena)
        return STN_OK;
    snprintf(source, sizeof source, "model of docs/memory.md, %dx%d, %s, 300 K",
             a->rows, a->columns, transistors);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        STN_TRY(
            list_total(e, rows[i].total, rows[i].name, source, figures, err));
    return STN_OK;
}

static stn_status read_tech(const stn_yaml *array, stn_tech_choice *tech,
                            stn_error *err)
{
    STN_TRY(stn_array_text(array, "transistors", &tech->set, err));
    STN_TRY(stn_array_text(array, "roadmap", &tech->roadmap, err));
    tech->cell_roadmap = tech->roadmap;
    return stn_yaml_get(array, "cell_roadmap")
               ? stn_array_text(array, "cell_roadmap", &tech->cell_roadmap, err)
               : STN_OK;
}

stn_status stn_array_create_modelled(const stn_array_choice *choice,
                                     stn_figures *figures, stn_array *out,
                                     stn_error *err)
{
    static const char *const keys[] = {"rows",    "columns",      "transistors",
                                       "roadmap", "cell_roadmap", "references",
                                       NULL};
    double feature_m = 0.0;
    stn_array a = {0};
    stn_array_evaluation e;
    STN_TRY(stn_yaml_check_keys(choice->array, keys, err));
    stn_tech_choice transistors = {.temperature_k = 300.0};
    STN_TRY(read_tech(choice->array, &transistors, err));
    STN_TRY(stn_array_whole(choice->array, "rows", 2, &a.rows, err));
    STN_TRY(stn_array_whole(choice->array, "columns", 1, &a.columns, err));
    STN_TRY(stn_array_feature(choice, figures, &feature_m, err));
    STN_TRY(stn_tech_cache_cell(choice->technologies, choice->cell, figures,
                                &e.cell, err));
    int references = stn_cell_resists(&e.cell) ? STN_MTJ_ROWS : 1;
    if (stn_yaml_get(choice->array, "references"))
        STN_TRY(
            stn_array_whole(choice->array, "references", 1, &references, err));
    transistors.node_nm = 1e9 * feature_m;
    stn_status status = stn_tech_cache_load(choice->technologies, &transistors,
                                            figures, &e.tech, err);
    stn_subarray s = {.tech = &e.tech,
                      .cell = &e.cell,
                      .rows = a.rows,
                      .columns = a.columns,
                      .columns_per_sense_amp = 1,
                      .references = references};
    if (status == STN_OK)
        status = stn_subarray_model(&s, &e.array, err);
    if (status == STN_E_ARGUMENT)
        status = STN_E_FORMAT; /* the file's, not the caller's */
    if (status != STN_OK)
        return stn_fail_within(err, status, "%s:%d: array", choice->array->file,
                               choice->array->line);
    snprintf(a.cell, sizeof a.cell, "%s", choice->cell_name);
    snprintf(a.tech, sizeof a.tech, "%s", choice->tech_name);
    take(&e.array, &a);
    a.cell_m = sqrt(e.cell.area_f2 / e.cell.aspect_ratio) * feature_m;
    a.endurance = e.cell.endurance;
    a.cell_bits = e.array.cell_bits;
    a.shares_charge = e.cell.kind == STN_CELL_DRAM;
    char source[96];
    snprintf(source, sizeof source, "%.40s %.8s %.3g nm, cells %.8s",
             transistors.set, transistors.roadmap, transistors.node_nm,
             transistors.cell_roadmap);
    STN_TRY(list(&a, &e, figures, source, err));
    *out = a;
    return STN_OK;
}
