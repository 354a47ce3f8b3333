/* SPDX-License-Identifier: MIT
 *
 * Lowering: the training graph in evaluation and the packed program are
 * compared on random pictures, value by value; what has no integer form is
 * refused by name. Networks are untrained: random weights, batch statistics
 * and quantiser ranges measured on the pictures, gains of both signs. */
#include "test.h"
#include "base/file.h"
#include "base/pool.h"
#include "base/rng.h"
#include "compress/compress.h"
#include "io/augment.h"
#include "nn/executor.h"
#include "nn/ops.h"
#include "pack/lower.h"
#include "pack/write.h"
#include "setun/pack.h"
#include "setun/train.h"
#include <math.h>
#include <unistd.h>

#define N_PICTURES 200
#define EVERY "- {layers: \"*\", quantiser: {uniform: {bits: 8}}}\n"

typedef struct network {
    stn_yaml_document *document, *rules;
    stn_graph *graph;
    stn_compression *compression;
    stn_pool *pool;
    stn_executor *executor;
    uint8_t *pixels;
} network;

/* ---- A network with random, plausible parameters ------------------------ */

static void build_document(network *net, stn_yaml_document *document,
                           const stn_yaml_scope *overrides, const char *rules)
{
    stn_error err;
    *net = (network){.document = document};
    assert_ok(stn_yaml_parse("rules.yaml", rules, &net->rules, &err), err);
    assert_ok(
        stn_graph_build(stn_yaml_root(document), overrides, &net->graph, &err),
        err);
    stn_graph_init(net->graph, 11);
    assert_ok(stn_compression_create(net->graph, stn_yaml_root(net->rules),
                                     NULL, 11, &net->compression, &err),
              err);
    assert_ok(stn_pool_create(1, stn_executor_thread_init, &net->pool, &err),
              err);
    stn_compression_apply(net->compression, net->pool);
}

static void build(network *net, const char *text, const char *rules)
{
    stn_error err;
    stn_yaml_document *document;
    assert_ok(stn_yaml_parse("net.yaml", text, &document, &err), err);
    build_document(net, document, NULL, rules);
}

static void destroy(network *net)
{
    stn_executor_destroy(net->executor);
    stn_pool_destroy(net->pool);
    stn_compression_destroy(net->compression);
    stn_graph_destroy(net->graph);
    stn_yaml_destroy(net->rules);
    stn_yaml_destroy(net->document);
    free(net->pixels);
}

static void fetch(void *context, int first, int n, uint8_t *pixels,
                  uint8_t *labels)
{
    const network *net = context;
    size_t size = stn_shape_count(net->graph->input);
    memcpy(pixels, net->pixels + (size_t)first * size, (size_t)n * size);
    memset(labels, 0, (size_t)n);
}

static void evaluate(network *net, float *logits)
{
    stn_executor_batch batch = {
        .fetch = fetch, .context = net, .n = N_PICTURES};
    stn_executor_result result;
    batch.logits = logits;
    stn_executor_evaluate(net->executor, &batch, &result);
}

/* Blocks of random grey levels: neighbouring pixels are alike, as in
 * pictures, so that activations spread. */
static void make_pictures(network *net)
{
    stn_shape s = net->graph->input;
    size_t size = stn_shape_count(s);
    net->pixels = malloc(N_PICTURES * size);
    for (size_t k = 0; k < N_PICTURES; k++) {
        stn_rng rng = stn_rng_make(4, STN_RNG_TEST, k);
        int levels[64];
        for (int i = 0; i < 64; i++)
            levels[i] = (int)stn_rng_below(&rng, 230);
        for (size_t i = 0; i < size; i++) {
            int q = (int)i / s.c % s.w, r = (int)i / s.c / s.w;
            int level = levels[(r * 8 / s.h * 8 + q * 8 / s.w) % 64];
            net->pixels[k * size + i] =
                (uint8_t)(level + (int)stn_rng_below(&rng, 26));
        }
    }
}

static float *state(network *net, const stn_node *node, int k)
{
    return net->graph->params[node->params[k]].latent;
}

/* Statistics of what the layer reads, times random factors; gains around 1,
 * a quarter of them negative where `signs`. */
