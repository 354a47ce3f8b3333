/* SPDX-License-Identifier: MIT
 *
 * Bit lines: how long a cell takes to develop the signal that the sense
 * amplifier needs, and the charge it moves.
 *
 * SRAM discharges one of two precharged lines through access and pull-down
 * transistor: from the supply where the technology's timing is measured; from
 * half of it, by Horowitz, with NVSim's. The read port of an 8T cell does the
 * same to a single line. A DRAM cell shares its charge with the line; the sense
 * amplifier then drives both to the supply or to ground. A resistive cell is
 * read either by forcing a current and comparing voltages (an RC towards V = I
 * R), or by forcing a voltage and comparing currents, which moves the line
 * little: Seevinck's current-mode delay, R C / 2 (Roff + R/3) / (Roff + R)
 * (Seevinck et al., JSSC 26(4), 1991; used for resistive cells by NVSim). */
#include "memory/model.h"
#include <math.h>

double stn_read_access_f(const stn_cell *c)
{
    return stn_cell_has_ports(c) ? c->read_access_width_f : c->access_width_f;
}

stn_bitline stn_bitline_of(const stn_subarray *s, double access_f)
{
    const stn_cell *c = s->cell;
    const stn_device *d = &s->tech->cell_device;
    const stn_wire *wire = &s->tech->local;
    double access_m = access_f * d->feature_m;
    double width_m = sqrt(c->area_f2 / c->aspect_ratio) * d->feature_m;
    double height_m = sqrt(c->area_f2 * c->aspect_ratio) * d->feature_m;
    double length_m = s->rows * height_m;
    stn_bitline b = {.length_m = length_m,
                     .ohm = length_m * wire->ohm_m,
                     .access_ohm = stn_resistance_n(d, access_m),
                     .drain_f = stn_drain_f(d, access_m, 0.0, width_m)};
    /* Two cells share one contact to the bit line. */
    b.farad = length_m * wire->farad_m + 0.5 * s->rows * b.drain_f;
    return b;
}

/* Settling towards a level: tau_cell is through the cell. */
static double settle_tau(const stn_bitline *b, double cell_ohm)
{
    return cell_ohm * (b->drain_f + b->farad + b->mux_f) +
           b->ohm * (b->mux_f + 0.5 * b->farad);
}

static stn_status sram(const stn_subarray *s, const stn_bitline *b, double ramp,
                       stn_part_cost *out)
{
    const stn_device *d = &s->tech->cell_device;
    const double supply_v = s->tech->device.supply_v; /* of the lines */
    double access_m = stn_read_access_f(s->cell) * d->feature_m;
    double pull_m =
        (s->cell->kind == STN_CELL_SRAM_8T ? s->cell->read_pull_down_width_f
                                           : s->cell->pull_down_width_f) *
        d->feature_m;
    double pull_ohm = stn_resistance_n(d, pull_m);
    double cell_ohm = d->stack_factor * d->supply_v / d->on_n_a_m *
                      (1.0 / access_m + 1.0 / pull_m);
    double load_f = b->drain_f + b->farad + b->mux_f;
    if (d->ramp_weight == 0.0) {
        /* The cell draws a current from a line at the supply. */
        double start_v = supply_v, end_v = start_v - s->cell->signal_v;
        double lumped_s = cell_ohm * load_f * log(start_v / end_v);
        out->latency_s = stn_line_far_end_s(b->ohm, b->farad, lumped_s) +
                         0.5 * b->ohm * b->mux_f;
        out->ramp = 0.5 / out->latency_s;
        out->energy_j = (b->drain_f + b->farad + b->mux_drain_f) * start_v *
                        s->cell->signal_v;
        return STN_OK;
    }
    double precharge_v = 0.5 * supply_v;
    /* One line rises while the other falls: each moves half of the signal. */
    double tau_s = settle_tau(b, cell_ohm) *
                   log(precharge_v / (precharge_v - 0.5 * s->cell->signal_v));
    double beta = stn_ramp_beta(d, pull_ohm, access_m);
    out->latency_s = stn_horowitz(tau_s, beta, ramp, &out->ramp);
    out->energy_j =
        (b->drain_f + b->farad + b->mux_drain_f) * precharge_v * precharge_v;
    return STN_OK;
}

double stn_dram_signal_v(const stn_subarray *s, const stn_bitline *b)
{
    return 0.5 * s->tech->device.supply_v * s->cell->storage_f /
           (s->cell->storage_f + b->farad);
}

