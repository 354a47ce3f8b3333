/* SPDX-License-Identifier: MIT
 *
 * Every quantiser in every structure and under every penalty, from the
 * training graph through a file to the executors: what is read is what was
 * trained, its logits are those of training, the file costs what the account
 * says, and engine and reference agree, with fewer bits as well. Networks are
 * untrained but for the steps of a penalty. */
#include "test.h"
#include "senseless.h"
#include "base/file.h"
#include "base/rng.h"
#include "compress/compress.h"
#include "nn/executor.h"
#include "pack/lower.h"
#include "pack/write.h"
#include "setun/engine.h"
#include "setun/simulate.h"
#include <math.h>
#include <unistd.h>

static const char network_text[] =
    "name: planes\n"
    "input: {height: 9, width: 8, channels: 3}\n"
    "layers:\n"
    "  - normalise: {mean: 0.5, std: 0.25}\n"
    "  - quantise: {name: pixels, signed: true, fixed: 2}\n"
    "  - conv: {name: stem, out: 12, kernel: 3, pad: 1}\n"
    "  - relu\n"
    "  - quantise: {name: a, fixed: 3.7123}\n"
    "  - conv: {name: grouped, out: 12, kernel: 3, stride: 2, groups: 3}\n"
    "  - relu\n"
    "  - quantise: {name: b, fixed: 3.8347}\n"
    "  - conv: {name: body, out: 10, kernel: 1}\n"
    "  - relu\n"
    "  - quantise: {name: c, fixed: 4.1719}\n"
    "  - linear: {name: flat, out: 14}\n"
    "  - relu\n"
    "  - quantise: {name: d, fixed: 7.9031}\n"
    "  - linear: {name: fc, out: 5}\n";

static const char *const structures[] = {
    "{blocks: {rows: 5, cols: 2, keep: 0.5}}",
    "{blocks: {rows: 1, cols: 2, keep: 0.5, inner_rows: 1, inner_cols: 1}}",
    "{permuted_diagonal: {p: 3}}",
    "{permuted_diagonal: {p: 5, order: random}}",
    "{circulant: {p: 4}}",
    "{sparse: {index_bits: 3}}",
};
enum { N_STRUCTURES = sizeof structures / sizeof structures[0] };
enum { N_PICTURES = 6, PIXELS = 9 * 8 * 3, N_CLASSES = 5 };

typedef struct network {
    stn_yaml_document *document, *rules;
    stn_graph *graph;
    stn_compression *compression;
} network;

/* `structure` and `penalty` on body, flat and fc; NULL: none. */
static stn_status bind(network *net, const char *quantiser,
                       const char *structure, const char *penalty,
                       stn_error *err)
{
    stn_error unexpected;
    char rules[512];
    *net = (network){0};
    snprintf(rules, sizeof rules,
             "- {layers: \"*\", quantiser: %s}\n"
             "- {layers: \"[bf]*\", quantiser: %s%s%s%s%s}\n",
             quantiser, quantiser, structure ? ", structure: " : "",
             structure ? structure : "", penalty ? ", group: 3, penalty: " : "",
             penalty ? penalty : "");
    assert_ok(
        stn_yaml_parse("net.yaml", network_text, &net->document, &unexpected),
        unexpected);
    assert_ok(stn_yaml_parse("rules.yaml", rules, &net->rules, &unexpected),
              unexpected);
    assert_ok(stn_graph_build(stn_yaml_root(net->document), NULL, &net->graph,
                              &unexpected),
              unexpected);
    stn_graph_init(net->graph, 3);
    return stn_compression_create(net->graph, stn_yaml_root(net->rules), NULL,
                                  4, &net->compression, err);
}

static void build(network *net, const char *quantiser, const char *structure)
{
    stn_error err;
    stn_pool *pool;
    assert_ok(bind(net, quantiser, structure, NULL, &err), err);
    /* Pruned, for what stores the rest. */
    for (int i = 0; i < net->compression->n; i++) {
        stn_param *p = net->compression->bindings[i].param;
        for (size_t k = 0; k < p->count; k++)
            if (fabsf(p->latent[k]) < 0.1f && structure &&
                strstr(structure, "sparse"))
                p->latent[k] = 0;
    }
    assert_ok(stn_pool_create(1, NULL, &pool, &err), err);
    stn_compression_apply(net->compression, pool);
    stn_pool_destroy(pool);
}

