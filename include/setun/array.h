/* SPDX-License-Identifier: MIT
 *
 * Analytic model of one memory sub-array: what reading or writing one row
 * costs, and where area, time, energy and leakage go. Equations and their
 * agreement with SPICE and NVSim: docs/memory.md. */
#ifndef STN_ARRAY_H
#define STN_ARRAY_H

#include "setun/simulate.h" /* stn_figure */
#include <stdbool.h>
#include <stddef.h>

/* What is asked: a cell file, a technology file, a geometry. */
typedef struct stn_array_request {
    const char *cell;          /* share/setun/cells/CELL.yaml */
    const char *tech;          /* set of technology files: "ptm" or "nvsim" */
    const char *roadmap;       /* "HP" or "LSTP" */
    const char *cell_roadmap;  /* of the cells' transistors; NULL: the same */
    double node_nm;            /* 22 … 90; between two files: interpolated */
    double temperature_k;      /* 300 … 400 */
    int rows, columns;         /* 2 … 65536, 1 … 65536 */
    int columns_per_sense_amp; /* divides `columns` */
} stn_array_request;

/* Totals, each the sum of its parts. */
typedef enum stn_array_total {
    STN_ARRAY_AREA_M2,
    STN_ARRAY_READ_LATENCY_S,
    STN_ARRAY_WRITE_LATENCY_S,
    STN_ARRAY_READ_ENERGY_J,  /* one row activated, one word sensed: as many
                                 bits as there are sense amplifiers */
    STN_ARRAY_WRITE_ENERGY_J, /* one word written */
    STN_ARRAY_LEAKAGE_W,
    STN_ARRAY_LOGIC2_ENERGY_J, /* as a read, of two rows at once; takes as long.
                                  0 of cells that share charge: not possible */
    STN_ARRAY_LOGIC3_ENERGY_J, /* of three rows */
    STN_ARRAY_TOTALS
} stn_array_total;

typedef enum stn_array_part {
    STN_ARRAY_CELLS,
    STN_ARRAY_PREDECODER,
    STN_ARRAY_ROW_DECODER,   /* with drivers and word line */
    STN_ARRAY_COLUMN_SELECT, /* drivers of the lines across the columns */
    STN_ARRAY_BIT_LINE,
    STN_ARRAY_MULTIPLEXER,
    STN_ARRAY_PRECHARGE,
    STN_ARRAY_SENSE_AMPLIFIER,
    STN_ARRAY_WRITE_DRIVER, /* where the technology describes one */
    STN_ARRAY_WHITE_SPACE,  /* area only */
    STN_ARRAY_PARTS
} stn_array_part;

const char *stn_array_total_name(stn_array_total total); /* "area_m2" */
const char *stn_array_total_unit(stn_array_total total); /* "m2" */
const char *stn_array_part_name(stn_array_part part);    /* "bit_line" */

/* In time the parts follow one another: a part that runs beside a longer one
 * counts with what it adds. */
typedef struct stn_array_report {
    double total[STN_ARRAY_TOTALS];
    double part[STN_ARRAY_TOTALS][STN_ARRAY_PARTS];
    int cell_bits; /* of one cell; a word has as many for each amplifier */
} stn_array_report;

/* A file that is missing, malformed or out of range is refused with file,
 * line, field and range; a geometry that cannot work (bit lines too long to
 * sense) is STN_E_UNSUPPORTED. Thread-safe. */
stn_status stn_array_evaluate(const stn_array_request *request,
                              stn_array_report *out, stn_error *err);

/* ---- a bank: sub-arrays side by side, reached by an H-tree */

typedef struct stn_bank_size {
    int sub_arrays; /* a power of two */
    int rows;       /* of a sub-array */
    int word_bits;  /* of an access: data wires */
} stn_bank_size;

typedef enum stn_bank_part {
    STN_BANK_SUB_ARRAYS, /* one works in an access, all leak */
    STN_BANK_ADDRESS,    /* wires and repeaters of the tree */
    STN_BANK_DATA,
    STN_BANK_PARTS
} stn_bank_part;
const char *stn_bank_part_name(stn_bank_part part); /* "address_tree" */

/* The same totals as of a sub-array, for one access to one of them. */
typedef struct stn_bank_report {
    double total[STN_ARRAY_TOTALS];
    double part[STN_ARRAY_TOTALS][STN_BANK_PARTS];
} stn_bank_report;

/* The bank of `sub_arrays` sub-arrays as requested; a word is what one of them
 * senses at once. */
stn_status stn_bank_evaluate(const stn_array_request *request, int sub_arrays,
                             stn_bank_report *out, stn_error *err);

/* Calls `each` for every figure that the evaluation rests on, in the order of
 * the files; the figure and its texts last until `each` returns. */
typedef void (*stn_array_figure_fn)(const stn_figure *figure, void *user);
stn_status stn_array_figures(const stn_array_request *request,
                             stn_array_figure_fn each, void *user,
                             stn_error *err);

#endif
