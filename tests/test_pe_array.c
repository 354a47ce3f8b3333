/* SPDX-License-Identifier: MIT
 *
 * The pe_array family beyond what test_accel.c asks of all: events that can be
 * counted by hand, zeros that are left out, and what has no room. */
#include "accel.h"
#include "accel/pe_array.h"
#include "accel/validate.h"
#include "base/spikes.h"
#include "setun/data.h"
#include "setun/evaluate.h"

static stn_simulation *predict(const stn_machine *machine,
                               const stn_program *program)
{
    stn_error err;
    stn_simulation *s = NULL;
    stn_simulate_options o = {0};
    assert_ok(stn_simulate(machine, program, &o, &s, &err), err);
    return s;
}

/* Of one layer; 0 where it has none. */
static double count_in(const stn_simulation *s, int layer, const char *event)
{
    for (int e = 0; e < s->n_layer_events; e++)
        if (s->layer_events[e].layer == layer &&
            strcmp(s->events[s->layer_events[e].event].name, event) == 0)
            return s->layer_events[e].count;
    return 0.0;
}

static double count_of(const stn_simulation *s, const char *event)
{
    return count_in(s, 0, event);
}

/* 2 filters of 3 x 3 at the 2 x 2 positions of a picture of 4 x 4. */
static stn_program *one_convolution(void)
{
    stn_error err;
    maker m = begin(3, (stn_shape){4, 4, 1}, 10);
    append_conv(&m, STN_CONV, STN_CODE_BINARY, 2, 3, 3, 1, 0);
    append_activation(&m);
    append_conv(&m, STN_CONV, STN_CODE_BINARY, 10, 2, 2, 1, 0);
    assert_ok(stn_program_check(m.image, "one", &err), err);
    return &m.image->program;
}

static void events_of_a_layer_are_what_one_can_count_by_hand(void **state)
{
    (void)state;
    stn_program *program = one_convolution();
    const stn_value *y = &program->values[1];
    double bits = pe_range_bits(y->lo, y->hi);
    stn_machine *machine = load("yodann-like", "options.input_bits=4");
    stn_simulation *s = predict(machine, program);
    /* 4 positions, 2 filters, 9 weights, 8-bit pixels in two passes. */
    /* A digit by a sign is 5 bits wide, a tree takes one more for each; the
     * sums of both passes are added below it. */
    assert_close(count_of(s, "add_bit"),
                 4 * 2 * 9 * 2 * 6.0 + 4 * 2 * 2 * bits);
    assert_close(count_of(s, "mul_bit"), 0.0);
    /* 9 inputs of 4 bits and 2 sums each of 4 positions and 2 passes. */
    assert_close(count_of(s, "register_bit"), 4 * 2 * (9 * 4 + 2 * bits));
    /* The picture, from outside and into the buffer: 128 bits are a row. */
    assert_close(count_of(s, "off_chip_bit"), 4 * 4 * 8);
    assert_close(count_of(s, "row_write"), 1.0);
    /* Weights, and the input for the one tile of filters. */
    assert_close(count_of(s, "row_read"), 2.0);
    assert_close(s->layers[0].cost.latency_s, 4 * 2 * 2.083e-9);
    stn_simulation_destroy(s);
    stn_machine_destroy(machine);
    stn_program_destroy(program);
}

/* Fills and drains take 2 R + C - 2 cycles a fold beside its steps (R = 3, C =
 * 2; two passes of 8-bit pixels in elements of 4 bits), and operands are
 * clocked in every element they pass. */
static void a_systolic_array_pays_for_each_fold(void **state)
{
    (void)state;
    stn_program *program = one_convolution();
    double bits = pe_range_bits(program->values[1].lo, program->values[1].hi);
    const struct {
        const char *machine;
        double cycles, register_bits, utilisation;
    } flows[] = {/* Sums stay: positions 3 + 1, 9 steps; a weight of one bit. */
                 {"pe-int8", 2 * (9 * 2 + 6.0), 4 * 2 * 9 * 2 * (4 + 1 + bits),
                  4.0 / 6 * 18 / 24},
                 /* Weights stay: three tiles of 3 elements at 4 positions. */
                 {"yodann-like", 3 * (4 * 2 + 6.0), 4 * 2 * 9 * 2 * (4 + bits),
                  8.0 / 14}};
    for (int i = 0; i < 2; i++) {
        stn_machine *machine = load(flows[i].machine, "options.systolic=true");
        pe_options *o = machine->attrs;
        o->rows = 3;
        o->columns = 2;
        o->input_bits = 4;
        stn_simulation *s = predict(machine, program);
        double cycle_s = machine->event_latency_s[STN_EVENT_add_bit];
        assert_close(s->layers[0].cost.latency_s, flows[i].cycles * cycle_s);
        assert_close(count_of(s, "register_bit"), flows[i].register_bits);
        assert_close(s->layers[0].cost.utilisation, flows[i].utilisation);
        stn_simulation_destroy(s);
        stn_machine_destroy(machine);
    }
    stn_program_destroy(program);
}

