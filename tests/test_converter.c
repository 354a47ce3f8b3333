/* SPDX-License-Identifier: MIT
 *
 * Converters from the transistors of a technology: sums of parts, what follows
 * node, roadmap, supply, temperature and resolution, and charge counted by
 * hand, and what machines make of them. */
#include "test.h"
#include "accel/crossbar.h"
#include "memory/converter.h"
#include "programs.h"
#include <math.h>

static const double nodes[] = {90, 65, 45, 32, 22};
enum { N_NODES = sizeof nodes / sizeof nodes[0] };
static const char *const roadmaps[] = {"HP", "LSTP"};

static stn_converter converter(const char *roadmap, double node_nm,
                               double temperature_k)
{
    stn_error err;
    stn_figures unlisted = {0};
    const stn_tech_choice choice = {.set = "ptm",
                                    .roadmap = roadmap,
                                    .node_nm = node_nm,
                                    .temperature_k = temperature_k};
    stn_converter c = {.temperature_k = temperature_k,
                       .full_scale_v = 0.5,
                       .unit_f = 1e-15,
                       .mismatch_m = 1e-8};
    assert_ok(stn_tech_load(&choice, &unlisted, &c.tech, &err), err);
    return c;
}

static stn_adc_cost adc(const stn_converter *c, int bits)
{
    stn_error err;
    stn_adc_cost a;
    assert_ok(stn_adc_model(c, bits, NULL, &a, &err), err);
    return a;
}

static bool near(double a, double b)
{
    return fabs(a - b) <= 1e-12 * fabs(b);
}

static void every_total_is_the_sum_of_its_parts(void **state)
{
    (void)state;
    stn_error err;
    for (int k = 0; k < 2 * N_NODES; k++)
        for (int bits = 1; bits <= STN_ADC_MOST_BITS; bits++) {
            stn_converter c = converter(roadmaps[k % 2], nodes[k / 2], 300);
            stn_unit_chain part[STN_ADC_PARTS], sum = {0};
            stn_adc_cost a;
            assert_ok(stn_adc_model(&c, bits, part, &a, &err), err);
            for (int p = 0; p < STN_ADC_PARTS; p++) {
                assert_true(part[p].energy_j >= 0 && part[p].latency_s >= 0);
                assert_true(part[p].area_m2 >= 0 && part[p].leakage_w >= 0);
                sum.energy_j += part[p].energy_j;
                sum.latency_s += part[p].latency_s;
                sum.area_m2 += part[p].area_m2;
                sum.leakage_w += part[p].leakage_w;
            }
            assert_true(near(a.energy_j, sum.energy_j));
            assert_true(near(a.latency_s, sum.latency_s));
            assert_true(near(a.area_m2, sum.area_m2));
            assert_true(near(a.leakage_w, sum.leakage_w));
            assert_true(a.leakage_w > 0 && a.area_m2 > 0 && a.energy_j > 0);
            assert_true(a.power_w == a.energy_j / a.latency_s);
            assert_int_equal(a.bits, bits);
        }
}

/* Areas, and energies as long as parasitics decide. What must match does not
 * follow: capacitors from 7 bits on take the same area of denser metal, and the
 * pairs of a flash of 4 bits become wider as they become shorter. */
static void converters_shrink_with_their_node(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++)
        for (int i = 1; i < N_NODES; i++)
            for (int bits = 1; bits <= STN_ADC_MOST_BITS; bits++) {
                stn_converter coarse =
                    converter(roadmaps[k], nodes[i - 1], 300);
                stn_converter fine = converter(roadmaps[k], nodes[i], 300);
                stn_adc_cost a = adc(&coarse, bits), b = adc(&fine, bits);
                stn_row_line rows[] = {stn_converter_row(&coarse, 128, 1e-7),
                                       stn_converter_row(&fine, 128, 1e-7)};
                assert_string_equal(a.structure, b.structure);
                if (bits <= 7)
                    assert_true(b.area_m2 < a.area_m2);
                if (bits <= 6 && bits != 4)
                    assert_true(b.energy_j < a.energy_j);
                assert_true(stn_hold_model(&fine, bits).area_m2 <
                            stn_hold_model(&coarse, bits).area_m2);
                assert_true(stn_dac_model(&fine, 1, &rows[1]).energy_j <
                            stn_dac_model(&coarse, 1, &rows[0]).energy_j);
                assert_true(stn_dac_model(&fine, 1, &rows[1]).area_m2 <
                            stn_dac_model(&coarse, 1, &rows[0]).area_m2);
            }
}