static void calibrate_norm(network *net, const stn_node *node, const float *x,
                           bool signs, stn_rng *rng)
{
    size_t c = (size_t)node->in[0].c;
    size_t n =
        N_PICTURES * (size_t)node->steps_in * stn_shape_count(node->in[0]) / c;
    for (size_t k = 0; k < c; k++) {
        double sum = 0, square = 0;
        for (size_t i = 0; i < n; i++) {
            sum += x[i * c + k];
            square += (double)x[i * c + k] * x[i * c + k];
        }
        double mean = sum / (double)n;
        double variance = square / (double)n - mean * mean;
        bool flip = signs && stn_rng_below(rng, 4) == 0;
        state(net, node, 0)[k] = (flip ? -1 : 1) * (0.5f + stn_rng_unit(rng));
        state(net, node, 1)[k] = stn_rng_unit(rng) - 0.5f;
        state(net, node, 2)[k] = (float)mean + 0.1f * stn_rng_normal(rng);
        state(net, node, 3)[k] =
            (float)variance * (0.5f + stn_rng_unit(rng)) + 1e-3f;
    }
}

/* A range somewhat inside the largest magnitude, so that clamping happens; no
 * simple fraction of it, so that pixels do not fall on ties. */
static void calibrate_range(network *net, const stn_node *node, const float *x)
{
    float max = 0;
    for (size_t i = 0; i < N_PICTURES * stn_shape_count(node->in[0]); i++)
        max = fmaxf(max, fabsf(x[i]));
    state(net, node, 0)[0] = 0.7123f * max;
}

/* In order of execution; each layer sees what the calibrated ones before it
 * give. */
static void calibrate(network *net, bool signs)
{
    stn_error err;
    stn_rng rng = stn_rng_make(2, STN_RNG_TEST, 0);
    for (int i = 1; i < net->graph->n_nodes; i++)
        if (net->graph->nodes[i].type == &stn_op_quantise)
            state(net, &net->graph->nodes[i], 0)[0] = 1;
    make_pictures(net);
    assert_ok(stn_executor_create(net->graph, net->pool, N_PICTURES, 1, false,
                                  &net->executor, &err),
              err);
    for (int i = 1; i < net->graph->n_nodes; i++) {
        const stn_node *node = &net->graph->nodes[i];
        bool norm = node->type == &stn_op_batch_norm;
        if (!norm && node->type != &stn_op_quantise)
            continue;
        evaluate(net, NULL);
        const float *x = stn_executor_output(net->executor, node->inputs[0], 0);
        if (norm)
            calibrate_norm(net, node, x, signs, &rng);
        else
            calibrate_range(net, node, x);
    }
}

/* ---- Comparison --------------------------------------------------------- */

typedef struct difference {
    double logit;   /* largest, as share of the spread of a picture */
    double share;   /* of quantised activations that differ */
    double size;    /* the largest such difference, as share of the range */
    int n_disagree; /* pictures whose class differs */
} difference;

static double element(const void *data, stn_type type, size_t i)
{
    return type == STN_TYPE_U8    ? ((const uint8_t *)data)[i]
           : type == STN_TYPE_S8  ? ((const int8_t *)data)[i]
           : type == STN_TYPE_S16 ? ((const int16_t *)data)[i]
                                  : ((const int32_t *)data)[i];
}

static int argmax(const double *v, int n)
{
    int best = 0;
    for (int i = 1; i < n; i++)
        best = v[i] > v[best] ? i : best;
    return best;
}

static void compare_logits(const stn_program *p, const float *expected,
                           const int32_t *got, difference *d)
{
    double a[32], b[32], spread = 0, worst = 0;
    double scale = p->values[p->n_values - 1].scale;
    for (int c = 0; c < p->n_classes; c++) {
        a[c] = expected[c];
        b[c] = got[c] * scale;
        worst = fmax(worst, fabs(a[c] - b[c]));
        for (int k = 0; k < c; k++)
            spread = fmax(spread, fabs(a[c] - a[k]));
    }
    d->logit = fmax(d->logit, worst / spread);
    d->n_disagree += argmax(a, p->n_classes) != argmax(b, p->n_classes);
}

static bool is_compared(const stn_node *node)
{
    return node &&
           (node->type == &stn_op_quantise || node->type == &stn_op_lif ||
            node->type == &stn_op_rate_code);
}

/* Runs both on all pictures. An instruction made by a quantise node, or one of
 * spikes, has that node's name, which is how values are paired. */
