/* SPDX-License-Identifier: MIT
 *
 * A graph with its compression, and where it comes from. */
#ifndef STN_TRAIN_MODEL_H
#define STN_TRAIN_MODEL_H

#include "compress/compress.h"
#include "train/recipe.h"
#include "train/widths.h"

/* What a checkpoint holds: the resolved recipe, the network, the graph with
 * its latent weights, the compression bound to it. */
typedef struct stn_model {
    stn_recipe *recipe;
    stn_graph *graph;
    stn_widths *widths; /* narrower networks; NULL: none */
    stn_compression *compression;
} stn_model;

/* Builds graph and compression of a resolved recipe, with initial weights of
 * `seed`. Takes over `recipe`, also on failure. */
stn_status stn_model_create(stn_recipe *recipe, uint64_t seed, stn_model **out,
                            stn_error *err);
/* From a run folder or a checkpoint file alone (the resolved recipe and
 * network travel in its metadata); applies the compression. */
stn_status stn_model_load(const char *run_or_checkpoint, stn_model **out,
                          stn_error *err);
void stn_model_destroy(stn_model *model); /* NULL is legal */

#endif
