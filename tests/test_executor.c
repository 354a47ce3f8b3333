/* SPDX-License-Identifier: MIT
 *
 * Whole passes: same bits for any number of threads, gradients of the loss,
 * training that learns, evaluation, and convolution against its definition. */
#include "test.h"
#include "base/rng.h"
#include "nn/executor.h"
#include "nn/loss.h"
#include "nn/ops.h"
#include "tensor/onednn.h"
#include <math.h>

#define BATCH 12

/* Branches that meet twice, both barriers, every kind of reduction. */
static const char mixed[] =
    "name: mixed\ninput: {height: 9, width: 8, channels: 3}\nlayers:\n"
    "  - normalise: {mean: 0.5, std: 0.25}\n"
    "  - conv: {name: stem, out: 8, kernel: 3, pad: 1}\n"
    "  - batch_norm: {name: n1}\n"
    "  - relu: {name: r1}\n"
    "  - depthwise: {multiplier: 2, kernel: 3, pad: 1}\n"
    "  - conv: {name: pw, out: 8, kernel: 1}\n"
    "  - add: {from: [pw, r1]}\n"
    "  - batch_norm: {name: n2}\n"
    "  - add: {name: again, from: [n2, r1]}\n"
    "  - max_pool:\n"
    "  - linear: {out: 5}\n";

static const char quantised[] =
    "name: quantised\ninput: {height: 8, width: 8, channels: 1}\nlayers:\n"
    "  - normalise: {mean: 0.5, std: 0.5}\n"
    "  - quantise: {name: q0, bits: 8, signed: true, fixed: 1}\n"
    "  - dropout: {rate: 0.25}\n"
    "  - conv: {out: 6, kernel: 3, bias: true}\n"
    "  - batch_norm:\n"
    "  - relu:\n"
    "  - quantise: {name: q1, bits: 8}\n"
    "  - linear: {out: 5}\n";

/* Time begins, batch-norm works over it, neurons fire, time ends. */
static const char spiking[] =
    "name: spiking\ninput: {height: 8, width: 8, channels: 1}\nlayers:\n"
    "  - rate_code: {steps: 6}\n"
    "  - conv: {out: 6, kernel: 3}\n"
    "  - batch_norm:\n"
    "  - lif:\n"
    "  - avg_pool: {kernel: 2}\n"
    "  - linear: {out: 5}\n"
    "  - mean_steps:\n";

/* The same without neurons: its loss has the gradient that differences see. */
static const char rates[] =
    "name: rates\ninput: {height: 8, width: 8, channels: 1}\nlayers:\n"
    "  - rate_code: {steps: 3}\n"
    "  - conv: {name: c1, out: 6, kernel: 3}\n"
    "  - batch_norm: {name: n1}\n"
    "  - conv: {out: 6, kernel: 3, pad: 1}\n"
    "  - add: {from: [conv, n1]}\n"
    "  - mean_steps:\n"
    "  - linear: {out: 5}\n";

/* Both operators that compute the relu behind them, one of them adding its
 * gradient to another's; with %s between, they cannot. */
static const char absorbing[] =
    "name: absorbing\ninput: {height: 9, width: 8, channels: 3}\nlayers:\n"
    "  - normalise: {mean: 0.5, std: 0.25}\n"
    "  - conv: {name: stem, out: 16, kernel: 3, pad: 1}\n"
    "  - batch_norm: {name: n1}\n%s"
    "  - relu: {name: r1}\n"
    "  - conv: {name: c2, out: 16, kernel: 3, pad: 1}\n"
    "  - batch_norm: {name: n2}\n"
    "  - add: {name: a1, from: [n2, r1]}\n%s"
    "  - relu: {name: r2}\n"
    "  - batch_norm: {name: n3, from: r2}\n%s"
    "  - relu: {name: r3}\n"
    "  - add: {name: a2, from: [r3, r1]}\n%s"
    "  - relu: {name: r4}\n"
    "  - linear: {out: 5}\n";