static difference compare(network *net, const stn_program *p)
{
    stn_error err;
    const stn_graph *g = net->graph;
    difference d = {0};
    size_t n_compared = 0, n_different = 0;
    float *logits = malloc(N_PICTURES * (size_t)g->n_classes * sizeof *logits);
    void **values = calloc((size_t)p->n_values, sizeof *values);
    for (int v = 1; v < p->n_values; v++)
        values[v] = malloc(stn_value_bytes(&p->values[v]));
    evaluate(net, logits);
    for (size_t k = 0; k < N_PICTURES; k++) {
        const uint8_t *picture = net->pixels + k * stn_shape_count(g->input);
        assert_ok(stn_reference_run(p, picture, values, &err), err);
        for (int v = 1; v < p->n_values; v++) {
            const stn_value *value = &p->values[v];
            const stn_node *node = stn_graph_node(g, value->name);
            if (!is_compared(node))
                continue;
            size_t n = stn_value_count(value);
            const float *real =
                stn_executor_output(net->executor, (int)(node - g->nodes), 0);
            for (size_t i = 0; i < n; i++) {
                double steps = real[k * n + i] / value->scale -
                               element(values[v], value->type, i);
                n_different += fabs(steps) > 0.5;
                d.size = fmax(d.size, fabs(steps) / (double)value->hi);
            }
            n_compared += n;
        }
        compare_logits(p, logits + k * (size_t)g->n_classes,
                       values[p->n_values - 1], &d);
    }
    d.share = (double)n_different / (double)n_compared;
    for (int v = 1; v < p->n_values; v++)
        free(values[v]);
    free(values);
    free(logits);
    print_message("logits differ by %.2g of their spread, %.2g of the "
                  "activations by at most %.2g of their range, %d of %d "
                  "classes\n",
                  d.logit, d.share, d.size, d.n_disagree, N_PICTURES);
    return d;
}

static void assert_close(difference d)
{
    /* Now and then a float rounding moves an activation by one step, and what
     * reads it a little. The bounds are about ten times what these networks
     * show. */
    assert_true(d.logit < 0.02);
    assert_true(d.share < 3e-3);
    assert_true(d.size < 0.05);
    assert_true(d.n_disagree <= N_PICTURES / 100);
}

static stn_program *lowered(network *net)
{
    stn_error err;
    stn_program *p = NULL;
    assert_ok(stn_lower(net->graph, net->compression, NULL, &p, &err), err);
    return p;
}

/* ---- Networks ----------------------------------------------------------- */

/* The skeleton of BD-Net: int8 stem, residual blocks of depthwise and
 * pointwise ternary layers, pooled head. */
static const char bdnet[] =
    "name: bdnet\n"
    "input: {height: 12, width: 12, channels: 3}\n"
    "layers:\n"
    "  - normalise: {mean: [0.4, 0.5, 0.6], std: [0.2, 0.25, 0.3]}\n"
    "  - quantise: {bits: 8, signed: true, name: pixels8}\n"
    "  - conv: {out: 16, kernel: 3, pad: 1, name: stem}\n"
    "  - batch_norm\n"
    "  - relu\n"
    "  - quantise: {bits: 8, signed: false, power_of_two: true}\n"
    "  - repeat:\n"
    "      times: 3\n"
    "      name: block\n"
    "      layers:\n"
    "        - depthwise: {multiplier: 2, kernel: 3, pad: 1, name: dw}\n"
    "        - batch_norm\n"
    "        - relu\n"
    "        - quantise: {bits: 8, signed: false}\n"
    "        - conv: {out: 16, kernel: 1, name: pw}\n"
    "        - batch_norm: {name: bn}\n"
    "        - add: {from: [bn, in]}\n"
    "        - relu\n"
    "        - quantise: {bits: 8, signed: false}\n"
    "  - avg_pool: {kernel: 4}\n"
    "  - dropout: {rate: 0.5}\n"
    "  - quantise: {bits: 12, signed: false}\n"
    "  - linear: {out: 10, bias: true, name: fc}\n";

static const char bdnet_rules[] =
    "- {layers: \"*\", quantiser: {uniform: {bits: 8}}}\n"
    "- {layers: \"block*\", quantiser: {sparse_binary: {}}, group: 6}\n"
    "- {layers: \"block1.dw\", quantiser: {binary: {}}}\n";

static void a_bdnet_graph_and_its_program_agree(void **state_)
{
    (void)state_;
    network net;
    build(&net, bdnet, bdnet_rules);
    calibrate(&net, true);
    stn_program *p = lowered(&net);
    assert_int_equal(p->n_classes, 10);
    assert_string_equal(p->class_names[9], "9");
    /* pixels8, stem + act, 3 · (dw, act, pw, join), pool, act, fc, logits */
    assert_int_equal(p->n_instructions, 3 + 12 + 4);
    assert_close(compare(&net, p));
    stn_program_destroy(p);
    destroy(&net);
}

