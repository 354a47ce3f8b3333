/* SPDX-License-Identifier: MIT
 *
 * Digital units: their circuits compute, and what computing costs. */
#include "accel.h"
#include "memory/unit.h"

enum { MAX_SIGNALS = 1 << 15 };
static uint64_t signals[MAX_SIGNALS];

/* Operation `lane`: bits first … first + n - 1 of the signals as a number. */
static uint64_t number_at(const int *at, int first, int n, int lane)
{
    uint64_t x = 0;
    for (int i = 0; i < n; i++)
        x |= (signals[at ? at[i] : first + i] >> lane & 1) << i;
    return x;
}

static uint64_t expected(stn_unit_kind kind, int bits, int distance, int lane)
{
    uint64_t a = number_at(NULL, 0, bits, lane);
    uint64_t b = number_at(NULL, bits, bits, lane);
    uint64_t mask = bits == 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
    switch (kind) {
    case STN_UNIT_NAND:
        return ~(a & b) & mask;
    case STN_UNIT_ADDER:
        return a + b;
    case STN_UNIT_COMPARATOR:
        return a > b;
    case STN_UNIT_SHIFTER:
        return a << number_at(NULL, bits, distance, lane) & mask;
    case STN_UNIT_POPCOUNT:
        return (uint64_t)__builtin_popcountll(a);
    default:
        return a * b;
    }
}

static void check(stn_unit_kind kind, int bits, stn_rng *rng)
{
    stn_unit u;
    stn_error err;
    assert_ok(stn_unit_create(kind, bits, &u, &err), err);
    assert_true(u.net.n < MAX_SIGNALS);
    for (int i = 0; i < u.net.n_inputs; i++)
        signals[i] = stn_rng_u64(rng);
    /* Lane 0 has all ones, 1 all zeros, 2 two equal numbers. */
    for (int i = 0; i < u.net.n_inputs; i++) {
        uint64_t twin = signals[i % bits] & 4;
        signals[i] = (signals[i] & ~UINT64_C(7)) | 1 | twin;
    }
    stn_netlist_evaluate(&u.net, signals);
    for (int lane = 0; lane < 64; lane++) {
        uint64_t got = number_at(u.outputs, 0, u.n_outputs, lane);
        if (got != expected(kind, bits, u.net.n_inputs - bits, lane))
            fail_msg("%s of %d bits: got %llu, expected %llu",
                     stn_unit_name(kind), bits, (unsigned long long)got,
                     (unsigned long long)expected(kind, bits,
                                                  u.net.n_inputs - bits, lane));
    }
    stn_unit_deinit(&u);
}

static void units_compute(void **state)
{
    (void)state;
    stn_rng rng = stn_rng_make(1, STN_RNG_TEST, 0);
    for (int kind = 0; kind < STN_UNIT_KINDS; kind++)
        for (int bits = 1; bits <= 32; bits++)
            for (int k = 0; k < 4; k++)
                check((stn_unit_kind)kind, bits, &rng);
}

/* Whatever switches on the way, signals end where they belong. */
static void signals_settle_where_the_next_operation_puts_them(void **state)
{
    (void)state;
    stn_unit u;
    stn_error err;
    stn_rng rng = stn_rng_make(2, STN_RNG_TEST, 0);
    static uint64_t next[MAX_SIGNALS], scratch[MAX_SIGNALS],
        toggles[MAX_SIGNALS];
    assert_ok(stn_unit_create(STN_UNIT_MULTIPLIER, 8, &u, &err), err);
    for (int i = 0; i < u.net.n_inputs; i++)
        signals[i] = stn_rng_u64(&rng);
    stn_netlist_evaluate(&u.net, signals);
    uint64_t least = 0, all = 0;
    for (int i = 0; i < u.net.n_inputs; i++)
        next[i] = stn_rng_u64(&rng);
    stn_netlist_evaluate(&u.net, next);
    for (int i = 0; i < u.net.n; i++)
        least += (uint64_t)__builtin_popcountll(next[i] ^ signals[i]);
    stn_netlist_settle(&u.net, next, signals, scratch, toggles);
    for (int i = 0; i < u.net.n; i++)
        all += toggles[i];
    assert_memory_equal(signals, next, (size_t)u.net.n * sizeof *next);
    assert_true(all > least && all < 4 * least);
    stn_unit_deinit(&u);
}

