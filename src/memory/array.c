/* SPDX-License-Identifier: MIT
 *
 * Sub-arrays from a cell file's table of simulated arrays.
 *
 * Callers see stn_array only; a cell file without a table is modelled
 * (array_model.c).
 *
 * Sensing two or three rows at once costs a factor over a plain read: one
 * more decoder path, more bit-line current, more references in the sense
 * amplifier. The factors are figures of the cell. Rows that share charge are
 * never two at once, so that such a cell has no factors of two. */
#include "memory/memory.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct cell_figures {
    double logic2_energy, logic2_latency; /* factors over a read */
    double logic3_energy, logic3_latency;
    double area_f2;
} cell_figures;

/* Of cells whose row can be copied without leaving the bit lines. */
typedef struct copy_figures {
    double energy, latency; /* factors over a read */
} copy_figures;

/* clang-format off */
#define OF_TWO 2 /* first of the cell's figures, not of cells that share charge */
static const stn_figure_row cell_rows[] = {
    {"logic2_energy_factor", STN_QUANTITY_RATIO, 1, 10, offsetof(cell_figures, logic2_energy)},
    {"logic2_latency_factor", STN_QUANTITY_RATIO, 1, 10, offsetof(cell_figures, logic2_latency)},
    {"logic3_energy_factor", STN_QUANTITY_RATIO, 1, 10, offsetof(cell_figures, logic3_energy)},
    {"logic3_latency_factor", STN_QUANTITY_RATIO, 1, 10, offsetof(cell_figures, logic3_latency)},
    {"cell_area", STN_QUANTITY_CELL, 4, 1000, offsetof(cell_figures, area_f2)},
    {0}};
static const stn_figure_row copy_rows[] = {
    {"energy_factor", STN_QUANTITY_RATIO, 1, 10, offsetof(copy_figures, energy)},
    {"latency_factor", STN_QUANTITY_RATIO, 1, 10, offsetof(copy_figures, latency)},
    {0}};
static const stn_figure_row array_rows[] = {
    {"read_energy", STN_QUANTITY_ENERGY, 1e-16, 1e-6, offsetof(stn_array, read_energy_j)},
    {"read_latency", STN_QUANTITY_TIME, 1e-12, 1e-4, offsetof(stn_array, read_latency_s)},
    {"write_energy", STN_QUANTITY_ENERGY, 1e-16, 1e-6, offsetof(stn_array, write_energy_j)},
    {"write_latency", STN_QUANTITY_TIME, 1e-12, 1e-3, offsetof(stn_array, write_latency_s)},
    {"leakage", STN_QUANTITY_POWER, 0, 10, offsetof(stn_array, leakage_w)},
    {"area", STN_QUANTITY_AREA, 1e-14, 1e-3, offsetof(stn_array, area_m2)},
    {0}};
static const stn_figure_row endurance_row =
    {"endurance", STN_QUANTITY_RATIO, 1, 1e20, 0};
static const stn_figure_row feature_row =
    {"feature_size", STN_QUANTITY_LENGTH, 1e-9, 1e-6, 0};
/* clang-format on */

/* What names an array within a cell file. */
typedef struct array_id {
    const char *tech, *periphery, *sensing;
    int rows, columns;
} array_id;

stn_status stn_array_text(const stn_yaml *map, const char *key,
                          const char **out, stn_error *err)
{
    const stn_yaml *node = stn_yaml_get(map, key);
    if (!node || node->kind != STN_YAML_SCALAR || !node->scalar[0])
        return stn_yaml_fail(node ? node : map, err, "\"%s\" is missing", key);
    *out = node->scalar;
    return STN_OK;
}

stn_status stn_array_whole(const stn_yaml *map, const char *key, int64_t min,
                           int *out, stn_error *err)
{
    int64_t x = 0;
    const stn_yaml *node = stn_yaml_get(map, key);
    if (!node)
        return stn_yaml_fail(map, err, "\"%s\" is missing", key);
    STN_TRY(stn_yaml_int(node, NULL, min, 65536, &x, err));
    *out = (int)x;
    return STN_OK;
}

