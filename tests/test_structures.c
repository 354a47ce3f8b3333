/* SPDX-License-Identifier: MIT
 *
 * Structures in training: what they keep of a weight tensor, that no step
 * leaves them, that quantisers see nothing else; with every quantiser and
 * penalty of the lists. */
#include "test.h"
#include "penalised.h"
#include "senseless.h"

#include "compress/compress.h"

#include <math.h>

static const char network_text[] =
    "name: tiny\n"
    "input: {height: 6, width: 6, channels: 6}\n"
    "layers:\n"
    "  - conv: {name: stem, out: 12, kernel: 3, pad: 1}\n"
    "  - depthwise: {name: dw, multiplier: 1, kernel: 3, pad: 1}\n"
    "  - conv: {name: pw, out: 10, kernel: 1}\n"
    "  - linear: {name: fc, out: 9}\n";

struct fixture {
    stn_yaml_document *network, *rules;
    stn_graph *graph;
    stn_compression *compression;
    stn_pool *pool;
};

static stn_status bind_rules(struct fixture *f, const char *rules,
                             uint64_t seed, stn_error *err)
{
    stn_error unexpected;

    *f = (struct fixture){0};
    assert_ok(
        stn_yaml_parse("tiny.yaml", network_text, &f->network, &unexpected),
        unexpected);
    assert_ok(stn_graph_build(stn_yaml_root(f->network), NULL, &f->graph,
                              &unexpected),
              unexpected);
    stn_graph_init(f->graph, 5);
    assert_ok(stn_pool_create(2, NULL, &f->pool, &unexpected), unexpected);
    assert_ok(stn_yaml_parse("rules.yaml", rules, &f->rules, &unexpected),
              unexpected);
    return stn_compression_create(f->graph, stn_yaml_root(f->rules), NULL, seed,
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

/* Binds one rule to all layers that have a plane; penalty NULL: none. */
static stn_status bind_with(struct fixture *f, const char *quantiser,
                            const char *structure, const char *penalty,
                            uint64_t seed, stn_error *err)
{
    char rules[512];

    snprintf(
        rules, sizeof(rules),
        "- {layers: \"[!d]*\", quantiser: %s, structure: %s, group: 3%s%s}\n",
        quantiser, structure, penalty ? ", penalty: " : "",
        penalty ? penalty : "");
    return bind_rules(f, rules, seed, err);
}

static void bind_one(struct fixture *f, const char *quantiser,
                     const char *structure, uint64_t seed)
{
    stn_error err;

    assert_ok(bind_with(f, quantiser, structure,
                        "{bit_slice_l1: {lambda: 0.01}}", seed, &err),
              err);
    assert_int_equal(f->compression->n, 3);
}

static const char *const structures[] = {
    "{blocks: {rows: 4, cols: 2, keep: 0.34}}",
    "{blocks: {rows: 5, cols: 5, keep: 0.5}}",
    "{blocks: {rows: 1, cols: 2, keep: 0.67, inner_rows: 1, inner_cols: 1}}",
    "{permuted_diagonal: {p: 4}}",
    "{permuted_diagonal: {p: 3, order: random}}",
    "sparse",
};
enum { N_STRUCTURES = sizeof(structures) / sizeof(structures[0]) };

/* Zero where not stored; what is stored is counted. */
static void assert_on_structure(const stn_binding *b, const float *w)
{
    const stn_stored *s = b->stored;
    size_t n = 0;

    for (size_t k = 0; k < b->param->count; k++) {
        int32_t at = s->position[k];

        if (at < 0) {
            assert_true(w[k] == 0);
            continue;
        }
        assert_int_equal(at, n++);
    }
    assert_int_equal(n, s->n);
}

/* Steps of plain descent along random gradients of the effective weights. */
static void train(struct fixture *f, int steps)
{
    stn_rng rng = stn_rng_make(3, STN_RNG_TEST, 0);

    for (int step = 0; step < steps; step++) {
        stn_compression_apply(f->compression, f->pool);
        for (int i = 0; i < f->compression->n; i++) {
            stn_param *p = f->compression->bindings[i].param;
            for (size_t k = 0; k < p->count; k++)
                p->grad[k] = stn_rng_normal(&rng);
        }
        stn_compression_backward(f->compression, f->pool, step % 2);
        for (int i = 0; i < f->compression->n; i++) {
            stn_param *p = f->compression->bindings[i].param;
            for (size_t k = 0; k < p->count; k++)
                p->latent[k] -= 0.05f * p->grad[k];
        }
    }
}

static void no_training_step_leaves_a_structure(void **unused)
{
    static const char *const quantisers[] = {"binary", "sparse_binary",
                                             "{uniform: {per_filter: false}}"};

    (void)unused;
    for (int s = 0; s < N_STRUCTURES; s++)
        for (int q = 0; q < 3; q++) {
            struct fixture f;

            bind_one(&f, quantisers[q], structures[s], 1);
            /* Half of the weights were pruned before. */
            for (int i = 0; i < f.compression->n && s == N_STRUCTURES - 1; i++)
                for (size_t k = 0; k < f.compression->bindings[i].param->count;
                     k += 2)
                    f.compression->bindings[i].param->latent[k] = 0;
            train(&f, 4);
            for (int i = 0; i < f.compression->n; i++) {
                const stn_binding *b = &f.compression->bindings[i];
                assert_on_structure(b, b->param->latent);
                assert_on_structure(b, b->param->grad);
                assert_on_structure(b, b->param->effective);
                assert_true(b->stored->n < b->param->count);
            }
            release(&f);
        }
}

static void every_quantiser_and_penalty_keeps_every_structure(void **unused)
{
    (void)unused;
    for (int s = 0; s < N_STRUCTURES; s++)
        for (int q = 0; stn_quantiser_types[q]; q++)
            for (int p = 0; stn_penalty_types[p]; p++) {
                const char *name = stn_quantiser_types[q]->name;
                const char *penalty = stn_penalty_types[p]->name;
                const char *reason = senseless(name, penalty, structures[s]);
                struct fixture f;
                stn_error err;

                if (strcmp(name, "uniform") == 0)
                    name = "{uniform: {per_filter: false}}";
                if (reason) {
                    assert_refused(
                        bind_with(&f, name, structures[s], penalty, 1, &err),
                        err, STN_E_FORMAT, reason);
                    release(&f);
                    continue;
                }
                assert_ok(bind_with(&f, name, structures[s], penalty, 1, &err),
                          err);
                stn_compression_apply(f.compression, f.pool);
                for (int epoch = 0; epoch <= 2; epoch++) {
                    stn_compression_turn(f.compression, f.pool, epoch, 2);
                    train(&f, 2);
                    stn_compression_settle(f.compression, f.pool);
                    stn_compression_apply(f.compression, f.pool);
                }
                for (int i = 0; i < f.compression->n; i++) {
                    const stn_binding *b = &f.compression->bindings[i];
                    assert_on_structure(b, b->param->latent);
                    assert_on_structure(b, b->param->grad);
                    assert_on_structure(b, b->param->effective);
                }
                release(&f);
            }
}

/* What a quantiser makes of the stored weights, in their order, if there were
 * no others: the gradients of binding `b`, which holds random ones. */
static void expect_gradient(const stn_binding *b, float *expected)
{
    const stn_stored *s = b->stored;
    float *latent = calloc(s->n, sizeof(*latent));
    float *grad = calloc(s->n, sizeof(*grad));
    stn_quantiser_call call = {.attrs = b->quantiser_attrs,
                               .shape = {1, 1, (int)s->n},
                               .latent = latent,
                               .learned =
                                   b->learned ? b->learned->latent[0] : 0};

    for (size_t i = 0; i < s->n; i++) {
        latent[i] = b->param->latent[s->where[i]];
        grad[i] = b->param->grad[s->where[i]];
    }
    stn_quantiser_backward(b->quantiser, &call, grad);
    memset(expected, 0, b->param->count * sizeof(*expected));
    for (size_t i = 0; i < s->n; i++)
        expected[s->where[i]] = grad[i];
    free(latent);
    free(grad);
}

static void gradients_are_those_of_the_stored_weights_alone(void **unused)
{
    static float expected[4][4000];
    stn_rng rng = stn_rng_make(8, STN_RNG_TEST, 0);

    (void)unused;
    for (int s = 0; s < N_STRUCTURES; s++)
        for (int q = 0; stn_quantiser_types[q]; q++) {
            const char *name = stn_quantiser_types[q]->name;
            struct fixture f;
            stn_error err;

            if (strcmp(name, "uniform") == 0)
                name = "{uniform: {per_filter: false}}";
            assert_ok(bind_with(&f, name, structures[s], NULL, 1, &err), err);
            for (int i = 0; i < f.compression->n && s == N_STRUCTURES - 1; i++)
                for (size_t k = 0; k < f.compression->bindings[i].param->count;
                     k += 3)
                    f.compression->bindings[i].param->latent[k] = 0;
            stn_compression_apply(f.compression, f.pool);
            for (int i = 0; i < f.compression->n; i++) {
                const stn_binding *b = &f.compression->bindings[i];
                for (size_t k = 0; k < b->param->count; k++)
                    b->param->grad[k] = stn_rng_normal(&rng);
                expect_gradient(b, expected[i]);
            }
            stn_compression_backward(f.compression, f.pool, false);
            for (int i = 0; i < f.compression->n; i++) {
                const stn_param *p = f.compression->bindings[i].param;
                assert_memory_equal(p->grad, expected[i],
                                    p->count * sizeof(float));
            }
            release(&f);
        }
}

static void
penalties_pull_stored_weights_by_the_slope_of_their_value(void **unused)
{
    static const char *const penalties[] = {
        "{group_lasso: {lambda: 0.3}}",
        "{admm: {rho: 0.2, keep: 0.25}}",
        "{admm: {rho: 0.2, project: levels, bits: 2}}",
        "freeze",
        "{l1: {lambda: 0.3}}",
    };

    (void)unused;
    for (int s = 0; s < N_STRUCTURES; s++)
        for (int p = 0; p < 5; p++) {
            struct fixture f;
            stn_error err;

            assert_ok(bind_with(&f, "sparse_binary", structures[s],
                                penalties[p], 1, &err),
                      err);
            stn_compression_apply(f.compression, f.pool);
            stn_compression_turn(f.compression, f.pool, 0, 2);
            train(&f, 2);
            stn_compression_apply(f.compression, f.pool);
            assert_penalty_slopes(f.compression, f.pool);
            release(&f);
        }
}

static void projecting_twice_changes_no_bit(void **unused)
{
    (void)unused;
    for (int s = 0; s < N_STRUCTURES; s++) {
        struct fixture f;
        float once[4000];

        bind_one(&f, "{uniform: {per_filter: false}}", structures[s], 1);
        train(&f, 1);
        for (int i = 0; i < f.compression->n; i++) {
            const stn_param *p = f.compression->bindings[i].param;

            stn_compression_apply(f.compression, f.pool);
            memcpy(once, p->latent, p->count * sizeof(float));
            stn_compression_apply(f.compression, f.pool);
            assert_memory_equal(once, p->latent, p->count * sizeof(float));
        }
        release(&f);
    }
}

/* Positions of a sparse layer are kept from step to step only while they are
 * right. */
static void
sparse_positions_follow_what_becomes_zero_and_what_is_loaded(void **unused)
{
    struct fixture f;
    const stn_binding *b;
    stn_param *p;
    size_t n;

    (void)unused;
    bind_one(&f, "binary", "sparse", 1);
    b = &f.compression->bindings[0];
    p = b->param;
    p->latent[0] = 0;
    stn_compression_apply(f.compression, f.pool);
    n = b->stored->n;
    assert_int_equal(n, p->count - 1);
    p->latent[p->count - 1] = 0;
    stn_compression_apply(f.compression, f.pool);
    assert_int_equal(b->stored->n, n - 1);
    assert_on_structure(b, p->latent);
    p->latent[0] = 1; /* as many, elsewhere */
    p->latent[1] = 0;
    stn_compression_apply(f.compression, f.pool);
    assert_int_equal(b->stored->n, n - 1);
    assert_int_equal(b->stored->position[0], 0);
    assert_int_equal(b->stored->position[1], -1);
    assert_on_structure(b, p->latent);
    assert_on_structure(b, p->effective);
    for (size_t k = 0; k < p->count; k++)
        p->latent[k] = 0;
    stn_compression_apply(f.compression, f.pool);
    assert_int_equal(b->stored->n, 0);
    assert_on_structure(b, p->effective);
    p->latent[2] = 1;
    stn_compression_apply(f.compression, f.pool);
    assert_int_equal(b->stored->n, 1);
    assert_on_structure(b, p->effective);
    release(&f);
}

static void structures_follow_the_seed(void **unused)
{
    static const int random[] = {0, 4};

    (void)unused;
    for (int r = 0; r < 2; r++) {
        struct fixture a, b, c;
        const stn_layout *la, *lb, *lc;

        bind_one(&a, "binary", structures[random[r]], 1);
        bind_one(&b, "binary", structures[random[r]], 1);
        bind_one(&c, "binary", structures[random[r]], 2);
        la = &a.compression->bindings[2].layout;
        lb = &b.compression->bindings[2].layout;
        lc = &c.compression->bindings[2].layout;
        assert_int_equal(la->n_index, lb->n_index);
        assert_memory_equal(la->index, lb->index,
                            la->n_index * sizeof(*la->index));
        assert_memory_not_equal(la->index, lc->index,
                                la->n_index * sizeof(*la->index));
        release(&a);
        release(&b);
        release(&c);
    }
}

/* The formula of section 3b, weight by weight. */
static void a_permuted_diagonal_keeps_what_its_formula_says(void **unused)
{
    struct fixture f;
    const stn_binding *b;
    int p = 4, n = 90;

    (void)unused;
    bind_one(&f, "binary", "{permuted_diagonal: {p: 4}}", 1);
    b = &f.compression->bindings[2];
    assert_int_equal(b->shape.in, 360);
    for (int i = 0; i < 9; i++)
        for (int j = 0; j < 360; j++) {
            int l = i / p * n + j / p, k = l % p;
            bool kept = (i % p + k) % p == j % p;
            assert_int_equal(b->stored->position[i * 360 + j] >= 0, kept);
        }
    release(&f);
}

static void blocks_keep_as_many_in_each_row(void **unused)
{
    struct fixture f;
    const stn_binding *b;

    (void)unused;
    bind_one(&f, "binary", "{blocks: {rows: 4, cols: 2, keep: 0.34}}", 1);
    b = &f.compression->bindings[0]; /* 12 x 3 x 3 x 6 */
    for (int o = 0; o < 12; o++) {
        int kept = 0;
        for (int k = 0; k < 54; k++) {
            int32_t at = b->stored->position[o * 54 + k];
            /* Rows of one block row keep the same columns. */
            int32_t other = b->stored->position[o / 4 * 4 * 54 + k];
            assert_int_equal(at >= 0, other >= 0);
            kept += at >= 0;
        }
        assert_int_equal(kept, 9 * 2);
    }
    release(&f);
}

static void a_dense_start_keeps_its_diagonal_as_it_is(void **unused)
{
    struct fixture f;
    const stn_binding *b;

    (void)unused;
    bind_one(&f, "binary", "permuted_diagonal", 1);
    b = &f.compression->bindings[1];
    for (size_t k = 0; k < b->param->count; k++)
        b->param->latent[k] = (float)(k + 1);
    stn_compression_apply(f.compression, f.pool);
    for (size_t k = 0; k < b->param->count; k++)
        assert_true(b->param->latent[k] ==
                    (b->stored->position[k] < 0 ? 0 : (float)(k + 1)));
    release(&f);
}

/* Kept weights of magnitude 1 among zeros: a mean that counted the zeros
 * would be less. */
static void scales_do_not_count_what_is_not_stored(void **unused)
{
    (void)unused;
    for (int s = 0; s < 5; s++) {
        struct fixture f;

        bind_one(&f, "{binary: {per_filter: true}}", structures[s], 1);
        for (int i = 0; i < f.compression->n; i++) {
            const stn_param *p = f.compression->bindings[i].param;
            for (size_t k = 0; k < p->count; k++)
                p->latent[k] = k % 2 ? 1 : -1;
        }
        stn_compression_apply(f.compression, f.pool);
        for (int i = 0; i < f.compression->n; i++) {
            const stn_binding *b = &f.compression->bindings[i];
            for (int o = 0; o < b->n_scales; o++)
                assert_true(b->scales[o] == 1);
        }
        release(&f);
    }
}

/* As without a structure: a comparison of two inputs a filter. */
static void each_filter_compares_a_pair_of_its_own(void **unused)
{
    (void)unused;
    for (int s = 0; s < N_STRUCTURES; s++) {
        struct fixture f;
        stn_error err;

        assert_ok(bind_with(&f, "{fixed: {pattern: pair}}", structures[s], NULL,
                            1, &err),
                  err);
        stn_compression_apply(f.compression, f.pool);
        for (int i = 0; i < f.compression->n; i++) {
            const stn_binding *b = &f.compression->bindings[i];
            size_t filter = b->param->count / (size_t)b->shape.out;

            for (size_t o = 0; o < (size_t)b->shape.out; o++) {
                int plus = 0, minus = 0;

                for (size_t k = o * filter; k < (o + 1) * filter; k++) {
                    plus += b->param->effective[k] == 1;
                    minus += b->param->effective[k] == -1;
                }
                assert_true(plus == 1 && minus == 1);
            }
        }
        release(&f);
    }
}

/* So that the variance of a sum over what is left stays. */
static void initial_weights_are_widened_by_what_is_dropped(void **unused)
{
    struct fixture dense, f;
    const stn_binding *b;
    const float *w;
    stn_error err;

    (void)unused;
    bind_one(&f, "binary", "permuted_diagonal", 1);
    assert_ok(
        bind_rules(&dense, "- {layers: fc, quantiser: binary}\n", 1, &err),
        err);
    b = &f.compression->bindings[2];
    w = dense.compression->bindings[0].param->latent;
    for (size_t k = 0; k < b->param->count; k++)
        if (b->stored->position[k] >= 0)
            assert_float_equal(b->param->latent[k], 2 * w[k], 1e-5f);
    release(&f);
    release(&dense);
}

static void structures_that_make_no_sense_are_refused(void **unused)
{
    static const struct {
        const char *rule, *part;
    } cases[] = {
        {"{layers: dw, quantiser: binary, structure: blocks}",
         "one input channel"},
        {"{layers: fc, quantiser: binary, structure: {blocks: {rows: 16}}}",
         "blocks over 9 filters x 360 input channels"},
        {"{layers: stem, quantiser: binary, structure: {blocks: {rows: 4, "
         "cols: 6}}}",
         "two or more a row"},
        {"{layers: fc, quantiser: binary, structure: {permuted_diagonal: {p: "
         "10}}}",
         "a block side outside the plane"},
        {"{layers: fc, quantiser: uniform, structure: {circulant: {p: 10}}}",
         "a block side outside the plane"},
        {"{layers: stem, quantiser: binary, structure: {blocks: {rows: 4, "
         "cols: 2, inner_rows: 3, inner_cols: 1}}}",
         "two grids that do not divide"},
        {"{layers: fc, quantiser: binary, structure: butterfly}", "butterfly"},
    };

    (void)unused;
    for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
        struct fixture f;
        char rules[256];
        stn_error err;

        snprintf(rules, sizeof(rules), "- %s\n", cases[k].rule);
        assert_refused(bind_rules(&f, rules, 1, &err), err, STN_E_FORMAT,
                       cases[k].part);
        release(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_training_step_leaves_a_structure),
        cmocka_unit_test(every_quantiser_and_penalty_keeps_every_structure),
        cmocka_unit_test(gradients_are_those_of_the_stored_weights_alone),
        cmocka_unit_test(
            penalties_pull_stored_weights_by_the_slope_of_their_value),
        cmocka_unit_test(projecting_twice_changes_no_bit),
        cmocka_unit_test(
            sparse_positions_follow_what_becomes_zero_and_what_is_loaded),
        cmocka_unit_test(structures_follow_the_seed),
        cmocka_unit_test(a_permuted_diagonal_keeps_what_its_formula_says),
        cmocka_unit_test(blocks_keep_as_many_in_each_row),
        cmocka_unit_test(a_dense_start_keeps_its_diagonal_as_it_is),
        cmocka_unit_test(scales_do_not_count_what_is_not_stored),
        cmocka_unit_test(each_filter_compares_a_pair_of_its_own),
        cmocka_unit_test(initial_weights_are_widened_by_what_is_dropped),
        cmocka_unit_test(structures_that_make_no_sense_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
