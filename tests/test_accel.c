/* SPDX-License-Identifier: MIT
 *
 * The accelerator seam: random programs executed on bits against the reference
 * interpreter, counts against closed forms, costs against their own sums. */
#include "accel.h"

/* Every family stands here, with each option that changes what it does. */
static const struct {
    const char *name, *set;
} machines[] = {{"bdnet-sot", NULL},
                {"bdnet-sot", "options.carry=latch"},
                {"cmp-pim", NULL},
                {"bdnet-sot-lstp", "options.filters=1"},
                {"bdnet-sot-current", "options.filters=3"},
                {"imce", NULL},
                {"imce", "options.replicas=7"},
                {"imce", "options.filters=20"},
                {"imce", "options.replicas=0"},
                {"bdnet-sot-small", NULL},
                {"imce-small", NULL},
                {"dram-ambit", NULL},
                {"dram-drisa", NULL},
                {"bdnet-sot", "options.logic=gates"},
                {"reram-digital", NULL},
                {"sram-cache", NULL},
                {"mram-lowbit-stt", NULL},
                {"mram-lowbit-sot", "options.sums=add"},
                {"isaac-like", NULL},
                {"isaac-like", "options.active_rows=37"},
                {"isaac-like", "options.signs=offset"},
                {"isaac-like", "options.copies=3"},
                {"isaac-like-small", NULL},
                {"bitslice-isaac", NULL},
                {"bitslice-isaac-small", NULL},
                {"bitslice-isaac", "options.skip_zero_columns=true"},
                {"prime-like", NULL},
                {"xnor-reram", NULL},
                {"sot-modelled", NULL},
                {"sot-modelled", "options.sums=count"},
                {"yodann-like", NULL},
                {"yodann-like", "options.held=1"},
                {"yodann-like", "options.systolic=true"},
                {"yodann-like", "options.sub_arrays=1"},
                {"pe-ternary", NULL},
                {"pe-ternary", "options.group=3"},
                {"pe-ternary", "options.held=60000"},
                {"pe-int8", NULL},
                {"pe-int8", "options.skip_zeros=true"},
                {"pe-int8", "options.systolic=true"},
                {"pe-int8", "options.weight_bits=3"},
                {"pe-int8", "options.input_bits=5"},
                {"stt-snn", NULL},
                {"stt-snn", "options.columns=1"},
                {"stt-snn", "options.rows=3"}};

static stn_machine *load_one(size_t k, const stn_program *program)
{
    const char *name = machines[k].name;
    if (strcmp(name, "bdnet-sot-small") == 0)
        return load_small("bdnet-sot", "sub_arrays", program);
    if (strcmp(name, "imce-small") == 0)
        return load_small("imce", "sub_arrays", program);
    if (strcmp(name, "isaac-like-small") == 0)
        return load_small("isaac-like", "arrays", program);
    if (strcmp(name, "bitslice-isaac-small") == 0)
        return load_small("bitslice-isaac", "arrays", program);
    return load(name, machines[k].set);
}

/* Execution equals the reference, counts equal the prediction, and a total is
 * the sum of its parts. */
static void check_program(const stn_program *program, uint64_t seed)
{
    stn_error err;
    uint8_t *pixels = random_pixels(program, 2, seed);
    stn_machine *machine =
        load_one(seed % (sizeof machines / sizeof machines[0]), program);
    stn_simulation *s = NULL;
    stn_simulate_options o = {.pixels = pixels,
                              .n_pictures = 2,
                              .threads = 1,
                              .check = STN_CHECK_ALL};
    assert_ok(stn_simulate(machine, program, &o, &s, &err), err);
    if (s->n_mismatches || !s->predicted_equals_counted)
        fail_msg("seed %d on %s: %d mismatches, prediction %s", (int)seed,
                 stn_machine_name(machine), s->n_mismatches,
                 s->predicted_equals_counted ? "holds" : "fails");
    check_sums(s);
    stn_simulation_destroy(s);
    stn_machine_destroy(machine);
    stn_free(pixels);
}

static void
random_programs_run_like_the_reference_at_the_predicted_cost(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 255; seed++) {
        stn_program *program = random_program(seed);
        check_program(program, seed);
        stn_program_destroy(program);
    }
}

