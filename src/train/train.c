/* SPDX-License-Identifier: MIT
 *
 * stn_train and stn_train_evaluate: from names and options to a session, and
 * from its end to a result. */
#include "setun/train.h"

#include "base/clock.h"
#include "base/file.h"
#include "train/loop.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

stn_train_options stn_train_defaults(void)
{
    return (stn_train_options){
        .budget = "quick", .seed = 1, .checkpoint_s = 30};
}

/* The data set must have the network's channels, classes, and no larger
 * pictures. */
static stn_status check_data(const stn_model *model, const stn_dataset *dataset,
                             stn_error *err)
{
    const stn_graph *graph = model->graph;
    const stn_images *train = stn_dataset_images(dataset, STN_SPLIT_TRAIN);
    const stn_images *test = stn_dataset_images(dataset, STN_SPLIT_TEST);

    if (train->channels != graph->input.c)
        return stn_fail(err, STN_E_UNSUPPORTED,
                        "%s: pictures have %d channels, network '%s' takes "
                        "%d; try --set parameters.channels=%d",
                        stn_dataset_path(dataset), train->channels, graph->name,
                        graph->input.c, train->channels);
    if (stn_dataset_classes(dataset) != graph->n_classes)
        return stn_fail(err, STN_E_UNSUPPORTED,
                        "%s: %d classes, network '%s' has %d outputs; try "
                        "--set parameters.classes=%d",
                        stn_dataset_path(dataset), stn_dataset_classes(dataset),
                        graph->name, graph->n_classes,
                        stn_dataset_classes(dataset));
    if (!test->n)
        return stn_fail(err, STN_E_UNSUPPORTED, "%s: no test pictures",
                        stn_dataset_path(dataset));
    STN_TRY(stn_augment_check(&model->recipe->augment, train, err));
    return stn_augment_check(&model->recipe->augment, test, err);
}

/* Accuracy on the test split and pictures per second. */
static double evaluate_test(const stn_model *model, const stn_dataset *dataset,
                            stn_executor *executor, double *images_per_s)
{
    stn_feed feed = {.images = stn_dataset_images(dataset, STN_SPLIT_TEST),
                     .augment = &model->recipe->augment};
    double start = stn_clock_s(), accuracy;

    feed.n = feed.images->n;
    accuracy = stn_feed_evaluate(executor, &feed, model->recipe->batch);
    *images_per_s = (double)feed.n / (stn_clock_s() - start);
    return accuracy;
}

static stn_status name_run(const stn_train_options *options,
                           const stn_recipe *r, char path[512], stn_error *err)
{
    if (options->out)
        return stn_path_format(path, 512, err, "%s", options->out);
    return stn_path_format(path, 512, err, "runs/%s%s%s-%s-seed%" PRIu64, r->id,
                           *r->variant ? "-" : "", r->variant,
                           stn_data_short_name(r->data), options->seed);
}

/* Recipe → model, data, threads, executor, optimiser. */
static stn_status prepare(stn_session *s, stn_recipe *recipe, stn_error *err)
{
    const stn_recipe *r = recipe;

    STN_TRY(stn_model_create(recipe, s->options->seed, &s->model, err));
    snprintf(s->title, sizeof(s->title), "%s%s%s on %s", r->id,
             *r->variant ? ":" : "", r->variant, stn_data_short_name(r->data));
    STN_TRY(stn_dataset_open(r->data, &s->dataset, err));
    STN_TRY(check_data(s->model, s->dataset, err));
    STN_TRY(stn_session_split(s, err));
    STN_TRY(stn_pool_create(s->options->threads, stn_executor_thread_init,
                            &s->pool, err));
    STN_TRY(stn_executor_create(s->model->graph, s->pool, r->batch, r->shards,
                                true, &s->executor, err));
    STN_TRY(stn_narrow_init(&s->narrow, s->model->widths, s->pool, r->batch,
                            r->shards, err));
    return stn_optimiser_create(r->optimiser, r->optimiser_attrs,
                                s->model->graph, &s->optimiser, err);
}

