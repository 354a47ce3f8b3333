/* SPDX-License-Identifier: MIT
 *
 * Programs of fewer bits against docs/semantics.md, "Fewer bits". */
#include "engines.h"
#include "programs.h"
#include "nn/ops.h"

#define PIXELS (8 * 8 * 2)

/* A rescale as the packer makes them: multipliers of some 20 bits, and in the
 * constants a half of the output's step. Low bits are 0, so that none is lost
 * when the input's steps grow. */
static int append_map(stn_program_image *image, const char *name, int from,
                      int other, stn_type type, int shift)
{
    int v = append_rescale(image, name, from, other, type, shift);
    stn_instruction *in =
        &image->instructions[image->program.n_instructions - 1];
    int32_t *m0 = (int32_t *)(uintptr_t)in->m0;
    int32_t *m1 = (int32_t *)(uintptr_t)in->m1;
    int64_t *a = (int64_t *)(uintptr_t)in->a;
    for (int c = 0; c < image->values[v].shape.c; c++) {
        m0[c] = (1 << 20) + 4096 * c;
        if (other)
            m1[c] = 76800 - (1 << 18) * c;
        a[c] = (c - 1) * ((int64_t)1 << (shift - 1)) + 4096 * c;
    }
    return v;
}

/* A residual block, with every kind of weight and pool. */
static stn_program_image *block(void)
{
    stn_program_image *p = new_image((stn_shape){8, 8, 2}, 4);
    int v = append_map(p, "in", 0, 0, STN_TYPE_S8, 21);
    v = append_sum(p, "stem", v, STN_CONV, STN_CODE_INT8, 5, 3, 1, 2);
    v = append_pool(p, "max", v, STN_MAX_POOL, 2);
    int skip = append_map(p, "act1", v, 0, STN_TYPE_S16, 26);
    v = append_sum(p, "dw", skip, STN_DEPTHWISE, STN_CODE_BINARY, 10, 3, 1, 1);
    v = append_map(p, "act2", v, 0, STN_TYPE_U8, 22);
    v = append_sum(p, "pw", v, STN_CONV, STN_CODE_INT8, 5, 1, 0, 3);
    v = append_map(p, "join", v, skip, STN_TYPE_S8, 30);
    v = append_pool(p, "mean", v, STN_SUM_POOL, 4);
    v = append_map(p, "act3", v, 0, STN_TYPE_S8, 23);
    v = append_sum(p, "fc", v, STN_CONV, STN_CODE_TERNARY, 4, 1, 0, 5);
    append_map(p, "logits", v, 0, STN_TYPE_S32, 20);
    stn_error err;
    assert_ok(stn_program_check(p, "block", &err), err);
    return p;
}

static void fill_pixels(uint8_t *pixels, uint64_t seed)
{
    stn_rng rng = stn_rng_make(seed, STN_RNG_TEST, 1);
    for (size_t i = 0; i < PIXELS; i++)
        pixels[i] = (uint8_t)stn_rng_below(&rng, 256);
}

static int64_t get(const stn_value *v, const void *data, size_t i)
{
    return v->type == STN_TYPE_U8    ? ((const uint8_t *)data)[i]
           : v->type == STN_TYPE_S8  ? ((const int8_t *)data)[i]
           : v->type == STN_TYPE_S16 ? ((const int16_t *)data)[i]
                                     : ((const int32_t *)data)[i];
}

static int64_t divided(int64_t v, int bits, bool round)
{
    if (round && bits)
        v += (int64_t)1 << (bits - 1);
    return v >> bits;
}

/* ---- what each value is worth, said once more and otherwise */

/* Bits that each value loses at 5 bits, and what one of its integers stands
 * for, a power of two of the old ones. */
