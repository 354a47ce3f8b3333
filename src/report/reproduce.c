/* SPDX-License-Identifier: MIT
 *
 * The driver: for every data set and variant of the plan, train (or go on, or
 * take what is finished), measure, tabulate, and write what is known so far.
 * What is done is data of the recipe; nothing here knows a system. */
#include "setun/reproduce.h"
#include "base/file.h"
#include "report/results.h"
#include "setun/library.h"
#include "setun/report.h"
#include "train/recipe.h"
#include <stdio.h>
#include <string.h>

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

static stn_status train(reproduction *r, const char *variant, const char *data,
                        stn_train_result *result, stn_error *err)
{
    char out[600];
    STN_TRY(stn_path_format(out, sizeof out, err, "%s/%s-%s", r->seen.out, data,
                            variant));
    stn_train_options o = stn_train_defaults();
    o.recipe = r->options.id;
    o.variant = variant;
    o.data = data;
    o.budget = r->options.budget;
    o.seed = r->options.seed;
    o.threads = r->options.threads;
    o.out = out;
    o.resume = true;
    o.progress = r->options.progress;
    o.context = r->options.context;
    o.stop = r->options.stop;
    return stn_train(&o, result, err);
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

static stn_status run_variant(reproduction *r, int variant, const char *data,
                              stn_error *err)
{
    stn_train_result trained;
    stn_results *results = &r->results;
    const char *name = r->plan->variants[variant];
    STN_TRY(train(r, name, data, &trained, err));
    const stn_measure_options options = {
        .machine = r->machine,
        .threads = r->options.threads,
        .verify_images = r->options.verify_images,
        .simulate_images = r->options.simulate_images,
        .say = r->options.say,
        .context = r->options.context};
    stn_measure *m = NULL;
    stn_status status = stn_measure_run(
        trained.out, name, r->plan->titles[variant], &options, &m, err);
    if (status != STN_OK)
        return stn_fail_within(err, status, "%s", trained.out);
    results->measures[results->n_measures++] = m;
    say_measured(r, m);
    STN_TRY(write_summary(r, err));
    if (stn_measure_mismatches(m))
        return stn_fail(err, STN_E_MISMATCH,
                        "%s: executors disagree; 'setun verify %s/model.stn "
                        "--data %s' names the first difference",
                        m->run, m->run, data);
    return STN_OK;
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
            STN_TRY(run_variant(r, v, plan->data[d], err));
    }
    if (r->results.n_skipped == plan->n_data)
        return stn_fail(err, STN_E_NOT_FOUND,
                        "none of the data sets is here: %s",
                        r->results.skipped[0]);
    return write_summary(r, err);
}

static stn_status prepare(reproduction *r, stn_error *err)
{
    const stn_reproduce_options *o = &r->options;
    stn_reproduction *p = &r->seen;
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
