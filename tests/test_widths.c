/* SPDX-License-Identifier: MIT
 *
 * Channel widths that share their weights: a narrow network is what it would
 * be alone, in training and packed. */
#include "bars.h"
#include "engines.h"

#include "nn/executor.h"
#include "pack/lower.h"
#include "pack/program_image.h"
#include "pack/write.h"
#include "setun/engine.h"
#include "setun/pack.h"
#include "setun/simulate.h"
#include "train/model.h"

#include <math.h>

#define BATCH 12
#define WIDE_CLASSES 3

/* Every kind of parameter; the last layer reads several pixels. */
static const char wide_network[] =
    "name: wide\n"
    "parameters: {share: 1, p: 8*share}\n"
    "input: {height: 8, width: 8, channels: 1}\n"
    "layers:\n"
    "  - normalise: {mean: 0.5, std: 0.5}\n"
    "  - quantise: {name: q0, bits: 8, signed: true}\n"
    "  - conv: {name: stem, out: p, kernel: 3, pad: 1, bias: true}\n"
    "  - batch_norm: {name: n1}\n"
    "  - relu: {name: r1}\n"
    "  - quantise: {name: q1, bits: 15}\n"
    "  - depthwise: {name: dw, kernel: 3, pad: 1}\n"
    "  - batch_norm: {name: n2}\n"
    "  - relu: {name: r2}\n"
    "  - quantise: {name: q2, bits: 8}\n"
    "  - conv: {name: pw, out: p, kernel: 1}\n"
    "  - batch_norm: {name: n3}\n"
    "  - add: {from: [n3, q1]}\n"
    "  - relu: {name: r3}\n"
    "  - quantise: {name: q3, bits: 8}\n"
    "  - max_pool: {kernel: 4}\n"
    "  - linear: {name: fc, out: 3}\n";

#define WIDE_HEAD                                                              \
    "id: wide\nnetwork: wide-network.yaml\ndata: bars\nvariant: ''\n"          \
    "budget: quick\nepochs: 3\nbatch: 16\nshards: 4\nvalidation: 20\n"         \
    "optimiser: {sgd: {lr: 0.05, weight_decay: 1e-4}}\n"                       \
    "distil: {share: 0.75, temperature: 2}\n"
#define WIDE_WIDTHS "widths: [0.25, 0.5, 1]\n"
#define WIDE_RULES                                                             \
    "compress:\n"                                                              \
    "  - {layers: \"*\", quantiser: uniform}\n"                                \
    "  - {layers: stem, quantiser: {uniform: {bits: 16}}}\n"                   \
    "  - {layers: pw, quantiser: ternary_gauss}\n"                             \
    "  - {layers: fc, quantiser: dynamic_fixed}\n"

static const char wide_recipe[] = WIDE_HEAD WIDE_WIDTHS WIDE_RULES;

static int set_up(void **unused)
{
    char file[sizeof(wide_recipe)];

    (void)unused;
    make_bars("test_widths");
    write_text("wide-network.yaml", wide_network);
    /* In a recipe file variant and budget are chosen, not written. */
    snprintf(file, sizeof(file), "%s", wide_recipe);
    memset(strstr(file, "variant"), '#', 1);
    memset(strstr(file, "budget"), '#', 1);
    write_text("wide.yaml", file);
    return 0;
}

static stn_status make_model(const char *recipe, const char *network,
                             stn_model **out, stn_error *err)
{
    stn_recipe *r;
    stn_status status = stn_recipe_restore(recipe, network, &r, err);

    return status == STN_OK ? stn_model_create(r, 5, out, err) : status;
}

static void fetch(void *context, int first, int n, uint8_t *pixels,
                  uint8_t *labels)
{
    stn_rng rng = stn_rng_make(7, STN_RNG_TEST, (uint64_t)first);

    (void)context;
    for (int i = 0; i < n * 64; i++)
        pixels[i] = (uint8_t)stn_rng_below(&rng, 256);
    for (int i = 0; i < n; i++)
        labels[i] = (uint8_t)((first + i) % WIDE_CLASSES);
}

