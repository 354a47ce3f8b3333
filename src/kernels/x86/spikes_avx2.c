/* SPDX-License-Identifier: MIT
 *
 * Neurons and spikes compiled for AVX2, which multiplies 32-bit lanes. */
#include "kernels/x86/x86.h"

#ifdef STN_X86
#include "kernels/spike_rows.h"

STN_TARGET("avx2") void stn_lif_avx2(const stn_lif_call *call)
{
    stn_lif_rows(call);
}

STN_TARGET("avx2") void stn_rate_code_avx2(const stn_rate_code_call *call)
{
    stn_rate_code_rows(call);
}
#endif