/* The same linear map in training and in evaluation. */
static const char plain[] =
    "name: plain\ninput: {height: 8, width: 8, channels: 1}\nlayers:\n"
    "  - normalise: {mean: 0.5, std: 0.5}\n"
    "  - conv: {out: 6, kernel: 3, bias: true}\n"
    "  - avg_pool: {kernel: 2}\n"
    "  - linear: {out: 5}\n";

typedef struct rig {
    stn_yaml_document *document;
    stn_graph *graph;
    stn_pool *pool;
    stn_executor *executor;
} rig;

static void set_up(rig *r, const char *text, int threads, int shards)
{
    stn_error err;
    assert_ok(stn_yaml_parse("net.yaml", text, &r->document, &err), err);
    assert_ok(
        stn_graph_build(stn_yaml_root(r->document), NULL, &r->graph, &err),
        err);
    stn_graph_init(r->graph, 3);
    assert_ok(
        stn_pool_create(threads, stn_executor_thread_init, &r->pool, &err),
        err);
    assert_ok(stn_executor_create(r->graph, r->pool, BATCH, shards, true,
                                  &r->executor, &err),
              err);
}

static void tear_down(rig *r)
{
    stn_executor_destroy(r->executor);
    stn_pool_destroy(r->pool);
    stn_graph_destroy(r->graph);
    stn_yaml_destroy(r->document);
}

/* Noise with a class-dependent brightness. */
static void fetch(void *context, int first, int n, uint8_t *pixels,
                  uint8_t *labels)
{
    const stn_graph *graph = ((rig *)context)->graph;
    const size_t count = stn_shape_count(graph->input);
    for (int i = 0; i < n; i++) {
        const uint64_t picture = (uint64_t)(first + i);
        stn_rng rng = stn_rng_make(5, STN_RNG_TEST, picture);
        labels[i] = (uint8_t)(picture % 5);
        for (size_t j = 0; j < count; j++)
            pixels[(size_t)i * count + j] =
                (uint8_t)(stn_rng_below(&rng, 100) + 30u * labels[i]);
    }
}

static stn_executor_batch batch_of(rig *r, uint64_t step)
{
    return (stn_executor_batch){.fetch = fetch,
                                .context = r,
                                .n = BATCH,
                                .seed = 1,
                                .step = step,
                                .label_smoothing = 0.1f};
}

static stn_executor_result train(rig *r, uint64_t step)
{
    const stn_executor_batch batch = batch_of(r, step);
    stn_executor_result result;
    stn_executor_train(r->executor, &batch, &result);
    return result;
}

static void descend(rig *r, float rate)
{
    for (int i = 0; i < r->graph->n_params; i++) {
        const stn_param *p = &r->graph->params[i];
        for (size_t j = 0; p->grad && j < p->count; j++)
            p->latent[j] -= rate * p->grad[j];
    }
}

static void any_number_of_threads_gives_the_same_bits(void **state)
{
    (void)state;
    static const char *const nets[] = {mixed, quantised, spiking};
    for (int k = 0; k < 3; k++) {
        rig first;
        stn_executor_result a = {0};
        set_up(&first, nets[k], 1, 4);
        for (uint64_t step = 0; step < 3; step++) {
            a = train(&first, step);
            descend(&first, 0.1f);
        }
        for (int threads = 2; threads <= 3; threads++) {
            rig other;
            stn_executor_result b = {0};
            set_up(&other, nets[k], threads, 4);
            for (uint64_t step = 0; step < 3; step++) {
                b = train(&other, step);
                descend(&other, 0.1f);
            }
            assert_true(a.loss_sum == b.loss_sum);
            assert_int_equal(a.n_correct, b.n_correct);
            for (int i = 0; i < first.graph->n_params; i++) {
                const stn_param *p = &first.graph->params[i];
                assert_memory_equal(p->latent, other.graph->params[i].latent,
                                    p->count * sizeof(float));
            }
            tear_down(&other);
        }
        tear_down(&first);
    }
}

