/* SPDX-License-Identifier: MIT
 *
 * A results file that more than one command wrote, and its tables. */
#include "test.h"
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "report/results.h"
#include "setun/report.h"
#include <math.h>

typedef struct fixture {
    char folder[64], path[96];
    stn_plan *plan;
    stn_machine *machine;
    stn_results *results;
    stn_reproduce_options options;
    bool single; /* of p4 one seed alone */
    const char *network;
} fixture;

static int set_up(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    strcpy(f->folder, "/tmp/setun-results-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    snprintf(f->path, sizeof f->path, "%s/permdnn.json", f->folder);
    f->network = "net";
    f->options = stn_reproduce_defaults();
    f->options.id = "permdnn";
    stn_error err;
    assert_ok(stn_plan_load(&f->options, &f->plan, &err), err);
    f->results = stn_alloc(1, sizeof *f->results);
    f->results->plan = f->plan;
    f->results->options = &f->options;
    assert_ok(stn_machine_load("bdnet-sot", NULL, 0, &f->machine, &err), err);
    f->results->machine = f->machine;
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    unlink(f->path);
    rmdir(f->folder);
    stn_plan_destroy(f->plan);
    stn_machine_destroy(f->machine);
    stn_free(f->results);
    free(f);
    return 0;
}

/* Writes what a command found on a data set: a float network, of which two
 * more seeds differ by a point each, and one 2 points below it. */
static void measure(fixture *f, const char *data, double accuracy, int n_seeds,
                    const char *command)
{
    stn_measure dense = {.variant = "float",
                         .data = data,
                         .network = f->network,
                         .width = 1,
                         .train_s = 60 * n_seeds,
                         .accuracy = accuracy,
                         .n_seeds = n_seeds - 1};
    stn_measure p4 = dense;
    for (int i = 0; i < n_seeds - 1; i++)
        dense.seed_accuracy[i] = accuracy - 0.01 * (i + 1);
    p4.variant = "p4";
    p4.n_seeds = f->single ? 0 : p4.n_seeds;
    p4.accuracy = accuracy - 0.02;
    for (int i = 0; i < n_seeds - 1; i++)
        p4.seed_accuracy[i] = p4.accuracy - 0.01 * (i + 1);
    stn_results *r = f->results;
    stn_error err;
    f->options.command = command;
    snprintf(r->commit, sizeof r->commit, "made-by-%s", command);
    r->n_measures = 2;
    r->measures[0] = &dense;
    r->measures[1] = &p4;
    assert_ok(stn_results_tabulate(r, &err), err);
    assert_ok(stn_results_write(r, f->path, &err), err);
    r->n_measures = 0;
    stn_results_deinit(r);
    r->plan = f->plan;
    r->options = &f->options;
    r->machine = f->machine;
}

/* What `setun table` prints of a file or folder; the caller frees it. */
static char *table_of(const char *path, const char *data)
{
    char *text = NULL;
    size_t size = 0;
    stn_error err;
    FILE *out = open_memstream(&text, &size);
    assert_ok(stn_report_markdown(path, data, NULL, out, &err), err);
    fclose(out);
    return text;
}

static char *table(const fixture *f, const char *data)
{
    return table_of(f->path, data);
}

static void assert_holds(char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("lacks '%s':\n%s", part, text);
}

static void data_sets_of_other_commands_stay_as_they_were(void **state)
{
    fixture *f = *state;
    measure(f, "mnist", 0.9, 3, "one");
    measure(f, "cifar10", 0.7, 1, "two");
    char *mnist = table(f, "mnist");
    assert_holds(mnist, "| accuracy, mean of 3 seeds | % | 89 | 87 |\n");
    assert_holds(mnist, "| accuracy spread, best to worst of 3 seeds | points "
                        "| 2 | 2 |\n");
    assert_holds(mnist, "| accuracy drop, mean of 3 seeds | points | | 2 |\n");
    assert_holds(mnist, "`one`, commit made-by-on, seeds 1 to 3,");
    char *cifar10 = table(f, "cifar10");
    assert_holds(cifar10, "| accuracy | % | 70 | 68 |\n");
    assert_null(strstr(cifar10, "spread"));
    assert_holds(cifar10, "`two`, commit made-by-tw, seed 1,");
    char *none = table(f, "svhn");
    assert_string_equal(none, "No rows of svhn yet.\n");
    free(mnist);
    free(cifar10);
    free(none);
}

static void a_second_network_on_the_same_data_leaves_the_first(void **state)
{
    fixture *f = *state;
    measure(f, "cifar10", 0.9, 3, "one");
    f->network = "wide";
    measure(f, "cifar10", 0.7, 1, "two");
    char *systems = table_of(f->folder, NULL);
    assert_holds(systems,
                 " | net, cifar10 | `p4` | 87.00 | 2.00 | 3 | 8 |\n"
                 "| | | wide, cifar10 | `p4` | 68.00 | 2.00 | 1 | |\n");
    char *cifar10 = table(f, "cifar10");
    assert_holds(cifar10, "`, net, cifar10: `one`, commit made-by-on, seeds 1 "
                          "to 3,");
    assert_holds(cifar10, "`, wide, cifar10: `two`, commit made-by-tw, seed 1");
    free(systems);
    free(cifar10);
}

static void a_mean_and_a_single_run_have_rows_of_their_own(void **state)
{
    fixture *f = *state;
    f->single = true;
    measure(f, "mnist", 0.9, 3, "one");
    char *mnist = table(f, "mnist");
    assert_holds(mnist, "| accuracy, mean of 3 seeds | % | 89 | |\n");
    assert_holds(mnist, "| accuracy | % | | 88 |\n");
    free(mnist);
}

static void a_data_set_measured_again_is_replaced_in_its_place(void **state)
{
    fixture *f = *state;
    measure(f, "mnist", 0.9, 3, "one");
    measure(f, "cifar10", 0.7, 1, "two");
    measure(f, "mnist", 0.8, 1, "three");
    char *mnist = table(f, "mnist");
    assert_holds(mnist, "| accuracy | % | 80 | 78 |\n");
    assert_null(strstr(mnist, "spread"));
    assert_holds(mnist, "`three`, commit made-by-th, seed 1,");
    char *cifar10 = table(f, "cifar10");
    assert_holds(cifar10, "| accuracy | % | 70 | 68 |\n");
    uint8_t *bytes = NULL;
    size_t size = 0;
    stn_error err;
    assert_ok(stn_file_read(f->path, &bytes, &size, &err), err);
    char *rows = strstr((char *)bytes, "\"rows\"");
    assert_true(strstr(rows, "net, mnist") < strstr(rows, "net, cifar10"));
    stn_free(bytes);
    free(mnist);
    free(cifar10);
}

static void published_figures_name_every_command(void **state)
{
    fixture *f = *state;
    measure(f, "mnist", 0.9, 3, "one");
    char *all = table(f, NULL);
    assert_holds(all, "`: `one`, commit made-by-on, seeds 1 to 3,");
    free(all);
    measure(f, "cifar10", 0.7, 1, "two");
    all = table(f, NULL);
    assert_holds(all, "`, net, mnist: `one`, commit made-by-on, seeds 1 to 3,");
    assert_holds(all, "`, net, cifar10: `two`, commit made-by-tw, seed 1,");
    free(all);
}

static void write_text(const fixture *f, const char *text)
{
    stn_error err;
    assert_ok(stn_file_write_atomic(f->path, text, strlen(text), &err), err);
}

static void a_file_of_one_command_lends_its_origin_to_its_rows(void **state)
{
    fixture *f = *state;
    write_text(f, "{\"system\": \"permdnn\", \"commit\": \"old\", \"machine\": "
                  "\"cpu\", \"seed\": 5, \"command\": \"before\", \"rows\": ["
                  "{\"quantity\": \"accuracy\", \"unit\": \"%\", \"ours\": 91,"
                  " \"published\": 92.5, \"calibrated_by\": [\"a\", \"b\"],"
                  " \"conditions\": \"net, mnist, float, no weights\"}]}");
    measure(f, "cifar10", 0.7, 1, "two");
    char *mnist = table(f, "mnist");
    assert_holds(mnist, "| accuracy | % | 91 |\n");
    assert_holds(mnist, "`before`, commit old, seed 5, cpu.");
    free(mnist);
    char *published = table(f, NULL);
    assert_holds(published, "| 92.5 | 91 |");
    free(published);
}

static void a_file_of_something_else_is_not_overwritten(void **state)
{
    fixture *f = *state;
    stn_error err;
    write_text(f, "{\"system\": \"imce\", \"rows\": []}");
    assert_refused(stn_results_write(f->results, f->path, &err), err,
                   STN_E_ARGUMENT, "has results of 'imce', not of 'permdnn'");
    write_text(f, "{\"name\": \"a package\"}");
    assert_refused(stn_results_write(f->results, f->path, &err), err,
                   STN_E_FORMAT, "is no results file");
    write_text(f, "{\"system\": \"permdnn\", \"rows\": [");
    assert_refused(stn_results_write(f->results, f->path, &err), err,
                   STN_E_FORMAT, f->path);
}

static void a_spread_stands_behind_a_published_figures_mean(void **state)
{
    fixture *f = *state;
    write_text(f,
               "{\"system\": \"x\", \"seed\": 1, \"rows\": ["
               "{\"quantity\": \"accuracy\", \"unit\": \"%\", \"ours\": 91,"
               " \"published\": 92.5, \"conditions\": \"net, mnist, a, no"
               " weights, mean of 3 seeds\"},"
               "{\"quantity\": \"accuracy spread\", \"unit\": \"points\","
               " \"ours\": 0.25, \"conditions\": \"net, mnist, a, no weights,"
               " mean of 3 seeds\"}]}");
    char *text = table(f, NULL);
    assert_holds(text, "| 92.5 | 91 (spread 0.25) | % |");
    free(text);
}

static void a_folder_tells_what_every_system_reached(void **state)
{
    fixture *f = *state;
    measure(f, "mnist", 0.9, 3, "one");
    measure(f, "cifar10", 0.7, 1, "two");
    char *text = table_of(f->folder, NULL);
    assert_holds(text, " | net, mnist | `p4` | 87.00 | 2.00 | 3 | 8 |\n"
                       "| | | net, cifar10 | `p4` | 68.00 | 2.00 | 1 | |\n");
    assert_holds(text, "\n| [`permdnn`](docs/methods/permdnn.md) | ");
    assert_holds(text, "\n| [`circnn`](docs/methods/circnn.md) | ");
    assert_holds(text, " | not yet | | | | | |\n");
    assert_null(strstr(text, "resnet20`]")); /* reproduces nothing */
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            data_sets_of_other_commands_stay_as_they_were, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            a_data_set_measured_again_is_replaced_in_its_place, set_up,
            tear_down),
        cmocka_unit_test_setup_teardown(
            a_second_network_on_the_same_data_leaves_the_first, set_up,
            tear_down),
        cmocka_unit_test_setup_teardown(
            a_mean_and_a_single_run_have_rows_of_their_own, set_up, tear_down),
        cmocka_unit_test_setup_teardown(published_figures_name_every_command,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            a_file_of_one_command_lends_its_origin_to_its_rows, set_up,
            tear_down),
        cmocka_unit_test_setup_teardown(
            a_file_of_something_else_is_not_overwritten, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            a_spread_stands_behind_a_published_figures_mean, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            a_folder_tells_what_every_system_reached, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
