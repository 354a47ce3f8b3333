/* SPDX-License-Identifier: MIT
 *
 * Weights as bits, for every alphabet and layout: docs/format.md, "Weights". */
#include "test.h"
#include "weights.h"
#include <limits.h>

static const stn_structure structures[] = {STN_DENSE,     STN_GROUPS,
                                           STN_BLOCKS,    STN_PERMUTED_DIAGONAL,
                                           STN_CIRCULANT, STN_SPARSE};
enum { N_STRUCTURES = sizeof structures / sizeof structures[0], MOST = 20000 };

/* Random weights of that structure in `w`, checked. */
static void draw(stn_rng *rng, stn_structure structure, stn_weights *w,
                 int8_t codes[MOST], stn_arena *arena)
{
    stn_error err;
    do {
        *w = (stn_weights){.out = 1 + random_below(rng, 14),
                           .kh = 1 + random_below(rng, 3),
                           .kw = 1 + random_below(rng, 3),
                           .in = 1 + random_below(rng, 20)};
        w->alphabet = random_alphabet(rng);
    } while (!random_layout(rng, structure, w, arena) ||
             (structure == STN_GROUPS && !stn_alphabet_holds(w->alphabet, 0)));
    random_weights(rng, w, codes);
    w->codes = codes;
    assert_ok(stn_weights_check(w, "drawn", &err), err);
}

/* What a reader knows before it has the tensors. */
static stn_weights header_of(const stn_weights *w)
{
    stn_weights h = *w;
    h.codes = NULL;
    h.layout.index = NULL;
    h.n_stored = h.value_bits = h.index_bits = 0;
    return h;
}

static void every_alphabet_in_every_layout_unpacks_to_itself(void **state)
{
    (void)state;
    static int8_t codes[MOST];
    stn_error err;
    stn_rng rng = stn_rng_make(1, STN_RNG_TEST, 0);
    for (int round = 0; round < 300 * N_STRUCTURES; round++) {
        stn_arena arena = {0};
        stn_weights w, back;
        stn_parts parts;
        draw(&rng, structures[round % N_STRUCTURES], &w, codes, &arena);
        assert_ok(stn_weights_pack(&w, &arena, &parts, &err), err);
        back = header_of(&w);
        assert_ok(stn_weights_unpack(&back, &parts, &arena, "here", &err), err);
        assert_memory_equal(back.codes, codes, stn_weights_count(&w));
        assert_ok(stn_weights_check(&back, "back", &err), err);
        assert_int_equal(back.code, w.code);
        assert_int_equal(back.n_stored, w.n_stored);
        stn_arena_deinit(&arena);
    }
}

static void the_bytes_are_those_of_the_accounting(void **state)
{
    (void)state;
    static int8_t codes[MOST];
    stn_error err;
    stn_rng rng = stn_rng_make(2, STN_RNG_TEST, 0);
    for (int round = 0; round < 100 * N_STRUCTURES; round++) {
        stn_arena arena = {0};
        stn_weights w;
        stn_parts parts;
        draw(&rng, structures[round % N_STRUCTURES], &w, codes, &arena);
        assert_ok(stn_weights_pack(&w, &arena, &parts, &err), err);
        size_t bytes = 0;
        for (int i = 0; i < STN_PARTS; i++)
            bytes += parts.size[i];
        /* Rounded up once a tensor, of which there are three at most. */
        size_t bits = w.value_bits + w.index_bits;
        assert_true(8 * bytes >= bits);
        assert_true(8 * bytes < bits + 3 * 8);
        stn_arena_deinit(&arena);
    }
}

/* Every set of codes has one stored form: whatever the reader accepts is what
 * the writer makes of it. */
