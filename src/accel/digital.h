/* SPDX-License-Identifier: MIT
 *
 * What digital units beside an array compute: rescales and poolings, the
 * same on every machine that has such units. */
#ifndef STN_ACCEL_DIGITAL_H
#define STN_ACCEL_DIGITAL_H

#include "accel/ledger.h"
#include "setun/program.h"

/* The unit that an instruction without weights needs. */
stn_event stn_digital_unit(const stn_instruction *in);
/* How often it is needed for a picture: a product for each input of a number,
 * and what joins the numbers of a window. */
uint64_t stn_digital_count(const stn_program *program,
                           const stn_instruction *in);
/* Computes it: x0 and x1 are its first and last input, of one input the
 * same; y is neither. */
void stn_digital_run(const stn_program *program, const stn_instruction *in,
                     const int32_t *x0, const int32_t *x1, int32_t *y);

#endif
