/* SPDX-License-Identifier: MIT
 *
 * The counter-based multiplier over all its operands, and the stochastic
 * executor beside its definition. */
#include "test.h"
#include "programs.h"
#include "setun/stochastic.h"
#include <math.h>

static const stn_stochastic_operand OPERANDS[] = {
    {2, false}, {2, true}, {4, false}, {4, true}, {5, false},
    {5, true},  {7, true}, {8, false}, {8, true}};
#define N_OPERANDS (sizeof OPERANDS / sizeof OPERANDS[0])

static int least_of(stn_stochastic_operand o)
{
    return o.is_signed ? -(1 << (o.bits - 1)) : 0;
}

static void closed_form_counts_what_the_cycles_count(void **state)
{
    (void)state;
    for (size_t k = 0; k < N_OPERANDS; k++) {
        stn_stochastic_operand o = OPERANDS[k];
        int n = 1 << o.bits, least = least_of(o);
        for (int x = least; x < least + n; x++)
            for (int w = -n; w <= n; w++)
                if (stn_stochastic_cycles(o, x, w) !=
                    stn_stochastic_product(o, x, w))
                    fail_msg("%d bits, %d times %d: %d by cycles, %d else",
                             o.bits, x, w, stn_stochastic_cycles(o, x, w),
                             stn_stochastic_product(o, x, w));
    }
}

static void cycles_show_bits_in_the_order_of_the_ruler(void **state)
{
    (void)state;
    /* Six cycles show bits 1 2 1 3 1 2 of 1010: ones in 1, 3, 4 and 5. */
    stn_stochastic_operand o = {4, false};
    assert_int_equal(stn_stochastic_cycles(o, 10, 6), 4);
    assert_int_equal(stn_stochastic_cycles(o, 10, -6), -4);
    /* 2 as a signed number of 4 bits is the stream of 1010: 4 up, 2 down. */
    o.is_signed = true;
    assert_int_equal(stn_stochastic_cycles(o, 2, 6), 2);
    assert_int_equal(stn_stochastic_cycles(o, 2, -6), -2);
    /* Of 16 cycles the last shows no bit. */
    assert_int_equal(stn_stochastic_cycles(o, 7, 16), 15);
    assert_int_equal(stn_stochastic_cycles(o, -8, 16), -15);
}

/* Figures of the literature reference, from an independent simulation. */
static void errors_are_those_of_an_exhaustive_simulation(void **state)
{
    (void)state;
    static const struct {
        stn_stochastic_operand operand;
        double max, rms, mean;
    } known[] = {{{4, false}, 1.06, 0.42, 0.25}, {{5, false}, 1.22, 0.44, 0.25},
                 {{8, false}, 1.72, 0.51, 0.25}, {{4, true}, 1.75, 0.69, 0},
                 {{5, true}, 2.13, 0.75, 0},     {{8, true}, 3.11, 0.90, 0}};
    for (size_t k = 0; k < sizeof known / sizeof known[0]; k++) {
        stn_stochastic_error e = stn_stochastic_errors(known[k].operand);
        assert_true(fabs(e.max - known[k].max) <= 0.0051);
        assert_true(fabs(e.rms - known[k].rms) <= 0.0051);
        assert_true(fabs(e.mean - known[k].mean) <= 0.032);
    }
}

/* ---- the executor */

static int append_narrow(stn_program_image *image, const char *name, int from,
                         stn_type type, int hi)
{
    int v = append_rescale(image, name, from, 0, type, 9);
    stn_instruction *in =
        &image->instructions[image->program.n_instructions - 1];
    in->hi = hi;
    in->lo = type == STN_TYPE_U8 ? 0 : -hi - 1;
    return v;
}

/* Weights of `bits` bits in the last instruction. */
static void narrow_codes(stn_program_image *image, int bits)
{
    stn_weights *w =
        &image->instructions[image->program.n_instructions - 1].weights;
    size_t n = stn_weights_count(w);
    int8_t *codes = (int8_t *)(uintptr_t)w->codes;
    for (size_t i = 0; i < n; i++)
        codes[i] = (int8_t)(codes[i] / (1 << (8 - bits)));
}

