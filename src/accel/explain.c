/* SPDX-License-Identifier: MIT
 *
 * From totals to events: the fold of cost.c, unfolded. Everything is made
 * from what a simulation and its machine hold already, and every sum and
 * product is checked against its parts (tests/test_explain.c). */
#include "accel/explain.h"
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

stn_reason *stn_reason_add(stn_reasoning *r, stn_reason *parent,
                           stn_claim claim, const char *key, ...)
{
    char text[STN_NAME_CAPACITY + 96];
    va_list args;
    va_start(args, key);
    vsnprintf(text, sizeof text, key, args);
    va_end(args);
    stn_reason *node = stn_arena_alloc(&r->arena, 1, sizeof *node);
    const char *kept = stn_arena_string(&r->arena, text);
    if (!node || !kept) {
        r->failed = true;
        return &r->nowhere;
    }
    *node = (stn_reason){.kind = claim.kind,
                         .key = kept,
                         .value = claim.value,
                         .unit = claim.unit,
                         .text = claim.text,
                         .confidence = ""};
    const stn_reason **link = parent ? &parent->first : NULL;
    while (link && *link)
        link = (const stn_reason **)(uintptr_t) & (*link)->next;
    if (link)
        *link = node;
    return node;
}

const stn_figure *stn_reason_figure(const stn_reasoning *r, const char *key)
{
    const stn_figures *list = &r->machine->figures;
    for (int i = 0; i < list->n; i++)
        if (strcmp(list->items[i].key, key) == 0)
            return &list->items[i];
    return NULL;
}

/* What a modelled sub-array's figure is the sum of. */
static bool add_parts(stn_reasoning *r, stn_reason *parent, const char *key)
{
    const stn_figures *list = &r->machine->figures;
    const size_t n = strlen(key);
    bool any = false;
    for (int i = 0; i < list->n; i++) {
        const stn_figure *f = &list->items[i];
        if (strncmp(f->key, key, n) != 0 || f->key[n] != '.')
            continue;
        stn_reason *leaf = stn_reason_add(
            r, parent,
            (stn_claim){STN_REASON_FIGURE, f->value, f->unit, f->source}, "%s",
            f->key);
        leaf->confidence = f->confidence;
        any = true;
    }
    return any;
}

stn_reason *stn_reason_given(stn_reasoning *r, stn_reason *parent,
                             const char *key, double value, const char *unit,
                             const char *inputs)
{
    const stn_figure *f = stn_reason_figure(r, key);
    stn_claim claim = {STN_REASON_FUNCTION, value, unit, "docs/memory.md"};
    if (f && f->value == value) {
        claim = (stn_claim){STN_REASON_FIGURE, value, f->unit, f->source};
        stn_reason *leaf = stn_reason_add(r, parent, claim, "%s", key);
        leaf->confidence = f->confidence;
        if (add_parts(r, leaf, key)) {
            leaf->kind = STN_REASON_SUM;
            leaf->confidence = "";
        }
        return leaf;
    }

    stn_reason *node = stn_reason_add(r, parent, claim, "%s", key);
    const stn_figures *list = &r->machine->figures;
    for (int i = 0; i < list->n && *inputs; i++)
        if (strncmp(list->items[i].key, inputs, strlen(inputs)) == 0)
            stn_reason_given(r, node, list->items[i].key, list->items[i].value,
                             list->items[i].unit, "");
    return node;
}

/* ---- energy */

static const char *how_counted(const stn_reasoning *r)
{
    return r->simulation->n_pictures ? "counted while pictures were executed"
                                     : "predicted from shapes and weights";
}

static stn_event event_of(const stn_reasoning *r, int index)
{
    const char *name = r->simulation->events[index].name;
    return stn_event_named(name, strlen(name));
}

/* count × energy of one; `at` is "" or "conv1.". */
static void add_event(stn_reasoning *r, stn_reason *parent, const char *at,
                      int index, double count, double energy_j)
{
    const stn_event_count *e = &r->simulation->events[index];
    stn_reason *node = stn_reason_add(
        r, parent,
        (stn_claim){STN_REASON_PRODUCT, energy_j, "J", "events, energy of one"},
        "%senergy.%s", at, e->name);
    stn_reason_add(
        r, node, (stn_claim){STN_REASON_COUNT, count, e->unit, how_counted(r)},
        "%scount.%s", at, e->name);
    stn_reason_event_energy(r, node, event_of(r, index));
}

