/* SPDX-License-Identifier: MIT
 *
 * Circulant dots by transforms of doubles: the code that every level compiles
 * for itself.
 *
 * Transforms have a power of two L >= p of points: p itself, or at least
 * 2 p - 1, and what lies p apart is then added. A real one is a complex one of
 * N = L / 2 points (even points real, odd ones imaginary) and a butterfly;
 * frequencies 0 and N, which are real, share place 0. Complex transforms are
 * Stockham's, radix 4: they sort themselves, and the inner loops run over
 * neighbours, real and imaginary parts apart. */
#ifndef STN_KERNELS_CIRCULANT_H
#define STN_KERNELS_CIRCULANT_H

#include "base/compiler.h"
#include "kernels/kernels.h"

/* N complex numbers, parts apart. */
typedef struct stn_spectrum {
    double *re, *im;
} stn_spectrum;

/* What `prepare` makes: the transform, and those of the weights. */
typedef struct stn_circulant_fft {
    stn_circulant_blocks blocks;
    size_t n;             /* N */
    size_t rows, cols;    /* blocks of outputs; of all positions' inputs */
    size_t out, depth;    /* outputs; elements of a patch */
    const double *stages; /* per radix-4 stage with m = n / 4: re and im of
                             w, w^2, w^3, m each */
    const double *turns;  /* of the real butterfly: re, im of k = 0 … N / 2 */
    const double *weights; /* rows x cols spectra: N re, N im */
} stn_circulant_fft;

/* circulant.c: tables, spectra, and whether sums are exact. Leaves out->data
 * NULL where they might not be. */
stn_status stn_circulant_fft_prepare(const stn_dot_shape *shape,
                                     stn_circulant_blocks blocks,
                                     const int8_t *codes, stn_arena *arena,
                                     const char *isa, stn_prepared *out,
                                     stn_error *err);
/* Value t of the first column of block (i, b), from codes of all weights. */
int stn_circulant_value(const stn_dot_shape *shape, stn_circulant_blocks blocks,
                        const int8_t *codes, size_t i, size_t b, size_t t);

/* The first stage, whose loop is over m; neighbours of the output go apart. */
STN_INLINE void stn_fft_first(size_t m, const double *STN_RESTRICT w,
                              const double *STN_RESTRICT xr,
                              const double *STN_RESTRICT xi,
                              double *STN_RESTRICT yr, double *STN_RESTRICT yi)
{
    for (size_t p = 0; p < m; p++) {
        double sr = xr[p] + xr[p + 2 * m], si = xi[p] + xi[p + 2 * m];
        double dr = xr[p] - xr[p + 2 * m], di = xi[p] - xi[p + 2 * m];
        double tr = xr[p + m] + xr[p + 3 * m], ti = xi[p + m] + xi[p + 3 * m];
        double er = xr[p + m] - xr[p + 3 * m], ei = xi[p + m] - xi[p + 3 * m];
        double ar = dr + ei, ai = di - er, br = sr - tr, bi = si - ti;
        double cr = dr - ei, ci = di + er;
        yr[4 * p] = sr + tr;
        yi[4 * p] = si + ti;
        yr[4 * p + 1] = w[p] * ar - w[m + p] * ai;
        yi[4 * p + 1] = w[p] * ai + w[m + p] * ar;
        yr[4 * p + 2] = w[2 * m + p] * br - w[3 * m + p] * bi;
        yi[4 * p + 2] = w[2 * m + p] * bi + w[3 * m + p] * br;
        yr[4 * p + 3] = w[4 * m + p] * cr - w[5 * m + p] * ci;
        yi[4 * p + 3] = w[4 * m + p] * ci + w[5 * m + p] * cr;
    }
}

/* One butterfly of four on `s` neighbours; w: re, im of w, w^2, w^3. */
STN_INLINE void stn_fft_butterfly(size_t s, size_t apart, const double w[6],
                                  const double *STN_RESTRICT xr,
                                  const double *STN_RESTRICT xi,
                                  double *STN_RESTRICT yr,
                                  double *STN_RESTRICT yi)
{
    const double *br = xr + apart, *cr = br + apart, *dr = cr + apart;
    const double *bi = xi + apart, *ci = bi + apart, *di = ci + apart;
    for (size_t q = 0; q < s; q++) {
        double sr = xr[q] + cr[q], si = xi[q] + ci[q];
        double fr = xr[q] - cr[q], fi = xi[q] - ci[q];
        double tr = br[q] + dr[q], ti = bi[q] + di[q];
        double er = br[q] - dr[q], ei = bi[q] - di[q];
        double gr = fr + ei, gi = fi - er, hr = sr - tr, hi = si - ti;
        double kr = fr - ei, ki = fi + er;
        yr[q] = sr + tr;
        yi[q] = si + ti;
        yr[q + s] = w[0] * gr - w[1] * gi;
        yi[q + s] = w[0] * gi + w[1] * gr;
        yr[q + 2 * s] = w[2] * hr - w[3] * hi;
        yi[q + 2 * s] = w[2] * hi + w[3] * hr;
        yr[q + 3 * s] = w[4] * kr - w[5] * ki;
        yi[q + 3 * s] = w[4] * ki + w[5] * kr;
    }
}