static void transistors_of_little_leakage_leak_less_and_are_slower(void **state)
{
    (void)state;
    for (int i = 0; i < N_NODES; i++)
        for (int bits = 1; bits <= STN_ADC_MOST_BITS; bits++) {
            stn_converter hp = converter("HP", nodes[i], 300);
            stn_converter lstp = converter("LSTP", nodes[i], 300);
            stn_adc_cost fast = adc(&hp, bits), slow = adc(&lstp, bits);
            stn_row_line row = {.farad = 50e-15, .ohm = 500};
            assert_true(slow.leakage_w < 0.02 * fast.leakage_w);
            assert_true(slow.latency_s > fast.latency_s);
            assert_true(stn_dac_model(&lstp, 1, &row).leakage_w <
                        0.02 * stn_dac_model(&hp, 1, &row).leakage_w);
            assert_true(stn_hold_model(&lstp, bits).leakage_w <
                        0.02 * stn_hold_model(&hp, bits).leakage_w);
        }
}

/* Heat also makes noise, which takes larger capacitors. */
static void hot_converters_leak_more(void **state)
{
    (void)state;
    for (int bits = 1; bits <= STN_ADC_MOST_BITS; bits++) {
        stn_converter cold = converter("HP", 32, 300);
        stn_converter hot = converter("HP", 32, 350);
        stn_row_line row = {.farad = 50e-15, .ohm = 500};
        assert_true(adc(&hot, bits).leakage_w > 2 * adc(&cold, bits).leakage_w);
        assert_true(stn_hold_model(&hot, bits).leakage_w >
                    2 * stn_hold_model(&cold, bits).leakage_w);
        assert_true(stn_dac_model(&hot, 1, &row).leakage_w >
                    2 * stn_dac_model(&cold, 1, &row).leakage_w);
        assert_true(near(stn_noise_f(&hot, bits) / stn_noise_f(&cold, bits),
                         350.0 / 300.0));
    }
}

/* At its own supply a transistor is what its file says; at a lower one
 * everything takes less energy, leaks less and is slower. */
static void a_lower_supply_saves_energy_and_costs_time(void **state)
{
    (void)state;
    for (int k = 0; k < 2 * N_NODES; k++) {
        stn_converter c = converter(roadmaps[k % 2], nodes[k / 2], 300);
        stn_converter low = c;
        const stn_device *d = &c.tech.device;
        stn_device same = stn_device_at_supply(d, d->supply_v);
        assert_memory_equal(&same, d, sizeof same);
        assert_true(stn_device_lowest_v(d) < d->supply_v);
        assert_true(stn_device_highest_v(d) > d->supply_v);
        low.tech.device = stn_device_at_supply(d, 0.95 * d->supply_v);
        for (int bits = 1; bits <= STN_ADC_MOST_BITS; bits++) {
            stn_adc_cost a = adc(&c, bits), b = adc(&low, bits);
            assert_true(b.energy_j < a.energy_j);
            assert_true(b.latency_s > a.latency_s);
            assert_true(b.leakage_w < a.leakage_w);
            assert_true(b.area_m2 == a.area_m2);
        }
    }
}

