/* SPDX-License-Identifier: MIT
 *
 * Penalties, with and without state, and the projections behind them. What
 * holds for every penalty runs over the table. */
#include "test.h"

#include "base/rng.h"
#include "compress/compress.h"
#include "compress/project.h"

#include <math.h>

enum { MOST = 256 };

/* One parameter under one penalty. */
struct bench {
    const stn_penalty_type *type;
    void *attrs;
    stn_groups groups;
    float w[MOST], grad[MOST], norms[MOST], scales[1];
    int8_t codes[MOST];
    float state0[MOST], state1[MOST];
    float *state[STN_PENALTY_STATES];
    stn_penalty_call call;
};

static void fill_random(float *w, size_t n, uint64_t counter)
{
    stn_rng rng = stn_rng_make(7, STN_RNG_TEST, counter);

    for (size_t i = 0; i < n; i++)
        w[i] = 0.6f * stn_rng_normal(&rng);
}

static void *parse_attrs(const stn_attr *attrs, size_t size, const char *text)
{
    stn_yaml_document *document = NULL;
    void *state = calloc(1, size + 1);
    stn_error err;

    assert_non_null(state);
    assert_ok(stn_yaml_parse("attrs", text, &document, &err), err);
    assert_ok(stn_attrs_parse(attrs, stn_yaml_root(document), NULL, NULL, state,
                              &err),
              err);
    stn_yaml_destroy(document);
    return state;
}

static void open_bench(struct bench *b, const char *name, const char *options,
                       stn_weight_shape shape, int chunk)
{
    *b = (struct bench){.groups = stn_groups_make(shape, chunk)};
    for (int i = 0; stn_penalty_types[i]; i++)
        if (strcmp(stn_penalty_types[i]->name, name) == 0)
            b->type = stn_penalty_types[i];
    assert_non_null(b->type);
    b->attrs = parse_attrs(b->type->attrs, b->type->attrs_size, options);
    b->state[0] = b->state0;
    b->state[1] = b->state1;
    b->scales[0] = 1;
    b->call = (stn_penalty_call){.groups = &b->groups,
                                 .n = stn_weight_count(shape),
                                 .latent = b->w,
                                 .grad = b->grad,
                                 .codes = b->codes,
                                 .scales = b->scales,
                                 .n_scales = 1,
                                 .norms = b->norms,
                                 .state = b->state};
}

static double apply(struct bench *b)
{
    memset(b->grad, 0, sizeof(b->grad));
    return b->type->apply(b->attrs, &b->call);
}

static void turn(struct bench *b, int epoch, int n_epochs)
{
    if (b->type->turn)
        b->type->turn(b->attrs, &b->call, epoch, n_epochs);
}

static const struct {
    const char *name, *options;
} cases[] = {
    {"group_lasso", "{lambda: 0.3}"},
    {"group_lasso", "{lambda: 0.3, clip_ratio: 0.9}"},
    {"group_lasso", "{lambda: 0.3, clip_ratio: 2}"},
    {"group_lasso", "{lambda: 0.3, keep: 0.5, cut_at: 0.9}"},
    {"admm", "{rho: 0.2, keep: 0.25}"},
    {"admm", "{rho: 0.2, project: levels, bits: 2}"},
    {"freeze", "{}"},
    {"l1", "{lambda: 0.3}"},
    {"bit_slice_l1", "{lambda: 0.3}"},
};
enum { N_CASES = sizeof(cases) / sizeof(cases[0]) };

static void every_penalty_has_a_case(void **unused)
{
    (void)unused;
    for (int p = 0; stn_penalty_types[p]; p++) {
        bool found = false;

        for (int c = 0; c < N_CASES; c++)
            found |= strcmp(cases[c].name, stn_penalty_types[p]->name) == 0;
        if (!found)
            fail_msg("no case for penalty %s", stn_penalty_types[p]->name);
    }
}

static void gradient_of_every_penalty_is_that_of_its_value(void **unused)
{
    (void)unused;
    for (int c = 0; c < N_CASES; c++) {
        struct bench b;
        float grad[MOST];

        open_bench(&b, cases[c].name, cases[c].options,
                   (stn_weight_shape){4, 9, 7}, 3);
        fill_random(b.w, b.call.n, 3);
        turn(&b, 0, 2);
        fill_random(b.w, b.call.n, 4);
        turn(&b, 1, 2);
        fill_random(b.w, b.call.n, 3);
        apply(&b);
        memcpy(grad, b.grad, sizeof(grad));
        for (size_t i = 0; i < b.call.n && !b.type->is_estimate; i += 5) {
            float keep = b.w[i], up = keep + 1e-3f, down = keep - 1e-3f;
            double rise;

            b.w[i] = up;
            rise = apply(&b);
            b.w[i] = down;
            rise -= apply(&b);
            b.w[i] = keep;
            assert_float_equal(grad[i], (float)(rise / (double)(up - down)),
                               1e-3f);
        }
        free(b.attrs);
    }
}

