/* SPDX-License-Identifier: MIT
 *
 * The pe_array family: a digital array of processing elements, as ASICs have
 * it. With one-bit weights they add only (YodaNN: Andri et al., TCAD 37(1),
 * 2018); with wider ones they multiply; with flow `groups` they run through
 * the nonzero weights of groups in lock step (PE-wise pruning: Yang, He and
 * Fan, AAAI 2020). Layout, accounting, what is assumed: docs/pe-array.md. */
#include "accel/pe_array.h"

static const char *const flow_words[] = {"weight", "output", "groups", "spikes",
                                         NULL};

/* clang-format off */
static const stn_attr attrs[] = {
    {"rows", STN_ATTR_INT, offsetof(pe_options, rows),
     .initial = 16, .min = 1, .max = 65536,
     .help = "rows of processing elements: elements of a window (flow: weight), filters (flow: spikes), or output positions"},
    {"columns", STN_ATTR_INT, offsetof(pe_options, columns),
     .initial = 16, .min = 1, .max = 65536,
     .help = "columns of processing elements: filters, groups of weights (flow: groups), or windows of time (flow: spikes)"},
    {"flow", STN_ATTR_CHOICE, offsetof(pe_options, flow),
     .initial = PE_FLOW_OUTPUT, .words = flow_words,
     .help = "what stays in the elements: weight: a tile of weights; output: sums; groups: sums, of groups of weights without their zeros, in lock step; spikes: sums of several windows of time, inputs that are silent in all of them being left out"},
    {"skip_zeros", STN_ATTR_BOOL, offsetof(pe_options, skip_zeros),
     .initial = 0,
     .help = "(output) a step is left out when no filter of the tile has a weight there"},
    {"systolic", STN_ATTR_BOOL, offsetof(pe_options, systolic),
     .initial = 0,
     .help = "(weight, output) operands pass from element to element, a cycle each, through registers; false: all elements of a row or column have them in the same cycle"},
    {"group", STN_ATTR_INT, offsetof(pe_options, group),
     .initial = 16, .min = 1, .max = 65536,
     .help = "(groups) input channels of a group: those of one filter, all taps"},
    {"weight_bits", STN_ATTR_INT, offsetof(pe_options, weight_bits),
     .initial = 7, .min = 1, .max = 7,
     .help = "bits of a weight's magnitude multiplied at once, wider ones take several passes; 1: elements add and subtract only"},
    {"input_bits", STN_ATTR_INT, offsetof(pe_options, input_bits),
     .initial = 8, .min = 1, .max = 16,
     .help = "bits of an input multiplied at once, its sign included; wider ones take several passes"},
    {"sum_bits", STN_ATTR_INT, offsetof(pe_options, sum_bits),
     .initial = 32, .min = 8, .max = 32,
     .help = "width of the adders; a program with wider sums is refused"},
    {"held", STN_ATTR_INT, offsetof(pe_options, held),
     .initial = 1, .min = 1, .max = 65536,
     .help = "weights of each element (flow: weight) or column that stay in registers; sums of each element (flow: spikes), one for each step of a window"},
    {"line_bits", STN_ATTR_INT, offsetof(pe_options, line_bits),
     .initial = 65536, .min = 0, .max = 1e9,
     .help = "registers that keep rows of the input for the windows that share them; without room, a row is read again for each row of the kernel"},
    {"sub_arrays", STN_ATTR_INT, offsetof(pe_options, sub_arrays),
     .initial = 64, .min = 1, .max = 1e9,
     .help = "of the buffer that holds values and weights"},
    {"ports", STN_ATTR_INT, offsetof(pe_options, ports),
     .initial = 1, .min = 1, .max = 65536,
     .help = "rows that the buffer moves at once"},
    {"off_chip", STN_ATTR_BOOL, offsetof(pe_options, off_chip),
     .initial = 1,
     .help = "what the buffer cannot hold lies in memory off the chip; false: a program that does not fit is refused"},
    {"lanes", STN_ATTR_INT, offsetof(pe_options, lanes),
     .initial = 16, .min = 1, .max = 65536,
     .help = "rescale or pool units"},
    {0}};