/* Of one sub-array, its share of a bank's tree included. */
static void add_leakage_of_one(stn_reasoning *r, stn_reason *parent)
{
    const stn_machine *m = r->machine;
    stn_reason *node =
        stn_reason_add(r, parent,
                       (stn_claim){STN_REASON_SUM, stn_machine_leakage_w(m),
                                   "W", "of a sub-array that works"},
                       "sub_array.leakage");
    stn_reason_given(r, node, "array.leakage", m->array.leakage_w, "W",
                     "transistors.");
    if (m->bank_leakage_w > 0)
        stn_reason_given(r, node, "bank.leakage", m->bank_leakage_w, "W",
                         "bank.");
    if (m->logic_leakage_w > 0)
        stn_reason_given(r, node, "leakage.sub_array_logic", m->logic_leakage_w,
                         "W", "");
}

static void explain_latency(stn_reasoning *r, stn_reason *parent, int layer);

/* What the layer's sub-arrays leak while it runs, those that it borrows
 * included. */
static void add_array_leakage(stn_reasoning *r, stn_reason *parent, int layer)
{
    const stn_layer_cost *l = &r->simulation->layers[layer];
    const double power_w = stn_machine_leakage_w(r->machine);
    const double energy_j = l->cost.energy_j[STN_COMPONENT_LEAKAGE] -
                            l->cost.leakage_j[STN_PART_CONVERTER] -
                            l->cost.leakage_j[STN_PART_BUFFER];
    if (energy_j <= 0)
        return;
    stn_reason *node =
        stn_reason_add(r, parent,
                       (stn_claim){STN_REASON_PRODUCT, energy_j, "J",
                                   "sub-arrays, leakage of one, time of the "
                                   "layer"},
                       "%s.energy.leakage.sub_arrays", l->name);
    stn_reason_add(r, node,
                   (stn_claim){STN_REASON_COUNT,
                               energy_j / power_w / l->cost.latency_s,
                               "sub-arrays", "where it is mapped"},
                   "%s.sub_arrays", l->name);
    add_leakage_of_one(r, node);
    explain_latency(r, node, layer);
}

static void add_buffer_bits(stn_reasoning *r, stn_reason *parent, int layer)
{
    const stn_layer_cost *l = &r->simulation->layers[layer];
    stn_reason_add(r, parent,
                   (stn_claim){STN_REASON_COUNT,
                               l->cost.area_m2[STN_PART_BUFFER] /
                                   r->machine->buffer_bit_m2,
                               "bits", "most that the layer holds at a time"},
                   "%s.buffer", l->name);
}

static void add_buffer_leakage(stn_reasoning *r, stn_reason *parent, int layer)
{
    const stn_layer_cost *l = &r->simulation->layers[layer];
    const double energy_j = l->cost.leakage_j[STN_PART_BUFFER];
    if (energy_j <= 0)
        return;
    stn_reason *node =
        stn_reason_add(r, parent,
                       (stn_claim){STN_REASON_PRODUCT, energy_j, "J",
                                   "bits, leakage of one, time of the layer"},
                       "%s.energy.leakage.buffer", l->name);
    add_buffer_bits(r, node, layer);
    stn_reason_given(r, node, "buffer.bit_leakage", r->machine->buffer_bit_w,
                     "W", "");
    explain_latency(r, node, layer);
}

static void add_converter_leakage(stn_reasoning *r, stn_reason *parent,
                                  int layer)
{
    const stn_layer_cost *l = &r->simulation->layers[layer];
    const double energy_j = l->cost.leakage_j[STN_PART_CONVERTER];
    if (energy_j <= 0)
        return;
    stn_reason *node =
        stn_reason_add(r, parent,
                       (stn_claim){STN_REASON_PRODUCT, energy_j, "J",
                                   "leakage of all, time of the layer"},
                       "%s.energy.leakage.converters", l->name);
    stn_reason *all = stn_reason_add(
        r, node,
        (stn_claim){STN_REASON_FUNCTION, energy_j / l->cost.latency_s, "W",
                    "converters and drivers of its arrays, docs/crossbar.md"},
        "%s.leakage.converters", l->name);
    stn_reason_layer_circuits(r, all, layer, STN_CIRCUIT_CONVERTER_LEAKAGE);
    explain_latency(r, node, layer);
}

