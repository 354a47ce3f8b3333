/* SPDX-License-Identifier: MIT
 *
 * Quantisers whose gradient is a formula: against differences of what they
 * approximate, computed here in double by libm; and numbers that quantisers
 * learn. What holds for every quantiser is in test_compress.c. */
#include "test.h"

#include "base/rng.h"
#include "compress/compress.h"

#include <math.h>

enum { N = 60, OUT = 4 };
static const stn_weight_shape shape = {OUT, 3, 5};

/* A quantiser on N weights, with options `text`. */
typedef struct bed {
    const stn_quantiser_type *type;
    stn_quantiser_call call;
    void *attrs;
    float w[N], grad[N], scale;
    int8_t codes[N];
} bed;

static void set_up(bed *b, const char *name, const char *text, double spread,
                   double mean)
{
    stn_yaml_document *document;
    stn_error err;
    stn_rng rng = stn_rng_make(3, STN_RNG_TEST, 1);

    *b = (bed){0};
    for (int i = 0; stn_quantiser_types[i]; i++)
        if (strcmp(stn_quantiser_types[i]->name, name) == 0)
            b->type = stn_quantiser_types[i];
    assert_non_null(b->type);
    b->attrs = calloc(1, b->type->attrs_size);
    assert_ok(stn_yaml_parse("attrs", text, &document, &err), err);
    assert_ok(stn_attrs_parse(b->type->attrs, stn_yaml_root(document), NULL,
                              NULL, b->attrs, &err),
              err);
    stn_yaml_destroy(document);
    for (int i = 0; i < N; i++)
        b->w[i] = (float)(mean + spread * (double)stn_rng_normal(&rng));
    for (int i = 0; i < N; i++)
        b->grad[i] = stn_rng_normal(&rng);
    b->call =
        (stn_quantiser_call){.attrs = b->attrs, .shape = shape, .latent = b->w};
}

static void encode(bed *b)
{
    b->type->encode(&b->call, b->codes, &b->scale);
}

/* ---- dorefa ------------------------------------------------------------- */

static double max_tanh(const bed *b)
{
    double max = 0;

    for (int i = 0; i < N; i++)
        max = fmax(max, fabs(tanh((double)b->w[i])));
    return max;
}

static void dorefa_weights_are_tanh_rounded_to_its_levels(void **unused)
{
    (void)unused;
    for (int bits = 2; bits <= 8; bits++) {
        bed b;
        char text[32];
        int top = bits < 8 ? (1 << bits) - 1 : 127, n_used = 0;
        bool used[256] = {false};

        snprintf(text, sizeof(text), "{bits: %d}", bits);
        set_up(&b, "dorefa", text, 0.5, 0);
        encode(&b);
        assert_true(b.scale == 1 / (float)top);
        for (int i = 0; i < N; i++) {
            double t = tanh((double)b.w[i]) / max_tanh(&b);
            double spacing = bits < 8 ? 2 : 1;

            /* Odd codes with 2 to 7 bits: no zero, as in the paper. */
            assert_true(bits == 8 || b.codes[i] % 2 != 0);
            assert_true(fabs(t * top - b.codes[i]) <= 0.5001 * spacing);
            n_used += !used[b.codes[i] + 128];
            used[b.codes[i] + 128] = true;
        }
        assert_true(bits > 3 || n_used == 1 << bits);
        assert_true(used[top + 128] || used[128 - top]);
        free(b.attrs);
    }
}

static void dorefa_of_one_bit_is_the_sign_times_the_mean(void **unused)
{
    bed b;
    double sum = 0;

    (void)unused;
    set_up(&b, "dorefa", "{bits: 1}", 0.5, 0);
    b.w[0] = 0;
    encode(&b);
    for (int i = 0; i < N; i++) {
        sum += fabs((double)b.w[i]);
        assert_int_equal(b.codes[i], b.w[i] >= 0 ? 1 : -1);
    }
    assert_float_equal(b.scale, sum / N, 1e-6);
    assert_int_equal(b.type->alphabet(b.attrs).levels, STN_LEVELS_ODD);
    assert_int_equal(b.type->alphabet(b.attrs).bits, 1);
    /* Weights beyond 1 still learn. */
    b.w[1] = 5;
    for (int i = 0; i < N; i++)
        b.grad[i] = (float)i;
    b.type->backward(&b.call, b.grad);
    for (int i = 0; i < N; i++)
        assert_true(b.grad[i] == (float)i);
    free(b.attrs);
}