/* Refuses to train what the run could not start from. */
static stn_status check_start(const stn_train_options *start,
                              const stn_model *model, stn_error *err)
{
    stn_recipe *recipe;
    stn_model *from;
    stn_status status;

    STN_TRY(stn_recipe_choose(start, &recipe, err));
    STN_TRY(stn_model_create(recipe, start->seed, &from, err));
    status = stn_checkpoint_check_start(from, model, err);
    stn_model_destroy(from);
    return status;
}

/* The run that the recipe starts from, trained when it is not finished. */
static stn_status train_start(const stn_train_options *options,
                              const stn_model *model, char path[512],
                              stn_error *err)
{
    const stn_recipe *r = model->recipe;
    stn_train_options o = *options;
    stn_train_result result;

    if (*r->start_recipe)
        o.recipe = r->start_recipe;
    else if (strcmp(r->start_variant, r->variant) == 0)
        return stn_fail(err, STN_E_ARGUMENT,
                        "recipe '%s': variant '%s' starts from itself", r->id,
                        r->variant);
    o.variant = *r->start_variant ? r->start_variant : NULL;
    o.data = r->data;
    o.out = NULL;
    o.set = NULL;
    o.n_set = 0;
    o.resume = true;
    STN_TRY(check_start(&o, model, err));
    STN_TRY(stn_train(&o, &result, err));
    return stn_path_format(path, 512, err, "%s", result.out);
}

/* First weights of a new run: random, or those of another run. */
static stn_status first_weights(stn_session *s, stn_error *err)
{
    const char *start = s->options->start;
    char path[512];

    if (!start && stn_recipe_starts(s->model->recipe)) {
        STN_TRY(train_start(s->options, s->model, path, err));
        start = path;
    }
    return start ? stn_checkpoint_start(start, s->model, err) : STN_OK;
}

/* Goes on from the folder's checkpoint, or starts in an empty folder. */
static stn_status begin(stn_session *s, stn_error *err)
{
    if (stn_run_folder_has_checkpoint(&s->folder)) {
        STN_TRY(stn_checkpoint_resume(s->folder.checkpoint, s->model,
                                      s->optimiser, &s->counters, err));
        return stn_run_folder_resume(&s->folder, s->counters.epoch, err);
    }
    STN_TRY(first_weights(s, err));
    STN_TRY(stn_run_folder_write_recipe(&s->folder, s->model->recipe, err));
    stn_session_turn(s, 0);
    return stn_session_save(s, err);
}

/* Test accuracy of each width, and of the whole network. */
static void evaluate_widths(stn_session *s, stn_train_result *r)
{
    stn_feed feed = {.images = stn_dataset_images(s->dataset, STN_SPLIT_TEST),
                     .augment = &s->model->recipe->augment};
    int n = s->model->recipe->n_widths;

    feed.n = feed.images->n;
    r->n_widths = n;
    for (int i = 0; i < n; i++) {
        r->widths[i] = s->model->recipe->widths[i];
        r->width_accuracy[i] = stn_session_evaluate(s, i, &feed);
    }
    r->test_accuracy =
        n ? r->width_accuracy[n - 1] : stn_session_evaluate(s, 0, &feed);
}

/* Evaluates the test split, once, and writes result.json. */
static stn_status finish(stn_session *s, stn_train_result *result,
                         stn_error *err)
{
    stn_density density;
    stn_train_result r = {.validation_accuracy =
                              s->counters.validation_accuracy,
                          .train_loss = s->counters.train_loss,
                          .epochs = s->counters.epoch};

    evaluate_widths(s, &r);
    density = stn_compression_density(s->model->compression);
    r.group_density = stn_density_group_share(density);
    r.compression = stn_density_compression(density);
    r.images_per_s = stn_session_rate(s);
    r.seconds = stn_run_folder_seconds(&s->folder);
    strcpy(r.out, s->folder.path);
    STN_TRY(stn_run_folder_write_clock(&s->folder, err));
    STN_TRY(stn_run_folder_write_result(&s->folder, s->model->recipe,
                                        s->counters.seed, &r, err));
    *result = r;
    return STN_OK;
}