static void destroy(network *net)
{
    stn_compression_destroy(net->compression);
    stn_graph_destroy(net->graph);
    stn_yaml_destroy(net->rules);
    stn_yaml_destroy(net->document);
}

static const char *path_of(void)
{
    static char path[64];
    /* A disk takes its time to hold a thousand files for good. */
    snprintf(path, sizeof path, "%stest_pack_structures.%ld.stn",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm/" : "", (long)getpid());
    return path;
}

/* Lowers, writes and reads. */
static stn_program *through_a_file(const network *net)
{
    stn_error err;
    stn_program *lowered = NULL, *read = NULL;
    assert_ok(stn_lower(net->graph, net->compression, NULL, &lowered, &err),
              err);
    assert_ok(stn_program_write(path_of(), lowered, NULL, 0, &err), err);
    assert_ok(stn_program_read(path_of(), &read, &err), err);
    stn_program_destroy(lowered);
    return read;
}

static const stn_weights *weights_of(const stn_program *p, const char *name)
{
    for (int i = 0; i < p->n_instructions; i++)
        if (strcmp(p->instructions[i].name, name) == 0)
            return &p->instructions[i].weights;
    fail_msg("no instruction %s", name);
    return NULL;
}

/* Element (r, c) of block (i, j) is w[(r - c) mod p] of the binding's
 * {…, Q p}. */
static void assert_blocks_repeat(const stn_weights *w, const stn_binding *b,
                                 const int8_t *codes)
{
    int p = b->layout.p, in = w->layout.flat ? w->kh * w->kw * w->in : w->in;
    size_t k = 0, cols = (size_t)b->shape.in;
    for (int o = 0; o < w->out; o++)
        for (size_t a = 0; a < (size_t)b->shape.area; a++)
            for (int c = 0; c < in; c++, k++) {
                size_t row = (size_t)(o / p) * (size_t)b->shape.area + a;
                size_t t = (size_t)((o % p - c % p + p) % p);
                size_t at = row * cols + (size_t)(c / p * p) + t;
                assert_int_equal(w->codes[k], codes[at]);
            }
    assert_int_equal(k, w->out * w->kh * w->kw * w->in);
}

static void assert_codes(const stn_weights *w, const stn_binding *b,
                         const int8_t *codes)
{
    if (b->layout.structure == STN_CIRCULANT)
        assert_blocks_repeat(w, b, codes);
    else
        assert_memory_equal(w->codes, codes, b->param->count);
    if (b->stored && b->layout.structure != STN_SPARSE)
        assert_int_equal(w->n_stored, b->stored->n);
    size_t bits = w->value_bits + w->index_bits;
    assert_true(8 * w->stored_bytes >= bits);
    assert_true(8 * w->stored_bytes < bits + 24);
}

/* Codes of the layers that are not spread over groups are the binding's. */
static void assert_same_codes(const network *net, const stn_program *p)
{
    static const char *const names[] = {"stem", NULL, "body", "flat", "fc"};
    for (int i = 0; i < 5; i++) {
        const stn_binding *b = &net->compression->bindings[i];
        char low[16];
        if (!names[i])
            continue;
        assert_codes(weights_of(p, names[i]), b, b->codes);
        snprintf(low, sizeof low, "%s" STN_LOW_SUFFIX, names[i]);
        if (b->low)
            assert_codes(weights_of(p, low), b, b->low);
    }
}

static void make_pictures(uint8_t pixels[N_PICTURES * PIXELS])
{
    stn_rng rng = stn_rng_make(5, STN_RNG_TEST, 0);
    for (size_t i = 0; i < N_PICTURES * PIXELS; i++)
        pixels[i] = (uint8_t)stn_rng_below(&rng, 256);
}

static void fetch(void *context, int first, int n, uint8_t *pixels,
                  uint8_t *labels)
{
    uint8_t all[N_PICTURES * PIXELS];
    (void)context;
    make_pictures(all);
    memcpy(pixels, all + (size_t)first * PIXELS, (size_t)n * PIXELS);
    memset(labels, 0, (size_t)n);
}

/* Logits of the training graph are the program's integers, times their scale,
 * but for activations that float rounding moves by a step. */
static void assert_logits_of_training(const network *net, const stn_program *p)
{
    stn_error err;
    stn_pool *pool;
    stn_executor *executor;
    stn_executor_result result;
    float logits[N_PICTURES * N_CLASSES];
    stn_executor_batch batch = {
        .fetch = fetch, .n = N_PICTURES, .logits = logits};
    uint8_t pixels[N_PICTURES * PIXELS];
    double scale = p->values[p->n_values - 1].scale, most = 0;
    int n_moved = 0;
    assert_ok(stn_pool_create(1, stn_executor_thread_init, &pool, &err), err);
    assert_ok(stn_executor_create(net->graph, pool, N_PICTURES, 1, false,
                                  &executor, &err),
              err);
    stn_executor_evaluate(executor, &batch, &result);
    make_pictures(pixels);
    for (int i = 0; i < N_PICTURES * N_CLASSES; i++)
        most = fmax(most, fabs((double)logits[i]));
    for (int k = 0; k < N_PICTURES; k++) {
        int32_t got[N_CLASSES];
        double off = 0;
        assert_ok(stn_reference_classify(p, pixels + k * PIXELS, got, &err),
                  err);
        for (int c = 0; c < N_CLASSES; c++)
            off = fmax(
                off, fabs(got[c] * scale - (double)logits[k * N_CLASSES + c]));
        n_moved += off > 1e-3 * most;
        if (!(off <= 0.1 * most))
            fail_msg("picture %d: off by %g of %g", k, off, most);
    }
    assert_true(n_moved <= 2);
    stn_executor_destroy(executor);
    stn_pool_destroy(pool);
}

static void assert_executors_agree(const stn_program *p)
{
    stn_error err;
    uint8_t pixels[N_PICTURES * PIXELS];
    int32_t expected[N_PICTURES * N_CLASSES], got[N_PICTURES * N_CLASSES];
    make_pictures(pixels);
    for (size_t k = 0; k < N_PICTURES; k++)
        assert_ok(stn_reference_classify(p, pixels + k * PIXELS,
                                         expected + k * N_CLASSES, &err),
                  err);
    for (int level = 0; level <= (int)stn_cpu_detect(); level++) {
        stn_engine_options options = stn_engine_defaults();
        stn_engine *engine;
        options.level = (stn_cpu_level)level;
        options.threads = 1;
        assert_ok(stn_engine_create(p, &options, &engine, &err), err);
        assert_ok(stn_engine_run(engine, pixels, N_PICTURES, got, &err), err);
        assert_memory_equal(got, expected, sizeof got);
        stn_engine_destroy(engine);
    }
}

/* The same program with 6 bits, or the reason why there is none. */
static void assert_narrow_executors_agree(const stn_program *p)
{
    stn_error err;
    stn_program *narrow;
    if (stn_program_narrow(p, 6, STN_NARROW_ROUND, &narrow, &err) == STN_OK) {
        assert_executors_agree(narrow);
        stn_program_destroy(narrow);
    } else if (!strstr(err.text, "use more bits") &&
               !strstr(err.text, "in two instructions")) {
        fail_msg("%s", err.text);
    }
}

/* Every number of bits; with one line at least a quantiser. */
static const struct {
    const char *name, *option; /* %d: bits */
    int first, last;
} quantisers[] = {
    {"uniform", "{bits: %d}", 2, 16},
    {"uniform", "{bits: %d, per_filter: false}", 8, 9},
    {"grid", "{bits: %d}", 1, 8},
    {"binary", "{}", 0, 0},
    {"binary", "{per_filter: true}", 0, 0},
    {"dynamic_fixed", "{bits: %d}", 1, 8},
    {"dynamic_fixed", "{bits: %d, rounding: floor}", 8, 8},
    {"levels", "{bits: %d}", 1, 7},
    {"dorefa", "{bits: %d}", 1, 8},
    {"ternary_gauss", "{}", 0, 0},
    {"fixed", "{}", 0, 0},
    {"fixed", "{pattern: scatter}", 0, 0},
    {"sparse_binary", "{}", 0, 0},
};
enum { N_QUANTISERS = sizeof quantisers / sizeof quantisers[0] };

static void every_quantiser_has_a_line(void **state)
{
    (void)state;
    for (int t = 0; stn_quantiser_types[t]; t++) {
        int n = 0;
        for (int q = 0; q < N_QUANTISERS; q++)
            n += strcmp(quantisers[q].name, stn_quantiser_types[t]->name) == 0;
        if (!n)
            fail_msg("no line for %s", stn_quantiser_types[t]->name);
    }
}

static void assert_packed_as_trained(const char *quantiser, int s)
{
    network net;
    print_message("%s in %s\n", quantiser, s < 0 ? "none" : structures[s]);
    build(&net, quantiser, s < 0 ? NULL : structures[s]);
    stn_program *p = through_a_file(&net);
    assert_same_codes(&net, p);
    assert_logits_of_training(&net, p);
    assert_executors_agree(p);
    assert_narrow_executors_agree(p);
    stn_program_destroy(p);
    destroy(&net);
}

static void every_quantiser_in_every_structure_is_what_was_trained(void **state)
{
    (void)state;
    for (int s = -1; s < N_STRUCTURES; s++)
        for (int q = 0; q < N_QUANTISERS; q++)
            for (int bits = quantisers[q].first; bits <= quantisers[q].last;
                 bits++) {
                char option[64], quantiser[96];
                snprintf(option, sizeof option, quantisers[q].option, bits);
                snprintf(quantiser, sizeof quantiser, "{%s: %s}",
                         quantisers[q].name, option);
                assert_packed_as_trained(quantiser, s);
            }
    unlink(path_of());
}

static const struct {
    const char *name, *options;
} penalties[] = {
    {"group_lasso", "{lambda: 0.01, keep: 0.5, cut_at: 0.5}"},
    {"admm", "{keep: 0.3}"},
    {"admm", "{project: levels, bits: 2}"},
    {"freeze", "{}"},
    {"l1", "{lambda: 0.01, prune: 0.05}"},
    {"bit_slice_l1", "{lambda: 0.01}"},
};
enum { N_PENALTIES = sizeof penalties / sizeof penalties[0] };

static void every_penalty_has_a_line(void **state)
{
    (void)state;
    for (int t = 0; stn_penalty_types[t]; t++) {
        int n = 0;
        for (int k = 0; k < N_PENALTIES; k++)
            n += strcmp(penalties[k].name, stn_penalty_types[t]->name) == 0;
        if (!n)
            fail_msg("no line for %s", stn_penalty_types[t]->name);
    }
}

/* A run of some steps along random gradients. */
static void train(network *net)
{
    enum { N_EPOCHS = 2, N_STEPS = 2 };
    stn_error err;
    stn_pool *pool;
    stn_compression *c = net->compression;
    stn_rng rng = stn_rng_make(9, STN_RNG_TEST, 0);
    assert_ok(stn_pool_create(1, NULL, &pool, &err), err);
    stn_compression_apply(c, pool);
    stn_compression_turn(c, pool, 0, N_EPOCHS);
    for (int epoch = 1; epoch <= N_EPOCHS; epoch++) {
        for (int step = 0; step < N_STEPS; step++) {
            stn_compression_apply(c, pool);
            for (int i = 0; i < c->n; i++) {
                stn_param *p = c->bindings[i].param;
                for (size_t k = 0; k < p->count; k++)
                    p->grad[k] = 0.1f * stn_rng_normal(&rng);
            }
            stn_compression_backward(c, pool, true);
            for (int i = 0; i < c->n; i++) {
                stn_param *p = c->bindings[i].param;
                for (size_t k = 0; k < p->count; k++)
                    p->latent[k] -= 0.05f * p->grad[k];
            }
            stn_compression_settle(c, pool);
        }
        stn_compression_apply(c, pool);
        c->epoch = epoch;
        stn_compression_turn(c, pool, epoch, N_EPOCHS);
    }
    stn_compression_apply(c, pool);
    stn_pool_destroy(pool);
}

static void assert_packed_as_penalised(const char *quantiser, int s, int k)
{
    network net;
    stn_error err;
    char penalty[96];
    const char *structure = s < 0 ? NULL : structures[s];
    const char *reason = senseless(quantiser, penalties[k].name, structure);
    print_message("%s in %s under %s\n", quantiser,
                  s < 0 ? "none" : structures[s], penalties[k].name);
    if (strstr(penalties[k].options, "levels") && reason &&
        strcmp(quantiser, "fixed") != 0)
        reason = NULL; /* makes no zeros */
    snprintf(penalty, sizeof penalty, "{%s: %s}", penalties[k].name,
             penalties[k].options);
    stn_status status =
        bind(&net, quantiser, s < 0 ? NULL : structures[s], penalty, &err);
    if (reason) {
        assert_int_equal(status, STN_E_FORMAT);
        assert_non_null(strstr(err.text, reason));
    } else {
        assert_int_equal(status, STN_OK);
        train(&net);
        stn_program *p = through_a_file(&net);
        assert_same_codes(&net, p);
        assert_logits_of_training(&net, p);
        assert_executors_agree(p);
        stn_program_destroy(p);
    }
    destroy(&net);
}

static void what_every_penalty_leaves_is_packed_as_it_is(void **state)
{
    (void)state;
    for (int s = -1; s < N_STRUCTURES; s++)
        for (int q = 0; stn_quantiser_types[q]; q++)
            for (int k = 0; k < N_PENALTIES; k++)
                assert_packed_as_penalised(stn_quantiser_types[q]->name, s, k);
    unlink(path_of());
}

/* A machine that adds bits finds the numbers of the reference, too. */
static void an_in_memory_machine_computes_every_structure(void **state)
{
    (void)state;
    stn_error err;
    stn_machine *machine;
    stn_rng rng = stn_rng_make(6, STN_RNG_TEST, 0);
    uint8_t pixels[2 * 9 * 8 * 3];
    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i] = (uint8_t)stn_rng_below(&rng, 256);
    assert_ok(stn_machine_load("bdnet-sot", NULL, 0, &machine, &err), err);
    for (int s = 0; s < N_STRUCTURES; s++) {
        network net;
        stn_simulation *simulation;
        stn_simulate_options options = {
            .pixels = pixels, .n_pictures = 2, .threads = 1, .check = true};
        build(&net,
              s % 2 ? "binary" : "{uniform: {bits: 3, per_filter: false}}",
              structures[s]);
        stn_program *p = through_a_file(&net);
        assert_ok(stn_simulate(machine, p, &options, &simulation, &err), err);
        assert_int_equal(simulation->n_pictures, 2);
        assert_int_equal(simulation->n_mismatches, 0);
        stn_simulation_destroy(simulation);
        stn_program_destroy(p);
        destroy(&net);
    }
    stn_machine_destroy(machine);
    unlink(path_of());
}

