/* SPDX-License-Identifier: MIT
 *
 * Converters, put together from comparators, capacitors, resistors, registers
 * and drivers:
 *   1 bit        a comparator
 *   2 to 4 bits  flash: 2^N - 1 comparators on a resistor ladder, and a counter
 *                of the ones that they deliver
 *   above        SAR: a comparator, 2^N unit capacitors, and for each bit two
 *                registers and a driver
 * Every total is the sum of its parts. References come from the supply without
 * loss but the drop; generating them, bias and clock trees are not modelled. */
#include "memory/converter.h"
#include "memory/unit.h"
#include <math.h>

static const double LN2 = 0.69314718;
static const double PI2 = 9.8696044;
/* All assumed: metal layers that a capacitor's combs take, area of a segment
 * of a ladder in squares of the feature, width in features of the switch that
 * holds a smallest capacitor. */
static const double LAYERS = 4.0;
static const double SEGMENT_F2 = 100.0;
static const double SWITCH = 7.5;

const char *stn_adc_part_name(stn_adc_part part)
{
    static const char *const names[STN_ADC_PARTS] = {"comparators", "reference",
                                                     "logic"};
    return names[part];
}

static double farad_m2(const stn_converter *c)
{
    return LAYERS * c->tech.local.finger_f_m2;
}

/* Charging inputs to half of the full scale, the mean, from the supply. */
static double sampling_j(const stn_converter *c, double farad)
{
    return 0.5 * farad * c->full_scale_v * c->tech.device.supply_v;
}

/* ---- flash */

/* The ladder is a line of resistance R and n inputs, held at both ends, whose
 * slowest time constant is R C / pi^2 (Carslaw and Jaeger, Conduction of Heat
 * in Solids, 3.3). It must have settled to half a step when the comparators
 * have decided, and is switched off between conversions. */
static stn_unit_chain ladder(const stn_converter *c, int bits,
                             const stn_comparator *one, double conversion_s)
{
    const stn_device *d = &c->tech.device;
    double levels = ldexp(1.0, bits), f = d->feature_m;
    double inputs_f = (levels - 1.0) * one->input_f;
    double ohm = PI2 * one->cost.latency_s / ((bits + 1) * LN2 * inputs_f);
    double power_w = c->full_scale_v / ohm * d->supply_v;
    return (stn_unit_chain){.energy_j = power_w * conversion_s +
                                        sampling_j(c, inputs_f),
                            .area_m2 = levels * SEGMENT_F2 * f * f};
}

/* Adds the comparators' ones; random ones, which change more often than those
 * of a thermometer do. */
static stn_status encoder(const stn_converter *c, int bits, stn_unit_chain *out,
                          stn_error *err)
{
    stn_unit unit;
    stn_unit_report r;
    STN_TRY(stn_unit_create(STN_UNIT_POPCOUNT, (1 << bits) - 1, &unit, err));
    stn_status status = stn_unit_cost(&unit.net, &c->tech, false, &r, err);
    stn_unit_deinit(&unit);
    *out = (stn_unit_chain){r.energy_j, r.latency_s, r.area_m2, r.leakage_w};
    return status;
}

static stn_status flash(const stn_converter *c, int bits, stn_unit_chain *part,
                        stn_error *err)
{
    stn_comparator one = stn_comparator_model(c, bits, true);
    stn_unit_chain_side(&part[STN_ADC_COMPARATORS], ldexp(1.0, bits) - 1.0,
                        &one.cost);
    if (bits == 1) {
        part[STN_ADC_REFERENCE].energy_j = sampling_j(c, one.input_f);
        return STN_OK;
    }
    STN_TRY(encoder(c, bits, &part[STN_ADC_LOGIC], err));
    part[STN_ADC_REFERENCE] = ladder(
        c, bits, &one, one.cost.latency_s + part[STN_ADC_LOGIC].latency_s);
    return STN_OK;
}

/* ---- SAR */

/* The largest step of the array is that in the middle, where all capacitors
 * change: its deviation is sqrt(2^N) times that of a unit, and must stay
 * STN_CONVERTER_SIGMAS times below half a step. */
double stn_adc_unit_f(const stn_converter *c, int bits)
{
    double levels = ldexp(1.0, bits);
    double root_m = 2.0 * STN_CONVERTER_SIGMAS * c->mismatch_m * sqrt(levels);
    double unit_f = fmax(c->unit_f, stn_noise_f(c, bits) / levels);
    return fmax(unit_f, farad_m2(c) * root_m * root_m);
}