static stn_status run(stn_session *s, stn_recipe *recipe,
                      stn_train_result *result, stn_error *err)
{
    stn_train_result finished;

    STN_TRY(prepare(s, recipe, err));
    STN_TRY(begin(s, err));
    if (stn_run_folder_read_result(&s->folder, &finished, NULL) == STN_OK &&
        s->counters.epoch == s->model->recipe->epochs) {
        *result = finished;
        return STN_OK;
    }
    /* A run of no further epoch is evaluated as it stands. */
    stn_compression_apply(s->model->compression, s->pool);
    STN_TRY(stn_session_train(s, err));
    return finish(s, result, err);
}

static void close_session(stn_session *s)
{
    stn_free(s->order);
    stn_free(s->pictures);
    stn_optimiser_destroy(s->optimiser);
    stn_narrow_deinit(&s->narrow);
    stn_executor_destroy(s->executor);
    stn_pool_destroy(s->pool);
    stn_dataset_close(s->dataset);
    stn_model_destroy(s->model);
    stn_run_folder_close(&s->folder);
}

static stn_status open_folder(const stn_train_options *options,
                              const stn_recipe *recipe, stn_run_folder *folder,
                              stn_error *err)
{
    char path[512];

    STN_TRY(name_run(options, recipe, path, err));
    STN_TRY(stn_run_folder_open(folder, path, err));
    if (!options->resume && stn_run_folder_has_checkpoint(folder))
        return stn_fail(err, STN_E_ARGUMENT,
                        "%s already holds a run; resume it (--resume), name "
                        "another folder, or remove it",
                        path);
    return STN_OK;
}

stn_status stn_train(const stn_train_options *options, stn_train_result *result,
                     stn_error *err)
{
    stn_session session = {.options = options, .folder = {.lock_fd = -1}};
    stn_recipe *recipe;
    stn_status status;

    STN_TRY(stn_recipe_choose(options, &recipe, err));
    session.counters = (stn_counters){.seed = options->seed,
                                      .train_loss = NAN,
                                      .train_accuracy = NAN,
                                      .validation_accuracy = NAN};
    status = open_folder(options, recipe, &session.folder, err);
    if (status == STN_OK)
        status = run(&session, recipe, result, err);
    else
        stn_recipe_destroy(recipe);
    close_session(&session);
    return status;
}

struct evaluation {
    stn_model *model;
    stn_dataset *dataset;
    stn_pool *pool;
    stn_executor *executor;
};

static stn_status open_evaluation(struct evaluation *e, const char *run,
                                  const char *data, int threads, stn_error *err)
{
    const stn_recipe *r;

    STN_TRY(stn_model_load(run, &e->model, err));
    r = e->model->recipe;
    STN_TRY(stn_dataset_open(data ? data : r->data, &e->dataset, err));
    STN_TRY(check_data(e->model, e->dataset, err));
    STN_TRY(stn_pool_create(threads, stn_executor_thread_init, &e->pool, err));
    return stn_executor_create(e->model->graph, e->pool, r->batch, r->shards,
                               false, &e->executor, err);
}

stn_status stn_train_evaluate(const char *run_or_checkpoint, const char *data,
                              int threads, double *accuracy,
                              double *images_per_s, stn_error *err)
{
    struct evaluation e = {0};
    stn_status status =
        open_evaluation(&e, run_or_checkpoint, data, threads, err);

    if (status == STN_OK)
        *accuracy = evaluate_test(e.model, e.dataset, e.executor, images_per_s);
    stn_executor_destroy(e.executor);
    stn_pool_destroy(e.pool);
    stn_dataset_close(e.dataset);
    stn_model_destroy(e.model);
    return status;
}
