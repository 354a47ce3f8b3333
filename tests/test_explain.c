/* SPDX-License-Identifier: MIT
 *
 * Explanations: every sum and product is that of its parts, down to figures
 * with a source, on every machine that is shipped. */
#include "test.h"
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

static stn_status begin(subject *s, const char *machine)
{
    stn_outline_options o = stn_outline_defaults();
    stn_simulate_options simulate = {0};
    *s = (subject){0};
    assert_ok(stn_machine_load(machine, NULL, 0, &s->machine, &err), err);
    assert_ok(stn_program_outline("lenet5", &o, &s->program, &err), err);
    return stn_simulate(s->machine, s->program, &simulate, &s->simulation,
                        &err);
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
    assert_ok(stn_explain(s->machine, s->simulation, key, &e, &err), err);
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
        assert_refused(stn_explain(s.machine, s.simulation, keys[i], &e, &err),
                       err, STN_E_NOT_FOUND, "there are energy");
    end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_total_is_made_of_its_parts_on_every_machine),
        cmocka_unit_test(counts_and_figures_are_all_there_is),
        cmocka_unit_test(a_figure_that_is_not_there_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
