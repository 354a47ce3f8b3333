/* SPDX-License-Identifier: MIT
 *
 * Time against size of circulant layers of n to n numbers, one block of side n
 * (and blocks of 64 beside), and of dense ones: a step of training (forward,
 * both gradients, transforms of the weights; 64 pictures) and inference of one
 * picture in 8-bit integers. Microseconds of one thread on its CPU; one JSON
 * line a row.
 *   bench_circulant ROUNDS */
#include "base/memory.h"
#include "base/rng.h"
#include "kernels/kernels.h"
#include "nn/executor.h"
#include "tensor/circulant.h"
#include "timing.h"
#include <stdio.h>
#include <string.h>

#define BATCH 64
#define ROUND_S 0.01

static void check(stn_status status, const stn_error *err)
{
    if (status == STN_OK)
        return;
    fprintf(stderr, "bench_circulant: %s\n", err->text);
    exit(1);
}

static void *memory(size_t count, size_t size)
{
    void *p = stn_alloc(count, size);
    if (!p) {
        fputs("bench_circulant: out of memory\n", stderr);
        exit(1);
    }
    return p;
}

static float *noise(size_t n)
{
    stn_rng rng = stn_rng_make(1, STN_RNG_TEST, n);
    float *x = memory(n, sizeof *x);
    for (size_t i = 0; i < n; i++)
        x[i] = stn_rng_normal(&rng);
    return x;
}

/* Runs for ROUND_S at least, `rounds` times, and prints the row. */
static void report(const char *what, const char *kind, const char *kernel,
                   int n, int p, int rounds, void (*run)(void *context),
                   void *context)
{
    static double us[BENCH_ROUNDS_MAX];
    bench_rounds_s(CLOCK_THREAD_CPUTIME_ID, ROUND_S, run, context, rounds, us);
    for (int i = 0; i < rounds; i++)
        us[i] *= 1e6;
    bench_spread s = bench_spread_of(us, rounds);
    printf("{\"what\": \"%s\", \"kind\": \"%s\", \"kernel\": \"%s\", "
           "\"n\": %d, \"p\": %d, \"median\": %.2f, \"min\": %.2f, "
           "\"max\": %.2f}\n",
           what, kind, kernel, n, p, s.median, s.min, s.max);
    fflush(stdout);
}

/* ---- a step of training */

typedef struct training {
    int n;
    stn_circulant *plan; /* NULL: dense */
    float *x, *dy, *w, *y, *dx, *dw, *saved, *scratch;
} training;

static void train_circulant(void *context)
{
    const training *t = context;
    stn_circulant_prepare(t->plan, t->w, t->scratch);
    stn_circulant_forward(t->plan, t->x, NULL, t->y, t->saved, t->scratch);
    stn_circulant_backward(t->plan, t->dy, t->saved,
                           &(stn_circulant_gradients){.dx = t->dx, .dw = t->dw},
                           t->scratch);
}

static void train_dense(void *context)
{
    const training *t = context;
    int n = t->n;
    stn_sgemm(false, true, BATCH, n, n, 1, t->x, n, t->w, n, 0, t->y, n);
    stn_sgemm(false, false, BATCH, n, n, 1, t->dy, n, t->w, n, 0, t->dx, n);
    stn_sgemm(true, false, n, n, BATCH, 1, t->dy, n, t->x, n, 0, t->dw, n);
}

static void bench_training(int n, int p, int rounds)
{
    stn_error err;
    training t = {.n = n};
    size_t row = (size_t)n, count = row * row / (size_t)(p ? p : 1);
    if (p) {
        stn_conv_shape s = {.n = BATCH,
                            .h = 1,
                            .w = 1,
                            .c = n,
                            .out = n,
                            .kernel = 1,
                            .stride = 1};
        stn_circulant_needs needs;
        check(stn_circulant_create(&s, p, true, &t.plan, &needs, &err), &err);
        t.saved = memory(needs.saved, sizeof(float));
        t.scratch = memory(needs.scratch, sizeof(float));
    }
    t.x = noise(BATCH * row);
    t.dy = noise(BATCH * row);
    t.w = noise(count);
    t.y = memory(BATCH * row, sizeof(float));
    t.dx = memory(BATCH * row, sizeof(float));
    t.dw = memory(count, sizeof(float));
    report("training step", p ? "circulant" : "dense", p ? "fft" : "sgemm", n,
           p, rounds, p ? train_circulant : train_dense, &t);
    float *all[] = {t.x, t.dy, t.w, t.y, t.dx, t.dw, t.saved, t.scratch};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        stn_free(all[i]);
    stn_circulant_destroy(t.plan);
}

