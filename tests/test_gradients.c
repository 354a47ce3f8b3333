/* SPDX-License-Identifier: MIT
 *
 * Every operator's backward against central differences of its forward, at
 * several shapes and attributes, over two shards. A new operator fails here
 * until it has a case. */
#include "test.h"
#include "base/rng.h"
#include "nn/ops.h"
#include <math.h>
#include <sys/wait.h>
#include <unistd.h>

#define SHARDS 2
#define SHARD_N 2
#define SPACING 0.01    /* of the inputs of operators with kinks */
#define KINK_STEP 0.004 /* below half of SPACING: no kink is crossed */
#define SMOOTH_STEP 0.03
#define SAMPLES 24 /* values tried per tensor */

/* `layer` is the operator under test behind an input of h x w x c. */
typedef struct gradient_case {
    const char *op;
    int h, w, c;
    const char *layer;
} gradient_case;

/* clang-format off */
static const gradient_case cases[] = {
    {"normalise",  4, 5, 3, "normalise: {mean: [0.1, 0.2, 0.3], std: 0.01}"},
    {"normalise",  3, 3, 17, "normalise: {mean: 0.5, std: 0.5}"},
    {"conv",       6, 5, 3,  "conv: {out: 4, kernel: 3, pad: 1, bias: true}"},
    {"conv",       7, 7, 16, "conv: {out: 16, kernel: 3, pad: 1}"},
    {"conv",       6, 9, 32, "conv: {out: 48, kernel: 3}"},
    {"conv",       3, 4, 16, "conv: {out: 32, kernel: 3, pad: 2, bias: true}"},
    {"conv",       7, 6, 16, "conv: {out: 32, kernel: 3, stride: 2, pad: 1}"},
    {"conv",       8, 8, 16, "conv: {out: 32, kernel: 1, stride: 2}"},
    {"conv",       5, 5, 7,  "conv: {out: 5, kernel: 1, bias: true}"},
    {"conv",       9, 8, 1,  "conv: {out: 6, kernel: 5, pad: 2, bias: true}"},
    {"conv",       9, 9, 6,  "conv: {out: 16, kernel: 5, bias: true}"},
    {"conv",       7, 7, 5,  "conv: {out: 3, kernel: 3, stride: 3}"},
    {"conv",       6, 7, 8,  "conv: {out: 6, kernel: 3, pad: 1, groups: 2}"},
    {"conv",       5, 5, 48, "conv: {out: 32, kernel: 3, pad: 1, groups: 2, bias: true}"},
    {"conv",       4, 5, 9,  "conv: {out: 3, kernel: 1, groups: 3}"},
    {"depthwise",  6, 5, 8,  "depthwise: {kernel: 3, pad: 1}"},
    {"depthwise",  6, 7, 5,  "depthwise: {multiplier: 3, kernel: 3, pad: 1}"},
    {"depthwise",  9, 8, 16, "depthwise: {kernel: 3, stride: 2, pad: 1}"},
    {"depthwise",  9, 9, 3,  "depthwise: {multiplier: 2, kernel: 5, pad: 2}"},
    {"depthwise",  7, 9, 1,  "depthwise: {kernel: 5, stride: 3, pad: 3}"},
    {"depthwise",  3, 3, 2,  "depthwise: {kernel: 1}"},
    {"linear",     3, 2, 5,  "linear: {out: 7}"},
    {"linear",     1, 1, 9,  "linear: {out: 4, bias: false}"},
    {"batch_norm", 3, 4, 5,  "batch_norm: {epsilon: 0.1}"},
    {"batch_norm", 5, 5, 16, "batch_norm:"},
    {"batch_norm", 2, 1, 67, "batch_norm:"},
    {"relu",       3, 5, 7,  "relu:"},
    {"step",       4, 3, 5,  "step: {window: 0.8}"},
    {"step",       3, 4, 5,  "step:"},
    {"rate_code",  3, 4, 2,  "rate_code: {steps: 5}"},
    {"lif",        4, 3, 5,  "lif: {threshold: 0.3, window: 0.8}"},
    {"mean_steps", 3, 4, 5,  "mean_steps:"},
    {"quantise",   4, 4, 3,  "quantise: {bits: 4, signed: true, fixed: 1.7}"},
    {"quantise",   4, 3, 5,  "quantise: {bits: 8, fixed: 1.2}"},
    {"quantise",   4, 3, 5,  "quantise: {bits: 1, fixed: 1.0}"},
    {"quantise",   3, 4, 5,  "quantise: {bits: 0}"},
    {"max_pool",   6, 7, 5,  "max_pool: {kernel: 2}"},
    {"max_pool",   7, 7, 3,  "max_pool: {kernel: 3, stride: 2}"},
    {"max_pool",   7, 6, 3,  "max_pool: {kernel: 3, stride: 2, pad: 1}"},
    {"max_pool",   4, 5, 4,  "max_pool: {kernel: 2, stride: 3, pad: 1}"},
    {"avg_pool",   6, 7, 5,  "avg_pool: {kernel: 3, stride: 2}"},
    {"avg_pool",   4, 5, 16, "avg_pool:"},
    {"add",        3, 4, 5,  "add: {from: [in, in]}"},
    {"concat",     3, 4, 5,  "concat: {from: [in, in]}"},
    {"dropout",    3, 4, 5,  "dropout: {rate: 0.3}"},
};
/* clang-format on */
#define N_CASES (sizeof cases / sizeof *cases)

