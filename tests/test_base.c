/* SPDX-License-Identifier: MIT
 *
 * Statuses, memory, random numbers, math, pool and files. */
#include "test.h"

#include "base/crc32.h"
#include "base/file.h"
#include "base/math.h"
#include "base/memory.h"
#include "base/pool.h"
#include "base/rng.h"
#include <math.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "setun-test-base-XXXXXX";

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    char command[64];
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

static void error_text_keeps_place_and_masks_control_characters(void **state)
{
    (void)state;
    stn_error err = {0};
    assert_int_equal(stn_fail(&err, STN_E_IO, "a\tb%d", 7), STN_E_IO);
    assert_string_equal(err.text, "a?b7");
    assert_int_equal(stn_fail_within(&err, STN_E_IO, "%s", "file"), STN_E_IO);
    assert_string_equal(err.text, "file: a?b7");
    assert_int_equal(stn_fail(NULL, STN_E_FORMAT, "x"), STN_E_FORMAT);
}

static void long_error_text_is_cut_between_characters(void **state)
{
    (void)state;
    char text[2 * STN_ERROR_CAPACITY + 2];
    for (size_t shift = 0; shift < 2; shift++) {
        size_t n = shift;
        memset(text, 'x', shift);
        for (; n + 2 < sizeof text; n += 2)
            memcpy(text + n, "\xc3\xa4", 2);
        text[n] = '\0';
        stn_error err = {0};
        (void)stn_fail(&err, STN_E_IO, "%s", text);
        size_t length = strlen(err.text);
        assert_true(length < STN_ERROR_CAPACITY);
        assert_int_equal((length - shift) % 2, 0);
    }
}

static void blocks_are_aligned_zeroed_and_overflow_is_refused(void **state)
{
    (void)state;
    for (size_t n = 0; n < 200; n += 33) {
        unsigned char *block = stn_alloc(n, 3);
        assert_non_null(block);
        assert_int_equal((uintptr_t)block % STN_ALIGNMENT, 0);
        for (size_t i = 0; i < 3 * n; i++)
            assert_int_equal(block[i], 0);
        stn_free(block);
    }
    assert_null(stn_alloc(SIZE_MAX / 2, 4));
    assert_null(stn_alloc(SIZE_MAX, 1));
}

/* Small ones share blocks: sizes around their limit, each filled to its end. */
static void blocks_of_an_arena_do_not_touch_each_other(void **state)
{
    (void)state;
    stn_arena arena = {0};
    enum { N = 600 };
    unsigned char *blocks[N];
    for (size_t n = 0; n < N; n++) {
        blocks[n] = stn_arena_alloc(&arena, n, 1);
        assert_non_null(blocks[n]);
        assert_int_equal((uintptr_t)blocks[n] % STN_ALIGNMENT, 0);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(blocks[n][i], 0);
        memset(blocks[n], (int)(n % 255 + 1), n);
    }
    for (size_t n = 0; n < N; n++)
        for (size_t i = 0; i < n; i++)
            assert_int_equal(blocks[n][i], n % 255 + 1);
    assert_null(stn_arena_alloc(&arena, SIZE_MAX, 2));
    for (int i = 0; i < 100; i++)
        assert_string_equal(stn_arena_string(&arena, "word"), "word");
    stn_arena_deinit(&arena);
    assert_int_equal(arena.n_blocks, 0);
    assert_int_equal(arena.shared_bytes, 0);
}

static void generator_gives_golden_values(void **state)
{
    (void)state;
    /* From an independent implementation of splitmix64 and xoshiro256** in
     * another language, seed 42, stream 5, counter 7. */
    stn_rng rng = stn_rng_make(42, STN_RNG_TEST, 7);
    assert_true(stn_rng_u64(&rng) == UINT64_C(0xeb81c833ddccbf23));
    assert_true(stn_rng_u64(&rng) == UINT64_C(0xc45655ff767bd976));
    for (int i = 0; i < 997; i++)
        stn_rng_u64(&rng);
    assert_true(stn_rng_u64(&rng) == UINT64_C(0x469dcdf99e1319da));
}

