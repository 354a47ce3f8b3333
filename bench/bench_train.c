/* SPDX-License-Identifier: MIT
 *
 * Milliseconds of a training step, on random pictures already in memory. One
 * JSON line for each network or recipe.
 *   bench_train [--network NAME] [--recipe ID[:VARIANT]] [--threads N]
 *               [--shards N] [--steps N]
 * A network's step is forward, loss, backward and a plain SGD update;
 * bench_train_pytorch.py measures the same in PyTorch. A recipe's step is what
 * `setun train` does, with quantisers, penalties and the recipe's optimiser,
 * from random weights. */
#include "base/clock.h"
#include "base/compiler.h"
#include "base/file.h"
#include "base/rng.h"
#include "nn/executor.h"
#include "timing.h"
#include "train/model.h"
#include <string.h>

#define MAX_STEPS 1000
#define WARM_UP 3

typedef struct workload {
    const char *name;
    int batch, shards;
    size_t n_variables;
    stn_yaml_variable variables[8];
} workload;

static const workload workloads[] = {
    {.name = "lenet5", .batch = 64, .shards = 4},
    {.name = "resnet20", .batch = 128, .shards = 16},
    {.name = "bdnet",
     .batch = 128,
     .shards = 64,
     .n_variables = 5,
     .variables =
         {{"p", 32}, {"m", 2}, {"d", 3}, {"full", 128}, {"channels", 1}}},
};

typedef struct options {
    const char *network, *recipe;
    int threads, shards, steps;
} options;

/* Random pictures and labels of one batch. */
typedef struct pictures {
    size_t picture_size;
    uint8_t *pixels, *labels;
} pictures;

/* A network alone, or a recipe's model. */
typedef struct bench {
    stn_yaml_document *document; /* of the network */
    stn_model *model;            /* of the recipe, or NULL */
    stn_optimiser *optimiser;    /* likewise */
    stn_graph *graph;
    stn_pool *pool;
    stn_executor *executor;
    stn_narrow narrow;
    pictures data;
    int batch, shards;
    double ms[MAX_STEPS];
    bench_spread spread;                         /* of ms */
    double compression_ms, optimiser_ms, cpu_ms; /* means of a step */
    double loss;
} bench;

static void fetch(void *context, int first, int n, uint8_t *pixels,
                  uint8_t *labels)
{
    const pictures *data = context;
    const size_t at = (size_t)first * data->picture_size;
    memcpy(pixels, data->pixels + at, (size_t)n * data->picture_size);
    memcpy(labels, data->labels + first, (size_t)n);
}

static stn_status make_data(pictures *data, const stn_graph *graph, int batch,
                            stn_error *err)
{
    data->picture_size = stn_shape_count(graph->input);
    const size_t count = (size_t)batch * data->picture_size;
    data->pixels = stn_alloc(count, 1);
    data->labels = stn_alloc((size_t)batch, 1);
    if (!data->pixels || !data->labels)
        return stn_fail_memory(err, "pictures");
    stn_rng rng = stn_rng_make(1, STN_RNG_TEST, 0);
    for (size_t i = 0; i < count; i++)
        data->pixels[i] = (uint8_t)stn_rng_below(&rng, 256);
    for (int i = 0; i < batch; i++)
        data->labels[i] = (uint8_t)(i % graph->n_classes);
    return STN_OK;
}

static stn_status open_network(bench *b, const workload *w, stn_error *err)
{
    char path[512];
    const stn_yaml_scope overrides = {w->variables, w->n_variables};
    STN_TRY(stn_path_format(path, sizeof path, err, "%s/networks/%s.yaml",
                            stn_share_directory(), w->name));
    STN_TRY(stn_yaml_load(path, &b->document, err));
    STN_TRY(stn_graph_build(stn_yaml_root(b->document), &overrides, &b->graph,
                            err));
    stn_graph_init(b->graph, 1);
    b->batch = w->batch;
    b->shards = w->shards;
    return STN_OK;
}

static stn_status open_recipe(bench *b, const char *name, stn_error *err)
{
    char id[256];
    const char *colon = strchr(name, ':');
    stn_recipe *recipe;
    const stn_recipe_choice choice = {.variant = colon ? colon + 1 : NULL};
    snprintf(id, sizeof id, "%.*s", (int)strcspn(name, ":"), name);
    STN_TRY(stn_recipe_load(id, &choice, &recipe, err));
    STN_TRY(stn_model_create(recipe, 1, &b->model, err));
    b->graph = b->model->graph;
    b->batch = recipe->batch;
    b->shards = recipe->shards;
    return stn_optimiser_create(recipe->optimiser, recipe->optimiser_attrs,
                                b->graph, &b->optimiser, err);
}

static stn_status open_bench(bench *b, const options *o, stn_error *err)
{
    if (o->shards)
        b->shards = o->shards;
    STN_TRY(
        stn_pool_create(o->threads, stn_executor_thread_init, &b->pool, err));
    STN_TRY(stn_executor_create(b->graph, b->pool, b->batch, b->shards, true,
                                &b->executor, err));
    STN_TRY(stn_narrow_init(&b->narrow, b->model ? b->model->widths : NULL,
                            b->pool, b->batch, b->shards, err));
    return make_data(&b->data, b->graph, b->batch, err);
}

static void close_bench(bench *b)
{
    stn_narrow_deinit(&b->narrow);
    stn_executor_destroy(b->executor);
    stn_pool_destroy(b->pool);
    stn_optimiser_destroy(b->optimiser);
    if (!b->model)
        stn_graph_destroy(b->graph);
    stn_model_destroy(b->model);
    stn_yaml_destroy(b->document);
    stn_free(b->data.pixels);
    stn_free(b->data.labels);
}