/* Filters of `body` and `fc` that are all 0, as a penalty leaves them: their
 * weights cost nothing, each filter a bit. */
static void emptied_groups_of_any_bits_cost_a_bit(void **state)
{
    (void)state;
    stn_error err;
    network net;
    stn_pool *pool;
    build(&net, "{uniform: {bits: 6}}", NULL);
    float *body = net.compression->bindings[2].param->latent; /* 10 x 12 */
    for (int k = 0; k < 4 * 12; k++)
        body[k] = 0;
    assert_ok(stn_pool_create(1, NULL, &pool, &err), err);
    stn_compression_apply(net.compression, pool);
    stn_pool_destroy(pool);
    stn_program *p = through_a_file(&net);
    const stn_weights *w = weights_of(p, "body");
    assert_int_equal(w->layout.structure, STN_GROUPS);
    assert_int_equal(w->value_bits, 6 * 12 * 6);
    assert_int_equal(w->index_bits, 10);
    assert_int_equal(weights_of(p, "fc")->layout.structure, STN_DENSE);
    assert_same_codes(&net, p);
    stn_program_destroy(p);
    destroy(&net);
    unlink(path_of());
}

/* 12 filters in 3 groups of 4 channels: 3 blocks of 4 x 4 x 9 weights, and
 * which of the 3 columns each row keeps. */
