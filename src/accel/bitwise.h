/* SPDX-License-Identifier: MIT
 *
 * The bitwise family inside: how values and instructions lie in sub-arrays.
 * docs/bitwise.md explains it.
 *
 * A value is a set of lines. A line is `width` rows (bit-planes) of columns;
 * usually a line is one channel and its columns are the positions of the
 * picture. A flat value (1 x 1 x C) is one line whose columns are channels.
 * Lines that are wider than a sub-array are cut into tiles, which work in
 * lockstep; the simulator keeps a row of all tiles as one run of words. */
#ifndef STN_ACCEL_BITWISE_H
#define STN_ACCEL_BITWISE_H

#include "accel/accel.h"
#include "accel/neurons.h"

#define BW_WORDS 8      /* rows are padded to 512 bits of words */
#define BW_MAX_WIDTH 32 /* bits of a number */
#define BW_MAX_TAPS 25  /* kernel positions of a comparison */

typedef enum bw_sums { BW_SUMS_ADD, BW_SUMS_COUNT } bw_sums;
typedef enum bw_logic {
    BW_LOGIC_SENSE, /* several rows sensed at once */
    BW_LOGIC_MAJORITY,
    BW_LOGIC_GATES
} bw_logic;
typedef enum bw_carry { BW_CARRY_ROW, BW_CARRY_LATCH } bw_carry;

/* `options` of a machine file. */
typedef struct bw_options {
    int sums;       /* bw_sums: how a convolution is summed */
    int logic;      /* bw_logic: what row operations there are */
    int carry;      /* bw_carry */
    int filters;    /* most filters a sub-array; 0: as many as fit */
    int sub_arrays; /* on the chip */
    int lanes;      /* digital units of a layer */
    int replicas;   /* BW_SUMS_COUNT: most copies of a layer's weights; 0: as
                       many as the chip holds */
    bool stream;    /* layers share sub-arrays when they do not fit */
    /* Chances of an error, one column of one operation; 0: none. */
    float read_error, logic2_error, logic3_error, write_error;
    int seed;        /* of the errors drawn */
    bool comparator; /* pairs are compared from the highest bit down */
} bw_options;

/* Range and rows of one line; two's complement when is_signed. Width 0: the
 * line is 0 for every picture and is not stored. */
typedef struct bw_line {
    int64_t lo, hi;
    int width;
    bool is_signed;
} bw_line;

typedef struct bw_value {
    stn_shape shape;
    bool flat;
    int n_lines, columns; /* columns that carry data */
    int words, tiles;     /* words of a row in the simulator */
    int bits;             /* rows kept per line: the largest width */
    uint64_t rows;        /* of all lines together */
    bw_line *lines;
    int line_step;     /* 1; 0: all lines are alike and `lines` has one */
    size_t offset;     /* of its first row in the scratch, in words */
    size_t step_words; /* from one time step to the next; 0: there is one */
    /* With a device: the cells of its first row, others following, and for
     * each line the amplifiers of the sub-array that it is in. */
    size_t cells;
    size_t *amplifiers;
} bw_value;

static inline const bw_line *bw_line_of(const bw_value *v, int line)
{
    return &v->lines[line * v->line_step];
}

/* What one nonzero digit of a weight does to an accumulator. */
typedef enum bw_kind {
    BW_COPY,   /* first digit, positive: rows are copied */
    BW_NEGATE, /* first digit, negative: all ones + operand, complemented */
    BW_ADD     /* accumulator, as it lies there, + operand */
} bw_kind;

/* Bit b of `invert`: the complement of what the activation gives is written
 * to row b. An accumulator row lies complemented while the next digit that
 * touches it is negative: ~(~A + B) = A - B. */
typedef struct bw_step {
    int filter;
    uint32_t invert;
    uint8_t kind, shift;
} bw_step;

/* One input line shifted by one kernel position, and what is done with it. */
typedef struct bw_operand {
    int line, tap;
    int column;   /* of a flat input: its channel; else 0 */
    int first, n; /* steps */
} bw_operand;

/* The filters that share one sub-array (per tile, or slice). */
typedef struct bw_group {
    int first, n; /* operands of a bw_window, filters of a bw_count */
} bw_group;

