/* SPDX-License-Identifier: MIT
 *
 * One sub-array: cells, decoders, lines, multiplexers and sense amplifiers put
 * together (Dong et al., NVSim, TCAD 31(7), 2012).
 *
 * Every total is the sum of its parts by construction: parts are posted, then
 * added up. In time, parts follow one another; what runs beside a longer part
 * counts with what it adds. Limits: the predecode lines have no resistance
 * (they run on a thick layer), one sub-array has no output multiplexer and no
 * H-tree. */
#include "memory/model.h"
#include <math.h>
#include <string.h>

/* Select lines that cross all columns: column select (or isolation), sense
 * enable, output enable. */
static const int SELECT_LINES = 3;
/* Share of the on-resistance of a cell that a pass transistor may add. */
static const double PASS_SHARE = 0.2;
/* RC time constants until a storage capacitor has settled to 10 %. */
static const double SETTLE = 2.3;
static const double MIN_PASS = 9.0, MAX_PASS = 100.0; /* features */

/* Everything between the totals. */
typedef struct parts {
    const stn_subarray *s;
    double word_ohm, word_m;          /* word line; its length */
    double read_word_f, write_word_f; /* the same line without ports */
    double line_f;                    /* wire of a select line */
    double write_a;
    double latches;             /* of a sense amplifier */
    stn_bitline bit, write_bit; /* the same line but of a spin-orbit cell */
    stn_multiplexer mux, write_mux;
    stn_sense_amplifier sense;
    stn_part_cost predecoder, column_predecoder, row, row_write, select,
        bit_read, multiplexer, write_multiplexer, precharge, amplifier, driver;
} parts;

static int address_bits(int n)
{
    int bits = 0;
    while ((1 << bits) < n)
        bits++;
    return bits;
}

static void size_lines(parts *p)
{
    const stn_subarray *s = p->s;
    const stn_cell *c = s->cell;
    const stn_device *d = &s->tech->cell_device;
    const stn_wire *wire = &s->tech->local;
    double f = d->feature_m;
    double cell_width_m = sqrt(c->area_f2 / c->aspect_ratio) * f;
    /* Gates of a cell on its word lines, as one width. */
    double read_m = stn_read_access_f(c) * f, write_m = c->access_width_f * f;
    if (c->kind == STN_CELL_SRAM)
        read_m *= 2.0;
    if (c->kind == STN_CELL_SRAM || c->kind == STN_CELL_SRAM_8T)
        write_m *= 2.0;
    p->word_m = s->columns * cell_width_m;
    p->line_f = p->word_m * wire->farad_m;
    p->word_ohm = p->word_m * wire->ohm_m;
    p->read_word_f = p->line_f + s->columns * stn_gate_capacitance(d, read_m);
    p->write_word_f = p->line_f + s->columns * stn_gate_capacitance(d, write_m);
    p->bit = stn_bitline_of(s, stn_read_access_f(c));
    if (stn_cell_resists(c))
        p->write_a = fmax(c->write_a, c->write_v / c->on_ohm);
}

/* A transistor in a strip's way must carry the current that switches. */
static stn_status check_write_transistor(const stn_subarray *s, stn_error *err)
{
    const stn_cell *c = s->cell;
    const stn_device *d = &s->tech->cell_device;
    double a = c->access_width_f * d->feature_m * d->on_n_a_m;
    if (c->kind != STN_CELL_SPIN_ORBIT || a >= c->write_a)
        return STN_OK;
    return stn_fail(err, STN_E_UNSUPPORTED,
                    "access_width: a write transistor of %.3g F carries %.3g "
                    "A, the junction is written with %.3g A; it would take "
                    "%.3g F, or cells of faster transistors",
                    c->access_width_f, a, c->write_a,
                    c->access_width_f * c->write_a / a);
}

