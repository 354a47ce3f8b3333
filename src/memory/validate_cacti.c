/* SPDX-License-Identifier: MIT
 *
 * Against CACTI: share/setun/references/cacti-sram.csv has mats of SRAM, four
 * sub-arrays that work together, one a line (scripts/measure-cacti.sh). Beside
 * them stand four of our sub-arrays with one predecoder and no wires between
 * them, so the mat's output drivers are left out of its time and energy. With
 * the set `nvsim` what differs is the model, with `ptm` also the transistors.
 * Reported, not judged.
 */
#include "memory/validate.h"
#include "setun/array.h"
#include <stdio.h>
#include <string.h>

#define MAT 4 /* sub-arrays */
#define QUANTITIES 9
static const char *const SETS[] = {"nvsim", "ptm"};
static const char *const ROADMAPS[] = {"HP", "LSTP"};

typedef struct figure {
    const char *name;
    stn_array_total unit_of;
    double model, reference;
} figure;

static double of(const stn_csv *csv, int row, const char *name)
{
    return stn_csv_number(csv, row, name);
}

/* What four sub-arrays have that share one predecoder, as a mat's do. */
static double mat(const stn_array_report *r, stn_array_total total)
{
    return MAT * r->total[total] -
           (MAT - 1) * r->part[total][STN_ARRAY_PREDECODER];
}

static double read_j(const stn_array_report *r, stn_array_part part)
{
    return MAT * r->part[STN_ARRAY_READ_ENERGY_J][part];
}

static void times(const stn_csv *csv, int row, const stn_array_report *r,
                  figure *f)
{
    const double *t = r->part[STN_ARRAY_READ_LATENCY_S];
    double decoder_s = of(csv, row, "row_decoder_latency_s");
    double line_s = of(csv, row, "bitline_latency_s");
    double sense_s = of(csv, row, "sense_amp_latency_s");
    f[0] = (figure){"read_latency_s", STN_ARRAY_READ_LATENCY_S,
                    r->total[STN_ARRAY_READ_LATENCY_S],
                    decoder_s + line_s + sense_s};
    f[1] =
        (figure){"row_decoder_latency_s", STN_ARRAY_READ_LATENCY_S,
                 t[STN_ARRAY_PREDECODER] + t[STN_ARRAY_ROW_DECODER], decoder_s};
    f[2] = (figure){"bitline_latency_s", STN_ARRAY_READ_LATENCY_S,
                    t[STN_ARRAY_BIT_LINE] + t[STN_ARRAY_MULTIPLEXER], line_s};
}

static void energies(const stn_csv *csv, int row, const stn_array_report *r,
                     figure *f)
{
    double output_j = of(csv, row, "output_energy_j");
    f[0] = (figure){"read_energy_j", STN_ARRAY_READ_ENERGY_J,
                    mat(r, STN_ARRAY_READ_ENERGY_J),
                    of(csv, row, "read_energy_j") - output_j};
    f[1] = (figure){"row_decoder_energy_j", STN_ARRAY_READ_ENERGY_J,
                    r->part[STN_ARRAY_READ_ENERGY_J][STN_ARRAY_PREDECODER] +
                        read_j(r, STN_ARRAY_ROW_DECODER),
                    of(csv, row, "decoder_energy_j") +
                        of(csv, row, "word_line_energy_j")};
    f[2] = (figure){
        "bitline_energy_j", STN_ARRAY_READ_ENERGY_J,
        read_j(r, STN_ARRAY_BIT_LINE) + read_j(r, STN_ARRAY_PRECHARGE) +
            read_j(r, STN_ARRAY_MULTIPLEXER),
        of(csv, row, "bitline_energy_j") + of(csv, row, "precharge_energy_j")};
    f[3] = (figure){"write_energy_j", STN_ARRAY_WRITE_ENERGY_J,
                    mat(r, STN_ARRAY_WRITE_ENERGY_J),
                    of(csv, row, "write_energy_j") - output_j};
}

static stn_status compare(const stn_csv *csv, int row, const char *set,
                          figure *f, char *name, size_t capacity,
                          stn_error *err)
{
    stn_array_request q = {.cell = "sram-6t",
                           .tech = set,
                           .roadmap = stn_csv_text(csv, row, "roadmap"),
                           .node_nm = of(csv, row, "node_nm"),
                           .temperature_k = 300.0};
    stn_array_report r;
    double rows = of(csv, row, "rows"), columns = of(csv, row, "columns");
    double per = of(csv, row, "columns_per_sense_amp");
    if (!(rows >= 2 && rows <= 65536 && columns >= 1 && columns <= 65536 &&
          per >= 1 && per <= columns))
        return stn_fail(err, STN_E_FORMAT,
                        "%s:%d: expected rows, columns and "
                        "columns_per_sense_amp",
                        csv->file, row + 2);
    q.rows = (int)rows;
    q.columns = (int)columns;
    q.columns_per_sense_amp = (int)per;
    STN_TRY(stn_array_evaluate(&q, &r, err));
    f[0] = (figure){"area_m2", STN_ARRAY_AREA_M2, mat(&r, STN_ARRAY_AREA_M2),
                    of(csv, row, "mat_height_m") * of(csv, row, "mat_width_m")};
    f[1] = (figure){"leakage_w", STN_ARRAY_LEAKAGE_W,
                    mat(&r, STN_ARRAY_LEAKAGE_W), of(csv, row, "leakage_w")};
    times(csv, row, &r, f + 2);
    energies(csv, row, &r, f + 5);
    snprintf(name, capacity, "%g nm %s %dx%d, %d a sense amplifier", q.node_nm,
             q.roadmap, q.rows, q.columns, q.columns_per_sense_amp);
    return STN_OK;
}

/* Lines of one roadmap beside one set of transistors. */
static stn_status compare_all(const stn_csv *csv, const char *set,
                              const char *roadmap, stn_validate_list *list,
                              stn_error *err)
{
    stn_validate_series all[QUANTITIES];
    figure f[QUANTITIES] = {{0}};
    for (int i = 0; i < QUANTITIES; i++)
        STN_TRY(
            stn_validate_series_init(&all[i], list->arena, csv->n_rows, err));
    for (int row = 0; row < csv->n_rows; row++) {
        char name[96];
        if (strcmp(stn_csv_text(csv, row, "roadmap"), roadmap) != 0)
            continue;
        STN_TRY(compare(csv, row, set, f, name, sizeof name, err));
        for (int i = 0; i < QUANTITIES; i++)
            stn_validate_note(&all[i], f[i].model, f[i].reference, name);
    }
    for (int i = 0; i < QUANTITIES; i++) {
        stn_agreement item = {.rung = "cacti"};
        if (all[i].n == 0)
            continue;
        snprintf(item.quantity, sizeof item.quantity, "%s", f[i].name);
        snprintf(item.group, sizeof item.group, "%s, set %s", roadmap, set);
        snprintf(item.unit, sizeof item.unit, "%s",
                 stn_array_total_unit(f[i].unit_of));
        STN_TRY(stn_validate_add_series(list, &all[i], &item, err));
    }
    return STN_OK;
}

stn_status stn_validate_cacti(stn_validate_list *list, stn_error *err)
{
    stn_csv csv;
    STN_TRY(stn_validate_table(list, NULL, "cacti-sram.csv", &csv, err));
    for (size_t s = 0; s < sizeof SETS / sizeof SETS[0]; s++)
        for (size_t k = 0; k < sizeof ROADMAPS / sizeof ROADMAPS[0]; k++)
            STN_TRY(compare_all(&csv, SETS[s], ROADMAPS[k], list, err));
    return STN_OK;
}