/* All the memory of one operator over two shards. */
typedef struct bed {
    stn_yaml_document *document;
    stn_graph *graph;
    const stn_node *node;
    stn_op_needs needs;
    void *plan;
    float *x[STN_NODE_INPUTS], *dx[STN_NODE_INPUTS];
    float *y, *dy, *scratch, *batch;
    float *saved[SHARDS], *stats[SHARDS];
    float *dparam[STN_NODE_PARAMS][SHARDS];
    size_t n_in, n_out; /* floats in a shard */
    stn_arena arena;
} bed;

static float *floats(bed *b, size_t n)
{
    float *block = stn_arena_alloc(&b->arena, n, sizeof(float));
    assert_non_null(block);
    return block;
}

/* Distinct values, SPACING apart, in random order around 0 but never at it. */
static void fill_grid(float *values, size_t n, uint64_t stream)
{
    stn_rng rng = stn_rng_make(1, STN_RNG_TEST, stream);
    for (size_t i = 0; i < n; i++)
        values[i] = (float)SPACING * ((float)i - (float)n / 2 + 0.5f);
    for (size_t i = n - 1; i > 0; i--) {
        const size_t j = stn_rng_below(&rng, (uint32_t)i + 1);
        const float swap = values[i];
        values[i] = values[j];
        values[j] = swap;
    }
}

static void fill_normal(float *values, size_t n, uint64_t stream)
{
    stn_rng rng = stn_rng_make(1, STN_RNG_TEST, stream);
    for (size_t i = 0; i < n; i++)
        values[i] = stn_rng_normal(&rng);
}

static bool has_kinks(const stn_op_type *type)
{
    return type == &stn_op_relu || type == &stn_op_max_pool ||
           type == &stn_op_quantise || type == &stn_op_step ||
           type == &stn_op_lif;
}

static void build(bed *b, const gradient_case *g)
{
    stn_error err;
    char text[512];
    snprintf(text, sizeof text,
             "name: t\ninput: {height: %d, width: %d, channels: %d}\n"
             "layers:\n  - %s\n  - linear: {out: 2}\n  - mean_steps:\n",
             g->h, g->w, g->c, g->layer);
    assert_ok(stn_yaml_parse("case", text, &b->document, &err), err);
    assert_ok(
        stn_graph_build(stn_yaml_root(b->document), NULL, &b->graph, &err),
        err);
    stn_graph_init(b->graph, 1);
    b->node = &b->graph->nodes[1];
    const stn_op_type *type = b->node->type;
    if (type->plan)
        assert_ok(type->plan(b->node, SHARD_N, true, &b->plan, &b->needs, &err),
                  err);
    b->n_in = SHARD_N * stn_shape_count(b->node->in[0]);
    b->n_out = SHARD_N * (size_t)b->node->steps * stn_shape_count(b->node->out);
}

