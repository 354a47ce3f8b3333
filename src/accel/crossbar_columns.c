/* SPDX-License-Identifier: MIT
 *
 * Column sums as popcounts. A column of cells of several bits is as many bit
 * strings over its rows, an input digit likewise; the current of the column
 * is the sum of their ands, each weighted by its power of two. */
#include "accel/crossbar.h"
#include "base/compiler.h"

/* `words` is constant where it matters: the common arrays have 1, 2 or 4. */
STN_INLINE void sum_plane(const xb_columns *c, const uint64_t *x,
                          const uint64_t *w, int shift, int words,
                          uint32_t *sums)
{
    for (int f = 0; f < c->n; f++, x += c->x_column, w += words) {
        uint32_t ones = 0;
        for (int k = 0; k < words; k++)
            ones += (uint32_t)__builtin_popcountll(x[k] & w[k]);
        sums[f] += ones << shift;
    }
}

STN_CLONES
void xb_columns_sum(const xb_columns *c, uint32_t *sums)
{
    for (int f = 0; f < c->n; f++)
        sums[f] = 0;
    for (int u = 0; u < c->n_bits; u++)
        for (int t = 0; t < c->n_planes; t++) {
            const uint64_t *x = c->x + (size_t)u * c->x_bit;
            const uint64_t *w = c->w + (size_t)t * c->w_plane;
            if (c->words == 1)
                sum_plane(c, x, w, t + u, 1, sums);
            else if (c->words == 2)
                sum_plane(c, x, w, t + u, 2, sums);
            else if (c->words == 4)
                sum_plane(c, x, w, t + u, 4, sums);
            else
                sum_plane(c, x, w, t + u, c->words, sums);
        }
}

void xb_columns_count(const xb_columns *c, uint32_t *sums)
{
    for (int f = 0; f < c->n; f++) {
        sums[f] = 0;
        for (int u = 0; u < c->n_bits; u++) {
            const uint64_t *x =
                c->x + (size_t)f * c->x_column + (size_t)u * c->x_bit;
            for (int k = 0; k < c->words; k++)
                sums[f] += (uint32_t)__builtin_popcountll(x[k]) << u;
        }
    }
}

STN_CLONES
void xb_columns_add(const xb_add *a, const uint32_t *sums, uint32_t *acc)
{
    const xb_adc adc = *a->adc;
    uint32_t sign = a->negative ? UINT32_MAX : 0;
    for (int f = 0; f < a->n; f++) {
        uint32_t code = xb_adc_convert(&adc, sums[f]);
        if (a->flips && a->flips[f])
            code = a->full * a->unit[(size_t)f * a->unit_step] - code;
        acc[f] += ((code << a->shift) ^ sign) - sign;
    }
}

/* All columns see the same rows: one vector of cells for each row driven. */
static void cells_shared(const xb_cells *c, uint32_t *sums)
{
    for (int u = 0; u < c->n_bits; u++)
        for (int r = 0; r < c->rows; r++) {
            const int32_t *cells = c->cells + (size_t)r * c->stride;
            if (!(c->x[(size_t)u * c->x_bit + (size_t)(r / 64)] >> (r % 64) &
                  1))
                continue;
            for (int f = 0; f < c->n; f++)
                sums[f] += (uint32_t)cells[f] << u;
        }
}

void xb_cells_sum(const xb_cells *c, uint32_t *sums)
{
    for (int f = 0; f < c->n; f++)
        sums[f] = 0;
    if (!c->x_column) {
        cells_shared(c, sums);
        return;
    }
    for (int f = 0; f < c->n; f++)
        for (int u = 0; u < c->n_bits; u++) {
            const uint64_t *x =
                c->x + (size_t)f * c->x_column + (size_t)u * c->x_bit;
            for (int r = 0; r < c->rows; r++)
                if (x[r / 64] >> (r % 64) & 1)
                    sums[f] +=
                        (uint32_t)c->cells[(size_t)r * c->stride + (size_t)f]
                        << u;
        }
}

/* 64 bits from bit `at`. */
static inline uint64_t bits_at(const uint64_t *from, size_t at)
{
    const uint64_t *word = from + at / 64;
    unsigned part = (unsigned)(at % 64);
    return part ? word[0] >> part | word[1] << (64 - part) : word[0];
}

void xb_bits_copy(const uint64_t *from, size_t at, uint64_t *to, size_t to_at,
                  size_t n)
{
    for (size_t k = 0; k < n; k += 64) {
        uint64_t bits = bits_at(from, at + k);
        if (n - k < 64)
            bits &= ((uint64_t)1 << (n - k)) - 1;
        uint64_t *word = to + (to_at + k) / 64;
        unsigned part = (unsigned)((to_at + k) % 64);
        word[0] |= bits << part;
        if (part)
            word[1] |= bits >> (64 - part);
    }
}

STN_CLONES
void xb_bits_slice(const int32_t *numbers, size_t n, int n_bits,
                   uint64_t *strings, size_t stride)
{
    for (size_t k = 0; k < n; k += 64) {
        size_t count = n - k < 64 ? n - k : 64;
        for (int b = 0; b < n_bits; b++) {
            uint64_t word = 0;
            for (size_t i = 0; i < count; i++)
                word |= (uint64_t)((uint32_t)numbers[k + i] >> b & 1) << i;
            strings[(size_t)b * stride + k / 64] = word;
        }
    }
}
