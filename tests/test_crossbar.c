/* SPDX-License-Identifier: MIT
 *
 * The crossbar family: exact where its ADCs miss nothing, its own scalar
 * definition where they do, and what its converters cost. Random programs at
 * their predicted cost: tests/test_accel.c. */
#include "test.h"
#include "setun/outline.h"
#include <math.h>
#include "accel/crossbar.h"
#include "programs.h"

#define N_PICTURES 2

static stn_machine *load(const char *name, const char *const *set, int n_set)
{
    stn_error err;
    stn_machine *machine = NULL;
    assert_ok(stn_machine_load(name, set, n_set, &machine, &err), err);
    return machine;
}

static uint8_t *random_pixels(const stn_program *p, uint64_t seed)
{
    stn_rng rng = stn_rng_make(seed, STN_RNG_TEST, 2);
    size_t n = stn_shape_count(p->input) * N_PICTURES;
    uint8_t *pixels = stn_alloc(n, 1);
    for (size_t i = 0; i < n; i++)
        pixels[i] = (uint8_t)stn_rng_u64(&rng);
    return pixels;
}

static stn_simulation *simulate(const stn_machine *machine,
                                const stn_program *p)
{
    uint8_t *pixels = random_pixels(p, 1);
    stn_simulation *s = simulate_exactly(machine, p, pixels, N_PICTURES);
    stn_free(pixels);
    return s;
}

/* Within 0.1 %. */
static void assert_near(double got, double expected)
{
    if (!(got >= 0.999 * expected && got <= 1.001 * expected))
        fail_msg("got %.9g, expected %.9g", got, expected);
}

/* A picture through two int8 layers whose sums are large. */
static stn_program_image *dense(void)
{
    stn_error err;
    stn_program_image *p = new_image((stn_shape){7, 7, 3}, 4);
    int v = append_sum(p, "conv1", 0, STN_CONV, STN_CODE_INT8, 8, 5, 2, 3);
    v = append_rescale(p, "act1", v, 0, STN_TYPE_S8, 16);
    v = append_sum(p, "dw", v, STN_DEPTHWISE, STN_CODE_INT8, 16, 3, 1, 1);
    v = append_rescale(p, "act2", v, 0, STN_TYPE_U8, 11);
    append_sum(p, "fc", v, STN_CONV, STN_CODE_TERNARY, 4, 7, 0, 16);
    assert_ok(stn_program_check(p, "dense", &err), err);
    return p;
}

/* Every way to cut weights and inputs, with ADCs that miss nothing. */
static void ideal_converters_give_the_bits_of_the_reference(void **state)
{
    (void)state;
    static const char *const cells[] = {
        "options.cell_bits=1", "options.cell_bits=2", "options.cell_bits=3",
        "options.cell_bits=4"};
    static const char *const dacs[] = {"options.dac_bits=1",
                                       "options.dac_bits=3"};
    static const char *const signs[] = {
        "options.signs=pair", "options.signs=offset", "options.signs=flip"};
    static const char *const rows[] = {
        "options.active_rows=0", "options.active_rows=64",
        "options.active_rows=5", "options.active_rows=100"};
    stn_program_image *image = dense();
    for (int k = 0; k < 96; k += 1 + k / 24 % 2) {
        const char *set[] = {cells[k % 4], dacs[k / 4 % 2], signs[k / 8 % 3],
                             rows[k / 24], "options.adc_bits=0"};
        if (k % 4 > 1 && k / 4 % 2 && k / 24 != 2)
            continue; /* more bits than an ADC may have */
        stn_machine *machine = load("isaac-like", set, 5);
        stn_simulation *s = simulate(machine, &image->program);
        if (s->n_inexact)
            fail_msg("%s %s %s %s", set[0], set[1], set[2], set[3]);
        stn_simulation_destroy(s);
        stn_machine_destroy(machine);
    }
    free_image(image);
}

/* 128 rows of 2-bit cells sum to 384: 9 bits, or 8 with inverted columns.
 * One bit less is inexact on a picture that fills the columns. */
static void inverting_full_columns_saves_one_bit(void **state)
{
    (void)state;
    static const struct {
        const char *signs, *bits;
        bool exact;
    } cases[] = {{"options.signs=flip", "options.adc_bits=8", true},
                 {"options.signs=offset", "options.adc_bits=9", true},
                 {"options.signs=offset", "options.adc_bits=5", false},
                 {"options.signs=pair", "options.adc_bits=3", false}};
    stn_program_image *image = dense();
    for (int k = 0; k < 4; k++) {
        const char *set[] = {cases[k].signs, cases[k].bits};
        stn_machine *machine = load("isaac-like", set, 2);
        stn_simulation *s = simulate(machine, &image->program);
        assert_int_equal(s->n_inexact == 0, cases[k].exact);
        stn_simulation_destroy(s);
        stn_machine_destroy(machine);
    }
    free_image(image);
}