static void damaged_tensors_are_refused_or_mean_other_weights(void **state)
{
    (void)state;
    static int8_t codes[MOST];
    stn_error err;
    int n_refused = 0;
    stn_rng rng = stn_rng_make(3, STN_RNG_TEST, 0);
    for (int round = 0; round < 400 * N_STRUCTURES; round++) {
        stn_arena arena = {0};
        stn_weights w, back;
        stn_parts parts, again;
        draw(&rng, structures[round % N_STRUCTURES], &w, codes, &arena);
        assert_ok(stn_weights_pack(&w, &arena, &parts, &err), err);
        int part = random_below(&rng, STN_PARTS);
        size_t size = parts.size[part];
        if (!size) {
            stn_arena_deinit(&arena);
            continue;
        }
        /* An exact copy, so that a sanitizer sees any read behind it. */
        uint8_t *copy = malloc(size);
        memcpy(copy, parts.data[part], size);
        parts.data[part] = copy;
        for (int n = 1 + random_below(&rng, 3); n > 0; n--)
            copy[random_below(&rng, (int)size)] ^=
                (uint8_t)(1u << random_below(&rng, 8));
        if (random_below(&rng, 4) == 0)
            parts.size[part] -= 1;
        back = header_of(&w);
        stn_status status =
            stn_weights_unpack(&back, &parts, &arena, "f", &err);
        if (status == STN_OK)
            status = stn_weights_check(&back, "f", &err);
        if (status == STN_OK) {
            assert_ok(stn_weights_pack(&back, &arena, &again, &err), err);
            for (int i = 0; i < STN_PARTS; i++) {
                assert_int_equal(again.size[i], parts.size[i]);
                assert_memory_equal(again.data[i], parts.data[i],
                                    parts.size[i]);
            }
        } else {
            assert_int_equal(status, STN_E_FORMAT);
            n_refused++;
        }
        free(copy);
        stn_arena_deinit(&arena);
    }
    assert_true(n_refused > 300);
}

static void every_code_of_an_alphabet_has_bits_of_its_own(void **state)
{
    (void)state;
    for (int levels = 0; levels <= STN_LEVELS_NONZERO; levels++)
        for (int bits = 1; bits <= 8; bits++) {
            stn_alphabet a = {(stn_levels)levels, bits};
            if (!stn_alphabet_valid(a))
                continue;
            int n = 0;
            bool seen[256] = {false};
            for (int code = -300; code <= 300; code++) {
                if (!stn_alphabet_holds(a, code))
                    continue;
                unsigned coded = stn_alphabet_encode(a, code);
                assert_true(coded < 1u << bits && !seen[coded]);
                seen[coded] = true;
                assert_int_equal(stn_alphabet_decode(a, coded), code);
                assert_in_range(code + 127, 0, 254);
                n++;
            }
            assert_int_equal(n, a.bits == 8 ? 255 : 1 << bits);
        }
}

static stn_weights ternary_row(const int8_t *codes)
{
    /* One filter, 2 kernel positions, 3 channels, chunks of 2: groups are
     * channels 0–1 (live) and channel 2 (empty). */
    return (stn_weights){.code = STN_CODE_TERNARY,
                         .codes = codes,
                         .out = 1,
                         .kh = 1,
                         .kw = 2,
                         .in = 3,
                         .chunk = 2};
}

static void ternary_codes_have_the_bytes_of_the_format_page(void **state)
{
    (void)state;
    const int8_t codes[] = {+1, -1, 0, 0, -1, 0};
    stn_error err;
    stn_arena arena = {0};
    stn_parts parts;
    stn_weights w = ternary_row(codes);
    assert_ok(stn_weights_check(&w, "f", &err), err);
    assert_ok(stn_weights_pack(&w, &arena, &parts, &err), err);
    assert_int_equal(parts.size[STN_PART_LIVE], 1);
    assert_int_equal(parts.size[STN_PART_MASK], 1);
    assert_int_equal(parts.size[STN_PART_SIGN], 1);
    assert_int_equal(*parts.data[STN_PART_LIVE], 0x01);
    /* 1 1 0 1, least significant first */
    assert_int_equal(*parts.data[STN_PART_MASK], 0x0b);
    assert_int_equal(*parts.data[STN_PART_SIGN], 0x06); /* + − − */
    assert_int_equal(w.index_bits, 2);
    assert_int_equal(w.value_bits, 7);
    stn_arena_deinit(&arena);
}

static stn_status unpack_row(uint8_t live, uint8_t mask, uint8_t sign,
                             size_t mask_bytes, stn_error *err)
{
    stn_arena arena = {0};
    uint8_t masks[2] = {mask, 0};
    stn_weights w = ternary_row(NULL);
    w.layout.structure = STN_GROUPS;
    w.alphabet = (stn_alphabet){STN_LEVELS_TERNARY, 2};
    stn_parts parts = {
        .data = {&live, NULL, NULL, masks, &sign},
        .size = {1, 0, 0, mask_bytes, 1},
    };
    stn_status status = stn_weights_unpack(&w, &parts, &arena, "f", err);
    stn_arena_deinit(&arena);
    return status;
}

