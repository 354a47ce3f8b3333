/* SPDX-License-Identifier: MIT
 *
 * A packed program on analog arrays whose converters have another
 * resolution. */
#ifndef STN_ADC_H
#define STN_ADC_H

#include "setun/evaluate.h"
#include "setun/simulate.h"

typedef struct stn_adc_trial {
    const char *machine;    /* name or file */
    const char *const *set; /* laid over it, n_set of them */
    int n_set;
    const char *bits; /* of options.adc_bits, laid over these; NULL: none */
    int threads;      /* 0: all CPUs */
} stn_adc_trial;

/* Executes all pictures on that machine and compares each with its own
 * definition and with the reference. STN_E_UNSUPPORTED when the machine cannot
 * be had so, or has no room; the caller destroys *out. */
stn_status stn_adc_try(const stn_adc_trial *trial, const stn_program *program,
                       const stn_pictures *pictures, stn_simulation **out,
                       stn_error *err);

#endif