static const stn_figure_row rows[] = {
    {"add_bit_area", STN_QUANTITY_AREA, 1e-16, 1e-9, offsetof(pe_circuits, add_area_m2)},
    {"mul_bit_area", STN_QUANTITY_AREA, 1e-16, 1e-9, offsetof(pe_circuits, multiply_area_m2)},
    {"register_bit_area", STN_QUANTITY_AREA, 1e-16, 1e-9, offsetof(pe_circuits, register_area_m2)},
    {"cell_density", STN_QUANTITY_RATIO, 0.1, 1, offsetof(pe_circuits, cell_density)},
    {0}};
/* clang-format on */

static stn_status circuits(const stn_yaml *map, bool modelled,
                           stn_machine *machine, stn_error *err)
{
    (void)modelled; /* there are no converters */
    pe_circuits *c = stn_arena_alloc(&machine->arena, 1, sizeof *c);
    if (!c)
        return stn_fail_memory(err, "the circuits of a machine");
    machine->circuits = c;
    return stn_figures_parse(&machine->figures, "circuits", rows, map, NULL, c,
                             err);
}

/* Elements with an adder, and a multiplier before it where weights have more
 * than a sign, leak as long as the buffer does: each of its sub-arrays is
 * charged a share. Their areas are those of `circuits`. */
static stn_status units(const stn_machine *machine,
                        const stn_unit_source *source, stn_unit_figures *out,
                        stn_error *err)
{
    const pe_options *o = machine->attrs;
    stn_unit_chain product = {0}, sum = {0};
    if (o->weight_bits > 1 && o->input_bits > 1) {
        int bits = o->weight_bits + 1 > o->input_bits ? o->weight_bits + 1
                                                      : o->input_bits;
        STN_TRY(stn_unit_chain_add(source, STN_UNIT_MULTIPLIER, bits, 1,
                                   &product, err));
        stn_unit_event(out, STN_EVENT_mul_bit, &product, bits * bits,
                       "multiplier of an element");
        out->latency_s[STN_EVENT_mul_bit] = 0.0; /* within the cycle */
    }
    STN_TRY(
        stn_unit_chain_add(source, STN_UNIT_ADDER, o->sum_bits, 1, &sum, err));
    stn_unit_event(out, STN_EVENT_add_bit, &sum, o->sum_bits,
                   "adder of an element, behind its multiplier");
    out->latency_s[STN_EVENT_add_bit] += product.latency_s;
    out->logic_leakage_w =
        ((double)o->rows * o->columns * product.leakage_w +
         pe_array_adder_bits(o) / o->sum_bits * sum.leakage_w) /
        o->sub_arrays;
    return STN_OK;
}

static void place(const void *mapping, int instruction,
                  stn_placement *placement)
{
    *placement = ((const pe_mapping *)mapping)->layers[instruction].placement;
}

/* Zeros of the weights are skipped, those of inputs only where spikes flow;
 * which unit is the slowest then depends on them too. */
static bool data_dependent(const void *mapping, int instruction,
                           stn_event event)
{
    const pe_mapping *m = mapping;
    (void)event;
    return m->options.flow == PE_FLOW_SPIKES && m->layers[instruction].products;
}

const stn_accel_type stn_accel_pe_array = {
    .name = "pe_array",
    .help = "digital processing elements, a buffer, memory off the chip",
    .attrs = attrs,
    .no_buffer = "its sub-arrays are the buffer",
    .attrs_size = sizeof(pe_options),
    .no_device = "it computes in digital logic, and its memory is read a row "
                 "at a time",
    .units = units,
    .circuits = circuits,
    .circuits_size = sizeof(pe_circuits),
    .circuit_rows = rows,
    .map = pe_map,
    .unmap = pe_unmap,
    .place = place,
    .predict = pe_predict,
    .data_dependent = data_dependent,
    .scratch_bytes = pe_scratch_bytes,
    .execute = pe_execute,
};