static void absorbed_relu_gives_the_bits_of_its_own_node(void **state)
{
    (void)state;
    static const char apart[] = "  - quantise: {bits: 0}\n";
    char text[2][2048];
    rig r[2];
    for (int k = 0; k < 2; k++) {
        const char *between = k ? apart : "";
        snprintf(text[k], sizeof text[k], absorbing, between, between, between,
                 between);
        set_up(&r[k], text[k], 2, 3);
        for (uint64_t step = 0; step < 3; step++) {
            train(&r[k], step);
            descend(&r[k], 0.05f);
        }
    }
    for (int i = 0; i < r[0].graph->n_params; i++) {
        const stn_param *p = &r[0].graph->params[i];
        const stn_param *q = &r[1].graph->params[i];
        assert_string_equal(p->name, q->name);
        assert_memory_equal(p->latent, q->latent, p->count * sizeof(float));
    }
    const stn_executor_batch batch = batch_of(&r[0], 0);
    stn_executor_result a, b;
    stn_executor_evaluate(r[0].executor, &batch, &a);
    stn_executor_evaluate(r[1].executor, &batch, &b);
    assert_true(a.loss_sum == b.loss_sum);
    tear_down(&r[0]);
    tear_down(&r[1]);
}

/* The shards' cut changes rounding only. */
static void shards_agree_up_to_rounding(void **state)
{
    (void)state;
    rig one, six;
    set_up(&one, mixed, 1, 1);
    set_up(&six, mixed, 2, 6);
    const double a = train(&one, 0).loss_sum, b = train(&six, 0).loss_sum;
    assert_true(fabs(a - b) < 1e-4);
    for (int i = 0; i < one.graph->n_params; i++) {
        const stn_param *p = &one.graph->params[i];
        for (size_t j = 0; p->grad && j < p->count; j++)
            assert_true(fabsf(p->grad[j] - six.graph->params[i].grad[j]) <
                        1e-4f * (1 + fabsf(p->grad[j])));
    }
    tear_down(&one);
    tear_down(&six);
}

static void check_gradient(const char *net)
{
    rig r;
    set_up(&r, net, 1, 3);
    train(&r, 0);
    stn_rng rng = stn_rng_make(2, STN_RNG_TEST, 0);
    for (int i = 0; i < r.graph->n_params; i++) {
        stn_param *p = &r.graph->params[i];
        for (int try = 0; p->grad && try < 6; try++) {
            const size_t j = stn_rng_below(&rng, (uint32_t)p->count);
            const float kept = p->latent[j];
            train(&r, 0);
            const double analytic = (double)p->grad[j], step = 2e-3;
            p->latent[j] = (float)((double)kept + step);
            const double above = train(&r, 0).loss_sum;
            p->latent[j] = (float)((double)kept - step);
            const double below = train(&r, 0).loss_sum;
            p->latent[j] = kept;
            const double numeric = (above - below) / (2 * step * BATCH);
            if (!(fabs(numeric - analytic) < 5e-3 + 0.05 * fabs(numeric)))
                fail_msg("d %s[%zu] is %g, differences say %g", p->name, j,
                         analytic, numeric);
        }
    }
    tear_down(&r);
}

static void gradient_is_that_of_the_mean_loss(void **state)
{
    (void)state;
    check_gradient(mixed);
    check_gradient(rates);
}

static void a_few_steps_lower_the_loss(void **state)
{
    (void)state;
    static const char *const nets[] = {mixed, quantised, plain, spiking};
    for (int k = 0; k < 4; k++) {
        rig r;
        set_up(&r, nets[k], 2, 3);
        const double before = train(&r, 0).loss_sum;
        for (uint64_t step = 1; step < 20; step++) {
            descend(&r, nets[k] == spiking ? 0.3f : 0.05f);
            train(&r, step);
        }
        assert_true(train(&r, 20).loss_sum < 0.9 * before);
        assert_null(stn_executor_find_nonfinite(r.executor));
        tear_down(&r);
    }
}

