/* SPDX-License-Identifier: MIT
 *
 * Depthwise windows, rescale, pools and neurons of every kernel level against
 * the scalar kernels, as test_kernels.c does with dots. */
#include "kernel_cases.h"

#include "base/compiler.h"
#include "base/spikes.h"

static stn_error err;

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

/* Weights of one sign, whose magnitudes add up to `sum`, on extreme inputs:
 * about the largest sum that 16 bits hold. */
static void check_edge(int sum, stn_type type, int x, int sign)
{
    enum { CHANNELS = 40, TAPS = 9, WIDTH = 5, PIXELS = 3 * (WIDTH + 2) };
    static int8_t codes[CHANNELS * TAPS];
    static uint8_t inputs[PIXELS * CHANNELS];
    static int32_t acc[WIDTH * CHANNELS];
    stn_depthwise_shape s = {.channels = CHANNELS,
                             .out = CHANNELS,
                             .kh = 3,
                             .kw = 3,
                             .stride = 1,
                             .input = type,
                             .lo = type_lo(type),
                             .hi = type_hi(type)};
    for (int i = 0; i < CHANNELS * TAPS; i++)
        codes[i] = (int8_t)(sign * (sum / TAPS + (i % TAPS < sum % TAPS)));
    memset(inputs, x, sizeof inputs);
    for (stn_cpu_level l = STN_CPU_AVX2; l <= stn_cpu_detect(); l++) {
        depthwise_level(&s, stn_kernels_get(l), codes, inputs,
                        (size_t)(WIDTH + 2) * CHANNELS, WIDTH, acc);
        for (int i = 0; i < WIDTH * CHANNELS; i++)
            assert_int_equal(acc[i], sign * sum * x);
    }
}

static void depthwise_is_exact_where_16_bits_end(void **state)
{
    (void)state;
    for (int sum = 120; sum < 270; sum++)
        for (int sign = -1; sign <= 1; sign += 2) {
            check_edge(sum, STN_TYPE_U8, 255, sign);
            check_edge(sum, STN_TYPE_U8, 0, sign);
            check_edge(sum, STN_TYPE_S8, -128, sign);
            check_edge(sum, STN_TYPE_S8, 127, sign);
        }
}

/* rescale */

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(depthwise_equals_the_scalar_kernel),
        cmocka_unit_test(depthwise_is_exact_where_16_bits_end),
        cmocka_unit_test(rescale_equals_the_scalar_kernel),
        cmocka_unit_test(rescale_rounds_towards_minus_infinity),
        cmocka_unit_test(pools_equal_the_scalar_kernel),
        cmocka_unit_test(neurons_equal_their_definition),
        cmocka_unit_test(spikes_of_pixels_equal_their_definition),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