/* Multiplexer and sense amplifier, which load the bit line. */
static void size_columns(parts *p)
{
    const stn_subarray *s = p->s;
    const stn_cell *c = s->cell;
    const stn_device *d = &s->tech->device;
    double f = d->feature_m, write_m = p->write_a / d->on_n_a_m;
    double width_m = stn_cell_has_ports(c) ? 0.0 : write_m;
    int count = s->columns / s->columns_per_sense_amp;
    if (stn_cell_resists(c))
        width_m = fmax(width_m,
                       fmin(stn_resistance_n(d, 1.0) / (PASS_SHARE * c->on_ohm),
                            MAX_PASS * f));
    p->sense = (stn_sense_amplifier){
        .device = d,
        .count = count,
        .pitch_m = p->word_m / s->columns * s->columns_per_sense_amp,
        .signal_v = c->kind == STN_CELL_DRAM ? stn_dram_signal_v(s, &p->bit)
                                             : c->signal_v,
        .converter = c->current_sensing ? &s->tech->current_sense : NULL};
    p->mux = (stn_multiplexer){
        .device = d,
        .inputs = s->columns_per_sense_amp,
        .count = count,
        .width_m = fmax(width_m, MIN_PASS * f),
        .load_f = p->latches * stn_sense_amplifier_input_f(&p->sense)};
    p->bit.mux_drain_f = stn_multiplexer_pass_f(&p->mux);
    p->bit.mux_ohm = stn_multiplexer_pass_ohm(&p->mux);
    if (p->mux.inputs > 1)
        p->bit.mux_f = (p->mux.inputs + 1) * p->bit.mux_drain_f + p->mux.load_f;
    if (c->kind != STN_CELL_SPIN_ORBIT) {
        p->write_bit = p->bit;
        return;
    }
    p->write_mux = (stn_multiplexer){.device = d,
                                     .inputs = s->columns_per_sense_amp,
                                     .count = count,
                                     .width_m = fmax(write_m, MIN_PASS * f)};
    p->write_bit = stn_bitline_of(s, c->access_width_f);
    p->write_bit.mux_drain_f = stn_multiplexer_pass_f(&p->write_mux);
    p->write_bit.mux_ohm = stn_multiplexer_pass_ohm(&p->write_mux);
    p->write_multiplexer = stn_multiplexer_cost(&p->write_mux);
}

/* One for each written bit; the line behind a pass transistor. */
static void cost_write_driver(parts *p)
{
    const stn_bitline *b = &p->write_bit;
    const stn_cell *c = p->s->cell;
    if (p->s->tech->write_headroom == 0.0)
        return;
    stn_write_driver w = {.device = &p->s->tech->device,
                          .count = p->sense.count,
                          .write_a = c->write_a,
                          .headroom = p->s->tech->write_headroom,
                          .load_f = b->drain_f + b->farad + b->mux_drain_f,
                          /* As a line's, of which half counts. */
                          .load_ohm = b->ohm + 2.0 * b->mux_ohm};
    p->driver = stn_write_driver_cost(&w);
}

/* Lines across the columns. Each carries one small gate per column, a local
 * buffer in front of wide pass transistors. */
static void cost_select(parts *p, double ramp)
{
    const stn_subarray *s = p->s;
    const stn_device *d = &s->tech->device;
    double small_f = stn_gate_capacitance(d, stn_min_width(d));
    stn_decoder line = {.device = d,
                        .outputs = 1,
                        .load_f = p->line_f + s->columns * small_f,
                        .load_ohm = p->word_ohm};
    stn_decoder column = line;
    column.outputs = s->columns_per_sense_amp;
    column.inputs = column.outputs > 8 ? 2 : 0;
    stn_part_cost fixed = stn_decoder_cost(&line, ramp);
    p->select = stn_decoder_cost(&column, ramp);
    p->select.energy_j += (SELECT_LINES - 1) * fixed.energy_j;
    p->select.leakage_w += (SELECT_LINES - 1) * fixed.leakage_w;
    p->select.latency_s = fmax(p->select.latency_s, fixed.latency_s);
    p->select.area_m2 += (SELECT_LINES - 1) * fixed.area_m2;
    p->select.box.width_m = fmax(p->select.box.width_m, fixed.box.width_m);
    int bits = address_bits(column.outputs), half = bits > 3 ? bits / 2 : 0;
    stn_part_cost a = stn_predecoder_cost(d, bits - half, 0.0, STN_STEP_RAMP);
    stn_part_cost b = stn_predecoder_cost(d, half, 0.0, STN_STEP_RAMP);
    p->column_predecoder = a;
    p->column_predecoder.energy_j += b.energy_j;
    p->column_predecoder.leakage_w += b.leakage_w;
    p->column_predecoder.area_m2 += b.area_m2;
}

