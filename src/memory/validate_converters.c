/* SPDX-License-Identifier: MIT
 *
 * ADCs of crossbars beside silicon and a fit over silicon, neither of which the
 * model has seen: reported, not judged.
 *
 * Silicon: the 8-bit SARs of a charge-domain array at 65 nm (Jia et al., JSSC
 * 55(9), 2020, quoted from memory), whose columns swing over the supply.
 *
 * The fit: the envelope of Murmann's ADC survey, as the ADC model of Accelergy
 * has it (Andrulis et al., arXiv 2404.06553), for as many conversions a second
 * as ours does, of the modelled converters of isaac-modelled. It holds for ADCs
 * that were published; below 4 bits it rises again, since none were, and what
 * is left of it up there is a bound. */
#include "memory/converter.h"
#include "memory/validate.h"
#include <math.h>
#include <stdio.h>

static const double UNIT_F = 1e-15, MISMATCH_M = 1e-8;
enum { LEAST_BITS = 4 };

static stn_status load(const char *roadmap, double node_nm, double supply_v,
                       stn_converter *out, stn_error *err)
{
    stn_figures unlisted = {0};
    const stn_tech_choice choice = {.set = "ptm",
                                    .roadmap = roadmap,
                                    .node_nm = node_nm,
                                    .temperature_k = 300};
    *out = (stn_converter){.temperature_k = choice.temperature_k,
                           .full_scale_v = supply_v,
                           .unit_f = UNIT_F,
                           .mismatch_m = MISMATCH_M};
    STN_TRY(stn_tech_load(&choice, &unlisted, &out->tech, err));
    if (supply_v > 0.0)
        out->tech.device = stn_device_at_supply(&out->tech.device, supply_v);
    return STN_OK;
}

static stn_status put(const char *quantity, const char *group, const char *unit,
                      double reference, double model, stn_validate_list *list,
                      stn_error *err)
{
    stn_agreement item = {
        .rung = "converters", .reference = reference, .model = model};
    snprintf(item.quantity, sizeof item.quantity, "%s", quantity);
    snprintf(item.group, sizeof item.group, "%s", group);
    snprintf(item.unit, sizeof item.unit, "%s", unit);
    return stn_validate_add_single(list, &item, err);
}

static stn_status silicon(stn_validate_list *list, stn_error *err)
{
    static const struct {
        double supply_v, energy_pj;
    } table[] = {{0.85, 1.79}, {1.2, 3.56}};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        stn_converter c;
        stn_adc_cost a;
        char group[80];
        STN_TRY(load("LSTP", 65, table[i].supply_v, &c, err));
        STN_TRY(stn_adc_model(&c, 8, NULL, &a, err));
        snprintf(group, sizeof group, "8 bits, 65 nm LSTP, %g V, Jia JSSC 2020",
                 table[i].supply_v);
        STN_TRY(put("ADC energy", group, "pJ", table[i].energy_pj,
                    1e12 * a.energy_j, list, err));
    }
    return STN_OK;
}

/* The best a published ADC would take of energy, and what area goes with it.
 * The figure of merit falls with the rate, and at a low one with the bits. */
static double envelope_pj(int bits, double rate_hz, double node_nm)
{
    double slow_db = 128.3 + 3.22 * bits; /* a line through the fit's limits */
    double merit_db = fmin(213.78 - 2.872 * log(rate_hz), slow_db);
    double signal_db = 6.02 * bits + 1.76;
    double best_j = 0.5 * pow(10.0, -0.1 * (merit_db - signal_db));
    return best_j *
           exp(26.05 - 1.470 + 1.880 * log(node_nm) - 2.829 * log(bits));
}

static double envelope_um2(double energy_pj, double rate_hz, double node_nm)
{
    return exp(1.346 + 0.993 * log(node_nm) + 0.181 * log(rate_hz) +
               0.299 * log(energy_pj));
}

static stn_status envelope(stn_validate_list *list, stn_error *err)
{
    const double node_nm = 32.0;
    stn_converter c;
    STN_TRY(load("HP", node_nm, 0.0, &c, err));
    c.full_scale_v = 0.5;
    for (int bits = LEAST_BITS; bits <= STN_ADC_MOST_BITS; bits++) {
        stn_adc_cost a;
        char group[80];
        STN_TRY(stn_adc_model(&c, bits, NULL, &a, err));
        double rate_hz = 1.0 / a.latency_s;
        double pj = envelope_pj(bits, rate_hz, node_nm);
        double um2 = envelope_um2(pj, rate_hz, node_nm);
        snprintf(group, sizeof group, "%d bits, %g nm HP, %.3g GS/s, envelope",
                 bits, node_nm, 1e-9 * rate_hz);
        STN_TRY(
            put("ADC energy", group, "pJ", pj, 1e12 * a.energy_j, list, err));
        STN_TRY(
            put("ADC area", group, "um2", um2, 1e12 * a.area_m2, list, err));
    }
    return STN_OK;
}

stn_status stn_validate_converters(stn_validate_list *list, stn_error *err)
{
    STN_TRY(silicon(list, err));
    return envelope(list, err);
}
