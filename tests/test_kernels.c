/* SPDX-License-Identifier: MIT
 *
 * Every kernel level against the scalar kernels: equal bits on edge sizes,
 * extreme fills, odd addresses, with guard pages around inputs and outputs. */
#include "base/compiler.h"
#include "base/rng.h"
#include "base/spikes.h"
#include "guard.h"
#include "kernels/kernels.h"

/* How codes and inputs are filled. */
typedef enum fill {
    FILL_RANDOM,
    FILL_SPARSE,
    FILL_TOP,
    FILL_BOTTOM,
    FILL_SIGNS, /* codes -max and max only */
    FILL_GROUPS /* codes of groups of 16, most of them zero */
} fill;

#define FILLS 5

static stn_error err;

static int64_t type_lo(stn_type type)
{
    static const int64_t lo[] = {0, -128, INT16_MIN, INT32_MIN};
    return lo[type];
}

static int64_t type_hi(stn_type type)
{
    static const int64_t hi[] = {255, 127, INT16_MAX, INT32_MAX};
    return hi[type];
}

static void put(void *x, stn_type type, size_t i, int64_t v)
{
    size_t size = stn_type_size(type);
    int32_t word = (int32_t)v; /* little-endian: the low bytes come first */
    memcpy((uint8_t *)x + i * size, &word, size);
}

static int64_t between(stn_rng *rng, int64_t lo, int64_t hi)
{
    return lo + (int64_t)(stn_rng_u64(rng) % (uint64_t)(hi - lo + 1));
}

static void fill_values(stn_rng *rng, fill how, stn_type type, int64_t lo,
                        int64_t hi, void *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        put(x, type, i,
            how == FILL_TOP      ? hi
            : how == FILL_BOTTOM ? lo
                                 : between(rng, lo, hi));
}

