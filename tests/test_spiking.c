/* SPDX-License-Identifier: MIT
 *
 * Spiking networks: neurons and their gradient through time against scalar
 * definitions, the rate code, networks that make no sense; programs over time
 * by every executor, and split-time temporal coding of them. */
#include "engines.h"
#include "base/rng.h"
#include "base/spikes.h"
#include "nn/ops.h"
#include "pack/write.h"
#include "programs.h"
#include "setun/windows.h"
#include <math.h>
#include <unistd.h>

#define STEPS 7
#define PICTURES 3
#define COUNT 10 /* 1 x 2 x 5 */
#define ALL (PICTURES * STEPS * COUNT)

static stn_graph *build(const char *layers, stn_status expected,
                        const char *part)
{
    stn_error err;
    stn_yaml_document *document = NULL;
    stn_graph *graph = NULL;
    char text[1024];
    snprintf(text, sizeof text,
             "name: t\ninput: {height: 1, width: 2, channels: 5}\n"
             "layers:\n%s",
             layers);
    assert_ok(stn_yaml_parse("net", text, &document, &err), err);
    const stn_yaml *root = stn_yaml_root(document);
    if (expected == STN_OK)
        assert_ok(stn_graph_build(root, NULL, &graph, &err), err);
    else
        assert_refused(stn_graph_build(root, NULL, &graph, &err), err, expected,
                       part);
    stn_yaml_destroy(document);
    return graph;
}

/* ---- neurons */

typedef struct bed {
    stn_graph *graph;
    const stn_node *node;
    float x[ALL], y[ALL], dy[ALL], dx[ALL], scratch[COUNT], saved[ALL];
} bed;

static void set_up(bed *b)
{
    memset(b, 0, sizeof *b);
    b->graph = build("  - rate_code: {steps: 7}\n"
                     "  - lif: {threshold: 0.9, leak: 0.75, window: 0.4}\n"
                     "  - linear: {out: 2}\n  - mean_steps:\n",
                     STN_OK, NULL);
    b->node = &b->graph->nodes[2];
    stn_rng rng = stn_rng_make(1, STN_RNG_TEST, 0);
    for (int i = 0; i < ALL; i++) {
        b->x[i] = 0.4f + 0.6f * stn_rng_normal(&rng);
        b->dy[i] = stn_rng_normal(&rng);
    }
}

static stn_op_call call_of(bed *b, bool training)
{
    return (stn_op_call){.node = b->node,
                         .n = PICTURES * STEPS,
                         .training = training,
                         .x = {b->x},
                         .y = b->y,
                         .dy = b->dy,
                         .dx = {b->dx},
                         .scratch = b->scratch,
                         .saved = b->saved};
}

/* Membranes and spikes of neuron i of picture n, from the definition. */
static void run_neuron(const bed *b, int n, int i, float *u, float *s)
{
    for (int t = 0; t < STEPS; t++) {
        float before = t ? u[t - 1] * (1 - s[t - 1]) : 0;
        u[t] = 0.75f * before + b->x[(n * STEPS + t) * COUNT + i];
        s[t] = u[t] > 0.9f;
    }
}

static void neurons_fire_as_their_definition_says(void **state)
{
    (void)state;
    bed b;
    set_up(&b);
    for (int training = 0; training < 2; training++) {
        const stn_op_call call = call_of(&b, training);
        int fired = 0;
        b.node->type->forward(&call);
        for (int n = 0; n < PICTURES; n++)
            for (int i = 0; i < COUNT; i++) {
                float u[STEPS], s[STEPS];
                run_neuron(&b, n, i, u, s);
                for (int t = 0; t < STEPS; t++) {
                    assert_true(b.y[(n * STEPS + t) * COUNT + i] == s[t]);
                    fired += s[t] > 0;
                }
            }
        assert_in_range(fired, ALL / 10, ALL * 9 / 10);
    }
    stn_graph_destroy(b.graph);
}

/* ds/du is the window's slope, du[t]/dx[t'] the product of what leaves
 * membranes between: summed over all pairs of steps. */
