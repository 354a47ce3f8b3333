/* SPDX-License-Identifier: MIT
 *
 * Rescale with NEON. */
#include "kernels/arm/rescale_neon.h"

#ifdef STN_ARM64
#include "kernels/layout/rescale_rows.h"

stn_status stn_rescale_prepare_neon(const stn_rescale_shape *shape,
                                    stn_arena *arena, stn_prepared *out,
                                    stn_error *err)
{
    return stn_rescale_pack_prepare(shape, 4, "neon", arena, out, err);
}

void stn_rescale_neon(const stn_rescale_call *call)
{
    stn_rescale_rows(call);
}
#endif