static stn_unit_report evaluate(stn_unit_kind kind, int bits, double node_nm,
                                const char *roadmap)
{
    const stn_unit_request q = {.kind = kind,
                                .bits = bits,
                                .tech = "ptm",
                                .roadmap = roadmap,
                                .node_nm = node_nm,
                                .temperature_k = 300,
                                .pulses = true};
    stn_unit_report r;
    stn_error err;
    assert_ok(stn_unit_evaluate(&q, &r, &err), err);
    return r;
}

static void costs_follow_the_circuit(void **state)
{
    (void)state;
    stn_unit_report a = evaluate(STN_UNIT_ADDER, 16, 45, "HP");
    stn_unit_report b = evaluate(STN_UNIT_ADDER, 32, 45, "HP");
    /* Twice the bits and a few runs, two more levels of them. */
    assert_true(b.gates > 2 * a.gates && b.gates < 2.2 * a.gates);
    assert_true(b.area_m2 > 2 * a.area_m2 && b.area_m2 < 2.2 * a.area_m2);
    assert_true(b.energy_j > 1.9 * a.energy_j && b.energy_j < 2.3 * a.energy_j);
    assert_true(b.latency_s > a.latency_s && b.latency_s < 1.5 * a.latency_s);
    /* A tree's carries ripple: two gates for each bit of the count. */
    stn_unit_report tree = evaluate(STN_UNIT_POPCOUNT, 1023, 45, "HP");
    stn_unit_report twig = evaluate(STN_UNIT_POPCOUNT, 31, 45, "HP");
    assert_true(tree.latency_s > 2 * twig.latency_s &&
                tree.latency_s < 3 * twig.latency_s);
    assert_true(a.energy_max_j > a.energy_j && a.energy_max_j < 2 * a.energy_j);
    stn_unit_report small = evaluate(STN_UNIT_ADDER, 16, 22, "HP");
    assert_true(small.area_m2 < 0.3 * a.area_m2);
    assert_true(small.energy_j < a.energy_j);
    stn_unit_report slow = evaluate(STN_UNIT_ADDER, 16, 45, "LSTP");
    assert_true(slow.leakage_w < 0.1 * a.leakage_w);
    assert_true(slow.latency_s > a.latency_s);
}

/* n bits take n - bits of the result full adders, some of them half ones. */
static void a_tree_counts_with_an_adder_a_bit(void **state)
{
    (void)state;
    stn_unit u;
    stn_error err;
    for (int k = 2; k <= 10; k++) {
        int n = (1 << k) - 1;
        assert_ok(stn_unit_create(STN_UNIT_POPCOUNT, n, &u, &err), err);
        assert_int_equal(u.net.n - u.net.n_inputs, 9 * (n - k));
        assert_int_equal(u.n_outputs, k);
        stn_unit_deinit(&u);
    }
}

static void senseless_units_are_refused(void **state)
{
    (void)state;
    stn_unit u;
    stn_error err;
    stn_unit_report r;
    assert_refused(stn_unit_create(STN_UNIT_ADDER, 0, &u, &err), err,
                   STN_E_ARGUMENT, "adder: got 0 bits, expected from 1 to");
    assert_refused(stn_unit_create(STN_UNIT_MULTIPLIER, 65, &u, &err), err,
                   STN_E_ARGUMENT, "from 1 to 64");
    const stn_unit_request q = {.kind = STN_UNIT_ADDER,
                                .bits = 8,
                                .tech = "ptm",
                                .roadmap = "HP",
                                .node_nm = 14,
                                .temperature_k = 300};
    assert_refused(stn_unit_evaluate(&q, &r, &err), err, STN_E_ARGUMENT,
                   "from 22 to 90 nm");
}