static void an_adc_clips_or_rounds(void **state)
{
    (void)state;
    xb_adc clip = {.bits = 3, .max = 7};
    xb_adc round = {.bits = 3, .shift = 2, .max = 7};
    assert_int_equal(xb_adc_convert(&clip, 0), 0);
    assert_int_equal(xb_adc_convert(&clip, 7), 7);
    assert_int_equal(xb_adc_convert(&clip, 8), 7);
    assert_int_equal(xb_adc_convert(&clip, 3000), 7);
    assert_int_equal(xb_adc_convert(&round, 1), 0);
    assert_int_equal(xb_adc_convert(&round, 2), 4);
    assert_int_equal(xb_adc_convert(&round, 28), 28);
    assert_int_equal(xb_adc_convert(&round, 31), 28);
}

/* Bit-slice L1, its table: ADCs of 1 and 3 bits against ISAAC's 8. */
static void the_scaled_model_gives_the_ratios_of_the_paper(void **state)
{
    (void)state;
    stn_adc_cost c[XB_MAX_ADC_BITS];
    stn_machine *machine = load("bitslice-isaac", NULL, 0);
    assert_int_equal(stn_machine_adcs(machine, c, XB_MAX_ADC_BITS),
                     XB_MAX_ADC_BITS);
    assert_near(c[7].power_w / c[0].power_w, 28.44);
    assert_near(c[7].power_w / c[2].power_w, 14.22);
    assert_near(c[7].latency_s / c[0].latency_s, 8.0);
    assert_near(c[7].latency_s / c[2].latency_s, 2.667);
    assert_near(c[7].area_m2 / c[0].area_m2, 2.0);
    assert_near(c[7].area_m2 / c[5].area_m2, 2.0);
    stn_machine_destroy(machine);
}

/* Within one structure more bits cost more of everything, and a latch costs
 * least of all: what a fit over a survey gets wrong. (A flash of 4 bits may
 * take more energy than a SAR of 5, and less time.) */
static void an_adc_of_more_bits_never_costs_less(void **state)
{
    (void)state;
    static const char *const models[] = {"options.adc_model=structure",
                                         "options.adc_model=scaled"};
    for (int k = 0; k < 2; k++) {
        stn_adc_cost c[XB_MAX_ADC_BITS];
        stn_machine *machine = load("isaac-like", &models[k], 1);
        int n = stn_machine_adcs(machine, c, XB_MAX_ADC_BITS);
        for (int i = 1; i < n; i++) {
            bool same = !strcmp(c[i].structure, c[i - 1].structure);
            assert_true(c[i].energy_j >= c[same ? i - 1 : 0].energy_j);
            assert_true(c[i].area_m2 >= c[same ? i - 1 : 0].area_m2);
            assert_true(c[i].latency_s >= c[i - 1].latency_s);
        }
        stn_machine_destroy(machine);
    }
}

static double count_of(const stn_simulation *s, const char *event)
{
    for (int e = 0; e < s->n_events; e++)
        if (!strcmp(s->events[e].name, event))
            return s->events[e].count;
    return 0.0;
}

/* One filter of 3 x 3 x 3 rows on 64 positions, 8 input bits, 7 weight bits
 * in four slices, two signs. */
static void events_of_one_filter_are_what_one_can_count_by_hand(void **state)
{
    (void)state;
    stn_error err;
    stn_program_image *p = new_image((stn_shape){10, 10, 3}, 4);
    int v = append_sum(p, "conv", 0, STN_CONV, STN_CODE_INT8, 1, 3, 0, 3);
    v = append_rescale(p, "act", v, 0, STN_TYPE_U8, 10);
    append_sum(p, "fc", v, STN_CONV, STN_CODE_TERNARY, 4, 8, 0, 1);
    ((int8_t *)p->instructions[0].weights.codes)[0] = 127;
    assert_ok(stn_program_check(p, "one filter", &err), err);
    static const char *const set[] = {"options.adc_bits=[4, 4, 4, 2]"};
    stn_machine *machine = load("bitslice-isaac", set, 1);
    stn_simulation *s = simulate(machine, &p->program);
    double reads = 64 * 8 * 2, fc = 8 * 2; /* position, digit, sign */
    assert_near(count_of(s, "adc2"), reads);
    assert_near(count_of(s, "adc4"), 3 * reads + 4 * fc);
    assert_near(count_of(s, "dac"), 4 * reads * 27 + fc * 64);
    assert_near(count_of(s, "crossbar_read"), 4 * reads * 27 + fc * 64 * 4);
    assert_int_equal(s->layers[0].cost.sub_arrays, 8);
    stn_simulation_destroy(s);
    stn_machine_destroy(machine);
    free_image(p);
}

