/* SPDX-License-Identifier: MIT
 *
 * Write errors of cells that differ. Every cell in share/setun/cells that holds
 * a junction is written by a current that its circuit forces, so that a cell's
 * resistance takes no part: RA and TMR shift the voltage that the circuit has
 * to stand. Its diameter does, by barrier and critical current, and so does
 * the section of its strip.
 *
 * Spin transfer has a closed form (mtj.c). Spin-orbit torque drives m to a
 * place just beyond the equator, where thermal motion spreads it: the error is
 * the chance to be on the near side when the pulse ends. Mean and deviation
 * come from the equation of motion (llg.c), once for each of a few strips; the
 * barrier scales them. What m does after the pulse is left out: domains decide
 * it in real junctions, a weakly damped macrospin does not. */
#include "memory/mtj.h"
#include <math.h>

static const double REACH = 6.0;  /* deviations that the table spans */
static const double LEAST = 0.05; /* of a figure, times that of the mean cell */

static double at_least(double factor)
{
    return factor > LEAST ? factor : LEAST;
}

stn_mtj_writing stn_mtj_writing_make(const stn_mtj *m)
{
    stn_mtj_writing w = {.mtj = m};
    if (!m->spin_orbit)
        return w;
    double reach = REACH * m->sigma_strip;
    int last = reach > 0 ? STN_MTJ_TORQUES - 1 : 0;
    w.narrowest = at_least(1.0 - reach);
    w.step = last ? (1.0 + reach - w.narrowest) / last : 1.0;
    for (int k = 0; k <= last; k++) {
        const stn_mtj_deviation d = {1.0, 1.0, 1.0, w.narrowest + k * w.step};
        const stn_mtj cell = stn_mtj_cell(m, &d);
        w.margin[k] = stn_mtj_margin(&cell, m->write_a, m->write_s);
    }
    for (int k = last + 1; k < STN_MTJ_TORQUES; k++)
        w.margin[k] = w.margin[last];
    return w;
}

/* Straight between the strips of the table, its ends beyond it. */
static double margin_of(const stn_mtj_writing *w, double strip)
{
    double at = (strip - w->narrowest) / w->step;
    double within = fmin(fmax(at, 0.0), STN_MTJ_TORQUES - 1.0);
    int k = (int)fmin(within, STN_MTJ_TORQUES - 2.0);
    return w->margin[k] + (within - k) * (w->margin[k + 1] - w->margin[k]);
}

double stn_mtj_cell_write_error(const stn_mtj_writing *w,
                                const stn_mtj_deviation *d)
{
    const stn_mtj_deviation own = {at_least(d->diameter), d->ra, d->tmr,
                                   at_least(d->strip)};
    const stn_mtj cell = stn_mtj_cell(w->mtj, &own);
    if (cell.spin_orbit)
        return 0.5 * erfc(margin_of(w, own.strip) *
                          sqrt(0.5 * stn_mtj_stability(&cell)));
    return stn_mtj_write_error(&cell, cell.write_a / stn_mtj_critical_a(&cell),
                               cell.write_s);
}

/* Points and weights exp(-x^2 / 2) up to eight deviations: errors grow so fast
 * with a cell's deviation that rare cells make the mean. */
#define POINTS 129
static double point(int k)
{
    return 16.0 * k / (POINTS - 1) - 8.0;
}

static double mean_over_strips(const stn_mtj_writing *w, double diameter)
{
    double sum = 0.0, weights = 0.0;
    double sigma = w->mtj->spin_orbit ? w->mtj->sigma_strip : 0.0;
    for (int k = 0; k < POINTS; k++) {
        double x = sigma > 0 ? point(k) : 0.0, weight = exp(-0.5 * x * x);
        const stn_mtj_deviation d = {diameter, 1.0, 1.0, 1.0 + sigma * x};
        sum += weight * stn_mtj_cell_write_error(w, &d);
        weights += weight;
        if (sigma == 0)
            break;
    }
    return sum / weights;
}

double stn_mtj_mean_write_error(const stn_mtj_writing *w)
{
    double sum = 0.0, weights = 0.0;
    for (int k = 0; k < POINTS; k++) {
        double x = point(k), weight = exp(-0.5 * x * x);
        sum += weight * mean_over_strips(w, 1.0 + w->mtj->sigma_diameter * x);
        weights += weight;
    }
    return sum / weights;
}
