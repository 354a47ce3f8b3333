/* SPDX-License-Identifier: MIT
 *
 * Layout and frame of the x86 `rescale` kernels, see rescale_pack.h. */
#include "kernels/x86/rescale_pack.h"
#include <string.h>

static size_t common_multiple(size_t a, size_t b)
{
    size_t x = a, y = b;
    while (y) {
        size_t rest = x % y;
        x = y;
        y = rest;
    }
    return a / x * b;
}

/* Adds the range of x * m to [*lo, *hi]. */
static void add_range(int64_t x_lo, int64_t x_hi, int32_t m, int64_t *lo,
                      int64_t *hi)
{
    *lo += (m < 0 ? x_hi : x_lo) * m;
    *hi += (m < 0 ? x_lo : x_hi) * m;
}

static bool is_narrow(const stn_rescale_shape *s)
{
    for (int c = 0; c < s->channels; c++) {
        int64_t lo = s->a[c], hi = s->a[c];
        add_range(s->lo0, s->hi0, s->m0[c], &lo, &hi);
        if (s->m1)
            add_range(s->lo1, s->hi1, s->m1[c], &lo, &hi);
        if (lo >> s->shift < INT32_MIN || hi >> s->shift > INT32_MAX)
            return false;
    }
    return true;
}

stn_status stn_rescale_pack_make(const stn_rescale_shape *shape, int lanes,
                                 uint64_t bias, const char *isa,
                                 stn_arena *arena, stn_prepared *out,
                                 stn_error *err)
{
    size_t channels = (size_t)shape->channels, n = (size_t)lanes;
    size_t period = common_multiple(channels, STN_RESCALE_BLOCK);
    stn_rescale_pack *p = stn_arena_alloc(arena, 1, sizeof *p);
    int32_t *m0 = stn_arena_alloc(arena, period + 1, sizeof *m0);
    int32_t *m1 = stn_arena_alloc(arena, period + 1, sizeof *m1);
    int64_t *a = stn_arena_alloc(arena, period, sizeof *a);
    if (!p || !m0 || !m1 || !a)
        return stn_fail_memory(err, "laid-out multipliers");
    for (size_t i = 0; i < period; i++) {
        size_t c = i % channels, in = i % (2 * n);
        m0[i] = shape->m0[c];
        m1[i] = shape->m1 ? shape->m1[c] : 0;
        a[i - in + in % 2 * n + in / 2] =
            (int64_t)((uint64_t)shape->a[c] + bias);
    }
    *p = (stn_rescale_pack){is_narrow(shape), period, m0, m1, a};
    *out = (stn_prepared){p, period * 16, isa};
    return STN_OK;
}

/* n elements from `first` as 32-bit numbers, readable up to the next whole
 * block: in place where they are that already, else in `buffer`. */
static const int32_t *widened(const void *x, stn_type type, size_t first, int n,
                              stn_rescale_widen widen, int32_t *buffer)
{
    if (type == STN_TYPE_S32 && n % STN_RESCALE_BLOCK == 0)
        return (const int32_t *)x + first;
    if (type == STN_TYPE_S32)
        memcpy(buffer, (const int32_t *)x + first, (size_t)n * sizeof *buffer);
    else
        widen(x, type, first, n, buffer);
    for (int i = n; i % STN_RESCALE_BLOCK; i++)
        buffer[i] = 0;
    return buffer;
}

void stn_rescale_chunks(const stn_rescale_call *call, stn_rescale_core core,
                        stn_rescale_widen widen, stn_rescale_narrow narrow)
{
    const stn_rescale_shape *s = call->shape;
    const stn_rescale_pack *p = call->prepared;
    int32_t x0[STN_RESCALE_CHUNK], x1[STN_RESCALE_CHUNK], y[STN_RESCALE_CHUNK];
    size_t total = (size_t)call->n * (size_t)s->channels;
    for (size_t at = 0; at < total; at += STN_RESCALE_CHUNK) {
        size_t left = total - at;
        int n = left < STN_RESCALE_CHUNK ? (int)left : STN_RESCALE_CHUNK;
        int rest = n % STN_RESCALE_BLOCK;
        int whole = rest ? n + STN_RESCALE_BLOCK - rest : n;
        const int32_t *v0 = widened(call->x0, s->type0, at, n, widen, x0);
        const int32_t *v1 = NULL;
        if (s->m1)
            v1 = widened(call->x1, s->type1, at, n, widen, x1);
        core(s, p, at % p->period, v0, v1, whole, y);
        if (s->type == STN_TYPE_S32)
            memcpy((int32_t *)call->y + at, y, (size_t)n * sizeof *y);
        else
            narrow(y, n, call->y, s->type, at);
    }
}
