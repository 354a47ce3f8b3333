/* SPDX-License-Identifier: MIT
 *
 * Mappings of a sweep. A mapping looks at options, circuits and geometry only,
 * so it is kept by these, and its prediction as long as no latency changes:
 * most points are one fold. Only the most recent are kept: an axis that asks
 * for a new mapping at every point would make the search as long as the sweep.
 */
#include "accel/sweep.h"
#include <stdio.h>
#include <string.h>

#define MAX_MAPPED 64 /* of one thread */

/* What a mapping may look at (accel.h). */
static bool same_layout(const stn_machine *a, const stn_machine *b)
{
    return a->type == b->type && a->array.rows == b->array.rows &&
           a->array.columns == b->array.columns &&
           a->array.cell_bits == b->array.cell_bits &&
           memcmp(a->attrs, b->attrs, a->type->attrs_size) == 0 &&
           (!a->circuits ||
            memcmp(a->circuits, b->circuits, a->type->circuits_size) == 0);
}

/* What a mapping was made from and of; the memory that costs are summed in
 * stays. */
static void release(stn_sweep_mapped *p)
{
    if (p->mapping)
        p->machine->type->unmap(p->mapping);
    stn_machine_destroy(p->machine);
    *p = (stn_sweep_mapped){.ledger = p->ledger, .placements = p->placements};
}

void stn_sweep_free_mapped(stn_sweep_mapped *p)
{
    if (!p)
        return;
    release(p);
    stn_ledger_deinit(&p->ledger);
    stn_free(p->placements);
    stn_free(p);
}

static stn_sweep_mapped *take_oldest(stn_sweep_worker *w)
{
    stn_sweep_mapped **link = &w->list;
    while ((*link)->next)
        link = &(*link)->next;
    stn_sweep_mapped *p = *link;
    *link = NULL;
    w->n_mapped--;
    release(p);
    return p;
}

/* An empty mapping of a program of n instructions: the oldest, when there are
 * too many, or a new one. */
static stn_status make_room(stn_sweep_worker *w, int n, stn_sweep_mapped **out,
                            stn_error *err)
{
    stn_sweep_mapped *p = w->n_mapped == MAX_MAPPED ? take_oldest(w) : NULL;
    if (p && p->ledger.n != n) {
        stn_sweep_free_mapped(p);
        p = NULL;
    }
    if (!p) {
        p = stn_alloc(1, sizeof *p);
        if (!p)
            return stn_fail_memory(err, "a mapping");
        stn_status status = stn_ledger_init(&p->ledger, n, err);
        p->placements = stn_alloc((size_t)n, sizeof *p->placements);
        if (status == STN_OK && !p->placements)
            status = stn_fail_memory(err, "a mapping");
        if (status != STN_OK) {
            stn_sweep_free_mapped(p);
            return status;
        }
    }
    *out = p;
    return STN_OK;
}

/* Takes `machine` over when it returns STN_OK. */
static stn_status add_mapped(stn_sweep_worker *w, stn_machine *machine,
                             stn_sweep_mapped **out, stn_error *err)
{
    int n = w->program->n_instructions;
    stn_sweep_mapped *p = NULL;
    stn_error why = {0};
    STN_TRY(make_room(w, n, &p, err));
    stn_status status =
        machine->type->map(machine, w->program, &p->mapping, &why);
    if (status == STN_E_UNSUPPORTED) {
        snprintf(p->reason, sizeof p->reason, "%s", why.text);
    } else if (status != STN_OK) {
        if (err)
            *err = why;
        stn_sweep_free_mapped(p);
        return status;
    }
    for (int i = 0; p->mapping && i < n; i++)
        machine->type->place(p->mapping, i, &p->placements[i]);
    p->program = w->program;
    p->machine = machine;
    p->next = w->list;
    w->list = p;
    w->n_mapped++;
    *out = p;
    return STN_OK;
}

/* The mapping for `machine`, with its figures; the most recent comes first. */
stn_status stn_sweep_find_mapped(stn_sweep_worker *w, stn_machine *machine,
                                 stn_sweep_mapped **out, stn_error *err)
{
    for (stn_sweep_mapped **link = &w->list; *link; link = &(*link)->next) {
        stn_sweep_mapped *p = *link;
        if (p->program != w->program || !same_layout(p->machine, machine))
            continue;
        *link = p->next;
        p->next = w->list;
        w->list = p;
        stn_machine *m = p->machine;
        p->predicted =
            p->predicted && memcmp(m->event_latency_s, machine->event_latency_s,
                                   sizeof m->event_latency_s) == 0;
        m->array = machine->array;
        memcpy(m->event_energy_j, machine->event_energy_j,
               sizeof m->event_energy_j);
        memcpy(m->event_latency_s, machine->event_latency_s,
               sizeof m->event_latency_s);
        m->column_logic_m2 = machine->column_logic_m2;
        m->sub_array_logic_m2 = machine->sub_array_logic_m2;
        m->bank_m2 = machine->bank_m2;
        m->bank_leakage_w = machine->bank_leakage_w;
        m->logic_leakage_w = machine->logic_leakage_w;
        m->lane_m2 = machine->lane_m2;
        m->buffer_bit_m2 = machine->buffer_bit_m2;
        m->buffer_bit_w = machine->buffer_bit_w;
        stn_machine_destroy(machine);
        *out = p;
        return STN_OK;
    }
    stn_status status = add_mapped(w, machine, out, err);
    if (status != STN_OK)
        stn_machine_destroy(machine);
    return status;
}
