/* SPDX-License-Identifier: MIT
 *
 * Event names, and sums of counters. Counters are integers, so a sum over
 * threads does not depend on their order. */
#include "accel/ledger.h"
#include "base/memory.h"

const stn_event_info stn_events[STN_EVENT_COUNT] = {
#define STN_EVENT(name, component, unit, help)                                 \
    {#name, STN_COMPONENT_##component, unit, help},
#include "accel/events.def"
#undef STN_EVENT
};

stn_status stn_ledger_init(stn_ledger *ledger, int n, stn_error *err)
{
    stn_ledger_row *rows = stn_alloc((size_t)n, sizeof *rows);
    if (!rows)
        return stn_fail_memory(err, "a ledger of events");
    *ledger = (stn_ledger){.n = n, .rows = rows};
    return STN_OK;
}

stn_status stn_ledger_init_bins(stn_ledger *ledger, size_t n_bins,
                                stn_error *err)
{
    ledger->bins = stn_alloc(n_bins, sizeof *ledger->bins);
    if (!ledger->bins)
        return stn_fail_memory(err, "histograms");
    ledger->n_bins = n_bins;
    return STN_OK;
}

void stn_ledger_deinit(stn_ledger *ledger)
{
    stn_free(ledger->bins);
    stn_free(ledger->rows);
    *ledger = (stn_ledger){0};
}

void stn_ledger_add(stn_ledger *ledger, const stn_ledger *other)
{
    for (int i = 0; i < ledger->n; i++) {
        stn_ledger_row *to = &ledger->rows[i];
        const stn_ledger_row *from = &other->rows[i];
        for (int e = 0; e < STN_EVENT_COUNT; e++) {
            to->total[e] += from->total[e];
            to->steps[e] += from->steps[e];
        }
        to->input_ones += from->input_ones;
        to->input_bits += from->input_bits;
    }
    for (size_t b = 0; b < ledger->n_bins; b++)
        ledger->bins[b] += other->bins[b];
}

void stn_ledger_post_row(stn_ledger_row *row, const stn_ledger_row *part,
                         uint64_t times)
{
    for (int e = 0; e < STN_EVENT_COUNT; e++)
        stn_ledger_post(row, (stn_event)e, times * part->total[e],
                        times * part->steps[e]);
}

void stn_ledger_join(stn_ledger_row *row, const stn_ledger_row *part,
                     const double *latency_s, stn_ledger_row *slowest,
                     double *slowest_s)
{
    double time_s = 0.0;
    for (int e = 0; e < STN_EVENT_COUNT; e++) {
        row->total[e] += part->total[e];
        if (part->steps[e])
            time_s += (double)part->steps[e] * latency_s[e];
    }
    row->input_ones += part->input_ones;
    row->input_bits += part->input_bits;
    if (time_s > *slowest_s) {
        *slowest_s = time_s;
        *slowest = *part;
    }
}

void stn_ledger_join_end(stn_ledger_row *row, const stn_ledger_row *slowest)
{
    for (int e = 0; e < STN_EVENT_COUNT; e++)
        row->steps[e] += slowest->steps[e];
}
