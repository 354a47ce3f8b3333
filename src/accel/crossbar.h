/* SPDX-License-Identifier: MIT
 *
 * The crossbar family inside: how weights lie in the cells of analog arrays,
 * and what converts their column currents. docs/crossbar.md explains it.
 *
 * A layer's weights are cut three ways: by sign (or shifted to be positive),
 * into slices of cell_bits bits, and into groups of rows that are driven at
 * once. One read of one group, for one digit of the inputs, gives each column
 * a sum; an ADC makes it a number; shift-and-add does the rest. */
#ifndef STN_ACCEL_CROSSBAR_H
#define STN_ACCEL_CROSSBAR_H

#include "accel/accel.h"
#include "accel/values.h"

#define XB_MAX_ADC_BITS 12
#define XB_MAX_SLICES 8
#define XB_MAX_DIGITS 17 /* of an s16 input, its sign included */

typedef enum xb_signs {
    XB_SIGNS_PAIR,   /* |w| on a positive and a negative array */
    XB_SIGNS_OFFSET, /* w - min w on one, a unit column to take it back */
    XB_SIGNS_FLIP    /* the same; a column more than half full lies inverted */
} xb_signs;

typedef enum xb_range {
    XB_RANGE_SATURATE, /* one code is one cell step; sums above clip */
    XB_RANGE_FULL      /* the codes span the largest possible sum */
} xb_range;

typedef enum xb_adc_model {
    XB_ADC_STRUCTURE, /* latch, flash or SAR, from their parts */
    XB_ADC_SCALED     /* power 2^N/(N + 1), time N, from one known ADC */
} xb_adc_model;

typedef enum xb_variation {
    XB_VARIATION_RANGE, /* deviation is a share of the full range */
    XB_VARIATION_CELL   /* deviation is a share of the cell's own value */
} xb_variation;

#define XB_FRACTION 12 /* bits below a cell step of a conductance */

/* `options` of a machine file. */
typedef struct xb_options {
    int cell_bits, dac_bits;
    int signs;                /* xb_signs */
    stn_attr_floats adc_bits; /* from the lowest slice; 0: ideal */
    int adc_range;            /* xb_range */
    int adc_model;            /* xb_adc_model */
    int columns_per_adc;
    int active_rows; /* driven at once; 0: all of the array */
    bool pipeline;   /* reads overlap conversions */
    bool skip_zero_columns;
    int row_packing; /* filters that share rows; 0: all, on all rows */
    int copies;      /* of a layer's arrays; they share its positions */
    int arrays;      /* on the chip */
    bool stream;     /* layers share arrays when they do not fit */
    int lanes;       /* digital units of a layer */
    /* Devices; all 0: ideal. crossbar_device.c. */
    float variation, wire, on_off;
    int variation_of; /* xb_variation */
    int seed;
} xb_options;

/* `circuits` of a machine file, and what follows from them or from
 * `converters`. SI units; crossbar_circuits.c. */
typedef struct xb_circuits {
    double read_energy_j, read_latency_s; /* one cell; one array */
    double shift_add_area_m2;             /* beside one ADC */
    double dac_energy_j, dac_area_m2;     /* one row, one digit */
    double hold_energy_j, hold_area_m2;   /* one column */
    double comparator_energy_j, comparator_latency_s, comparator_area_m2;
    double tap_energy_j, tap_area_m2;
    double encoder_latency_s;
    double sar_energy_j, sar_latency_s, sar_area_m2; /* logic of one bit */
    double capacitor_energy_j, capacitor_area_m2;    /* one unit */
    double reference_bits, reference_energy_j, reference_latency_s,
        reference_area_m2;
    double dac_leakage_w, hold_leakage_w, adc_leakage_w; /* 0: not said */
    /* By `converters`: no figures of files for these, and those of row drivers
     * and sample-and-holds above are theirs. */
    bool modelled;
    double drive_latency_s;            /* of both, beside read_latency_s */
    stn_adc_cost adc[XB_MAX_ADC_BITS]; /* from 1 bit */
} xb_circuits;

extern const stn_figure_row xb_circuit_rows[];