/* Zeroes weights as a pruning would: filters, rows of all filters, and rows of
 * half of them, the odd ones. */
static void prune(stn_program_image *image, int instruction)
{
    stn_weights *w = &image->instructions[instruction].weights;
    int8_t *codes = (int8_t *)w->codes;
    const int rows = w->kh * w->kw * w->in;
    for (int o = 0; o < w->out; o++)
        for (int k = 0; k < rows; k++)
            if (o % 5 == 1 || k % 3 == 0 || (o % 2 && k % 2))
                codes[o * rows + k] = 0;
}

/* Three fully connected layers of 256, 256 and 4 inputs, which take 8, 4 and 2
 * arrays of 128 x 128: 256 x 256 and 256 x 4 weights, each sign on its own. */
static stn_program_image *in_a_row(void)
{
    stn_error err;
    stn_program_image *p = new_image((stn_shape){1, 1, 256}, 4);
    int v = append_sum(p, "fc1", 0, STN_CONV, STN_CODE_TERNARY, 256, 1, 0, 256);
    v = append_rescale(p, "act1", v, 0, STN_TYPE_U8, 12);
    v = append_sum(p, "fc2", v, STN_CONV, STN_CODE_TERNARY, 4, 1, 0, 256);
    v = append_rescale(p, "act2", v, 0, STN_TYPE_U8, 8);
    append_sum(p, "fc3", v, STN_CONV, STN_CODE_TERNARY, 4, 1, 0, 4);
    assert_ok(stn_program_check(p, "in a row", &err), err);
    return p;
}

/* Rows that a layer writes one after the other. */
static double write_steps(const stn_machine *machine, const stn_simulation *s,
                          int layer)
{
    for (int i = 0; i < s->n_layer_events; i++) {
        const stn_layer_event *e = &s->layer_events[i];
        if (e->layer == layer && !strcmp(s->events[e->event].name, "row_write"))
            return e->latency_s / machine->array.write_latency_s;
    }
    return 0.0;
}

/* Three arrays: fc1 takes 3 passes, fc2 2 and fc3 1, over arrays that the
 * largest has; each pass writes all rows of an array and reads all inputs. */
static void a_program_is_streamed_as_one_can_count_by_hand(void **state)
{
    (void)state;
    static const char *const set[] = {
        "options.signs=pair", "options.adc_bits=8", "options.pipeline=false",
        "options.stream=true", "options.arrays=3"};
    static const struct {
        double rows, passes, arrays, writes, columns;
    } layers[] = {{8 * 128, 3, 3, 3 * 128, 128},
                  {4 * 128, 2, 0, 2 * 128, 4},
                  {2 * 4, 1, 0, 4, 4}};
    stn_program_image *p = in_a_row();
    stn_machine *whole = load("isaac-like", set, 4);
    stn_machine *machine = load("isaac-like", set, 5);
    stn_simulation *w = simulate(whole, &p->program);
    stn_simulation *s = simulate(machine, &p->program);
    const double *step_s = machine->event_latency_s;
    for (int k = 0; k < 3; k++) {
        const stn_layer_cost *l = &s->layers[2 * k];
        const double reads = 8 * layers[k].passes;
        assert_int_equal(l->streamed_rows, layers[k].rows);
        assert_int_equal(l->passes, layers[k].passes);
        assert_int_equal(l->cost.sub_arrays, layers[k].arrays);
        assert_near(write_steps(machine, s, 2 * k), layers[k].writes);
        assert_near(l->cost.latency_s,
                    layers[k].writes * step_s[STN_EVENT_row_write] +
                        reads * step_s[STN_EVENT_crossbar_read] +
                        reads * layers[k].columns * step_s[STN_EVENT_adc8]);
        assert_near(stn_cost_area_m2(&l->cost),
                    stn_cost_area_m2(&w->layers[2 * k].cost) *
                        layers[k].arrays / 8);
    }
    const double rows = 8 * 128 + 4 * 128 + 2 * 4;
    assert_near(count_of(s, "row_write"), rows);
    assert_near(count_of(s, "link_bit"),
                rows * 2 * 128 + 8 * (3 * 256 + 2 * 256 + 4));
    assert_near(s->writes, 3 * 128 + 2 * 128 + 4);
    assert_near(s->lifetime, machine->array.endurance / s->writes);
    assert_int_equal(s->total.sub_arrays, 3);
    assert_true(s->programming_energy_j == 0.0);
    assert_near(w->programming_energy_j, rows * machine->array.write_energy_j);
    stn_simulation_destroy(w);
    stn_simulation_destroy(s);
    stn_machine_destroy(whole);
    stn_machine_destroy(machine);
    free_image(p);
}

