/* SPDX-License-Identifier: MIT
 *
 * The end of a dot: sums in registers are stored, or mapped and stored.
 * Written once; a level compiles it after a header that says what a vector is
 * and how it is read, written and mapped (rescale_<isa>.h). */
#ifndef STN_KERNELS_ENDING_H
#define STN_KERNELS_ENDING_H

#include "kernels/layout/dot_pack.h"

/* Sums of patches [patch, patch + n) and of filters from `filter`, of which
 * `width` (more than a vector has: a vector's) exist. */
typedef struct stn_finish {
    const stn_dot_head *head;
    const stn_dot_call *call;
    size_t patch, n, filter;
    int width;
} stn_finish;

/* One vector of filters for each patch, `step` vectors apart. */
STN_VEC static inline void stn_finish_vec(const stn_finish *f,
                                          const stn_vec *sums, int step)
{
    stn_lanes lanes = stn_lanes_of(f->width);
    const stn_dot_call *call = f->call;
    size_t out = (size_t)call->shape->out, i = f->patch * out + f->filter;
    const stn_rescale_pack *map = f->head->map;
    if (!map) {
        for (size_t r = 0; r < f->n; r++, i += out, sums += step)
            stn_vec_write(call->acc, STN_TYPE_S32, i, lanes, *sums);
        return;
    }
    const stn_rescale_pack p = *map; /* stores of bytes may not change it */
    const void *other = call->other;
    void *y = call->y;
    bool second = f->head->second;
    for (size_t r = 0; r < f->n; r++, i += out, sums += step) {
        stn_vec x0 = *sums, x1 = x0;
        if (p.two && second)
            x0 = stn_vec_read(other, p.type0, i, lanes);
        else if (p.two)
            x1 = stn_vec_read(other, p.type1, i, lanes);
        stn_vec_write(y, p.type, i, lanes, stn_vec_map(&p, f->filter, x0, x1));
    }
}

#endif
