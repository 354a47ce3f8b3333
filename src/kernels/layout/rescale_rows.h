/* SPDX-License-Identifier: MIT
 *
 * Rescale, a vector of elements at once; positions and channels are one flat
 * array. Written once; see ending.h for what a level includes before. */
#ifndef STN_KERNELS_RESCALE_ROWS_H
#define STN_KERNELS_RESCALE_ROWS_H

#include "kernels/layout/rescale_pack.h"
#include "kernels/ref/ref.h"

/* Copies, for the compiler: a store of bytes may change anything that has an
 * address. */
STN_VEC STN_INLINE void stn_rescale_all(const stn_rescale_call *call,
                                        stn_type type0, stn_type type, bool two)
{
    const stn_rescale_pack p = *(const stn_rescale_pack *)call->prepared;
    const stn_rescale_call c = *call;
    const size_t step = STN_VEC_LANES;
    size_t n = (size_t)c.n * (size_t)c.shape->channels, at = 0, i = 0;
    stn_lanes all = stn_lanes_of(STN_VEC_LANES);
    stn_vec x1 = stn_vec_zero();
    for (; i + step <= n; i += step) {
        stn_vec x0 = stn_vec_read(c.x0, type0, i, all);
        if (two)
            x1 = stn_vec_read(c.x1, p.type1, i, all);
        stn_vec_write(c.y, type, i, all, stn_vec_map(&p, at, x0, x1));
        at = at + step == p.period ? 0 : at + step;
    }
    if (i == n)
        return;
    stn_lanes some = stn_lanes_of((int)(n - i));
    stn_vec x0 = stn_vec_read(c.x0, type0, i, some);
    if (two)
        x1 = stn_vec_read(c.x1, p.type1, i, some);
    stn_vec_write(c.y, type, i, some, stn_vec_map(&p, at, x0, x1));
}

STN_VEC STN_INLINE void stn_rescale_rows(const stn_rescale_call *call)
{
    const stn_rescale_pack *p = call->prepared;
    if (p->kind == STN_RESCALE_REF)
        stn_rescale_ref(call);
    else if (p->two)
        stn_rescale_all(call, p->type0, p->type, true);
    else if (p->type0 == STN_TYPE_S32 && p->type == STN_TYPE_U8)
        stn_rescale_all(call, STN_TYPE_S32, STN_TYPE_U8, false);
    else
        stn_rescale_all(call, p->type0, p->type, false);
}

#endif
