/* SPDX-License-Identifier: MIT
 *
 * Training end to end on a made-up data set: bright bars at a place that
 * tells the class. Small enough to train in a blink, large enough that every
 * part (validation, augmentation, penalties, dropout, batch-norm) runs. */
#include "test.h"

#include "base/file.h"
#include "base/rng.h"
#include "setun/train.h"
#include "train/model.h"

#include <math.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SIDE = 8, CLASSES = 3, N_TRAIN = 203, N_TEST = 50 };

static char folder[256]; /* of this program; removed at the end */

static const char network_text[] =
    "name: tiny\n"
    "parameters: {p: 4}\n"
    "input: {height: 8, width: 8, channels: 1}\n"
    "layers:\n"
    "  - normalise: {mean: 0.5, std: 0.5}\n"
    "  - conv: {name: stem, out: p, kernel: 3, pad: 1}\n"
    "  - batch_norm: {name: norm}\n"
    "  - quantise: {name: range, bits: 8, signed: true}\n"
    "  - depthwise: {name: dw, multiplier: 2, kernel: 3, pad: 1}\n"
    "  - relu:\n"
    "  - conv: {name: pw, out: p, kernel: 1}\n"
    "  - dropout: {name: drop, rate: 0.1}\n"
    "  - linear: {name: fc, out: 3}\n";

static const char recipe_text[] =
    "id: tiny\n"
    "title: a tiny recipe\n"
    "network: tiny-network.yaml\n"
    "data: bars\n"
    "variants: [sparse, plain]\n"
    "epochs: 3\n"
    "batch: 16\n"
    "shards: 4\n"
    "validation: 20\n"
    "label_smoothing: 0.05\n"
    "augment: {crop_pad: 1}\n"
    "optimiser: {sgd: {lr: 0.05, weight_decay: 1e-4}}\n"
    "schedule: {cosine: {warmup: 0.1}}\n"
    "penalise_until: 0.7\n"
    "compress:\n"
    "  - {layers: \"*\", quantiser: uniform}\n"
    "  - {layers: \"?w\", quantiser: sparse_binary,\n"
    "     penalty: {group_lasso: {lambda: 1e-3, clip_ratio: 0.5}}}\n"
    "when:\n"
    "  variant:\n"
    "    plain: {compress: []}\n"
    "  data+budget:\n"
    "    bars+full: {epochs: 6}\n";

static void write_text(const char *name, const char *text)
{
    char path[512];
    stn_error err;

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    assert_ok(stn_file_write_atomic(path, text, strlen(text), &err), err);
}

static void put_u32(uint8_t *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> (24 - 8 * i));
}

/* Row `label * 2 + 1` is bright, everything is noisy. */
static void write_split(const char *prefix, uint32_t n, uint64_t counter)
{
    static uint8_t pixels[16 + N_TRAIN * SIDE * SIDE], labels[8 + N_TRAIN];
    stn_rng rng = stn_rng_make(3, STN_RNG_TEST, counter);
    char path[512];
    stn_error err;

    put_u32(pixels, 0x803);
    put_u32(pixels + 4, n);
    put_u32(pixels + 8, SIDE);
    put_u32(pixels + 12, SIDE);
    put_u32(labels, 0x801);
    put_u32(labels + 4, n);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t label = i % CLASSES;
        labels[8 + i] = (uint8_t)label;
        for (uint32_t k = 0; k < SIDE * SIDE; k++) {
            uint32_t bright = k / SIDE == 2 * label + 1 ? 120 : 0;
            pixels[16 + i * SIDE * SIDE + k] =
                (uint8_t)(bright + stn_rng_below(&rng, 100));
        }
    }
    snprintf(path, sizeof(path), "%s/bars/%s-images-idx3-ubyte", folder,
             prefix);
    assert_ok(stn_file_write_atomic(path, pixels, 16 + n * SIDE * SIDE, &err),
              err);
    snprintf(path, sizeof(path), "%s/bars/%s-labels-idx1-ubyte", folder,
             prefix);
    assert_ok(stn_file_write_atomic(path, labels, 8 + n, &err), err);
}