/* Figures of one resolution; false above XB_MAX_ADC_BITS or below 1. */
bool xb_adc_cost(const xb_circuits *circuits, xb_adc_model model, int bits,
                 stn_adc_cost *cost);
/* Bits of an ADC that misses nothing: the sum of a full group of rows. A
 * column that may lie inverted is at most half full, its unit column full. */
int xb_ideal_bits(const stn_machine *machine);

/* code = min((sum + half a step) >> shift, max); the digital side sees
 * code << shift. Sums count cell steps, with `fraction` bits below them. */
typedef struct xb_adc {
    int bits, shift, fraction;
    uint32_t max;
} xb_adc;

/* Bits [first, first + n) of every input, driven at once. A negative digit
 * is the sign bit of two's complement. */
typedef struct xb_digit {
    int first, n;
    bool negative;
} xb_digit;

/* Filters that share rows: [first, first + n) of the layer's order, of each
 * block. Unless rows are packed, one pack holds them all, on all rows. */
typedef struct xb_pack {
    int first, n;
    int n_rows;
    const int *rows; /* those with a weight, ascending; NULL: all */
    int tiles;       /* of columns */
    int row_arrays;  /* over which its rows spread */
} xb_pack;

/* Rows [first, first + n) of a pack, driven at once. Of an outline, which is
 * never executed, one stands for `times` that are alike but for `first`. */
typedef struct xb_group {
    int pack, first, n;
    int turn; /* groups of the same array that go before */
    uint64_t times;
    size_t column, plane; /* where its columns and planes begin */
} xb_group;

/* Rows of a group that follow each other in the input, too. */
typedef struct xb_run {
    int group, from, to, n; /* from a block's rows to the group's */
} xb_run;

/* One activation of the arrays (all signs, slices and column tiles at once)
 * that hold `group` of blocks [first, first + n). A convolution is one block
 * of all its channels; a depthwise one has a block a channel, and as many lie
 * on the diagonal of an array as fit. Filter o is of block o mod n_blocks.
 * Reads of one round run in parallel; of an outline, one stands for `times`
 * that are alike. */
typedef struct xb_read {
    int group, first, n, round;
    uint64_t times;
    uint32_t columns[2][XB_MAX_SLICES]; /* converted: sign, slice */
} xb_read;

/* What time passes for in a round: the slowest of its arrays. */
typedef struct xb_round {
    uint64_t read_steps, adc_steps;
    double adc_s; /* of its conversions */
    int adc_bits;
} xb_round;

typedef struct xb_layer {
    const stn_instruction *in;
    bool analog; /* conv or depthwise; else digital lanes */
    bool depthwise;
    int steps;                                 /* that it goes through */
    stn_neurons kept;                          /* of those across time */
    size_t state;                              /* in the scratch, in int32 */
    int n_blocks, n_rows;                      /* rows of one block */
    int out;                                   /* columns: filters */
    int n_bits;                                /* of the input */
    int n_digits, n_signs, n_slices, n_planes; /* planes: bits of a cell word */
    xb_digit digits[XB_MAX_DIGITS];
    xb_adc adc[XB_MAX_SLICES];
    /* y = gain · Σ cells · x - bias · Σ x */
    uint32_t gain, bias;
    bool has_unit; /* a column of ones counts Σ x, for each pack */
    /* Filters by the columns they have; those without a weight have none and
     * stand at the end. NULL: as they are numbered. */
    const int *order;
    int n_packs, pack_columns; /* columns of all packs but the last */
    xb_pack *packs;
    int n_groups, most_rows, words; /* of the largest group; its words */
    xb_group *groups;
    int n_runs; /* 0: groups are runs themselves */
    xb_run *runs;
    size_t n_columns;    /* of all groups and signs, in one slice */
    int used_rows;       /* of a block, by any pack */
    uint64_t index_bits; /* that say which rows packs are driven by */
    uint64_t *planes;    /* group, sign, plane, column, words */
    uint8_t *flips;      /* group, slice, column: it lies inverted; or NULL */
    uint8_t *live;       /* group, sign, slice, column: converted; NULL: all */
    /* Conductances: group, sign, slice, row of the largest group, column;
     * NULL: the cells are ideal. */
    int32_t *cells;
    int n_reads, n_rounds;
    xb_read *reads;
    xb_round *rounds;
    int frame_h, frame_w;     /* of the input with its padding */
    uint64_t arrays;          /* of one copy, sign and slice */
    uint64_t held_rows;       /* of these, that hold weights */
    int most_held;            /* in one array */
    size_t first_bin, n_bins; /* of slice 0; slices follow each other */
    stn_placement placement;
} xb_layer;

