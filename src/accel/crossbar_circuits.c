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
 * above, area is interpolated on the same slope: assumed. */
#include "accel/crossbar.h"
#include <math.h>
#include <stdio.h>

#define J STN_QUANTITY_ENERGY
#define S STN_QUANTITY_TIME
#define M2 STN_QUANTITY_AREA
/* No circuit takes less. */
#define J_MIN 1e-20
#define S_MIN 1e-13
#define M2_MIN 1e-16
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

bool xb_adc_cost(const xb_circuits *circuits, xb_adc_model model, int bits,
                 stn_adc_cost *cost)
{
    if (bits < 1 || bits > XB_MAX_ADC_BITS)
        return false;
    cost->bits = bits;
    if (model == XB_ADC_SCALED)
        by_scaling(circuits, bits, cost);
    else
        by_structure(circuits, bits, cost);
    cost->power_w =
        cost->latency_s > 0.0 ? cost->energy_j / cost->latency_s : 0.0;
    return true;
}

stn_status xb_circuits_read(const stn_yaml *map, stn_machine *machine,
                            stn_error *err)
{
    xb_circuits *c = stn_arena_alloc(&machine->arena, 1, sizeof *c);
    if (!c)
        return stn_fail_memory(err, "the circuits of a machine");
    machine->circuits = c;
    return stn_figures_parse(&machine->figures, "circuits", xb_circuit_rows, map,
                             NULL, c, err);
}

void xb_circuit_events(stn_machine *machine)
{
    const xb_options *o = machine->attrs;
    const xb_circuits *c = machine->circuits;
    stn_adc_cost cost;
    machine->event_energy_j[STN_EVENT_crossbar_read] = c->read_energy_j;
    machine->event_latency_s[STN_EVENT_crossbar_read] = c->read_latency_s;
    machine->event_energy_j[STN_EVENT_dac] = c->dac_energy_j;
    machine->event_energy_j[STN_EVENT_sample_hold] = c->hold_energy_j;
    for (int n = 1; xb_adc_cost(c, (xb_adc_model)o->adc_model, n, &cost); n++) {
        machine->event_energy_j[STN_EVENT_adc1 + n - 1] = cost.energy_j;
        machine->event_latency_s[STN_EVENT_adc1 + n - 1] = cost.latency_s;
    }
}
