/* SPDX-License-Identifier: MIT
 *
 * Quantisers, groups, densities and the binding of rules. Whatever holds for
 * every quantiser runs over the table, so a new entry is tested by being
 * listed. */
#include "test.h"

#include "base/rng.h"
#include "compress/compress.h"

#include <math.h>

/* Odd sizes on purpose: no chunk divides 7 but 1 and 7. */
static const stn_weight_shape shapes[] = {
    {1, 1, 1}, {5, 9, 1}, {4, 9, 7}, {6, 1, 7}, {3, 1, 33}};
enum { N_SHAPES = sizeof(shapes) / sizeof(shapes[0]), MOST = 600 };

static void fill_random(float *w, size_t n, uint64_t counter)
{
    stn_rng rng = stn_rng_make(7, STN_RNG_TEST, counter);

    for (size_t i = 0; i < n; i++)
        w[i] = 0.6f * stn_rng_normal(&rng);
}

/* Default attributes, with `text` (may be NULL) laid over them. */
static void *parse_attrs(const stn_attr *attrs, size_t size, const char *text)
{
    stn_yaml_document *document = NULL;
    void *state = calloc(1, size + 1);
    stn_error err;

    assert_non_null(state);
    if (text)
        assert_ok(stn_yaml_parse("attrs", text, &document, &err), err);
    assert_ok(stn_attrs_parse(attrs, document ? stn_yaml_root(document) : NULL,
                              NULL, NULL, state, &err),
              err);
    stn_yaml_destroy(document);
    return state;
}

static const stn_quantiser_type *quantiser(const char *name)
{
    for (int i = 0; stn_quantiser_types[i]; i++)
        if (strcmp(stn_quantiser_types[i]->name, name) == 0)
            return stn_quantiser_types[i];
    fail_msg("no quantiser %s", name);
    return NULL;
}

/* codes and scales of `latent` by quantiser `name` with options `text`. */
static void encode(const char *name, const char *text, stn_weight_shape shape,
                   const float *latent, int8_t *codes, float *scales)
{
    const stn_quantiser_type *type = quantiser(name);
    void *state = parse_attrs(type->attrs, type->attrs_size, text);

    stn_quantiser_call call = {
        .attrs = state, .shape = shape, .latent = latent};

    if (type->start)
        call.learned = type->start(&call);
    type->encode(&call, codes, scales);
    free(state);
}

static void codes_of_every_quantiser_are_in_range(void **unused)
{
    static const float spikes[] = {0, 1e30f, -1e30f, 1e-30f, NAN, INFINITY};
    float w[MOST], scales[MOST];
    int8_t codes[MOST];

    (void)unused;
    for (int q = 0; stn_quantiser_types[q]; q++) {
        const stn_quantiser_type *type = stn_quantiser_types[q];
        void *state = parse_attrs(type->attrs, type->attrs_size, NULL);
        stn_alphabet alphabet = type->alphabet(state);

        free(state);
        for (int s = 0; s < N_SHAPES; s++) {
            size_t n = stn_weight_count(shapes[s]);
            for (size_t k = 0; k < 6; k++) {
                fill_random(w, n, k);
                w[n / 2] = spikes[k];
                encode(type->name, NULL, shapes[s], w, codes, scales);
                for (size_t i = 0; i < n; i++)
                    if (!stn_alphabet_holds(alphabet, codes[i]) &&
                        !(codes[i] == 0 && w[i] == 0))
                        fail_msg("%s, shape %d, spike %zu: code %d", type->name,
                                 s, k, codes[i]);
            }
        }
    }
}

static void zero_weights_give_zero_effective_weights(void **unused)
{
    float w[MOST] = {0}, scales[MOST];
    int8_t codes[MOST];

    (void)unused;
    for (int q = 0; stn_quantiser_types[q]; q++) {
        const stn_quantiser_type *type = stn_quantiser_types[q];
        encode(type->name, NULL, shapes[2], w, codes, scales);
        for (size_t i = 0; i < stn_weight_count(shapes[2]); i++) {
            float scale = scales[0];
            assert_true(isfinite(scale));
            assert_true((float)codes[i] * scale == 0);
        }
    }
}

