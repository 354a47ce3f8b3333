/* SPDX-License-Identifier: MIT
 *
 * The crossbar family: analog multiply-accumulate in arrays of multi-level
 * cells, as ISAAC (Shafiee et al., ISCA 2016), PRIME (Chi et al., ISCA 2016)
 * and bit-slice L1 (Zhang et al., EMC2 at NeurIPS 2019) have them. The
 * mapping, the circuits and what is not modelled: docs/crossbar.md. */
#include "accel/crossbar.h"
#include <math.h>

static const char *const signs_words[] = {"pair", "offset", "flip", NULL};
static const char *const range_words[] = {"saturate", "full", NULL};
static const char *const variation_words[] = {"range", "cell", NULL};
static const char *const model_words[] = {"structure", "scaled", NULL};

/* clang-format off */
static const stn_attr attrs[] = {
    {"cell_bits", STN_ATTR_INT, offsetof(xb_options, cell_bits),
     .initial = 2, .min = 1, .max = 4,
     .help = "bits of a weight in one cell; the slices of a weight lie in arrays of their own"},
    {"dac_bits", STN_ATTR_INT, offsetof(xb_options, dac_bits),
     .initial = 1, .min = 1, .max = 4,
     .help = "bits of an input driven at once; the sign of a signed input is a digit of its own"},
    {"signs", STN_ATTR_CHOICE, offsetof(xb_options, signs),
     .initial = XB_SIGNS_PAIR, .words = signs_words,
     .help = "pair: arrays for positive and for negative weights; offset: weights shifted to be positive, and a column of ones; flip: likewise, columns more than half full inverted"},
    {"adc_bits", STN_ATTR_FLOATS, offsetof(xb_options, adc_bits),
     .initial = 0, .min = 0, .max = XB_MAX_ADC_BITS,
     .help = "resolution of the ADCs, one number or a list from the lowest slice, whose last is repeated; 0: as many bits as the largest sum needs"},
    {"adc_range", STN_ATTR_CHOICE, offsetof(xb_options, adc_range),
     .initial = XB_RANGE_SATURATE, .words = range_words,
     .help = "saturate: a code is one cell step, larger sums clip; full: codes span the largest possible sum, in steps of a power of two"},
    {"adc_model", STN_ATTR_CHOICE, offsetof(xb_options, adc_model),
     .initial = XB_ADC_STRUCTURE, .words = model_words,
     .help = "cost of an ADC by figures of circuits, unless there are converters: structure: latch, flash or SAR from their parts; scaled: from circuits.reference by power 2^N/(N+1), time N"},
    {"columns_per_adc", STN_ATTR_INT, offsetof(xb_options, columns_per_adc),
     .initial = 128, .min = 1, .max = 65536,
     .help = "columns of an array that share one ADC, one after the other"},
    {"active_rows", STN_ATTR_INT, offsetof(xb_options, active_rows),
     .initial = 0, .min = 0, .max = 65536,
     .help = "rows of an array driven at once; 0: all"},
    {"pipeline", STN_ATTR_BOOL, offsetof(xb_options, pipeline),
     .initial = 1,
     .help = "a read overlaps the conversions of the read before"},
    {"skip_zero_columns", STN_ATTR_BOOL, offsetof(xb_options, skip_zero_columns),
     .initial = 0,
     .help = "columns without a nonzero cell among the driven rows are not converted"},
    {"copies", STN_ATTR_INT, offsetof(xb_options, copies),
     .initial = 1, .min = 1, .max = 65536,
     .help = "copies of each layer's arrays, which share its positions"},
    {"arrays", STN_ATTR_INT, offsetof(xb_options, arrays),
     .initial = 16128, .min = 1, .max = 1e9,
     .help = "arrays on the chip; a program that needs more is refused, unless stream is set"},
    {"stream", STN_ATTR_BOOL, offsetof(xb_options, stream),
     .initial = 0,
     .help = "a program that does not fit shares arrays: weights are written every picture"},
    {"lanes", STN_ATTR_INT, offsetof(xb_options, lanes),
     .initial = 16, .min = 1, .max = 65536,
     .help = "rescale or pool units of one layer"},
    {"variation", STN_ATTR_FLOAT, offsetof(xb_options, variation),
     .initial = 0, .min = 0, .max = 1,
     .help = "standard deviation of a cell's conductance, drawn once when it is written"},
    {"variation_of", STN_ATTR_CHOICE, offsetof(xb_options, variation_of),
     .initial = XB_VARIATION_RANGE, .words = variation_words,
     .help = "what the deviation is a share of: the full range, or the cell's own conductance"},
    {"row_packing", STN_ATTR_INT, offsetof(xb_options, row_packing),
     .initial = 0, .min = 0, .max = 4096,
     .help = "filters that share rows, of which those without weights are left out; 0: every row is held"},
    {"on_off", STN_ATTR_FLOAT, offsetof(xb_options, on_off),
     .initial = 0, .min = 0, .max = 1e9,
     .help = "conductance of a full over that of an empty cell; 0: an empty cell has none"},
    {"wire", STN_ATTR_FLOAT, offsetof(xb_options, wire),
     .initial = 0, .min = 0, .max = 1,
     .help = "resistance of the wire between two cells times the conductance of a full one; 0: no IR drop"},
    {"seed", STN_ATTR_INT, offsetof(xb_options, seed),
     .initial = 1, .min = 0, .max = 2147483647,
     .help = "of the deviations"},
    {0}};
