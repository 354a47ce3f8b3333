/* SPDX-License-Identifier: MIT
 *
 * Winograd's transforms and products, written once for vectors of any width.
 * The file that includes this defines, for its instruction set,
 *   TARGET, VECTOR, LANES, LOAD, STORE, SET1, ADD, SUB, MUL,
 *   MADD(a, b, c) = a b + c, NMADD(a, b, c) = c - a b,
 *   TILE_ROWS, LONE_ROWS: rows of a product whose sums fit the registers with
 *   two vectors a row, or one; divisors of 16. */
#include "base/compiler.h"
#include "tensor/winograd.h"

#define MOST_ROWS (TILE_ROWS > LONE_ROWS ? TILE_ROWS : LONE_ROWS)

/* ---- one dimension; Lavin & Gray 2016, equations (14) and (15) ---- */

TARGET STN_INLINE void data_1d(const VECTOR *d, VECTOR *o)
{
    const VECTOR two = SET1(2.0f), four = SET1(4.0f), five = SET1(5.0f);
    const VECTOR a = NMADD(four, d[2], d[4]), b = NMADD(four, d[1], d[3]);
    const VECTOR c = SUB(d[4], d[2]), e = SUB(d[3], d[1]);
    o[0] = MADD(four, d[0], NMADD(five, d[2], d[4]));
    o[1] = ADD(a, b);
    o[2] = SUB(a, b);
    o[3] = MADD(two, e, c);
    o[4] = NMADD(two, e, c);
    o[5] = MADD(four, d[1], NMADD(five, d[3], d[5]));
}

TARGET STN_INLINE void filter_1d(const VECTOR *g, VECTOR *o)
{
    const VECTOR sixth = SET1(-1.0f / 6), part = SET1(1.0f / 24);
    const VECTOR a = ADD(g[0], g[2]), b = MADD(SET1(4.0f), g[2], g[0]);
    const VECTOR c = MUL(SET1(1.0f / 12), g[1]);
    o[0] = MUL(SET1(0.25f), g[0]);
    o[1] = MUL(sixth, ADD(a, g[1]));
    o[2] = MUL(sixth, SUB(a, g[1]));
    o[3] = MADD(part, b, c);
    o[4] = SUB(MUL(part, b), c);
    o[5] = g[2];
}

TARGET STN_INLINE void output_1d(const VECTOR *m, VECTOR *o)
{
    const VECTOR s = ADD(m[1], m[2]), d = SUB(m[1], m[2]);
    const VECTOR p = ADD(m[3], m[4]), q = SUB(m[3], m[4]);
    o[0] = ADD(m[0], ADD(s, p));
    o[1] = MADD(SET1(2.0f), q, d);
    o[2] = MADD(SET1(4.0f), p, s);
    o[3] = ADD(m[5], MADD(SET1(8.0f), q, d));
}

TARGET STN_INLINE void gradient_1d(const VECTOR *d, VECTOR *o)
{
    const VECTOR two = SET1(2.0f), four = SET1(4.0f);
    const VECTOR s = ADD(d[0], d[2]), t = ADD(d[1], d[3]);
    const VECTOR u = MADD(four, d[2], d[0]), v = MADD(four, d[3], d[1]);
    o[0] = d[0];
    o[1] = ADD(s, t);
    o[2] = SUB(s, t);
    o[3] = MADD(two, v, u);
    o[4] = NMADD(two, v, u);
    o[5] = d[3];
}

TARGET STN_INLINE void weights_1d(const VECTOR *m, VECTOR *o)
{
    const VECTOR sixth = SET1(1.0f / 6);
    const VECTOR s = ADD(m[1], m[2]), d = SUB(m[2], m[1]);
    const VECTOR p = ADD(m[3], m[4]), q = SUB(m[3], m[4]);
    o[0] = MADD(SET1(0.25f), m[0], NMADD(sixth, s, MUL(SET1(1.0f / 24), p)));
    o[1] = MADD(sixth, d, MUL(SET1(1.0f / 12), q));
    o[2] = MADD(sixth, SUB(p, s), m[5]);
}

/* ---- two dimensions: columns, then rows ---- */

#define TRANSFORM(name, n_in, n_out)                                           \
    TARGET STN_INLINE void name##_tile(const float *in, size_t in_down,        \
                                       size_t in_right, float *out,            \
                                       size_t out_down, size_t out_right)      \
    {                                                                          \
        VECTOR middle[n_out][n_in], a[n_in], b[n_out];                         \
        STN_UNROLL(n_in)                                                       \
        for (size_t x = 0; x < n_in; x++) {                                    \
            STN_UNROLL(n_in)                                                   \
            for (size_t y = 0; y < n_in; y++)                                  \
                a[y] = LOAD(in + y * in_down + x * in_right);                  \
            name##_1d(a, b);                                                   \
            STN_UNROLL(n_out)                                                  \
            for (size_t y = 0; y < n_out; y++)                                 \
                middle[y][x] = b[y];                                           \
        }                                                                      \
        STN_UNROLL(n_out)                                                      \
        for (size_t y = 0; y < n_out; y++) {                                   \
            name##_1d(middle[y], b);                                           \
            STN_UNROLL(n_out)                                                  \
            for (size_t x = 0; x < n_out; x++)                                 \
                STORE(out + y * out_down + x * out_right, b[x]);               \
        }                                                                      \
    }                                                                          \
    TARGET static void name##_2d(const stn_winograd_tiles *from,               \
                                 const stn_winograd_tiles *to, size_t n,       \
                                 size_t c)                                     \
    {                                                                          \
        for (size_t t = 0; t < n; t++)                                         \
            for (size_t i = 0; i < c; i += LANES)                              \
                name##_tile(from->first + t * from->next + i, from->down,      \
                            from->right, to->first + t * to->next + i,         \
                            to->down, to->right);                              \
    }