static stn_status read_id(const stn_yaml *map, array_id *id, stn_error *err)
{
    STN_TRY(stn_array_text(map, "periphery", &id->periphery, err));
    STN_TRY(stn_array_text(map, "sensing", &id->sensing, err));
    STN_TRY(stn_array_whole(map, "rows", 1, &id->rows, err));
    return stn_array_whole(map, "columns", 1, &id->columns, err);
}

static const char *const entry_keys[] = {"tech", "periphery", "sensing",
                                         "rows", "columns",   NULL};

/* Also entries that nobody asks for: a file is right or refused. */
static stn_status check_table(const stn_yaml *table, stn_error *err)
{
    stn_figures unlisted = {0};
    for (const stn_yaml *e = table->first; e; e = e->next) {
        array_id id = {0};
        stn_array spare = {0};
        STN_TRY(stn_array_text(e, "tech", &id.tech, err));
        STN_TRY(read_id(e, &id, err));
        STN_TRY(stn_figures_parse(&unlisted, "array", array_rows, e, entry_keys,
                                  &spare, err));
    }
    return STN_OK;
}

static bool same(const array_id *a, const array_id *b)
{
    return a->rows == b->rows && a->columns == b->columns &&
           !strcmp(a->tech, b->tech) && !strcmp(a->periphery, b->periphery) &&
           !strcmp(a->sensing, b->sensing);
}

/* The table's entry `want`, or a refusal that lists what there is. */
static stn_status find_array(const stn_yaml *table, const array_id *want,
                             const stn_yaml *asked, const stn_yaml **out,
                             stn_error *err)
{
    char list[320] = "";
    size_t used = 0;
    for (const stn_yaml *e = table->first; e; e = e->next) {
        array_id id = {0};
        STN_TRY(stn_array_text(e, "tech", &id.tech, err));
        STN_TRY(read_id(e, &id, err));
        if (same(&id, want)) {
            *out = e;
            return STN_OK;
        }
        if (used < sizeof list)
            used +=
                (size_t)snprintf(list + used, sizeof list - used,
                                 "%s%dx%d %s %s %s", used ? ", " : "", id.rows,
                                 id.columns, id.tech, id.periphery, id.sensing);
    }
    stn_yaml_fail_text(asked, err,
                       "no figures for an array %dx%d %s %s %s; %s has %s",
                       want->rows, want->columns, want->tech, want->periphery,
                       want->sensing, table->file, list);
    if (err)
        err->status = STN_E_UNSUPPORTED;
    return STN_E_UNSUPPORTED;
}

/* A table entry cannot be smaller than its cells. */
static stn_status check_area(const stn_array *array, const cell_figures *cell,
                             double feature_m, const stn_yaml *entry,
                             stn_error *err)
{
    double cells_m2 = (double)array->rows * (double)array->columns *
                      cell->area_f2 * feature_m * feature_m;
    if (array->area_m2 >= cells_m2)
        return STN_OK;
    return stn_yaml_fail(entry, err,
                         "area: got %.6g m2, expected at least the %.6g m2 "
                         "of %dx%d cells of %.4g F2",
                         array->area_m2, cells_m2, array->rows, array->columns,
                         cell->area_f2);
}

/* A copy is a read and a write, unless the cell file has a map `copy`. */
static stn_status read_copy(const stn_yaml *cell, stn_figures *figures,
                            stn_array *a, stn_error *err)
{
    copy_figures copy = {0};
    const stn_yaml *map = stn_yaml_get(cell, "copy");
    a->copy_energy_j = a->read_energy_j + a->write_energy_j;
    a->copy_latency_s = a->read_latency_s + a->write_latency_s;
    if (!map)
        return STN_OK;
    STN_TRY(stn_figures_parse(figures, "cell.copy", copy_rows, map, NULL, &copy,
                              err));
    a->copy_energy_j = copy.energy * a->read_energy_j;
    a->copy_latency_s = copy.latency * a->read_latency_s;
    return STN_OK;
}