/* Encoders, neurons, pools of spikes, sums over time, split time. */
static void
spiking_programs_run_like_the_reference_at_the_predicted_cost(void **state)
{
    (void)state;
    for (uint64_t seed = 1000; seed < 1140; seed++) {
        stn_program *from = NULL, *program = random_spiking(seed, &from);
        check_program(program, seed);
        stn_program_destroy(program);
        stn_program_destroy(from);
    }
}

/* Between steps: at most the threshold, and as low as leaks leave it. */
static void membranes_have_room_for_all_that_they_can_hold(void **state)
{
    (void)state;
    const stn_value x = {.lo = -100, .hi = 70, .steps = 3};
    stn_instruction in = {.opcode = STN_LIF, .leak = 128, .threshold = 1000};
    stn_neurons n = stn_neurons_of(&in, &x);
    /* -100, -50 - 100, -75 - 100; 70, 35 + 70, 52 + 70 */
    assert_int_equal(n.lo, -175);
    assert_int_equal(n.hi, 122);
    assert_int_equal(n.bits, 9);
    in.threshold = 60;
    n = stn_neurons_of(&in, &x);
    assert_int_equal(n.hi, 60);
    assert_int_equal(n.unit, STN_EVENT_neuron);
}

/* Latency may not depend on the number of columns other than downwards, down
 * to sub-arrays that cut every row into tiles. */
static void wider_sub_arrays_are_never_slower(void **state)
{
    (void)state;
    for (uint64_t seed = 100; seed < 110; seed++) {
        stn_error err;
        stn_program *program = random_program(seed);
        uint8_t *pixels = random_pixels(program, 1, seed);
        stn_machine *machine = load("bdnet-sot", NULL);
        double before_s = INFINITY;
        for (int columns = 16; columns <= 2048; columns *= 2) {
            stn_simulation *s = NULL;
            stn_simulate_options o = {.pixels = pixels,
                                      .n_pictures = 1,
                                      .threads = 1,
                                      .check = STN_CHECK_ALL};
            machine->array.columns = columns;
            ((bw_options *)machine->attrs)->sub_arrays = 1 << 20;
            assert_ok(stn_simulate(machine, program, &o, &s, &err), err);
            assert_int_equal(s->n_mismatches, 0);
            assert_true(s->predicted_equals_counted);
            assert_true(s->total.latency_s <= before_s * (1.0 + 1e-12));
            before_s = s->total.latency_s;
            stn_simulation_destroy(s);
        }
        stn_machine_destroy(machine);
        stn_free(pixels);
        stn_program_destroy(program);
    }
}

static void results_do_not_depend_on_threads(void **state)
{
    (void)state;
    stn_error err;
    stn_program *program = random_program(5);
    uint8_t *pixels = random_pixels(program, 9, 5);
    stn_machine *machine = load("bdnet-sot", NULL);
    int32_t logits[2][90] = {{0}};
    stn_simulation *s[2] = {NULL};
    for (int k = 0; k < 2; k++) {
        stn_simulate_options o = {
            .pixels = pixels, .n_pictures = 9, .threads = 1 + 2 * k};
        assert_ok(stn_simulate(machine, program, &o, &s[k], &err), err);
        assert_ok(stn_simulate_classify(machine, program, pixels, 9, 1 + 2 * k,
                                        logits[k], &err),
                  err);
        assert_int_equal(s[k]->n_pictures, 9);
    }
    assert_memory_equal(logits[0], logits[1], sizeof logits[0]);
    assert_memory_equal(&s[0]->total, &s[1]->total, sizeof s[0]->total);
    stn_simulation_destroy(s[0]);
    stn_simulation_destroy(s[1]);
    stn_machine_destroy(machine);
    stn_free(pixels);
    stn_program_destroy(program);
}

static void row_logic_that_the_cells_cannot_do_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name, *set, *says;
    } cases[] = {
        {"dram-ambit", "options.logic=sense", "expected majority or gates"},
        {"bdnet-sot", "options.logic=majority", "expected sense or gates"},
        {"sram-cache", "options.logic=majority",
         "rows of nvsim-sram-6t that are"},
    };
    stn_error err;
    stn_program *program = random_program(1);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        stn_machine *machine = load(cases[i].name, cases[i].set);
        stn_simulation *s = NULL;
        assert_refused(stn_simulate(machine, program,
                                    &(stn_simulate_options){0}, &s, &err),
                       err, STN_E_UNSUPPORTED, cases[i].says);
        stn_machine_destroy(machine);
    }
    stn_program_destroy(program);
}

