/* SPDX-License-Identifier: MIT
 *
 * The ledger: how often each event happened, by instruction. Machines post to
 * it while they execute, and fill it in closed form when they predict; the
 * two must agree (tests/test_accel.c). Cost is computed from it elsewhere. */
#ifndef STN_ACCEL_LEDGER_H
#define STN_ACCEL_LEDGER_H

#include "base/status.h"
#include "setun/simulate.h"

typedef enum stn_event {
#define STN_EVENT(name, component, unit, help) STN_EVENT_##name,
#include "accel/events.def"
#undef STN_EVENT
    STN_EVENT_COUNT
} stn_event;

typedef struct stn_event_info {
    const char *name; /* "row_logic3" */
    stn_component component;
    const char *unit, *help;
} stn_event_info;
extern const stn_event_info stn_events[STN_EVENT_COUNT];

/* `total` is what energy is paid for; `steps` is what time passes for: events
 * of sub-arrays that work in parallel count once. input_ones of input_bits
 * were 1 among the input bits that the instruction looked at to skip work. */
typedef struct stn_ledger_row {
    uint64_t total[STN_EVENT_COUNT];
    uint64_t steps[STN_EVENT_COUNT];
    uint64_t input_ones, input_bits;
} stn_ledger_row;

/* `bins` are counters of a family's histograms, NULL when nobody asked. */
typedef struct stn_ledger {
    int n; /* instructions */
    stn_ledger_row *rows;
    size_t n_bins;
    uint64_t *bins;
} stn_ledger;

stn_status stn_ledger_init(stn_ledger *ledger, int n, stn_error *err);
/* Room for n_bins counters, at 0. */
stn_status stn_ledger_init_bins(stn_ledger *ledger, size_t n_bins,
                                stn_error *err);
void stn_ledger_deinit(stn_ledger *ledger);
/* Adds row by row and bin by bin; both have the same n and n_bins. */
void stn_ledger_add(stn_ledger *ledger, const stn_ledger *other);

/* `total` events in `steps` steps. */
static inline void stn_ledger_post(stn_ledger_row *row, stn_event event,
                                   uint64_t total, uint64_t steps)
{
    row->total[event] += total;
    row->steps[event] += steps;
}
/* `steps` of them, of `each` events side by side. */
static inline void stn_ledger_post_steps(stn_ledger_row *row, stn_event event,
                                         uint64_t steps, uint64_t each)
{
    stn_ledger_post(row, event, steps * each, steps);
}

/* Adds a row `times` times. */
void stn_ledger_post_row(stn_ledger_row *row, const stn_ledger_row *part,
                         uint64_t times);

/* Joins work that ran in parallel: totals add up, time is that of the part
 * which takes longest at latency_s[event] a step. Start with {0} in `slowest`
 * and -1 in *slowest_s; when all parts are in, stn_ledger_join_end adds the
 * slowest part's steps to `row`. */
void stn_ledger_join(stn_ledger_row *row, const stn_ledger_row *part,
                     const double *latency_s, stn_ledger_row *slowest,
                     double *slowest_s);
void stn_ledger_join_end(stn_ledger_row *row, const stn_ledger_row *slowest);

#endif