static double train_once(stn_graph *graph, stn_pool *pool,
                         const stn_executor_batch *batch)
{
    stn_executor *executor;
    stn_executor_result result;
    stn_error err;

    assert_ok(stn_executor_create(graph, pool, BATCH, 3, true, &executor, &err),
              err);
    stn_executor_train(executor, batch, &result);
    stn_executor_destroy(executor);
    return result.loss_sum;
}

/* Element (o, a, i) of a parameter of `out` filters with `in` channels. */
static size_t at(const stn_param *p, int in, size_t o, size_t a, size_t i)
{
    size_t area = p->count / (size_t)p->dims[0] / (size_t)in;

    return (o * area + a) * (size_t)in + i;
}

/* Input channels of a weight, 1 of other parameters, by the layers' names. */
static int channels_of(const stn_param *p, int width)
{
    return strcmp(p->name, "pw.weight") == 0 ||
                   strcmp(p->name, "fc.weight") == 0
               ? width
               : 1;
}

/* What a network that was built alone has of the whole one's weights. */
static void cut_alone(stn_graph *alone, const stn_graph *whole, int width)
{
    for (int k = 0; k < alone->n_params; k++) {
        stn_param *p = &alone->params[k];
        const stn_param *w = stn_graph_param(whole, p->name);
        int in = channels_of(p, width), whole_in = channels_of(p, 8);
        size_t area = p->count / (size_t)p->dims[0] / (size_t)in;

        if (p->role != STN_PARAM_WEIGHT && p->role != STN_PARAM_BIAS)
            continue;
        for (size_t o = 0; o < (size_t)p->dims[0]; o++)
            for (size_t a = 0; a < area; a++)
                for (size_t i = 0; i < (size_t)in; i++)
                    p->latent[at(p, in, o, a, i)] =
                        w->effective[at(w, whole_in, o, a, i)];
    }
}

static void add_alone(const stn_graph *alone, const stn_graph *whole,
                      float *const *sums, int width)
{
    for (int k = 0; k < alone->n_params; k++) {
        const stn_param *p = &alone->params[k];
        const stn_param *w = stn_graph_param(whole, p->name);
        int in = channels_of(p, width), whole_in = channels_of(p, 8);
        size_t area = p->count / (size_t)p->dims[0] / (size_t)in;

        if (p->role != STN_PARAM_WEIGHT && p->role != STN_PARAM_BIAS)
            continue;
        for (size_t o = 0; o < (size_t)p->dims[0]; o++)
            for (size_t a = 0; a < area; a++)
                for (size_t i = 0; i < (size_t)in; i++)
                    sums[w - whole->params][at(w, whole_in, o, a, i)] +=
                        p->grad[at(p, in, o, a, i)];
    }
}

static stn_graph *build_alone(const stn_model *model, double share)
{
    const stn_yaml_variable variable = {"share", share};
    const stn_yaml_scope scope = {&variable, 1};
    stn_graph *graph;
    stn_error err;

    assert_ok(stn_graph_build(stn_yaml_root(model->recipe->network), &scope,
                              &graph, &err),
              err);
    stn_graph_init(graph, 1);
    return graph;
}

/* Gradients of a width, one by one, against the network built alone; then
 * their sum. */
