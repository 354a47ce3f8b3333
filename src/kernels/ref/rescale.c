/* SPDX-License-Identifier: MIT
 *
 * The affine map with a shift, in 64-bit scalar C: the formula of
 * docs/semantics.md, rescale. */
#include "kernels/ref/ref.h"

stn_status stn_rescale_prepare_ref(const stn_rescale_shape *shape,
                                   stn_arena *arena, stn_prepared *out,
                                   stn_error *err)
{
    (void)shape;
    (void)arena;
    (void)err;
    *out = (stn_prepared){.isa = "ref"};
    return STN_OK;
}

void stn_rescale_range_ref(const stn_rescale_call *call, size_t first,
                           size_t last)
{
    const stn_rescale_shape *s = call->shape;
    size_t channels = (size_t)s->channels;
    for (size_t i = first, c = first % channels; i < last; i++) {
        int64_t v = (int64_t)stn_load(call->x0, s->type0, i) * s->m0[c];
        if (s->m1)
            v += (int64_t)stn_load(call->x1, s->type1, i) * s->m1[c];
        v = (v + s->a[c]) >> s->shift; /* arithmetic: towards -infinity */
        v = v < s->lo ? s->lo : v > s->hi ? s->hi : v;
        stn_store(call->y, s->type, i, v);
        c = c + 1 == channels ? 0 : c + 1;
    }
}

void stn_rescale_ref(const stn_rescale_call *call)
{
    stn_rescale_range_ref(call, 0,
                          (size_t)call->n * (size_t)call->shape->channels);
}
