/* SPDX-License-Identifier: MIT
 *
 * What circulant dots by transforms make ready: tables, the spectra of the
 * weights, and the proof that rounded sums are exact.
 *
 * With u = 2^-53, tables within 4 u and S = Σ |w|_2 |x|_2 over the blocks of
 * a row: a transform of L points errs, relative in |.|_2, by at most
 * e = (log2 L + 3) 10 u (Higham, Accuracy and Stability of Numerical
 * Algorithms, 2nd ed., theorem 24.2; a butterfly of four counts as two, the
 * real one as two). Spectra are off by e each, a product and a sum of Q of
 * them by (Q + 4) u; by Cauchy-Schwarz the mean over frequencies of |W| |X| is
 * at most |w|_2 |x|_2, so the exact inverse of what was summed is off by
 * (2 e + e^2 + (Q + 4) u) S. The inverse errs by e in |.|_2, which is at most
 * sqrt(L) S. Where two results are added both err. Together
 *     2 S ((2 + sqrt(L)) e + (Q + 4) u) (1 + small) < 1/2
 * makes rounding exact; 1/4 is asked for, which leaves room for small. */
#include "kernels/circulant.h"
#include "kernels/arm/arm.h"
#include "kernels/x86/x86.h"

#define UNIT 0x1p-53
#define PI 3.14159265358979323846

/* cos and sin of x <= pi / 4, by their series up to x^17. */
static void turn_octant(double x, double *cosine, double *sine)
{
    double c = 1, s = 1, z = x * x;
    for (int k = 16; k >= 2; k -= 2) {
        c = 1 - z * c / (k * (k - 1));
        s = 1 - z * s / (k * (k + 1));
    }
    *cosine = c;
    *sine = x * s;
}

/* e^(-2 pi i k / n) for k < n, n a power of two. */
static void turn(size_t k, size_t n, double *re, double *im)
{
    double c, s;
    size_t eighth = 8 * k / n, from = eighth + eighth % 2; /* in n / 8 */
    double x = (8.0 * (double)k - (double)from * (double)n) * (PI / 4);
    x /= (double)n;
    turn_octant(x < 0 ? -x : x, &c, &s);
    if (x < 0)
        s = -s;
    switch (from / 2 % 4) { /* the angle is x and so many right angles */
    case 0:
        *re = c, *im = -s;
        break;
    case 1:
        *re = -s, *im = -c;
        break;
    case 2:
        *re = -c, *im = s;
        break;
    default:
        *re = s, *im = c;
        break;
    }
}

static stn_status make_tables(stn_circulant_fft *f, stn_arena *arena,
                              stn_error *err)
{
    size_t half = f->n / 2 + 1;
    /* Stages of N, N / 4, … numbers take 6 / 4 of each: 2 N in all. */
    double *w = stn_arena_alloc(arena, 2 * f->n + 1, sizeof *w);
    double *turns = stn_arena_alloc(arena, 2 * half, sizeof *turns);
    if (!w || !turns)
        return stn_fail_memory(err, "tables of a transform");
    f->stages = w;
    f->turns = turns;
    for (size_t n = f->n; n >= 4; w += 6 * (n / 4), n /= 4)
        for (size_t p = 0, m = n / 4; p < m; p++)
            for (size_t power = 1; power <= 3; power++)
                turn(power * p, n, &w[(2 * power - 2) * m + p],
                     &w[(2 * power - 1) * m + p]);
    for (size_t k = 0; k < half; k++)
        turn(k, 2 * f->n, &turns[k], &turns[half + k]);
    return STN_OK;
}

/* L */
static size_t points_for(size_t p)
{
    size_t points = 2;
    while (points < p)
        points *= 2;
    if (points != p)
        while (points < 2 * p - 1)
            points *= 2;
    return points;
}

static size_t blocks_across(stn_circulant_blocks b)
{
    return ((size_t)b.in + (size_t)b.p - 1) / (size_t)b.p;
}

int stn_circulant_value(const stn_dot_shape *shape, stn_circulant_blocks blocks,
                        const int8_t *codes, size_t i, size_t b, size_t t)
{
    size_t p = (size_t)blocks.p, across = blocks_across(blocks);
    size_t depth = (size_t)shape->runs * (size_t)shape->run;
    size_t column = b % across * p, row = i * p;
    const int8_t *at = codes + b / across * (size_t)blocks.in + column;
    if (row + t < (size_t)shape->out)
        return at[(row + t) * depth];
    return t && column + p - t < (size_t)blocks.in ? at[row * depth + p - t]
                                                   : 0;
}

/* The least number that is at least sqrt(x) for sure, by Newton's steps. */
static double root_above(double x)
{
    double root = x > 1 ? x : 1;
    for (int i = 0; i < 1100 && root * root > x * (1 + 1e-9); i++)
        root = 0.5 * (root + x / root);
    return root * (1 + 1e-9);
}

