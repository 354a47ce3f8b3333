/* SPDX-License-Identifier: MIT
 *
 * Precharge: two PMOS pull both bit lines of a column up and a third
 * equalises them; an inverter per column drives the three gates, one chain of
 * drivers the inverters. It happens before the access, so it costs energy and
 * area but no latency. The charge of the bit lines is the bit line's. */
#include "memory/circuit.h"
#include <math.h>

static const double PULL_UP = 6.0; /* features */

stn_part_cost stn_precharge_cost(const stn_precharge *p)
{
    const stn_device *d = p->device;
    double region_m = STN_ROW_REGION * d->feature_m;
    stn_gate up = {
        .inputs = 1, .width_p_m = PULL_UP * d->feature_m, .region_m = region_m};
    stn_gate equaliser = {
        .inputs = 1, .width_p_m = stn_min_width(d), .region_m = region_m};
    stn_gate inverter = stn_gate_minimum(d, 1);
    inverter.region_m = region_m;
    double inverter_f = stn_gate_input_f(d, &inverter);
    stn_driver driver = stn_driver_size(
        d, 1.0, inverter_f, p->columns * (inverter_f + p->line_f_per_column),
        0.0, 0);
    stn_part_cost chain = stn_driver_cost(&driver, STN_STEP_RAMP);
    double gates_f = 2.0 * stn_gate_input_f(d, &up) +
                     stn_gate_input_f(d, &equaliser) +
                     stn_drain_f(d, inverter.width_n_m, 0.0, region_m) +
                     stn_drain_f(d, 0.0, inverter.width_p_m, region_m);
    stn_box up_box = stn_gate_box(d, &up);
    stn_box equaliser_box = stn_gate_box(d, &equaliser);
    stn_box inverter_box = stn_gate_box(d, &inverter);
    double column_m = fmax(2.0 * up_box.width_m + equaliser_box.width_m,
                           inverter_box.width_m);
    stn_part_cost cost = {
        .energy_j =
            chain.energy_j + p->columns * gates_f * d->supply_v * d->supply_v,
        .leakage_w =
            chain.leakage_w + p->columns * (stn_gate_leakage_w(d, &inverter) +
                                            stn_gate_leakage_w(d, &up)),
        .box.width_m = fmax(p->columns * column_m, chain.box.width_m),
        .box.height_m = fmax(fmax(up_box.height_m, equaliser_box.height_m) +
                                 inverter_box.height_m,
                             chain.box.height_m),
    };
    cost.area_m2 = cost.box.width_m * cost.box.height_m;
    return cost;
}
