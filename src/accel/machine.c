/* SPDX-License-Identifier: MIT
 *
 * Building a machine: its own file, its cell and its technology become one
 * table of energies, latencies and areas. Figures of the machine file go
 * before those of digital units, which go before the technology's. Texts are
 * copied, so that no file need stay in memory. Grammar: docs/machines.md. */
#include "accel/machine.h"
#include "memory/converter.h"
#include <stdio.h>
#include <string.h>

#define STN_ACCEL(name) extern const stn_accel_type stn_accel_##name;
#include "accel/accels.def"
#undef STN_ACCEL

const stn_accel_type *const stn_accel_types[] = {
#define STN_ACCEL(name) &stn_accel_##name,
#include "accel/accels.def"
#undef STN_ACCEL
    NULL};

/* Energy and latency of one event. */
typedef struct event_figures {
    double energy_j, latency_s;
} event_figures;

typedef struct baseline_attrs {
    int float_units;
} baseline_attrs;

typedef struct device_attrs {
    float spread, age, pictures;
    int seed;
} device_attrs;

/* 0 where a latency is within another step, or logic counted with other logic.
 * An event that took an energy of 0, or a quarter of kT, would be none. */
/* clang-format off */
static const stn_figure_row event_rows[] = {
    {"energy", STN_QUANTITY_ENERGY, 1e-21, 1e-6, offsetof(event_figures, energy_j)},
    {"latency", STN_QUANTITY_TIME, 0, 1e-3, offsetof(event_figures, latency_s)},
    {0}};
static const stn_figure_row area_rows[] = {
    {"column_logic", STN_QUANTITY_AREA, 0, 1e-9, offsetof(stn_machine, column_logic_m2)},
    {"sub_array_logic", STN_QUANTITY_AREA, 0, 1e-6, offsetof(stn_machine, sub_array_logic_m2)},
    {"lane", STN_QUANTITY_AREA, 1e-13, 1e-6, offsetof(stn_machine, lane_m2)},
    {"float_unit", STN_QUANTITY_AREA, 1e-13, 1e-6, offsetof(stn_machine, float_unit_m2)},
    {0}};
static const stn_attr baseline_table[] = {
    {"float_units", STN_ATTR_INT, offsetof(baseline_attrs, float_units),
     .initial = 64, .min = 1, .max = 1e6,
     .help = "float multiply-add units of each layer of the float baseline"},
    {0}};
static const stn_attr device_table[] = {
    {"spread", STN_ATTR_FLOAT, offsetof(device_attrs, spread),
     .initial = 0, .min = 0, .max = 10,
     .help = "multiple of the spreads in the device's file; 0: all cells are alike"},
    {"seed", STN_ATTR_INT, offsetof(device_attrs, seed),
     .initial = 1, .min = 0, .max = 1e9,
     .help = "which chip: of the cells and amplifiers that are drawn"},
    {"age", STN_ATTR_FLOAT, offsetof(device_attrs, age),
     .initial = 0, .min = 0, .max = 1e12,
     .help = "seconds since the weights were loaded: heat flips their bits"},
    {"pictures", STN_ATTR_FLOAT, offsetof(device_attrs, pictures),
     .initial = 0, .min = 0, .max = 1e18,
     .help = "pictures classified since then: readings flip them"},
    {0}};
/* clang-format on */

/* Events of the sub-array itself. */
static void array_events(stn_machine *m)
{
    const stn_array *a = &m->array;
    m->event_energy_j[STN_EVENT_row_read] = a->read_energy_j;
    m->event_latency_s[STN_EVENT_row_read] = a->read_latency_s;
    m->event_energy_j[STN_EVENT_row_logic2] = a->logic2_energy_j;
    m->event_latency_s[STN_EVENT_row_logic2] = a->logic2_latency_s;
    m->event_energy_j[STN_EVENT_row_logic3] = a->logic3_energy_j;
    m->event_latency_s[STN_EVENT_row_logic3] = a->logic3_latency_s;
    m->event_energy_j[STN_EVENT_row_copy] = a->copy_energy_j;
    m->event_latency_s[STN_EVENT_row_copy] = a->copy_latency_s;
    m->event_energy_j[STN_EVENT_row_write] = a->write_energy_j;
    m->event_latency_s[STN_EVENT_row_write] = a->write_latency_s;
}

