/* SPDX-License-Identifier: MIT
 *
 * Memory cells and sub-arrays: the electrical figures behind each event.
 *
 * Every figure stands in a YAML file under share/setun/{cells,tech,machines}
 * as {value, unit, source, confidence}; see docs/machines.md. Nothing has a
 * default: a figure that is missing, unknown, in a wrong unit or out of range
 * is refused with file, line and field. */
#ifndef STN_MEMORY_MEMORY_H
#define STN_MEMORY_MEMORY_H

#include "base/memory.h"
#include "base/yaml.h"
#include "setun/simulate.h"
#include "setun/unit.h"

/* What a figure measures, and so which units it may be given in. */
typedef enum stn_quantity {
    STN_QUANTITY_ENERGY,                /* J … fJ */
    STN_QUANTITY_TIME,                  /* s … ps */
    STN_QUANTITY_POWER,                 /* W … pW */
    STN_QUANTITY_AREA,                  /* m2, mm2, um2, nm2 */
    STN_QUANTITY_LENGTH,                /* m … nm */
    STN_QUANTITY_CELL,                  /* F2: squares of the feature size */
    STN_QUANTITY_WIDTH,                 /* F: multiples of the feature size */
    STN_QUANTITY_VOLTAGE,               /* V, mV */
    STN_QUANTITY_CURRENT,               /* A … nA */
    STN_QUANTITY_RESISTANCE,            /* ohm, kohm, Mohm */
    STN_QUANTITY_CAPACITANCE,           /* F … aF */
    STN_QUANTITY_RESISTIVITY,           /* ohm m */
    STN_QUANTITY_CURRENT_PER_WIDTH,     /* A/m, uA/um, nA/um */
    STN_QUANTITY_CONDUCTANCE_PER_WIDTH, /* S/m, mS/um */
    STN_QUANTITY_CAPACITANCE_PER_WIDTH, /* F/m, fF/um */
    STN_QUANTITY_CAPACITANCE_PER_AREA,  /* F/m2 */
    STN_QUANTITY_RESISTANCE_AREA,       /* ohm m2, ohm um2 */
    STN_QUANTITY_MATCHING,              /* V m, mV um */
    STN_QUANTITY_MAGNETISATION,         /* A/m, kA/m */
    STN_QUANTITY_FLUX_DENSITY,          /* T, mT */
    STN_QUANTITY_RATIO                  /* unit "1" */
} stn_quantity;

/* One row per figure of a block; the same table parses, checks and lists. */
typedef struct stn_figure_row {
    const char *name; /* NULL ends a table */
    stn_quantity quantity;
    double min, max; /* SI, inclusive */
    size_t offset;   /* of the double in the block's struct */
} stn_figure_row;

/* Figures read so far, for listings. Initialise `arena` only; everything,
 * texts included, lives in it. Without an arena nothing is listed. A probe asks
 * what rests on a figure: one of them is read as if it were `factor` times what
 * it is. */
typedef struct stn_figures {
    stn_figure *items;
    int n, capacity;
    stn_arena *arena;
    int probe; /* which: 1 + its index in `items`; 0: none */
    double factor;
} stn_figures;

/* The value of the figure that is listed next, as a probe has it. */
double stn_figures_probe(const stn_figures *figures, double value);

/* Reads one figure, adds it to the list under the key PREFIX.NAME, where NAME
 * is the node's key, and stores its SI value. */
stn_status stn_figure_parse(stn_figures *figures, const char *prefix,
                            const stn_figure_row *row, const stn_yaml *node,
                            double *out, stn_error *err);

/* Adds a figure that was computed: its confidence is "derived". `si`, its
 * unit, must outlive the list; the other texts are copied. */
stn_status stn_figures_add(stn_figures *figures, const char *prefix,
                           const char *name, double value, const char *si,
                           const char *source, stn_error *err);

/* Fills `target` by `rows` from `map`. Every row must be there; keys neither
 * in `rows` nor in the NULL-terminated `also` (may be NULL) are refused. */
stn_status stn_figures_parse(stn_figures *figures, const char *prefix,
                             const stn_figure_row *rows, const stn_yaml *map,
                             const char *const *also, void *target,
                             stn_error *err);

