/* SPDX-License-Identifier: MIT
 *
 * Sense amplifiers: a latch of cross-coupled inverters with isolation and
 * enable transistors, folded into the pitch of the columns it serves. Its
 * transistor widths are CACTI's. Current sensing puts a current-to-voltage
 * converter in front, whose figures come from the technology file. */
#include "memory/circuit.h"
#include <math.h>

/* Widths and gaps, in features. */
static const double LATCH_P = 7.5;
static const double LATCH_N = 3.75;
static const double ISOLATION = 12.5;
static const double ENABLE = 5.0;
static const double SELECT = 9.0;
static const double DIFFUSION_GAP = 1.5;
static const double P_TO_N_GAP = 2.0;

double stn_sense_amplifier_input_f(const stn_sense_amplifier *s)
{
    const stn_device *d = s->device;
    double f = d->feature_m;
    return stn_gate_capacitance(d, (LATCH_P + LATCH_N) * f) +
           stn_drain_f(d, LATCH_N * f, 0.0, s->pitch_m) +
           stn_drain_f(d, 0.0, LATCH_P * f, s->pitch_m) +
           stn_drain_f(d, 0.0, ISOLATION * f, s->pitch_m) +
           stn_drain_f(d, SELECT * f, 0.0, s->pitch_m);
}

/* Stacks `n` transistors of a width, turned so that they lie across the
 * pitch. */
static void stack(const stn_sense_amplifier *s, int n, double width_n,
                  double width_p, stn_box *box)
{
    double f = s->device->feature_m;
    stn_gate one = {.inputs = 1,
                    .width_n_m = width_n * f,
                    .width_p_m = width_p * f,
                    .region_m = s->pitch_m};
    stn_box b = stn_gate_box(s->device, &one);
    box->width_m = fmax(box->width_m, b.height_m);
    box->height_m += n * b.width_m;
}

static stn_box layout(const stn_sense_amplifier *s)
{
    double f = s->device->feature_m;
    stn_box box = {0};
    stack(s, 2, 0.0, LATCH_P, &box);
    stack(s, 1, 0.0, ISOLATION, &box);
    stack(s, 2, LATCH_N, 0.0, &box);
    stack(s, 1, ENABLE, 0.0, &box);
    box.height_m += (4.0 * DIFFUSION_GAP + P_TO_N_GAP) * f;
    /* Reshaped to the pitch at equal area. */
    box.height_m *= box.width_m / s->pitch_m;
    box.width_m = s->pitch_m;
    if (s->converter)
        box.height_m += s->converter->area_f2 * f * f / s->pitch_m;
    return box;
}

stn_part_cost stn_sense_amplifier_cost(const stn_sense_amplifier *s)
{
    const stn_device *d = s->device;
    double input_f = stn_sense_amplifier_input_f(s);
    double gm = d->feature_m * (LATCH_N * d->gm_n_s_m + LATCH_P * d->gm_p_s_m);
    stn_gate enable = {.inputs = 1, .width_n_m = ENABLE * d->feature_m};
    stn_box box = layout(s);
    /* The latch regenerates its signal to the supply. */
    stn_part_cost cost = {
        .latency_s = input_f / gm * log(d->supply_v / s->signal_v),
        .energy_j = input_f * d->supply_v * d->supply_v,
        .leakage_w = stn_gate_leakage_w(d, &enable),
        .box = {.width_m = s->count * box.width_m, .height_m = box.height_m},
    };
    if (s->converter) {
        cost.latency_s += s->converter->latency_s;
        cost.energy_j += s->converter->energy_j;
        cost.leakage_w += s->converter->leakage_w;
    }
    cost.energy_j *= s->count;
    cost.leakage_w *= s->count;
    cost.area_m2 = cost.box.width_m * cost.box.height_m;
    return cost;
}