STN_INLINE void stn_fft_pairs(size_t s, const double *STN_RESTRICT xr,
                              const double *STN_RESTRICT xi,
                              double *STN_RESTRICT yr, double *STN_RESTRICT yi)
{
    for (size_t q = 0; q < s; q++) {
        yr[q] = xr[q] + xr[q + s];
        yi[q] = xi[q] + xi[q + s];
        yr[q + s] = xr[q] - xr[q + s];
        yi[q + s] = xi[q] - xi[q + s];
    }
}

/* Complex transform of `z`; the result lies in `z` or in `work`, which is
 * returned. */
STN_INLINE stn_spectrum stn_fft(const stn_circulant_fft *f, stn_spectrum z,
                                stn_spectrum work)
{
    const double *w = f->stages;
    size_t n = f->n, s = 1;
    for (; n >= 4; n /= 4, s *= 4) {
        size_t m = n / 4;
        if (s == 1)
            stn_fft_first(m, w, z.re, z.im, work.re, work.im);
        for (size_t p = 0; p < m && s > 1; p++) {
            const double turn[6] = {w[p],         w[m + p],     w[2 * m + p],
                                    w[3 * m + p], w[4 * m + p], w[5 * m + p]};
            stn_fft_butterfly(s, s * m, turn, z.re + s * p, z.im + s * p,
                              work.re + 4 * s * p, work.im + 4 * s * p);
        }
        w += 6 * m;
        stn_spectrum swap = z;
        z = work;
        work = swap;
    }
    if (n == 1)
        return z;
    stn_fft_pairs(s, z.re, z.im, work.re, work.im);
    return work;
}

/* X[k] = E - i w O and X[N - k] = conj(E + i w O) with
 * E, O = (Z[k] ± conj Z[N - k]) / 2 and w = e^(-2 pi i k / L). */
STN_INLINE void stn_fft_split(const stn_circulant_fft *f,
                              const double *STN_RESTRICT zr,
                              const double *STN_RESTRICT zi,
                              double *STN_RESTRICT xr, double *STN_RESTRICT xi)
{
    size_t n = f->n;
    const double *wr = f->turns, *wi = wr + n / 2 + 1;
    xr[0] = zr[0] + zi[0];
    xi[0] = zr[0] - zi[0];
    for (size_t k = 1; k <= n / 2; k++) {
        double er = 0.5 * (zr[k] + zr[n - k]), ei = 0.5 * (zi[k] - zi[n - k]);
        double odr = 0.5 * (zr[k] - zr[n - k]), oi = 0.5 * (zi[k] + zi[n - k]);
        double tr = wr[k] * oi + wi[k] * odr, ti = wi[k] * oi - wr[k] * odr;
        xr[k] = er + tr;
        xi[k] = ei + ti;
        xr[n - k] = er - tr;
        xi[n - k] = ti - ei;
    }
}

/* The reverse: Z[k] = E + i conj(w) T, Z[N - k] = conj(E) + i w conj(T) with
 * E, T = (X[k] ± conj X[N - k]) / 2. */
STN_INLINE void stn_fft_join(const stn_circulant_fft *f,
                             const double *STN_RESTRICT xr,
                             const double *STN_RESTRICT xi,
                             double *STN_RESTRICT zr, double *STN_RESTRICT zi)
{
    size_t n = f->n;
    const double *wr = f->turns, *wi = wr + n / 2 + 1;
    zr[0] = 0.5 * (xr[0] + xi[0]);
    zi[0] = 0.5 * (xr[0] - xi[0]);
    for (size_t k = 1; k <= n / 2; k++) {
        double er = 0.5 * (xr[k] + xr[n - k]), ei = 0.5 * (xi[k] - xi[n - k]);
        double tr = 0.5 * (xr[k] - xr[n - k]), ti = 0.5 * (xi[k] + xi[n - k]);
        double odr = wr[k] * tr + wi[k] * ti, oi = wr[k] * ti - wi[k] * tr;
        zr[k] = er - oi;
        zi[k] = ei + odr;
        zr[n - k] = er + oi;
        zi[n - k] = odr - ei;
    }
}

/* sum += w x, N complex numbers of which place 0 is two real ones. */
STN_INLINE void stn_spectrum_add(size_t n, const double *STN_RESTRICT w,
                                 const double *STN_RESTRICT x,
                                 double *STN_RESTRICT sum)
{
    double first = sum[0] + w[0] * x[0], last = sum[n] + w[n] * x[n];
    for (size_t k = 0; k < n; k++) {
        sum[k] += w[k] * x[k] - w[n + k] * x[n + k];
        sum[n + k] += w[k] * x[n + k] + w[n + k] * x[k];
    }
    sum[0] = first;
    sum[n] = last;
}

