/* SPDX-License-Identifier: MIT
 *
 * Decoders: address bits are predecoded in groups of two or three into
 * one-hot lines; a NAND per row combines one line of each block and drives
 * the word line. Energy is that of the path that switches, leakage and area
 * are those of all paths. */
#include "memory/circuit.h"
#include <math.h>

/* The driver behind each NAND. */
static stn_driver output_driver(const stn_decoder *c)
{
    const stn_device *d = c->device;
    int inputs = c->inputs > 1 ? c->inputs : 1;
    stn_gate gate = stn_gate_minimum(d, inputs);
    return stn_driver_size(d, c->inputs ? stn_logical_effort(d, inputs) : 1.0,
                           stn_gate_input_f(d, &gate), c->load_f, c->load_ohm,
                           0);
}

double stn_decoder_input_f(const stn_decoder *c)
{
    stn_gate nand = stn_gate_minimum(c->device, c->inputs);
    return stn_gate_input_f(c->device, &nand);
}

stn_part_cost stn_decoder_cost(const stn_decoder *c, double ramp)
{
    const stn_device *d = c->device;
    stn_driver driver = output_driver(c);
    stn_part_cost cost = {.ramp = ramp};
    if (c->inputs) {
        stn_gate nand = stn_gate_minimum(d, c->inputs);
        double load_f = stn_driver_input_f(&driver);
        cost.latency_s =
            stn_gate_delay(d, &nand, load_f, 0.0, ramp, &cost.ramp);
        cost.energy_j =
            (stn_gate_output_f(d, &nand) + load_f) * d->supply_v * d->supply_v;
        cost.leakage_w = stn_gate_leakage_w(d, &nand);
        cost.box = stn_gate_box(d, &nand);
    }
    stn_part_cost behind = stn_driver_cost(&driver, cost.ramp);
    cost.latency_s += behind.latency_s;
    cost.energy_j += behind.energy_j;
    cost.leakage_w = c->outputs * (cost.leakage_w + behind.leakage_w);
    cost.box.width_m += behind.box.width_m;
    cost.box.height_m =
        c->outputs * fmax(cost.box.height_m, behind.box.height_m);
    cost.area_m2 = cost.box.width_m * cost.box.height_m;
    cost.ramp = behind.ramp;
    return cost;
}

/* Adds `n` equal decoders of `bits` in parallel to `sum`, one output of each
 * switching. */
static void add_group(const stn_device *d, int n, int bits, double load_f,
                      double ramp, stn_part_cost *sum)
{
    if (n == 0)
        return;
    /* One bit needs a line and its complement, not a NAND. */
    stn_decoder group = {.device = d,
                         .outputs = 1 << bits,
                         .inputs = bits > 1 ? bits : 0,
                         .load_f = load_f};
    stn_part_cost one = stn_decoder_cost(&group, ramp);
    sum->energy_j += n * one.energy_j;
    sum->leakage_w += n * one.leakage_w;
    sum->box.width_m = fmax(sum->box.width_m, one.box.width_m);
    sum->box.height_m += n * one.box.height_m;
    if (one.latency_s >= sum->latency_s) {
        sum->latency_s = one.latency_s;
        sum->ramp = one.ramp;
    }
}

stn_part_cost stn_predecoder_cost(const stn_device *d, int bits, double load_f,
                                  double ramp)
{
    stn_part_cost cost = {.ramp = ramp};
    if (bits == 0)
        return cost;
    /* Groups of three, and one or two of two for the rest. */
    int pairs = bits == 1 ? 0 : (3 - bits % 3) % 3;
    int triples = bits == 1 ? 0 : (bits - 2 * pairs) / 3;
    if (pairs + triples <= 1) {
        add_group(d, 1, bits, load_f, ramp, &cost);
        cost.area_m2 = cost.box.width_m * cost.box.height_m;
        return cost;
    }
    /* Several groups: a second row of NANDs combines their lines. */
    stn_decoder second = {.device = d,
                          .outputs = 1 << bits,
                          .inputs = pairs + triples,
                          .load_f = load_f};
    double nand_f = stn_decoder_input_f(&second);
    add_group(d, pairs, 2, nand_f * (1 << (bits - 2)), ramp, &cost);
    add_group(d, triples, 3, nand_f * (1 << (bits - 3)), ramp, &cost);
    stn_part_cost combine = stn_decoder_cost(&second, cost.ramp);
    cost.latency_s += combine.latency_s;
    cost.energy_j += combine.energy_j;
    cost.leakage_w += combine.leakage_w;
    cost.ramp = combine.ramp;
    cost.box.width_m += combine.box.width_m;
    cost.box.height_m = fmax(cost.box.height_m, combine.box.height_m);
    cost.area_m2 = cost.box.width_m * cost.box.height_m;
    return cost;
}
