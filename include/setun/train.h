/* SPDX-License-Identifier: MIT
 *
 * Training: from a recipe to a run folder.
 *
 * A run folder holds recipe.yaml (everything resolved), log.jsonl (one record
 * an epoch), checkpoint.safetensors (latent weights, optimiser, counters),
 * clock.json (seconds so far) and result.json (final accuracies). Killed at
 * any moment and resumed, a run ends with the same bytes in
 * checkpoint.safetensors. */
#ifndef STN_TRAIN_H
#define STN_TRAIN_H

#include "setun/status.h"
#include <stdbool.h>
#include <stdint.h>

/* One line of progress. */
typedef struct stn_train_progress {
    const char *title;          /* "bdnet:sparse on fashion-mnist" */
    int epoch, n_epochs;        /* epoch counts from 1 */
    int step, n_steps;          /* within the epoch */
    double loss;                /* running mean of this epoch, with penalties */
    double accuracy;            /* training top-1 so far this epoch, 0 … 1 */
    double validation_accuracy; /* after the epoch; NaN before */
    double group_density;       /* NaN when nothing is ternary */
    double images_per_s, time_left_s; /* time left: of the whole run */
    bool epoch_done;
} stn_train_progress;

typedef struct stn_train_options {
    const char *recipe;  /* id in share/setun/recipes, or a YAML file */
    const char *variant; /* NULL: the recipe's first */
    const char *data;    /* NULL: the recipe's own */
    const char *out;     /* run folder; NULL: runs/ID-VARIANT-DATA-seedN */
    /* Run folder or checkpoint whose latent weights are the first ones. NULL:
     * what the recipe's `start:` names, in its own default folder, which is
     * trained first when it is not finished. */
    const char *start;
    const char *budget;     /* "demo", "quick" (default) or "full" */
    const char *const *set; /* "path.to.field=value", laid over the recipe */
    int n_set;
    uint64_t seed;
    int threads; /* 0: all CPUs */
    bool resume; /* go on from the run folder's checkpoint, if there is one */
    double checkpoint_s; /* seconds between checkpoints; 0: each step. There
                            is also one at each epoch's end. Default 30 */
    /* Called about four times a second and at each epoch's end, from the
     * caller's thread. May be NULL. */
    void (*progress)(void *context, const stn_train_progress *progress);
    void *context;
    /* Polled each step; a set flag saves a checkpoint and returns
     * STN_E_INTERRUPTED. May be NULL. */
    const volatile int *stop;
} stn_train_options;

stn_train_options stn_train_defaults(void);

#define STN_WIDTHS_MAX 8 /* networks of different width that share weights */

typedef struct stn_train_result {
    char out[512];              /* the run folder */
    double test_accuracy;       /* of the training graph, once, at the end */
    double validation_accuracy; /* NaN without validation pictures */
    double train_loss;          /* of the last epoch */
    double group_density;       /* NaN when nothing is ternary */
    double compression;         /* authors' accounting; NaN likewise */
    double seconds;             /* summed over resumed parts */
    double images_per_s;
    int epochs;
    /* Of a recipe with `widths:`, else 0: each width, ascending, and its test
     * accuracy. The last is the whole network, as test_accuracy. */
    int n_widths;
    double widths[STN_WIDTHS_MAX], width_accuracy[STN_WIDTHS_MAX];
} stn_train_result;

/* Trains, or resumes, or returns at once the result of a finished run when
 * `resume` is set. Refuses to overwrite a run folder unless it resumes. */
stn_status stn_train(const stn_train_options *options, stn_train_result *result,
                     stn_error *err);

/* Looks for a finished run that did what stn_train would do from random
 * weights, in `root` and three levels of folders below it: the same network,
 * data set, seed and fields of the recipe, whatever that is called. *found is
 * false without one, and of recipes that start from another run. */
stn_status stn_train_find_twin(const stn_train_options *options,
                               const char *root, stn_train_result *result,
                               bool *found, stn_error *err);

/* Evaluates the training graph of a run or checkpoint on a data set's test
 * split: accuracy in 0 … 1, pictures per second. `data` NULL: the run's. */
stn_status stn_train_evaluate(const char *run_or_checkpoint, const char *data,
                              int threads, double *accuracy,
                              double *images_per_s, stn_error *err);

#endif
