/* SPDX-License-Identifier: MIT
 *
 * Block-circulant layers in training: values and gradients beside a dense
 * expansion computed in double, alone and in a network; and how a weight is
 * folded. */
#include "test.h"
#include "penalised.h"
#include "senseless.h"

#include "base/pool.h"
#include "base/rng.h"
#include "compress/compress.h"
#include "nn/circulant.h"
#include "nn/executor.h"
#include "tensor/circulant.h"

#include <math.h>

/* A layer with everything that goes in and comes out, and what comes out of
 * the expansion. */
struct layer {
    stn_conv_shape s;
    int p, oh, ow;
    size_t rows, cols, area, n_x, n_y, n_w;
    float *x, *w, *bias, *y, *dy, *dx, *dw, *dbias;
    double *y_dense, *dx_dense, *dw_dense, *dbias_dense;
};

static float *noise(stn_rng *rng, size_t n)
{
    float *v = malloc(n * sizeof(*v));

    for (size_t i = 0; i < n; i++)
        v[i] = stn_rng_normal(rng);
    return v;
}

static void make(struct layer *l, stn_conv_shape s, int p)
{
    stn_rng rng = stn_rng_make(7, STN_RNG_TEST, (uint64_t)p);
    size_t n = (size_t)s.n, out = (size_t)s.out;

    *l = (struct layer){.s = s, .p = p};
    l->oh = (s.h + 2 * s.pad - s.kernel) / s.stride + 1;
    l->ow = (s.w + 2 * s.pad - s.kernel) / s.stride + 1;
    l->rows = (out + (size_t)p - 1) / (size_t)p;
    l->cols = ((size_t)s.c + (size_t)p - 1) / (size_t)p;
    l->area = (size_t)(s.kernel * s.kernel);
    l->n_x = n * (size_t)(s.h * s.w * s.c);
    l->n_y = n * (size_t)(l->oh * l->ow) * out;
    l->n_w = l->rows * l->area * l->cols * (size_t)p;
    l->x = noise(&rng, l->n_x);
    l->w = noise(&rng, l->n_w);
    l->bias = noise(&rng, out);
    l->dy = noise(&rng, l->n_y);
    l->y = malloc(l->n_y * sizeof(float));
    l->dx = malloc(l->n_x * sizeof(float));
    l->dw = malloc(l->n_w * sizeof(float));
    l->dbias = malloc(out * sizeof(float));
    l->y_dense = calloc(l->n_y, sizeof(double));
    l->dx_dense = calloc(l->n_x, sizeof(double));
    l->dw_dense = calloc(l->n_w, sizeof(double));
    l->dbias_dense = calloc(out, sizeof(double));
}

static void release(struct layer *l)
{
    free(l->x);
    free(l->w);
    free(l->bias);
    free(l->dy);
    free(l->y);
    free(l->dx);
    free(l->dw);
    free(l->dbias);
    free(l->y_dense);
    free(l->dx_dense);
    free(l->dw_dense);
    free(l->dbias_dense);
}

/* The definition: dense weight (o, a, c) is value (o - c) mod p of its block.
 */
static size_t value_of(const struct layer *l, int o, size_t a, int c)
{
    int t = ((o - c) % l->p + l->p) % l->p;
    size_t row = (size_t)(o / l->p) * l->area + a;

    return (row * l->cols + (size_t)(c / l->p)) * (size_t)l->p + (size_t)t;
}

/* One output pixel of the expansion, forward and backward. */
static void expand_pixel(struct layer *l, size_t m, int n, int r, int q)
{
    const stn_conv_shape *s = &l->s;

    for (int o = 0; o < s->out; o++) {
        size_t y = m * (size_t)s->out + (size_t)o;

        l->y_dense[y] += (double)l->bias[o];
        l->dbias_dense[o] += (double)l->dy[y];
        for (size_t a = 0; a < l->area; a++) {
            int i = r * s->stride - s->pad + (int)a / s->kernel;
            int j = q * s->stride - s->pad + (int)a % s->kernel;

            if (i < 0 || i >= s->h || j < 0 || j >= s->w)
                continue;
            for (int c = 0; c < s->c; c++) {
                size_t x = (size_t)(((n * s->h + i) * s->w + j) * s->c + c);
                size_t w = value_of(l, o, a, c);

                l->y_dense[y] += (double)l->w[w] * (double)l->x[x];
                l->dx_dense[x] += (double)l->w[w] * (double)l->dy[y];
                l->dw_dense[w] += (double)l->x[x] * (double)l->dy[y];
            }
        }
    }
}

