/* SPDX-License-Identifier: MIT
 *
 * Gates: layout by design rules, capacitances, resistance, leakage, delay.
 *
 * A gate is a row of PMOS above a row of NMOS between power rails; a
 * transistor wider than its row is folded into fingers. The rules, in
 * features, and the stacking factors of leakage are those published with CACTI
 * (Wilton and Jouppi, JSSC 1996; CACTI 6.0, HPL-2009-85) and used by NVSim. */
#include "memory/circuit.h"
#include <math.h>

/* Design rules, in features. */
static const double CONTACT = 1.0;
static const double CONTACT_TO_POLY = 0.75;
static const double POLY_GAP = 1.5;
static const double P_TO_N_GAP = 2.0;
static const double POWER_RAIL = 2.0;
static const double FOLD_LOSS = 3.0;
static const double MIN_NMOS = 1.5;

/* Share of a NAND's leakage left by stacking, mean over its inputs. */
static const double STACK_NAND2 = 0.48;
static const double STACK_NAND3 = 0.31;

/* A transistor folded into `n` fingers of `height_m`. */
typedef struct fingers {
    int n;
    double height_m;
} fingers;

static fingers fold(const stn_device *d, double width_m, double row_m)
{
    double usable_m = row_m - FOLD_LOSS * d->feature_m;
    if (width_m < row_m)
        return (fingers){width_m > 0.0, width_m};
    /* A row too low to fold into keeps fingers of one feature. */
    if (usable_m < d->feature_m)
        usable_m = d->feature_m;
    return (fingers){(int)ceil(width_m / usable_m), row_m};
}

/* Heights of the two rows: the room is shared in proportion to the widths. */
static void fold_both(const stn_device *d, const stn_gate *g, fingers *n,
                      fingers *p)
{
    double row_m = g->region_m, share_p = 0.0;
    if (g->width_n_m > 0.0 && g->width_p_m > 0.0) {
        row_m -= P_TO_N_GAP * d->feature_m;
        share_p = g->width_p_m / (g->width_p_m + g->width_n_m);
        *p = fold(d, g->width_p_m, share_p * row_m);
        *n = fold(d, g->width_n_m, (1.0 - share_p) * row_m);
    } else {
        *p = fold(d, g->width_p_m, row_m);
        *n = fold(d, g->width_n_m, row_m);
    }
}

double stn_min_width(const stn_device *d)
{
    return MIN_NMOS * d->feature_m;
}

double stn_gate_capacitance(const stn_device *d, double width_m)
{
    return d->gate_f_m * width_m;
}

double stn_gate_input_f(const stn_device *d, const stn_gate *g)
{
    return stn_gate_capacitance(d, g->width_n_m + g->width_p_m);
}

/* Width of a diffusion of fingers, without its outer contacts. */
static double strip_m(const stn_device *d, fingers f)
{
    return f.n ? (f.n + (f.n - 1) * POLY_GAP) * d->feature_m : 0.0;
}

stn_box stn_gate_box(const stn_device *d, const stn_gate *g)
{
    fingers n, p;
    fold_both(d, g, &n, &p);
    double contact_m = (CONTACT + 2.0 * CONTACT_TO_POLY) * d->feature_m;
    double width_n_m = 2.0 * contact_m + strip_m(d, n) * g->inputs;
    double width_p_m = 2.0 * contact_m + strip_m(d, p) * g->inputs;
    if (g->kind == STN_GATE_NAND) { /* NMOS in series, PMOS side by side */
        width_n_m += (g->inputs - 1) * POLY_GAP * d->feature_m;
        width_p_m += (g->inputs - 1) * contact_m;
    }
    stn_box box = {.width_m = fmax(width_n_m, width_p_m),
                   .height_m = n.height_m + p.height_m};
    if (n.n && p.n)
        box.height_m += (P_TO_N_GAP + 2.0 * POWER_RAIL) * d->feature_m;
    return box;
}

/* Junctions of a drain `width_m` long: bottom, outer edges, gate edges. The
 * outer end of the diffusion is a drain only when fingers are odd. */
static double junction_f(const stn_device *d, fingers f, double width_m)
{
    double edge_m = 2.0 * width_m + (f.n % 2 ? f.height_m : 0.0);
    return width_m * f.height_m * d->junction_f_m2 + edge_m * d->sidewall_f_m +
           f.n * f.height_m * d->gate_edge_f_m;
}

