/* SPDX-License-Identifier: MIT
 *
 * Patch-by-filter products in scalar C. One function for each input type, so
 * that the loop over a run is plain enough for a compiler to vectorise: this
 * is also what a CPU without its own kernels runs. */
#include "kernels/ref/ref.h"
#include <string.h>

stn_status stn_dot_prepare_ref(const stn_dot_shape *shape, const int8_t *codes,
                               stn_arena *arena, stn_prepared *out,
                               stn_error *err)
{
    size_t depth = (size_t)shape->runs * (size_t)shape->run;
    int8_t *copy = stn_arena_alloc(arena, (size_t)shape->out, depth);
    if (!copy)
        return stn_fail_memory(err, "laid-out weights");
    memcpy(copy, codes, (size_t)shape->out * depth);
    *out = (stn_prepared){.data = copy,
                          .size_bytes = (size_t)shape->out * depth,
                          .isa = "ref",
                          .parts = 1};
    return STN_OK;
}

/* Sum over one run. Exact in 32 bits, see kernels.h. */
#define DEFINE_RUN(name, type)                                                 \
    static int32_t name(const int8_t *w, const type *x, int n)                 \
    {                                                                          \
        int32_t sum = 0;                                                       \
        for (int k = 0; k < n; k++)                                            \
            sum += w[k] * x[k];                                                \
        return sum;                                                            \
    }

DEFINE_RUN(run_u8, uint8_t)
DEFINE_RUN(run_s8, int8_t)

/* 16-bit inputs need not be aligned: byte offsets are the caller's. */
static int32_t run_s16(const int8_t *w, const uint8_t *x, int n)
{
    int32_t sum = 0;
    for (int k = 0; k < n; k++) {
        int16_t v;
        memcpy(&v, x + 2 * (size_t)k, sizeof v);
        sum += w[k] * v;
    }
    return sum;
}

static int32_t filter(const stn_dot_shape *s, const int8_t *w, const uint8_t *x)
{
    size_t size = stn_type_size(s->input);
    int32_t sum = 0;
    for (int i = 0; i < s->runs; i++) {
        const uint8_t *run = x + (size_t)i * s->pitch * size;
        if (s->input == STN_TYPE_U8)
            sum += run_u8(w, run, s->run);
        else if (s->input == STN_TYPE_S8)
            sum += run_s8(w, (const int8_t *)run, s->run);
        else
            sum += run_s16(w, run, s->run);
        w += s->run;
    }
    return sum;
}

void stn_dot_ref(const stn_dot_call *call)
{
    const stn_dot_shape *s = call->shape;
    size_t depth = (size_t)s->runs * (size_t)s->run;
    int32_t *acc = call->acc;
    for (int p = 0; p < call->n; p++) {
        const uint8_t *x = (const uint8_t *)call->x + call->patches[p];
        const int8_t *w = call->prepared;
        for (int o = 0; o < s->out; o++, w += depth)
            *acc++ = filter(s, w, x);
    }
}
