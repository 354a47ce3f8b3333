/* SPDX-License-Identifier: MIT
 *
 * Figures: numbers with unit, source and confidence, read from YAML into SI.
 *
 * A figure without a source is not a figure, so nothing here has a default.
 * Limits of a row are wide, physical ones: they catch a wrong unit (pJ for
 * fJ), not a bold assumption. */
#include "memory/memory.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct unit {
    const char *name;
    stn_quantity quantity;
    double si;
} unit;

/* The first unit of a quantity is its SI unit (or stands for it). */
static const unit units[] = {
    {"J", STN_QUANTITY_ENERGY, 1.0},
    {"mJ", STN_QUANTITY_ENERGY, 1e-3},
    {"uJ", STN_QUANTITY_ENERGY, 1e-6},
    {"nJ", STN_QUANTITY_ENERGY, 1e-9},
    {"pJ", STN_QUANTITY_ENERGY, 1e-12},
    {"fJ", STN_QUANTITY_ENERGY, 1e-15},
    {"s", STN_QUANTITY_TIME, 1.0},
    {"ms", STN_QUANTITY_TIME, 1e-3},
    {"us", STN_QUANTITY_TIME, 1e-6},
    {"ns", STN_QUANTITY_TIME, 1e-9},
    {"ps", STN_QUANTITY_TIME, 1e-12},
    {"W", STN_QUANTITY_POWER, 1.0},
    {"mW", STN_QUANTITY_POWER, 1e-3},
    {"uW", STN_QUANTITY_POWER, 1e-6},
    {"nW", STN_QUANTITY_POWER, 1e-9},
    {"pW", STN_QUANTITY_POWER, 1e-12},
    {"m2", STN_QUANTITY_AREA, 1.0},
    {"mm2", STN_QUANTITY_AREA, 1e-6},
    {"um2", STN_QUANTITY_AREA, 1e-12},
    {"nm2", STN_QUANTITY_AREA, 1e-18},
    {"m", STN_QUANTITY_LENGTH, 1.0},
    {"mm", STN_QUANTITY_LENGTH, 1e-3},
    {"um", STN_QUANTITY_LENGTH, 1e-6},
    {"nm", STN_QUANTITY_LENGTH, 1e-9},
    {"F2", STN_QUANTITY_CELL, 1.0},
    {"1", STN_QUANTITY_RATIO, 1.0},
    {"F", STN_QUANTITY_WIDTH, 1.0},
    {"V", STN_QUANTITY_VOLTAGE, 1.0},
    {"mV", STN_QUANTITY_VOLTAGE, 1e-3},
    {"A", STN_QUANTITY_CURRENT, 1.0},
    {"mA", STN_QUANTITY_CURRENT, 1e-3},
    {"uA", STN_QUANTITY_CURRENT, 1e-6},
    {"nA", STN_QUANTITY_CURRENT, 1e-9},
    {"ohm", STN_QUANTITY_RESISTANCE, 1.0},
    {"kohm", STN_QUANTITY_RESISTANCE, 1e3},
    {"Mohm", STN_QUANTITY_RESISTANCE, 1e6},
    {"F", STN_QUANTITY_CAPACITANCE, 1.0},
    {"pF", STN_QUANTITY_CAPACITANCE, 1e-12},
    {"fF", STN_QUANTITY_CAPACITANCE, 1e-15},
    {"aF", STN_QUANTITY_CAPACITANCE, 1e-18},
    {"ohm m", STN_QUANTITY_RESISTIVITY, 1.0},
    {"A/m", STN_QUANTITY_CURRENT_PER_WIDTH, 1.0},
    {"uA/um", STN_QUANTITY_CURRENT_PER_WIDTH, 1.0},
    {"nA/um", STN_QUANTITY_CURRENT_PER_WIDTH, 1e-3},
    {"pA/um", STN_QUANTITY_CURRENT_PER_WIDTH, 1e-6},
    {"S/m", STN_QUANTITY_CONDUCTANCE_PER_WIDTH, 1.0},
    {"mS/um", STN_QUANTITY_CONDUCTANCE_PER_WIDTH, 1e3},
    {"F/m", STN_QUANTITY_CAPACITANCE_PER_WIDTH, 1.0},
    {"fF/um", STN_QUANTITY_CAPACITANCE_PER_WIDTH, 1e-9},
    {"F/m2", STN_QUANTITY_CAPACITANCE_PER_AREA, 1.0},
    {"ohm m2", STN_QUANTITY_RESISTANCE_AREA, 1.0},
    {"ohm um2", STN_QUANTITY_RESISTANCE_AREA, 1e-12},
    {"V m", STN_QUANTITY_MATCHING, 1.0},
    {"mV um", STN_QUANTITY_MATCHING, 1e-9},
    {"A/m", STN_QUANTITY_MAGNETISATION, 1.0},
    {"kA/m", STN_QUANTITY_MAGNETISATION, 1e3},
    {"T", STN_QUANTITY_FLUX_DENSITY, 1.0},
    {"mT", STN_QUANTITY_FLUX_DENSITY, 1e-3}};

