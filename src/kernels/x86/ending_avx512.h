/* SPDX-License-Identifier: MIT
 *
 * The end of a dot with AVX-512: sums in registers are stored, or mapped and
 * stored. */
#ifndef STN_KERNELS_ENDING_AVX512_H
#define STN_KERNELS_ENDING_AVX512_H

#include "kernels/x86/dot_pack.h"
#include "kernels/x86/rescale_avx512.h"

#ifdef STN_X86

/* Sums of patches [patch, patch + n) and of filters from `filter`, of which
 * `width` (16 or more: 16) exist. */
typedef struct stn_finish {
    const stn_dot_head *head;
    const stn_dot_call *call;
    size_t patch, n, filter;
    int width;
} stn_finish;

/* One vector of 16 filters for each patch, `step` vectors apart. */
STN_AVX512 static inline void stn_finish16(const stn_finish *f,
                                           const __m512i *sums, int step)
{
    __mmask16 lanes =
        f->width < 16 ? (__mmask16)((1U << f->width) - 1) : 0xFFFF;
    const stn_dot_call *call = f->call;
    size_t out = (size_t)call->shape->out, i = f->patch * out + f->filter;
    const stn_rescale_pack *map = f->head->map;
    if (!map) {
        for (size_t r = 0; r < f->n; r++, i += out, sums += step)
            _mm512_mask_storeu_epi32(call->acc + i, lanes, *sums);
        return;
    }
    const stn_rescale_pack p = *map; /* stores of bytes may not change it */
    const void *other = call->other;
    void *y = call->y;
    bool second = f->head->second;
    for (size_t r = 0; r < f->n; r++, i += out, sums += step) {
        __m512i x0 = *sums, x1 = x0;
        if (p.two && second)
            x0 = stn_load16(other, p.type0, i, lanes);
        else if (p.two)
            x1 = stn_load16(other, p.type1, i, lanes);
        stn_store16(y, p.type, i, lanes, stn_map16(&p, f->filter, x0, x1));
    }
}

#endif
#endif
