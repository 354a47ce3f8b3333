/* SPDX-License-Identifier: MIT
 *
 * Wires: resistance and capacitance per metre from geometry and material.
 *
 * A wire is half a pitch wide, lined by a barrier that does not conduct, with
 * neighbours on its own layer (Miller factor 1.5: they switch at random) and
 * planes above and below (Ho, Mai, Horowitz, Proc. IEEE 89(4), 2001; CACTI
 * 6.0). Size effects are in the resistivity of the file. */
#include "memory/circuit.h"
#include <math.h>

static const double VACUUM_PERMITTIVITY_F_M = 8.85e-12;
static const double VERTICAL_DIELECTRIC = 3.9;
static const double MILLER = 1.5;
/* Copper, relative change per kelvin around 293 K. */
static const double TEMPERATURE_COEFFICIENT = 0.0039;

stn_wire stn_wire_layer(const stn_wire_figures *f, double temperature_k)
{
    double width_m = 0.5 * f->pitch_m, space_m = f->pitch_m - width_m;
    double thickness_m = f->aspect_ratio * width_m;
    double resistivity =
        f->resistivity_ohm_m *
        (1.0 + TEMPERATURE_COEFFICIENT * (temperature_k - 293.0));
    double conductor_m2 =
        (thickness_m - f->barrier_m) * (width_m - 2.0 * f->barrier_m);
    double planes = VERTICAL_DIELECTRIC * width_m / f->ild_m;
    double neighbours = MILLER * f->dielectric * thickness_m / space_m;
    return (stn_wire){
        .ohm_m = resistivity / conductor_m2,
        .farad_m = 2.0 * VACUUM_PERMITTIVITY_F_M * (planes + neighbours) +
                   f->fringe_f_m,
        /* One gap between neighbours a pitch; fringes are left out. */
        .finger_f_m2 = VACUUM_PERMITTIVITY_F_M * f->dielectric * thickness_m /
                       space_m / f->pitch_m,
    };
}

double stn_line_far_end_s(double ohm, double farad, double lumped_s)
{
    /* A current I at one end of an open line: at the other,
     * V = I/C (t - RC/6 + 2 RC/pi^2 exp(-pi^2 t/RC) - ...), whose further
     * terms vanish sooner still (Carslaw and Jaeger, Conduction of Heat in
     * Solids, 3.8: a slab with constant flux). */
    double pi2 = 9.8696044, rc_s = ohm * farad;
    double steady_s = lumped_s + rc_s / 6.0;
    return steady_s - 2.0 * rc_s / pi2 * exp(-pi2 * steady_s / rc_s);
}

double stn_line_tau(double ohm, double farad)
{
    /* Elmore: each piece of the line sees half of its resistance. */
    return 0.5 * ohm * farad;
}