static int set_up(void **unused)
{
    char bars[300];
    stn_error err;

    (void)unused;
    snprintf(folder, sizeof(folder), "test_train-%ld", (long)getpid());
    snprintf(bars, sizeof(bars), "%s/bars", folder);
    assert_ok(stn_make_directories(bars, &err), err);
    write_split("train", N_TRAIN, 1);
    write_split("t10k", N_TEST, 2);
    write_text("tiny-network.yaml", network_text);
    write_text("tiny.yaml", recipe_text);
    return 0;
}

static int tear_down(void **unused)
{
    char command[300];

    (void)unused;
    snprintf(command, sizeof(command), "rm -r '%s'", folder);
    return system(command);
}

/* Paths live in the struct, since the options only point at them. */
struct job {
    stn_train_options options;
    char recipe[512], data[512], out[512];
};

static struct job *make_job(struct job *job, const char *run)
{
    snprintf(job->recipe, sizeof(job->recipe), "%s/tiny.yaml", folder);
    snprintf(job->data, sizeof(job->data), "%s/bars", folder);
    snprintf(job->out, sizeof(job->out), "%s/%s", folder, run);
    job->options = stn_train_defaults();
    job->options.recipe = job->recipe;
    job->options.data = job->data;
    job->options.out = job->out;
    job->options.threads = 1;
    return job;
}

static void read_file(const char *run, const char *name, uint8_t **bytes,
                      size_t *size)
{
    char path[1024];
    stn_error err;

    snprintf(path, sizeof(path), "%s/%s/%s", folder, run, name);
    assert_ok(stn_file_read(path, bytes, size, &err), err);
}

static void assert_same_checkpoint(const char *run_a, const char *run_b)
{
    uint8_t *a, *b;
    size_t size_a, size_b;

    read_file(run_a, "checkpoint.safetensors", &a, &size_a);
    read_file(run_b, "checkpoint.safetensors", &b, &size_b);
    assert_int_equal(size_a, size_b);
    assert_memory_equal(a, b, size_a);
    stn_free(a);
    stn_free(b);
}

static int count_lines(const char *run, const char *name)
{
    uint8_t *text;
    size_t size;
    int lines = 0;

    read_file(run, name, &text, &size);
    for (size_t i = 0; i < size; i++)
        lines += text[i] == '\n';
    stn_free(text);
    return lines;
}

