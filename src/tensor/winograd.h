/* SPDX-License-Identifier: MIT
 *
 * Inside src/tensor: 3 x 3 convolutions of stride 1 by Winograd's minimal
 * filtering F(4 x 4, 3 x 3) (Lavin & Gray 2016, "Fast algorithms for
 * convolutional neural networks", section 4.3): 36 multiplications make 16
 * outputs, where the definition takes 144. */
#ifndef STN_TENSOR_WINOGRAD_H
#define STN_TENSOR_WINOGRAD_H

#include "tensor/onednn.h"

#define STN_WINOGRAD_POINTS 36 /* of a transformed tile, 6 x 6 */
#define STN_WINOGRAD_ROWS 16   /* tiles that a product works on at once */

/* A row of `n` square tiles of `c` channels, a multiple of 16: floats from one
 * element of a tile to the one below, to its right, and to the next tile. */
typedef struct stn_winograd_tiles {
    float *first;
    size_t down, right, next;
} stn_winograd_tiles;

/* Transforms every channel of `n` tiles of `from`; the two do not overlap. */
typedef void (*stn_winograd_transform)(const stn_winograd_tiles *from,
                                       const stn_winograd_tiles *to, size_t n,
                                       size_t c);

/* What an instruction set implements; the matrices are Lavin's. */
typedef struct stn_winograd_kernels {
    stn_winograd_transform data;     /* B' d B: 6 x 6 to 6 x 6 */
    stn_winograd_transform filter;   /* G g G': 3 x 3 to 6 x 6 */
    stn_winograd_transform output;   /* A' m A: 6 x 6 to 4 x 4 */
    stn_winograd_transform gradient; /* A d A': 4 x 4 to 6 x 6 */
    stn_winograd_transform weights;  /* G' m G: 6 x 6 to 3 x 3 */
    /* m = v u: rows x k = (rows x c) (c x k); rows a multiple of
     * STN_WINOGRAD_ROWS, k one of 16. */
    void (*product)(const float *v, const float *u, size_t rows, size_t c,
                    size_t k, float *m);
    /* u (+)= y' v: k x c = (rows x k)' (rows x c); c and k multiples of 16. */
    void (*product_rows)(const float *y, const float *v, size_t rows, size_t c,
                         size_t k, bool add, float *u);
} stn_winograd_kernels;

/* The widest; NULL when the machine has neither AVX2 with FMA nor AVX-512. */
const stn_winograd_kernels *stn_winograd_kernels_get(void);
/* NULL when not compiled in or not supported. */
const stn_winograd_kernels *stn_winograd_kernels_avx2(void);
const stn_winograd_kernels *stn_winograd_kernels_avx512(void);

/* Whether the shape is a 3 x 3 convolution of stride 1, without groups, with
 * channels in sixteens and not too many. */
bool stn_winograd_fits(const stn_conv_shape *shape);
/* Floats of the transformed filters, and of scratch for any call. */
size_t stn_winograd_filter_floats(const stn_conv_shape *shape);
size_t stn_winograd_scratch(const stn_conv_shape *shape);

/* Transforms OHWI weights for `forward`, or turned by 180 degrees and with
 * inputs and outputs exchanged, for `data`. */
void stn_winograd_prepare(const stn_winograd_kernels *kernels,
                          const stn_conv_shape *shape, const float *w,
                          bool turned, float *filter, float *scratch);
/* y = x * w without bias; `filter` is what prepare made. */
void stn_winograd_forward(const stn_winograd_kernels *kernels,
                          const stn_conv_shape *shape, const float *x,
                          const float *filter, float *y, float *scratch);
/* dx = dy * w transposed; `filter` is turned. */
void stn_winograd_data(const stn_winograd_kernels *kernels,
                       const stn_conv_shape *shape, const float *dy,
                       const float *filter, float *dx, float *scratch);
void stn_winograd_weights(const stn_winograd_kernels *kernels,
                          const stn_conv_shape *shape, const float *x,
                          const float *dy, float *dw, float *scratch);

#endif