/* Width and height of the sub-array without its predecoder. */
static stn_box outline(const parts *p)
{
    double side_m = p->row.box.height_m > p->bit.length_m
                        ? p->row.area_m2 / p->bit.length_m
                        : p->row.box.width_m;
    double foot_m = p->precharge.box.width_m > p->word_m
                        ? p->precharge.area_m2 / p->word_m
                        : p->precharge.box.height_m;
    foot_m += (p->multiplexer.area_m2 + p->write_multiplexer.area_m2 +
               p->driver.area_m2) /
                  p->word_m +
              p->amplifier.box.height_m;
    return (stn_box){.width_m = p->word_m + fmax(side_m, p->select.box.width_m),
                     .height_m = p->bit.length_m + foot_m};
}

/* Row predecoder: two blocks whose lines pass half of the outline. */
static void cost_row(parts *p, stn_box box)
{
    const stn_subarray *s = p->s;
    const stn_device *d = &s->tech->device;
    int bits = address_bits(s->rows), half = bits > 3 ? bits / 2 : 0;
    double load_f = 0.5 * (box.width_m + box.height_m) * s->tech->local.farad_m;
    stn_part_cost a =
        stn_predecoder_cost(d, bits - half, load_f, STN_STEP_RAMP);
    stn_part_cost b = stn_predecoder_cost(d, half, load_f, STN_STEP_RAMP);
    p->predecoder = a;
    p->predecoder.energy_j += b.energy_j;
    p->predecoder.leakage_w += b.leakage_w;
    p->predecoder.area_m2 += b.area_m2;
    p->predecoder.latency_s = fmax(a.latency_s, b.latency_s);
    p->predecoder.ramp = fmin(a.ramp, b.ramp);
}

static stn_part_cost row_decoder(const parts *p, double word_f, double ramp)
{
    stn_decoder rows = {.device = &p->s->tech->device,
                        .outputs = p->s->rows,
                        .inputs = p->s->rows > 8 ? 2 : 0,
                        .load_f = word_f,
                        .load_ohm = p->word_ohm};
    return stn_decoder_cost(&rows, ramp);
}

/* Read and write word lines; two sets of drivers where they are two. */
static void cost_word_lines(parts *p, double ramp)
{
    p->row = row_decoder(p, p->read_word_f, ramp);
    p->row_write = p->row;
    if (!stn_cell_has_ports(p->s->cell))
        return;
    p->row_write = row_decoder(p, p->write_word_f, ramp);
    p->row.leakage_w += p->row_write.leakage_w;
    p->row.area_m2 += p->row_write.area_m2;
    p->row.box.width_m += p->row_write.box.width_m;
}

static void post_area(const parts *p, stn_box box, stn_array_report *r)
{
    double *area = r->part[STN_ARRAY_AREA_M2], placed = 0.0;
    double predecoders_m2 =
        p->predecoder.area_m2 + p->column_predecoder.area_m2;
    /* The predecoders are a square at the longer side's end. */
    double *edge_m = box.width_m > box.height_m ? &box.width_m : &box.height_m;
    *edge_m += sqrt(predecoders_m2);
    area[STN_ARRAY_CELLS] = p->word_m * p->bit.length_m;
    area[STN_ARRAY_PREDECODER] = predecoders_m2;
    area[STN_ARRAY_ROW_DECODER] = p->row.area_m2;
    area[STN_ARRAY_COLUMN_SELECT] = p->select.area_m2;
    area[STN_ARRAY_MULTIPLEXER] =
        p->multiplexer.area_m2 + p->write_multiplexer.area_m2;
    area[STN_ARRAY_PRECHARGE] = p->precharge.area_m2;
    area[STN_ARRAY_SENSE_AMPLIFIER] = p->amplifier.area_m2;
    area[STN_ARRAY_WRITE_DRIVER] = p->driver.area_m2;
    for (int i = 0; i < STN_ARRAY_PARTS; i++)
        placed += area[i];
    area[STN_ARRAY_WHITE_SPACE] =
        fmax(0.0, box.width_m * box.height_m - placed);
}

