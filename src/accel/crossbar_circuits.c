/* SPDX-License-Identifier: MIT
 *
 * What the circuits around an analog array cost, by their structure.
 *
 * A fit over published converters, as other tools use, charges more for one
 * bit than for eight, for nobody publishes a one-bit ADC. So:
 *   1 bit       a latch comparator
 *   2 to 4 bit  flash: 2^N - 1 comparators and ladder taps, one encoder
 *   above       SAR: N times comparator and logic, 2^N unit capacitors
 * The scaled model is the accounting of bit-slice L1 (Zhang et al., EMC2 at
 * NeurIPS 2019): power 2^N/(N + 1), time N, area of 6 bits half that of 8 and
 * constant below; from one ADC that is known. Between 6 and 8 bits, and
 * above, area is interpolated on the same slope: assumed.
 *
 * With `converters` none of these figures is looked at: a technology's
 * transistors say what row drivers, sample-and-holds and ADCs cost
 * (src/memory/converter.c). */
#include "accel/crossbar.h"
#include "memory/converter.h"
#include <assert.h>
#include <math.h>
#include <stdio.h>

static_assert(XB_MAX_ADC_BITS == STN_ADC_MOST_BITS,
              "a crossbar has the resolutions that are modelled");

#define J STN_QUANTITY_ENERGY
#define S STN_QUANTITY_TIME
#define M2 STN_QUANTITY_AREA
#define W STN_QUANTITY_POWER
/* No circuit takes less. */
#define J_MIN 1e-20
#define S_MIN 1e-13
#define M2_MIN 1e-16
#define W_MIN 0 /* but it need not leak */
#define ROW(name, quantity, max, field)                                        \
    {                                                                          \
        name, quantity, quantity##_MIN, max, offsetof(xb_circuits, field)      \
    }
/* clang-format off */
const stn_figure_row xb_circuit_rows[] = {
    ROW("read_energy", J, 1e-6, read_energy_j),
    ROW("read_latency", S, 1e-3, read_latency_s),
    ROW("dac_energy", J, 1e-8, dac_energy_j),
    ROW("dac_area", M2, 1e-6, dac_area_m2),
    ROW("hold_energy", J, 1e-8, hold_energy_j),
    ROW("hold_area", M2, 1e-6, hold_area_m2),
    ROW("comparator_energy", J, 1e-8, comparator_energy_j),
    ROW("comparator_latency", S, 1e-3, comparator_latency_s),
    ROW("comparator_area", M2, 1e-6, comparator_area_m2),
    ROW("tap_energy", J, 1e-8, tap_energy_j),
    ROW("tap_area", M2, 1e-6, tap_area_m2),
    ROW("encoder_latency", S, 1e-3, encoder_latency_s),
    ROW("sar_bit_energy", J, 1e-8, sar_energy_j),
    ROW("sar_bit_latency", S, 1e-3, sar_latency_s),
    ROW("sar_bit_area", M2, 1e-6, sar_area_m2),
    ROW("capacitor_energy", J, 1e-8, capacitor_energy_j),
    ROW("capacitor_area", M2, 1e-6, capacitor_area_m2),
    {"reference_bits", STN_QUANTITY_RATIO, 1, XB_MAX_ADC_BITS,
     offsetof(xb_circuits, reference_bits)},
    ROW("reference_energy", J, 1e-6, reference_energy_j),
    ROW("reference_latency", S, 1e-3, reference_latency_s),
    ROW("reference_area", M2, 1e-6, reference_area_m2),
    ROW("shift_add_area", M2, 1e-6, shift_add_area_m2),
    /* A file need not say these; an ADC's is that of reference_bits. */
    ROW("dac_leakage", W, 1e-3, dac_leakage_w),
    ROW("hold_leakage", W, 1e-3, hold_leakage_w),
    ROW("adc_leakage", W, 1, adc_leakage_w),
    {0}};
/* clang-format on */

static void by_structure(const xb_circuits *c, int bits, stn_adc_cost *cost)
{
    double levels = ldexp(1.0, bits), n = bits;
    if (bits == 1) {
        cost->structure = "latch";
        cost->energy_j = c->comparator_energy_j;
        cost->latency_s = c->comparator_latency_s;
        cost->area_m2 = c->comparator_area_m2;
    } else if (bits <= 4) {
        cost->structure = "flash";
        cost->energy_j =
            (levels - 1) * (c->comparator_energy_j + c->tap_energy_j);
        cost->latency_s = c->comparator_latency_s + c->encoder_latency_s;
        cost->area_m2 = (levels - 1) * (c->comparator_area_m2 + c->tap_area_m2);
    } else {
        cost->structure = "SAR";
        cost->energy_j = n * (c->comparator_energy_j + c->sar_energy_j) +
                         levels * c->capacitor_energy_j;
        cost->latency_s = n * (c->comparator_latency_s + c->sar_latency_s);
        cost->area_m2 = c->comparator_area_m2 + n * c->sar_area_m2 +
                        levels * c->capacitor_area_m2;
    }
}

