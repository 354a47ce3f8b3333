/* SPDX-License-Identifier: MIT
 *
 * Banks: sums of parts, the tree's geometry, and machines that have one. */
#include "test.h"
#include "accel/accel.h"
#include "memory/model.h"
#include <math.h>

static stn_bank_report bank_of(int sub_arrays, const char *roadmap)
{
    stn_error err;
    stn_bank_report r;
    stn_array_request q = {.cell = "sot-mram-v",
                           .tech = "ptm",
                           .roadmap = roadmap,
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
    assert_ok(stn_tech_load("ptm", "HP", 45, 300, &figures, &tech, &err), err);
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
    const char *set = "bank={sub_arrays: 256, transistors: ptm, roadmap: LSTP}";
    assert_ok(stn_machine_load("sot-modelled", NULL, 0, &plain, &err), err);
    assert_ok(stn_machine_load("sot-modelled", &set, 1, &banked, &err), err);
    stn_bank_report r = bank_of(256, "LSTP");
    assert_true(banked->event_energy_j[STN_EVENT_link_bit] <
                plain->event_energy_j[STN_EVENT_link_bit]);
    double data_w = r.part[STN_ARRAY_LEAKAGE_W][STN_BANK_DATA];
    assert_true(fabs(256 * banked->bank_leakage_w / data_w - 1) < 0.05);
    assert_true(banked->sub_array_logic_m2 > plain->sub_array_logic_m2);
    stn_machine_destroy(banked);
    stn_machine_destroy(plain);
    set = "bank={sub_arrays: 100, transistors: ptm, roadmap: HP}";
    assert_int_equal(stn_machine_load("sot-modelled", &set, 1, &banked, &err),
                     STN_E_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bank_is_its_sub_arrays_and_its_tree),
        cmocka_unit_test(a_machines_bank_sets_its_link),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
