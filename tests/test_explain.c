/* SPDX-License-Identifier: MIT
 *
 * Explanations: every sum and product is that of its parts, down to figures
 * with a source, on every machine that is shipped. */
#include "test.h"
#include "setun/array.h"
#include "setun/explain.h"
#include "setun/library.h"
#include "setun/outline.h"
#include <math.h>
#include <stdbool.h>

static stn_error err;

static bool close_to(double a, double b)
{
    return fabs(a - b) <= 1e-9 * fmax(fabs(a), fabs(b));
}

/* Nodes, and functions among them. */
typedef struct tally {
    int nodes, functions;
} tally;

static void check(const stn_reason *r, tally *t)
{
    double sum = 0, product = 1;
    t->nodes++;
    t->functions += r->kind == STN_REASON_FUNCTION;
    assert_true(isfinite(r->value));
    assert_true(r->key[0] && r->unit[0] && r->text[0]);
    for (const stn_reason *p = r->first; p; p = p->next) {
        check(p, t);
        sum += p->value;
        product *= p->value;
    }
    if (r->kind == STN_REASON_SUM && !close_to(sum, r->value))
        fail_msg("%s is %.12g, its parts sum to %.12g", r->key, r->value, sum);
    if (r->kind == STN_REASON_PRODUCT && !close_to(product, r->value))
        fail_msg("%s is %.12g, the product of its parts %.12g", r->key,
                 r->value, product);
    bool leaf = r->kind == STN_REASON_FIGURE || r->kind == STN_REASON_COUNT;
    assert_true(leaf == (r->first == NULL) || r->kind == STN_REASON_FUNCTION ||
                r->value == 0);
    assert_true((r->kind == STN_REASON_FIGURE) == (r->confidence[0] != '\0'));
}

/* A network of one machine, predicted. */
typedef struct subject {
    stn_machine *machine;
    stn_program *program;
    stn_simulation *simulation;
} subject;

static stn_status begin_set(subject *s, const char *machine,
                            const char *const *set, int n_set)
{
    stn_outline_options o = stn_outline_defaults();
    stn_simulate_options simulate = {0};
    *s = (subject){0};
    assert_ok(stn_machine_load(machine, set, n_set, &s->machine, &err), err);
    assert_ok(stn_program_outline("lenet5", &o, &s->program, &err), err);
    return stn_simulate(s->machine, s->program, &simulate, &s->simulation,
                        &err);
}

static stn_status begin(subject *s, const char *machine)
{
    return begin_set(s, machine, NULL, 0);
}

static void end(subject *s)
{
    stn_simulation_destroy(s->simulation);
    stn_program_destroy(s->program);
    stn_machine_destroy(s->machine);
}

static tally explained(const subject *s, const char *key, double value)
{
    tally t = {0, 0};
    stn_explanation *e = NULL;
    assert_ok(stn_explain(s->machine, s->program, s->simulation, key, &e, &err),
              err);
    const stn_reason *root = stn_explanation_root(e);
    if (!close_to(root->value, value))
        fail_msg("%s on %s is explained as %.12g, is %.12g", key,
                 stn_machine_name(s->machine), root->value, value);
    check(root, &t);
    stn_explanation_destroy(e);
    return t;
}

static void check_layers(const subject *s)
{
    for (int i = 0; i < s->simulation->n_layers; i++) {
        const stn_layer_cost *l = &s->simulation->layers[i];
        char key[128];
        snprintf(key, sizeof key, "%s.energy", l->name);
        explained(s, key, stn_cost_energy_j(&l->cost));
        snprintf(key, sizeof key, "%s.latency", l->name);
        explained(s, key, l->cost.latency_s);
        snprintf(key, sizeof key, "%s.area", l->name);
        explained(s, key, stn_cost_area_m2(&l->cost));
    }
}

static void every_total_is_made_of_its_parts_on_every_machine(void **state)
{
    (void)state;
    stn_library_entry *machines = NULL;
    size_t n = 0, n_ran = 0;
    assert_ok(stn_library_list(STN_LIBRARY_MACHINES, &machines, &n, &err), err);
    for (size_t i = 0; i < n; i++) {
        subject s;
        if (begin(&s, machines[i].id) == STN_OK) {
            const stn_simulation *m = s.simulation;
            explained(&s, "energy", stn_cost_energy_j(&m->total));
            explained(&s, "layers.energy", stn_cost_energy_j(&m->total));
            explained(&s, "latency", m->total.latency_s);
            explained(&s, "area", stn_cost_area_m2(&m->total));
            explained(&s, "programming_energy", m->programming_energy_j);
            explained(&s, "programming_latency", m->programming_latency_s);
            check_layers(&s);
            n_ran++;
        }
        end(&s);
    }
    assert_true(n_ran > 8);
    stn_library_free(machines);
}

