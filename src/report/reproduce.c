/* SPDX-License-Identifier: MIT
 *
 * The driver: for every data set and variant of the plan, train (or go on, or
 * take what is finished), measure, tabulate, and write what is known so far.
 * What is done is data of the recipe; nothing here knows a system. */
#include "setun/reproduce.h"
#include "base/file.h"
#include "report/results.h"
#include "report/results_kept.h"
#include "setun/library.h"
#include "setun/report.h"
#include "train/recipe.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define START_DEPTH 8 /* runs that start from each other */

/* A reproduction with the memory behind what callers see, which comes first
 * so that destroying finds the rest. */
typedef struct reproduction {
    stn_reproduction seen;
    stn_results results;
    stn_reproduce_options options;
    stn_plan *plan;
    stn_machine *machine;
} reproduction;

stn_reproduce_options stn_reproduce_defaults(void)
{
    return (stn_reproduce_options){.budget = "quick",
                                   .seed = 1,
                                   .n_seeds = 1,
                                   .verify_images = 64,
                                   .simulate_images = 2};
}

static void say(const reproduction *r, const char *line)
{
    if (r->options.say)
        r->options.say(r->options.context, line);
}

static stn_status write_summary(reproduction *r, stn_error *err)
{
    char path[600];
    char *text = NULL;
    STN_TRY(stn_path_format(path, sizeof path, err, "%s/summary.json",
                            r->seen.out));
    STN_TRY(stn_results_tabulate(&r->results, err));
    STN_TRY(stn_results_summary(&r->results, &text, err));
    stn_status status = stn_file_write_atomic(path, text, strlen(text), err);
    stn_free(text);
    return status;
}

/* What is trained: a variant of the recipe, or of one that it starts from. */
typedef struct job {
    const char *recipe, *variant, *data;
    uint64_t seed;
} job;

/* Own runs lie in the folder of the reproduction, those of other seeds in
 * folders inside it; runs of other recipes lie beside it, to be shared. */
static stn_status name_run(const reproduction *r, const job *j, char out[600],
                           stn_error *err)
{
    const char *slash = strrchr(r->seen.out, '/');
    if (strcmp(j->recipe, r->options.id) != 0)
        return stn_path_format(out, 600, err, "%.*s%s%s%s-%s-%s-seed%" PRIu64,
                               slash ? (int)(slash - r->seen.out) + 1 : 0,
                               r->seen.out, j->recipe, *j->variant ? "-" : "",
                               j->variant, stn_data_short_name(j->data),
                               r->options.budget, j->seed);
    if (j->seed != r->options.seed)
        return stn_path_format(out, 600, err, "%s/seed%" PRIu64 "/%s-%s",
                               r->seen.out, j->seed, j->data, j->variant);
    return stn_path_format(out, 600, err, "%s/%s-%s", r->seen.out, j->data,
                           j->variant);
}

static stn_status train(reproduction *r, const job *j, int depth,
                        stn_train_result *result, stn_error *err);

static bool is_reproduced(const reproduction *r, const job *j)
{
    const stn_plan *plan = r->plan;
    if (strcmp(j->recipe, r->options.id) != 0)
        return false;
    for (int v = 0; v < plan->n_variants; v++)
        if (!strcmp(plan->variants[v], j->variant))
            return stn_plan_runs(plan, v, j->data);
    return false;
}

/* Trains, or finds finished, the run that the job's recipe starts from.
 * *seconds is what that took if it is not a result of its own. */
