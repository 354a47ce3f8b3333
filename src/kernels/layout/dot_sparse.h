/* SPDX-License-Identifier: MIT
 *
 * Patch-by-filter products that skip groups of zero weights filter by filter:
 * 16 weights in a row of one filter that are all zero cost nothing, whatever
 * the filters beside it need, so that time falls as the share of live groups.
 *
 * Lanes are patches here, not filters. The input of a tile of up to 64 patches
 * is turned so that 4 bytes of each patch are a lane of one vector, and each
 * weight of 4 bytes is broadcast against them. That is done for a chunk of
 * groups at a time, so that the turned input stays in the first-level cache;
 * sums of all filters wait in the scratch meanwhile, and are turned back at the
 * end. */
#ifndef STN_KERNELS_DOT_SPARSE_H
#define STN_KERNELS_DOT_SPARSE_H

#include "kernels/layout/dot_pack.h"

#define STN_SPARSE_GROUP 16   /* elements */
#define STN_SPARSE_SLOTS 32   /* groups a chunk: 32 KiB of turned input */
#define STN_SPARSE_PATCHES 64 /* a tile */
#define STN_SPARSE_LANES 16   /* patches that costs are given for */

/* Groups that some filter needs, at most SLOTS. */
typedef struct stn_sparse_chunk {
    int n_slots;
    const uint32_t *offsets; /* n_slots: bytes into a patch */
    /* Groups of filter f are [starts[f], starts[f + 1]). */
    const uint32_t *starts;
    const uint8_t *slots;  /* of each group */
    const int8_t *weights; /* GROUP bytes of each group */
} stn_sparse_chunk;

typedef struct stn_sparse_pack {
    stn_dot_head head;
    bool flip;                 /* inputs are read 128 higher, or lower */
    int filters;               /* rounded up to 16 */
    const int32_t *correction; /* filters: -128 or 128 * sum of w, or 0 */
    size_t input_bytes;        /* scratch: turned input, then sums */
    int n_chunks;
    stn_sparse_chunk chunks[];
} stn_sparse_pack;

/* What a level asks for; `run` as in stn_dot_style. */
typedef struct stn_sparse_style {
    int lanes; /* 32-bit lanes of a vector: 8 or 16 */
    /* Bytes are multiplied as signed, and u8 inputs read as x - 128; else as
     * unsigned, and s8 inputs read as x + 128. */
    bool is_signed;
    const char *isa;
    void (*run)(const stn_dot_call *call);
    /* Cycles, measured: a live group of one filter against 16 patches, a group
     * turned for them, a filter's sums taken up and put away, a filter's end.
     */
    double group, turn, chunk, end;
} stn_sparse_style;

/* Cycles that all patches of a call are expected to take; infinite where the
 * layout does not serve: 16-bit inputs, few patches, runs that are not whole
 * groups. */
double stn_sparse_cost(const stn_sparse_style *style,
                       const stn_dot_shape *shape, const int8_t *codes);

stn_status stn_sparse_make(const stn_sparse_style *style,
                           const stn_dot_shape *shape, const int8_t *codes,
                           stn_arena *arena, stn_prepared *out, stn_error *err);

#ifdef STN_X86
const stn_sparse_style *stn_sparse_style_avx512(void);
#endif

#endif
