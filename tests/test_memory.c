/* SPDX-License-Identifier: MIT
 *
 * Figures, sub-arrays and machine files: units, ranges, refusals with file,
 * line and field; and every file that is shipped. */
#include "test.h"
#include "accel/accel.h"
#include "base/file.h"
#include <dirent.h>

static const stn_figure_row energy_row = {"energy", STN_QUANTITY_ENERGY, 1e-18,
                                          1e-6, 0};

/* Parses "energy: TEXT" as one figure. */
static stn_status parse(const char *text, stn_quantity quantity, double *out,
                        stn_figures *figures, stn_error *err)
{
    char yaml[512];
    stn_yaml_document *document = NULL;
    stn_figure_row row = energy_row;
    row.quantity = quantity;
    snprintf(yaml, sizeof yaml, "# a comment\nenergy: %s\n", text);
    assert_int_equal(stn_yaml_parse("cell.yaml", yaml, &document, err), STN_OK);
    stn_status status = stn_figure_parse(
        figures, "cell", &row, stn_yaml_get(stn_yaml_root(document), "energy"),
        out, err);
    stn_yaml_destroy(document);
    return status;
}

static void figures_come_out_in_si_whatever_their_unit(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        stn_quantity quantity;
        double si;
    } cases[] = {{"3, unit: pJ", STN_QUANTITY_ENERGY, 3e-12},
                 {"0.5, unit: fJ", STN_QUANTITY_ENERGY, 5e-16},
                 {"1.5, unit: ns", STN_QUANTITY_TIME, 1.5e-9},
                 {"2, unit: ps", STN_QUANTITY_TIME, 2e-12},
                 {"52, unit: nW", STN_QUANTITY_POWER, 52e-9},
                 {"30000, unit: um2", STN_QUANTITY_AREA, 3e-8},
                 {"45, unit: nm", STN_QUANTITY_LENGTH, 45e-9}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        stn_error err;
        stn_arena arena = {0};
        stn_figures figures = {.arena = &arena};
        char text[256];
        double x = 0.0;
        snprintf(text, sizeof text,
                 "{value: %s, source: a book, confidence: text}",
                 cases[i].text);
        assert_ok(parse(text, cases[i].quantity, &x, &figures, &err), err);
        assert_true(x > 0.999999 * cases[i].si && x < 1.000001 * cases[i].si);
        assert_int_equal(figures.n, 1);
        assert_string_equal(figures.items[0].key, "cell.energy");
        assert_string_equal(figures.items[0].source, "a book");
        assert_string_equal(figures.items[0].confidence, "text");
        assert_true(figures.items[0].value == x);
        stn_arena_deinit(&arena);
    }
}

static void bad_figures_are_refused_with_file_line_and_field(void **state)
{
    (void)state;
    static const struct {
        const char *text, *part;
    } cases[] = {
        {"3", "cell.yaml:2: cell.energy: a figure is"},
        {"{unit: pJ, source: s, confidence: text}", "energy.value is missing"},
        {"{value: 3, source: s, confidence: text}", "energy.unit is missing"},
        {"{value: 3, unit: pJ, confidence: text}", "energy.source is missing"},
        {"{value: 3, unit: pJ, source: s}", "energy.confidence is missing"},
        {"{value: 3, unit: ns, source: s, confidence: text}",
         "energy.unit: got \"ns\", expected one of J, mJ"},
        {"{value: 3, unit: mJ, source: s, confidence: text}",
         "cell.yaml:2: cell.energy: got 3 mJ, expected from 1e-18 to 1e-06 J"},
        {"{value: .nan, unit: pJ, source: s, confidence: text}",
         "cell.energy.value: got .nan, expected a finite number"},
        {"{value: -.Inf, unit: pJ, source: s, confidence: text}",
         "cell.energy.value: got -.Inf, expected a finite number"},
        {"{value: -3, unit: pJ, source: s, confidence: text}", "got -3 pJ"},
        {"{value: x, unit: pJ, source: s, confidence: text}", "\"x\""},
        {"{value: 3, unit: pJ, source: s, confidence: guess}", "\"guess\""},
        {"{value: 3, unit: pJ, source: s, confidence: text, note: n}",
         "\"note\""}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        stn_error err;
        stn_arena arena = {0};
        stn_figures figures = {.arena = &arena};
        double x = 7.0;
        assert_refused(
            parse(cases[i].text, STN_QUANTITY_ENERGY, &x, &figures, &err), err,
            STN_E_FORMAT, cases[i].part);
        if (!strstr(err.text, "cell.yaml:2"))
            fail_msg("no place in: %s", err.text);
        assert_true(x == 7.0);
        stn_arena_deinit(&arena);
    }
}

