/* SPDX-License-Identifier: MIT
 *
 * Design-space exploration: threads over points. Each thread has files and
 * mappings of its own; points are independent, and nothing depends on who
 * costed which. */
#include "accel/sweep.h"
#include "base/clock.h"
#include <string.h>
#include <time.h>

#define BLOCK 512            /* points a thread takes at once */
#define MAX_ARRAYS (1 << 20) /* sub-arrays that are kept */

const char *const stn_objective_names[] = {"energy", "latency",     "area",
                                           "edp",    "programming", NULL};

int stn_sweep_value(const stn_sweep_options *options, uint64_t point, int axis)
{
    for (int a = options->n_axes - 1; a > axis; a--)
        point /= (uint64_t)options->axes[a].n;
    return (int)(point % (uint64_t)options->axes[axis].n);
}

static void run_block(void *context, int task, int thread)
{
    stn_sweep_job *j = context;
    stn_sweep_worker *w = &j->workers[thread];
    uint64_t i = j->first + (uint64_t)task * BLOCK;
    uint64_t end =
        i + BLOCK < j->sweep->n_points ? i + BLOCK : j->sweep->n_points;
    for (; i < end && w->status == STN_OK; i++)
        w->status = stn_sweep_cost_point(j, w, i, &w->err);
}

static stn_status parse_axis(stn_sweep_job *j, int a, stn_error *err)
{
    const stn_sweep_axis *axis = &j->o->axes[a];
    if (axis->n < 1)
        return stn_fail(err, STN_E_ARGUMENT, "%s: no values", axis->path);
    j->of_network[a] = strncmp(axis->path, "network.", 8) == 0;
    j->of_part[a] = strncmp(axis->path, "cell.", 5) == 0 ||
                    strncmp(axis->path, "tech.", 5) == 0;
    if (j->of_network[a] && j->o->program)
        return stn_fail(err, STN_E_ARGUMENT,
                        "%s: a packed program cannot be varied; sweep a "
                        "network by name",
                        axis->path);
    j->names_part[a] =
        strcmp(axis->path, "cell") == 0 || strcmp(axis->path, "tech") == 0;
    j->parts_change |= j->names_part[a];
    j->of_array[a] = j->of_part[a] || j->names_part[a] ||
                     strncmp(axis->path, "array.", 6) == 0;
    if (j->of_array[a] && j->n_arrays <= MAX_ARRAYS)
        j->n_arrays *= (size_t)axis->n;
    j->values[a] = stn_alloc((size_t)axis->n, sizeof *j->values[a]);
    if (!j->values[a])
        return stn_fail_memory(err, "an axis");
    for (int v = 0; v < axis->n; v++)
        STN_TRY(
            stn_yaml_parse(axis->path, axis->values[v], &j->values[a][v], err));
    return STN_OK;
}

static stn_status begin(stn_sweep_job *j, stn_error *err)
{
    const stn_sweep_options *o = j->o;
    uint64_t n = 1;
    if (o->n_axes < 1 || o->n_axes > STN_SWEEP_AXES || o->n_objectives < 1)
        return stn_fail(err, STN_E_ARGUMENT,
                        "sweep: got %d axes and %d objectives, expected 1 to "
                        "%d axes and at least one objective",
                        o->n_axes, o->n_objectives, STN_SWEEP_AXES);
    for (int a = 0; a < o->n_axes; a++) {
        STN_TRY(parse_axis(j, a, err));
        n *= (uint64_t)o->axes[a].n;
        if (n > 100000000)
            return stn_fail(err, STN_E_ARGUMENT,
                            "sweep: more than 100 million points");
    }
    j->sweep->n_points = n;
    j->sweep->points = stn_alloc((size_t)n, sizeof *j->sweep->points);
    if (!j->sweep->points)
        return stn_fail_memory(err, "the points of a sweep");
    STN_TRY(stn_pool_create(o->threads, NULL, &j->pool, err));
    int threads = stn_pool_threads(j->pool);
    j->workers = stn_alloc((size_t)threads, sizeof *j->workers);
    if (!j->workers)
        return stn_fail_memory(err, "a sweep");
    for (j->n_workers = 0; j->n_workers < threads; j->n_workers++) {
        stn_sweep_worker *w = &j->workers[j->n_workers];
        w->refused = UINT64_MAX;
        for (int a = 0; a < STN_SWEEP_AXES; a++)
            w->at[a] = -1;
        if (j->n_arrays <= MAX_ARRAYS) {
            w->arrays = stn_alloc(j->n_arrays, sizeof *w->arrays);
            if (!w->arrays)
                return stn_fail_memory(err, "the sub-arrays of a sweep");
        }
        STN_TRY(stn_machine_source_open(o->machine, o->set, o->n_set, true,
                                        &w->source, err));
    }
    return STN_OK;
}