/* Whole groups of 16 weights that are zero filter by filter */
static void fill_groups(stn_rng *rng, int8_t *codes, size_t n, int max)
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
static void fill_codes(stn_rng *rng, fill how, int max, int8_t *codes,
                       size_t filters, size_t depth)
{
    if (how == FILL_GROUPS) {
        fill_groups(rng, codes, filters * depth, max);
        return;
    }
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

/* dot */

typedef struct dot_case {
    stn_dot_shape shape;
    int n, max_code;
    fill codes, values;
    int at_end; /* guard page after the data, else before */
} dot_case;

static void explain_dot(const dot_case *c, const char *level)
{
    const stn_dot_shape *s = &c->shape;
    print_message("%s: runs %d x %d, pitch %zu, out %d, type %d, range %d … "
                  "%d, patches %d, max code %d, fills %d %d, at_end %d, layout "
                  "%d\n",
                  level, s->runs, s->run, s->pitch, s->out, (int)s->input,
                  (int)s->lo, (int)s->hi, c->n, c->max_code, (int)c->codes,
                  (int)c->values, c->at_end, (int)s->layout);
}

/* False where the level cannot do the layout asked for. */
static bool dot_level(const dot_case *c, const stn_kernels *k,
                      const int8_t *codes, const void *x,
                      const uint32_t *patches, int32_t *acc)
{
    stn_arena arena = {0};
    stn_prepared prepared;
    assert_ok(k->dot_prepare(&c->shape, codes, &arena, &prepared, &err), err);
    bool is_asked = !c->shape.layout || c->shape.layout == prepared.layout;
    if (is_asked)
        k->dot(&(stn_dot_call){
            .shape = &c->shape,
            .prepared = prepared.data,
            .x = x,
            .patches = patches,
            .n = c->n,
            .part_end = prepared.parts,
            .scratch = stn_arena_alloc(&arena, 1, prepared.scratch_bytes),
            .acc = acc});
    stn_arena_deinit(&arena);
    return is_asked;
}

/* Patches overlap, one element (or what they are aligned to) apart, as those
 * of a convolution do. */
static void check_dot(const dot_case *c, uint64_t seed)
{
    const stn_dot_shape *s = &c->shape;
    stn_rng rng = stn_rng_make(seed, STN_RNG_TEST, 1);
    size_t size = stn_type_size(s->input), run = (size_t)s->run;
    size_t patch = (size_t)(s->runs - 1) * s->pitch * size;
    patch += run * size < 4 ? 4 : run * size;
    size_t step = (s->align ? (size_t)s->align : 1) * size;
    size_t bytes = c->n ? patch + (size_t)(c->n - 1) * step : 0;
    size_t depth = (size_t)s->runs * run, out = (size_t)s->out;
    size_t acc_bytes = (size_t)c->n * out * sizeof(int32_t);
    int8_t *codes = malloc(out * depth);
    uint32_t *patches = malloc(((size_t)c->n + 1) * sizeof *patches);
    int32_t *expected = malloc(acc_bytes + 1);
    assert_true(codes && patches && expected);
    guard x = guard_alloc(bytes, c->at_end);
    for (int p = 0; p < c->n; p++)
        patches[p] = (uint32_t)((size_t)p * step);
    fill_codes(&rng, c->codes, c->max_code, codes, out, depth);
    fill_values(&rng, c->values, s->input, s->lo, s->hi, x.data, bytes / size);
    dot_level(c, stn_kernels_get(STN_CPU_REF), codes, x.data, patches,
              expected);
    for (stn_cpu_level l = STN_CPU_AVX2; l <= stn_cpu_detect(); l++)
        for (int k = STN_LAYOUT_AUTO; k < STN_LAYOUTS; k++) {
            dot_case asked = *c;
            asked.shape.layout = (stn_dot_layout)k;
            guard acc = guard_alloc(acc_bytes, c->at_end);
            if (dot_level(&asked, stn_kernels_get(l), codes, x.data, patches,
                          acc.data) &&
                memcmp(acc.data, expected, acc_bytes) != 0) {
                explain_dot(&asked, stn_cpu_level_name(l));
                fail();
            }
            guard_free(&acc);
        }
    guard_free(&x);
    free(expected);
    free(patches);
    free(codes);
}

/* Tells the shape how much its calls read. */
static void know_extent(dot_case *c)
{
    stn_dot_shape *s = &c->shape;
    size_t patch = (size_t)(s->runs - 1) * s->pitch + (size_t)s->run;
    size_t step = s->align ? (size_t)s->align : 1;
    s->patches = c->n;
    s->band = patch + (c->n ? (size_t)(c->n - 1) * step : 0);
    s->band *= stn_type_size(s->input);
}

static dot_case random_dot(stn_rng *rng)
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

/* Inputs of few bits, patches at multiples of 8: what bit planes need. */
static dot_case random_bits(stn_rng *rng)
{
    static const int lengths[] = {8, 24, 32, 40, 64, 72, 256, 1000, 2304};
    static const int highs[] = {1, 1, 1, 2, 3, 7, 15};
    dot_case c = random_dot(rng);
    stn_dot_shape *s = &c.shape;
    s->input = (stn_type)stn_rng_below(rng, 2);
    s->run = lengths[stn_rng_below(rng, 9)];
    s->hi = highs[stn_rng_below(rng, 7)];
    s->lo = s->input == STN_TYPE_S8 ? -(int)stn_rng_below(rng, 9) : 0;
    s->align = 8;
    s->pitch = (size_t)s->run + 8 * stn_rng_below(rng, 5);
    c.max_code = 1;
    know_extent(&c);
    return c;
}

static void dot_of_few_bits_equals_the_scalar_kernel(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 600; i++) {
        stn_rng rng = stn_rng_make(8, STN_RNG_TEST, i);
        dot_case c = random_bits(&rng);
        check_dot(&c, i);
    }
}

static void dot_of_sparse_groups_equals_the_scalar_kernel(void **state)
{
    (void)state;
    static const int lengths[] = {16, 32, 48, 64, 144, 400};
    for (uint64_t i = 0; i < 150; i++) {
        stn_rng rng = stn_rng_make(10, STN_RNG_TEST, i);
        dot_case c = random_dot(&rng);
        c.shape.run = lengths[stn_rng_below(&rng, 6)];
        c.shape.pitch = (size_t)c.shape.run + stn_rng_below(&rng, 9);
        c.n = 16 + (int)stn_rng_below(&rng, 120);
        if (c.shape.input == STN_TYPE_S16)
            c.shape.input = STN_TYPE_U8;
        c.shape.lo = type_lo(c.shape.input);
        c.shape.hi = type_hi(c.shape.input);
        c.codes = FILL_GROUPS;
        know_extent(&c);
        check_dot(&c, i);
    }
}

