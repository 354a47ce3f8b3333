/* SPDX-License-Identifier: MIT
 *
 * Reports: what goes into the page, what is published beside what, sums. */
#include "test.h"
#include <stdio.h>
#include <unistd.h>

#include "base/memory.h"
#include "report/html.h"
#include "report/measure.h"
#include "report/plan.h"
#include "report/results.h"
#include "setun/library.h"
#include "setun/outline.h"
#include "setun/report.h"
#include <math.h>

static const char PAGE[] = "<script>/*SETUN_CHARTS*/</script>"
                           "<script id=\"d\">/*SETUN_DATA*/</script><p>end";

static void data_cannot_end_its_script_element(void **state)
{
    (void)state;
    stn_error err;
    char *html = NULL;
    assert_ok(stn_html_fill("page", PAGE, "{\"a\":\"</script><!--<b>\"}", NULL,
                            &html, &err),
              err);
    assert_string_equal(html, "<script></script><script id=\"d\">{\"a\":\""
                              "\\u003c/script>\\u003c!--\\u003cb>\"}</script>"
                              "<p>end");
    stn_free(html);
}

static void chart_script_cannot_end_its_element(void **state)
{
    (void)state;
    stn_error err;
    char *html = NULL;
    assert_ok(stn_html_fill("page", PAGE, "{}", "x='</script>';y='<!--'", &html,
                            &err),
              err);
    assert_string_equal(html, "<script>x='<\\/script>';y='<\\!--'</script>"
                              "<script id=\"d\">{}</script><p>end");
    stn_free(html);
}

static void page_without_placeholders_is_refused(void **state)
{
    (void)state;
    stn_error err;
    char *html = NULL;
    assert_refused(stn_html_fill("page.html", "<p>", "{}", NULL, &html, &err),
                   err, STN_E_FORMAT, "page.html");
    assert_null(html);
}

static void summary_that_is_no_json_is_refused(void **state)
{
    (void)state;
    stn_error err;
    assert_refused(stn_report_render("{\"a\":", "never-written.html", &err),
                   err, STN_E_FORMAT, "summary");
    assert_null(fopen("never-written.html", "r"));
}

/* An outline's weights are counted as if they were there: LeNet-5 with weights
 * of one bit but at its ends. */
static void a_simulation_counts_the_operations_of_an_outline(void **state)
{
    (void)state;
    stn_error err;
    stn_program *program = NULL;
    stn_machine *machine = NULL;
    stn_simulation *simulation = NULL;
    stn_measure *m = NULL;
    const stn_outline_options o = stn_outline_defaults();
    const stn_simulate_options predict = {0};
    assert_ok(stn_program_outline("lenet5", &o, &program, &err), err);
    assert_ok(stn_machine_load("imce", NULL, 0, &machine, &err), err);
    assert_ok(stn_simulate(machine, program, &predict, &simulation, &err), err);
    assert_ok(stn_measure_simulated(program, simulation, &m, &err), err);
    const stn_measure_sum ends = stn_measure_total(m, "conv1");
    const stn_measure_sum all = stn_measure_total(m, NULL);
    assert_true(ends.multiply == 6.0 * 25 * 28 * 28);
    assert_true(all.multiply == ends.multiply + 84.0 * 10);
    assert_true(all.add_subtract ==
                16.0 * 6 * 25 * 10 * 10 + 400.0 * 120 + 120.0 * 84);
    assert_true(all.energy_j > 0);
    assert_int_equal(m->n_verified, 0);
    stn_measure_destroy(m);
    stn_simulation_destroy(simulation); /* which the measure borrowed */
    stn_machine_destroy(machine);
    stn_program_destroy(program);
}

static stn_plan *load(const char *id, const char *variants)
{
    stn_error err;
    stn_plan *plan = NULL;
    stn_reproduce_options o = stn_reproduce_defaults();
    o.id = id;
    o.variants = variants;
    assert_ok(stn_plan_load(&o, &plan, &err), err);
    return plan;
}

