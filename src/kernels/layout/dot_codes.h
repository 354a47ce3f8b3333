/* SPDX-License-Identifier: MIT
 *
 * One patch against many filters (a fully connected layer, one picture), for
 * binary and ternary weights: every weight is read once, so that memory sets
 * the speed, and weights stay packed in it, 1 or 2 bits each. A code c is
 *     ternary  w + 1 = 0, 1, 2            w = c - 1
 *     binary   (w + 1) / 2 = 0, 1         w = 2c - 1
 * One filter is a 32-bit lane, 4 elements its bytes, as in dot_pack.h; a byte
 * has the codes of 4 or 8 steps. They are not shifted down but masked where
 * they are and multiplied by x as it stands: sums of field f are 2^(bits * f)
 * too large, which a shift of the sums puts right exactly. Then
 *     sum of w * x = factor * sum of c * x - sum of x.
 * x is made signed (u8 inputs less 128) and copied to the scratch, with zeros
 * up to a whole group of steps. */
#ifndef STN_KERNELS_DOT_CODES_H
#define STN_KERNELS_DOT_CODES_H

#include "kernels/layout/dot_pack.h"

typedef struct stn_codes_block {
    int first, width;        /* filters */
    const uint8_t *codes;    /* groups * vectors * lanes * 4 bytes */
    const int32_t *constant; /* vectors * lanes: 128 * factor * sum of c */
} stn_codes_block;

typedef struct stn_codes_pack {
    stn_dot_head head;
    int bits;   /* 1 or 2 */
    int groups; /* of 8 / bits steps of 4 elements */
    int run;    /* elements that exist */
    bool flip;  /* inputs may exceed 127: 128 is taken off */
    int n_blocks;
    stn_codes_block blocks[];
} stn_codes_pack;

typedef struct stn_codes_style {
    int lanes;   /* 32-bit lanes: 8 or 16 */
    int vectors; /* of filters a block */
    const char *isa;
    void (*run)(const stn_dot_call *call);
    double weight[3]; /* cycles of a weight of so many bits, measured */
} stn_codes_style;

/* Bits a code where this layout serves: a lone patch in one run, binary or
 * ternary weights of which enough are in live groups; else 0. */
int stn_codes_try(const stn_dot_shape *shape, const int8_t *codes,
                  stn_dot_facts facts);

/* Cycles that a call is expected to take. */
double stn_codes_cost(const stn_codes_style *style, const stn_dot_shape *shape,
                      int bits);

stn_status stn_codes_make(const stn_codes_style *style,
                          const stn_dot_shape *shape, const int8_t *codes,
                          int bits, stn_arena *arena, stn_prepared *out,
                          stn_error *err);

/* Copies a call's input to its scratch as the kernels want it; returns the
 * sum of x. */
int32_t stn_codes_input(const stn_codes_pack *pack, const stn_dot_call *call);

#ifdef STN_X86
const stn_codes_style *stn_codes_style_avx2(void);
const stn_codes_style *stn_codes_style_avx512(void);
#endif

#endif
