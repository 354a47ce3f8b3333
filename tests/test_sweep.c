/* SPDX-License-Identifier: MIT
 *
 * Sweeps: every point is what stn_simulate says of the same machine, the
 * front is what comparing all pairs gives, and bits are executed. */
#include "test.h"
#include "accel/sweep.h"
#include "programs.h"

static const char *const carries[] = {"row", "latch"};
static const char *const filters[] = {"0", "4", "16"};
static const char *const energies[] = {"0.5", "1.01", "2"};
static const char *const latencies[] = {"0.2", "1.3"};
static const char *const bits[] = {"1", "2", "8"};
static const stn_objective objectives[] = {
    STN_OBJECTIVE_ENERGY, STN_OBJECTIVE_LATENCY, STN_OBJECTIVE_AREA};

static const stn_sweep_axis axes[] = {
    {"network.weights", bits, 3},
    {"options.carry", carries, 2},
    {"options.filters", filters, 3},
    {"tech.events.link_bit.latency.value", latencies, 2},
    {"tech.events.link_bit.energy.value", energies, 3}};

static stn_sweep_options defaults(void)
{
    return (stn_sweep_options){.machine = "bdnet-sot",
                               .network = "lenet5",
                               .outline = stn_outline_defaults(),
                               .axes = axes,
                               .n_axes = 5,
                               .objectives = objectives,
                               .n_objectives = 3,
                               .threads = 1};
}

static stn_sweep *sweep_of(const stn_sweep_options *o)
{
    stn_error err;
    stn_sweep *s = NULL;
    assert_ok(stn_sweep_run(o, &s, &err), err);
    return s;
}

/* n_checks = n_points: all are simulated one by one. */
static void every_point_is_what_simulating_it_gives(void **state)
{
    (void)state;
    stn_sweep_options o = defaults();
    o.n_checks = 108;
    stn_sweep *s = sweep_of(&o);
    assert_int_equal(s->n_points, 108);
    assert_int_equal(s->n_fit, 108);
    assert_int_equal(s->n_checked, 108);
    /* One by hand: 2 bits, latch, 16 filters, 1.3 ns, 0.5 pJ. */
    const char *set[] = {"options.carry=latch", "options.filters=16",
                         "tech.events.link_bit.energy.value=0.5"};
    stn_error err;
    stn_machine *machine = NULL;
    stn_program *program = NULL;
    stn_simulation *simulation = NULL;
    o.outline.weight_bits = 2;
    assert_ok(stn_machine_load("bdnet-sot", set, 3, &machine, &err), err);
    assert_ok(stn_program_outline("lenet5", &o.outline, &program, &err), err);
    assert_ok(stn_simulate(machine, program, &(stn_simulate_options){0},
                           &simulation, &err),
              err);
    uint64_t i = (((1 * 2 + 1) * 3 + 2) * 2 + 1) * 3 + 0;
    assert_int_equal(stn_sweep_value(&o, i, 2), 2);
    assert_true(s->points[i].objective[STN_OBJECTIVE_ENERGY] ==
                stn_cost_energy_j(&simulation->total));
    assert_true(s->points[i].objective[STN_OBJECTIVE_PROGRAMMING] ==
                simulation->programming_energy_j);
    stn_simulation_destroy(simulation);
    stn_program_destroy(program);
    stn_machine_destroy(machine);
    stn_sweep_destroy(s);
}

/* Families with circuits: their figures, and those of events, options and
 * geometry change in turn. */