/* Convolutions with padding, of numbers with and without a sign, depthwise,
 * and both pools; operands of `bits` bits. */
static stn_program_image *program_of(int bits)
{
    stn_program_image *p = new_image((stn_shape){7, 6, 2}, 4);
    int hi = (1 << (bits - 1)) - 1;
    int v = append_narrow(p, "in", 0, STN_TYPE_S8, hi);
    v = append_sum(p, "conv", v, STN_CONV, STN_CODE_INT8, 5, 3, 1, 2);
    narrow_codes(p, bits);
    v = append_narrow(p, "act1", v, STN_TYPE_U8, 2 * hi + 1);
    v = append_sum(p, "dw", v, STN_DEPTHWISE, STN_CODE_INT8, 10, 3, 1, 1);
    narrow_codes(p, bits);
    v = append_narrow(p, "act2", v, STN_TYPE_S16, hi);
    v = append_pool(p, "max", v, STN_MAX_POOL, 2);
    v = append_sum(p, "pw", v, STN_CONV, STN_CODE_TERNARY, 4, 1, 0, 5);
    v = append_pool(p, "mean", v, STN_SUM_POOL, 3);
    append_rescale(p, "logits", v, 0, STN_TYPE_S32, 0);
    stn_error err;
    assert_ok(stn_program_check(p, "program", &err), err);
    return p;
}

#define PICTURES 5
#define PIXELS (7 * 6 * 2)

static void fill_pixels(uint8_t *pixels, size_t n)
{
    stn_rng rng = stn_rng_make(3, STN_RNG_TEST, 1);
    for (size_t i = 0; i < n; i++)
        pixels[i] = (uint8_t)stn_rng_below(&rng, 256);
}

static void executor_returns_the_bits_of_its_definition(void **state)
{
    (void)state;
    stn_error err;
    uint8_t pixels[PICTURES * PIXELS];
    fill_pixels(pixels, sizeof pixels);
    for (int bits = 2; bits <= 8; bits++)
        for (int threads = 1; threads <= 2; threads++) {
            stn_program_image *p = program_of(bits);
            stn_stochastic *e = NULL;
            int32_t logits[PICTURES * 4], expected[4];
            assert_ok(
                stn_stochastic_create(&p->program, bits, threads, &e, &err),
                err);
            assert_ok(
                stn_stochastic_run(e, pixels, PICTURES, logits, NULL, &err),
                err);
            for (int i = 0; i < PICTURES; i++) {
                assert_ok(stn_stochastic_classify(&p->program, bits,
                                                  pixels + i * PIXELS, expected,
                                                  &err),
                          err);
                assert_memory_equal(logits + 4 * i, expected, sizeof expected);
            }
            stn_stochastic_destroy(e);
            free_image(p);
        }
}

/* One filter over one pixel: y = 2^7 times the product. */
static void products_stand_where_exact_ones_would(void **state)
{
    (void)state;
    stn_error err;
    stn_program_image *p = new_image((stn_shape){1, 1, 1}, 1);
    int v = append_rescale(p, "in", 0, 0, STN_TYPE_S8, 0);
    *(int64_t *)(uintptr_t)p->instructions[0].a = -100;
    *(int32_t *)(uintptr_t)p->instructions[0].m0 = 1;
    v = append_sum(p, "conv", v, STN_CONV, STN_CODE_INT8, 1, 1, 0, 1);
    int8_t *codes = (int8_t *)(uintptr_t)p->instructions[1].weights.codes;
    codes[0] = -93;
    append_rescale(p, "logits", v, 0, STN_TYPE_S32, 0);
    *(int64_t *)(uintptr_t)p->instructions[2].a = 0;
    *(int32_t *)(uintptr_t)p->instructions[2].m0 = 1;
    assert_ok(stn_program_check(p, "one", &err), err);
    for (int pixel = 0; pixel < 228; pixel++) {
        uint8_t byte = (uint8_t)pixel;
        int32_t logit;
        assert_ok(stn_stochastic_classify(&p->program, 8, &byte, &logit, &err),
                  err);
        stn_stochastic_operand o = {8, true};
        assert_int_equal(logit,
                         128 * stn_stochastic_product(o, pixel - 100, -93));
        assert_true(fabs(logit / 128.0 + (pixel - 100) * 93 / 128.0) < 3.2);
    }
    free_image(p);
}

