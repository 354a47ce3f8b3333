/* SPDX-License-Identifier: MIT
 *
 * Circulant dots at every kernel level beside the dense dot over the same
 * weights: equal bits, for blocks of any side, cut off or not, with the
 * largest sums there are. */
#include "base/rng.h"
#include "guard.h"
#include "kernels/kernels.h"

typedef struct layer {
    stn_dot_shape shape;
    stn_circulant_blocks blocks;
    int patches;
    int extreme; /* all weights and inputs the largest, else random */
} layer;

static size_t depth_of(const layer *l)
{
    return (size_t)l->shape.runs * (size_t)l->shape.run;
}

/* Every weight of a matrix of circulant blocks at each position. */
static int8_t *weights_of(const layer *l, stn_rng *rng)
{
    size_t depth = depth_of(l), in = (size_t)l->blocks.in;
    size_t p = (size_t)l->blocks.p, across = (in + p - 1) / p;
    size_t blocks = depth / in * across, out = (size_t)l->shape.out;
    int8_t *first = malloc((out + p) * blocks * p);
    int8_t *codes = malloc(out * depth);
    for (size_t k = 0; k < (out + p) * blocks * p; k++)
        first[k] =
            (int8_t)(l->extreme ? 127 : (int)stn_rng_below(rng, 255) - 127);
    for (size_t o = 0; o < out; o++)
        for (size_t e = 0; e < depth; e++) {
            size_t c = e % in, b = e / in * across + c / p;
            size_t t = (o % p + p - c % p) % p;
            codes[o * depth + e] = first[(o / p * blocks + b) * p + t];
        }
    free(first);
    return codes;
}

static void put(uint8_t *x, stn_type type, size_t i, int v)
{
    x[i * stn_type_size(type)] = (uint8_t)v;
    if (type == STN_TYPE_S16)
        x[2 * i + 1] = (uint8_t)((unsigned)v >> 8);
}

/* Rows of the picture that one patch is cut from: `pitch` apart, patches 3
 * elements apart, so that they start at odd addresses. */
static size_t elements_of(const layer *l)
{
    const stn_dot_shape *s = &l->shape;
    return (size_t)(s->runs - 1) * s->pitch + (size_t)s->run +
           3 * (size_t)(l->patches - 1);
}

static void check(layer l)
{
    stn_error err;
    stn_dot_shape *s = &l.shape;
    stn_rng rng = stn_rng_make(9, STN_RNG_TEST, (uint64_t)l.blocks.p);
    const stn_kernels *ref = stn_kernels_get(STN_CPU_REF);
    size_t n = elements_of(&l), out = (size_t)(l.patches * s->out);
    guard x = guard_alloc(n * stn_type_size(s->input), 1);
    guard expected = guard_alloc(out * 4, 1), got = guard_alloc(out * 4, 1);
    uint32_t *patches = malloc((size_t)l.patches * sizeof *patches);
    int8_t *codes = weights_of(&l, &rng);
    uint64_t range = (uint64_t)(s->hi - s->lo + 1);
    for (size_t i = 0; i < n; i++)
        put(x.data, s->input, i,
            (int)(l.extreme ? s->hi
                            : s->lo + (int64_t)(stn_rng_u64(&rng) % range)));
    for (int i = 0; i < l.patches; i++)
        patches[i] = (uint32_t)(3 * (size_t)i * stn_type_size(s->input));
    for (int level = -1; level <= (int)stn_cpu_detect(); level++) {
        stn_arena arena = {0};
        stn_prepared prepared = {0};
        const stn_kernels *k =
            level < 0 ? ref : stn_kernels_get((stn_cpu_level)level);
        if (level < 0)
            assert_ok(k->dot_prepare(s, codes, &arena, &prepared, &err), err);
        else
            assert_ok(k->circulant_prepare(s, l.blocks, codes, &arena,
                                           &prepared, &err),
                      err);
        assert_non_null(prepared.data);
        void *scratch = stn_alloc(prepared.scratch_bytes + 1, 1);
        stn_dot_call call = {.shape = s,
                             .prepared = prepared.data,
                             .x = x.data,
                             .patches = patches,
                             .n = l.patches,
                             .part_end = 1,
                             .scratch = scratch,
                             .acc = level < 0 ? expected.data : got.data};
        if (level < 0)
            k->dot(&call);
        else
            k->circulant(&call);
        if (level >= 0 && memcmp(expected.data, got.data, out * 4) != 0)
            fail_msg("%s: p = %d, %d x %d of %d, out %d, type %d, extreme %d",
                     prepared.isa, l.blocks.p, s->runs, s->run, l.blocks.in,
                     s->out, (int)s->input, l.extreme);
        stn_free(scratch);
        stn_arena_deinit(&arena);
    }
    free(codes);
    free(patches);
    guard_free(&x);
    guard_free(&expected);
    guard_free(&got);
}

