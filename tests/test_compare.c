/* SPDX-License-Identifier: MIT
 *
 * Comparison files: figures beside ours, ratios of our own rows, and what is
 * refused. */
#include "test.h"
#include "base/file.h"
#include "base/memory.h"
#include "setun/compare.h"
#include "setun/library.h"
#include <math.h>
#include <unistd.h>

static const char HEAD[] = "title: t\nlayers: [\"conv*\"]\ncases:\n"
                           "  a: {machine: imce, network: lenet5}\n"
                           "  b: {machine: imce, network: lenet5, "
                           "weights: 8}\n";

static stn_status compare(const char *rows, stn_comparison **out,
                          stn_error *err)
{
    char path[] = "/tmp/setun-compareXXXXXX", file[64], text[1024];
    assert_non_null(mkdtemp(path));
    snprintf(file, sizeof file, "%s/c.yaml", path);
    snprintf(text, sizeof text, "%s%s", HEAD, rows);
    assert_ok(stn_file_write_atomic(file, text, strlen(text), err), *err);
    stn_status status = stn_compare(file, NULL, NULL, out, err);
    unlink(file);
    rmdir(path);
    return status;
}

static void a_ratio_is_that_of_the_rows_above(void **state)
{
    (void)state;
    stn_error err;
    stn_comparison *c = NULL;
    assert_ok(
        compare("published:\n"
                "  - {quantity: energy, case: b, value: 3, unit: mJ, source: "
                "s, confidence: text}\n"
                "  - {quantity: energy, case: a, over: b, value: 2, unit: x, "
                "source: s, confidence: memory}\n",
                &c, &err),
        err);
    assert_int_equal(c->n_rows, 7);
    assert_true(isnan(c->rows[0].published));
    assert_string_equal(c->rows[0].unit, "uJ");
    assert_true(c->rows[3].published == 3);
    assert_string_equal(c->rows[3].unit, "mJ");
    double ratio = c->rows[0].ours / (1e3 * c->rows[3].ours);
    assert_true(fabs(c->rows[6].ours - ratio) < 1e-9 * ratio);
    assert_true(ratio < 0.9);
    stn_comparison_destroy(c);
}

/* Efficiency is of the energy of some events, density of time and area. */
static void rates_are_of_two_operations_a_product(void **state)
{
    (void)state;
    stn_error err;
    stn_comparison *c = NULL;
    assert_ok(
        compare(
            "  d: {machine: xnor-reram, network: matrix, layers: [product]}\n"
            "published:\n"
            "  - {quantity: energy, case: d, events: [dac], value: 1, "
            "unit: uJ, source: s, confidence: text}\n"
            "  - {quantity: efficiency, case: d, events: [dac], value: 1, "
            "unit: TOPS/W, source: s, confidence: text}\n"
            "  - {quantity: density, case: d, value: 1, unit: TOPS/mm2, "
            "source: s, confidence: text}\n",
            &c, &err),
        err);
    assert_int_equal(c->n_rows, 12);
    double operations = 2.0 * 128 * 128 * 256;
    double density =
        1e-12 * operations / (1e-3 * c->rows[7].ours) / c->rows[8].ours;
    double efficiency = 1e-12 * operations / (1e-6 * c->rows[10].ours);
    assert_true(fabs(c->rows[9].ours / density - 1.0) < 1e-9);
    assert_true(fabs(c->rows[11].ours / efficiency - 1.0) < 1e-9);
    stn_comparison_destroy(c);
}

/* But leakage, of which this crossbar has a thousandth. */
static void energies_of_events_sum_to_the_energy(void **state)
{
    (void)state;
    stn_error err;
    stn_comparison *c = NULL;
    assert_ok(
        compare("  d: {machine: xnor-reram, network: lenet5}\n"
                "published:\n"
                "  - {quantity: energy, case: d, events: [dac, \"adc*\"], "
                "value: 1, unit: uJ, source: s, confidence: text}\n"
                "  - {quantity: energy, case: d, events: [\"[!ad]*\"], "
                "value: 1, unit: uJ, source: s, confidence: text}\n",
                &c, &err),
        err);
    assert_int_equal(c->n_rows, 11);
    assert_string_equal(c->rows[9].quantity, "energy of dac, adc*");
    double part = c->rows[9].ours, rest = c->rows[10].ours;
    double whole = c->rows[6].ours;
    assert_true(part > 0.1 * whole && rest > 0.1 * whole);
    assert_true(part + rest < whole && part + rest > 0.998 * whole);
    stn_comparison_destroy(c);
}

