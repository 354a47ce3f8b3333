/* SPDX-License-Identifier: MIT
 *
 * Speed of the kernels on one thread, level by level: operations a second,
 * counted as if no weight were zero (a multiplication and an addition are two
 * operations; a rescaled element is one). One JSON line each, median, minimum
 * and maximum over the rounds. Time is that of the thread on its CPU, so that
 * other programs disturb caches only; the maximum is nearest to an undisturbed
 * machine. What the machine could do at most is measured by bench_limits.
 *   bench_kernels [ROUNDS] */
#include "base/compiler.h"
#include "base/rng.h"
#include "kernels/kernels.h"
#include "timing.h"
#include <stdio.h>
#include <string.h>

#define ROUND_S 0.005 /* least duration of a round */
#define SIDE 14

typedef enum kernel { DOT, DEPTHWISE, RESCALE } kernel;

typedef struct workload {
    const char *layer, *arithmetic;
    const char *limit; /* of bench_limits, where memory sets it */
    kernel kernel;
    stn_code code;
    int side, channels, out, window; /* pixels a side of the output */
    double density;                  /* share of 16-channel groups not zero */
    int bits;                        /* of the input; 0: 8 */
    int p;                           /* permuted diagonals; 0: none */
} workload;

/* clang-format off */
static const workload workloads[] = {
    {"3x3 256-256 @14", "binary x 1 bit", "", DOT, STN_CODE_BINARY, SIDE, 256, 256, 3, 1, 1, 0},
    {"3x3 256-256 @14", "binary x 2 bits", "", DOT, STN_CODE_BINARY, SIDE, 256, 256, 3, 1, 2, 0},
    {"3x3 256-256 @14", "binary x 3 bits", "", DOT, STN_CODE_BINARY, SIDE, 256, 256, 3, 1, 3, 0},
    {"3x3 256-256 @14", "binary x 4 bits", "", DOT, STN_CODE_BINARY, SIDE, 256, 256, 3, 1, 4, 0},
    {"3x3 256-256 @14", "binary x 8 bits", "", DOT, STN_CODE_BINARY, SIDE, 256, 256, 3, 1, 0, 0},
    {"3x3 256-256 @14", "ternary x 1 bit", "", DOT, STN_CODE_TERNARY, SIDE, 256, 256, 3, 1, 1, 0},
    {"3x3 256-256 @14", "ternary x 2 bits", "", DOT, STN_CODE_TERNARY, SIDE, 256, 256, 3, 1, 2, 0},
    {"3x3 256-256 @14", "ternary x 4 bits", "", DOT, STN_CODE_TERNARY, SIDE, 256, 256, 3, 1, 4, 0},
    {"3x3 256-256 @14", "ternary x 8 bits", "", DOT, STN_CODE_TERNARY, SIDE, 256, 256, 3, 1, 0, 0},
    {"3x3 256-256 @14", "ternary x 8 bits, half of groups", "", DOT, STN_CODE_TERNARY, SIDE, 256, 256, 3, 0.5, 0, 0},
    {"3x3 256-256 @14", "ternary x 8 bits, quarter of groups", "", DOT, STN_CODE_TERNARY, SIDE, 256, 256, 3, 0.25, 0, 0},
    {"3x3 256-256 @14", "ternary x 8 bits, 5 % of groups", "", DOT, STN_CODE_TERNARY, SIDE, 256, 256, 3, 0.05, 0, 0},
    {"3x3 256-256 @14", "int8 x 8 bits", "", DOT, STN_CODE_INT8, SIDE, 256, 256, 3, 1, 0, 0},
    {"3x3 64-64 @56", "ternary x 8 bits", "", DOT, STN_CODE_TERNARY, 56, 64, 64, 3, 1, 0, 0},
    {"3x3 64-64 @56", "int8 x 8 bits", "", DOT, STN_CODE_INT8, 56, 64, 64, 3, 1, 0, 0},
    {"1x1 512-512 @14", "binary x 1 bit", "", DOT, STN_CODE_BINARY, SIDE, 512, 512, 1, 1, 1, 0},
    {"1x1 512-512 @14", "binary x 4 bits", "", DOT, STN_CODE_BINARY, SIDE, 512, 512, 1, 1, 4, 0},
    {"1x1 512-512 @14", "binary x 8 bits", "", DOT, STN_CODE_BINARY, SIDE, 512, 512, 1, 1, 0, 0},
    {"1x1 512-512 @14", "ternary x 4 bits", "", DOT, STN_CODE_TERNARY, SIDE, 512, 512, 1, 1, 4, 0},
    {"1x1 512-512 @14", "ternary x 8 bits", "", DOT, STN_CODE_TERNARY, SIDE, 512, 512, 1, 1, 0, 0},
    {"1x1 512-512 @14", "int8 x 8 bits", "", DOT, STN_CODE_INT8, SIDE, 512, 512, 1, 1, 0, 0},
    {"1x1 16-16 @32", "ternary x 8 bits", "", DOT, STN_CODE_TERNARY, 32, 16, 16, 1, 1, 0, 0},
    {"linear 4096-4096", "binary x 8 bits", "memory1", DOT, STN_CODE_BINARY, 1, 4096, 4096, 1, 1, 0, 0},
    {"linear 4096-4096", "ternary x 8 bits", "memory2", DOT, STN_CODE_TERNARY, 1, 4096, 4096, 1, 1, 0, 0},
    {"linear 4096-4096", "int8 x 8 bits", "memory8", DOT, STN_CODE_INT8, 1, 4096, 4096, 1, 1, 0, 0},
    {"linear 4096-4096", "int8 x 8 bits, permuted diagonals of 2", "memory8", DOT, STN_CODE_INT8, 1, 4096, 4096, 1, 1, 0, 2},
    {"linear 4096-4096", "int8 x 8 bits, permuted diagonals of 4", "memory8", DOT, STN_CODE_INT8, 1, 4096, 4096, 1, 1, 0, 4},
    {"linear 4096-4096", "int8 x 8 bits, permuted diagonals of 8", "memory8", DOT, STN_CODE_INT8, 1, 4096, 4096, 1, 1, 0, 8},
    {"linear 4096-4096", "int8 x 8 bits, permuted diagonals of 16", "memory8", DOT, STN_CODE_INT8, 1, 4096, 4096, 1, 1, 0, 16},
    {"depthwise 3x3 256 @14", "ternary x 8 bits", "", DEPTHWISE, STN_CODE_TERNARY, SIDE, 256, 256, 3, 1, 0, 0},
    {"depthwise 3x3 256 @14", "int8 x 8 bits", "", DEPTHWISE, STN_CODE_INT8, SIDE, 256, 256, 3, 1, 0, 0},
    {"depthwise 3x3 64 @112", "int8 x 8 bits", "", DEPTHWISE, STN_CODE_INT8, 112, 64, 64, 3, 1, 0, 0},
    {"depthwise 3x3 16 @32", "int8 x 8 bits", "", DEPTHWISE, STN_CODE_INT8, 32, 16, 16, 3, 1, 0, 0},
    {"rescale 256 @14", "s32 to 8 bits", "", RESCALE, STN_CODE_INT8, SIDE, 256, 256, 1, 1, 0, 0},
    {"rescale 256 @14", "s32 to 1 bit", "", RESCALE, STN_CODE_INT8, SIDE, 256, 256, 1, 1, 1, 0},
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

/* Of `layout` in what is printed. */
static const char *const layout_names[STN_LAYOUTS] = {
    "", "multiply", "codes", "bits", "tables", "sparse", "picks"};

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
        int p = w->p ? w->p : 1;
        for (size_t g = 0; g < chunks; g++)
            live[g] = stn_rng_unit(&rng) < (float)w->density;
        for (size_t t = 0; t < taps; t++)
            for (size_t c = 0; c < n; c++) {
                int ternary = (int)stn_rng_below(&rng, 3) - 1;
                int wide = (int)stn_rng_below(&rng, 255) - 127;
                int code = w->code == STN_CODE_INT8 ? wide : ternary;
                if (w->code == STN_CODE_BINARY)
                    code = wide < 0 ? -1 : 1;
                /* Block b of a row of blocks is shifted by b. */
                if (((int)(o + c) + (int)c / p) % p != 0)
                    code = 0;
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
    b->dot_shape = (stn_dot_shape){.layout = b->dot_shape.layout,
                                   .runs = w->window,
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
    size_t padded = (size_t)(w->side + w->window - 1);
    size_t pitch = padded * (size_t)w->channels;
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
        .x = make_input(b, padded * pitch),
        .pitch = pitch,
        .width = w->side,
        .acc = get(b, (size_t)w->side * (size_t)w->out, sizeof(int32_t)),
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
                                           .hi = (int32_t)input_hi(w)};
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

/* Once over the whole picture. */
static void run_once(void *context)
{
    const bench *b = context;
    stn_depthwise_call row = b->depthwise;
    if (b->work->kernel == DOT)
        b->kernels->dot(&b->dot);
    else if (b->work->kernel == RESCALE)
        b->kernels->rescale(&b->rescale);
    else
        for (int r = 0; r < b->work->side; r++) {
            b->kernels->depthwise(&row);
            row.x = (const uint8_t *)row.x + row.pitch;
        }
}

/* Dense operations of that. */
static double operations_of(const workload *w)
{
    double outputs = (double)w->side * w->side * w->out;
    if (w->kernel == RESCALE)
        return outputs;
    return 2 * outputs * w->window * w->window *
           (w->kernel == DOT ? w->channels : 1);
}

/* What the layout that was chosen is made of, and how often it goes over the
 * inputs: once for each plane or digit, and twice for ternary weights. */
typedef struct limit {
    const char *name;
    int passes;
} limit;

static limit limit_of(const bench *b)
{
    const workload *w = b->work;
    int streams = w->code == STN_CODE_TERNARY ? 2 : 1, bits = w->bits;
    if (*w->limit || w->kernel == RESCALE)
        return (limit){w->limit, 1};
    if (b->prepared.layout == STN_LAYOUT_BITS)
        return (limit){"bits", streams * bits};
    if (b->prepared.layout == STN_LAYOUT_TABLES)
        return (limit){"tables", streams * (bits ? 1 : 2)};
    bool words = w->code == STN_CODE_INT8 && b->kernels->level == STN_CPU_AVX2;
    return (limit){words ? "words" : "bytes", 1};
}

/* Short of AUTO: whether the level can do the workload that way. */
static bool report(const workload *work, stn_cpu_level level,
                   stn_dot_layout layout, int rounds)
{
    static double gops[BENCH_ROUNDS_MAX];
    bench b = {.work = work,
               .kernels = stn_kernels_get(level),
               .dot_shape.layout = layout};
    if (work->kernel == DOT)
        make_dot(&b);
    else if (work->kernel == DEPTHWISE)
        make_depthwise(&b);
    else
        make_rescale(&b);
    if (layout && b.prepared.layout != layout) {
        stn_arena_deinit(&b.arena);
        return false;
    }
    bench_rounds_s(CLOCK_THREAD_CPUTIME_ID, ROUND_S, run_once, &b, rounds,
                   gops);
    for (int i = 0; i < rounds; i++)
        gops[i] = operations_of(work) / gops[i] * 1e-9;
    bench_spread s = bench_spread_of(gops, rounds);
    printf("{\"layer\": \"%s\", \"arithmetic\": \"%s\", "
           "\"program\": \"setun\", \"level\": \"%s\", \"isa\": \"%s\", "
           "\"limit\": \"%s\", \"passes\": %d, \"layout\": \"%s\", \"median\": "
           "%.2f, "
           "\"min\": %.2f, \"max\": %.2f}\n",
           work->layer, work->arithmetic, stn_cpu_level_name(level),
           b.prepared.isa, limit_of(&b).name, limit_of(&b).passes,
           layout_names[layout], s.median, s.min, s.max);
    fflush(stdout);
    stn_arena_deinit(&b.arena);
    return true;
}

int main(int argc, char **argv)
{
    int rounds = bench_rounds(argv[0], argc > 1 ? argv[1] : "25");
    const char *only = argc > 2 ? argv[2] : "";
    stn_cpu_level best = stn_cpu_detect();
    stn_cpu_level least = best == STN_CPU_REF ? STN_CPU_REF : STN_CPU_AVX2;
    for (stn_cpu_level l = least; l <= best; l++)
        for (size_t i = 0; i < N_WORKLOADS; i++) {
            const workload *w = &workloads[i];
            if (!strstr(w->layer, only))
                continue;
            report(w, l, STN_LAYOUT_AUTO, rounds);
            for (int k = 1; k < STN_LAYOUTS && w->kernel == DOT; k++)
                report(w, l, (stn_dot_layout)k, rounds);
        }
    return 0;
}
