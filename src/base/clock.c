/* SPDX-License-Identifier: MIT
 *
 * The monotonic clock of POSIX, as a double: 2^53 ns is 104 days, so steps
 * stay below a microsecond for years. */
#include "base/clock.h"
#include <time.h>

double stn_clock_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}
