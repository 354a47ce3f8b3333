/* SPDX-License-Identifier: MIT
 *
 * Shapes, codes and inputs for tests of kernels: random ones of each kind that
 * some layout serves, with the extremes that its arithmetic has to bear. */
#ifndef STN_TEST_KERNEL_CASES_H
#define STN_TEST_KERNEL_CASES_H

#include "base/rng.h"
#include "guard.h"
#include "kernels/kernels.h"

/* How codes and inputs are filled. */
typedef enum fill {
    FILL_RANDOM,
    FILL_SPARSE,
    FILL_TOP,
    FILL_BOTTOM,
    FILL_SIGNS,  /* codes -max and max only */
    FILL_GROUPS, /* codes of groups of 16, most of them zero */
    FILL_ONE,    /* one code of every 16 is not zero */
    FILL_FILTERS /* filters of 0, of max and of -max alone, in turn */
} fill;

#define FILLS 5

static inline int64_t type_lo(stn_type type)
{
    static const int64_t lo[] = {0, -128, INT16_MIN, INT32_MIN};
    return lo[type];
}

static inline int64_t type_hi(stn_type type)
{
    static const int64_t hi[] = {255, 127, INT16_MAX, INT32_MAX};
    return hi[type];
}

static inline void put(void *x, stn_type type, size_t i, int64_t v)
{
    size_t size = stn_type_size(type);
    int32_t word = (int32_t)v; /* little-endian: the low bytes come first */
    memcpy((uint8_t *)x + i * size, &word, size);
}

static inline int64_t between(stn_rng *rng, int64_t lo, int64_t hi)
{
    return lo + (int64_t)(stn_rng_u64(rng) % (uint64_t)(hi - lo + 1));
}

static inline void fill_values(stn_rng *rng, fill how, stn_type type,
                               int64_t lo, int64_t hi, void *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        put(x, type, i,
            how == FILL_TOP      ? hi
            : how == FILL_BOTTOM ? lo
                                 : between(rng, lo, hi));
}

/* Whole groups of 16 weights that are zero filter by filter */
static inline void fill_groups(stn_rng *rng, int8_t *codes, size_t n, int max)
{
    int live = 0;
    for (size_t k = 0; k < n; k++) {
        if (k % 16 == 0)
            live = stn_rng_below(rng, 5) == 0;
        codes[k] = (int8_t)(live ? between(rng, -max, max) : 0);
    }
}

/* Codes of magnitude at most `max`. SPARSE leaves whole filters and most
 * quads of weights at zero. */
static inline void fill_codes(stn_rng *rng, fill how, int max, int8_t *codes,
                              size_t filters, size_t depth)
{
    if (how == FILL_GROUPS) {
        fill_groups(rng, codes, filters * depth, max);
        return;
    }
    for (size_t k = 0; how == FILL_ONE && k < filters * depth; k++)
        codes[k] = (int8_t)(k % depth % 16 == 5 ? between(rng, -max, max) : 0);
    for (size_t o = 0; how == FILL_FILTERS && o < filters; o++)
        memset(codes + o * depth,
               o % 3 == 0   ? 0
               : o % 3 == 1 ? max
                            : -max,
               depth);
    if (how == FILL_ONE || how == FILL_FILTERS)
        return;
    for (size_t o = 0; o < filters; o++) {
        int dead = how == FILL_SPARSE && stn_rng_below(rng, 3) == 0;
        int quad = 1;
        for (size_t k = 0; k < depth; k++) {
            if (k % 4 == 0)
                quad = how != FILL_SPARSE || stn_rng_below(rng, 8) == 0;
            int64_t v = between(rng, -max, max);
            if (how == FILL_TOP)
                v = max;
            if (how == FILL_BOTTOM || (how == FILL_SIGNS && v <= 0))
                v = -max;
            if (how == FILL_SIGNS && v > 0)
                v = max;
            codes[o * depth + k] = (int8_t)(dead || !quad ? 0 : v);
        }
    }
}

typedef struct dot_case {
    stn_dot_shape shape;
    int n, max_code;
    fill codes, values;
    int at_end; /* guard page after the data, else before */
} dot_case;

static inline void explain_dot(const dot_case *c, const char *level)
{
    const stn_dot_shape *s = &c->shape;
    print_message("%s: runs %d x %d, pitch %zu, out %d, type %d, range %d … "
                  "%d, patches %d, max code %d, fills %d %d, at_end %d, layout "
                  "%d\n",
                  level, s->runs, s->run, s->pitch, s->out, (int)s->input,
                  (int)s->lo, (int)s->hi, c->n, c->max_code, (int)c->codes,
                  (int)c->values, c->at_end, (int)s->layout);
}

/* Tells the shape how much its calls read. */
static inline void know_extent(dot_case *c)
{
    stn_dot_shape *s = &c->shape;
    size_t patch = (size_t)(s->runs - 1) * s->pitch + (size_t)s->run;
    size_t step = s->align ? (size_t)s->align : 1;
    s->patches = c->n;
    s->band = patch + (c->n ? (size_t)(c->n - 1) * step : 0);
    s->band *= stn_type_size(s->input);
}