static void append_to_log(const char *run, const char *line)
{
    char path[1024];
    FILE *file;

    snprintf(path, sizeof(path), "%s/%s/log.jsonl", folder, run);
    file = fopen(path, "a");
    assert_non_null(file);
    assert_true(fputs(line, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* The uninterrupted run that others are compared with; trained once. */
static const char *reference_run(void)
{
    static bool done;
    struct job job;
    stn_train_result result;
    stn_error err;

    if (!done)
        assert_ok(
            stn_train(&make_job(&job, "reference")->options, &result, &err),
            err);
    done = true;
    return "reference";
}

static void loss_falls_and_bars_are_told_apart(void **unused)
{
    struct job job;
    stn_train_result first, last;
    stn_error err;
    double accuracy, images_per_s;

    (void)unused;
    make_job(&job, "full")->options.budget = "full";
    assert_ok(stn_train(&job.options, &last, &err), err);
    assert_int_equal(last.epochs, 6);
    assert_true(last.test_accuracy > 0.9);
    assert_true(last.validation_accuracy > 0.8);
    assert_true(last.group_density > 0 && last.group_density <= 1);
    make_job(&job, "one-epoch")->options.set =
        (const char *const[]){"epochs=1"};
    job.options.n_set = 1;
    assert_ok(stn_train(&job.options, &first, &err), err);
    assert_true(last.train_loss < 0.7 * first.train_loss);
    assert_int_equal(count_lines("full", "log.jsonl"), 6);

    make_job(&job, "full");
    assert_ok(
        stn_train_evaluate(job.out, NULL, 2, &accuracy, &images_per_s, &err),
        err);
    assert_true(accuracy == last.test_accuracy);
    assert_true(images_per_s > 0);
}

static void number_of_threads_does_not_change_a_bit(void **unused)
{
    struct job job;
    stn_train_result result;
    stn_error err;

    (void)unused;
    for (int threads = 2; threads <= 3; threads++) {
        char run[32];

        snprintf(run, sizeof(run), "threads%d", threads);
        make_job(&job, run)->options.threads = threads;
        assert_ok(stn_train(&job.options, &result, &err), err);
        assert_same_checkpoint(reference_run(), run);
    }
}

static void another_seed_gives_other_weights(void **unused)
{
    struct job job;
    stn_train_result result;
    stn_error err;
    uint8_t *a, *b;
    size_t n, m;

    (void)unused;
    make_job(&job, "seed2")->options.seed = 2;
    assert_ok(stn_train(&job.options, &result, &err), err);
    read_file(reference_run(), "checkpoint.safetensors", &a, &n);
    read_file("seed2", "checkpoint.safetensors", &b, &m);
    assert_true(n != m || memcmp(a, b, n) != 0);
    stn_free(a);
    stn_free(b);
}

static volatile int stop_flag;

static void stop_now(void *context, const stn_train_progress *progress)
{
    (void)context;
    stop_flag = progress->epoch_done && progress->epoch == 2;
}

static void stopped_run_resumes_to_the_same_bytes(void **unused)
{
    struct job job;
    stn_train_result result;
    stn_error err;

    (void)unused;
    make_job(&job, "stopped");
    job.options.progress = stop_now;
    job.options.stop = &stop_flag;
    assert_refused(stn_train(&job.options, &result, &err), err,
                   STN_E_INTERRUPTED, "resumed");
    stop_flag = 0;
    /* As if killed between a record and its checkpoint. */
    append_to_log("stopped", "{\"epoch\":3}\n");
    job.options.progress = NULL;
    job.options.resume = true;
    assert_ok(stn_train(&job.options, &result, &err), err);
    assert_same_checkpoint(reference_run(), "stopped");
    assert_int_equal(count_lines("stopped", "log.jsonl"), 3);
}

/* Trains in a child that is killed after `milliseconds`. */
static void train_and_kill(const stn_train_options *options, int milliseconds)
{
    pid_t child = fork();
    int status;

    assert_true(child >= 0);
    if (child == 0) {
        stn_train_result result;
        _exit(stn_train(options, &result, NULL) == STN_OK ? 0 : 1);
    }
    usleep((useconds_t)milliseconds * 1000);
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, &status, 0), child);
}

static void killed_run_resumes_to_the_same_bytes(void **unused)
{
    stn_rng rng = stn_rng_make((uint64_t)getpid(), STN_RNG_TEST, 0);
    struct job job;
    stn_train_result result;
    stn_error err;

    (void)unused;
    make_job(&job, "killed");
    job.options.resume = true;
    job.options.checkpoint_s = 0;
    for (int k = 0; k < 6; k++)
        train_and_kill(&job.options, 1 + (int)stn_rng_below(&rng, 40));
    assert_ok(stn_train(&job.options, &result, &err), err);
    assert_same_checkpoint(reference_run(), "killed");
    assert_int_equal(count_lines("killed", "log.jsonl"), 3);
    assert_true(result.epochs == 3);
}

static void finished_run_is_not_trained_again(void **unused)
{
    struct job job;
    stn_train_result result;
    stn_error err;

    (void)unused;
    make_job(&job, reference_run());
    assert_refused(stn_train(&job.options, &result, &err), err, STN_E_ARGUMENT,
                   "already holds a run");
    job.options.resume = true;
    assert_ok(stn_train(&job.options, &result, &err), err);
    assert_int_equal(result.epochs, 3);
    assert_true(result.test_accuracy > 0);
}

static void resume_of_another_run_is_refused(void **unused)
{
    static const char *const lr[] = {"optimiser.sgd.lr=0.01"};
    struct job job;
    stn_train_result result;
    stn_error err;

    (void)unused;
    make_job(&job, reference_run());
    job.options.resume = true;
    job.options.seed = 9;
    assert_refused(stn_train(&job.options, &result, &err), err, STN_E_ARGUMENT,
                   "seed 1");
    job.options.seed = 1;
    job.options.set = lr;
    job.options.n_set = 1;
    assert_refused(stn_train(&job.options, &result, &err), err, STN_E_ARGUMENT,
                   "'optimiser.sgd.lr'");
    job.options.n_set = 0;
    job.options.variant = "plain";
    assert_refused(stn_train(&job.options, &result, &err), err, STN_E_ARGUMENT,
                   "recipe");
}

static void two_processes_cannot_share_a_folder(void **unused)
{
    static const char *const longer[] = {"epochs=100000"};
    struct job job;
    stn_train_result result;
    stn_error err;
    pid_t child;
    int ready[2], status;
    char byte;

    (void)unused;
    make_job(&job, "shared");
    assert_int_equal(pipe(ready), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        /* The folder is locked by the time its checkpoint is there. */
        char path[1024];
        job.options.set = longer;
        job.options.n_set = 1;
        snprintf(path, sizeof(path), "%s/checkpoint.safetensors", job.out);
        if (fork() == 0) {
            while (!stn_file_exists(path))
                usleep(1000);
            _exit(write(ready[1], "x", 1) == 1 ? 0 : 1);
        }
        _exit(stn_train(&job.options, &result, NULL) == STN_OK ? 0 : 1);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    job.options.resume = true;
    assert_refused(stn_train(&job.options, &result, &err), err, STN_E_ARGUMENT,
                   "another process");
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    close(ready[0]);
    close(ready[1]);
}

static void exploding_run_names_step_and_layer(void **unused)
{
    static const char *const hot[] = {"optimiser.sgd.lr=1e20", "compress=[]",
                                      "schedule=constant"};
    struct job job;
    stn_train_result result;
    stn_error err;

    (void)unused;
    make_job(&job, "hot")->options.set = hot;
    job.options.n_set = 3;
    assert_refused(stn_train(&job.options, &result, &err), err, STN_E_NUMERIC,
                   "epoch 1, step ");
    assert_non_null(strstr(err.text, "lower learning rate"));
    assert_non_null(strstr(err.text, "'"));
    /* The checkpoint that is there is a sound one. */
    job.options.set = NULL;
    job.options.n_set = 0;
    {
        stn_model *model;
        assert_ok(stn_model_load(job.out, &model, &err), err);
        for (int i = 0; i < model->graph->n_params; i++)
            for (size_t k = 0; k < model->graph->params[i].count; k++)
                assert_true(isfinite(model->graph->params[i].latent[k]));
        stn_model_destroy(model);
    }
}

static void adam_trains_too(void **unused)
{
    static const char *const adam[] = {"optimiser={adam: {lr: 0.01}}",
                                       "schedule={step: {milestones: 0.8}}"};
    struct job job;
    stn_train_result result;
    stn_error err;

    (void)unused;
    make_job(&job, "adam")->options.set = adam;
    job.options.n_set = 2;
    assert_ok(stn_train(&job.options, &result, &err), err);
    assert_true(result.test_accuracy > 0.6);
}

static void evaluation_needs_nothing_but_the_checkpoint(void **unused)
{
    struct job job;
    stn_error err;
    double accuracy, again, rate;
    char copy[512], command[1100];

    (void)unused;
    make_job(&job, reference_run());
    snprintf(copy, sizeof(copy), "%s/alone.safetensors", folder);
    snprintf(command, sizeof(command), "cp '%s/checkpoint.safetensors' '%s'",
             job.out, copy);
    assert_int_equal(system(command), 0);
    assert_ok(stn_train_evaluate(copy, job.data, 1, &accuracy, &rate, &err),
              err);
    assert_ok(stn_train_evaluate(job.out, NULL, 2, &again, &rate, &err), err);
    assert_true(accuracy == again);
}

static void truncated_checkpoint_is_refused(void **unused)
{
    uint8_t *bytes;
    size_t size;
    char path[512];
    stn_error err;
    stn_model *model;

    (void)unused;
    read_file(reference_run(), "checkpoint.safetensors", &bytes, &size);
    snprintf(path, sizeof(path), "%s/cut.safetensors", folder);
    assert_ok(stn_file_write_atomic(path, bytes, size - 5, &err), err);
    stn_free(bytes);
    assert_refused(stn_model_load(path, &model, &err), err, STN_E_FORMAT,
                   "cut.safetensors");
}

/* ---- recipes ----------------------------------------------------------- */

static stn_status load_variant(const char *file, const char *variant,
                               const char *budget, stn_recipe **out,
                               stn_error *err)
{
    stn_recipe_choice choice = {.variant = variant, .budget = budget};
    char path[512];

    snprintf(path, sizeof(path), "%s/%s", folder, file);
    return stn_recipe_load(path, &choice, out, err);
}

static void sections_are_laid_over_in_order(void **unused)
{
    stn_recipe *recipe;
    stn_error err;

    (void)unused;
    assert_ok(load_variant("tiny.yaml", NULL, NULL, &recipe, &err), err);
    assert_string_equal(recipe->variant, "sparse");
    assert_string_equal(recipe->budget, "quick");
    assert_int_equal(recipe->epochs, 3);
    assert_int_equal(recipe->compress->n_children, 2);
    stn_recipe_destroy(recipe);
    assert_ok(load_variant("tiny.yaml", "plain", "full", &recipe, &err), err);
    assert_int_equal(recipe->epochs, 6);
    assert_int_equal(recipe->compress->n_children, 0);
    stn_recipe_destroy(recipe);
}

static void resolved_recipe_restores_to_itself(void **unused)
{
    stn_recipe *recipe, *again;
    stn_error err;
    char *text, *network, *text_again;

    (void)unused;
    assert_ok(load_variant("tiny.yaml", "sparse", "full", &recipe, &err), err);
    assert_ok(stn_yaml_dump(stn_yaml_root(recipe->document), &text, &err), err);
    assert_ok(stn_yaml_dump(stn_yaml_root(recipe->network), &network, &err),
              err);
    assert_ok(stn_recipe_restore(text, network, &again, &err), err);
    assert_ok(stn_yaml_dump(stn_yaml_root(again->document), &text_again, &err),
              err);
    assert_string_equal(text, text_again);
    assert_int_equal(again->epochs, 6);
    assert_true(again->penalise_until == recipe->penalise_until);
    stn_free(text);
    stn_free(network);
    stn_free(text_again);
    stn_recipe_destroy(recipe);
    stn_recipe_destroy(again);
}

/* A recipe that is fine but for one line (the sixth). */
static void write_bad(const char *line)
{
    char text[1024];

    snprintf(text, sizeof(text),
             "id: bad\nnetwork: tiny-network.yaml\ndata: bars\n"
             "variants: [a, b]\nepochs: 1\n%s\n",
             line);
    write_text("bad.yaml", text);
}

static void every_recipe_error_has_file_and_line(void **unused)
{
    static const struct {
        const char *line, *part;
    } cases[] = {
        {"batches: 3", "batch"},
        {"batch: 30", "shards"},
        {"batch: no", "bad.yaml:6"},
        {"shards: 0", "shards"},
        {"penalise_until: 1.5", "penalise_until"},
        {"augment: {crop: 3}", "crop"},
        {"optimiser: {sgd: {lr: -1}}", "lr"},
        {"optimiser: {sgd: {}, adam: {}}", "one name"},
        {"optimiser: lion", "lion"},
        {"schedule: {cosine: {milestones: 0.5}}", "milestones"},
        {"init: fan", "fan"},
        {"when: {variant: {c: {batch: 8}}}", "'c'"},
        {"when: {budget: {huge: {batch: 8}}}", "'huge'"},
        {"when: {seed: {1: {batch: 8}}}", "'seed'"},
        {"when: {data+budget: {bars: {batch: 8}}}", "too few"},
        {"when: {variant: {a: {bach: 8}}}", "bach"},
        {"when: {variant: {a: {when: {}}}}", "when"},
    };
    char lines[64];

    (void)unused;
    for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
        stn_recipe *recipe;
        stn_error err;

        write_bad(cases[k].line);
        assert_refused(load_variant("bad.yaml", NULL, NULL, &recipe, &err), err,
                       STN_E_FORMAT, cases[k].part);
        snprintf(lines, sizeof(lines), "bad.yaml:6");
        if (!strstr(err.text, lines))
            fail_msg("no %s in: %s", lines, err.text);
    }
}

static void unknown_names_are_refused_with_what_exists(void **unused)
{
    static const char *const bad_set[] = {"epoch=3"};
    stn_recipe_choice choice = {.set = bad_set, .n_set = 1};
    stn_recipe *recipe;
    stn_error err;
    char path[512];

    (void)unused;
    assert_refused(load_variant("tiny.yaml", "dense", NULL, &recipe, &err), err,
                   STN_E_FORMAT, "sparse, plain");
    assert_refused(load_variant("tiny.yaml", NULL, "huge", &recipe, &err), err,
                   STN_E_ARGUMENT, "huge");
    assert_refused(load_variant("none.yaml", NULL, NULL, &recipe, &err), err,
                   STN_E_NOT_FOUND, "none.yaml");
    snprintf(path, sizeof(path), "%s/tiny.yaml", folder);
    assert_refused(stn_recipe_load(path, &choice, &recipe, &err), err,
                   STN_E_FORMAT, "epoch");
    choice.set = (const char *const[]){"epochs"};
    assert_refused(stn_recipe_load(path, &choice, &recipe, &err), err,
                   STN_E_ARGUMENT, "epochs");
}

static void unsuitable_data_is_refused(void **unused)
{
    static const char *const cases[][2] = {
        {"parameters.width=6", "width"},
        {"validation=200", "validation"},
        {"network=nothing.yaml", "nothing.yaml"},
    };
    struct job job;
    stn_train_result result;
    stn_error err;

    (void)unused;
    for (int k = 0; k < 3; k++) {
        make_job(&job, "unsuitable")->options.set = &cases[k][0];
        job.options.n_set = 1;
        memset(&err, 0, sizeof(err));
        assert_int_not_equal(stn_train(&job.options, &result, &err), STN_OK);
        if (!strstr(err.text, cases[k][1]))
            fail_msg("no '%s' in: %s", cases[k][1], err.text);
    }
}

static void shipped_recipes_resolve_for_every_variant(void **unused)
{
    static const struct {
        const char *name, *variant, *data;
    } cases[] = {
        {"lenet5", NULL, "mnist"},           {"lenet5", NULL, "cifar10"},
        {"resnet20", NULL, "cifar10"},       {"resnet20", NULL, NULL},
        {"bdnet", "wpc", "cifar10"},         {"bdnet", "lasso", "mnist"},
        {"bdnet", "dense", "fashion-mnist"}, {"bdnet", "baseline", "mnist"},
    };

    (void)unused;
    for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
        stn_recipe_choice choice = {.variant = cases[k].variant,
                                    .data = cases[k].data,
                                    .budget = k % 2 ? "full" : "quick"};
        stn_recipe *recipe;
        stn_model *model;
        stn_error err;

        assert_ok(stn_recipe_load(cases[k].name, &choice, &recipe, &err), err);
        assert_ok(stn_model_create(recipe, 1, &model, &err), err);
        assert_int_equal(model->graph->input.c,
                         strcmp(recipe->data, "cifar10") == 0 ? 3 : 1);
        stn_model_destroy(model);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loss_falls_and_bars_are_told_apart),
        cmocka_unit_test(number_of_threads_does_not_change_a_bit),
        cmocka_unit_test(another_seed_gives_other_weights),
        cmocka_unit_test(stopped_run_resumes_to_the_same_bytes),
        cmocka_unit_test(killed_run_resumes_to_the_same_bytes),
        cmocka_unit_test(finished_run_is_not_trained_again),
        cmocka_unit_test(resume_of_another_run_is_refused),
        cmocka_unit_test(two_processes_cannot_share_a_folder),
        cmocka_unit_test(exploding_run_names_step_and_layer),
        cmocka_unit_test(adam_trains_too),
        cmocka_unit_test(evaluation_needs_nothing_but_the_checkpoint),
        cmocka_unit_test(truncated_checkpoint_is_refused),
        cmocka_unit_test(sections_are_laid_over_in_order),
        cmocka_unit_test(resolved_recipe_restores_to_itself),
        cmocka_unit_test(every_recipe_error_has_file_and_line),
        cmocka_unit_test(unknown_names_are_refused_with_what_exists),
        cmocka_unit_test(unsuitable_data_is_refused),
        cmocka_unit_test(shipped_recipes_resolve_for_every_variant),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
