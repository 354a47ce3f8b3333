/* SPDX-License-Identifier: MIT
 *
 * A clocked comparator, the StrongARM latch (Kobayashi et al., JSSC 28(4),
 * 1993; Razavi, IEEE Solid-State Circuits Magazine 7(2), 2015): an input pair
 * over a clocked tail, cross-coupled inverters on top, four transistors that
 * pull everything up between decisions, and two NANDs that keep the result.
 *
 * It decides in two phases: the pair discharges the inner nodes by a threshold,
 * then the inverters regenerate what the pair has made of the difference, half
 * a step at worst, to the supply.
 *
 * The pair is as wide as noise (kT / C of the inner nodes within the error that
 * rounding makes anyway, step^2 / 12) or matching (Pelgrom et al., JSSC 24(5),
 * 1989) asks for. Not modelled: kick-back, metastability, calibration. */
#include "memory/converter.h"
#include <math.h>

static const double BOLTZMANN_J_K = 1.380649e-23;
/* Widths in features: those of CACTI's latch, as in sense_amplifier.c. */
static const double LEAST_PAIR = 3.75;
static const double LATCH_N = 3.75;
static const double LATCH_P_OVER_N = 2.0;
/* Both assumed: how many times narrower than the pair the latch may be, and
 * what a side of the pair carries at its common mode over what it does at the
 * supply. */
static const double PAIR_OVER_LATCH = 4.0;
static const double PAIR_SHARE = 0.25;

void stn_unit_chain_side(stn_unit_chain *sum, double n,
                         const stn_unit_chain *part)
{
    sum->energy_j += n * part->energy_j;
    sum->area_m2 += n * part->area_m2;
    sum->leakage_w += n * part->leakage_w;
    sum->latency_s = fmax(sum->latency_s, part->latency_s);
}

static double step_v(const stn_converter *c, int bits)
{
    return ldexp(c->full_scale_v, -bits);
}

double stn_noise_f(const stn_converter *c, int bits)
{
    double step = step_v(c, bits);
    return 12.0 * BOLTZMANN_J_K * c->temperature_k / (step * step);
}

/* Widths of the channels. */
typedef struct widths {
    double pair_m, n_m, p_m; /* the tail is as wide as one of the pair */
} widths;

static widths size(const stn_converter *c, int bits, bool matched)
{
    const stn_device *d = &c->tech.device;
    double f = d->feature_m;
    double pair_m = fmax(LEAST_PAIR * f, stn_noise_f(c, bits) / d->gate_f_m);
    if (matched) {
        /* STN_CONVERTER_SIGMAS · matching / sqrt(W L) = step / 2 */
        double root_m =
            2.0 * STN_CONVERTER_SIGMAS * d->matching_v_m / step_v(c, bits);
        pair_m = fmax(pair_m, root_m * root_m / f);
    }
    double n_m = fmax(LATCH_N * f, pair_m / PAIR_OVER_LATCH);
    return (widths){pair_m, n_m, LATCH_P_OVER_N * n_m};
}

static double drain_f(const stn_device *d, double n_m, double p_m)
{
    return stn_drain_f(d, n_m, p_m, STN_ROW_REGION * d->feature_m);
}

static double area_m2(const stn_device *d, double n_m, double p_m)
{
    stn_gate lone = {.inputs = 1,
                     .width_n_m = n_m,
                     .width_p_m = p_m,
                     .region_m = STN_ROW_REGION * d->feature_m};
    stn_box box = stn_gate_box(d, &lone);
    return box.width_m * box.height_m;
}

stn_comparator stn_comparator_model(const stn_converter *c, int bits,
                                    bool matched)
{
    const stn_device *d = &c->tech.device;
    widths w = size(c, bits, matched);
    double v = d->supply_v, v2 = v * v;
    stn_gate nand = stn_gate_minimum(d, 2);
    stn_gate tail = {.inputs = 1, .width_n_m = w.pair_m};
    stn_box keep = stn_gate_box(d, &nand);
    double nand_f = stn_gate_input_f(d, &nand);
    double kept_f = stn_gate_output_f(d, &nand) + nand_f;
    double output_f = stn_gate_capacitance(d, w.n_m + w.p_m) +
                      drain_f(d, w.n_m, 0.0) + drain_f(d, 0.0, w.p_m) +
                      drain_f(d, 0.0, w.n_m) + nand_f;
    double inner_f = fmax(drain_f(d, w.pair_m, 0.0) + drain_f(d, w.n_m, 0.0) +
                              drain_f(d, 0.0, w.n_m),
                          stn_noise_f(c, bits));
    double clock_f = stn_gate_capacitance(d, w.pair_m + 4.0 * w.n_m);
    double pair_a = PAIR_SHARE * w.pair_m * d->on_n_a_m;
    double half_v = 0.5 * step_v(c, bits);
    stn_comparator out = {.input_f = stn_gate_capacitance(d, w.pair_m)};
    stn_unit_chain *cost = &out.cost;
    cost->latency_s =
        inner_f * d->threshold_v / pair_a +
        output_f / (d->gm_n_s_m * w.n_m) * log(v / half_v) +
        stn_gate_delay(d, &nand, nand_f, 0.0, STN_STEP_RAMP, NULL);
    /* Both inner nodes and one output fall to ground, the other output by a
     * threshold; every second result turns both NANDs over. */
    cost->energy_j = 2.0 * inner_f * v2 + output_f * v * (v + d->threshold_v) +
                     clock_f * v2 + 0.5 * kept_f * v2;
    cost->area_m2 =
        3.0 * area_m2(d, w.pair_m, 0.0) + 2.0 * area_m2(d, w.n_m, 0.0) +
        2.0 * area_m2(d, 0.0, w.p_m) + 4.0 * area_m2(d, 0.0, w.n_m) +
        2.0 * keep.width_m * keep.height_m;
    /* Between decisions the tail is off, and everything above it at the
     * supply. */
    cost->leakage_w =
        stn_gate_leakage_w(d, &tail) + 2.0 * stn_gate_leakage_w(d, &nand);
    return out;
}