/* Of 13 arrays fc1 keeps 8, since fc2 fits beside it; fc2 and fc3 take turns
 * in 4 of the others. */
static void the_first_layers_keep_arrays_of_their_own(void **state)
{
    (void)state;
    static const char *const set[] = {"options.signs=pair", "options.arrays=13",
                                      "options.stream=true"};
    stn_program_image *p = in_a_row();
    stn_machine *machine = load("isaac-like", set, 3);
    stn_simulation *s = simulate(machine, &p->program);
    static const int rows[] = {0, 4 * 128, 2 * 4}, arrays[] = {8, 4, 0};
    for (int k = 0; k < 3; k++) {
        assert_int_equal(s->layers[2 * k].streamed_rows, rows[k]);
        assert_int_equal(s->layers[2 * k].cost.sub_arrays, arrays[k]);
        assert_int_equal(s->layers[2 * k].passes, 1);
    }
    assert_near(s->writes, 128 + 4);
    assert_near(s->programming_energy_j,
                8 * 128 * machine->array.write_energy_j);
    stn_simulation_destroy(s);
    stn_machine_destroy(machine);
    free_image(p);
}

/* Where cells got their contents from does not matter to what they compute,
 * whatever is cut, packed, copied or deviates. */
static void streamed_weights_give_the_bits_of_loaded_ones(void **state)
{
    (void)state;
    static const char *const sets[] = {
        "options.signs=pair",     "options.signs=offset",
        "options.active_rows=7",  "options.copies=3",
        "options.row_packing=3",  "options.skip_zero_columns=true",
        "options.variation=0.05", "options.wire=5e-4",
        "options.row_packing=8",  "options.adc_bits=4"};
    static const char *const chips[] = {"options.arrays=1", "options.arrays=5",
                                        "options.arrays=24"};
    stn_error err;
    stn_program_image *image = dense();
    prune(image, 0);
    prune(image, 4);
    uint8_t *pixels = random_pixels(&image->program, 1);
    for (int k = 0; k < 30; k++) {
        const char *set[] = {sets[k % 10], "options.stream=true",
                             chips[k / 10]};
        stn_machine *whole = load("isaac-like", set, 1);
        stn_machine *machine = load("isaac-like", set, 3);
        int32_t logits[2][4 * N_PICTURES];
        stn_simulation *s = simulate(machine, &image->program);
        assert_true(k >= 20 || count_of(s, "row_write") > 0);
        assert_ok(stn_simulate_classify(whole, &image->program, pixels,
                                        N_PICTURES, 1, logits[0], &err),
                  err);
        assert_ok(stn_simulate_classify(machine, &image->program, pixels,
                                        N_PICTURES, 1, logits[1], &err),
                  err);
        assert_memory_equal(logits[0], logits[1], sizeof logits[0]);
        stn_simulation_destroy(s);
        stn_machine_destroy(whole);
        stn_machine_destroy(machine);
    }
    stn_free(pixels);
    free_image(image);
}

/* Blocks of a depthwise layer lie below each other in an array: 8 of 9 rows. */
static void rows_of_a_diagonal_are_written_one_after_the_other(void **state)
{
    (void)state;
    static const char *const set[] = {"options.arrays=2",
                                      "options.stream=true"};
    stn_program_image *image = dense();
    stn_machine *machine = load("isaac-like", set, 2);
    stn_simulation *s = simulate(machine, &image->program);
    assert_int_equal(s->layers[2].passes, 2); /* 4 slices */
    assert_int_equal(s->layers[2].streamed_rows, 4 * 72);
    assert_near(write_steps(machine, s, 2), 2 * 72);
    stn_simulation_destroy(s);
    stn_machine_destroy(machine);
    free_image(image);
}