/* sum g tanh(w) / max|tanh w|: what is trained, but for the rounding. */
static double dorefa_surrogate(const bed *b, const float *g)
{
    double sum = 0, max = max_tanh(b);

    for (int i = 0; i < N; i++)
        sum += (double)g[i] * tanh((double)b->w[i]) / max;
    return sum;
}

static void check_differences(bed *b, const float *g,
                              double (*surrogate)(const bed *, const float *))
{
    for (int i = 0; i < N; i++) {
        float kept = b->w[i], above = kept + 1e-3f, below = kept - 1e-3f;
        double rise;

        b->w[i] = above;
        rise = surrogate(b, g);
        b->w[i] = below;
        rise -= surrogate(b, g);
        b->w[i] = kept;
        rise /= (double)above - (double)below;
        if (!(fabs(rise - (double)b->grad[i]) < 1e-3 * (1 + fabs(rise))))
            fail_msg("weight %d: gradient %g, differences say %g", i,
                     (double)b->grad[i], rise);
    }
}

static void
dorefa_gradient_passes_the_tanh_and_the_largest_weight(void **unused)
{
    (void)unused;
    for (int sign = -1; sign <= 1; sign += 2) {
        bed b;
        float g[N];

        set_up(&b, "dorefa", "{bits: 3}", 0.5, 0);
        b.w[17] = (float)sign * 2; /* the largest */
        memcpy(g, b.grad, sizeof(g));
        b.type->backward(&b.call, b.grad);
        check_differences(&b, g, dorefa_surrogate);
        free(b.attrs);
    }
}

/* ---- ternary_gauss ------------------------------------------------------ */

/* mu + sigma phi(a) / (1 - Phi(a)) for the threshold b->call.learned. */
static double gauss_scale(const bed *b)
{
    double mean = 0, squares = 0, sigma, a;

    for (int i = 0; i < N; i++)
        mean += (double)b->w[i] / N;
    for (int i = 0; i < N; i++)
        squares += ((double)b->w[i] - mean) * ((double)b->w[i] - mean);
    sigma = sqrt(squares / (N - 1));
    a = fmin(fabs((double)b->call.learned) / sigma, 3);
    return mean + sigma * exp(-a * a / 2) / sqrt(2 * acos(-1)) /
                      (0.5 * erfc(a / sqrt(2)));
}

/* Codes stay what encode gave: between jumps the effective weight moves with
 * the latent one, and all with the scale. */
static double gauss_surrogate(const bed *b, const float *g)
{
    double sum = 0, scale = gauss_scale(b);

    for (int i = 0; i < N; i++)
        sum += (double)g[i] * ((double)b->w[i] + scale * b->codes[i]);
    return sum;
}

static void gauss_scale_is_the_mean_of_the_truncated_gaussian(void **unused)
{
    static const float thresholds[] = {1e-6f, 0.1f, -0.2f, 0.5f, 0.9f, 7};
    bed b;

    (void)unused;
    set_up(&b, "ternary_gauss", "{}", 0.3, 0.05);
    for (int k = 0; k < 6; k++) {
        b.call.learned = thresholds[k];
        encode(&b);
        assert_true(fabs((double)b.scale - gauss_scale(&b)) <
                    1e-4 * gauss_scale(&b));
    }
    free(b.attrs);
}

static void gauss_codes_are_cut_around_the_mean(void **unused)
{
    bed b;
    double mean = 0;

    (void)unused;
    set_up(&b, "ternary_gauss", "{}", 0.3, 0.4);
    for (int i = 0; i < N; i++)
        mean += (double)b.w[i] / N;
    b.call.learned = -0.2f; /* its sign says nothing */
    encode(&b);
    for (int i = 0; i < N; i++)
        assert_int_equal(b.codes[i], ((double)b.w[i] > mean + 0.2) -
                                         ((double)b.w[i] < mean - 0.2));
    b.w[0] = 0; /* pruned, though far below the mean */
    encode(&b);
    assert_int_equal(b.codes[0], 0);
    free(b.attrs);
}