/* Patches at multiples of 4 and inputs of any range: what tables need. */
static void dot_of_aligned_patches_equals_the_scalar_kernel(void **state)
{
    (void)state;
    static const int lengths[] = {4, 8, 12, 20, 36, 64, 100, 576, 4800};
    static const int highs[] = {1, 2, 3, 7, 15, 16, 100, 255};
    for (uint64_t i = 0; i < 400; i++) {
        stn_rng rng = stn_rng_make(13, STN_RNG_TEST, i);
        dot_case c = random_dot(&rng);
        stn_dot_shape *s = &c.shape;
        s->input = (stn_type)stn_rng_below(&rng, 2);
        s->run = lengths[stn_rng_below(&rng, 9)];
        s->hi = highs[stn_rng_below(&rng, 8)];
        s->lo = s->input == STN_TYPE_S8 ? -(int)stn_rng_below(&rng, 129) : 0;
        if (s->input == STN_TYPE_S8 && s->hi > 127)
            s->hi = 127;
        s->align = 4;
        s->pitch = (size_t)s->run + 4 * stn_rng_below(&rng, 5);
        c.max_code = 1;
        know_extent(&c);
        check_dot(&c, i);
    }
}

/* One patch in one run: what a fully connected layer is. */
static void dot_of_a_lone_patch_equals_the_scalar_kernel(void **state)
{
    (void)state;
    static const int lengths[] = {1, 5, 15, 16, 31, 33, 64, 255, 1000, 4096};
    for (uint64_t i = 0; i < 600; i++) {
        stn_rng rng = stn_rng_make(9, STN_RNG_TEST, i);
        dot_case c = random_dot(&rng);
        c.shape.runs = 1;
        c.shape.run = lengths[stn_rng_below(&rng, 10)];
        if (c.shape.input == STN_TYPE_S16)
            c.shape.hi = 15; /* as 4096 * 127 * 2^15 is too much */
        c.shape.lo = c.shape.lo < -128 ? -128 : c.shape.lo;
        c.shape.align = 64;
        if (i % 4 == 0)
            c.max_code = 128; /* which becomes -128 */
        c.n = 1;
        know_extent(&c);
        check_dot(&c, i);
    }
}

/* At most so many weights of 16 in a row are not 0. */
static void dot_of_few_weights_in_16_equals_the_scalar_kernel(void **state)
{
    (void)state;
    static const int lengths[] = {3, 16, 31, 48, 64, 100, 256, 1000};
    static const int counts[] = {1, 1, 2, 3, 4, 5};
    enum { OUT_MAX = 70, RUN_MAX = 1000 };
    static int8_t codes[OUT_MAX * RUN_MAX];
    static uint8_t x[RUN_MAX + 4];
    for (uint64_t i = 0; i < 400; i++) {
        stn_rng rng = stn_rng_make(14, STN_RNG_TEST, i);
        dot_case c = random_dot(&rng);
        stn_dot_shape *s = &c.shape;
        s->input = (stn_type)stn_rng_below(&rng, 2);
        s->lo = type_lo(s->input);
        s->hi = type_hi(s->input);
        s->runs = 1;
        s->run = lengths[stn_rng_below(&rng, 8)];
        c.n = 1;
        know_extent(&c);
        memset(codes, 0, sizeof codes);
        int count = counts[stn_rng_below(&rng, 6)];
        for (int o = 0; o < s->out; o++)
            for (int k = 0; k < s->run; k += 16)
                for (int j = 0; j < count; j++) {
                    int at = k + (int)stn_rng_below(&rng, 16);
                    if (at < s->run)
                        codes[o * s->run + at] =
                            (int8_t)between(&rng, -c.max_code, c.max_code);
                }
        fill_values(&rng, c.values, s->input, s->lo, s->hi, x, (size_t)s->run);
        uint32_t patch = 0;
        int32_t expected[OUT_MAX], acc[OUT_MAX];
        dot_level(&c, stn_kernels_get(STN_CPU_REF), codes, x, &patch, expected);
        for (stn_cpu_level l = STN_CPU_AVX2; l <= stn_cpu_detect(); l++)
            for (int k = STN_LAYOUT_AUTO; k < STN_LAYOUTS; k++) {
                s->layout = (stn_dot_layout)k;
                bool ran =
                    dot_level(&c, stn_kernels_get(l), codes, x, &patch, acc);
                if (k == STN_LAYOUT_PICKS)
                    assert_true(ran || count > 4 || c.max_code > 127);
                if (ran && memcmp(acc, expected, 4 * (size_t)s->out) != 0) {
                    explain_dot(&c, stn_cpu_level_name(l));
                    fail();
                }
            }
    }
}