static stn_status dram(const stn_subarray *s, const stn_bitline *b, double ramp,
                       stn_part_cost *out, stn_error *err)
{
    double storage_f = s->cell->storage_f, supply_v = s->tech->device.supply_v;
    double signal_v = stn_dram_signal_v(s, b);
    if (signal_v < s->cell->signal_v)
        return stn_fail(err, STN_E_UNSUPPORTED,
                        "rows: the charge of a cell moves a bit line of %d "
                        "rows by %.4g V, the sense amplifier needs %.4g V; "
                        "use fewer rows",
                        s->rows, signal_v, s->cell->signal_v);
    double line_f = b->drain_f + b->farad;
    /* Settled to 10 % when the sense amplifier is enabled. */
    double tau_s = 2.3 * (b->ohm + b->access_ohm) * storage_f * line_f /
                   (storage_f + line_f);
    out->latency_s = stn_horowitz(tau_s, 0.0, ramp, &out->ramp);
    /* Line or complement rises from half of the supply; so does one cell in
     * two from ground. */
    out->energy_j = 0.5 * (line_f + storage_f) * supply_v * supply_v;
    return STN_OK;
}

static stn_status forced_current(const stn_subarray *s, const stn_bitline *b,
                                 stn_part_cost *out, stn_error *err)
{
    const stn_cell *c = s->cell;
    double on_ohm = c->on_ohm + b->access_ohm;
    double off_ohm = c->off_ohm + b->access_ohm;
    double on_v = c->read_a * on_ohm, off_v = c->read_a * off_ohm;
    double middle_v = fmin(0.5 * (on_v + off_v), s->tech->device.supply_v);
    double margin_v = fmin(middle_v - on_v, off_v - middle_v);
    if (margin_v <= c->signal_v)
        return stn_fail(err, STN_E_UNSUPPORTED,
                        "read_current: %.4g A moves the bit line by %.4g V, "
                        "the sense amplifier needs more than %.4g V; use "
                        "another current or a cell with a larger ratio",
                        c->read_a, margin_v, c->signal_v);
    double on_s = settle_tau(b, on_ohm) *
                  log((middle_v - on_v) / (middle_v - on_v - c->signal_v));
    double off_s = settle_tau(b, off_ohm) *
                   log((off_v - middle_v) / (off_v - middle_v - c->signal_v));
    out->latency_s = fmax(on_s, off_s);
    out->ramp = 0.5 / out->latency_s;
    out->energy_j = (b->drain_f + b->farad + b->mux_drain_f) *
                    (middle_v * middle_v - on_v * on_v);
    return STN_OK;
}

static stn_status forced_voltage(const stn_subarray *s, const stn_bitline *b,
                                 double ramp, stn_part_cost *out)
{
    const stn_cell *c = s->cell;
    double on_ohm = c->on_ohm + b->access_ohm;
    double off_ohm = c->off_ohm + b->access_ohm;
    double tau_s =
        0.5 * b->ohm * b->farad * (off_ohm + b->ohm / 3.0) / (off_ohm + b->ohm);
    out->latency_s = stn_horowitz(tau_s, 0.0, ramp, &out->ramp);
    /* The line is a divider: its voltage falls linearly from the cell to the
     * clamp at the sense amplifier. */
    double sum_ohm = b->mux_ohm + b->ohm + on_ohm;
    double low_v = c->read_v * b->mux_ohm / sum_ohm;
    double high_v = c->read_v * (b->mux_ohm + b->ohm) / sum_ohm;
    out->energy_j =
        b->drain_f * high_v * high_v + b->mux_drain_f * low_v * low_v +
        b->farad * (high_v * high_v + high_v * low_v + low_v * low_v) / 3.0;
    return STN_OK;
}

stn_status stn_bitline_read(const stn_subarray *s, const stn_bitline *b,
                            double ramp, stn_part_cost *out, stn_error *err)
{
    *out = (stn_part_cost){0};
    if (s->cell->kind == STN_CELL_DRAM)
        return dram(s, b, ramp, out, err);
    if (!stn_cell_resists(s->cell))
        return sram(s, b, ramp, out);
    if (s->cell->current_sensing)
        return forced_voltage(s, b, ramp, out);
    return forced_current(s, b, out, err);
}

double stn_bitline_charge_s(const stn_bitline *b)
{
    double tau_s = b->mux_ohm * (b->mux_drain_f + b->farad) +
                   stn_line_tau(b->ohm, b->farad);
    return stn_horowitz(tau_s, 0.0, STN_STEP_RAMP, NULL);
}