/* To the last digit. */
static void a_program_that_fits_is_not_streamed(void **state)
{
    (void)state;
    static const char *const set[] = {"options.signs=pair", "options.arrays=14",
                                      "options.stream=true"};
    stn_program_image *p = in_a_row();
    stn_machine *machines[] = {load("isaac-like", set, 1),
                               load("isaac-like", set, 3)};
    stn_simulation *s[] = {simulate(machines[0], &p->program),
                           simulate(machines[1], &p->program)};
    assert_memory_equal(&s[0]->total, &s[1]->total, sizeof s[0]->total);
    assert_true(s[0]->programming_energy_j == s[1]->programming_energy_j);
    assert_true(s[1]->writes == 0.0);
    for (int k = 0; k < 2; k++) {
        stn_simulation_destroy(s[k]);
        stn_machine_destroy(machines[k]);
    }
    free_image(p);
}

/* Cells that are not ideal: what is executed is what is defined, with every
 * imperfection; none of them at work is the ideal machine. */
static void imperfect_cells_compute_what_is_defined(void **state)
{
    (void)state;
    static const char *const sets[][4] = {
        {"options.variation=0.05", "options.adc_bits=9", "options.seed=3",
         "options.variation_of=cell"},
        {"options.wire=5e-4", "options.adc_bits=8", "options.signs=flip",
         "options.active_rows=20"},
        {"options.on_off=20", "options.adc_bits=6", "options.adc_range=full",
         "options.signs=pair"},
        {"options.variation=0.1", "options.wire=1e-4", "options.adc_bits=4",
         "options.skip_zero_columns=true"},
        {"options.on_off=1e9", "options.adc_bits=0", "options.dac_bits=2",
         "options.signs=pair"}};
    stn_program_image *image = dense();
    for (int k = 0; k < 5; k++) {
        stn_machine *machine = load("isaac-like", sets[k], 4);
        stn_simulation *s = simulate(machine, &image->program);
        assert_int_equal(s->n_inexact, k == 4 ? 0 : N_PICTURES);
        stn_simulation_destroy(s);
        stn_machine_destroy(machine);
    }
    free_image(image);
}

/* Arrays that hold fewer rows compute the same, however rows are packed,
 * groups are cut and cells deviate. */
static void packed_rows_give_the_bits_of_the_reference(void **state)
{
    (void)state;
    static const char *const packs[] = {
        "options.row_packing=1", "options.row_packing=3",
        "options.row_packing=8", "options.row_packing=64"};
    static const char *const signs[] = {
        "options.signs=pair", "options.signs=offset", "options.signs=flip"};
    static const char *const others[] = {
        "options.active_rows=0", "options.active_rows=7",
        "options.skip_zero_columns=true", "options.adc_bits=3",
        "options.variation=0.05"};
    stn_program_image *image = dense();
    prune(image, 0);
    prune(image, 4);
    for (int k = 0; k < 60; k++) {
        const char *set[] = {packs[k % 4], signs[k / 4 % 3],
                             "options.adc_bits=0", others[k / 12]};
        stn_machine *machine = load("isaac-like", set, 4);
        stn_simulation *s = simulate(machine, &image->program);
        if ((s->n_inexact > 0) != (k / 12 >= 3))
            fail_msg("%s %s %s", set[0], set[1], set[3]);
        stn_simulation_destroy(s);
        stn_machine_destroy(machine);
    }
    free_image(image);
}

/* 256 rows and 256 filters, of which 64 have weights on the first 128 rows, 64
 * on the others, 128 have none: two packs of 64 filters lie side by side in one
 * array of 128 x 128 for each of 2 signs, are written row by row together and
 * read in turn; held whole the layer takes 2 x 2 arrays a sign, read at once.
 */
static void packs_of_alike_rows_share_an_array(void **state)
{
    (void)state;
    stn_error err;
    stn_program_image *image = new_image((stn_shape){1, 1, 256}, 256);
    append_sum(image, "fc", 0, STN_CONV, STN_CODE_TERNARY, 256, 1, 0, 256);
    int8_t *codes = (int8_t *)image->instructions[0].weights.codes;
    for (int o = 0; o < 256; o++)
        for (int k = 0; k < 256; k++)
            codes[o * 256 + k] = o % 2 && o % 4 / 2 == k / 128;
    assert_ok(stn_program_check(image, "blocks", &err), err);
    static const struct {
        const char *packing;
        double arrays, adcs, turns, indices, rows;
    } cases[] = {
        {"options.row_packing=0", 8, 2 * 2 * 256, 1, 0, 8 * 128},
        {"options.row_packing=64", 2, 2 * 2 * 64, 2, 2 * 2 * 9, 2 * 128}};
    for (int k = 0; k < 2; k++) {
        const char *set[] = {"options.signs=pair", "options.adc_bits=8",
                             "options.pipeline=false", cases[k].packing};
        stn_machine *machine = load("isaac-like", set, 4);
        stn_simulation *s = simulate(machine, &image->program);
        const double read_s = machine->event_latency_s[STN_EVENT_crossbar_read];
        assert_int_equal(s->layers[0].cost.sub_arrays, cases[k].arrays);
        assert_near(count_of(s, "adc8"), 8 * cases[k].adcs);
        assert_near(count_of(s, "link_bit"), 8 * 256 + cases[k].indices);
        assert_true(s->layers[0].cost.latency_s >= 8 * cases[k].turns * read_s);
        assert_near(s->programming_energy_j,
                    cases[k].rows * machine->array.write_energy_j);
        assert_int_equal(s->n_inexact, 0);
        stn_simulation_destroy(s);
        stn_machine_destroy(machine);
    }
    free_image(image);
}

