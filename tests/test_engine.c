/* SPDX-License-Identifier: MIT
 *
 * The engine against the reference interpreter: random programs, every kernel
 * level, several numbers of threads and pictures, equal bits. */
#include "base/memory.h"
#include "base/rng.h"
#include "setun/engine.h"
#include "test.h"
#include <stdbool.h>

#define INSTRUCTIONS_MAX 64
#define PICTURES 5

static stn_error err;

/* A program under construction. */
typedef struct builder {
    stn_arena arena;
    stn_rng rng;
    stn_program program;
    stn_value values[INSTRUCTIONS_MAX + 1];
    stn_instruction instructions[INSTRUCTIONS_MAX];
    bool is_binary; /* activations of one bit */
} builder;

static void *get(builder *b, size_t n, size_t size)
{
    void *p = stn_arena_alloc(&b->arena, n, size);
    assert_non_null(p);
    return p;
}

static int below(builder *b, int n)
{
    return (int)stn_rng_below(&b->rng, (uint32_t)n);
}

static void begin(builder *b, uint64_t seed, stn_shape input, int n_classes)
{
    *b = (builder){.rng = stn_rng_make(seed, STN_RNG_TEST, 99)};
    b->program = (stn_program){.name = "random",
                               .input = input,
                               .n_classes = n_classes,
                               .n_values = 1,
                               .values = b->values,
                               .instructions = b->instructions};
    b->values[0] = (stn_value){.name = "pixels",
                               .shape = input,
                               .type = STN_TYPE_U8,
                               .hi = 255,
                               .steps = 1};
}

/* Appends an instruction that writes a new value; returns the value. */
static int append(builder *b, stn_instruction in, stn_shape shape,
                  stn_type type, int64_t lo, int64_t hi)
{
    assert_true(b->program.n_instructions < INSTRUCTIONS_MAX);
    int value = b->program.n_values++;
    b->values[value] = (stn_value){
        .shape = shape, .type = type, .lo = lo, .hi = hi, .steps = 1};
    snprintf(b->values[value].name, sizeof b->values[value].name, "v%d", value);
    in.output = value;
    snprintf(in.name, sizeof in.name, "i%d", b->program.n_instructions);
    b->instructions[b->program.n_instructions++] = in;
    return value;
}