static void counts_leave_padding_and_zero_weights_out(void **state)
{
    (void)state;
    stn_error err;
    stn_program_image *p = new_image((stn_shape){2, 2, 1}, 1);
    int v = append_rescale(p, "in", 0, 0, STN_TYPE_S8, 0);
    *(int64_t *)(uintptr_t)p->instructions[0].a = 0;
    *(int32_t *)(uintptr_t)p->instructions[0].m0 = -1;
    v = append_sum(p, "conv", v, STN_CONV, STN_CODE_INT8, 1, 3, 1, 1);
    int8_t *codes = (int8_t *)(uintptr_t)p->instructions[1].weights.codes;
    for (int i = 0; i < 9; i++)
        codes[i] = (int8_t)(i % 2 ? 0 : -i); /* 0 0 -2 0 -4 0 -6 0 -8 */
    v = append_pool(p, "mean", v, STN_SUM_POOL, 2);
    append_rescale(p, "logits", v, 0, STN_TYPE_S32, 0);
    assert_ok(stn_program_check(p, "four", &err), err);
    stn_stochastic *e = NULL;
    stn_stochastic_counts counts[4];
    const uint8_t pixels[] = {1, 2, 3, 4};
    int32_t logit;
    assert_ok(stn_stochastic_create(&p->program, 8, 1, &e, &err), err);
    for (int again = 0; again < 2; again++)
        assert_ok(stn_stochastic_run(e, pixels, 1, &logit, counts, &err), err);
    /* Each of four windows sees the four pixels, by a 2 x 2 corner of the
     * filter: -4 and -8, -4 and -6, -2 and -4, and -4 alone with 0. */
    assert_int_equal(counts[1].products, 16);
    assert_int_equal(counts[1].cycles, 12 + 10 + 6 + 4);
    assert_int_equal(counts[1].zero_weights, 16 - 7);
    assert_int_equal(counts[1].input_cycles, 4 * (1 + 2 + 3 + 4));
    assert_int_equal(counts[0].products, 0);
    stn_stochastic_destroy(e);
    free_image(p);
}

static void operands_with_too_many_bits_are_refused(void **state)
{
    (void)state;
    stn_error err;
    stn_stochastic *e = NULL;
    stn_program_image *p = program_of(5);
    assert_refused(stn_stochastic_create(&p->program, 4, 1, &e, &err), err,
                   STN_E_UNSUPPORTED, "conv: reads numbers of -16 … 15");
    p->instructions[0].lo = -8;
    p->instructions[0].hi = 7;
    assert_refused(stn_stochastic_create(&p->program, 4, 1, &e, &err), err,
                   STN_E_UNSUPPORTED, "has a weight of");
    assert_refused(stn_stochastic_create(&p->program, 9, 1, &e, &err), err,
                   STN_E_ARGUMENT, "expected 2 to 8");
    free_image(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(closed_form_counts_what_the_cycles_count),
        cmocka_unit_test(cycles_show_bits_in_the_order_of_the_ruler),
        cmocka_unit_test(errors_are_those_of_an_exhaustive_simulation),
        cmocka_unit_test(executor_returns_the_bits_of_its_definition),
        cmocka_unit_test(products_stand_where_exact_ones_would),
        cmocka_unit_test(counts_leave_padding_and_zero_weights_out),
        cmocka_unit_test(operands_with_too_many_bits_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
