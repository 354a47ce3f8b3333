/* SPDX-License-Identifier: MIT
 *
 * Measuring a packed spiking network under split-time coding, window by
 * window: executors verified, accuracy, and what is added up. */
#include "report/measure.h"
#include <stdio.h>

/* Pictures by the reference interpreter, for each window: to verify with and
 * to count in. A spiking network takes it a tenth of a second each. */
#define REFERENCE_IMAGES 8

/* Adds all executors of one window to the sum of all windows. */
static stn_status verify(const stn_measure *m, int window,
                         const stn_measure_options *options,
                         const stn_pictures *pictures, stn_verification *sum,
                         stn_error *err)
{
    stn_verification found[STN_VERIFY_MAX];
    stn_program *split = NULL;
    int n = 0;
    stn_pictures few = *pictures;
    const stn_verify_options o = {.threads = options->threads};
    few.n = few.n < REFERENCE_IMAGES ? few.n : REFERENCE_IMAGES;
    STN_TRY(stn_program_split_time(m->program, window, &split, err));
    stn_status status = stn_verify(split, &few, &o, found, &n, err);
    stn_program_destroy(split);
    for (int i = 0; i < n && status == STN_OK; i++) {
        sum->n += found[i].n;
        sum->n_mismatches += found[i].n_mismatches;
        sum->seconds += found[i].seconds;
    }
    return status;
}

static stn_status measure(stn_measure *m, int most,
                          const stn_measure_options *o,
                          const stn_pictures *pictures, stn_error *err)
{
    stn_verification sum = {0};
    stn_window_options w = {.engine = stn_engine_defaults(),
                            .n_counted = REFERENCE_IMAGES,
                            .machine = o->machine,
                            .n_executed = REFERENCE_IMAGES};
    w.engine.threads = o->threads;
    for (int window = 1; window <= most; window++) {
        stn_window *found = &m->windows[m->n_windows];
        STN_TRY(stn_window_run(m->program, window, pictures, &w, found, err));
        m->n_windows++;
        sum.n += found->n_executed;
        sum.n_mismatches += found->n_mismatches;
        if (o->verify_images > 0)
            STN_TRY(verify(m, window, o, pictures, &sum, err));
    }
    if (sum.n == 0 || m->n_verified == STN_VERIFY_MAX)
        return STN_OK;
    snprintf(sum.executor, sizeof sum.executor,
             "all executors, windows of 1 to %d", most);
    m->verified[m->n_verified++] = sum;
    return STN_OK;
}

stn_status stn_measure_windows(stn_measure *m, const stn_dataset *dataset,
                               const stn_measure_options *options,
                               stn_error *err)
{
    stn_pictures *pictures = NULL;
    int steps = stn_program_longest_time(m->program);
    int most = options->windows < steps ? options->windows : steps;
    if (steps == 1)
        return STN_OK;
    m->windows = stn_arena_alloc(&m->arena, (size_t)most, sizeof *m->windows);
    if (!m->windows)
        return stn_fail_memory(err, "measures of windows");
    STN_TRY(stn_pictures_create(dataset, m->program->input, 0, &pictures, err));
    stn_status status = measure(m, most, options, pictures, err);
    stn_pictures_destroy(pictures);
    return status;
}