#define N_UNITS (sizeof units / sizeof units[0])

/* See stn_figure.confidence. */
static const char *const confidences[] = {"text",    "code",   "derived",
                                          "assumed", "memory", NULL};

static const char *si_unit(stn_quantity quantity)
{
    size_t i = 0;
    while (units[i].quantity != quantity)
        i++;
    return units[i].name;
}

static stn_status find_unit(const stn_yaml *node, stn_quantity quantity,
                            const char *field, double *si, stn_error *err)
{
    const char *words[N_UNITS + 1] = {NULL};
    size_t n = 0;
    for (size_t i = 0; i < N_UNITS; i++) {
        if (units[i].quantity != quantity)
            continue;
        words[n++] = units[i].name;
        if (node->kind == STN_YAML_SCALAR &&
            strcmp(units[i].name, node->scalar) == 0) {
            *si = units[i].si;
            return STN_OK;
        }
    }
    char list[96] = "";
    size_t used = 0;
    for (size_t i = 0; i < n && used < sizeof list; i++)
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%s",
                                 i ? ", " : "", words[i]);
    return stn_yaml_fail(
        node, err, "%s.unit: got \"%.20s\", expected %s%s", field,
        node->kind == STN_YAML_SCALAR ? node->scalar : "a list or map",
        n > 1 ? "one of " : "", list);
}

#define WHOLE "{value: ..., unit: ..., source: ..., confidence: ...}"

/* Nodes that no file has and that were made on the way to a deeper one: by
 * --set, whose path they have for a place. */
static bool is_made(const stn_yaml *node)
{
    return node->line == 0 && node->kind == STN_YAML_MAP;
}

/* Bytes of a made node's own path within that place. */
static int path_bytes(const stn_yaml *node)
{
    const size_t n = strlen(node->key);
    const char *end = node->file + strlen(node->file);
    for (const char *at = node->file; *at;
         at += strcspn(at, "."), at += *at == '.')
        if (strncmp(at, node->key, n) == 0 && (at[n] == '.' || !at[n]))
            end = at + n;
    return (int)(end - node->file);
}

/* A member that must be there and be a text that is not empty. */
static stn_status need(const stn_yaml *node, const char *field,
                       const char *member, const stn_yaml **out, stn_error *err)
{
    const stn_yaml *child = stn_yaml_get(node, member);
    if (!child && is_made(node))
        return stn_yaml_fail(node, err,
                             "the file has no figure %s to change; give all of "
                             "it: --set '%.*s=" WHOLE "'",
                             field, path_bytes(node), node->file);
    if (!child || child->kind != STN_YAML_SCALAR || !child->scalar[0])
        return stn_yaml_fail(child ? child : node, err,
                             "%s.%s is missing: a figure is {value, unit, "
                             "source, confidence}",
                             field, member);
    *out = child;
    return STN_OK;
}

static stn_status append(stn_figures *list, stn_figure figure, stn_error *err)
{
    if (!figure.key || !figure.source)
        return stn_fail_memory(err, "the texts of a figure");
    if (list->n == list->capacity) {
        int capacity = list->capacity ? 2 * list->capacity : 32;
        stn_figure *items =
            stn_arena_alloc(list->arena, (size_t)capacity, sizeof *items);
        if (!items)
            return stn_fail_memory(err, "a list of figures");
        for (int i = 0; i < list->n; i++)
            items[i] = list->items[i];
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->n++] = figure;
    return STN_OK;
}

double stn_figures_probe(const stn_figures *figures, double value)
{
    return figures->probe == figures->n + 1 ? value * figures->factor : value;
}

