/* SPDX-License-Identifier: MIT
 *
 * The reference interpreter against numbers worked out by hand, and against a
 * loop that shares nothing with it. */
#include "test.h"
#include "base/rng.h"
#include "setun/program.h"

/* Runs one instruction over `x` of `in_shape` and gives the s32 output. The
 * program around it is never checked: only the arithmetic is of interest. */
static void run_one(stn_instruction in, stn_shape in_shape, stn_type in_type,
                    void *x, stn_shape out_shape, stn_type out_type, void *y)
{
    stn_error err;
    stn_value values[] = {{.name = "pixels", .shape = {1, 1, 1}, .steps = 1},
                          {.name = "x", .shape = in_shape, .type = in_type, .steps = 1},
                          {.name = "y", .shape = out_shape, .type = out_type, .steps = 1}};
    in.n_inputs = in.n_inputs ? in.n_inputs : 1;
    in.inputs[0] = 1;
    in.inputs[1] = 1;
    in.output = 2;
    stn_program p = {.n_values = 3,
                     .n_instructions = 1,
                     .values = values,
                     .instructions = &in};
    void *buffers[] = {NULL, x, y};
    assert_ok(stn_reference_run(&p, NULL, buffers, &err), err);
}

static void rescale_floors_clamps_and_adds(void **state)
{
    (void)state;
    stn_instruction in = {.opcode = STN_RESCALE,
                          .m0 = (int32_t[]){3, -1, 1},
                          .m1 = (int32_t[]){-1, 0, 1},
                          .a = (int64_t[]){0, 1, -4},
                          .shift = 2,
                          .lo = -4,
                          .hi = 5};
    stn_shape s = {1, 2, 3};
    int16_t x[] = {-1, 6, 3, 9, -30, 30};
    int8_t y[6];
    run_one(in, s, STN_TYPE_S16, x, s, STN_TYPE_S8, y);
    /* ⌊−3/4⌋ = −1, ⌊−5/4⌋ = −2, ⌊−1/4⌋ = −1; ⌊27/4⌋ → 5, ⌊31/4⌋ → 5,
     * ⌊26/4⌋ → 5 */
    assert_memory_equal(y, ((int8_t[]){-1, -2, -1, 5, 5, 5}), 6);
    in.n_inputs = 2;
    run_one(in, s, STN_TYPE_S16, x, s, STN_TYPE_S8, y);
    /* ⌊−2/4⌋, ⌊−5/4⌋, ⌊2/4⌋; ⌊18/4⌋, 31/4 → 5, 56/4 → 5 */
    assert_memory_equal(y, ((int8_t[]){-1, -2, 0, 4, 5, 5}), 6);
    int32_t big[] = {INT32_MIN, INT32_MAX, 0, 0, 0, 0}, z[6];
    in = (stn_instruction){.opcode = STN_RESCALE,
                           .m0 = (int32_t[]){1 << 24, 1 << 24, 0},
                           .a = (int64_t[]){0, -1, -((int64_t)1 << 60)},
                           .shift = 40,
                           .lo = INT32_MIN,
                           .hi = INT32_MAX};
    run_one(in, s, STN_TYPE_S32, big, s, STN_TYPE_S32, z);
    assert_int_equal(z[0], -32768);
    assert_int_equal(z[1], 32767);
    assert_int_equal(z[2], -1048576);
}