/* Columns [to, to + n) come from [from, from + n) after the operand's own. */
typedef struct bw_run {
    int32_t from, to, n;
} bw_run;

/* Where the columns of a shifted operand come from. With `mask`, column p is
 * column p + shift where mask is 1, else 0; without, columns come in runs and
 * those of no run are 0. */
typedef struct bw_tap {
    int shift;
    const uint64_t *mask;
    const bw_run *runs;
    int n_runs;
} bw_tap;

typedef struct bw_window {
    int n_groups, n_operands, n_steps, n_taps;
    bw_group *groups;
    bw_operand *operands;
    bw_step *steps;
    bw_tap *taps;
} bw_window;

/* One weight row-vector of a fully connected layer: input `line`, `column`. */
typedef struct bw_synapse {
    int line, column;
} bw_synapse;

/* Inputs are cut into chunks of `per_chunk`, one sub-array (per tile) each. */
typedef struct bw_neurons {
    int n_synapses, per_chunk, n_chunks;
    int weight_bits; /* rows of one input's weights, as operand */
    int stored_bits; /* rows that are really stored per input */
    bw_synapse *synapses;
    uint64_t *planes; /* n_synapses, weight_bits, words */
    size_t offset;    /* of its accumulators in the scratch, in words */
} bw_neurons;

/* Sums by AND and bit-count (bitwise_count.c). */
typedef struct bw_count {
    int window;    /* products of one output */
    int words;     /* of a window's plane in the simulator */
    int planes;    /* of a weight */
    int offset;    /* z of odd codes 2q - z; 0: two's complement */
    int blocks;    /* of filters that read a part of the channels each */
    int fold;      /* filters side by side in a row */
    int slices;    /* sub-arrays that a window is cut into */
    int rows;      /* of weights, all groups together, of one plane */
    int positions; /* windows of a picture */
    int replicas;  /* copies of all groups, which share the positions */
    int per, n_groups; /* filters of a full group; groups */
    bw_group *groups;  /* of filters, in the order of the columns; NULL for an
                          outline */
    uint64_t *codes;   /* filters, planes, words; NULL for an outline */
    size_t copy_words; /* from one copy's codes to the next; 0: all are alike */
} bw_count;

/* Comparisons of two positions of a channel (bitwise_compare.c). */
typedef struct bw_pair {
    int filter, above, below; /* kernel positions; 1 where above >= below */
} bw_pair;

typedef struct bw_channel {
    int line, first, n; /* of the input | pairs */
    int n_taps;         /* kernel positions that its pairs need */
    uint32_t taps;      /* the same as bits; 0 for an outline */
} bw_channel;

typedef struct bw_compare {
    int n_channels, n_groups;
    bw_channel *channels;
    bw_group *groups; /* of channels */
    bw_pair *pairs;   /* by channel */
    int result;       /* value that the step behind writes */
    size_t offset;    /* of its slots in the scratch, in words */
} bw_compare;

/* Sub-arrays that work in parallel and do the same number of row operations:
 * what the prediction adds up. */
typedef struct bw_part {
    uint64_t times;
    stn_ledger_row row; /* of one; of neurons: if every input bit were 1, and
                           of one tile */
    bool is_signed;     /* neurons: some input has a sign bit */
} bw_part;

typedef enum bw_unit {
    BW_WINDOW,
    BW_NEURONS,
    BW_COUNT,
    BW_COMPARE,
    BW_DIGITAL,
    BW_TIME,
    BW_NONE
} bw_unit;

/* With a device: the cells of a layer's own rows and its amplifiers, those of
 * its first sub-array, and the region of its weights, which that of `ones`
 * follows (bitwise_cells.c). */
typedef struct bw_places {
    size_t operand, carry, weights, ones, sums;
    size_t amplifiers;
    uint64_t region;
} bw_places;

typedef struct bw_layer {
    bw_unit unit;
    const stn_instruction *in;
    bw_window window;
    bw_neurons neurons;
    bw_count count;
    bw_compare compare;
    stn_neurons kept; /* of instructions across time */
    bw_value state;   /* what they keep, one step of it */
    int steps;        /* time steps that it goes through */
    bw_places places;
    bw_part *parts; /* groups of a window, chunks of neurons */
    int n_parts;
    stn_placement placement;
    uint64_t kernel_bits; /* read by the controller once a picture */
    uint64_t stored_rows; /* of weights, wherever they come from */
} bw_layer;