static void penalties_of_zero_weights_are_zero_and_finite(void **unused)
{
    (void)unused;
    for (int c = 0; c < N_CASES; c++) {
        struct bench b;

        open_bench(&b, cases[c].name, cases[c].options,
                   (stn_weight_shape){5, 9, 1}, 1);
        turn(&b, 0, 1);
        assert_true(apply(&b) == 0);
        turn(&b, 1, 1);
        for (size_t i = 0; i < b.call.n; i++)
            assert_true(b.grad[i] == 0 && b.w[i] == 0);
        free(b.attrs);
    }
}

/* ---- group lasso ------------------------------------------------------ */

/* Group norms 1, 2, 3, 10: mean 4. */
static const float four_groups[] = {1, 0, 0, 2, 3, 0, 6, 8};

static double lasso(const char *options, float grad[8])
{
    struct bench b;
    double value;

    open_bench(&b, "group_lasso", options, (stn_weight_shape){4, 1, 2}, 2);
    memcpy(b.w, four_groups, sizeof(four_groups));
    value = apply(&b);
    memcpy(grad, b.grad, 8 * sizeof(float));
    free(b.attrs);
    return value;
}

static void assert_floats(const float *got, const float *expected, int n)
{
    for (int i = 0; i < n; i++)
        assert_float_equal(got[i], expected[i], 1e-6f);
}

static void plain_lasso_pulls_every_group_alike(void **unused)
{
    static const float expected[] = {0.5f, 0, 0, 0.5f, 0.5f, 0, 0.3f, 0.4f};
    float grad[8];

    (void)unused;
    assert_float_equal(lasso("{lambda: 0.5}", grad), 8, 1e-6);
    assert_floats(grad, expected, 8);
}

static void detached_clipping_leaves_strong_groups_alone(void **unused)
{
    /* delta = 0.625 * 4 = 2.5: groups of norm 3 and 10 are clipped. */
    static const float expected[] = {1, 0, 0, 1, 0, 0, 0, 0};
    float grad[8];

    (void)unused;
    assert_float_equal(
        lasso("{lambda: 1, clip_ratio: 0.625, detach: true}", grad), 8, 1e-6);
    assert_floats(grad, expected, 8);
}

static void attached_clipping_pulls_strong_groups_by_their_share(void **unused)
{
    /* C * ratio / G = 2 * 0.625 / 4 = 0.3125 for every group, on top of 1
     * for the two that are not clipped. */
    static const float expected[] = {1.3125f, 0, 0,       1.3125f,
                                     0.3125f, 0, 0.1875f, 0.25f};
    float grad[8];

    (void)unused;
    assert_float_equal(lasso("{lambda: 1, clip_ratio: 0.625}", grad), 8, 1e-6);
    assert_floats(grad, expected, 8);
}

static void settle(struct bench *b)
{
    b->type->settle(b->attrs, &b->call);
}

static void a_cut_leaves_its_share_of_the_groups_for_good(void **unused)
{
    struct bench b;

    (void)unused;
    open_bench(&b, "group_lasso", "{lambda: 1, keep: 0.5, cut_at: 0.5}",
               (stn_weight_shape){4, 1, 2}, 2);
    memcpy(b.w, four_groups, sizeof(four_groups));
    turn(&b, 0, 4);
    turn(&b, 1, 4);
    settle(&b);
    assert_memory_equal(b.w, four_groups, sizeof(four_groups));
    assert_true(apply(&b) > 0);
    turn(&b, 2, 4); /* norms 1 and 2 are cut */
    for (int i = 0; i < 8; i++)
        assert_true(b.w[i] == (i < 4 ? 0 : four_groups[i]));
    assert_true(apply(&b) == 0 && b.grad[4] == 0);
    for (int i = 0; i < 8; i++)
        b.w[i] += 0.5f; /* a step of the optimiser */
    settle(&b);
    for (int i = 0; i < 8; i++)
        assert_true(b.w[i] == (i < 4 ? 0 : four_groups[i] + 0.5f));
    for (int i = 4; i < 6; i++)
        b.w[i] = 1e-3f; /* what is small later is not cut */
    turn(&b, 4, 4);
    assert_true(b.w[4] == 1e-3f);
    free(b.attrs);
}