TRANSFORM(data, 6, 6)
TRANSFORM(filter, 3, 6)
TRANSFORM(output, 6, 4)
TRANSFORM(gradient, 4, 6)
TRANSFORM(weights, 6, 3)

/* ---- products ---- */

/* `n` rows by one or two vectors of k. */
TARGET STN_INLINE void product_tile(const float *v, const float *u, size_t c,
                                    size_t k, size_t n, size_t vectors,
                                    float *m)
{
    VECTOR sum[2][MOST_ROWS];
    STN_UNROLL(16)
    for (size_t r = 0; r < n; r++)
        sum[0][r] = sum[1][r] = SET1(0.0f);
    for (size_t j = 0; j < c; j++) {
        const VECTOR a = LOAD(u + j * k);
        const VECTOR b = LOAD(u + j * k + (vectors - 1) * LANES);
        STN_UNROLL(16)
        for (size_t r = 0; r < n; r++) {
            const VECTOR x = SET1(v[r * c + j]);
            sum[0][r] = MADD(x, a, sum[0][r]);
            if (vectors == 2)
                sum[1][r] = MADD(x, b, sum[1][r]);
        }
    }
    STN_UNROLL(16)
    for (size_t r = 0; r < n; r++) {
        STORE(m + r * k, sum[0][r]);
        if (vectors == 2)
            STORE(m + r * k + LANES, sum[1][r]);
    }
}

TARGET STN_INLINE void product_wide(const float *v, const float *u, size_t rows,
                                    size_t c, size_t k, float *m)
{
    size_t i = 0;
    for (; i + 2 * LANES <= k; i += 2 * LANES)
        for (size_t r = 0; r < rows; r += TILE_ROWS)
            product_tile(v + r * c, u + i, c, k, TILE_ROWS, 2, m + r * k + i);
    for (; i < k; i += LANES)
        for (size_t r = 0; r < rows; r += LONE_ROWS)
            product_tile(v + r * c, u + i, c, k, LONE_ROWS, 1, m + r * k + i);
}

/* With the channels known, addresses are constants. */
TARGET static void product(const float *v, const float *u, size_t rows,
                           size_t c, size_t k, float *m)
{
    if (c == 16 && k == 16)
        product_wide(v, u, rows, 16, 16, m);
    else if (c == 32 && k == 32)
        product_wide(v, u, rows, 32, 32, m);
    else if (c == 64 && k == 64)
        product_wide(v, u, rows, 64, 64, m);
    else
        product_wide(v, u, rows, c, k, m);
}

/* `n` rows of k by one or two vectors of c. */
TARGET STN_INLINE void product_rows_tile(const float *y, const float *v,
                                         size_t rows, size_t c, size_t k,
                                         size_t n, size_t vectors, bool add,
                                         float *u)
{
    VECTOR sum[2][MOST_ROWS];
    STN_UNROLL(16)
    for (size_t r = 0; r < n; r++) {
        sum[0][r] = add ? LOAD(u + r * c) : SET1(0.0f);
        sum[1][r] = add && vectors == 2 ? LOAD(u + r * c + LANES) : SET1(0.0f);
    }
    for (size_t t = 0; t < rows; t++, v += c, y += k) {
        const VECTOR a = LOAD(v), b = LOAD(v + (vectors - 1) * LANES);
        STN_UNROLL(16)
        for (size_t r = 0; r < n; r++) {
            const VECTOR x = SET1(y[r]);
            sum[0][r] = MADD(x, a, sum[0][r]);
            if (vectors == 2)
                sum[1][r] = MADD(x, b, sum[1][r]);
        }
    }
    STN_UNROLL(16)
    for (size_t r = 0; r < n; r++) {
        STORE(u + r * c, sum[0][r]);
        if (vectors == 2)
            STORE(u + r * c + LANES, sum[1][r]);
    }
}

TARGET static void product_rows(const float *y, const float *v, size_t rows,
                                size_t c, size_t k, bool add, float *u)
{
    size_t i = 0;
    for (; i + 2 * LANES <= c; i += 2 * LANES)
        for (size_t r = 0; r < k; r += TILE_ROWS)
            product_rows_tile(y + r, v + i, rows, c, k, TILE_ROWS, 2, add,
                              u + r * c + i);
    for (; i < c; i += LANES)
        for (size_t r = 0; r < k; r += LONE_ROWS)
            product_rows_tile(y + r, v + i, rows, c, k, LONE_ROWS, 1, add,
                              u + r * c + i);
}

static const stn_winograd_kernels kernels = {
    .data = data_2d,
    .filter = filter_2d,
    .output = output_2d,
    .gradient = gradient_2d,
    .weights = weights_2d,
    .product = product,
    .product_rows = product_rows,
};