static void gauss_gradient_goes_through_the_scale(void **unused)
{
    bed b;
    float g[N];

    (void)unused;
    set_up(&b, "ternary_gauss", "{}", 0.3, 0.05);
    b.call.learned = 0.15f;
    encode(&b);
    memcpy(g, b.grad, sizeof(g));
    b.type->backward(&b.call, b.grad);
    check_differences(&b, g, gauss_surrogate);
    free(b.attrs);
}

static void gauss_threshold_learns_by_a_clamped_gradient(void **unused)
{
    bed b;
    double rise;
    float learned;

    (void)unused;
    set_up(&b, "ternary_gauss", "{clamp: 100}", 0.3, 0.05);
    for (int sign = -1; sign <= 1; sign += 2) {
        b.call.learned = (float)sign * 0.15f;
        encode(&b);
        learned = b.type->learn(&b.call, b.grad);
        b.call.learned += 1e-3f;
        rise = gauss_surrogate(&b, b.grad);
        b.call.learned -= 2e-3f;
        rise = (rise - gauss_surrogate(&b, b.grad)) / 2e-3;
        assert_true(fabs((double)learned - rise) < 1e-3 * (1 + fabs(rise)));
        assert_true(fabs(rise) > 0.1);
    }
    b.call.learned = 5; /* beyond 3 sigma the threshold is not felt */
    assert_true(b.type->learn(&b.call, b.grad) == 0);
    free(b.attrs);

    set_up(&b, "ternary_gauss", "{}", 0.3, 0.05);
    b.call.learned = 0.15f;
    learned = b.type->learn(&b.call, b.grad);
    assert_true(learned == copysignf(1e-3f, learned));
    free(b.attrs);
}

/* ---- learned numbers ---------------------------------------------------- */

static const char network[] =
    "name: tiny\n"
    "input: {height: 4, width: 4, channels: 2}\n"
    "layers:\n"
    "  - conv: {name: c1, out: 3, kernel: 3, bias: true}\n"
    "  - conv: {name: c2, out: 3, kernel: 1}\n"
    "  - linear: {name: fc, out: 3}\n";

static void learned_numbers_are_parameters_of_the_graph(void **unused)
{
    static const stn_yaml_scope none = {NULL, 0};
    stn_yaml_document *document, *rules;
    stn_graph *graph;
    stn_compression *c;
    stn_pool *pool;
    stn_error err;

    (void)unused;
    assert_ok(stn_yaml_parse("net", network, &document, &err), err);
    assert_ok(stn_yaml_parse("rules",
                             "- {layers: \"*\", quantiser: ternary_gauss}\n"
                             "- {layers: c2, quantiser: uniform}\n",
                             &rules, &err),
              err);
    assert_ok(stn_graph_build(stn_yaml_root(document), &none, &graph, &err),
              err);
    stn_graph_init(graph, 1);
    assert_ok(stn_pool_create(1, NULL, &pool, &err), err);
    assert_ok(
        stn_compression_create(graph, stn_yaml_root(rules), &none, 1, &c, &err),
        err);
    stn_compression_apply(c, pool);
    assert_int_equal(c->n, 3);
    for (int i = 0; i < 3; i++) {
        static const char *const weights[] = {"c1.weight", "c2.weight",
                                              "fc.weight"};
        static const char *const learned[] = {"c1.threshold", NULL,
                                              "fc.threshold"};
        const stn_binding *b = &c->bindings[i];

        /* Adding parameters moved them; bindings must have followed. */
        assert_ptr_equal(b->param, stn_graph_param(graph, weights[i]));
        assert_ptr_not_equal(b->param->effective, b->param->latent);
        assert_ptr_equal(stn_compression_find(c, b->param), b);
        if (!learned[i]) {
            assert_null(b->learned);
            continue;
        }
        assert_ptr_equal(b->learned, stn_graph_param(graph, learned[i]));
        float max = 0;
        for (size_t k = 0; k < b->param->count; k++)
            max = fmaxf(max, fabsf(b->param->latent[k]));
        assert_true(b->learned->latent[0] == 0.05f * max);
        assert_true(b->learned->role == STN_PARAM_LEARNED);
    }
    /* What was learned is kept by the next step, and has a gradient. */
    c->bindings[0].learned->latent[0] = 0.25f;
    for (size_t k = 0; k < c->bindings[0].param->count; k++)
        c->bindings[0].param->grad[k] = (float)k;
    stn_compression_apply(c, pool);
    stn_compression_backward(c, pool, false);
    assert_true(c->bindings[0].learned->latent[0] == 0.25f);
    assert_true(c->bindings[0].learned->grad[0] != 0);
    stn_compression_destroy(c);
    for (int i = 0; i < graph->n_params; i++)
        assert_ptr_equal(graph->params[i].effective, graph->params[i].latent);
    stn_graph_destroy(graph);
    stn_pool_destroy(pool);
    stn_yaml_destroy(document);
    stn_yaml_destroy(rules);
}

