/* SPDX-License-Identifier: MIT
 *
 * Rescale with AVX-512, 16 elements at once; positions and channels are one
 * flat array. */
#include "kernels/x86/rescale_avx512.h"
#include "kernels/ref/ref.h"

#ifdef STN_X86

/* Copies, for the compiler: a store of bytes may change anything that has an
 * address. */
STN_AVX512 STN_INLINE void map_all(const stn_rescale_call *call, stn_type type0,
                                   stn_type type, bool two)
{
    const stn_rescale_pack p = *(const stn_rescale_pack *)call->prepared;
    const stn_rescale_call c = *call;
    size_t n = (size_t)c.n * (size_t)c.shape->channels, at = 0, i = 0;
    __m512i x1 = _mm512_setzero_si512();
    for (; i + 16 <= n; i += 16) {
        __m512i x0 = stn_load16(c.x0, type0, i, 0xFFFF);
        if (two)
            x1 = stn_load16(c.x1, p.type1, i, 0xFFFF);
        stn_store16(c.y, type, i, 0xFFFF, stn_map16(&p, at, x0, x1));
        at = at + 16 == p.period ? 0 : at + 16;
    }
    if (i == n)
        return;
    __mmask16 lanes = (__mmask16)((1U << (n - i)) - 1);
    __m512i x0 = stn_load16(c.x0, type0, i, lanes);
    if (two)
        x1 = stn_load16(c.x1, p.type1, i, lanes);
    stn_store16(c.y, type, i, lanes, stn_map16(&p, at, x0, x1));
}

stn_status stn_rescale_prepare_avx512(const stn_rescale_shape *shape,
                                      stn_arena *arena, stn_prepared *out,
                                      stn_error *err)
{
    return stn_rescale_pack_prepare(shape, 8, "avx512", arena, out, err);
}

STN_AVX512 void stn_rescale_avx512(const stn_rescale_call *call)
{
    const stn_rescale_pack *p = call->prepared;
    if (p->kind == STN_RESCALE_REF)
        stn_rescale_ref(call);
    else if (p->two)
        map_all(call, p->type0, p->type, true);
    else if (p->type0 == STN_TYPE_S32 && p->type == STN_TYPE_U8)
        map_all(call, STN_TYPE_S32, STN_TYPE_U8, false);
    else
        map_all(call, p->type0, p->type, false);
}
#endif