static const char UNITS[] = "units={transistors: ptm, roadmap: HP}";

static stn_machine *machine_of(const char *name, const char *also)
{
    stn_error err;
    stn_machine *m = NULL;
    const char *set[] = {UNITS, also};
    assert_ok(stn_machine_load(name, set, also ? 2 : 1, &m, &err), err);
    return m;
}

static double listed(const stn_machine *m, const char *key)
{
    const stn_figure *figures;
    size_t n = stn_machine_figures(m, &figures), found = n;
    for (size_t i = 0; i < n; i++)
        if (strcmp(figures[i].key, key) == 0) {
            assert_true(found == n); /* once */
            found = i;
        }
    if (found == n)
        fail_msg("no figure %s", key);
    return figures[found].value;
}

/* A machine that counts ones: with its own area first, then without. */
static void machines_cost_what_their_units_do(void **state)
{
    (void)state;
    stn_unit_report tree = evaluate(STN_UNIT_POPCOUNT, 512, 45, "HP");
    stn_unit_report shifter = evaluate(STN_UNIT_SHIFTER, 32, 45, "HP");
    stn_unit_report adder = evaluate(STN_UNIT_ADDER, 32, 45, "HP");
    stn_unit_report product = evaluate(STN_UNIT_MULTIPLIER, 32, 45, "HP");
    stn_unit_report gate = evaluate(STN_UNIT_NAND, 1, 45, "HP");
    stn_machine *m = machine_of("imce", NULL);
    assert_close(m->event_energy_j[STN_EVENT_count_bit],
                 (tree.energy_j + shifter.energy_j + adder.energy_j) / 512);
    assert_true(tree.latency_s > shifter.latency_s + adder.latency_s);
    assert_close(m->event_latency_s[STN_EVENT_count_bit],
                 tree.latency_s - m->array.logic2_latency_s);
    assert_close(m->event_energy_j[STN_EVENT_pool], adder.energy_j);
    assert_close(m->event_latency_s[STN_EVENT_pool], adder.latency_s);
    assert_close(m->event_energy_j[STN_EVENT_rescale],
                 product.energy_j + 2 * adder.energy_j);
    assert_close(m->lane_m2, product.area_m2 + 2 * adder.area_m2);
    assert_close(m->sub_array_logic_m2, 1723e-12);
    double beside_w = 1024 * gate.leakage_w + tree.leakage_w +
                      shifter.leakage_w + adder.leakage_w;
    assert_close(m->logic_leakage_w, beside_w);
    assert_close(stn_machine_leakage_w(m), m->array.leakage_w + beside_w);
    assert_close(listed(m, "count_bit.energy"),
                 m->event_energy_j[STN_EVENT_count_bit]);
    assert_close(listed(m, "leakage.sub_array_logic"), beside_w);
    stn_machine_destroy(m);
    m = machine_of("imce", "areas=");
    double logic_m2 = tree.area_m2 + shifter.area_m2 + adder.area_m2;
    assert_close(m->sub_array_logic_m2, logic_m2);
    assert_close(listed(m, "area.sub_array_logic"), logic_m2);
    assert_close(stn_machine_area_m2(m),
                 m->array.area_m2 + logic_m2 + 1024 * gate.area_m2);
    stn_machine_destroy(m);
    /* A row takes longer than the tree: nothing is added. */
    m = machine_of("imce", "cell.logic2_latency_factor.value=8");
    assert_true(m->event_latency_s[STN_EVENT_count_bit] == 0.0);
    stn_machine_destroy(m);
}

/* Elements add in the cycle in which they multiply; a machine's own figures go
 * before those of units, and without units nothing changes. */