/* To the cycle where weights stay; where sums stay SCALE-Sim's code leaves out
 * that they pass the rows on their way out. Lock step is never slower. */
static void cycles_of_a_systolic_array_are_those_of_scale_sim(void **state)
{
    (void)state;
    stn_error err;
    stn_arena arena = {0};
    stn_validate_list list = {.arena = &arena};
    assert_ok(stn_validate_pe_array(&list, &err), err);
    assert_int_equal(list.n, 8);
    for (int i = 0; i < list.n; i++) {
        const stn_agreement *a = &list.items[i];
        if (!strstr(a->group, "systolic"))
            assert_true(a->median_signed < 0.0);
        else if (strstr(a->group, "weight"))
            assert_true(a->worst < 1e-12);
        else
            assert_true(a->median_signed > 0.0 && a->median < 0.1);
    }
    stn_free(list.items);
    stn_arena_deinit(&arena);
}

static void only_dense_flows_are_systolic(void **state)
{
    (void)state;
    stn_error err;
    stn_program *program = one_convolution();
    stn_simulate_options o = {0};
    stn_simulation *s = NULL;
    stn_machine *machine = load("pe-ternary", "options.systolic=true");
    assert_refused(stn_simulate(machine, program, &o, &s, &err), err,
                   STN_E_UNSUPPORTED, "options.systolic");
    stn_machine_destroy(machine);
    stn_program_destroy(program);
}

/* Random programs have dead groups, so that something is left out somewhere. */
static void leaving_zeros_out_saves_time_and_keeps_products(void **state)
{
    (void)state;
    double saved_s = 0.0;
    for (uint64_t seed = 0; seed < 20; seed++) {
        stn_program *program = random_program(seed);
        stn_machine *all = load("pe-int8", "options.columns=2");
        stn_machine *few = load("pe-int8", "options.columns=2");
        ((pe_options *)few->attrs)->skip_zeros = true;
        stn_simulation *a = predict(all, program), *b = predict(few, program);
        assert_true(b->total.latency_s <= a->total.latency_s);
        assert_close(count_of(a, "add_bit"), count_of(b, "add_bit"));
        saved_s += a->total.latency_s - b->total.latency_s;
        stn_simulation_destroy(a);
        stn_simulation_destroy(b);
        stn_machine_destroy(all);
        stn_machine_destroy(few);
        stn_program_destroy(program);
    }
    assert_true(saved_s > 0.0);
}

enum { STEPS = 6, INPUTS = 40 };

/* Spikes of 40 pixels in 6 steps, summed by 10 neurons. */
static stn_program *one_sum_of_spikes(void)
{
    stn_error err;
    maker m = begin(4, (stn_shape){1, 1, INPUTS}, 10);
    append(&m, "code",
           (stn_instruction){.opcode = STN_RATE_CODE, .steps = STEPS},
           STN_TYPE_U8, (stn_shape){1, 1, INPUTS});
    append_conv(&m, STN_CONV, STN_CODE_BINARY, 10, 1, 1, 1, 0);
    append(&m, "sum", (stn_instruction){.opcode = STN_SUM_STEPS}, STN_TYPE_S32,
           (stn_shape){1, 1, 10});
    assert_ok(stn_program_check(m.image, "spikes", &err), err);
    return &m.image->program;
}

static void what_has_no_room_is_refused_with_numbers(void **state)
{
    (void)state;
    stn_error err;
    stn_program *program = random_program(1);
    stn_machine *machine = load("pe-int8", "options.off_chip=false");
    stn_simulation *s = NULL;
    stn_simulate_options o = {0};
    machine->array.rows = 1;
    ((pe_options *)machine->attrs)->sub_arrays = 1;
    assert_refused(stn_simulate(machine, program, &o, &s, &err), err,
                   STN_E_UNSUPPORTED, "no room in the buffer's 512");
    ((pe_options *)machine->attrs)->off_chip = true;
    ((pe_options *)machine->attrs)->sum_bits = 8;
    assert_refused(stn_simulate(machine, program, &o, &s, &err), err,
                   STN_E_UNSUPPORTED, "adders have 8");
    stn_machine_destroy(machine);
    stn_program_destroy(program);
    stn_program *split = NULL;
    program = one_sum_of_spikes();
    assert_ok(stn_program_split_time(program, 5, &split, &err), err);
    machine = load("stt-snn", "options.held=4");
    assert_refused(stn_simulate(machine, split, &o, &s, &err), err,
                   STN_E_UNSUPPORTED, "windows of 5 steps, an element has 4");
    stn_machine_destroy(machine);
    stn_program_destroy(split);
    stn_program_destroy(program);
}