static void the_program_in_the_file_is_the_one_lowered(void **state_)
{
    (void)state_;
    stn_error err;
    network net;
    char path[64];
    snprintf(path, sizeof path, "test_pack.%ld.stn", (long)getpid());
    build(&net, bdnet, bdnet_rules);
    calibrate(&net, true);
    stn_program *p = lowered(&net), *q;
    assert_ok(stn_program_write(path, p, NULL, 0, &err), err);
    assert_ok(stn_program_read(path, &q, &err), err);
    for (size_t k = 0; k < 20; k++) {
        const uint8_t *picture =
            net.pixels + k * stn_shape_count(net.graph->input);
        int32_t a[10], b[10];
        assert_ok(stn_reference_classify(p, picture, a, &err), err);
        assert_ok(stn_reference_classify(q, picture, b, &err), err);
        assert_memory_equal(a, b, sizeof a);
    }
    stn_program_destroy(q);
    stn_program_destroy(p);
    destroy(&net);
    unlink(path);
}

/* Pixels multiplied directly, max pooling with a ReLU still owed, s16
 * activations, a linear layer over a whole picture, and logits that come from
 * an addition. */
static void other_layers_and_their_program_agree(void **state_)
{
    (void)state_;
    static const char text[] =
        "name: other\n"
        "input: {height: 13, width: 12, channels: 1}\n"
        "layers:\n"
        "  - normalise: {mean: 0, std: 0.5}\n"
        "  - conv: {out: 8, kernel: 5, stride: 1, pad: 2, bias: true}\n"
        "  - batch_norm\n"
        "  - relu\n"
        "  - max_pool: {kernel: 3, stride: 2}\n"
        "  - quantise: {bits: 10, signed: true, name: a}\n"
        "  - conv: {out: 12, kernel: 3, stride: 2, pad: 1, name: c}\n"
        "  - batch_norm\n"
        "  - quantise: {bits: 4, signed: true, name: b}\n"
        "  - avg_pool: {kernel: 0, from: c, name: mean}\n"
        "  - quantise: {bits: 8, signed: true, name: e}\n"
        "  - linear: {out: 7, name: f1, from: b}\n"
        "  - linear: {out: 7, bias: true, name: f2, from: e}\n"
        "  - add: {from: [f1, f2]}\n";
    network net;
    build(&net, text,
          "- {layers: \"*\", quantiser: {uniform: {bits: 6}}}\n"
          "- {layers: \"f1\", quantiser: {sparse_binary: {}}, group: 5}\n");
    calibrate(&net, false);
    stn_program *p = lowered(&net);
    assert_int_equal(p->instructions[0].inputs[0], 0);
    assert_int_equal(p->instructions[p->n_instructions - 1].n_inputs, 2);
    assert_close(compare(&net, p));
    stn_program_destroy(p);
    destroy(&net);
}

/* A grouped convolution becomes a dense one with zeros between its groups;
 * of binary codes, a ternary one. */
static void groups_of_channels_and_their_program_agree(void **state_)
{
    (void)state_;
    static const char text[] =
        "name: grouped\n"
        "input: {height: 9, width: 8, channels: 2}\n"
        "layers:\n"
        "  - normalise: {mean: 0, std: 0.5}\n"
        "  - conv: {out: 6, kernel: 3, pad: 1, groups: 2, name: c1}\n"
        "  - batch_norm\n"
        "  - quantise: {bits: 8, signed: true}\n"
        "  - conv: {out: 9, kernel: 3, groups: 3, bias: true, name: c2}\n"
        "  - quantise: {bits: 8, signed: true, name: q}\n"
        "  - linear: {out: 3}\n";
    network net;
    build(&net, text, EVERY "- {layers: \"c2\", quantiser: {binary: {}}}\n");
    calibrate(&net, false);
    stn_program *p = lowered(&net);
    assert_close(compare(&net, p));
    int found = 0;
    for (int i = 0; i < p->n_instructions; i++) {
        const stn_weights *w = &p->instructions[i].weights;
        if (strcmp(p->instructions[i].name, "c2") != 0)
            continue;
        found++;
        assert_int_equal(w->code, STN_CODE_TERNARY);
        assert_int_equal(w->n_nonzero, 9 * 9 * 2);
        for (int k = 0; k < 9 * 9 * 6; k++)
            assert_int_equal(w->codes[k] != 0, k % 6 / 2 == k / 54 / 3);
    }
    assert_int_equal(found, 1);
    stn_program_destroy(p);
    destroy(&net);
}

