/* SPDX-License-Identifier: MIT
 *
 * A window: the split program, judged by the engine, its events counted on
 * the values of the reference interpreter. A layer's additions are, for every
 * output, as many as its window has active inputs; weights of 0 count, since
 * the array that the paper describes reads them all. */
#include "setun/windows.h"
#include "base/memory.h"

int stn_program_longest_time(const stn_program *program)
{
    int steps = 1;
    for (int v = 0; v < program->n_values; v++)
        if (program->values[v].steps > steps)
            steps = program->values[v].steps;
    return steps;
}

/* Outputs along one side whose window covers position `at`. */
static int covering(int at, const stn_instruction *in, int kernel, int outputs)
{
    int n = 0;
    for (int o = 0; o < outputs; o++) {
        int offset = at + in->pad - o * in->stride;
        n += offset >= 0 && offset < kernel;
    }
    return n;
}

/* Adds one picture's spikes and additions of a conv or depthwise. */
static void count_spikes(const stn_program *p, const stn_instruction *in,
                         const uint8_t *x, stn_window *out)
{
    const stn_value *v = &p->values[in->inputs[0]];
    stn_shape y = p->values[in->output].shape;
    int filters = in->opcode == STN_CONV ? y.c : y.c / v->shape.c;
    for (int t = 0; t < v->steps; t++)
        for (int r = 0; r < v->shape.h; r++)
            for (int q = 0; q < v->shape.w; q++) {
                int spikes = 0;
                for (int c = 0; c < v->shape.c; c++)
                    spikes += *x++;
                if (!spikes)
                    continue;
                out->spikes += spikes;
                out->weight_additions += (double)spikes * filters *
                                         covering(r, in, in->kh, y.h) *
                                         covering(q, in, in->kw, y.w);
            }
}

static void count_picture(const stn_program *p, void *const *values,
                          stn_window *out)
{
    for (int i = 0; i < p->n_instructions; i++) {
        const stn_instruction *in = &p->instructions[i];
        const stn_value *x = &p->values[in->inputs[0]];
        if (in->weights.codes && x->steps > 1 && x->hi <= 1)
            count_spikes(p, in, values[in->inputs[0]], out);
        if (in->opcode != STN_PREFIX_SUM)
            continue;
        int windows = (x->steps + in->window - 1) / in->window;
        out->sum_additions +=
            (double)(x->steps - windows) * (double)stn_shape_count(x->shape);
    }
}

static stn_status count(const stn_program *p, const stn_pictures *pictures,
                        uint32_t n, stn_window *out, stn_error *err)
{
    stn_arena arena = {0};
    stn_status status = STN_OK;
    void **values =
        stn_arena_alloc(&arena, (size_t)p->n_values, sizeof *values);
    for (int v = 1; values && v < p->n_values; v++) {
        values[v] = stn_arena_alloc(&arena, stn_value_bytes(&p->values[v]), 1);
        if (!values[v])
            values = NULL;
    }
    if (!values)
        status = stn_fail_memory(err, "the values of a program");
    for (uint32_t i = 0; i < n && status == STN_OK; i++) {
        status = stn_reference_run(
            p, pictures->pixels + i * stn_shape_count(p->input), values, err);
        if (status == STN_OK)
            count_picture(p, values, out);
    }
    stn_arena_deinit(&arena);
    return status;
}

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static stn_status cost(const stn_program *p, const stn_pictures *pictures,
                       const stn_window_options *options, stn_window *out,
                       stn_error *err)
{
    stn_simulation *s = NULL;
    uint32_t n = least(options->n_executed, pictures->n);
    if (!options->machine || !n)
        return STN_OK;
    const stn_simulate_options o = {.pixels = pictures->pixels,
                                    .n_pictures = (int)n,
                                    .threads = options->engine.threads,
                                    .check = STN_CHECK_ALL};
    STN_TRY(stn_simulate(options->machine, p, &o, &s, err));
    out->energy_j = stn_cost_energy_j(&s->total);
    out->latency_s = s->total.latency_s;
    out->n_executed = n;
    out->n_mismatches = (uint32_t)s->n_mismatches;
    stn_simulation_destroy(s);
    return STN_OK;
}

stn_status stn_window_run(const stn_program *program, int window,
                          const stn_pictures *pictures,
                          const stn_window_options *options, stn_window *out,
                          stn_error *err)
{
    stn_program *split = NULL;
    stn_evaluation e = {0};
    uint32_t n = least(options->n_counted, pictures->n);
    *out = (stn_window){.window = window};
    STN_TRY(stn_program_split_time(program, window, &split, err));
    stn_status status =
        stn_evaluate(split, pictures, &options->engine, &e, err);
    if (status == STN_OK)
        status = count(split, pictures, n, out, err);
    if (status == STN_OK)
        status = cost(split, pictures, options, out, err);
    stn_program_destroy(split);
    out->n = e.n;
    out->accuracy = e.accuracy;
    double share = n ? 1.0 / n : 0;
    out->spikes *= share;
    out->weight_additions *= share;
    out->sum_additions *= share;
    return status;
}