double stn_adc_switching(int bits)
{
    double sum = 0.0;
    for (int i = 1; i <= bits; i++)
        sum += ldexp(ldexp(1.0, i) - 1.0, bits - 2 * i);
    return sum;
}

/* An edge-triggered register of six NANDs, each loaded by two. */
typedef struct flip_flop {
    double clock_j, change_j; /* of a clock's pulse; of a new content */
    double latency_s, area_m2, leakage_w;
} flip_flop;

static flip_flop flip_flop_of(const stn_device *d)
{
    stn_gate nand = stn_gate_minimum(d, 2);
    stn_box box = stn_gate_box(d, &nand);
    double v2 = d->supply_v * d->supply_v, ramp = STN_STEP_RAMP;
    double input_f = stn_gate_input_f(d, &nand);
    double node_f = stn_gate_output_f(d, &nand) + 2.0 * input_f;
    flip_flop r = {.clock_j = 2.0 * input_f * v2,
                   .change_j = 6.0 * 0.5 * node_f * v2,
                   .area_m2 = 6.0 * box.width_m * box.height_m,
                   .leakage_w = 6.0 * stn_gate_leakage_w(d, &nand)};
    for (int i = 0; i < 3; i++) /* from the clock to the output */
        r.latency_s +=
            stn_gate_delay(d, &nand, 2.0 * input_f, 0.0, ramp, &ramp);
    return r;
}

/* The driver of bit i of the array: what it takes besides the charge of the
 * capacitor, and when the array has settled to half a step. A capacitor that
 * is more than the widest driver is good for is cut, and each piece has one. */
static stn_unit_chain bit_driver(const stn_converter *c, double unit_f,
                                 int bits, int i)
{
    const stn_device *d = &c->tech.device;
    stn_gate smallest = stn_gate_minimum(d, 1);
    double own_f = ldexp(unit_f, i), all_f = ldexp(unit_f, bits);
    double most_f = STN_DRIVER_EFFORT *
                    stn_gate_capacitance(d, STN_DRIVER_WIDEST * d->feature_m *
                                                (1.0 + d->pn_ratio));
    double pieces = ceil(own_f / most_f), v = d->supply_v;
    stn_driver driver = stn_driver_size(d, 1.0, stn_gate_input_f(d, &smallest),
                                        own_f / pieces, 0.0, 0);
    stn_part_cost p = stn_driver_cost(&driver, STN_STEP_RAMP);
    double ohm = stn_resistance_n(d, driver.width_n_m[driver.n - 1]) / pieces;
    /* It drives its capacitor in series with all others; it moves 2^i steps,
     * of which the driver's delay is the first half. */
    double series_f = own_f * (all_f - own_f) / all_f;
    return (stn_unit_chain){.energy_j = pieces * p.energy_j - own_f * v * v,
                            .latency_s = p.latency_s + i * LN2 * ohm * series_f,
                            .area_m2 = pieces * p.area_m2,
                            .leakage_w = pieces * p.leakage_w};
}

/* A shift register points at the bit to be decided, all of it clocked with
 * each; a second register keeps the code. A pointer passes once, a bit of the
 * code is set and, for every second one, taken back. */
static void sar(const stn_converter *c, int bits, stn_unit_chain *part)
{
    const stn_device *d = &c->tech.device;
    double n = bits, unit_f = stn_adc_unit_f(c, bits);
    double all_f = ldexp(unit_f, bits), settle_s = 0.0, sample_s = 0.0;
    stn_comparator one = stn_comparator_model(c, bits, false);
    flip_flop r = flip_flop_of(d);
    stn_unit_chain *logic = &part[STN_ADC_LOGIC];
    part[STN_ADC_COMPARATORS] = one.cost;
    part[STN_ADC_COMPARATORS].energy_j *= n;
    part[STN_ADC_COMPARATORS].latency_s *= n;
    *logic = (stn_unit_chain){.energy_j = (n * n + n) * r.clock_j +
                                          3.5 * n * r.change_j,
                              .latency_s = n * r.latency_s,
                              .area_m2 = 2.0 * n * r.area_m2,
                              .leakage_w = 2.0 * n * r.leakage_w};
    for (int i = 0; i < bits; i++) {
        stn_unit_chain driver = bit_driver(c, unit_f, bits, i);
        settle_s += driver.latency_s;
        sample_s = driver.latency_s; /* through a switch as wide */
        driver.latency_s = 0.0;
        stn_unit_chain_side(logic, 1.0, &driver);
    }
    part[STN_ADC_REFERENCE] =
        (stn_unit_chain){.energy_j = stn_adc_switching(bits) * unit_f *
                                         c->full_scale_v * d->supply_v +
                                     sampling_j(c, all_f + one.input_f),
                         .latency_s = sample_s + settle_s,
                         .area_m2 = all_f / farad_m2(c)};
}