/* Bits of a cell: it is sensed once for each, by halving the levels. */
static double cell_bits(const stn_cell *c)
{
    return log2(c->levels);
}

/* SRAM. Without a driver, a full swing takes about as long as the small one
 * through the cell and its sensing; with one, the cell turns over in the time
 * of a gate when both its word line and its bit lines are there. */
static void post_sram_write_latency(const parts *p, const double *read,
                                    double *write)
{
    if (p->driver.latency_s == 0.0)
        memcpy(write, read, STN_ARRAY_PARTS * sizeof *write);
    else
        write[STN_ARRAY_CELLS] = stn_fo4_s(&p->s->tech->cell_device);
    write[STN_ARRAY_PREDECODER] = read[STN_ARRAY_PREDECODER];
    write[STN_ARRAY_ROW_DECODER] = p->row_write.latency_s;
    write[STN_ARRAY_COLUMN_SELECT] = read[STN_ARRAY_COLUMN_SELECT];
}

/* The driver begins with the decoders: what it takes beyond them and the line.
 */
static void post_driver_latency(const parts *p, double *write)
{
    double beside_s =
        write[STN_ARRAY_PREDECODER] + write[STN_ARRAY_ROW_DECODER] +
        write[STN_ARRAY_COLUMN_SELECT] + write[STN_ARRAY_BIT_LINE];
    write[STN_ARRAY_WRITE_DRIVER] = fmax(0.0, p->driver.latency_s - beside_s);
}

static void post_latency(const parts *p, stn_array_report *r)
{
    const stn_cell *c = p->s->cell;
    double *read = r->part[STN_ARRAY_READ_LATENCY_S];
    double *write = r->part[STN_ARRAY_WRITE_LATENCY_S];
    double predecoder_s =
        fmax(p->predecoder.latency_s, p->column_predecoder.latency_s);
    read[STN_ARRAY_PREDECODER] = predecoder_s;
    read[STN_ARRAY_ROW_DECODER] = p->row.latency_s;
    read[STN_ARRAY_COLUMN_SELECT] =
        fmax(0.0, p->select.latency_s - p->row.latency_s);
    read[STN_ARRAY_BIT_LINE] = p->bit_read.latency_s;
    read[STN_ARRAY_MULTIPLEXER] = p->multiplexer.latency_s;
    read[STN_ARRAY_SENSE_AMPLIFIER] = cell_bits(c) * p->amplifier.latency_s;
    if (c->kind == STN_CELL_SRAM || c->kind == STN_CELL_SRAM_8T) {
        post_sram_write_latency(p, read, write);
        post_driver_latency(p, write);
        return;
    }
    if (c->kind == STN_CELL_DRAM) {
        memcpy(write, read, sizeof r->part[0]);
        write[STN_ARRAY_CELLS] = SETTLE * p->bit.access_ohm * c->storage_f;
        post_driver_latency(p, write);
        return;
    }
    double charge_s = stn_bitline_charge_s(&p->write_bit);
    double row_s = p->row_write.latency_s;
    write[STN_ARRAY_PREDECODER] = predecoder_s;
    write[STN_ARRAY_ROW_DECODER] = row_s;
    write[STN_ARRAY_BIT_LINE] =
        fmax(0.0, p->select.latency_s + charge_s - row_s);
    post_driver_latency(p, write);
    write[STN_ARRAY_CELLS] = c->program_pulses * fmax(c->set_s, c->reset_s);
    if (c->levels > 2.0)
        write[STN_ARRAY_SENSE_AMPLIFIER] =
            c->program_pulses *
            (p->bit_read.latency_s + p->amplifier.latency_s);
}

