/* SPDX-License-Identifier: MIT
 *
 * A comparison file: cases that are costed, and published figures of them.
 *
 *     title: Analog or digital, LeNet-5 with W:A = 1:8
 *     scope: convolutions            # what the layers are called
 *     layers: ["conv*"]              # that count; all without
 *     cases:
 *       sot: {machine: imce, network: lenet5, weights: 1, activations: 8}
 *     published:
 *       - {quantity: energy, case: sot, over: reram, value: 3, unit: x, …} */
#ifndef STN_REPORT_COMPARE_H
#define STN_REPORT_COMPARE_H

#include "base/memory.h"
#include "base/yaml.h"
#include "setun/outline.h"

#define STN_COMPARE_CASES 24
#define STN_COMPARE_LIST 16 /* texts of a list */

/* A list of texts. */
typedef struct stn_compare_list {
    const char *items[STN_COMPARE_LIST + 1]; /* NULL ends */
    int n;
} stn_compare_list;

typedef struct stn_compare_case {
    const char *name, *machine, *network;
    bool is_float; /* the network's floats on the machine's float units */
    int adc_bits;  /* > 0: no network, a converter of the machine */
    int window;    /* > 0: split time */
    double ones;   /* of values' bits; 0: as simulate takes them */
    stn_outline_options outline; /* points into the lists below */
    stn_outline_codes codes[STN_COMPARE_LIST];
    stn_compare_list set, parameters, layers; /* layers: patterns */
} stn_compare_case;

typedef enum stn_compare_quantity {
    STN_COMPARE_ENERGY,
    STN_COMPARE_LATENCY,
    STN_COMPARE_AREA,
    STN_COMPARE_POWER,      /* energy / latency */
    STN_COMPARE_EFFICIENCY, /* two operations a product / energy */
    STN_COMPARE_DENSITY,    /* the same / latency and area */
    STN_COMPARE_QUANTITIES
} stn_compare_quantity;
extern const char *const stn_compare_quantity_names[]; /* NULL ends */

typedef struct stn_compare_published {
    int quantity, of, over;  /* over: -1, or the case that `of` is divided by */
    stn_compare_list events; /* energy, efficiency: only of these, patterns;
                                0: of all */
    double value;
    const char *unit, *source, *confidence;
    double scale; /* SI to unit */
} stn_compare_published;

typedef struct stn_compare_file {
    const char *title, *scope;
    stn_compare_case cases[STN_COMPARE_CASES];
    int n_cases, n_published;
    stn_compare_published *published;
    stn_yaml_document *document; /* owned; texts point into it */
    stn_arena arena;
} stn_compare_file;

stn_status stn_compare_file_read(const char *id, stn_compare_file **out,
                                 stn_error *err);
void stn_compare_file_destroy(stn_compare_file *file); /* NULL is legal */

#endif
