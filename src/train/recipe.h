/* SPDX-License-Identifier: MIT
 *
 * Recipes: what to train, on what, how. A recipe is a YAML map; sections
 * under `when:` are laid over it for a variant, a data set, a budget, in that
 * order, so one file describes every variant of a system. Grammar:
 * docs/recipes.md. */
#ifndef STN_TRAIN_RECIPE_H
#define STN_TRAIN_RECIPE_H

#include "base/yaml.h"
#include "io/augment.h"

typedef enum stn_optimiser_kind {
    STN_OPTIMISER_SGD,
    STN_OPTIMISER_ADAM
} stn_optimiser_kind;

typedef struct stn_optimiser_options {
    stn_optimiser_kind kind;
    float lr;           /* peak learning rate */
    float momentum;     /* SGD */
    bool nesterov;      /* SGD */
    float beta1, beta2; /* Adam */
    float epsilon;      /* Adam */
    float weight_decay; /* coupled L2, on parameters of role WEIGHT */
} stn_optimiser_options;

typedef enum stn_schedule_kind {
    STN_SCHEDULE_CONSTANT,
    STN_SCHEDULE_STEP,  /* lr * factor^(milestones passed) */
    STN_SCHEDULE_COSINE /* linear warm-up, then lr/2 (1 + cos(pi t)) */
} stn_schedule_kind;

typedef struct stn_schedule_options {
    stn_schedule_kind kind;
    float warmup;         /* share of all steps, 0 … 1 */
    float milestones[8];  /* shares of all steps, rising */
    int n_milestones;
    float factor;
} stn_schedule_options;

typedef struct stn_recipe {
    char id[64], variant[64], data[256], budget[16];
    int epochs, batch, shards;
    int validation;       /* pictures held out of the training split */
    float label_smoothing;
    float penalise_until; /* share of all steps with penalties; then the run
                             fine-tunes without them */
    stn_augment augment;  /* height and width are filled by the graph's */
    stn_optimiser_options optimiser;
    stn_schedule_options schedule;
    const stn_yaml *parameters; /* overrides of the network's; may be NULL */
    const stn_yaml *compress;   /* may be NULL */
    stn_yaml_document *document; /* the resolved recipe; owned */
    stn_yaml_document *network;  /* the network file; owned */
} stn_recipe;

/* Loads share/setun/recipes/NAME.yaml, or the file NAME, resolves `when:` and
 * `set` ("a.b=c"), checks every field, and loads its network. */
stn_status stn_recipe_load(const char *name, const char *variant,
                           const char *data, const char *budget,
                           const char *const *set, int n_set,
                           stn_recipe **out, stn_error *err);
/* From the texts stored in a checkpoint. */
stn_status stn_recipe_restore(const char *recipe_text,
                              const char *network_text, stn_recipe **out,
                              stn_error *err);
void stn_recipe_destroy(stn_recipe *recipe); /* NULL is legal */

#endif