/* Two full cells at the top of a column of an array of 128 rows. The upper
 * cell's current passes 128 segments and the lower one's 127; at the upper
 * cell both build up a potential over their common way. W = 1: one column. */
static void wires_take_what_the_nodal_equations_say(void **state)
{
    (void)state;
    stn_error err;
    static const char *const set[] = {"options.wire=1e-3",
                                      "options.cell_bits=1"};
    stn_program_image *p = new_image((stn_shape){1, 2, 1}, 4);
    append_sum(p, "fc", 0, STN_CONV, STN_CODE_TERNARY, 4, 1, 0, 1);
    p->instructions[0].kw = p->instructions[0].weights.kw = 2;
    p->instructions[0].weights.codes = (const int8_t[8]){1, 1};
    p->values[1].shape = (stn_shape){1, 1, 4};
    assert_ok(stn_program_check(p, "wires", &err), err);
    stn_machine *machine = load("bitslice-isaac", set, 2);
    void *mapping = NULL;
    assert_ok(machine->type->map(machine, &p->program, &mapping, &err), err);
    const int32_t *cells =
        xb_cells_of(&((xb_mapping *)mapping)->layers[0], 0, 0, 0);
    assert_near(cells[0], 4096 * (1.0 - 1e-3 * (128 + 127 + 1)));
    assert_near(cells[4], 4096 * (1.0 - 1e-3 * (127 + 127 + 1)));
    assert_int_equal(cells[1], 0);
    machine->type->unmap(mapping);
    stn_machine_destroy(machine);
    free_image(p);
}

/* Without a converter that clips, the sums of a layer are those of its
 * weights: every conversion is in the histogram, none beyond what the rows can
 * give; and what lies above a small ADC says whether it is exact. */
static void histograms_hold_every_conversion(void **state)
{
    (void)state;
    static const char *const sets[] = {"options.adc_bits=0",
                                       "options.skip_zero_columns=true"};
    stn_error err;
    stn_program_image *image = dense();
    uint8_t *pixels = random_pixels(&image->program, 1);
    for (int k = 0; k < 2; k++) {
        stn_machine *machine = load("bitslice-isaac", &sets[k], 1);
        stn_simulation *s = NULL;
        stn_simulate_options o = {.pixels = pixels,
                                  .n_pictures = N_PICTURES,
                                  .threads = 2,
                                  .histogram = true};
        assert_ok(stn_simulate(machine, &image->program, &o, &s, &err), err);
        double converted = 0.0, above = 0.0;
        for (int h = 0; h < s->n_histograms; h++) {
            const stn_histogram *hist = &s->histograms[h];
            uint64_t total = 0;
            for (size_t i = 0; i < hist->n; i++) {
                total += hist->counts[i];
                above += i >> hist->bits ? (double)hist->counts[i] : 0.0;
            }
            assert_int_equal(total, hist->total);
            assert_true(hist->n <= 3 * 128 + 1);
            converted += (double)total;
        }
        assert_int_equal(s->n_histograms, 4 + 4 + 1);
        assert_near(converted, N_PICTURES * count_of(s, "sample_hold"));
        assert_int_equal(above > 0, k == 1);
        stn_simulation_destroy(s);
        stn_machine_destroy(machine);
    }
    stn_free(pixels);
    free_image(image);
}