typedef struct xb_mapping {
    const stn_machine *machine;
    const stn_program *program;
    xb_options options;
    xb_layer *layers;
    int64_t *lo, *hi; /* of each value, from clamps alone */
    size_t *offsets;  /* of each value in the scratch, in int32 */
    size_t n_numbers; /* all values, all time steps, and states */
    size_t n_padded;  /* the largest padded input */
    size_t n_frame;   /* words: padded input as bit strings */
    size_t n_window;  /* words: one position's bits, block by block */
    size_t n_string;  /* words: rows of one block */
    size_t n_bins;    /* of all histograms */
    size_t n_sums;    /* sums and accumulators, of one layer's filters */
    stn_arena arena;
} xb_mapping;

/* --- columns (crossbar_columns.c) -----------------------------------------*/

/* Sums of `n` columns: Σ over bits u of the digit and planes t of the slice
 * of popcount(x_u & w_t) << (t + u). */
typedef struct xb_columns {
    const uint64_t *x;
    size_t x_column; /* words between columns: 0, all see the same rows */
    size_t x_bit;    /* words between bits of the digit */
    const uint64_t *w;
    size_t w_plane; /* words between planes; columns lie `words` apart */
    int n_bits, n_planes, n, words;
} xb_columns;
void xb_columns_sum(const xb_columns *c, uint32_t *sums);
/* The same with every cell 1: Σ of the digit; w is not used. */
void xb_columns_count(const xb_columns *c, uint32_t *sums);

/* What happens to n sums: ADC, back from an inverted column, shift, add. */
typedef struct xb_add {
    const xb_adc *adc;
    int shift;
    bool negative;
    const uint8_t *flips; /* NULL: no column lies inverted */
    uint32_t full;        /* largest content of a cell */
    const uint32_t *unit; /* Σ x as converted; unit_step 0: one for all */
    size_t unit_step;
    int n;
} xb_add;
void xb_columns_add(const xb_add *a, const uint32_t *sums, uint32_t *acc);

/* n bits from bit `at` of `from` are or-ed into `to` from bit `to_at`; one
 * word behind either end may be read. */
void xb_bits_copy(const uint64_t *from, size_t at, uint64_t *to, size_t to_at,
                  size_t n);
/* Bit b of n numbers into strings `stride` words apart, for b < n_bits. */
void xb_bits_slice(const int32_t *numbers, size_t n, int n_bits,
                   uint64_t *strings, size_t stride);

static inline uint32_t xb_adc_convert(const xb_adc *adc, uint32_t sum)
{
    int shift = adc->shift + adc->fraction;
    uint32_t code = (sum + (((uint32_t)1 << shift) >> 1)) >> shift;
    return (code < adc->max ? code : adc->max) << adc->shift;
}

/* Sums of n columns over cells that are not ideal: row r of column i, whose
 * bits stand at x + i · x_column, is in cells[r · stride + i]. */
typedef struct xb_cells {
    const uint64_t *x;
    size_t x_column, x_bit;
    const int32_t *cells;
    size_t stride;
    int n_bits, n, words, rows;
} xb_cells;
void xb_cells_sum(const xb_cells *c, uint32_t *sums);

/* --- layout ---------------------------------------------------------------*/

