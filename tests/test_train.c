/* SPDX-License-Identifier: MIT
 *
 * Training end to end on a made-up data set: bright bars at a place that
 * tells the class. Small enough to train in a blink, large enough that every
 * part (validation, augmentation, penalties, dropout, batch-norm) runs. */
#include "bars.h"

#include "train/model.h"

#include <math.h>
#include <signal.h>
#include <sys/wait.h>

static int set_up(void **unused)
{
    (void)unused;
    make_bars("test_train");
    return 0;
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

static void a_run_starts_from_the_weights_of_another(void **unused)
{
    struct job job;
    stn_train_result result;
    stn_model *from, *to;
    char start[512];
    stn_error err;

    (void)unused;
    snprintf(start, sizeof(start), "%s/%s", folder, reference_run());
    make_job(&job, "started")->options.start = start;
    job.options.set = (const char *const[]){"epochs=0"};
    job.options.n_set = 1;
    assert_ok(stn_train(&job.options, &result, &err), err);
    assert_ok(stn_model_load(start, &from, &err), err);
    assert_ok(stn_model_load(job.out, &to, &err), err);
    for (int i = 0; i < to->graph->n_params; i++)
        assert_memory_equal(to->graph->params[i].latent,
                            from->graph->params[i].latent,
                            to->graph->params[i].count * sizeof(float));
    stn_model_destroy(from);
    stn_model_destroy(to);

    make_job(&job, "other-size")->options.start = start;
    job.options.set = (const char *const[]){"parameters.p=8"};
    job.options.n_set = 1;
    assert_int_equal(stn_train(&job.options, &result, &err), STN_E_ARGUMENT);
    assert_non_null(strstr(err.text, "stem"));
    assert_non_null(strstr(err.text, "has another size"));
}

/* Blocks of 3 x 3: one row of them over 256 inputs, the last of which is cut
 * off after one column. */
static void circulant_blocks_start_from_means_of_dense_weights(void **unused)
{
    struct job job;
    stn_train_result result;
    stn_model *from, *to;
    const float *dense, *round;
    char start[512];
    stn_error err;

    (void)unused;
    snprintf(start, sizeof(start), "%s/%s", folder, reference_run());
    make_job(&job, "round")->options.start = start;
    job.options.variant = "round";
    job.options.set = (const char *const[]){"epochs=0"};
    job.options.n_set = 1;
    assert_ok(stn_train(&job.options, &result, &err), err);
    assert_ok(stn_model_load(start, &from, &err), err);
    assert_ok(stn_model_load(job.out, &to, &err), err);
    dense = stn_graph_param(from->graph, "fc.weight")->latent;
    round = stn_graph_param(to->graph, "fc.weight")->latent;
    assert_int_equal(stn_graph_param(to->graph, "fc.weight")->count, 258);
    for (int j = 0; j < 85; j++)
        for (int t = 0; t < 3; t++) {
            double sum = 0;

            for (int c = 0; c < 3; c++)
                sum += (double)dense[(c + t) % 3 * 256 + 3 * j + c];
            assert_float_equal(round[3 * j + t], (float)(sum / 3), 1e-6f);
        }
    for (int t = 0; t < 3; t++)
        assert_true(round[255 + t] == dense[t * 256 + 255]);
    stn_model_destroy(from);
    stn_model_destroy(to);
}

static void circulant_runs_train_alike_on_any_number_of_threads(void **unused)
{
    struct job job;
    stn_train_result one, three;
    stn_error err;

    (void)unused;
    make_job(&job, "round1")->options.variant = "round";
    assert_ok(stn_train(&job.options, &one, &err), err);
    make_job(&job, "round3")->options.variant = "round";
    job.options.threads = 3;
    assert_ok(stn_train(&job.options, &three, &err), err);
    assert_same_checkpoint("round1", "round3");
    assert_true(one.test_accuracy > 0.6);
}

static void what_a_recipe_starts_from_is_trained_first(void **unused)
{
    struct job job;
    stn_train_result result;
    char chained[sizeof(recipe_text) + 64];
    stn_error err;
    int n = (int)(strstr(recipe_text, "    plain: {") - recipe_text);

    (void)unused;
    snprintf(chained, sizeof(chained), "%.*s%s%s", n, recipe_text,
             "    sparse: {start: plain}\n", recipe_text + n);
    write_text("chained.yaml", chained);
    make_job(&job, "chained");
    snprintf(job.recipe, sizeof(job.recipe), "%s/chained.yaml", folder);
    assert_ok(stn_train(&job.options, &result, &err), err);
    assert_true(stn_file_exists("runs/tiny-plain-bars-seed1/result.json"));
    assert_int_equal(system("rm -r runs/tiny-plain-bars-seed1"), 0);

    /* What could not be started from is not trained first. */
    make_job(&job, "wider");
    snprintf(job.recipe, sizeof(job.recipe), "%s/chained.yaml", folder);
    job.options.set = (const char *const[]){"parameters.p=6"};
    job.options.n_set = 1;
    assert_refused(stn_train(&job.options, &result, &err), err, STN_E_ARGUMENT,
                   "weight 'stem.weight' has another size");
    assert_false(stn_file_exists("runs/tiny-plain-bars-seed1/checkpoint"
                                 ".safetensors"));

    job.options.variant = "plain";
    job.options.set = (const char *const[]){"start=plain"};
    job.options.n_set = 1;
    snprintf(job.out, sizeof(job.out), "%s/circle", folder);
    assert_int_equal(stn_train(&job.options, &result, &err), STN_E_ARGUMENT);
    assert_non_null(strstr(err.text, "starts from itself"));
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

/* Trains until the end of epoch 2, where it is told to stop. */
static void train_and_stop(struct job *job)
{
    stn_train_result result;
    stn_error err;

    job->options.progress = stop_now;
    job->options.stop = &stop_flag;
    assert_refused(stn_train(&job->options, &result, &err), err,
                   STN_E_INTERRUPTED, "resumed");
    stop_flag = 0;
}

static void train_on(struct job *job)
{
    stn_train_result result;
    stn_error err;

    job->options.progress = NULL;
    job->options.resume = true;
    assert_ok(stn_train(&job->options, &result, &err), err);
}

static void stopped_run_resumes_to_the_same_bytes(void **unused)
{
    struct job job;

    (void)unused;
    train_and_stop(make_job(&job, "stopped"));
    /* As if killed between a record and its checkpoint. */
    append_to_log("stopped", "{\"epoch\":3}\n");
    train_on(&job);
    assert_same_checkpoint(reference_run(), "stopped");
    assert_int_equal(count_lines("stopped", "log.jsonl"), 3);
}

/* Spikes are drawn from counters, membranes die with their picture. */
static void
a_spiking_run_resumes_to_the_same_bytes_with_more_threads(void **unused)
{
    struct job job;
    stn_train_result result;
    stn_error err;

    (void)unused;
    write_text("spiking-network.yaml",
               "name: spiking\ninput: {height: 8, width: 8, channels: 1}\n"
               "layers:\n  - rate_code: {steps: 4}\n"
               "  - conv: {name: stem, out: 4, kernel: 3}\n  - batch_norm:\n"
               "  - lif:\n  - linear: {name: fc, out: 3}\n  - mean_steps:\n");
    write_text("spiking.yaml",
               "id: spiking\nnetwork: spiking-network.yaml\nepochs: 3\n"
               "batch: 16\nshards: 4\noptimiser: {adam: {lr: 0.01}}\n"
               "compress: [{layers: \"*\", quantiser: uniform}]\n");
    make_job(&job, "spiking-whole");
    snprintf(job.recipe, sizeof(job.recipe), "%s/spiking.yaml", folder);
    assert_ok(stn_train(&job.options, &result, &err), err);
    snprintf(job.out, sizeof(job.out), "%s/spiking-stopped", folder);
    job.options.threads = 3;
    train_and_stop(&job);
    train_on(&job);
    assert_same_checkpoint("spiking-whole", "spiking-stopped");
}

/* What a structure drew follows from the seed, which a checkpoint knows; the
 * weights that it dropped never return. */
static void a_structure_outlives_a_stop_and_a_load(void **unused)
{
    static const char *const set[] = {
        "compress=[{layers: pw, quantiser: uniform, structure: {blocks: "
        "{rows: 1, cols: 2, keep: 0.5}}}, {layers: fc, quantiser: uniform, "
        "structure: {permuted_diagonal: {p: 2, order: random}}}]"};
    struct job job;
    stn_train_result result;
    stn_model *model;
    stn_error err;

    (void)unused;
    make_job(&job, "blocks-whole")->options.set = set;
    job.options.n_set = 1;
    job.options.seed = 9;
    assert_ok(stn_train(&job.options, &result, &err), err);
    make_job(&job, "blocks-stopped")->options.set = set;
    job.options.n_set = 1;
    job.options.seed = 9;
    train_and_stop(&job);
    train_on(&job);
    assert_same_checkpoint("blocks-whole", "blocks-stopped");
    assert_ok(stn_model_load(job.out, &model, &err), err);
    assert_int_equal(model->compression->n, 2);
    for (int i = 0; i < 2; i++) {
        const stn_binding *b = &model->compression->bindings[i];
        size_t n = 0;
        for (size_t k = 0; k < b->param->count; k++)
            n += b->param->latent[k] != 0;
        assert_int_equal(n, b->stored->n);
        assert_int_equal(b->stored->n, b->param->count / 2);
    }
    stn_model_destroy(model);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loss_falls_and_bars_are_told_apart),
        cmocka_unit_test(number_of_threads_does_not_change_a_bit),
        cmocka_unit_test(a_run_starts_from_the_weights_of_another),
        cmocka_unit_test(circulant_blocks_start_from_means_of_dense_weights),
        cmocka_unit_test(circulant_runs_train_alike_on_any_number_of_threads),
        cmocka_unit_test(what_a_recipe_starts_from_is_trained_first),
        cmocka_unit_test(another_seed_gives_other_weights),
        cmocka_unit_test(stopped_run_resumes_to_the_same_bytes),
        cmocka_unit_test(
            a_spiking_run_resumes_to_the_same_bytes_with_more_threads),
        cmocka_unit_test(a_structure_outlives_a_stop_and_a_load),
        cmocka_unit_test(killed_run_resumes_to_the_same_bytes),
        cmocka_unit_test(finished_run_is_not_trained_again),
        cmocka_unit_test(resume_of_another_run_is_refused),
        cmocka_unit_test(two_processes_cannot_share_a_folder),
        cmocka_unit_test(exploding_run_names_step_and_layer),
        cmocka_unit_test(adam_trains_too),
        cmocka_unit_test(evaluation_needs_nothing_but_the_checkpoint),
        cmocka_unit_test(truncated_checkpoint_is_refused),
        cmocka_unit_test(unsuitable_data_is_refused),
    };

    return cmocka_run_group_tests(tests, set_up, remove_folder);
}