static inline dot_case random_dot(stn_rng *rng)
{
    static const int runs[] = {1, 1, 2, 3, 5}, maxima[] = {1, 1, 1, 7, 127};
    static const int lengths[] = {1, 2, 3, 4, 5, 7, 8, 31, 32, 33, 64, 100};
    static const int filters[] = {1, 7, 8, 9, 15, 16, 17, 24, 31, 33, 48, 70};
    static const int counts[] = {0, 1, 2, 3, 4, 5, 7, 8, 9, 16, 21};
    stn_type type = (stn_type)stn_rng_below(rng, 3);
    dot_case c = {
        .shape = {.runs = runs[stn_rng_below(rng, 5)],
                  .run = lengths[stn_rng_below(rng, 12)],
                  .out = filters[stn_rng_below(rng, 12)],
                  .input = type,
                  .lo = type_lo(type),
                  .hi = type_hi(type)},
        .n = counts[stn_rng_below(rng, 11)],
        .max_code = maxima[stn_rng_below(rng, 5)],
        .codes = (fill)stn_rng_below(rng, FILLS),
        .values = (fill)(stn_rng_below(rng, 2) ? FILL_RANDOM
                                               : stn_rng_below(rng, FILLS)),
        .at_end = (int)stn_rng_below(rng, 2),
    };
    if (stn_rng_below(rng, 3) == 0) { /* a narrower proven range */
        c.shape.hi = 15;
        c.shape.lo = type == STN_TYPE_U8 || stn_rng_below(rng, 2) ? 0 : -16;
    }
    c.shape.pitch = (size_t)c.shape.run + stn_rng_below(rng, 9);
    if (stn_rng_below(rng, 2))
        know_extent(&c);
    return c;
}

/* Ternary weights, patches at multiples of `align`: 8 and inputs of few bits,
 * or 4 and inputs of any range. */
static inline dot_case random_ternary(stn_rng *rng, int align)
{
    static const int lengths[][9] = {{4, 8, 12, 20, 36, 64, 100, 576, 4800},
                                     {8, 24, 32, 40, 64, 72, 256, 1000, 2304}};
    static const int highs[][8] = {{1, 2, 3, 7, 15, 16, 100, 255},
                                   {1, 1, 1, 2, 3, 7, 12, 15}};
    int bits = align == 8;
    dot_case c = random_dot(rng);
    stn_dot_shape *s = &c.shape;
    s->input = (stn_type)stn_rng_below(rng, 2);
    s->run = lengths[bits][stn_rng_below(rng, 9)];
    s->hi = highs[bits][stn_rng_below(rng, 8)];
    s->lo = 0;
    if (s->input == STN_TYPE_S8) {
        s->lo = -(int)stn_rng_below(rng, bits ? 9 : 129);
        s->hi = s->hi > 127 ? 127 : s->hi;
    }
    s->align = align;
    s->pitch = (size_t)s->run + (size_t)align * stn_rng_below(rng, 5);
    c.max_code = 1;
    know_extent(&c);
    return c;
}

/* What bit planes need. */
static inline dot_case random_bits(stn_rng *rng)
{
    return random_ternary(rng, 8);
}

/* What tables need. */
static inline dot_case random_aligned(stn_rng *rng)
{
    return random_ternary(rng, 4);
}

/* Weights in groups of 16, most of which are zero, for many patches. */
static inline dot_case random_groups(stn_rng *rng)
{
    static const int lengths[] = {16, 32, 48, 64, 144, 400};
    dot_case c = random_dot(rng);
    c.shape.run = lengths[stn_rng_below(rng, 6)];
    c.shape.pitch = (size_t)c.shape.run + stn_rng_below(rng, 9);
    c.n = 16 + (int)stn_rng_below(rng, 120);
    if (c.shape.input == STN_TYPE_S16)
        c.shape.input = STN_TYPE_U8;
    c.shape.lo = type_lo(c.shape.input);
    c.shape.hi = type_hi(c.shape.input);
    c.codes = FILL_GROUPS;
    know_extent(&c);
    return c;
}

/* One patch in one run: what a fully connected layer is. */
static inline dot_case random_lone(stn_rng *rng)
{
    static const int lengths[] = {1, 5, 15, 16, 31, 33, 64, 255, 1000, 4096};
    dot_case c = random_dot(rng);
    c.shape.runs = 1;
    c.shape.run = lengths[stn_rng_below(rng, 10)];
    if (c.shape.input == STN_TYPE_S16)
        c.shape.hi = 15; /* as 4096 * 127 * 2^15 is too much */
    c.shape.lo = c.shape.lo < -128 ? -128 : c.shape.lo;
    c.shape.align = 64;
    c.n = 1;
    know_extent(&c);
    return c;
}