/* Magnitudes of eight bits and a sign, in two instructions and their sum. */
static void codes_of_nine_bits_and_their_program_agree(void **state_)
{
    (void)state_;
    network net;
    build(&net, bdnet, "- {layers: \"*\", quantiser: dynamic_fixed}\n");
    calibrate(&net, true);
    stn_program *p = lowered(&net);
    assert_int_equal(p->n_instructions, 3 + 12 + 4 + 2 * 8);
    assert_close(compare(&net, p));
    int n_slices = 0;
    for (int i = 0; i < p->n_instructions; i++) {
        const stn_binding *b = &net.compression->bindings[0]; /* stem */
        stn_slices s = stn_program_slices(p, i);
        n_slices += s.n > 0;
        if (strcmp(p->instructions[i].name, "stem") != 0)
            continue;
        size_t wide = 0, nonzero = 0;
        for (size_t k = 0; k < b->param->count; k++) {
            int code = stn_whole_code(b->codes, b->low, 2, k);
            wide += code >= 64 || code <= -64;
            nonzero += code != 0;
            assert_true(b->param->effective[k] ==
                        (float)code * b->scales[0] / 2);
        }
        assert_int_equal(s.n, b->param->count);
        assert_int_equal(s.n_nonzero, nonzero);
        assert_int_equal(s.nonzero[3], wide);
    }
    assert_int_equal(n_slices, 8);
    stn_program_destroy(p);
    destroy(&net);
}

/* Comparisons behind an integer difference, and behind a batch-norm, whose
 * gains have both signs. */
/* Convolutions, pools, an addition and neurons over time, read out as
 * membranes. A spike that float rounding or the 16-bit currents move is
 * rare, and moves what follows. */
static void a_spiking_graph_and_its_program_agree(void **state_)
{
    (void)state_;
    static const char text[] =
        "name: spiking\n"
        "input: {height: 12, width: 12, channels: 1}\n"
        "layers:\n"
        "  - rate_code: {name: code, steps: 6}\n"
        "  - conv: {out: 8, kernel: 3, pad: 1, bias: true}\n"
        "  - avg_pool: {kernel: 2}\n"
        "  - batch_norm:\n"
        "  - lif: {name: first, threshold: 0.7, leak: 0.75}\n"
        "  - conv: {out: 8, kernel: 3, pad: 1}\n"
        "  - batch_norm: {name: bn}\n"
        "  - add: {from: [bn, first]}\n"
        "  - lif: {leak: 0.9}\n"
        "  - max_pool: {kernel: 2}\n"
        "  - linear: {out: 10, bias: true}\n"
        "  - mean_steps:\n";
    network net;
    build(&net, text,
          "- {layers: \"*\", quantiser: {uniform: {bits: 8}}}\n"
          "- {layers: conv2, quantiser: {binary: {}}}\n");
    calibrate(&net, true);
    stn_program *p = lowered(&net);
    assert_int_equal(p->values[p->n_values - 3].steps, 6);
    difference d = compare(&net, p);
    assert_true(d.share < 1e-3);
    assert_true(d.logit < 0.2);
    assert_true(d.n_disagree <= N_PICTURES / 50);
    stn_program_destroy(p);
    destroy(&net);
}

static void steps_and_their_program_agree(void **state_)
{
    (void)state_;
    static const char text[] =
        "name: steps\n"
        "input: {height: 10, width: 9, channels: 2}\n"
        "layers:\n"
        "  - normalise: {mean: 0.5, std: 0.5}\n"
        "  - quantise: {bits: 8, signed: true, fixed: 1.0}\n"
        "  - depthwise: {name: cmp, multiplier: 8, kernel: 3, pad: 1}\n"
        "  - step\n"
        "  - conv: {name: pw, out: 24, kernel: 1}\n"
        "  - batch_norm\n"
        "  - step: {name: fire}\n"
        "  - avg_pool\n"
        "  - quantise: {bits: 8}\n"
        "  - linear: {out: 5, name: fc}\n";
    network net;
    build(&net, text,
          "- {layers: \"*\", quantiser: uniform}\n"
          "- {layers: cmp, quantiser: fixed}\n");
    calibrate(&net, true);
    stn_program *p = lowered(&net);
    int falling = 0;
    for (int i = 0; i < p->n_instructions; i++) {
        const stn_instruction *in = &p->instructions[i];
        for (int c = 0; strcmp(in->name, "fire") == 0 && c < 24; c++)
            falling += in->m0[c] < 0;
    }
    assert_in_range(falling, 1, 23);
    assert_close(compare(&net, p));
    stn_program_destroy(p);
    destroy(&net);
}

/* What comes with Setun, narrow and on small pictures, so that the reference
 * interpreter is quick. */
static void build_shipped(network *net, const char *name,
                          const stn_yaml_scope *overrides, const char *rules)
{
    stn_yaml_document *document;
    stn_error err;
    char path[512];
    snprintf(path, sizeof path, "%s/networks/%s.yaml", stn_share_directory(),
             name);
    assert_ok(stn_yaml_load(path, &document, &err), err);
    build_document(net, document, overrides, rules);
}

static difference compare_shipped(const char *name,
                                  const stn_yaml_scope *overrides,
                                  const char *rules)
{
    network net;
    build_shipped(&net, name, overrides, rules);
    calibrate(&net, true);
    stn_program *p = lowered(&net);
    difference d = compare(&net, p);
    stn_program_destroy(p);
    destroy(&net);
    return d;
}