typedef struct bw_cells bw_cells; /* bitwise_noise.h */

typedef struct bw_mapping {
    const stn_machine *machine;
    const stn_program *program;
    bw_options options;
    int rows, columns; /* of a sub-array */
    bw_value *values;
    bw_layer *layers;
    size_t n_words; /* scratch: planes and accumulators */
    size_t operand_offset, carry_offset, window_offset, noise_offset;
    size_t read_offset;  /* where machines that err keep what they read */
    size_t noise_words;  /* of a row of errors; 0: nothing errs */
    bw_cells *cells;     /* made by bw_prepare, for a device; else NULL */
    size_t window_words; /* planes of the largest window that is counted */
    size_t n_numbers;    /* scratch: each of three arrays of int32 */
    stn_arena arena;
} bw_mapping;

/* Reading a layer's weights where they are stored, a row a step, and bringing
 * them to its groups. */
static inline void bw_post_kernels(const bw_layer *layer, stn_ledger_row *row)
{
    stn_ledger_post(row, STN_EVENT_row_read, layer->stored_rows,
                    layer->stored_rows);
    stn_ledger_post(row, STN_EVENT_link_bit, layer->kernel_bits,
                    layer->stored_rows);
}

/* Ends a join of a layer's groups: passes follow each other, each taken to be
 * as long as the slowest group. */
static inline void bw_join_end(const bw_layer *layer, stn_ledger_row *row,
                               const stn_ledger_row *slowest)
{
    stn_ledger_row all = *slowest;
    for (int e = 0; e < STN_EVENT_COUNT; e++)
        all.steps[e] *= layer->placement.passes;
    stn_ledger_join_end(row, &all);
}

/* --- rows (bitwise_rows.c) ------------------------------------------------*/

/* Where row operations are posted: `arrays` sub-arrays work in lockstep. */
typedef struct bw_noise bw_noise; /* bitwise_noise.h */

typedef struct bw_tally {
    stn_ledger_row *row;
    uint64_t arrays;
    int logic;       /* bw_logic */
    bool latch;      /* the carry is kept in a latch, not in a row */
    bw_noise *noise; /* NULL: operations do not err */
} bw_tally;

/* accumulator op (operand << shift), modulo 2^width. */
typedef struct bw_sum {
    uint64_t *acc; /* width rows of `words` */
    int width, words;
    const uint64_t *operand; /* `bits` rows */
    int bits;
    bool is_signed;
    int shift;       /* < width */
    uint32_t invert; /* see bw_step */
    uint64_t *carry; /* one row */
    /* Where these rows' cells are: of the operand's row 0, and as if all of
     * it lay together. Only machines that err look at them. */
    size_t acc_cells, operand_cells, low_cells, carry_cells, amplifiers;
} bw_sum;

void bw_rows_copy(const bw_sum *s, bw_tally *t);
void bw_rows_negate(const bw_sum *s, bw_tally *t);
void bw_rows_add(const bw_sum *s, bw_tally *t);
/* Reads and writes back each row of the accumulator, complemented. */
void bw_rows_complement(const bw_sum *s, bw_tally *t);
/* Writes zeros to each row of the accumulator. */
void bw_rows_clear(const bw_sum *s, bw_tally *t);

/* Adds to `row` what the functions above post, in closed form. */
void bw_predict_step(stn_ledger_row *row, const bw_step *step, int width,
                     const bw_line *operand, uint64_t arrays,
                     const bw_options *options);
void bw_predict_complement(stn_ledger_row *row, uint64_t rows, uint64_t arrays,
                           const bw_options *options);
void bw_predict_clear(stn_ledger_row *row, uint64_t rows, uint64_t arrays,
                      const bw_options *options);
/* Rows that every sub-array keeps for the micro-program. */
int bw_reserved_rows(const bw_options *options);

