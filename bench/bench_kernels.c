/* SPDX-License-Identifier: MIT
 *
 * Speed of the kernels on one thread, level by level: operations a second,
 * counted as if no weight were zero (a multiplication and an addition are two
 * operations; a rescaled element is one), beside the most that this CPU does
 * of the level's own multiply-add instruction on registers. One JSON line
 * each, median, minimum and maximum over the rounds. Time is that of the
 * thread on its CPU, so that other programs disturb caches only; the maximum
 * is nearest to an undisturbed machine.
 *   bench_kernels [ROUNDS] */
#include "base/compiler.h"
#include "base/rng.h"
#include "kernels/kernels.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#ifdef STN_X86
#include <immintrin.h>
#endif

#define ROUNDS_MAX 1000
#define ROUND_S 0.005 /* least duration of a round */
#define SIDE 14
#define PADDED (SIDE + 2)

typedef enum kernel { DOT, DEPTHWISE, RESCALE } kernel;

typedef struct workload {
    const char *name;
    kernel kernel;
    stn_code code;
    int side, channels, out, window; /* pixels a side of the output */
    double density;                  /* share of 16-channel groups not zero */
    int bits;                        /* of the input; 0: 8 */
} workload;

/* clang-format off */
static const workload workloads[] = {
    {"conv 3x3 256-256 @14 ternary",             DOT, STN_CODE_TERNARY, SIDE, 256, 256, 3, 1, 0},
    {"conv 3x3 256-256 @14 ternary, 30 % groups", DOT, STN_CODE_TERNARY, SIDE, 256, 256, 3, 0.3, 0},
    {"conv 3x3 256-256 @14 ternary, 5 % groups", DOT, STN_CODE_TERNARY, SIDE, 256, 256, 3, 0.05, 0},
    {"conv 3x3 256-256 @14 int8",                DOT, STN_CODE_INT8,    SIDE, 256, 256, 3, 1, 0},
    {"conv 1x1 512-512 @14 ternary",             DOT, STN_CODE_TERNARY, SIDE, 512, 512, 1, 1, 0},
    {"conv 3x3 256-256 @14 binary, 1-bit input", DOT, STN_CODE_BINARY,  SIDE, 256, 256, 3, 1, 1},
    {"conv 1x1 512-512 @14 binary, 1-bit input", DOT, STN_CODE_BINARY,  SIDE, 512, 512, 1, 1, 1},
    {"conv 3x3 256-256 @14 binary, 2-bit input", DOT, STN_CODE_BINARY,  SIDE, 256, 256, 3, 1, 2},
    {"conv 3x3 256-256 @14 binary, 3-bit input", DOT, STN_CODE_BINARY,  SIDE, 256, 256, 3, 1, 3},
    {"conv 3x3 256-256 @14 binary, 4-bit input", DOT, STN_CODE_BINARY,  SIDE, 256, 256, 3, 1, 4},
    {"conv 3x3 256-256 @14 ternary, 1-bit input", DOT, STN_CODE_TERNARY, SIDE, 256, 256, 3, 1, 1},
    {"conv 3x3 256-256 @14 ternary, 2-bit input", DOT, STN_CODE_TERNARY, SIDE, 256, 256, 3, 1, 2},
    {"linear 4096-1000 ternary",                 DOT, STN_CODE_TERNARY, 1,   4096, 1000, 1, 1, 0},
    {"linear 4096-4096 ternary",                 DOT, STN_CODE_TERNARY, 1,   4096, 4096, 1, 1, 0},
    {"linear 4096-4096 binary",                  DOT, STN_CODE_BINARY,  1,   4096, 4096, 1, 1, 0},
    {"linear 4096-4096 int8",                    DOT, STN_CODE_INT8,    1,   4096, 4096, 1, 1, 0},
    {"depthwise 3x3 256 @14 ternary",            DEPTHWISE, STN_CODE_TERNARY, SIDE, 256, 256, 3, 1, 0},
    {"depthwise 3x3 256 @14 int8",               DEPTHWISE, STN_CODE_INT8,    SIDE, 256, 256, 3, 1, 0},
    {"rescale s32-u8 256 @14",                   RESCALE, STN_CODE_INT8, SIDE, 256, 256, 1, 1, 0},
};
/* clang-format on */

