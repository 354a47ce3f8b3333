/* SPDX-License-Identifier: MIT
 *
 * Write drivers: a pair of lines for each written bit, of which a write drives
 * one up and the other down. Of SRAM and DRAM they are the bit line and its
 * complement, of resistive cells both ends of the cell, so that current or
 * voltage can be turned round.
 *
 * A line's driver is a NAND of data and enable and a chain sized by logical
 * effort. Where a current is forced, the chain ends in an inverter whose
 * transistors carry it with no more than their share of the supply across each.
 * In that range a transistor conducts at least as its on-current over the
 * supply says, so that the widths are an upper bound. The voltage of cells that
 * are written above the supply is taken as given: no level shifters. */
#include "memory/circuit.h"
#include <math.h>

/* The inverter at the end of one line. */
static stn_gate output(const stn_write_driver *w)
{
    const stn_device *d = w->device;
    double a = w->write_a / w->headroom;
    return (stn_gate){.kind = STN_GATE_INVERTER,
                      .inputs = 1,
                      .width_n_m = fmax(a / d->on_n_a_m, stn_min_width(d)),
                      .width_p_m =
                          fmax(a / d->on_p_a_m, d->pn_ratio * stn_min_width(d)),
                      .region_m = STN_ROW_REGION * d->feature_m};
}

/* One line's, with its own energy: what the line itself takes is left out. */
static stn_part_cost line_cost(const stn_write_driver *w)
{
    const stn_device *d = w->device;
    double square = d->supply_v * d->supply_v;
    bool forces = w->write_a > 0.0;
    stn_gate last = output(w);
    stn_decoder chain = {.device = d,
                         .outputs = 1,
                         .inputs = 2,
                         .load_f =
                             forces ? stn_gate_input_f(d, &last) : w->load_f,
                         .load_ohm = forces ? 0.0 : w->load_ohm};
    stn_part_cost cost = stn_decoder_cost(&chain, STN_STEP_RAMP);
    if (!forces) {
        cost.energy_j -= w->load_f * square;
        return cost;
    }
    stn_box box = stn_gate_box(d, &last);
    cost.latency_s += stn_gate_delay(d, &last, w->load_f,
                                     stn_line_tau(w->load_ohm, w->load_f),
                                     cost.ramp, &cost.ramp);
    cost.energy_j += stn_gate_output_f(d, &last) * square;
    cost.leakage_w += stn_gate_leakage_w(d, &last);
    cost.area_m2 += box.width_m * box.height_m;
    return cost;
}

stn_part_cost stn_write_driver_cost(const stn_write_driver *w)
{
    stn_part_cost line = line_cost(w);
    return (stn_part_cost){.latency_s = line.latency_s,
                           .energy_j = w->count * line.energy_j,
                           .leakage_w = 2.0 * w->count * line.leakage_w,
                           .area_m2 = 2.0 * w->count * line.area_m2};
}
