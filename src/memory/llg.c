/* SPDX-License-Identifier: MIT
 *
 * A macrospin by the Landau-Lifshitz-Gilbert equation with a damping-like
 * torque of strength a and spins s, in units of the anisotropy field h = m_z:
 *     dm/dt = - m x h - alpha m x (m x h) - a m x (m x s) + alpha a m x s
 * Fourth-order Runge-Kutta, renormalised. Temperature is in the angle it starts
 * from, or in the covariance of small deviations from the path,
 *     dC/dt = J C + C J^T + (damping / barrier) (1 - m m^T),
 * whose last term, of the thermal field, keeps 1 / (2 barrier) for each
 * direction at rest (Brown, Phys. Rev. 130, 1677, 1963). */
#include "memory/mtj.h"
#include <math.h>

static const double GYROMAGNETIC = 1.760859644e11; /* rad / (s T) */
static const double ELECTRON_C = 1.602176634e-19;
static const double HBAR_J_S = 1.054571817e-34;
static const double STEP = 0.02;

static void cross(const double *a, const double *b, double *out)
{
    out[0] = a[1] * b[2] - a[2] * b[1];
    out[1] = a[2] * b[0] - a[0] * b[2];
    out[2] = a[0] * b[1] - a[1] * b[0];
}

static void slope(const stn_macrospin *s, const double *m, double *out)
{
    double h[3] = {s->field_x, 0.0, m[2]};
    double mh[3], mmh[3], ms[3], mms[3];
    cross(m, h, mh);
    cross(m, mh, mmh);
    cross(m, s->spin, ms);
    cross(m, ms, mms);
    for (int i = 0; i < 3; i++)
        out[i] = -mh[i] - s->damping * mmh[i] - s->torque * mms[i] +
                 s->damping * s->torque * ms[i];
}

static void along(const double *m, const double *k, double dt, double *out)
{
    for (int i = 0; i < 3; i++)
        out[i] = m[i] + dt * k[i];
}

void stn_macrospin_step(stn_macrospin *s, double dt)
{
    double a[3], b[3], c[3], d[3], at[3], norm = 0.0;
    slope(s, s->m, a);
    along(s->m, a, 0.5 * dt, at);
    slope(s, at, b);
    along(s->m, b, 0.5 * dt, at);
    slope(s, at, c);
    along(s->m, c, dt, at);
    slope(s, at, d);
    for (int i = 0; i < 3; i++) {
        s->m[i] += dt / 6.0 * (a[i] + 2.0 * b[i] + 2.0 * c[i] + d[i]);
        norm += s->m[i] * s->m[i];
    }
    for (int i = 0; i < 3; i++)
        s->m[i] /= sqrt(norm);
}

double stn_mtj_time_unit_s(const stn_mtj *m)
{
    return (1.0 + m->damping * m->damping) / (GYROMAGNETIC * m->anisotropy_t);
}

/* At rest, tilted by the angle of kT / 2 per direction. */
static stn_macrospin at_rest(const stn_mtj *m)
{
    double angle = sqrt(0.5 / stn_mtj_stability(m));
    stn_macrospin s = {.m = {sin(angle), 0.0, cos(angle)},
                       .damping = m->damping};
    if (m->spin_orbit) {
        s.field_x = m->assist_t / m->anisotropy_t;
        s.spin[1] = -1.0;
    } else {
        s.spin[2] = -1.0;
    }
    return s;
}

/* a = hbar eta J / (2 e Ms t Hk): of the junction's or the strip's current. */
static double torque(const stn_mtj *m, double current_a)
{
    if (!m->spin_orbit)
        return m->damping * current_a / stn_mtj_critical_a(m);
    double density_a_m2 = current_a / (m->strip_width_m * m->strip_thickness_m);
    return HBAR_J_S * m->hall_angle * density_a_m2 /
           (2.0 * ELECTRON_C * m->magnetisation_a_m * m->thickness_m *
            m->anisotropy_t);
}