static void streams_seeds_and_counters_differ(void **state)
{
    (void)state;
    stn_rng a = stn_rng_make(1, STN_RNG_INIT, 2);
    stn_rng others[] = {stn_rng_make(2, STN_RNG_INIT, 2),
                        stn_rng_make(1, STN_RNG_SHUFFLE, 2),
                        stn_rng_make(1, STN_RNG_INIT, 1)};
    uint64_t first = stn_rng_u64(&a);
    for (int i = 0; i < 3; i++)
        assert_true(stn_rng_u64(&others[i]) != first);
}

static void bounded_numbers_are_uniform(void **state)
{
    (void)state;
    enum { N = 70000, BOUND = 7 };
    int counts[BOUND] = {0};
    stn_rng rng = stn_rng_make(3, STN_RNG_TEST, 0);
    for (int i = 0; i < N; i++)
        counts[stn_rng_below(&rng, BOUND)]++;
    double chi2 = 0.0, mean = (double)N / BOUND;
    for (int i = 0; i < BOUND; i++)
        chi2 += (counts[i] - mean) * (counts[i] - mean) / mean;
    assert_true(chi2 < 22.5); /* p = 0.001 for 6 degrees of freedom */
    for (int i = 0; i < 100; i++)
        assert_int_equal(stn_rng_below(&rng, 1), 0);
}

static void unit_and_normal_numbers_have_their_moments(void **state)
{
    (void)state;
    enum { N = 200000 };
    stn_rng rng = stn_rng_make(4, STN_RNG_TEST, 0);
    double sum = 0.0, normal = 0.0, square = 0.0, fourth = 0.0;
    for (int i = 0; i < N; i++) {
        float u = stn_rng_unit(&rng);
        assert_true(u >= 0.0f && u < 1.0f);
        sum += (double)u;
        double z = (double)stn_rng_normal(&rng);
        normal += z;
        square += z * z;
        fourth += z * z * z * z;
    }
    assert_true(fabs(sum / N - 0.5) < 0.003);
    assert_true(fabs(normal / N) < 0.01);
    assert_true(fabs(square / N - 1.0) < 0.015);
    assert_true(fabs(fourth / N - 3.0) < 0.15);
}

static void shuffle_is_a_permutation_that_moves(void **state)
{
    (void)state;
    enum { N = 1000 };
    uint32_t index[N], seen[N] = {0};
    for (uint32_t i = 0; i < N; i++)
        index[i] = i;
    stn_rng rng = stn_rng_make(5, STN_RNG_SHUFFLE, 0);
    stn_rng_shuffle(&rng, index, N);
    int fixed = 0;
    for (uint32_t i = 0; i < N; i++) {
        seen[index[i]]++;
        fixed += index[i] == i;
    }
    for (int i = 0; i < N; i++)
        assert_int_equal(seen[i], 1);
    assert_true(fixed < 10); /* 1 expected */
    stn_rng_shuffle(&rng, index, 0);
}

/* |got - exact| in units of the last place of `exact` as a float. */
static double ulps(float got, double exact)
{
    float rounded = (float)exact;
    double ulp =
        (double)(nextafterf(fabsf(rounded), INFINITY)) - fabs((double)rounded);
    return fabs((double)got - exact) / ulp;
}

static void exponential_tanh_and_logarithm_stay_within_two_ulp(void **state)
{
    (void)state;
    double worst = 0.0;
    for (int i = 0; i <= 200000; i++) {
        float x = -87.0f + 175.0f * (float)i / 200000.0f;
        worst = fmax(worst, ulps(stn_expf(x), exp((double)x)));
    }
    assert_true(worst <= 0.51);
    worst = 0.0;
    for (int i = -100000; i <= 100000; i++) {
        float x = 10.0f * (float)i / 100000.0f;
        if (i != 0)
            worst = fmax(worst, ulps(stn_tanhf(x), tanh((double)x)));
    }
    assert_true(worst <= 1.01);
    worst = 0.0;
    for (uint32_t bits = 1; bits < 0x7f800000u; bits += 9973) {
        float x;
        memcpy(&x, &bits, sizeof x);
        double exact = log((double)x);
        if (exact != 0.0)
            worst = fmax(worst, ulps(stn_logf(x), exact));
    }
    assert_true(worst <= 0.51);
}

