/* SPDX-License-Identifier: MIT
 *
 * Comparison from the highest bit down: every pair of numbers, early stop,
 * and programs whose bits must be those of sums. */
#include "test.h"
#include "accel/bitwise.h"
#include "programs.h"

/* A comparison of two pixels a channel and filter, and what reads its bits. */
static stn_program *comparison_program(uint64_t seed, bool is_signed)
{
    stn_error err;
    stn_rng rng = stn_rng_make(seed, STN_RNG_TEST, 1);
    stn_program_image *image = new_image((stn_shape){9, 11, 3}, 2);
    int last =
        is_signed ? append_rescale(image, "sign", 0, 0, STN_TYPE_S8, 2) : 0;
    last = append_sum(image, "cmp", last, STN_DEPTHWISE, STN_CODE_TERNARY, 12,
                      3, 1, 1);
    int8_t *codes = stn_arena_alloc(&image->arena, 12 * 9, 1);
    for (int o = 0; o < 12; o++) {
        uint32_t above = stn_rng_below(&rng, 9);
        codes[9 * o + (int)above] = 1;
        codes[9 * o + (int)((above + 1 + stn_rng_below(&rng, 8)) % 9)] = -1;
    }
    image->instructions[is_signed].weights.codes = codes;
    last = append_rescale(image, "step", last, 0, STN_TYPE_U8, 0);
    stn_instruction *step = &image->instructions[1 + is_signed];
    int32_t *m = stn_arena_alloc(&image->arena, 12, sizeof *m);
    int64_t *a = stn_arena_alloc(&image->arena, 12, sizeof *a);
    for (int c = 0; c < 12; c++) {
        m[c] = 1;
        a[c] = 1;
    }
    step->m0 = m;
    step->a = a;
    step->lo = 0;
    step->hi = 1;
    stn_instruction in = {.opcode = STN_CONV,
                          .kh = 9,
                          .kw = 11,
                          .stride = 1,
                          .weights = {.code = STN_CODE_INT8,
                                      .out = 2,
                                      .kh = 9,
                                      .kw = 11,
                                      .in = 12,
                                      .chunk = 12}};
    in.weights.codes = random_codes(image, &rng, STN_CODE_INT8, 2 * 99 * 12);
    append(image, "fc", last, in, STN_TYPE_S32, (stn_shape){1, 1, 2});
    assert_ok(stn_program_check(image, "comparison", &err), err);
    return &image->program;
}

static stn_simulation *simulate(const stn_program *program, const char *name,
                                const char *set, int columns,
                                const uint8_t *pixels)
{
    stn_error err;
    stn_simulation *s = NULL;
    stn_machine *machine = NULL;
    assert_ok(stn_machine_load(name, &set, 1, &machine, &err), err);
    machine->array.columns = columns;
    stn_simulate_options o = {.pixels = pixels,
                              .n_pictures = 3,
                              .threads = 1,
                              .check = STN_CHECK_ALL};
    assert_ok(stn_simulate(machine, program, &o, &s, &err), err);
    stn_machine_destroy(machine);
    return s;
}

/* Bits come out of the comparator as they come out of sums, for less. */
static void comparisons_equal_the_signs_of_differences(void **state)
{
    (void)state;
    static const char *const sets[] = {"options.comparator=false",
                                       "options.comparator=true"};
    for (uint64_t seed = 0; seed < 12; seed++) {
        stn_program *program = comparison_program(seed, seed & 1);
        stn_rng rng = stn_rng_make(seed, STN_RNG_TEST, 2);
        uint8_t pixels[3 * 9 * 11 * 3];
        double energy_j[2];
        for (size_t i = 0; i < sizeof pixels; i++)
            pixels[i] = (uint8_t)stn_rng_u64(&rng);
        for (int k = 0; k < 2; k++) {
            stn_simulation *s =
                simulate(program, seed % 3 ? "bdnet-sot" : "imce", sets[k],
                         seed % 4 ? 512 : 32, pixels);
            assert_int_equal(s->n_mismatches, 0);
            assert_true(s->predicted_equals_counted);
            energy_j[k] = stn_cost_energy_j(&s->total);
            stn_simulation_destroy(s);
        }
        assert_true(energy_j[1] < energy_j[0]);
        stn_program_destroy(program);
    }
}