static void published_row_is_found_by_variant_and_layer(void **state)
{
    (void)state;
    stn_plan *plan = load("bdnet", NULL);
    const stn_published_row *row =
        stn_plan_published(plan, "group density", "mnist", "wpc", NULL);
    assert_non_null(row);
    assert_float_equal(row->value, 0.892361, 1e-12);
    assert_string_equal(row->confidence, "code");
    assert_null(
        stn_plan_published(plan, "group density", "mnist", "dense", NULL));
    row = stn_plan_published(plan, "zero group share", "mnist", "wpc",
                             "block1.dw");
    assert_non_null(row);
    assert_float_equal(row->value, 10.0 / 128, 1e-12);
    assert_null(
        stn_plan_published(plan, "zero group share", "mnist", "wpc", NULL));
    stn_plan_destroy(plan);
}

static void filter_keeps_the_order_of_the_recipe(void **state)
{
    (void)state;
    stn_plan *plan = load("bdnet", "wpc,baseline");
    assert_int_equal(plan->n_variants, 2);
    assert_string_equal(plan->variants[0], "baseline");
    assert_string_equal(plan->variants[1], "wpc");
    assert_string_equal(stn_plan_baseline(plan, "wpc"), "baseline");
    stn_plan_destroy(plan);
}

static void rows_keep_texts_of_their_own(void **state)
{
    (void)state;
    stn_error err;
    stn_plan *plan = load("bitslice-l1", NULL);
    stn_results results = {.plan = plan};
    stn_measure measure = {.data = "mnist"};
    stn_adder adder = {.results = &results,
                       .m = &measure,
                       .variant = "l1",
                       .place = "mlp",
                       .err = &err};
    char quantity[] = "nonzero slices B2", more[] = "l1";
    stn_add_row(&adder, quantity, more, NULL, 5, "%");
    memset(quantity, '#', sizeof quantity - 1);
    memset(more, '#', sizeof more - 1);
    assert_ok(adder.status, err);
    assert_int_equal(results.n_rows, 1);
    assert_string_equal(results.rows[0].quantity, "nonzero slices B2");
    assert_string_equal(results.rows[0].conditions, "mlp, l1");
    assert_true(results.rows[0].published == 5.21);
    stn_plan_destroy(plan);
    stn_arena_deinit(&results.arena);
}

static void each_width_has_its_own_baseline(void **state)
{
    (void)state;
    stn_plan *plan = load("cadnn", NULL);
    assert_string_equal(stn_plan_baseline(plan, "shared@0.5"), "alone_50");
    assert_string_equal(stn_plan_baseline(plan, "shared"), "alone_100");
    assert_null(stn_plan_baseline(plan, "alone_100"));
    assert_true(
        stn_plan_published(plan, "accuracy", "cifar10", "shared@0.25", NULL)
            ->value == 79.5);
    assert_null(
        stn_plan_published(plan, "accuracy", "mnist", "shared@0.25", NULL));
    stn_plan_destroy(plan);
}

static void a_data_set_may_have_fewer_variants(void **state)
{
    (void)state;
    stn_plan *plan = load("imce", "w1a2,w1a4");
    assert_string_equal(plan->variants[0], "w1a2");
    assert_true(stn_plan_runs(plan, 0, "mnist"));
    assert_true(stn_plan_runs(plan, 1, "mnist"));
    assert_false(stn_plan_runs(plan, 0, "cifar10"));
    assert_true(stn_plan_runs(plan, 1, "cifar10"));
    stn_plan_destroy(plan);
}

static void filter_with_unknown_word_is_refused(void **state)
{
    (void)state;
    stn_error err;
    stn_plan *plan = NULL;
    stn_reproduce_options o = stn_reproduce_defaults();
    o.id = "bdnet";
    o.data = "mnist,fashion-minst";
    assert_refused(stn_plan_load(&o, &plan, &err), err, STN_E_ARGUMENT,
                   "did you mean 'fashion-mnist'?");
}

