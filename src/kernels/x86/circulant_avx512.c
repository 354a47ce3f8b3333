/* SPDX-License-Identifier: MIT
 *
 * Circulant dots by transforms, compiled for AVX-512. */
#include "kernels/circulant.h"
#include "kernels/x86/x86.h"

#ifdef STN_X86

stn_status stn_circulant_prepare_avx512(const stn_dot_shape *shape,
                                        stn_circulant_blocks blocks,
                                        const int8_t *codes, stn_arena *arena,
                                        stn_prepared *out, stn_error *err)
{
    return stn_circulant_fft_prepare(shape, blocks, codes, arena, "avx512_fft",
                                     out, err);
}

STN_TARGET("avx512f,avx512vl,avx512dq")
void stn_circulant_avx512(const stn_dot_call *call)
{
    stn_circulant_run(call);
}

#endif
