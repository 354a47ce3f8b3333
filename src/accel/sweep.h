/* SPDX-License-Identifier: MIT
 *
 * Inside a sweep. */
#ifndef STN_ACCEL_SWEEP_H
#define STN_ACCEL_SWEEP_H

#include "setun/sweep.h"

/* Marks the points of the front, and counts those that fit. */
stn_status stn_sweep_find_front(const stn_sweep_options *options,
                                stn_sweep *sweep, stn_error *err);

#endif
