/* SPDX-License-Identifier: MIT
 *
 * Chips whose cells and amplifiers differ: the same chip errs always alike,
 * and as often as drawn cells do. */
#include "test.h"
#include "accel/bitwise_noise.h"
#include "base/file.h"
#include "programs.h"
#include <math.h>

enum { PICTURES = 6, STEP = 1 << BW_CELL_FRACTION };
static const char *const machines[] = {"imce", "bdnet-sot", "bdnet-sot-lstp",
                                       "cmp-pim"};

typedef struct fixture {
    stn_program_image *image;
    const stn_program *p;
    uint8_t *pixels;
    size_t picture, bytes;
} fixture;

static fixture begin(void)
{
    stn_error err;
    fixture f = {.image = tiny()};
    assert_ok(stn_program_check(f.image, "tiny", &err), err);
    f.p = &f.image->program;
    f.picture = stn_shape_count(f.p->input);
    f.bytes = PICTURES * (size_t)f.p->n_classes * sizeof(int32_t);
    f.pixels = stn_alloc(PICTURES * f.picture, 1);
    stn_rng rng = stn_rng_make(4, STN_RNG_TEST, 0);
    for (size_t i = 0; i < PICTURES * f.picture; i++)
        f.pixels[i] = (uint8_t)stn_rng_u64(&rng);
    return f;
}

static void end(fixture *f)
{
    stn_free(f->pixels);
    stn_program_destroy(&f->image->program);
}

static stn_machine *load(const char *name, const char *spread, int seed)
{
    stn_error err;
    stn_machine *machine = NULL;
    char text[2][64];
    snprintf(text[0], sizeof text[0], "device.spread=%s", spread);
    snprintf(text[1], sizeof text[1], "device.seed=%d", seed);
    const char *sets[] = {"device.name=stt-mtj", text[0], text[1]};
    assert_ok(stn_machine_load(name, sets, 3, &machine, &err), err);
    return machine;
}

static void classify(const fixture *f, const char *name, const char *spread,
                     int seed, int threads, int32_t *logits)
{
    stn_error err;
    stn_machine *machine = load(name, spread, seed);
    assert_ok(stn_simulate_classify(machine, f->p, f->pixels, PICTURES, threads,
                                    logits, &err),
              err);
    stn_machine_destroy(machine);
}

static void a_chip_gives_the_same_bits_with_any_number_of_threads(void **state)
{
    (void)state;
    fixture f = begin();
    int32_t *one = stn_alloc(f.bytes, 1), *more = stn_alloc(f.bytes, 1);
    for (int m = 0; m < 4; m++) {
        classify(&f, machines[m], "1.5", 1, 1, one);
        for (int threads = 2; threads <= 3; threads++) {
            classify(&f, machines[m], "1.5", 1, threads, more);
            assert_memory_equal(one, more, f.bytes);
        }
        classify(&f, machines[m], "1.5", 2, 1, more);
        assert_memory_not_equal(one, more, f.bytes);
    }
    stn_free(one);
    stn_free(more);
    end(&f);
}

/* Pictures in the other order, and by more threads: what errs belongs to the
 * chip and to the picture, not to when it is used. */
static void the_order_of_pictures_changes_nothing(void **state)
{
    (void)state;
    stn_error err;
    fixture f = begin();
    size_t n = (size_t)f.p->n_classes;
    int32_t *forward = stn_alloc(f.bytes, 1), *back = stn_alloc(f.bytes, 1);
    uint8_t *turned = stn_alloc(PICTURES * f.picture, 1);
    const char *sets[] = {"device.name=sot-mtj", "device.spread=3"};
    for (size_t i = 0; i < PICTURES; i++)
        memcpy(turned + i * f.picture,
               f.pixels + (PICTURES - 1 - i) * f.picture, f.picture);
    for (int m = 0; m < 4; m++) {
        stn_machine *machine = NULL;
        assert_ok(stn_machine_load(machines[m], sets, 2, &machine, &err), err);
        assert_ok(stn_simulate_classify(machine, f.p, f.pixels, PICTURES, 1,
                                        forward, &err),
                  err);
        assert_ok(stn_simulate_classify(machine, f.p, turned, PICTURES, 3, back,
                                        &err),
                  err);
        for (size_t i = 0; i < PICTURES; i++)
            assert_memory_equal(forward + i * n, back + (PICTURES - 1 - i) * n,
                                n * sizeof *back);
        stn_machine_destroy(machine);
    }
    stn_free(turned);
    stn_free(forward);
    stn_free(back);
    end(&f);
}

