/* SPDX-License-Identifier: MIT
 *
 * Steps across time, in the notation of docs/semantics.md: rows [first, last)
 * of every time step, what a neuron keeps being in the scratch. */
#include "run/plan.h"
#include <string.h>

/* Some rows at each time step. */
typedef struct span {
    const stn_plan *plan;
    const stn_step *step;
    const stn_picture *picture;
    int first, steps; /* row; time steps of the input */
    size_t n;         /* elements of the rows */
} span;

static const void *input(const span *s, int t)
{
    return stn_picture_input(s->plan, s->picture, s->step->input, t, s->first);
}

static void *output(const span *s, int t)
{
    return stn_picture_row(s->plan, s->picture, s->step->output, t, s->first);
}

static void rate_code(const span *s)
{
    const stn_shape *shape = &s->step->out;
    size_t row = (size_t)shape->w * (size_t)shape->c;
    size_t all = (size_t)shape->h * row;
    for (int t = 0; t < s->step->op->steps; t++)
        s->plan->kernels->rate_code(&(stn_rate_code_call){
            .x = input(s, 0),
            .y = output(s, t),
            .n = s->n,
            .first = (uint32_t)((size_t)t * all + (size_t)s->first * row)});
}

static void lif(const span *s, int32_t *u)
{
    memset(u, 0, s->n * sizeof *u);
    for (int t = 0; t < s->steps; t++)
        s->plan->kernels->lif(
            &(stn_lif_call){.x = input(s, t),
                            .u = u,
                            .y = output(s, t),
                            .n = s->n,
                            .leak = s->step->op->leak,
                            .threshold = s->step->op->threshold});
}

static void split_time(const span *s, uint8_t *spikes)
{
    int window = s->step->op->window;
    for (int first = 0; first < s->steps; first += window) {
        int end = first + window < s->steps ? first + window : s->steps;
        memset(spikes, 0, s->n);
        for (int t = first; t < end; t++) {
            const uint8_t *x = input(s, t);
            for (size_t i = 0; i < s->n; i++)
                spikes[i] = (uint8_t)(spikes[i] + x[i]);
        }
        for (int t = first; t < end; t++) {
            uint8_t *y = output(s, t);
            for (size_t i = 0; i < s->n; i++)
                y[i] = spikes[i] == end - t;
        }
    }
}

static void prefix_sum(const span *s)
{
    for (int t = 0; t < s->steps; t++) {
        const int32_t *x = input(s, t);
        int32_t *y = output(s, t);
        if (t % s->step->op->window == 0) {
            memcpy(y, x, s->n * sizeof *y);
            continue;
        }
        const int32_t *before = output(s, t - 1);
        for (size_t i = 0; i < s->n; i++)
            y[i] = before[i] + x[i];
    }
}

static void add(const void *x, stn_type type, size_t n, int32_t *y)
{
    for (size_t i = 0; i < n && type == STN_TYPE_U8; i++)
        y[i] += ((const uint8_t *)x)[i];
    for (size_t i = 0; i < n && type == STN_TYPE_S8; i++)
        y[i] += ((const int8_t *)x)[i];
    for (size_t i = 0; i < n && type == STN_TYPE_S16; i++)
        y[i] += ((const int16_t *)x)[i];
    for (size_t i = 0; i < n && type == STN_TYPE_S32; i++)
        y[i] += ((const int32_t *)x)[i];
}

static void sum_steps(const span *s)
{
    int32_t *y = output(s, 0);
    memset(y, 0, s->n * sizeof *y);
    for (int t = 0; t < s->steps; t++)
        add(input(s, t), s->step->in_type, s->n, y);
}

void stn_step_run_time(const stn_plan *plan, const stn_step *step,
                       const stn_picture *picture, int first, int last,
                       void *scratch)
{
    const stn_value *x = &plan->program->values[step->input];
    span s = {.plan = plan,
              .step = step,
              .picture = picture,
              .first = first,
              .steps = x->steps,
              .n = (size_t)(last - first) * (size_t)step->out.w *
                   (size_t)step->out.c};
    switch (step->op->opcode) {
    case STN_RATE_CODE:
        rate_code(&s);
        break;
    case STN_LIF:
        lif(&s, scratch);
        break;
    case STN_SPLIT_TIME:
        split_time(&s, scratch);
        break;
    case STN_PREFIX_SUM:
        prefix_sum(&s);
        break;
    default:
        sum_steps(&s);
    }
}
