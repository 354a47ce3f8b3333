/* SPDX-License-Identifier: MIT
 *
 * Tunnel junctions: closed forms against hand values, the equation of motion
 * and drawn samples. */
#include "test.h"
#include "memory/mtj.h"
#include <math.h>

#define assert_near(x, expected, share)                                        \
    do {                                                                       \
        double x_ = (x), e_ = (expected);                                      \
        if (!(fabs(x_ / e_ - 1.0) <= (share)))                                 \
            fail_msg("got %.6g, expected %.6g within %g", x_, e_,              \
                     (double)(share));                                         \
    } while (0)

static stn_mtj load(const char *name)
{
    stn_arena arena = {0};
    stn_figures figures = {.arena = &arena};
    stn_error err;
    stn_mtj m;
    assert_ok(stn_mtj_load(name, &figures, &m, &err), err);
    assert_true(figures.n > 15);
    stn_arena_deinit(&arena);
    return m;
}

/* 7 ohm um2 over a disc of 40 nm; half of the TMR is left at half_v. */
static void resistance_follows_area_and_voltage(void **state)
{
    (void)state;
    stn_mtj m = load("stt-mtj");
    assert_near(stn_mtj_parallel_ohm(&m), 5570.4, 1e-4);
    assert_near(stn_mtj_tmr(&m, m.half_v), 0.5 * m.tmr0, 1e-9);
    assert_near(stn_mtj_tmr(&m, 0.0), m.tmr0, 1e-9);
}

/* 1e6 A/m * 0.3 T * 1.6336e-24 m3 / 2 = 2.4504e-19 J; kT 4.142e-21 J. */
static void the_barrier_is_that_of_a_macrospin(void **state)
{
    (void)state;
    stn_mtj m = load("stt-mtj");
    assert_near(stn_mtj_stability(&m), 59.16, 1e-3);
    assert_near(stn_mtj_retention_s(&m), 1e-9 * exp(59.16), 0.01);
}

/* The torque hbar eta I / (2 e Ms V Hk) equals the damping at Ic. */
static void spin_transfer_balances_damping_at_the_critical_current(void **state)
{
    (void)state;
    stn_mtj m = load("stt-mtj");
    double volume =
        0.25 * 3.14159265 * m.diameter_m * m.diameter_m * m.thickness_m;
    double torque =
        1.054571817e-34 * m.polarisation * stn_mtj_critical_a(&m) /
        (2.0 * 1.602176634e-19 * m.magnetisation_a_m * volume * m.anisotropy_t);
    assert_near(torque, m.damping, 1e-6);
}

/* Small angles grow as exp(alpha (i - 1) t). */
static void small_angles_grow_as_the_write_error_assumes(void **state)
{
    (void)state;
    double alpha = 0.02, i = 2.5, t = 0.0;
    stn_macrospin s = {.m = {1e-3, 0.0, 1.0},
                       .damping = alpha,
                       .torque = alpha * i,
                       .spin = {0.0, 0.0, -1.0}};
    for (; t < 60.0; t += 0.02)
        stn_macrospin_step(&s, 0.02);
    double angle = sqrt(s.m[0] * s.m[0] + s.m[1] * s.m[1]);
    assert_near(log(angle / 1e-3), alpha * (i - 1.0) * t, 0.02);
    s = (stn_macrospin){.m = {0.1, 0.0, 1.0},
                        .damping = alpha,
                        .torque = 0.9 * alpha,
                        .spin = {0.0, 0.0, -1.0}};
    for (t = 0.0; t < 2000.0; t += 0.02)
        stn_macrospin_step(&s, 0.02);
    assert_true(s.m[2] > 0.999);
}

static void the_pulse_for_an_error_has_that_error(void **state)
{
    (void)state;
    stn_mtj m = load("stt-mtj");
    double last_s = 1.0;
    for (double i = 1.5; i < 6.0; i += 0.5) {
        double pulse_s = stn_mtj_pulse_s(&m, i, 1e-6);
        assert_near(stn_mtj_write_error(&m, i, pulse_s), 1e-6, 1e-6);
        assert_true(pulse_s < last_s);
        last_s = pulse_s;
    }
    assert_true(stn_mtj_write_error(&m, 0.5, 1e-9) > 0.999);
}

