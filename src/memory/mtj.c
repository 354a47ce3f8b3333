/* SPDX-License-Identifier: MIT
 *
 * Tunnel junctions in closed form: a macrospin with perpendicular anisotropy.
 *
 * Spin-transfer switching, write errors and read disturb: Butler et al., IEEE
 * Trans. Magn. 48(12), 2012 (Fokker-Planck); critical current: Sun, PRB 62,
 * 570 (2000); spin-orbit critical current: Lee et al., APL 102, 112410 (2013).
 * Prefactors are quoted from memory and checked against the equation of motion
 * in tests. Larger junctions reverse by domains: their barrier is lower than a
 * macrospin's. */
#include "memory/mtj.h"
#include <math.h>

static const double PI = 3.14159265358979;
static const double ELECTRON_C = 1.602176634e-19;
static const double HBAR_J_S = 1.054571817e-34;
static const double BOLTZMANN_J_K = 1.380649e-23;

static double area_m2(const stn_mtj *m)
{
    return 0.25 * PI * m->diameter_m * m->diameter_m;
}

double stn_mtj_tmr(const stn_mtj *m, double volt)
{
    double x = volt / m->half_v;
    return m->tmr0 / (1.0 + x * x);
}

double stn_mtj_parallel_ohm(const stn_mtj *m)
{
    return m->ra_ohm_m2 / area_m2(m);
}

/* E = Ms Hk V / 2, with the anisotropy field as flux density. */
static double barrier_j(const stn_mtj *m)
{
    return 0.5 * m->magnetisation_a_m * m->anisotropy_t * area_m2(m) *
           m->thickness_m;
}

double stn_mtj_stability(const stn_mtj *m)
{
    return barrier_j(m) / (BOLTZMANN_J_K * m->temperature_k);
}

double stn_mtj_retention_s(const stn_mtj *m)
{
    return m->attempt_s * exp(stn_mtj_stability(m));
}

double stn_mtj_critical_a(const stn_mtj *m)
{
    if (!m->spin_orbit)
        return 4.0 * ELECTRON_C * m->damping / (HBAR_J_S * m->polarisation) *
               barrier_j(m);
    double density_a_m2 = 2.0 * ELECTRON_C / HBAR_J_S * m->magnetisation_a_m *
                          m->thickness_m / m->hall_angle *
                          (0.5 * m->anisotropy_t - m->assist_t / sqrt(2.0));
    return fmax(density_a_m2, 0.0) * m->strip_width_m * m->strip_thickness_m;
}

/* 2 alpha gamma mu0 Hk t / (1 + alpha^2): twice the damped angle's growth. */
static double growth(const stn_mtj *m, double pulse_s)
{
    return 2.0 * m->damping * pulse_s / stn_mtj_time_unit_s(m);
}

double stn_mtj_write_error(const stn_mtj *m, double i, double pulse_s)
{
    if (i <= 1.0)
        return 1.0 - stn_mtj_disturb(m, i, pulse_s);
    double start = 0.25 * PI * PI * stn_mtj_stability(m) * (i - 1.0);
    double grown = i * exp((i - 1.0) * growth(m, pulse_s)) - 1.0;
    return -expm1(-start / grown);
}

double stn_mtj_pulse_s(const stn_mtj *m, double i, double error)
{
    double start = 0.25 * PI * PI * stn_mtj_stability(m) * (i - 1.0);
    double grown = start / -log1p(-error);
    return log((1.0 + grown) / i) / ((i - 1.0) * growth(m, 1.0));
}

/* How often heat flips it under `i` critical currents, in 1/s: the barrier of
 * a macrospin falls as (1 - i)^2 (Taniguchi and Imamura, PRB 83, 054432,
 * 2011). */
static double flip_rate(const stn_mtj *m, double i)
{
    double left = fmax(1.0 - i, 0.0);
    return exp(-stn_mtj_stability(m) * left * left) / m->attempt_s;
}

double stn_mtj_disturb(const stn_mtj *m, double i, double pulse_s)
{
    return -expm1(-pulse_s * flip_rate(m, i));
}

double stn_mtj_read_drive(const stn_mtj *m)
{
    return m->spin_orbit
               ? 0.0
               : m->read_v / stn_mtj_parallel_ohm(m) / stn_mtj_critical_a(m);
}

/* Two states that are left at the rates r0 and r1 (Brown, Phys. Rev. 130,
 * 1677, 1963): what was state 0 is state 1 after t with the chance
 *     r0 / (r0 + r1) (1 - exp(-(r0 + r1) t)).
 * Heat leaves both alike, and reading leaves the low one sooner; both are taken
 * to be even over the age, so that only their sums, r t, matter. */
void stn_mtj_flips(const stn_mtj *m, double age_s, double reads,
                   double chance[2])
{
    double rest = flip_rate(m, 0.0);
    double sooner = flip_rate(m, stn_mtj_read_drive(m)) - rest;
    double high = age_s * rest, low = high + reads * m->read_s * sooner;
    double sum = low + high, share = sum > 0.0 ? -expm1(-sum) / sum : 0.0;
    chance[0] = low * share;
    chance[1] = high * share;
}