static void recipe_without_section_is_refused(void **state)
{
    (void)state;
    stn_error err;
    stn_plan *plan = NULL;
    stn_reproduce_options o = stn_reproduce_defaults();
    o.id = "lenet5";
    assert_refused(stn_plan_load(&o, &plan, &err), err, STN_E_FORMAT,
                   "reproduce");
}

static void sums_follow_the_pattern_and_the_authors_formula(void **state)
{
    (void)state;
    stn_measure_layer layers[] = {
        {.name = "stem", .weight_bytes = 100, .multiply = 7},
        {.name = "block0.dw",
         .weight_bytes = 10,
         .n_weights = 90,
         .n_nonzero = 60,
         .n_groups = 10,
         .n_live = 8,
         .min_live_sparsity = 0.25,
         .add_subtract = 5},
        {.name = "block0.pw",
         .weight_bytes = 20,
         .n_weights = 60,
         .n_nonzero = 30,
         .n_groups = 6,
         .n_live = 6,
         .min_live_sparsity = 0.5,
         .add_subtract = 6},
    };
    stn_measure m = {.n_layers = 3, .layers = layers};
    stn_measure_sum all = stn_measure_total(&m, NULL);
    stn_measure_sum block = stn_measure_total(&m, "block*");
    assert_float_equal(all.weight_bytes, 130, 0);
    assert_float_equal(block.weight_bytes, 30, 0);
    assert_float_equal(all.multiply, 7, 0);
    assert_float_equal(block.add_subtract, 11, 0);
    assert_int_equal(block.n_ternary_zero, 60);
    assert_float_equal(stn_measure_group_density(&block), 14.0 / 16, 1e-15);
    /* 16 / (0.875 * (1 - 0.25)) */
    assert_float_equal(stn_measure_compression(&block), 24.380952, 1e-6);
    assert_true(isnan(block.energy_j));
}

static void network_without_groups_has_no_density(void **state)
{
    (void)state;
    stn_measure_layer layer = {.name = "conv", .n_weights = 9};
    stn_measure m = {.n_layers = 1, .layers = &layer};
    stn_measure_sum sum = stn_measure_total(&m, NULL);
    assert_true(isnan(stn_measure_group_density(&sum)));
    assert_true(isnan(stn_measure_compression(&sum)));
}

static void largest_logit_of_equals_is_the_first(void **state)
{
    (void)state;
    const int32_t logits[] = {-3, 8, 2, 8};
    assert_int_equal(stn_argmax(logits, 4), 1);
}

static void library_lists_recipes_with_their_variants(void **state)
{
    (void)state;
    stn_error err;
    stn_library_entry *entries = NULL;
    size_t n = 0;
    assert_ok(stn_library_list(STN_LIBRARY_RECIPES, &entries, &n, &err), err);
    bool found = false;
    for (size_t i = 0; i < n; i++) {
        if (i)
            assert_true(strcmp(entries[i - 1].id, entries[i].id) < 0);
        if (strcmp(entries[i].id, "bdnet") != 0)
            continue;
        found = true;
        assert_non_null(strstr(entries[i].variants, "baseline"));
    }
    assert_true(found);
    stn_library_free(entries);
}

/* What `setun table` makes of a file with this text; to be freed. */
static char *table_of(const char *text, const char *table, const char *variants)
{
    char path[] = "/tmp/setun-table-XXXXXX", *printed = NULL;
    size_t size = 0, length = strlen(text);
    stn_error err;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, length), length);
    close(fd);
    FILE *out = open_memstream(&printed, &size);
    assert_ok(stn_report_markdown(path, table, variants, out, &err), err);
    fclose(out);
    unlink(path);
    return printed;
}