static void what_cannot_be_converted_is_refused(void **state)
{
    (void)state;
    stn_error err;
    stn_program_image *image = dense();
    stn_simulation *s = NULL;
    stn_machine *m = NULL;
    static const char *const wide[] = {"options.adc_bits=0"};
    static const char *const part[] = {"options.adc_bits=2.5"};
    static const char *const low[] = {"options.on_off=1.2"};
    static const char *const few[] = {"options.arrays=3"};
    static const char *const none[] = {"circuits.dac_area.unit=pJ"};
    static const char *const packs[] = {"options.row_packing=129"};
    m = load("prime-like", wide, 1);
    assert_refused(
        stn_simulate(m, &image->program, &(stn_simulate_options){0}, &s, &err),
        err, STN_E_UNSUPPORTED, "needs 15 bits");
    stn_machine_destroy(m);
    assert_refused(stn_machine_load("isaac-like", part, 1, &m, &err), err,
                   STN_E_FORMAT, "adc_bits: got 2.5, expected whole numbers");
    assert_refused(stn_machine_load("isaac-like", low, 1, &m, &err), err,
                   STN_E_FORMAT, "on_off: got 1.2, expected 0");
    m = load("isaac-like", packs, 1);
    assert_refused(
        stn_simulate(m, &image->program, &(stn_simulate_options){0}, &s, &err),
        err, STN_E_ARGUMENT, "got 129, an array has 128 columns");
    stn_machine_destroy(m);
    m = load("isaac-like", few, 1);
    assert_refused(
        stn_simulate(m, &image->program, &(stn_simulate_options){0}, &s, &err),
        err, STN_E_UNSUPPORTED,
        "tiny does not fit on isaac-like: it needs 15 arrays of 128x128 (7 of "
        "them for fc), the machine has 3; see options.arrays, options.copies "
        "and options.stream");
    stn_machine_destroy(m);
    assert_refused(stn_machine_load("isaac-like", none, 1, &m, &err), err,
                   STN_E_FORMAT, "dac_area.unit");
    free_image(image);
}

/* Inputs of an outline have as many digits as its activations have bits. */
static void outlines_are_read_once_for_each_bit(void **state)
{
    (void)state;
    double latency_s[2];
    for (int k = 0; k < 2; k++) {
        stn_error err;
        stn_machine *machine = NULL;
        stn_program *program = NULL;
        stn_simulation *s = NULL;
        stn_outline_options o = stn_outline_defaults();
        o.activation_bits = k ? 4 : 8;
        assert_ok(stn_machine_load("isaac-like", NULL, 0, &machine, &err), err);
        assert_ok(stn_program_outline("alexnet", &o, &program, &err), err);
        assert_ok(stn_simulate(machine, program, &(stn_simulate_options){0}, &s,
                               &err),
                  err);
        for (int i = 0; i < s->n_layers; i++)
            if (s->layers[i].opcode == STN_CONV) {
                assert_true(s->layers[i].cost.latency_s > 0);
                latency_s[k] = s->layers[i].cost.latency_s;
            }
        stn_simulation_destroy(s);
        stn_program_destroy(program);
        stn_machine_destroy(machine);
    }
    assert_true(fabs(latency_s[0] - 2 * latency_s[1]) < 1e-15);
}

/* Twice the converters are as much more area. */
static void converters_are_part_of_the_area(void **state)
{
    (void)state;
    static const char *const sets[] = {"options.columns_per_adc=128",
                                       "options.columns_per_adc=64"};
    stn_error err;
    stn_program *program = NULL;
    stn_outline_options o = stn_outline_defaults();
    assert_ok(stn_program_outline("lenet5", &o, &program, &err), err);
    double area_m2[2], adc_m2 = 0;
    uint64_t arrays = 0;
    for (int k = 0; k < 2; k++) {
        stn_machine *machine = NULL;
        stn_simulation *s = NULL;
        stn_adc_cost adcs[12];
        assert_ok(stn_machine_load("isaac-like", &sets[k], 1, &machine, &err),
                  err);
        assert_ok(stn_simulate(machine, program, &(stn_simulate_options){0}, &s,
                               &err),
                  err);
        assert_int_equal(stn_machine_adcs(machine, adcs, 12), 12);
        adc_m2 = adcs[7].area_m2 +
                 ((const xb_circuits *)machine->circuits)->shift_add_area_m2;
        area_m2[k] = stn_cost_area_m2(&s->total);
        arrays = s->total.sub_arrays;
        stn_simulation_destroy(s);
        stn_machine_destroy(machine);
    }
    double more_m2 = (double)arrays * adc_m2;
    assert_true(fabs(area_m2[1] - area_m2[0] - more_m2) < 1e-6 * more_m2);
    stn_program_destroy(program);
}

