/* SPDX-License-Identifier: MIT
 *
 * How well the models agree with what others say: SPICE, NVSim, CACTI,
 * published macros. Nothing is fitted per case. */
#ifndef STN_VALIDATE_H
#define STN_VALIDATE_H

#include "setun/status.h"
#include <stdbool.h>

/* One figure compared with the model, or a group of them. An error is
 * model / reference - 1. */
typedef struct stn_agreement {
    char rung[16];     /* "spice", "nvsim", "scale-sim" */
    char quantity[64]; /* "read_latency_s" */
    char group[96];    /* what was compared: "stt-mram", or conditions */
    char unit[12];
    int n;                     /* comparisons */
    double reference, model;   /* of the one comparison; 0 if n > 1 */
    double median, p95, worst; /* of the errors without sign */
    double median_signed;
    char worst_case[96];
    double limit_median, limit_worst; /* 0: reported, not judged */
    bool met;
} stn_agreement;

/* Owned by the caller; stn_validation_destroy. */
typedef struct stn_validation {
    stn_agreement *items;
    int n;
    bool met; /* every limit */
} stn_validation;

/* Compares with the figures of share/setun/references, and with the CSV files
 * in `reference_folder`, or NULL: the rungs of SPICE, NVSim and silicon are
 * left out. */
stn_status stn_validate(const char *reference_folder, stn_validation **out,
                        stn_error *err);
void stn_validation_destroy(stn_validation *validation); /* NULL is legal */

#endif