static void expand(struct layer *l)
{
    size_t m = 0;

    for (int n = 0; n < l->s.n; n++)
        for (int r = 0; r < l->oh; r++)
            for (int q = 0; q < l->ow; q++)
                expand_pixel(l, m++, n, r, q);
}

static void run(struct layer *l)
{
    stn_circulant *plan;
    stn_circulant_needs needs;
    stn_circulant_gradients to = {l->dx, l->dw, l->dbias};
    stn_error err;
    float *scratch, *saved;

    assert_ok(stn_circulant_create(&l->s, l->p, true, &plan, &needs, &err),
              err);
    scratch = malloc(needs.scratch * sizeof(float));
    saved = malloc(needs.saved * sizeof(float));
    stn_circulant_prepare(plan, l->w, scratch);
    stn_circulant_forward(plan, l->x, l->bias, l->y, saved, scratch);
    stn_circulant_backward(plan, l->dy, saved, &to, scratch);
    stn_circulant_destroy(plan);
    free(scratch);
    free(saved);
}

/* Within 1e-5 of the largest. */
static void assert_near(size_t n, const float *got, const double *expected,
                        const char *what, const struct layer *l)
{
    double most = 0;

    for (size_t i = 0; i < n; i++)
        most = fmax(most, fabs(expected[i]));
    for (size_t i = 0; i < n; i++)
        if (!(fabs((double)got[i] - expected[i]) <= 1e-5 * most))
            fail_msg("%s[%zu] is %g, expected %g; %d to %d, p = %d, kernel %d",
                     what, i, (double)got[i], expected[i], l->s.c, l->s.out,
                     l->p, l->s.kernel);
}

static void check(stn_conv_shape s, int p)
{
    struct layer l;

    make(&l, s, p);
    expand(&l);
    run(&l);
    assert_near(l.n_y, l.y, l.y_dense, "y", &l);
    assert_near(l.n_x, l.dx, l.dx_dense, "dx", &l);
    assert_near(l.n_w, l.dw, l.dw_dense, "dw", &l);
    assert_near((size_t)s.out, l.dbias, l.dbias_dense, "dbias", &l);
    /* Values that no weight has are never moved, not even by rounding. */
    for (size_t i = 0; i < l.n_w; i++)
        if (l.dw_dense[i] == 0)
            assert_true(l.dw[i] == 0);
    release(&l);
}

static void products_and_gradients_equal_the_dense_expansion(void **unused)
{
    static const int sides[] = {2, 3, 4, 5, 7, 8, 11, 16, 30, 64};

    (void)unused;
    for (size_t k = 0; k < sizeof(sides) / sizeof(sides[0]); k++) {
        int p = sides[k];
        stn_conv_shape s = {.n = 3, .h = 1, .w = 1, .kernel = 1, .stride = 1};

        s.c = 2 * p, s.out = 3 * p; /* whole blocks */
        check(s, p);
        s.c = p, s.out = p; /* one block */
        check(s, p);
        s.c = 2 * p + 1, s.out = p + p / 2; /* cut off on both sides */
        check(s, p);
        s.n = 1;
        check(s, p);
    }
}

static void convolutions_equal_the_dense_expansion(void **unused)
{
    static const int sides[] = {2, 3, 4, 8};

    (void)unused;
    for (size_t k = 0; k < sizeof(sides) / sizeof(sides[0]); k++)
        for (int kernel = 1; kernel <= 5; kernel += 2)
            for (int stride = 1; stride <= 2; stride++)
                for (int pad = 0; pad < kernel; pad += 2)
                    check((stn_conv_shape){.n = 2,
                                           .h = 6,
                                           .w = 7,
                                           .c = 10,
                                           .out = 9,
                                           .kernel = kernel,
                                           .stride = stride,
                                           .pad = pad},
                          sides[k]);
}