/* On a machine of figures alone no formula stays untold. */
static void counts_and_figures_are_all_there_is(void **state)
{
    (void)state;
    subject s;
    assert_ok(begin(&s, "imce"), err);
    tally t = explained(&s, "energy", stn_cost_energy_j(&s.simulation->total));
    assert_true(t.nodes > 50);
    assert_int_equal(t.functions, 0);
    /* 2.75 pJ a read, 1.2 of them for two rows at once */
    explained(&s, "array.read_energy", 2.75e-12);
    t = explained(&s, "event.row_logic2.energy", 3.3e-12);
    assert_int_equal(t.nodes, 3);
    t = explained(&s, "event.row_copy.energy", 2.75e-12 + 4.64e-11);
    assert_int_equal(t.nodes, 3);
    t = explained(&s, "count_bit.energy", 1.56e-14);
    assert_int_equal(t.nodes, 1);
    end(&s);
}

static void a_figure_that_is_not_there_is_refused(void **state)
{
    (void)state;
    subject s;
    stn_explanation *e = NULL;
    assert_ok(begin(&s, "imce"), err);
    static const char *const keys[] = {"enrgy",       "energy.linc", "energy.",
                                       "conv1",       "conv1.",      "conv1.x",
                                       "event.row_x", "event.",      ""};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        assert_refused(
            stn_explain(s.machine, s.program, s.simulation, keys[i], &e, &err),
            err, STN_E_NOT_FOUND, "there are energy");
    end(&s);
}

/* ---- converters */

/* The first node of that key among `r`, the next ones and all their parts. */
static const stn_reason *find(const stn_reason *r, const char *key)
{
    const stn_reason *found = NULL;
    for (; r && !found; r = r->next)
        found = strcmp(r->key, key) == 0 ? r : find(r->first, key);
    return found;
}

/* The inputs of a node of that key, in their order. */
static void assert_inputs(const stn_reason *r, const char *key,
                          const char *const *inputs)
{
    r = find(r, key);
    assert_non_null(r);
    for (r = r->first; r && *inputs; r = r->next, inputs++)
        assert_string_equal(r->key, *inputs);
    if (r || *inputs)
        fail_msg("%s: got %s, expected %s", key, r ? r->key : "no more",
                 *inputs ? *inputs : "no more");
}

static void check_inputs(const subject *s, const char *key, const char *node,
                         const char *const *inputs)
{
    stn_explanation *e = NULL;
    assert_ok(stn_explain(s->machine, s->program, s->simulation, key, &e, &err),
              err);
    assert_inputs(stn_explanation_root(e), node, inputs);
    stn_explanation_destroy(e);
}

/* options.adc_model decides which figures make an ADC. */
static void converters_rest_on_the_figures_of_their_model(void **state)
{
    (void)state;
    static const char *const scaled[] = {"circuits.reference_bits",
                                         "circuits.reference_energy", NULL};
    static const char *const flash[] = {"circuits.comparator_latency",
                                        "circuits.encoder_latency", NULL};
    static const char *const sar[] = {"circuits.comparator_energy",
                                      "circuits.sar_bit_energy",
                                      "circuits.capacitor_energy", NULL};
    static const char *const scaled_area[] = {
        "circuits.dac_area", "circuits.hold_area", "circuits.reference_bits",
        "circuits.reference_area", NULL};
    static const char *const digital[] = {"circuits.shift_add_area", NULL};
    static const char *const lanes[] = {"area.lane", NULL};
    subject s;
    assert_ok(begin(&s, "isaac-like"), err);
    check_inputs(&s, "event.adc8.energy", "event.adc8.energy", scaled);
    check_inputs(&s, "conv1.area", "conv1.area.converters", scaled_area);
    check_inputs(&s, "conv1.area", "conv1.area.units", digital);
    check_inputs(&s, "max_pool.area", "max_pool.area.units", lanes);
    end(&s);
    assert_ok(begin(&s, "prime-like"), err);
    check_inputs(&s, "event.adc3.latency", "event.adc3.latency", flash);
    check_inputs(&s, "event.adc8.energy", "event.adc8.energy", sar);
    end(&s);
}

/* Figures of files may leak. */
static void leaking_converters_rest_on_figures_that_say_so(void **state)
{
    (void)state;
#define LEAKS(name)                                                            \
    "circuits." name "={value: 1, unit: nW, source: a test, confidence: "      \
    "assumed}"
    static const char *const set[] = {LEAKS("hold_leakage"),
                                      LEAKS("adc_leakage")};
    static const char *const leaks[] = {"circuits.hold_leakage",
                                        "circuits.adc_leakage", NULL};
    subject s;
    assert_ok(begin_set(&s, "isaac-like", set, 2), err);
    check_inputs(&s, "conv1.energy.leakage", "conv1.leakage.converters", leaks);
    check_layers(&s);
    end(&s);
}