static void lenet5_and_its_program_agree(void **state_)
{
    (void)state_;
    static const stn_yaml_variable small[] = {
        {"height", 16}, {"width", 16}, {"abits", 8}};
    const stn_yaml_scope overrides = {small, 3};
    assert_close(compare_shipped("lenet5", &overrides, EVERY));
}

static void resnet20_and_its_program_agree(void **state_)
{
    (void)state_;
    static const stn_yaml_variable small[] = {
        {"height", 16}, {"width", 16}, {"abits", 8}, {"p", 3}};
    const stn_yaml_scope overrides = {small, 4};
    difference d = compare_shipped("resnet20", &overrides, EVERY);
    /* A step in one layer becomes several by the nineteenth: the multipliers
     * of a sum share their shift, so the smaller has fewer bits. */
    assert_true(d.logit < 0.05);
    assert_true(d.size < 0.1);
    assert_true(d.n_disagree <= N_PICTURES / 50);
}

/* Weights and activations of few bits: a step is a large share of the range,
 * and hardly any is moved by rounding. */
static void check_dorefa(const char *name, int side, int wbits, int abits)
{
    const stn_yaml_variable small[] = {{"channels", 1},  {"height", side},
                                       {"width", side},  {"ebits", 8},
                                       {"abits", abits}, {"p", 4}};
    const stn_yaml_scope overrides = {small, *name == 's' ? 6 : 5};
    char rules[256];
    snprintf(rules, sizeof rules,
             EVERY "- {layers: \"conv[2-6]\", quantiser: "
                   "{dorefa: {bits: %d}}}\n",
             wbits);
    difference d = compare_shipped(name, &overrides, rules);
    assert_true(d.share < 1e-3);
    assert_true(d.n_disagree <= N_PICTURES / 50);
}

static void dorefa_networks_and_their_programs_agree(void **state_)
{
    (void)state_;
    check_dorefa("lenet5-dorefa", 16, 1, 1);
    check_dorefa("lenet5-dorefa", 16, 2, 4);
    check_dorefa("lenet5-dorefa", 16, 8, 8);
    check_dorefa("svhn-dorefa", 24, 3, 2);
}

static void networks_of_bitslice_l1_and_their_programs_agree(void **state_)
{
    (void)state_;
    static const stn_yaml_variable small[] = {
        {"height", 16}, {"width", 16}, {"abits", 8}, {"p", 3}};
    /* Five pools leave one pixel of 32 x 32: VGG-11 takes no other size. */
    const stn_yaml_scope resnet = {small, 4}, vgg = {small + 2, 2};
    for (int i = 0; i < 2; i++) {
        difference d =
            compare_shipped(i ? "vgg11" : "resnet20", i ? &vgg : &resnet,
                            "- {layers: \"*\", quantiser: dynamic_fixed}\n");
        assert_true(d.logit < 0.05);
        assert_true(d.size < 0.1);
        assert_true(d.n_disagree <= N_PICTURES / 50);
    }
}

static void their_float_twins_have_no_integer_form(void **state_)
{
    (void)state_;
    stn_error err;
    stn_program *p;
    network net;
    build_shipped(&net, "lenet5", NULL, EVERY);
    assert_refused(stn_lower(net.graph, net.compression, NULL, &p, &err), err,
                   STN_E_UNSUPPORTED, "is not quantised");
    destroy(&net);
}

/* ---- Refusals ----------------------------------------------------------- */

#define HEAD                                                                   \
    "name: bad\n"                                                              \
    "input: {height: 8, width: 8, channels: 2}\n"                              \
    "layers:\n"                                                                \
    "  - quantise: {bits: 8, signed: false, fixed: 255, name: q0}\n"           \
    "  - conv: {out: 4, kernel: 1, name: c1}\n"
#define TAIL                                                                   \
    "  - avg_pool: {kernel: 0, name: mean}\n"                                  \
    "  - quantise: {bits: 8, signed: true, fixed: 2, name: q9}\n"              \
    "  - linear: {out: 3, name: fc}\n"