static stn_reason *explain_leakage(stn_reasoning *r, stn_reason *parent,
                                   int layer)
{
    const stn_layer_cost *l = &r->simulation->layers[layer];
    const double energy_j = l->cost.energy_j[STN_COMPONENT_LEAKAGE];
    stn_reason *node =
        stn_reason_add(r, parent,
                       (stn_claim){STN_REASON_SUM, energy_j, "J",
                                   "of sub-arrays, converters and buffer"},
                       "%s.energy.leakage", l->name);
    add_array_leakage(r, node, layer);
    add_converter_leakage(r, node, layer);
    add_buffer_leakage(r, node, layer);
    if (energy_j <= 0)
        stn_reason_add(r, node,
                       (stn_claim){STN_REASON_COUNT, 0, "J",
                                   "nothing leaks, or no time passes"},
                       "%s.no_leakage", l->name);
    return node;
}

static stn_reason *layer_component(stn_reasoning *r, stn_reason *parent,
                                   int layer, stn_component component)
{
    const stn_simulation *s = r->simulation;
    const stn_layer_cost *l = &s->layers[layer];
    char at[STN_NAME_CAPACITY + 24];
    if (component == STN_COMPONENT_LEAKAGE)
        return explain_leakage(r, parent, layer);
    snprintf(at, sizeof at, "%s.", l->name);
    stn_reason *node =
        stn_reason_add(r, parent,
                       (stn_claim){STN_REASON_SUM, l->cost.energy_j[component],
                                   "J", "events of this component"},
                       "%senergy.%s", at, stn_component_name(component));
    for (int i = 0; i < s->n_layer_events; i++) {
        const stn_layer_event *e = &s->layer_events[i];
        if (e->layer == layer && e->count > 0 &&
            s->events[e->event].component == component)
            add_event(r, node, at, e->event, e->count, e->energy_j);
    }
    return node;
}

static stn_reason *layer_energy(stn_reasoning *r, stn_reason *parent, int layer)
{
    const stn_layer_cost *l = &r->simulation->layers[layer];
    stn_reason *node =
        stn_reason_add(r, parent,
                       (stn_claim){STN_REASON_SUM, stn_cost_energy_j(&l->cost),
                                   "J", "its components"},
                       "%s.energy", l->name);
    for (int c = 0; c < STN_COMPONENT_COUNT; c++)
        if (l->cost.energy_j[c] > 0)
            layer_component(r, node, layer, (stn_component)c);
    return node;
}

static stn_reason *total_component(stn_reasoning *r, stn_reason *parent,
                                   stn_component component)
{
    const stn_simulation *s = r->simulation;
    bool leakage = component == STN_COMPONENT_LEAKAGE;
    stn_reason *node = stn_reason_add(
        r, parent,
        (stn_claim){STN_REASON_SUM, s->total.energy_j[component], "J",
                    leakage ? "layers" : "events of this component"},
        "energy.%s", stn_component_name(component));
    for (int i = 0; leakage && i < s->n_layers; i++)
        if (s->layers[i].cost.energy_j[component] > 0)
            explain_leakage(r, node, i);
    for (int i = 0; i < s->n_events; i++)
        if (s->events[i].component == component && s->events[i].count > 0)
            add_event(r, node, "", i, s->events[i].count,
                      s->events[i].energy_j);
    return node;
}

static stn_reason *total_energy(stn_reasoning *r)
{
    const stn_cost *total = &r->simulation->total;
    stn_reason *node = stn_reason_add(
        r, NULL,
        (stn_claim){STN_REASON_SUM, stn_cost_energy_j(total), "J",
                    "its components; as well the sum of layers.energy"},
        "energy");
    for (int c = 0; c < STN_COMPONENT_COUNT; c++)
        if (total->energy_j[c] > 0)
            total_component(r, node, (stn_component)c);
    return node;
}