static void mappings_are_kept_for_machines_with_circuits_too(void **state)
{
    (void)state;
    static const char *const reads[] = {"50", "400"}, *lanes[] = {"4", "16"};
    static const char *const areas[] = {"4", "40"};
    static const int strides[] = {1, 6, 12};
    const stn_sweep_axis crossbar[] = {
        {"circuits.read_latency.value", reads, 2},
        {"options.lanes", lanes, 2},
        {"tech.events.link_bit.latency.value", latencies, 2},
        {"tech.events.rescale.energy.value", energies, 3}};
    const stn_sweep_axis elements[] = {
        {"circuits.add_bit_area.value", areas, 2},
        {"options.lanes", lanes, 2},
        {"tech.events.add_bit.latency.value", latencies, 2},
        {"tech.events.rescale.energy.value", energies, 3}};
    for (int k = 0; k < 2; k++) {
        stn_sweep_options o = defaults();
        o.machine = k ? "pe-int8" : "isaac-like";
        o.axes = k ? elements : crossbar;
        o.n_axes = 4;
        o.n_checks = 24;
        stn_sweep *s = sweep_of(&o);
        assert_int_equal(s->n_fit, 24);
        assert_int_equal(s->n_checked, 24);
        for (int i = 0; i < 3; i++) /* energy, lanes, circuits */
            assert_memory_not_equal(&s->points[strides[i]], &s->points[0],
                                    sizeof s->points[0]);
        stn_sweep_destroy(s);
    }
}

/* All points of a sweep are those of machines that are read anew. */
static void check_all(const char *machine, const char *const *set, int n_set,
                      const stn_sweep_axis *list, int n)
{
    stn_sweep_options o = defaults();
    o.machine = machine;
    o.set = set;
    o.n_set = n_set;
    o.axes = list;
    o.n_axes = n;
    o.n_checks = 1;
    for (int a = 0; a < n; a++)
        o.n_checks *= list[a].n;
    stn_sweep *s = sweep_of(&o);
    assert_int_equal(s->n_fit, o.n_checks);
    assert_int_equal(s->n_checked, o.n_checks);
    uint64_t stride = s->n_points;
    for (int a = 0; a < n; a++) { /* and each axis matters */
        stride /= (uint64_t)list[a].n;
        if (list[a].n == 1)
            continue;
        assert_memory_not_equal(s->points, s->points + stride,
                                sizeof s->points->objective);
    }
    stn_sweep_destroy(s);
}

/* Units of many widths and both roadmaps, and a buffer. */
static void digital_units_are_kept_and_change_nothing(void **state)
{
    (void)state;
    static const char *const columns[] = {"128", "160", "192", "224"};
    static const char *const sums[] = {"add", "count"};
    static const char *const roadmaps[] = {"HP", "LSTP"};
    static const char *const rows[] = {"128", "256", "512"};
    const stn_sweep_axis units[] = {{"options.sums", sums, 2},
                                    {"array.columns", columns, 4},
                                    {"buffer.array.rows", rows, 3},
                                    {"units.roadmap", roadmaps, 2}};
    check_all("sot-modelled", NULL, 0, units, 4);
}

/* A part that is kept must be made anew by whatever it is made of, with axes
 * in an order and in the other. */