/* What a case is made into. */
typedef struct dot_data {
    int8_t *codes;
    uint32_t *patches;
    guard x;
    size_t sums; /* patches * filters */
} dot_data;

/* Patches overlap, one element (or what they are aligned to) apart, as those
 * of a convolution do. */
static inline dot_data make_dot(const dot_case *c, stn_rng *rng)
{
    const stn_dot_shape *s = &c->shape;
    size_t size = stn_type_size(s->input), run = (size_t)s->run;
    size_t patch = (size_t)(s->runs - 1) * s->pitch * size;
    patch += run * size < 4 ? 4 : run * size;
    size_t step = (s->align ? (size_t)s->align : 1) * size;
    size_t bytes = c->n ? patch + (size_t)(c->n - 1) * step : 0;
    size_t depth = (size_t)s->runs * run, out = (size_t)s->out;
    dot_data d = {.codes = malloc(out * depth),
                  .patches = malloc(((size_t)c->n + 1) * sizeof *d.patches),
                  .x = guard_alloc(bytes, c->at_end),
                  .sums = (size_t)c->n * out};
    assert_true(d.codes && d.patches);
    for (int p = 0; p < c->n; p++)
        d.patches[p] = (uint32_t)((size_t)p * step);
    fill_codes(rng, c->codes, c->max_code, d.codes, out, depth);
    fill_values(rng, c->values, s->input, s->lo, s->hi, d.x.data, bytes / size);
    return d;
}

static inline void free_dot(dot_data *d)
{
    guard_free(&d->x);
    free(d->patches);
    free(d->codes);
}

static inline stn_depthwise_shape random_depthwise(stn_rng *rng)
{
    static const int channels[] = {1, 3, 15, 16, 17, 31, 32, 33, 48, 64, 100};
    static const int sides[] = {1, 2, 3, 3, 3, 5, 12};
    stn_type type = (stn_type)stn_rng_below(rng, 3);
    int c = channels[stn_rng_below(rng, 11)];
    return (stn_depthwise_shape){
        .channels = c,
        .out = c * (1 + (int)stn_rng_below(rng, 3)),
        .kh = sides[stn_rng_below(rng, 7)],
        .kw = sides[stn_rng_below(rng, 7)],
        .stride = 1 + (int)stn_rng_below(rng, 3),
        .input = type,
        .lo = type_lo(type),
        .hi = type_hi(type),
    };
}

#define RESCALE_CHANNELS_MAX 100

typedef struct rescale_case {
    stn_rescale_shape shape;
    int32_t m0[RESCALE_CHANNELS_MAX], m1[RESCALE_CHANNELS_MAX];
    int64_t a[RESCALE_CHANNELS_MAX];
    int n;
} rescale_case;

/* `extreme`: multipliers, constants and inputs at the ends of what
 * docs/semantics.md allows, where the sum needs all of 64 bits. */
static inline void random_rescale(stn_rng *rng, rescale_case *c, int extreme)
{
    static const int channels[] = {1, 3, 8, 10, 15, 16, 17, 32, 33, 100};
    static const int counts[] = {0, 1, 2, 7, 16, 40};
    stn_rescale_shape *s = &c->shape;
    *s = (stn_rescale_shape){.channels = channels[stn_rng_below(rng, 10)],
                             .type0 = (stn_type)stn_rng_below(rng, 4),
                             .type1 = (stn_type)stn_rng_below(rng, 4),
                             .type = (stn_type)stn_rng_below(rng, 4),
                             .m0 = c->m0,
                             .m1 = stn_rng_below(rng, 2) ? c->m1 : NULL,
                             .a = c->a,
                             .shift = (int)stn_rng_below(rng, 41)};
    int64_t a_max = extreme ? INT64_C(1) << 60 : INT64_C(1) << s->shift;
    for (int i = 0; i < s->channels; i++) {
        c->m0[i] = (int32_t)between(rng, -(1 << 24), 1 << 24);
        c->m1[i] = (int32_t)between(rng, -(1 << 24), 1 << 24);
        c->a[i] = between(rng, -a_max, a_max);
        if (extreme) {
            c->m0[i] = c->m0[i] < 0 ? -(1 << 24) : 1 << 24;
            c->m1[i] = c->m1[i] < 0 ? -(1 << 24) : 1 << 24;
        }
    }
    int64_t narrow = extreme ? INT32_MAX : 1 << stn_rng_below(rng, 31);
    s->lo0 = type_lo(s->type0) < -narrow ? -narrow - 1 : type_lo(s->type0);
    s->hi0 = type_hi(s->type0) > narrow ? narrow : type_hi(s->type0);
    s->lo1 = type_lo(s->type1);
    s->hi1 = type_hi(s->type1);
    s->lo = (int32_t)(stn_rng_below(rng, 2) ? 0 : type_lo(s->type));
    s->hi = (int32_t)type_hi(s->type);
    c->n = counts[stn_rng_below(rng, 6)];
}

#endif