static void gradient_through_time_is_the_sum_over_pairs_of_steps(void **state)
{
    (void)state;
    bed b;
    set_up(&b);
    const stn_op_call call = call_of(&b, true);
    b.node->type->forward(&call);
    b.node->type->backward(&call);
    int carried = 0;
    for (int n = 0; n < PICTURES; n++)
        for (int i = 0; i < COUNT; i++) {
            float u[STEPS], s[STEPS];
            run_neuron(&b, n, i, u, s);
            for (int from = 0; from < STEPS; from++) {
                double sum = 0, left = 1;
                for (int t = from; t < STEPS; t++) {
                    double slope = fabsf(u[t] - 0.9f) <= 0.4f ? 1.25 : 0;
                    sum += b.dy[(n * STEPS + t) * COUNT + i] * slope * left;
                    carried += t > from && slope * left != 0;
                    left *= 0.75 * (1 - (double)s[t]);
                }
                assert_true(fabs(sum - b.dx[(n * STEPS + from) * COUNT + i]) <
                            1e-5);
            }
        }
    assert_true(carried > 20);
    stn_graph_destroy(b.graph);
}

/* ---- the rate code */

static void a_pixel_fires_in_its_share_of_the_steps(void **state)
{
    (void)state;
    for (uint32_t pixel = 0; pixel < 256; pixel += 51) {
        int n = 0;
        for (uint32_t i = 0; i < 100000; i++)
            n += pixel > stn_spike_threshold(0, i);
        assert_true(fabs(n / 1e5 - pixel / 256.0) < 0.006);
    }
    int both = 0; /* neighbours in time, 784 pixels apart, are independent */
    for (uint32_t i = 0; i < 100000; i++)
        both += 128 > stn_spike_threshold(0, i) &&
                128 > stn_spike_threshold(0, i + 784);
    assert_true(fabs(both / 1e5 - 0.25) < 0.006);
}

static void training_draws_spikes_by_picture_and_step_alone(void **state)
{
    (void)state;
    bed b;
    set_up(&b);
    b.node = &b.graph->nodes[1];
    for (int i = 0; i < PICTURES * COUNT; i++)
        b.x[i] = 128;
    stn_op_call call = call_of(&b, true);
    float first[ALL];
    call.n = PICTURES;
    call.seed = 3;
    call.step = 4;
    b.node->type->forward(&call);
    memcpy(first, b.y, sizeof first);
    /* The second picture alone, as the second shard would have it. */
    call.n = 1;
    call.first_picture = 1;
    b.node->type->forward(&call);
    assert_memory_equal(b.y, first + STEPS * COUNT,
                        STEPS * COUNT * sizeof(float));
    call.step = 5;
    b.node->type->forward(&call);
    assert_memory_not_equal(b.y, first + STEPS * COUNT,
                            STEPS * COUNT * sizeof(float));
    /* Evaluation gives every picture the same spikes. */
    call = call_of(&b, false);
    call.n = 2;
    b.node->type->forward(&call);
    assert_memory_equal(b.y, b.y + STEPS * COUNT,
                        STEPS * COUNT * sizeof(float));
    stn_graph_destroy(b.graph);
}

/* ---- refusals */

static void time_must_begin_at_the_picture_and_end_before_the_loss(void **state)
{
    (void)state;
    build("  - rate_code: {steps: 7}\n  - linear: {out: 2}\n", STN_E_FORMAT,
          "7 time steps");
    build("  - normalise:\n  - rate_code:\n  - linear: {out: 2}\n"
          "  - mean_steps:\n",
          STN_E_UNSUPPORTED, "read 'in'");
    build("  - rate_code: {name: a, steps: 3}\n"
          "  - rate_code: {name: b, steps: 4, from: in}\n"
          "  - add: {from: [a, b]}\n  - linear: {out: 2}\n  - mean_steps:\n",
          STN_E_FORMAT, "'b' has 4 time steps");
}

/* ---- programs */

#define MAX_VALUES 40

static stn_program_image *spiking(void)
{
    stn_error err;
    stn_program_image *image = tiny_spiking();
    assert_ok(stn_program_check(image, "spiking", &err), err);
    return image;
}

static void make_picture(const stn_program *p, uint64_t k, uint8_t *pixels)
{
    stn_rng rng = stn_rng_make(7, STN_RNG_TEST, k);
    for (size_t i = 0; i < stn_shape_count(p->input); i++)
        pixels[i] = (uint8_t)stn_rng_below(&rng, 256);
}