static stn_status train_start(reproduction *r, const job *j, int depth,
                              char start[600], double *seconds, stn_error *err)
{
    const stn_recipe_choice choice = {.variant =
                                          *j->variant ? j->variant : NULL,
                                      .data = j->data,
                                      .budget = r->options.budget};
    stn_recipe *recipe = NULL;
    stn_status status = STN_OK;
    STN_TRY(stn_recipe_load(j->recipe, &choice, &recipe, err));
    if (stn_recipe_starts(recipe)) {
        bool other = *recipe->start_recipe;
        job first = {other ? recipe->start_recipe : j->recipe,
                     recipe->start_variant, j->data, j->seed};
        stn_train_result result;
        if (depth < START_DEPTH)
            status = train(r, &first, depth + 1, &result, err);
        else
            status = stn_fail(err, STN_E_ARGUMENT,
                              "recipe '%s': variant '%s' starts from itself, "
                              "or more than %d runs follow each other",
                              j->recipe, j->variant, START_DEPTH);
        if (status == STN_OK)
            status = stn_path_format(start, 600, err, "%s", result.out);
        if (status == STN_OK && !is_reproduced(r, &first))
            *seconds = result.seconds;
    }
    stn_recipe_destroy(recipe);
    return status;
}

/* A run that is not begun yet may have been done for another recipe, in the
 * folders beside: most of all float twins. */
static stn_status find_twin(const reproduction *r, const stn_train_options *o,
                            stn_train_result *result, bool *found,
                            stn_error *err)
{
    char root[600], line[1200];
    const char *slash = strrchr(r->seen.out, '/');
    *found = false;
    STN_TRY(stn_path_format(root, sizeof root, err, "%s/checkpoint.safetensors",
                            o->out));
    if (stn_file_exists(root))
        return STN_OK;
    STN_TRY(stn_path_format(root, sizeof root, err, "%.*s",
                            slash ? (int)(slash - r->seen.out) : 1,
                            slash ? r->seen.out : "."));
    STN_TRY(stn_train_find_twin(o, root, result, found, err));
    if (*found) {
        snprintf(line, sizeof line, "%s on %s: as %s (same recipe and seed)",
                 o->variant ? o->variant : o->recipe, o->data, result->out);
        say(r, line);
    }
    return STN_OK;
}

/* The result's seconds are those of the run and of what it starts from, up to
 * a run that is a result of its own. */
static stn_status train(reproduction *r, const job *j, int depth,
                        stn_train_result *result, stn_error *err)
{
    bool found = false;
    double before = 0;
    char out[600], start[600] = "";
    STN_TRY(name_run(r, j, out, err));
    STN_TRY(train_start(r, j, depth, start, &before, err));
    stn_train_options o = stn_train_defaults();
    o.recipe = j->recipe;
    o.variant = *j->variant ? j->variant : NULL;
    o.data = j->data;
    o.budget = r->options.budget;
    o.seed = j->seed;
    o.threads = r->options.threads;
    o.out = out;
    o.start = *start ? start : NULL;
    o.resume = true;
    o.progress = r->options.progress;
    o.context = r->options.context;
    o.stop = r->options.stop;
    STN_TRY(find_twin(r, &o, result, &found, err));
    if (!found)
        STN_TRY(stn_train(&o, result, err));
    result->seconds += before;
    return STN_OK;
}

static void say_measured(const reproduction *r, const stn_measure *m)
{
    char line[320];
    uint32_t images = 0;
    for (int i = 0; i < m->n_verified; i++)
        images += m->verified[i].n;
    int n = snprintf(line, sizeof line, "%s on %s: %.2f %% of %u test pictures",
                     m->variant, m->data, 100 * m->accuracy, m->n_images);
    if (m->n_verified)
        snprintf(line + n, sizeof line - (size_t)n,
                 "; %d executors, %u pictures, %u mismatches", m->n_verified,
                 images, stn_measure_mismatches(m));
    say(r, line);
}

