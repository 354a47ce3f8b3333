/* SPDX-License-Identifier: MIT
 *
 * The bitwise family: its adder, what it skips, layers without weights, and
 * chips that are too small or larger than needed. */
#include "accel.h"
#include "accel/bitwise_noise.h"

/* One ternary depthwise layer of 4 filters on a 16 x 16 picture of 4
 * channels; the filters in `dead` are zero. */
static stn_program *depthwise_program(unsigned dead)
{
    stn_error err;
    maker m = begin(7, (stn_shape){16, 16, 4}, 2);
    append_conv(&m, STN_DEPTHWISE, STN_CODE_TERNARY, 1, 3, 3, 1, 1);
    stn_instruction *in = &m.image->instructions[0];
    int8_t *codes = stn_arena_alloc(&m.image->arena, 36, 1);
    for (int k = 0; k < 36; k++)
        codes[k] = dead >> (k / 9) & 1 ? 0 : k % 2 ? 1 : -1;
    in->weights.codes = codes;
    append_rescale(&m, STN_TYPE_U8, -1);
    append_conv(&m, STN_CONV, STN_CODE_BINARY, 2, 16, 16, 1, 0);
    assert_ok(stn_program_check(m.image, "depthwise", &err), err);
    return &m.image->program;
}

static stn_ledger_row predicted_row(const stn_program *program, int index)
{
    stn_error err;
    stn_machine *machine = load("bdnet-sot", NULL);
    stn_ledger ledger = {0};
    void *mapping = NULL;
    assert_ok(machine->type->map(machine, program, &mapping, &err), err);
    assert_ok(stn_ledger_init(&ledger, program->n_instructions, &err), err);
    machine->type->predict(mapping, NULL, &ledger);
    stn_ledger_row row = ledger.rows[index];
    stn_ledger_deinit(&ledger);
    machine->type->unmap(mapping);
    stn_machine_destroy(machine);
    return row;
}

/* Filters 1 and 2 are alike, so killing either or both takes away the same,
 * once or twice; a layer of dead filters activates nothing but the row that
 * says so (and instruction 0 writes the picture: 4 channels of 8 rows). */
static void a_dead_group_costs_nothing(void **state)
{
    (void)state;
    stn_program *none = depthwise_program(0), *two = depthwise_program(4);
    stn_program *both = depthwise_program(5), *all = depthwise_program(15);
    stn_ledger_row r0 = predicted_row(none, 0), r2 = predicted_row(two, 0);
    stn_ledger_row r02 = predicted_row(both, 0), rall = predicted_row(all, 0);
    uint64_t saved =
        r0.total[STN_EVENT_row_logic3] - r2.total[STN_EVENT_row_logic3];
    assert_true(saved > 0);
    assert_int_equal(r2.total[STN_EVENT_row_logic3] -
                         r02.total[STN_EVENT_row_logic3],
                     saved);
    assert_int_equal(rall.total[STN_EVENT_row_logic3], 0);
    assert_int_equal(rall.total[STN_EVENT_row_logic2], 0);
    assert_int_equal(rall.total[STN_EVENT_row_read], 1);
    assert_int_equal(rall.total[STN_EVENT_row_write], 4 * 8);
    stn_program_destroy(none);
    stn_program_destroy(two);
    stn_program_destroy(both);
    stn_program_destroy(all);
}

#define ADDER_WORDS 64 /* 4096 columns: every pair of two 6-bit numbers */

static void put(uint64_t *rows, int column, int width, int64_t value)
{
    for (int b = 0; b < width; b++)
        rows[b * ADDER_WORDS + column / 64] |= ((uint64_t)value >> b & 1)
                                               << (column % 64);
}

static int64_t take(const uint64_t *rows, int column, int width)
{
    int64_t value = 0;
    for (int b = 0; b < width; b++)
        value |=
            (int64_t)(rows[b * ADDER_WORDS + column / 64] >> (column % 64) & 1)
            << b;
    return value & (1 << (width - 1)) ? value - (1 << width) : value;
}

/* A ± (B << shift) for all 6-bit A and B. `kind` BW_ADD starts from A, lying
 * complemented when B is subtracted; the others start from nothing. */
