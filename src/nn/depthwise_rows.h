/* SPDX-License-Identifier: MIT
 *
 * Inside src/nn: depthwise convolution of one row of pixels by one row of a
 * kernel, the inner loops of op_depthwise.c. */
#ifndef STN_NN_DEPTHWISE_ROWS_H
#define STN_NN_DEPTHWISE_ROWS_H

#include <stddef.h>

/* `n` pixels of c channels each. Steps are in floats. Tap t of pixel p reads
 * x[p * x_step + t * x_tap]. */
typedef struct stn_tap_row {
    int n, taps;
    size_t c, x_step, x_tap, y_step;
    ptrdiff_t w_tap; /* between the weights of two taps */
} stn_tap_row;

/* y[p] += sum over taps t of x[p, t] * w[t], for every pixel and channel. */
void stn_tap_row_filter(const stn_tap_row *row, const float *x, const float *w,
                        float *y);

/* w[t] += sum over pixels p of x[p, t] * y[p]. */
void stn_tap_row_correlate(const stn_tap_row *row, const float *x,
                           const float *y, float *w);

#endif