/* Events whose figures come from the sub-array or from the family's circuits,
 * not from `events`. */
static bool is_array_event(stn_event event)
{
    return stn_events[event].component == STN_COMPONENT_ARRAY_READ ||
           stn_events[event].component == STN_COMPONENT_ARRAY_WRITE ||
           stn_events[event].component == STN_COMPONENT_CONVERTER;
}

static stn_status check_event_keys(const stn_yaml *map, stn_error *err)
{
    const char *names[STN_EVENT_COUNT + 1] = {NULL};
    int n = 0;
    for (int e = 0; e < STN_EVENT_COUNT; e++)
        if (!is_array_event((stn_event)e))
            names[n++] = stn_events[e].name;
    return stn_yaml_check_keys(map, names, err);
}

static stn_status list_unit(stn_machine *m, const char *prefix,
                            const char *name, double value, const char *si,
                            const char *made_of, stn_error *err)
{
    char source[128];
    snprintf(source, sizeof source, "%s, docs/memory.md", made_of);
    return stn_figures_add(&m->figures, prefix, name, value, si, source, err);
}

static bool is_empty(const stn_yaml *node)
{
    return node->kind == STN_YAML_SCALAR && !node->scalar[0];
}

/* A figure of the machine's own; left empty, it is as if it were not there. */
static const stn_yaml *own_figure(const stn_machine_files *f, const char *map,
                                  const char *name)
{
    const stn_yaml *node = stn_yaml_get(stn_yaml_get(f->root, map), name);
    return node && is_empty(node) ? NULL : node;
}

static stn_status read_event(stn_machine *m, stn_event event,
                             const stn_yaml *figures, stn_error *err)
{
    event_figures values = {0};
    STN_TRY(stn_figures_parse(&m->figures, stn_events[event].name, event_rows,
                              figures, NULL, &values, err));
    m->event_energy_j[event] = values.energy_j;
    m->event_latency_s[event] = values.latency_s;
    return STN_OK;
}

static stn_status check_events(const stn_machine_files *f, stn_error *err)
{
    const stn_yaml *own = stn_yaml_get(f->root, "events"), *tech = NULL;
    STN_TRY(stn_yaml_need_map(f->tech, "events", &tech, err));
    STN_TRY(check_event_keys(tech, err));
    return own && !is_empty(own) ? check_event_keys(own, err) : STN_OK;
}

static stn_status make_event(const stn_machine_files *f,
                             const stn_unit_figures *units, stn_machine *m,
                             stn_event e, stn_error *err)
{
    const char *name = stn_events[e].name, *made_of = units->made_of[e];
    const stn_yaml *node = own_figure(f, "events", name);
    if (node || !made_of) {
        const stn_yaml *tech = stn_yaml_get(f->tech, "events");
        node = node ? node : stn_yaml_get(tech, name);
        if (!node)
            return stn_yaml_fail(tech, err, "events.%s is missing", name);
        return read_event(m, e, node, err);
    }
    m->event_energy_j[e] = units->energy_j[e];
    m->event_latency_s[e] = units->latency_s[e];
    STN_TRY(
        list_unit(m, name, "energy", units->energy_j[e], "J", made_of, err));
    return list_unit(m, name, "latency", units->latency_s[e], "s", made_of,
                     err);
}