stn_status stn_array_feature(const stn_array_choice *choice,
                             stn_figures *figures, double *feature_m,
                             stn_error *err)
{
    const stn_yaml *feature = stn_yaml_get(choice->tech, "feature_size");
    if (!feature)
        return stn_yaml_fail(choice->tech, err, "tech.feature_size is missing");
    return stn_figure_parse(figures, "tech", &feature_row, feature, feature_m,
                            err);
}

static stn_status read_array(const stn_array_choice *choice,
                             const stn_yaml *entry, stn_figures *figures,
                             stn_array *a, stn_error *err)
{
    static const char *const cell_keys[] = {
        "title", "arrays", "rows_at_once", "copy", "endurance", NULL};
    static const char *const at_once[] = {"sensed", "share charge", NULL};
    const stn_yaml *endurance = stn_yaml_get(choice->cell, "endurance");
    const stn_yaml *rows_at_once = stn_yaml_get(choice->cell, "rows_at_once");
    int shares = 0;
    cell_figures cell = {0};
    double feature_m = 0.0;
    STN_TRY(stn_array_feature(choice, figures, &feature_m, err));
    if (rows_at_once)
        STN_TRY(stn_yaml_choice(rows_at_once, at_once, &shares, err));
    a->shares_charge = shares;
    STN_TRY(stn_figures_parse(figures, "cell",
                              shares ? cell_rows + OF_TWO : cell_rows,
                              choice->cell, cell_keys, &cell, err));
    STN_TRY(stn_figures_parse(figures, "array", array_rows, entry, entry_keys,
                              a, err));
    STN_TRY(check_area(a, &cell, feature_m, entry, err));
    if (endurance)
        STN_TRY(stn_figure_parse(figures, "cell", &endurance_row, endurance,
                                 &a->endurance, err));
    a->cell_m = sqrt(cell.area_f2) * feature_m;
    a->logic2_energy_j = cell.logic2_energy * a->read_energy_j;
    a->logic3_energy_j = cell.logic3_energy * a->read_energy_j;
    a->logic2_latency_s = cell.logic2_latency * a->read_latency_s;
    a->logic3_latency_s = cell.logic3_latency * a->read_latency_s;
    return read_copy(choice->cell, figures, a, err);
}

stn_status stn_array_create(const stn_array_choice *choice,
                            stn_figures *figures, stn_array *out,
                            stn_error *err)
{
    static const char *const keys[] = {"rows", "columns", "sensing",
                                       "periphery", NULL};
    array_id want = {.tech = choice->tech_name};
    const stn_yaml *entry = NULL;
    if (stn_yaml_get(choice->cell, "kind"))
        return stn_array_create_modelled(choice, figures, out, err);
    STN_TRY(stn_yaml_check_keys(choice->array, keys, err));
    STN_TRY(read_id(choice->array, &want, err));
    const stn_yaml *table = stn_yaml_get(choice->cell, "arrays");
    if (!table || table->kind != STN_YAML_SEQUENCE)
        return stn_yaml_fail(table ? table : choice->cell, err,
                             "arrays: expected a list of arrays");
    /* A sweep, which lists no figures, makes thousands of arrays. */
    if (figures->arena)
        STN_TRY(check_table(table, err));
    STN_TRY(find_array(table, &want, choice->array, &entry, err));
    stn_array a = {.rows = want.rows, .columns = want.columns};
    snprintf(a.cell, sizeof a.cell, "%s", choice->cell_name);
    snprintf(a.tech, sizeof a.tech, "%s", choice->tech_name);
    STN_TRY(read_array(choice, entry, figures, &a, err));
    *out = a;
    return STN_OK;
}
