/* SPDX-License-Identifier: MIT
 *
 * Milliseconds of a training step: forward, loss, backward and a plain SGD
 * update, on random pictures already in memory. One JSON line per network.
 *   bench_train [--network NAME] [--threads N] [--shards N] [--steps N]
 * bench_train_pytorch.py measures the same networks in PyTorch. */
#include "base/clock.h"
#include "base/compiler.h"
#include "base/file.h"
#include "base/rng.h"
#include "nn/executor.h"
#include <stdio.h>
#include <stdlib.h>
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
    const char *network;
    int threads, shards, steps;
} options;

/* Random pictures and labels of one batch. */
typedef struct pictures {
    size_t picture_size;
    uint8_t *pixels, *labels;
} pictures;

typedef struct bench {
    stn_yaml_document *document;
    stn_graph *graph;
    stn_pool *pool;
    stn_executor *executor;
    pictures data;
    double ms[MAX_STEPS];
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

static stn_status open_bench(bench *b, const workload *w, const options *o,
                             stn_error *err)
{
    char path[512];
    const stn_yaml_scope overrides = {w->variables, w->n_variables};
    STN_TRY(stn_path_format(path, sizeof path, err, "%s/networks/%s.yaml",
                            stn_share_directory(), w->name));
    STN_TRY(stn_yaml_load(path, &b->document, err));
    STN_TRY(stn_graph_build(stn_yaml_root(b->document), &overrides, &b->graph,
                            err));
    stn_graph_init(b->graph, 1);
    STN_TRY(
        stn_pool_create(o->threads, stn_executor_thread_init, &b->pool, err));
    STN_TRY(stn_executor_create(b->graph, b->pool, w->batch,
                                o->shards ? o->shards : w->shards, true,
                                &b->executor, err));
    return make_data(&b->data, b->graph, w->batch, err);
}

static void close_bench(bench *b)
{
    stn_executor_destroy(b->executor);
    stn_pool_destroy(b->pool);
    stn_graph_destroy(b->graph);
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

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void run_steps(bench *b, int batch_size, int steps)
{
    for (int i = -WARM_UP; i < steps; i++) {
        const stn_executor_batch batch = {.fetch = fetch,
                                          .context = &b->data,
                                          .n = batch_size,
                                          .seed = 1,
                                          .step = (uint64_t)(i + WARM_UP)};
        stn_executor_result result;
        const double start = stn_clock_s();
        stn_executor_train(b->executor, &batch, &result);
        descend(b->graph, 0.01f);
        if (i >= 0)
            b->ms[i] = 1e3 * (stn_clock_s() - start);
        b->loss = result.loss_sum / batch_size;
    }
    qsort(b->ms, (size_t)steps, sizeof *b->ms, compare);
}

static stn_status run(const workload *w, const options *o, stn_error *err)
{
    static bench b;
    b = (bench){.document = NULL};
    const stn_status status = open_bench(&b, w, o, err);
    if (status == STN_OK) {
        run_steps(&b, w->batch, o->steps);
        printf("{\"program\": \"setun\", \"network\": \"%s\", \"batch\": %d, "
               "\"threads\": %d, \"shards\": %d, \"steps\": %d, "
               "\"median_ms\": %.3f, \"min_ms\": %.3f, \"max_ms\": %.3f, "
               "\"loss\": %.4f}\n",
               w->name, w->batch, stn_pool_threads(b.pool),
               o->shards ? o->shards : w->shards, o->steps, b.ms[o->steps / 2],
               b.ms[0], b.ms[o->steps - 1], b.loss);
    }
    close_bench(&b);
    return status;
}

static bool read_options(int argc, char **argv, options *o)
{
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--network") == 0)
            o->network = argv[i + 1];
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
    if (!read_options(argc, argv, &o)) {
        fprintf(stderr, "usage: bench_train [--network NAME] [--threads N] "
                        "[--shards N] [--steps 1...1000]\n");
        return 2;
    }
    for (size_t i = 0; i < sizeof workloads / sizeof *workloads; i++) {
        stn_error err;
        if (o.network && strcmp(o.network, workloads[i].name) != 0)
            continue;
        if (run(&workloads[i], &o, &err) != STN_OK) {
            fprintf(stderr, "%s\n", err.text);
            return 1;
        }
    }
    return 0;
}
