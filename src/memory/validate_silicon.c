/* SPDX-License-Identifier: MIT
 *
 * Against published macros (survey data of NVMExplorer), as whole macros: a
 * bank of sub-arrays that holds their bits, of words of 64 bits, set `ptm`,
 * LSTP. Of 128 to 1024 rows and columns it has those with the least product of
 * area and read latency. The cell is ours with the macro's own cell area and
 * resistances where the survey has them; nothing else is taken from the macro.
 * Reported, not judged: macros hold redundancy, test logic, references, pumps
 * and pads, which the model has not. */
#include "memory/model.h"
#include "memory/validate.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

#define WORD_BITS 64
#define SMALLEST 128
#define LARGEST 1024
static const double MIN_NM = 22.0, MAX_NM = 90.0;

/* Names of a survey's columns, and picojoules that its energies are in. */
typedef struct survey {
    const char *file, *cell, *doi, *area_um2, *area_f2, *low_ohm, *high_ohm;
    const char *read_j, *write_j;
    double energy_pj;
} survey;

static const survey surveys[] = {
    {"silicon-stt-mram.csv", "stt-mram", "DOI", "Cell Area [um2]",
     "Cell Area [F2]", "", "", "Read Energy [pJ]", "Write Energy [pJ]", 1.0},
    {"silicon-reram.csv", "reram", "v", "Cell area [um2]", "Cell Area [F2]",
     "R Low [ohm]", "R High [ohm]", "Read Energy [nJ]", "Write Energy [nJ]",
     1e3}};

/* A macro as the model has it. */
typedef struct bank {
    int sub_arrays, rows, columns; /* sub-arrays that hold its bits */
    stn_bank_report report;
} bank;

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

/* The H-tree reaches a power of two of sub-arrays; those that hold no bits of
 * the macro are not there, nor are their branches. */
static stn_status model(stn_subarray *s, double bits, bank *out, stn_error *err)
{
    stn_array_report r;
    double count = ceil(bits / ((double)s->rows * s->columns));
    stn_bank_size size = {
        .sub_arrays = 1, .rows = s->rows, .word_bits = WORD_BITS};
    s->columns_per_sense_amp = s->columns / WORD_BITS;
    STN_TRY(stn_subarray_model(s, &r, err));
    while (size.sub_arrays < count)
        size.sub_arrays *= 2;
    *out = (bank){(int)count, s->rows, s->columns, {{0}, {{0}}}};
    stn_bank_model(s->tech, &r, &size, &out->report);
    out->report.total[STN_ARRAY_AREA_M2] *= count / size.sub_arrays;
    out->report.total[STN_ARRAY_LEAKAGE_W] *= count / size.sub_arrays;
    return STN_OK;
}

static double area_time(const bank *b)
{
    return b->report.total[STN_ARRAY_AREA_M2] *
           b->report.total[STN_ARRAY_READ_LATENCY_S];
}

/* Geometries whose bit lines are too long to be sensed are passed over. */
static stn_status organise(stn_subarray *s, double bits, bank *best,
                           stn_error *err)
{
    *best = (bank){0};
    for (s->rows = SMALLEST; s->rows <= LARGEST; s->rows *= 2)
        for (s->columns = SMALLEST; s->columns <= LARGEST; s->columns *= 2) {
            bank b;
            stn_status status = model(s, bits, &b, err);
            if (status == STN_E_UNSUPPORTED)
                continue;
            STN_TRY(status);
            if (!best->rows || area_time(&b) < area_time(best))
                *best = b;
        }
    return best->rows ? STN_OK : STN_E_UNSUPPORTED;
}

static stn_status compare(const survey *v, const stn_csv *csv, int row,
                          const bank *b, stn_validate_list *list,
                          stn_error *err)
{
    const double *t = b->report.total;
    const struct {
        const char *quantity, *unit, *column;
        double scale, model; /* of the survey's figure, to `unit` */
    } rows[] = {{"macro area", "mm2", "Macro Area [mm2]", 1.0,
                 1e6 * t[STN_ARRAY_AREA_M2]},
                {"read latency", "ns", "Read Speed [ns]", 1.0,
                 1e9 * t[STN_ARRAY_READ_LATENCY_S]},
                {"write latency", "ns", "Write Speed [ns]", 1.0,
                 1e9 * t[STN_ARRAY_WRITE_LATENCY_S]},
                {"read energy per bit", "pJ", v->read_j, v->energy_pj,
                 1e12 * t[STN_ARRAY_READ_ENERGY_J] / WORD_BITS},
                {"write energy per bit", "pJ", v->write_j, v->energy_pj,
                 1e12 * t[STN_ARRAY_WRITE_ENERGY_J] / WORD_BITS},
                {"leakage", "mW", "Leakage Power [mW]", 1.0,
                 1e3 * t[STN_ARRAY_LEAKAGE_W]}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        stn_agreement item = {.rung = "silicon", .model = rows[i].model};
        item.reference =
            rows[i].scale * stn_csv_number(csv, row, rows[i].column);
        snprintf(item.quantity, sizeof item.quantity, "%s", rows[i].quantity);
        snprintf(item.unit, sizeof item.unit, "%s", rows[i].unit);
        snprintf(item.group, sizeof item.group,
                 "%s, %s nm, %s Mb, %d of %dx%d, %.32s", v->cell,
                 stn_csv_text(csv, row, "Fab Process [nm]"),
                 stn_csv_text(csv, row, "Capacity [Mb]"), b->sub_arrays,
                 b->rows, b->columns, stn_csv_text(csv, row, v->doi));
        STN_TRY(stn_validate_add_single(list, &item, err));
    }
    return STN_OK;
}

static stn_status macro(const survey *v, const stn_csv *csv, int row,
                        const stn_cell *ours, stn_validate_list *list,
                        stn_error *err)
{
    stn_figures figures = {.arena = list->arena};
    stn_tech tech;
    bank b;
    double node_nm = stn_csv_number(csv, row, "Fab Process [nm]");
    double mbit = stn_csv_number(csv, row, "Capacity [Mb]");
    if (!(node_nm >= MIN_NM && node_nm <= MAX_NM && mbit > 0.0))
        return STN_OK;
    const stn_tech_choice transistors = {.set = "ptm",
                                         .roadmap = "LSTP",
                                         .node_nm = node_nm,
                                         .temperature_k = 300};
    STN_TRY(stn_tech_load(&transistors, &figures, &tech, err));
    stn_cell cell = macro_cell(v, csv, row, *ours, node_nm);
    stn_subarray s = {.tech = &tech, .cell = &cell};
    STN_TRY(organise(&s, mbit * 1048576.0, &b, err));
    return compare(v, csv, row, &b, list, err);
}

stn_status stn_validate_silicon(const char *folder, stn_validate_list *list,
                                stn_error *err)
{
    for (size_t i = 0; i < sizeof surveys / sizeof surveys[0]; i++) {
        stn_figures figures = {.arena = list->arena};
        stn_csv csv;
        stn_cell ours;
        STN_TRY(stn_validate_table(list, folder, surveys[i].file, &csv, err));
        STN_TRY(stn_cell_load(surveys[i].cell, &figures, &ours, err));
        for (int row = 0; row < csv.n_rows; row++)
            STN_TRY(macro(&surveys[i], &csv, row, &ours, list, err));
    }
    return STN_OK;
}
