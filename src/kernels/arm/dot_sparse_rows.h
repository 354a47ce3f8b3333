/* SPDX-License-Identifier: MIT
 *
 * Sparse products with NEON, see layout/dot_sparse.h: 4 patches a vector, 4
 * vectors a tile. Written once, for the quads of a level (dot_tile.h). */
#ifndef STN_KERNELS_DOT_SPARSE_ROWS_H
#define STN_KERNELS_DOT_SPARSE_ROWS_H

#include "kernels/layout/dot_sparse.h"
#include "kernels/layout/ending.h"

#define STN_SPARSE_PATCHES 16 /* a tile */
#define STN_SPARSE_WIDE 4     /* patches a vector */
#define STN_SPARSE_VECTORS (STN_SPARSE_PATCHES / STN_SPARSE_WIDE)
#define STN_SPARSE_QUADS (STN_SPARSE_GROUP / 4) /* 4 weights in a group */

/* 4 rows of four 32-bit numbers: number k of row i goes to lane i of to[k]. */
STN_INLINE void stn_sparse_turn(const int32x4_t *rows, int32x4_t *to)
{
    int32x4_t a = vtrn1q_s32(rows[0], rows[1]),
              b = vtrn2q_s32(rows[0], rows[1]);
    int32x4_t c = vtrn1q_s32(rows[2], rows[3]),
              d = vtrn2q_s32(rows[2], rows[3]);
    to[0] = vcombine_s32(vget_low_s32(a), vget_low_s32(c));
    to[1] = vcombine_s32(vget_low_s32(b), vget_low_s32(d));
    to[2] = vcombine_s32(vget_high_s32(a), vget_high_s32(c));
    to[3] = vcombine_s32(vget_high_s32(b), vget_high_s32(d));
}

/* A group of all patches: x[k][v] has 4 bytes of 4 of them. */
STN_INLINE void stn_sparse_input(const uint8_t *const *patches, size_t offset,
                                 bool flip, int8x16_t (*x)[STN_SPARSE_VECTORS])
{
    const int8x16_t top = vdupq_n_s8(flip ? INT8_MIN : 0);
    for (int v = 0; v < STN_SPARSE_VECTORS; v++) {
        int32x4_t rows[STN_SPARSE_WIDE], turned[STN_SPARSE_QUADS];
        for (int i = 0; i < STN_SPARSE_WIDE; i++)
            rows[i] = vreinterpretq_s32_u8(
                vld1q_u8(patches[v * STN_SPARSE_WIDE + i] + offset));
        stn_sparse_turn(rows, turned);
        for (int k = 0; k < STN_SPARSE_QUADS; k++)
            x[k][v] = veorq_s8(vreinterpretq_s8_s32(turned[k]), top);
    }
}

/* Adds all of a block to the sums of a tile. */
DOT_TARGET STN_INLINE void stn_sparse_add(const stn_sparse_block *b,
                                          const uint8_t *const *patches,
                                          bool flip, uint8_t *sums)
{
    const stn_sparse_live *g = b->live;
    for (int s = 0; s < b->n_slots; s++) {
        int8x16_t x[STN_SPARSE_QUADS][STN_SPARSE_VECTORS];
        stn_sparse_input(patches, b->slots[s].offset, flip, x);
        for (const stn_sparse_live *end = g + b->slots[s].n; g < end; g++) {
            stn_quads q[STN_SPARSE_VECTORS] = {0};
            int32_t *to = (int32_t *)(void *)(sums + g->at);
            for (int k = 0; k < STN_SPARSE_QUADS; k++) {
                uint32_t four;
                memcpy(&four, g->weights + 4 * k, sizeof four);
                int8x16_t w = vreinterpretq_s8_u32(vdupq_n_u32(four));
                for (int v = 0; v < STN_SPARSE_VECTORS; v++)
                    stn_quads_add(&q[v], w, x[k][v]);
            }
            for (int v = 0; v < STN_SPARSE_VECTORS; v++, to += 4)
                vst1q_s32(to, vaddq_s32(vld1q_s32(to), stn_quads_end(&q[v])));
        }
    }
}

/* Turns sums back, 8 filters by 4 patches at a time. */
static void stn_sparse_finish(const stn_sparse_tile *t, const int32_t *sums)
{
    const stn_sparse_pack *p = t->call->prepared;
    int out = t->call->shape->out - t->block->first;
    for (int f = 0; f < t->block->filters; f += STN_VEC_LANES)
        for (int r = 0; r < t->n; r += STN_SPARSE_WIDE) {
            int32x4_t rows[STN_VEC_LANES], turned[STN_VEC_LANES];
            stn_vec filters[STN_SPARSE_WIDE];
            for (int i = 0; i < STN_VEC_LANES; i++)
                rows[i] = vld1q_s32(sums + (f + i) * STN_SPARSE_PATCHES + r);
            stn_sparse_turn(rows, turned);
            stn_sparse_turn(rows + 4, turned + 4);
            for (int i = 0; i < STN_SPARSE_WIDE; i++)
                filters[i] = (stn_vec){turned[i], turned[4 + i]};
            int left = t->n - r < STN_SPARSE_WIDE ? t->n - r : STN_SPARSE_WIDE;
            stn_finish_vec(&(stn_finish){&p->head, t->call,
                                         (size_t)(t->first + r), (size_t)left,
                                         (size_t)(t->block->first + f),
                                         out - f},
                           filters, 1);
        }
}

DOT_TARGET static void stn_sparse_do_tile(const stn_sparse_tile *t)
{
    const stn_sparse_pack *p = t->call->prepared;
    const stn_sparse_block *b = t->block;
    int32_t *sums = t->call->scratch;
    for (int i = 0; i < b->filters * STN_SPARSE_PATCHES; i++)
        sums[i] = b->correction[i / STN_SPARSE_PATCHES];
    stn_sparse_add(b, t->patches, p->flip, (uint8_t *)sums);
    stn_sparse_finish(t, sums);
}

#endif
