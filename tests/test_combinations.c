/* SPDX-License-Identifier: MIT
 *
 * Every quantiser in every structure, under every penalty and over time, from
 * the training graph through a file to the executors: what is read is what was
 * trained, its logits are those of training, the file costs what the account
 * says, and engine and reference agree, with fewer bits as well. Networks are
 * untrained but for the steps of a penalty. */
#include "planes.h"
#include "senseless.h"
#include "nn/executor.h"

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
        bind(&net, network_text, quantiser, structure, penalty, &err);
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
/* The same layers between neurons, which read and write spikes. */
static const char spiking_text[] =
    "name: planes\n"
    "input: {height: 9, width: 8, channels: 3}\n"
    "layers:\n"
    "  - rate_code: {name: code, steps: 4}\n"
    "  - conv: {name: stem, out: 12, kernel: 3, pad: 1}\n"
    "  - lif: {name: a, threshold: 0.3}\n"
    "  - conv: {name: grouped, out: 12, kernel: 3, stride: 2, groups: 3}\n"
    "  - lif: {name: b, threshold: 0.3}\n"
    "  - conv: {name: body, out: 10, kernel: 1}\n"
    "  - lif: {name: c, threshold: 0.2}\n"
    "  - linear: {name: flat, out: 14}\n"
    "  - lif: {name: d, threshold: 0.2}\n"
    "  - linear: {name: fc, out: 5}\n"
    "  - mean_steps:\n";

/* Whether spikes come as far as the last layer. */
static bool is_lively(const stn_program *p)
{
    stn_error err;
    uint8_t pixels[N_PICTURES * PIXELS];
    int32_t logits[2][N_CLASSES];
    make_pictures(pixels);
    for (int k = 0; k < 2; k++)
        assert_ok(
            stn_reference_classify(p, pixels + k * PIXELS, logits[k], &err),
            err);
    return memcmp(logits[0], logits[1], sizeof logits[0]) != 0;
}

static bool assert_spikes_as_trained(const char *quantiser, int s)
{
    stn_error err;
    network net;
    stn_program *split;
    print_message("%s in %s, over time\n", quantiser,
                  s < 0 ? "none" : structures[s]);
    build_text(&net, spiking_text, quantiser, s < 0 ? NULL : structures[s]);
    stn_program *p = through_a_file(&net);
    assert_same_codes(&net, p);
    assert_executors_agree(p);
    assert_ok(stn_program_split_time(p, 3, &split, &err), err);
    assert_executors_agree(split);
    bool lively = is_lively(p);
    stn_program_destroy(split);
    stn_program_destroy(p);
    destroy(&net);
    return lively;
}

static void every_quantiser_in_every_structure_reads_spikes(void **state)
{
    int n = 0, n_lively = 0;
    (void)state;
    for (int s = -1; s < N_STRUCTURES; s++)
        for (int q = 0; stn_quantiser_types[q]; q++, n++)
            n_lively +=
                assert_spikes_as_trained(stn_quantiser_types[q]->name, s);
    print_message("%d of %d are lively\n", n_lively, n);
    assert_true(n_lively > n / 2);
    unlink(path_of());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_quantiser_has_a_line),
        cmocka_unit_test(
            every_quantiser_in_every_structure_is_what_was_trained),
        cmocka_unit_test(every_penalty_has_a_line),
        cmocka_unit_test(what_every_penalty_leaves_is_packed_as_it_is),
        cmocka_unit_test(every_quantiser_in_every_structure_reads_spikes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