static void groups_that_are_0_at_the_start_stay_0(void **unused)
{
    struct bench b;

    (void)unused;
    open_bench(&b, "group_lasso", "{lambda: 1}", (stn_weight_shape){4, 1, 2},
               2);
    memcpy(b.w, four_groups, sizeof(four_groups));
    b.w[0] = 0;
    turn(&b, 0, 4);
    b.w[0] = b.w[1] = b.w[2] = 1;
    settle(&b);
    assert_true(b.w[0] == 0 && b.w[1] == 0 && b.w[2] == 1);
    free(b.attrs);
}

/* ---- projections ------------------------------------------------------ */

static void exactly_so_many_of_the_largest_are_kept(void **unused)
{
    float v[MOST], w[MOST];

    (void)unused;
    fill_random(v, MOST, 9);
    for (size_t keep = 0; keep <= MOST; keep += 17) {
        float least = INFINITY, most = 0;
        size_t kept = 0;

        memcpy(w, v, sizeof(w));
        stn_keep_largest(MOST, w, keep);
        for (size_t i = 0; i < MOST; i++) {
            assert_true(w[i] == 0 || w[i] == v[i]);
            kept += w[i] != 0;
            if (w[i] != 0)
                least = fminf(least, fabsf(v[i]));
            else
                most = fmaxf(most, fabsf(v[i]));
        }
        assert_int_equal(kept, keep);
        assert_true(keep == 0 || most <= least);
    }
}

static void of_equal_magnitudes_the_first_are_kept(void **unused)
{
    float w[] = {1, -2, 2, 3, -2, 0, 2};
    static const float expected[] = {0, -2, 2, 3, 0, 0, 0};

    (void)unused;
    stn_keep_largest(7, w, 3);
    assert_floats(w, expected, 7);
}

static void more_than_there_are_keeps_all(void **unused)
{
    float w[] = {1, 0, -2};
    static const float expected[] = {1, 0, -2};

    (void)unused;
    stn_keep_largest(3, w, 5);
    assert_floats(w, expected, 3);
}

/* Error of the interval q by definition. */
static double error_of(size_t n, const float *w, double q, int n_levels)
{
    double error = 0;

    for (size_t i = 0; i < n; i++) {
        double level = round(fabs((double)w[i]) / q), distance;

        level = fmin(fmax(level, 1), n_levels);
        distance = fabs((double)w[i]) - level * q;
        error += w[i] != 0 ? distance * distance : 0;
    }
    return error;
}

static void interval_search_finds_the_least_error(void **unused)
{
    float w[MOST], max = 0;

    (void)unused;
    for (int k = 0; k < 8; k++) {
        int n_levels = 1 << 2 * (k / 2);
        float from = k % 2 ? 0.9f : 0.1f;
        double base, least = INFINITY, got, step = (1.1 - (double)from) / 200;

        fill_random(w, MOST, (uint64_t)k);
        for (size_t i = 0; i < MOST; i += 3)
            w[i] = 0;
        max = 0;
        for (size_t i = 0; i < MOST; i++)
            max = fmaxf(max, fabsf(w[i]));
        base = (double)max / n_levels;
        for (int i = 0; i <= 200; i++)
            least =
                fmin(least, error_of(MOST, w, base * ((double)from + step * i),
                                     n_levels));
        got = error_of(MOST, w,
                       (double)stn_levels_search(MOST, w, n_levels, from),
                       n_levels);
        /* Buckets that straddle a boundary cost a little. */
        assert_true(got <= 1.001 * least + 1e-12);
    }
}

static void weights_on_levels_keep_their_interval(void **unused)
{
    const float q = 0.037f;
    float w[MOST];

    (void)unused;
    for (int used = 1; used <= 8; used++) {
        for (int i = 0; i < MOST; i++)
            w[i] = (float)(i % (2 * used + 1) - used) * q;
        assert_float_equal(stn_levels_search(MOST, w, 8, 0.1f), q, 1e-6f * q);
    }
}

static int nearest(float w, float q, int n_levels)
{
    int8_t code;

    stn_levels_codes(1, &w, q, n_levels, &code);
    return code;
}