/* x = e_0 reads the first column; the other convention would reverse it. */
static void a_block_is_given_by_its_first_column(void **unused)
{
    struct layer l;
    stn_conv_shape s = {
        .n = 1, .h = 1, .w = 1, .c = 4, .out = 4, .kernel = 1, .stride = 1};

    (void)unused;
    make(&l, s, 4);
    for (int i = 0; i < 4; i++) {
        l.x[i] = i == 0;
        l.bias[i] = 0;
    }
    run(&l);
    for (int i = 0; i < 4; i++)
        assert_float_equal(l.y[i], l.w[i], 1e-6f);
    release(&l);
}

static const char network_text[] =
    "name: tiny\n"
    "input: {height: 6, width: 5, channels: 1}\n"
    "layers:\n"
    "  - normalise: {mean: 0.5, std: 0.25}\n"
    "  - conv: {name: stem, out: 7, kernel: 3, pad: 1}\n"
    "  - relu\n"
    "  - conv: {name: body, out: 6, kernel: 3, stride: 2, bias: true}\n"
    "  - relu\n"
    "  - linear: {name: fc, out: 9, bias: true}\n"
    "  - relu\n"
    "  - linear: {name: last, out: 4, bias: false}\n";

struct network {
    stn_yaml_document *document;
    stn_graph *graph;
};

static void build(struct network *n)
{
    stn_error err;

    assert_ok(stn_yaml_parse("tiny.yaml", network_text, &n->document, &err),
              err);
    assert_ok(
        stn_graph_build(stn_yaml_root(n->document), NULL, &n->graph, &err),
        err);
    stn_graph_init(n->graph, 5);
}

static void destroy(struct network *n)
{
    stn_graph_destroy(n->graph);
    stn_yaml_destroy(n->document);
}

static stn_param *weight_of(const struct network *n, const char *name)
{
    return &n->graph->params[stn_graph_node(n->graph, name)->params[0]];
}

static void fold(struct network *n, const char *name, int p)
{
    stn_error err;

    assert_ok(
        stn_node_fold_circulant(
            n->graph, (stn_node *)stn_graph_node(n->graph, name), p, &err),
        err);
}

static void fetch(void *context, int first, int n, uint8_t *pixels,
                  uint8_t *labels)
{
    (void)context;
    for (int i = 0; i < n; i++) {
        stn_rng rng = stn_rng_make(11, STN_RNG_TEST, (uint64_t)(first + i));

        for (int k = 0; k < 30; k++)
            pixels[i * 30 + k] = (uint8_t)stn_rng_below(&rng, 256);
        labels[i] = (uint8_t)stn_rng_below(&rng, 4);
    }
}

static double train_step(const struct network *n, int threads)
{
    stn_pool *pool;
    stn_executor *executor;
    stn_executor_result result;
    stn_executor_batch batch = {.fetch = fetch, .n = 8};
    stn_error err;

    assert_ok(stn_pool_create(threads, stn_executor_thread_init, &pool, &err),
              err);
    assert_ok(stn_executor_create(n->graph, pool, 8, 4, true, &executor, &err),
              err);
    stn_executor_train(executor, &batch, &result);
    stn_executor_destroy(executor);
    stn_pool_destroy(pool);
    return result.loss_sum;
}

/* The dense weight that a folded one stands for. */
static void unfold(const stn_node *node, const stn_param *from, stn_param *to)
{
    size_t area = (size_t)stn_weight_shape_of(to).area, k = 0;
    int in = stn_weight_shape_of(to).in, p = node->circulant;
    size_t cols = (size_t)stn_weight_shape_of(from).in;

    for (int o = 0; o < node->out.c; o++)
        for (size_t a = 0; a < area; a++)
            for (int c = 0; c < in; c++)
                to->latent[k++] =
                    from->latent[((size_t)(o / p) * area + a) * cols +
                                 stn_circulant_column(p, o, c)];
}

/* The gradient of a shared value is the sum of those of its weights: p times
 * their mean, in whole blocks. */
