/* SPDX-License-Identifier: MIT
 *
 * Room to spare becomes copies of weights (replicas: 0): every layer gets so
 * many that no copy has more than w windows, w the least for which the chip
 * suffices, so that layers take about equally long. */
#include "accel/bitwise.h"
#include "accel/fit.h"

static uint64_t div_up(uint64_t a, uint64_t b)
{
    return (a + b - 1) / b;
}

/* Sub-arrays needed when no copy has more than `windows` windows. */
static uint64_t needed(const bw_mapping *m, uint64_t windows)
{
    uint64_t sum = 0;
    for (int i = 0; i < m->program->n_instructions; i++) {
        const bw_layer *l = &m->layers[i];
        uint64_t copies = l->unit == BW_COUNT
                              ? div_up((uint64_t)l->count.positions, windows)
                              : 1;
        sum += l->placement.sub_arrays +
               (copies - 1) * (uint64_t)(l->count.n_groups * l->count.slices);
    }
    return sum;
}

static void replicate(bw_mapping *m)
{
    uint64_t low = 1, high = 1;
    for (int i = 0; i < m->program->n_instructions; i++)
        if (m->layers[i].unit == BW_COUNT &&
            (uint64_t)m->layers[i].count.positions > high)
            high = (uint64_t)m->layers[i].count.positions;
    while (low < high) {
        uint64_t middle = (low + high) / 2;
        if (needed(m, middle) <= (uint64_t)m->options.sub_arrays)
            high = middle;
        else
            low = middle + 1;
    }
    for (int i = 0; i < m->program->n_instructions; i++) {
        bw_layer *l = &m->layers[i];
        if (l->unit != BW_COUNT)
            continue;
        l->count.replicas = (int)div_up((uint64_t)l->count.positions, low);
        bw_place_count(m, l);
    }
}

static bool has_weights(const bw_layer *l)
{
    return l->unit == BW_WINDOW || l->unit == BW_NEURONS || l->unit == BW_COUNT;
}

stn_status bw_fit(bw_mapping *m, stn_error *err)
{
    int n = m->program->n_instructions;
    stn_fit fit = {.machine = m->machine,
                   .program = m->program,
                   .sub_arrays = (uint64_t)m->options.sub_arrays,
                   .stream = m->options.stream,
                   .noun = "sub-arrays",
                   .options = "options.sub_arrays, options.filters and "
                              "options.stream"};
    fit.layers = stn_arena_alloc(&m->arena, (size_t)n, sizeof *fit.layers);
    if (!fit.layers)
        return stn_fail_memory(err, "a mapping");
    if (m->options.replicas == 0)
        replicate(m);
    for (int i = 0; i < n; i++) {
        bw_layer *l = &m->layers[i];
        l->placement.replicas =
            l->unit == BW_COUNT ? (uint64_t)l->count.replicas : 1;
        l->stored_rows = l->placement.weight_rows;
        fit.layers[i] = (stn_fit_layer){&l->placement, has_weights(l)};
    }
    return stn_fit_program(&fit, err);
}