/* What a layer holds in the buffer takes area and leaks, by the bit. */
static void a_buffer_has_area_and_leaks(void **state)
{
    (void)state;
    stn_error err;
    stn_machine *with = NULL, *without = NULL;
    stn_simulation *s[2] = {NULL};
    static const char *const set[] = {
        "buffer={cell: sram-6t, array: {rows: 128, columns: 256, transistors: "
        "ptm, roadmap: HP}}",
        "events.buffer_bit={energy: {value: 1, unit: pJ, confidence: assumed, "
        "source: test}, latency: {value: 1, unit: ns, confidence: assumed, "
        "source: test}}"};
    stn_program_image *image = new_image((stn_shape){6, 6, 2}, 4);
    int v =
        append_sum(image, "conv", 0, STN_CONV, STN_CODE_TERNARY, 4, 3, 0, 2);
    v = append_rescale(image, "act", v, 0, STN_TYPE_U8, 6);
    append_sum(image, "fc", v, STN_CONV, STN_CODE_TERNARY, 4, 4, 0, 4);
    assert_ok(stn_program_check(image, "buffered", &err), err);
    assert_ok(stn_machine_load("isaac-like", NULL, 0, &without, &err), err);
    assert_ok(stn_machine_load("isaac-like", set, 1, &with, &err), err);
    const stn_simulate_options o = {0};
    assert_ok(stn_simulate(without, &image->program, &o, &s[0], &err), err);
    assert_ok(stn_simulate(with, &image->program, &o, &s[1], &err), err);
    const stn_cost *conv = &s[1]->layers[0].cost;
    /* 72 bytes of picture and 64 sums in two's complement. */
    const stn_value *sum = &image->program.values[1];
    const int64_t most = sum->hi > -sum->lo - 1 ? sum->hi : -sum->lo - 1;
    const double bits = 72 * 8 + 64 * (ceil(log2((double)most + 1)) + 1);
    assert_near(conv->area_m2[STN_PART_BUFFER], bits * with->buffer_bit_m2);
    assert_near(conv->leakage_j[STN_PART_BUFFER],
                bits * with->buffer_bit_w * conv->latency_s);
    assert_true(with->buffer_bit_w > 0 && with->buffer_bit_m2 > 1e-13);
    assert_true(s[0]->total.area_m2[STN_PART_BUFFER] == 0);
    for (int k = 0; k < STN_PART_COUNT; k++)
        if (k != STN_PART_BUFFER)
            assert_true(s[1]->total.area_m2[k] == s[0]->total.area_m2[k]);
    stn_machine_destroy(with);
    assert_ok(stn_machine_load("isaac-like", set, 2, &with, &err), err);
    assert_near(with->event_energy_j[STN_EVENT_buffer_bit], 1e-12);
    stn_machine_destroy(with);
    stn_machine_destroy(without);
    assert_refused(stn_machine_load("pe-int8", set, 1, &with, &err), err,
                   STN_E_FORMAT, "its sub-arrays are the buffer");
    stn_simulation_destroy(s[0]);
    stn_simulation_destroy(s[1]);
    free_image(image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ideal_converters_give_the_bits_of_the_reference),
        cmocka_unit_test(inverting_full_columns_saves_one_bit),
        cmocka_unit_test(an_adc_clips_or_rounds),
        cmocka_unit_test(the_scaled_model_gives_the_ratios_of_the_paper),
        cmocka_unit_test(an_adc_of_more_bits_never_costs_less),
        cmocka_unit_test(events_of_one_filter_are_what_one_can_count_by_hand),
        cmocka_unit_test(a_program_is_streamed_as_one_can_count_by_hand),
        cmocka_unit_test(the_first_layers_keep_arrays_of_their_own),
        cmocka_unit_test(streamed_weights_give_the_bits_of_loaded_ones),
        cmocka_unit_test(rows_of_a_diagonal_are_written_one_after_the_other),
        cmocka_unit_test(a_program_that_fits_is_not_streamed),
        cmocka_unit_test(imperfect_cells_compute_what_is_defined),
        cmocka_unit_test(packed_rows_give_the_bits_of_the_reference),
        cmocka_unit_test(packs_of_alike_rows_share_an_array),
        cmocka_unit_test(wires_take_what_the_nodal_equations_say),
        cmocka_unit_test(histograms_hold_every_conversion),
        cmocka_unit_test(what_cannot_be_converted_is_refused),
        cmocka_unit_test(outlines_are_read_once_for_each_bit),
        cmocka_unit_test(converters_are_part_of_the_area),
        cmocka_unit_test(a_buffer_has_area_and_leaks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
