/* SPDX-License-Identifier: MIT
 *
 * Converters as a machine file asks for them. */
#include "memory/converter.h"
#include <stdio.h>

/* clang-format off */
static const stn_figure_row rows[] = {
    {"full_scale", STN_QUANTITY_VOLTAGE, 0.05, 2, offsetof(stn_converter, full_scale_v)},
    {"unit_capacitor", STN_QUANTITY_CAPACITANCE, 1e-17, 1e-12, offsetof(stn_converter, unit_f)},
    {"capacitor_matching", STN_QUANTITY_LENGTH, 1e-10, 1e-6, offsetof(stn_converter, mismatch_m)},
    {0}};
static const stn_figure_row supply_row =
    {"supply", STN_QUANTITY_VOLTAGE, 0.2, 5, 0};
/* clang-format on */

/* Lays a supply of their own over the transistors. */
static stn_status read_supply(const stn_yaml *map, stn_figures *figures,
                              stn_device *d, stn_error *err)
{
    const stn_yaml *node = stn_yaml_get(map, supply_row.name);
    double supply_v = 0.0;
    if (!node)
        return STN_OK;
    STN_TRY(stn_figure_parse(figures, "converters", &supply_row, node,
                             &supply_v, err));
    double low_v = stn_device_lowest_v(d), high_v = stn_device_highest_v(d);
    if (!(supply_v >= low_v && supply_v <= high_v))
        return stn_yaml_fail(stn_yaml_get(node, "value"), err,
                             "supply: got %.4g V, expected from %.4g to %.4g V "
                             "with these transistors",
                             supply_v, low_v, high_v);
    *d = stn_device_at_supply(d, supply_v);
    return STN_OK;
}

stn_status stn_converter_source_read(const stn_yaml *map, double feature_m,
                                     stn_tech_cache *technologies,
                                     stn_figures *figures,
                                     stn_converter_source *out, stn_error *err)
{
    static const char *const also[] = {"transistors", "roadmap", "supply",
                                       NULL};
    stn_tech_choice choice = {.node_nm = 1e9 * feature_m,
                              .temperature_k = 300.0};
    stn_converter_source s = {.of.temperature_k = choice.temperature_k,
                              .technologies = technologies};
    STN_TRY(
        stn_figures_parse(figures, "converters", rows, map, also, &s.of, err));
    STN_TRY(stn_array_text(map, "transistors", &choice.set, err));
    STN_TRY(stn_array_text(map, "roadmap", &choice.roadmap, err));
    stn_status status =
        stn_tech_cache_load(technologies, &choice, figures, &s.of.tech, err);
    if (status != STN_OK)
        return stn_fail_within(err, status, "%s:%d: converters", map->file,
                               map->line);
    STN_TRY(read_supply(map, figures, &s.of.tech.device, err));
    double supply_v = s.of.tech.device.supply_v;
    if (s.of.full_scale_v > supply_v)
        return stn_yaml_fail(stn_yaml_get(map, "full_scale"), err,
                             "full_scale: got %.4g V, expected at most the "
                             "supply, %.4g V",
                             s.of.full_scale_v, supply_v);
    snprintf(s.made_of, sizeof s.made_of, "%.20s %.8s %.3g nm, %.3g V",
             choice.set, choice.roadmap, choice.node_nm, supply_v);
    *out = s;
    return STN_OK;
}

stn_row_line stn_converter_row(const stn_converter *c, int columns,
                               double cell_m)
{
    const stn_tech *t = &c->tech;
    double row_m = columns * cell_m;
    double gate_f = stn_gate_capacitance(&t->device, stn_min_width(&t->device));
    return (stn_row_line){.farad = row_m * t->local.farad_m + columns * gate_f,
                          .ohm = row_m * t->local.ohm_m};
}