static void post_energy(const parts *p, stn_array_report *r)
{
    const stn_subarray *s = p->s;
    const stn_cell *c = s->cell;
    const stn_device *d = &s->tech->device;
    double *read = r->part[STN_ARRAY_READ_ENERGY_J];
    double *write = r->part[STN_ARRAY_WRITE_ENERGY_J];
    int words = p->sense.count;
    write[STN_ARRAY_WRITE_DRIVER] = c->program_pulses * p->driver.energy_j;
    read[STN_ARRAY_PREDECODER] = write[STN_ARRAY_PREDECODER] =
        p->predecoder.energy_j + p->column_predecoder.energy_j;
    read[STN_ARRAY_ROW_DECODER] = p->row.energy_j;
    write[STN_ARRAY_ROW_DECODER] = p->row_write.energy_j;
    read[STN_ARRAY_COLUMN_SELECT] = write[STN_ARRAY_COLUMN_SELECT] =
        p->select.energy_j;
    read[STN_ARRAY_MULTIPLEXER] = p->multiplexer.energy_j;
    write[STN_ARRAY_MULTIPLEXER] = c->kind == STN_CELL_SPIN_ORBIT
                                       ? p->write_multiplexer.energy_j
                                       : p->multiplexer.energy_j;
    /* The word line connects the cells of all columns. */
    read[STN_ARRAY_BIT_LINE] = s->columns * p->bit_read.energy_j;
    read[STN_ARRAY_PRECHARGE] = p->precharge.energy_j;
    read[STN_ARRAY_SENSE_AMPLIFIER] = p->amplifier.energy_j;
    const stn_bitline *b = &p->write_bit;
    double line_f = b->drain_f + b->farad + b->mux_drain_f;
    if (c->kind == STN_CELL_DRAM) {
        /* A write activates the row and turns half of its lines over. */
        write[STN_ARRAY_BIT_LINE] = 1.5 * read[STN_ARRAY_BIT_LINE];
        write[STN_ARRAY_SENSE_AMPLIFIER] = p->amplifier.energy_j;
        return;
    }
    if (!stn_cell_resists(c)) {
        double full_v = d->ramp_weight > 0.0 ? 0.5 * d->supply_v : d->supply_v;
        write[STN_ARRAY_BIT_LINE] = words * line_f * full_v * full_v;
        return;
    }
    /* The cell and its reference conduct until the latch has decided. */
    read[STN_ARRAY_CELLS] =
        2.0 * words * c->read_power_w * cell_bits(c) * p->amplifier.latency_s;
    read[STN_ARRAY_SENSE_AMPLIFIER] *= cell_bits(c);
    double swing_v = c->write_v > 0.0 ? c->write_v : d->supply_v;
    write[STN_ARRAY_BIT_LINE] = words * line_f * swing_v * swing_v;
    double pulse_j = fmax(c->set_j, c->reset_j);
    if (c->kind == STN_CELL_SPIN_ORBIT) /* what the supply gives */
        pulse_j = c->write_a * swing_v * c->set_s;
    write[STN_ARRAY_CELLS] = words * c->program_pulses * pulse_j;
    if (c->levels > 2.0)
        write[STN_ARRAY_SENSE_AMPLIFIER] =
            c->program_pulses * p->amplifier.energy_j;
}

/* Rows sensed together: k word lines rise, each through its own path of
 * decoders; k cells a column conduct; k references part k + 1 levels, each in a
 * latch of its own. The bit line is precharged once. A level lies closer to the
 * next the more cells are in parallel: that costs error rate, not time, and is
 * not charged here. */
static void post_logic(const stn_cell *c, stn_array_report *r)
{
    const double *read = r->part[STN_ARRAY_READ_ENERGY_J];
    for (int i = 0; i < STN_ARRAY_PARTS; i++) {
        bool per_row = i == STN_ARRAY_PREDECODER ||
                       i == STN_ARRAY_ROW_DECODER || i == STN_ARRAY_CELLS ||
                       i == STN_ARRAY_SENSE_AMPLIFIER;
        if (c->kind != STN_CELL_DRAM)
            r->part[STN_ARRAY_LOGIC2_ENERGY_J][i] = (per_row ? 2 : 1) * read[i];
        r->part[STN_ARRAY_LOGIC3_ENERGY_J][i] = (per_row ? 3 : 1) * read[i];
    }
}