static void try_adder(bw_kind kind, bool subtract, bool is_signed, int shift,
                      const bw_options *options, bw_noise *noise)
{
    enum { WIDTH = 12 };
    static uint64_t acc[WIDTH * ADDER_WORDS], b[6 * ADDER_WORDS];
    static uint64_t carry[ADDER_WORDS];
    static void (*const run[])(const bw_sum *, bw_tally *) = {
        bw_rows_copy, bw_rows_negate, bw_rows_add};
    stn_ledger_row counted = {0}, predicted = {0};
    bw_tally tally = {.row = &counted,
                      .arrays = 3,
                      .logic = options->logic,
                      .latch = options->carry == BW_CARRY_LATCH,
                      .noise = noise};
    uint32_t high = UINT32_MAX << shift;
    bw_sum sum = {.acc = acc,
                  .width = WIDTH,
                  .words = ADDER_WORDS,
                  .operand = b,
                  .bits = 6,
                  .is_signed = is_signed,
                  .shift = shift,
                  .invert = subtract ? high : 0,
                  .carry = carry};
    bw_line line = {.width = 6, .is_signed = is_signed};
    memset(acc, 0, sizeof acc);
    memset(b, 0, sizeof b);
    memset(carry, 0x5a, sizeof carry);
    for (int i = 0; i < 4096; i++) {
        uint32_t a = (uint32_t)(i / 64 - 32);
        put(acc, i, WIDTH, subtract ? a ^ high : a);
        put(b, i, 6, i % 64 - (is_signed ? 32 : 0));
    }
    run[kind](&sum, &tally);
    for (int i = 0; i < 4096; i++) {
        int a = kind == BW_ADD ? i / 64 - 32 : 0;
        int x = (i % 64 - (is_signed ? 32 : 0)) * (1 << shift);
        assert_int_equal(take(acc, i, WIDTH), subtract ? a - x : a + x);
    }
    bw_predict_step(&predicted,
                    &(bw_step){.kind = (uint8_t)kind,
                               .shift = (uint8_t)shift,
                               .invert = sum.invert},
                    WIDTH, &line, 3, options);
    assert_memory_equal(&counted, &predicted, sizeof counted);
}

static void the_ripple_adder_is_right_for_all_pairs_and_both_signs(void **state)
{
    (void)state;
    static const bw_options options[] = {{.carry = BW_CARRY_ROW},
                                         {.carry = BW_CARRY_LATCH},
                                         {.logic = BW_LOGIC_MAJORITY},
                                         {.logic = BW_LOGIC_GATES}};
    static uint64_t rows[BW_NOISE_ROWS * ADDER_WORDS];
    bw_noise quiet = {.masks = rows,
                      .sensed = rows + BW_REFERENCES * ADDER_WORDS,
                      .words = ADDER_WORDS};
    for (int e = 0; e < BW_ERRORS; e++)
        quiet.left[e] = UINT64_MAX;
    for (int k = 0; k < 72; k++) { /* from 48 on by the rows that may err */
        int shift = k % 3 * 2;
        bool is_signed = k / 3 % 2, subtract = k / 6 % 2;
        const bw_options *o = &options[k / 12 % 4];
        bw_noise *noise = k < 48 ? NULL : &quiet;
        try_adder(BW_ADD, subtract, is_signed, shift, o, noise);
        try_adder(subtract ? BW_NEGATE : BW_COPY, subtract, is_signed, shift, o,
                  noise);
    }
}

/* The estimate of a fully connected layer, given the measured density of
 * ones, is near the count. */
static void skipped_bits_are_predicted_from_their_density(void **state)
{
    (void)state;
    stn_error err;
    maker m = begin(3, (stn_shape){20, 20, 1}, 10);
    append_conv(&m, STN_CONV, STN_CODE_TERNARY, 300, 20, 20, 1, 0);
    append_rescale(&m, STN_TYPE_S8, -1);
    append_conv(&m, STN_CONV, STN_CODE_INT8, 10, 1, 1, 1, 0);
    assert_ok(stn_program_check(m.image, "dense", &err), err);
    stn_program *p = &m.image->program;
    uint8_t *pixels = random_pixels(p, 1, 3);
    stn_machine *machine = load("bdnet-sot", NULL);
    stn_ledger counted = {0}, predicted = {0};
    void *mapping = NULL;
    int32_t logits[10];
    double density[3] = {0};
    assert_ok(machine->type->map(machine, p, &mapping, &err), err);
    assert_ok(stn_ledger_init(&counted, 3, &err), err);
    assert_ok(stn_ledger_init(&predicted, 3, &err), err);
    void *scratch = stn_alloc(machine->type->scratch_bytes(mapping), 1);
    machine->type->execute(mapping, pixels, logits, scratch, &counted);
    for (int i = 0; i < 3; i += 2) {
        assert_true(counted.rows[i].input_bits > 0);
        density[i] = (double)counted.rows[i].input_ones /
                     (double)counted.rows[i].input_bits;
    }
    machine->type->predict(mapping, density, &predicted);
    for (int i = 0; i < 3; i += 2)
        for (int e = 0; e < STN_EVENT_COUNT; e++) {
            double c = (double)counted.rows[i].total[e];
            double x = (double)predicted.rows[i].total[e];
            if (x < 0.9 * c || x > 1.1 * c)
                fail_msg("%s: predicted %g, counted %g", stn_events[e].name, x,
                         c);
        }
    stn_free(scratch);
    stn_ledger_deinit(&predicted);
    stn_ledger_deinit(&counted);
    machine->type->unmap(mapping);
    stn_machine_destroy(machine);
    stn_free(pixels);
    stn_program_destroy(p);
}

