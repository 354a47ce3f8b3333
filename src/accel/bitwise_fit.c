/* SPDX-License-Identifier: MIT
 *
 * A mapped network and the sub-arrays that there are.
 *
 * Room to spare becomes copies of weights (replicas: 0): every layer gets so
 * many that no copy has more than w windows, w the least for which the chip
 * suffices, so that layers take about equally long.
 *
 * With `stream`, a network that does not fit shares sub-arrays: from the first
 * on, layers keep their own as long as the largest of the others still fits
 * beside them. The others use what is left, one after the other; their
 * weights are written every picture, and a layer that is larger still does
 * its groups in passes. */
#include "accel/bitwise.h"

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

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

static stn_status refuse(const bw_mapping *m, uint64_t sum, stn_error *err)
{
    uint64_t most = 0;
    int largest = 0;
    for (int i = 0; i < m->program->n_instructions; i++)
        if (m->layers[i].placement.sub_arrays > most) {
            most = m->layers[i].placement.sub_arrays;
            largest = i;
        }
    return stn_fail(err, STN_E_UNSUPPORTED,
                    "%s does not fit on %s: it needs %llu sub-arrays of %dx%d "
                    "(%llu of them for %s), the machine has %d; see "
                    "options.sub_arrays, options.filters and options.stream",
                    m->program->name, m->machine->name, (unsigned long long)sum,
                    m->rows, m->columns, (unsigned long long)most,
                    m->layers[largest].in->name, m->options.sub_arrays);
}

/* Streams layer i through `pool` sub-arrays, those of layer `owner`. */
static void stream(bw_mapping *m, int i, int owner, uint64_t pool)
{
    bw_layer *l = &m->layers[i];
    stn_placement *p = &l->placement;
    l->passes = div_up(p->sub_arrays, pool);
    p->streamed_rows = p->weight_rows;
    p->weight_rows = 0;
    p->sub_arrays = least(p->sub_arrays, pool);
    p->borrowed = i == owner ? 0 : p->sub_arrays;
    p->passes = l->passes;
}

static stn_status share(bw_mapping *m, uint64_t sum, stn_error *err)
{
    int n = m->program->n_instructions;
    uint64_t chip = (uint64_t)m->options.sub_arrays, kept = 0;
    for (int i = 0; i < n; i++)
        if (!has_weights(&m->layers[i]))
            kept += m->layers[i].placement.sub_arrays;
    if (kept >= chip)
        return refuse(m, sum, err);
    int first = 0, owner = -1;
    for (; first < n; first++) { /* layers before it keep their own */
        uint64_t most = 0, own = m->layers[first].placement.sub_arrays;
        for (int i = first + 1; i < n; i++)
            if (has_weights(&m->layers[i]) &&
                m->layers[i].placement.sub_arrays > most)
                most = m->layers[i].placement.sub_arrays;
        if (!has_weights(&m->layers[first]))
            continue;
        if (kept + own + most > chip)
            break;
        kept += own;
    }
    for (int i = first; i < n; i++)
        if (has_weights(&m->layers[i]) &&
            (owner < 0 || m->layers[i].placement.sub_arrays >
                              m->layers[owner].placement.sub_arrays))
            owner = i;
    for (int i = first; i < n; i++)
        if (has_weights(&m->layers[i]))
            stream(m, i, owner, chip - kept);
    return STN_OK;
}

stn_status bw_fit(bw_mapping *m, stn_error *err)
{
    uint64_t sum = 0;
    if (m->options.replicas == 0)
        replicate(m);
    for (int i = 0; i < m->program->n_instructions; i++) {
        bw_layer *l = &m->layers[i];
        sum += l->placement.sub_arrays;
        l->passes = l->placement.passes = 1;
        l->placement.replicas =
            l->unit == BW_COUNT ? (uint64_t)l->count.replicas : 1;
        l->stored_rows = l->placement.weight_rows;
    }
    if (sum <= (uint64_t)m->options.sub_arrays)
        return STN_OK;
    return m->options.stream ? share(m, sum, err) : refuse(m, sum, err);
}