static void math_functions_keep_their_special_values(void **state)
{
    (void)state;
    assert_true(stn_expf(-87.5f) == 0.0f && stn_expf(-INFINITY) == 0.0f);
    assert_true(isinf(stn_expf(88.5f)) && isnan(stn_expf(NAN)));
    assert_true(stn_expf(0.0f) == 1.0f && stn_logf(1.0f) == 0.0f);
    assert_true(stn_tanhf(INFINITY) == 1 && stn_tanhf(-20.0f) == -1);
    assert_true(isnan(stn_tanhf(NAN)) && signbit(stn_tanhf(-0.0f)));
}

static void many_tanh_have_the_bits_of_one(void **state)
{
    (void)state;
    enum { N = 1001 };
    float many[N], y[N];
    for (int i = 0; i < N; i++)
        many[i] = 0.0213f * (float)(i - N / 2);
    many[3] = NAN, many[4] = INFINITY, many[5] = -INFINITY, many[6] = -0.0f;
    stn_tanhf_all(N, many, y);
    for (int i = 0; i < N; i++) {
        const float one = stn_tanhf(many[i]);
        assert_memory_equal(&y[i], &one, sizeof one);
    }
    assert_true(stn_logf(0.0f) == -INFINITY && isnan(stn_logf(-1.0f)));
    assert_true(isinf(stn_logf(INFINITY)) && isnan(stn_logf(NAN)));
    for (int i = -4000; i <= 4000; i++) {
        float x = (float)i / 997.0f;
        double exact = cos(3.14159265358979323846 * (double)x);
        assert_true(fabs((double)stn_cospif(x) - exact) <= 1e-6);
        assert_true(stn_rintf(x) == rintf(x));
    }
    assert_true(stn_rintf(0.5f) == 0.0f && stn_rintf(1.5f) == 2.0f);
    assert_true(stn_rintf(2.5f) == 2.0f && signbit(stn_rintf(-0.2f)));
    assert_true(stn_rintf(8388609.0f) == 8388609.0f);
}

enum { POOL_TASKS = 37 };

typedef struct counters {
    atomic_int calls[POOL_TASKS];
    int values[POOL_TASKS]; /* plain: visibility is the pool's promise */
    atomic_int bad_thread;
    int n_threads;
} counters;

static void count_task(void *context, int task, int thread)
{
    counters *c = context;
    atomic_fetch_add(&c->calls[task], 1);
    c->values[task] = task + 1;
    if (thread < 0 || thread >= c->n_threads)
        atomic_store(&c->bad_thread, 1);
}

static atomic_int n_thread_starts;

static void count_thread(void)
{
    atomic_fetch_add(&n_thread_starts, 1);
}

static void every_task_runs_once_on_one_to_four_threads(void **state)
{
    (void)state;
    stn_error err;
    for (int threads = 1; threads <= 4; threads++) {
        stn_pool *pool;
        atomic_store(&n_thread_starts, 0);
        assert_ok(stn_pool_create(threads, count_thread, &pool, &err), err);
        assert_int_equal(stn_pool_threads(pool), threads);
        for (int round = 0; round < 1000; round++) {
            counters c = {.n_threads = threads};
            int n = round % (POOL_TASKS + 1);
            stn_pool_run(pool, n, count_task, &c);
            for (int i = 0; i < POOL_TASKS; i++) {
                assert_int_equal(atomic_load(&c.calls[i]), i < n);
                assert_int_equal(c.values[i], i < n ? i + 1 : 0);
            }
            assert_int_equal(atomic_load(&c.bad_thread), 0);
        }
        stn_pool_destroy(pool);
        assert_int_equal(atomic_load(&n_thread_starts), threads);
    }
}

/* Workers are late, so a caller that does not wait for them is found out. */
static void slow_task(void *context, int task, int thread)
{
    int *values = context;
    if (thread != 0)
        usleep(3000);
    values[task] = task + 1;
}