static void bit_tensors_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    stn_error err;
    assert_ok(unpack_row(0x01, 0x0b, 0x06, 1, &err), err);
    assert_refused(unpack_row(0x05, 0x0b, 0x06, 1, &err), err, STN_E_FORMAT,
                   "f: live: padding bit 2");
    assert_refused(unpack_row(0x01, 0x8b, 0x06, 1, &err), err, STN_E_FORMAT,
                   "mask: padding bit 7");
    assert_refused(unpack_row(0x01, 0x0b, 0x0e, 1, &err), err, STN_E_FORMAT,
                   "sign: padding bit 3");
    assert_refused(unpack_row(0x01, 0x0b, 0x06, 2, &err), err, STN_E_FORMAT,
                   "mask has 2 bytes, expected 1");
    /* Group 1 live, with both its weights 0. */
    assert_refused(unpack_row(0x03, 0x0b, 0x06, 1, &err), err, STN_E_FORMAT,
                   "group 1 is marked live");
}

/* Gaps of 2 and 9 zeros in distances of 2 bits: 2; then 3 3 3 0. */
static void a_long_gap_takes_entries_without_a_value(void **state)
{
    (void)state;
    int8_t codes[16] = {0, 0, -3, [12] = 2};
    stn_error err;
    stn_arena arena = {0};
    stn_parts parts;
    stn_weights w = {.codes = codes,
                     .out = 1,
                     .kh = 1,
                     .kw = 1,
                     .in = 16,
                     .chunk = 16,
                     .alphabet = {STN_LEVELS_NONZERO, 3},
                     .layout = {.structure = STN_SPARSE, .index_bits = 2}};
    assert_ok(stn_weights_check(&w, "f", &err), err);
    assert_int_equal(w.layout.n_index, 5);
    assert_int_equal(w.index_bits, 10);
    assert_int_equal(w.value_bits, 6);
    assert_ok(stn_weights_pack(&w, &arena, &parts, &err), err);
    assert_int_equal(parts.data[STN_PART_INDEX][0],
                     2 | 3 << 2 | 3 << 4 | 3 << 6);
    assert_int_equal(parts.data[STN_PART_INDEX][1], 0);
    /* −3 is sign and 2, 2 is 1. */
    assert_int_equal(parts.data[STN_PART_CODES][0], 6 | 1 << 3);
    stn_weights back = header_of(&w);
    uint8_t index[2] = {2 | 3 << 2 | 3 << 4 | 3 << 6, 3};
    parts.data[STN_PART_INDEX] = index;
    assert_refused(stn_weights_unpack(&back, &parts, &arena, "f", &err), err,
                   STN_E_FORMAT, "end without a value");
    stn_arena_deinit(&arena);
}

static void distances_take_as_many_bits_as_make_them_shortest(void **state)
{
    (void)state;
    int8_t codes[4000] = {0};
    stn_error err;
    size_t least = SIZE_MAX;
    stn_weights w = {.codes = codes,
                     .out = 1,
                     .kh = 1,
                     .kw = 1,
                     .in = 4000,
                     .chunk = 4000,
                     .alphabet = {STN_LEVELS_NONZERO, 3},
                     .layout = {.structure = STN_SPARSE}};
    for (int i = 0; i < 4000; i += 1 + i % 97)
        codes[i] = 1;
    assert_ok(stn_weights_check(&w, "f", &err), err);
    size_t chosen = w.index_bits;
    for (int bits = 1; bits <= STN_INDEX_BITS_MAX; bits++) {
        w.layout.index_bits = bits;
        assert_ok(stn_weights_check(&w, "f", &err), err);
        least = w.index_bits < least ? w.index_bits : least;
    }
    assert_int_equal(chosen, least);
    assert_true(w.index_bits > least); /* at the most bits */
}

