/* SPDX-License-Identifier: MIT
 *
 * A macrospin by the Landau-Lifshitz-Gilbert equation with a damping-like
 * torque of strength a and spins s, in units of the anisotropy field h = m_z:
 *     dm/dt = - m x h - alpha m x (m x h) - a m x (m x s) + alpha a m x s
 * Fourth-order Runge-Kutta, renormalised; no temperature but in the angle it
 * starts from. */
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