static void pool_returns_only_after_the_last_task(void **state)
{
    (void)state;
    stn_error err;
    stn_pool *pool;
    assert_ok(stn_pool_create(4, NULL, &pool, &err), err);
    for (int round = 0; round < 50; round++) {
        int values[200] = {0};
        stn_pool_run(pool, 200, slow_task, values);
        for (int i = 0; i < 200; i++)
            assert_int_equal(values[i], i + 1);
    }
    stn_pool_destroy(pool);
}

#define POOL_STEPS 40

/* Each task adds what all tasks of the step before left. */
typedef struct stepped {
    const int *n_tasks;
    long parts[POOL_STEPS][8];
} stepped;

static long sum_parts(const stepped *c, int step)
{
    long sum = 1;
    for (int i = 0; step >= 0 && i < c->n_tasks[step]; i++)
        sum += c->parts[step][i];
    return sum;
}

static void add_before(void *context, int step, int task, int thread)
{
    stepped *c = context;
    (void)thread;
    c->parts[step][task] = sum_parts(c, step - 1) % 1000003;
}

static void pool_steps_wait_for_all_tasks_of_the_step_before(void **state)
{
    (void)state;
    int n_tasks[POOL_STEPS];
    for (int i = 0; i < POOL_STEPS; i++)
        n_tasks[i] = i % 11 == 5 ? 0 : 1 + i * 5 % 8;
    stepped expected = {.n_tasks = n_tasks}, got;
    for (int s = 0; s < POOL_STEPS; s++)
        for (int t = 0; t < n_tasks[s]; t++)
            add_before(&expected, s, t, 0);
    for (int threads = 1; threads <= 5; threads++) {
        stn_error err;
        stn_pool *pool;
        assert_ok(stn_pool_create(threads, NULL, &pool, &err), err);
        if (threads % 2)
            stn_pool_linger(pool);
        for (int round = 0; round < 200; round++) {
            got = (stepped){.n_tasks = n_tasks};
            stn_pool_run_steps(pool, POOL_STEPS, n_tasks, add_before, &got);
            assert_memory_equal(got.parts, expected.parts, sizeof got.parts);
        }
        stn_pool_run_steps(pool, 0, NULL, add_before, &got);
        stn_pool_destroy(pool);
    }
}

static void pool_refuses_senseless_sizes(void **state)
{
    (void)state;
    stn_error err;
    stn_pool *pool;
    assert_refused(stn_pool_create(-1, NULL, &pool, &err), err, STN_E_ARGUMENT,
                   "got -1");
    assert_refused(stn_pool_create(100000, NULL, &pool, &err), err,
                   STN_E_ARGUMENT, "expected 1 to");
    assert_ok(stn_pool_create(0, NULL, &pool, &err), err);
    assert_int_equal(stn_pool_threads(pool), stn_cpu_count());
    stn_pool_destroy(pool);
    stn_pool_destroy(NULL);
}

static uint32_t crc32_in_two(const void *data, size_t size, size_t cut)
{
    stn_crc32 crc;
    stn_crc32_begin(&crc);
    stn_crc32_add(&crc, data, cut);
    stn_crc32_add(&crc, (const uint8_t *)data + cut, size - cut);
    return stn_crc32_value(&crc);
}

/* The check value of the catalogue of CRCs, and the definition bit by bit. */
static void crc32_is_that_of_zlib_however_it_is_cut(void **state)
{
    (void)state;
    uint8_t bytes[100];
    uint32_t plain = UINT32_MAX;
    assert_int_equal(crc32_in_two("123456789", 9, 9), 0xcbf43926);
    assert_int_equal(crc32_in_two("", 0, 0), 0);
    for (int i = 0; i < 100; i++) {
        bytes[i] = (uint8_t)(i * 37 + i * i);
        plain ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            plain = plain >> 1 ^ (plain & 1 ? UINT32_C(0xedb88320) : 0);
    }
    for (size_t cut = 0; cut <= 100; cut++)
        assert_int_equal(crc32_in_two(bytes, 100, cut), ~plain);
}

