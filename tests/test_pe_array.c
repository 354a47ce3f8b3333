/* SPDX-License-Identifier: MIT
 *
 * The pe_array family beyond what test_accel.c asks of all: events that can be
 * counted by hand, zeros that are left out, and what has no room. */
#include "accel.h"
#include "accel/pe_array.h"

static stn_simulation *predict(const stn_machine *machine,
                               const stn_program *program)
{
    stn_error err;
    stn_simulation *s = NULL;
    stn_simulate_options o = {0};
    assert_ok(stn_simulate(machine, program, &o, &s, &err), err);
    return s;
}

/* Of the first layer; 0 where it has none. */
static double count_of(const stn_simulation *s, const char *event)
{
    for (int e = 0; e < s->n_layer_events; e++)
        if (s->layer_events[e].layer == 0 &&
            strcmp(s->events[s->layer_events[e].event].name, event) == 0)
            return s->layer_events[e].count;
    return 0.0;
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
    assert_close(count_of(s, "add_bit"), 4 * 2 * 9 * 2 * bits);
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
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_of_a_layer_are_what_one_can_count_by_hand),
        cmocka_unit_test(leaving_zeros_out_saves_time_and_keeps_products),
        cmocka_unit_test(what_has_no_room_is_refused_with_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