static void levels_have_no_zero(void **unused)
{
    (void)unused;
    assert_int_equal(nearest(0, 0.5f, 4), 0);
    assert_int_equal(nearest(0.01f, 0.5f, 4), 1);
    assert_int_equal(nearest(-0.01f, 0.5f, 4), -1);
    assert_int_equal(nearest(-0.8f, 0.5f, 4), -2);
    assert_int_equal(nearest(9, 0.5f, 4), 4);
    assert_int_equal(nearest(NAN, 0.5f, 4), 4);
}

/* ---- ADMM ------------------------------------------------------------- */

/* With f = 0 the weights that minimise are the nearest point of the set. */
static void converge(const char *options, const float *start, struct bench *b)
{
    open_bench(b, "admm", options, (stn_weight_shape){8, 1, 16}, 16);
    memcpy(b->w, start, b->call.n * sizeof(float));
    for (int epoch = 0; epoch < 40; epoch++) {
        turn(b, epoch, 40);
        for (int step = 0; step < 20; step++) {
            apply(b);
            for (size_t i = 0; i < b->call.n; i++)
                b->w[i] -= 0.5f * b->grad[i];
        }
    }
}

static void
admm_without_a_loss_ends_at_the_nearest_pruned_weights(void **unused)
{
    struct bench b;
    float start[MOST], expected[MOST];

    (void)unused;
    fill_random(start, MOST, 11);
    memcpy(expected, start, sizeof(expected));
    stn_keep_largest(128, expected, 32);
    converge("{rho: 1, keep: 0.25, snap: false}", start, &b);
    for (size_t i = 0; i < b.call.n; i++)
        assert_float_equal(b.w[i], expected[i], 1e-4f);
    assert_true(apply(&b) < 1e-6);
    free(b.attrs);
}

static void admm_without_a_loss_ends_at_levels(void **unused)
{
    struct bench b;
    float start[MOST], q;

    (void)unused;
    fill_random(start, MOST, 12);
    for (size_t i = 0; i < MOST; i += 2)
        start[i] = 0;
    converge("{rho: 1, project: levels, bits: 3, snap: false}", start, &b);
    q = stn_levels_search(128, b.w, 4, 0.1f);
    for (size_t i = 0; i < b.call.n; i++) {
        assert_true((start[i] == 0) == (b.w[i] == 0));
        assert_float_equal(b.w[i], (float)nearest(b.w[i], q, 4) * q, 1e-3f);
    }
    free(b.attrs);
}

static size_t count_targets(const struct bench *b)
{
    size_t n = 0;

    for (size_t i = 0; i < b->call.n; i++)
        n += b->state0[i] != 0;
    return n;
}

static void admm_may_keep_more_at_first(void **unused)
{
    struct bench b;

    (void)unused;
    open_bench(&b, "admm", "{first: 0.5, keep: 0.0078125}",
               (stn_weight_shape){16, 1, 16}, 16);
    fill_random(b.w, MOST, 13);
    turn(&b, 0, 10); /* 64 times more than at the end, after 7 of 10 epochs */
    assert_int_equal(count_targets(&b), 128);
    turn(&b, 6, 10); /* 64^(1/7) times more */
    assert_int_equal(count_targets(&b), 4);
    turn(&b, 7, 10);
    assert_int_equal(count_targets(&b), 2);
    turn(&b, 9, 10);
    assert_int_equal(count_targets(&b), 2);
    free(b.attrs);
}

static void admm_adds_what_is_left_to_its_multiplier(void **unused)
{
    struct bench b;

    (void)unused;
    open_bench(&b, "admm", "{keep: 0.5, every: 2}", (stn_weight_shape){1, 1, 2},
               2);
    b.w[0] = 3, b.w[1] = 1;
    turn(&b, 0, 9); /* Z = P(3, 1) = (3, 0), U = 0 */
    assert_floats(b.state0, (const float[]){3, 0}, 2);
    assert_floats(b.state1, (const float[]){0, 0}, 2);
    b.w[0] = 2;
    turn(&b, 1, 9); /* not yet */
    assert_floats(b.state0, (const float[]){3, 0}, 2);
    turn(&b, 2, 9); /* Z = P(2, 1), U = W - Z = (0, 1) */
    assert_floats(b.state0, (const float[]){2, 0}, 2);
    assert_floats(b.state1, (const float[]){0, 1}, 2);
    turn(&b, 4, 9); /* W + U = (2, 2): the first is kept; U = (0, 2) */
    assert_floats(b.state0, (const float[]){2, 0}, 2);
    assert_floats(b.state1, (const float[]){0, 2}, 2);
    turn(&b, 6, 9); /* W + U = (2, 3): Z = (0, 3), U = (2, 0) */
    assert_floats(b.state0, (const float[]){0, 3}, 2);
    assert_floats(b.state1, (const float[]){2, 0}, 2);
    turn(&b, 9, 9); /* the end: W = P(W) */
    assert_floats(b.w, (const float[]){2, 0}, 2);
    free(b.attrs);
}