/* ---- dynamic_fixed ------------------------------------------------------ */

/* Magnitudes with a sign, from both sets of codes; returns their unit. */
static float encode_fixed(bed *b, int *codes)
{
    bool wide = b->type->low_radix(b->attrs) > 1;
    int8_t low[N];

    encode(b);
    if (wide)
        b->type->encode_low(&b->call, &b->scale, low);
    for (int i = 0; i < N; i++)
        codes[i] = stn_whole_code(b->codes, wide ? low : NULL, 2, (size_t)i);
    return wide ? b->scale / 2 : b->scale;
}

static void
dynamic_fixed_steps_are_powers_of_two_below_the_maximum(void **unused)
{
    (void)unused;
    for (int bits = 1; bits <= 8; bits++) {
        bed b;
        char text[32];
        int codes[N];
        float max = 0, unit;

        snprintf(text, sizeof(text), "{bits: %d}", bits);
        set_up(&b, "dynamic_fixed", text, 0.2, 0);
        unit = encode_fixed(&b, codes);
        for (int i = 0; i < N; i++)
            max = fmaxf(max, fabsf(b.w[i]));
        assert_true(log2((double)unit) == floor(log2((double)unit)));
        assert_true(unit * (float)(1 << bits) >= max);
        assert_true(unit * (float)(1 << bits) < 2 * max);
        for (int i = 0; i < N; i++) {
            float error = fabsf((float)codes[i] * unit - b.w[i]);

            assert_true(abs(codes[i]) < 1 << bits);
            /* The largest may be clamped, one unit off at most. */
            assert_true(error <= 0.5f * unit ||
                        (abs(codes[i]) == (1 << bits) - 1 && error <= unit));
        }
        free(b.attrs);
    }
}

static void uniform_of_more_than_eight_bits_has_two_digits(void **unused)
{
    (void)unused;
    for (int bits = 9; bits <= 16; bits++) {
        bed b;
        char text[64];
        int8_t low[N];
        int largest = bits < 16 ? (1 << (bits - 1)) - 1 : 32512;
        float max = 0, unit;

        snprintf(text, sizeof(text), "{bits: %d, per_filter: false}", bits);
        set_up(&b, "uniform", text, 0.2, 0);
        assert_int_equal(b.type->low_radix(b.attrs), STN_LOW_RADIX_WIDE);
        encode(&b);
        b.type->encode_low(&b.call, &b.scale, low);
        for (int i = 0; i < N; i++)
            max = fmaxf(max, fabsf(b.w[i]));
        unit = max / (float)largest;
        assert_true(fabsf(b.scale / STN_LOW_RADIX_WIDE / unit - 1) < 1e-6f);
        for (int i = 0; i < N; i++) {
            int code =
                stn_whole_code(b.codes, low, STN_LOW_RADIX_WIDE, (size_t)i);
            assert_true(b.codes[i] >= -127 && low[i] >= -127);
            assert_true(abs(code) <= largest);
            assert_true(fabs((double)code * (double)unit - (double)b.w[i]) <=
                        0.501 * (double)unit);
            assert_true(fabsf(b.w[i]) != max || abs(code) == largest);
        }
        free(b.attrs);
    }
}

