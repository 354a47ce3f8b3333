/* SPDX-License-Identifier: MIT
 *
 * Stochastic computing: an executor whose products are those of the
 * counter-based multiplier (Sim & Lee, DAC 2017), which are a little off and
 * always the same. It runs programs of few bits (stn_program_narrow), and
 * returns the bits of its own scalar definition: docs/semantics.md,
 * "Stochastic products". Part of libsetun-rt. */
#ifndef STN_STOCHASTIC_H
#define STN_STOCHASTIC_H

#include "setun/program.h"

/* An N-bit operand x and how often the multiplier may be asked. */
typedef struct stn_stochastic_operand {
    int bits;       /* N, 2 … 8 */
    bool is_signed; /* two's complement -2^(N-1) …, else 0 … 2^N - 1 */
} stn_stochastic_operand;

/* The scalar definition, cycle by cycle: about x w / 2^(N-1) of a signed x,
 * x w / 2^N of an unsigned one. w is any integer; it takes |w| cycles. x is in
 * the operand's range. */
int stn_stochastic_cycles(stn_stochastic_operand operand, int x, int w);
/* The same number without counting. */
int stn_stochastic_product(stn_stochastic_operand operand, int x, int w);

/* Over all pairs of N-bit operands, of one sign both: product minus exact
 * quotient, in units of the product (LSB). */
typedef struct stn_stochastic_error {
    double max, rms, mean; /* of magnitudes, of squares, signed */
} stn_stochastic_error;
stn_stochastic_error stn_stochastic_errors(stn_stochastic_operand operand);

/* What the multipliers did in one instruction. */
typedef struct stn_stochastic_counts {
    uint64_t products;     /* those with padding left out */
    uint64_t zero_weights; /* of them: no cycle at all */
    uint64_t cycles;       /* Σ|w|: the weight in the down counter */
    uint64_t input_cycles; /* Σ|x|: had the input been there */
} stn_stochastic_counts;

typedef struct stn_stochastic stn_stochastic;

/* Prepares a program whose operands have at most `bits` bits (2 … 8); it is
 * borrowed. threads 0: all CPUs. STN_E_UNSUPPORTED when a value or weight has
 * more, or sums might leave 32 bits. */
stn_status stn_stochastic_create(const stn_program *program, int bits,
                                 int threads, stn_stochastic **out,
                                 stn_error *err);
void stn_stochastic_destroy(stn_stochastic *executor); /* NULL is legal */

/* Classifies n pictures into n * n_classes int32. `counts`, which may be NULL,
 * has n_instructions entries and is set to the sums over these pictures. One
 * caller at a time. */
stn_status stn_stochastic_run(stn_stochastic *executor, const uint8_t *pixels,
                              int n, int32_t *logits,
                              stn_stochastic_counts *counts, stn_error *err);

/* One picture by the definition: the reference interpreter with every product
 * counted cycle by cycle. Slow. The program is one that create takes. */
stn_status stn_stochastic_classify(const stn_program *program, int bits,
                                   const uint8_t *pixels, int32_t *logits,
                                   stn_error *err);

#endif
