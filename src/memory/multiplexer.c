/* SPDX-License-Identifier: MIT
 *
 * Column multiplexers: one NMOS pass transistor per bit line, several sharing
 * a sense amplifier. They swing to a threshold below the supply. */
#include "memory/circuit.h"
#include <math.h>

/* RC time constants until an output has settled to 10 %. */
static const double SETTLE = 2.3;

double stn_multiplexer_pass_f(const stn_multiplexer *m)
{
    if (m->inputs < 2)
        return 0.0;
    return stn_drain_f(m->device, m->width_m, 0.0,
                       STN_ROW_REGION * m->device->feature_m);
}

double stn_multiplexer_pass_ohm(const stn_multiplexer *m)
{
    return m->inputs < 2 ? 0.0 : stn_resistance_n(m->device, m->width_m);
}

stn_part_cost stn_multiplexer_cost(const stn_multiplexer *m)
{
    const stn_device *d = m->device;
    if (m->inputs < 2)
        return (stn_part_cost){0};
    stn_gate pass = {.inputs = 1,
                     .width_n_m = m->width_m,
                     .region_m = STN_ROW_REGION * d->feature_m};
    stn_box box = stn_gate_box(d, &pass);
    double output_f = m->inputs * stn_multiplexer_pass_f(m) + m->load_f;
    stn_part_cost cost = {
        .latency_s = SETTLE * stn_multiplexer_pass_ohm(m) * output_f,
        .energy_j =
            m->count * output_f * d->supply_v * (d->supply_v - d->threshold_v),
        .box = {.width_m = m->count * m->inputs * box.width_m,
                .height_m = box.height_m},
    };
    cost.area_m2 = cost.box.width_m * cost.box.height_m;
    return cost;
}