static void modelled_converters_end_at_their_model(void **state)
{
    (void)state;
    static const char *const area[] = {"dac.area", "sample_hold.area",
                                       "adc8.area", NULL};
    static const char *const leakage[] = {"dac.leakage", "sample_hold.leakage",
                                          "adc8.leakage", NULL};
    static const char *const parts[] = {"adc8.energy.comparators",
                                        "adc8.energy.reference",
                                        "adc8.energy.logic", NULL};
    static const char *const read[] = {"circuits.read_latency", "drive.latency",
                                       NULL};
    static const char *const digital[] = {"circuits.shift_add_area", NULL};
    static const char *const other[] = {"converters.full_scale",
                                        "converters.unit_capacitor",
                                        "converters.capacitor_matching", NULL};
    subject s;
    assert_ok(begin(&s, "isaac-modelled"), err);
    check_inputs(&s, "conv1.area", "conv1.area.converters", area);
    check_inputs(&s, "conv1.area", "conv1.area.units", digital);
    check_inputs(&s, "conv1.energy.leakage", "conv1.leakage.converters",
                 leakage);
    check_inputs(&s, "event.adc8.energy", "adc8.energy", parts);
    check_inputs(&s, "event.crossbar_read.latency",
                 "event.crossbar_read.latency", read);
    check_inputs(&s, "event.adc5.energy", "event.adc5.energy", other);
    check_layers(&s);
    end(&s);
}

/* Elements of one-bit weights have no multipliers. */
static void elements_rest_on_what_they_are_built_of(void **state)
{
    (void)state;
    static const char *const adders[] = {
        "circuits.add_bit_area", "circuits.register_bit_area",
        "circuits.cell_density", "area.lane", NULL};
    subject s;
    assert_ok(begin(&s, "yodann-like"), err);
    check_inputs(&s, "conv1.area", "conv1.area.units", adders);
    end(&s);
}

/* ---- sub-arrays */

static stn_array_request modelled(const char *cell)
{
    return (stn_array_request){.cell = cell,
                               .tech = "ptm",
                               .roadmap = "HP",
                               .node_nm = 45,
                               .temperature_k = 300,
                               .rows = 256,
                               .columns = 512,
                               .columns_per_sense_amp = 1};
}

static stn_explanation *explain_array(const stn_array_request *q,
                                      int sub_arrays, const char *key)
{
    stn_explanation *e = NULL;
    assert_ok(stn_explain_array(q, sub_arrays, key, &e, &err), err);
    return e;
}

/* The part of a node with that key, or NULL. */
static const stn_reason *input(const stn_reason *r, const char *key)
{
    const stn_reason *p = r->first;
    while (p && strcmp(p->key, key) != 0)
        p = p->next;
    return p;
}

/* A total, its parts, their formulas and inputs. */
static void check_total(const stn_array_request *q, const char *key,
                        double value)
{
    tally t = {0, 0};
    stn_explanation *e = explain_array(q, 16, key);
    const stn_reason *root = stn_explanation_root(e);
    assert_true(close_to(root->value, value));
    check(root, &t);
    for (const stn_reason *p = root->first; p; p = p->next) {
        assert_int_equal(p->kind, STN_REASON_FUNCTION);
        if (!p->first)
            fail_msg("%s of %s rests on nothing", p->key, q->cell);
        for (const stn_reason *i = p->first; i; i = i->next)
            assert_true(i->influence != 0 && isfinite(i->influence));
    }
    stn_explanation_destroy(e);
}

static void every_part_of_every_cell_has_a_formula_and_inputs(void **state)
{
    (void)state;
    static const char *const cells[] = {"sot-mram-v", "sot-mram-i", "reram-mlc",
                                        "sram-6t",    "sram-8t",    "edram",
                                        "sot-2t1m"};
    for (size_t c = 0; c < sizeof cells / sizeof cells[0]; c++) {
        stn_array_request q = modelled(cells[c]);
        stn_array_report array;
        stn_bank_report bank;
        q.tech = c % 2 ? "nvsim" : "ptm";
        q.columns_per_sense_amp = strcmp(q.cell, "edram") == 0 ? 1 : 4;
        assert_ok(stn_array_evaluate(&q, &array, &err), err);
        assert_ok(stn_bank_evaluate(&q, 16, &bank, &err), err);
        for (int t = 0; t < STN_ARRAY_TOTALS; t++) {
            char key[64];
            const char *name = stn_array_total_name((stn_array_total)t);
            check_total(&q, name, array.total[t]);
            snprintf(key, sizeof key, "bank.%s", name);
            check_total(&q, key, bank.total[t]);
        }
    }
}