static void dot_equals_the_scalar_kernel_on_random_shapes(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 1500; i++) {
        stn_rng rng = stn_rng_make(7, STN_RNG_TEST, i);
        dot_case c = random_dot(&rng);
        check_dot(&c, i);
    }
}

/* Long sums: 16-bit partial sums must be widened in time. */
static void dot_is_exact_on_long_sums_of_extremes(void **state)
{
    (void)state;
    static const fill fills[] = {FILL_TOP, FILL_BOTTOM, FILL_RANDOM};
    for (int t = 0; t < 3; t++)
        for (int i = 0; i < 18; i++) {
            stn_type type = (stn_type)t;
            dot_case c = {.shape = {.runs = 3,
                                    .run = 701,
                                    .pitch = 800,
                                    .out = 33,
                                    .input = type,
                                    .lo = type_lo(type),
                                    .hi = type_hi(type)},
                          .n = 9,
                          .max_code = i % 2 ? 127 : 1,
                          .codes = fills[i / 2 % 3],
                          .values = fills[i / 6],
                          .at_end = 1};
            if (type == STN_TYPE_S16)
                c.shape.runs = 1; /* 701 * 127 * 2^15 is too much for 3 */
            if (type == STN_TYPE_S16 && i % 2)
                c.shape.run = 500;
            check_dot(&c, (uint64_t)i);
        }
}

/* 16 products of 255 and 127: a kernel that saturates at 16 bits returns
 * less. */
static void dot_of_16_times_255_times_127_is_518160(void **state)
{
    (void)state;
    for (stn_cpu_level l = STN_CPU_REF; l <= stn_cpu_detect(); l++)
        for (int sign = -1; sign <= 1; sign += 2) {
            dot_case c = {.shape = {.runs = 1,
                                    .run = 16,
                                    .out = 1,
                                    .input = STN_TYPE_U8,
                                    .hi = 255},
                          .n = 1};
            int8_t codes[16];
            uint8_t x[16];
            memset(codes, 127 * sign, sizeof codes);
            memset(x, 255, sizeof x);
            uint32_t patch = 0;
            int32_t acc = 0;
            dot_level(&c, stn_kernels_get(l), codes, x, &patch, &acc);
            assert_int_equal(acc, sign * 518160);
        }
}

/* depthwise */

static void depthwise_level(const stn_depthwise_shape *s, const stn_kernels *k,
                            const int8_t *codes, const void *x, size_t pitch,
                            int width, int32_t *acc)
{
    stn_arena arena = {0};
    stn_prepared prepared;
    assert_ok(k->depthwise_prepare(s, codes, &arena, &prepared, &err), err);
    k->depthwise(&(stn_depthwise_call){.shape = s,
                                       .prepared = prepared.data,
                                       .x = x,
                                       .pitch = pitch,
                                       .width = width,
                                       .acc = acc});
    stn_arena_deinit(&arena);
}

static stn_depthwise_shape random_depthwise(stn_rng *rng)
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

