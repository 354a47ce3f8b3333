/* SPDX-License-Identifier: MIT
 *
 * The dots of every kernel level against the scalar kernel: equal bits in all
 * layouts on edge sizes, extreme fills, odd addresses, with guard pages around
 * inputs and outputs. */
#include "kernel_cases.h"

static stn_error err;

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

static void check_dot(const dot_case *c, uint64_t seed)
{
    stn_rng rng = stn_rng_make(seed, STN_RNG_TEST, 1);
    dot_data d = make_dot(c, &rng);
    size_t acc_bytes = d.sums * sizeof(int32_t);
    int32_t *expected = malloc(acc_bytes + 1);
    assert_non_null(expected);
    dot_level(c, stn_kernels_get(STN_CPU_REF), d.codes, d.x.data, d.patches,
              expected);
    for (stn_cpu_level l = STN_CPU_AVX2; l <= stn_cpu_detect(); l++)
        for (int k = STN_LAYOUT_AUTO; k < STN_LAYOUTS; k++) {
            dot_case asked = *c;
            asked.shape.layout = (stn_dot_layout)k;
            guard acc = guard_alloc(acc_bytes, c->at_end);
            if (dot_level(&asked, stn_kernels_get(l), d.codes, d.x.data,
                          d.patches, acc.data) &&
                memcmp(acc.data, expected, acc_bytes) != 0) {
                explain_dot(&asked, stn_cpu_level_name(l));
                fail();
            }
            guard_free(&acc);
        }
    free(expected);
    free_dot(&d);
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
    for (uint64_t i = 0; i < 150; i++) {
        stn_rng rng = stn_rng_make(10, STN_RNG_TEST, i);
        dot_case c = random_groups(&rng);
        if (i % 25 == 0)
            c.shape.out = 300; /* more than a block of filters */
        check_dot(&c, i);
    }
}

static void dot_of_aligned_patches_equals_the_scalar_kernel(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 400; i++) {
        stn_rng rng = stn_rng_make(13, STN_RNG_TEST, i);
        dot_case c = random_aligned(&rng);
        check_dot(&c, i);
    }
}

static void dot_of_a_lone_patch_equals_the_scalar_kernel(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 600; i++) {
        stn_rng rng = stn_rng_make(9, STN_RNG_TEST, i);
        dot_case c = random_lone(&rng);
        if (i % 4 == 0)
            c.max_code = 128; /* which becomes -128 */
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

/* The same for one patch, with the zeros that make codes ternary. */
static void dot_of_a_lone_patch_is_exact_on_long_sums(void **state)
{
    (void)state;
    for (int i = 0; i < 16; i++) {
        stn_type type = i % 2 ? STN_TYPE_S8 : STN_TYPE_U8;
        dot_case c = {.shape = {.runs = 1,
                                .run = 5000,
                                .pitch = 5000,
                                .out = 20,
                                .input = type,
                                .lo = type_lo(type),
                                .hi = type_hi(type),
                                .align = 64},
                      .n = 1,
                      .max_code = i / 4 % 2 ? 127 : 1,
                      .codes = i / 8 ? FILL_SIGNS : FILL_FILTERS,
                      .values = i / 2 % 2 ? FILL_TOP : FILL_BOTTOM,
                      .at_end = 1};
        know_extent(&c);
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
        cmocka_unit_test(dot_of_a_lone_patch_is_exact_on_long_sums),
        cmocka_unit_test(levels_above_the_cpu_have_no_kernels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