/* Cells: rows x columns x cell_area F^2, and nothing else. */
static void inputs_are_those_that_a_part_changes_with(void **state)
{
    (void)state;
    static const struct {
        const char *key;
        double influence;
    } expected[] = {{"rows", 1},
                    {"columns", 1},
                    {"cell.cell_area", 1},
                    {"transistors.feature_size", 2}};
    stn_array_request q = modelled("sot-mram-v");
    stn_explanation *e = explain_array(&q, 1, "area_m2.cells");
    const stn_reason *root = stn_explanation_root(e);
    int n = 0;
    for (const stn_reason *p = root->first; p; p = p->next)
        n++;
    assert_int_equal(n, 4);
    assert_string_equal(root->first->key, "transistors.feature_size");
    for (size_t i = 0; i < 4; i++) {
        const stn_reason *p = input(root, expected[i].key);
        assert_non_null(p);
        assert_true(fabs(p->influence - expected[i].influence) < 1e-3);
    }
    stn_explanation_destroy(e);
}

/* Currents of 350 K count at 350 K alone; a junction's figures reach its
 * cell. */
static void inputs_follow_temperature_and_device(void **state)
{
    (void)state;
    stn_array_request q = modelled("sot-2t1m");
    stn_explanation *e = explain_array(&q, 1, "read_latency_s.row_decoder");
    const stn_reason *root = stn_explanation_root(e);
    assert_non_null(input(root, "transistors.hp.on_current_n"));
    assert_null(input(root, "transistors.hp.on_current_n_350k"));
    stn_explanation_destroy(e);
    q.temperature_k = 350;
    e = explain_array(&q, 1, "read_latency_s.row_decoder");
    root = stn_explanation_root(e);
    assert_null(input(root, "transistors.hp.on_current_n"));
    assert_non_null(input(root, "transistors.hp.on_current_n_350k"));
    stn_explanation_destroy(e);
    e = explain_array(&q, 1, "write_energy_j.cells");
    const stn_reason *pulse =
        input(stn_explanation_root(e), "cell.write_pulse");
    assert_non_null(pulse);
    assert_true(fabs(pulse->influence - 1) < 1e-3);
    assert_non_null(strstr(pulse->text, "sot-mtj"));
    stn_explanation_destroy(e);
}

/* A machine's modelled array has the formulas of `setun array`. */
static void a_machine_tells_the_same_formulas(void **state)
{
    (void)state;
    subject s;
    stn_explanation *e = NULL;
    stn_array_request q = modelled("sot-2t1m");
    stn_explanation *of_array = explain_array(&q, 1, "area_m2.cells");
    const char *formula = stn_explanation_root(of_array)->text;
    assert_ok(begin(&s, "sot-modelled"), err);
    assert_ok(stn_explain(s.machine, s.program, s.simulation,
                          "array.area.cells", &e, &err),
              err);
    const char *text = stn_explanation_root(e)->text;
    assert_int_equal(strncmp(text, formula, strlen(formula)), 0);
    assert_non_null(strstr(text, "; model of docs/memory.md"));
    stn_explanation_destroy(e);
    end(&s);
    stn_explanation_destroy(of_array);
}

static void a_figure_that_no_array_has_is_refused(void **state)
{
    (void)state;
    static const char *const keys[] = {"",
                                       "area",
                                       "area_m2.",
                                       "area_m2.x",
                                       "read_latency_s.data_tree",
                                       "bank.",
                                       "bank.area_m2.cells"};
    stn_array_request q = modelled("sram-6t");
    stn_explanation *e = NULL;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        assert_refused(stn_explain_array(&q, 1, keys[i], &e, &err), err,
                       STN_E_NOT_FOUND, "there are area_m2");
    assert_refused(stn_explain_array(&q, 3, "area_m2", &e, &err), err,
                   STN_E_ARGUMENT, "power of two");
    q.cell = "nothing";
    assert_refused(stn_explain_array(&q, 1, "area_m2", &e, &err), err,
                   STN_E_NOT_FOUND, "nothing");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_total_is_made_of_its_parts_on_every_machine),
        cmocka_unit_test(counts_and_figures_are_all_there_is),
        cmocka_unit_test(a_figure_that_is_not_there_is_refused),
        cmocka_unit_test(converters_rest_on_the_figures_of_their_model),
        cmocka_unit_test(leaking_converters_rest_on_figures_that_say_so),
        cmocka_unit_test(modelled_converters_end_at_their_model),
        cmocka_unit_test(elements_rest_on_what_they_are_built_of),
        cmocka_unit_test(every_part_of_every_cell_has_a_formula_and_inputs),
        cmocka_unit_test(inputs_are_those_that_a_part_changes_with),
        cmocka_unit_test(inputs_follow_temperature_and_device),
        cmocka_unit_test(a_machine_tells_the_same_formulas),
        cmocka_unit_test(a_figure_that_no_array_has_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