static void written_file_reads_back_and_replaces_the_old_one(void **state)
{
    (void)state;
    stn_error err;
    char path[128];
    snprintf(path, sizeof path, "%s/a/b/file", folder);
    assert_refused(stn_file_write_atomic(path, "x", 1, &err), err,
                   STN_E_NOT_FOUND, "create");
    char parent[128];
    snprintf(parent, sizeof parent, "%s/a/b", folder);
    assert_ok(stn_make_directories(parent, &err), err);
    assert_ok(stn_make_directories(parent, &err), err);
    assert_ok(stn_file_write_atomic(path, "first, longer", 13, &err), err);
    assert_ok(stn_file_write_atomic(path, "second", 6, &err), err);
    uint8_t *bytes;
    size_t size;
    assert_ok(stn_file_read(path, &bytes, &size, &err), err);
    assert_int_equal(size, 6);
    assert_string_equal((char *)bytes, "second");
    stn_free(bytes);
    const uint8_t *map;
    assert_ok(stn_file_map(path, &map, &size, &err), err);
    assert_memory_equal(map, "second", 6);
    stn_file_unmap(map, size);
}

static void failed_write_keeps_the_old_file_and_no_remains(void **state)
{
    (void)state;
    stn_error err;
    char path[128], other[192];
    snprintf(path, sizeof path, "%s/taken", folder);
    assert_int_equal(mkdir(path, 0777), 0);
    /* A folder cannot be replaced by a file: the rename fails. */
    assert_refused(stn_file_write_atomic(path, "x", 1, &err), err, STN_E_IO,
                   "replace");
    snprintf(other, sizeof other, "%s.tmp-%ld", path, (long)getpid());
    assert_false(stn_file_exists(other));
    assert_true(stn_directory_exists(path));
}

static void missing_empty_and_odd_files_are_refused(void **state)
{
    (void)state;
    stn_error err;
    uint8_t *bytes;
    const uint8_t *map;
    size_t size;
    char path[128];
    snprintf(path, sizeof path, "%s/none", folder);
    assert_refused(stn_file_read(path, &bytes, &size, &err), err,
                   STN_E_NOT_FOUND, path);
    assert_refused(stn_file_read(folder, &bytes, &size, &err), err, STN_E_IO,
                   "not a regular file");
    assert_ok(stn_file_write_atomic(path, "", 0, &err), err);
    assert_refused(stn_file_map(path, &map, &size, &err), err, STN_E_FORMAT,
                   "empty");
    assert_refused(stn_make_directories(path, &err), err, STN_E_IO,
                   "not a folder");
    char small[8];
    assert_refused(stn_path_format(small, sizeof small, &err, "%s", folder),
                   err, STN_E_ARGUMENT, "too long");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(error_text_keeps_place_and_masks_control_characters),
        cmocka_unit_test(long_error_text_is_cut_between_characters),
        cmocka_unit_test(blocks_are_aligned_zeroed_and_overflow_is_refused),
        cmocka_unit_test(blocks_of_an_arena_do_not_touch_each_other),
        cmocka_unit_test(generator_gives_golden_values),
        cmocka_unit_test(streams_seeds_and_counters_differ),
        cmocka_unit_test(bounded_numbers_are_uniform),
        cmocka_unit_test(unit_and_normal_numbers_have_their_moments),
        cmocka_unit_test(shuffle_is_a_permutation_that_moves),
        cmocka_unit_test(exponential_tanh_and_logarithm_stay_within_two_ulp),
        cmocka_unit_test(many_tanh_have_the_bits_of_one),
        cmocka_unit_test(math_functions_keep_their_special_values),
        cmocka_unit_test(every_task_runs_once_on_one_to_four_threads),
        cmocka_unit_test(pool_returns_only_after_the_last_task),
        cmocka_unit_test(pool_steps_wait_for_all_tasks_of_the_step_before),
        cmocka_unit_test(pool_refuses_senseless_sizes),
        cmocka_unit_test(crc32_is_that_of_zlib_however_it_is_cut),
        cmocka_unit_test(written_file_reads_back_and_replaces_the_old_one),
        cmocka_unit_test(failed_write_keeps_the_old_file_and_no_remains),
        cmocka_unit_test(missing_empty_and_odd_files_are_refused),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
