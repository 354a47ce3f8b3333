/* SPDX-License-Identifier: MIT
 *
 * Steps and epochs.
 *
 *     latent → effective → forward, loss, backward → gradient of latent
 *     (+ penalties) → optimiser → what must not move is put back
 *
 * What a step does follows from (recipe, seed, epoch, step) and the stored
 * state alone, so a run that goes on from a checkpoint repeats the very steps
 * that an uninterrupted one takes. */
#include "train/loop.h"

#include "base/clock.h"
#include "base/rng.h"

#include <math.h>
#include <string.h>

#define PROGRESS_S 0.25

stn_status stn_session_split(stn_session *s, stn_error *err)
{
    const stn_images *images = stn_dataset_images(s->dataset, STN_SPLIT_TRAIN);
    const stn_recipe *r = s->model->recipe;
    stn_rng rng = stn_rng_make(s->counters.seed, STN_RNG_SPLIT, 0);

    s->n_validation = (uint32_t)r->validation;
    if (images->n < s->n_validation + (uint32_t)r->batch)
        return stn_fail(err, STN_E_ARGUMENT,
                        "%s: %u training pictures are too few for %d "
                        "validation pictures and a batch of %d; lower "
                        "'validation' or 'batch'",
                        stn_dataset_path(s->dataset), images->n, r->validation,
                        r->batch);
    s->n_train = images->n - s->n_validation;
    s->steps_per_epoch = (int)s->n_train / r->batch;
    s->pictures = stn_alloc(images->n, sizeof(*s->pictures));
    s->order = stn_alloc(s->n_train, sizeof(*s->order));
    if (!s->pictures || !s->order)
        return stn_fail_memory(err, "the order of pictures");
    for (uint32_t i = 0; i < images->n; i++)
        s->pictures[i] = i;
    if (s->n_validation)
        stn_rng_shuffle(&rng, s->pictures, images->n);
    return STN_OK;
}

void stn_session_turn(stn_session *s, int epoch)
{
    stn_compression *c = s->model->compression;

    stn_compression_apply(c, s->pool);
    stn_compression_turn(c, s->pool, epoch, s->model->recipe->epochs);
    stn_compression_apply(c, s->pool);
}

static void shuffle_epoch(stn_session *s)
{
    stn_rng rng = stn_rng_make(s->counters.seed, STN_RNG_SHUFFLE,
                               (uint64_t)s->counters.epoch);

    memcpy(s->order, s->pictures, s->n_train * sizeof(*s->order));
    stn_rng_shuffle(&rng, s->order, s->n_train);
}

double stn_session_rate(const stn_session *s)
{
    double pictures =
        (double)s->trained_steps * (double)s->model->recipe->batch;

    return s->trained_s > 0 ? pictures / s->trained_s : 0;
}

stn_status stn_session_save(stn_session *s, stn_error *err)
{
    STN_TRY(stn_run_folder_write_clock(&s->folder, err));
    STN_TRY(stn_checkpoint_write(s->folder.checkpoint, s->model, s->optimiser,
                                 &s->counters, err));
    s->last_checkpoint_s = stn_clock_s();
    return STN_OK;
}

static stn_status fail_nonfinite(const stn_session *s, const char *what,
                                 const char *where, stn_error *err)
{
    return stn_fail(
        err, STN_E_NUMERIC,
        "epoch %d, step %d: %s '%s' is not finite; train with a lower "
        "learning rate (--set optimiser.%s.lr=…) or a longer warm-up (--set "
        "schedule.%s.warmup=…); the last checkpoint is kept in %s",
        s->counters.epoch + 1, s->counters.step + 1, what,
        where ? where : "(loss)", s->optimiser->type->name,
        s->model->recipe->schedule->name, s->folder.path);
}

static int width_count(const stn_session *s)
{
    return s->model->widths ? s->model->widths->n : 0;
}

/* One minibatch; moves the counters. */
static stn_status step(stn_session *s, stn_error *err)
{
    const stn_recipe *r = s->model->recipe;
    stn_counters *c = &s->counters;
    uint64_t total = (uint64_t)r->epochs * (uint64_t)s->steps_per_epoch;
    uint64_t done =
        (uint64_t)c->epoch * (uint64_t)s->steps_per_epoch + (uint64_t)c->step;
    double progress = ((double)done + 0.5) / (double)total;
    stn_feed feed = {.images = stn_dataset_images(s->dataset, STN_SPLIT_TRAIN),
                     .augment = &r->augment,
                     .order = s->order,
                     .n = s->n_train,
                     .first = (uint32_t)c->step * (uint32_t)r->batch,
                     .training = true,
                     .seed = c->seed,
                     .epoch = (uint32_t)c->epoch};
    stn_executor_batch batch = {.fetch = stn_feed_fetch,
                                .context = &feed,
                                .n = r->batch,
                                .seed = c->seed,
                                .step = done,
                                .label_smoothing = r->label_smoothing,
                                .logits = s->narrow.teacher};
    stn_executor_result result;
    double penalty;
    const char *failed;

    stn_compression_apply(s->model->compression, s->pool);
    stn_executor_train(s->executor, &batch, &result);
    if (!isfinite(result.loss_sum))
        return fail_nonfinite(s, "the output of layer",
                              stn_executor_find_nonfinite(s->executor), err);
    failed = stn_narrow_train(&s->narrow, &batch, &r->distil);
    if (failed)
        return fail_nonfinite(s, "at a narrower width the output of layer",
                              failed, err);
    penalty = stn_compression_backward(s->model->compression, s->pool,
                                       progress < (double)r->penalise_until);
    failed = stn_optimiser_step(
        s->optimiser, s->pool,
        r->schedule->factor(r->schedule_attrs, (float)progress), done + 1);
    if (failed)
        return fail_nonfinite(s, "the gradient of", failed, err);
    stn_compression_settle(s->model->compression, s->pool);
    c->loss_sum += result.loss_sum + penalty * r->batch;
    c->n_correct += result.n_correct;
    c->step++;
    return STN_OK;
}

