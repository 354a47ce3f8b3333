/* SPDX-License-Identifier: MIT
 *
 * Channel widths: networks that use the leading channels of one network and
 * share its weights (slimmable networks, Yu et al. 2019; CA-DNN, ASP-DAC
 * 2020).
 *
 * The network file is built once for each width, with its parameter `share`
 * set. Weights and biases of a narrow graph are slices of the whole graph's;
 * its other parameters, those of batch-norm and ranges of activations, are
 * its own. They live in the whole graph as guests named "WIDTH/NAME", so that
 * one optimiser moves and one checkpoint holds everything. */
#ifndef STN_TRAIN_WIDTHS_H
#define STN_TRAIN_WIDTHS_H

#include "base/slice.h"
#include "compress/compress.h"
#include "nn/executor.h"
#include "train/recipe.h"

/* A parameter of a narrow graph and where it is in the whole one. */
typedef struct stn_width_link {
    int whole;       /* index into the whole graph's parameters */
    bool is_slice;   /* else the memory of both is the same */
    stn_slice slice; /* of a slice */
} stn_width_link;

typedef struct stn_width {
    double share; /* of the channels, below 1 */
    /* Own shapes and operators. Of slices, latent is a copy of the whole
     * graph's effective values: stn_width_load. */
    stn_graph *graph;
    stn_width_link *links; /* one a parameter of `graph` */
} stn_width;

typedef struct stn_widths {
    stn_graph *whole; /* borrowed */
    int n;
    stn_width width[STN_WIDTHS_MAX]; /* ascending; the whole is not here */
    stn_arena arena;
} stn_widths;

/* Builds the graphs of all widths of the recipe below 1 and adds their own
 * parameters to `whole`, whose initial values are not yet drawn. `overrides`
 * are those of the whole. Refuses networks without the parameter `share`, and
 * operators whose leading channels do not read leading channels. */
stn_status stn_widths_create(const stn_recipe *recipe,
                             const stn_yaml_scope *overrides, stn_graph *whole,
                             stn_widths **out, stn_error *err);
void stn_widths_destroy(stn_widths *widths); /* NULL is legal */

/* Refuses what has no leading channels: structures. `rules` names the place. */
stn_status stn_widths_check(const stn_compression *compression,
                            const stn_yaml *rules, stn_error *err);

/* Slices ← the whole graph's effective weights. */
void stn_width_load(const stn_widths *widths, int index, stn_pool *pool);
/* Adds the gradients of slices to those of the whole graph. */
void stn_width_add_gradients(const stn_widths *widths, int index,
                             stn_pool *pool);

/* Executors of all narrower widths, for batches of `n` pictures. */
typedef struct stn_narrow {
    const stn_widths *widths;
    stn_pool *pool;
    stn_executor *executor[STN_WIDTHS_MAX];
    float *teacher; /* n * classes: logits of the whole network */
} stn_narrow;

/* Widths and pool are borrowed. With `widths` NULL there is nothing to train
 * and evaluate, and `teacher` is NULL. Deinit is legal on what failed. */
stn_status stn_narrow_init(stn_narrow *narrow, const stn_widths *widths,
                           stn_pool *pool, int batch, int n_shards,
                           stn_error *err);
void stn_narrow_deinit(stn_narrow *narrow);

/* The minibatch that the whole network was just trained on, its logits in
 * `teacher`, once more by each narrower network, from the widest to the
 * narrowest: they learn from these logits as `distil` says, and their
 * gradients are added to the whole's (Yu and Huang 2019, in-place
 * distillation). Returns NULL, or the name of the first node of a narrow
 * network whose output is not finite. */
const char *stn_narrow_train(stn_narrow *narrow,
                             const stn_executor_batch *whole,
                             const stn_distil *distil);

/* What compresses the narrow graph's weights: slices of the codes, low codes
 * and scales of the last apply, for packing; it borrows from `compression`
 * and is not to be applied. */
stn_status stn_width_compression(const stn_widths *widths, int index,
                                 const stn_compression *compression,
                                 stn_compression **out, stn_error *err);

#endif