/* The plane of PermDNN with natural shifts: 8 weights by p = 4. */
static void
a_permuted_diagonal_stores_no_index_and_a_pth_of_the_weights(void **state)
{
    (void)state;
    int8_t codes[8 * 8] = {0};
    stn_error err;
    stn_weights w = {.codes = codes,
                     .out = 8,
                     .kh = 1,
                     .kw = 1,
                     .in = 8,
                     .chunk = 8,
                     .alphabet = {STN_LEVELS_WHOLE, 4},
                     .layout = {.structure = STN_PERMUTED_DIAGONAL,
                                .p = 4,
                                .natural = true}};
    /* c = i mod p, d = j mod p; block l = ⌊i/p⌋·(n/p) + ⌊j/p⌋, k = l mod p:
     * there is a weight where (c + k) mod p = d. */
    for (int i = 0; i < 8; i++)
        for (int j = 0; j < 8; j++)
            if ((i % 4 + (i / 4 * 2 + j / 4) % 4) % 4 == j % 4)
                codes[i * 8 + j] = 3;
    assert_ok(stn_weights_check(&w, "f", &err), err);
    assert_int_equal(w.n_stored, 16);
    assert_int_equal(w.index_bits, 0);
    assert_int_equal(w.value_bits, 16 * 4);
    codes[1] = 1;
    assert_refused(stn_weights_check(&w, "f", &err), err, STN_E_FORMAT,
                   "weight 1 is 1");
}

/* First-column convention: element (i, j) of a block is w[(i - j) mod p]. */
static void a_circulant_block_repeats_its_first_column(void **state)
{
    (void)state;
    const int8_t columns[2][2][3] = {{{1, 2, 3}, {-1, -2, -3}},
                                     {{4, 5, 6}, {-4, 0, 7}}};
    int8_t codes[6 * 6];
    stn_error err;
    stn_weights w = {.codes = codes,
                     .out = 6,
                     .kh = 1,
                     .kw = 1,
                     .in = 6,
                     .chunk = 6,
                     .alphabet = {STN_LEVELS_WHOLE, 4},
                     .layout = {.structure = STN_CIRCULANT, .p = 3}};
    for (int i = 0; i < 6; i++)
        for (int j = 0; j < 6; j++)
            codes[i * 6 + j] = columns[i / 3][j / 3][(i % 3 - j % 3 + 3) % 3];
    assert_ok(stn_weights_check(&w, "f", &err), err);
    assert_int_equal(w.n_stored, 12);
    assert_int_equal(w.value_bits, 48);
    assert_int_equal(w.index_bits, 0);
    codes[1] = 7;
    assert_refused(stn_weights_check(&w, "f", &err), err, STN_E_FORMAT,
                   "of its circulant block");
}

/* Section 2c: kept weights times bits, and for each kept block the logarithm
 * of the blocks a row. */
static void blocks_cost_what_the_paper_counts(void **state)
{
    (void)state;
    static int8_t codes[MOST];
    stn_error err;
    const uint32_t index[] = {0, 3, 1, 2, 6, 7, 4, 5};
    stn_weights w = {.codes = codes,
                     .out = 64,
                     .kh = 1,
                     .kw = 1,
                     .in = 128,
                     .chunk = 128,
                     .alphabet = {STN_LEVELS_ODD, 3},
                     .layout = {.structure = STN_BLOCKS,
                                .n_grids = 1,
                                .grids = {{16, 16, 2}},
                                .index = index}};
    for (int i = 0; i < 64 * 128; i++) {
        int row = i / 128 / 16;
        uint32_t col = (uint32_t)(i % 128 / 16);
        bool kept = index[2 * row] == col || index[2 * row + 1] == col;
        codes[i] = kept ? 5 : 0;
    }
    assert_ok(stn_weights_check(&w, "f", &err), err);
    assert_int_equal(w.n_stored, 64 * 128 / 4);
    assert_int_equal(w.value_bits, 64 * 128 / 4 * 3);
    assert_int_equal(w.index_bits, 8 * 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_alphabet_in_every_layout_unpacks_to_itself),
        cmocka_unit_test(the_bytes_are_those_of_the_accounting),
        cmocka_unit_test(damaged_tensors_are_refused_or_mean_other_weights),
        cmocka_unit_test(every_code_of_an_alphabet_has_bits_of_its_own),
        cmocka_unit_test(ternary_codes_have_the_bytes_of_the_format_page),
        cmocka_unit_test(bit_tensors_that_do_not_fit_are_refused),
        cmocka_unit_test(a_long_gap_takes_entries_without_a_value),
        cmocka_unit_test(distances_take_as_many_bits_as_make_them_shortest),
        cmocka_unit_test(
            a_permuted_diagonal_stores_no_index_and_a_pth_of_the_weights),
        cmocka_unit_test(a_circulant_block_repeats_its_first_column),
        cmocka_unit_test(blocks_cost_what_the_paper_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
