/* SPDX-License-Identifier: MIT
 *
 * Every executor on the same pictures, logit against logit. */
#include "base/clock.h"
#include "base/memory.h"
#include "base/pool.h"
#include "setun/evaluate.h"
#include <stdio.h>
#include <string.h>

/* What one verification works on. */
typedef struct job {
    const stn_program *program;
    const stn_pictures *pictures;
    const stn_verify_options *options;
    int32_t *expected, *got, *defined; /* pictures * classes each */
    stn_verification *out;
    int n_out;
} job;

/* ---- definitions in scalar C, spread over threads by pictures */

typedef struct reference_run {
    const job *job;
    int bits; /* of stochastic operands; 0: exact products */
    int32_t *logits;
    stn_status *statuses; /* one a picture */
    stn_error *errors;
} reference_run;

static void reference_task(void *context, int i, int thread)
{
    (void)thread;
    const reference_run *run = context;
    const job *j = run->job;
    size_t size = stn_shape_count(j->program->input);
    const uint8_t *pixels = j->pictures->pixels + (size_t)i * size;
    int32_t *logits = run->logits + (size_t)i * (size_t)j->program->n_classes;
    if (run->bits)
        run->statuses[i] = stn_stochastic_classify(
            j->program, run->bits, pixels, logits, &run->errors[i]);
    else
        run->statuses[i] =
            stn_reference_classify(j->program, pixels, logits, &run->errors[i]);
}

/* What n pictures give by definition. */
static stn_status define(const job *j, int bits, int32_t *logits, uint32_t n,
                         double *seconds, stn_error *err)
{
    stn_pool *pool = NULL;
    STN_TRY(stn_pool_create(j->options->threads, NULL, &pool, err));
    stn_status status = STN_OK;
    reference_run run = {j, bits, logits, stn_alloc(n, sizeof *run.statuses),
                         stn_alloc(n, sizeof *run.errors)};
    if (!run.statuses || !run.errors) {
        status = stn_fail_memory(err, "reference run");
        goto out;
    }
    double start = stn_clock_s();
    stn_pool_run(pool, (int)n, reference_task, &run);
    *seconds = stn_clock_s() - start;
    for (uint32_t i = 0; i < n && status == STN_OK; i++)
        if (run.statuses[i] != STN_OK)
            status = stn_fail(err, run.statuses[i], "picture %u: %s", i,
                              run.errors[i].text);
out:
    stn_free(run.errors);
    stn_free(run.statuses);
    stn_pool_destroy(pool);
    return status;
}

static stn_status run_reference(job *j, stn_error *err)
{
    stn_verification v = {.n = j->pictures->n};
    STN_TRY(define(j, 0, j->expected, v.n, &v.seconds, err));
    snprintf(v.executor, sizeof v.executor, "reference interpreter");
    j->out[j->n_out++] = v;
    return STN_OK;
}

/* ---- the others */

static bool same(const job *j, const int32_t *a, const int32_t *b, uint32_t i)
{
    size_t n = (size_t)j->program->n_classes, at = i * n;
    return memcmp(a + at, b + at, n * sizeof *a) == 0;
}

/* Compares n pictures of `got` and notes the first difference. */
static void compare(const job *j, const int32_t *expected, uint32_t n,
                    stn_verification *v)
{
    int n_classes = j->program->n_classes;
    v->n = n;
    for (uint32_t i = 0; i < n; i++) {
        size_t at = (size_t)i * (size_t)n_classes;
        if (same(j, expected, j->got, i) || v->n_mismatches++)
            continue;
        while (expected[at] == j->got[at])
            at++;
        v->image = i;
        v->logit = (int)(at - (size_t)i * (size_t)n_classes);
        v->expected = expected[at];
        v->got = j->got[at];
    }
}

static stn_status run_engine(job *j, stn_cpu_level level, int threads,
                             stn_error *err)
{
    stn_engine_options o = stn_engine_defaults();
    o.level = level;
    o.threads = threads;
    stn_engine *engine = NULL;
    STN_TRY(stn_engine_create(j->program, &o, &engine, err));
    double start = stn_clock_s();
    stn_status status = stn_engine_run(engine, j->pictures->pixels,
                                       (int)j->pictures->n, j->got, err);
    if (status == STN_OK) {
        stn_verification *v = &j->out[j->n_out++];
        *v = (stn_verification){.seconds = stn_clock_s() - start};
        snprintf(v->executor, sizeof v->executor, "engine %s, %d thread%s",
                 stn_cpu_level_name(level), threads, threads == 1 ? "" : "s");
        compare(j, j->expected, j->pictures->n, v);
    }
    stn_engine_destroy(engine);
    return status;
}

static uint32_t machine_images(const job *j)
{
    uint32_t n = j->options->machine_images;
    return n < j->pictures->n ? n : j->pictures->n;
}