/* ---- inference */

typedef struct inference {
    stn_dot_call call;
    void (*run)(const stn_dot_call *call);
} inference;

static void infer(void *context)
{
    const inference *i = context;
    i->run(&i->call);
}

/* Codes of a matrix of circulant blocks; a dense dot gets noise as good. */
static int8_t *codes_of(int n, int p)
{
    stn_rng rng = stn_rng_make(2, STN_RNG_TEST, (uint64_t)n);
    size_t row = (size_t)n, side = (size_t)(p ? p : n);
    int8_t *codes = memory(row * row, 1), *first = memory(row + 2 * side, 1);
    for (size_t k = 0; k < row + 2 * side; k++)
        first[k] = (int8_t)((int)stn_rng_below(&rng, 255) - 127);
    for (size_t o = 0; o < row; o++)
        for (size_t c = 0; c < row; c++) {
            size_t t = (o % side + side - c % side) % side;
            codes[o * row + c] = first[(c / side + o / side) % side + t];
        }
    stn_free(first);
    return codes;
}

static void bench_inference(stn_cpu_level level, int n, int p, int rounds)
{
    static const uint32_t start = 0;
    stn_error err;
    stn_arena arena = {0};
    stn_prepared prepared = {0};
    const stn_kernels *k = stn_kernels_get(level);
    stn_dot_shape shape = {.runs = 1,
                           .run = n,
                           .pitch = (size_t)n,
                           .out = n,
                           .input = STN_TYPE_U8,
                           .hi = 255,
                           .align = 64,
                           .patches = 1,
                           .band = (size_t)n};
    int8_t *codes = codes_of(n, p);
    uint8_t *x = memory((size_t)n, 1);
    for (int i = 0; i < n; i++)
        x[i] = (uint8_t)(37 * i);
    stn_circulant_blocks blocks = {p, n};
    check(
        p ? k->circulant_prepare(&shape, blocks, codes, &arena, &prepared, &err)
          : k->dot_prepare(&shape, codes, &arena, &prepared, &err),
        &err);
    stn_free(codes);
    inference i = {.call = {.shape = &shape,
                            .prepared = prepared.data,
                            .x = x,
                            .patches = &start,
                            .n = 1,
                            .part_end = prepared.parts,
                            .scratch = memory(prepared.scratch_bytes + 1, 1),
                            .acc = memory((size_t)n, sizeof(int32_t))},
                   .run = p ? k->circulant : k->dot};
    char what[32];
    snprintf(what, sizeof what, "inference %s", stn_cpu_level_name(level));
    report(what, p ? "circulant" : "dense", prepared.isa, n, p, rounds, infer,
           &i);
    stn_free(i.call.scratch);
    stn_free(i.call.acc);
    stn_free(x);
    stn_arena_deinit(&arena);
}

int main(int argc, char **argv)
{
    int rounds = bench_rounds(argv[0], argc > 1 ? argv[1] : "5");
    stn_executor_thread_init();
    for (int n = 256; n <= 8192; n *= 2) {
        const int sides[] = {n, 64, 0};
        for (int i = 0; i < 3; i++) {
            bench_training(n, sides[i], rounds);
            for (int level = STN_CPU_AVX2; level <= (int)stn_cpu_detect();
                 level++)
                bench_inference((stn_cpu_level)level, n, sides[i], rounds);
        }
    }
    return 0;
}