static void each_width_has_the_gradients_of_a_network_of_its_own(void **unused)
{
    stn_model *model;
    stn_pool *pool;
    stn_error err;
    float logits[BATCH * WIDE_CLASSES], *sums[64];
    stn_executor_batch batch = {
        .fetch = fetch, .n = BATCH, .logits = logits, .label_smoothing = 0.1f};

    (void)unused;
    assert_ok(make_model(wide_recipe, wide_network, &model, &err), err);
    assert_ok(stn_pool_create(2, stn_executor_thread_init, &pool, &err), err);
    assert_int_equal(model->widths->n, 2);
    stn_graph *whole = model->graph;
    stn_compression_apply(model->compression, pool);
    train_once(whole, pool, &batch);
    assert_true(whole->n_params < 64);
    for (int k = 0; k < whole->n_params; k++) {
        const stn_param *p = &whole->params[k];
        sums[k] = malloc(p->count * sizeof(float));
        if (p->grad)
            memcpy(sums[k], p->grad, p->count * sizeof(float));
    }
    batch.logits = NULL;
    batch.teacher = logits;
    batch.distil = model->recipe->distil;
    for (int i = 1; i >= 0; i--) {
        const stn_width *width = &model->widths->width[i];
        stn_graph *alone = build_alone(model, width->share);
        double loss, expected;

        cut_alone(alone, whole, (int)(8 * width->share));
        expected = train_once(alone, pool, &batch);
        stn_width_load(model->widths, i, pool);
        loss = train_once(width->graph, pool, &batch);
        assert_true(loss == expected && loss > 0);
        for (int k = 0; k < alone->n_params; k++) {
            const stn_param *a = &alone->params[k];
            const stn_param *b = &width->graph->params[k];
            size_t size = a->count * sizeof(float);
            assert_string_equal(a->name, b->name);
            assert_memory_equal(a->latent, b->latent, size);
            if (a->grad)
                assert_memory_equal(a->grad, b->grad, size);
        }
        stn_width_add_gradients(model->widths, i, pool);
        add_alone(alone, whole, sums, (int)(8 * width->share));
        stn_graph_destroy(alone);
    }
    for (int k = 0; k < whole->n_params; k++) {
        const stn_param *p = &whole->params[k];
        if (p->role == STN_PARAM_WEIGHT || p->role == STN_PARAM_BIAS)
            assert_memory_equal(p->grad, sums[k], p->count * sizeof(float));
        free(sums[k]);
    }
    stn_pool_destroy(pool);
    stn_model_destroy(model);
}

static void batch_norm_of_a_width_is_its_own(void **unused)
{
    stn_model *model;
    stn_error err;
    const stn_param *guest, *own;

    (void)unused;
    assert_ok(make_model(wide_recipe, wide_network, &model, &err), err);
    guest = stn_graph_param(model->graph, "0.25/n2.variance");
    own = stn_graph_param(model->widths->width[0].graph, "n2.variance");
    assert_non_null(guest);
    assert_int_equal(guest->count, 2);
    assert_true(guest->latent == own->latent && own->latent[1] == 1);
    assert_non_null(stn_graph_param(model->graph, "0.5/n1.gain")->grad);
    assert_non_null(stn_graph_param(model->graph, "0.5/q3.range"));
    assert_null(stn_graph_param(model->graph, "0.5/stem.weight"));
    assert_null(stn_graph_param(model->graph, "1/n1.gain"));
    stn_model_destroy(model);
}

static void distillation_has_the_gradient_of_its_loss(void **unused)
{
    const stn_loss loss = {.classes = 4, .smoothing = 0.1f, .scale = 0.5f};
    const stn_distil distil = {.share = 0.6f, .temperature = 3};
    const float teacher[4] = {2, -1, 0.5f, 4};
    float z[4] = {0.3f, 1.2f, -2, 0.7f}, gradient[4];
    bool correct;
    double alike, far;

    (void)unused;
    (void)stn_loss_distil(&loss, &distil, z, teacher, 2, gradient, &correct);
    assert_false(correct);
    for (int i = 0; i < 4; i++) {
        const float step = 1.0f / 64, at_i = z[i];
        double up, down;
        z[i] = at_i + step;
        up = stn_loss_distil(&loss, &distil, z, teacher, 2, NULL, &correct);
        z[i] = at_i - step;
        down = stn_loss_distil(&loss, &distil, z, teacher, 2, NULL, &correct);
        z[i] = at_i;
        assert_true(fabs((up - down) / (2 * (double)step) * 0.5 -
                         (double)gradient[i]) < 1e-4);
    }
    /* The teacher itself loses nothing but to the labels. */
    const stn_distil soft = {.share = 1, .temperature = 1};
    alike =
        stn_loss_distil(&loss, &soft, teacher, teacher, 3, gradient, &correct);
    far = stn_loss_distil(&loss, &soft, z, teacher, 3, NULL, &correct);
    assert_true(fabs(alike) < 1e-6 && far > 0.1);
    for (int i = 0; i < 4; i++)
        assert_true(fabsf(gradient[i]) < 1e-7f);
}