/* Values of one picture by the reference; freed by free_values. */
static void run_reference(const stn_program *p, uint64_t picture,
                          void *values[MAX_VALUES])
{
    stn_error err;
    uint8_t pixels[256];
    make_picture(p, picture, pixels);
    for (int v = 1; v < p->n_values; v++)
        values[v] = malloc(stn_value_bytes(&p->values[v]));
    assert_ok(stn_reference_run(p, pixels, values, &err), err);
}

static void free_values(const stn_program *p, void *values[MAX_VALUES])
{
    for (int v = 1; v < p->n_values; v++)
        free(values[v]);
}

static int value_named(const stn_program *p, const char *name)
{
    for (int i = 0; i < p->n_instructions; i++)
        if (strcmp(p->instructions[i].name, name) == 0)
            return p->instructions[i].output;
    fail_msg("no instruction %s", name);
    return -1;
}

static void assert_engine_equals_reference(const stn_program *p)
{
    enum { PICTURES_OF_PROGRAM = 6, CLASSES = 4 };
    stn_error err;
    uint8_t pixels[PICTURES_OF_PROGRAM * 72];
    int32_t expected[PICTURES_OF_PROGRAM * CLASSES];
    for (int k = 0; k < PICTURES_OF_PROGRAM; k++) {
        make_picture(p, (uint64_t)k, pixels + 72 * k);
        assert_ok(stn_reference_classify(p, pixels + 72 * k,
                                         expected + CLASSES * k, &err),
                  err);
    }
    assert_memory_not_equal(expected, expected + CLASSES,
                            CLASSES * sizeof *expected);
    for (int threads = 1; threads <= 8; threads += 7)
        assert_engines_give(expected, p, pixels, PICTURES_OF_PROGRAM, threads);
}

static void engine_equals_reference_over_time_and_split_time(void **state)
{
    (void)state;
    stn_error err;
    stn_program_image *image = spiking();
    const stn_program *p = &image->program;
    assert_engine_equals_reference(p);
    for (int window = 1; window <= 10; window++) {
        stn_program *split;
        assert_ok(stn_program_split_time(p, window, &split, &err), err);
        assert_engine_equals_reference(split);
        stn_program_destroy(split);
    }
    free_image(image);
}

static void a_program_over_time_reads_back_the_same(void **state)
{
    (void)state;
    stn_error err;
    stn_program_image *image = spiking();
    stn_program *split, *q;
    char path[64];
    snprintf(path, sizeof path, "test_spiking-%ld.stn", (long)getpid());
    assert_ok(stn_program_split_time(&image->program, 4, &split, &err), err);
    assert_ok(stn_program_write(path, split, NULL, 0, &err), err);
    assert_ok(stn_program_read(path, &q, &err), err);
    assert_int_equal(q->n_values, split->n_values);
    assert_int_equal(q->peak_bytes, split->peak_bytes);
    for (int v = 0; v < q->n_values; v++) {
        assert_int_equal(q->values[v].steps, split->values[v].steps);
        assert_true(q->values[v].lo == split->values[v].lo);
        assert_true(q->values[v].hi == split->values[v].hi);
    }
    assert_int_equal(q->values[value_named(q, "n1 out.split")].steps, 9);
    assert_int_equal(q->values[value_named(q, "sum")].steps, 1);
    stn_program_destroy(q);
    stn_program_destroy(split);
    free_image(image);
    unlink(path);
}

static int spikes_of(const stn_program *p, const char *name,
                     void *const *values)
{
    int v = value_named(p, name), n = 0;
    for (size_t i = 0; i < stn_value_count(&p->values[v]); i++)
        n += ((const uint8_t *)values[v])[i];
    return n;
}

static void sums_of_prefix_sums_equal_those_of_the_rate_code(void **state)
{
    (void)state;
    stn_error err;
    stn_program_image *image = spiking();
    const stn_program *p = &image->program;
    void *rate[MAX_VALUES], *split[MAX_VALUES];
    int fewer = 0;
    run_reference(p, 1, rate);
    /* Pooled sums of the first conv: its spikes are the same in both. */
    const int32_t *x = rate[value_named(p, "p1")];
    int n = (int)stn_shape_count(p->values[value_named(p, "p1")].shape);
    for (int window = 1; window <= 10; window++) {
        stn_program *q;
        assert_ok(stn_program_split_time(p, window, &q, &err), err);
        run_reference(q, 1, split);
        const int32_t *y = split[value_named(q, "p1 out.sums")];
        for (int i = 0; i < n; i++)
            for (int first = 0; first < 9; first += window) {
                int64_t expected = 0, got = 0;
                for (int t = first; t < first + window && t < 9; t++) {
                    expected += x[t * n + i];
                    got += y[t * n + i];
                }
                assert_int_equal(got, expected);
            }
        fewer +=
            spikes_of(q, "code out.split", split) < spikes_of(p, "code", rate);
        free_values(q, split);
        stn_program_destroy(q);
    }
    assert_int_equal(fewer, 9); /* in all windows but those of one step */
    free_values(p, rate);
    free_image(image);
}