static void within_a_structure_more_bits_cost_more(void **state)
{
    (void)state;
    for (int k = 0; k < 2 * N_NODES; k++) {
        stn_converter c = converter(roadmaps[k % 2], nodes[k / 2], 300);
        for (int bits = 2; bits <= STN_ADC_MOST_BITS; bits++) {
            stn_adc_cost a = adc(&c, bits - 1), b = adc(&c, bits);
            if (strcmp(a.structure, b.structure) != 0)
                continue;
            assert_true(b.energy_j > a.energy_j);
            assert_true(b.latency_s > a.latency_s);
            assert_true(b.area_m2 > a.area_m2);
            assert_true(b.leakage_w > a.leakage_w);
        }
    }
}

/* What the reference gives when the capacitors of `on` hang on it and those of
 * `before` did: charge times voltage, of capacitors of 1 and a reference of 1.
 * The common node of 2^bits of them floats. */
static double drawn(unsigned before, unsigned on, int bits)
{
    double rise = ((double)on - (double)before) / ldexp(1.0, bits);
    double sum = 0.0;
    for (int i = 0; i < bits; i++)
        if (on >> i & 1)
            sum += ldexp((before >> i & 1 ? 0.0 : 1.0) - rise, i);
    return sum;
}

/* Over all codes: a bit is tried, and taken back when it was too much. */
static void switching_energy_is_what_charges_give(void **state)
{
    (void)state;
    for (int bits = 1; bits <= 10; bits++) {
        double sum = 0.0;
        for (unsigned code = 0; code < 1u << bits; code++) {
            unsigned before = 0;
            for (int i = bits - 1; i >= 0; i--) {
                unsigned known = code >> (i + 1) << (i + 1);
                sum += drawn(before, known | 1u << i, bits);
                before = known | 1u << i;
            }
        }
        assert_true(near(stn_adc_switching(bits), sum / ldexp(1.0, bits)));
    }
}

/* Few bits take the smallest capacitor that is drawn; many take what matches,
 * or what is quiet enough. */
static void capacitors_are_as_large_as_they_must_be(void **state)
{
    (void)state;
    stn_converter c = converter("LSTP", 65, 300), coarse = c, quiet = c;
    assert_true(stn_adc_unit_f(&c, 5) == c.unit_f);
    assert_true(stn_adc_unit_f(&c, 12) > 4 * c.unit_f);
    coarse.mismatch_m *= 2;
    assert_true(near(stn_adc_unit_f(&coarse, 12), 4 * stn_adc_unit_f(&c, 12)));
    quiet.mismatch_m = 1e-10;
    quiet.full_scale_v = 0.1;
    assert_true(
        near(stn_adc_unit_f(&quiet, 12), stn_noise_f(&quiet, 12) / 4096));
    /* kT / C of the whole array is a twelfth of a step squared. */
    double step_v = 0.1 / 4096, all_f = 4096 * stn_adc_unit_f(&quiet, 12);
    assert_true(fabs(1.380649e-23 * 300 / all_f / (step_v * step_v / 12) - 1) <
                1e-9);
}

/* A flash of finer steps has wider pairs: four times for half of the step. */
static void comparators_are_as_wide_as_their_step_asks_for(void **state)
{
    (void)state;
    stn_converter c = converter("HP", 45, 300);
    stn_comparator three = stn_comparator_model(&c, 3, true);
    stn_comparator four = stn_comparator_model(&c, 4, true);
    stn_comparator loose = stn_comparator_model(&c, 4, false);
    assert_true(near(four.input_f, 4 * three.input_f));
    assert_true(loose.input_f < four.input_f);
    assert_true(loose.cost.energy_j < four.cost.energy_j);
    assert_true(loose.cost.area_m2 < four.cost.area_m2);
    /* 3 · matching / sqrt(W L) = half a step */
    double w_m = four.input_f / c.tech.device.gate_f_m;
    double deviation_v =
        c.tech.device.matching_v_m / sqrt(w_m * c.tech.device.feature_m);
    assert_true(near(3 * deviation_v, 0.5 * 0.5 / 16));
}