/* Area over that of 8 bits: 1/2 up to 6, doubling every two bits from there. */
static double area_ratio(double bits)
{
    return bits <= 6.0 ? 0.5 : exp2((bits - 8.0) / 2.0);
}

static void by_scaling(const xb_circuits *c, int bits, stn_adc_cost *cost)
{
    double n = bits, b = c->reference_bits;
    double power = exp2(n) / (n + 1.0) / (exp2(b) / (b + 1.0));
    cost->structure = "scaled";
    cost->latency_s = c->reference_latency_s * n / b;
    cost->energy_j = c->reference_energy_j * power * n / b;
    cost->area_m2 = c->reference_area_m2 * area_ratio(n) / area_ratio(b);
}

/* An ADC leaks in proportion to its area. */
static void by_figures(const xb_circuits *c, xb_adc_model model, int bits,
                       stn_adc_cost *cost)
{
    void (*const by)(const xb_circuits *, int, stn_adc_cost *) =
        model == XB_ADC_SCALED ? by_scaling : by_structure;
    stn_adc_cost known = {0};
    *cost = (stn_adc_cost){.bits = bits};
    by(c, bits, cost);
    by(c, (int)c->reference_bits, &known);
    cost->power_w =
        cost->latency_s > 0.0 ? cost->energy_j / cost->latency_s : 0.0;
    cost->leakage_w = c->adc_leakage_w * cost->area_m2 / known.area_m2;
}

bool xb_adc_cost(const xb_circuits *circuits, xb_adc_model model, int bits,
                 stn_adc_cost *cost)
{
    if (bits < 1 || bits > XB_MAX_ADC_BITS)
        return false;
    if (circuits->modelled)
        *cost = circuits->adc[bits - 1];
    else
        by_figures(circuits, model, bits, cost);
    return true;
}

/* ---- converters of transistors */

/* Of a slice; 0 asks for one that misses nothing. */
static int asked_bits(const stn_machine *m, int slice)
{
    const xb_options *o = m->attrs;
    int asked = slice < o->adc_bits.n ? (int)o->adc_bits.v[slice] : 0;
    int bits = asked ? asked : xb_ideal_bits(m);
    return bits < XB_MAX_ADC_BITS ? bits : XB_MAX_ADC_BITS;
}

/* The finest ADC that the options ask for. */
static int most_bits(const stn_machine *m)
{
    const xb_options *o = m->attrs;
    int most = asked_bits(m, 0);
    for (int i = 1; i < o->adc_bits.n; i++)
        most = asked_bits(m, i) > most ? asked_bits(m, i) : most;
    return most;
}

static stn_status list(stn_machine *m, const char *prefix, const char *name,
                       const stn_unit_chain *c, const char *source,
                       stn_error *err)
{
    const struct {
        const char *quantity, *unit;
        double value;
    } figures[] = {{"energy", "J", c->energy_j},
                   {"latency", "s", c->latency_s},
                   {"area", "m2", c->area_m2},
                   {"leakage", "W", c->leakage_w}};
    char key[64];
    for (int i = 0; i < 4; i++) {
        snprintf(key, sizeof key, "%s%s%s", figures[i].quantity,
                 *name ? "." : "", name);
        if (!*name || figures[i].value > 0.0)
            STN_TRY(stn_figures_add(&m->figures, prefix, key, figures[i].value,
                                    figures[i].unit, source, err));
    }
    return STN_OK;
}

/* An ADC that the options ask for, and its parts. */
static stn_status list_adc(stn_machine *m, const stn_converter_source *source,
                           int bits, stn_error *err)
{
    stn_unit_chain part[STN_ADC_PARTS];
    stn_adc_cost a;
    char key[16], text[128];
    STN_TRY(stn_adc_model(&source->of, bits, part, &a, err));
    const stn_unit_chain total = {a.energy_j, a.latency_s, a.area_m2,
                                  a.leakage_w};
    snprintf(key, sizeof key, "adc%d", bits);
    snprintf(text, sizeof text, "%s of docs/crossbar.md, %s", a.structure,
             source->made_of);
    STN_TRY(list(m, key, "", &total, text, err));
    for (int k = 0; k < STN_ADC_PARTS; k++)
        STN_TRY(list(m, key, stn_adc_part_name((stn_adc_part)k), &part[k], text,
                     err));
    return STN_OK;
}