static void a_junction_at_rest_flips_after_its_retention(void **state)
{
    (void)state;
    stn_mtj m = load("stt-mtj");
    double t0 = stn_mtj_retention_s(&m);
    assert_near(stn_mtj_disturb(&m, 0.0, 1e-6 * t0), 1e-6, 1e-5);
    assert_near(stn_mtj_disturb(&m, 0.0, t0), 1.0 - exp(-1.0), 1e-6);
    assert_true(stn_mtj_disturb(&m, 0.5, 1.0) > stn_mtj_disturb(&m, 0.2, 1.0));
}

/* Against small steps of dp0 = -(r0 + read) p0 + r0 p1, and its ends. */
static void kept_bits_relax_and_reading_pushes_them_one_way(void **state)
{
    (void)state;
    stn_mtj m = load("stt-mtj");
    m.anisotropy_t *= 0.5;
    double t0 = stn_mtj_retention_s(&m), chance[2];
    double once = stn_mtj_disturb(&m, stn_mtj_read_drive(&m), m.read_s);
    stn_mtj_flips(&m, 0.3 * t0, 0.0, chance);
    assert_near(chance[0], 0.5 * (1.0 - exp(-0.6)), 1e-9);
    assert_near(chance[1], chance[0], 1e-12);
    stn_mtj_flips(&m, 1e3 * t0, 0.0, chance);
    assert_near(chance[1], 0.5, 1e-12);
    stn_mtj_flips(&m, 0.0, 1.0, chance);
    assert_near(chance[0], once, 1e-6);
    assert_true(chance[1] == 0.0);
    double reads = 0.7 / -log1p(-once), age_s = 0.4 * t0, one = 0.0, zero = 0.0;
    const int steps = 100000;
    for (int i = 0; i < steps; i++) {
        double low = (0.7 + 0.4) / steps, high = 0.4 / steps;
        one += (1.0 - one) * low - one * high;
        zero += (1.0 - zero) * high - zero * low;
    }
    stn_mtj_flips(&m, age_s, reads, chance);
    assert_near(chance[0], one, 1e-3);
    assert_near(chance[1], zero, 1e-3);
    stn_mtj orbit = load("sot-mtj");
    stn_mtj_flips(&orbit, 0.0, 1e30, chance);
    assert_true(chance[0] == 0.0 && chance[1] == 0.0);
}

/* Lee's formula is the static limit: a long pulse, strongly damped. */
static void spin_orbit_switches_at_the_critical_current(void **state)
{
    (void)state;
    stn_mtj m = load("sot-mtj");
    m.damping = 0.5;
    double critical_a = stn_mtj_critical_a(&m);
    double low_a = 0.3 * critical_a, high_a = 2.0 * critical_a;
    assert_true(stn_mtj_switching_s(&m, low_a, 10e-9) == 0.0);
    assert_true(stn_mtj_switching_s(&m, high_a, 10e-9) > 0.0);
    for (int k = 0; k < 8; k++) {
        double a = 0.5 * (low_a + high_a);
        if (stn_mtj_switching_s(&m, a, 10e-9) > 0.0)
            high_a = a;
        else
            low_a = a;
    }
    assert_near(high_a, critical_a, 0.10);
}

static void more_current_switches_sooner(void **state)
{
    (void)state;
    stn_mtj m = load("stt-mtj");
    double c = stn_mtj_critical_a(&m);
    double slow_s = stn_mtj_switching_s(&m, 2.0 * c, 50e-9);
    double fast_s = stn_mtj_switching_s(&m, 4.0 * c, 50e-9);
    assert_true(fast_s > 0.0 && slow_s > 2.0 * fast_s);
    assert_true(stn_mtj_switching_s(&m, 0.9 * c, 50e-9) == 0.0);
}

/* ---- writing */

/* A trajectory with thermal kicks of variance damping / barrier a unit of time
 * and direction, from rest through the pulse and `after` units without torque;
 * where m_z ends. */