/* A line costs half of C V^2 for a random bit, and its driver besides. */
static void rows_cost_their_line_and_digits_their_levels(void **state)
{
    (void)state;
    stn_converter c = converter("HP", 32, 300);
    stn_row_line near_row = {.farad = 10e-15, .ohm = 100};
    stn_row_line far_row = {.farad = 80e-15, .ohm = 800};
    stn_unit_chain a = stn_dac_model(&c, 1, &near_row);
    stn_unit_chain b = stn_dac_model(&c, 1, &far_row);
    stn_unit_chain d = stn_dac_model(&c, 3, &near_row);
    double v = c.tech.device.supply_v;
    assert_true(a.energy_j > 0.5 * near_row.farad * v * v);
    assert_true(b.energy_j - a.energy_j >
                0.5 * (far_row.farad - near_row.farad) * v * v);
    assert_true(b.latency_s > a.latency_s && b.leakage_w > a.leakage_w);
    assert_true(near(d.area_m2, 7 * a.area_m2));
    assert_true(near(d.leakage_w, 7 * a.leakage_w));
    assert_true(d.energy_j > a.energy_j && d.energy_j < 2 * a.energy_j);
    assert_true(d.latency_s > a.latency_s);
    stn_row_line row = stn_converter_row(&c, 256, 1e-7);
    stn_row_line half = stn_converter_row(&c, 128, 1e-7);
    assert_true(near(row.farad, 2 * half.farad) && near(row.ohm, 2 * half.ohm));
}

/* Kept, forgotten or never kept, figures are the same bits. */
static void a_cache_changes_nothing(void **state)
{
    (void)state;
    stn_error err;
    stn_tech_cache *cache = NULL;
    assert_ok(stn_tech_cache_create(&cache, &err), err);
    for (int round = 0; round < 2; round++)
        for (int k = 0; k < 100; k++) {
            stn_adc_cost kept[STN_ADC_MOST_BITS], made[STN_ADC_MOST_BITS];
            stn_converter c = converter(roadmaps[k % 2], nodes[k / 2 % 5], 300);
            c.full_scale_v += 0.02 * (k / 10);
            assert_ok(stn_tech_cache_adcs(cache, &c, kept, &err), err);
            assert_ok(stn_tech_cache_adcs(NULL, &c, made, &err), err);
            for (int i = 0; i < STN_ADC_MOST_BITS; i++) {
                assert_true(kept[i].energy_j == made[i].energy_j);
                assert_true(kept[i].leakage_w == made[i].leakage_w);
                assert_true(kept[i].area_m2 == made[i].area_m2);
                assert_true(kept[i].latency_s == made[i].latency_s);
            }
        }
    stn_tech_cache_destroy(cache);
}

static void resolutions_that_are_not_modelled_are_refused(void **state)
{
    (void)state;
    stn_error err;
    stn_adc_cost a;
    stn_converter c = converter("HP", 45, 300);
    assert_refused(stn_adc_model(&c, 0, NULL, &a, &err), err, STN_E_ARGUMENT,
                   "got 0 bits, expected from 1 to 12");
    assert_refused(stn_adc_model(&c, 13, NULL, &a, &err), err, STN_E_ARGUMENT,
                   "got 13 bits");
}

/* ---- machines */

static stn_machine *machine_of(const char *name, const char *const *set, int n)
{
    stn_error err;
    stn_machine *m = NULL;
    assert_ok(stn_machine_load(name, set, n, &m, &err), err);
    return m;
}

/* Layers of 8, 4 and 2 arrays of 128 x 128. */
static stn_program_image *in_a_row(void)
{
    stn_error err;
    stn_program_image *p = new_image((stn_shape){1, 1, 256}, 4);
    int v = append_sum(p, "fc1", 0, STN_CONV, STN_CODE_TERNARY, 256, 1, 0, 256);
    v = append_rescale(p, "act1", v, 0, STN_TYPE_U8, 12);
    v = append_sum(p, "fc2", v, STN_CONV, STN_CODE_TERNARY, 4, 1, 0, 256);
    v = append_rescale(p, "act2", v, 0, STN_TYPE_U8, 8);
    append_sum(p, "fc3", v, STN_CONV, STN_CODE_TERNARY, 4, 1, 0, 4);
    assert_ok(stn_program_check(p, "in a row", &err), err);
    return p;
}

