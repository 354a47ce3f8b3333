/* SPDX-License-Identifier: MIT
 *
 * Between numbers and bit-planes: blocks of 32 x 32 bits are transposed; and
 * rows shifted to a kernel position, as the link delivers them. */
#include "accel/bitwise.h"
#include <string.h>

/* Bit c of a[r] becomes bit r of a[c]: swap ever smaller off-diagonal blocks
 * (Warren, Hacker's Delight, 7-3, with bit 0 as first column). */
static void transpose(uint32_t a[32])
{
    uint32_t mask = 0x0000FFFF;
    for (int j = 16; j; j >>= 1, mask ^= mask << j)
        for (int base = 0; base < 32; base += 2 * j)
            for (int k = base; k < base + j; k++) {
                uint32_t t = ((a[k] >> j) ^ a[k + j]) & mask;
                a[k + j] ^= t;
                a[k] ^= t << j;
            }
}

void bw_line_unpack(const bw_value *value, int line, const uint64_t *rows,
                    int32_t *numbers)
{
    const bw_line *l = &value->lines[line];
    uint32_t block[32];
    for (int first = 0; first < value->columns; first += 32) {
        const uint64_t *word = rows + first / 64;
        for (int b = 0; b < 32; b++) {
            if (b < l->width)
                block[b] = (uint32_t)(word[(size_t)b * (size_t)value->words] >>
                                      (first % 64));
            else
                block[b] = l->width && l->is_signed ? block[b - 1] : 0;
        }
        transpose(block);
        int n = value->columns - first;
        memcpy(numbers + first, block,
               (size_t)(n < 32 ? n : 32) * sizeof *numbers);
    }
}

void bw_line_pack(const bw_value *value, int line, const int32_t *numbers,
                  uint64_t *rows)
{
    int width = value->lines[line].width;
    uint32_t block[32];
    for (int b = 0; b < width; b++)
        memset(rows + (size_t)b * (size_t)value->words, 0,
               (size_t)value->words * sizeof *rows);
    for (int first = 0; first < value->columns; first += 32) {
        int n = value->columns - first;
        memset(block, 0, sizeof block);
        memcpy(block, numbers + first,
               (size_t)(n < 32 ? n : 32) * sizeof *numbers);
        transpose(block);
        uint64_t *word = rows + first / 64;
        for (int b = 0; b < width; b++)
            word[(size_t)b * (size_t)value->words] |= (uint64_t)block[b]
                                                      << (first % 64);
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
    for (int p = 0; p < out->columns; p++) {
        int from = tap->source[p] + column;
        if (tap->source[p] >= 0)
            out_row[p / 64] |= (in_row[from / 64] >> (from % 64) & 1)
                               << (p % 64);
    }
}