static void machine_files_are_refused_where_they_are_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *set, *part;
        stn_status status;
    } cases[] = {
        {"array.rows=300", "no figures for an array 300x512",
         STN_E_UNSUPPORTED},
        {"array.sensing=charge", "256x512 cmos-45nm hp voltage",
         STN_E_UNSUPPORTED},
        {"array.rows=0", "rows", STN_E_FORMAT},
        {"cell=unobtainium", "unobtainium.yaml", STN_E_FORMAT},
        {"cell=../cells/sot-mram", "expected the name of a file", STN_E_FORMAT},
        {"family=analogue", "analogue", STN_E_FORMAT},
        {"options.carry=flag", "flag", STN_E_FORMAT},
        {"options.lanes=0", "lanes", STN_E_FORMAT},
        {"options.lane=4", "lane", STN_E_FORMAT},
        {"baseline.float_units=0", "float_units", STN_E_FORMAT},
        {"cell.arrays.4.leakage.unit=V", "leakage.unit: got \"V\"",
         STN_E_FORMAT},
        {"events.pool.energy.value=2",
         "no figure pool.energy to change; give all of it: --set "
         "'events.pool.energy={value: ..., unit: ..., source: ..., "
         "confidence: ...}'",
         STN_E_FORMAT},
        {"areas.lane.unit=um2", "--set 'areas.lane={value: ...", STN_E_FORMAT},
        {"events.pool.energy={value: 1, unit: pJ, source: s, confidence: text}",
         "pool.latency is missing; give it, too: --set "
         "'events.pool.latency={value: ...",
         STN_E_FORMAT},
        {"title", "path.to.field=value", STN_E_ARGUMENT}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        stn_error err = {0};
        stn_machine *machine = NULL;
        const char *set[] = {cases[i].set};
        stn_status status =
            stn_machine_load("bdnet-sot", set, 1, &machine, &err);
        if (status == STN_OK || !strstr(err.text, cases[i].part))
            fail_msg("%s: %s", cases[i].set, err.text);
        if (cases[i].status != STN_E_FORMAT)
            assert_int_equal(status, cases[i].status);
        assert_null(machine);
    }
}

static stn_array modelled_as(const char *set, const char *also)
{
    stn_error err;
    stn_machine *m = NULL;
    const char *sets[] = {set, also};
    int n = (set != NULL) + (also != NULL);
    assert_ok(stn_machine_load("sot-modelled", sets, n, &m, &err), err);
    stn_array a = m->array;
    stn_machine_destroy(m);
    return a;
}

static stn_array modelled(const char *set)
{
    return modelled_as(set, NULL);
}

/* No table: any geometry; two word lines cost more than one, less than two
 * reads. */
static void a_modelled_machine_may_have_any_geometry(void **state)
{
    (void)state;
    stn_array a = modelled(NULL), tall = modelled("array.rows=300");
    assert_int_equal(a.rows, 256);
    assert_int_equal(tall.rows, 300);
    assert_true(tall.area_m2 > a.area_m2 && tall.leakage_w > a.leakage_w);
    assert_true(a.logic2_energy_j > a.read_energy_j &&
                a.logic2_energy_j < 2.0 * a.read_energy_j);
    assert_true(a.logic3_energy_j > a.logic2_energy_j);
    stn_array slow = modelled("array.roadmap=LSTP");
    assert_true(slow.leakage_w < 0.1 * a.leakage_w);
    stn_array dense = modelled("cell=sram-6t"),
              quiet = modelled_as("cell=sram-6t", "array.cell_roadmap=LSTP");
    assert_true(quiet.leakage_w < 0.7 * dense.leakage_w);
    assert_true(quiet.read_latency_s > dense.read_latency_s);
}