static stn_simulation *simulate(const fixture *f, const char *name,
                                const char *spread)
{
    stn_error err;
    stn_simulation *s = NULL;
    stn_machine *machine = load(name, spread, 1);
    stn_simulate_options o = {.pixels = f->pixels,
                              .n_pictures = PICTURES,
                              .threads = 1,
                              .check = STN_CHECK_ALL};
    assert_ok(stn_simulate(machine, f->p, &o, &s, &err), err);
    stn_machine_destroy(machine);
    return s;
}

/* Through the same code as a device that differs, and through the other. */
static void
a_spread_that_is_negligible_or_none_is_the_ideal_device(void **state)
{
    (void)state;
    static const char *const spreads[] = {"0", "0.000001"};
    fixture f = begin();
    for (int m = 0; m < 4; m++)
        for (int k = 0; k < 2; k++) {
            stn_simulation *s = simulate(&f, machines[m], spreads[k]);
            assert_int_equal(s->n_inexact, 0);
            assert_int_equal(s->n_mismatches, 0);
            assert_int_equal(s->errs, k);
            assert_true(s->predicted_equals_counted);
            stn_simulation_destroy(s);
        }
    stn_simulation *s = simulate(&f, "imce", "2");
    assert_true(s->n_inexact > 0 && s->n_bits_differ > 0);
    assert_int_equal(s->n_mismatches, 0);
    stn_simulation_destroy(s);
    end(&f);
}

/* A mapping's table of cells, in which padding is skipped. */
typedef struct chip {
    stn_machine *machine;
    bw_mapping *mapping;
    size_t *at, n; /* cells that differ */
    size_t *amplifier, n_amplifiers;
} chip;

static chip make_chip(const fixture *f, const char *spread)
{
    stn_error err;
    chip c = {.machine = load("bdnet-sot", spread, 1)};
    void *mapping = NULL;
    assert_ok(bw_map(c.machine, f->p, &mapping, &err), err);
    assert_ok(bw_prepare(mapping, &err), err);
    c.mapping = mapping;
    const bw_cells *cells = c.mapping->cells;
    c.at = stn_alloc(cells->n_cells, sizeof *c.at);
    c.amplifier = stn_alloc(cells->n_offsets, sizeof *c.amplifier);
    for (size_t i = 0; i < cells->n_cells; i++)
        if (cells->content[0][i] || cells->content[1][i] != STEP)
            c.at[c.n++] = i;
    for (size_t i = 0; i < cells->n_offsets; i++)
        if (cells->offset[i])
            c.amplifier[c.n_amplifiers++] = i;
    return c;
}

static void drop_chip(chip *c)
{
    bw_unmap(c->mapping);
    stn_machine_destroy(c->machine);
    stn_free(c->at);
    stn_free(c->amplifier);
}

/* Many columns. */
static fixture begin_wide(void)
{
    stn_error err;
    fixture f = {.image = new_image((stn_shape){64, 64, 2}, 2)};
    int v =
        append_sum(f.image, "conv", 0, STN_CONV, STN_CODE_TERNARY, 4, 3, 1, 2);
    v = append_rescale(f.image, "act", v, 0, STN_TYPE_U8, 4);
    v = append_pool(f.image, "pool", v, STN_MAX_POOL, 64);
    v = append_sum(f.image, "fc", v, STN_CONV, STN_CODE_TERNARY, 2, 1, 0, 4);
    append_rescale(f.image, "logits", v, 0, STN_TYPE_S32, 0);
    assert_ok(stn_program_check(f.image, "wide", &err), err);
    f.p = &f.image->program;
    return f;
}

static void cells_err_as_often_as_the_drawn_ones_of_the_device(void **state)
{
    (void)state;
    enum { DRAWS = 400000 };
    fixture f = begin_wide();
    chip c = make_chip(&f, "2");
    const bw_cells *cells = c.mapping->cells;
    assert_true(c.n > 200000 && c.n_amplifiers > 10000);
    stn_rng rng = stn_rng_make(9, STN_RNG_TEST, 0);
    for (int rows = 1; rows <= 3; rows++)
        for (int j = 0; j < rows; j++) {
            double p = stn_mtj_sense_error_drawn(c.machine->device, rows, j,
                                                 DRAWS, &rng);
            size_t sets = c.n / (size_t)rows, wrong = 0;
            for (size_t i = 0; i < sets; i++) {
                size_t amplifier =
                    stn_rng_below(&rng, (uint32_t)c.n_amplifiers);
                int ones = j + (int)(i % 2);
                int level = cells->offset[c.amplifier[amplifier]];
                for (int k = 0; k < rows; k++)
                    level += cells->content[k < ones]
                                           [c.at[i * (size_t)rows + (size_t)k]];
                wrong += (level > j * STEP + STEP / 2) != (ones > j);
            }
            double rate = (double)wrong / (double)sets;
            /* Amplifiers are few: their mean is known to 1 / sqrt(n). */
            double sigma = sqrt(p / (double)sets + p / (2.0 * DRAWS)) +
                           2 * p / sqrt((double)c.n_amplifiers);
            assert_true(p > 0.01);
            assert_true(fabs(rate - p) < 5 * sigma);
        }
    drop_chip(&c);
    end(&f);
}