/* The same for other logic than BW_LOGIC_SENSE (bitwise_rows_dram.c). */
void bw_dram_copy(const bw_sum *s, bw_tally *t);
void bw_dram_negate(const bw_sum *s, bw_tally *t);
void bw_dram_add(const bw_sum *s, bw_tally *t);
void bw_dram_complement(uint64_t *acc, int width, int words, bw_tally *t);
void bw_dram_clear(uint64_t *acc, int width, int words, bw_tally *t);
void bw_predict_dram_step(stn_ledger_row *row, const bw_step *step, int width,
                          const bw_line *operand, uint64_t arrays, int logic);

/* --- a picture at work (bitwise_execute.c) --------------------------------*/

/* One thread's memory for one picture. */
typedef struct bw_state {
    const bw_mapping *m;
    uint64_t *words;
    int32_t *numbers[3]; /* two inputs and the output of digital units */
    int t;               /* time step */
    bw_noise *noise;     /* or NULL */
} bw_state;

/* Rows of a line at the time step. */
static inline uint64_t *bw_rows_of(const bw_state *s, const bw_value *v,
                                   int line)
{
    return s->words + v->offset + (size_t)s->t * v->step_words +
           (size_t)line * (size_t)v->bits * (size_t)v->words;
}

/* Numbers of all lines at the time step: rows pass the link, and the buffer
 * that turns them into numbers, on the way to the digital units and back. */
void bw_value_read(const bw_state *s, const bw_value *v, int32_t *numbers,
                   stn_ledger_row *row);
void bw_value_write(const bw_state *s, const bw_value *v,
                    const int32_t *numbers, stn_ledger_row *row);
/* The same in closed form: `event` is row_read or row_write. */
void bw_predict_move(const bw_value *v, stn_event event, uint64_t times,
                     stn_ledger_row *row);

/* --- planes (bitwise_planes.c) --------------------------------------------*/

/* Numbers of one line from its rows, sign-extended; and back. */
void bw_line_unpack(const bw_value *value, int line, const uint64_t *rows,
                    int32_t *numbers);
void bw_line_pack(const bw_value *value, int line, const int32_t *numbers,
                  uint64_t *rows);
/* One row of `in` shifted to a kernel position of `out`. */
void bw_row_gather(const bw_tap *tap, const bw_value *in, int column,
                   const uint64_t *in_row, const bw_value *out,
                   uint64_t *out_row);

/* --- layout (bitwise_map.c, bitwise_window.c, bitwise_neurons.c) ----------*/

/* Sub-arrays that keep a value: its rows, tile by tile. */
uint64_t bw_bank_arrays(const bw_mapping *m, const bw_value *v);
/* Digital units, and a bank for what they write. */
void bw_place_digital(bw_mapping *m, bw_layer *layer);
/* Rows of one number within [lo, hi]; none when that is only 0. */
void bw_line_size(bw_line *line);
/* Ranges of a conv's or depthwise's filters into lines[0 … out). */
void bw_filter_ranges(const bw_mapping *m, const stn_instruction *in,
                      bw_line *lines);
/* Input line of kernel channel c of filter o. */
int bw_input_line(const bw_mapping *m, const stn_instruction *in, int o, int c);
stn_status bw_map_window(bw_mapping *m, bw_layer *layer, stn_error *err);
/* layer->window.taps: where the columns of each kernel position come from. */
stn_status bw_map_taps(bw_mapping *m, bw_layer *layer, stn_error *err);
/* What the controller stores to know all weights, in bits. */
uint64_t bw_kernel_bits(const stn_weights *w);
/* Placement of a window once its groups are known. */
void bw_place_window(bw_mapping *m, bw_layer *layer, uint64_t n_groups);
/* Rows left for accumulators beside an operand and the carry. */
int bw_window_room(const bw_mapping *m, const bw_value *x);
stn_status bw_map_neurons(bw_mapping *m, bw_layer *layer, stn_error *err);
/* Cuts n_synapses into chunks, and places the layer. */
stn_status bw_cut_neurons(bw_mapping *m, bw_layer *layer, stn_error *err);

/* --- sums by bit-count (bitwise_count.c) ----------------------------------*/

/* Where one layer is executed: numbers of the input and the output line by
 * line, room for one window as numbers and as planes. */
