/* SPDX-License-Identifier: MIT
 *
 * Neurons and spikes, written once; ref/spikes.c compiles them plainly,
 * x86/spikes_avx2.c for wider vectors. Included by those files only. */
#ifndef STN_KERNELS_SPIKE_ROWS_H
#define STN_KERNELS_SPIKE_ROWS_H

#include "base/compiler.h"
#include "base/spikes.h"
#include "kernels/kernels.h"

STN_INLINE void stn_lif_rows(const stn_lif_call *call)
{
    const int16_t *STN_RESTRICT x = call->x;
    int32_t *STN_RESTRICT u = call->u;
    uint8_t *STN_RESTRICT y = call->y;
    int32_t leak = call->leak, threshold = call->threshold;
    size_t n = call->n; /* bytes written might be the call's, for all gcc
                           knows */
    for (size_t i = 0; i < n; i++) {
        int32_t now = (u[i] * leak >> 8) + x[i];
        y[i] = now > threshold;
        u[i] = now > threshold ? 0 : now;
    }
}

STN_INLINE void stn_rate_code_rows(const stn_rate_code_call *call)
{
    const uint8_t *STN_RESTRICT x = call->x;
    uint8_t *STN_RESTRICT y = call->y;
    uint32_t first = call->first, n = (uint32_t)call->n;
    for (uint32_t i = 0; i < n; i++)
        y[i] = x[i] > stn_spike_threshold(0, first + i);
}

#endif