static stn_status read_areas(const stn_machine_files *f,
                             const stn_unit_figures *units, stn_machine *m,
                             stn_error *err)
{
    static const char *const keys[] = {"column_logic", "sub_array_logic",
                                       "lane", "float_unit", NULL};
    const char *const made_of[] = {units->column, units->logic, units->lane,
                                   NULL};
    const double derived_m2[] = {units->column_m2, units->logic_m2,
                                 units->lane_m2, 0.0};
    const stn_yaml *own = stn_yaml_get(f->root, "areas"), *tech = NULL;
    STN_TRY(stn_yaml_need_map(f->tech, "areas", &tech, err));
    STN_TRY(stn_yaml_check_keys(tech, keys, err));
    if (own && !is_empty(own))
        STN_TRY(stn_yaml_check_keys(own, keys, err));
    for (int i = 0; area_rows[i].name; i++) {
        const stn_figure_row *row = &area_rows[i];
        double *value_m2 = (double *)((char *)m + row->offset);
        const stn_yaml *node = own_figure(f, "areas", row->name);
        if (!node && made_of[i]) {
            *value_m2 = derived_m2[i];
            STN_TRY(list_unit(m, "area", row->name, *value_m2, "m2", made_of[i],
                              err));
            continue;
        }
        node = node ? node : stn_yaml_get(tech, row->name);
        if (!node)
            return stn_yaml_fail(tech, err, "areas.%s is missing", row->name);
        STN_TRY(
            stn_figure_parse(&m->figures, "area", row, node, value_m2, err));
    }
    m->logic_leakage_w = units->logic_leakage_w;
    if (m->logic_leakage_w == 0.0)
        return STN_OK;
    return list_unit(m, "leakage", "sub_array_logic", m->logic_leakage_w, "W",
                     "units beside a sub-array", err);
}

static stn_status find_family(const stn_yaml *root, stn_machine *m,
                              stn_error *err)
{
    const char *names[17] = {NULL};
    const stn_yaml *node = NULL;
    int index = 0;
    for (int i = 0; stn_accel_types[i] && i < 16; i++)
        names[i] = stn_accel_types[i]->name;
    STN_TRY(stn_yaml_need_text(root, "family", &node, err));
    STN_TRY(stn_yaml_choice(node, names, &index, err));
    m->type = stn_accel_types[index];
    return STN_OK;
}

static stn_status read_options(const stn_machine_files *f, stn_machine *m,
                               stn_error *err)
{
    baseline_attrs baseline = {0};
    const stn_accel_type *before = m->type;
    STN_TRY(find_family(f->root, m, err));
    if (m->type != before) { /* else there is room, of the machine before */
        m->attrs = stn_arena_alloc(&m->arena, 1, m->type->attrs_size);
        m->circuits = NULL;
    }
    if (!m->attrs)
        return stn_fail_memory(err, "the options of a machine");
    const stn_yaml *options = stn_yaml_get(f->root, "options");
    STN_TRY(
        stn_attrs_parse(m->type->attrs, options, NULL, NULL, m->attrs, err));
    if (options && m->type->check)
        STN_TRY(m->type->check(options, m->attrs, err));
    STN_TRY(stn_attrs_parse(baseline_table, stn_yaml_get(f->root, "baseline"),
                            NULL, NULL, &baseline, err));
    m->float_units = baseline.float_units;
    return STN_OK;
}

static stn_status read_circuits(const stn_machine_files *f, stn_machine *m,
                                stn_error *err)
{
    const stn_yaml *circuits = stn_yaml_get(f->root, "circuits");
    const stn_yaml *converters = stn_yaml_get(f->root, "converters");
    if (converters && !m->type->adc)
        return stn_yaml_fail(converters, err, "the %s family has no converters",
                             m->type->name);
    if (!m->type->circuits)
        return circuits ? stn_yaml_fail(circuits, err,
                                        "the %s family has no circuits",
                                        m->type->name)
                        : STN_OK;
    STN_TRY(stn_yaml_need_map(f->root, "circuits", &circuits, err));
    return m->type->circuits(circuits, converters != NULL, m, err);
}

/* Some replace those of the sub-array. */
static stn_status make_circuit_events(const stn_machine_files *f,
                                      const stn_array_choice *choice,
                                      stn_machine *m, stn_error *err)
{
    const bool modelled = stn_yaml_get(f->root, "converters") != NULL;
    stn_converter_source converters;
    if (!m->type->circuit_events)
        return STN_OK;
    if (modelled)
        STN_TRY(stn_machine_converters(f, choice, m, &converters, err));
    return m->type->circuit_events(m, modelled ? &converters : NULL, err);
}