/* Measures one width of a trained variant; 0: the widest. */
static stn_status measure(reproduction *r, int variant,
                          const stn_train_result *trained, double width,
                          stn_error *err)
{
    const char *run = trained->out;
    stn_results *results = &r->results;
    int bits[STN_PLAN_BITS];
    const char *resolutions[STN_PLAN_RESOLUTIONS];
    const stn_measure_options options = {
        .width = width,
        .n_bits = stn_plan_bits(r->plan, variant, bits),
        .bits = bits,
        .stochastic = r->plan->stochastic,
        .windows = r->plan->windows,
        .converters = r->plan->converters,
        .n_resolutions = stn_plan_resolutions(r->plan, variant, resolutions),
        .resolutions = resolutions,
        .converter_images = r->plan->converter_images,
        .machine = r->machine,
        .threads = r->options.threads,
        .verify_images = r->options.verify_images,
        .simulate_images = r->options.simulate_images,
        .say = r->options.say,
        .context = r->options.context};
    stn_measure *m = NULL;
    stn_status status =
        stn_measure_run(run, r->plan->variants[variant],
                        r->plan->titles[variant], &options, &m, err);
    if (status != STN_OK)
        return stn_fail_within(err, status, "%s", run);
    results->measures[results->n_measures++] = m;
    m->train_s = trained->seconds;
    say_measured(r, m);
    STN_TRY(write_summary(r, err));
    if (stn_measure_mismatches(m))
        return stn_fail(err, STN_E_MISMATCH,
                        "%s: executors disagree; 'setun verify %s/model.stn "
                        "--data %s' names the first difference",
                        m->run, m->run, m->data);
    return STN_OK;
}

static stn_status run_variant(reproduction *r, int variant, const char *data,
                              stn_error *err)
{
    stn_train_result trained;
    const job j = {r->options.id, r->plan->variants[variant], data,
                   r->options.seed};
    STN_TRY(train(r, &j, 0, &trained, err));
    STN_TRY(measure(r, variant, &trained, 0, err));
    for (int i = trained.n_widths - 2; i >= 0; i--)
        STN_TRY(measure(r, variant, &trained, trained.widths[i], err));
    return STN_OK;
}

/* Trains a measured variant with another seed, for its accuracy alone. */
static stn_status run_seed(reproduction *r, stn_measure *m, uint64_t seed,
                           stn_error *err)
{
    stn_train_result trained;
    char variant[64];
    snprintf(variant, sizeof variant, "%.*s", (int)stn_measure_variant_size(m),
             m->variant);
    const job j = {r->options.id, variant, m->data, seed};
    STN_TRY(train(r, &j, 0, &trained, err));
    const stn_measure_options options = {.machine = r->machine,
                                         .threads = r->options.threads,
                                         .width = m->width};
    stn_measure *other = NULL;
    stn_status status =
        stn_measure_run(trained.out, variant, m->title, &options, &other, err);
    if (status != STN_OK)
        return stn_fail_within(err, status, "%s", trained.out);
    m->seed_accuracy[m->n_seeds++] = other->accuracy;
    m->train_s += trained.seconds;
    char line[320];
    snprintf(line, sizeof line, "%s on %s, seed %" PRIu64 ": %.2f %%",
             m->variant, m->data, seed, 100 * other->accuracy);
    say(r, line);
    stn_measure_destroy(other);
    return write_summary(r, err);
}

/* *found is false when the data set is not here: a line, not a failure. */
static stn_status find_data(reproduction *r, const char *data, bool *found,
                            stn_error *err)
{
    stn_error missing;
    stn_dataset *dataset = NULL;
    stn_status status = stn_dataset_open(data, &dataset, &missing);
    stn_dataset_close(dataset);
    *found = status == STN_OK;
    if (status == STN_OK)
        return STN_OK;
    if (status != STN_E_NOT_FOUND)
        return stn_fail(err, status, "%s", missing.text);
    char line[STN_ERROR_CAPACITY + 16];
    const char *kept = stn_arena_string(&r->results.arena, missing.text);
    if (!kept)
        return stn_fail_memory(err, "skipped data set");
    r->results.skipped[r->results.n_skipped++] = kept;
    snprintf(line, sizeof line, "skipped: %s", missing.text);
    say(r, line);
    return STN_OK;
}