STN_CLONES
static void descend(const stn_graph *graph, float rate)
{
    for (int i = 0; i < graph->n_params; i++) {
        const stn_param *p = &graph->params[i];
        float *STN_RESTRICT value = p->latent;
        const float *STN_RESTRICT grad = p->grad;
        for (size_t j = 0; grad && j < p->count; j++)
            value[j] -= rate * grad[j];
    }
}

/* Adds the seconds since *at to *sum, as milliseconds, and moves on. */
static void lap(double *at, double *sum)
{
    const double now = stn_clock_s();
    *sum += 1e3 * (now - *at);
    *at = now;
}

static void step(bench *b, uint64_t index)
{
    const stn_executor_batch batch = {.fetch = fetch,
                                      .context = &b->data,
                                      .n = b->batch,
                                      .seed = 1,
                                      .step = index,
                                      .logits = b->narrow.teacher};
    stn_compression *c = b->model ? b->model->compression : NULL;
    stn_executor_result result;
    double at = stn_clock_s(), rest = 0;
    if (c)
        stn_compression_apply(c, b->pool);
    lap(&at, &b->compression_ms);
    stn_executor_train(b->executor, &batch, &result);
    if (b->narrow.widths)
        (void)stn_narrow_train(&b->narrow, &batch, &b->model->recipe->distil);
    lap(&at, &rest);
    if (c)
        stn_compression_backward(c, b->pool, true);
    lap(&at, &b->compression_ms);
    if (b->optimiser)
        stn_optimiser_step(b->optimiser, b->pool, 0.1f, index + 1);
    else
        descend(b->graph, 0.01f);
    lap(&at, &b->optimiser_ms);
    if (c)
        stn_compression_settle(c, b->pool);
    lap(&at, &b->compression_ms);
    b->loss = result.loss_sum / b->batch;
}

/* CPU time of all threads. */
static double cpu_ms(void)
{
    return 1e3 * bench_clock_s(CLOCK_PROCESS_CPUTIME_ID);
}

static void run_steps(bench *b, int steps)
{
    for (int i = 0; i < WARM_UP; i++)
        step(b, (uint64_t)i);
    b->compression_ms = b->optimiser_ms = 0;
    const double cpu = cpu_ms();
    for (int i = 0; i < steps; i++) {
        const double start = stn_clock_s();
        step(b, (uint64_t)(WARM_UP + i));
        b->ms[i] = 1e3 * (stn_clock_s() - start);
    }
    b->cpu_ms = (cpu_ms() - cpu) / steps;
    b->compression_ms /= steps;
    b->optimiser_ms /= steps;
    b->spread = bench_spread_of(b->ms, steps);
}

static void print(const bench *b, const char *kind, const char *name, int steps)
{
    printf("{\"program\": \"setun\", \"%s\": \"%s\", \"batch\": %d, "
           "\"threads\": %d, \"shards\": %d, \"steps\": %d, "
           "\"median_ms\": %.3f, \"min_ms\": %.3f, \"max_ms\": %.3f, "
           "\"cpu_ms\": %.3f, \"compression_ms\": %.3f, "
           "\"optimiser_ms\": %.3f, \"loss\": %.4f}\n",
           kind, name, b->batch, stn_pool_threads(b->pool), b->shards, steps,
           b->spread.median, b->spread.min, b->spread.max, b->cpu_ms,
           b->compression_ms, b->optimiser_ms, b->loss);
}

/* A network's workload, or the recipe of the options. */
static stn_status run(const workload *w, const options *o, stn_error *err)
{
    static bench b;
    b = (bench){.document = NULL};
    stn_status status =
        w ? open_network(&b, w, err) : open_recipe(&b, o->recipe, err);
    if (status == STN_OK)
        status = open_bench(&b, o, err);
    if (status == STN_OK) {
        run_steps(&b, o->steps);
        print(&b, w ? "network" : "recipe", w ? w->name : o->recipe, o->steps);
    }
    close_bench(&b);
    return status;
}

static bool read_options(int argc, char **argv, options *o)
{
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--network") == 0)
            o->network = argv[i + 1];
        else if (strcmp(argv[i], "--recipe") == 0)
            o->recipe = argv[i + 1];
        else if (strcmp(argv[i], "--threads") == 0)
            o->threads = atoi(argv[i + 1]);
        else if (strcmp(argv[i], "--shards") == 0)
            o->shards = atoi(argv[i + 1]);
        else if (strcmp(argv[i], "--steps") == 0)
            o->steps = atoi(argv[i + 1]);
        else
            return false;
    }
    return argc % 2 == 1 && o->threads >= 0 && o->shards >= 0 &&
           o->steps >= 1 && o->steps <= MAX_STEPS;
}

int main(int argc, char **argv)
{
    options o = {.threads = 2, .steps = 10};
    stn_error err;
    stn_status status = STN_OK;
    if (!read_options(argc, argv, &o)) {
        fprintf(stderr, "usage: bench_train [--network NAME] [--recipe "
                        "ID[:VARIANT]] [--threads N] [--shards N] [--steps "
                        "1...1000]\n");
        return 2;
    }
    if (o.recipe)
        status = run(NULL, &o, &err);
    for (size_t i = 0; i < sizeof workloads / sizeof *workloads; i++)
        if (!o.recipe && status == STN_OK &&
            (!o.network || strcmp(o.network, workloads[i].name) == 0))
            status = run(&workloads[i], &o, &err);
    if (status != STN_OK)
        fprintf(stderr, "%s\n", err.text);
    return status != STN_OK;
}