static void what_has_no_integer_form_is_refused_by_name(void **state_)
{
    (void)state_;
    static const struct {
        const char *text, *rules, *layer, *says;
    } cases[] = {
        {HEAD TAIL, "- {layers: \"c1\", quantiser: {binary: {}}}\n", "layer fc",
         "add a quantiser"},
        {HEAD "  - conv: {out: 3, kernel: 1, name: c2}\n" TAIL, EVERY,
         "net.yaml:6: layer c2", "its input c1 is not quantised"},
        {HEAD "  - relu: {name: r}\n  - batch_norm: {name: n}\n" TAIL, EVERY,
         "layer n", "its input r is a ReLU that is not quantised"},
        {HEAD "  - relu: {name: r}\n" TAIL, EVERY, "layer mean",
         "its input r is a ReLU"},
        {HEAD "  - relu: {name: r}\n  - add: {from: [c1, r], name: j}\n" TAIL,
         EVERY, "layer j", "its input r is a ReLU"},
        {HEAD "  - add: {from: [c1, c1], name: j}\n"
              "  - add: {from: [j, c1], name: k}\n" TAIL,
         EVERY, "layer k", "its input j is a sum"},
        {HEAD "  - add: {from: [c1, c1], name: j}\n" TAIL, EVERY, "layer mean",
         "its input j is an addition"},
        {HEAD "  - batch_norm: {name: n}\n"
              "  - max_pool: {kernel: 2, name: p}\n" TAIL,
         EVERY, "layer p", "channel 1 of its input n falls"},
        {HEAD "  - quantise: {bits: 8, signed: true, name: q}\n" TAIL, EVERY,
         "layer q", "its range is 0"},
        {HEAD "  - max_pool: {kernel: 3, pad: 1, name: p}\n" TAIL, EVERY,
         "layer p", "padded max_pool"},
        {HEAD "  - concat: {from: [c1, c1], name: j}\n" TAIL, EVERY, "layer j",
         "no integer form"},
        {HEAD "  - quantise: {bits: 16, signed: false, fixed: 9, name: q}\n"
              "  - linear: {out: 3, name: fc}\n",
         EVERY, "layer q", "at most 15, or signed"},
        {HEAD "  - quantise: {bits: 16, signed: true, fixed: 9, name: q}\n"
              "  - depthwise: {multiplier: 16, kernel: 1, name: d}\n"
              "  - quantise: {bits: 16, signed: true, fixed: 9, name: q2}\n"
              "  - conv: {out: 3, kernel: 8, name: big}\n",
         EVERY, "layer big", "leaves 32 bits"},
    };
    stn_error err;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        network net;
        stn_program *p = NULL;
        build(&net, cases[i].text, cases[i].rules);
        const stn_node *n = stn_graph_node(net.graph, "n");
        if (n)
            state(&net, n, 0)[1] = -1;
        assert_refused(stn_lower(net.graph, net.compression, NULL, &p, &err),
                       err, STN_E_UNSUPPORTED, cases[i].says);
        assert_non_null(strstr(err.text, cases[i].layer));
        destroy(&net);
    }
}

static void parameters_that_are_not_numbers_are_refused(void **state_)
{
    (void)state_;
    stn_error err;
    network net;
    stn_program *p = NULL;
    build(&net, HEAD "  - batch_norm: {name: n}\n" TAIL, EVERY);
    state(&net, stn_graph_node(net.graph, "n"), 2)[3] = NAN;
    assert_refused(stn_lower(net.graph, net.compression, NULL, &p, &err), err,
                   STN_E_NUMERIC, "layer q9");
    destroy(&net);
}

/* ---- From a run folder -------------------------------------------------- */

/* MNIST's files with `n` pictures: class k % 10 is a bright bar in row
 * 2 + 2 (k % 10). */
static void write_idx(const char *folder, const char *split, uint32_t n)
{
    char path[128];
    uint8_t head[16] = {0, 0, 8, 3, 0, 0, 0, 0, 0, 0, 0, 28, 0, 0, 0, 28};
    head[6] = (uint8_t)(n >> 8);
    head[7] = (uint8_t)n;
    snprintf(path, sizeof path, "%s/%s-images-idx3-ubyte", folder, split);
    FILE *images = fopen(path, "wb");
    snprintf(path, sizeof path, "%s/%s-labels-idx1-ubyte", folder, split);
    FILE *labels = fopen(path, "wb");
    assert_true(images && labels);
    fwrite(head, 1, 16, images);
    head[3] = 1;
    fwrite(head, 1, 8, labels);
    for (uint32_t k = 0; k < n; k++) {
        stn_rng rng = stn_rng_make(8, STN_RNG_TEST, k);
        for (uint32_t i = 0; i < 28 * 28; i++) {
            bool bar = i / 28 / 2 == 1 + k % 10;
            fputc((int)stn_rng_below(&rng, 56) + (bar ? 200 : 0), images);
        }
        fputc((int)(k % 10), labels);
    }
    fclose(images);
    fclose(labels);
}