static void a_window_of_one_step_changes_no_bit(void **state)
{
    (void)state;
    stn_error err;
    stn_program_image *image = spiking();
    const stn_program *p = &image->program;
    stn_program *q;
    void *a[MAX_VALUES], *b[MAX_VALUES];
    assert_ok(stn_program_split_time(p, 1, &q, &err), err);
    for (uint64_t picture = 0; picture < 3; picture++) {
        run_reference(p, picture, a);
        run_reference(q, picture, b);
        for (int i = 0; i < p->n_instructions; i++) {
            const stn_value *v = &p->values[p->instructions[i].output];
            int same = value_named(q, p->instructions[i].name);
            assert_memory_equal(a[p->instructions[i].output], b[same],
                                stn_value_bytes(v));
        }
        assert_in_range(spikes_of(p, "n1", a), 20, 9 * 45 - 20);
        assert_in_range(spikes_of(p, "n2", a), 20, 9 * 45 - 20);
        assert_in_range(spikes_of(p, "n3", a), 20, 9 * 24 - 20);
        free_values(p, a);
        free_values(q, b);
    }
    stn_program_destroy(q);
    free_image(image);
}

/* The paper's example: 4 spikes in 5 steps become one at step 1. */
static void
a_spike_stands_as_far_from_the_end_as_there_were_spikes(void **state)
{
    (void)state;
    stn_error err;
    stn_value values[] = {{.name = "pixels", .shape = {1, 1, 1}, .steps = 1},
                          {.name = "x", .shape = {1, 1, 2}, .steps = 7},
                          {.name = "y", .shape = {1, 1, 2}, .steps = 7}};
    stn_instruction in = {.opcode = STN_SPLIT_TIME,
                          .n_inputs = 1,
                          .inputs = {1},
                          .output = 2,
                          .window = 5};
    stn_program p = {.n_values = 3,
                     .n_instructions = 1,
                     .values = values,
                     .instructions = &in};
    uint8_t x[] = {1, 0, 1, 0, 0, 0, 1, 0, 1, 0, 1, 1, 0, 1}, y[14];
    const uint8_t expected[] = {0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0};
    void *buffers[] = {NULL, x, y};
    assert_ok(stn_reference_run(&p, NULL, buffers, &err), err);
    assert_memory_equal(y, expected, sizeof expected);
}

/* Active inputs of every output of a conv or depthwise, one by one. */
static double additions_of(const stn_program *p, const stn_instruction *in,
                           const uint8_t *x)
{
    const stn_value *v = &p->values[in->inputs[0]];
    stn_shape y = p->values[in->output].shape, s = v->shape;
    bool conv = in->opcode == STN_CONV;
    double n = 0;
    for (int t = 0; t < v->steps; t++)
        for (int i = 0; i < y.h * y.w * y.c * in->kh * in->kw; i++) {
            int j = i % in->kw, k = i / in->kw % in->kh,
                o = i / in->kw / in->kh;
            int f = o % y.c, q = o / y.c % y.w, r = o / y.c / y.w;
            int row = r * in->stride + k - in->pad;
            int column = q * in->stride + j - in->pad;
            if (row < 0 || row >= s.h || column < 0 || column >= s.w)
                continue;
            const uint8_t *at = x + ((t * s.h + row) * s.w + column) * s.c;
            for (int c = 0; c < s.c; c++)
                n += (conv || c == f % s.c) && at[c];
        }
    return n;
}