/* A spread of 0 is an ideal device, which ages nevertheless. */
static stn_status use_device(const stn_mtj *mtj, const device_attrs *attrs,
                             stn_machine *m, stn_error *err)
{
    bool aged = attrs->age > 0 || attrs->pictures > 0;
    if (attrs->spread == 0 && !aged)
        return STN_OK;
    stn_mtj *own = stn_arena_alloc(&m->arena, 1, sizeof *own);
    if (!own)
        return stn_fail_memory(err, "the device of a machine");
    *own = stn_mtj_at_spread(mtj, (double)attrs->spread);
    m->device_seed = attrs->seed;
    m->aged = aged ? own : NULL;
    m->age_s = (double)attrs->age;
    m->pictures = (double)attrs->pictures;
    if (attrs->spread == 0)
        return STN_OK;
    m->device = own;
    return STN_OK;
}

/* Costs do not depend on it, and a machine that is only costed does without. */
static stn_status read_device(const stn_machine_files *f, stn_machine *m,
                              stn_error *err)
{
    static const char *const also[] = {"name", NULL};
    const stn_yaml *map = stn_yaml_get(f->root, "device"), *name = NULL;
    device_attrs attrs = {0};
    stn_mtj mtj = {0};
    if (map && m->type->no_device)
        return stn_yaml_fail(map, err, "the %s family takes no device: %s",
                             m->type->name, m->type->no_device);
    if (!map || f->unlisted)
        return STN_OK;
    STN_TRY(stn_yaml_need_map(f->root, "device", &map, err));
    STN_TRY(stn_yaml_need_text(map, "name", &name, err));
    STN_TRY(stn_attrs_parse(device_table, map, NULL, also, &attrs, err));
    stn_status status = stn_mtj_load(name->scalar, &m->figures, &mtj, err);
    if (status != STN_OK && name->line)
        return stn_fail_within(err, status, "%s:%d", name->file, name->line);
    return status == STN_OK ? use_device(&mtj, &attrs, m, err) : status;
}

static stn_status check_files(const stn_machine_files *f, stn_error *err)
{
    static const char *const keys[] = {
        "title", "family",   "cell",       "device",  "tech",     "array",
        "bank",  "units",    "buffer",     "options", "baseline", "events",
        "areas", "circuits", "converters", NULL};
    static const char *const tech_keys[] = {"title", "feature_size", "events",
                                            "areas", NULL};
    STN_TRY(stn_yaml_check_keys(f->root, keys, err));
    return stn_yaml_check_keys(f->tech, tech_keys, err);
}

static stn_status copy_title(const stn_machine_files *f, stn_machine *m,
                             stn_error *err)
{
    const stn_yaml *title = NULL;
    STN_TRY(stn_yaml_need_text(f->root, "title", &title, err));
    m->title = stn_arena_string(&m->arena, title->scalar);
    return m->title ? STN_OK : stn_fail_memory(err, "the title of a machine");
}

static bool same_areas(const stn_unit_figures *a, const stn_unit_figures *b)
{
    return a->column == b->column && a->logic == b->logic &&
           a->lane == b->lane && a->column_m2 == b->column_m2 &&
           a->logic_m2 == b->logic_m2 && a->lane_m2 == b->lane_m2 &&
           a->logic_leakage_w == b->logic_leakage_w;
}

/* What units change of events and areas makes these stale. */
static stn_status make_units(const stn_machine_files *f,
                             const stn_array_choice *choice,
                             stn_machine_kept *k, stn_machine *m,
                             stn_error *err)
{
    stn_unit_figures u = {0}, *old = &k->units;
    m->bank_m2 = m->bank_leakage_w = 0.0;
    m->buffer_bit_m2 = m->buffer_bit_w = 0.0;
    STN_TRY(stn_machine_units(f, choice, &k->buffer, m, &u, err));
    for (int e = 0; e < STN_EVENT_COUNT; e++)
        if (u.made_of[e] != old->made_of[e] ||
            u.energy_j[e] != old->energy_j[e] ||
            u.latency_s[e] != old->latency_s[e])
            k->stale_events |= (uint64_t)1 << e;
    if (!same_areas(&u, old))
        k->stale |= STN_MAKE_AREAS;
    k->units = u;
    return STN_OK;
}