/* Three tiles of at most four filters, three pairs of steps. */
static void
an_input_takes_a_cycle_where_one_of_the_windows_has_a_spike(void **state)
{
    (void)state;
    stn_error err;
    stn_program *program = one_sum_of_spikes();
    stn_machine *machine = load("stt-snn", "options.rows=4");
    ((pe_options *)machine->attrs)->columns = 2;
    uint8_t *pixels = random_pixels(program, 1, 8);
    double spikes = 0, cycles = 0, bits;
    for (int i = 0; i < INPUTS; i++)
        for (int t = 0; t < STEPS; t += 2) {
            uint32_t k = (uint32_t)(t * INPUTS + i);
            bool a = pixels[i] > stn_spike_threshold(0, k);
            bool b = pixels[i] > stn_spike_threshold(0, k + INPUTS);
            spikes += a + b;
            cycles += a || b;
        }
    assert_in_range(cycles, 20, 3 * INPUTS - 20);
    stn_simulation *s = NULL;
    stn_simulate_options o = {.pixels = pixels,
                              .n_pictures = 1,
                              .threads = 1,
                              .check = STN_CHECK_ALL};
    assert_ok(stn_simulate(machine, program, &o, &s, &err), err);
    assert_int_equal(s->n_mismatches, 0);
    bits = pe_range_bits(program->values[2].lo, program->values[2].hi);
    assert_close(count_in(s, 1, "add_bit"), spikes * 10 * bits);
    /* For each cycle the weights of a tile, which pass two columns, and an
     * input for each of them; a sum for each addition. */
    assert_close(count_in(s, 1, "register_bit"),
                 cycles * 2 * (10 + 3) + spikes * 10 * bits);
    /* A row of weights each, and the spikes of a step for each tile. */
    assert_close(count_in(s, 1, "row_read"), 3 * cycles + 3 * STEPS);
    assert_close(s->layers[1].cost.latency_s,
                 fmax(3e-9 * cycles, (3 * cycles + 3 * STEPS) *
                                         machine->array.read_latency_s));
    stn_simulation_destroy(s);
    stn_free(pixels);
    stn_machine_destroy(machine);
    stn_program_destroy(program);
}

/* A small LeNet of the given codes, for MNIST. */
static stn_program *lenet(stn_code code, bool spikes)
{
    stn_error err;
    maker m = begin(77 + (uint64_t)code, (stn_shape){28, 28, 1}, 10);
    if (spikes)
        append(&m, "code",
               (stn_instruction){.opcode = STN_RATE_CODE, .steps = 4},
               STN_TYPE_U8, (stn_shape){28, 28, 1});
    for (int layer = 0; layer < 2; layer++) {
        append_conv(&m, STN_CONV, code, 6, 5, 5, 1, layer ? 0 : 2);
        append_pool(&m, STN_SUM_POOL);
        if (spikes)
            append_neurons(&m);
        else
            append_rescale(&m, STN_TYPE_U8, -1);
    }
    stn_shape x = shape_of(&m);
    append_conv(&m, STN_CONV, code, 10, x.h, x.w, 1, 0);
    if (spikes)
        append(&m, "sum", (stn_instruction){.opcode = STN_SUM_STEPS},
               STN_TYPE_S32, (stn_shape){1, 1, 10});
    assert_ok(stn_program_check(m.image, "lenet", &err), err);
    return &m.image->program;
}

/* Handwritten digits, most of whose pixels are 0 or 255. */
static void real_pictures_run_as_the_reference_has_them(void **state)
{
    (void)state;
    static const char *const names[] = {"yodann-like", "pe-ternary", "pe-int8",
                                        "stt-snn"};
    enum { PICTURES_OF_EACH = 2 };
    stn_error err;
    stn_dataset *digits = NULL;
    if (stn_dataset_open("mnist", &digits, &err) != STN_OK) {
        print_message("skipped, needs ../shared/data/mnist\n");
        skip();
    }
    for (int k = 0; k < 6; k++) {
        stn_program *program = lenet((stn_code)(k % 3), k >= 3);
        stn_pictures *pictures = NULL;
        assert_ok(stn_pictures_create(digits, program->input, PICTURES_OF_EACH,
                                      &pictures, &err),
                  err);
        for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
            stn_machine *machine = load(names[i], NULL);
            stn_simulation *s = NULL;
            stn_simulate_options o = {.pixels = pictures->pixels,
                                      .n_pictures = PICTURES_OF_EACH,
                                      .threads = 1,
                                      .check = STN_CHECK_ALL};
            assert_ok(stn_simulate(machine, program, &o, &s, &err), err);
            assert_int_equal(s->n_mismatches, 0);
            assert_true(s->predicted_equals_counted);
            stn_simulation_destroy(s);
            stn_machine_destroy(machine);
        }
        stn_pictures_destroy(pictures);
        stn_program_destroy(program);
    }
    stn_dataset_close(digits);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_of_a_layer_are_what_one_can_count_by_hand),
        cmocka_unit_test(a_systolic_array_pays_for_each_fold),
        cmocka_unit_test(cycles_of_a_systolic_array_are_those_of_scale_sim),
        cmocka_unit_test(only_dense_flows_are_systolic),
        cmocka_unit_test(leaving_zeros_out_saves_time_and_keeps_products),
        cmocka_unit_test(what_has_no_room_is_refused_with_numbers),
        cmocka_unit_test(
            an_input_takes_a_cycle_where_one_of_the_windows_has_a_spike),
        cmocka_unit_test(real_pictures_run_as_the_reference_has_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
