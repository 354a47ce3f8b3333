/* SPDX-License-Identifier: MIT
 *
 * Rescale with AVX2, 8 elements at once; positions and channels are one flat
 * array. */
#include "kernels/x86/rescale_avx2.h"
#include "kernels/ref/ref.h"

#ifdef STN_X86

/* Copies, for the compiler: a store of bytes may change anything that has an
 * address. */
STN_AVX2 STN_INLINE void map_all(const stn_rescale_call *call, stn_type type0,
                                 stn_type type, bool two)
{
    const stn_rescale_pack p = *(const stn_rescale_pack *)call->prepared;
    const stn_rescale_call c = *call;
    size_t n = (size_t)c.n * (size_t)c.shape->channels, at = 0, i = 0;
    __m256i x1 = _mm256_setzero_si256();
    for (; i + 8 <= n; i += 8) {
        __m256i x0 = stn_load8(c.x0, type0, i, 8);
        if (two)
            x1 = stn_load8(c.x1, p.type1, i, 8);
        stn_store8(c.y, type, i, 8, stn_map8(&p, at, x0, x1));
        at = at + 8 == p.period ? 0 : at + 8;
    }
    if (i == n)
        return;
    __m256i x0 = stn_load8(c.x0, type0, i, n - i);
    if (two)
        x1 = stn_load8(c.x1, p.type1, i, n - i);
    stn_store8(c.y, type, i, n - i, stn_map8(&p, at, x0, x1));
}

stn_status stn_rescale_prepare_avx2(const stn_rescale_shape *shape,
                                    stn_arena *arena, stn_prepared *out,
                                    stn_error *err)
{
    return stn_rescale_pack_prepare(shape, 4, "avx2", arena, out, err);
}

STN_AVX2 void stn_rescale_avx2(const stn_rescale_call *call)
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