static double program_accuracy(const stn_program *p, const char *data)
{
    stn_error err;
    stn_dataset *dataset;
    assert_ok(stn_dataset_open(data, &dataset, &err), err);
    const stn_images *test = stn_dataset_images(dataset, STN_SPLIT_TEST);
    size_t size = stn_shape_count(p->input);
    stn_augment fit = {.height = p->input.h, .width = p->input.w};
    uint8_t *pixels = malloc(size);
    uint32_t n_correct = 0;
    for (uint32_t k = 0; k < test->n; k++) {
        int32_t logits[10];
        int best = 0;
        stn_augment_eval(&fit, test, k, pixels);
        assert_ok(stn_reference_classify(p, pixels, logits, &err), err);
        for (int c = 1; c < 10; c++)
            best = logits[c] > logits[best] ? c : best;
        n_correct += best == test->labels[k];
    }
    double accuracy = (double)n_correct / test->n;
    free(pixels);
    stn_dataset_close(dataset);
    return accuracy;
}

static void a_trained_run_is_packed_with_its_accuracy(void **state_)
{
    (void)state_;
    static const char *const set[] = {
        "parameters.p=16", "parameters.m=1",
        "parameters.d=1",  "parameters.full=32",
        "epochs=3",        "batch=16",
        "validation=32",   "optimiser.adam.lr=0.01"};
    stn_error err;
    char folder[64], data[80], run[80], file[80], clean[128];
    snprintf(folder, sizeof folder, "test_pack.%ld", (long)getpid());
    snprintf(data, sizeof data, "%s/mnist", folder);
    snprintf(run, sizeof run, "%s/run", folder);
    snprintf(file, sizeof file, "%s/m.stn", folder);
    snprintf(clean, sizeof clean, "rm -rf %s", folder);
    assert_ok(stn_make_directories(data, &err), err);
    write_idx(data, "train", 512);
    write_idx(data, "t10k", 100);

    stn_train_options o = stn_train_defaults();
    o.recipe = "bdnet";
    o.data = data;
    o.out = run;
    o.set = set;
    o.n_set = sizeof set / sizeof set[0];
    o.seed = 3;
    o.threads = 1;
    stn_train_result result;
    stn_program *p;
    assert_ok(stn_train(&o, &result, &err), err);
    assert_ok(stn_pack(run, file, 0, &err), err);
    assert_ok(stn_program_read(file, &p, &err), err);
    assert_string_equal(stn_program_metadata(p, "recipe"), "bdnet");
    assert_string_equal(stn_program_metadata(p, "variant"), "wpc");
    assert_string_equal(stn_program_metadata(p, "data"), "mnist");
    assert_string_equal(stn_program_metadata(p, "seed"), "3");
    assert_string_equal(stn_program_metadata(p, "epochs"), "3");
    assert_string_equal(p->class_names[7], "7");
    double stated = atof(stn_program_metadata(p, "accuracy"));
    double packed = program_accuracy(p, data);
    print_message("accuracy of the graph %.3f, of the program %.3f\n",
                  result.test_accuracy, packed);
    assert_true(stated == result.test_accuracy);
    assert_true(result.test_accuracy > 0.5); /* it learned something */
    assert_true(fabs(stated - packed) <= 0.02);
    stn_program_destroy(p);
    assert_refused(stn_pack(run, file, 4, &err), err, STN_E_UNSUPPORTED,
                   "no layer reads spikes");
    assert_int_equal(system(clean), 0);
}

static void packing_what_is_not_there_is_refused(void **state_)
{
    (void)state_;
    stn_error err;
    memset(&err, 0, sizeof err);
    assert_int_not_equal(stn_pack("no-such-run", "x.stn", 0, &err), STN_OK);
    assert_non_null(strstr(err.text, "no-such-run"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bdnet_graph_and_its_program_agree),
        cmocka_unit_test(the_program_in_the_file_is_the_one_lowered),
        cmocka_unit_test(other_layers_and_their_program_agree),
        cmocka_unit_test(groups_of_channels_and_their_program_agree),
        cmocka_unit_test(codes_of_nine_bits_and_their_program_agree),
        cmocka_unit_test(steps_and_their_program_agree),
        cmocka_unit_test(a_spiking_graph_and_its_program_agree),
        cmocka_unit_test(lenet5_and_its_program_agree),
        cmocka_unit_test(resnet20_and_its_program_agree),
        cmocka_unit_test(networks_of_bitslice_l1_and_their_programs_agree),
        cmocka_unit_test(dorefa_networks_and_their_programs_agree),
        cmocka_unit_test(their_float_twins_have_no_integer_form),
        cmocka_unit_test(what_has_no_integer_form_is_refused_by_name),
        cmocka_unit_test(parameters_that_are_not_numbers_are_refused),
        cmocka_unit_test(a_trained_run_is_packed_with_its_accuracy),
        cmocka_unit_test(packing_what_is_not_there_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
