/* SPDX-License-Identifier: MIT
 *
 * The end of a dot with AVX2: sums in registers are stored, or mapped and
 * stored. */
#ifndef STN_KERNELS_ENDING_AVX2_H
#define STN_KERNELS_ENDING_AVX2_H

#include "kernels/x86/dot_pack.h"
#include "kernels/x86/rescale_avx2.h"

#ifdef STN_X86

/* Sums of patches [patch, patch + n) and of filters from `filter`, of which
 * `width` (8 or more: 8) exist. */
typedef struct stn_finish {
    const stn_dot_head *head;
    const stn_dot_call *call;
    size_t patch, n, filter;
    int width;
} stn_finish;

/* One vector of 8 filters for each patch, `step` vectors apart. */
STN_AVX2 static inline void stn_finish8(const stn_finish *f,
                                        const __m256i *sums, int step)
{
    size_t lanes = f->width < 8 ? (size_t)f->width : 8;
    const stn_dot_call *call = f->call;
    size_t out = (size_t)call->shape->out, i = f->patch * out + f->filter;
    const stn_rescale_pack *map = f->head->map;
    if (!map) {
        for (size_t r = 0; r < f->n; r++, i += out, sums += step)
            stn_store8(call->acc, STN_TYPE_S32, i, lanes, *sums);
        return;
    }
    const stn_rescale_pack p = *map; /* stores of bytes may not change it */
    const void *other = call->other;
    void *y = call->y;
    bool second = f->head->second;
    for (size_t r = 0; r < f->n; r++, i += out, sums += step) {
        __m256i x0 = *sums, x1 = x0;
        if (p.two && second)
            x0 = stn_load8(other, p.type0, i, lanes);
        else if (p.two)
            x1 = stn_load8(other, p.type1, i, lanes);
        stn_store8(y, p.type, i, lanes, stn_map8(&p, f->filter, x0, x1));
    }
}

#endif
#endif
