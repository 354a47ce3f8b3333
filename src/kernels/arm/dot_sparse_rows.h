/* SPDX-License-Identifier: MIT
 *
 * Sparse products with NEON, see layout/dot_sparse.h: 4 patches a vector, 8
 * vectors at a time. Written once, for the quads of a level (dot_tile.h). */
#ifndef STN_KERNELS_DOT_SPARSE_ROWS_H
#define STN_KERNELS_DOT_SPARSE_ROWS_H

#include "kernels/layout/dot_sparse.h"
#include "kernels/layout/ending.h"

#define STN_SPARSE_QUADS (STN_SPARSE_GROUP / 4) /* 4 weights in a group */
#define STN_SPARSE_WIDE 4                       /* patches a vector */
#define STN_SPARSE_VECTORS (STN_SPARSE_PATCHES / STN_SPARSE_WIDE)
#define STN_SPARSE_SIDE 8 /* vectors side by side */

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

/* The input of a chunk: for each slot and 4 bytes, `vectors` vectors. Patches
 * beyond n repeat the last. */
static void stn_sparse_input(const stn_dot_call *call, const stn_sparse_pack *p,
                             const stn_sparse_chunk *chunk, int first, int n,
                             int vectors, int8x16_t *to)
{
    const int8x16_t top = vdupq_n_s8(p->flip ? INT8_MIN : 0);
    for (int v = 0; v < vectors; v++) {
        const uint8_t *patches[STN_SPARSE_WIDE];
        for (int i = 0; i < STN_SPARSE_WIDE; i++) {
            int r = v * STN_SPARSE_WIDE + i;
            patches[i] = (const uint8_t *)call->x +
                         call->patches[first + (r < n ? r : n - 1)];
        }
        for (int s = 0; s < chunk->n_slots; s++) {
            int32x4_t rows[STN_SPARSE_WIDE], turned[STN_SPARSE_QUADS];
            for (int i = 0; i < STN_SPARSE_WIDE; i++)
                rows[i] = vreinterpretq_s32_u8(
                    vld1q_u8(patches[i] + chunk->offsets[s]));
            stn_sparse_turn(rows, turned);
            for (int k = 0; k < STN_SPARSE_QUADS; k++)
                to[(s * STN_SPARSE_QUADS + k) * vectors + v] =
                    veorq_s8(vreinterpretq_s8_s32(turned[k]), top);
        }
    }
}

/* Adds the groups of one filter to `side` vectors of sums, out of `vectors`
 * of input. */
DOT_TARGET STN_INLINE void stn_sparse_add(const stn_sparse_chunk *chunk, int f,
                                          const int8x16_t *x, int vectors,
                                          int side, int32x4_t *sums)
{
    stn_quads q[STN_SPARSE_SIDE] = {0};
    uint32_t g = chunk->starts[f], end = chunk->starts[f + 1];
    const int8_t *w = chunk->weights + (size_t)g * STN_SPARSE_GROUP;
    for (; g < end; g++) {
        const int8x16_t *at =
            x + (size_t)chunk->slots[g] * STN_SPARSE_QUADS * (size_t)vectors;
        for (int k = 0; k < STN_SPARSE_QUADS; k++, w += 4, at += vectors) {
            uint32_t four;
            memcpy(&four, w, sizeof four);
            int8x16_t weights = vreinterpretq_s8_u32(vdupq_n_u32(four));
            for (int v = 0; v < side; v++)
                stn_quads_add(&q[v], weights, at[v]);
        }
    }
    for (int v = 0; v < side; v++)
        sums[v] = vaddq_s32(sums[v], stn_quads_end(&q[v]));
}

DOT_TARGET static void stn_sparse_add_chunk(const stn_sparse_chunk *chunk,
                                            int out, const int8x16_t *x,
                                            int vectors, int32x4_t *sums)
{
    for (int f = 0; f < out; f++, sums += STN_SPARSE_VECTORS) {
        int v = 0;
        if (chunk->starts[f] == chunk->starts[f + 1])
            continue;
        for (; v + STN_SPARSE_SIDE <= vectors; v += STN_SPARSE_SIDE)
            stn_sparse_add(chunk, f, x + v, vectors, STN_SPARSE_SIDE, sums + v);
        for (; v + 4 <= vectors; v += 4)
            stn_sparse_add(chunk, f, x + v, vectors, 4, sums + v);
        for (; v < vectors; v++)
            stn_sparse_add(chunk, f, x + v, vectors, 1, sums + v);
    }
}

/* Turns sums back, 8 filters by 4 patches at a time. */
static void stn_sparse_finish(const stn_dot_call *call,
                              const stn_sparse_pack *p, const int32x4_t *sums,
                              int first, int n)
{
    int out = call->shape->out;
    for (int f = 0; f < out; f += STN_VEC_LANES)
        for (int v = 0; STN_SPARSE_WIDE * v < n; v++) {
            int32x4_t rows[STN_VEC_LANES], turned[STN_VEC_LANES];
            stn_vec filters[STN_SPARSE_WIDE];
            for (int i = 0; i < STN_VEC_LANES; i++)
                rows[i] = sums[(f + i) * STN_SPARSE_VECTORS + v];
            stn_sparse_turn(rows, turned);
            stn_sparse_turn(rows + 4, turned + 4);
            for (int i = 0; i < STN_SPARSE_WIDE; i++)
                filters[i] = (stn_vec){turned[i], turned[4 + i]};
            int r = STN_SPARSE_WIDE * v, left = n - r;
            left = left < STN_SPARSE_WIDE ? left : STN_SPARSE_WIDE;
            stn_finish_vec(&(stn_finish){&p->head, call, (size_t)(first + r),
                                         (size_t)left, (size_t)f, out - f},
                           filters, 1);
        }
}

DOT_TARGET static void stn_sparse_dot(const stn_dot_call *call)
{
    const stn_sparse_pack *p = call->prepared;
    int8x16_t *x = call->scratch;
    int32x4_t *sums =
        (int32x4_t *)(void *)((uint8_t *)call->scratch + p->input_bytes);
    for (int first = 0; first < call->n; first += STN_SPARSE_PATCHES) {
        int n = call->n - first;
        n = n < STN_SPARSE_PATCHES ? n : STN_SPARSE_PATCHES;
        int vectors = (n + STN_SPARSE_WIDE - 1) / STN_SPARSE_WIDE;
        for (int i = 0; i < p->filters * STN_SPARSE_VECTORS; i++)
            sums[i] = vdupq_n_s32(p->correction[i / STN_SPARSE_VECTORS]);
        for (int c = 0; c < p->n_chunks; c++) {
            stn_sparse_input(call, p, &p->chunks[c], first, n, vectors, x);
            stn_sparse_add_chunk(&p->chunks[c], call->shape->out, x, vectors,
                                 sums);
        }
        stn_sparse_finish(call, p, sums, first, n);
    }
}

#endif
