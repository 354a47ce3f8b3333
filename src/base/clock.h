/* SPDX-License-Identifier: MIT
 *
 * A monotonic clock. */
#ifndef STN_BASE_CLOCK_H
#define STN_BASE_CLOCK_H

/* Seconds since an arbitrary start; never goes back. */
double stn_clock_s(void);

#endif