static void counts_of_a_window_are_those_of_its_spikes(void **state)
{
    (void)state;
    enum { N = 3 };
    stn_error err;
    stn_program_image *image = spiking();
    const stn_program *p = &image->program;
    uint8_t pixels[N * 72], labels[N] = {0};
    const stn_pictures pictures = {N, pixels, labels};
    stn_window_options options = {
        .engine = stn_engine_defaults(), .n_counted = 10, .n_executed = 2};
    stn_program *split;
    stn_window w;
    double additions = 0, spikes = 0;
    assert_int_equal(stn_program_longest_time(p), 9);
    assert_ok(stn_program_split_time(p, 4, &split, &err), err);
    for (int k = 0; k < N; k++) {
        void *values[MAX_VALUES];
        make_picture(p, (uint64_t)k, pixels + 72 * k);
        run_reference(split, (uint64_t)k, values);
        for (int i = 0; i < split->n_instructions; i++) {
            const stn_instruction *in = &split->instructions[i];
            if (in->weights.codes)
                additions += additions_of(split, in, values[in->inputs[0]]);
        }
        spikes += spikes_of(split, "code out.split", values) +
                  spikes_of(split, "n1 out.split", values) +
                  spikes_of(split, "n2 out.split", values) +
                  spikes_of(split, "max out.split", values);
        free_values(split, values);
    }
    assert_ok(stn_machine_load("imce", NULL, 0,
                               (stn_machine **)&options.machine, &err),
              err);
    assert_ok(stn_window_run(p, 4, &pictures, &options, &w, &err), err);
    assert_int_equal(w.n_executed, 2);
    assert_int_equal(w.n_mismatches, 0);
    assert_true(w.energy_j > 0 && w.latency_s > 0);
    stn_machine_destroy((stn_machine *)options.machine);
    assert_int_equal(w.n, N);
    assert_true(fabs(w.spikes - spikes / N) < 1e-9);
    assert_true(fabs(w.weight_additions - additions / N) < 1e-9);
    /* 9 steps in 3 windows: 6 additions of each sum over time. */
    assert_true(w.sum_additions == 6 * (45 + 45 + 24 + 4));
    stn_program_destroy(split);
    free_image(image);
}

static void what_makes_no_sense_over_time_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *instruction;
        stn_instruction change;
        const char *says;
    } cases[] = {
        {"code", {.steps = 0}, "steps is 0"},
        {"code", {.steps = 256}, "steps is 256"},
        {"n1", {.leak = 257}, "leak is 257"},
        {"n1", {.threshold = 32768}, "threshold is 32768"},
    };
    stn_error err;
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        stn_program_image *p = tiny_spiking();
        for (int i = 0; i < p->program.n_instructions; i++) {
            stn_instruction *in = &p->instructions[i];
            if (strcmp(in->name, cases[k].instruction) != 0)
                continue;
            in->steps = cases[k].change.steps;
            in->leak = cases[k].change.leak;
            in->threshold = cases[k].change.threshold;
        }
        assert_refused(stn_program_check(p, "here", &err), err, STN_E_FORMAT,
                       cases[k].says);
        free_image(p);
    }
    stn_program *split;
    stn_program_image *p = tiny();
    assert_ok(stn_program_check(p, "tiny", &err), err);
    assert_refused(stn_program_split_time(&p->program, 2, &split, &err), err,
                   STN_E_UNSUPPORTED, "no layer reads spikes");
    free_image(p);
    p = spiking();
    assert_refused(stn_program_split_time(&p->program, 0, &split, &err), err,
                   STN_E_FORMAT, "window is 0");
    free_image(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(neurons_fire_as_their_definition_says),
        cmocka_unit_test(gradient_through_time_is_the_sum_over_pairs_of_steps),
        cmocka_unit_test(a_pixel_fires_in_its_share_of_the_steps),
        cmocka_unit_test(training_draws_spikes_by_picture_and_step_alone),
        cmocka_unit_test(
            time_must_begin_at_the_picture_and_end_before_the_loss),
        cmocka_unit_test(engine_equals_reference_over_time_and_split_time),
        cmocka_unit_test(a_program_over_time_reads_back_the_same),
        cmocka_unit_test(sums_of_prefix_sums_equal_those_of_the_rate_code),
        cmocka_unit_test(a_window_of_one_step_changes_no_bit),
        cmocka_unit_test(
            a_spike_stands_as_far_from_the_end_as_there_were_spikes),
        cmocka_unit_test(counts_of_a_window_are_those_of_its_spikes),
        cmocka_unit_test(what_makes_no_sense_over_time_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
