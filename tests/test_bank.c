/* SPDX-License-Identifier: MIT
 *
 * Banks: sums of parts, the tree's geometry, and machines that have one; cells
 * of several levels, and how long cells last. */
#include "test.h"
#include "accel/accel.h"
#include "memory/model.h"
#include "setun/outline.h"
#include <math.h>

static stn_bank_report bank_of(int sub_arrays, const char *roadmap)
{
    stn_error err;
    stn_bank_report r;
    stn_array_request q = {.cell = "sot-2t1m",
                           .tech = "ptm",
                           .roadmap = roadmap,
                           .cell_roadmap = "HP",
                           .node_nm = 45,
                           .temperature_k = 300,
                           .rows = 256,
                           .columns = 512,
                           .columns_per_sense_amp = 1};
    assert_ok(stn_bank_evaluate(&q, sub_arrays, &r, &err), err);
    return r;
}

/* Totals are sums; four times the sub-arrays are reached by a tree whose way is
 * twice as long; one sub-array needs none. */
static void a_bank_is_its_sub_arrays_and_its_tree(void **state)
{
    (void)state;
    stn_bank_report before = bank_of(1, "HP");
    for (int t = 0; t < STN_ARRAY_TOTALS; t++)
        assert_true(before.total[t] == before.part[t][STN_BANK_SUB_ARRAYS]);
    before = bank_of(16, "HP");
    for (int n = 64; n <= 4096; n *= 4) {
        stn_bank_report r = bank_of(n, "HP");
        for (int t = 0; t < STN_ARRAY_TOTALS; t++) {
            double sum = 0.0;
            for (int i = 0; i < STN_BANK_PARTS; i++) {
                assert_true(r.part[t][i] >= 0.0);
                sum += r.part[t][i];
            }
            assert_true(r.total[t] == sum);
            if (t < STN_ARRAY_LOGIC2_ENERGY_J) /* which moves nothing */
                assert_true(r.total[t] > before.total[t]);
        }
        double ratio = r.part[STN_ARRAY_READ_ENERGY_J][STN_BANK_DATA] /
                       before.part[STN_ARRAY_READ_ENERGY_J][STN_BANK_DATA];
        assert_true(ratio > 1.9 && ratio < 2.5);
        before = r;
    }
    /* A path of 16 x 16 square sub-arrays: half the height, then a quarter,
     * an eighth … of both sides. */
    stn_bank_report r = bank_of(256, "HP");
    double side_m = sqrt(r.part[STN_ARRAY_AREA_M2][STN_BANK_SUB_ARRAYS]);
    double path_m = side_m * (0.5 + 2 * (0.25 + 0.125 + 0.0625 + 0.03125));
    stn_error err;
    stn_tech tech;
    stn_figures figures = {0};
    const stn_tech_choice transistors = {
        .set = "ptm", .roadmap = "HP", .node_nm = 45, .temperature_k = 300};
    assert_ok(stn_tech_load(&transistors, &figures, &tech, &err), err);
    double sub_m2 = side_m * side_m / 256;
    assert_true(fabs(stn_bank_tree(&tech, sub_m2, 256).path_m - path_m) <
                1e-9 * path_m);
    /* Never below the wire's own capacitance, nor twice that. */
    double floor_j = 0.25 * path_m * tech.global.farad_m *
                     tech.device.supply_v * tech.device.supply_v * 512;
    double data_j = r.part[STN_ARRAY_READ_ENERGY_J][STN_BANK_DATA];
    assert_true(data_j > floor_j && data_j < 2 * floor_j);
    assert_int_equal(stn_bank_check(48, &err), STN_E_ARGUMENT);
    assert_non_null(strstr(err.text, "64"));
}

/* What a machine moves goes along its bank's tree. */
static void a_machines_bank_sets_its_link(void **state)
{
    (void)state;
    stn_error err;
    stn_machine *plain = NULL, *banked = NULL;
    const char *set[] = {
        "array={rows: 256, columns: 512, transistors: ptm, roadmap: LSTP, "
        "cell_roadmap: HP, references: 1}",
        "bank={sub_arrays: 256, transistors: ptm, roadmap: LSTP}"};
    assert_ok(stn_machine_load("sot-modelled", set, 1, &plain, &err), err);
    assert_ok(stn_machine_load("sot-modelled", set, 2, &banked, &err), err);
    stn_bank_report r = bank_of(256, "LSTP");
    assert_true(banked->event_energy_j[STN_EVENT_link_bit] <
                plain->event_energy_j[STN_EVENT_link_bit]);
    double data_w = r.part[STN_ARRAY_LEAKAGE_W][STN_BANK_DATA];
    assert_true(fabs(256 * banked->bank_leakage_w / data_w - 1) < 1e-9);
    assert_true(stn_machine_area_m2(banked) > stn_machine_area_m2(plain));
    stn_machine_destroy(banked);
    stn_machine_destroy(plain);
    set[1] = "bank={sub_arrays: 100, transistors: ptm, roadmap: HP}";
    assert_int_equal(stn_machine_load("sot-modelled", set, 2, &banked, &err),
                     STN_E_ARGUMENT);
}

