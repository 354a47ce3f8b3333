/* SPDX-License-Identifier: MIT
 *
 * Chains of inverters that drive a long line, sized by logical effort
 * (Sutherland, Sproull, Harris): about four times the load per stage, widths
 * growing geometrically, none below or above what a layout allows. */
#include "memory/circuit.h"
#include <math.h>

stn_driver stn_driver_size(const stn_device *d, double effort, double input_f,
                           double load_f, double load_ohm, int stages)
{
    stn_driver driver = {.device = d, .load_f = load_f, .load_ohm = load_ohm};
    double min_m = stn_min_width(d), max_m = STN_DRIVER_WIDEST * d->feature_m;
    double total = fmax(1.0, effort * load_f / input_f);
    /* The gate in front is a stage of its own, hence one less here; an odd
     * number restores the polarity of a NAND. */
    int n = (int)(log(total) / log(STN_DRIVER_EFFORT) + 0.5) - 1;
    n = stages ? stages : n < 1 ? 1 : n | 1;
    n = n < STN_DRIVER_STAGES ? n : STN_DRIVER_STAGES - 1;
    double stage = pow(total, 1.0 / (n + 1));
    double last_m =
        load_f / stage / stn_gate_capacitance(d, 1.0) / (1.0 + d->pn_ratio);
    last_m = fmax(last_m, min_m);
    if (last_m > max_m) {
        last_m = max_m;
        total = effort * stn_gate_capacitance(d, (1.0 + d->pn_ratio) * last_m) /
                input_f;
        stage = pow(total, 1.0 / n);
    }
    driver.n = n;
    driver.width_n_m[n - 1] = last_m;
    for (int i = n - 2; i >= 0; i--)
        driver.width_n_m[i] = fmax(driver.width_n_m[i + 1] / stage, min_m);
    return driver;
}

stn_gate stn_driver_stage(const stn_driver *driver, int i)
{
    return (stn_gate){.kind = STN_GATE_INVERTER,
                      .inputs = 1,
                      .width_n_m = driver->width_n_m[i],
                      .width_p_m =
                          driver->device->pn_ratio * driver->width_n_m[i],
                      .region_m = STN_ROW_REGION * driver->device->feature_m};
}

double stn_driver_input_f(const stn_driver *driver)
{
    stn_gate first = stn_driver_stage(driver, 0);
    return stn_gate_input_f(driver->device, &first);
}

stn_part_cost stn_driver_cost(const stn_driver *driver, double ramp)
{
    const stn_device *d = driver->device;
    stn_part_cost cost = {.ramp = ramp};
    for (int i = 0; i < driver->n; i++) {
        stn_gate gate = stn_driver_stage(driver, i);
        double load_f = driver->load_f, line_tau_s = 0.0;
        if (i + 1 < driver->n) {
            stn_gate next = stn_driver_stage(driver, i + 1);
            load_f = stn_gate_input_f(d, &next);
        } else {
            line_tau_s = stn_line_tau(driver->load_ohm, driver->load_f);
        }
        cost.latency_s +=
            stn_gate_delay(d, &gate, load_f, line_tau_s, cost.ramp, &cost.ramp);
        cost.energy_j +=
            (stn_gate_output_f(d, &gate) + load_f) * d->supply_v * d->supply_v;
        cost.leakage_w += stn_gate_leakage_w(d, &gate);
        stn_box box = stn_gate_box(d, &gate);
        cost.box.width_m += box.width_m;
        cost.box.height_m = fmax(cost.box.height_m, box.height_m);
    }
    cost.area_m2 = cost.box.width_m * cost.box.height_m;
    return cost;
}