static void post_leakage(const parts *p, stn_array_report *r)
{
    const stn_cell *c = p->s->cell;
    const stn_device *d = &p->s->tech->cell_device;
    double *leak = r->part[STN_ARRAY_LEAKAGE_W];
    leak[STN_ARRAY_PREDECODER] =
        p->predecoder.leakage_w + p->column_predecoder.leakage_w;
    leak[STN_ARRAY_ROW_DECODER] = p->row.leakage_w;
    leak[STN_ARRAY_COLUMN_SELECT] = p->select.leakage_w;
    leak[STN_ARRAY_PRECHARGE] = p->precharge.leakage_w;
    leak[STN_ARRAY_SENSE_AMPLIFIER] = p->amplifier.leakage_w;
    leak[STN_ARRAY_WRITE_DRIVER] = p->driver.leakage_w;
    if (c->kind == STN_CELL_DRAM) {
        /* Every row is read once per retention time. */
        double read_j = 0.0;
        for (int i = 0; i < STN_ARRAY_PARTS; i++)
            read_j += r->part[STN_ARRAY_READ_ENERGY_J][i];
        leak[STN_ARRAY_CELLS] = p->s->rows * read_j / c->retention_s;
    } else if (!stn_cell_resists(c)) {
        stn_gate inverter = {.inputs = 1,
                             .width_n_m = c->pull_down_width_f * d->feature_m,
                             .width_p_m = c->pull_up_width_f * d->feature_m};
        double access_f = c->access_width_f + c->read_access_width_f;
        stn_gate access = {.inputs = 1, .width_n_m = access_f * d->feature_m};
        /* Of two access transistors one has the supply across it; a read
         * port leaks through its own. */
        leak[STN_ARRAY_CELLS] = (double)p->s->rows * p->s->columns *
                                (2.0 * stn_gate_leakage_w(d, &inverter) +
                                 stn_gate_leakage_w(d, &access));
    }
}

/* Of more than two levels the two that differ least in resistance, those of
 * the highest conductance, must be told apart. */
static stn_status read_line(parts *p, stn_error *err)
{
    stn_cell cell = *p->s->cell;
    stn_subarray s = *p->s;
    s.cell = &cell;
    if (cell.levels > 2.0) {
        double step =
            (1.0 / cell.on_ohm - 1.0 / cell.off_ohm) / (cell.levels - 1.0);
        cell.off_ohm = 1.0 / (1.0 / cell.on_ohm - step);
    }
    return stn_bitline_read(&s, &p->bit, p->row.ramp, &p->bit_read, err);
}

stn_status stn_subarray_model(const stn_subarray *s, stn_array_report *out,
                              stn_error *err)
{
    parts p = {.s = s, .latches = s->references ? s->references : 1};
    stn_array_report r = {0};
    if (s->cell->kind == STN_CELL_DRAM && s->columns_per_sense_amp != 1)
        return stn_fail(err, STN_E_UNSUPPORTED,
                        "columns per sense amplifier: got %d, expected 1: "
                        "reading destroys a DRAM row, so every column is "
                        "sensed",
                        s->columns_per_sense_amp);
    STN_TRY(check_write_transistor(s, err));
    size_lines(&p);
    size_columns(&p);
    stn_precharge precharge = {.device = &s->tech->device,
                               .columns = s->columns,
                               .line_f_per_column = p.line_f / s->columns};
    p.precharge = stn_precharge_cost(&precharge);
    p.multiplexer = stn_multiplexer_cost(&p.mux);
    p.amplifier = stn_sense_amplifier_cost(&p.sense);
    p.amplifier.area_m2 *= p.latches;
    p.amplifier.box.height_m *= p.latches;
    p.amplifier.leakage_w *= p.latches;
    cost_write_driver(&p);
    /* Areas do not depend on ramps: the outline comes first, since it loads
     * the predecoder, whose ramp starts everything else. */
    cost_word_lines(&p, STN_STEP_RAMP);
    cost_select(&p, STN_STEP_RAMP);
    stn_box box = outline(&p);
    cost_row(&p, box);
    cost_word_lines(&p, p.predecoder.ramp);
    cost_select(&p, p.predecoder.ramp);
    STN_TRY(read_line(&p, err));
    post_area(&p, box, &r);
    post_latency(&p, &r);
    post_energy(&p, &r);
    post_logic(s->cell, &r);
    post_leakage(&p, &r);
    for (int t = 0; t < STN_ARRAY_TOTALS; t++)
        for (int i = 0; i < STN_ARRAY_PARTS; i++)
            r.total[t] += r.part[t][i];
    r.cell_bits = (int)cell_bits(s->cell);
    *out = r;
    return STN_OK;
}