static stn_array_report array_of(const char *cell)
{
    stn_error err;
    stn_array_report r;
    stn_array_request q = {.cell = cell,
                           .tech = "ptm",
                           .roadmap = "HP",
                           .node_nm = 45,
                           .temperature_k = 300,
                           .rows = 128,
                           .columns = 128,
                           .columns_per_sense_amp = 1};
    assert_ok(stn_array_evaluate(&q, &r, &err), err);
    return r;
}

/* Two bits are sensed one after the other, and written by verified pulses; the
 * array is the same. */
static void four_levels_are_read_twice_and_written_often(void **state)
{
    (void)state;
    stn_array_report two = array_of("reram"), four = array_of("reram-mlc");
    const double *part = four.part[STN_ARRAY_READ_LATENCY_S];
    const double *same = two.part[STN_ARRAY_READ_LATENCY_S];
    assert_int_equal(two.cell_bits, 1);
    assert_int_equal(four.cell_bits, 2);
    assert_true(four.total[STN_ARRAY_AREA_M2] == two.total[STN_ARRAY_AREA_M2]);
    assert_true(part[STN_ARRAY_SENSE_AMPLIFIER] ==
                2 * same[STN_ARRAY_SENSE_AMPLIFIER]);
    part = four.part[STN_ARRAY_WRITE_ENERGY_J];
    same = two.part[STN_ARRAY_WRITE_ENERGY_J];
    assert_true(fabs(part[STN_ARRAY_CELLS] / same[STN_ARRAY_CELLS] - 10) <
                1e-9);
    assert_true(same[STN_ARRAY_SENSE_AMPLIFIER] == 0.0);
    assert_true(part[STN_ARRAY_SENSE_AMPLIFIER] > 0.0);
    for (int t = 0; t < STN_ARRAY_TOTALS; t++) {
        double sum = 0.0;
        for (int i = 0; i < STN_ARRAY_PARTS; i++)
            sum += four.part[t][i];
        assert_true(sum == four.total[t]);
    }
}

static void only_crossbars_use_cells_of_several_levels(void **state)
{
    (void)state;
    static const char *const machines[] = {"sot-modelled", "xnor-reram",
                                           "xnor-reram"};
    static const char *const sets[][2] = {
        {"cell=reram-mlc", "options.lanes=16"},
        {"cell=reram-mlc", "options.cell_bits=2"},
        {"cell=reram", "options.cell_bits=2"}};
    static const stn_status expected[] = {STN_E_UNSUPPORTED, STN_OK,
                                          STN_E_UNSUPPORTED};
    stn_error err;
    stn_program *program = NULL;
    stn_outline_options o = stn_outline_defaults();
    assert_ok(stn_program_outline("lenet5", &o, &program, &err), err);
    for (int i = 0; i < 3; i++) {
        stn_machine *machine = NULL;
        stn_simulation *s = NULL;
        assert_ok(stn_machine_load(machines[i], sets[i], 2, &machine, &err),
                  err);
        assert_int_equal(stn_simulate(machine, program,
                                      &(stn_simulate_options){0}, &s, &err),
                         expected[i]);
        stn_simulation_destroy(s);
        stn_machine_destroy(machine);
    }
    stn_program_destroy(program);
}

/* A cell's writes over those of the sub-array that is written most. */
static void cells_last_as_long_as_they_can_be_written(void **state)
{
    (void)state;
    stn_error err;
    stn_program *program = NULL;
    stn_machine *machine = NULL;
    stn_simulation *s = NULL;
    stn_outline_options o = stn_outline_defaults();
    assert_ok(stn_program_outline("lenet5", &o, &program, &err), err);
    assert_ok(stn_machine_load("mram-lowbit-stt", NULL, 0, &machine, &err),
              err);
    assert_ok(
        stn_simulate(machine, program, &(stn_simulate_options){0}, &s, &err),
        err);
    assert_true(machine->array.endurance > 0);
    assert_true(s->writes > 0);
    assert_true(s->lifetime == machine->array.endurance / s->writes);
    assert_int_equal(s->rows, machine->array.rows);
    stn_simulation_destroy(s);
    stn_machine_destroy(machine);
    stn_program_destroy(program);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bank_is_its_sub_arrays_and_its_tree),
        cmocka_unit_test(a_machines_bank_sets_its_link),
        cmocka_unit_test(four_levels_are_read_twice_and_written_often),
        cmocka_unit_test(only_crossbars_use_cells_of_several_levels),
        cmocka_unit_test(cells_last_as_long_as_they_can_be_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
