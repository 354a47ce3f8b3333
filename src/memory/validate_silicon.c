/* SPDX-License-Identifier: MIT
 *
 * Against published macros (survey data of NVMExplorer): their area and read
 * latency beside as many sub-arrays of 512 x 512 cells as hold their bits,
 * eight columns a sense amplifier, set `ptm`, LSTP. The cell is ours with the
 * macro's own cell area and resistances where the survey has them; nothing
 * else is taken from the macro. Reported, not judged: macros hold redundancy,
 * test logic, input and output, which the model has not, and their designers
 * chose other sub-arrays. */
#include "base/file.h"
#include "memory/model.h"
#include "memory/validate.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

#define ROWS 512
#define COLUMNS 512
static const double MIN_NM = 22.0, MAX_NM = 90.0;

/* Names of a survey's columns. */
typedef struct survey {
    const char *file, *cell, *doi, *area_um2, *area_f2, *low_ohm, *high_ohm;
} survey;

static const survey surveys[] = {{"silicon-stt-mram.csv", "stt-mram", "DOI",
                                  "Cell Area [um2]", "Cell Area [F2]", "", ""},
                                 {"silicon-reram.csv", "reram", "v",
                                  "Cell area [um2]", "Cell Area [F2]",
                                  "R Low [ohm]", "R High [ohm]"}};

/* Our cell with what the survey says of the macro's. */
static stn_cell macro_cell(const survey *v, const stn_csv *csv, int row,
                           stn_cell cell, double node_nm)
{
    double um2 = stn_csv_number(csv, row, v->area_um2);
    double f2 = stn_csv_number(csv, row, v->area_f2);
    double low = stn_csv_number(csv, row, v->low_ohm);
    double high = stn_csv_number(csv, row, v->high_ohm);
    if (um2 > 0.0)
        cell.area_f2 = 1e6 * um2 / (node_nm * node_nm);
    else if (f2 > 0.0)
        cell.area_f2 = f2;
    if (low > 0.0 && high > low) {
        cell.on_ohm = low;
        cell.off_ohm = high;
    }
    return cell;
}

static stn_status put(const survey *v, const stn_csv *csv, int row,
                      const char *quantity, double reference, double model,
                      const char *unit, stn_validate_list *list, stn_error *err)
{
    stn_agreement item = {
        .rung = "silicon", .reference = reference, .model = model};
    if (!(reference > 0.0))
        return STN_OK;
    snprintf(item.quantity, sizeof item.quantity, "%s", quantity);
    snprintf(item.unit, sizeof item.unit, "%s", unit);
    snprintf(item.group, sizeof item.group, "%s, %s nm, %s Mb, %.32s", v->cell,
             stn_csv_text(csv, row, "Fab Process [nm]"),
             stn_csv_text(csv, row, "Capacity [Mb]"),
             stn_csv_text(csv, row, v->doi));
    double error = model / reference - 1.0;
    stn_validate_summarise(&error, 1, &item);
    return stn_validate_add(list, &item, err);
}

static stn_status macro(const survey *v, const stn_csv *csv, int row,
                        const stn_cell *ours, stn_validate_list *list,
                        stn_error *err)
{
    stn_figures figures = {.arena = list->arena};
    stn_tech tech;
    stn_array_report r;
    double node_nm = stn_csv_number(csv, row, "Fab Process [nm]");
    double mbit = stn_csv_number(csv, row, "Capacity [Mb]");
    double area_mm2 = stn_csv_number(csv, row, "Macro Area [mm2]");
    double read_ns = stn_csv_number(csv, row, "Read Speed [ns]");
    if (!(node_nm >= MIN_NM && node_nm <= MAX_NM && mbit > 0.0) ||
        !(area_mm2 > 0.0 || read_ns > 0.0))
        return STN_OK;
    const stn_tech_choice transistors = {.set = "ptm",
                                         .roadmap = "LSTP",
                                         .node_nm = node_nm,
                                         .temperature_k = 300};
    STN_TRY(stn_tech_load(&transistors, &figures, &tech, err));
    stn_cell cell = macro_cell(v, csv, row, *ours, node_nm);
    stn_subarray s = {.tech = &tech,
                      .cell = &cell,
                      .rows = ROWS,
                      .columns = COLUMNS,
                      .columns_per_sense_amp = 8};
    STN_TRY(stn_subarray_model(&s, &r, err));
    double count = ceil(mbit * 1048576.0 / ((double)ROWS * COLUMNS));
    STN_TRY(put(v, csv, row, "macro area", area_mm2,
                1e6 * count * r.total[STN_ARRAY_AREA_M2], "mm2", list, err));
    return put(v, csv, row, "read latency", read_ns,
               1e9 * r.total[STN_ARRAY_READ_LATENCY_S], "ns", list, err);
}

stn_status stn_validate_silicon(const char *folder, stn_validate_list *list,
                                stn_error *err)
{
    for (size_t i = 0; i < sizeof surveys / sizeof surveys[0]; i++) {
        stn_figures figures = {.arena = list->arena};
        char path[1024];
        stn_csv csv;
        stn_cell ours;
        STN_TRY(stn_path_format(path, sizeof path, err, "%s/%s", folder,
                                surveys[i].file));
        STN_TRY(stn_csv_load(path, list->arena, &csv, err));
        STN_TRY(stn_cell_load(surveys[i].cell, &figures, &ours, err));
        for (int row = 0; row < csv.n_rows; row++)
            STN_TRY(macro(&surveys[i], &csv, row, &ours, list, err));
    }
    return STN_OK;
}