/* ---- writing */

enum { GROUPS = 4, WRITES = 300 };

/* Cells whose chances are alike, and how often they were wrong. */
typedef struct written {
    double cells, chance, wrong;
} written;

static int group_of(double chance)
{
    return chance < 0.001 ? 0 : chance < 0.01 ? 1 : chance < 0.05 ? 2 : 3;
}

/* Writes the row of zeros at `cells` many times. */
static void write_often(bw_noise *noise, size_t cells, int words,
                        written groups[GROUPS])
{
    uint64_t row[64];
    double wrong[64 * 64] = {0};
    assert_true(words <= 64);
    for (int n = 0; n < WRITES; n++) {
        memset(row, 0, sizeof row);
        bw_noise_write(noise, row, cells, words);
        for (int c = 0; c < 64 * words; c++)
            wrong[c] += (double)(row[c / 64] >> (c % 64) & 1);
    }
    for (int c = 0; c < 64 * words; c++) {
        uint16_t code = noise->cells->write_chance[cells + (size_t)c];
        double chance = code == BW_NEVER
                            ? 0.0
                            : exp2(-(double)code / (1 << BW_CHANCE_FRACTION));
        written *g = &groups[group_of(chance)];
        g->cells++;
        g->chance += chance;
        g->wrong += wrong[c];
        assert_true(chance > 0.0 || wrong[c] == 0.0);
    }
}

/* With a pulse so short that writes fail: strong and weak cells each as often
 * as their own chance says, whose mean is that of all cells. */
static void each_cell_is_written_wrong_as_often_as_its_own_chance(void **state)
{
    (void)state;
    stn_error err;
    void *mapping = NULL;
    static uint64_t scratch[64 * 64];
    fixture f = begin_wide();
    stn_machine *machine = load("imce", "2", 1);
    stn_mtj hasty = *machine->device;
    hasty.write_s = 4e-9;
    machine->device = &hasty;
    f.pixels = stn_alloc(stn_shape_count(f.p->input), 1);
    assert_ok(bw_map(machine, f.p, &mapping, &err), err);
    assert_ok(bw_prepare(mapping, &err), err);
    const bw_mapping *m = mapping;
    const bw_value *v = &m->values[0];
    bw_noise noise;
    written groups[GROUPS] = {{0}};
    assert_true(m->noise_words * BW_NOISE_ROWS <= 64 * 64);
    bw_noise_begin(&noise, m, f.pixels, scratch);
    for (size_t r = 0; r < 16; r++)
        write_often(&noise, v->cells + r * 64 * (size_t)v->words, v->words,
                    groups);
    double sum = 0.0, cells = 0.0;
    for (int g = 0; g < GROUPS; g++) {
        double expected = WRITES * groups[g].chance;
        assert_true(groups[g].cells > 1000);
        if (fabs(groups[g].wrong - expected) > 5.0 * sqrt(expected))
            fail_msg("chances of group %d: %g wrong, expected %g", g,
                     groups[g].wrong, expected);
        sum += groups[g].chance;
        cells += groups[g].cells;
    }
    const stn_mtj_writing w = stn_mtj_writing_make(&hasty);
    double mean = stn_mtj_mean_write_error(&w);
    assert_true(mean > 0.005 && fabs(sum / cells / mean - 1.0) < 0.03);
    bw_unmap(mapping);
    stn_machine_destroy(machine);
    end(&f);
}

