/* SPDX-License-Identifier: MIT
 *
 * The physics behind setun/mtj.h, one function per equation. */
#ifndef STN_MEMORY_MTJ_H
#define STN_MEMORY_MTJ_H

#include "base/rng.h"
#include "memory/memory.h"
#include "setun/mtj.h"

/* A perpendicular junction with a circular free layer, as in its file. */
typedef struct stn_mtj {
    bool spin_orbit;
    double diameter_m, thickness_m; /* of the free layer */
    double ra_ohm_m2, tmr0, half_v; /* TMR is half at half_v */
    double magnetisation_a_m, anisotropy_t, damping;
    double attempt_s, temperature_k;
    double polarisation; /* spin-transfer */
    double hall_angle, strip_width_m, strip_thickness_m, strip_length_m;
    double strip_ohm_m, assist_t; /* spin-orbit; assist field along it */
    double read_v, read_s, write_a, write_s;
    double sigma_ra, sigma_tmr, sigma_diameter; /* relative */
    double sigma_strip;    /* of the strip's section; spin-orbit */
    double sigma_offset_a; /* of the sense amplifier's input */
} stn_mtj;

stn_status stn_mtj_load(const char *name, stn_figures *figures, stn_mtj *out,
                        stn_error *err);

/* The same with all spreads times `spread`. */
stn_mtj stn_mtj_at_spread(const stn_mtj *m, double spread);

double stn_mtj_tmr(const stn_mtj *m, double volt);
double stn_mtj_parallel_ohm(const stn_mtj *m);
/* Energy barrier over kT, of a macrospin. */
double stn_mtj_stability(const stn_mtj *m);
double stn_mtj_retention_s(const stn_mtj *m);
/* Current, at 0 K, at which the state becomes unstable. */
double stn_mtj_critical_a(const stn_mtj *m);
/* Probability that a pulse of `i` critical currents leaves it unswitched. */
double stn_mtj_write_error(const stn_mtj *m, double i, double pulse_s);
/* The pulse for which it is `error`; i > 1. */
double stn_mtj_pulse_s(const stn_mtj *m, double i, double error);
/* Probability that `i` < 1 critical currents flip it within `pulse_s`. */
double stn_mtj_disturb(const stn_mtj *m, double i, double pulse_s);
/* Critical currents that a cell in the low state takes while it is read. They
 * push it to the high state; those of a spin-orbit junction do not pass where
 * it is written: 0. */
double stn_mtj_read_drive(const stn_mtj *m);
/* Chances that a content of 0, the low state, and of 1 is the other one
 * `age_s` after it was written, `reads` readings included. */
void stn_mtj_flips(const stn_mtj *m, double age_s, double reads,
                   double chance[2]);

/* Sensing `rows` cells in parallel against a reference between `antiparallel`
 * and antiparallel + 1 cells in the high state: chance of the wrong side, mean
 * over both levels, with normal spreads. */
double stn_mtj_sense_error(const stn_mtj *m, int rows, int antiparallel);
/* The same by drawing `n` sets of cells for each level. */
double stn_mtj_sense_error_drawn(const stn_mtj *m, int rows, int antiparallel,
                                 int n, stn_rng *rng);
/* What a cell's figures are, times those of the mean cell. */
typedef struct stn_mtj_deviation {
    double diameter, ra, tmr, strip;
} stn_mtj_deviation;

/* Draws a cell; three numbers, all but the strip. */
stn_mtj_deviation stn_mtj_draw(const stn_mtj *m, stn_rng *rng);
/* Draws its strip, one number; nothing for a junction that has none. */
double stn_mtj_draw_strip(const stn_mtj *m, stn_rng *rng);
/* That cell as a junction. */
stn_mtj stn_mtj_cell(const stn_mtj *m, const stn_mtj_deviation *d);
/* The current it takes from its column while it is in the low and in the high
 * state, in steps between the two, so that ideal cells have 0 and 1. */
void stn_mtj_content(const stn_mtj *m, const stn_mtj_deviation *d,
                     double content[2]);
/* Offset of one drawn amplifier in the same unit. */
double stn_mtj_draw_offset(const stn_mtj *m, stn_rng *rng);

/* ---- mtj_write.c: the pulse of the file, cell by cell */

#define STN_MTJ_TORQUES 33

/* Made once for a device. Of a spin-orbit junction: the margin of
 * stn_mtj_margin() for strips from `narrowest` on, in equal steps. */
typedef struct stn_mtj_writing {
    const stn_mtj *mtj; /* has to outlive it */
    double narrowest, step;
    double margin[STN_MTJ_TORQUES];
} stn_mtj_writing;

stn_mtj_writing stn_mtj_writing_make(const stn_mtj *m);
/* Chance that one pulse leaves that cell as it was. */
double stn_mtj_cell_write_error(const stn_mtj_writing *w,
                                const stn_mtj_deviation *d);
/* Its mean over all cells, by the trapezoidal rule. */
double stn_mtj_mean_write_error(const stn_mtj_writing *w);

/* ---- llg.c */
/* A macrospin in units of its anisotropy field; time in units of
 * (1 + damping^2) / (gamma mu0 Hk). */
typedef struct stn_macrospin {
    double m[3]; /* unit vector */
    double damping;
    double field_x; /* applied along x */
    double torque;  /* damping-like, of spins along `spin` */
    double spin[3];
} stn_macrospin;
void stn_macrospin_step(stn_macrospin *s, double dt);
/* Length of a unit of time for that junction. */
double stn_mtj_time_unit_s(const stn_mtj *m);
/* From the thermal angle until m crosses the equator (spin-transfer), or until
 * a pulse exists after which it relaxes to the other side (spin-orbit); 0 when
 * that does not happen within `pulse_s`. */
double stn_mtj_switching_s(const stn_mtj *m, double current_a, double pulse_s);
/* Spin-orbit: how far beyond the equator m is at the end of a pulse, over the
 * deviation that thermal motion would have there with a barrier of 1 kT;
 * negative: not beyond. Goes with the root of the barrier. */
double stn_mtj_margin(const stn_mtj *m, double current_a, double pulse_s);

#endif