/* `length` numbers at x, followed by zeros, into their spectrum. */
STN_INLINE void stn_circulant_transform(const stn_circulant_fft *f,
                                        const double *x, size_t length,
                                        double *to, double *work)
{
    size_t n = f->n, pairs = length / 2;
    stn_spectrum z = {work, work + n}, other = {work + 2 * n, work + 3 * n};
    for (size_t k = 0; k < pairs; k++) {
        z.re[k] = x[2 * k];
        z.im[k] = x[2 * k + 1];
    }
    for (size_t k = pairs; k < n; k++)
        z.re[k] = z.im[k] = 0;
    if (length % 2)
        z.re[pairs] = x[length - 1];
    z = stn_fft(f, z, other);
    stn_fft_split(f, z.re, z.im, to, to + n);
}

/* Rounds the outputs of a block; what lies p apart is added. */
STN_INLINE void stn_circulant_round(const stn_circulant_fft *f, stn_spectrum z,
                                    size_t length, int32_t *acc)
{
    size_t n = f->n, p = (size_t)f->blocks.p;
    double share = 1.0 / (double)n;
    bool wraps = p < 2 * n;
    for (size_t t = 0; t < length; t++) {
        double y = t % 2 ? z.im[t / 2] : z.re[t / 2];
        if (wraps && t + p < 2 * n)
            y += (t + p) % 2 ? z.im[(t + p) / 2] : z.re[(t + p) / 2];
        y *= share;
        acc[t] = (int32_t)(y < 0 ? y - 0.5 : y + 0.5);
    }
}

/* Element i of an input that need not be aligned. */
STN_INLINE int stn_circulant_input(stn_type type, const uint8_t *x, size_t i)
{
    if (type == STN_TYPE_U8)
        return x[i];
    if (type == STN_TYPE_S8)
        return (int8_t)x[i];
    return (int16_t)(uint16_t)(x[2 * i] | x[2 * i + 1] << 8);
}

/* A patch as doubles, its runs one after the other. */
STN_INLINE void stn_circulant_load(const stn_dot_shape *s, const uint8_t *x,
                                   double *STN_RESTRICT to)
{
    size_t size = stn_type_size(s->input), run = (size_t)s->run;
    for (int i = 0; i < s->runs; i++, to += run) {
        const uint8_t *from = x + (size_t)i * s->pitch * size;
        for (size_t k = 0; k < run; k++)
            to[k] = stn_circulant_input(s->input, from, k);
    }
}

/* Doubles of scratch: a patch, its spectra, a sum, and work. */
static inline size_t stn_circulant_scratch(const stn_circulant_fft *f)
{
    return f->depth + f->cols * 2 * f->n + 2 * f->n + 4 * f->n;
}

STN_INLINE void stn_circulant_patch(const stn_circulant_fft *f,
                                    const stn_dot_shape *s, const uint8_t *x,
                                    double *scratch, int32_t *acc)
{
    size_t n = f->n, p = (size_t)f->blocks.p, in = (size_t)f->blocks.in;
    size_t across = (in + p - 1) / p;
    double *spectra = scratch + f->depth, *sum = spectra + f->cols * 2 * n;
    double *work = sum + 2 * n;
    const double *w = f->weights;
    stn_circulant_load(s, x, scratch);
    for (size_t b = 0; b < f->cols; b++) {
        size_t first = b % across * p;
        stn_circulant_transform(f, scratch + b / across * in + first,
                                in - first < p ? in - first : p,
                                spectra + b * 2 * n, work);
    }
    for (size_t i = 0; i < f->rows; i++) {
        for (size_t k = 0; k < 2 * n; k++)
            sum[k] = 0;
        for (size_t b = 0; b < f->cols; b++, w += 2 * n)
            stn_spectrum_add(n, w, spectra + b * 2 * n, sum);
        /* The inverse is the transform with parts exchanged. */
        stn_spectrum z = {work + n, work};
        stn_spectrum other = {work + 3 * n, work + 2 * n};
        stn_fft_join(f, sum, sum + n, z.im, z.re);
        z = stn_fft(f, z, other);
        size_t left = f->out - i * p;
        stn_circulant_round(f, (stn_spectrum){z.im, z.re}, left < p ? left : p,
                            acc + i * p);
    }
}

STN_INLINE void stn_circulant_run(const stn_dot_call *call)
{
    const stn_circulant_fft *f = call->prepared;
    for (int k = 0; k < call->n; k++)
        stn_circulant_patch(f, call->shape,
                            (const uint8_t *)call->x + call->patches[k],
                            call->scratch, call->acc + (size_t)k * f->out);
}

#endif
