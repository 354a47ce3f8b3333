/* SPDX-License-Identifier: MIT
 *
 * What several quantisers compute. */
#ifndef STN_COMPRESS_QUANT_H
#define STN_COMPRESS_QUANT_H

#include "base/math.h"
#include "compress/compress.h"

/* max|w|; 0 for n = 0. NaN is passed over. */
float stn_max_magnitude(size_t n, const float *w);
/* mean(|w| : |w| >= threshold), summed in double in order; 0 when none is. */
float stn_mean_magnitude(size_t n, const float *w, float threshold);
/* The clipped straight-through estimator: grad = 0 where |w| >= 1. */
void stn_straight_through(const stn_quantiser_call *call, float *grad);

#endif