static void tables_of_a_benchmark_become_markdown(void **state)
{
    (void)state;
    char *printed = table_of(
        "{\"command\": \"make bench\", \"commit\": \"abc\", \"cpu\": \"C\","
        " \"versions\": {\"onednn\": \"2\"}, \"tables\": {"
        "\"a\": {\"columns\": [\"x\", \"y\"], \"numbers_from\": 1,"
        " \"rows\": [[\"one\", \"2.5\"]]},"
        "\"b\": {\"columns\": [\"z\"], \"rows\": []}}}",
        "a", NULL);
    assert_non_null(strstr(printed, "| x | y |\n| --- | ---: |\n"
                                    "| one | 2.5 |\n"));
    assert_non_null(strstr(printed, "commit abc, C, onednn 2.\n"));
    assert_null(strstr(printed, "| z |"));
    free(printed);
}

static void a_table_shows_the_variants_that_match(void **state)
{
    (void)state;
    char *printed = table_of(
        "{\"rows\": ["
        "{\"quantity\": \"accuracy\", \"unit\": \"%\", \"ours\": 91,"
        " \"conditions\": \"net, mnist, whole, int8 weights\"},"
        "{\"quantity\": \"accuracy\", \"unit\": \"%\", \"ours\": 82,"
        " \"conditions\": \"net, mnist, whole at 4 bits, int8 weights\"},"
        "{\"quantity\": \"accuracy\", \"unit\": \"%\", \"ours\": 73,"
        " \"conditions\": \"net, mnist, other, int8 weights\"}]}",
        "mnist", "whole*");
    assert_non_null(strstr(printed, "| unit | whole | whole at 4 bits |\n"));
    assert_non_null(strstr(printed, "| % | 91 | 82 |\n"));
    free(printed);
}

static void more_variants_than_columns_become_rows(void **state)
{
    (void)state;
    char *text = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&text, &size);
    fprintf(file, "{\"rows\": [");
    for (int i = 1; i <= 17; i++)
        fprintf(file,
                "%s{\"quantity\": \"accuracy\", \"unit\": \"%%\", \"ours\": "
                "%d, \"conditions\": \"net, mnist, window %d of a, int8\"}",
                i > 1 ? "," : "", 100 - i, i);
    fprintf(file, "]}");
    fclose(file);
    char *printed = table_of(text, "mnist", NULL);
    assert_non_null(strstr(printed, "| variant | accuracy (%) |\n| --- | ---: "
                                    "|\n| window 1 of a | 99 |\n"));
    assert_non_null(strstr(printed, "| window 17 of a | 83 |\n"));
    free(printed);
    free(text);
}

/* Results of a recipe, without rows yet. */
static stn_results *begin_results(const char *id)
{
    stn_results *r = stn_alloc(1, sizeof *r);
    assert_non_null(r);
    r->plan = load(id, NULL);
    return r;
}

static void end_results(stn_results *r)
{
    stn_plan_destroy((stn_plan *)(uintptr_t)r->plan);
    stn_machine_destroy((stn_machine *)(uintptr_t)r->machine);
    stn_results_deinit(r);
    stn_free(r);
}

/* A spiking network in windows of one and two steps. */
static void rows_of_windows_are_set_beside_the_rate_code(void **state)
{
    (void)state;
    stn_results *r = begin_results("stt-snn");
    stn_error err;
    assert_int_equal(r->plan->windows, 20);
    stn_window ran[] = {{1, 100, 0.9, 50, 600, 0, 8e-6, 6e-3, 4, 0},
                        {2, 100, 0.88, 30, 200, 100, 2e-6, 1e-3, 4, 0}};
    stn_measure m = {.variant = "int4",
                     .data = "mnist",
                     .network = "net",
                     .n_windows = 2,
                     .windows = ran};
    stn_adder adder = {.results = r, .m = &m, .variant = "int4", .err = &err};
    stn_add_windows(&adder);
    assert_int_equal(adder.status, STN_OK);
    int found = 0;
    for (int i = 0; i < r->n_rows; i++) {
        const stn_result_row *row = &r->rows[i];
        if (!strstr(row->conditions, ", window 2 of int4, "))
            continue;
        bool drop = !strcmp(row->quantity, "accuracy drop");
        bool reads = !strcmp(row->quantity, "weight reads ratio");
        bool additions = !strcmp(row->quantity, "additions ratio");
        if (drop || reads || additions)
            assert_true(fabs(row->ours - (drop ? 2 : reads ? 3 : 2)) < 1e-9);
        bool energy = !strcmp(row->quantity, "energy ratio");
        bool latency = !strcmp(row->quantity, "latency ratio");
        if (energy || latency)
            assert_true(fabs(row->ours - (energy ? 4 : 6)) < 1e-9);
        found += drop + reads + additions + energy + latency;
    }
    assert_int_equal(found, 5);
    end_results(r);
}

