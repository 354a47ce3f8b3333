/* SPDX-License-Identifier: MIT
 *
 * What several quantisers compute. */
#ifndef STN_COMPRESS_QUANT_H
#define STN_COMPRESS_QUANT_H

#include "base/math.h"
#include "compress/compress.h"

/* max|w|; 0 for n = 0. NaN is passed over. */
static inline float stn_max_magnitude(size_t n, const float *w)
{
    return stn_largest(n, w, -1.0f);
}
/* mean(|w| : |w| >= threshold), summed in double; 0 when none is. */
float stn_mean_magnitude(size_t n, const float *w, float threshold);
/* sum w, sum |w| and sum w^2, in double. */
double stn_sum(size_t n, const float *w);
double stn_sum_magnitudes(size_t n, const float *w);
double stn_sum_squares(size_t n, const float *w);
/* codes = clamp(rint(w / scale), lo, hi), half to even; scale > 0, and lo, hi
 * integers in -127 … 127. NaN gives lo. */
void stn_round_codes(size_t n, const float *w, float scale, float lo, float hi,
                     int8_t *codes);
/* The clipped straight-through estimator: grad = 0 where |w| >= 1. */
void stn_straight_through(const stn_quantiser_call *call, float *grad);

#endif