static struct job *make_wide(struct job *job, const char *run)
{
    make_job(job, run);
    snprintf(job->recipe, sizeof(job->recipe), "%s/wide.yaml", folder);
    return job;
}

/* Trained once. */
static const char *wide_run(stn_train_result *result)
{
    static bool done;
    static stn_train_result first;
    struct job job;
    stn_error err;

    if (!done)
        assert_ok(stn_train(&make_wide(&job, "wide")->options, &first, &err),
                  err);
    done = true;
    *result = first;
    return "wide";
}

static volatile int stop_flag;

static void stop_in_the_middle(void *context, const stn_train_progress *p)
{
    (void)context;
    stop_flag = p->epoch_done && p->epoch == 1;
}

static void threads_and_stops_do_not_change_a_bit_of_widths(void **unused)
{
    stn_train_result result, again;
    struct job job;
    stn_error err;
    const char *run = wide_run(&result);

    (void)unused;
    make_wide(&job, "threads")->options.threads = 3;
    assert_ok(stn_train(&job.options, &again, &err), err);
    assert_same_checkpoint(run, "threads");

    make_wide(&job, "stopped");
    job.options.progress = stop_in_the_middle;
    job.options.stop = &stop_flag;
    assert_refused(stn_train(&job.options, &again, &err), err,
                   STN_E_INTERRUPTED, "resumed");
    stop_flag = 0;
    job.options.progress = NULL;
    job.options.resume = true;
    assert_ok(stn_train(&job.options, &again, &err), err);
    assert_same_checkpoint(run, "stopped");

    /* A finished run gives its result back. */
    assert_ok(stn_train(&job.options, &again, &err), err);
    assert_int_equal(again.n_widths, 3);
    for (int i = 0; i < 3; i++)
        assert_true(again.widths[i] == result.widths[i] &&
                    again.width_accuracy[i] == result.width_accuracy[i]);
}

static void all_widths_learn(void **unused)
{
    stn_train_result result;
    uint8_t *log;
    size_t size;

    (void)unused;
    read_file(wide_run(&result), "log.jsonl", &log, &size);
    assert_non_null(strstr((char *)log, "\"validation_accuracy_0.25\":"));
    stn_free(log);
    assert_int_equal(result.n_widths, 3);
    assert_true(result.width_accuracy[2] == result.test_accuracy);
    for (int i = 0; i < 3; i++)
        assert_true(result.width_accuracy[i] > 0.6);
}

static void networks_without_leading_channels_are_refused(void **unused)
{
    static const struct {
        const char *recipe, *network, *says;
    } cases[] = {
        {"widths: [0.5, 0.25, 1]\n", NULL, "widths ascend and end with 1"},
        {"widths: [0.25, 0.5]\n", NULL, "widths ascend and end with 1"},
        {"widths: 0.5\n", NULL, "expected a list of up to 8"},
        {WIDE_WIDTHS "parameters: {share: 0.5}\n", NULL, "not for a recipe"},
        {WIDE_WIDTHS "compress: [{layers: fc, quantiser: uniform, structure: "
                     "{permuted_diagonal: {p: 3}}}]\n",
         NULL, "permuted_diagonal structure of fc.weight"},
        {WIDE_WIDTHS, "parameters: {p: 8}\nlayers: [{linear: {out: 3}}]\n",
         "widths need a network parameter 'share"},
        {WIDE_WIDTHS,
         "parameters: {share: 1}\nlayers:\n"
         "  - conv: {out: 8*share, kernel: 1}\n"
         "  - conv: {name: two, out: 8*share, groups: 2}\n"
         "  - linear: {out: 3}\n",
         "two: a convolution in groups"},
        {WIDE_WIDTHS,
         "parameters: {share: 1}\nlayers:\n"
         "  - conv: {out: 8*share, kernel: 1}\n"
         "  - depthwise: {name: two, multiplier: 2}\n"
         "  - linear: {out: 3}\n",
         "two: a multiplier above 1"},
        {WIDE_WIDTHS,
         "parameters: {share: 1}\nlayers:\n"
         "  - conv: {name: a, out: 4/share, kernel: 1}\n"
         "  - linear: {out: 3}\n",
         "not a leading part"},
    };
    stn_model *model;
    stn_error err;

    (void)unused;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char recipe[1024], network[1024];
        snprintf(recipe, sizeof(recipe), "%s%s", WIDE_HEAD, cases[i].recipe);
        snprintf(network, sizeof(network),
                 "name: wide\ninput: {height: 8, width: 8, channels: 1}\n%s",
                 cases[i].network ? cases[i].network : "");
        memset(&err, 0, sizeof(err));
        assert_int_not_equal(
            make_model(recipe, cases[i].network ? network : wide_network,
                       &model, &err),
            STN_OK);
        if (!strstr(err.text, cases[i].says))
            fail_msg("error text lacks '%s': %s", cases[i].says, err.text);
    }
}