static inline size_t xb_words(size_t bits)
{
    return (bits + 63) / 64;
}
static inline const xb_pack *xb_pack_of(const xb_layer *l, const xb_read *r)
{
    return &l->packs[l->groups[r->group].pack];
}
/* Words of one bit of all `numbers` of a padded input, two to spare. */
static inline size_t xb_frame_words(size_t numbers)
{
    return xb_words(numbers) + 2;
}
/* Words of one bit of one position: rows of each group of each block. */
static inline size_t xb_window_words(const xb_layer *l)
{
    return (size_t)l->n_groups * (size_t)l->n_blocks * (size_t)l->words;
}
/* Additions of one position, of what arrays and unit columns deliver. */
uint64_t xb_additions(const xb_layer *l);
/* Inputs of one position, and indices, that leave the buffer in a pass. */
uint64_t xb_position_bits(const xb_layer *l);
/* Of a layer's cells in one row of an array, all columns. */
static inline uint64_t xb_row_bits(const xb_mapping *m)
{
    return (uint64_t)m->machine->array.columns * (uint64_t)m->options.cell_bits;
}
/* Bits that a value takes in the buffer. */
int xb_value_bits(const xb_mapping *m, int value);
/* Packs, and the groups of rows that are driven at once (crossbar_pack.c). */
stn_status xb_map_packs(xb_mapping *m, xb_layer *layer, stn_error *err);
/* Weights into planes, flips, live columns; reads and rounds. */
stn_status xb_map_layer(xb_mapping *m, xb_layer *layer, stn_error *err);
/* Reads of a layer and the rounds they run in, its arrays and their area. */
stn_status xb_map_reads(xb_mapping *m, xb_layer *layer, stn_error *err);
/* Columns of a group on the array of one sign and slice, a set. */
static inline size_t xb_width(const xb_layer *l, int group)
{
    return (size_t)l->packs[l->groups[group].pack].n * (size_t)l->n_blocks;
}
/* Index of a set's first column in `live` and `flips`. */
static inline size_t xb_column_index(const xb_layer *l, int group, int sign,
                                     int slice)
{
    size_t set = (size_t)sign * (size_t)l->n_slices + (size_t)slice;
    return l->groups[group].column + set * xb_width(l, group);
}
/* One plane of a group: its first column's words. */
static inline uint64_t *xb_plane_of(const xb_layer *l, int group, int sign,
                                    int plane)
{
    size_t at = (size_t)sign * (size_t)l->n_planes + (size_t)plane;
    return l->planes + l->groups[group].plane +
           at * xb_width(l, group) * (size_t)l->words;
}
/* The filter that has a column, and the row of its block that a group's row
 * is. */
static inline int xb_filter_at(const xb_layer *l, int column)
{
    return l->order ? l->order[column] : column;
}
static inline int xb_row_at(const xb_layer *l, const xb_group *g, int k)
{
    const int *rows = l->packs[g->pack].rows;
    return rows ? rows[g->first + k] : g->first + k;
}

/* Conductances of a layer's cells, where they are not ideal. */
stn_status xb_map_device(xb_mapping *m, xb_layer *layer, stn_error *err);
/* Unit columns: of each block, or of each pack where there are several. */
static inline size_t xb_units(const xb_layer *l)
{
    return (size_t)(l->n_blocks + l->n_packs - 1);
}
/* The first cell of a set. */
static inline const int32_t *xb_cells_of(const xb_layer *l, int group, int sign,
                                         int slice)
{
    return l->cells +
           xb_column_index(l, group, sign, slice) * (size_t)l->most_rows;
}
/* One filter at one position by the scalar definition (crossbar_scalar.c).
 * `rows` are the position's inputs, block by block. */
int32_t xb_scalar_filter(const xb_mapping *m, const xb_layer *l, int o,
                         const int32_t *rows);

/* --- the family's entry points --------------------------------------------*/

stn_status xb_circuits_read(const stn_yaml *map, bool modelled,
                            stn_machine *machine, stn_error *err);
stn_status xb_circuit_events(stn_machine *machine,
                             const stn_converter_source *converters,
                             stn_error *err);
stn_status xb_map(const stn_machine *machine, const stn_program *program,
                  void **mapping, stn_error *err);
void xb_unmap(void *mapping);
void xb_predict(const void *mapping, const double *density, stn_ledger *ledger);
size_t xb_scratch_bytes(const void *mapping);
void xb_define(const void *mapping, const uint8_t *pixels, int32_t *logits,
               void *scratch);
void xb_execute(const void *mapping, const uint8_t *pixels, int32_t *logits,
                void *scratch, stn_ledger *ledger);

#endif