/* A machine that errs at random has no right result: how far off it is. */
static void count_errors(const job *j, uint32_t n, stn_verification *v)
{
    size_t numbers = (size_t)n * (size_t)j->program->n_classes;
    v->n = n;
    v->errs = true;
    v->n_bits = 32 * (uint64_t)numbers;
    v->n_bits_differ = stn_bits_differ(j->got, j->expected, numbers);
    for (uint32_t i = 0; i < n; i++)
        v->n_inexact += !same(j, j->expected, j->got, i);
}

/* A machine beside what it is defined to return. */
static stn_status beside_definition(job *j, const stn_machine *machine,
                                    uint32_t n, stn_error *err)
{
    const uint8_t *pixels = j->pictures->pixels;
    int threads = j->options->threads;
    bool own = false, errs = false;
    double start = stn_clock_s();
    STN_TRY(stn_simulate_classify(machine, j->program, pixels, (int)n, threads,
                                  j->got, err));
    stn_verification *v = &j->out[j->n_out];
    *v = (stn_verification){.seconds = stn_clock_s() - start};
    snprintf(v->executor, sizeof v->executor, "machine %s",
             stn_machine_name(machine));
    STN_TRY(stn_simulate_define(machine, j->program, pixels, (int)n, threads,
                                j->defined, &own, &errs, err));
    if (errs)
        count_errors(j, n, v);
    else
        compare(j, own ? j->defined : j->expected, n, v);
    for (uint32_t i = 0; own && i < n; i++)
        v->n_inexact += !same(j, j->expected, j->defined, i);
    j->n_out++;
    return STN_OK;
}

static stn_status run_machine(job *j, const char *name, stn_error *err)
{
    uint32_t n = machine_images(j);
    stn_machine *machine = NULL;
    STN_TRY(stn_machine_load(name, NULL, 0, &machine, err));
    stn_status status = beside_definition(j, machine, n, err);
    stn_machine_destroy(machine);
    return status;
}

static stn_status run_stochastic(job *j, stn_error *err)
{
    uint32_t n = machine_images(j);
    int bits = j->options->stochastic_bits;
    double definition_s;
    stn_stochastic *executor = NULL;
    STN_TRY(stn_stochastic_create(j->program, bits, j->options->threads,
                                  &executor, err));
    stn_status status = define(j, bits, j->defined, n, &definition_s, err);
    double start = stn_clock_s();
    if (status == STN_OK)
        status = stn_stochastic_run(executor, j->pictures->pixels, (int)n,
                                    j->got, NULL, err);
    if (status == STN_OK) {
        stn_verification *v = &j->out[j->n_out++];
        *v = (stn_verification){.seconds = stn_clock_s() - start};
        snprintf(v->executor, sizeof v->executor, "stochastic, %d bits", bits);
        compare(j, j->defined, n, v);
        for (uint32_t i = 0; i < n; i++)
            v->n_inexact += !same(j, j->expected, j->defined, i);
    }
    stn_stochastic_destroy(executor);
    return status;
}

static stn_status run_all(job *j, stn_error *err)
{
    STN_TRY(run_reference(j, err));
    for (int level = 0; level <= (int)stn_cpu_detect(); level++)
        for (int threads = 1; threads <= 2; threads++)
            STN_TRY(run_engine(j, (stn_cpu_level)level, threads, err));
    for (int m = 0; m < j->options->n_machines; m++)
        STN_TRY(run_machine(j, j->options->machines[m], err));
    if (j->options->stochastic_bits)
        return run_stochastic(j, err);
    return STN_OK;
}

stn_status stn_verify(const stn_program *program, const stn_pictures *pictures,
                      const stn_verify_options *options, stn_verification *out,
                      int *n_out, stn_error *err)
{
    int room = STN_VERIFY_MAX - 2 - 2 * STN_CPU_LEVELS;
    if (options->n_machines > room)
        return stn_fail(err, STN_E_ARGUMENT,
                        "got %d machines to compare, at most %d",
                        options->n_machines, room);
    size_t row = (size_t)program->n_classes * sizeof(int32_t);
    stn_verification found[STN_VERIFY_MAX];
    job j = {.program = program,
             .pictures = pictures,
             .options = options,
             .expected = stn_alloc(pictures->n, row),
             .got = stn_alloc(pictures->n, row),
             .defined = stn_alloc(pictures->n, row),
             .out = found};
    stn_status status;
    if (j.expected && j.got && j.defined)
        status = run_all(&j, err);
    else
        status = stn_fail_memory(err, "logits to compare");
    stn_free(j.defined);
    stn_free(j.got);
    stn_free(j.expected);
    if (status != STN_OK)
        return status;
    for (int i = 0; i < j.n_out; i++)
        out[i] = found[i];
    *n_out = j.n_out;
    return STN_OK;
}
