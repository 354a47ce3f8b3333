/* SPDX-License-Identifier: MIT
 *
 * Fetching runs on the shards' threads and draws nothing from a shared
 * generator: a picture's crop and flip follow from its index and the epoch. */
#include "train/feed.h"

void stn_feed_fetch(void *context, int first, int n, uint8_t *pixels,
                    uint8_t *labels)
{
    const stn_feed *feed = context;
    const stn_augment *a = feed->augment;
    size_t size =
        (size_t)a->height * (size_t)a->width * (size_t)feed->images->channels;

    for (int i = 0; i < n; i++) {
        uint32_t at = feed->first + (uint32_t)(first + i);
        uint32_t index;

        at = at < feed->n ? at : feed->n - 1;
        index = feed->order ? feed->order[at] : at;
        labels[i] = feed->images->labels[index];
        if (feed->training)
            stn_augment_train(a, feed->images, index, feed->seed, feed->epoch,
                              pixels + (size_t)i * size);
        else
            stn_augment_eval(a, feed->images, index, pixels + (size_t)i * size);
    }
}

double stn_feed_evaluate(stn_executor *executor, stn_feed *feed, int batch)
{
    stn_executor_batch request = {.fetch = stn_feed_fetch, .context = feed};
    int64_t n_correct = 0;

    for (feed->first = 0; feed->first < feed->n;
         feed->first += (uint32_t)request.n) {
        stn_executor_result result;
        uint32_t left = feed->n - feed->first;

        request.n = left < (uint32_t)batch ? (int)left : batch;
        stn_executor_evaluate(executor, &request, &result);
        n_correct += result.n_correct;
    }
    return (double)n_correct / (double)feed->n;
}