static void set_up(bed *b, const gradient_case *g)
{
    *b = (bed){.document = NULL};
    build(b, g);
    for (int k = 0; k < STN_NODE_INPUTS; k++) {
        b->x[k] = floats(b, SHARDS * b->n_in);
        b->dx[k] = floats(b, SHARDS * b->n_in);
        if (has_kinks(b->node->type))
            fill_grid(b->x[k], SHARDS * b->n_in, (uint64_t)k);
        else
            fill_normal(b->x[k], SHARDS * b->n_in, (uint64_t)k);
    }
    b->y = floats(b, SHARDS * b->n_out);
    b->dy = floats(b, SHARDS * b->n_out);
    fill_normal(b->dy, SHARDS * b->n_out, 10);
    b->scratch = floats(b, b->needs.scratch_floats);
    b->batch = floats(b, b->needs.batch_floats);
    for (int s = 0; s < SHARDS; s++) {
        b->saved[s] = floats(b, b->needs.saved_floats);
        b->stats[s] = floats(b, b->needs.stats_floats);
    }
    for (int k = 0; k < b->node->n_params; k++) {
        const stn_param *p = &b->graph->params[b->node->params[k]];
        if (p->role == STN_PARAM_STATE)
            continue;
        fill_normal(p->latent, p->count, 20 + (uint64_t)k);
        for (int s = 0; s < SHARDS; s++)
            b->dparam[k][s] = floats(b, p->count);
    }
}

static void tear_down(bed *b)
{
    if (b->plan && b->node->type->unplan)
        b->node->type->unplan(b->node, b->plan);
    stn_arena_deinit(&b->arena);
    stn_graph_destroy(b->graph);
    stn_yaml_destroy(b->document);
}

static stn_op_call call_of(bed *b, int s)
{
    stn_op_call call = {.node = b->node,
                        .plan = b->plan,
                        .n = SHARD_N,
                        .training = true,
                        .y = b->y + (size_t)s * b->n_out,
                        .dy = b->dy + (size_t)s * b->n_out,
                        .scratch = b->scratch,
                        .saved = b->saved[s],
                        .stats = b->stats[s],
                        .batch = b->batch,
                        .seed = 1,
                        .step = 2,
                        .first_picture = s * SHARD_N};
    for (int k = 0; k < b->node->n_inputs; k++) {
        call.x[k] = b->x[k] + (size_t)s * b->n_in;
        call.dx[k] = b->dx[k] + (size_t)s * b->n_in;
    }
    for (int k = 0; k < b->node->n_params; k++) {
        call.param[k] = b->graph->params[b->node->params[k]].effective;
        call.dparam[k] = b->dparam[k][s];
    }
    return call;
}

static void run_reduce(bed *b, void (*reduce)(const stn_op_reduce *))
{
    float *state[STN_NODE_PARAMS];
    for (int k = 0; k < b->node->n_params; k++)
        state[k] = b->graph->params[b->node->params[k]].latent;
    const stn_op_reduce r = {.node = b->node,
                             .plan = b->plan,
                             .training = true,
                             .n_shards = SHARDS,
                             .n = SHARDS * SHARD_N,
                             .stats = (const float *const *)b->stats,
                             .batch = b->batch,
                             .state = state};
    reduce(&r);
}

/* The ramp over +-window whose slope step and lif pass. */
static float ramp(float x, float window)
{
    return fminf(fmaxf(x / (2 * window) + 0.5f, 0.0f), 1.0f);
}