static double thermal_end(const stn_mtj *m, double torque, double after,
                          stn_rng *rng)
{
    const double dt = 0.05, pulse = m->write_s / stn_mtj_time_unit_s(m);
    double rest = sqrt(0.5 / stn_mtj_stability(m));
    double kick = sqrt(m->damping * dt / stn_mtj_stability(m));
    stn_macrospin s = {.damping = m->damping,
                       .field_x = m->assist_t / m->anisotropy_t,
                       .torque = torque,
                       .spin = {0.0, -1.0, 0.0}};
    s.m[0] = s.field_x + rest * (double)stn_rng_normal(rng);
    s.m[1] = rest * (double)stn_rng_normal(rng);
    s.m[2] = sqrt(1.0 - s.m[0] * s.m[0] - s.m[1] * s.m[1]);
    for (double t = dt; t <= pulse + after; t += dt) {
        if (t > pulse)
            s.torque = 0.0;
        for (int i = 0; i < 3; i++)
            s.m[i] += kick * (double)stn_rng_normal(rng);
        stn_macrospin_step(&s, dt); /* makes it a unit vector again */
    }
    return s.m[2];
}

/* hbar theta I / (2 e w t Ms t_F Hk). */
static double torque_of(const stn_mtj *m)
{
    return 1.054571817e-34 * m->hall_angle * m->write_a /
           (2.0 * 1.602176634e-19 * m->strip_width_m * m->strip_thickness_m *
            m->magnetisation_a_m * m->thickness_m * m->anisotropy_t);
}

static double mean_cell_error(const stn_mtj *m)
{
    const stn_mtj_deviation mean = {1.0, 1.0, 1.0, 1.0};
    const stn_mtj_writing w = stn_mtj_writing_make(m);
    return stn_mtj_cell_write_error(&w, &mean);
}

/* At barriers so low that errors can be counted: of a long pulse and of one
 * that ends while m is on its way. */
static void spin_orbit_writes_err_as_thermal_trajectories_do(void **state)
{
    (void)state;
    enum { N = 6000 };
    static const struct {
        double barrier, pulse_s;
    } cases[] = {{10.0, 1e-9}, {20.0, 1e-9}, {10.0, 120e-12}};
    stn_rng rng = stn_rng_make(3, STN_RNG_TEST, 0);
    for (int k = 0; k < 3; k++) {
        stn_mtj m = load("sot-mtj");
        m.temperature_k *= stn_mtj_stability(&m) / cases[k].barrier;
        m.write_s = cases[k].pulse_s;
        double p = mean_cell_error(&m), wrong = 0.0;
        for (int i = 0; i < N; i++)
            wrong += thermal_end(&m, torque_of(&m), 0.0, &rng) > 0.0;
        if (fabs(wrong - N * p) > 4.0 * sqrt(N * p) + 0.1 * N * p)
            fail_msg("barrier %g: %g of %d wrong, expected %g",
                     cases[k].barrier, wrong, N, N * p);
        assert_true(p > 0.005 && p < 0.4);
    }
}

/* The limit that docs/memory.md states: what m does after the pulse is left
 * out, and with the file's damping a free macrospin often falls back. */
static void after_the_pulse_a_lightly_damped_macrospin_falls_back(void **state)
{
    (void)state;
    enum { N = 300 };
    static const double damping[] = {0.05, 0.2};
    stn_rng rng = stn_rng_make(4, STN_RNG_TEST, 0);
    double back[2] = {0.0, 0.0};
    for (int k = 0; k < 2; k++) {
        stn_mtj m = load("sot-mtj");
        m.damping = damping[k];
        for (int i = 0; i < N; i++)
            back[k] +=
                thermal_end(&m, torque_of(&m), 10.0 / m.damping, &rng) > 0.0;
    }
    print_message("of %d fall back: %g and %g\n", N, back[0], back[1]);
    assert_in_range((int)back[0], N / 3, 2 * N / 3);
    assert_true(back[1] < 0.03 * N);
}

