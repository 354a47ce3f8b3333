/* SPDX-License-Identifier: MIT
 *
 * Lays the multipliers of a rescale out for the kernels and finds out
 * which arithmetic is exact for them, see rescale_pack.h. */
#include "kernels/layout/rescale_pack.h"

/* Shifts to the left of inputs that are tried. */
#define BEFORE_MAX 16

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

/* |x| of a range, at most 2^31. */
static int64_t reach(int64_t lo, int64_t hi)
{
    return hi > -lo ? hi : -lo;
}

/* Whether one channel's sum fits 64 bits when scaled by 2^up, inputs by
 * 2^before of that. Magnitudes below 2^62, so that no sum overflows. */
static bool fits(const stn_rescale_shape *s, int c, int up, int before)
{
    const double limit = 4.0e18;
    double scale = (double)(INT64_C(1) << up);
    double m = (double)s->m0[c], v = (double)s->a[c];
    double most = (v < 0 ? -v : v) * scale;
    int64_t x = reach(s->lo0, s->hi0);
    double m_most = m < 0 ? -m : m;
    most += m_most * scale * (double)x;
    if (s->m1) {
        double m1 = (double)s->m1[c];
        m1 = m1 < 0 ? -m1 : m1;
        most += m1 * scale * (double)reach(s->lo1, s->hi1);
        m_most = m1 > m_most ? m1 : m_most;
        x = reach(s->lo1, s->hi1) > x ? reach(s->lo1, s->hi1) : x;
    }
    if (x << before > INT32_MAX)
        return false;
    return most < limit &&
           m_most * scale / (double)(INT64_C(1) << before) <= INT32_MAX;
}

/* The least shift of inputs that works for all channels, -1: none does.
 * Multipliers scale by 2^(up - before), which must not lose bits. */
static int find_before(const stn_rescale_shape *s, int up)
{
    for (int before = 0; before <= up && before <= BEFORE_MAX; before++) {
        bool all = true;
        for (int c = 0; c < s->channels && all; c++)
            all = fits(s, c, up, before);
        if (all)
            return before;
    }
    return -1;
}

static int64_t floor_divide(int64_t a, int64_t b)
{
    int64_t q = a / b;
    return q - (a % b != 0 && (a % b < 0) != (b < 0));
}

/* y = hi exactly for flipped x > *limit. False where no 32-bit limit says
 * so. The largest |hi << shift| is 2^(31 + 40): only small results come. */
static bool find_limit(const stn_rescale_shape *s, int c, int32_t *flip,
                       int32_t *limit)
{
    int64_t m = s->m0[c], need = s->hi * (INT64_C(1) << s->shift) - s->a[c];
    int64_t most = INT64_C(1) << 31, at;
    *flip = m < 0 ? -1 : 0;
    if (m > 0) /* x * m >= need: x > floor((need - 1) / m) */
        at = floor_divide(need - 1, m);
    else if (m < 0) /* x <= floor(need / m): ~x > ~floor(…) - 1 */
        at = -floor_divide(need, m) - 2;
    else
        at = need <= 0 ? -most : most;
    /* Inputs of magnitude 2^31 would need the ends of the range. */
    if (s->lo0 <= INT32_MIN || s->hi0 >= INT32_MAX)
        return false;
    at = at < INT32_MIN ? INT32_MIN : at > INT32_MAX ? INT32_MAX : at;
    *limit = (int32_t)at;
    return true;
}

static bool make_step(const stn_rescale_shape *s, size_t period, bool padded,
                      int32_t *flip, int32_t *limit)
{
    if (s->m1 || (int64_t)s->hi - s->lo != 1 || s->hi < -128 || s->hi > 255)
        return false;
    size_t channels = (size_t)s->channels;
    for (size_t i = 0; i < period; i++) {
        size_t c = padded && i >= channels ? channels - 1 : i % channels;
        if (!find_limit(s, (int)c, &flip[i], &limit[i]))
            return false;
    }
    return true;
}

const stn_rescale_pack *stn_rescale_pack_make(const stn_rescale_shape *shape,
                                              int lanes, bool padded,
                                              stn_arena *arena)
{
    size_t channels = (size_t)shape->channels, n = (size_t)lanes;
    size_t block = STN_RESCALE_BLOCK;
    size_t period = padded ? (channels + block - 1) / block * block
                           : common_multiple(channels, block);
    stn_rescale_pack *p = stn_arena_alloc(arena, 1, sizeof *p);
    int32_t *m0 = stn_arena_alloc(arena, period + 1, sizeof *m0);
    int32_t *m1 = stn_arena_alloc(arena, period + 1, sizeof *m1);
    int64_t *a = stn_arena_alloc(arena, period, sizeof *a);
    if (!p || !m0 || !m1 || !a)
        return NULL;
    *p = (stn_rescale_pack){.type0 = shape->type0,
                            .type1 = shape->type1,
                            .type = shape->type,
                            .two = shape->m1 != NULL,
                            .lo = shape->lo,
                            .hi = shape->hi,
                            .period = period,
                            .m0 = m0,
                            .m1 = m1,
                            .a = a};
    if (make_step(shape, period, padded, m0, m1)) {
        p->kind = STN_RESCALE_STEP;
        p->flip = m0;
        p->limit = m1;
        return p;
    }
    int up = shape->shift < 32 ? 32 - shape->shift : 0;
    int before = find_before(shape, up);
    if (before < 0)
        return p;
    p->kind = STN_RESCALE_HIGH;
    p->before = before;
    p->after = shape->shift > 32 ? shape->shift - 32 : 0;
    int64_t scale = INT64_C(1) << (up - before);
    for (size_t i = 0; i < period; i++) {
        size_t c = i % channels, in = i % (2 * n);
        if (padded && i >= channels)
            c = channels - 1;
        m0[i] = (int32_t)(shape->m0[c] * scale);
        m1[i] = shape->m1 ? (int32_t)(shape->m1[c] * scale) : 0;
        a[i - in + in % 2 * n + in / 2] = shape->a[c] * (INT64_C(1) << up);
    }
    return p;
}

stn_status stn_rescale_pack_prepare(const stn_rescale_shape *shape, int lanes,
                                    const char *isa, stn_arena *arena,
                                    stn_prepared *out, stn_error *err)
{
    const stn_rescale_pack *p =
        stn_rescale_pack_make(shape, lanes, false, arena);
    if (!p)
        return stn_fail_memory(err, "laid-out multipliers");
    *out = (stn_prepared){.data = p,
                          .size_bytes = p->period * 16,
                          .isa = p->kind == STN_RESCALE_REF ? "ref" : isa};
    return STN_OK;
}