static const struct {
    const char *name;
    int lost, exponent;
} AT_5_BITS[] = {{"in", 3, 3},     {"stem", 0, 6}, {"max", 0, 6},
                 {"act1", 11, 11}, {"dw", 0, 11},  {"act2", 3, 3},
                 {"pw", 0, 6},     {"join", 3, 3}, {"mean", 0, 3},
                 {"act3", 3, 3},   {"fc", 0, 3},   {"logits", 0, 0}};

typedef struct run {
    stn_program_image *wide;
    stn_program *narrow;
    void *values[16];
    uint8_t pixels[PIXELS];
} run;

static void begin(run *r, int bits, stn_narrow_rounding rounding)
{
    stn_error err;
    *r = (run){.wide = block()};
    fill_pixels(r->pixels, 5);
    assert_ok(
        stn_program_narrow(&r->wide->program, bits, rounding, &r->narrow, &err),
        err);
    for (int v = 1; v < r->narrow->n_values; v++) {
        const stn_value *value = &r->narrow->values[v];
        r->values[v] = stn_alloc(stn_shape_count(value->shape),
                                 stn_type_size(value->type));
    }
    r->values[0] = r->pixels;
    assert_ok(stn_reference_run(r->narrow, r->pixels, r->values, &err), err);
}

static void end(run *r)
{
    for (int v = 1; v < r->narrow->n_values; v++)
        stn_free(r->values[v]);
    stn_program_destroy(r->narrow);
    free_image(r->wide);
}

/* The wide program's rescale of what the narrow inputs stand for. */
static void check_rescale(const run *r, int index, bool round)
{
    const stn_instruction *in = &r->wide->instructions[index];
    const stn_value *y = &r->narrow->values[in->output];
    int lost = AT_5_BITS[index].lost;
    int64_t half = round ? (int64_t)1 << (in->shift - 1) : 0;
    int64_t hi = in->hi >> lost, lo = in->lo == 0 ? 0 : -hi - 1;
    size_t channels = (size_t)y->shape.c;
    for (size_t i = 0; i < stn_shape_count(y->shape); i++) {
        int64_t sum = in->a[i % channels] - half;
        for (int k = 0; k < in->n_inputs; k++) {
            int v = in->inputs[k];
            const int32_t *m = k ? in->m1 : in->m0;
            int e = v ? AT_5_BITS[v - 1].exponent : 0;
            int64_t x = get(&r->narrow->values[v], r->values[v], i);
            sum += m[i % channels] * (x * ((int64_t)1 << e));
        }
        int64_t expected = divided(sum, in->shift + lost, round);
        expected = expected < lo ? lo : expected > hi ? hi : expected;
        assert_int_equal(get(y, r->values[in->output], i), expected);
    }
}

static void check_weights(const run *r, int index, bool round)
{
    const stn_weights *wide = &r->wide->instructions[index].weights;
    const stn_weights *w = &r->narrow->instructions[index].weights;
    for (size_t i = 0; i < stn_weights_count(w); i++) {
        int64_t code = wide->codes[i];
        if (wide->code == STN_CODE_INT8)
            code = divided(code, 3, round);
        assert_int_equal(w->codes[i], code > 15 ? 15 : code);
    }
    assert_int_equal(w->alphabet.bits, wide->code == STN_CODE_INT8     ? 5
                                       : wide->code == STN_CODE_BINARY ? 1
                                                                       : 2);
}

static void lower_bits_are_dropped_and_sums_keep_their_scale(void **state)
{
    (void)state;
    for (int round = 0; round < 2; round++) {
        run r;
        begin(&r, 5, round ? STN_NARROW_ROUND : STN_NARROW_TRUNCATE);
        for (int i = 0; i < r.narrow->n_instructions; i++) {
            const stn_value *y = &r.narrow->values[i + 1];
            assert_string_equal(r.narrow->instructions[i].name,
                                AT_5_BITS[i].name);
            if (r.narrow->instructions[i].opcode == STN_RESCALE)
                check_rescale(&r, i, round);
            else if (r.narrow->instructions[i].weights.codes)
                check_weights(&r, i, round);
            assert_true(y->scale == 0.5 * (1 << AT_5_BITS[i].exponent));
        }
        end(&r);
    }
}