/* clang-format on */

static stn_status check(const stn_yaml *options, const void *parsed,
                        stn_error *err)
{
    const xb_options *o = parsed;
    for (int i = 0; i < o->adc_bits.n; i++)
        if (o->adc_bits.v[i] != floorf(o->adc_bits.v[i]))
            return stn_yaml_fail(stn_yaml_get(options, "adc_bits"), err,
                                 "adc_bits: got %g, expected whole numbers",
                                 (double)o->adc_bits.v[i]);
    if (o->on_off > 0.0f && o->on_off < 1.5f)
        return stn_yaml_fail(stn_yaml_get(options, "on_off"), err,
                             "on_off: got %g, expected 0 (ideal) or at least "
                             "1.5",
                             (double)o->on_off);
    return STN_OK;
}

static void place(const void *mapping, int instruction,
                  stn_placement *placement)
{
    *placement = ((const xb_mapping *)mapping)->layers[instruction].placement;
}

/* Nothing is skipped because of an input. */
static bool data_dependent(const void *mapping, int instruction,
                           stn_event event)
{
    (void)mapping;
    (void)instruction;
    (void)event;
    return false;
}

/* Slices of the analog layers, one after the other. */
static bool histogram(const void *mapping, int index, stn_bins *bins)
{
    const xb_mapping *m = mapping;
    for (int i = 0; i < m->program->n_instructions; i++) {
        const xb_layer *l = &m->layers[i];
        if (index < l->n_slices) {
            *bins =
                (stn_bins){.instruction = i,
                           .slice = index,
                           .bits = l->adc[index].bits,
                           .first = l->first_bin + (size_t)index * l->n_bins,
                           .n = l->n_bins};
            return true;
        }
        index -= l->n_slices;
    }
    return false;
}

static bool adc(const stn_machine *machine, int bits, stn_adc_cost *cost)
{
    const xb_options *o = machine->attrs;
    return xb_adc_cost(machine->circuits, (xb_adc_model)o->adc_model, bits,
                       cost);
}

/* By how much a sum is shifted depends on nothing: wires do it. */
static stn_status units(const stn_machine *machine,
                        const stn_unit_source *source, stn_unit_figures *out,
                        stn_error *err)
{
    stn_unit_chain sum = {0};
    (void)machine;
    STN_TRY(stn_unit_chain_add(source, STN_UNIT_ADDER, 32, 1, &sum, err));
    stn_unit_event(out, STN_EVENT_shift_add, &sum, 1, "adder of 32 bits");
    return STN_OK;
}

const stn_accel_type stn_accel_crossbar = {
    .name = "crossbar",
    .help = "analog arrays: bit-sliced weights, bit-serial inputs, ADCs",
    .attrs = attrs,
    .attrs_size = sizeof(xb_options),
    .check = check,
    .no_device = "its cells are not junctions; they deviate by "
                 "options.variation, on_off and wire",
    .circuits = xb_circuits_read,
    .circuits_size = sizeof(xb_circuits),
    .circuit_rows = xb_circuit_rows,
    .circuit_events = xb_circuit_events,
    .units = units,
    .adc = adc,
    .map = xb_map,
    .unmap = xb_unmap,
    .place = place,
    .predict = xb_predict,
    .data_dependent = data_dependent,
    .scratch_bytes = xb_scratch_bytes,
    .execute = xb_execute,
    .histogram = histogram,
    .define = xb_define,
};