/* ---- packed ---- */

static const char *packed(void)
{
    static char path[512];
    char run[512];
    stn_train_result result;
    stn_error err;

    if (!*path) {
        snprintf(run, sizeof(run), "%s/%s", folder, wide_run(&result));
        snprintf(path, sizeof(path), "%s/wide.stn", folder);
        assert_ok(stn_pack(run, path, 0, &err), err);
    }
    return path;
}

static void assert_same_instruction(const stn_program *p, const stn_program *q,
                                    int i)
{
    const stn_instruction *a = &p->instructions[i], *b = &q->instructions[i];
    size_t n = (size_t)p->values[a->output].shape.c;

    assert_string_equal(a->name, b->name);
    assert_int_equal(a->opcode, b->opcode);
    assert_int_equal(a->shift, b->shift);
    assert_int_equal(a->weights.n_nonzero, b->weights.n_nonzero);
    assert_int_equal(a->weights.value_bits, b->weights.value_bits);
    assert_int_equal(a->weights.stored_bytes, b->weights.stored_bytes);
    if (a->weights.codes)
        assert_memory_equal(a->weights.codes, b->weights.codes,
                            stn_weights_count(&a->weights));
    if (a->m0) {
        assert_memory_equal(a->m0, b->m0, n * sizeof(*a->m0));
        assert_memory_equal(a->a, b->a, n * sizeof(*a->a));
    }
}

/* The program of a width alone, through a file of its own. */
static stn_program *pack_alone(const stn_model *model, int index)
{
    stn_compression *slices;
    stn_program *lowered, *read;
    stn_pool *pool;
    char path[512];
    stn_error err;

    assert_ok(stn_pool_create(1, stn_executor_thread_init, &pool, &err), err);
    stn_width_load(model->widths, index, pool);
    stn_pool_destroy(pool);
    assert_ok(stn_width_compression(model->widths, index, model->compression,
                                    &slices, &err),
              err);
    assert_ok(stn_lower(model->widths->width[index].graph, slices, NULL,
                        &lowered, &err),
              err);
    snprintf(path, sizeof(path), "%s/alone.stn", folder);
    assert_ok(stn_program_write(path, lowered, NULL, 0, &err), err);
    assert_ok(stn_program_read(path, &read, &err), err);
    stn_program_destroy(lowered);
    stn_compression_destroy(slices);
    return read;
}

/* The same logits from the reference of one program and the engine of the
 * other, at every level of this CPU. */
static void assert_same_logits(const stn_program *p, const stn_program *q)
{
    uint8_t pixels[20 * 64], labels[20];
    int32_t expected[20 * WIDE_CLASSES];
    stn_error err;

    fetch(NULL, 0, 20, pixels, labels);
    for (int i = 0; i < 20; i++)
        assert_ok(stn_reference_classify(q, pixels + 64 * i,
                                         expected + WIDE_CLASSES * i, &err),
                  err);
    assert_engines_give(expected, p, pixels, 20, 1);
}

