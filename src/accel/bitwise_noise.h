/* SPDX-License-Identifier: MIT
 *
 * Errors of row operations; see bitwise_noise.c. */
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

#define BW_NOISE_MASKS 3 /* references drawn for at once */

/* One thread's source of errors, for one picture. */
struct bw_noise {
    stn_rng rng;
    double scale[BW_ERRORS];  /* 1 / log(1 - chance) */
    uint64_t left[BW_ERRORS]; /* columns until the next error */
    uint64_t *masks;          /* BW_NOISE_MASKS rows of `words` */
    size_t words;
};

/* Whether any operation of the machine errs. */
bool bw_is_noisy(const bw_options *options);
/* The errors of one picture follow from it and the options' seed. */
void bw_noise_begin(bw_noise *noise, const bw_options *options,
                    const uint8_t *pixels, size_t n_pixels, uint64_t *masks,
                    size_t words);
/* Columns of `words` words in which the next operation errs: a row that lives
 * until `slot` is drawn again; NULL: none. */
const uint64_t *bw_noise_mask(bw_noise *noise, bw_error kind, int slot,
                              int words);
/* A row is read, or written, with errors. `noise` may be NULL: without. */
void bw_noise_flip(bw_noise *noise, bw_error kind, uint64_t *row, int words);
/* By how much the count of a AND b comes out too large. */
int64_t bw_noise_count(bw_noise *noise, const uint64_t *a, const uint64_t *b,
                       int words);
/* One bit of bw_rows_add: row `a` of the accumulator, `x` of the operand (NULL
 * beyond it), and the carry. */
void bw_noise_add(bw_noise *noise, const bw_sum *s, uint64_t *a,
                  const uint64_t *x, bool first, bool latch, uint64_t flip);

#endif