/* Whether it relaxes to the other side without current. */
static bool relaxes_over(stn_macrospin s)
{
    s.torque = 0.0;
    for (double t = 0.0; t < 20.0 / s.damping && fabs(s.m[2]) < 0.5; t += STEP)
        stn_macrospin_step(&s, STEP);
    return s.m[2] < 0.0;
}

double stn_mtj_switching_s(const stn_mtj *m, double current_a, double pulse_s)
{
    double unit_s = stn_mtj_time_unit_s(m), end = pulse_s / unit_s;
    stn_macrospin s = at_rest(m);
    s.torque = torque(m, current_a);
    int since_check = 0;
    for (double t = STEP; t <= end; t += STEP) {
        stn_macrospin_step(&s, STEP);
        if (!m->spin_orbit && s.m[2] < 0.0)
            return t * unit_s;
        /* Spins in the plane: m waits near it for the field to decide. */
        if (m->spin_orbit && ++since_check == 25) {
            since_check = 0;
            if (s.m[2] < 0.3 && relaxes_over(s))
                return t * unit_s;
        }
    }
    return 0.0;
}

/* ---- thermal motion about the path */

typedef double matrix[3][3];

/* a b, or a b^T. */
static void multiply(matrix a, matrix b, bool transposed, matrix out)
{
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++) {
            out[i][j] = 0.0;
            for (int k = 0; k < 3; k++)
                out[i][j] += a[i][k] * (transposed ? b[j][k] : b[k][j]);
        }
}

/* What a step of `dt` makes of a small deviation: 1 + J dt + (J dt)^2 / 2. */
static void spreading(const stn_macrospin *s, double dt, matrix out)
{
    static const double by = 1e-4;
    matrix j, square;
    for (int k = 0; k < 3; k++) {
        double m[3] = {s->m[0], s->m[1], s->m[2]}, more[3], less[3];
        m[k] += by;
        slope(s, m, more);
        m[k] -= 2.0 * by;
        slope(s, m, less);
        for (int i = 0; i < 3; i++)
            j[i][k] = dt * (more[i] - less[i]) / (2.0 * by);
    }
    multiply(j, j, false, square);
    for (int i = 0; i < 3; i++)
        for (int k = 0; k < 3; k++)
            out[i][k] = (i == k) + j[i][k] + 0.5 * square[i][k];
}

/* Adds `variance` for each direction across m. */
static void add_across(const double *m, double variance, matrix c)
{
    for (int i = 0; i < 3; i++)
        for (int k = 0; k < 3; k++)
            c[i][k] += variance * ((i == k) - m[i] * m[k]);
}

/* Path and covariance, for a barrier of 1. Returns whether m is still on its
 * way: it moves, or the covariance across the equator grows. */
static bool step_thermal(stn_macrospin *s, matrix c)
{
    matrix by, half;
    double m[3] = {s->m[0], s->m[1], s->m[2]}, before = c[2][2], moved = 0.0;
    spreading(s, STEP, by);
    stn_macrospin_step(s, STEP);
    multiply(by, c, false, half);
    multiply(half, by, true, c);
    add_across(s->m, s->damping * STEP, c);
    for (int i = 0; i < 3; i++)
        moved += fabs(s->m[i] - m[i]);
    return moved > 1e-9 * STEP || fabs(c[2][2] - before) > 1e-9 * STEP;
}

double stn_mtj_margin(const stn_mtj *mtj, double current_a, double pulse_s)
{
    double end = pulse_s / stn_mtj_time_unit_s(mtj);
    stn_macrospin s = at_rest(mtj);
    matrix c = {{0.0}};
    s.m[0] = fmin(s.field_x, 1.0);
    s.m[2] = sqrt(1.0 - s.m[0] * s.m[0]);
    s.torque = torque(mtj, current_a);
    add_across(s.m, 0.5, c);
    bool moves = true;
    for (double t = STEP; t <= end && moves; t += STEP)
        moves = step_thermal(&s, c);
    return -s.m[2] / sqrt(c[2][2]);
}
