/* SPDX-License-Identifier: MIT
 *
 * What is reproduced: the `reproduce:` section of a recipe and the published
 * rows of share/setun/published/ID.yaml.
 *
 *     reproduce:
 *       machine: bdnet-sot               # what programs are costed on
 *       data: [mnist, fashion-mnist]
 *       variants: {baseline: float baseline, wpc: sparse} # name: title
 *       only: {mnist: [wpc]}             # fewer variants there; optional
 *       baseline: baseline               # ratios are to this one; optional.
 *                                        # {VARIANT: ITS BASELINE} if several
 *       block: "block*"                  # layers compared with the baseline's
 *       bits: {wpc: [8, 6, 4]}           # run also with so many; optional
 *       stochastic: true                 # these also stochastically; optional
 *       windows: 20                      # split time in 1 … 20; optional
 *       converters:                      # resolutions tried; optional
 *         {machine: bitslice-isaac, variants: [wpc], images: 100,
 *          bits: [0, [3, 3, 3, 1]]}
 */
#ifndef STN_REPORT_PLAN_H
#define STN_REPORT_PLAN_H

#include "base/memory.h"
#include "base/yaml.h"
#include "setun/reproduce.h"

#define STN_PLAN_MAX 16 /* data sets, variants */

typedef struct stn_published_row {
    const char *quantity, *unit, *conditions, *source, *confidence;
    const char *layer, *data; /* pattern; NULL: any or none */
    const stn_yaml *variants; /* names; NULL: any */
    double value;
} stn_published_row;

typedef struct stn_plan {
    char id[64]; /* the recipe's, without folder and .yaml */
    const char *title, *machine, *block; /* the last may be NULL */
    const stn_yaml *baseline; /* a word, or a map of variants; NULL: none */
    int n_data, n_variants, n_published;
    const char *data[STN_PLAN_MAX];
    const char *variants[STN_PLAN_MAX], *titles[STN_PLAN_MAX];
    const stn_yaml *only; /* data set: list of variants; NULL: all of all */
    const stn_yaml *bits; /* variant: list of numbers of bits; NULL: none */
    bool stochastic;
    int windows; /* largest window of spiking networks; 0: none is tried */
    const char *converters;      /* a machine that has them; NULL: none tried */
    const stn_yaml *converted;   /* variants that try them; NULL: all */
    const stn_yaml *resolutions; /* values of its options.adc_bits */
    int converter_images;
    stn_published_row *published;
    stn_yaml_document *recipe, *rows; /* owned; texts point into them */
    stn_arena arena;
} stn_plan;

/* Reads both files and applies the filters of `options`; a filter that names
 * what the recipe does not have is refused. A system without a published
 * file has no published rows. */
stn_status stn_plan_load(const stn_reproduce_options *options, stn_plan **out,
                         stn_error *err);
void stn_plan_destroy(stn_plan *plan); /* NULL is legal */

/* Whether variant `v` is run on this data set. */
bool stn_plan_runs(const stn_plan *plan, int v, const char *data);

/* The variant that ratios of `variant` are to; NULL: none. */
const char *stn_plan_baseline(const stn_plan *plan, const char *variant);

#define STN_PLAN_BITS 7 /* 2 … 8 */

/* Numbers of bits to run variant `v` with; returns how many. */
int stn_plan_bits(const stn_plan *plan, int v, int bits[STN_PLAN_BITS]);

#define STN_PLAN_RESOLUTIONS 8

/* The values of options.adc_bits to try with variant `v`, as texts in the
 * arena; returns how many. */
int stn_plan_resolutions(stn_plan *plan, int v,
                         const char *texts[STN_PLAN_RESOLUTIONS]);

/* The published row to set beside ours, or NULL. `layer` may be NULL. */
const stn_published_row *
stn_plan_published(const stn_plan *plan, const char *quantity, const char *data,
                   const char *variant, const char *layer);

#endif
