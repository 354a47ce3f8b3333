/* SPDX-License-Identifier: MIT
 *
 * Depthwise window sums in scalar C. Weights are turned to (i, j, o), so that
 * the inner loop walks channels and outputs together. */
#include "kernels/ref/ref.h"
#include <string.h>

stn_status stn_depthwise_prepare_ref(const stn_depthwise_shape *shape,
                                     const int8_t *codes, stn_arena *arena,
                                     stn_prepared *out, stn_error *err)
{
    size_t taps = (size_t)shape->kh * (size_t)shape->kw;
    size_t n = (size_t)shape->out;
    int8_t *w = stn_arena_alloc(arena, taps, n);
    if (!w)
        return stn_fail_memory(err, "laid-out weights");
    for (size_t o = 0; o < n; o++)
        for (size_t t = 0; t < taps; t++)
            w[t * n + o] = codes[o * taps + t];
    *out = (stn_prepared){.data = w, .size_bytes = taps * n, .isa = "ref"};
    return STN_OK;
}

#define DEFINE_TAP(name, type)                                                 \
    static void name(const int8_t *w, const type *x, int n, int32_t *acc)      \
    {                                                                          \
        for (int c = 0; c < n; c++)                                            \
            acc[c] += w[c] * x[c];                                             \
    }

DEFINE_TAP(tap_u8, uint8_t)
DEFINE_TAP(tap_s8, int8_t)
DEFINE_TAP(tap_s16, int16_t)

/* Adds one tap of all channels, for each of the out / channels blocks. */
static void tap(const stn_depthwise_shape *s, const int8_t *w, const void *x,
                size_t at, int32_t *acc)
{
    for (int o = 0; o < s->out; o += s->channels) {
        if (s->input == STN_TYPE_U8)
            tap_u8(w + o, (const uint8_t *)x + at, s->channels, acc + o);
        else if (s->input == STN_TYPE_S8)
            tap_s8(w + o, (const int8_t *)x + at, s->channels, acc + o);
        else
            tap_s16(w + o, (const int16_t *)x + at, s->channels, acc + o);
    }
}

void stn_depthwise_ref(const stn_depthwise_call *call)
{
    const stn_depthwise_shape *s = call->shape;
    size_t channels = (size_t)s->channels, out = (size_t)s->out;
    for (int q = 0; q < call->width; q++) {
        int32_t *acc = call->acc + (size_t)q * out;
        memset(acc, 0, out * sizeof *acc);
        const int8_t *w = call->prepared;
        size_t pixel = (size_t)q * (size_t)s->stride;
        for (int i = 0; i < s->kh; i++)
            for (int j = 0; j < s->kw; j++, w += out)
                tap(s, w, call->x,
                    (size_t)i * call->pitch + (pixel + (size_t)j) * channels,
                    acc);
    }
}