static void a_convolution_in_groups_stores_what_it_has(void **state)
{
    (void)state;
    network net;
    build(&net, "{uniform: {bits: 4}}", NULL);
    stn_program *p = through_a_file(&net);
    const stn_weights *w = weights_of(p, "grouped");
    assert_int_equal(w->in, 12);
    assert_int_equal(w->value_bits, 3 * 4 * 4 * 9 * 4);
    assert_int_equal(w->index_bits, 3 * 2);
    stn_program_destroy(p);
    destroy(&net);
    unlink(path_of());
}

/* Section 3b: exactly p times fewer weights, and no index; 14 x 120 by p = 2,
 * which divides. A flattened picture counts as one input a number. */
static void a_permuted_diagonal_over_a_picture_is_exactly_p_fold(void **state)
{
    (void)state;
    network net;
    build(&net, "{uniform: {bits: 4}}", "{permuted_diagonal: {p: 2}}");
    stn_program *p = through_a_file(&net);
    const stn_weights *w = weights_of(p, "flat");
    assert_int_equal(w->kh * w->kw * w->in, 120);
    assert_true(w->layout.flat);
    assert_int_equal(w->value_bits, 14 * 120 / 2 * 4);
    assert_int_equal(w->index_bits, 0);
    assert_int_equal(w->stored_bytes, 14 * 120 / 4);
    stn_program_destroy(p);
    destroy(&net);
    unlink(path_of());
}

