/* SPDX-License-Identifier: MIT
 *
 * Pictures for the executor: which ones, in which order, augmented or not. */
#ifndef STN_TRAIN_FEED_H
#define STN_TRAIN_FEED_H

#include "io/augment.h"
#include "nn/executor.h"

/* A sequence of pictures, and where the batch to be fetched begins. */
typedef struct stn_feed {
    const stn_images *images;
    const stn_augment *augment;
    const uint32_t *order; /* indices into `images`; NULL: as they stand */
    uint32_t n;            /* length of the sequence; > 0 */
    uint32_t first;
    bool training; /* augment at random, by seed, epoch and picture */
    uint64_t seed;
    uint32_t epoch;
} stn_feed;

/* An stn_executor_fetch over an stn_feed. Behind the end of the sequence the
 * last picture is repeated (evaluation ignores these). */
void stn_feed_fetch(void *feed, int first, int n, uint8_t *pixels,
                    uint8_t *labels);

/* Top-1 accuracy, 0 … 1, over feed->n pictures from the first, with running
 * statistics; the feed's position is left at the end. */
double stn_feed_evaluate(stn_executor *executor, stn_feed *feed, int batch);

#endif
