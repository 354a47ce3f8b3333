/* SPDX-License-Identifier: MIT
 *
 * Digital units as a machine file asks for them. */
#include "memory/model.h"

stn_status stn_unit_source_read(const stn_yaml *units, double feature_m,
                                stn_tech_cache *technologies,
                                stn_figures *figures, stn_unit_source *out,
                                stn_error *err)
{
    static const char *const keys[] = {"transistors", "roadmap", NULL};
    stn_tech_choice transistors = {.node_nm = 1e9 * feature_m,
                                   .temperature_k = 300.0};
    stn_tech tech;
    STN_TRY(stn_yaml_check_keys(units, keys, err));
    STN_TRY(stn_array_text(units, "transistors", &transistors.set, err));
    STN_TRY(stn_array_text(units, "roadmap", &transistors.roadmap, err));
    /* Read here for its errors and its figures. */
    stn_status status =
        stn_tech_cache_load(technologies, &transistors, figures, &tech, err);
    if (status != STN_OK)
        return stn_fail_within(err, status, "%s:%d: units", units->file,
                               units->line);
    *out = (stn_unit_source){.of = {.tech = transistors.set,
                                    .roadmap = transistors.roadmap,
                                    .node_nm = transistors.node_nm,
                                    .temperature_k = transistors.temperature_k},
                             .technologies = technologies};
    return STN_OK;
}

stn_status stn_unit_chain_add(const stn_unit_source *source, stn_unit_kind kind,
                              int bits, int times, stn_unit_chain *chain,
                              stn_error *err)
{
    stn_unit_request request = source->of;
    stn_unit_report unit;
    request.kind = kind;
    request.bits = bits;
    STN_TRY(stn_tech_cache_unit(source->technologies, &request, &unit, err));
    chain->energy_j += times * unit.energy_j;
    chain->latency_s += times * unit.latency_s;
    chain->area_m2 += unit.area_m2;
    chain->leakage_w += unit.leakage_w;
    return STN_OK;
}