static void evaluation_repeats_training_without_random_layers(void **state)
{
    (void)state;
    rig r;
    set_up(&r, plain, 2, 3);
    const stn_executor_result a = train(&r, 0);
    stn_executor_batch batch = batch_of(&r, 0);
    stn_executor_result b;
    float logits[BATCH * 5];
    batch.logits = logits;
    stn_executor_evaluate(r.executor, &batch, &b);
    assert_true(a.loss_sum == b.loss_sum && a.n_correct == b.n_correct);
    const int last = r.graph->n_nodes - 1;
    assert_memory_equal(logits + 4 * 5,
                        stn_executor_output(r.executor, last, 1),
                        4 * 5 * sizeof(float));

    /* Pictures past n are ignored. */
    batch.n = 5;
    double sum = 0.0;
    const stn_loss loss = {.classes = 5, .smoothing = 0.1f, .scale = 1};
    for (int i = 0; i < 5; i++) {
        bool correct;
        sum += stn_loss_softmax(&loss, logits + 5 * i, (uint8_t)(i % 5), NULL,
                                &correct);
    }
    stn_executor_evaluate(r.executor, &batch, &b);
    assert_true(fabs(sum - b.loss_sum) < 1e-9);
    tear_down(&r);
}

static void running_statistics_follow_the_batch(void **state)
{
    (void)state;
    rig r;
    set_up(&r, mixed, 1, 3);
    stn_executor_batch batch = batch_of(&r, 0);
    stn_executor_result trained, evaluated;
    for (int i = 0; i < 200; i++)
        stn_executor_train(r.executor, &batch, &trained);
    stn_executor_evaluate(r.executor, &batch, &evaluated);
    /* Only the unbiased variance differs, by one in 12 * 72 pixels. */
    assert_true(fabs(trained.loss_sum - evaluated.loss_sum) <
                0.01 * trained.loss_sum);
    tear_down(&r);
}

static void first_range_is_the_first_batchs_largest_value(void **state)
{
    (void)state;
    rig r;
    set_up(&r, quantised, 1, 3);
    const stn_param *range = stn_graph_param(r.graph, "q1.range");
    assert_true(range->latent[0] == 0.0f);
    train(&r, 0);
    const stn_node *q1 = stn_graph_node(r.graph, "q1");
    const int index = (int)(q1 - r.graph->nodes);
    float largest = 0.0f;
    for (int s = 0; s < 3; s++) {
        const float *y = stn_executor_output(r.executor, index, s);
        for (size_t i = 0; i < 4 * 6 * 6 * 6; i++)
            largest = fmaxf(largest, y[i]);
    }
    assert_true(range->latent[0] == largest);
    assert_true(stn_graph_param(r.graph, "q0.range")->latent[0] == 1.0f);
    /* From the second step on every value is a multiple of the scale. */
    train(&r, 1);
    const float *y = stn_executor_output(r.executor, index, 0);
    const float scale = largest / 255;
    for (size_t i = 0; i < 6 * 6 * 6; i++)
        assert_true(y[i] == scale * rintf(y[i] / scale));
    tear_down(&r);
}

static void first_nonfinite_layer_is_named(void **state)
{
    (void)state;
    rig r;
    set_up(&r, mixed, 1, 3);
    stn_graph_param(r.graph, "pw.weight")->latent[0] = INFINITY;
    train(&r, 0);
    assert_string_equal(stn_executor_find_nonfinite(r.executor), "pw");
    tear_down(&r);
}

static void uneven_shards_are_refused(void **state)
{
    (void)state;
    rig r;
    stn_error err;
    stn_executor *executor;
    set_up(&r, plain, 1, 1);
    assert_refused(
        stn_executor_create(r.graph, r.pool, 10, 3, true, &executor, &err), err,
        STN_E_ARGUMENT, "10 pictures cannot be cut into 3");
    tear_down(&r);
}

/* y[n, oy, ox, o] by the definition, in double. */
static double naive(const stn_conv_shape *s, const float *x, const float *w,
                    int n, int oy, int ox, int o)
{
    double sum = 0.0;
    for (int ky = 0; ky < s->kernel; ky++)
        for (int kx = 0; kx < s->kernel; kx++)
            for (int c = 0; c < s->c; c++) {
                const int iy = oy * s->stride - s->pad + ky;
                const int ix = ox * s->stride - s->pad + kx;
                if (iy < 0 || iy >= s->h || ix < 0 || ix >= s->w)
                    continue;
                const int at = ((n * s->h + iy) * s->w + ix) * s->c + c;
                const int wt =
                    ((o * s->kernel + ky) * s->kernel + kx) * s->c + c;
                sum += (double)x[at] * (double)w[wt];
            }
    return sum;
}

