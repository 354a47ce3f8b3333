/* SPDX-License-Identifier: MIT
 *
 * From converters and other circuits of a family to the figures of `circuits`.
 * As for sub-arrays (explain_array.c), nothing lists what a formula rests on:
 * each figure is moved a little and the family asked again. Modelled converters
 * end at their model. */
#include "accel/explain.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

static const double LITTLE = 1.0001;
static const double NOISE = 1e-9; /* relative; what rounding makes */

/* What is asked of a machine. */
typedef struct question {
    int bits; /* of a conversion; 0: a layer's circuits are meant */
    bool latency;
    const stn_program *program; /* as wide as it was mapped */
    int instruction;
    stn_reason_circuit circuit;
} question;

static double of_circuit(const stn_machine *m, const stn_placement *p,
                         stn_reason_circuit circuit)
{
    switch (circuit) {
    case STN_CIRCUIT_CONVERTER_AREA:
        return p->converter_m2;
    case STN_CIRCUIT_CONVERTER_LEAKAGE:
        return p->converter_w;
    default:
        return p->logic_m2 + (double)p->lanes * m->lane_m2;
    }
}

static bool ask(const stn_machine *m, const question *q, double *out)
{
    stn_adc_cost cost = {0};
    stn_placement place = {0};
    void *mapping = NULL;
    stn_error refused;
    if (q->bits) {
        if (!m->type->adc || !m->type->adc(m, q->bits, &cost))
            return false;
        *out = q->latency ? cost.latency_s : cost.energy_j;
        return true;
    }
    if (m->type->map(m, q->program, &mapping, &refused) != STN_OK)
        return false;
    m->type->place(mapping, q->instruction, &place);
    m->type->unmap(mapping);
    *out = of_circuit(m, &place, q->circuit);
    return true;
}

static bool differs(double a, double b)
{
    return fabs(a - b) > NOISE * fabs(b);
}

static void add_moved(stn_reasoning *r, stn_reason *parent, const question *q)
{
    const stn_machine *m = r->machine;
    const stn_figure_row *rows = m->circuits ? m->type->circuit_rows : NULL;
    stn_machine moved = *m;
    double given = 0, value = 0;
    char *circuits = m->circuits
                         ? stn_arena_alloc(&r->arena, 1, m->type->circuits_size)
                         : NULL;
    if ((m->circuits && !circuits) || !ask(m, q, &given)) {
        r->failed = true;
        return;
    }
    moved.circuits = circuits;
    for (; rows && rows->name; rows++) {
        char key[96];
        memcpy(circuits, m->circuits, m->type->circuits_size);
        double *figure = (double *)(void *)(circuits + rows->offset);
        const double as_given = *figure;
        *figure *= LITTLE;
        snprintf(key, sizeof key, "circuits.%s", rows->name);
        const stn_figure *f = stn_reason_figure(r, key);
        if (f && ask(&moved, q, &value) && differs(value, given))
            stn_reason_given(r, parent, key, as_given, f->unit, "");
    }
    moved.circuits = m->circuits;
    moved.lane_m2 *= LITTLE;
    if (ask(&moved, q, &value) && differs(value, given))
        stn_reason_given(r, parent, "area.lane", m->lane_m2, "m2", "");
}

/* No figure of circuits moves a modelled converter. */
static bool is_modelled(const stn_reasoning *r)
{
    return stn_reason_figure(r, "converters.full_scale");
}

static void add_modelled(stn_reasoning *r, stn_reason *parent,
                         const char *quantity)
{
    char key[96];
    for (int e = 0; e < STN_EVENT_COUNT; e++) {
        snprintf(key, sizeof key, "%s.%s", stn_events[e].name, quantity);
        const stn_figure *f = stn_reason_figure(r, key);
        if (f && stn_events[e].component == STN_COMPONENT_CONVERTER)
            stn_reason_given(r, parent, key, f->value, f->unit, "");
    }
}

void stn_reason_conversion(stn_reasoning *r, stn_reason *parent, int bits,
                           bool latency)
{
    const stn_figures *list = &r->machine->figures;
    if (!is_modelled(r)) {
        add_moved(r, parent, &(question){.bits = bits, .latency = latency});
        return;
    }
    for (int i = 0; i < list->n; i++)
        if (strncmp(list->items[i].key, "converters.", 11) == 0)
            stn_reason_given(r, parent, list->items[i].key,
                             list->items[i].value, list->items[i].unit, "");
}

void stn_reason_layer_circuits(stn_reasoning *r, stn_reason *parent, int layer,
                               stn_reason_circuit circuit)
{
    question q = {.program = r->program, .circuit = circuit};
    stn_error refused;
    if (is_modelled(r) && circuit != STN_CIRCUIT_UNIT_AREA) {
        add_modelled(r, parent,
                     circuit == STN_CIRCUIT_CONVERTER_AREA ? "area"
                                                           : "leakage");
        return;
    }
    /* A narrow width runs where the widest is mapped. */
    if (r->program->n_widths &&
        stn_program_at_width(r->program, 1, &q.program, &refused) != STN_OK)
        q.program = r->program;
    const char *name = r->simulation->layers[layer].name;
    while (q.instruction < q.program->n_instructions &&
           strcmp(q.program->instructions[q.instruction].name, name) != 0)
        q.instruction++;
    if (q.instruction < q.program->n_instructions)
        add_moved(r, parent, &q);
}
