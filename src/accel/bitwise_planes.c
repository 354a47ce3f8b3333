/* SPDX-License-Identifier: MIT
 *
 * Between numbers and bit-planes: blocks of 32 x 32 bits are transposed, 16 of
 * them side by side so that every step is one vector operation; and rows
 * shifted to a kernel position, as the link delivers them. */
#include "accel/bitwise.h"
#include "base/compiler.h"
#include <string.h>

#define LANES 16               /* blocks side by side */
#define SPAN ((int)32 * LANES) /* columns: one run of BW_WORDS words */

static inline void swap_halves(uint32_t *STN_RESTRICT low,
                               uint32_t *STN_RESTRICT high, int j,
                               uint32_t mask)
{
    for (int i = 0; i < LANES; i++) {
        uint32_t t = ((low[i] >> j) ^ high[i]) & mask;
        high[i] ^= t;
        low[i] ^= t << j;
    }
}

/* Bit c of a[r] becomes bit r of a[c], lane by lane: swap ever smaller
 * off-diagonal blocks (Warren, Hacker's Delight, 7-3, with bit 0 as first
 * column). */
static inline void transpose(uint32_t a[32][LANES])
{
    uint32_t mask = 0x0000FFFF;
    for (int j = 16; j; j >>= 1, mask ^= mask << j)
        for (int base = 0; base < 32; base += 2 * j)
            for (int k = base; k < base + j; k++)
                swap_halves(a[k], a[k + j], j, mask);
}

/* 512 columns of a row: lane i holds columns 32·i … 32·i + 31. */
static inline void load_row(const uint64_t *row, uint32_t lanes[LANES])
{
    for (int w = 0; w < BW_WORDS; w++) {
        lanes[2 * w] = (uint32_t)row[w];
        lanes[2 * w + 1] = (uint32_t)(row[w] >> 32);
    }
}

/* Columns of lane i that exist, counted from column `first`. */
static inline int lane_size(const bw_value *value, int first, int i)
{
    int n = value->columns - first - 32 * i;
    return n < 0 ? 0 : n < 32 ? n : 32;
}

STN_CLONES
void bw_line_unpack(const bw_value *value, int line, const uint64_t *rows,
                    int32_t *numbers)
{
    const bw_line *l = bw_line_of(value, line);
    uint32_t block[32][LANES], sign[LANES] = {0};
    for (int first = 0; first < value->columns; first += SPAN) {
        const uint64_t *row = rows + first / 64;
        for (int b = 0; b < l->width; b++)
            load_row(row + (size_t)b * (size_t)value->words, block[b]);
        if (l->is_signed && l->width)
            memcpy(sign, block[l->width - 1], sizeof sign);
        for (int b = l->width; b < 32; b++)
            memcpy(block[b], sign, sizeof sign);
        transpose(block);
        for (int i = 0; i < LANES; i++)
            for (int k = 0, n = lane_size(value, first, i); k < n; k++)
                numbers[first + 32 * i + k] = (int32_t)block[k][i];
    }
}

STN_CLONES
void bw_line_pack(const bw_value *value, int line, const int32_t *numbers,
                  uint64_t *rows)
{
    int width = bw_line_of(value, line)->width;
    uint32_t block[32][LANES];
    for (int first = 0; first < value->columns; first += SPAN) {
        if (value->columns - first < SPAN)
            memset(block, 0, sizeof block);
        for (int i = 0; i < LANES; i++)
            for (int k = 0, n = lane_size(value, first, i); k < n; k++)
                block[k][i] = (uint32_t)numbers[first + 32 * i + k];
        transpose(block);
        for (int b = 0; b < width; b++) {
            uint64_t *row =
                rows + (size_t)b * (size_t)value->words + first / 64;
            for (int w = 0; w < BW_WORDS; w++)
                row[w] = block[b][2 * w] | (uint64_t)block[b][2 * w + 1] << 32;
        }
    }
}

/* out[p] = in[p + shift], 0 beyond both ends. */
static void shift_row(int shift, int words, const uint64_t *in, uint64_t *out)
{
    int whole = shift >= 0 ? shift / 64 : -((63 - shift) / 64);
    int part = shift - 64 * whole; /* 0 … 63 */
    for (int w = 0; w < words; w++) {
        int from = w + whole;
        uint64_t low = from >= 0 && from < words ? in[from] : 0;
        uint64_t high = from + 1 >= 0 && from + 1 < words ? in[from + 1] : 0;
        out[w] = part ? low >> part | high << (64 - part) : low;
    }
}

/* ORs bits [from, from + n) of `in` to bits [to, to + n) of `out`. */
static void copy_bits(const uint64_t *in, int from, uint64_t *out, int to,
                      int n)
{
    while (n > 0) {
        int a = from % 64, b = to % 64;
        int room = 64 - (a > b ? a : b), k = n < room ? n : room;
        uint64_t bits = in[from / 64] >> a;
        if (k < 64)
            bits &= ((uint64_t)1 << k) - 1;
        out[to / 64] |= bits << b;
        from += k;
        to += k;
        n -= k;
    }
}

void bw_row_gather(const bw_tap *tap, const bw_value *in, int column,
                   const uint64_t *in_row, const bw_value *out,
                   uint64_t *out_row)
{
    if (tap->mask) {
        shift_row(tap->shift, in->words, in_row, out_row);
        for (int w = 0; w < out->words; w++)
            out_row[w] &= tap->mask[w];
        return;
    }
    memset(out_row, 0, (size_t)out->words * sizeof *out_row);
    for (int i = 0; i < tap->n_runs; i++)
        copy_bits(in_row, tap->runs[i].from + column, out_row, tap->runs[i].to,
                  tap->runs[i].n);
}