static void uniform_error_is_at_most_half_a_scale(void **unused)
{
    static const char *const bits[] = {"{bits: 2}", "{bits: 5}", "{bits: 8}",
                                       "{bits: 8, per_filter: false}"};
    stn_weight_shape shape = shapes[2];
    size_t n = stn_weight_count(shape), block = n / (size_t)shape.out;
    float w[MOST], scales[MOST];
    int8_t codes[MOST];

    (void)unused;
    fill_random(w, n, 1);
    for (int k = 0; k < 4; k++) {
        encode("uniform", bits[k], shape, w, codes, scales);
        for (size_t i = 0; i < n; i++) {
            float scale = scales[k < 3 ? i / block : 0];
            assert_true(fabsf((float)codes[i] * scale - w[i]) <=
                        0.5001f * scale);
        }
    }
}

static void uniform_reaches_its_largest_code_in_every_filter(void **unused)
{
    static const float w[] = {3.5f, -7, 2.5f, 14, 5, 0};
    static const int8_t expected[] = {4, -7, 2, 7, 2, 0};
    int8_t codes[6];
    float scales[2];

    (void)unused;
    /* 4 bits: hi = 7, scales 1 and 2; halves round to even. */
    encode("uniform", "{bits: 4}", (stn_weight_shape){2, 1, 3}, w, codes,
           scales);
    assert_memory_equal(codes, expected, sizeof(expected));
    assert_true(scales[0] == 1 && scales[1] == 2);
}

static void binary_scale_is_the_mean_magnitude(void **unused)
{
    static const float w[] = {0, -1, 2, -3};
    static const int8_t expected[] = {1, -1, 1, -1};
    int8_t codes[4];
    float scales[2];

    (void)unused;
    encode("binary", NULL, (stn_weight_shape){2, 1, 2}, w, codes, scales);
    assert_memory_equal(codes, expected, sizeof(expected));
    assert_true(scales[0] == 1.5f);
    encode("binary", "{per_filter: true}", (stn_weight_shape){2, 1, 2}, w,
           codes, scales);
    assert_true(scales[0] == 0.5f && scales[1] == 2.5f);
}

static void sparse_binary_keeps_the_threshold_only_when_positive(void **unused)
{
    /* threshold 0.25 * 4 = 1: +1 is kept, -1 is dropped, both count in the
     * mean of 4, 1, 1, 2. */
    static const float w[] = {4, 1, -1, -2, 0.5f, -0.5f};
    static const int8_t expected[] = {1, 1, 0, -1, 0, 0};
    int8_t codes[6];
    float scale;

    (void)unused;
    encode("sparse_binary", "{threshold: 0.25}", (stn_weight_shape){2, 1, 3}, w,
           codes, &scale);
    assert_memory_equal(codes, expected, sizeof(expected));
    assert_true(scale == 2);
}

static void fixed_patterns_are_pairs_or_a_share(void **unused)
{
    stn_weight_shape shape = {5, 9, 1};
    float w[45], scales[MOST], grad[45];
    int8_t codes[45];
    const stn_quantiser_type *type = quantiser("fixed");

    (void)unused;
    fill_random(w, 45, 7);
    encode("fixed", NULL, shape, w, codes, scales);
    assert_true(scales[0] == 1);
    for (int o = 0; o < 5; o++) {
        int plus = 0, minus = 0;
        for (int i = 0; i < 9; i++) {
            plus += codes[9 * o + i] == 1;
            minus += codes[9 * o + i] == -1;
        }
        assert_int_equal(plus, 1);
        assert_int_equal(minus, 1);
    }
    for (int keep = 0; keep <= 45; keep += 9) {
        char options[64];
        int nonzero = 0;

        snprintf(options, sizeof(options), "{pattern: scatter, density: %g}",
                 keep / 45.0);
        encode("fixed", options, shape, w, codes, scales);
        for (int i = 0; i < 45; i++) {
            nonzero += codes[i] != 0;
            assert_true((float)codes[i] * w[i] >= 0);
        }
        assert_int_equal(nonzero, keep);
    }
    memcpy(grad, w, sizeof(grad));
    type->backward(&(stn_quantiser_call){.shape = shape, .latent = w}, grad);
    for (int i = 0; i < 45; i++)
        assert_true(grad[i] == 0);
}