/* During a long pulse m_z = -h / a, spread by alpha / (2 a Delta). */
static void spin_orbit_errors_follow_field_torque_and_damping(void **state)
{
    (void)state;
    stn_mtj m = load("sot-mtj");
    m.damping = 0.01;
    for (int k = 0; k < 3; k++, m.write_a *= 1.3) {
        double a = torque_of(&m), h = m.assist_t / m.anisotropy_t;
        assert_near(stn_mtj_margin(&m, m.write_a, m.write_s),
                    h * sqrt(2.0 / (m.damping * a)), 0.05);
    }
    m = load("sot-mtj");
    double usual = mean_cell_error(&m);
    m.assist_t *= 2.0;
    assert_true(mean_cell_error(&m) < 1e-3 * usual);
    m.assist_t *= 0.5;
    m.write_a = 0.5 * stn_mtj_critical_a(&m);
    assert_true(mean_cell_error(&m) > 0.999);
    m = load("sot-mtj");
    m.write_s = 1e-11;
    assert_true(mean_cell_error(&m) > 0.5);
}

/* The current is forced: what counts is the free layer, and the strip. */
static void write_errors_are_those_of_the_cell(void **state)
{
    (void)state;
    stn_mtj m = load("stt-mtj");
    const stn_mtj_deviation mean = {1.0, 1.0, 1.0, 1.0};
    const stn_mtj_deviation thick = {1.0, 1.3, 0.8, 1.0};
    const stn_mtj_deviation large = {1.02, 1.0, 1.0, 1.0};
    stn_mtj_writing w = stn_mtj_writing_make(&m);
    double usual = stn_mtj_cell_write_error(&w, &mean);
    assert_near(
        usual,
        stn_mtj_write_error(&m, m.write_a / stn_mtj_critical_a(&m), m.write_s),
        1e-9);
    assert_near(stn_mtj_cell_write_error(&w, &thick), usual, 1e-9);
    stn_mtj other = m;
    other.diameter_m *= 1.02;
    assert_near(stn_mtj_cell_write_error(&w, &large),
                stn_mtj_write_error(
                    &other, m.write_a / stn_mtj_critical_a(&other), m.write_s),
                1e-9);
    assert_true(stn_mtj_cell_write_error(&w, &large) > 2.0 * usual);
    m = load("sot-mtj");
    w = stn_mtj_writing_make(&m);
    usual = stn_mtj_cell_write_error(&w, &mean);
    /* A higher barrier shakes less. */
    assert_true(stn_mtj_cell_write_error(&w, &large) < usual);
    for (double strip = 0.9; strip < 1.12; strip += 0.03) {
        const stn_mtj_deviation d = {1.0, 1.0, 1.0, strip};
        other = m;
        other.strip_width_m *= strip;
        assert_near(stn_mtj_cell_write_error(&w, &d), mean_cell_error(&other),
                    0.01);
    }
}

static void the_mean_write_error_is_that_of_drawn_cells(void **state)
{
    (void)state;
    enum { DRAWS = 200000 };
    static const char *const names[] = {"stt-mtj", "sot-mtj"};
    for (int i = 0; i < 2; i++) {
        stn_mtj m = load(names[i]);
        stn_rng rng = stn_rng_make(5, STN_RNG_TEST, 0);
        const stn_mtj_writing w = stn_mtj_writing_make(&m);
        double mean = 0.0;
        for (int k = 0; k < DRAWS; k++) {
            stn_mtj_deviation d = stn_mtj_draw(&m, &rng);
            d.strip = stn_mtj_draw_strip(&m, &rng);
            mean += stn_mtj_cell_write_error(&w, &d) / DRAWS;
        }
        assert_near(stn_mtj_mean_write_error(&w), mean, 0.03);
        assert_true(mean > 1.02 * mean_cell_error(&m));
        m = stn_mtj_at_spread(&m, 0.0);
        const stn_mtj_writing alike = stn_mtj_writing_make(&m);
        assert_near(stn_mtj_mean_write_error(&alike), mean_cell_error(&m),
                    1e-9);
    }
}

static void sensing_errs_as_often_as_drawn_cells_do(void **state)
{
    (void)state;
    stn_mtj m = load("stt-mtj");
    stn_rng rng = stn_rng_make(11, STN_RNG_TEST, 0);
    m.sigma_ra = 0.08;
    for (int rows = 1; rows <= STN_MTJ_ROWS; rows++)
        for (int j = 0; j < rows; j++) {
            double closed = stn_mtj_sense_error(&m, rows, j);
            double drawn = stn_mtj_sense_error_drawn(&m, rows, j, 200000, &rng);
            /* Linear spreads lack the skew of d^2 / RA, whose lower tail is
             * thinner: the closed form errs on the safe side. */
            assert_true(closed > 1e-3);
            assert_true(drawn < 1.2 * closed && drawn > 0.3 * closed);
        }
}