static void growth_moves_weight_from_the_multiplier_to_rho(void **unused)
{
    struct bench b;

    (void)unused;
    open_bench(&b, "admm", "{rho: 0.5, growth: 4, keep: 0.5}",
               (stn_weight_shape){1, 1, 2}, 2);
    b.w[0] = 3, b.w[1] = 1;
    turn(&b, 0, 9);
    assert_float_equal(apply(&b), 0.25, 1e-6);
    turn(&b, 1, 9); /* U = (0, 1) / 4 */
    b.call.epoch = 1;
    assert_floats(b.state1, (const float[]){0, 0.25f}, 2);
    assert_float_equal(apply(&b), 1.25 * 1.25, 1e-6);
    assert_floats(b.grad, (const float[]){0, 2.5f}, 2);
    free(b.attrs);
}

/* ---- freezing --------------------------------------------------------- */

static void freezing_takes_the_nearest_of_each_code(void **unused)
{
    static const float w[] = {1.3f, 0.9f, 1.1f, 0.8f, -2.4f, -1.9f};
    static const int8_t codes[] = {1, 1, 1, 1, -2, -2};
    /* Half of four and half of two. */
    static const float first[] = {1.3f, 1, 1, 0.8f, -2.4f, -2};
    static const float moved[] = {5, 1, 1, 5, 5, -2};
    static const float last[] = {1, 1, 1, 1, -2, -2};
    struct bench b;

    (void)unused;
    open_bench(&b, "freeze", "{share: 0.5}", (stn_weight_shape){1, 1, 6}, 6);
    memcpy(b.w, w, sizeof(w));
    memcpy(b.codes, codes, sizeof(codes));
    turn(&b, 0, 2);
    assert_floats(b.w, first, 6);
    for (int i = 0; i < 6; i++)
        b.w[i] = 5;
    b.type->settle(b.attrs, &b.call);
    assert_floats(b.w, moved, 6);
    turn(&b, 2, 2);
    assert_floats(b.w, last, 6);
    free(b.attrs);
}

/* Under another quantiser: its codes say nothing, zeros stay, and weights end
 * on levels of one interval. */
static void freezing_has_levels_of_its_own(void **unused)
{
    static const float w[] = {1, 2.02f, -1.04f, -1.9f, 0, 0.9f, 1.3f, 0};
    struct bench b;
    float q, kept[8];

    (void)unused;
    open_bench(&b, "freeze", "{share: 0.5, bits: 2}",
               (stn_weight_shape){1, 1, 8}, 8);
    memcpy(b.w, w, sizeof(w));
    q = stn_levels_search(8, w, 2, 0.1f);
    turn(&b, 0, 2);
    /* Of three at 1 the two nearest, and the only ones at 2, -1 and -2. */
    for (int i = 0; i < 8; i++)
        assert_float_equal(b.w[i],
                           i == 6 ? w[i] : (float)nearest(w[i], q, 2) * q, 0);
    memcpy(kept, b.w, sizeof(kept));
    b.w[0] = b.w[6] = 1.4f;
    b.type->settle(b.attrs, &b.call);
    assert_true(b.w[0] == kept[0] && b.w[6] == 1.4f);
    turn(&b, 2, 2);
    q = fabsf(b.w[0]);
    for (int i = 0; i < 8; i++) {
        assert_true((b.w[i] == 0) == (w[i] == 0));
        assert_float_equal(b.w[i], (float)nearest(b.w[i], q, 2) * q, 0);
    }
    free(b.attrs);
}

static void l1_prunes_small_weights_at_the_end_alone(void **unused)
{
    static const float before[] = {0.2f, -0.05f, 0.1f, -0.3f};
    static const float after[] = {0.2f, 0, 0.1f, -0.3f};
    struct bench b;

    (void)unused;
    open_bench(&b, "l1", "{prune: 0.1}", (stn_weight_shape){1, 1, 4}, 4);
    memcpy(b.w, before, sizeof(before));
    turn(&b, 1, 2);
    assert_floats(b.w, before, 4);
    turn(&b, 2, 2);
    assert_floats(b.w, after, 4);
    free(b.attrs);
}