/* ---- latency */

static void add_steps(stn_reasoning *r, stn_reason *parent,
                      const stn_layer_event *e)
{
    const stn_simulation *s = r->simulation;
    const char *layer = s->layers[e->layer].name;
    const char *event = s->events[e->event].name;
    double one_s = r->machine->event_latency_s[event_of(r, e->event)];
    stn_reason *node =
        stn_reason_add(r, parent,
                       (stn_claim){STN_REASON_PRODUCT, e->latency_s, "s",
                                   "steps, time of one"},
                       "%s.latency.%s", layer, event);
    stn_reason_add(r, node,
                   (stn_claim){STN_REASON_COUNT, e->latency_s / one_s, "steps",
                               how_counted(r)},
                   "%s.steps.%s", layer, event);
    stn_reason_event_latency(r, node, event_of(r, e->event));
}

static void explain_latency(stn_reasoning *r, stn_reason *parent, int layer)
{
    const stn_simulation *s = r->simulation;
    const stn_layer_cost *l = &s->layers[layer];
    stn_reason *node =
        stn_reason_add(r, parent,
                       (stn_claim){STN_REASON_SUM, l->cost.latency_s, "s",
                                   "steps one after the other"},
                       "%s.latency", l->name);
    for (int i = 0; i < s->n_layer_events; i++)
        if (s->layer_events[i].layer == layer &&
            s->layer_events[i].latency_s > 0)
            add_steps(r, node, &s->layer_events[i]);
}

/* ---- area */

/* Beside one sub-array; its share of a bank's tree included. */
static void add_logic_of_one(stn_reasoning *r, stn_reason *parent)
{
    const stn_machine *m = r->machine;
    double columns = m->array.columns;
    stn_reason *gates = stn_reason_add(
        r, parent,
        (stn_claim){STN_REASON_PRODUCT, columns * m->column_logic_m2, "m2",
                    "columns, logic of one"},
        "columns.area");
    stn_reason_add(
        r, gates,
        (stn_claim){STN_REASON_COUNT, columns, "columns", "of the sub-array"},
        "array.columns");
    stn_reason_given(r, gates, "area.column_logic", m->column_logic_m2, "m2",
                     "");
    stn_reason_given(r, parent, "area.sub_array_logic", m->sub_array_logic_m2,
                     "m2", "");
    if (m->bank_m2 > 0)
        stn_reason_given(r, parent, "bank.area", m->bank_m2, "m2", "bank.");
}

static void add_array_area(stn_reasoning *r, stn_reason *parent, int layer)
{
    const stn_machine *m = r->machine;
    const stn_layer_cost *l = &r->simulation->layers[layer];
    const double n = (double)l->cost.sub_arrays;
    const double one_m2 = stn_machine_area_m2(m);
    if (n <= 0)
        return;
    stn_reason *arrays =
        stn_reason_add(r, parent,
                       (stn_claim){STN_REASON_PRODUCT, n * one_m2, "m2",
                                   "sub-arrays, area of one"},
                       "%s.area.sub_arrays", l->name);
    stn_reason_add(
        r, arrays,
        (stn_claim){STN_REASON_COUNT, n, "sub-arrays", "where it is mapped"},
        "%s.sub_arrays", l->name);
    stn_reason *one =
        stn_reason_add(r, arrays,
                       (stn_claim){STN_REASON_SUM, one_m2, "m2",
                                   "a sub-array and the logic beside it"},
                       "sub_array.area");
    stn_reason_given(r, one, "array.area", m->array.area_m2, "m2",
                     "transistors.");
    add_logic_of_one(r, one);
}

static void add_buffer_area(stn_reasoning *r, stn_reason *parent, int layer)
{
    const stn_layer_cost *l = &r->simulation->layers[layer];
    const double m2 = l->cost.area_m2[STN_PART_BUFFER];
    if (m2 <= 0)
        return;
    stn_reason *node = stn_reason_add(
        r, parent,
        (stn_claim){STN_REASON_PRODUCT, m2, "m2", "bits, area of one"},
        "%s.area.buffer", l->name);
    add_buffer_bits(r, node, layer);
    stn_reason_given(r, node, "buffer.bit_area", r->machine->buffer_bit_m2,
                     "m2", "");
}