static void sensing_more_rows_errs_more_often(void **state)
{
    (void)state;
    static const char *const names[] = {"stt-mtj", "sot-mtj"};
    for (int i = 0; i < 2; i++) {
        stn_error err;
        stn_mtj_report r;
        assert_ok(stn_mtj_evaluate(names[i], &r, &err), err);
        assert_true(r.sense_error[0] < r.sense_error[1]);
        assert_true(r.sense_error[1] < r.sense_error[2]);
        assert_true(r.sense_error[2] < 0.01);
        assert_true(r.overdrive > 1.0 && r.switching_s > 0.0);
        assert_true(r.read_disturb < 1e-6);
        assert_true(r.write_error > 0.0 && r.write_error < 1e-4);
        assert_true(r.write_error_spread > r.write_error);
    }
}

static void devices_that_are_not_there_are_refused(void **state)
{
    (void)state;
    stn_error err;
    stn_mtj_report r;
    assert_refused(stn_mtj_evaluate("no-such", &r, &err), err, STN_E_NOT_FOUND,
                   "devices/no-such.yaml");
    assert_refused(stn_mtj_evaluate("../cells/reram", &r, &err), err,
                   STN_E_ARGUMENT, "expected the name");
}

/* Spread is what errors come from; drawn ones are near the closed form. */
static void wider_spreads_err_more_often(void **state)
{
    (void)state;
    static const char *const names[] = {"stt-mtj", "sot-mtj"};
    for (int i = 0; i < 2; i++) {
        stn_error err;
        stn_mtj_report before, r;
        assert_ok(stn_mtj_evaluate_spread(names[i], 0, 1000, &before, &err),
                  err);
        assert_true(before.sense_error[2] == 0.0);
        for (double spread = 1; spread <= 3; spread += 0.5) {
            assert_ok(
                stn_mtj_evaluate_spread(names[i], spread, 40000, &r, &err),
                err);
            for (int k = 0; k < STN_MTJ_ROWS; k++)
                assert_true(r.sense_error[k] > before.sense_error[k]);
            assert_true(r.sense_error[2] > r.sense_error[0]);
            before = r;
        }
        stn_mtj_report closed;
        assert_ok(stn_mtj_evaluate(names[i], &closed, &err), err);
        assert_ok(stn_mtj_evaluate_spread(names[i], 1, 400000, &r, &err), err);
        double ratio = closed.sense_error[2] / r.sense_error[2];
        assert_true(ratio > 0.5 && ratio < 4);
        assert_refused(stn_mtj_evaluate_spread(names[i], -1, 10, &r, &err), err,
                       STN_E_ARGUMENT, "spread");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resistance_follows_area_and_voltage),
        cmocka_unit_test(the_barrier_is_that_of_a_macrospin),
        cmocka_unit_test(
            spin_transfer_balances_damping_at_the_critical_current),
        cmocka_unit_test(small_angles_grow_as_the_write_error_assumes),
        cmocka_unit_test(the_pulse_for_an_error_has_that_error),
        cmocka_unit_test(a_junction_at_rest_flips_after_its_retention),
        cmocka_unit_test(kept_bits_relax_and_reading_pushes_them_one_way),
        cmocka_unit_test(spin_orbit_switches_at_the_critical_current),
        cmocka_unit_test(more_current_switches_sooner),
        cmocka_unit_test(spin_orbit_writes_err_as_thermal_trajectories_do),
        cmocka_unit_test(after_the_pulse_a_lightly_damped_macrospin_falls_back),
        cmocka_unit_test(spin_orbit_errors_follow_field_torque_and_damping),
        cmocka_unit_test(write_errors_are_those_of_the_cell),
        cmocka_unit_test(the_mean_write_error_is_that_of_drawn_cells),
        cmocka_unit_test(sensing_errs_as_often_as_drawn_cells_do),
        cmocka_unit_test(sensing_more_rows_errs_more_often),
        cmocka_unit_test(devices_that_are_not_there_are_refused),
        cmocka_unit_test(wider_spreads_err_more_often),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