/* ---- bit slices -------------------------------------------------------- */

static void only_nonzero_slices_push(void **unused)
{
    /* Slices, from the highest: 3 3 3 3; 0 0 0 1; -(1 0 2 0); 0. */
    static const int8_t codes[] = {127, 0, -36, 0}, low[] = {1, 1, 0, 0};
    static const float push[] = {1 + 0.25f + 1 / 16.0f + 1 / 64.0f, 1,
                                 -(0.25f + 1 / 64.0f), 0};
    struct bench b;
    float expected[4];

    (void)unused;
    open_bench(&b, "bit_slice_l1", "{lambda: 0.5}", (stn_weight_shape){1, 1, 4},
               4);
    memcpy(b.codes, codes, sizeof(codes));
    b.call.low = low;
    b.call.low_radix = 2;
    b.scales[0] = 0.02f; /* so that a unit of the magnitude is 0.01 */
    assert_float_equal(apply(&b), 0.5 * (12 + 1 + 3), 1e-6);
    for (int i = 0; i < 4; i++)
        expected[i] = 0.5f / 0.01f * push[i];
    for (int i = 0; i < 4; i++)
        assert_float_equal(b.grad[i], expected[i], 1e-4f);
    free(b.attrs);
}

/* The same by the chain of operations that is differentiated: floors passed
 * straight through, higher slices constant. */
static float chained(int magnitude)
{
    float gradient = 0, weight = 1;

    for (int k = 0; k < 4; k++, weight /= 4)
        gradient += (magnitude >> 2 * k & 3) ? weight : 0;
    return gradient;
}

static void every_magnitude_has_its_closed_form(void **unused)
{
    (void)unused;
    for (int magnitude = 0; magnitude < 256; magnitude++) {
        int8_t low = (int8_t)(magnitude & 1);
        struct bench b;
        int sum = 0;

        open_bench(&b, "bit_slice_l1", "{lambda: 1}",
                   (stn_weight_shape){1, 1, 1}, 1);
        b.codes[0] = (int8_t)(magnitude >> 1);
        b.call.low = &low;
        b.call.low_radix = 2;
        b.scales[0] = 2;
        for (int k = 0; k < 4; k++)
            sum += magnitude >> 2 * k & 3;
        assert_true(apply(&b) == sum);
        assert_float_equal(b.grad[0], chained(magnitude), 1e-6f);
        free(b.attrs);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_penalty_has_a_case),
        cmocka_unit_test(gradient_of_every_penalty_is_that_of_its_value),
        cmocka_unit_test(penalties_of_zero_weights_are_zero_and_finite),
        cmocka_unit_test(plain_lasso_pulls_every_group_alike),
        cmocka_unit_test(detached_clipping_leaves_strong_groups_alone),
        cmocka_unit_test(attached_clipping_pulls_strong_groups_by_their_share),
        cmocka_unit_test(a_cut_leaves_its_share_of_the_groups_for_good),
        cmocka_unit_test(groups_that_are_0_at_the_start_stay_0),
        cmocka_unit_test(exactly_so_many_of_the_largest_are_kept),
        cmocka_unit_test(of_equal_magnitudes_the_first_are_kept),
        cmocka_unit_test(more_than_there_are_keeps_all),
        cmocka_unit_test(interval_search_finds_the_least_error),
        cmocka_unit_test(weights_on_levels_keep_their_interval),
        cmocka_unit_test(levels_have_no_zero),
        cmocka_unit_test(
            admm_without_a_loss_ends_at_the_nearest_pruned_weights),
        cmocka_unit_test(admm_without_a_loss_ends_at_levels),
        cmocka_unit_test(admm_may_keep_more_at_first),
        cmocka_unit_test(admm_adds_what_is_left_to_its_multiplier),
        cmocka_unit_test(growth_moves_weight_from_the_multiplier_to_rho),
        cmocka_unit_test(freezing_takes_the_nearest_of_each_code),
        cmocka_unit_test(freezing_has_levels_of_its_own),
        cmocka_unit_test(l1_prunes_small_weights_at_the_end_alone),
        cmocka_unit_test(only_nonzero_slices_push),
        cmocka_unit_test(every_magnitude_has_its_closed_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