static stn_simulation *execute(const stn_machine *m, const stn_program *p)
{
    uint8_t pixels[256];
    for (int i = 0; i < 256; i++)
        pixels[i] = (uint8_t)(i * 97 + 31);
    return simulate_exactly(m, p, pixels, 1);
}

#define CONVERTERS                                                             \
    "converters={transistors: ptm, roadmap: HP, full_scale: {value: 0.5, "     \
    "unit: V, source: test, confidence: assumed}, unit_capacitor: {value: 1, " \
    "unit: fF, source: test, confidence: assumed}, capacitor_matching: "       \
    "{value: 10, unit: nm, source: test, confidence: assumed}"

/* The same bits and the same events, whatever converters cost. */
static void modelled_converters_change_no_bit(void **state)
{
    (void)state;
    static const char *const bits[] = {
        "options.adc_bits=8", "options.adc_bits=4", "options.adc_bits=[3, 2]"};
    stn_program_image *p = in_a_row();
    for (int k = 0; k < 3; k++) {
        const char *set[] = {bits[k], CONVERTERS "}"};
        stn_machine *plain = machine_of("isaac-like", set, 1);
        stn_machine *modelled = machine_of("isaac-like", set, 2);
        stn_simulation *a = execute(plain, &p->program);
        stn_simulation *b = execute(modelled, &p->program);
        assert_int_equal(a->n_inexact, b->n_inexact);
        assert_int_equal(a->n_events, b->n_events);
        for (int e = 0; e < a->n_events; e++) {
            assert_string_equal(a->events[e].name, b->events[e].name);
            assert_true(a->events[e].count == b->events[e].count);
            if (a->events[e].component != STN_COMPONENT_CONVERTER)
                assert_true(a->events[e].energy_j == b->events[e].energy_j);
        }
        assert_true(a->total.leakage_j[STN_PART_CONVERTER] == 0.0);
        assert_true(b->total.leakage_j[STN_PART_CONVERTER] > 0.0);
        stn_simulation_destroy(a);
        stn_simulation_destroy(b);
        stn_machine_destroy(plain);
        stn_machine_destroy(modelled);
    }
    free_image(p);
}

/* One function says what a modelled converter costs. */
static void a_machine_says_what_its_transistors_say(void **state)
{
    (void)state;
    const char *set[] = {CONVERTERS "}"};
    stn_adc_cost adcs[STN_ADC_MOST_BITS], twin[STN_ADC_MOST_BITS];
    stn_machine *m = machine_of("isaac-modelled", NULL, 0);
    stn_machine *like = machine_of("isaac-like", set, 1);
    stn_converter c = converter("HP", 32, 300);
    assert_int_equal(stn_machine_adcs(m, adcs, STN_ADC_MOST_BITS),
                     STN_ADC_MOST_BITS);
    stn_machine_adcs(like, twin, STN_ADC_MOST_BITS);
    for (int i = 0; i < STN_ADC_MOST_BITS; i++) {
        stn_adc_cost a = adc(&c, i + 1);
        assert_true(near(adcs[i].energy_j, a.energy_j));
        assert_true(near(adcs[i].leakage_w, a.leakage_w));
        assert_true(near(adcs[i].area_m2, a.area_m2));
        assert_true(near(twin[i].energy_j, a.energy_j));
        assert_true(near(m->event_energy_j[STN_EVENT_adc1 + i], a.energy_j));
        assert_true(near(m->event_latency_s[STN_EVENT_adc1 + i], a.latency_s));
    }
    stn_row_line row = stn_converter_row(&c, 128, m->array.cell_m);
    stn_unit_chain dac = stn_dac_model(&c, 1, &row);
    stn_unit_chain hold = stn_hold_model(&c, 8);
    assert_true(near(m->event_energy_j[STN_EVENT_dac], dac.energy_j));
    assert_true(near(m->event_energy_j[STN_EVENT_sample_hold], hold.energy_j));
    assert_true(near(m->event_latency_s[STN_EVENT_crossbar_read],
                     100e-9 + dac.latency_s + hold.latency_s));
    /* Cells of 30 F2, and of 4. */
    assert_true(near(m->array.cell_m, sqrt(30.0) * 32e-9));
    assert_true(near(like->array.cell_m, 2.0 * 32e-9));
    stn_machine_destroy(m);
    stn_machine_destroy(like);
}