/* Predicts `p`, then the same program without its weights. */
static void predict_both(const stn_machine *machine, maker *m,
                         stn_simulation *s[2])
{
    stn_error err;
    stn_program *p = &m->image->program;
    stn_simulate_options o = {0};
    for (int k = 0; k < 2; k++) {
        assert_ok(stn_simulate(machine, p, &o, &s[k], &err), err);
        for (int i = 0; i < p->n_instructions; i++) {
            stn_weights *w = &m->image->instructions[i].weights;
            if (!w->codes)
                continue;
            stn_weight_outline *outline =
                stn_arena_alloc(&m->image->arena, 1, sizeof *outline);
            outline->bits = w->code == STN_CODE_BINARY    ? 1
                            : w->code == STN_CODE_TERNARY ? 2
                                                          : 8;
            outline->density =
                (double)w->n_nonzero / (double)stn_weights_count(w);
            outline->blocks = 1;
            w->outline = outline;
            const stn_instruction *in = &p->instructions[i];
            stn_value *y = &m->image->values[in->output];
            stn_outline_bound(w, &p->values[in->inputs[0]], &y->lo, &y->hi);
        }
    }
}

/* Of many random weights, the expectation and the exact sum are close. */
static void a_layer_without_weights_costs_what_random_weights_cost(void **state)
{
    (void)state;
    for (int k = 0; k < 3; k++) {
        stn_error err;
        stn_simulation *s[2];
        maker m = begin(31, (stn_shape){24, 24, 3}, 10);
        append_conv(&m, STN_CONV, (stn_code)k, 96, 3, 3, 1, 1);
        m.image->instructions[0].weights.chunk = 3;
        append_rescale(&m, STN_TYPE_U8, -1);
        append_conv(&m, STN_DEPTHWISE, (stn_code)k, 2, 3, 3, 1, 1);
        append_rescale(&m, STN_TYPE_S8, -1);
        append_conv(&m, STN_CONV, (stn_code)k, 300, 24, 24, 1, 0);
        append_rescale(&m, STN_TYPE_U8, -1);
        append_conv(&m, STN_CONV, (stn_code)k, 10, 1, 1, 1, 0);
        for (int i = 0; i < m.image->program.n_instructions; i++) {
            stn_weights *w = &m.image->instructions[i].weights;
            int8_t *codes = (int8_t *)(uintptr_t)w->codes;
            for (size_t c = 0; codes && c < stn_weights_count(w); c++)
                codes[c] = random_code(&m, w->code);
        }
        assert_ok(stn_program_check(m.image, "outline", &err), err);
        stn_machine *machine = load("bdnet-sot", "options.sub_arrays=1000000");
        predict_both(machine, &m, s);
        for (int i = 0; i < s[0]->n_layers; i++) {
            double a = stn_cost_energy_j(&s[0]->layers[i].cost);
            double b = stn_cost_energy_j(&s[1]->layers[i].cost);
            if (b < 0.96 * a || b > 1.04 * a)
                fail_msg("%s, %s: %g J with weights, %g J without",
                         stn_code_name((stn_code)k), s[0]->layers[i].name, a,
                         b);
        }
        check_sums(s[1]);
        for (int i = 0; i < 2; i++)
            stn_simulation_destroy(s[i]);
        stn_machine_destroy(machine);
        stn_program_destroy(&m.image->program);
    }
}

