/* SPDX-License-Identifier: MIT
 *
 * Transistors at a supply other than that of their file, by the alpha-power
 * law (Sakurai and Newton, JSSC 25(2), 1990, quoted from memory):
 *     Ion ~ (V - Vt)^alpha, and gm, its derivative, ~ (V - Vt)^(alpha - 1).
 * A lower drain voltage raises the barrier (DIBL), so less leaks:
 *     Ioff ~ 10^(dibl V / swing).
 * Both were measured at the file's supply, which is left as it is;
 * capacitances do not change. Near the threshold the law is wrong, and such
 * supplies are not offered. */
#include "memory/circuit.h"
#include <math.h>

/* All assumed: alpha is 2 for long channels and 1 to 1.4 for short ones, a
 * decade of current takes 100 mV and a volt of drain is worth 100 mV of gate
 * in bulk transistors of 90 to 22 nm. */
static const double ALPHA = 1.3;
static const double SWING_V = 0.1;
static const double DIBL = 0.1;
static const double LEAST_OVERDRIVE_V = 0.15;
static const double MOST = 1.3; /* of the file's supply */

double stn_device_lowest_v(const stn_device *d)
{
    return d->threshold_v + LEAST_OVERDRIVE_V;
}

double stn_device_highest_v(const stn_device *d)
{
    return MOST * d->supply_v;
}

stn_device stn_device_at_supply(const stn_device *d, double supply_v)
{
    stn_device t = *d;
    double overdrive =
        (supply_v - d->threshold_v) / (d->supply_v - d->threshold_v);
    double on = pow(overdrive, ALPHA), gm = pow(overdrive, ALPHA - 1.0);
    double off = pow(10.0, DIBL * (supply_v - d->supply_v) / SWING_V);
    t.supply_v = supply_v;
    t.on_n_a_m *= on;
    t.on_p_a_m *= on;
    t.gm_n_s_m *= gm;
    t.gm_p_s_m *= gm;
    t.off_n_a_m *= off;
    t.off_p_a_m *= off;
    return t;
}