static void check_depthwise(uint64_t seed)
{
    stn_rng rng = stn_rng_make(11, STN_RNG_TEST, seed);
    stn_depthwise_shape s = random_depthwise(&rng);
    int width = (int)stn_rng_below(&rng, 10), at_end = (int)seed % 2;
    size_t size = stn_type_size(s.input), out = (size_t)s.out;
    size_t taps = (size_t)s.kh * (size_t)s.kw;
    size_t pixels = (size_t)((width ? width - 1 : 0) * s.stride + s.kw);
    size_t pitch = (pixels + stn_rng_below(&rng, 3)) * (size_t)s.channels;
    size_t n = (size_t)(s.kh - 1) * pitch + pixels * (size_t)s.channels;
    size_t acc_bytes = (size_t)width * out * sizeof(int32_t);
    int8_t *codes = malloc(out * taps);
    int32_t *expected = malloc(acc_bytes + 1);
    assert_true(codes && expected);
    guard x = guard_alloc(n * size, at_end);
    fill_codes(&rng, (fill)stn_rng_below(&rng, FILLS),
               stn_rng_below(&rng, 2) ? 127 : 1, codes, out, taps);
    fill_values(&rng, (fill)stn_rng_below(&rng, FILLS), s.input, s.lo, s.hi,
                x.data, n);
    depthwise_level(&s, stn_kernels_get(STN_CPU_REF), codes, x.data, pitch,
                    width, expected);
    for (stn_cpu_level l = STN_CPU_AVX2; l <= stn_cpu_detect(); l++) {
        guard acc = guard_alloc(acc_bytes, at_end);
        depthwise_level(&s, stn_kernels_get(l), codes, x.data, pitch, width,
                        acc.data);
        if (memcmp(acc.data, expected, acc_bytes) != 0)
            fail_msg("%s, case %d: channels %d, out %d, window %d x %d, "
                     "stride %d, type %d, width %d",
                     stn_cpu_level_name(l), (int)seed, s.channels, s.out, s.kh,
                     s.kw, s.stride, (int)s.input, width);
        guard_free(&acc);
    }
    guard_free(&x);
    free(expected);
    free(codes);
}

static void depthwise_equals_the_scalar_kernel(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 1500; i++)
        check_depthwise(i);
}

/* rescale */

#define RESCALE_CHANNELS_MAX 100

typedef struct rescale_case {
    stn_rescale_shape shape;
    int32_t m0[RESCALE_CHANNELS_MAX], m1[RESCALE_CHANNELS_MAX];
    int64_t a[RESCALE_CHANNELS_MAX];
    int n;
} rescale_case;

/* `extreme`: multipliers, constants and inputs at the ends of what
 * docs/semantics.md allows, where the sum needs all of 64 bits. */
static void random_rescale(stn_rng *rng, rescale_case *c, int extreme)
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

static void rescale_level(const rescale_case *c, const stn_kernels *k,
                          const void *x0, const void *x1, void *y)
{
    stn_arena arena = {0};
    stn_prepared prepared;
    assert_ok(k->rescale_prepare(&c->shape, &arena, &prepared, &err), err);
    k->rescale(&(stn_rescale_call){.shape = &c->shape,
                                   .prepared = prepared.data,
                                   .x0 = x0,
                                   .x1 = x1,
                                   .n = c->n,
                                   .y = y});
    stn_arena_deinit(&arena);
}

static void check_rescale(uint64_t seed)
{
    stn_rng rng = stn_rng_make(13, STN_RNG_TEST, seed);
    rescale_case c;
    random_rescale(&rng, &c, seed % 4 == 0);
    const stn_rescale_shape *s = &c.shape;
    int at_end = (int)stn_rng_below(&rng, 2);
    size_t n = (size_t)c.n * (size_t)s->channels;
    size_t bytes = n * stn_type_size(s->type);
    guard x0 = guard_alloc(n * stn_type_size(s->type0), at_end);
    guard x1 = guard_alloc(n * stn_type_size(s->type1), at_end);
    void *expected = malloc(bytes + 1);
    assert_non_null(expected);
    fill_values(&rng, (fill)stn_rng_below(&rng, FILLS), s->type0, s->lo0,
                s->hi0, x0.data, n);
    fill_values(&rng, (fill)stn_rng_below(&rng, FILLS), s->type1, s->lo1,
                s->hi1, x1.data, n);
    rescale_level(&c, stn_kernels_get(STN_CPU_REF), x0.data, x1.data, expected);
    for (stn_cpu_level l = STN_CPU_AVX2; l <= stn_cpu_detect(); l++) {
        guard y = guard_alloc(bytes, at_end);
        rescale_level(&c, stn_kernels_get(l), x0.data, x1.data, y.data);
        if (memcmp(y.data, expected, bytes) != 0)
            fail_msg("%s, case %d: %d of %d channels, types %d %d %d, "
                     "shift %d",
                     stn_cpu_level_name(l), (int)seed, c.n, s->channels,
                     (int)s->type0, s->m1 ? (int)s->type1 : -1, (int)s->type,
                     s->shift);
        guard_free(&y);
    }
    free(expected);
    guard_free(&x1);
    guard_free(&x0);
}