static void a_structure_on_a_convolution_in_groups_is_refused(void **state)
{
    (void)state;
    stn_error err;
    stn_program *p;
    network net = {0};
    stn_pool *pool;
    assert_ok(stn_yaml_parse("net.yaml", network_text, &net.document, &err),
              err);
    assert_ok(stn_yaml_parse("rules.yaml",
                             "- {layers: \"*\", quantiser: binary}\n"
                             "- {layers: grouped, quantiser: binary, "
                             "structure: {permuted_diagonal: {p: 2}}}\n",
                             &net.rules, &err),
              err);
    assert_ok(
        stn_graph_build(stn_yaml_root(net.document), NULL, &net.graph, &err),
        err);
    stn_graph_init(net.graph, 3);
    assert_ok(stn_compression_create(net.graph, stn_yaml_root(net.rules), NULL,
                                     4, &net.compression, &err),
              err);
    assert_ok(stn_pool_create(1, NULL, &pool, &err), err);
    stn_compression_apply(net.compression, pool);
    stn_pool_destroy(pool);
    assert_refused(stn_lower(net.graph, net.compression, NULL, &p, &err), err,
                   STN_E_UNSUPPORTED, "layer grouped: permuted_diagonal");
    destroy(&net);
}

/* Two layers with blocks of 256, one of them over a picture and cut off on
 * both sides: whatever runs them, the bits are those of the reference. */