static void parts_that_are_kept_never_outlive_their_fields(void **state)
{
    (void)state;
    static const char *const rows[] = {"128", "256"}, *lanes[] = {"4", "16"};
    static const char *const widths[] = {"14", "15"}, *figures[] = {"1", "9"};
    static const char *const cells[] = {"sot-2t1m", "stt-mram"};
    static const char *const techs[] = {"cmos-45nm", "cmos-32nm"};
    static const char *const sizes[] = {"45", "50"}, *banks[] = {"16", "64"};
    static const char *const roadmaps[] = {"HP", "LSTP"};
    static const char *const models[] = {"scaled", "structure"};
    static const char *const areas[] = {"4"};
#define LEAK(nw)                                                               \
    "{value: " nw ", unit: nW, source: a test, confidence: assumed}"
    static const char *const leaks[] = {LEAK("1"), LEAK("9")};
#define OF(roadmap)                                                            \
    "{transistors: ptm, roadmap: " roadmap ", full_scale: {value: 0.5, "       \
    "unit: V, source: a test, confidence: assumed}, unit_capacitor: {value: "  \
    "1, unit: fF, source: a test, confidence: assumed}, capacitor_matching: "  \
    "{value: 10, unit: nm, source: a test, confidence: assumed}}"
    static const char *const of[] = {OF("HP"), OF("LSTP")};
    static const char *const scales[] = {"0.3", "0.5"}, *adcs[] = {"4", "0"};
    static const char *const digits[] = {"1", "2"}, *nodes[] = {"32", "28"};
#define OWN(pj)                                                                \
    "{energy: {value: " pj ", unit: pJ, source: a test, confidence: assumed}," \
    " latency: {value: 1, unit: ns, source: a test, confidence: assumed}}"
    static const char *const own[] = {OWN("1"), OWN("2")};
    static const char *const buffer[] = {"buffer.cell=sot-2t1m"};
    const struct {
        const char *machine;
        int n_set;
        stn_sweep_axis axes[5];
    } list[] = {{"sot-modelled",
                 1,
                 {{"cell.access_width.value", widths, 2},
                  {"array.rows", rows, 2},
                  {"options.lanes", lanes, 2},
                  {"buffer.array.rows", rows, 2},
                  {"tech.events.link_bit.energy.value", figures, 2}}},
                {"sot-modelled",
                 0,
                 {{"cell.access_width.value", widths, 2},
                  {"cell", cells, 2},
                  {"tech.events.link_bit.energy.value", figures, 2},
                  {"array.columns", rows, 2},
                  {"tech", techs, 2}}},
                {"sot-modelled",
                 0,
                 {{"tech.feature_size.value", sizes, 2},
                  {"units.roadmap", roadmaps, 2},
                  {"array.roadmap", roadmaps, 2},
                  {"tech.events.link_bit.latency.value", figures, 2},
                  {"options.carry", carries, 2}}},
                {"isaac-like",
                 0,
                 {{"options.adc_model", models, 2},
                  {"circuits.read_latency.value", widths, 2},
                  {"areas.sub_array_logic.value", figures, 2},
                  {"cell.cell_area.value", areas, 1},
                  {"options.cell_bits", figures, 1}}},
                {"isaac-like",
                 0,
                 {{"circuits.dac_leakage", leaks, 2},
                  {"circuits.adc_leakage", leaks, 2},
                  {"options.columns_per_adc", banks, 2},
                  {"options.adc_bits", adcs, 2},
                  {"options.adc_model", models, 2}}},
                {"isaac-like",
                 0,
                 {{"converters", of, 2},
                  {"circuits.read_latency.value", widths, 2},
                  {"options.columns_per_adc", banks, 2},
                  {"tech.feature_size.value", nodes, 2},
                  {"options.dac_bits", digits, 2}}},
                {"isaac-modelled",
                 0,
                 {{"options.adc_bits", adcs, 2},
                  {"converters.roadmap", roadmaps, 2},
                  {"converters.full_scale.value", scales, 2},
                  {"array.columns", rows, 2},
                  {"tech", techs, 2}}},
                {"isaac-modelled",
                 0,
                 {{"cell.cell_area.value", widths, 2},
                  {"converters.unit_capacitor.value", figures, 2},
                  {"array.rows", rows, 2},
                  {"circuits.read_energy.value", figures, 2},
                  {"options.dac_bits", digits, 2}}},
                {"pe-int8",
                 0,
                 {{"bank.sub_arrays", banks, 2},
                  {"array.rows", rows, 2},
                  {"options.rows", lanes, 2},
                  {"circuits.add_bit_area.value", figures, 2},
                  {"tech.events.off_chip_bit.energy.value", figures, 2}}},
                {"bdnet-sot",
                 0,
                 {{"tech.areas.lane.value", banks, 2},
                  {"events.rescale", own, 2},
                  {"options.lanes", lanes, 2},
                  {"tech.events.link_bit.latency.value", figures, 2},
                  {"baseline.float_units", banks, 1}}}};
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        stn_sweep_axis turned[5];
        for (int a = 0; a < 5; a++)
            turned[a] = list[i].axes[4 - a];
        check_all(list[i].machine, buffer, list[i].n_set, list[i].axes, 5);
        check_all(list[i].machine, buffer, list[i].n_set, turned, 5);
    }
}