static stn_simulation *predict_outline(const char *network, const char *set1,
                                       const char *set2)
{
    stn_error err;
    const char *set[] = {set1, set2};
    stn_program *program = NULL;
    stn_machine *machine = NULL;
    stn_simulation *s = NULL;
    stn_outline_options o = stn_outline_defaults();
    assert_ok(stn_program_outline(network, &o, &program, &err), err);
    assert_ok(stn_machine_load("imce", set, 2, &machine, &err), err);
    assert_ok(
        stn_simulate(machine, program, &(stn_simulate_options){0}, &s, &err),
        err);
    check_sums(s);
    stn_machine_destroy(machine);
    stn_program_destroy(program);
    return s;
}

/* What does not stay is written every picture instead of once: the same rows
 * in all, more energy and time, no more sub-arrays than there are. */
static void a_network_that_does_not_fit_is_streamed(void **state)
{
    (void)state;
    stn_simulation *whole = predict_outline(
        "alexnet", "options.sub_arrays=4096", "options.stream=true");
    stn_simulation *small = predict_outline("alexnet", "options.sub_arrays=600",
                                            "options.stream=true");
    uint64_t rows[2] = {0};
    for (int i = 0; i < whole->n_layers; i++) {
        assert_int_equal(whole->layers[i].passes, 1);
        rows[0] += whole->layers[i].streamed_rows;
        rows[1] += small->layers[i].streamed_rows;
    }
    assert_int_equal(rows[0], 0);
    assert_true(rows[1] > 0);
    assert_true(small->total.sub_arrays <= 600);
    assert_true(whole->total.sub_arrays > 600);
    stn_machine *machine = load("imce", NULL);
    assert_close(whole->programming_energy_j,
                 small->programming_energy_j +
                     (double)rows[1] * machine->array.write_energy_j);
    assert_true(stn_cost_energy_j(&small->total) >
                stn_cost_energy_j(&whole->total));
    assert_true(small->total.latency_s > whole->total.latency_s);
    stn_machine_destroy(machine);
    stn_simulation_destroy(whole);
    stn_simulation_destroy(small);
}

/* Sub-arrays that several layers share are written by each of them. */
static void layers_that_share_sub_arrays_wear_them_together(void **state)
{
    (void)state;
    stn_simulation *s = predict_outline("alexnet", "options.sub_arrays=400",
                                        "options.stream=true");
    stn_machine *machine = load("imce", NULL);
    double shared_s = 0.0;
    int streamed = 0;
    for (int i = 0; i < s->n_layers; i++) {
        streamed += s->layers[i].streamed_rows > 0;
        for (int e = 0; e < s->n_layer_events; e++)
            if (s->layer_events[e].layer == i && s->layers[i].streamed_rows &&
                !strcmp(s->events[s->layer_events[e].event].name, "row_write"))
                shared_s += s->layer_events[e].latency_s;
    }
    assert_true(streamed > 1);
    assert_close(s->writes * machine->array.write_latency_s, shared_s);
    assert_close(s->lifetime, machine->array.endurance / s->writes);
    stn_machine_destroy(machine);
    stn_simulation_destroy(s);
}

/* As many copies as the chip holds make it faster, and never overflow it. */
static void spare_sub_arrays_hold_copies_of_weights(void **state)
{
    (void)state;
    double before_s = INFINITY;
    static const char *const chips[] = {"options.sub_arrays=1500",
                                        "options.sub_arrays=4096",
                                        "options.sub_arrays=20000"};
    for (int k = 0; k < 3; k++) {
        stn_simulation *s =
            predict_outline("resnet18", chips[k], "options.replicas=0");
        assert_true(s->total.sub_arrays <=
                    strtoull(strchr(chips[k], '=') + 1, NULL, 10));
        assert_true(s->total.latency_s < before_s);
        before_s = s->total.latency_s;
        stn_simulation_destroy(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            the_ripple_adder_is_right_for_all_pairs_and_both_signs),
        cmocka_unit_test(a_dead_group_costs_nothing),
        cmocka_unit_test(skipped_bits_are_predicted_from_their_density),
        cmocka_unit_test(
            a_layer_without_weights_costs_what_random_weights_cost),
        cmocka_unit_test(a_network_that_does_not_fit_is_streamed),
        cmocka_unit_test(layers_that_share_sub_arrays_wear_them_together),
        cmocka_unit_test(spare_sub_arrays_hold_copies_of_weights),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