/* Rules of their own have tests of their own (test_quantisers.c, and below);
 * without one a gradient passes as it is. */
static void clipped_gradient_stops_at_one(void **unused)
{
    static const char *const own[] = {"dorefa", "ternary_gauss", "fixed"};
    static const float w[] = {0.999f, 1, -1, -0.999f, 3, 0};
    static const float expected[] = {2, 0, 0, 2, 0, 2};

    (void)unused;
    for (int k = 0; stn_quantiser_types[k]; k++) {
        const stn_quantiser_type *type = stn_quantiser_types[k];
        bool special = false;
        for (int i = 0; i < 3; i++)
            special |= strcmp(type->name, own[i]) == 0;
        if (!type->backward || special)
            continue;
        void *state = parse_attrs(type->attrs, type->attrs_size, NULL);
        float grad[6] = {2, 2, 2, 2, 2, 2};
        stn_quantiser_call call = {
            .attrs = state, .shape = {2, 1, 3}, .latent = w};

        type->backward(&call, grad);
        assert_memory_equal(grad, expected, sizeof(expected));
        free(state);
    }
}

static void count_visit(void *context, size_t first, size_t n)
{
    int *seen = context;

    for (size_t i = first; i < first + n; i++)
        seen[i]++;
}

static void groups_cover_every_weight_exactly_once(void **unused)
{
    (void)unused;
    for (int s = 0; s < N_SHAPES; s++) {
        for (int chunk = 1; chunk <= shapes[s].in + 2; chunk++) {
            stn_groups groups = stn_groups_make(shapes[s], chunk);
            size_t n = stn_weight_count(shapes[s]);
            int seen[MOST] = {0};

            for (int g = 0; g < groups.n; g++)
                stn_groups_visit(&groups, g, count_visit, seen);
            for (size_t i = 0; i < n; i++)
                assert_int_equal(seen[i], 1);
        }
    }
}

static void a_group_holds_one_filter_and_one_range_of_channels(void **unused)
{
    /* 2 filters, 2 positions, 3 channels, chunks of 2: group 1 is channel 2
     * of filter 0, at indices 2 and 5. */
    stn_groups groups = stn_groups_make((stn_weight_shape){2, 2, 3}, 2);
    int seen[12] = {0};

    (void)unused;
    assert_int_equal(groups.n, 4);
    stn_groups_visit(&groups, 1, count_visit, seen);
    for (int i = 0; i < 12; i++)
        assert_int_equal(seen[i], i == 2 || i == 5);
}

/* ---- binding ---------------------------------------------------------- */

static const char network_text[] =
    "name: tiny\n"
    "parameters: {p: 4}\n"
    "input: {height: 6, width: 6, channels: 2}\n"
    "layers:\n"
    "  - normalise: {mean: 0.5, std: 0.5}\n"
    "  - conv: {name: stem, out: p, kernel: 3, pad: 1}\n"
    "  - depthwise: {name: b_dw, multiplier: 2, kernel: 3, pad: 1}\n"
    "  - conv: {name: b_pw, out: p, kernel: 1}\n"
    "  - linear: {name: fc, out: 3}\n";

struct fixture {
    stn_yaml_document *network, *rules;
    stn_graph *graph;
    stn_compression *compression;
    stn_pool *pool;
};

static stn_status bind_rules(struct fixture *f, const char *rules,
                             stn_error *err)
{
    static const stn_yaml_variable p = {"p", 4};
    static const stn_yaml_scope scope = {&p, 1}, empty = {NULL, 0};
    stn_error unexpected;

    *f = (struct fixture){0};
    assert_ok(
        stn_yaml_parse("tiny.yaml", network_text, &f->network, &unexpected),
        unexpected);
    assert_ok(stn_graph_build(stn_yaml_root(f->network), &empty, &f->graph,
                              &unexpected),
              unexpected);
    stn_graph_init(f->graph, 5);
    assert_ok(stn_pool_create(2, NULL, &f->pool, &unexpected), unexpected);
    assert_ok(stn_yaml_parse("rules.yaml", rules, &f->rules, &unexpected),
              unexpected);
    return stn_compression_create(f->graph, stn_yaml_root(f->rules), &scope, 5,
                                  &f->compression, err);
}