double stn_gate_output_f(const stn_device *d, const stn_gate *g)
{
    fingers n, p;
    fold_both(d, g, &n, &p);
    double contact_m = (CONTACT + 2.0 * CONTACT_TO_POLY) * d->feature_m;
    double gap_m = POLY_GAP * d->feature_m;
    double series_m =
        contact_m + (n.n - 1) * gap_m * g->inputs + (g->inputs - 1) * gap_m;
    double parallel_m = (contact_m + (p.n - 1) * gap_m) * g->inputs;
    double sum_f = 0.0;
    if (n.n)
        sum_f += junction_f(d, n, series_m);
    if (p.n)
        sum_f += junction_f(d, p, parallel_m);
    return sum_f;
}

double stn_drain_f(const stn_device *d, double width_n_m, double width_p_m,
                   double region_m)
{
    stn_gate lone = {.kind = STN_GATE_INVERTER,
                     .inputs = 1,
                     .width_n_m = width_n_m,
                     .width_p_m = width_p_m,
                     .region_m = region_m};
    return stn_gate_output_f(d, &lone);
}

double stn_gate_leakage_w(const stn_device *d, const stn_gate *g)
{
    double n_a = g->width_n_m * d->off_n_a_m;
    double p_a = g->width_p_m * d->off_p_a_m;
    if (g->kind == STN_GATE_INVERTER)
        return fmax(n_a, p_a) * d->supply_v;
    return (g->inputs == 2 ? STACK_NAND2 : STACK_NAND3) * g->inputs * p_a *
           d->supply_v;
}

double stn_resistance_n(const stn_device *d, double width_m)
{
    return d->resistance_factor * d->supply_v / (d->on_n_a_m * width_m);
}

double stn_resistance_p(const stn_device *d, double width_m)
{
    return d->resistance_factor * d->supply_v / (d->on_p_a_m * width_m);
}

stn_gate stn_gate_minimum(const stn_device *d, int inputs)
{
    /* Series transistors are widened to keep the pull-down of one. */
    return (stn_gate){
        .kind = inputs > 1 ? STN_GATE_NAND : STN_GATE_INVERTER,
        .inputs = inputs,
        .width_n_m = inputs * stn_min_width(d),
        .width_p_m = d->pn_ratio * stn_min_width(d),
        .region_m = 40.0 * d->feature_m,
    };
}

double stn_logical_effort(const stn_device *d, int inputs)
{
    return (inputs + d->pn_ratio) / (1.0 + d->pn_ratio);
}

double stn_horowitz(double tau_s, double beta, double ramp, double *ramp_out)
{
    /* t = tau sqrt(ln(vs)^2 + 2 alpha beta (1 - vs)), alpha = 1 / (ramp tau),
     * switching at vs = 1/2. */
    double half = log(0.5);
    double alpha = 1.0 / (ramp * tau_s);
    double delay_s = tau_s * sqrt(half * half + alpha * beta);
    if (ramp_out)
        *ramp_out = 0.5 / delay_s;
    return delay_s;
}

double stn_ramp_beta(const stn_device *d, double ohm, double width_n_m)
{
    return d->ramp_weight / (ohm * d->gm_n_s_m * width_n_m);
}

double stn_gate_delay(const stn_device *d, const stn_gate *g, double load_f,
                      double line_tau_s, double ramp, double *ramp_out)
{
    double ohm = stn_resistance_n(d, g->width_n_m) * g->inputs;
    double beta = stn_ramp_beta(d, ohm, g->width_n_m);
    double tau_s = ohm * (stn_gate_output_f(d, g) + load_f) + line_tau_s;
    return stn_horowitz(tau_s, beta, ramp, ramp_out);
}

double stn_fo4_s(const stn_device *d)
{
    stn_gate inverter = stn_gate_minimum(d, 1);
    inverter.width_n_m = 10.0 * d->feature_m;
    inverter.width_p_m = d->pn_ratio * inverter.width_n_m;
    double load_f = 4.0 * stn_gate_input_f(d, &inverter);
    double ramp = STN_STEP_RAMP, delay_s = 0.0;
    /* The ramp settles within a few stages; the gain of each is small. */
    for (int i = 0; i < 16; i++)
        delay_s = stn_gate_delay(d, &inverter, load_f, 0.0, ramp, &ramp);
    return delay_s;
}