static void a_program_that_does_not_fit_is_refused_with_numbers(void **state)
{
    (void)state;
    stn_error err;
    stn_program *program = random_program(1);
    stn_machine *machine = load("bdnet-sot", "options.sub_arrays=2");
    stn_simulation *s = NULL;
    stn_simulate_options o = {0};
    assert_refused(stn_simulate(machine, program, &o, &s, &err), err,
                   STN_E_UNSUPPORTED, "the machine has 2");
    ((bw_options *)machine->attrs)->sub_arrays = 4096;
    machine->array.rows = 16;
    assert_refused(stn_simulate(machine, program, &o, &s, &err), err,
                   STN_E_UNSUPPORTED, "rows");
    assert_null(s);
    stn_machine_destroy(machine);
    stn_program_destroy(program);
}

/* Layer `name` of a simulation, or a failure. */
static const stn_layer_cost *layer_of(const stn_simulation *s, const char *name)
{
    for (int i = 0; i < s->n_layers; i++)
        if (strcmp(s->layers[i].name, name) == 0)
            return &s->layers[i];
    fail_msg("there is no layer %s", name);
    return NULL;
}

/* LeNet-5, conv2: 16 filters of 5 x 5 x 6 at 10 x 10 positions. */
static void the_float_baseline_counts_every_product(void **state)
{
    (void)state;
    stn_error err;
    stn_machine *machine = load("bdnet-sot", NULL);
    stn_simulation *s = NULL;
    assert_ok(stn_simulate_float(machine, "lenet5", &s, &err), err);
    check_sums(s);
    double products =
        28 * 28 * 6 * 25 + 10 * 10 * 16 * 150 + 400 * 120 + 120 * 84 + 84 * 10;
    for (int e = 0; e < s->n_events; e++)
        if (strcmp(s->events[e].name, "fp32_mul") == 0)
            assert_close(s->events[e].count, products + 28 * 28);
    const stn_cost *conv2 = &layer_of(s, "conv2")->cost;
    assert_close(conv2->energy_j[STN_COMPONENT_LOGIC],
                 240000.0 * (3.7e-12 + 0.9e-12));
    assert_true(conv2->latency_s >= 240000.0 / 64 * 1e-9);
    assert_close(stn_cost_area_m2(conv2), 2 * stn_machine_area_m2(machine) +
                                              64 * machine->float_unit_m2);
    stn_simulation_destroy(s);
    assert_int_not_equal(
        stn_simulate_float(machine, "no-such-network", &s, &err), STN_OK);
    stn_machine_destroy(machine);
}

/* 16C5-P2-32C5-P2-128-10 in 20 steps. */
static void a_spiking_network_in_floats_multiplies_at_every_step(void **state)
{
    (void)state;
    stn_error err;
    stn_machine *machine = load("bdnet-sot", NULL);
    stn_simulation *s = NULL;
    assert_ok(stn_simulate_float(machine, "snn-lenet", &s, &err), err);
    check_sums(s);
    double maps = 12 * 12 * 16 + 4 * 4 * 32;
    double products = 24 * 24 * 16 * 25 + 8 * 8 * 32 * 400 + 512 * 128 +
                      128 * 10 + maps /* pools */ + 2 * (maps + 128);
    for (int e = 0; e < s->n_events; e++)
        if (strcmp(s->events[e].name, "fp32_mul") == 0)
            assert_close(s->events[e].count, 20 * products + 10);
    assert_close(layer_of(s, "lif3")->cost.energy_j[STN_COMPONENT_LOGIC],
                 20 * 128 * (3.7e-12 + 2 * 0.9e-12));
    stn_simulation_destroy(s);
    stn_machine_destroy(machine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            random_programs_run_like_the_reference_at_the_predicted_cost),
        cmocka_unit_test(
            spiking_programs_run_like_the_reference_at_the_predicted_cost),
        cmocka_unit_test(membranes_have_room_for_all_that_they_can_hold),
        cmocka_unit_test(wider_sub_arrays_are_never_slower),
        cmocka_unit_test(results_do_not_depend_on_threads),
        cmocka_unit_test(row_logic_that_the_cells_cannot_do_is_refused),
        cmocka_unit_test(a_program_that_does_not_fit_is_refused_with_numbers),
        cmocka_unit_test(the_float_baseline_counts_every_product),
        cmocka_unit_test(a_spiking_network_in_floats_multiplies_at_every_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