static void release(struct fixture *f)
{
    stn_compression_destroy(f->compression);
    stn_graph_destroy(f->graph);
    stn_pool_destroy(f->pool);
    stn_yaml_destroy(f->network);
    stn_yaml_destroy(f->rules);
}

static void effective_weights_are_codes_times_scales(void **unused)
{
    struct fixture f;
    stn_error err;

    (void)unused;
    assert_ok(bind_rules(&f,
                         "- {layers: \"*\", quantiser: uniform}\n"
                         "- {layers: \"b_*\", quantiser: sparse_binary}\n"
                         "- {layers: b_pw, quantiser: binary}\n",
                         &err),
              err);
    assert_int_equal(f.compression->n, 4);
    stn_compression_apply(f.compression, f.pool);
    for (int k = 0; k < f.compression->n; k++) {
        const stn_binding *b = &f.compression->bindings[k];
        size_t block = b->param->count / (size_t)b->n_scales;

        assert_ptr_not_equal(b->param->effective, b->param->latent);
        assert_ptr_equal(stn_compression_find(f.compression, b->param), b);
        for (size_t i = 0; i < b->param->count; i++)
            assert_true(b->param->effective[i] ==
                        (float)b->codes[i] * b->scales[i / block]);
    }
    assert_string_equal(f.compression->bindings[1].quantiser->name,
                        "sparse_binary");
    assert_string_equal(f.compression->bindings[2].quantiser->name, "binary");
    release(&f);
}

static void destroying_a_compression_frees_the_weights(void **unused)
{
    struct fixture f;
    stn_error err;

    (void)unused;
    assert_ok(bind_rules(&f, "- {layers: stem, quantiser: binary}\n", &err),
              err);
    stn_compression_destroy(f.compression);
    f.compression = NULL;
    for (int i = 0; i < f.graph->n_params; i++)
        assert_ptr_equal(f.graph->params[i].effective,
                         f.graph->params[i].latent);
    release(&f);
}

static void penalties_act_only_when_asked(void **unused)
{
    struct fixture f;
    stn_error err;
    const stn_param *weight;

    (void)unused;
    assert_ok(bind_rules(&f,
                         "- {layers: b_pw, quantiser: uniform, penalty: "
                         "{group_lasso: {lambda: 1}}, group: $p}\n",
                         &err),
              err);
    weight = f.compression->bindings[0].param;
    assert_int_equal(f.compression->bindings[0].groups.n, 8);
    stn_compression_apply(f.compression, f.pool);
    memset(weight->grad, 0, weight->count * sizeof(float));
    assert_true(stn_compression_backward(f.compression, f.pool, false) == 0);
    for (size_t i = 0; i < weight->count; i++)
        assert_true(weight->grad[i] == 0);
    assert_true(stn_compression_backward(f.compression, f.pool, true) > 0);
    assert_true(weight->grad[0] != 0);
    release(&f);
}

static void density_counts_groups_and_zeros(void **unused)
{
    struct fixture f;
    stn_error err;
    stn_density d;
    float *w;

    (void)unused;
    assert_ok(bind_rules(&f,
                         "- {layers: stem, quantiser: uniform}\n"
                         "- {layers: b_pw, quantiser: {sparse_binary: "
                         "{threshold: 0.5}}}\n",
                         &err),
              err);
    /* 4 filters of 8: one empty, one with 6 zeros, two with 2 zeros. */
    w = f.compression->bindings[1].param->latent;
    for (int i = 0; i < 32; i++)
        w[i] = i < 8 ? 0.1f : i < 14 ? 0 : i % 8 < 2 ? -0.2f : 1;
    w[14] = w[15] = -1;
    stn_compression_apply(f.compression, f.pool);
    d = stn_compression_density(f.compression);
    assert_int_equal(d.n_groups, 4);
    assert_int_equal(d.n_live, 3);
    assert_int_equal(d.n_weights, 32);
    assert_int_equal(d.n_nonzero, 14);
    assert_true(d.min_live_sparsity == 0.25);
    assert_true(stn_density_group_share(d) == 0.75);
    /* 16 / (0.75 * (1 - 0.25)) */
    assert_float_equal(stn_density_compression(d), 256.0 / 9, 1e-9);
    release(&f);
}

