/* SPDX-License-Identifier: MIT
 *
 * The pe_array family inside: processing elements that add or multiply, a
 * buffer of memory arrays beside them, and memory off the chip behind it.
 * docs/pe-array.md explains it.
 *
 * The elements of a filter's window stand channel by channel: element e is
 * tap e mod (kh * kw) of channel e / (kh * kw). */
#ifndef STN_ACCEL_PE_ARRAY_H
#define STN_ACCEL_PE_ARRAY_H

#include "accel/accel.h"
#include "accel/values.h"

#define PE_MAX_DIGITS 17

typedef enum pe_flow {
    PE_FLOW_WEIGHT, /* weights stay: a row is an element, a column a filter */
    PE_FLOW_OUTPUT, /* sums stay: a row is a position, a column a filter */
    PE_FLOW_GROUPS, /* likewise; a column is a group of one filter's weights,
                       of which only the nonzero ones are stored */
    PE_FLOW_SPIKES  /* likewise; a row is a filter, a column a window of time;
                       inputs that are silent take no time */
} pe_flow;

/* `options` of a machine file. */
typedef struct pe_options {
    int rows, columns;
    int flow;        /* pe_flow */
    bool skip_zeros; /* output: steps that no filter of a tile needs */
    bool systolic;   /* weight, output: operands pass from element to element */
    int group;       /* groups: channels of one */
    int weight_bits; /* of a magnitude that are multiplied at once */
    int input_bits;
    int sum_bits;   /* of an adder */
    int held;       /* tiles, or weights a column, that stay in registers;
                       spikes: sums of an element, one a step of a window */
    int line_bits;  /* registers that keep rows of the input */
    int sub_arrays; /* of the buffer */
    int ports;      /* rows that it moves at once */
    bool off_chip;  /* what does not fit lies in memory off the chip */
    int lanes;
} pe_options;

/* `circuits` of a machine file; SI units. */
typedef struct pe_circuits {
    double add_area_m2, multiply_area_m2, register_area_m2; /* of one bit */
    double cell_density; /* area of gates / area that they are placed on */
} pe_circuits;

/* Live weights of one filter and `group` channels: n of them, whose elements
 * are in pe_layer.elements from `first`. */
typedef struct pe_group {
    int filter, n;
    size_t first;
} pe_group;

typedef struct pe_layer {
    const stn_instruction *in;
    bool products;       /* conv or depthwise; else digital lanes */
    int time_steps;      /* that it goes through */
    int time_window;     /* spikes: steps of a column */
    stn_neurons kept;    /* of instructions across time */
    uint64_t state_bits; /* what they keep */
    size_t state;        /* the same in the scratch, in int32 */
    /* Filters of a block read the same channels: all of a convolution, one of
     * a depthwise layer. Filter o is of block o mod n_blocks. */
    int n_blocks, filters, channels, window;
    int w_bits, code_bits; /* largest magnitude; what a stored weight takes */
    int x_bits, y_bits;
    int x_digits, w_digits; /* passes of one product: their number's product */
    int f_tiles, k_tiles;   /* of one block: of filters, of elements */
    int rounds;             /* weight: of `held` tiles of elements */
    uint64_t positions, p_tiles;
    int rereads;            /* of each row of the input */
    uint64_t nonzero;       /* weights */
    uint64_t steps, slots;  /* output: of all tiles; times their filters */
    uint64_t live, longest; /* groups: those with weights, their largest */
    uint64_t merges;        /* groups: additions for one position */
    int stored_bits;        /* groups: of a weight with its index */
    uint64_t weight_bits;   /* of the layer, as stored */
    bool resident;          /* its weights are in the buffer */
    bool held;              /* output, groups: weights are read once */
    int8_t *codes;          /* filter, element; NULL: an outline */
    uint8_t *needed;        /* output: block, tile, element; NULL: all */
    pe_group *groups;
    int *elements;
    stn_placement placement;
} pe_layer;

/* Where a value is. */
typedef enum pe_home {
    PE_HOME_BUFFER,
    PE_HOME_OUTSIDE, /* off the chip */
    PE_HOME_DIRECT   /* goes from one unit to the next */
} pe_home;