static stn_status make_events(const stn_machine_files *f,
                              const stn_machine_kept *k, stn_machine *m,
                              stn_error *err)
{
    for (int e = 0; e < STN_EVENT_COUNT; e++)
        if (k->stale_events >> e & 1 && !is_array_event((stn_event)e))
            STN_TRY(make_event(f, &k->units, m, (stn_event)e, err));
    return STN_OK;
}

static stn_status make_array(const stn_machine_files *f,
                             const stn_array_choice *choice, stn_machine *m,
                             stn_error *err)
{
    if (f->array)
        m->array = *f->array;
    else
        STN_TRY(stn_array_create(choice, &m->figures, &m->array, err));
    array_events(m);
    return STN_OK;
}

/* Units look at the options, the sub-array and the buffer's. */
static void spread_staleness(stn_machine_kept *k)
{
    if (k->stale & (STN_MAKE_ARRAY | STN_MAKE_OPTIONS | STN_MAKE_BUFFER))
        k->stale |= STN_MAKE_UNITS;
}

stn_status stn_machine_make(const stn_machine_files *f, stn_machine_kept *k,
                            stn_machine *m, stn_error *err)
{
    stn_array_choice choice = {.cell_name = f->cell_name,
                               .tech_name = f->tech_name,
                               .cell = f->cell,
                               .tech = f->tech,
                               .technologies = f->technologies};
    const unsigned converters =
        STN_MAKE_ARRAY | STN_MAKE_OPTIONS | STN_MAKE_CIRCUITS;
    spread_staleness(k);
    if (k->stale & STN_MAKE_REST)
        STN_TRY(check_files(f, err));
    STN_TRY(copy_title(f, m, err));
    STN_TRY(stn_yaml_need_map(f->root, "array", &choice.array, err));
    if (k->stale & STN_MAKE_ARRAY)
        STN_TRY(make_array(f, &choice, m, err));
    if (k->stale & STN_MAKE_OPTIONS)
        STN_TRY(read_options(f, m, err));
    if (k->stale & STN_MAKE_BUFFER)
        STN_TRY(stn_machine_buffer(f, &choice, m, &k->buffer, err));
    if (k->stale & STN_MAKE_UNITS)
        STN_TRY(make_units(f, &choice, k, m, err));
    if (k->stale & STN_MAKE_REST)
        STN_TRY(check_events(f, err));
    STN_TRY(make_events(f, k, m, err));
    if (k->stale & STN_MAKE_AREAS)
        STN_TRY(read_areas(f, &k->units, m, err));
    if (k->stale & STN_MAKE_CIRCUITS)
        STN_TRY(read_circuits(f, m, err));
    if (k->stale & converters)
        STN_TRY(make_circuit_events(f, &choice, m, err));
    return k->stale & STN_MAKE_REST ? read_device(f, m, err) : STN_OK;
}

void stn_machine_destroy(stn_machine *machine)
{
    if (!machine)
        return;
    stn_arena_deinit(&machine->arena);
    stn_free(machine);
}

const char *stn_machine_name(const stn_machine *machine)
{
    return machine->name;
}

const char *stn_machine_title(const stn_machine *machine)
{
    return machine->title;
}

int stn_machine_adcs(const stn_machine *machine, stn_adc_cost *costs,
                     int capacity)
{
    stn_adc_cost cost = {0};
    int n = 0;
    while (machine->type->adc && machine->type->adc(machine, n + 1, &cost)) {
        if (n < capacity)
            costs[n] = cost;
        n++;
    }
    return n;
}

size_t stn_machine_figures(const stn_machine *machine,
                           const stn_figure **figures)
{
    *figures = machine->figures.items;
    return (size_t)machine->figures.n;
}