static float *normals(size_t n, uint64_t stream)
{
    float *values = stn_alloc(n, sizeof *values);
    assert_non_null(values);
    stn_rng rng = stn_rng_make(9, STN_RNG_TEST, stream);
    for (size_t i = 0; i < n; i++)
        values[i] = stn_rng_normal(&rng);
    return values;
}

static void check_conv(const stn_conv_shape *s)
{
    stn_error err;
    stn_conv_plan *plan;
    const int oh = (s->h + 2 * s->pad - s->kernel) / s->stride + 1;
    const int ow = (s->w + 2 * s->pad - s->kernel) / s->stride + 1;
    const size_t n_y = (size_t)(s->n * oh * ow * s->out);
    assert_ok(stn_conv_plan_create(s, false, &plan, &err), err);
    float *x = normals((size_t)(s->n * s->h * s->w * s->c), 1);
    float *w = normals((size_t)(s->out * s->kernel * s->kernel * s->c), 2);
    float *bias = normals((size_t)s->out, 3), *y = normals(n_y, 4);
    float *scratch = stn_alloc(stn_conv_plan_scratch(plan), sizeof *scratch);
    stn_conv_prepare(plan, w, scratch);
    stn_conv_forward(plan, x, s->bias ? bias : NULL, y, scratch);
    for (int i = 0; i < (int)n_y; i += 7) {
        const int o = i % s->out, ox = i / s->out % ow;
        const int oy = i / s->out / ow % oh, n = i / s->out / ow / oh;
        const double expected =
            naive(s, x, w, n, oy, ox, o) + (s->bias ? (double)bias[o] : 0.0);
        if (!(fabs(expected - (double)y[i]) < 1e-3))
            fail_msg("conv %dx%dx%d -> %d: y[%d] is %g, expected %g", s->h,
                     s->w, s->c, s->out, i, (double)y[i], expected);
    }
    stn_free(x), stn_free(w), stn_free(bias), stn_free(y), stn_free(scratch);
    stn_conv_plan_destroy(plan);
}

static void convolution_follows_its_definition(void **state)
{
    (void)state;
    static const stn_conv_shape list[] = {
        {.n = 2,
         .h = 8,
         .w = 7,
         .c = 16,
         .out = 16,
         .kernel = 3,
         .stride = 1,
         .pad = 1},
        {.n = 1,
         .h = 9,
         .w = 9,
         .c = 32,
         .out = 16,
         .kernel = 3,
         .stride = 2,
         .pad = 1,
         .bias = true},
        {.n = 3,
         .h = 7,
         .w = 9,
         .c = 3,
         .out = 5,
         .kernel = 5,
         .stride = 2,
         .pad = 2,
         .bias = true},
        {.n = 2,
         .h = 6,
         .w = 6,
         .c = 11,
         .out = 13,
         .kernel = 1,
         .stride = 1,
         .bias = true},
        {.n = 2, .h = 6, .w = 6, .c = 8, .out = 24, .kernel = 1, .stride = 2},
        {.n = 2,
         .h = 28,
         .w = 28,
         .c = 1,
         .out = 6,
         .kernel = 5,
         .stride = 1,
         .pad = 2,
         .bias = true},
    };
    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        check_conv(&list[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_number_of_threads_gives_the_same_bits),
        cmocka_unit_test(absorbed_relu_gives_the_bits_of_its_own_node),
        cmocka_unit_test(shards_agree_up_to_rounding),
        cmocka_unit_test(gradient_is_that_of_the_mean_loss),
        cmocka_unit_test(a_few_steps_lower_the_loss),
        cmocka_unit_test(evaluation_repeats_training_without_random_layers),
        cmocka_unit_test(running_statistics_follow_the_batch),
        cmocka_unit_test(first_range_is_the_first_batchs_largest_value),
        cmocka_unit_test(first_nonfinite_layer_is_named),
        cmocka_unit_test(uneven_shards_are_refused),
        cmocka_unit_test(convolution_follows_its_definition),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
