/* SPDX-License-Identifier: MIT
 *
 * The kernel seam: contracts of the inner loops. The scalar versions in ref/
 * are the definition; a fast version is one file <arch>/<op>_<isa>.c and one
 * assignment in dispatch.c, and must give equal bits (tests/test_kernels.c
 * runs every level on edge sizes with guard pages).
 *
 * Kernels never allocate, touch no byte outside what their contract names,
 * and may be called from several threads on disjoint outputs. Sums are exact:
 * the plan checks that they fit what a kernel accumulates in. */
#ifndef STN_KERNELS_KERNELS_H
#define STN_KERNELS_KERNELS_H

#include "setun/engine.h"

/* Weights laid out for `dot`: what `dot_layout` writes is private to the
 * level; its size comes from `dot_layout_bytes`. */
typedef struct stn_dot_shape {
    int rows;  /* patches: output positions */
    int depth; /* products a sum: kh * kw * channels */
    int out;   /* filters */
    stn_code code;
    stn_type input; /* U8, S8 or S16 */
    int64_t input_lo, input_hi; /* proven range of the input */
} stn_dot_shape;

typedef struct stn_kernels {
    stn_cpu_level level;

    /* Patch-by-filter products: acc[r * out + o] = sum over k < depth of
     * w[o][k] * x[r * stride_bytes + …][k]. `x` rows are contiguous runs of
     * `depth` elements of type `input`, `x_stride` elements apart. */
    size_t (*dot_layout_bytes)(const stn_dot_shape *shape);
    void (*dot_layout)(const stn_dot_shape *shape, const int8_t *codes,
                       void *laid_out);
    void (*dot)(const stn_dot_shape *shape, const void *laid_out,
                const void *x, size_t x_stride, int rows, int32_t *acc);

    /* One output row of a depthwise convolution, already padded input rows:
     * acc[q * out + o] = sum i, j of w[o][i][j] *
     * x[i][(q * stride + j) * channels + o mod channels], q < width. Each
     * x[i] points at a row of (width - 1) * stride + kw pixels. */
    size_t (*depthwise_layout_bytes)(int out, int kh, int kw);
    void (*depthwise_layout)(int out, int kh, int kw, const int8_t *codes,
                             void *laid_out);
    void (*depthwise)(const struct stn_depthwise_call *call);

    /* n positions of `channels`: y = clamp((x0*m0 + x1*m1 + a) >> shift). */
    void (*rescale)(const struct stn_rescale_call *call);
} stn_kernels;

typedef struct stn_depthwise_call {
    const void *const *x; /* kh rows */
    stn_type input;       /* U8 or S8 */
    int64_t input_lo, input_hi;
    int channels, out, kh, kw, stride, width;
    stn_code code;
    const void *laid_out;
    int32_t *acc;
} stn_depthwise_call;

typedef struct stn_rescale_call {
    const void *x0, *x1; /* x1 NULL: one input */
    stn_type type0, type1, type;
    int n, channels;
    const int32_t *m0, *m1;
    const int64_t *a;
    int shift;
    int32_t lo, hi;
    void *y;
} stn_rescale_call;

/* The table of a level; NULL above what this CPU has. */
const stn_kernels *stn_kernels_get(stn_cpu_level level);

#endif