typedef struct pe_mapping {
    const stn_machine *machine;
    const stn_program *program;
    pe_options options;
    pe_layer *layers;
    uint8_t *homes;   /* pe_home of each value */
    size_t *offsets;  /* of each value in the scratch, in int32 */
    size_t n_numbers; /* all values, all time steps, and states */
    size_t n_window;  /* digits of one position's window, all blocks' largest */
    stn_arena arena;
} pe_mapping;

static inline uint64_t pe_div_up(uint64_t a, uint64_t b)
{
    return (a + b - 1) / b;
}

/* Bits of a layer's digit: x of input_bits, w of weight_bits. */
static inline int pe_least(int a, int b)
{
    return a < b ? a : b;
}

/* Rows of the buffer that hold so many bits. */
static inline uint64_t pe_rows_of(const pe_mapping *m, uint64_t bits)
{
    return pe_div_up(bits, (uint64_t)m->machine->array.columns);
}

static inline uint64_t pe_value_bits(const pe_mapping *m, int value, int bits)
{
    return (uint64_t)bits * stn_shape_count(m->program->values[value].shape);
}

/* Bits that numbers lo … hi take. */
int pe_range_bits(int64_t lo, int64_t hi);
static inline int pe_bits_of(const pe_mapping *m, int value)
{
    const stn_value *v = &m->program->values[value];
    return pe_range_bits(v->lo, v->hi);
}

/* Time steps that the columns are at work on at once (spikes). */
static inline int pe_batch_steps(const pe_mapping *m, const pe_layer *l)
{
    return m->options.columns * l->time_window;
}

/* Whether a layer does all time steps at once; else step by step. */
static inline bool pe_is_whole(const pe_mapping *m, const pe_layer *l)
{
    return stn_opcode_is_time(l->in->opcode) ||
           (l->products && m->options.flow == PE_FLOW_SPIKES);
}

/* Operands of a systolic array enter a cycle later in each row and column, and
 * weights or sums pass all rows on their way in or out: what a fold takes
 * beside its steps (Samajdar et al., ISPASS 2020: 2 R + C + T - 2 in all). */
static inline uint64_t pe_fill_cycles(const pe_mapping *m)
{
    const pe_options *o = &m->options;
    return o->systolic ? 2 * (uint64_t)o->rows + (uint64_t)o->columns - 2 : 0;
}

/* Whether a tree adds the rows of a column. */
static inline bool pe_has_trees(const pe_options *o)
{
    return o->flow == PE_FLOW_WEIGHT && !o->systolic;
}

/* Bits of the adder that a product of x_bits by w_bits takes. In a tree n / 2^i
 * adders of level i are x_bits + w_bits + i - 1 wide, in all n times one bit
 * more than a product has; elsewhere each adds to a sum. */
static inline int pe_adder_bits(const pe_options *o, int x_bits, int w_bits,
                                int sum_bits)
{
    return pe_has_trees(o) ? pe_least(x_bits + w_bits + 1, sum_bits) : sum_bits;
}

/* Of all elements, and of the sums below the trees. */
double pe_array_adder_bits(const pe_options *o);

/* Cycles of the elements for a layer of products, in closed form; not of flow
 * spikes, whose cycles depend on data. */
uint64_t pe_layer_cycles(const pe_mapping *m, const pe_layer *l);

/* What one layer did. Totals are in `row`, which has no steps yet: time is
 * that of the slowest of the units, `unit_steps` of them, the buffer and the
 * memory off the chip, which work side by side. */
void pe_pass_time(const pe_mapping *m, stn_event unit, uint64_t unit_steps,
                  stn_ledger_row *row);

/* --- weights (pe_array_weights.c) -----------------------------------------*/

/* Counts what a layer's flow needs to know of its weights, and copies them in
 * the order of elements; of an outline, in expectation. */
stn_status pe_map_weights(pe_mapping *m, pe_layer *l, stn_error *err);

/* --- the family's entry points --------------------------------------------*/

stn_status pe_map(const stn_machine *machine, const stn_program *program,
                  void **mapping, stn_error *err);
void pe_unmap(void *mapping);
void pe_predict(const void *mapping, const double *density, stn_ledger *ledger);
size_t pe_scratch_bytes(const void *mapping);
void pe_execute(const void *mapping, const uint8_t *pixels, int32_t *logits,
                void *scratch, stn_ledger *ledger);

#endif