static stn_status run_all(reproduction *r, stn_error *err)
{
    const stn_plan *plan = r->plan;
    for (int d = 0; d < plan->n_data; d++) {
        bool found = false;
        STN_TRY(find_data(r, plan->data[d], &found, err));
        for (int v = 0; v < plan->n_variants && found; v++)
            if (stn_plan_runs(plan, v, plan->data[d]))
                STN_TRY(run_variant(r, v, plan->data[d], err));
    }
    if (r->results.n_skipped == plan->n_data)
        return stn_fail(err, STN_E_NOT_FOUND,
                        "none of the data sets is here: %s",
                        r->results.skipped[0]);
    for (int s = 1; s < r->options.n_seeds; s++)
        for (int i = 0; i < r->results.n_measures; i++)
            STN_TRY(run_seed(r, r->results.measures[i],
                             r->options.seed + (uint64_t)s, err));
    return write_summary(r, err);
}

static stn_status prepare(reproduction *r, stn_error *err)
{
    const stn_reproduce_options *o = &r->options;
    stn_reproduction *p = &r->seen;
    if (o->n_seeds < 1 || o->n_seeds > STN_SEEDS_MAX)
        return stn_fail(err, STN_E_ARGUMENT, "%d seeds, expected 1 to %d",
                        o->n_seeds, STN_SEEDS_MAX);
    STN_TRY(stn_plan_load(o, &r->plan, err));
    STN_TRY(stn_machine_load(r->plan->machine, NULL, 0, &r->machine, err));
    if (o->out)
        STN_TRY(stn_path_format(p->out, sizeof p->out, err, "%s", o->out));
    else
        STN_TRY(stn_path_format(p->out, sizeof p->out, err,
                                "runs/%s-%s-seed%llu", r->plan->id, o->budget,
                                (unsigned long long)o->seed));
    if (o->results)
        STN_TRY(stn_path_format(p->results, sizeof p->results, err, "%s",
                                o->results));
    else
        STN_TRY(stn_path_format(p->results, sizeof p->results, err,
                                "results/%s.json", r->plan->id));
    STN_TRY(stn_path_format(p->report, sizeof p->report, err, "%s/report.html",
                            p->out));
    r->results.plan = r->plan;
    r->results.options = &r->options;
    r->results.machine = r->machine;
    stn_json_document *kept = NULL; /* refused now rather than after training */
    STN_TRY(stn_kept_load(p->results, r->plan->id, &kept, err));
    stn_json_destroy(kept);
    stn_library_commit(r->results.commit, sizeof r->results.commit);
    stn_library_machine(r->results.cpu, sizeof r->results.cpu);
    return stn_make_directories(p->out, err);
}

stn_status stn_reproduce(const stn_reproduce_options *options,
                         stn_reproduction **out, stn_error *err)
{
    reproduction *r = stn_alloc(1, sizeof *r);
    if (!r)
        return stn_fail_memory(err, "reproduction");
    r->options = *options;
    stn_status status = prepare(r, err);
    if (status == STN_OK)
        status = run_all(r, err);
    if (status == STN_OK)
        status = stn_results_write(&r->results, r->seen.results, err);
    if (status == STN_OK)
        status = stn_report_write(r->seen.out, NULL, options->threads,
                                  r->seen.report, err);
    if (status != STN_OK) {
        stn_reproduction_destroy(&r->seen);
        return status;
    }
    r->seen.n_rows = r->results.n_rows;
    r->seen.rows = r->results.rows;
    r->seen.n_variants = r->results.n_variants;
    r->seen.variants = r->results.variants;
    r->seen.n_skipped = r->results.n_skipped;
    *out = &r->seen;
    return STN_OK;
}

void stn_reproduction_destroy(stn_reproduction *seen)
{
    if (!seen)
        return;
    reproduction *r = (reproduction *)seen;
    stn_results_deinit(&r->results);
    stn_machine_destroy(r->machine);
    stn_plan_destroy(r->plan);
    stn_free(r);
}