/* One sub-array of one cell at one technology node. SI units. */
typedef struct stn_array {
    char cell[STN_NAME_CAPACITY], tech[STN_NAME_CAPACITY];
    int rows, columns;
    double read_energy_j, read_latency_s;     /* one row, all columns */
    double logic2_energy_j, logic2_latency_s; /* two rows sensed at once */
    double logic3_energy_j, logic3_latency_s; /* three rows */
    double write_energy_j, write_latency_s;   /* one row, all columns */
    double copy_energy_j, copy_latency_s;     /* one row to another */
    double leakage_w, area_m2;
    double cell_m;    /* width of a cell, along a row */
    double endurance; /* writes of a cell; 0: its file does not say */
    int cell_bits;    /* of a modelled cell; 0: a table does not say */
    /* Rows activated together share charge, which destroys them: of three the
     * majority is left, two cannot be told apart. Else they are sensed. */
    bool shares_charge;
} stn_array;

/* Technologies and cells of the array model that were read before, so that
 * sub-arrays of many geometries read a file once; not for several threads at a
 * time. */
typedef struct stn_tech_cache stn_tech_cache;
stn_status stn_tech_cache_create(stn_tech_cache **out, stn_error *err);
void stn_tech_cache_destroy(stn_tech_cache *cache); /* NULL is legal */
/* A field of a cell's file has changed. NULL is legal. */
void stn_tech_cache_forget_cells(stn_tech_cache *cache);

/* Which sub-array is wanted: a machine file's `array` map. */
typedef struct stn_array_choice {
    const char *cell_name, *tech_name; /* base names, for the result */
    const stn_yaml *cell, *tech;       /* roots of their files */
    const stn_yaml *array; /* {rows, columns} and {sensing, periphery}, or
                              {transistors, roadmap} */
    stn_tech_cache *technologies; /* of a modelled array; NULL: files are read,
                                     and their figures listed */
} stn_array_choice;

/* The figures of that sub-array. A cell file with `arrays` is a table: a
 * geometry that is not there is STN_E_UNSUPPORTED and the text lists those
 * that are. A cell file with `kind` is modelled (array_model.c). */
stn_status stn_array_create(const stn_array_choice *choice,
                            stn_figures *figures, stn_array *out,
                            stn_error *err);
/* The same for a cell file with `kind`. */
stn_status stn_array_create_modelled(const stn_array_choice *choice,
                                     stn_figures *figures, stn_array *out,
                                     stn_error *err);
/* One wire of a tree from a bank's port to its sub-arrays. */
typedef struct stn_tree {
    double path_m;                       /* from the port to a sub-array */
    double bit_j;                        /* one random bit moved along it */
    double latency_s;                    /* from end to end */
    double wire_leakage_w, wire_area_m2; /* repeaters of all branches */
} stn_tree;

/* A machine file's `bank` map: {sub_arrays, transistors, roadmap}. */
typedef struct stn_bank_choice {
    const stn_yaml *bank;
    double feature_m, sub_array_m2;
    stn_tech_cache *technologies; /* as in stn_array_choice */
} stn_bank_choice;
stn_status stn_bank_create(const stn_bank_choice *choice, stn_figures *figures,
                           stn_tree *out, int *sub_arrays, stn_error *err);

/* Digital units of one technology: a machine file's `units` map. */
typedef struct stn_unit_source {
    stn_unit_request of;          /* kind and bits are not used */
    stn_tech_cache *technologies; /* as in stn_array_choice */
} stn_unit_source;
stn_status stn_unit_source_read(const stn_yaml *units, double feature_m,
                                stn_tech_cache *technologies,
                                stn_figures *figures, stn_unit_source *out,
                                stn_error *err);

/* Units behind one another: an operation goes through all of them. */
typedef struct stn_unit_chain {
    double energy_j, latency_s, area_m2, leakage_w;
} stn_unit_chain;
/* Appends a unit that an operation goes through `times` times. */
stn_status stn_unit_chain_add(const stn_unit_source *source, stn_unit_kind kind,
                              int bits, int times, stn_unit_chain *chain,
                              stn_error *err);

/* Converters of an analog array: a machine file's `converters` map
 * (memory/converter.h). */
typedef struct stn_converter_source stn_converter_source;
stn_status stn_converter_source_read(const stn_yaml *map, double feature_m,
                                     stn_tech_cache *technologies,
                                     stn_figures *figures,
                                     stn_converter_source *out, stn_error *err);

/* A text and a whole number of a file, refused when they are missing. */
stn_status stn_array_text(const stn_yaml *map, const char *key,
                          const char **out, stn_error *err);
stn_status stn_array_whole(const stn_yaml *map, const char *key, int64_t min,
                           int *out, stn_error *err);
/* Size of the technology's node, in metres. */
stn_status stn_array_feature(const stn_array_choice *choice,
                             stn_figures *figures, double *feature_m,
                             stn_error *err);

#endif