static void dynamic_fixed_keeps_a_power_of_two_within_eight_bits(void **unused)
{
    static const float w[] = {1, -1, 0.5f, 1 / 256.0f, -0.9f / 256, 0, NAN};
    static const int rounded[] = {255, -255, 128, 1, -1, 0, 0};
    static const int floored[] = {255, -255, 128, 1, 0, 0, 0};
    bed b;
    int codes[N];

    (void)unused;
    for (int k = 0; k < 2; k++) {
        set_up(&b, "dynamic_fixed", k ? "{rounding: floor}" : "{}", 0, 0);
        memcpy(b.w, w, sizeof(w));
        assert_true(encode_fixed(&b, codes) == 1 / 256.0f);
        for (int i = 0; i < 7; i++)
            assert_int_equal(codes[i], (k ? floored : rounded)[i]);
        free(b.attrs);
    }
}

/* ---- levels ------------------------------------------------------------- */

static void levels_found_again_are_the_same(void **unused)
{
    (void)unused;
    for (int bits = 1; bits <= 7; bits++) {
        bed b;
        char text[32];
        int8_t first[N];

        snprintf(text, sizeof(text), "{bits: %d}", bits);
        set_up(&b, "levels", text, 0.2, 0);
        b.w[3] = b.w[17] = 0;
        encode(&b);
        memcpy(first, b.codes, sizeof(first));
        for (int i = 0; i < N; i++) {
            assert_true((b.codes[i] == 0) == (i == 3 || i == 17));
            assert_true(abs(b.codes[i]) <= 1 << (bits - 1));
            b.w[i] = (float)b.codes[i] * b.scale;
        }
        encode(&b);
        for (int i = 0; i < N; i++)
            assert_float_equal((float)b.codes[i] * b.scale, b.w[i], 1e-6f);
        free(b.attrs);
    }
}

/* Mean magnitude 1, so the step is spread / 2^(bits - 1). */
static void a_grid_has_even_steps_and_one_more_level_below(void **unused)
{
    static const float w[] = {0.2f, -0.2f, 0.8f, -1, 1.3f, -1.2f, 1.5f, -1.8f};
    static const struct {
        const char *text;
        int8_t codes[8];
        float scale;
    } cases[] = {
        {"{bits: 1}", {1, -1, 1, -1, 1, -1, 1, -1}, 1},
        {"{bits: 2, spread: 2}", {0, 0, 1, -1, 1, -1, 1, -1}, 1},
        {"{bits: 3, spread: 2}", {0, 0, 2, -2, 3, -2, 3, -4}, 0.5f},
        {"{bits: 4, spread: 1}", {2, -2, 6, -8, 7, -8, 7, -8}, 0.125f},
    };
    (void)unused;
    for (int k = 0; k < 4; k++) {
        bed b;

        set_up(&b, "grid", cases[k].text, 1, 0);
        b.call.shape = (stn_weight_shape){2, 1, 4};
        b.call.latent = w;
        encode(&b);
        assert_memory_equal(b.codes, cases[k].codes, 8);
        assert_true(b.scale == cases[k].scale);
        free(b.attrs);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dorefa_weights_are_tanh_rounded_to_its_levels),
        cmocka_unit_test(dorefa_of_one_bit_is_the_sign_times_the_mean),
        cmocka_unit_test(
            dorefa_gradient_passes_the_tanh_and_the_largest_weight),
        cmocka_unit_test(gauss_scale_is_the_mean_of_the_truncated_gaussian),
        cmocka_unit_test(gauss_codes_are_cut_around_the_mean),
        cmocka_unit_test(gauss_gradient_goes_through_the_scale),
        cmocka_unit_test(gauss_threshold_learns_by_a_clamped_gradient),
        cmocka_unit_test(learned_numbers_are_parameters_of_the_graph),
        cmocka_unit_test(
            dynamic_fixed_steps_are_powers_of_two_below_the_maximum),
        cmocka_unit_test(dynamic_fixed_keeps_a_power_of_two_within_eight_bits),
        cmocka_unit_test(levels_found_again_are_the_same),
        cmocka_unit_test(uniform_of_more_than_eight_bits_has_two_digits),
        cmocka_unit_test(a_grid_has_even_steps_and_one_more_level_below),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
