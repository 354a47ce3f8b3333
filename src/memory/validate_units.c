/* SPDX-License-Identifier: MIT
 *
 * Digital units against the table of Horowitz ("Computing's energy problem",
 * ISSCC 2014; 45 nm, 0.9 V), quoted from memory. Its units are synthesised for
 * a clock, ours are the textbook's and abut: reported, not judged. */
#include "memory/validate.h"
#include "setun/unit.h"
#include <stdio.h>

static stn_status put(const char *quantity, const stn_unit_request *q,
                      const char *unit, double reference, double model,
                      stn_validate_list *list, stn_error *err)
{
    stn_agreement item = {
        .rung = "units", .reference = reference, .model = model};
    snprintf(item.quantity, sizeof item.quantity, "%s", quantity);
    snprintf(item.group, sizeof item.group, "%s of %d bits",
             stn_unit_name(q->kind), q->bits);
    snprintf(item.unit, sizeof item.unit, "%s", unit);
    return stn_validate_add_single(list, &item, err);
}

stn_status stn_validate_units(stn_validate_list *list, stn_error *err)
{
    static const struct {
        stn_unit_kind kind;
        int bits;
        double energy_pj, area_um2;
    } table[] = {{STN_UNIT_ADDER, 8, 0.03, 36},
                 {STN_UNIT_ADDER, 32, 0.1, 137},
                 {STN_UNIT_MULTIPLIER, 8, 0.2, 282},
                 {STN_UNIT_MULTIPLIER, 32, 3.1, 3495}};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        const stn_unit_request q = {.kind = table[i].kind,
                                    .bits = table[i].bits,
                                    .tech = "ptm",
                                    .roadmap = "HP",
                                    .node_nm = 45,
                                    .temperature_k = 300};
        stn_unit_report r;
        STN_TRY(stn_unit_evaluate(&q, &r, err));
        STN_TRY(put("energy", &q, "pJ", table[i].energy_pj, 1e12 * r.energy_j,
                    list, err));
        STN_TRY(put("area", &q, "um2", table[i].area_um2, 1e12 * r.area_m2,
                    list, err));
    }
    return STN_OK;
}