static void a_network_learns_like_its_dense_expansion(void **unused)
{
    static const char *const names[] = {"body", "fc", "last"};
    static const int sides[] = {3, 9, 3};
    struct network folded, dense;

    (void)unused;
    build(&folded);
    build(&dense);
    for (int i = 0; i < 3; i++) {
        fold(&folded, names[i], sides[i]);
        unfold(stn_graph_node(folded.graph, names[i]),
               weight_of(&folded, names[i]), weight_of(&dense, names[i]));
    }
    double loss = train_step(&folded, 2);
    double expected = train_step(&dense, 1);
    assert_true(fabs(loss - expected) < 1e-5 * expected);
    for (int i = 0; i < folded.graph->n_params; i++) {
        const stn_param *p = &folded.graph->params[i];
        const stn_param *q = &dense.graph->params[i];
        double sum = 0, sum_dense = 0, moment = 0, moment_dense = 0;

        for (size_t k = 0; k < p->count; k++) {
            sum += (double)p->grad[k];
            moment += (double)p->grad[k] * (double)p->latent[k];
        }
        for (size_t k = 0; k < q->count; k++) {
            sum_dense += (double)q->grad[k];
            moment_dense += (double)q->grad[k] * (double)q->latent[k];
        }
        assert_true(fabs(sum - sum_dense) < 1e-5);
        assert_true(fabs(moment - moment_dense) < 1e-5);
    }
    destroy(&folded);
    destroy(&dense);
}

static void threads_do_not_change_a_bit(void **unused)
{
    struct network a, b;

    (void)unused;
    build(&a);
    build(&b);
    fold(&a, "fc", 4);
    fold(&b, "fc", 4);
    assert_true(train_step(&a, 1) == train_step(&b, 3));
    assert_memory_equal(weight_of(&a, "fc")->grad, weight_of(&b, "fc")->grad,
                        weight_of(&a, "fc")->count * sizeof(float));
    destroy(&a);
    destroy(&b);
}

/* 9 outputs of 24 inputs in blocks of 4: 3 x 6 blocks, the last row of which
 * is cut off after one filter. */
static void folding_takes_means_along_wrapped_diagonals(void **unused)
{
    struct network n;
    float dense[9 * 24];
    const stn_node *node;
    const stn_param *w;

    (void)unused;
    build(&n);
    node = stn_graph_node(n.graph, "fc");
    w = weight_of(&n, "fc");
    assert_int_equal(w->count, 9 * 24);
    fold(&n, "fc", 4);
    assert_int_equal(w->count, 3 * 24);
    assert_int_equal(w->dims[0], 3);
    assert_int_equal(w->dims[1], 24);
    assert_int_equal(stn_node_dense_count(node, w), 9 * 24);
    for (int k = 0; k < 9 * 24; k++)
        dense[k] = (float)k;
    stn_node_project_circulant(node, w, dense);
    /* Block (0, 1), value 1: rows 1, 2, 3, 0 at columns 4, 5, 6, 7. */
    assert_true(w->latent[5] ==
                (float)((24 + 4) + (2 * 24 + 5) + (3 * 24 + 6) + 7) / 4);
    /* Row of blocks 2 is filter 8 alone: value t stands at column (4 - t). */
    assert_true(w->latent[2 * 24 + 0] == 8 * 24);
    assert_true(w->latent[2 * 24 + 1] == 8 * 24 + 3);
    assert_true(w->latent[2 * 24 + 3] == 8 * 24 + 1);
    destroy(&n);
}

static void folding_keeps_the_variance_of_initial_weights(void **unused)
{
    struct network n;
    const stn_param *w;
    double before = 0, after = 0, used = 0;

    (void)unused;
    build(&n);
    w = weight_of(&n, "body");
    for (size_t k = 0; k < w->count; k++)
        before += (double)w->latent[k] * (double)w->latent[k];
    before /= (double)w->count;
    fold(&n, "body", 3);
    for (size_t k = 0; k < w->count; k++) {
        after += (double)w->latent[k] * (double)w->latent[k];
        used += w->latent[k] != 0;
    }
    after /= used;
    assert_true(after > 0.75 * before && after < 1.33 * before);
    destroy(&n);
}

static stn_status compress(struct network *n, const char *rules,
                           stn_compression **out, stn_yaml_document **document,
                           stn_error *err)
{
    stn_error unexpected;

    assert_ok(stn_yaml_parse("rules.yaml", rules, document, &unexpected),
              unexpected);
    return stn_compression_create(n->graph, stn_yaml_root(*document), NULL, 1,
                                  out, err);
}

/* Gradients of first columns, which a step has left, go through the rule of
 * the quantiser as those of any weights do. */