enum { BITS = 6, N = 64, WORDS = 64 };

static void compare(const uint64_t *a, const uint64_t *b, bool is_signed,
                    int columns, uint64_t *result, stn_ledger_row *row)
{
    uint64_t undecided[WORDS];
    bw_run_pair(&(bw_comparison){.a = a,
                                 .b = b,
                                 .bits = BITS,
                                 .is_signed = is_signed,
                                 .words = WORDS,
                                 .columns = columns,
                                 .tiles = 2,
                                 .undecided = undecided,
                                 .result = result},
                row);
}

static void every_pair_of_numbers_is_compared_right(void **state)
{
    (void)state;
    uint64_t a[BITS * WORDS] = {0}, b[BITS * WORDS] = {0}, result[WORDS];
    for (int i = 0; i < N * N; i++)
        for (int k = 0; k < BITS; k++) {
            a[k * WORDS + i / 64] |= (uint64_t)(i / N >> k & 1) << (i % 64);
            b[k * WORDS + i / 64] |= (uint64_t)(i % N >> k & 1) << (i % 64);
        }
    for (int sign = 0; sign < 2; sign++) {
        stn_ledger_row row = {0};
        compare(a, b, sign, N * N, result, &row);
        for (int i = 0; i < N * N; i++) {
            int x = i / N, y = i % N;
            x -= sign && x >= N / 2 ? N : 0;
            y -= sign && y >= N / 2 ? N : 0;
            assert_int_equal(result[i / 64] >> (i % 64) & 1, x >= y);
        }
        /* Equal numbers are never decided. */
        assert_int_equal(row.steps[STN_EVENT_row_logic2], BITS);
        assert_int_equal(row.steps[STN_EVENT_row_read], BITS);
        assert_int_equal(row.steps[STN_EVENT_row_write], 1);
        assert_int_equal(row.total[STN_EVENT_row_write], 2);
    }
}

static void a_comparison_stops_when_every_column_is_decided(void **state)
{
    (void)state;
    uint64_t a[BITS * WORDS] = {0}, b[BITS * WORDS] = {0}, result[WORDS];
    stn_ledger_row row = {0};
    a[5 * WORDS] = 3; /* columns 0, 1: 32 beside 0; columns 2, 3: below */
    a[4 * WORDS] = 12;
    b[5 * WORDS] = 12;
    compare(a, b, false, 4, result, &row);
    assert_int_equal(result[0], 3);
    assert_int_equal(row.steps[STN_EVENT_row_logic2], 1);
    assert_int_equal(row.steps[STN_EVENT_row_read], 1);
    /* One column that the next bit decides. */
    a[5 * WORDS] = 15;
    row = (stn_ledger_row){0};
    compare(a, b, false, 4, result, &row);
    assert_int_equal(result[0], 15);
    assert_int_equal(row.steps[STN_EVENT_row_logic2], 2);
    /* No column is decided by the top bits: sensed, but not read again. */
    row = (stn_ledger_row){0};
    memset(a, 0, sizeof a);
    memset(b, 0, sizeof b);
    b[0] = 15;
    compare(a, b, true, 4, result, &row);
    assert_int_equal(result[0], 0);
    assert_int_equal(row.steps[STN_EVENT_row_logic2], BITS);
    assert_int_equal(row.steps[STN_EVENT_row_read], 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comparisons_equal_the_signs_of_differences),
        cmocka_unit_test(every_pair_of_numbers_is_compared_right),
        cmocka_unit_test(a_comparison_stops_when_every_column_is_decided),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