static void what_is_not_there_is_refused_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *rows, *says;
    } bad[] = {
        {"published: [{quantity: energy, case: c, value: 1, unit: uJ, source: "
         "s, confidence: text}]\n",
         "\"c\""},
        {"published: [{quantity: energy, case: a, value: 1, unit: mm2, source: "
         "s, confidence: text}]\n",
         "unit"},
        {"published: [{quantity: energy, case: a, value: 1, unit: uJ, "
         "confidence: text}]\n",
         "source"},
        {"published: [{quantity: energy, case: a, events: [adc9], value: 1, "
         "unit: uJ, source: s, confidence: text}]\n",
         "adc9"},
        {"published: [{quantity: area, case: a, events: [link_bit], value: 1, "
         "unit: mm2, source: s, confidence: text}]\n",
         "events: expected with the energy or efficiency"},
        {"  d: {machine: imce, network: lenet5, layers: [nothing]}\n"
         "published: []\n",
         "called like"},
        {"  d: {machine: imce, network: lenet5, widths: 3}\npublished: []\n",
         "widths"},
        {"  d: {machine: imce, adc: 3}\npublished: []\n", "converter"},
        {"  d: {machine: imce}\npublished: []\n", "network"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        stn_error err = {0};
        stn_comparison *c = NULL;
        assert_int_not_equal(compare(bad[i].rows, &c, &err), STN_OK);
        if (!strstr(err.text, bad[i].says))
            fail_msg("%d: \"%s\" does not say %s", (int)i, err.text,
                     bad[i].says);
    }
}

static void the_converters_of_bit_slice_are_the_papers(void **state)
{
    (void)state;
    stn_error err;
    stn_comparison *c = NULL;
    assert_ok(stn_compare("bitslice-l1", NULL, NULL, &c, &err), err);
    for (int i = 0; i < 6; i++)
        assert_true(fabs(c->rows[i].ours / c->rows[i].published - 1) < 2e-3);
    stn_comparison_destroy(c);
}

/* Not beside what an earlier comparison of that name left. */
static void a_results_file_has_the_rows_and_no_others(void **state)
{
    (void)state;
    stn_error err;
    stn_comparison *c = NULL;
    char path[64];
    snprintf(path, sizeof path, "test_compare-%ld.json", (long)getpid());
    for (int k = 0; k < 2; k++) {
        uint8_t *text = NULL;
        size_t size = 0, rows = 0;
        assert_ok(stn_compare("stt-snn", path, "command", &c, &err), err);
        assert_ok(stn_file_read(path, &text, &size, &err), err);
        const char *at = (const char *)text;
        while ((at = strstr(at, "\"quantity\"")) != NULL) {
            rows++;
            at++;
        }
        assert_int_equal(rows, c->n_rows);
        stn_free(text);
        stn_comparison_destroy(c);
    }
    unlink(path);
}

static void every_comparison_of_the_library_runs(void **state)
{
    (void)state;
    stn_library_entry *entries = NULL;
    size_t n = 0;
    stn_error err;
    assert_ok(stn_library_list(STN_LIBRARY_COMPARISONS, &entries, &n, &err),
              err);
    assert_true(n >= 9);
    for (size_t i = 0; i < n; i++) {
        stn_comparison *c = NULL;
        assert_ok(stn_compare(entries[i].id, NULL, NULL, &c, &err), err);
        assert_true(c->n_rows > 0);
        for (int k = 0; k < c->n_rows; k++)
            assert_true(isfinite(c->rows[k].ours));
        stn_comparison_destroy(c);
    }
    stn_library_free(entries);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_ratio_is_that_of_the_rows_above),
        cmocka_unit_test(rates_are_of_two_operations_a_product),
        cmocka_unit_test(energies_of_events_sum_to_the_energy),
        cmocka_unit_test(what_is_not_there_is_refused_by_name),
        cmocka_unit_test(the_converters_of_bit_slice_are_the_papers),
        cmocka_unit_test(a_results_file_has_the_rows_and_no_others),
        cmocka_unit_test(every_comparison_of_the_library_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