typedef struct bw_count_memory {
    const int32_t *in;
    int32_t *out, *window;
    uint64_t *planes;
    bw_noise *noise; /* or NULL */
} bw_count_memory;

/* Cells of a row. */
static inline size_t bw_count_columns(const bw_count *c)
{
    return 64 * (size_t)c->words;
}

stn_status bw_map_count(bw_mapping *m, bw_layer *layer, stn_error *err);
/* Its placement, for the replicas that it has. */
void bw_place_count(bw_mapping *m, bw_layer *layer);
void bw_run_count(const bw_mapping *m, const bw_layer *layer,
                  const bw_count_memory *memory, stn_ledger_row *row);
void bw_predict_count(const bw_mapping *m, const bw_layer *layer,
                      stn_ledger_row *row);
/* Bits of the numbers that a group's filters give for one window. */
uint64_t bw_group_bits(const bw_layer *layer, const bw_value *x,
                       const bw_value *y, const bw_group *group);

/* --- comparisons (bitwise_compare.c) --------------------------------------*/

/* Two numbers a column, rows from the lowest bit; 1 where a >= b. */
typedef struct bw_comparison {
    const uint64_t *a, *b;
    int bits, words, columns;
    bool is_signed;
    uint64_t tiles;               /* sub-arrays in lockstep */
    uint64_t *undecided, *result; /* rows; undecided is scratch */
    bw_noise *noise;              /* or NULL */
    size_t cells_a, cells_b, cells_result, amplifiers;
} bw_comparison;

/* Whether an instruction and the step behind it are comparisons, which this
 * machine makes without forming sums. */
bool bw_is_comparison(const bw_mapping *m, int index);
stn_status bw_map_compare(bw_mapping *m, bw_layer *layer, stn_error *err);
void bw_run_pair(const bw_comparison *c, stn_ledger_row *part);
void bw_run_compare(const bw_state *s, const bw_layer *layer,
                    stn_ledger_row *row);
/* density: share of ones among the bits compared. */
void bw_predict_compare(const bw_mapping *m, const bw_layer *layer,
                        double density, stn_ledger_row *row);

/* --- across time (bitwise_time.c) -----------------------------------------*/

stn_status bw_map_time(bw_mapping *m, bw_layer *layer, stn_error *err);
void bw_run_time(const bw_state *s, const bw_layer *layer, stn_ledger_row *row);
void bw_predict_time(const bw_mapping *m, const bw_layer *layer,
                     stn_ledger_row *row);

/* --- layers without weights (bitwise_outline.c) ---------------------------*/

stn_status bw_outline_window(bw_mapping *m, bw_layer *layer, stn_error *err);
stn_status bw_outline_neurons(bw_mapping *m, bw_layer *layer, stn_error *err);

/* --- room (bitwise_fit.c) -------------------------------------------------*/

/* Copies, and what is shared (fit.h), once all layers are mapped. */
stn_status bw_fit(bw_mapping *m, stn_error *err);

/* --- parts (bitwise_predict.c) --------------------------------------------*/

/* Fills in what one group, or chunk, of a mapped layer does. */
stn_status bw_predict_window_parts(bw_mapping *m, bw_layer *layer,
                                   stn_error *err);
stn_status bw_predict_neurons_parts(bw_mapping *m, bw_layer *layer,
                                    stn_error *err);
/* Moves of `fetched` operand rows into one group. */
void bw_predict_fetch(const bw_mapping *m, const bw_layer *layer,
                      uint64_t fetched, stn_ledger_row *part);
/* Adds what one input number whose bits are all 1 does to a chunk. */
void bw_predict_synapse(const bw_mapping *m, const bw_layer *layer,
                        const bw_line *input, stn_ledger_row *all);

/* --- the family's entry points --------------------------------------------*/

stn_status bw_map(const stn_machine *machine, const stn_program *program,
                  void **mapping, stn_error *err);
void bw_unmap(void *mapping);
void bw_predict(const void *mapping, const double *density, stn_ledger *ledger);
size_t bw_scratch_bytes(const void *mapping);
void bw_execute(const void *mapping, const uint8_t *pixels, int32_t *logits,
                void *scratch, stn_ledger *ledger);

#endif