stn_status stn_adc_model(const stn_converter *c, int bits,
                         stn_unit_chain part[STN_ADC_PARTS], stn_adc_cost *out,
                         stn_error *err)
{
    stn_unit_chain own[STN_ADC_PARTS];
    stn_adc_cost cost = {.bits = bits};
    if (bits < 1 || bits > STN_ADC_MOST_BITS)
        return stn_fail(err, STN_E_ARGUMENT,
                        "converter: got %d bits, expected from 1 to %d", bits,
                        STN_ADC_MOST_BITS);
    part = part ? part : own;
    for (int k = 0; k < STN_ADC_PARTS; k++)
        part[k] = (stn_unit_chain){0};
    cost.structure = bits == 1                     ? "latch"
                     : bits <= STN_FLASH_MOST_BITS ? "flash"
                                                   : "SAR";
    if (bits <= STN_FLASH_MOST_BITS)
        STN_TRY(flash(c, bits, part, err));
    else
        sar(c, bits, part);
    for (int k = 0; k < STN_ADC_PARTS; k++) {
        cost.energy_j += part[k].energy_j;
        cost.latency_s += part[k].latency_s;
        cost.area_m2 += part[k].area_m2;
        cost.leakage_w += part[k].leakage_w;
    }
    cost.power_w = cost.energy_j / cost.latency_s;
    *out = cost;
    return STN_OK;
}

/* ---- both ends of an array */

/* One of 2^bits - 1 equal drivers pulls the line to its level, or none does.
 * Digits are taken to be random: the line rises to half of the supply in the
 * mean, which all comes from there. */
stn_unit_chain stn_dac_model(const stn_converter *c, int bits,
                             const stn_row_line *line)
{
    const stn_device *d = &c->tech.device;
    stn_gate smallest = stn_gate_minimum(d, 1);
    double levels = ldexp(1.0, bits), v2 = d->supply_v * d->supply_v;
    stn_driver driver = stn_driver_size(d, 1.0, stn_gate_input_f(d, &smallest),
                                        line->farad, line->ohm, 0);
    stn_part_cost p = stn_driver_cost(&driver, STN_STEP_RAMP);
    double ohm = stn_resistance_n(d, driver.width_n_m[driver.n - 1]);
    double tau_s = ohm * line->farad + stn_line_tau(line->ohm, line->farad);
    double own_j = p.energy_j - line->farad * v2;
    return (stn_unit_chain){.energy_j = (1.0 - 1.0 / levels) * own_j +
                                        0.5 * line->farad * v2,
                            .latency_s = p.latency_s + bits * LN2 * tau_s,
                            .area_m2 = (levels - 1.0) * p.area_m2,
                            .leakage_w = (levels - 1.0) * p.leakage_w};
}

/* The switch grows with its capacitor. */
stn_unit_chain stn_hold_model(const stn_converter *c, int bits)
{
    const stn_device *d = &c->tech.device;
    double asked_f = fmax(c->unit_f, stn_noise_f(c, bits));
    double width_m = SWITCH * d->feature_m * asked_f / c->unit_f;
    double v = d->supply_v;
    stn_gate gate = {.inputs = 1,
                     .width_n_m = width_m,
                     .width_p_m = width_m,
                     .region_m = STN_ROW_REGION * d->feature_m};
    stn_box box = stn_gate_box(d, &gate);
    double held_f = asked_f + stn_gate_output_f(d, &gate);
    return (stn_unit_chain){
        .energy_j = sampling_j(c, held_f) + stn_gate_input_f(d, &gate) * v * v,
        .latency_s = (bits + 1) * LN2 * stn_resistance_n(d, width_m) * held_f,
        .area_m2 = held_f / farad_m2(c) + box.width_m * box.height_m,
        .leakage_w = width_m * (d->off_n_a_m + d->off_p_a_m) * c->full_scale_v};
}