/* For quantise, step and lif (of one time step; test_spiking.c has more), y
 * becomes what their gradient is that of: clamp(x), and a ramp. */
static void replace_by_surrogate(bed *b)
{
    const stn_op_type *type = b->node->type;
    const stn_quantise_attrs *q = b->node->attrs;
    const stn_step_attrs *s = b->node->attrs;
    const stn_lif_attrs *lif = b->node->attrs;
    bool ramps = type == &stn_op_step || type == &stn_op_lif;
    if (!ramps && (type != &stn_op_quantise || q->bits == 0))
        return;
    for (size_t i = 0; i < SHARDS * b->n_out; i++) {
        float x = b->x[0][i];
        if (type == &stn_op_step)
            b->y[i] = ramp(x, s->window);
        else if (type == &stn_op_lif)
            b->y[i] = ramp(x - lif->threshold, lif->window);
        else
            b->y[i] =
                fminf(fmaxf(x, q->is_signed ? -q->fixed : 0.0f), q->fixed);
    }
}

/* sum of dy * y, in double. */
static double objective(bed *b)
{
    const stn_op_type *type = b->node->type;
    double sum = 0.0;
    if (type->prepare) {
        const stn_op_call call = call_of(b, 0);
        type->prepare(&call);
    }
    if (type->forward_barrier) {
        for (int s = 0; s < SHARDS; s++) {
            const stn_op_call call = call_of(b, s);
            type->forward_stats(&call);
        }
        run_reduce(b, type->forward_reduce);
    }
    for (int s = 0; s < SHARDS; s++) {
        const stn_op_call call = call_of(b, s);
        type->forward(&call);
    }
    replace_by_surrogate(b);
    for (size_t i = 0; i < SHARDS * b->n_out; i++)
        sum += (double)b->y[i] * (double)b->dy[i];
    return sum;
}

static void run_backward(bed *b)
{
    const stn_op_type *type = b->node->type;
    objective(b);
    if (type->backward_reduce) {
        for (int s = 0; s < SHARDS; s++) {
            const stn_op_call call = call_of(b, s);
            type->backward_stats(&call);
        }
        run_reduce(b, type->backward_reduce);
    }
    for (int s = 0; s < SHARDS; s++) {
        const stn_op_call call = call_of(b, s);
        type->backward(&call);
    }
}

static void check_value(bed *b, const gradient_case *g, const char *what,
                        size_t i, float *value, double analytic)
{
    const float kept = *value;
    const double step = has_kinks(b->node->type) ? KINK_STEP : SMOOTH_STEP;
    *value = (float)((double)kept + step);
    const double above = objective(b), high = (double)*value;
    *value = (float)((double)kept - step);
    const double below = objective(b), low = (double)*value;
    *value = kept;
    const double numeric = (above - below) / (high - low);
    if (!(fabs(numeric - analytic) <= 4e-3 * (1 + fabs(numeric))))
        fail_msg("%s on %dx%dx%d: d %s[%zu] is %g, differences say %g",
                 g->layer, g->h, g->w, g->c, what, i, analytic, numeric);
}

static void check_case(const gradient_case *g)
{
    bed b;
    set_up(&b, g);
    run_backward(&b);
    const size_t n = SHARDS * b.n_in, stride = n / SAMPLES + 1;
    for (int k = 0; k < b.node->n_inputs; k++)
        for (size_t i = 0; i < n; i += stride)
            check_value(&b, g, "x", i, &b.x[k][i], (double)b.dx[k][i]);
    for (int k = 0; k < b.node->n_params; k++) {
        const stn_param *p = &b.graph->params[b.node->params[k]];
        const size_t step = p->count / SAMPLES + 1;
        for (size_t i = 0; p->grad && i < p->count; i += step) {
            double sum = 0.0;
            for (int s = 0; s < SHARDS; s++)
                sum += (double)b.dparam[k][s][i];
            check_value(&b, g, p->name, i, &p->latent[i], sum);
        }
    }
    tear_down(&b);
}

