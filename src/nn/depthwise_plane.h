/* SPDX-License-Identifier: MIT
 *
 * Inside src/nn: depthwise convolution of one picture that has its zeros
 * around it already, the inner loops of op_depthwise.c. */
#ifndef STN_NN_DEPTHWISE_PLANE_H
#define STN_NN_DEPTHWISE_PLANE_H

#include <stdbool.h>
#include <stddef.h>

#define STN_DEPTHWISE_KERNEL 15 /* largest kernel */

/* Output (oy, ox) sees x at row oy * stride + ky, column ox * stride + kx.
 * `c` channels of every pixel are worked on; distances are in floats. */
typedef struct stn_plane {
    int h, w; /* of the output */
    int kernel, stride;
    size_t c, x_row, x_pixel, y_pixel;
    ptrdiff_t w_tap; /* from one tap's weights to the next, row by row */
} stn_plane;

/* y = (or += when `add`) sum over taps of x * w. */
void stn_plane_filter(const stn_plane *plane, const float *x, const float *w,
                      bool add, float *y);

/* w[tap] += sum over outputs of x * y. */
void stn_plane_correlate(const stn_plane *plane, const float *x, const float *y,
                         float *w);

#endif