static void conv_pads_with_zero_and_strides(void **state)
{
    (void)state;
    /* 3 x 3 x 1 picture 1 … 9; filter o0 sums the window, o1 picks its last
     * element negated. stride 2, pad 1: windows centred on the corners. */
    int8_t w[18] = {1, 1, 1, 1, 1, 1, 1, 1, 1, [17] = -1};
    stn_instruction in = {
        .opcode = STN_CONV,
        .kh = 3,
        .kw = 3,
        .stride = 2,
        .pad = 1,
        .weights = {.out = 2, .kh = 3, .kw = 3, .in = 1, .codes = w}};
    uint8_t x[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    int32_t y[8];
    run_one(in, (stn_shape){3, 3, 1}, STN_TYPE_U8, x, (stn_shape){2, 2, 2},
            STN_TYPE_S32, y);
    assert_memory_equal(y, ((int32_t[]){12, -5, 16, 0, 24, 0, 28, 0}),
                        sizeof y);
}

static void conv_sums_over_all_channels_of_a_wide_kernel(void **state)
{
    (void)state;
    /* 1 x 3 kernel over two channels: weights o, i, j, c. */
    int8_t w[] = {1, -2, 3, -4, 5, -6};
    stn_instruction in = {
        .opcode = STN_CONV,
        .kh = 1,
        .kw = 3,
        .stride = 1,
        .weights = {.out = 1, .kh = 1, .kw = 3, .in = 2, .codes = w}};
    int8_t x[] = {1, 0, 0, 1, 2, 2, -128, 127};
    int32_t y[2];
    run_one(in, (stn_shape){1, 4, 2}, STN_TYPE_S8, x, (stn_shape){1, 2, 1},
            STN_TYPE_S32, y);
    assert_int_equal(y[0], 1 - 4 + 10 - 12);
    assert_int_equal(y[1], -2 + 6 - 8 - 640 - 762);
}

static void depthwise_output_reads_channel_o_mod_c(void **state)
{
    (void)state;
    int8_t w[] = {1, 1, 10, 10, 100, 100, 1, -1}; /* o, i, j of 1 x 2 */
    stn_instruction in = {
        .opcode = STN_DEPTHWISE,
        .kh = 1,
        .kw = 2,
        .stride = 1,
        .weights = {.out = 4, .kh = 1, .kw = 2, .in = 1, .codes = w}};
    uint8_t x[] = {1, 2, 3, 4}; /* channel 0: 1 3, channel 1: 2 4 */
    int32_t y[4];
    run_one(in, (stn_shape){1, 2, 2}, STN_TYPE_U8, x, (stn_shape){1, 1, 4},
            STN_TYPE_S32, y);
    assert_memory_equal(y, ((int32_t[]){4, 60, 400, -2}), sizeof y);
}

static void pools_drop_windows_that_do_not_fit(void **state)
{
    (void)state;
    int8_t x[] = {-5, -6, 99, -7, -8, 99, 99, 99, 99};
    stn_instruction in = {
        .opcode = STN_MAX_POOL, .kh = 2, .kw = 2, .stride = 2};
    int8_t max;
    run_one(in, (stn_shape){3, 3, 1}, STN_TYPE_S8, x, (stn_shape){1, 1, 1},
            STN_TYPE_S8, &max);
    assert_int_equal(max, -5);
    int32_t sum[4];
    in.opcode = STN_SUM_POOL;
    in.stride = 1;
    run_one(in, (stn_shape){3, 3, 1}, STN_TYPE_S8, x, (stn_shape){2, 2, 1},
            STN_TYPE_S32, sum);
    assert_memory_equal(sum, ((int32_t[]){-26, 184, 183, 289}), sizeof sum);
}

/* Independent of the interpreter's loops: scatters each input element into
 * the outputs it contributes to. */
static void reference_conv_agrees_with_scattering(void **state)
{
    (void)state;
    stn_rng rng = stn_rng_make(5, STN_RNG_TEST, 0);
    for (int round = 0; round < 200; round++) {
        int h = 1 + (int)stn_rng_below(&rng, 6);
        int w = 1 + (int)stn_rng_below(&rng, 6);
        int c = 1 + (int)stn_rng_below(&rng, 4);
        int k = 1 + (int)stn_rng_below(&rng, 3), out = c * 2;
        int stride = 1 + (int)stn_rng_below(&rng, 3);
        int pad = (int)stn_rng_below(&rng, (uint32_t)k);
        bool depthwise = round % 2;
        if (h + 2 * pad < k || w + 2 * pad < k)
            continue;
        int oh = (h + 2 * pad - k) / stride + 1;
        int ow = (w + 2 * pad - k) / stride + 1, wc = depthwise ? 1 : c;
        int8_t codes[8 * 9 * 4];
        int16_t x[6 * 6 * 4];
        int32_t y[10 * 10 * 8], expected[10 * 10 * 8] = {0};
        for (size_t i = 0; i < sizeof codes; i++)
            codes[i] = (int8_t)((int)stn_rng_below(&rng, 255) - 127);
        for (int i = 0; i < h * w * c; i++)
            x[i] = (int16_t)((int)stn_rng_below(&rng, 65536) - 32768);
        for (int i = 0; i < h * w * c; i++)
            for (int t = 0; t < k * k * out; t++) {
                int ch = i % c, q = i / c % w, r = i / c / w;
                int o = t % out, kj = t / out % k, ki = t / out / k;
                int yr = r + pad - ki, yq = q + pad - kj;
                if (yr < 0 || yq < 0 || yr % stride || yq % stride ||
                    yr / stride >= oh || yq / stride >= ow ||
                    (depthwise && o % c != ch))
                    continue;
                int code =
                    codes[((o * k + ki) * k + kj) * wc + (depthwise ? 0 : ch)];
                expected[(yr / stride * ow + yq / stride) * out + o] +=
                    code * x[i];
            }
        stn_instruction in = {
            .opcode = depthwise ? STN_DEPTHWISE : STN_CONV,
            .kh = k,
            .kw = k,
            .stride = stride,
            .pad = pad,
            .weights = {
                .out = out, .kh = k, .kw = k, .in = wc, .codes = codes}};
        run_one(in, (stn_shape){h, w, c}, STN_TYPE_S16, x,
                (stn_shape){oh, ow, out}, STN_TYPE_S32, y);
        assert_memory_equal(y, expected, (size_t)(oh * ow * out) * 4);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rescale_floors_clamps_and_adds),
        cmocka_unit_test(conv_pads_with_zero_and_strides),
        cmocka_unit_test(conv_sums_over_all_channels_of_a_wide_kernel),
        cmocka_unit_test(depthwise_output_reads_channel_o_mod_c),
        cmocka_unit_test(pools_drop_windows_that_do_not_fit),
        cmocka_unit_test(reference_conv_agrees_with_scattering),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
