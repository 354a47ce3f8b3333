/* SPDX-License-Identifier: MIT
 *
 * Cost: a fold of event counts over the figures of a machine, and the
 * simulation object that holds the result.
 *
 * Energy is paid for every event, time passes for steps. Sub-arrays and what
 * a layer has of the buffer leak while that layer runs; memory cells keep their
 * content without power, so layers that wait are taken to be switched off. */
#include "accel/accel.h"
#include <stdio.h>
#include <string.h>

/* The public struct with the memory it points into. */
typedef struct simulation_image {
    stn_simulation simulation;
    stn_layer_event *layer_events; /* room for every event of every layer */
    stn_arena arena;
} simulation_image;

const char *stn_component_name(stn_component component)
{
    static const char *const names[STN_COMPONENT_COUNT] = {
        "array_read", "array_write", "converter", "logic",
        "buffer",     "link",        "leakage"};
    return names[component];
}

const char *stn_part_name(stn_part part)
{
    static const char *const names[STN_PART_COUNT] = {
        "array", "logic", "converter", "buffer", "link"};
    return names[part];
}

static double sum_parts(const double part[STN_PART_COUNT])
{
    double sum = 0.0;
    for (int k = 0; k < STN_PART_COUNT; k++)
        sum += part[k];
    return sum;
}

double stn_cost_area_m2(const stn_cost *cost)
{
    return sum_parts(cost->area_m2);
}

double stn_cost_energy_j(const stn_cost *cost)
{
    double sum = 0.0;
    for (int c = 0; c < STN_COMPONENT_COUNT; c++)
        sum += cost->energy_j[c];
    return sum;
}

void stn_machine_parts_w(const stn_machine *machine, double w[STN_PART_COUNT])
{
    memset(w, 0, STN_PART_COUNT * sizeof *w);
    w[STN_PART_ARRAY] = machine->array.leakage_w;
    w[STN_PART_LOGIC] = machine->logic_leakage_w;
    w[STN_PART_LINK] = machine->bank_leakage_w;
}

void stn_machine_parts_m2(const stn_machine *machine, double m2[STN_PART_COUNT])
{
    memset(m2, 0, STN_PART_COUNT * sizeof *m2);
    m2[STN_PART_ARRAY] = machine->array.area_m2;
    m2[STN_PART_LOGIC] = machine->sub_array_logic_m2 +
                         machine->array.columns * machine->column_logic_m2;
    m2[STN_PART_LINK] = machine->bank_m2;
}

double stn_machine_leakage_w(const stn_machine *machine)
{
    double w[STN_PART_COUNT];
    stn_machine_parts_w(machine, w);
    return sum_parts(w);
}

double stn_machine_area_m2(const stn_machine *machine)
{
    double m2[STN_PART_COUNT];
    stn_machine_parts_m2(machine, m2);
    return sum_parts(m2);
}

/* Area and leakage, once the time is known. */
static void add_parts(const stn_machine *machine, const stn_cost_input *in,
                      stn_cost *cost)
{
    double one_w[STN_PART_COUNT], one_m2[STN_PART_COUNT];
    stn_machine_parts_w(machine, one_w);
    stn_machine_parts_m2(machine, one_m2);
    for (int k = 0; k < STN_PART_COUNT; k++) {
        cost->leakage_j[k] =
            (double)in->sub_arrays * one_w[k] * cost->latency_s;
        cost->area_m2[k] = (double)cost->sub_arrays * one_m2[k];
    }
    cost->leakage_j[STN_PART_CONVERTER] = in->converter_w * cost->latency_s;
    double bits = (double)in->buffer_bits;
    cost->leakage_j[STN_PART_BUFFER] =
        bits * machine->buffer_bit_w * cost->latency_s;
    cost->area_m2[STN_PART_BUFFER] = bits * machine->buffer_bit_m2;
    cost->area_m2[STN_PART_LOGIC] += in->logic_m2;
    cost->area_m2[STN_PART_CONVERTER] = in->converter_m2;
}

stn_cost stn_cost_fold(const stn_machine *machine, const stn_cost_input *in)
{
    stn_cost cost = {.sub_arrays = in->sub_arrays - in->borrowed,
                     .active_sub_arrays = in->sub_arrays - in->borrowed,
                     .utilisation = in->utilisation};
    for (int e = 0; e < STN_EVENT_COUNT; e++) {
        if (!in->row->total[e] && !in->row->steps[e])
            continue; /* most, and sweeps fold often */
        double total = (double)in->row->total[e] / in->n_pictures;
        double steps = (double)in->row->steps[e] / in->n_pictures;
        cost.energy_j[stn_events[e].component] +=
            total * machine->event_energy_j[e];
        cost.latency_s += steps * machine->event_latency_s[e];
    }
    add_parts(machine, in, &cost);
    cost.energy_j[STN_COMPONENT_LEAKAGE] = sum_parts(cost.leakage_j);
    return cost;
}

