/* SPDX-License-Identifier: MIT
 *
 * The count of ones by VPOPCNTDQ, which no CPU at hand has: its source is
 * compiled here with that one instruction done in C, and what only a CPU that
 * has it would choose is chosen. Everything but the instruction itself is thus
 * compared with the scalar kernel, bit for bit. */
#include "test.h"

#include "base/compiler.h"
#include "base/rng.h"
#include "kernels/ref/ref.h"

#ifdef STN_X86
#include <immintrin.h>

/* Nothing may be compiled for VPOPCNTDQ itself. */
#undef STN_TARGET
#define STN_TARGET(isa)                                                        \
    __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")))

static STN_TARGET() __m512i count_ones(__m512i v)
{
    uint32_t words[16];
    memcpy(words, &v, sizeof words);
    for (int i = 0; i < 16; i++) {
        uint32_t ones = 0;
        for (; words[i]; words[i] >>= 1)
            ones += words[i] & 1;
        words[i] = ones;
    }
    memcpy(&v, words, sizeof v);
    return v;
}

#define _mm512_popcnt_epi32 count_ones
#define __builtin_cpu_supports(name) 1
#define stn_bits_style_avx512 style_with_vpopcntdq
#include "kernels/x86/dot_bits_avx512.c"
#undef __builtin_cpu_supports

enum { OUT_MAX = 40, RUNS = 3, RUN_MAX = 520, N_MAX = 40 };

static stn_error err;

/* The shape with codes of both signs and, for two streams, zeros. */
static stn_dot_shape random_shape(stn_rng *rng, int8_t *codes)
{
    static const int lengths[] = {8, 32, 40, 64, 256, RUN_MAX};
    static const int highs[] = {1, 1, 2, 3, 7, 15};
    stn_dot_shape s = {.runs = 1 + (int)stn_rng_below(rng, RUNS),
                       .run = lengths[stn_rng_below(rng, 6)],
                       .out = 1 + (int)stn_rng_below(rng, OUT_MAX),
                       .input = STN_TYPE_U8,
                       .hi = highs[stn_rng_below(rng, 6)],
                       .align = 8,
                       .patches = (int)stn_rng_below(rng, N_MAX + 1)};
    s.pitch = (size_t)s.run + 8 * stn_rng_below(rng, 3);
    s.band = (size_t)(s.runs - 1) * s.pitch + (size_t)s.run +
             8 * (size_t)(s.patches ? s.patches - 1 : 0);
    bool zeros = stn_rng_below(rng, 2);
    int n = s.out * s.runs * s.run;
    for (int i = 0; i < n; i++)
        codes[i] = (int8_t)(zeros ? (int)stn_rng_below(rng, 3) - 1
                                  : (int)stn_rng_below(rng, 2) * 2 - 1);
    return s;
}

static void check(uint64_t seed)
{
    static int8_t codes[OUT_MAX * RUNS * RUN_MAX];
    static uint8_t x[RUNS * (RUN_MAX + 16) + 8 * N_MAX];
    static int32_t expected[N_MAX * OUT_MAX], acc[N_MAX * OUT_MAX];
    uint32_t patches[N_MAX];
    stn_rng rng = stn_rng_make(seed, STN_RNG_TEST, 21);
    stn_dot_shape s = random_shape(&rng, codes);
    stn_arena arena = {0};
    stn_prepared made;
    for (size_t i = 0; i < sizeof x; i++)
        x[i] = (uint8_t)stn_rng_below(&rng, (uint32_t)s.hi + 1);
    for (int p = 0; p < N_MAX; p++)
        patches[p] = 8 * (uint32_t)p;
    stn_dot_call call = {.shape = &s,
                         .x = x,
                         .patches = patches,
                         .n = s.patches,
                         .part_end = 1,
                         .acc = expected};
    assert_ok(stn_dot_prepare_ref(&s, codes, &arena, &made, &err), err);
    call.prepared = made.data;
    stn_dot_ref(&call);
    stn_bits_fit fit = stn_bits_try(&s, stn_dot_look(&s, codes));
    assert_true(fit.streams > 0);
    assert_ok(stn_bits_make(style_with_vpopcntdq(), &s, codes, fit, &arena,
                            &made, &err),
              err);
    assert_string_equal(made.isa, "bits_vpopcntdq");
    call.prepared = made.data;
    call.part_end = made.parts;
    call.scratch = stn_arena_alloc(&arena, 1, made.scratch_bytes);
    call.acc = acc;
    assert_non_null(call.scratch);
    ((const stn_dot_head *)made.data)->run(&call);
    assert_memory_equal(acc, expected,
                        (size_t)s.patches * (size_t)s.out * sizeof *acc);
    stn_arena_deinit(&arena);
}
#endif

static void bits_counted_by_vpopcntdq_equal_the_scalar_kernel(void **state)
{
    (void)state;
#ifdef STN_X86
    if (stn_cpu_detect() >= STN_CPU_AVX512) {
        for (uint64_t i = 0; i < 300; i++)
            check(i);
        return;
    }
#endif
    print_message("skipped, needs a CPU with AVX-512\n");
    skip();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bits_counted_by_vpopcntdq_equal_the_scalar_kernel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