static int64_t min64(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t max64(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* Random codes; some filters, and some parts of others, are zero. */
static const int8_t *codes(builder *b, stn_code code, int out, size_t depth)
{
    int8_t *w = get(b, (size_t)out, depth);
    int sparse = below(b, 2);
    for (int o = 0; o < out; o++) {
        int dead = sparse && below(b, 4) == 0, quad = 1;
        for (size_t k = 0; k < depth; k++) {
            if (k % 4 == 0)
                quad = !sparse || below(b, 4) == 0;
            int v = code == STN_CODE_INT8      ? below(b, 255) - 127
                    : code == STN_CODE_TERNARY ? below(b, 3) - 1
                                               : below(b, 2) * 2 - 1;
            bool zero = code != STN_CODE_BINARY && (dead || !quad);
            w[(size_t)o * depth + k] = (int8_t)(zero ? 0 : v);
        }
    }
    return w;
}

static int sums(builder *b, stn_opcode opcode, int x, stn_weights w, int stride,
                int pad)
{
    const stn_value *in = &b->values[x];
    size_t depth = (size_t)w.kh * (size_t)w.kw * (size_t)w.in;
    w.codes = codes(b, w.code, w.out, depth);
    int64_t x_lo = min64(in->lo, 0), x_hi = max64(in->hi, 0), lo = 0, hi = 0;
    for (int o = 0; o < w.out; o++) {
        int64_t plus = 0, minus = 0;
        for (size_t k = 0; k < depth; k++) {
            int code = w.codes[(size_t)o * depth + k];
            plus += code > 0 ? code : 0;
            minus += code < 0 ? -code : 0;
        }
        lo = min64(lo, plus * x_lo - minus * x_hi);
        hi = max64(hi, plus * x_hi - minus * x_lo);
    }
    stn_shape shape = {(in->shape.h + 2 * pad - w.kh) / stride + 1,
                       (in->shape.w + 2 * pad - w.kw) / stride + 1, w.out};
    stn_instruction i = {.opcode = opcode,
                         .n_inputs = 1,
                         .inputs = {x},
                         .kh = w.kh,
                         .kw = w.kw,
                         .stride = stride,
                         .pad = pad,
                         .weights = w};
    return append(b, i, shape, STN_TYPE_S32, lo, hi);
}

static int conv(builder *b, int x, int out, int kh, int kw, int stride, int pad)
{
    return sums(b, STN_CONV, x,
                (stn_weights){.code = (stn_code)below(b, 3),
                              .out = out,
                              .kh = kh,
                              .kw = kw,
                              .in = b->values[x].shape.c},
                stride, pad);
}

static int depthwise(builder *b, int x, int multiple, int kh, int kw,
                     int stride, int pad)
{
    return sums(b, STN_DEPTHWISE, x,
                (stn_weights){.code = (stn_code)below(b, 3),
                              .out = multiple * b->values[x].shape.c,
                              .kh = kh,
                              .kw = kw,
                              .in = 1},
                stride, pad);
}

/* A multiplier that spreads x over some hundreds or thousands of numbers. */
static int32_t multiplier(builder *b, const stn_value *x, int shift, double to)
{
    double reach = (double)max64(1, max64(x->hi, -x->lo));
    double m = to / reach * (double)(INT64_C(1) << shift);
    m *= (0.5 + stn_rng_unit(&b->rng)) * (below(b, 2) ? 1 : -1);
    m = m > 1 << 24 ? 1 << 24 : m < -(1 << 24) ? -(1 << 24) : m;
    return (int32_t)m;
}

/* x1 < 0: one input. */
static int rescale(builder *b, int x0, int x1, stn_type type)
{
    static const int64_t least[] = {0, -128, INT16_MIN, INT32_MIN};
    static const int64_t most[] = {255, 127, INT16_MAX, INT32_MAX};
    const stn_value *in = &b->values[x0];
    size_t c = (size_t)in->shape.c;
    int shift = 10 + below(b, 31);
    int32_t *m0 = get(b, c, sizeof *m0), *m1 = get(b, c, sizeof *m1);
    int64_t *a = get(b, c, sizeof *a);
    double to = type == STN_TYPE_S16 ? 30000 : type == STN_TYPE_S32 ? 1e6 : 400;
    for (size_t i = 0; i < c; i++) {
        m0[i] = multiplier(b, in, shift, to);
        if (x1 >= 0)
            m1[i] = multiplier(b, &b->values[x1], shift, to);
        a[i] = (below(b, 200) - 50) * (INT64_C(1) << shift);
    }
    int64_t lo = below(b, 2) ? 0 : least[type], hi = most[type];
    if (type == STN_TYPE_U8 && below(b, 2))
        hi = 15; /* 4-bit activations */
    if (type == STN_TYPE_U8 && b->is_binary)
        hi = 1;
    stn_instruction i = {.opcode = STN_RESCALE,
                         .n_inputs = x1 < 0 ? 1 : 2,
                         .inputs = {x0, x1 < 0 ? 0 : x1},
                         .m0 = m0,
                         .m1 = x1 < 0 ? NULL : m1,
                         .a = a,
                         .shift = shift,
                         .lo = (int32_t)lo,
                         .hi = (int32_t)hi};
    return append(b, i, in->shape, type, lo, hi);
}

static int pool(builder *b, stn_opcode opcode, int x, int kh, int kw,
                int stride)
{
    const stn_value *in = &b->values[x];
    stn_shape shape = {(in->shape.h - kh) / stride + 1,
                       (in->shape.w - kw) / stride + 1, in->shape.c};
    bool max = opcode == STN_MAX_POOL;
    int64_t n = max ? 1 : kh * kw;
    stn_instruction i = {.opcode = opcode,
                         .n_inputs = 1,
                         .inputs = {x},
                         .kh = kh,
                         .kw = kw,
                         .stride = stride};
    return append(b, i, shape, max ? in->type : STN_TYPE_S32, n * in->lo,
                  n * in->hi);
}

static stn_type small_type(builder *b)
{
    int r = below(b, 8);
    return r < 4 ? STN_TYPE_U8 : r < 7 ? STN_TYPE_S8 : STN_TYPE_S16;
}

/* A random conv or depthwise that fits x, at stride 1 with equal size when
 * `same`. */
static int random_sums(builder *b, int x, bool same)
{
    static const int outs[] = {1, 5, 8, 16, 17, 32, 40};
    stn_shape s = b->values[x].shape;
    int k = below(b, 3) * 2 + 1; /* 1, 3, 5 */
    int most = s.h < s.w ? s.h : s.w;
    k = k > most ? 1 : k;
    if (same && below(b, 2))
        return depthwise(b, x, 1, k, k, 1, k / 2);
    if (same)
        return conv(b, x, s.c, k, k, 1, k / 2);
    int kh = 1 + below(b, s.h < 4 ? s.h : 4), kw = 1 + below(b, k);
    int smaller = kh < kw ? kh : kw;
    int stride = 1 + below(b, 2), pad = below(b, smaller);
    if (below(b, 3) == 0 && s.c <= 40)
        return depthwise(b, x, 1 + below(b, 3), kh, kw, stride, pad);
    return conv(b, x, outs[below(b, 7)], kh, kw, stride, pad);
}

/* Adds one random piece of network after x; returns its small-typed value. */
static int random_piece(builder *b, int x)
{
    stn_shape s = b->values[x].shape;
    int y;
    switch (below(b, 7)) {
    case 0: /* residual: sums and the value itself, in either order */
        y = random_sums(b, x, true);
        return below(b, 2) ? rescale(b, y, x, small_type(b))
                           : rescale(b, x, y, small_type(b));
    case 1: /* two sums into one rescale */
        y = random_sums(b, x, true);
        return rescale(b, y, random_sums(b, x, true), small_type(b));
    case 2: /* sums that two rescales read, so that nothing is fused */
        y = random_sums(b, x, true);
        x = rescale(b, y, -1, small_type(b));
        return rescale(b, x, rescale(b, y, -1, small_type(b)), small_type(b));
    case 3:
        if (s.h < 2 || s.w < 2)
            return rescale(b, x, -1, small_type(b));
        return pool(b, STN_MAX_POOL, x, 2, 1 + below(b, 2), 1 + below(b, 2));
    case 4:
        y = pool(b, STN_SUM_POOL, x, s.h < 2 ? 1 : 2, 1, 1 + below(b, 2));
        return rescale(b, y, -1, small_type(b));
    default:
        return rescale(b, random_sums(b, x, false), -1, small_type(b));
    }
}

static void random_program(builder *b, uint64_t seed)
{
    stn_rng rng = stn_rng_make(seed, STN_RNG_TEST, 5);
    stn_shape input = {3 + (int)stn_rng_below(&rng, 14),
                       3 + (int)stn_rng_below(&rng, 14),
                       1 + (int)stn_rng_below(&rng, 4)};
    begin(b, seed, input, 1 + (int)stn_rng_below(&rng, 20));
    int x = 0, pieces = 1 + below(b, 6);
    for (int i = 0; i < pieces; i++)
        x = random_piece(b, x);
    stn_shape s = b->values[x].shape;
    int y = conv(b, x, b->program.n_classes, s.h, s.w, 1, 0);
    if (below(b, 3))
        rescale(b, y, -1, STN_TYPE_S32);
}

/* Pictures of noise, and one each of black and of white. */
static void make_pictures(builder *b, uint8_t *pixels, size_t size)
{
    for (size_t i = 0; i < PICTURES * size; i++)
        pixels[i] = (uint8_t)below(b, 256);
    memset(pixels + size, 0, size);
    memset(pixels + 2 * size, 255, size);
}

static void check_engine(builder *b, stn_cpu_level level, int threads,
                         const uint8_t *pixels, const int32_t *expected)
{
    const stn_program *p = &b->program;
    stn_engine_options options = {.level = level, .threads = threads};
    stn_engine *engine;
    size_t classes = (size_t)p->n_classes;
    int32_t *logits = malloc(PICTURES * classes * sizeof *logits);
    assert_non_null(logits);
    assert_ok(stn_engine_create(p, &options, &engine, &err), err);
    static const int batches[] = {PICTURES, 1, 2};
    for (int i = 0; i < 3; i++) {
        size_t n = (size_t)batches[i] * classes;
        memset(logits, 0x5A, PICTURES * classes * sizeof *logits);
        assert_ok(stn_engine_run(engine, pixels, batches[i], logits, &err),
                  err);
        assert_memory_equal(logits, expected, n * sizeof *logits);
        for (size_t k = n; k < PICTURES * classes; k++)
            assert_int_equal(logits[k], 0x5A5A5A5A);
    }
    stn_engine_destroy(engine);
    free(logits);
}

static void check_program(builder *b)
{
    const stn_program *p = &b->program;
    size_t size = stn_shape_count(p->input), classes = (size_t)p->n_classes;
    uint8_t *pixels = malloc(PICTURES * size);
    int32_t *expected = malloc(PICTURES * classes * sizeof *expected);
    assert_true(pixels && expected);
    make_pictures(b, pixels, size);
    for (size_t i = 0; i < PICTURES; i++)
        assert_ok(stn_reference_classify(p, pixels + i * size,
                                         expected + i * classes, &err),
                  err);
    for (stn_cpu_level l = STN_CPU_REF; l <= stn_cpu_detect(); l++)
        for (int threads = 1; threads <= 3; threads++)
            check_engine(b, l, threads, pixels, expected);
    free(expected);
    free(pixels);
}

static void engine_equals_reference_on_random_programs(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 120; seed++) {
        builder b;
        random_program(&b, seed);
        check_program(&b);
        stn_arena_deinit(&b.arena);
    }
}

/* Big enough that a single picture is cut into rows for threads and rows
 * into chunks. */
static void engine_equals_reference_on_a_larger_network(void **state)
{
    (void)state;
    builder b;
    begin(&b, 3, (stn_shape){40, 36, 3}, 10);
    int x = rescale(&b, conv(&b, 0, 64, 3, 3, 1, 1), -1, STN_TYPE_U8);
    x = rescale(&b, conv(&b, x, 64, 3, 3, 1, 1), x, STN_TYPE_S8);
    x = rescale(&b, depthwise(&b, x, 2, 3, 3, 2, 1), -1, STN_TYPE_U8);
    x = rescale(&b, conv(&b, x, 96, 1, 1, 1, 0), -1, STN_TYPE_U8);
    x = pool(&b, STN_MAX_POOL, x, 2, 2, 2);
    x = rescale(&b, pool(&b, STN_SUM_POOL, x, 10, 9, 1), -1, STN_TYPE_U8);
    rescale(&b, conv(&b, x, 10, 1, 1, 1, 0), -1, STN_TYPE_S32);
    check_program(&b);
    stn_arena_deinit(&b.arena);
}

/* Activations of one bit under binary and ternary weights, with a fully
 * connected layer that threads share. */
static void engine_equals_reference_on_a_binary_network(void **state)
{
    (void)state;
    for (uint64_t seed = 20; seed < 24; seed++) {
        builder b;
        begin(&b, seed, (stn_shape){12, 11, 3}, 10);
        b.is_binary = true;
        int x = rescale(&b, conv(&b, 0, 64, 3, 3, 1, 1), -1, STN_TYPE_U8);
        x = rescale(&b, conv(&b, x, 72, 3, 3, 1, 1), -1, STN_TYPE_U8);
        x = pool(&b, STN_MAX_POOL, x, 2, 2, 2);
        x = rescale(&b, conv(&b, x, 64, 1, 1, 1, 0), -1, STN_TYPE_U8);
        x = rescale(&b, conv(&b, x, 100, 6, 5, 1, 0), -1, STN_TYPE_U8);
        rescale(&b, conv(&b, x, 10, 1, 1, 1, 0), -1, STN_TYPE_S32);
        check_program(&b);
        stn_arena_deinit(&b.arena);
    }
}

static void values_that_never_meet_share_memory(void **state)
{
    (void)state;
    builder b;
    begin(&b, 4, (stn_shape){8, 8, 64}, 2);
    int x = 0;
    for (int i = 0; i < 5; i++) /* each of 4096 bytes */
        x = rescale(&b, conv(&b, x, 64, 3, 3, 1, 1), -1, STN_TYPE_U8);
    conv(&b, x, 2, 8, 8, 1, 0);
    stn_engine_options options = {.level = STN_CPU_REF, .threads = 1};
    stn_engine *engine;
    assert_ok(stn_engine_create(&b.program, &options, &engine, &err), err);
    assert_int_equal(stn_engine_activation_bytes(engine), 2 * 4096);
    assert_true(stn_engine_weight_bytes(engine) >= 5 * 9 * 64 * 64);
    assert_non_null(strstr(stn_engine_kernel_name(engine, 0), "_u8_conv_ref"));
    assert_string_equal(stn_engine_kernel_name(engine, 1), "fused into i0");
    stn_engine_destroy(engine);
    stn_arena_deinit(&b.arena);
}

static void unusable_options_are_refused(void **state)
{
    (void)state;
    builder b;
    begin(&b, 5, (stn_shape){2, 2, 1}, 2);
    conv(&b, 0, 2, 2, 2, 1, 0);
    stn_engine *engine;
    stn_engine_options options = {.level = (stn_cpu_level)STN_CPU_LEVELS};
    assert_refused(stn_engine_create(&b.program, &options, &engine, &err), err,
                   STN_E_UNSUPPORTED, "the best it offers is");
    options = (stn_engine_options){.level = STN_CPU_REF, .threads = -1};
    assert_refused(stn_engine_create(&b.program, &options, &engine, &err), err,
                   STN_E_ARGUMENT, "threads");
    options.threads = 1;
    assert_ok(stn_engine_create(&b.program, &options, &engine, &err), err);
    int32_t logits[2];
    assert_refused(
        stn_engine_run(engine, (const uint8_t *)"", -1, logits, &err), err,
        STN_E_ARGUMENT, "pictures");
    assert_ok(stn_engine_run(engine, NULL, 0, NULL, &err), err);
    stn_engine_destroy(engine);
    stn_engine_destroy(NULL);
    stn_arena_deinit(&b.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(engine_equals_reference_on_random_programs),
        cmocka_unit_test(engine_equals_reference_on_a_larger_network),
        cmocka_unit_test(engine_equals_reference_on_a_binary_network),
        cmocka_unit_test(values_that_never_meet_share_memory),
        cmocka_unit_test(unusable_options_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
