/* SPDX-License-Identifier: MIT
 *
 * Neurons and spikes as the compiler's default instruction set runs them. */
#include "kernels/ref/ref.h"
#include "kernels/spike_rows.h"

void stn_lif_ref(const stn_lif_call *call)
{
    stn_lif_rows(call);
}

void stn_rate_code_ref(const stn_rate_code_call *call)
{
    stn_rate_code_rows(call);
}