/* Digital units that are not beside every sub-array alike. */
static void add_unit_area(stn_reasoning *r, stn_reason *parent, int layer)
{
    const stn_layer_cost *l = &r->simulation->layers[layer];
    double one_m2[STN_PART_COUNT];
    stn_machine_parts_m2(r->machine, one_m2);
    const double m2 = l->cost.area_m2[STN_PART_LOGIC] -
                      (double)l->cost.sub_arrays * one_m2[STN_PART_LOGIC];
    if (m2 <= 1e-9 * stn_cost_area_m2(&l->cost))
        return;
    stn_reason *node = stn_reason_add(
        r, parent,
        (stn_claim){STN_REASON_FUNCTION, m2, "m2",
                    "lanes and circuits, as many as it is mapped with"},
        "%s.area.units", l->name);
    stn_reason_layer_circuits(r, node, layer, STN_CIRCUIT_UNIT_AREA);
}

static void add_converter_area(stn_reasoning *r, stn_reason *parent, int layer)
{
    const stn_layer_cost *l = &r->simulation->layers[layer];
    const double m2 = l->cost.area_m2[STN_PART_CONVERTER];
    if (m2 <= 0)
        return;
    stn_reason *node = stn_reason_add(
        r, parent,
        (stn_claim){STN_REASON_FUNCTION, m2, "m2",
                    "converters and drivers of its arrays, docs/crossbar.md"},
        "%s.area.converters", l->name);
    stn_reason_layer_circuits(r, node, layer, STN_CIRCUIT_CONVERTER_AREA);
}

static void explain_area(stn_reasoning *r, stn_reason *parent, int layer)
{
    const stn_layer_cost *l = &r->simulation->layers[layer];
    stn_reason *node = stn_reason_add(
        r, parent,
        (stn_claim){STN_REASON_SUM, stn_cost_area_m2(&l->cost), "m2",
                    "sub-arrays, and what stands beside them"},
        "%s.area", l->name);
    add_array_area(r, node, layer);
    add_converter_area(r, node, layer);
    add_unit_area(r, node, layer);
    add_buffer_area(r, node, layer);
}

/* ---- keys */

/* A sum over all layers of what `explain` explains. */
static stn_reason *
over_layers(stn_reasoning *r, double value, const char *unit, const char *key,
            void (*explain)(stn_reasoning *r, stn_reason *parent, int layer))
{
    stn_reason *node = stn_reason_add(
        r, NULL, (stn_claim){STN_REASON_SUM, value, unit, "layers"}, "%s", key);
    for (int i = 0; i < r->simulation->n_layers; i++)
        explain(r, node, i);
    return node;
}

static void part_energy(stn_reasoning *r, stn_reason *parent, int layer)
{
    layer_energy(r, parent, layer);
}

static stn_reason *programming(stn_reasoning *r, const char *key, double value,
                               const char *unit, const char *one, double each)
{
    stn_reason *node =
        stn_reason_add(r, NULL,
                       (stn_claim){STN_REASON_PRODUCT, value, unit,
                                   "rows of weights, write of one"},
                       "%s", key);
    stn_reason_add(r, node,
                   (stn_claim){STN_REASON_COUNT, each > 0 ? value / each : 0,
                               "rows",
                               "of the mapping; layers are loaded side "
                               "by side"},
                   "%s.rows", key);
    stn_reason_given(r, node, one, each, unit, "transistors.");
    return node;
}