/* The option stands above the device, and no device means no errors. */
static void the_option_of_write_errors_is_every_cells(void **state)
{
    (void)state;
    stn_error err;
    fixture f = begin();
    static const char *const sets[] = {"device.name=sot-mtj", "device.spread=1",
                                       "options.write_error=0.3"};
    static uint64_t scratch[64 * 64];
    for (int n = 2; n <= 3; n++) {
        stn_machine *machine = NULL;
        void *mapping = NULL;
        bw_noise noise;
        uint64_t row[1] = {0};
        double wrong = 0.0;
        assert_ok(stn_machine_load("imce", sets, n, &machine, &err), err);
        assert_ok(bw_map(machine, f.p, &mapping, &err), err);
        assert_ok(bw_prepare(mapping, &err), err);
        bw_noise_begin(&noise, mapping, f.pixels, scratch);
        for (int k = 0; k < 1000;
             k++, wrong += (double)__builtin_popcountll(row[0])) {
            row[0] = 0;
            bw_noise_write(&noise, row, 0, 1);
        }
        assert_true(n == 2 ? wrong < 64.0 : fabs(wrong - 19200.0) < 600.0);
        bw_unmap(mapping);
        stn_machine_destroy(machine);
    }
    end(&f);
}

static void the_same_cells_are_always_sensed_alike(void **state)
{
    (void)state;
    enum { WORDS = 8 };
    fixture f = begin();
    chip c = make_chip(&f, "2");
    static uint64_t scratch[64 * 64];
    uint64_t bits[3][WORDS], first[3 * WORDS], other[3 * WORDS];
    bw_row rows[3];
    bw_noise noise;
    assert_true(c.mapping->noise_words * BW_NOISE_ROWS <= 64 * 64);
    bw_noise_begin(&noise, c.mapping, f.pixels, scratch);
    stn_rng rng = stn_rng_make(5, STN_RNG_TEST, 0);
    for (int r = 0; r < 3; r++) {
        for (int w = 0; w < WORDS; w++)
            bits[r][w] = stn_rng_u64(&rng);
        rows[r] = (bw_row){bits[r], (size_t)r * 64 * WORDS};
    }
    memcpy(first, bw_noise_sense(&noise, 3, rows, 0, WORDS), sizeof first);
    bw_noise_sense(&noise, 2, rows, 0, WORDS);
    memcpy(other, bw_noise_sense(&noise, 3, rows, 0, WORDS), sizeof other);
    assert_memory_equal(first, other, sizeof first);
    /* Other cells with the same content err elsewhere. */
    for (int r = 0; r < 3; r++)
        rows[r].cells += 3 * 64 * WORDS;
    memcpy(other, bw_noise_sense(&noise, 3, rows, 0, WORDS), sizeof other);
    assert_memory_not_equal(first, other, sizeof first);
    drop_chip(&c);
    end(&f);
}

static void what_has_no_junctions_refuses_a_device(void **state)
{
    (void)state;
    static const char *const why[][2] = {
        {"isaac-like", "crossbar family takes no device: its cells are not "
                       "junctions; they deviate by options.variation"},
        {"pe-int8", "pe_array family takes no device: it computes in digital"}};
    stn_error err;
    stn_machine *machine = NULL;
    const char *sets[] = {"device.name=sot-mtj", "device.spread=1"};
    for (int i = 0; i < 2; i++) {
        assert_int_equal(stn_machine_load(why[i][0], sets, 2, &machine, &err),
                         STN_E_FORMAT);
        assert_non_null(strstr(err.text, why[i][1]));
    }
    sets[0] = "device.name=none-such";
    assert_int_equal(stn_machine_load("imce", sets, 2, &machine, &err),
                     STN_E_NOT_FOUND);
    sets[1] = "device.spread=101";
    assert_int_equal(stn_machine_load("imce", sets, 2, &machine, &err),
                     STN_E_FORMAT);
    fixture f = begin();
    stn_simulation *s = NULL;
    machine = load("dram-ambit", "1", 1);
    assert_int_equal(
        stn_simulate(machine, f.p, &(stn_simulate_options){0}, &s, &err),
        STN_E_UNSUPPORTED);
    stn_machine_destroy(machine);
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_chip_gives_the_same_bits_with_any_number_of_threads),
        cmocka_unit_test(the_order_of_pictures_changes_nothing),
        cmocka_unit_test(
            a_spread_that_is_negligible_or_none_is_the_ideal_device),
        cmocka_unit_test(cells_err_as_often_as_the_drawn_ones_of_the_device),
        cmocka_unit_test(each_cell_is_written_wrong_as_often_as_its_own_chance),
        cmocka_unit_test(the_option_of_write_errors_is_every_cells),
        cmocka_unit_test(the_same_cells_are_always_sensed_alike),
        cmocka_unit_test(what_has_no_junctions_refuses_a_device),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
