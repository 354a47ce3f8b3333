/* SPDX-License-Identifier: MIT
 *
 * Convolutions and matrix products whose weights are block-circulant, by fast
 * Fourier transforms (CirCNN, Ding et al., MICRO 2017). Of every p x p block
 * only the first column w is given; element (r, c) of the block is
 * w[(r - c) mod p]. No other file calls the library of transforms (kissfft). */
#ifndef STN_TENSOR_CIRCULANT_H
#define STN_TENSOR_CIRCULANT_H

#include "tensor/onednn.h"

typedef struct stn_circulant stn_circulant;

/* What memory the calls of a plan need, in floats. `saved` is filled by
 * forward and read by backward of the same shard. */
typedef struct stn_circulant_needs {
    size_t scratch, saved;
} stn_circulant_needs;

/* For a convolution in one group; a matrix product is one of 1 x 1 pictures
 * with a 1 x 1 kernel. The plane of `out` filters and `c` input channels is
 * cut into blocks of side p >= 2, cut off at its edges; every kernel position
 * has a plane. Weights are {R, kernel, kernel, Q * p} with R = ceil(out / p),
 * Q = ceil(c / p): of block (i, j) the first column at i, …, j * p. Between
 * two calls of stn_circulant_prepare a plan is read-only and may be used by
 * several threads, each with its own scratch. */
stn_status stn_circulant_create(const stn_conv_shape *shape, int p,
                                bool backward, stn_circulant **out,
                                stn_circulant_needs *needs, stn_error *err);
void stn_circulant_destroy(stn_circulant *plan); /* NULL is legal */

/* Transforms the weights for the calls that follow. */
void stn_circulant_prepare(stn_circulant *plan, const float *w, float *scratch);

/* y = x * w + b (bias NULL: none). NHWC. */
void stn_circulant_forward(const stn_circulant *plan, const float *x,
                           const float *bias, float *y, float *saved,
                           float *scratch);

/* Gradients; dx and dbias may be NULL, all are overwritten. Values of w that
 * no weight has, in blocks that are cut off, have gradient 0. */
typedef struct stn_circulant_gradients {
    float *dx, *dw, *dbias;
} stn_circulant_gradients;
void stn_circulant_backward(const stn_circulant *plan, const float *dy,
                            const float *saved,
                            const stn_circulant_gradients *out, float *scratch);

#endif
