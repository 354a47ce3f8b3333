/* SPDX-License-Identifier: MIT
 *
 * Row operations that err: how often, which way, and always alike. */
#include "test.h"
#include "accel/bitwise_noise.h"
#include "programs.h"
#include <math.h>

enum { WORDS = 8 };

static bw_noise noise_of(float chance, int seed, uint64_t *rows)
{
    static const uint8_t pixels[] = {1, 2, 3};
    static const stn_machine machine;
    static const stn_program program = {.input = {1, 1, 3}};
    bw_noise n;
    bw_mapping m = {.machine = &machine,
                    .program = &program,
                    .options = {.read_error = chance,
                                .logic2_error = chance,
                                .logic3_error = chance,
                                .seed = seed},
                    .noise_words = WORDS};
    bw_noise_begin(&n, &m, pixels, rows);
    return n;
}

static void errors_are_as_frequent_as_the_options_say(void **state)
{
    (void)state;
    static const float chances[] = {1e-4f, 0.01f, 0.3f};
    uint64_t masks[BW_NOISE_ROWS * WORDS];
    for (int i = 0; i < 3; i++) {
        bw_noise n = noise_of(chances[i], 1, masks);
        double errors = 0, rows = 40000, columns = 64.0 * WORDS * rows;
        int clean = 0;
        for (int r = 0; r < (int)rows; r++) {
            const uint64_t *mask = bw_noise_mask(&n, BW_ERROR_READ, 0, WORDS);
            clean += mask == NULL;
            for (int w = 0; mask && w < WORDS; w++)
                errors += __builtin_popcountll(mask[w]);
        }
        double p = (double)chances[i], sigma = sqrt(columns * p * (1 - p));
        assert_true(fabs(errors - columns * p) < 5 * sigma);
        double none = rows * pow(1 - p, 64.0 * WORDS);
        assert_true(fabs(clean - none) < 5 * sqrt(none) + 1);
    }
}

/* One column each for the sums 0 … 3 of three cells: when every reference
 * errs, each number of ones is taken for both of its neighbours. */
static void a_reference_confuses_only_the_numbers_beside_it(void **state)
{
    (void)state;
    uint64_t masks[BW_NOISE_ROWS * WORDS];
    uint64_t acc[2 * WORDS] = {0}, x[WORDS] = {0xc}, c[WORDS] = {0x8};
    uint64_t *a = acc + WORDS; /* the first bit has no carry */
    bw_noise n = noise_of(0.9999999f, 1, masks);
    bw_sum s = {.acc = acc, .words = WORDS, .bits = 2, .carry = c};
    a[0] = 0xe;
    bw_noise_add(&n, &s, 1, x, false, 0);
    /* OR of 0 is 1, of 1 is 0; MAJ of 1 is 1, of 2 is 0; AND of 2 is 1, of 3
     * is 0: sum = AND | OR & ~MAJ. */
    assert_int_equal(a[0] & 15, 0x5);
    assert_int_equal(c[0] & 15, 0xa);
    /* Of two cells with 0, 1 and 2 ones the count of ANDs takes 1 for 2 and
     * 2 for 1, and never 0. */
    uint64_t p[WORDS] = {0x6}, q[WORDS] = {0x4};
    const bw_row rows[2] = {{p, 0}, {q, 0}};
    assert_int_equal(bw_noise_count(&n, rows, 0, WORDS), 1 - 1);
    q[0] = 0;
    assert_int_equal(bw_noise_count(&n, rows, 0, WORDS), 2);
}

static stn_simulation *simulate(const stn_program *p, const uint8_t *pixels,
                                const char *const *sets, int n_sets,
                                const char *name, int threads, int32_t *logits)
{
    stn_error err;
    stn_machine *machine = NULL;
    stn_simulation *s = NULL;
    assert_ok(stn_machine_load(name, sets, n_sets, &machine, &err), err);
    assert_ok(
        stn_simulate_classify(machine, p, pixels, 6, threads, logits, &err),
        err);
    stn_simulate_options o = {.pixels = pixels,
                              .n_pictures = 6,
                              .threads = threads,
                              .check = STN_CHECK_ALL};
    assert_ok(stn_simulate(machine, p, &o, &s, &err), err);
    stn_machine_destroy(machine);
    return s;
}

static void errors_follow_from_seed_and_picture_alone(void **state)
{
    (void)state;
    static const char *const names[] = {"imce", "bdnet-sot", "sram-cache",
                                        "cmp-pim"};
    stn_error err;
    stn_program_image *image = tiny();
    assert_ok(stn_program_check(image, "tiny", &err), err);
    const stn_program *p = &image->program;
    size_t size = 6 * stn_shape_count(p->input);
    size_t bytes = 6 * (size_t)p->n_classes * sizeof(int32_t);
    uint8_t *pixels = stn_alloc(size, 1);
    int32_t *logits[3];
    stn_rng rng = stn_rng_make(3, STN_RNG_TEST, 0);
    for (size_t i = 0; i < size; i++)
        pixels[i] = (uint8_t)stn_rng_u64(&rng);
    for (int k = 0; k < 3; k++)
        logits[k] = stn_alloc(bytes, 1);
    for (int m = 0; m < 4; m++) {
        const char *sets[] = {"options.logic2_error=0.05",
                              "options.logic3_error=0.05",
                              "options.write_error=0.01",
                              "options.read_error=0.02", "options.seed=2"};
        stn_simulation *s =
            simulate(p, pixels, sets, 4, names[m], 1, logits[0]);
        assert_int_equal(s->n_mismatches, 0);
        assert_true(s->n_inexact >= 5);
        assert_true(s->errs && s->n_bits_differ >= 5);
        assert_int_equal(s->n_bits, 6 * 32 * p->n_classes);
        assert_true(s->predicted_equals_counted);
        stn_simulation_destroy(s);
        stn_simulation_destroy(
            simulate(p, pixels, sets, 4, names[m], 3, logits[1]));
        stn_simulation_destroy(
            simulate(p, pixels, sets, 5, names[m], 1, logits[2]));
        assert_memory_equal(logits[0], logits[1], bytes);
        assert_memory_not_equal(logits[0], logits[2], bytes);
    }
    for (int k = 0; k < 3; k++)
        stn_free(logits[k]);
    stn_free(pixels);
    stn_program_destroy(&image->program);
}

static void memories_that_share_charge_refuse_errors(void **state)
{
    (void)state;
    stn_error err;
    stn_machine *machine = NULL;
    stn_simulation *s = NULL;
    stn_program_image *image = tiny();
    const char *set = "options.read_error=0.1";
    assert_ok(stn_program_check(image, "tiny", &err), err);
    assert_ok(stn_machine_load("dram-ambit", &set, 1, &machine, &err), err);
    assert_int_equal(stn_simulate(machine, &image->program,
                                  &(stn_simulate_options){0}, &s, &err),
                     STN_E_UNSUPPORTED);
    stn_machine_destroy(machine);
    stn_program_destroy(&image->program);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_are_as_frequent_as_the_options_say),
        cmocka_unit_test(a_reference_confuses_only_the_numbers_beside_it),
        cmocka_unit_test(errors_follow_from_seed_and_picture_alone),
        cmocka_unit_test(memories_that_share_charge_refuse_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