static void assert_quantiser_rule(stn_compression *c, stn_pool *pool)
{
    static float expected[2][4000];

    for (int i = 0; i < c->n; i++) {
        const stn_binding *b = &c->bindings[i];
        stn_quantiser_call call = {.attrs = b->quantiser_attrs,
                                   .shape = b->shape,
                                   .latent = b->param->latent,
                                   .learned =
                                       b->learned ? b->learned->latent[0] : 0};

        assert_true(b->param->count <= 4000);
        memcpy(expected[i], b->param->grad, b->param->count * sizeof(float));
        stn_quantiser_backward(b->quantiser, &call, expected[i]);
    }
    stn_compression_backward(c, pool, false);
    for (int i = 0; i < c->n; i++)
        assert_memory_equal(c->bindings[i].param->grad, expected[i],
                            c->bindings[i].param->count * sizeof(float));
}

static void every_quantiser_and_penalty_works_on_first_columns(void **unused)
{
    (void)unused;
    for (int q = 0; stn_quantiser_types[q]; q++)
        for (int k = 0; stn_penalty_types[k]; k++) {
            struct network n;
            stn_compression *c;
            stn_yaml_document *document;
            stn_pool *pool;
            stn_error err;
            char rules[256];
            const char *reason =
                senseless(stn_quantiser_types[q]->name,
                          stn_penalty_types[k]->name, "circulant");

            snprintf(rules, sizeof(rules),
                     "- {layers: \"[bf]*\", quantiser: %s, penalty: %s, group: "
                     "2, structure: {circulant: {p: 3}}}\n",
                     stn_quantiser_types[q]->name, stn_penalty_types[k]->name);
            build(&n);
            if (reason) {
                assert_refused(compress(&n, rules, &c, &document, &err), err,
                               STN_E_FORMAT, reason);
                stn_yaml_destroy(document);
                destroy(&n);
                continue;
            }
            assert_ok(stn_pool_create(1, NULL, &pool, &err), err);
            assert_ok(compress(&n, rules, &c, &document, &err), err);
            assert_int_equal(c->n, 2);
            assert_int_equal(c->bindings[0].shape.out, 2);
            assert_int_equal(c->bindings[0].shape.in, 9);
            for (int step = 0; step < 3; step++) {
                stn_compression_apply(c, pool);
                train_step(&n, 1);
                assert_quantiser_rule(c, pool);
                stn_compression_backward(c, pool, true);
                stn_compression_turn(c, pool, step, 2);
                for (size_t w = 0; w < c->bindings[0].param->count; w++)
                    assert_true(isfinite(c->bindings[0].param->grad[w]));
            }
            stn_compression_apply(c, pool);
            assert_penalty_slopes(c, pool);
            stn_compression_destroy(c);
            stn_yaml_destroy(document);
            stn_pool_destroy(pool);
            destroy(&n);
        }
}

static void what_has_no_circulant_form_is_refused(void **unused)
{
    static const struct {
        const char *layers, *part;
        stn_status status;
    } cases[] = {
        {"stem", "one input channel", STN_E_FORMAT},
        {"last", "1 to the smaller of rows and columns", STN_E_FORMAT},
    };

    (void)unused;
    for (size_t k = 0; k < 2; k++) {
        struct network n;
        stn_compression *c;
        stn_yaml_document *document;
        stn_error err;
        char rules[256];

        snprintf(rules, sizeof(rules),
                 "- {layers: %s, quantiser: uniform, structure: {circulant: "
                 "{p: 5}}}\n",
                 cases[k].layers);
        build(&n);
        assert_refused(compress(&n, rules, &c, &document, &err), err,
                       cases[k].status, cases[k].part);
        stn_yaml_destroy(document);
        destroy(&n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_and_gradients_equal_the_dense_expansion),
        cmocka_unit_test(convolutions_equal_the_dense_expansion),
        cmocka_unit_test(a_block_is_given_by_its_first_column),
        cmocka_unit_test(a_network_learns_like_its_dense_expansion),
        cmocka_unit_test(threads_do_not_change_a_bit),
        cmocka_unit_test(folding_takes_means_along_wrapped_diagonals),
        cmocka_unit_test(folding_keeps_the_variance_of_initial_weights),
        cmocka_unit_test(every_quantiser_and_penalty_works_on_first_columns),
        cmocka_unit_test(what_has_no_circulant_form_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