/* Current of one cell and its relative spread, by its state. */
static void cell_current(const stn_mtj *m, bool high, double *mean_a,
                         double *spread)
{
    double tmr = stn_mtj_tmr(m, m->read_v);
    double ratio = high ? 1.0 + tmr : 1.0;
    double own = high ? tmr * m->sigma_tmr / ratio : 0.0;
    *mean_a = m->read_v / (stn_mtj_parallel_ohm(m) * ratio);
    *spread = sqrt(m->sigma_ra * m->sigma_ra +
                   4.0 * m->sigma_diameter * m->sigma_diameter + own * own);
}

/* Level with `high` of `rows` cells in the high state: mean and deviation. */
static void level(const stn_mtj *m, int rows, int high, double *mean_a,
                  double *sigma_a)
{
    double variance = m->sigma_offset_a * m->sigma_offset_a, sum = 0.0;
    for (int i = 0; i < rows; i++) {
        double mean = 0.0, spread = 0.0;
        cell_current(m, i < high, &mean, &spread);
        sum += mean;
        variance += mean * spread * mean * spread;
    }
    *mean_a = sum;
    *sigma_a = sqrt(variance);
}

double stn_mtj_sense_error(const stn_mtj *m, int rows, int antiparallel)
{
    double high_a = 0.0, low_a = 0.0, high_sigma = 0.0, low_sigma = 0.0;
    level(m, rows, antiparallel, &high_a, &high_sigma);
    level(m, rows, antiparallel + 1, &low_a, &low_sigma);
    double half_a = 0.5 * (high_a - low_a);
    return 0.25 * (erfc(half_a / (sqrt(2.0) * high_sigma)) +
                   erfc(half_a / (sqrt(2.0) * low_sigma)));
}

stn_mtj_deviation stn_mtj_draw(const stn_mtj *m, stn_rng *rng)
{
    stn_mtj_deviation d = {.strip = 1.0};
    d.diameter = 1.0 + m->sigma_diameter * (double)stn_rng_normal(rng);
    d.ra = 1.0 + m->sigma_ra * (double)stn_rng_normal(rng);
    d.tmr = 1.0 + m->sigma_tmr * (double)stn_rng_normal(rng);
    return d;
}

double stn_mtj_draw_strip(const stn_mtj *m, stn_rng *rng)
{
    return m->spin_orbit ? 1.0 + m->sigma_strip * (double)stn_rng_normal(rng)
                         : 1.0;
}

stn_mtj stn_mtj_cell(const stn_mtj *m, const stn_mtj_deviation *d)
{
    stn_mtj cell = *m;
    cell.diameter_m *= d->diameter;
    cell.ra_ohm_m2 *= d->ra;
    cell.tmr0 *= d->tmr;
    cell.strip_width_m *= d->strip;
    return cell;
}

/* Currents of a cell in the low and in the high state. */
static void currents(const stn_mtj *m, const stn_mtj_deviation *d,
                     double current_a[2])
{
    double t = stn_mtj_tmr(m, m->read_v) * d->tmr;
    double ohm = stn_mtj_parallel_ohm(m) * d->ra / (d->diameter * d->diameter);
    current_a[0] = m->read_v / ohm;
    current_a[1] = m->read_v / (ohm * (1.0 + t));
}

static double step_a(const stn_mtj *m)
{
    double low = 0.0, high = 0.0, spread = 0.0;
    cell_current(m, false, &low, &spread);
    cell_current(m, true, &high, &spread);
    return low - high;
}

void stn_mtj_content(const stn_mtj *m, const stn_mtj_deviation *d,
                     double content[2])
{
    double ideal_a = 0.0, spread = 0.0, current_a[2];
    cell_current(m, false, &ideal_a, &spread);
    currents(m, d, current_a);
    for (int k = 0; k < 2; k++)
        content[k] = (ideal_a - current_a[k]) / step_a(m);
}

double stn_mtj_draw_offset(const stn_mtj *m, stn_rng *rng)
{
    return m->sigma_offset_a * (double)stn_rng_normal(rng) / step_a(m);
}

/* Current of drawn cells and amplifier. */
static double draw_a(const stn_mtj *m, int rows, int high, stn_rng *rng)
{
    double sum = m->sigma_offset_a * (double)stn_rng_normal(rng);
    for (int i = 0; i < rows; i++) {
        double current_a[2];
        stn_mtj_deviation d = stn_mtj_draw(m, rng);
        currents(m, &d, current_a);
        sum += current_a[i < high];
    }
    return sum;
}

double stn_mtj_sense_error_drawn(const stn_mtj *m, int rows, int antiparallel,
                                 int n, stn_rng *rng)
{
    double high_a = 0.0, low_a = 0.0, sigma = 0.0;
    int wrong = 0;
    level(m, rows, antiparallel, &high_a, &sigma);
    level(m, rows, antiparallel + 1, &low_a, &sigma);
    double reference_a = 0.5 * (high_a + low_a);
    for (int i = 0; i < n; i++) {
        wrong += draw_a(m, rows, antiparallel, rng) < reference_a;
        wrong += draw_a(m, rows, antiparallel + 1, rng) > reference_a;
    }
    return (double)wrong / (2.0 * n);
}