static double group_density(const stn_session *s)
{
    return stn_density_group_share(
        stn_compression_density(s->model->compression));
}

/* Seconds until the end of the run at the pace so far. */
static double time_left(const stn_session *s)
{
    const stn_counters *c = &s->counters;
    double left =
        (double)(s->model->recipe->epochs - c->epoch) * s->steps_per_epoch -
        c->step;

    return s->trained_steps ? left * s->trained_s / (double)s->trained_steps
                            : NAN;
}

static void report(stn_session *s, bool epoch_done)
{
    const stn_recipe *r = s->model->recipe;
    const stn_counters *c = &s->counters;
    double pictures = (double)c->step * (double)r->batch;
    stn_train_progress p = {
        .title = s->title,
        .epoch = epoch_done ? c->epoch : c->epoch + 1,
        .n_epochs = r->epochs,
        .step = epoch_done ? s->steps_per_epoch : c->step,
        .n_steps = s->steps_per_epoch,
        .loss = epoch_done ? c->train_loss : c->loss_sum / pictures,
        .accuracy =
            epoch_done ? c->train_accuracy : (double)c->n_correct / pictures,
        .validation_accuracy = c->validation_accuracy,
        .images_per_s = stn_session_rate(s),
        .time_left_s = time_left(s),
        .epoch_done = epoch_done};

    if (!s->options->progress)
        return;
    p.group_density = group_density(s);
    s->options->progress(s->options->context, &p);
    s->last_progress_s = stn_clock_s();
}

double stn_session_evaluate(stn_session *s, int index, stn_feed *feed)
{
    bool whole = index == width_count(s);

    if (!whole)
        stn_width_load(s->model->widths, index, s->pool);
    return stn_feed_evaluate(whole ? s->executor : s->narrow.executor[index],
                             feed, s->model->recipe->batch);
}

/* Of the whole network; of the narrower ones into the record. */
static double validate(stn_session *s, stn_epoch_record *record)
{
    stn_feed feed = {.images = stn_dataset_images(s->dataset, STN_SPLIT_TRAIN),
                     .augment = &s->model->recipe->augment,
                     .order = s->pictures + s->n_train,
                     .n = s->n_validation};

    if (!s->n_validation)
        return NAN;
    record->n_widths = width_count(s);
    for (int i = 0; i < record->n_widths; i++) {
        record->widths[i] = s->model->recipe->widths[i];
        record->width_accuracy[i] = stn_session_evaluate(s, i, &feed);
    }
    return stn_session_evaluate(s, width_count(s), &feed);
}

/* Closes a complete epoch: validation, log, checkpoint, progress. */
static stn_status end_epoch(stn_session *s, stn_error *err)
{
    stn_counters *c = &s->counters;
    double pictures = (double)c->step * (double)s->model->recipe->batch;
    stn_epoch_record record = {0};

    stn_session_turn(s, c->epoch + 1);
    c->train_loss = c->loss_sum / pictures;
    c->train_accuracy = (double)c->n_correct / pictures;
    c->validation_accuracy = validate(s, &record);
    c->epoch++;
    c->step = 0;
    c->loss_sum = 0;
    c->n_correct = 0;
    record.epoch = c->epoch;
    record.train_loss = c->train_loss;
    record.train_accuracy = c->train_accuracy;
    record.validation_accuracy = c->validation_accuracy;
    record.group_density = group_density(s);
    record.images_per_s = stn_session_rate(s);
    /* The log first: a record too many is dropped on resume, a missing one
     * could not be made up. */
    STN_TRY(stn_run_folder_log(&s->folder, &record, err));
    STN_TRY(stn_session_save(s, err));
    report(s, true);
    return STN_OK;
}

static stn_status stop(stn_session *s, stn_error *err)
{
    STN_TRY(stn_session_save(s, err));
    return stn_fail(err, STN_E_INTERRUPTED,
                    "stopped in epoch %d after step %d of %d; the run goes on "
                    "from %s when resumed",
                    s->counters.epoch + 1, s->counters.step, s->steps_per_epoch,
                    s->folder.path);
}

stn_status stn_session_train(stn_session *s, stn_error *err)
{
    s->last_progress_s = s->last_checkpoint_s = stn_clock_s();
    while (s->counters.epoch < s->model->recipe->epochs) {
        shuffle_epoch(s);
        s->model->compression->epoch = s->counters.epoch;
        while (s->counters.step < s->steps_per_epoch) {
            double before = stn_clock_s(), now;

            if (s->options->stop && *s->options->stop)
                return stop(s, err);
            STN_TRY(step(s, err));
            now = stn_clock_s();
            s->trained_s += now - before;
            s->trained_steps++;
            if (now - s->last_progress_s >= PROGRESS_S)
                report(s, false);
            if (now - s->last_checkpoint_s >= s->options->checkpoint_s)
                STN_TRY(stn_session_save(s, err));
        }
        STN_TRY(end_epoch(s, err));
    }
    return STN_OK;
}