/* Of an array of 128 x 128 with two ADCs: rows, columns and ADCs. */
static double array_w(const stn_machine *m, int bits)
{
    const xb_circuits *c = m->circuits;
    stn_adc_cost a = {0};
    assert_true(m->type->adc(m, bits, &a));
    return 128 * c->dac_leakage_w + 128 * c->hold_leakage_w + 2 * a.leakage_w;
}

/* While their layer runs, borrowed or its own; parts sum to the total. */
static void converters_leak_while_their_layer_runs(void **state)
{
    (void)state;
    static const char *const set[] = {
        "options.signs=pair", "options.adc_bits=8",
        "options.columns_per_adc=64", "options.stream=true",
        "options.arrays=3"};
    static const int arrays[2][3] = {{8, 4, 2}, {3, 3, 2}};
    stn_program_image *p = in_a_row();
    for (int streamed = 0; streamed < 2; streamed++) {
        stn_machine *m = machine_of("isaac-modelled", set, 4 + streamed);
        stn_simulation *s = execute(m, &p->program);
        const double each_w = array_w(m, 8);
        double sum_j = 0.0;
        for (int k = 0; k < 3; k++) {
            const stn_cost *cost = &s->layers[2 * k].cost;
            assert_true(
                fabs(cost->leakage_j[STN_PART_CONVERTER] /
                         (arrays[streamed][k] * each_w * cost->latency_s) -
                     1.0) < 1e-9);
        }
        for (int k = 0; k < STN_PART_COUNT; k++)
            sum_j += s->total.leakage_j[k];
        assert_true(fabs(sum_j / s->total.energy_j[STN_COMPONENT_LEAKAGE] -
                         1.0) < 1e-9);
        stn_simulation_destroy(s);
        stn_machine_destroy(m);
    }
    free_image(p);
}

/* A file's own figures may say what leaks; an ADC's follows its area. */
static void figures_of_files_may_leak(void **state)
{
    (void)state;
#define LEAKS(name, value)                                                     \
    "circuits." name "={value: " value                                         \
    ", unit: nW, source: test, confidence: assumed}"
    const char *set[] = {LEAKS("dac_leakage", "1"), LEAKS("hold_leakage", "2"),
                         LEAKS("adc_leakage", "100"), "options.adc_bits=6",
                         "options.columns_per_adc=64"};
    stn_program_image *p = in_a_row();
    stn_machine *m = machine_of("bitslice-isaac", set, 5);
    stn_adc_cost adcs[8];
    assert_int_equal(stn_machine_adcs(m, adcs, 8), STN_ADC_MOST_BITS);
    assert_true(near(adcs[7].leakage_w, 100e-9));
    assert_true(near(adcs[5].leakage_w, 50e-9)); /* half of the area */
    stn_simulation *s = execute(m, &p->program);
    const stn_cost *fc1 = &s->layers[0].cost;
    assert_true(fabs(fc1->leakage_j[STN_PART_CONVERTER] /
                         (8 * (128 * 3e-9 + 2 * 50e-9) * fc1->latency_s) -
                     1.0) < 1e-9);
    stn_simulation_destroy(s);
    stn_machine_destroy(m);
    free_image(p);
}

