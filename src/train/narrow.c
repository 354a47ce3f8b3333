/* SPDX-License-Identifier: MIT
 *
 * Training the narrower widths of a network on the batch that the whole one
 * has seen. */
#include "train/widths.h"

#include <math.h>

stn_status stn_narrow_init(stn_narrow *narrow, const stn_widths *widths,
                           stn_pool *pool, int batch, int n_shards,
                           stn_error *err)
{
    *narrow = (stn_narrow){.widths = widths, .pool = pool};
    if (!widths)
        return STN_OK;
    narrow->teacher = stn_alloc(
        (size_t)batch, (size_t)widths->whole->n_classes * sizeof(float));
    if (!narrow->teacher)
        return stn_fail_memory(err, "the logits of a batch");
    for (int i = 0; i < widths->n; i++)
        STN_TRY(stn_executor_create(widths->width[i].graph, pool, batch,
                                    n_shards, true, &narrow->executor[i], err));
    return STN_OK;
}

void stn_narrow_deinit(stn_narrow *narrow)
{
    for (int i = 0; i < STN_WIDTHS_MAX; i++)
        stn_executor_destroy(narrow->executor[i]);
    stn_free(narrow->teacher);
}

const char *stn_narrow_train(stn_narrow *narrow,
                             const stn_executor_batch *whole,
                             const stn_distil *distil)
{
    stn_executor_batch batch = *whole;

    batch.logits = NULL;
    batch.teacher = narrow->teacher;
    batch.distil = *distil;
    for (int i = narrow->widths ? narrow->widths->n - 1 : -1; i >= 0; i--) {
        stn_executor_result result;

        stn_width_load(narrow->widths, i, narrow->pool);
        stn_executor_train(narrow->executor[i], &batch, &result);
        if (!isfinite(result.loss_sum))
            return stn_executor_find_nonfinite(narrow->executor[i]);
        stn_width_add_gradients(narrow->widths, i, narrow->pool);
    }
    return NULL;
}
