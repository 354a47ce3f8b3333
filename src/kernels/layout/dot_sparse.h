/* SPDX-License-Identifier: MIT
 *
 * Patch-by-filter products that skip groups of zero weights filter by filter:
 * 16 weights in a row of one filter that are all zero cost nothing, whatever
 * the filters beside it need, so that time falls as the share of live groups.
 *
 * Lanes are patches here, not filters. 16 bytes of a tile of patches are
 * turned so that each vector has 4 bytes of all of them, which stay in
 * registers while every filter that needs these 16 inputs adds its products:
 * its weights, 4 bytes at a time, are broadcast. Sums of a block of filters
 * wait in the first-level cache meanwhile, and are turned back at the end.
 * Inputs that equally many filters need follow each other, so that the CPU
 * foresees the end of most lists. */
#ifndef STN_KERNELS_DOT_SPARSE_H
#define STN_KERNELS_DOT_SPARSE_H

#include "kernels/layout/dot_pack.h"

#define STN_SPARSE_GROUP 16    /* elements */
#define STN_SPARSE_FILTERS 256 /* a block: at most 32 KiB of sums */

/* A group of one filter that is not zero. */
typedef struct stn_sparse_live {
    uint32_t at; /* the filter's sums, bytes from those of the block's first */
    int8_t weights[STN_SPARSE_GROUP];
} stn_sparse_live;

/* Groups that some filter of a block needs. */
typedef struct stn_sparse_slot {
    uint32_t offset; /* bytes into a patch */
    uint32_t n;      /* filters that need it */
} stn_sparse_slot;

typedef struct stn_sparse_block {
    int first, filters;        /* filters: a multiple of lanes */
    const int32_t *correction; /* filters: -128 or 128 * sum of w, or 0 */
    int n_slots;
    const stn_sparse_slot *slots;
    const stn_sparse_live *live; /* of all slots, one after the other */
} stn_sparse_block;

typedef struct stn_sparse_pack {
    stn_dot_head head;
    const struct stn_sparse_style *style;
    bool flip; /* inputs are read 128 higher, or lower */
    stn_sparse_block blocks[];
} stn_sparse_pack;

#define STN_SPARSE_PATCHES_MAX 32

/* Patches `first` to first + n - 1 by a block of filters. */
typedef struct stn_sparse_tile {
    const stn_dot_call *call;
    const stn_sparse_block *block;
    int first, n;
    /* Where they lie; the last one stands for those that are not there. */
    const uint8_t *patches[STN_SPARSE_PATCHES_MAX];
} stn_sparse_tile;

/* What a level asks for. */
typedef struct stn_sparse_style {
    const char *isa;
    /* Computes and finishes a tile; its sums wait in call->scratch. */
    void (*tile)(const stn_sparse_tile *tile);
    /* Bytes are multiplied as signed, and u8 inputs read as x - 128; else as
     * unsigned, and s8 inputs read as x + 128. */
    bool is_signed;
    int lanes;    /* of a vector of 32-bit numbers */
    int patches;  /* a tile, at most STN_SPARSE_PATCHES_MAX */
    int products; /* whose sums must fit 16 bits */
    /* Cycles of 16 patches, measured: a live group of one filter, a group
     * turned for them, a filter's end. */
    double group, turn, end;
} stn_sparse_style;

/* Cycles that all patches of a call are expected to take; infinite where the
 * layout does not serve: 16-bit inputs, few patches, runs that are not whole
 * groups, sums that do not fit. */
double stn_sparse_cost(const stn_sparse_style *style,
                       const stn_dot_shape *shape, const int8_t *codes,
                       stn_dot_facts facts);

stn_status stn_sparse_make(const stn_sparse_style *style,
                           const stn_dot_shape *shape, const int8_t *codes,
                           stn_arena *arena, stn_prepared *out, stn_error *err);

#ifdef STN_X86
const stn_sparse_style *stn_sparse_style_avx2(void);
const stn_sparse_style *stn_sparse_style_avx512(void);
#endif

#endif