static void families_have_units_of_their_own(void **state)
{
    (void)state;
    stn_error err;
    stn_unit_report adder = evaluate(STN_UNIT_ADDER, 32, 45, "HP");
    stn_unit_report product = evaluate(STN_UNIT_MULTIPLIER, 8, 45, "HP");
    stn_machine *m = machine_of("pe-int8", NULL), *plain = NULL;
    assert_close(m->event_energy_j[STN_EVENT_add_bit], adder.energy_j / 32);
    assert_close(m->event_energy_j[STN_EVENT_mul_bit], product.energy_j / 64);
    assert_close(m->event_latency_s[STN_EVENT_add_bit],
                 adder.latency_s + product.latency_s);
    assert_close(m->logic_leakage_w,
                 256 * (adder.leakage_w + product.leakage_w) / 64);
    stn_machine_destroy(m);
    m = machine_of("yodann-like", NULL);
    assert_ok(stn_machine_load("yodann-like", NULL, 0, &plain, &err), err);
    const stn_event kept[] = {STN_EVENT_add_bit, STN_EVENT_mul_bit,
                              STN_EVENT_fp32_mul, STN_EVENT_register_bit};
    for (int i = 0; i < 4; i++) {
        assert_true(m->event_energy_j[kept[i]] ==
                    plain->event_energy_j[kept[i]]);
        assert_true(m->event_latency_s[kept[i]] ==
                    plain->event_latency_s[kept[i]]);
    }
    assert_true(plain->logic_leakage_w == 0.0);
    stn_machine_destroy(plain);
    stn_machine_destroy(m);
    adder = evaluate(STN_UNIT_ADDER, 32, 32, "HP"); /* at its node */
    m = machine_of("isaac-like", NULL);
    assert_close(m->event_energy_j[STN_EVENT_shift_add], adder.energy_j);
    stn_machine_destroy(m);
}

/* All of a machine, from its cells to its lanes, at every node. */
static void machines_shrink_with_their_node(void **state)
{
    (void)state;
    static const char *const nodes[] = {"tech=cmos-90nm", "tech=cmos-65nm",
                                        "tech=cmos-45nm", "tech=cmos-32nm",
                                        "tech=cmos-22nm"};
    stn_machine *before = machine_of("sot-modelled", nodes[0]);
    for (int i = 1; i < 5; i++) {
        stn_machine *m = machine_of("sot-modelled", nodes[i]);
        assert_true(stn_machine_area_m2(m) < stn_machine_area_m2(before));
        assert_true(m->lane_m2 < before->lane_m2);
        assert_true(m->event_energy_j[STN_EVENT_pool] <
                    before->event_energy_j[STN_EVENT_pool]);
        assert_true(m->event_energy_j[STN_EVENT_fp32_mul] <
                    before->event_energy_j[STN_EVENT_fp32_mul]);
        stn_machine_destroy(before);
        before = m;
    }
    stn_machine_destroy(before);
}

static void senseless_units_of_machines_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *set, *says;
    } cases[] = {
        {"units={transistors: ptm}", "\"roadmap\" is missing"},
        {"units={transistors: ptm, roadmap: fast}", "expected HP or LSTP"},
        {"units={transistors: ../x, roadmap: HP}", "expected letters, digits"},
        {"units={transistors: ptm, roadmap: HP, nodes: 3}", "nodes"},
        {"units=ptm", "units: expected a map"}};
    stn_error err;
    stn_machine *m = NULL;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        memset(&err, 0, sizeof err);
        assert_true(stn_machine_load("imce", &cases[i].set, 1, &m, &err) !=
                    STN_OK);
        if (!strstr(err.text, cases[i].says))
            fail_msg("error text lacks '%s': %s", cases[i].says, err.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(units_compute),
        cmocka_unit_test(signals_settle_where_the_next_operation_puts_them),
        cmocka_unit_test(costs_follow_the_circuit),
        cmocka_unit_test(a_tree_counts_with_an_adder_a_bit),
        cmocka_unit_test(senseless_units_are_refused),
        cmocka_unit_test(machines_cost_what_their_units_do),
        cmocka_unit_test(families_have_units_of_their_own),
        cmocka_unit_test(machines_shrink_with_their_node),
        cmocka_unit_test(senseless_units_of_machines_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
