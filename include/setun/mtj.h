/* SPDX-License-Identifier: MIT
 *
 * Magnetic tunnel junctions: resistance, switching, retention, and the error
 * of sensing several of them at once. Equations: docs/memory.md. */
#ifndef STN_MTJ_H
#define STN_MTJ_H

#include "setun/status.h"
#include <stdbool.h>

#define STN_MTJ_ROWS 3 /* most rows sensed together */

/* What a junction is and does at the read and write conditions of its file.
 * SI units. */
typedef struct stn_mtj_report {
    bool spin_orbit; /* written through a strip, else through itself */
    double parallel_ohm, antiparallel_ohm; /* at the read voltage */
    double tmr;                            /* at the read voltage */
    double stability;                      /* energy barrier over kT */
    double retention_s;                    /* mean time to a thermal flip */
    double critical_a;                     /* switching current at 0 K */
    double overdrive;          /* write current over critical current */
    double switching_s;        /* from the thermal angle, by the LLG equation; 0
                                  when the write current does not switch it */
    double write_error;        /* chance that one pulse does not write the mean
                                  cell */
    double write_error_spread; /* the same, mean over all cells */
    double write_energy_j;     /* in junction or strip */
    double read_disturb;       /* probability that one read flips it */
    double sense_error[STN_MTJ_ROWS]; /* with 1 … rows: that the worst reference
                                         is taken for the wrong side */
} stn_mtj_report;

/* Evaluates share/setun/devices/NAME.yaml. A malformed or out-of-range file is
 * refused with file, line, field, range. */
stn_status stn_mtj_evaluate(const char *name, stn_mtj_report *out,
                            stn_error *err);
/* The same with every spread of the file times `spread` (>= 0), and with
 * sensing errors counted over `draws` sets of cells a level where at least a
 * hundred were seen; rarer ones by the closed form. */
stn_status stn_mtj_evaluate_spread(const char *name, double spread, int draws,
                                   stn_mtj_report *out, stn_error *err);

#endif