/* Converters of many technologies and resolutions, kept from point to point. */
static void modelled_converters_are_kept_and_change_nothing(void **state)
{
    (void)state;
    static const char *const resolutions[] = {"4", "8", "[3, 1]", "0"};
    static const char *const techs[] = {"cmos-65nm", "cmos-32nm", "cmos-22nm"};
    static const char *const roadmaps[] = {"HP", "LSTP"};
    static const char *const scales[] = {"0.3", "0.5"};
    const stn_sweep_axis converters[] = {
        {"options.adc_bits", resolutions, 4},
        {"tech", techs, 3},
        {"converters.roadmap", roadmaps, 2},
        {"converters.full_scale.value", scales, 2}};
    check_all("isaac-modelled", NULL, 0, converters, 4);
}

static bool beats(const stn_sweep_point *a, const stn_sweep_point *b)
{
    bool better = false;
    for (int k = 0; k < 3; k++) {
        if (a->objective[objectives[k]] > b->objective[objectives[k]])
            return false;
        better |= a->objective[objectives[k]] < b->objective[objectives[k]];
    }
    return better;
}

/* More geometries than mappings that are kept, of a modelled array. */
static void
forgotten_mappings_and_kept_technologies_change_nothing(void **state)
{
    (void)state;
    static const char *const rows[] = {"128", "160", "192", "224", "256",
                                       "288", "320", "352", "384", "416"};
    static const char *const columns[] = {"128", "160", "192", "224",
                                          "256", "288", "320", "352"};
    static const char *const roadmaps[] = {"HP", "LSTP"};
    const stn_sweep_axis geometry[] = {{"array.rows", rows, 10},
                                       {"array.columns", columns, 8},
                                       {"array.roadmap", roadmaps, 2}};
    stn_sweep_options o = defaults();
    o.machine = "sot-modelled";
    o.axes = geometry;
    o.n_axes = 3;
    o.n_checks = 160;
    stn_sweep *s = sweep_of(&o);
    assert_int_equal(s->n_fit, 160);
    assert_int_equal(s->n_checked, 160);
    assert_true(s->points[0].objective[STN_OBJECTIVE_ENERGY] !=
                s->points[1].objective[STN_OBJECTIVE_ENERGY]);
    stn_sweep_destroy(s);
}

/* Programs of different lengths, whose mappings follow each other. */
static void forgotten_mappings_leave_nothing_to_other_networks(void **state)
{
    (void)state;
    static const char *const lanes[] = {"1", "2", "3",  "5", "7",
                                        "8", "9", "11", "13"};
    static const char *const blocks[] = {"1", "3", "2"};
    const stn_sweep_axis list[] = {{"network.weights", bits, 3},
                                   {"options.lanes", lanes, 9},
                                   {"network.d", blocks, 3}};
    stn_sweep_options o = defaults();
    o.machine = "imce";
    o.network = "cmpnet";
    o.axes = list;
    o.n_axes = 3;
    o.n_checks = 81;
    stn_sweep *s = sweep_of(&o);
    assert_int_equal(s->n_fit, 81);
    assert_int_equal(s->n_checked, 81);
    stn_sweep_destroy(s);
}

static void the_front_is_what_nothing_beats(void **state)
{
    (void)state;
    stn_sweep_options o = defaults();
    stn_sweep *s = sweep_of(&o);
    uint64_t n_front = 0;
    for (uint64_t i = 0; i < s->n_points; i++) {
        bool beaten = false;
        for (uint64_t k = 0; k < s->n_points; k++)
            beaten |= beats(&s->points[k], &s->points[i]);
        assert_int_equal(s->points[i].front, !beaten);
        n_front += !beaten;
    }
    assert_true(n_front > 1 && n_front < s->n_points);
    assert_int_equal(s->n_front, n_front);
    stn_sweep_destroy(s);
}