static stn_reason *of_total(stn_reasoning *r, const char *key)
{
    const stn_simulation *s = r->simulation;
    const stn_array *a = &r->machine->array;
    if (strcmp(key, "energy") == 0)
        return total_energy(r);
    if (strcmp(key, "layers.energy") == 0)
        return over_layers(r, stn_cost_energy_j(&s->total), "J", key,
                           part_energy);
    if (strcmp(key, "latency") == 0)
        return over_layers(r, s->total.latency_s, "s", key, explain_latency);
    if (strcmp(key, "area") == 0)
        return over_layers(r, stn_cost_area_m2(&s->total), "m2", key,
                           explain_area);
    if (strcmp(key, "programming_energy") == 0)
        return programming(r, key, s->programming_energy_j, "J",
                           "array.write_energy", a->write_energy_j);
    if (strcmp(key, "programming_latency") == 0)
        return programming(r, key, s->programming_latency_s, "s",
                           "array.write_latency", a->write_latency_s);
    for (int c = 0; c < STN_COMPONENT_COUNT; c++)
        if (strncmp(key, "energy.", 7) == 0 &&
            strcmp(key + 7, stn_component_name((stn_component)c)) == 0)
            return total_component(r, NULL, (stn_component)c);
    return NULL;
}

static stn_reason *of_event(stn_reasoning *r, const char *key)
{
    const char *dot = strrchr(key, '.');
    if (strncmp(key, "event.", 6) != 0 || dot < key + 6)
        return NULL;
    stn_event event = stn_event_named(key + 6, (size_t)(dot - key) - 6);
    if (event == STN_EVENT_COUNT)
        return NULL;
    if (strcmp(dot, ".energy") == 0)
        return stn_reason_event_energy(r, NULL, event);
    if (strcmp(dot, ".latency") == 0)
        return stn_reason_event_latency(r, NULL, event);
    return NULL;
}

static stn_reason *of_layer(stn_reasoning *r, int layer, const char *key)
{
    stn_reason root = {0};
    if (strcmp(key, "energy") == 0)
        return layer_energy(r, NULL, layer);
    for (int c = 0; c < STN_COMPONENT_COUNT; c++)
        if (strncmp(key, "energy.", 7) == 0 &&
            strcmp(key + 7, stn_component_name((stn_component)c)) == 0)
            return layer_component(r, NULL, layer, (stn_component)c);
    if (strcmp(key, "latency") == 0)
        explain_latency(r, &root, layer);
    else if (strcmp(key, "area") == 0)
        explain_area(r, &root, layer);
    return (stn_reason *)(uintptr_t)root.first;
}

static stn_reason *find(stn_reasoning *r, const char *key)
{
    const stn_simulation *s = r->simulation;
    const stn_figure *figure = stn_reason_figure(r, key);
    if (figure)
        return stn_reason_given(r, NULL, key, figure->value, figure->unit, "");
    stn_reason *root = of_total(r, key);
    if (!root)
        root = of_event(r, key);
    for (int i = 0; i < s->n_layers && !root; i++) {
        size_t n = strlen(s->layers[i].name);
        if (strncmp(key, s->layers[i].name, n) == 0 && key[n] == '.')
            root = of_layer(r, i, key + n + 1);
    }
    return root;
}

stn_status stn_explain(const stn_machine *machine, const stn_program *program,
                       const stn_simulation *simulation, const char *key,
                       stn_explanation **out, stn_error *err)
{
    stn_explanation *e = stn_alloc(1, sizeof *e);
    if (!e)
        return stn_fail_memory(err, "an explanation");
    e->reasoning.machine = machine;
    e->reasoning.program = program;
    e->reasoning.simulation = simulation;
    e->root = find(&e->reasoning, key);
    if (e->root && !e->reasoning.failed) {
        *out = e;
        return STN_OK;
    }
    stn_status status =
        e->reasoning.failed
            ? stn_fail_memory(err, "an explanation")
            : stn_fail(err, STN_E_NOT_FOUND,
                       "%s on %s has no \"%.80s\"; there are energy, latency, "
                       "area, energy.COMPONENT, LAYER.energy (and so on), "
                       "layers.energy, event.NAME.energy, programming_energy, "
                       "and the figures that 'setun simulate --figures' lists",
                       simulation->program, machine->name, key);
    stn_explanation_destroy(e);
    return status;
}

void stn_explanation_destroy(stn_explanation *explanation)
{
    if (!explanation)
        return;
    stn_arena_deinit(&explanation->reasoning.arena);
    stn_free(explanation);
}

const stn_reason *stn_explanation_root(const stn_explanation *explanation)
{
    return explanation->root;
}
