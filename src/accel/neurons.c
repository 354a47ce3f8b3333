/* SPDX-License-Identifier: MIT
 *
 * Neurons, encoders and sums over time, tick by tick on numbers; how often
 * each happens in closed form. Where the numbers lie is the family's. */
#include "accel/neurons.h"
#include "base/spikes.h"

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

int stn_neurons_steps(const stn_program *program, const stn_instruction *in)
{
    int x = program->values[in->inputs[0]].steps;
    int y = program->values[in->output].steps;
    return x > y ? x : y;
}

/* Between steps a membrane is 0 after a spike, and at most the threshold;
 * u <- floor(u * leak / 256) + x rises with u, so its bounds do likewise. */
static void bound_membrane(const stn_instruction *in, const stn_value *x,
                           stn_neurons *n)
{
    for (int t = 0; t < x->steps; t++) {
        n->lo = least(0, ((n->lo * in->leak) >> 8) + x->lo);
        n->hi = most(0, ((n->hi * in->leak) >> 8) + x->hi);
        n->hi = least(n->hi, in->threshold);
    }
}

static int bits_of(int64_t lo, int64_t hi)
{
    int bits = lo < 0;
    for (int64_t size = most(-lo - 1, hi); size > 0; size >>= 1)
        bits++;
    return bits ? bits : 1;
}

stn_neurons stn_neurons_of(const stn_instruction *in, const stn_value *x)
{
    stn_neurons n = {.unit = STN_EVENT_pool};
    if (in->opcode == STN_RATE_CODE) {
        n.unit = STN_EVENT_encode;
    } else if (in->opcode == STN_LIF) {
        n.unit = STN_EVENT_neuron;
        n.keep = STN_KEEP_STATE;
        bound_membrane(in, x, &n);
    } else if (in->opcode == STN_SPLIT_TIME) {
        n.keep = STN_KEEP_STATE;
        n.hi = least(in->window, x->steps);
    } else {
        n.keep = STN_KEEP_OUTPUT;
    }
    if (n.keep == STN_KEEP_STATE)
        n.bits = bits_of(n.lo, n.hi);
    return n;
}

int stn_neurons_ticks(const stn_instruction *in, int steps)
{
    return in->opcode == STN_SPLIT_TIME ? 2 * steps : steps;
}

/* The first half of a window's ticks count its spikes, the second half write
 * them. */
static stn_tick split_tick(const stn_instruction *in, int steps, int k)
{
    int first = k / (2 * in->window) * in->window;
    int length = (int)least(in->window, steps - first);
    int i = k - 2 * first;
    bool counts = i < length;
    int t = first + (counts ? i : i - length);
    return (stn_tick){.t = t,
                      .reads_input = counts,
                      .reads_kept = !counts || i > 0,
                      .writes_state = counts,
                      .writes_output = !counts,
                      .works = !counts || i > 0,
                      .left = first + length - t};
}

stn_tick stn_neurons_tick(const stn_instruction *in, int steps, int k)
{
    if (in->opcode == STN_SPLIT_TIME)
        return split_tick(in, steps, k);
    stn_tick tick = {
        .t = k, .reads_input = true, .writes_output = true, .works = true};
    if (in->opcode == STN_LIF) {
        tick.reads_kept = k > 0;
        tick.writes_state = k + 1 < steps;
    } else if (in->opcode == STN_PREFIX_SUM) {
        tick.reads_kept = tick.works = k % in->window > 0;
    } else if (in->opcode == STN_SUM_STEPS) {
        tick.reads_kept = tick.works = k > 0;
    }
    return tick;
}

stn_tick_sums stn_neurons_sums(const stn_instruction *in, int steps)
{
    uint64_t n = (uint64_t)steps;
    uint64_t windows =
        in->window ? (n + (uint64_t)in->window - 1) / (uint64_t)in->window : 1;
    stn_tick_sums s = {.reads_input = n, .writes_output = n, .works = n};
    if (in->opcode == STN_LIF)
        s.reads_kept = s.writes_state = n - 1;
    if (in->opcode == STN_PREFIX_SUM || in->opcode == STN_SUM_STEPS)
        s.reads_kept = s.works = n - windows;
    if (in->opcode == STN_SPLIT_TIME) {
        s.reads_kept = s.works = 2 * n - windows;
        s.writes_state = n;
    }
    return s;
}

/* Element i of the order in which docs/semantics.md counts. */
static uint32_t index_of(const stn_tick_data *d, size_t i)
{
    size_t positions = (size_t)d->shape.h * (size_t)d->shape.w;
    if (!d->by_channel)
        return (uint32_t)i;
    return (uint32_t)(i % positions * (size_t)d->shape.c + i / positions);
}

static int32_t fire(const stn_instruction *in, int32_t *u, bool fresh,
                    int32_t x)
{
    int64_t sum = (fresh ? 0 : ((int64_t)*u * in->leak) >> 8) + x;
    int32_t spike = sum > in->threshold;
    *u = spike ? 0 : (int32_t)sum;
    return spike;
}

void stn_neurons_run(const stn_instruction *in, const stn_tick *tick,
                     const stn_tick_data *d)
{
    size_t n = stn_shape_count(d->shape);
    for (size_t i = 0; i < n; i++)
        switch (in->opcode) {
        case STN_RATE_CODE: {
            uint32_t k = (uint32_t)tick->t * (uint32_t)n + index_of(d, i);
            d->y[i] = d->x[i] > (int32_t)stn_spike_threshold(0, k);
            break;
        }
        case STN_LIF:
            d->y[i] = fire(in, &d->kept[i], !tick->reads_kept, d->x[i]);
            break;
        case STN_SPLIT_TIME:
            if (tick->writes_output)
                d->y[i] = d->kept[i] == tick->left;
            else
                d->kept[i] = (tick->reads_kept ? d->kept[i] : 0) + d->x[i];
            break;
        default: /* sums over time */
            d->y[i] = (tick->reads_kept ? d->kept[i] : 0) + d->x[i];
        }
}