static void points_do_not_depend_on_threads(void **state)
{
    (void)state;
    stn_sweep_options o = defaults();
    stn_sweep *one = sweep_of(&o);
    o.threads = 3;
    stn_sweep *three = sweep_of(&o);
    assert_memory_equal(one->points, three->points,
                        (size_t)one->n_points * sizeof *one->points);
    stn_sweep_destroy(one);
    stn_sweep_destroy(three);
}

static void a_packed_program_is_executed_at_the_points_checked(void **state)
{
    (void)state;
    stn_error err;
    stn_program_image *image = tiny();
    assert_ok(stn_program_check(image, "tiny", &err), err);
    uint8_t pixels[60];
    for (int i = 0; i < 60; i++)
        pixels[i] = (uint8_t)(37 * i);
    stn_sweep_options o = defaults();
    o.network = NULL;
    o.program = &image->program;
    o.pixels = pixels;
    o.axes = axes + 1;
    o.n_axes = 4;
    o.n_checks = 12;
    stn_sweep *s = sweep_of(&o);
    assert_int_equal(s->n_points, 36);
    assert_int_equal(s->n_executed, 12);
    stn_sweep_destroy(s);
    o.axes = axes;
    o.n_axes = 1;
    assert_refused(stn_sweep_run(&o, &s, &err), err, STN_E_ARGUMENT,
                   "packed program");
    free_image(image);
}

static void points_that_do_not_fit_are_counted_and_named(void **state)
{
    (void)state;
    static const char *const sub_arrays[] = {"2", "4096", "3"};
    static const char *const rows[] = {"256", "300"};
    const stn_sweep_axis few[] = {{"options.sub_arrays", sub_arrays, 3},
                                  {"array.rows", rows, 2}};
    stn_sweep_options o = defaults();
    o.axes = few;
    o.n_axes = 2;
    stn_sweep *s = sweep_of(&o);
    assert_int_equal(s->n_fit, 1);
    assert_true(s->points[2].fits && s->points[2].front);
    assert_non_null(strstr(s->reason, "the machine has 2"));
    stn_sweep_destroy(s);
}

static void unknown_fields_and_values_are_refused(void **state)
{
    (void)state;
    static const char *const one[] = {"1"}, *const wrong[] = {"row", "latsch"};
    const struct {
        stn_sweep_axis axis;
        stn_status status;
        const char *part;
    } list[] = {{{"options.filtres", one, 1}, STN_E_FORMAT, "filters"},
                {{"tech.events.link.energy", one, 1},
                 STN_E_NOT_FOUND,
                 "not in the map"},
                {{"options.carry", wrong, 2}, STN_E_FORMAT, "latch"},
                {{"network.klasses", one, 1}, STN_E_FORMAT, "klasses"},
                {{"network.weights", wrong, 2}, STN_E_ARGUMENT, "a number"}};
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        stn_error err = {0};
        stn_sweep *s = NULL;
        stn_sweep_options o = defaults();
        o.axes = &list[i].axis;
        o.n_axes = 1;
        assert_refused(stn_sweep_run(&o, &s, &err), err, list[i].status,
                       list[i].part);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_point_is_what_simulating_it_gives),
        cmocka_unit_test(mappings_are_kept_for_machines_with_circuits_too),
        cmocka_unit_test(digital_units_are_kept_and_change_nothing),
        cmocka_unit_test(parts_that_are_kept_never_outlive_their_fields),
        cmocka_unit_test(modelled_converters_are_kept_and_change_nothing),
        cmocka_unit_test(
            forgotten_mappings_and_kept_technologies_change_nothing),
        cmocka_unit_test(forgotten_mappings_leave_nothing_to_other_networks),
        cmocka_unit_test(the_front_is_what_nothing_beats),
        cmocka_unit_test(points_do_not_depend_on_threads),
        cmocka_unit_test(a_packed_program_is_executed_at_the_points_checked),
        cmocka_unit_test(points_that_do_not_fit_are_counted_and_named),
        cmocka_unit_test(unknown_fields_and_values_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