/* A network of 8 bits that ran with 8 and 7. */
static void rows_of_fewer_bits_stand_beside_the_published_ones(void **state)
{
    (void)state;
    stn_results *r = begin_results("arsc");
    stn_error err;
    int bits[STN_PLAN_BITS], found = 0;
    assert_int_equal(stn_plan_bits(r->plan, 0, bits), 0); /* float */
    assert_int_equal(stn_plan_bits(r->plan, 1, bits), 5);
    assert_int_equal(bits[4], 4);
    stn_measure_bits ran[] = {
        {8, 0.9, NAN, NAN, 0.8, true, {.products = 10, .cycles = 200}},
        {7, 0.9, NAN, NAN, 0.7, true, {.products = 10, .cycles = 80}}};
    stn_measure m = {.variant = "fixed",
                     .data = "mnist",
                     .network = "net",
                     .n_bits = 2,
                     .bits = ran};
    assert_ok(
        stn_machine_load("imce", NULL, 0, (stn_machine **)&r->machine, &err),
        err);
    stn_adder adder = {.results = r, .m = &m, .variant = "fixed", .err = &err};
    stn_add_bits(&adder, NULL);
    assert_int_equal(adder.status, STN_OK);
    for (int i = 0; i < r->n_rows; i++) {
        const stn_result_row *row = &r->rows[i];
        if (!strcmp(row->quantity, "cycles saved by one bit")) {
            found++;
            assert_true(row->ours == 2.5 && row->published == 2);
            assert_non_null(strstr(row->conditions, "fixed at 7 bits"));
        }
        if (!strcmp(row->quantity, "multiplier error, rms") &&
            !isnan(row->published)) {
            found++;
            assert_true(fabs(row->ours - row->published) < 0.005);
            assert_non_null(strstr(row->conditions, "fixed at 8 bits"));
        }
        assert_string_not_equal(row->quantity, "accuracy drop");
    }
    assert_int_equal(found, 2);
    end_results(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(data_cannot_end_its_script_element),
        cmocka_unit_test(chart_script_cannot_end_its_element),
        cmocka_unit_test(page_without_placeholders_is_refused),
        cmocka_unit_test(summary_that_is_no_json_is_refused),
        cmocka_unit_test(a_simulation_counts_the_operations_of_an_outline),
        cmocka_unit_test(published_row_is_found_by_variant_and_layer),
        cmocka_unit_test(filter_keeps_the_order_of_the_recipe),
        cmocka_unit_test(each_width_has_its_own_baseline),
        cmocka_unit_test(rows_keep_texts_of_their_own),
        cmocka_unit_test(a_data_set_may_have_fewer_variants),
        cmocka_unit_test(filter_with_unknown_word_is_refused),
        cmocka_unit_test(recipe_without_section_is_refused),
        cmocka_unit_test(sums_follow_the_pattern_and_the_authors_formula),
        cmocka_unit_test(network_without_groups_has_no_density),
        cmocka_unit_test(largest_logit_of_equals_is_the_first),
        cmocka_unit_test(tables_of_a_benchmark_become_markdown),
        cmocka_unit_test(a_table_shows_the_variants_that_match),
        cmocka_unit_test(more_variants_than_columns_become_rows),
        cmocka_unit_test(rows_of_windows_are_set_beside_the_rate_code),
        cmocka_unit_test(rows_of_fewer_bits_stand_beside_the_published_ones),
        cmocka_unit_test(library_lists_recipes_with_their_variants),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