/* A supply of their own slows them down and spares energy. */
static void converters_have_a_supply_of_their_own(void **state)
{
    (void)state;
    const char *set[] = {CONVERTERS ", supply: {value: 0.75, unit: V, source: "
                                    "test, confidence: assumed}}"};
    stn_adc_cost a[8], b[8];
    stn_machine *low = machine_of("isaac-like", set, 1);
    stn_machine *high = machine_of("isaac-modelled", NULL, 0);
    stn_machine_adcs(low, a, 8);
    stn_machine_adcs(high, b, 8);
    for (int i = 0; i < 8; i++) {
        assert_true(a[i].energy_j < b[i].energy_j);
        assert_true(a[i].leakage_w < b[i].leakage_w);
        assert_true(a[i].latency_s > b[i].latency_s);
    }
    stn_machine_destroy(low);
    stn_machine_destroy(high);
}

static void senseless_converters_of_machines_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *machine, *set, *says;
    } cases[] = {
        {"imce", CONVERTERS "}", "the bitwise family has no converters"},
        {"pe-int8", CONVERTERS "}", "the pe_array family has no converters"},
        {"isaac-like", "converters=ptm", "converters: expected a map"},
        {"isaac-like", CONVERTERS ", bits: 3}", "bits"},
        {"isaac-like", "converters={transistors: ptm, roadmap: HP}",
         "converters.full_scale is missing"},
        {"isaac-modelled", "converters.roadmap=fast", "expected HP or LSTP"},
        {"isaac-modelled", "converters.transistors=../x", "letters, digits"},
        {"isaac-modelled", "converters.full_scale.value=1.1",
         "full_scale: got 1.1 V, expected at most the supply, 0.9 V"},
        {"isaac-modelled", "converters.full_scale.unit=fF", "full_scale.unit"},
        {"isaac-like",
         CONVERTERS ", supply: {value: 0.4, unit: V, source: test, "
                    "confidence: assumed}}",
         "supply: got 0.4 V, expected from 0.644 to 1.17 V"},
        {"isaac-like", "circuits.adc_leakage.value=3", "adc_leakage"},
        {"isaac-like", "circuits.adc_leak=3", "adc_leakage"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        stn_error err = {0};
        stn_machine *m = NULL;
        if (stn_machine_load(cases[i].machine, &cases[i].set, 1, &m, &err) ==
            STN_OK)
            fail_msg("%s is accepted", cases[i].set);
        if (!strstr(err.text, cases[i].says))
            fail_msg("error text lacks '%s': %s", cases[i].says, err.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_total_is_the_sum_of_its_parts),
        cmocka_unit_test(converters_shrink_with_their_node),
        cmocka_unit_test(
            transistors_of_little_leakage_leak_less_and_are_slower),
        cmocka_unit_test(hot_converters_leak_more),
        cmocka_unit_test(a_lower_supply_saves_energy_and_costs_time),
        cmocka_unit_test(within_a_structure_more_bits_cost_more),
        cmocka_unit_test(switching_energy_is_what_charges_give),
        cmocka_unit_test(capacitors_are_as_large_as_they_must_be),
        cmocka_unit_test(comparators_are_as_wide_as_their_step_asks_for),
        cmocka_unit_test(rows_cost_their_line_and_digits_their_levels),
        cmocka_unit_test(a_cache_changes_nothing),
        cmocka_unit_test(resolutions_that_are_not_modelled_are_refused),
        cmocka_unit_test(modelled_converters_change_no_bit),
        cmocka_unit_test(a_machine_says_what_its_transistors_say),
        cmocka_unit_test(converters_leak_while_their_layer_runs),
        cmocka_unit_test(figures_of_files_may_leak),
        cmocka_unit_test(converters_have_a_supply_of_their_own),
        cmocka_unit_test(senseless_converters_of_machines_are_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