static void modelled_machines_are_refused_where_they_are_wrong(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"array.rows=1", "rows"},
        {"array.roadmap=LOP", "expected HP or LSTP"},
        {"array.cell_roadmap=LOP", "expected HP or LSTP"},
        {"array.transistors=tsmc", "tech/tsmc-45nm.yaml"},
        {"cell=edram", "use fewer rows"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        stn_error err = {0};
        stn_machine *m = NULL;
        const char *sets[] = {cases[i][0], "array.rows=8192"};
        int n = i == 4 ? 2 : 1;
        if (stn_machine_load("sot-modelled", sets, n, &m, &err) == STN_OK ||
            !strstr(err.text, cases[i][1]))
            fail_msg("%s: %s", cases[i][0], err.text);
    }
}

static void an_unknown_machine_is_not_found(void **state)
{
    (void)state;
    stn_error err;
    stn_machine *machine = NULL;
    assert_refused(stn_machine_load("no-such", NULL, 0, &machine, &err), err,
                   STN_E_NOT_FOUND, "machines/no-such.yaml");
}

/* Each loads, says where every figure comes from, and costs something. */
static void every_shipped_machine_loads(void **state)
{
    (void)state;
    char folder[512];
    stn_error err;
    int n = 0;
    assert_ok(stn_path_format(folder, sizeof folder, &err, "%s/machines",
                              stn_share_directory()),
              err);
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    for (struct dirent *e = readdir(dir); e; e = readdir(dir)) {
        stn_machine *m = NULL;
        const stn_figure *figures = NULL;
        char path[1024];
        if (!strstr(e->d_name, ".yaml"))
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        assert_ok(stn_machine_load(path, NULL, 0, &m, &err), err);
        assert_int_equal(strlen(stn_machine_name(m)) + strlen(".yaml"),
                         strlen(e->d_name));
        assert_true(strlen(stn_machine_title(m)) > 10);
        size_t count = stn_machine_figures(m, &figures);
        assert_true(count > 20);
        for (size_t i = 0; i < count; i++)
            assert_true(figures[i].key[0] && figures[i].unit[0] &&
                        figures[i].source[0] && figures[i].confidence[0]);
        for (int k = 0; k < STN_EVENT_COUNT; k++) {
            /* Analog reads and converters are of families that have them;
             * driving and holding take the time of the read. */
            bool analog = stn_events[k].component == STN_COMPONENT_CONVERTER ||
                          k == STN_EVENT_crossbar_read;
            bool none = k == STN_EVENT_row_logic2 && m->array.shares_charge;
            assert_true(m->event_energy_j[k] > 0.0 || none ||
                        (analog && !m->type->adc));
            assert_true(m->event_latency_s[k] >= 0.0);
        }
        assert_true(m->array.logic3_energy_j >= m->array.read_energy_j);
        assert_true(m->array.shares_charge ||
                    (m->array.logic3_energy_j >= m->array.logic2_energy_j &&
                     m->array.logic2_energy_j >= m->array.read_energy_j));
        stn_machine_destroy(m);
        n++;
    }
    closedir(dir);
    assert_true(n >= 3);
}

static void the_default_sub_array_has_the_figures_of_its_table(void **state)
{
    (void)state;
    stn_error err;
    stn_machine *m = NULL;
    assert_ok(stn_machine_load("bdnet-sot", NULL, 0, &m, &err), err);
    const stn_array *a = &m->array;
    assert_int_equal(a->rows, 256);
    assert_int_equal(a->columns, 512);
    assert_true(a->write_energy_j > 46.39e-12 && a->write_energy_j < 46.41e-12);
    assert_true(a->logic3_energy_j > 1.349 * a->read_energy_j &&
                a->logic3_energy_j < 1.351 * a->read_energy_j);
    assert_true(a->leakage_w > 1.54e-3 && a->leakage_w < 1.56e-3);
    stn_machine_destroy(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_come_out_in_si_whatever_their_unit),
        cmocka_unit_test(bad_figures_are_refused_with_file_line_and_field),
        cmocka_unit_test(machine_files_are_refused_where_they_are_wrong),
        cmocka_unit_test(a_modelled_machine_may_have_any_geometry),
        cmocka_unit_test(modelled_machines_are_refused_where_they_are_wrong),
        cmocka_unit_test(an_unknown_machine_is_not_found),
        cmocka_unit_test(every_shipped_machine_loads),
        cmocka_unit_test(the_default_sub_array_has_the_figures_of_its_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