static void gradients_agree_with_differences(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_CASES; i++)
        check_case(&cases[i]);
}

/* Backward with dx[0] == dy, and with dx added to, against the plain one. */
static void in_place_and_added_gradients_equal_the_plain_ones(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_CASES; i++) {
        bed b;
        set_up(&b, &cases[i]);
        const stn_op_type *type = b.node->type;
        run_backward(&b);
        stn_op_call call = call_of(&b, 0);
        float *dx = floats(&b, b.n_in);
        if (type->adds_dx) {
            fill_normal(dx, b.n_in, 30);
            float *before = floats(&b, b.n_in);
            memcpy(before, dx, b.n_in * sizeof *dx);
            call.dx[0] = dx;
            call.add_dx[0] = true;
            type->backward(&call);
            for (size_t j = 0; j < b.n_in; j++)
                assert_true(dx[j] == before[j] + b.dx[0][j]);
            call.add_dx[0] = false;
        }
        if (type->dx_over_dy) {
            memcpy(dx, b.dy, b.n_in * sizeof *dx);
            call.dy = call.dx[0] = dx;
            type->backward(&call);
            assert_memory_equal(dx, b.dx[0], b.n_in * sizeof *dx);
        }
        tear_down(&b);
    }
}

static void outputs_over_inputs_equal_the_plain_ones(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_CASES; i++) {
        bed b;
        set_up(&b, &cases[i]);
        if (b.node->type->y_over_x) {
            stn_op_call call = call_of(&b, 0);
            if (b.node->type->prepare)
                b.node->type->prepare(&call);
            b.node->type->forward(&call);
            call.y = b.x[0];
            b.node->type->forward(&call);
            assert_memory_equal(b.x[0], b.y, b.n_out * sizeof(float));
        }
        tear_down(&b);
    }
}

/* oneDNN reads its limit once per process, so the check runs in another: on an
 * SSE4.1 machine many shapes have no generated convolution and take the
 * column method. */
static void gradients_agree_on_an_old_machine(void **state)
{
    (void)state;
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        setenv("DNNL_MAX_CPU_ISA", "SSE41", 1);
        execl("/proc/self/exe", "test_gradients", "old", (char *)NULL);
        _exit(1);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void every_operator_has_a_case(void **state)
{
    (void)state;
    for (int i = 0; stn_op_types[i]; i++) {
        bool found = false;
        for (size_t j = 0; j < N_CASES; j++)
            found |= strcmp(cases[j].op, stn_op_types[i]->name) == 0;
        if (!found)
            fail_msg("no gradient case for %s", stn_op_types[i]->name);
    }
}

static void weights_gradient_needs_no_input_gradient(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_CASES; i++) {
        bed b;
        set_up(&b, &cases[i]);
        run_backward(&b);
        float *before = floats(&b, b.needs.stats_floats + 1);
        const bool has_weights = b.dparam[0][0] != NULL;
        before[0] = has_weights ? b.dparam[0][0][0] : 0.0f;
        stn_op_call call = call_of(&b, 0);
        call.dx[0] = call.dx[1] = NULL;
        b.node->type->backward(&call);
        if (has_weights)
            assert_true(b.dparam[0][0][0] == before[0]);
        tear_down(&b);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest old[] = {
        cmocka_unit_test(gradients_agree_with_differences),
    };
    if (argc == 2 && strcmp(argv[1], "old") == 0)
        return cmocka_run_group_tests(old, NULL, NULL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradients_agree_with_differences),
        cmocka_unit_test(gradients_agree_on_an_old_machine),
        cmocka_unit_test(in_place_and_added_gradients_equal_the_plain_ones),
        cmocka_unit_test(outputs_over_inputs_equal_the_plain_ones),
        cmocka_unit_test(every_operator_has_a_case),
        cmocka_unit_test(weights_gradient_needs_no_input_gradient),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