#define N_WORKLOADS (sizeof workloads / sizeof workloads[0])

/* Inputs, outputs and the prepared call of one workload at one level. */
typedef struct bench {
    const workload *work;
    const stn_kernels *kernels;
    stn_arena arena;
    stn_dot_shape dot_shape;
    stn_dot_call dot;
    stn_depthwise_shape depthwise_shape;
    stn_depthwise_call depthwise;
    stn_rescale_shape rescale_shape;
    stn_rescale_call rescale;
    stn_prepared prepared;
} bench;

static double cpu_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void *get(bench *b, size_t n, size_t size)
{
    void *p = stn_arena_alloc(&b->arena, n, size);
    if (!p) {
        fprintf(stderr, "bench_kernels: no memory\n");
        exit(1);
    }
    return p;
}

static void check(stn_status status, const stn_error *err)
{
    if (status == STN_OK)
        return;
    fprintf(stderr, "bench_kernels: %s\n", err->text);
    exit(1);
}

/* Weights of `out` filters; groups of 16 input channels are zero together
 * over the window, as PE-wise pruning leaves them. */
static int8_t *make_codes(bench *b, int in)
{
    const workload *w = b->work;
    size_t taps = (size_t)w->window * (size_t)w->window, n = (size_t)in;
    size_t chunks = (n + 15) / 16;
    int8_t *codes = get(b, (size_t)w->out * taps, n);
    uint8_t *live = get(b, chunks, 1);
    stn_rng rng = stn_rng_make(1, STN_RNG_TEST, 0);
    for (size_t o = 0; o < (size_t)w->out; o++) {
        for (size_t g = 0; g < chunks; g++)
            live[g] = stn_rng_unit(&rng) < (float)w->density;
        for (size_t t = 0; t < taps; t++)
            for (size_t c = 0; c < n; c++) {
                int ternary = (int)stn_rng_below(&rng, 3) - 1;
                int wide = (int)stn_rng_below(&rng, 255) - 127;
                int code = w->code == STN_CODE_INT8 ? wide : ternary;
                if (w->code == STN_CODE_BINARY)
                    code = wide < 0 ? -1 : 1;
                codes[(o * taps + t) * n + c] =
                    (int8_t)(live[c / 16] ? code : 0);
            }
    }
    return codes;
}

static int64_t input_hi(const workload *w)
{
    return w->bits ? (1 << w->bits) - 1 : 255;
}

static uint8_t *make_input(bench *b, size_t n)
{
    uint8_t *x = get(b, n + 4, 1);
    uint32_t levels = (uint32_t)input_hi(b->work) + 1;
    stn_rng rng = stn_rng_make(2, STN_RNG_TEST, 0);
    for (size_t i = 0; i < n; i++)
        x[i] = (uint8_t)stn_rng_below(&rng, levels);
    return x;
}

static void make_dot(bench *b)
{
    const workload *w = b->work;
    int padded = w->side + w->window - 1, n = w->side * w->side;
    size_t pitch = (size_t)padded * (size_t)w->channels;
    b->dot_shape = (stn_dot_shape){.runs = w->window,
                                   .run = w->window * w->channels,
                                   .pitch = pitch,
                                   .out = w->out,
                                   .input = STN_TYPE_U8,
                                   .hi = input_hi(w),
                                   .align = w->channels,
                                   .patches = n,
                                   .band = (size_t)padded * pitch};
    uint32_t *patches = get(b, (size_t)n, sizeof *patches);
    for (int i = 0; i < n; i++)
        patches[i] =
            (uint32_t)((i / w->side * padded + i % w->side) * w->channels);
    stn_error err;
    check(b->kernels->dot_prepare(&b->dot_shape, make_codes(b, w->channels),
                                  &b->arena, &b->prepared, &err),
          &err);
    b->dot = (stn_dot_call){
        .shape = &b->dot_shape,
        .prepared = b->prepared.data,
        .x = make_input(b, (size_t)padded * pitch),
        .patches = patches,
        .n = n,
        .part_end = b->prepared.parts,
        .scratch = get(b, b->prepared.scratch_bytes, 1),
        .acc = get(b, (size_t)n * (size_t)w->out, sizeof(int32_t)),
    };
}