/* Bound on the error of a sum whose row has `norms` = Σ |w|_2 |x|_2. */
static double bound_of(const stn_circulant_fft *f, double norms)
{
    double points = 2.0 * (double)f->n, stages = 3;
    for (double l = points; l > 1; l /= 2)
        stages++;
    double e = stages * 10 * UNIT;
    double sums = ((double)f->cols + 4) * UNIT;
    return 2 * norms * ((2 + root_above(points)) * e + sums);
}

/* Spectra of the weights of one row of blocks, into `to`. Returns the bound. */
static double transform_row(const stn_circulant_fft *f,
                            const stn_dot_shape *shape, const int8_t *codes,
                            size_t i, double *column, double *work, double *to)
{
    size_t p = (size_t)f->blocks.p, in = (size_t)f->blocks.in;
    size_t across = blocks_across(f->blocks);
    int64_t most = -shape->lo > shape->hi ? -shape->lo : shape->hi;
    double norms = 0;
    for (size_t b = 0; b < f->cols; b++, to += 2 * f->n) {
        double squares = 0;
        size_t first = b % across * p, length = in - first < p ? in - first : p;
        for (size_t t = 0; t < p; t++) {
            column[t] = stn_circulant_value(shape, f->blocks, codes, i, b, t);
            squares += column[t] * column[t];
        }
        norms += root_above(squares * (double)length) * (double)most;
        stn_circulant_transform(f, column, p, to, work);
    }
    return bound_of(f, norms);
}

stn_status stn_circulant_fft_prepare(const stn_dot_shape *shape,
                                     stn_circulant_blocks blocks,
                                     const int8_t *codes, stn_arena *arena,
                                     const char *isa, stn_prepared *out,
                                     stn_error *err)
{
    size_t p = (size_t)blocks.p;
    stn_circulant_fft *f = stn_arena_alloc(arena, 1, sizeof *f);
    if (!f)
        return stn_fail_memory(err, "a circulant layer");
    *f = (stn_circulant_fft){.blocks = blocks, .n = points_for(p) / 2};
    f->out = (size_t)shape->out;
    f->depth = (size_t)shape->runs * (size_t)shape->run;
    f->rows = (f->out + p - 1) / p;
    f->cols = f->depth / (size_t)blocks.in * blocks_across(blocks);
    STN_TRY(make_tables(f, arena, err));
    size_t spectrum = 2 * f->n, n = f->rows * f->cols * spectrum;
    double *weights = stn_arena_alloc(arena, n, sizeof *weights);
    double *scratch = stn_alloc(p + 4 * f->n, sizeof *scratch);
    double error = 0;
    for (size_t i = 0; weights && scratch && i < f->rows; i++) {
        double row = transform_row(f, shape, codes, i, scratch, scratch + p,
                                   weights + i * f->cols * spectrum);
        error = row > error ? row : error;
    }
    stn_free(scratch);
    if (!weights || !scratch)
        return stn_fail_memory(err, "spectra of weights");
    f->weights = weights;
    *out = (stn_prepared){.data = error < 0.25 ? f : NULL,
                          .size_bytes = n * sizeof *weights,
                          .isa = isa,
                          .parts = 1,
                          .scratch_bytes =
                              stn_circulant_scratch(f) * sizeof(double)};
    return STN_OK;
}

#if defined(STN_X86) || defined(STN_ARM64)
/* Nanoseconds as measured with AVX-512 (bench/bench_circulant.c; used for ARM
 * too, where nothing was measured): a point and
 * stage of a transform, and a number of a spectrum that is multiplied; and
 * what a dense dot of 8-bit weights multiplies in one. */
#define STAGE_NS 0.6
#define PRODUCT_NS 0.4
#define MANY_PATCHES_A_NS 100.0 /* weights are read once for all of them */
#define CACHED_A_NS 45.0
#define MEMORY_A_NS 15.0
#define CACHE_BYTES (1 << 20)

bool stn_circulant_pays_fft(const stn_dot_shape *shape,
                            stn_circulant_blocks blocks)
{
    double depth = (double)shape->runs * shape->run, out = shape->out;
    double points = (double)points_for((size_t)blocks.p), stages = 0;
    double across = (double)blocks_across(blocks);
    double cols = depth / blocks.in * across;
    double rows = (out + blocks.p - 1) / blocks.p;
    double rate = shape->patches != 1         ? MANY_PATCHES_A_NS
                  : depth * out > CACHE_BYTES ? MEMORY_A_NS
                                              : CACHED_A_NS;
    for (double l = points; l > 1; l /= 2)
        stages++;
    return points * (rows + cols) * stages * STAGE_NS +
               points * rows * cols * PRODUCT_NS <
           depth * out / rate;
}
#endif
