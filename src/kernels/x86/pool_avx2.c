/* SPDX-License-Identifier: MIT
 *
 * Pools compiled for AVX2. */
#include "kernels/x86/x86.h"

#ifdef STN_X86
#include "kernels/pool_rows.h"

STN_TARGET("avx2") void stn_max_pool_avx2(const stn_pool_call *call)
{
    stn_max_row(call);
}

STN_TARGET("avx2") void stn_sum_pool_avx2(const stn_pool_call *call)
{
    stn_sum_row(call);
}
#endif