static double cpu_s(void)
{
    return (double)clock() / CLOCKS_PER_SEC;
}

static stn_status cost_points(stn_sweep_job *j, stn_error *err)
{
    uint64_t n = j->sweep->n_points;
    double begin_s = stn_clock_s(), begin_cpu_s = cpu_s();
    uint64_t batch = (uint64_t)BLOCK * 16 * (uint64_t)j->n_workers;
    for (j->first = 0; j->first < n; j->first += batch) {
        uint64_t left = n - j->first;
        uint64_t size = left < batch ? left : batch;
        stn_pool_run(j->pool, (int)((size + BLOCK - 1) / BLOCK), run_block, j);
        for (int t = 0; t < j->n_workers; t++)
            if (j->workers[t].status != STN_OK) {
                if (err)
                    *err = j->workers[t].err;
                return j->workers[t].status;
            }
        if (j->o->progress)
            j->o->progress(j->o->context, j->first + size, n,
                           stn_clock_s() - begin_s);
    }
    j->sweep->seconds = stn_clock_s() - begin_s;
    j->sweep->cpu_seconds = cpu_s() - begin_cpu_s;
    uint64_t first = UINT64_MAX;
    for (int t = 0; t < j->n_workers; t++)
        if (j->workers[t].refused < first) {
            first = j->workers[t].refused;
            memcpy(j->sweep->reason, j->workers[t].reason,
                   sizeof j->sweep->reason);
        }
    return STN_OK;
}

static void end(stn_sweep_job *j)
{
    for (int t = 0; t < j->n_workers; t++) {
        stn_sweep_worker *w = &j->workers[t];
        while (w->list) {
            stn_sweep_mapped *next = w->list->next;
            stn_sweep_free_mapped(w->list);
            w->list = next;
        }
        for (int i = 0; i < w->n_variants; i++)
            stn_program_destroy(w->variants[i].program);
        stn_free(w->variants);
        stn_free(w->arrays);
        stn_machine_source_close(w->source);
    }
    stn_free(j->workers);
    stn_pool_destroy(j->pool);
    for (int a = 0; a < j->o->n_axes && a < STN_SWEEP_AXES; a++) {
        for (int v = 0; j->values[a] && v < j->o->axes[a].n; v++)
            stn_yaml_destroy(j->values[a][v]);
        stn_free(j->values[a]);
    }
}

stn_status stn_sweep_run(const stn_sweep_options *options, stn_sweep **out,
                         stn_error *err)
{
    stn_sweep_job j = {
        .o = options, .n_arrays = 1, .sweep = stn_alloc(1, sizeof *j.sweep)};
    if (!j.sweep)
        return stn_fail_memory(err, "a sweep");
    stn_status status = begin(&j, err);
    if (status == STN_OK)
        status = cost_points(&j, err);
    if (status == STN_OK)
        status = stn_sweep_find_front(options, j.sweep, err);
    if (status == STN_OK)
        status = stn_sweep_check(&j, err);
    end(&j);
    if (status != STN_OK) {
        stn_sweep_destroy(j.sweep);
        return status;
    }
    *out = j.sweep;
    return STN_OK;
}

void stn_sweep_destroy(stn_sweep *sweep)
{
    if (!sweep)
        return;
    stn_free(sweep->points);
    stn_free(sweep);
}