static void eight_bits_are_eight_bits(void **state)
{
    (void)state;
    stn_error err;
    run r;
    int32_t logits[4];
    begin(&r, 8, STN_NARROW_ROUND);
    /* Only act1 has more: 16. */
    stn_instruction *act1 = &r.wide->instructions[3];
    act1->hi = 127;
    act1->lo = -128;
    assert_ok(stn_program_check(r.wide, "block", &err), err);
    stn_program_destroy(r.narrow);
    assert_ok(stn_program_narrow(&r.wide->program, 8, STN_NARROW_ROUND,
                                 &r.narrow, &err),
              err);
    assert_ok(stn_reference_run(r.narrow, r.pixels, r.values, &err), err);
    assert_ok(stn_reference_classify(&r.wide->program, r.pixels, logits, &err),
              err);
    assert_memory_equal(r.values[r.narrow->n_values - 1], logits,
                        sizeof logits);
    end(&r);
}

static void
engine_runs_narrow_programs_with_the_bits_of_the_reference(void **state)
{
    (void)state;
    for (int bits = 2; bits <= 8; bits++) {
        run r;
        begin(&r, bits, bits % 2 ? STN_NARROW_ROUND : STN_NARROW_TRUNCATE);
        assert_engines_give(r.values[r.narrow->n_values - 1], r.narrow,
                            r.pixels, 1, 1);
        end(&r);
    }
}

static void pixels_and_wide_weights_are_refused(void **state)
{
    (void)state;
    stn_error err;
    stn_program *out = NULL;
    stn_program_image *p = tiny();
    assert_ok(stn_program_check(p, "tiny", &err), err);
    assert_refused(
        stn_program_narrow(&p->program, 7, STN_NARROW_ROUND, &out, &err), err,
        STN_E_UNSUPPORTED, "stem: reads pixels");
    free_image(p);
    p = block();
    assert_refused(
        stn_program_narrow(&p->program, 9, STN_NARROW_ROUND, &out, &err), err,
        STN_E_ARGUMENT, "got 9 bits");
    strcpy(p->instructions[6].name, "dw.low");
    assert_refused(
        stn_program_narrow(&p->program, 5, STN_NARROW_ROUND, &out, &err), err,
        STN_E_UNSUPPORTED, "weights have more than 8 bits");
    free_image(p);
}

static void steps_of_dynamic_fixed_point_are_powers_of_two(void **state)
{
    (void)state;
    stn_quantise_attrs a = {.bits = 8, .is_signed = true, .power_of_two = true};
    assert_true(stn_quantise_largest(&a, 1.0f) == 127.0f / 128);
    assert_true(stn_quantise_largest(&a, 1.001f) == 127.0f / 64);
    assert_true(stn_quantise_largest(&a, 0.51f) == 127.0f / 128);
    assert_true(stn_quantise_largest(&a, 0.5f) == 127.0f / 256);
    assert_true(stn_quantise_largest(&a, 0) == 0);
    a.is_signed = false;
    assert_true(stn_quantise_largest(&a, 3.0f) == 255.0f / 64);
    a.fixed = 5;
    assert_true(stn_quantise_largest(&a, 3.0f) == 255.0f / 32);
    a.power_of_two = false;
    assert_true(stn_quantise_largest(&a, 3.0f) == 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lower_bits_are_dropped_and_sums_keep_their_scale),
        cmocka_unit_test(eight_bits_are_eight_bits),
        cmocka_unit_test(
            engine_runs_narrow_programs_with_the_bits_of_the_reference),
        cmocka_unit_test(pixels_and_wide_weights_are_refused),
        cmocka_unit_test(steps_of_dynamic_fixed_point_are_powers_of_two),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
