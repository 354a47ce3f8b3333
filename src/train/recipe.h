/* SPDX-License-Identifier: MIT
 *
 * Recipes: what to train, on what, how. A recipe is a YAML map; sections
 * under `when:` are laid over it for a variant, a data set, a budget, so one
 * file describes every variant of a system. Grammar: docs/recipes.md. */
#ifndef STN_TRAIN_RECIPE_H
#define STN_TRAIN_RECIPE_H

#include "base/memory.h"
#include "base/yaml.h"
#include "io/augment.h"
#include "nn/loss.h"
#include "setun/train.h"
#include "train/optimiser.h"
#include "train/schedule.h"

/* Width of the initial weights of convolutions, N(0, sqrt(2 / fan)). */
typedef enum stn_init {
    STN_INIT_FAN_IN, /* products summed into one output (He et al. 2015) */
    STN_INIT_FAN_OUT /* outputs times kernel area: what the authors of BD-Net
                        start from. Small for depthwise kernels, so that a
                        penalty can reach 0 with few of them */
} stn_init;

typedef struct stn_recipe {
    char id[64];
    char variant[64]; /* "" when the recipe has no variants */
    char data[256];   /* name or folder */
    char budget[16];
    /* The run whose latent weights this one begins from: a variant of the
     * recipe `start_recipe` ("": this one), on the same data and seed. Both
     * are "" for a run that begins from random weights. */
    char start_recipe[256], start_variant[64];
    int epochs, batch, shards;
    int validation; /* pictures held out of the training split */
    int init;       /* an stn_init */
    float label_smoothing;
    float penalise_until; /* share of all steps with penalties; then the run
                             fine-tunes without them */
    stn_augment augment;  /* height and width are filled by the graph's */
    /* Shares of the channels, ascending, the last 1: one network each, which
     * share their weights; n_widths 0: one network. */
    int n_widths;
    double widths[STN_WIDTHS_MAX];
    stn_distil distil; /* narrower ones learn from the widest */
    const stn_optimiser_type *optimiser;
    void *optimiser_attrs;
    const stn_schedule_type *schedule;
    void *schedule_attrs;
    const stn_yaml *parameters;  /* overrides of the network's; may be NULL */
    const stn_yaml *constants;   /* numbers for `compress`; may be NULL */
    const stn_yaml *compress;    /* may be NULL */
    stn_yaml_document *document; /* the resolved recipe; owned */
    stn_yaml_document *network;  /* the network file; owned */
    stn_arena arena;             /* of the attrs */
} stn_recipe;

/* What to pick from a recipe file, and what to lay over it. */
typedef struct stn_recipe_choice {
    const char *variant;    /* NULL: the first of `variants:` */
    const char *data;       /* NULL: the recipe's own */
    const char *budget;     /* NULL: "quick" */
    const char *const *set; /* "a.b=c", laid over the resolved recipe */
    int n_set;
} stn_recipe_choice;

/* Loads share/setun/recipes/NAME.yaml, or the file NAME (with a slash, or
 * ending in .yaml), resolves it, checks every field, and loads its network
 * (from share/setun/networks, or a file beside the recipe). */
stn_status stn_recipe_load(const char *name, const stn_recipe_choice *choice,
                           stn_recipe **out, stn_error *err);
/* The recipe that the options of a run name and choose from. */
stn_status stn_recipe_choose(const stn_train_options *options, stn_recipe **out,
                             stn_error *err);
/* From the texts stored in a checkpoint. */
stn_status stn_recipe_restore(const char *recipe_text, const char *network_text,
                              stn_recipe **out, stn_error *err);
void stn_recipe_destroy(stn_recipe *recipe); /* NULL is legal */
/* Whether a run of it begins from the weights of another. */
bool stn_recipe_starts(const stn_recipe *recipe);

/* For stn_recipe_load: picks variant, data and budget, lays the sections of
 * `when:` over the root in the order of the file, then `set`, and removes
 * `when`, `variants` and `reproduce`. recipe_when.c */
stn_status stn_recipe_resolve(stn_yaml_document *document,
                              const stn_recipe_choice *choice, stn_error *err);
/* Fields that a section of `when:` may hold; NULL-terminated. */
extern const char *const stn_recipe_fields[];

/* The last component of a data set's name: "/d/mnist" → "mnist". */
const char *stn_data_short_name(const char *data);

#endif