/* Every narrower width of a packed run. */
static void assert_widths_as_alone(const char *run, const char *path)
{
    stn_model *model;
    stn_program *file;
    stn_error err;

    assert_ok(stn_model_load(run, &model, &err), err);
    assert_ok(stn_program_read(path, &file, &err), err);
    assert_int_equal(file->n_widths, 3);
    assert_true(file->width == 1);
    for (int i = 0; i < 2; i++) {
        const stn_program *p;
        stn_program *alone = pack_alone(model, i);
        double share = model->widths->width[i].share;
        assert_ok(stn_program_at_width(file, share, &p, &err), err);
        assert_true(p->width == share && p->file_bytes == file->file_bytes);
        assert_int_equal(p->n_instructions, alone->n_instructions);
        for (int k = 0; k < p->n_instructions; k++)
            assert_same_instruction(p, alone, k);
        assert_same_logits(p, alone);
        assert_string_equal(stn_program_metadata(p, "recipe"), "wide");
        stn_program_destroy(alone);
    }
    stn_program_destroy(file);
    stn_model_destroy(model);
}

static void a_width_of_the_file_is_the_program_packed_alone(void **unused)
{
    stn_train_result result;
    char run[512];

    (void)unused;
    snprintf(run, sizeof(run), "%s/%s", folder, wide_run(&result));
    assert_widths_as_alone(run, packed());
}

/* An epoch is enough for ranges of activations. */
static void every_quantiser_packs_in_widths(void **unused)
{
    (void)unused;
    for (int q = 0; stn_quantiser_types[q]; q++) {
        const char *name = stn_quantiser_types[q]->name;
        struct job job;
        stn_train_result result;
        stn_error err;
        char compress[160], path[600];

        snprintf(compress, sizeof(compress),
                 "compress=[{layers: \"*\", quantiser: %s%s}]", name,
                 stn_quantiser_types[q]->is_drawn ? ""
                                                  : ", penalty: bit_slice_l1");
        print_message("%s\n", compress);
        make_wide(&job, name);
        job.options.set = (const char *const[]){"epochs=1", compress};
        job.options.n_set = 2;
        assert_ok(stn_train(&job.options, &result, &err), err);
        snprintf(path, sizeof(path), "%s/%s.stn", folder, name);
        assert_ok(stn_pack(result.out, path, 0, &err), err);
        assert_widths_as_alone(result.out, path);
    }
}

static void weights_are_in_the_file_once(void **unused)
{
    stn_program *file;
    const stn_program *p, *back;
    stn_error err;
    size_t bytes = 0, constants = 0, in_file = 0;
    stn_st_file *tensors;

    (void)unused;
    assert_ok(stn_program_read(packed(), &file, &err), err);
    for (int i = 0; i < file->n_instructions; i++)
        bytes += file->instructions[i].weights.stored_bytes;
    /* 2 x 72 and 72 bytes, 64 ternary, 96 of 8 bits and a sign. */
    assert_true(bytes < 400);
    assert_non_null(strstr(file->instructions[2].name, ".low"));
    assert_ok(stn_st_open(packed(), &tensors, &err), err);
    assert_null(stn_st_find(tensors, "0.5/stem.codes"));
    assert_non_null(stn_st_find(tensors, "0.5/q1.m0"));
    for (int i = 0; i < file->n_widths; i++) {
        assert_ok(stn_program_at_width(file, file->widths[i], &p, &err), err);
        constants += stn_program_constant_bytes(p);
    }
    for (size_t i = 0; i < stn_st_count(tensors); i++)
        in_file += stn_st_at(tensors, i)->size;
    assert_int_equal(bytes + constants, in_file);
    stn_st_close(tensors);

    /* From any width to any other. */
    assert_ok(stn_program_at_width(file, 0.25, &p, &err), err);
    assert_ok(stn_program_at_width(p, 1, &back, &err), err);
    assert_true(back == file);
    assert_refused(stn_program_at_width(p, 0.3, &back, &err), err,
                   STN_E_ARGUMENT, "no width 0.3; it has 0.25, 0.5, 1");
    stn_program_destroy((stn_program *)p);
}

