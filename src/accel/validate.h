/* SPDX-License-Identifier: MIT
 *
 * Rungs of the ladder of validation that machines climb. */
#ifndef STN_ACCEL_VALIDATE_H
#define STN_ACCEL_VALIDATE_H

#include "memory/validate.h"

/* Cycles of a pe_array, of share/setun/references/scale-sim.csv. */
stn_status stn_validate_pe_array(stn_validate_list *list, stn_error *err);

#endif