/* Both fills and all input types; 16-bit ones as far as sums have room. */
static void check_types(layer l)
{
    static const struct {
        stn_type type;
        int lo, hi;
    } types[] = {{STN_TYPE_U8, 0, 255},
                 {STN_TYPE_S8, -128, 127},
                 {STN_TYPE_S16, INT16_MIN, INT16_MAX}};
    for (int t = 0; t < 3; t++)
        for (l.extreme = 0; l.extreme < 2; l.extreme++) {
            int most = INT32_MAX / 128 / (int)depth_of(&l);
            l.shape.input = types[t].type;
            l.shape.lo = types[t].lo < -most ? -most : types[t].lo;
            l.shape.hi = types[t].hi > most ? most : types[t].hi;
            check(l);
        }
}

static void circulant_dots_equal_dense_ones(void **state)
{
    (void)state;
    static const int sides[] = {1, 2, 3, 4, 5, 7, 8, 12, 16, 31, 64, 100, 128};
    for (size_t k = 0; k < sizeof sides / sizeof *sides; k++) {
        int p = sides[k];
        int ins[] = {p, 2 * p, 2 * p + p / 2}, outs[] = {p, 3 * p, p + p / 3};
        for (int i = 0; i < 3; i++)
            check_types((layer){.shape = {.runs = 1,
                                          .run = ins[i],
                                          .out = outs[i],
                                          .pitch = (size_t)ins[i]},
                                .blocks = {p, ins[i]},
                                .patches = 2});
    }
}

static void circulant_windows_equal_dense_ones(void **state)
{
    (void)state;
    static const int sides[] = {2, 3, 4, 16};
    for (size_t k = 0; k < sizeof sides / sizeof *sides; k++)
        for (int in = 16; in < 20; in++)
            check_types((layer){.shape = {.runs = 3,
                                          .run = 3 * in,
                                          .out = 17,
                                          .pitch = (size_t)(5 * in + 1)},
                                .blocks = {sides[k], in},
                                .patches = 4});
}

static void the_largest_sums_of_8192_inputs_are_exact(void **state)
{
    (void)state;
    static const int sides[] = {512, 1000, 8192};
    for (size_t k = 0; k < sizeof sides / sizeof *sides; k++)
        check((layer){.shape = {.runs = 1,
                                .run = 8192,
                                .out = sides[k],
                                .pitch = 8192,
                                .input = STN_TYPE_U8,
                                .hi = 255},
                      .blocks = {sides[k], 8192},
                      .patches = 1,
                      .extreme = 1});
}

/* A range that would need more digits than a double has. */
static void sums_that_might_not_be_exact_are_left_to_the_dot(void **state)
{
    (void)state;
    stn_error err;
    static int8_t codes[64 * 64];
    memset(codes, 127, sizeof codes);
    for (int level = 1; level <= (int)stn_cpu_detect(); level++)
        for (int bits = 20; bits <= 50; bits += 30) {
            stn_arena arena = {0};
            stn_prepared prepared;
            stn_dot_shape shape = {.runs = 1,
                                   .run = 64,
                                   .out = 64,
                                   .input = STN_TYPE_S16,
                                   .hi = (int64_t)1 << bits};
            assert_ok(stn_kernels_get((stn_cpu_level)level)
                          ->circulant_prepare(&shape,
                                              (stn_circulant_blocks){64, 64},
                                              codes, &arena, &prepared, &err),
                      err);
            assert_int_equal(prepared.data != NULL, bits == 20);
            stn_arena_deinit(&arena);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(circulant_dots_equal_dense_ones),
        cmocka_unit_test(circulant_windows_equal_dense_ones),
        cmocka_unit_test(the_largest_sums_of_8192_inputs_are_exact),
        cmocka_unit_test(sums_that_might_not_be_exact_are_left_to_the_dot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