static void density_without_ternary_weights_is_not_a_number(void **unused)
{
    struct fixture f;
    stn_error err;
    stn_density d;

    (void)unused;
    assert_ok(bind_rules(&f, "- {layers: b_pw, quantiser: binary}\n", &err),
              err);
    stn_compression_apply(f.compression, f.pool);
    d = stn_compression_density(f.compression);
    assert_true(isnan(stn_density_group_share(d)));
    assert_true(isnan(stn_density_compression(d)));
    release(&f);
}

static void bad_rules_are_refused_with_their_place(void **unused)
{
    static const struct {
        const char *rules, *part;
    } cases[] = {
        {"- {layers: b_pw}\n", "rules.yaml:1: "},
        {"- {layers: b_pw, penalty: group_lasso}\n", "has no quantiser"},
        {"- {layers: conv9, quantiser: binary}\n", "'conv9'"},
        {"- {quantiser: binary}\n", "layers"},
        {"- {layers: b_pw, quantiser: ternary}\n", "ternary"},
        {"- {layers: b_pw, quantiser: {uniform: {bits: 17}}}\n", "bits"},
        {"- {layers: b_pw, quantiser: {uniform: {bits: 9}}, penalty: freeze}\n",
         "freeze reads codes of at most 9 bits"},
        {"- {layers: b_pw, quantiser: fixed, penalty: freeze}\n",
         "stay as they are drawn"},
        {"- {layers: b_pw, quantiser: uniform, penalty: {admm: {keep: 0}}}\n",
         "keep: got 0"},
        {"- {layers: \"*\", quantiser: binary, structure: circulant}\n",
         "(layer stem)"},
        {"- {layers: b_pw, quantiser: {grid: {bits: 1}}, penalty: l1}\n",
         "'grid' of these bits has no code 0"},
        {"- {layers: b_pw, quantiser: {uniform: {bit: 8}}}\n", "bits"},
        {"- {layers: b_pw, quantiser: {uniform: {}, binary: {}}}\n",
         "one name"},
        {"- {layers: b_pw, quantiser: binary, group: 0}\n", "rules.yaml:1"},
        {"- {layers: b_pw, quantiser: binary, prune: 1}\n", "prune"},
        {"layers: b_pw\n", "expected a list"},
    };

    (void)unused;
    for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
        struct fixture f;
        stn_error err;

        assert_refused(bind_rules(&f, cases[k].rules, &err), err, STN_E_FORMAT,
                       cases[k].part);
        for (int i = 0; i < f.graph->n_params; i++)
            assert_ptr_equal(f.graph->params[i].effective,
                             f.graph->params[i].latent);
        release(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_of_every_quantiser_are_in_range),
        cmocka_unit_test(zero_weights_give_zero_effective_weights),
        cmocka_unit_test(uniform_error_is_at_most_half_a_scale),
        cmocka_unit_test(uniform_reaches_its_largest_code_in_every_filter),
        cmocka_unit_test(binary_scale_is_the_mean_magnitude),
        cmocka_unit_test(sparse_binary_keeps_the_threshold_only_when_positive),
        cmocka_unit_test(fixed_patterns_are_pairs_or_a_share),
        cmocka_unit_test(clipped_gradient_stops_at_one),
        cmocka_unit_test(groups_cover_every_weight_exactly_once),
        cmocka_unit_test(a_group_holds_one_filter_and_one_range_of_channels),
        cmocka_unit_test(effective_weights_are_codes_times_scales),
        cmocka_unit_test(destroying_a_compression_frees_the_weights),
        cmocka_unit_test(penalties_act_only_when_asked),
        cmocka_unit_test(density_counts_groups_and_zeros),
        cmocka_unit_test(density_without_ternary_weights_is_not_a_number),
        cmocka_unit_test(bad_rules_are_refused_with_their_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
