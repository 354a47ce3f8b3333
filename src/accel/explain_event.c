/* SPDX-License-Identifier: MIT
 *
 * From one event to the figures of files: the formulas of machine.c,
 * src/memory/array.c and crossbar_circuits.c said a second time. A formula is
 * only told where it gives the value that the machine uses
 * (tests/test_explain.c demands one for all but the listed). */
#include "accel/explain.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

/* The first rule of an event whose figures exist and give its value holds. */
typedef struct formula {
    stn_event event;
    const char *quantity; /* "energy" or "latency" */
    stn_reason_kind kind;
    const char *figures[2]; /* second NULL: one */
} formula;

/* clang-format off */
#define ARRAY(event, part) \
    {STN_EVENT_##event, "energy", STN_REASON_SUM, {"array." part "_energy", NULL}}, \
    {STN_EVENT_##event, "latency", STN_REASON_SUM, {"array." part "_latency", NULL}}
#define FACTOR(event, part) \
    {STN_EVENT_##event, "energy", STN_REASON_PRODUCT, {"array.read_energy", "cell." part "energy_factor"}}, \
    {STN_EVENT_##event, "latency", STN_REASON_PRODUCT, {"array.read_latency", "cell." part "latency_factor"}}
static const formula rules[] = {
    ARRAY(row_read, "read"),
    ARRAY(row_write, "write"),
    ARRAY(row_logic2, "logic2"),
    ARRAY(row_logic3, "logic3"),
    {STN_EVENT_row_logic2, "energy", STN_REASON_PRODUCT, {"array.read_energy", "cell.logic2_energy_factor"}},
    {STN_EVENT_row_logic2, "latency", STN_REASON_PRODUCT, {"array.read_latency", "cell.logic2_latency_factor"}},
    {STN_EVENT_row_logic3, "energy", STN_REASON_PRODUCT, {"array.read_energy", "cell.logic3_energy_factor"}},
    {STN_EVENT_row_logic3, "latency", STN_REASON_PRODUCT, {"array.read_latency", "cell.logic3_latency_factor"}},
    ARRAY(row_logic2, "read"),
    ARRAY(row_logic3, "read"),
    FACTOR(row_copy, "copy."),
    {STN_EVENT_row_copy, "energy", STN_REASON_SUM, {"array.read_energy", "array.write_energy"}},
    {STN_EVENT_row_copy, "latency", STN_REASON_SUM, {"array.read_latency", "array.write_latency"}},
    {STN_EVENT_crossbar_read, "energy", STN_REASON_SUM, {"circuits.read_energy", NULL}},
    {STN_EVENT_crossbar_read, "latency", STN_REASON_SUM, {"circuits.read_latency", NULL}},
    {STN_EVENT_crossbar_read, "latency", STN_REASON_SUM, {"circuits.read_latency", "drive.latency"}},
    {STN_EVENT_dac, "energy", STN_REASON_SUM, {"circuits.dac_energy", NULL}},
    {STN_EVENT_sample_hold, "energy", STN_REASON_SUM, {"circuits.hold_energy", NULL}},
};
#undef FACTOR
#undef ARRAY
/* clang-format on */

stn_event stn_event_named(const char *name, size_t n)
{
    int e = 0;
    while (e < STN_EVENT_COUNT && (strlen(stn_events[e].name) != n ||
                                   memcmp(stn_events[e].name, name, n) != 0))
        e++;
    return (stn_event)e;
}

static bool gives(const stn_reasoning *r, const formula *rule, double value)
{
    const stn_figure *a = stn_reason_figure(r, rule->figures[0]), *b = NULL;
    if (rule->figures[1])
        b = stn_reason_figure(r, rule->figures[1]);
    if (!a || (rule->figures[1] && !b))
        return false;
    double result = a->value;
    if (b && rule->kind == STN_REASON_PRODUCT)
        result *= b->value;
    else if (b)
        result += b->value;
    return fabs(result - value) <= 1e-12 * fabs(value);
}

static void add_figure(stn_reasoning *r, stn_reason *parent, const char *key)
{
    const stn_figure *f = stn_reason_figure(r, key);
    if (f)
        stn_reason_given(r, parent, key, f->value, f->unit, "");
}

/* `inputs`: what a formula that has no rule looks at. */
static const char *inputs_of(stn_event event)
{
    switch (stn_events[event].component) {

    case STN_COMPONENT_LINK:
        return "bank.";
    default:
        return "array.";
    }
}

static stn_reason *explain_conversion(stn_reasoning *r, stn_reason *parent,
                                      stn_event event, const char *quantity,
                                      double value, const char *unit)
{
    stn_reason *node = stn_reason_add(
        r, parent,
        (stn_claim){STN_REASON_FUNCTION, value, unit,
                    "a converter of that resolution, docs/crossbar.md"},
        "event.%s.%s", stn_events[event].name, quantity);
    stn_reason_conversion(r, node, (int)event - STN_EVENT_adc1 + 1,
                          strcmp(quantity, "latency") == 0);
    return node;
}

static stn_reason *explain(stn_reasoning *r, stn_reason *parent,
                           stn_event event, const char *quantity, double value,
                           const char *unit)
{
    char key[96];
    const stn_event_info *info = &stn_events[event];
    snprintf(key, sizeof key, "%s.%s", info->name, quantity);
    const stn_figure *own = stn_reason_figure(r, key);
    if (own && own->value == value)
        return stn_reason_given(r, parent, key, value, unit, "");
    if (value == 0)
        return stn_reason_add(
            r, parent,
            (stn_claim){STN_REASON_COUNT, 0, unit, "nothing is charged"},
            "event.%s", key);
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        const formula *rule = &rules[i];
        if (rule->event != event || strcmp(rule->quantity, quantity) != 0 ||
            !gives(r, rule, value))
            continue;
        stn_reason *node = stn_reason_add(
            r, parent, (stn_claim){rule->kind, value, unit, info->help},
            "event.%s", key);
        for (int k = 0; k < 2 && rule->figures[k]; k++)
            add_figure(r, node, rule->figures[k]);
        return node;
    }
    if (event >= STN_EVENT_adc1 && event <= STN_EVENT_adc12)
        return explain_conversion(r, parent, event, quantity, value, unit);
    snprintf(key, sizeof key, "event.%s.%s", info->name, quantity);
    return stn_reason_given(r, parent, key, value, unit, inputs_of(event));
}

stn_reason *stn_reason_event_energy(stn_reasoning *r, stn_reason *parent,
                                    stn_event event)
{
    return explain(r, parent, event, "energy",
                   r->machine->event_energy_j[event], "J");
}

stn_reason *stn_reason_event_latency(stn_reasoning *r, stn_reason *parent,
                                     stn_event event)
{
    return explain(r, parent, event, "latency",
                   r->machine->event_latency_s[event], "s");
}
