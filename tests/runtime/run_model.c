/* SPDX-License-Identifier: MIT
 *
 * Runs packed models with every kernel level, on one thread and on two, and
 * compares with the reference interpreter: equal bits. Prints, for each model,
 * the kernels that the best level chose and a hash of all logits, which is the
 * same on every machine.
 *   run_model IMAGES COUNT MODEL.stn…
 * IMAGES is a file in IDX form, pictures of the models' size. */
#include "setun/engine.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEADER = 16, KERNELS_MAX = 64 };

static stn_error err;

static void stop(const char *what)
{
    fprintf(stderr, "%s\n", what);
    exit(1);
}

static void check(stn_status status)
{
    if (status != STN_OK)
        stop(err.text);
}

/* Pictures of the program's size; the caller frees them. */
static uint8_t *read_pictures(const char *path, size_t n, size_t size)
{
    uint8_t *pixels = malloc(n * size);
    FILE *f = fopen(path, "rb");
    if (!pixels || !f || fseek(f, HEADER, SEEK_SET) != 0 ||
        fread(pixels, size, n, f) != n)
        stop("cannot read that many pictures");
    fclose(f);
    return pixels;
}

/* FNV-1a (Fowler, Noll and Vo), of 64 bits. */
static uint64_t hash_bytes(const void *data, size_t n)
{
    uint64_t hash = UINT64_C(0xCBF29CE484222325);
    for (size_t i = 0; i < n; i++)
        hash = (hash ^ ((const uint8_t *)data)[i]) * UINT64_C(0x100000001B3);
    return hash;
}

/* Names of the kernels, each once. */
static void print_kernels(const stn_program *p, const stn_engine *engine)
{
    const char *seen[KERNELS_MAX];
    int n = 0;
    for (int i = 0; i < p->n_instructions && n < KERNELS_MAX; i++) {
        const char *name = stn_engine_kernel_name(engine, i);
        int k = 0;
        while (k < n && strcmp(seen[k], name) != 0)
            k++;
        if (k < n || strncmp(name, "fused", 5) == 0)
            continue;
        seen[n++] = name;
        printf("    %s\n", name);
    }
}

/* What is compared. */
typedef struct subject {
    const char *path;
    const stn_program *program;
    const uint8_t *pixels;
    int n;
    const int32_t *expected;
} subject;

static void check_level(const subject *s, stn_cpu_level level, int threads)
{
    stn_engine *engine;
    size_t bytes = (size_t)s->n * (size_t)s->program->n_classes * 4;
    int32_t *logits = malloc(bytes);
    if (!logits)
        stop("out of memory");
    check(stn_engine_create(s->program, &(stn_engine_options){level, threads},
                            &engine, &err));
    check(stn_engine_run(engine, s->pixels, s->n, logits, &err));
    if (memcmp(logits, s->expected, bytes) != 0) {
        fprintf(stderr, "%s: level %s, %d threads: other logits\n", s->path,
                stn_cpu_level_name(level), threads);
        exit(1);
    }
    if (level == stn_cpu_detect() && threads == 1)
        print_kernels(s->program, engine);
    stn_engine_destroy(engine);
    free(logits);
}

static void run(const char *path, const char *images, int n)
{
    stn_program *program;
    check(stn_program_read(path, &program, &err));
    size_t size = stn_shape_count(program->input);
    size_t classes = (size_t)program->n_classes;
    uint8_t *pixels = read_pictures(images, (size_t)n, size);
    int32_t *expected = malloc((size_t)n * classes * sizeof *expected);
    if (!expected)
        stop("out of memory");
    for (size_t i = 0; i < (size_t)n; i++)
        check(stn_reference_classify(program, pixels + i * size,
                                     expected + i * classes, &err));
    printf("%s: %d pictures, logits %016llx\n", path, n,
           (unsigned long long)hash_bytes(expected, (size_t)n * classes * 4));
    const subject s = {path, program, pixels, n, expected};
    for (stn_cpu_level l = STN_CPU_REF; l <= stn_cpu_detect(); l++)
        for (int threads = 1; threads <= 2; threads++)
            check_level(&s, l, threads);
    free(expected);
    free(pixels);
    stn_program_destroy(program);
}

int main(int argc, char **argv)
{
    int n = argc > 2 ? atoi(argv[2]) : 0;
    if (argc < 4 || n < 1)
        stop("usage: run_model IMAGES COUNT MODEL.stn…");
    for (int i = 3; i < argc; i++)
        run(argv[i], argv[1], n);
    return 0;
}
