/* SPDX-License-Identifier: MIT
 *
 * Speed of packed networks: microseconds a picture, one at a time and 64 at a
 * time, on one thread and on two, and milliseconds from the start of the
 * process (its CPU time before main, the clock on the wall from there) to the
 * first classification of a file that is in the page cache. One JSON line
 * each. Links what a device would: libsetun-rt.
 *   bench_networks ROUNDS FILE.stn... */
#include "setun/engine.h"
#include "timing.h"
#include <string.h>

#define ROUND_S 0.02
#define BATCH 64

typedef struct bench {
    const char *name;
    stn_program *program;
    uint8_t *pixels; /* of BATCH pictures */
    int32_t *logits;
} bench;

static void check(stn_status status, const stn_error *err)
{
    if (status == STN_OK)
        return;
    fprintf(stderr, "bench_networks: %s\n", err->text);
    exit(1);
}

typedef struct work {
    const bench *bench;
    stn_engine *engine;
    int batch;
} work;

static void run(void *context)
{
    const work *w = context;
    stn_error err;
    check(stn_engine_run(w->engine, w->bench->pixels, w->batch,
                         w->bench->logits, &err),
          &err);
}

static void report(const bench *b, stn_engine_options options, int batch,
                   int rounds)
{
    static double us[BENCH_ROUNDS_MAX];
    stn_error err;
    stn_engine *engine;
    check(stn_engine_create(b->program, &options, &engine, &err), &err);
    work w = {b, engine, batch};
    bench_rounds_s(CLOCK_MONOTONIC, ROUND_S, run, &w, rounds, us);
    for (int i = 0; i < rounds; i++)
        us[i] *= 1e6 / batch;
    bench_spread s = bench_spread_of(us, rounds);
    printf("{\"network\": \"%s\", \"program\": \"setun\", \"level\": \"%s\", "
           "\"threads\": %d, \"batch\": %d, \"median\": %.1f, "
           "\"min\": %.1f, \"max\": %.1f, \"activation_bytes\": %zu, "
           "\"weight_bytes\": %zu}\n",
           b->name, stn_cpu_level_name(options.level), options.threads, batch,
           s.median, s.min, s.max, stn_engine_activation_bytes(engine),
           stn_engine_weight_bytes(engine));
    stn_engine_destroy(engine);
}

/* The name of a file without folder and ending. */
static char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *name = strdup(slash ? slash + 1 : path);
    char *dot = name ? strrchr(name, '.') : NULL;
    if (dot)
        *dot = 0;
    return name;
}

static void fill(uint8_t *pixels, size_t n)
{
    for (size_t i = 0; i < n; i++)
        pixels[i] = (uint8_t)(i * 2654435761U >> 13);
}

/* With one picture of pixels. */
static void open_network(bench *b, const char *path)
{
    stn_error err;
    check(stn_program_read(path, &b->program, &err), &err);
    size_t size = stn_shape_count(b->program->input);
    b->pixels = malloc(BATCH * size);
    b->logits = malloc(BATCH * (size_t)b->program->n_classes * sizeof(int32_t));
    b->name = name_of(path);
    if (!b->pixels || !b->logits || !b->name) {
        fprintf(stderr, "bench_networks: no memory\n");
        exit(1);
    }
    fill(b->pixels, size);
}

static void close_network(bench *b)
{
    stn_program_destroy(b->program);
    free(b->pixels);
    free(b->logits);
    free((char *)b->name);
}

/* Reads, prepares and runs once. */
static void report_start(const char *path, double start)
{
    bench b;
    stn_error err;
    stn_engine *engine;
    stn_engine_options options = stn_engine_defaults();
    options.threads = 1;
    open_network(&b, path);
    check(stn_engine_create(b.program, &options, &engine, &err), &err);
    check(stn_engine_run(engine, b.pixels, 1, b.logits, &err), &err);
    printf("{\"network\": \"%s\", \"program\": \"setun\", "
           "\"first_ms\": %.3f}\n",
           b.name, (bench_clock_s(CLOCK_MONOTONIC) - start) * 1e3);
    stn_engine_destroy(engine);
    close_network(&b);
}

int main(int argc, char **argv)
{
    double before = bench_clock_s(CLOCK_PROCESS_CPUTIME_ID);
    double start = bench_clock_s(CLOCK_MONOTONIC) - before;
    if (argc < 3) {
        fputs("usage: bench_networks ROUNDS FILE.stn...\n", stderr);
        return 2;
    }
    int rounds = bench_rounds(argv[0], argv[1]);
    report_start(argv[2], start);
    stn_cpu_level best = stn_cpu_detect();
    stn_cpu_level least = best == STN_CPU_REF ? STN_CPU_REF : STN_CPU_AVX2;
    for (int i = 2; i < argc; i++) {
        bench b;
        open_network(&b, argv[i]);
        fill(b.pixels, BATCH * stn_shape_count(b.program->input));
        for (stn_cpu_level l = least; l <= best; l++)
            for (int threads = 1; threads <= 2; threads++) {
                stn_engine_options o = {.level = l, .threads = threads};
                report(&b, o, 1, rounds);
                report(&b, o, BATCH, rounds);
            }
        close_network(&b);
    }
    return 0;
}
