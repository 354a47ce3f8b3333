/* SPDX-License-Identifier: MIT
 *
 * Dots and depthwise windows that map their sums before they store them: where
 * a level says that it does, in every layout, the result is what the scalar
 * dot and then the scalar rescale give. */
#include "kernel_cases.h"

static stn_error err;

/* A map of sums within [-reach, reach], into 8 bits or more. */
static void random_map(stn_rng *rng, int channels, int64_t reach,
                       rescale_case *c)
{
    random_rescale(rng, c, 0);
    stn_rescale_shape *s = &c->shape;
    s->channels = channels;
    s->type0 = STN_TYPE_S32;
    s->lo0 = -reach;
    s->hi0 = reach;
    int64_t a_max = INT64_C(64) << s->shift;
    int64_t m_max = a_max / (reach + 1);
    m_max = m_max < 1 << 24 ? m_max : 1 << 24;
    for (int i = 0; i < channels; i++) {
        c->m0[i] = (int32_t)between(rng, -m_max, m_max);
        c->m1[i] = (int32_t)between(rng, -m_max, m_max);
        c->a[i] = between(rng, -a_max, a_max);
    }
    if (!s->m1 && stn_rng_below(rng, 3) == 0) { /* a comparison */
        s->type = STN_TYPE_U8;
        s->lo = 0;
        s->hi = 1;
    }
}

/* The map with its inputs in the order that `second` says. */
static rescale_case *order_map(rescale_case *c, bool second)
{
    stn_rescale_shape *s = &c->shape;
    if (second) {
        stn_type type = s->type0;
        int64_t lo = s->lo0, hi = s->hi0;
        s->type0 = s->type1;
        s->lo0 = s->lo1;
        s->hi0 = s->hi1;
        s->type1 = type;
        s->lo1 = lo;
        s->hi1 = hi;
    }
    return c;
}

/* What `sums` become, by the scalar rescale. */
static void map_sums(const rescale_case *c, bool second, const int32_t *sums,
                     const void *other, int n, void *y)
{
    const stn_kernels *k = stn_kernels_get(STN_CPU_REF);
    stn_arena arena = {0};
    stn_prepared prepared;
    assert_ok(k->rescale_prepare(&c->shape, &arena, &prepared, &err), err);
    k->rescale(&(stn_rescale_call){.shape = &c->shape,
                                   .prepared = prepared.data,
                                   .x0 = second ? other : sums,
                                   .x1 = second ? (const void *)sums : other,
                                   .n = n,
                                   .y = y});
    stn_arena_deinit(&arena);
}

/* Patches by filters, and what they are mapped with. */
typedef struct mapped {
    rescale_case map;
    bool second;
    guard other;
    void *expected;
    size_t bytes; /* of the results */
} mapped;

static void begin_map(mapped *m, stn_rng *rng, int n, int channels,
                      int64_t reach)
{
    random_map(rng, channels, reach, &m->map);
    m->second = m->map.shape.m1 && stn_rng_below(rng, 2);
    const stn_rescale_shape *s = &order_map(&m->map, m->second)->shape;
    stn_type type = m->second ? s->type0 : s->type1;
    size_t sums = (size_t)n * (size_t)channels;
    m->other = guard_alloc(sums * stn_type_size(type), 1);
    fill_values(rng, FILL_RANDOM, type, m->second ? s->lo0 : s->lo1,
                m->second ? s->hi0 : s->hi1, m->other.data, sums);
    m->bytes = sums * stn_type_size(s->type);
    m->expected = malloc(m->bytes + 1);
    assert_non_null(m->expected);
}

static void end_map(mapped *m)
{
    guard_free(&m->other);
    free(m->expected);
}

/* Returns whether the level mapped. */
static bool run_dot(const stn_dot_shape *shape, stn_cpu_level level,
                    const dot_data *d, int n, const mapped *m, void *to)
{
    const stn_kernels *k = stn_kernels_get(level);
    stn_arena arena = {0};
    stn_prepared prepared;
    assert_ok(k->dot_prepare(shape, d->codes, &arena, &prepared, &err), err);
    bool runs = shape->ending.map
                    ? prepared.maps && (shape->layout == STN_LAYOUT_AUTO ||
                                        shape->layout == prepared.layout)
                    : true;
    if (runs)
        k->dot(&(stn_dot_call){
            .shape = shape,
            .prepared = prepared.data,
            .x = d->x.data,
            .patches = d->patches,
            .n = n,
            .part_end = prepared.parts,
            .scratch = stn_arena_alloc(&arena, 1, prepared.scratch_bytes),
            .acc = shape->ending.map ? NULL : to,
            .other = m->other.data,
            .y = shape->ending.map ? to : NULL});
    stn_arena_deinit(&arena);
    return runs;
}

/* How often each layout mapped. */
static int mapped_by[STN_LAYOUTS];

