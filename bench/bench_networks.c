/* SPDX-License-Identifier: MIT
 *
 * Speed of packed networks: microseconds a picture, one at a time and 64 at a
 * time, on one thread and on two, and milliseconds from the start of the
 * process (its CPU time before main, the clock on the wall from there) to the
 * first classification of a file that is in the page cache. One JSON line
 * each. Links what a device would: libsetun-rt.
 *   bench_networks ROUNDS FILE.stn... */
#include "setun/engine.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROUNDS_MAX 1000
#define ROUND_S 0.02
#define BATCH 64

typedef struct bench {
    const char *name;
    stn_program *program;
    uint8_t *pixels; /* of BATCH pictures */
    int32_t *logits;
} bench;

static double wall_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void check(stn_status status, const stn_error *err)
{
    if (status == STN_OK)
        return;
    fprintf(stderr, "bench_networks: %s\n", err->text);
    exit(1);
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void report(const bench *b, stn_engine_options options, int batch,
                   int rounds)
{
    static double us[ROUNDS_MAX];
    stn_error err;
    stn_engine *engine;
    check(stn_engine_create(b->program, &options, &engine, &err), &err);
    for (int i = -1; i < rounds; i++) { /* the first warms up */
        double start = wall_s(), seconds;
        int n = 0;
        do {
            check(stn_engine_run(engine, b->pixels, batch, b->logits, &err),
                  &err);
            n += batch;
            seconds = wall_s() - start;
        } while (seconds < ROUND_S);
        if (i >= 0)
            us[i] = seconds / n * 1e6;
    }
    qsort(us, (size_t)rounds, sizeof us[0], ascending);
    printf("{\"network\": \"%s\", \"program\": \"setun\", \"level\": \"%s\", "
           "\"threads\": %d, \"batch\": %d, \"median\": %.1f, "
           "\"min\": %.1f, \"max\": %.1f, \"activation_bytes\": %zu, "
           "\"weight_bytes\": %zu}\n",
           b->name, stn_cpu_level_name(options.level), options.threads, batch,
           us[rounds / 2], us[0], us[rounds - 1],
           stn_engine_activation_bytes(engine),
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
           b.name, (wall_s() - start) * 1e3);
    stn_engine_destroy(engine);
    close_network(&b);
}

int main(int argc, char **argv)
{
    struct timespec before;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
    double start = wall_s();
    start -= (double)before.tv_sec + 1e-9 * (double)before.tv_nsec;
    int rounds = argc > 2 ? atoi(argv[1]) : 0;
    if (rounds < 1 || rounds > ROUNDS_MAX) {
        fprintf(stderr,
                "usage: bench_networks ROUNDS FILE.stn...; rounds 1 to "
                "%d\n",
                ROUNDS_MAX);
        return 2;
    }
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
