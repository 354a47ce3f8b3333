/* SPDX-License-Identifier: MIT
 *
 * Circulant dots by transforms, compiled for NEON. */
#include "kernels/arm/arm.h"
#include "kernels/circulant.h"

#ifdef STN_ARM64

stn_status stn_circulant_prepare_neon(const stn_dot_shape *shape,
                                      stn_circulant_blocks blocks,
                                      const int8_t *codes, stn_arena *arena,
                                      stn_prepared *out, stn_error *err)
{
    return stn_circulant_fft_prepare(shape, blocks, codes, arena, "neon_fft",
                                     out, err);
}

void stn_circulant_neon(const stn_dot_call *call)
{
    stn_circulant_run(call);
}

#endif
