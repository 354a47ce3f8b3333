/* SPDX-License-Identifier: MIT
 *
 * The ledger: how often each event happened, by instruction. Machines post to
 * it while they execute, and fill it in closed form when they predict; the
 * two must agree (tests/test_accel.c). Cost is computed from it elsewhere. */
#ifndef STN_ACCEL_LEDGER_H
#define STN_ACCEL_LEDGER_H

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
 * of sub-arrays that work in parallel count once. */
typedef struct stn_ledger_row {
    uint64_t total[STN_EVENT_COUNT];
    uint64_t steps[STN_EVENT_COUNT];
} stn_ledger_row;

typedef struct stn_ledger {
    int n; /* instructions */
    stn_ledger_row *rows;
} stn_ledger;

stn_status stn_ledger_init(stn_ledger *ledger, int n, stn_error *err);
void stn_ledger_deinit(stn_ledger *ledger);
void stn_ledger_add(stn_ledger *ledger, const stn_ledger *other);

#endif