static void large_circulant_layers_are_exact_by_transforms(void **state)
{
    (void)state;
    static const char text[] =
        "name: large\n"
        "input: {height: 20, width: 18, channels: 3}\n"
        "layers:\n"
        "  - normalise: {mean: 0.5, std: 0.25}\n"
        "  - quantise: {name: pixels, signed: true, fixed: 2}\n"
        "  - linear: {name: one, out: 1000}\n"
        "  - relu\n"
        "  - quantise: {name: a, bits: 8, fixed: 16}\n"
        "  - linear: {name: two, out: 1024}\n"
        "  - relu\n"
        "  - quantise: {name: b, bits: 8, fixed: 16}\n"
        "  - linear: {name: fc, out: 5}\n";
    enum { LARGE = 20 * 18 * 3, N = 3 };
    stn_error err;
    network net = {0};
    stn_pool *pool;
    uint8_t pixels[N * LARGE];
    int32_t expected[N * 5], got[N * 5];
    stn_rng rng = stn_rng_make(5, STN_RNG_TEST, 0);
    assert_ok(stn_yaml_parse("large.yaml", text, &net.document, &err), err);
    assert_ok(stn_yaml_parse("rules.yaml",
                             "- {layers: \"*\", quantiser: uniform}\n"
                             "- {layers: \"[ot]*\", quantiser: uniform, "
                             "structure: {circulant: {p: 256}}}\n",
                             &net.rules, &err),
              err);
    assert_ok(
        stn_graph_build(stn_yaml_root(net.document), NULL, &net.graph, &err),
        err);
    stn_graph_init(net.graph, 3);
    assert_ok(stn_compression_create(net.graph, stn_yaml_root(net.rules), NULL,
                                     4, &net.compression, &err),
              err);
    assert_ok(stn_pool_create(1, NULL, &pool, &err), err);
    stn_compression_apply(net.compression, pool);
    stn_pool_destroy(pool);
    stn_program *p = through_a_file(&net);
    assert_int_equal(weights_of(p, "two")->n_stored, 4 * 4 * 256);
    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i] = (uint8_t)stn_rng_below(&rng, 256);
    for (int k = 0; k < N; k++)
        assert_ok(stn_reference_classify(p, pixels + k * LARGE,
                                         expected + k * 5, &err),
                  err);
    for (int level = 0; level <= (int)stn_cpu_detect(); level++) {
        stn_engine_options options = stn_engine_defaults();
        stn_engine *engine;
        int n_transforms = 0;
        options.level = (stn_cpu_level)level;
        options.threads = 2;
        assert_ok(stn_engine_create(p, &options, &engine, &err), err);
        assert_ok(stn_engine_run(engine, pixels, N, got, &err), err);
        assert_memory_equal(got, expected, sizeof got);
        for (int i = 0; i < p->n_instructions; i++)
            n_transforms +=
                strstr(stn_engine_kernel_name(engine, i), "fft") != NULL;
        assert_int_equal(n_transforms, level ? 2 : 0);
        stn_engine_destroy(engine);
    }
    stn_program_destroy(p);
    destroy(&net);
    unlink(path_of());
}