stn_status stn_figures_add(stn_figures *figures, const char *prefix,
                           const char *name, double value, const char *si,
                           const char *source, stn_error *err)
{
    char key[128];
    if (!figures->arena)
        return STN_OK;
    snprintf(key, sizeof key, "%s.%s", prefix, name);
    return append(
        figures,
        (stn_figure){.key = stn_arena_string(figures->arena, key),
                     .value = value,
                     .unit = si,
                     .source = stn_arena_string(figures->arena, source),
                     .confidence = "derived"},
        err);
}

/* A ratio's unit, 1, is not said. */
static stn_status refuse_range(const stn_yaml *value, const stn_figure_row *row,
                               const char *key, double x, const char *given,
                               const char *si, stn_error *err)
{
    if (row->quantity == STN_QUANTITY_RATIO)
        return stn_yaml_fail(value, err,
                             "%s: got %.9g, expected from %.9g to %.9g", key, x,
                             row->min, row->max);
    return stn_yaml_fail(value, err,
                         "%s: got %.9g %s, expected from %.9g to %.9g %s", key,
                         x, given, row->min, row->max, si);
}

stn_status stn_figure_parse(stn_figures *figures, const char *prefix,
                            const stn_figure_row *row, const stn_yaml *node,
                            double *out, stn_error *err)
{
    static const char *const keys[] = {"value", "unit", "source", "confidence",
                                       NULL};
    const stn_yaml *value = NULL, *unit_node = NULL, *source = NULL,
                   *confidence = NULL;
    double x = 0.0, si = 0.0;
    int word = 0;
    char key[128], field[144];
    snprintf(key, sizeof key, "%s.%s", prefix, row->name);
    snprintf(field, sizeof field, "%s.value", key);
    if (node->kind != STN_YAML_MAP)
        return stn_yaml_fail(node, err,
                             "%s: a figure is {value, unit, source, "
                             "confidence}",
                             key);
    STN_TRY(stn_yaml_check_keys(node, keys, err));
    STN_TRY(need(node, key, "value", &value, err));
    STN_TRY(need(node, key, "unit", &unit_node, err));
    STN_TRY(need(node, key, "source", &source, err));
    STN_TRY(need(node, key, "confidence", &confidence, err));
    stn_yaml number = *value; /* that messages call by the whole field */
    number.key = field;
    STN_TRY(stn_yaml_number(&number, NULL, -INFINITY, INFINITY, &x, err));
    STN_TRY(find_unit(unit_node, row->quantity, key, &si, err));
    STN_TRY(stn_yaml_choice(confidence, confidences, &word, err));
    const char *unit_si = si_unit(row->quantity);
    if (!(x * si >= row->min && x * si <= row->max))
        return refuse_range(value, row, key, x, unit_node->scalar, unit_si,
                            err);
    *out = stn_figures_probe(figures, x * si);
    if (!figures->arena)
        return STN_OK;
    return append(
        figures,
        (stn_figure){.key = stn_arena_string(figures->arena, key),
                     .value = x * si,
                     .unit = unit_si,
                     .source = stn_arena_string(figures->arena, source->scalar),
                     .confidence = confidences[word]},
        err);
}

#define MAX_KEYS 32

stn_status stn_figures_parse(stn_figures *figures, const char *prefix,
                             const stn_figure_row *rows, const stn_yaml *map,
                             const char *const *also, void *target,
                             stn_error *err)
{
    const char *keys[MAX_KEYS + 1] = {NULL};
    int n = 0;
    if (map->kind != STN_YAML_MAP)
        return stn_yaml_fail(map, err, "%s: expected a map of figures", prefix);
    for (const stn_figure_row *r = rows; r->name && n < MAX_KEYS; r++)
        keys[n++] = r->name;
    for (const char *const *k = also; k && *k && n < MAX_KEYS; k++)
        keys[n++] = *k;
    STN_TRY(stn_yaml_check_keys(map, keys, err));
    for (const stn_figure_row *r = rows; r->name; r++) {
        const stn_yaml *node = stn_yaml_get(map, r->name);
        if (!node && is_made(map))
            return stn_yaml_fail(map, err,
                                 "%s.%s is missing; give it, too: --set "
                                 "'%.*s.%s=" WHOLE "'",
                                 prefix, r->name, path_bytes(map), map->file,
                                 r->name);
        if (!node)
            return stn_yaml_fail(map, err, "%s.%s is missing", prefix, r->name);
        STN_TRY(stn_figure_parse(figures, prefix, r, node,
                                 (double *)((char *)target + r->offset), err));
    }
    return STN_OK;
}
