/* SPDX-License-Identifier: MIT
 *
 * A packed program on a data set: how accurate, how fast, and whether every
 * executor gives the same bits. */
#ifndef STN_EVALUATE_H
#define STN_EVALUATE_H

#include "setun/data.h"
#include "setun/engine.h"
#include "setun/simulate.h"
#include "setun/stochastic.h"

/* Test pictures fitted to a program's input. */
typedef struct stn_pictures {
    uint32_t n;
    uint8_t *pixels;       /* n * h * w * c; owned */
    const uint8_t *labels; /* n; the data set's */
} stn_pictures;

/* The first n pictures (0 or more than there are: all) of the test split,
 * each padded with zeros to `input` where it is smaller. The data set must
 * outlive the pictures. STN_E_UNSUPPORTED when channels differ or a picture
 * is larger. */
stn_status stn_pictures_create(const stn_dataset *dataset, stn_shape input,
                               uint32_t n, stn_pictures **out, stn_error *err);
void stn_pictures_destroy(stn_pictures *pictures); /* NULL is legal */

typedef struct stn_evaluation {
    uint32_t n, n_correct;
    double accuracy; /* top-1, 0 … 1; lowest index among equal logits */
    double seconds, images_per_s; /* of the engine alone */
} stn_evaluation;

stn_status stn_evaluate(const stn_program *program,
                        const stn_pictures *pictures,
                        const stn_engine_options *options, stn_evaluation *out,
                        stn_error *err);

/* The same by the stochastic executor, with operands of `bits` bits. `counts`
 * has n_instructions entries, or is NULL. threads 0: all CPUs. */
stn_status stn_evaluate_stochastic(const stn_program *program, int bits,
                                   const stn_pictures *pictures, int threads,
                                   stn_evaluation *out,
                                   stn_stochastic_counts *counts,
                                   stn_error *err);

/* One executor set beside the reference interpreter; one whose hardware is
 * inexact beside its own definition. */
typedef struct stn_verification {
    char executor[96];        /* "engine avx2, 2 threads" */
    uint32_t n, n_mismatches; /* pictures; pictures with any other logit */
    uint32_t n_inexact;       /* by definition: not the reference's logits */
    bool errs; /* at random: nothing is a mismatch, and of n_bits bits of its
                  logits n_bits_differ are not the reference's */
    uint64_t n_bits, n_bits_differ;
    double seconds;
    uint32_t image; /* the first difference; valid when n_mismatches > 0 */
    int logit;
    int32_t expected, got;
} stn_verification;

#define STN_VERIFY_MAX 64 /* executors */

typedef struct stn_verify_options {
    const char *const *machines; /* names or files; may be NULL */
    int n_machines;
    uint32_t machine_images; /* machines are slower: only the first so many */
    int threads;             /* for the reference and machines; 0: all CPUs */
    int stochastic_bits;     /* operands of the stochastic executor; 0: none */
} stn_verify_options;

/* Runs the reference interpreter, the engine at every level of this CPU with
 * 1 and 2 threads, and the machines, on the pictures; and the stochastic
 * executor, as few pictures as the machines, beside its own definition.
 * Differences are not an error here: they are in `out`. `out` has room for
 * STN_VERIFY_MAX; the first is the reference itself. */
stn_status stn_verify(const stn_program *program, const stn_pictures *pictures,
                      const stn_verify_options *options, stn_verification *out,
                      int *n_out, stn_error *err);

/* The index of the largest of n logits, the lowest among equals. */
int stn_argmax(const int32_t *logits, int n);

#endif