static stn_status list_all(stn_machine *m, const stn_converter_source *source,
                           const stn_unit_chain *dac,
                           const stn_unit_chain *hold, stn_error *err)
{
    const xb_options *o = m->attrs;
    bool listed[XB_MAX_ADC_BITS + 1] = {false};
    char text[128];
    if (!m->figures.arena)
        return STN_OK;
    snprintf(text, sizeof text, "row driver of docs/crossbar.md, %s",
             source->made_of);
    STN_TRY(list(m, "dac", "", dac, text, err));
    snprintf(text, sizeof text, "sample-and-hold of docs/crossbar.md, %s",
             source->made_of);
    STN_TRY(list(m, "sample_hold", "", hold, text, err));
    STN_TRY(stn_figures_add(&m->figures, "drive", "latency",
                            ((const xb_circuits *)m->circuits)->drive_latency_s,
                            "s", "row driver, sample-and-hold", err));
    for (int i = 0; i == 0 || i < o->adc_bits.n; i++)
        listed[asked_bits(m, i)] = true;
    for (int bits = 1; bits <= XB_MAX_ADC_BITS; bits++)
        if (listed[bits])
            STN_TRY(list_adc(m, source, bits, err));
    return STN_OK;
}

/* Rows are driven before their cells' currents settle, and these are held. */
static stn_status from_transistors(const stn_converter_source *source,
                                   stn_machine *m, xb_circuits *c,
                                   stn_error *err)
{
    const xb_options *o = m->attrs;
    const stn_converter *of = &source->of;
    stn_row_line line =
        stn_converter_row(of, m->array.columns, m->array.cell_m);
    stn_unit_chain dac = stn_dac_model(of, o->dac_bits, &line);
    stn_unit_chain hold = stn_hold_model(of, most_bits(m));
    STN_TRY(stn_tech_cache_adcs(source->technologies, of, c->adc, err));
    c->dac_energy_j = dac.energy_j;
    c->dac_area_m2 = dac.area_m2;
    c->dac_leakage_w = dac.leakage_w;
    c->hold_energy_j = hold.energy_j;
    c->hold_area_m2 = hold.area_m2;
    c->hold_leakage_w = hold.leakage_w;
    c->drive_latency_s = dac.latency_s + hold.latency_s;
    return list_all(m, source, &dac, &hold, err);
}

/* ---- a machine file */

/* Whether a machine file must have that figure, or has one that may be there.
 * What has nothing to do with converters comes first. */
static bool is_read(const stn_figure_row *row, const stn_yaml *map,
                    bool modelled)
{
    if (row->offset < offsetof(xb_circuits, dac_energy_j))
        return true;
    if (modelled)
        return false;
    return row->quantity != W || stn_yaml_get(map, row->name);
}

stn_status xb_circuits_read(const stn_yaml *map, bool modelled,
                            stn_machine *machine, stn_error *err)
{
    stn_figure_row rows[sizeof xb_circuit_rows / sizeof *xb_circuit_rows];
    const char *others[sizeof xb_circuit_rows / sizeof *xb_circuit_rows];
    int n = 0, n_others = 0;
    xb_circuits *c = stn_arena_alloc(&machine->arena, 1, sizeof *c);
    if (!c)
        return stn_fail_memory(err, "the circuits of a machine");
    machine->circuits = c;
    c->modelled = modelled;
    for (const stn_figure_row *r = xb_circuit_rows; r->name; r++)
        if (is_read(r, map, modelled))
            rows[n++] = *r;
        else
            others[n_others++] = r->name;
    rows[n] = (stn_figure_row){0};
    others[n_others] = NULL;
    return stn_figures_parse(&machine->figures, "circuits", rows, map, others,
                             c, err);
}

stn_status xb_circuit_events(stn_machine *machine,
                             const stn_converter_source *converters,
                             stn_error *err)
{
    const xb_options *o = machine->attrs;
    xb_circuits *c = machine->circuits;
    stn_adc_cost cost;
    if (converters)
        STN_TRY(from_transistors(converters, machine, c, err));
    machine->event_energy_j[STN_EVENT_crossbar_read] = c->read_energy_j;
    machine->event_latency_s[STN_EVENT_crossbar_read] =
        c->read_latency_s + c->drive_latency_s;
    machine->event_energy_j[STN_EVENT_dac] = c->dac_energy_j;
    machine->event_energy_j[STN_EVENT_sample_hold] = c->hold_energy_j;
    for (int n = 1; xb_adc_cost(c, (xb_adc_model)o->adc_model, n, &cost); n++) {
        machine->event_energy_j[STN_EVENT_adc1 + n - 1] = cost.energy_j;
        machine->event_latency_s[STN_EVENT_adc1 + n - 1] = cost.latency_s;
    }
    return STN_OK;
}