static void make_depthwise(bench *b)
{
    const workload *w = b->work;
    size_t pitch = (size_t)PADDED * (size_t)w->channels;
    b->depthwise_shape = (stn_depthwise_shape){.channels = w->channels,
                                               .out = w->out,
                                               .kh = w->window,
                                               .kw = w->window,
                                               .stride = 1,
                                               .input = STN_TYPE_U8,
                                               .hi = 255};
    stn_error err;
    check(b->kernels->depthwise_prepare(&b->depthwise_shape, make_codes(b, 1),
                                        &b->arena, &b->prepared, &err),
          &err);
    b->depthwise = (stn_depthwise_call){
        .shape = &b->depthwise_shape,
        .prepared = b->prepared.data,
        .x = make_input(b, PADDED * pitch),
        .pitch = pitch,
        .width = SIDE,
        .acc = get(b, (size_t)SIDE * (size_t)w->out, sizeof(int32_t)),
    };
}

static void make_rescale(bench *b)
{
    const workload *w = b->work;
    size_t c = (size_t)w->channels, n = SIDE * SIDE * c;
    int32_t *x = get(b, n, sizeof *x), *m = get(b, c, sizeof *m);
    stn_rng rng = stn_rng_make(3, STN_RNG_TEST, 0);
    for (size_t i = 0; i < n; i++)
        x[i] = (int32_t)stn_rng_below(&rng, 1 << 20) - (1 << 19);
    for (size_t i = 0; i < c; i++)
        m[i] = (1 << 22) + (int32_t)stn_rng_below(&rng, 1 << 22);
    b->rescale_shape = (stn_rescale_shape){.channels = w->channels,
                                           .type0 = STN_TYPE_S32,
                                           .type = STN_TYPE_U8,
                                           .lo0 = -(1 << 19),
                                           .hi0 = 1 << 19,
                                           .m0 = m,
                                           .a = get(b, c, sizeof(int64_t)),
                                           .shift = 33,
                                           .hi = 255};
    stn_error err;
    check(b->kernels->rescale_prepare(&b->rescale_shape, &b->arena,
                                      &b->prepared, &err),
          &err);
    b->rescale = (stn_rescale_call){.shape = &b->rescale_shape,
                                    .prepared = b->prepared.data,
                                    .x0 = x,
                                    .n = SIDE * SIDE,
                                    .y = get(b, n, 1)};
}

/* Once over the whole picture. Returns the dense operations. */
static double run_once(bench *b)
{
    const workload *w = b->work;
    double outputs = (double)w->side * w->side * w->out;
    double window = (double)w->window * w->window;
    if (w->kernel == DOT) {
        b->kernels->dot(&b->dot);
        return 2 * outputs * window * w->channels;
    }
    if (w->kernel == RESCALE) {
        b->kernels->rescale(&b->rescale);
        return outputs;
    }
    stn_depthwise_call row = b->depthwise;
    for (int r = 0; r < SIDE; r++) {
        b->kernels->depthwise(&row);
        row.x = (const uint8_t *)row.x + row.pitch;
    }
    return 2 * outputs * window;
}

static double measure(bench *b)
{
    double start = cpu_s(), operations = 0, seconds;
    do {
        operations += run_once(b);
        seconds = cpu_s() - start;
    } while (seconds < ROUND_S);
    return operations / seconds * 1e-9;
}

#ifdef STN_X86
#define EACH(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11)
#define SUMS 12
#define PEAK_STEPS 1000000

