/* SPDX-License-Identifier: MIT
 *
 * Patch-by-filter products with NEON: a tile of 4 patches by 8 filters. Each
 * step broadcasts 4 bytes of every patch against 4 bytes of every filter
 * (layout/dot_pack.h). Bytes are signed: u8 inputs that may exceed 127 are read
 * as x - 128. Written once, as are dot_<layout>_rows.h; dot_neon.c and
 * dot_dotprod.c say before what sums are, and how products are added:
 *     DOT_TARGET                         attributes, or nothing
 *     typedef … stn_quads                32-bit sums of 4 products each, 4 of
 *                                        them (filters, or patches)
 *     stn_quads_add(&quads, w, x)        16 products of bytes, exact for all
 *     stn_quads_add_short(&quads, w, x)  the same, maybe in 16 bits
 *     stn_quads_add_words(&quads, w, x)  8 products of 16 bits, 2 a sum
 *     stn_quads_widen(&quads)            16-bit sums to 32 bits
 *     stn_quads_end(&quads)              the 4 sums */
#ifndef STN_KERNELS_DOT_TILE_H
#define STN_KERNELS_DOT_TILE_H

#include "kernels/layout/ending.h"

#define STN_DOT_ROWS 4

/* Adds one step to the 8 filters of a patch, whose weights are w. */
DOT_TARGET STN_INLINE void stn_tile_step(stn_quads *sums, const int8_t *w,
                                         int8x16_t x, stn_dot_kind kind)
{
    for (int i = 0; i < 2; i++) {
        int8x16_t v = vld1q_s8(w + 16 * i);
        if (kind == STN_DOT_WORDS)
            stn_quads_add_words(&sums[i], vreinterpretq_s16_s8(v),
                                vreinterpretq_s16_s8(x));
        else if (kind == STN_DOT_BYTES_SHORT)
            stn_quads_add_short(&sums[i], v, x);
        else
            stn_quads_add(&sums[i], v, x);
    }
}

/* `rows` patches by one block; `chunk` steps, even, between widenings. */
DOT_TARGET STN_INLINE void stn_tile_rows(const stn_dot_block *b,
                                         const uint8_t *const *x, int rows,
                                         stn_dot_kind kind, bool flip,
                                         int chunk, stn_vec *to)
{
    const uint8_t top = flip && kind != STN_DOT_WORDS ? 0x80 : 0;
    const int8_t *w = b->weights;
    stn_quads sums[STN_DOT_ROWS][2] = {0};
    for (int i = 0; i < b->n_steps;) {
        int end = b->n_steps - i < chunk ? b->n_steps : i + chunk;
        for (; i < end; i++, w += 32)
            for (int r = 0; r < rows; r++) {
                uint32_t four;
                memcpy(&four, x[r] + b->offsets[i], sizeof four);
                int8x16_t v = vreinterpretq_s8_u32(vdupq_n_u32(four));
                v = veorq_s8(v, vdupq_n_s8((int8_t)top));
                stn_tile_step(sums[r], w, v, kind);
            }
        for (int r = 0; r < rows && kind == STN_DOT_BYTES_SHORT; r++) {
            stn_quads_widen(&sums[r][0]);
            stn_quads_widen(&sums[r][1]);
        }
    }
    for (int r = 0; r < rows; r++) {
        stn_vec off = stn_vec_load(b->correction);
        to[r].lo = vsubq_s32(stn_quads_end(&sums[r][0]), off.lo);
        to[r].hi = vsubq_s32(stn_quads_end(&sums[r][1]), off.hi);
    }
}

DOT_TARGET STN_INLINE void stn_tile_kind(const stn_dot_pack *pack,
                                         const stn_dot_block *b,
                                         const uint8_t *const *x, int rows,
                                         stn_vec *to)
{
    const stn_dot_arithmetic *a = &pack->arithmetic;
    bool flip = a->shift != 0;
    if (a->kind == STN_DOT_WORDS)
        stn_tile_rows(b, x, rows, STN_DOT_WORDS, false, b->n_steps, to);
    else if (a->kind == STN_DOT_BYTES_SHORT)
        stn_tile_rows(b, x, rows, STN_DOT_BYTES_SHORT, flip, a->int16_steps,
                      to);
    else
        stn_tile_rows(b, x, rows, STN_DOT_BYTES, flip, b->n_steps, to);
}

/* Patches [first, first + n) against one block. A short tile repeats its last
 * patch, and stores it once. */
DOT_TARGET static void stn_do_tile(const stn_dot_call *call,
                                   const stn_dot_pack *pack,
                                   const stn_dot_block *b, int first, int n)
{
    const uint8_t *x[STN_DOT_ROWS];
    stn_vec sums[STN_DOT_ROWS];
    for (int r = 0; r < STN_DOT_ROWS; r++)
        x[r] = (const uint8_t *)call->x +
               call->patches[first + (r < n ? r : n - 1)];
    if (n == 1)
        stn_tile_kind(pack, b, x, 1, sums);
    else
        stn_tile_kind(pack, b, x, STN_DOT_ROWS, sums);
    if (b->contiguous) {
        stn_finish_vec(&(stn_finish){&pack->head, call, (size_t)first,
                                     (size_t)n, (size_t)b->first, b->width},
                       sums, 1);
        return;
    }
    for (int r = 0; r < n; r++) {
        int32_t eight[STN_VEC_LANES];
        stn_vec_write(eight, STN_TYPE_S32, 0, STN_VEC_LANES, sums[r]);
        stn_dot_scatter(b, eight,
                        call->acc +
                            (size_t)(first + r) * (size_t)call->shape->out);
    }
}

DOT_TARGET static void stn_tile_dot(const stn_dot_call *call)
{
    const stn_dot_pack *pack = call->prepared;
    if (call->part == 0)
        stn_dot_clear_dead(pack, call);
    int end = call->part_end < pack->n_blocks ? call->part_end : pack->n_blocks;
    for (int first = 0; first < call->n; first += STN_DOT_ROWS) {
        int left = call->n - first;
        for (int i = call->part; i < end; i++)
            stn_do_tile(call, pack, &pack->blocks[i], first,
                        left < STN_DOT_ROWS ? left : STN_DOT_ROWS);
    }
}

#endif
