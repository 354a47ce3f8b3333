/* SPDX-License-Identifier: MIT
 *
 * The reference interpreter with products of another kind: how an executor
 * whose multipliers are inexact is defined in scalar C. */
#ifndef STN_RUN_REFERENCE_H
#define STN_RUN_REFERENCE_H

#include "base/memory.h"
#include "setun/program.h"

/* Stands for w · x in a sum; `type` is that of the value x is from. */
typedef struct stn_multiplier {
    int64_t (*product)(const struct stn_multiplier *multiplier, stn_type type,
                       int w, int64_t x);
    int bits; /* for its use */
} stn_multiplier;

/* stn_reference_run and _classify; multiplier NULL: exact products. */
stn_status stn_reference_run_with(const stn_program *program,
                                  const stn_multiplier *multiplier,
                                  const uint8_t *pixels, void *const *values,
                                  stn_error *err);
stn_status stn_reference_classify_with(const stn_program *program,
                                       const stn_multiplier *multiplier,
                                       const uint8_t *pixels, int32_t *logits,
                                       stn_error *err);
/* One instruction, as stn_reference_run does it. */
void stn_reference_step(const stn_program *program, const stn_instruction *in,
                        const uint8_t *pixels, void *const *values);

/* Memory of one picture's values but the picture itself, in the arena; NULL
 * when it is out. */
void **stn_reference_values(const stn_program *program, stn_arena *arena);

#endif