static void rescale_equals_the_scalar_kernel(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 3000; i++)
        check_rescale(i);
}

static void rescale_rounds_towards_minus_infinity(void **state)
{
    (void)state;
    for (stn_cpu_level l = STN_CPU_REF; l <= stn_cpu_detect(); l++) {
        rescale_case c = {.shape = {.channels = 2,
                                    .type0 = STN_TYPE_S8,
                                    .type = STN_TYPE_S8,
                                    .lo0 = -128,
                                    .hi0 = 127,
                                    .shift = 1,
                                    .lo = -128,
                                    .hi = 127},
                          .m0 = {1, 1},
                          .n = 1};
        c.shape.m0 = c.m0;
        c.shape.a = c.a;
        int8_t x[2] = {-3, 3}, y[2];
        rescale_level(&c, stn_kernels_get(l), x, NULL, y);
        assert_int_equal(y[0], -2);
        assert_int_equal(y[1], 1);
    }
}

/* pools */

static void check_pool(uint64_t seed, int is_max)
{
    stn_rng rng = stn_rng_make(17, STN_RNG_TEST, seed);
    stn_pool_call call = {.input = (stn_type)stn_rng_below(&rng, 4),
                          .channels = 1 + (int)stn_rng_below(&rng, 70),
                          .kh = 1 + (int)stn_rng_below(&rng, 4),
                          .kw = 1 + (int)stn_rng_below(&rng, 4),
                          .stride = 1 + (int)stn_rng_below(&rng, 3),
                          .width = (int)stn_rng_below(&rng, 6)};
    int last = call.width ? call.width - 1 : 0;
    size_t row = (size_t)(last * call.stride + call.kw) * (size_t)call.channels;
    call.pitch = row + stn_rng_below(&rng, 5);
    size_t n = (size_t)(call.kh - 1) * call.pitch + row;
    size_t size = stn_type_size(call.input);
    size_t bytes = (size_t)call.width * (size_t)call.channels;
    bytes *= is_max ? size : sizeof(int32_t);
    guard x = guard_alloc(n * size, 1);
    /* A sixteenth of the range, so that 16 numbers sum to 32 bits. */
    fill_values(&rng, FILL_RANDOM, call.input, type_lo(call.input) / 16,
                type_hi(call.input) / 16, x.data, n);
    void *expected = malloc(bytes + 1);
    assert_non_null(expected);
    call.x = x.data;
    call.y = expected;
    const stn_kernels *ref = stn_kernels_get(STN_CPU_REF);
    (is_max ? ref->max_pool : ref->sum_pool)(&call);
    for (stn_cpu_level l = STN_CPU_AVX2; l <= stn_cpu_detect(); l++) {
        guard y = guard_alloc(bytes, 1);
        const stn_kernels *k = stn_kernels_get(l);
        call.y = y.data;
        (is_max ? k->max_pool : k->sum_pool)(&call);
        assert_memory_equal(y.data, expected, bytes);
        guard_free(&y);
    }
    free(expected);
    guard_free(&x);
}

static void pools_equal_the_scalar_kernel(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 400; i++) {
        check_pool(i, 0);
        check_pool(i, 1);
    }
}

/* n neurons whose membranes and inputs reach the limits that a program's
 * check proves. */