static void a_narrow_width_costs_less_on_the_same_area(void **unused)
{
    static const char *const machines[] = {"imce", "bdnet-sot", "isaac-like"};
    uint8_t pixels[2 * 64], labels[2];
    stn_program *file;
    stn_error err;

    (void)unused;
    fetch(NULL, 0, 2, pixels, labels);
    assert_ok(stn_program_read(packed(), &file, &err), err);
    for (int m = 0; m < 3; m++) {
        stn_machine *machine;
        stn_cost whole = {0};
        assert_ok(stn_machine_load(machines[m], NULL, 0, &machine, &err), err);
        for (int i = file->n_widths - 1; i >= 0; i--) {
            const stn_simulate_options o = {.pixels = pixels,
                                            .n_pictures = 2,
                                            .threads = 1,
                                            .check = STN_CHECK_ALL};
            const stn_program *p;
            stn_simulation *s;
            assert_ok(stn_program_at_width(file, file->widths[i], &p, &err),
                      err);
            assert_ok(stn_simulate(machine, p, &o, &s, &err), err);
            assert_int_equal(s->n_mismatches, 0);
            assert_true(s->predicted_equals_counted);
            if (p == file)
                whole = s->total;
            assert_true(
                fabs(stn_cost_area_m2(&s->total) / stn_cost_area_m2(&whole) -
                     1) < 1e-9);
            assert_int_equal(s->total.sub_arrays, whole.sub_arrays);
            assert_true(s->total.active_sub_arrays <= whole.sub_arrays);
            if (p != file)
                assert_true(stn_cost_energy_j(&s->total) <
                            0.8 * stn_cost_energy_j(&whole));
            stn_simulation_destroy(s);
        }
        stn_machine_destroy(machine);
    }
    stn_program_destroy(file);
}

/* Whether the i-th change of a file of several widths is read. */
static bool still_read(const uint8_t *bytes, size_t size, uint64_t seed)
{
    stn_rng rng = stn_rng_make(seed, STN_RNG_TEST, 4);
    uint8_t *copy = malloc(size), pixels[64] = {9, 200, 1};
    char path[512];
    stn_program *p = NULL;
    stn_error err;
    int32_t logits[WIDE_CLASSES];

    memcpy(copy, bytes, size);
    for (uint32_t k = 1 + stn_rng_below(&rng, 3); k > 0; k--)
        copy[stn_rng_below(&rng, (uint32_t)size)] ^=
            (uint8_t)(1u << stn_rng_below(&rng, 8));
    snprintf(path, sizeof(path), "%s/changed.stn", folder);
    (void)stn_st_seal(copy, size); /* to test what is behind the seal */
    assert_ok(stn_file_write_atomic(path, copy, size, &err), err);
    free(copy);
    if (stn_program_read(path, &p, &err) != STN_OK) {
        assert_true(err.text[0]);
        return false;
    }
    for (int i = 0; i < p->n_widths; i++) {
        const stn_program *at_width;
        assert_ok(stn_program_at_width(p, p->widths[i], &at_width, &err), err);
        if (stn_shape_count(p->input) == 64 && p->n_classes == WIDE_CLASSES)
            assert_ok(stn_reference_classify(at_width, pixels, logits, &err),
                      err);
    }
    stn_program_destroy(p);
    return true;
}

static void flipped_bits_of_widths_never_crash_the_reader(void **unused)
{
    uint8_t *bytes;
    size_t size;
    stn_error err;
    int accepted = 0;

    (void)unused;
    assert_ok(stn_file_read(packed(), &bytes, &size, &err), err);
    for (uint64_t seed = 0; seed < 2000; seed++)
        accepted += still_read(bytes, size, seed);
    assert_true(accepted > 50 && accepted < 1900);
    stn_free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_width_has_the_gradients_of_a_network_of_its_own),
        cmocka_unit_test(batch_norm_of_a_width_is_its_own),
        cmocka_unit_test(distillation_has_the_gradient_of_its_loss),
        cmocka_unit_test(threads_and_stops_do_not_change_a_bit_of_widths),
        cmocka_unit_test(all_widths_learn),
        cmocka_unit_test(networks_without_leading_channels_are_refused),
        cmocka_unit_test(a_width_of_the_file_is_the_program_packed_alone),
        cmocka_unit_test(every_quantiser_packs_in_widths),
        cmocka_unit_test(weights_are_in_the_file_once),
        cmocka_unit_test(a_narrow_width_costs_less_on_the_same_area),
        cmocka_unit_test(flipped_bits_of_widths_never_crash_the_reader),
    };
    return cmocka_run_group_tests(tests, set_up, remove_folder);
}
