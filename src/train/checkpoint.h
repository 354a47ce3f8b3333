/* SPDX-License-Identifier: MIT
 *
 * Checkpoints: everything a run needs to go on, in one safetensors file.
 *
 * Tensors: the latent value of every parameter under its name, and the
 * optimiser's and the penalties' memory as "optimiser.K.NAME" and
 * "penalty.K.NAME". Metadata: "format", "seed", the
 * resolved "recipe" and the "network" as texts, "progress" as JSON. Nothing
 * in it depends on time or machine settings, so two runs that did the same
 * steps have the same bytes. */
#ifndef STN_TRAIN_CHECKPOINT_H
#define STN_TRAIN_CHECKPOINT_H

#include "train/model.h"

/* Where a run stands. */
typedef struct stn_counters {
    uint64_t seed;
    int epoch;         /* complete epochs */
    int step;          /* complete steps of the epoch after them */
    double loss_sum;   /* cross-entropy + penalty, summed over these steps */
    int64_t n_correct; /* over the pictures of these steps */
    /* Of the last complete epoch; NaN before. */
    double train_loss, train_accuracy, validation_accuracy;
} stn_counters;

/* Writes atomically. */
stn_status stn_checkpoint_write(const char *path, const stn_model *model,
                                const stn_optimiser *optimiser,
                                const stn_counters *counters, stn_error *err);
/* Reads into a model whose recipe and network must be the stored ones; a
 * difference is refused by name of the field, as is another seed than
 * counters->seed. */
stn_status stn_checkpoint_resume(const char *path, stn_model *model,
                                 stn_optimiser *optimiser,
                                 stn_counters *counters, stn_error *err);
/* Whether stn_checkpoint_start could take the weights of a run of `from`. */
stn_status stn_checkpoint_check_start(const stn_model *from,
                                      const stn_model *model, stn_error *err);
/* Copies latent weights into a model from a run folder or checkpoint of
 * another recipe: parameters of equal name and size. Every weight must be
 * there; others (batch-norm, ranges of quantise nodes) keep their initial
 * values when they are not. */
stn_status stn_checkpoint_start(const char *run_or_checkpoint, stn_model *model,
                                stn_error *err);

#endif
