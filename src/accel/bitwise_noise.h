/* SPDX-License-Identifier: MIT
 *
 * Rows that are sensed and written with errors; see bitwise_noise.c, and
 * bitwise_cells.c for what belongs to a cell. */
#ifndef STN_ACCEL_BITWISE_NOISE_H
#define STN_ACCEL_BITWISE_NOISE_H

#include "accel/bitwise.h"
#include "base/rng.h"

typedef enum bw_error {
    BW_ERROR_READ,   /* one row sensed */
    BW_ERROR_LOGIC2, /* a reference of two rows */
    BW_ERROR_LOGIC3, /* a reference of three */
    BW_ERROR_WRITE,
    BW_ERRORS
} bw_error;

#define BW_REFERENCES 3 /* most rows sensed at once, and so references */
/* Rows of scratch: masks of errors, and what references say. */
#define BW_NOISE_ROWS (2 * BW_REFERENCES)

/* What differs from cell to cell and from amplifier to amplifier, the same for
 * the whole life of a chip. Numbers are steps between neighbouring levels, with
 * BW_CELL_FRACTION bits below one: ideal cells have 0 and 1, ideal amplifiers
 * 0, each at most 8 steps away, so that sums of three fit. Padding is ideal. */
#define BW_CELL_FRACTION 10
#define BW_CHANCE_FRACTION 10
#define BW_NEVER UINT16_MAX
struct bw_cells {
    int16_t *content[2]; /* what a cell adds to its column holding 0, 1 */
    int16_t *offset;     /* of the amplifier of each column and reference */
    /* -log2 of the chance that it is written wrong, BW_CHANCE_FRACTION bits
     * below one; BW_NEVER: padding, and chances that are less. */
    uint16_t *write_chance;
    /* -log(1 - p) for the greatest of these chances p in the row whose cells
     * begin at 64 times the index. */
    float *write_hazard;
    size_t n_cells, n_offsets;
};

/* A row and where its cells are in that table. */
typedef struct bw_row {
    const uint64_t *bits;
    size_t cells;
} bw_row;

/* One thread's source of errors, for one picture. */
struct bw_noise {
    const bw_cells *cells; /* NULL: cells are alike */
    bool own_writes;       /* each cell has its own chance to be wrong */
    double write_left;     /* hazard until the next that may be */
    stn_rng rng;
    double scale[BW_ERRORS];  /* 1 / log(1 - chance) */
    uint64_t left[BW_ERRORS]; /* columns until the next error */
    uint64_t *masks;          /* BW_REFERENCES rows of `words` */
    uint64_t *sensed;         /* as many */
    size_t words;
};

/* Whether any operation of the machine errs. */
bool bw_is_noisy(const stn_machine *machine);
/* The errors of one picture follow from it and the options' seed; `rows` is
 * BW_NOISE_ROWS of `words`. */
void bw_noise_begin(bw_noise *noise, const bw_mapping *mapping,
                    const uint8_t *pixels, uint64_t *rows);
/* Columns of `words` words in which the next operation errs: a row that lives
 * until `slot` is drawn again; NULL: none. */
const uint64_t *bw_noise_mask(bw_noise *noise, bw_error kind, int slot,
                              int words);
/* A row, whose cells begin at `cells`, is written with errors. `noise` may be
 * NULL: without. */
void bw_noise_write(bw_noise *noise, uint64_t *row, size_t cells, int words);
/* `n` rows are sensed together by the amplifiers at `amplifiers`. Row j of the
 * result, `words` apart and owned by `noise` until it senses again, is 1 where
 * reference j finds at least j + 1 ones. */
const uint64_t *bw_noise_sense(bw_noise *noise, int n, const bw_row *rows,
                               size_t amplifiers, int words);
/* By how much the count of ones that two rows share comes out too large. */
int64_t bw_noise_count(bw_noise *noise, const bw_row rows[2], size_t amplifiers,
                       int words);
/* Bit b of a comparison: where the operands differ, and in *read the first. */
const uint64_t *bw_noise_differ(bw_noise *noise, const bw_comparison *c, int b,
                                const uint64_t **read);
/* Row b of a value's line, as it is read; owned as above where it may err. */
const uint64_t *bw_read_row(const bw_state *state, const bw_value *v, int line,
                            int b);
/* One bit of bw_rows_add, _copy, _negate: row b of the accumulator with row x
 * of the operand (NULL beyond it); `flip` is laid over what is written. */
void bw_noise_add(bw_noise *noise, const bw_sum *s, int b, const uint64_t *x,
                  bool latch, uint64_t flip);
void bw_noise_copy(bw_noise *noise, const bw_sum *s, int b, const uint64_t *x,
                   uint64_t flip);
void bw_noise_negate(bw_noise *noise, const bw_sum *s, int b, const uint64_t *x,
                     bool latch, uint64_t flip);

/* --- cells (bitwise_cells.c) ----------------------------------------------*/

/* Gives every row that execution uses its cells, draws them, and ages the
 * weights in them; nothing for a machine without a device. */
stn_status bw_prepare(void *mapping, stn_error *err);
void bw_cells_destroy(bw_cells *cells); /* NULL is legal */
/* What a cell is, and then what becomes of it, follows from this. */
stn_rng bw_cell_rng(const stn_machine *machine, uint64_t region, size_t row,
                    size_t column);

/* --- weights that are kept (bitwise_age.c) --------------------------------*/

/* Whether rows that compute hold the layer's weights from picture to picture.
 */
bool bw_keeps_weights(const bw_layer *layer);
/* Flips bits of all weights that are kept, as an aged machine's cells do. */
stn_status bw_age(bw_mapping *m, stn_error *err);

#endif