static void flipped_bits_never_crash_the_reader(void **state)
{
    (void)state;
    stn_error err;
    int n_refused = 0;
    for (int s = 0; s < N_STRUCTURES; s++) {
        network net;
        uint8_t *bytes;
        size_t size;
        build(&net, "{uniform: {bits: 3, per_filter: false}}", structures[s]);
        stn_program_destroy(through_a_file(&net));
        assert_ok(stn_file_read(path_of(), &bytes, &size, &err), err);
        for (uint64_t round = 0; round < 300; round++) {
            stn_rng rng = stn_rng_make(round, STN_RNG_TEST, (uint64_t)s);
            uint8_t *copy = malloc(size);
            stn_program *p;
            memcpy(copy, bytes, size);
            for (uint32_t k = 1 + stn_rng_below(&rng, 3); k > 0; k--)
                copy[stn_rng_below(&rng, (uint32_t)size)] ^=
                    (uint8_t)(1u << stn_rng_below(&rng, 8));
            assert_ok(stn_file_write_atomic(path_of(), copy, size, &err), err);
            free(copy);
            if (stn_program_read(path_of(), &p, &err) == STN_OK) {
                if (p->input.h == 9 && p->input.w == 8 && p->input.c == 3 &&
                    p->n_classes == 5)
                    assert_executors_agree(p);
                stn_program_destroy(p);
            } else {
                n_refused++;
            }
        }
        stn_free(bytes);
        destroy(&net);
    }
    unlink(path_of());
    assert_true(n_refused > 300);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_quantiser_has_a_line),
        cmocka_unit_test(
            every_quantiser_in_every_structure_is_what_was_trained),
        cmocka_unit_test(every_penalty_has_a_line),
        cmocka_unit_test(what_every_penalty_leaves_is_packed_as_it_is),
        cmocka_unit_test(an_in_memory_machine_computes_every_structure),
        cmocka_unit_test(emptied_groups_of_any_bits_cost_a_bit),
        cmocka_unit_test(a_convolution_in_groups_stores_what_it_has),
        cmocka_unit_test(a_permuted_diagonal_over_a_picture_is_exactly_p_fold),
        cmocka_unit_test(a_structure_on_a_convolution_in_groups_is_refused),
        cmocka_unit_test(large_circulant_layers_are_exact_by_transforms),
        cmocka_unit_test(flipped_bits_never_crash_the_reader),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