/* vpmaddubsw and vpaddw on registers: 64 operations a pair. */
STN_TARGET("avx2") static double peak_avx2(void)
{
    volatile int seed = 1;
    __m256i x = _mm256_set1_epi8((char)seed), w = x;
    double start = cpu_s();
#define DECLARE(i) __m256i s##i = _mm256_set1_epi16((short)(seed + (i)));
#define ADD(i) s##i = _mm256_add_epi16(s##i, _mm256_maddubs_epi16(s##i, w));
#define JOIN(i) x = _mm256_xor_si256(x, s##i);
    EACH(DECLARE)
    STN_UNROLL(32)
    for (int i = 0; i < PEAK_STEPS; i++) {
        EACH(ADD)
    }
    EACH(JOIN)
#undef DECLARE
#undef ADD
#undef JOIN
    seed = _mm256_extract_epi32(x, 0);
    return 64.0 * SUMS * PEAK_STEPS / (cpu_s() - start) * 1e-9;
}

/* vpdpbusd on registers: 128 operations each. */
STN_TARGET("avx512f,avx512vnni") static double peak_avx512(void)
{
    volatile int seed = 1;
    __m512i x = _mm512_set1_epi32(seed), w = _mm512_set1_epi32(seed + 1);
    double start = cpu_s();
#define DECLARE(i) __m512i s##i = _mm512_set1_epi32(seed + (i));
#define ADD(i) s##i = _mm512_dpbusd_epi32(s##i, x, w);
#define JOIN(i) x = _mm512_xor_si512(x, s##i);
    EACH(DECLARE)
    STN_UNROLL(32)
    for (int i = 0; i < PEAK_STEPS; i++) {
        EACH(ADD)
    }
    EACH(JOIN)
#undef DECLARE
#undef ADD
#undef JOIN
    seed = _mm_cvtsi128_si32(_mm512_castsi512_si128(x));
    return 128.0 * SUMS * PEAK_STEPS / (cpu_s() - start) * 1e-9;
}
#endif

static double peak(stn_cpu_level level)
{
#ifdef STN_X86
    double best = 0;
    for (int i = 0; i < 10; i++) {
        double p = level == STN_CPU_AVX512 ? peak_avx512()
                   : level == STN_CPU_AVX2 ? peak_avx2()
                                           : 0;
        best = p > best ? p : best;
    }
    return best;
#else
    (void)level;
    return 0;
#endif
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void report(const workload *work, stn_cpu_level level, int rounds,
                   double peak_gops)
{
    static double gops[ROUNDS_MAX];
    bench b = {.work = work, .kernels = stn_kernels_get(level)};
    if (work->kernel == DOT)
        make_dot(&b);
    else if (work->kernel == DEPTHWISE)
        make_depthwise(&b);
    else
        make_rescale(&b);
    measure(&b); /* warms caches and clock */
    for (int i = 0; i < rounds; i++)
        gops[i] = measure(&b);
    qsort(gops, (size_t)rounds, sizeof gops[0], ascending);
    printf("{\"kernel\": \"%s\", \"level\": \"%s\", \"isa\": \"%s\", "
           "\"gops_median\": %.2f, \"gops_min\": %.2f, \"gops_max\": %.2f, "
           "\"peak_gops\": %.1f, \"rounds\": %d}\n",
           work->name, stn_cpu_level_name(level), b.prepared.isa,
           gops[rounds / 2], gops[0], gops[rounds - 1], peak_gops, rounds);
    fflush(stdout);
    stn_arena_deinit(&b.arena);
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 25;
    if (rounds < 1 || rounds > ROUNDS_MAX) {
        fprintf(stderr, "bench_kernels: rounds: got %s, expected 1 to %d\n",
                argv[1], ROUNDS_MAX);
        return 2;
    }
    for (stn_cpu_level l = STN_CPU_REF; l <= stn_cpu_detect(); l++) {
        double peak_gops = peak(l);
        for (size_t i = 0; i < N_WORKLOADS; i++)
            report(&workloads[i], l, rounds, peak_gops);
    }
    return 0;
}
