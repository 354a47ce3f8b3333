/* SPDX-License-Identifier: MIT
 *
 * The training loop over an opened run. */
#ifndef STN_TRAIN_LOOP_H
#define STN_TRAIN_LOOP_H

#include "train/feed.h"
#include "train/run_folder.h"

/* Everything of a run in progress; made and destroyed by train.c. */
typedef struct stn_session {
    const stn_train_options *options;
    stn_model *model;
    stn_dataset *dataset;
    stn_pool *pool;
    stn_executor *executor;
    stn_narrow narrow; /* of the model's widths */
    stn_optimiser *optimiser;
    stn_run_folder folder;
    stn_counters counters;
    char title[320];

    uint32_t *pictures; /* training pictures, then validation pictures */
    uint32_t n_train, n_validation;
    uint32_t *order; /* n_train: order of the current epoch */
    int steps_per_epoch;

    double trained_s;       /* seconds of this part spent on steps */
    uint64_t trained_steps; /* steps of this part */
    double last_progress_s, last_checkpoint_s; /* stn_clock_s */
} stn_session;

/* Splits off validation pictures and counts steps; STN_E_ARGUMENT when too
 * few pictures are left. */
stn_status stn_session_split(stn_session *session, stn_error *err);

/* Saves checkpoint and clock. */
stn_status stn_session_save(stn_session *session, stn_error *err);

/* What penalties do when `epoch` epochs are complete (0: a run begins), with
 * codes and effective weights of what that leaves. */
void stn_session_turn(stn_session *session, int epoch);

/* Accuracy of width `index` of the model's on a feed, with the effective
 * weights of the last apply; n: the whole network. */
double stn_session_evaluate(stn_session *session, int index, stn_feed *feed);

/* Trains from the counters to the end of the recipe. */
stn_status stn_session_train(stn_session *session, stn_error *err);

/* Pictures per second of this part; 0 when it trained none. */
double stn_session_rate(const stn_session *session);

#endif