stn_cost stn_cost_placed(const stn_machine *machine,
                         const stn_placement *placement,
                         const stn_ledger_row *row, double n_pictures)
{
    return stn_cost_fold(
        machine, &(stn_cost_input){.row = row,
                                   .n_pictures = n_pictures,
                                   .sub_arrays = placement->sub_arrays,
                                   .borrowed = placement->borrowed,
                                   .logic_m2 = placement->logic_m2 +
                                               (double)placement->lanes *
                                                   machine->lane_m2,
                                   .converter_m2 = placement->converter_m2,
                                   .converter_w = placement->converter_w,
                                   .buffer_bits = placement->buffer_bits,
                                   .utilisation = placement->utilisation});
}

void stn_cost_add(stn_cost *total, const stn_cost *layer)
{
    double latency_s = total->latency_s + layer->latency_s;
    if (latency_s > 0.0)
        total->utilisation = (total->utilisation * total->latency_s +
                              layer->utilisation * layer->latency_s) /
                             latency_s;
    for (int c = 0; c < STN_COMPONENT_COUNT; c++)
        total->energy_j[c] += layer->energy_j[c];
    total->latency_s = latency_s;
    for (int k = 0; k < STN_PART_COUNT; k++) {
        total->leakage_j[k] += layer->leakage_j[k];
        total->area_m2[k] += layer->area_m2[k];
    }
    total->sub_arrays += layer->sub_arrays;
    total->active_sub_arrays += layer->active_sub_arrays;
}

stn_status stn_simulation_create(int n_layers, stn_simulation **out,
                                 stn_error *err)
{
    simulation_image *image = stn_alloc(1, sizeof *image);
    if (!image)
        return stn_fail_memory(err, "a simulation");
    stn_simulation *s = &image->simulation;
    s->n_layers = n_layers;
    s->layers =
        stn_arena_alloc(&image->arena, (size_t)n_layers, sizeof *s->layers);
    s->events =
        stn_arena_alloc(&image->arena, STN_EVENT_COUNT, sizeof *s->events);
    image->layer_events =
        stn_arena_alloc(&image->arena, (size_t)n_layers * STN_EVENT_COUNT,
                        sizeof *image->layer_events);
    if (!s->layers || !s->events || !image->layer_events) {
        stn_simulation_destroy(s);
        return stn_fail_memory(err, "a simulation");
    }
    *out = s;
    return STN_OK;
}

void *stn_simulation_alloc(stn_simulation *simulation, size_t count,
                           size_t size)
{
    return stn_arena_alloc(&((simulation_image *)simulation)->arena, count,
                           size);
}

stn_status stn_simulation_name(stn_simulation *simulation, int layer,
                               const char *name, stn_error *err)
{
    simulation_image *image = (simulation_image *)simulation;
    simulation->layers[layer].name = stn_arena_string(&image->arena, name);
    if (!simulation->layers[layer].name)
        return stn_fail_memory(err, "the name of a layer");
    return STN_OK;
}

/* Events of each layer, which the simulation's list of events knows. */
static void list_layer_events(stn_simulation *s, const stn_machine *machine,
                              const stn_ledger *ledger, double n_pictures,
                              const int *index)
{
    simulation_image *image = (simulation_image *)s;
    s->layer_events = image->layer_events;
    s->n_layer_events = 0;
    for (int i = 0; i < ledger->n; i++)
        for (int e = 0; e < STN_EVENT_COUNT; e++) {
            const stn_ledger_row *row = &ledger->rows[i];
            if (!row->total[e] && !row->steps[e])
                continue;
            double count = (double)row->total[e] / n_pictures;
            double steps = (double)row->steps[e] / n_pictures;
            image->layer_events[s->n_layer_events++] = (stn_layer_event){
                .layer = i,
                .event = index[e],
                .count = count,
                .energy_j = count * machine->event_energy_j[e],
                .latency_s = steps * machine->event_latency_s[e]};
        }
}

void stn_simulation_sum(stn_simulation *simulation, const stn_machine *machine,
                        const stn_ledger *ledger, double n_pictures)
{
    snprintf(simulation->machine, sizeof simulation->machine, "%s",
             machine->name);
    int index[STN_EVENT_COUNT] = {0};
    simulation->n_events = 0;
    for (int e = 0; e < STN_EVENT_COUNT; e++) {
        uint64_t total = 0, steps = 0;
        for (int i = 0; i < ledger->n; i++) {
            total += ledger->rows[i].total[e];
            steps += ledger->rows[i].steps[e];
        }
        if (!total && !steps)
            continue;
        index[e] = simulation->n_events;
        double count = (double)total / n_pictures;
        simulation->events[simulation->n_events++] =
            (stn_event_count){.name = stn_events[e].name,
                              .unit = stn_events[e].unit,
                              .component = stn_events[e].component,
                              .count = count,
                              .energy_j = count * machine->event_energy_j[e]};
    }
    list_layer_events(simulation, machine, ledger, n_pictures, index);
    simulation->total = (stn_cost){0};
    for (int i = 0; i < simulation->n_layers; i++)
        stn_cost_add(&simulation->total, &simulation->layers[i].cost);
}

void stn_simulation_destroy(stn_simulation *simulation)
{
    if (!simulation)
        return;
    simulation_image *image = (simulation_image *)simulation;
    stn_arena_deinit(&image->arena);
    stn_free(image);
}
