/* SPDX-License-Identifier: MIT
 *
 * One patch against filters that have few weights in every 16 inputs in a
 * row, as permuted diagonals of 4, 8 or 16 leave 4, 2 or 1 of them (PermDNN,
 * Deng et al., MICRO 2018): only weights that are not 0 are kept, each with
 * the place of its input among the 16, of 4 bits, so that what is read from
 * memory falls as they do. vpshufb, or TBL of NEON, picks the inputs.
 *
 * With n the most picks of any 16 inputs, rounded up to 1, 2 or 4, a step is
 * S = 4 / n segments of 16 inputs, at least 2, and a block 8 * 4 / n filters.
 * A vector of places has the picks of one segment for all filters; joining
 * those of 4 / n segments gives vectors of 8 filters, one a 32-bit lane with 4
 * picks, which is how weights lie. Inputs are made signed (u8 inputs less 128)
 * and copied to the scratch, with zeros up to a whole step. */
#ifndef STN_KERNELS_DOT_PICKS_H
#define STN_KERNELS_DOT_PICKS_H

#include "kernels/layout/dot_pack.h"

#define STN_PICKS_SEGMENT 16

typedef struct stn_picks_block {
    int first, width; /* filters */
    /* For each step S / 2 vectors of places, the low nibbles for an even
     * segment and the high ones for the next, and S vectors of weights. */
    const uint8_t *steps;
    const int32_t *constant; /* filters of a block: 128 * sum of w, or 0 */
} stn_picks_block;

typedef struct stn_picks_pack {
    stn_dot_head head;
    int picks; /* 1, 2 or 4 of a segment */
    int n_steps;
    int run;
    bool flip; /* u8 inputs are read as s8, 128 lower */
    int n_blocks;
    stn_picks_block blocks[];
} stn_picks_pack;

typedef struct stn_picks_style {
    const char *isa;
    void (*run)(const stn_dot_call *call);
    double byte; /* cycles of a byte of places and weights, measured */
} stn_picks_style;

/* Picks of a segment where this layout serves, else 0: a lone patch in one
 * run, 8-bit inputs, no weight of -128, whose sign cannot change. */
int stn_picks_try(const stn_dot_shape *shape, const int8_t *codes,
                  stn_dot_facts facts);

/* Cycles that a call is expected to take. */
double stn_picks_cost(const stn_picks_style *style, const stn_dot_shape *shape,
                      int picks);

stn_status stn_picks_make(const stn_picks_style *style,
                          const stn_dot_shape *shape, const int8_t *codes,
                          int picks, stn_arena *arena, stn_prepared *out,
                          stn_error *err);

/* Copies a call's input to its scratch as s8, with zeros after. */
void stn_picks_input(const stn_picks_pack *pack, const stn_dot_call *call);

/* Segments of a step. */
static inline int stn_picks_segments(int picks)
{
    return picks == 1 ? 4 : 2;
}

#ifdef STN_X86
const stn_picks_style *stn_picks_style_avx2(void);
#endif

#endif