static void check_lif(stn_rng *rng, size_t n, int leak, int threshold)
{
    guard x = guard_alloc(n * sizeof(int16_t), 1);
    int16_t *xs = x.data;
    int32_t *before = malloc((n + 1) * sizeof *before);
    for (size_t i = 0; i < n; i++) {
        uint32_t kind = stn_rng_below(rng, 4);
        xs[i] = kind == 0   ? INT16_MIN
                : kind == 1 ? INT16_MAX
                            : (int16_t)((int)stn_rng_below(rng, 9) - 4);
        before[i] = kind == 2
                        ? -(1 << 23)
                        : threshold - (int32_t)stn_rng_below(rng, 1 << 20) % 9;
    }
    for (stn_cpu_level l = STN_CPU_REF; l <= stn_cpu_detect(); l++) {
        guard u = guard_alloc(n * sizeof(int32_t), 1), y = guard_alloc(n, 1);
        int32_t *us = u.data;
        memcpy(us, before, n * sizeof *us);
        stn_kernels_get(l)->lif(&(stn_lif_call){.x = xs,
                                                .u = us,
                                                .y = y.data,
                                                .n = n,
                                                .leak = leak,
                                                .threshold = threshold});
        for (size_t i = 0; i < n; i++) {
            int64_t now = ((int64_t)before[i] * leak >> 8) + xs[i];
            assert_int_equal(((uint8_t *)y.data)[i], now > threshold);
            assert_int_equal(us[i], now > threshold ? 0 : now);
        }
        guard_free(&u);
        guard_free(&y);
    }
    free(before);
    guard_free(&x);
}

static void neurons_equal_their_definition(void **state)
{
    (void)state;
    stn_rng rng = stn_rng_make(5, STN_RNG_TEST, 0);
    for (size_t n = 0; n < 140; n++) {
        check_lif(&rng, n, 205, 2048);
        check_lif(&rng, n, n % 2 ? 256 : 0, n % 3 ? 0 : 32767);
    }
}

static void spikes_of_pixels_equal_their_definition(void **state)
{
    (void)state;
    for (size_t n = 0; n < 200; n += 1 + n / 70) {
        uint32_t first = n % 2 ? 7 : UINT32_MAX - 50; /* wraps */
        guard x = guard_alloc(n, 1);
        uint8_t *xs = x.data;
        for (size_t i = 0; i < n; i++)
            xs[i] = (uint8_t)(i * 89);
        for (stn_cpu_level l = STN_CPU_REF; l <= stn_cpu_detect(); l++) {
            guard y = guard_alloc(n, 1);
            stn_kernels_get(l)->rate_code(&(stn_rate_code_call){
                .x = xs, .y = y.data, .n = n, .first = first});
            for (size_t i = 0; i < n; i++)
                assert_int_equal(
                    ((uint8_t *)y.data)[i],
                    xs[i] > stn_spike_threshold(0, first + (uint32_t)i));
            guard_free(&y);
        }
        guard_free(&x);
    }
    /* r of docs/semantics.md, from its lines in another language. */
    static const uint8_t r[] = {0, 1, 4, 15, 107, 5, 94, 145};
    for (uint32_t k = 0; k < sizeof r; k++)
        assert_int_equal(stn_spike_threshold(0, k), r[k]);
}

static void levels_above_the_cpu_have_no_kernels(void **state)
{
    (void)state;
    for (int l = (int)stn_cpu_detect() + 1; l < STN_CPU_LEVELS; l++)
        assert_null(stn_kernels_get((stn_cpu_level)l));
    assert_non_null(stn_kernels_get(stn_cpu_detect()));
    assert_string_equal(stn_cpu_level_name(STN_CPU_REF), "ref");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dot_of_16_times_255_times_127_is_518160),
        cmocka_unit_test(dot_equals_the_scalar_kernel_on_random_shapes),
        cmocka_unit_test(dot_of_few_bits_equals_the_scalar_kernel),
        cmocka_unit_test(dot_of_sparse_groups_equals_the_scalar_kernel),
        cmocka_unit_test(dot_of_aligned_patches_equals_the_scalar_kernel),
        cmocka_unit_test(dot_of_few_weights_in_16_equals_the_scalar_kernel),
        cmocka_unit_test(dot_of_a_lone_patch_equals_the_scalar_kernel),
        cmocka_unit_test(dot_is_exact_on_long_sums_of_extremes),
        cmocka_unit_test(depthwise_equals_the_scalar_kernel),
        cmocka_unit_test(rescale_equals_the_scalar_kernel),
        cmocka_unit_test(rescale_rounds_towards_minus_infinity),
        cmocka_unit_test(pools_equal_the_scalar_kernel),
        cmocka_unit_test(neurons_equal_their_definition),
        cmocka_unit_test(spikes_of_pixels_equal_their_definition),
        cmocka_unit_test(levels_above_the_cpu_have_no_kernels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
