/* SPDX-License-Identifier: MIT
 *
 * Against NVSim: nvsim-arrays.csv has one sub-array a line, its six totals and
 * some of its parts. The technology set is `nvsim`: the same transistors and
 * wires, so that what differs is the model. */
#include "memory/validate.h"
#include "setun/array.h"
#include <stdio.h>
#include <string.h>

#define GROUPS 16

/* What a column of the file is compared with: a total, or a part of one. */
typedef struct column {
    const char *name;
    stn_array_total total;
    int part; /* < 0: the total */
} column;

static const column columns[] = {
    {"area_m2", STN_ARRAY_AREA_M2, -1},
    {"read_latency_s", STN_ARRAY_READ_LATENCY_S, -1},
    {"write_latency_s", STN_ARRAY_WRITE_LATENCY_S, -1},
    {"read_energy_j", STN_ARRAY_READ_ENERGY_J, -1},
    {"write_energy_j", STN_ARRAY_WRITE_ENERGY_J, -1},
    {"leakage_w", STN_ARRAY_LEAKAGE_W, -1},
    {"row_decoder_latency_s", STN_ARRAY_READ_LATENCY_S, STN_ARRAY_ROW_DECODER},
    {"bitline_latency_s", STN_ARRAY_READ_LATENCY_S, STN_ARRAY_BIT_LINE},
    {"sense_amp_latency_s", STN_ARRAY_READ_LATENCY_S,
     STN_ARRAY_SENSE_AMPLIFIER},
    {"row_decoder_energy_j", STN_ARRAY_READ_ENERGY_J, STN_ARRAY_ROW_DECODER},
    /* The file's name for the current through the sensed cells. */
    {"bitline_read_energy_j", STN_ARRAY_READ_ENERGY_J, STN_ARRAY_CELLS},
    {"sense_amp_energy_j", STN_ARRAY_READ_ENERGY_J, STN_ARRAY_SENSE_AMPLIFIER},
    {"precharge_energy_j", STN_ARRAY_READ_ENERGY_J, STN_ARRAY_PRECHARGE},
};

#define COLUMNS ((int)(sizeof columns / sizeof columns[0]))

typedef struct cells {
    char names[GROUPS][40];
    int n;
} cells;

static int find_cell(cells *c, const char *name)
{
    for (int i = 0; i < c->n; i++)
        if (strcmp(c->names[i], name) == 0)
            return i;
    if (c->n == GROUPS)
        return -1;
    snprintf(c->names[c->n], sizeof c->names[0], "%s", name);
    return c->n++;
}

static stn_status request(const stn_csv *csv, int row, stn_array_request *q,
                          stn_error *err)
{
    double node = stn_csv_number(csv, row, "node_nm");
    double rows = stn_csv_number(csv, row, "rows");
    double cols = stn_csv_number(csv, row, "columns");
    double per = stn_csv_number(csv, row, "columns_per_sense_amp");
    if (!(node > 0 && rows >= 2 && rows <= 65536 && cols >= 1 &&
          cols <= 65536 && per >= 1 && per <= cols))
        return stn_fail(err, STN_E_FORMAT,
                        "%s:%d: expected node_nm, rows, columns and "
                        "columns_per_sense_amp",
                        csv->file, row + 2);
    *q = (stn_array_request){.cell = stn_csv_text(csv, row, "cell"),
                             .tech = "nvsim",
                             .roadmap = stn_csv_text(csv, row, "roadmap"),
                             .node_nm = node,
                             .temperature_k = 300.0,
                             .rows = (int)rows,
                             .columns = (int)cols,
                             .columns_per_sense_amp = (int)per};
    return STN_OK;
}

/* Compares one line; into the series of its cell and those of all cells. */
static stn_status compare(const stn_csv *csv, int row, cells *known,
                          stn_validate_series (*all)[GROUPS + 1],
                          stn_error *err)
{
    stn_array_request q;
    stn_array_report r;
    char name[96];
    STN_TRY(request(csv, row, &q, err));
    STN_TRY(stn_array_evaluate(&q, &r, err));
    int cell = find_cell(known, q.cell);
    if (cell < 0)
        return stn_fail(err, STN_E_FORMAT, "%s:%d: more than %d cells",
                        csv->file, row + 2, GROUPS);
    snprintf(name, sizeof name, "%s %g nm %s %dx%d, %d a sense amplifier",
             q.cell, q.node_nm, q.roadmap, q.rows, q.columns,
             q.columns_per_sense_amp);
    for (int i = 0; i < COLUMNS; i++) {
        const column *c = &columns[i];
        double reference = stn_csv_number(csv, row, c->name);
        double model =
            c->part < 0 ? r.total[c->total] : r.part[c->total][c->part];
        stn_validate_note(&all[i][cell], model, reference, name);
        stn_validate_note(&all[i][GROUPS], model, reference, name);
    }
    return STN_OK;
}

static stn_status add(const column *c, stn_validate_series *s,
                      const char *group, bool judged, stn_validate_list *list,
                      stn_error *err)
{
    stn_agreement item = {.rung = "nvsim"};
    snprintf(item.quantity, sizeof item.quantity, "%s", c->name);
    snprintf(item.group, sizeof item.group, "%s", group);
    snprintf(item.unit, sizeof item.unit, "%s", stn_array_total_unit(c->total));
    item.limit_median = judged ? 0.10 : 0.0;
    item.limit_worst = judged ? 0.30 : 0.0;
    return stn_validate_add_series(list, s, &item, err);
}

stn_status stn_validate_nvsim(const char *folder, stn_validate_list *list,
                              stn_error *err)
{
    stn_csv csv;
    cells known = {0};
    stn_validate_series all[COLUMNS][GROUPS + 1];
    STN_TRY(stn_validate_table(list, folder, "nvsim-arrays.csv", &csv, err));
    for (int i = 0; i < COLUMNS; i++)
        for (int g = 0; g <= GROUPS; g++)
            STN_TRY(stn_validate_series_init(&all[i][g], list->arena,
                                             csv.n_rows, err));
    for (int row = 0; row < csv.n_rows; row++)
        STN_TRY(compare(&csv, row, &known, all, err));
    for (int i = 0; i < COLUMNS; i++) {
        bool total = columns[i].part < 0;
        STN_TRY(
            add(&columns[i], &all[i][GROUPS], "all cells", total, list, err));
        for (int g = 0; total && g < known.n; g++)
            STN_TRY(
                add(&columns[i], &all[i][g], known.names[g], false, list, err));
    }
    return STN_OK;
}