static void check_dot(dot_case *c, stn_rng *rng)
{
    stn_dot_shape *s = &c->shape;
    int64_t most = s->hi > -s->lo ? s->hi : -s->lo;
    mapped m;
    begin_map(&m, rng, c->n, s->out, most * c->max_code * s->runs * s->run);
    dot_data d = make_dot(c, rng);
    int32_t *sums = malloc(d.sums * sizeof *sums + 1);
    assert_non_null(sums);
    run_dot(s, STN_CPU_REF, &d, c->n, &m, sums);
    map_sums(&m.map, m.second, sums, m.other.data, c->n, m.expected);
    s->ending = (stn_ending){&m.map.shape, m.second};
    for (stn_cpu_level l = STN_CPU_AVX2; l <= stn_cpu_detect(); l++)
        for (int k = STN_LAYOUT_AUTO; k < STN_LAYOUTS; k++) {
            guard y = guard_alloc(m.bytes, c->at_end);
            s->layout = (stn_dot_layout)k;
            bool did = run_dot(s, l, &d, c->n, &m, y.data);
            mapped_by[k] += did;
            if (did && memcmp(y.data, m.expected, m.bytes) != 0) {
                explain_dot(c, stn_cpu_level_name(l));
                fail();
            }
            guard_free(&y);
        }
    free(sums);
    free_dot(&d);
    end_map(&m);
}

static void dots_map_sums_as_rescale_does(void **state)
{
    (void)state;
    static dot_case (*const kinds[])(stn_rng *) = {
        random_dot, random_bits, random_groups, random_aligned, random_lone};
    for (uint64_t i = 0; i < 400; i++) {
        stn_rng rng = stn_rng_make(15, STN_RNG_TEST, i);
        dot_case c = kinds[i % 5](&rng);
        if (c.shape.run > 1000 || c.shape.input == STN_TYPE_S16)
            c.max_code = 1;
        if (i % 5 == 4 && i % 2) /* one weight of 16: picks */
            c.codes = FILL_ONE;
        check_dot(&c, &rng);
    }
    if (stn_cpu_detect() > STN_CPU_REF)
        for (int k = STN_LAYOUT_AUTO; k < STN_LAYOUTS; k++)
            if (k != STN_LAYOUT_SPARSE || stn_cpu_detect() > STN_CPU_AVX2)
                assert_true(mapped_by[k] > 0);
}

static void run_depthwise(const stn_depthwise_shape *s, stn_cpu_level level,
                          const int8_t *codes, stn_depthwise_call call,
                          bool *maps)
{
    const stn_kernels *k = stn_kernels_get(level);
    stn_arena arena = {0};
    stn_prepared prepared;
    assert_ok(k->depthwise_prepare(s, codes, &arena, &prepared, &err), err);
    call.shape = s;
    call.prepared = prepared.data;
    *maps = prepared.maps;
    if (prepared.maps || !s->ending.map)
        k->depthwise(&call);
    stn_arena_deinit(&arena);
}

static void check_depthwise(uint64_t seed)
{
    stn_rng rng = stn_rng_make(16, STN_RNG_TEST, seed);
    stn_depthwise_shape s = random_depthwise(&rng);
    s.out = s.channels * (1 + (int)stn_rng_below(&rng, 2));
    s.out = s.out <= RESCALE_CHANNELS_MAX ? s.out : s.channels;
    int width = 1 + (int)stn_rng_below(&rng, 9), max = seed % 2 ? 127 : 1;
    size_t size = stn_type_size(s.input), taps = (size_t)(s.kh * s.kw);
    size_t pixels = (size_t)((width - 1) * s.stride + s.kw);
    size_t pitch = pixels * (size_t)s.channels, n = (size_t)s.kh * pitch;
    int8_t *codes = malloc((size_t)s.out * taps);
    int32_t *sums = malloc((size_t)(width * s.out) * sizeof *sums);
    assert_true(codes && sums);
    guard x = guard_alloc(n * size, 1);
    fill_codes(&rng, FILL_RANDOM, max, codes, (size_t)s.out, taps);
    fill_values(&rng, FILL_RANDOM, s.input, s.lo, s.hi, x.data, n);
    mapped m;
    int64_t most = s.hi > -s.lo ? s.hi : -s.lo;
    begin_map(&m, &rng, width, s.out, most * max * (int64_t)taps);
    stn_depthwise_call call = {
        .x = x.data, .pitch = pitch, .width = width, .acc = sums};
    bool maps;
    run_depthwise(&s, STN_CPU_REF, codes, call, &maps);
    map_sums(&m.map, m.second, sums, m.other.data, width, m.expected);
    s.ending = (stn_ending){&m.map.shape, m.second};
    for (stn_cpu_level l = STN_CPU_AVX2; l <= stn_cpu_detect(); l++) {
        guard y = guard_alloc(m.bytes, 1);
        call.acc = NULL;
        call.other = m.other.data;
        call.y = y.data;
        run_depthwise(&s, l, codes, call, &maps);
        if (maps && memcmp(y.data, m.expected, m.bytes) != 0)
            fail_msg("%s, case %d: channels %d, out %d, width %d",
                     stn_cpu_level_name(l), (int)seed, s.channels, s.out,
                     width);
        guard_free(&y);
    }
    end_map(&m);
    guard_free(&x);
    free(sums);
    free(codes);
}

static void depthwise_windows_map_sums_as_rescale_does(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 400; i++)
        check_depthwise(i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dots_map_sums_as_rescale_does),
        cmocka_unit_test(depthwise_windows_map_sums_as_rescale_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
