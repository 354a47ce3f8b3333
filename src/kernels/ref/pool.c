/* SPDX-License-Identifier: MIT
 *
 * Pools as the compiler's default instruction set runs them. */
#include "kernels/pool_rows.h"
#include "kernels/ref/ref.h"

void stn_max_pool_ref(const stn_pool_call *call)
{
    stn_max_row(call);
}

void stn_sum_pool_ref(const stn_pool_call *call)
{
    stn_sum_row(call);
}
