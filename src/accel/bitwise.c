/* SPDX-License-Identifier: MIT
 *
 * The bitwise family: bulk row operations in memory sub-arrays. Convolutions
 * are ripple additions of shifted bit-planes; BD-Net and its sparse form run
 * on it (He, Angizi, Fan et al., ISVLSI 2018, JETC 2020). The mapping, its
 * assumptions and what is not modelled: docs/bitwise.md. */
#include "accel/bitwise_noise.h"
#include <math.h>

static const char *const sums_words[] = {"add", "count", NULL};
static const char *const logic_words[] = {"sense", "majority", "gates", NULL};
static const char *const carry_words[] = {"row", "latch", NULL};

/* clang-format off */
static const stn_attr attrs[] = {
    {"sums", STN_ATTR_CHOICE, offsetof(bw_options, sums),
     .initial = BW_SUMS_ADD, .words = sums_words,
     .help = "how products are summed: by ripple additions of bit-planes, or by AND, bit-count and shift"},
    {"logic", STN_ATTR_CHOICE, offsetof(bw_options, logic),
     .initial = BW_LOGIC_SENSE, .words = logic_words,
     .help = "row operations: several rows sensed at once, majorities of three rows that share charge, or gates on latched rows"},
    {"carry", STN_ATTR_CHOICE, offsetof(bw_options, carry),
     .initial = BW_CARRY_ROW, .words = carry_words,
     .help = "where a sum's carry is kept: a row of the sub-array, sensed as third row, or a latch beside the sense amplifiers"},
    {"filters", STN_ATTR_INT, offsetof(bw_options, filters),
     .initial = 0, .min = 0, .max = 65536,
     .help = "most filters of a convolution in one sub-array; 0: as many as its rows hold. Fewer means more sub-arrays in parallel"},
    {"sub_arrays", STN_ATTR_INT, offsetof(bw_options, sub_arrays),
     .initial = 4096, .min = 1, .max = 1e9,
     .help = "sub-arrays on the chip; a program that needs more is refused, unless stream is set"},
    {"lanes", STN_ATTR_INT, offsetof(bw_options, lanes),
     .initial = 16, .min = 1, .max = 65536,
     .help = "rescale or pool units of one layer"},
    {"replicas", STN_ATTR_INT, offsetof(bw_options, replicas),
     .initial = 1, .min = 0, .max = 65536,
     .help = "sums by count: most copies of a layer's weights, which share its windows; 0: as many as the chip holds"},
    {"stream", STN_ATTR_BOOL, offsetof(bw_options, stream),
     .initial = 0,
     .help = "a program that does not fit shares sub-arrays: weights are written every picture"},
    {"read_error", STN_ATTR_FLOAT, offsetof(bw_options, read_error),
     .initial = 0, .min = 0, .max = 0.5,
     .help = "chance that a column of one sensed row is wrong"},
    {"logic2_error", STN_ATTR_FLOAT, offsetof(bw_options, logic2_error),
     .initial = 0, .min = 0, .max = 0.5,
     .help = "chance that a reference of two rows takes a column for its neighbour"},
    {"logic3_error", STN_ATTR_FLOAT, offsetof(bw_options, logic3_error),
     .initial = 0, .min = 0, .max = 0.5,
     .help = "the same for three rows"},
    {"write_error", STN_ATTR_FLOAT, offsetof(bw_options, write_error),
     .initial = 0, .min = 0, .max = 0.5,
     .help = "chance that a written cell is wrong; 0: that of the device"},
    {"seed", STN_ATTR_INT, offsetof(bw_options, seed),
     .initial = 1, .min = 0, .max = 1e9,
     .help = "of the errors that are drawn"},
    {"comparator", STN_ATTR_BOOL, offsetof(bw_options, comparator),
     .initial = 0,
     .help = "two positions whose difference is only asked for its sign are compared from the highest bit down, until all are decided"},
    {0}};
/* clang-format on */

static void place(const void *mapping, int instruction,
                  stn_placement *placement)
{
    *placement = ((const bw_mapping *)mapping)->layers[instruction].placement;
}

/* The controller of a fully connected layer skips bits that are 0; one of a
 * comparison stops when all is decided. */
static bool data_dependent(const void *mapping, int instruction,
                           stn_event event)
{
    const bw_mapping *m = mapping;
    stn_component component = stn_events[event].component;
    bw_unit unit = m->layers[instruction].unit;
    return (component == STN_COMPONENT_ARRAY_READ &&
            (unit == BW_NEURONS || unit == BW_COMPARE)) ||
           (component == STN_COMPONENT_ARRAY_WRITE && unit == BW_NEURONS);
}

static bool errs(const void *mapping)
{
    const bw_mapping *m = mapping;
    bool kept = false;
    for (int i = 0; i < m->program->n_instructions; i++)
        kept |= bw_keeps_weights(&m->layers[i]);
    return m->noise_words > 0 || (m->machine->aged && kept);
}

/* Beside every sense amplifier the gates of its row logic; behind them, where
 * ones are counted, a tree for all columns, and behind a register a shifter
 * and an accumulator. Both stages work while the next row is activated: what
 * the slower one takes longer is charged. */
static stn_status units(const stn_machine *machine,
                        const stn_unit_source *source, stn_unit_figures *out,
                        stn_error *err)
{
    const bw_options *o = machine->attrs;
    const int columns = machine->array.columns;
    const bool counts = o->sums == BW_SUMS_COUNT;
    stn_unit_chain gate = {0}, tree = {0}, sum = {0};
    STN_TRY(stn_unit_chain_add(source, STN_UNIT_NAND, 1, 1, &gate, err));
    const double gates = counts ? 2.0 : 4.0;
    out->column = counts ? "two gates" : "four gates";
    out->column_m2 = gates * gate.area_m2;
    if (counts) {
        STN_TRY(stn_unit_chain_add(source, STN_UNIT_POPCOUNT, columns, 1, &tree,
                                   err));
        STN_TRY(stn_unit_chain_add(source, STN_UNIT_SHIFTER, 32, 1, &sum, err));
        STN_TRY(stn_unit_chain_add(source, STN_UNIT_ADDER, 32, 1, &sum, err));
        double stage_s = fmax(tree.latency_s, sum.latency_s);
        out->energy_j[STN_EVENT_count_bit] =
            (tree.energy_j + sum.energy_j) / columns;
        out->latency_s[STN_EVENT_count_bit] =
            fmax(0.0, stage_s - machine->array.logic2_latency_s);
        out->made_of[STN_EVENT_count_bit] =
            "tree of all columns, shifter and adder of 32 bits";
    }
    out->logic = counts ? "tree of all columns, shifter and adder of 32 bits"
                        : "nothing but what stands beside the columns";
    out->logic_m2 = tree.area_m2 + sum.area_m2;
    out->logic_leakage_w =
        columns * gates * gate.leakage_w + tree.leakage_w + sum.leakage_w;
    return STN_OK;
}

const stn_accel_type stn_accel_bitwise = {
    .name = "bitwise",
    .help = "row operations in memory: ripple additions of bit-planes",
    .attrs = attrs,
    .attrs_size = sizeof(bw_options),
    .units = units,
    .map = bw_map,
    .unmap = bw_unmap,
    .place = place,
    .predict = bw_predict,
    .data_dependent = data_dependent,
    .prepare = bw_prepare,
    .scratch_bytes = bw_scratch_bytes,
    .execute = bw_execute,
    .errs = errs,
};
