/* SPDX-License-Identifier: MIT
 *
 * Rescale with AVX-512. */
#include "kernels/x86/rescale_avx512.h"

#ifdef STN_X86
#include "kernels/layout/rescale_rows.h"

stn_status stn_rescale_prepare_avx512(const stn_rescale_shape *shape,
                                      stn_arena *arena, stn_prepared *out,
                                      stn_error *err)
{
    return stn_rescale_pack_prepare(shape, 8, "avx512", arena, out, err);
}

STN_AVX512 void stn_rescale_avx512(const stn_rescale_call *call)
{
    stn_rescale_rows(call);
}
#endif
