/* SPDX-License-Identifier: MIT
 *
 * Shared parts of quantisers. Sums run in double and in storage order, so
 * their bits do not depend on the instruction set. */
#include "compress/quant.h"

#include <math.h>

float stn_max_magnitude(size_t n, const float *w)
{
    float max = 0;

    for (size_t i = 0; i < n; i++) {
        float magnitude = fabsf(w[i]);
        max = magnitude > max ? magnitude : max;
    }
    return max;
}

float stn_mean_magnitude(size_t n, const float *w, float threshold)
{
    double sum = 0;
    size_t count = 0;

    for (size_t i = 0; i < n; i++) {
        float magnitude = fabsf(w[i]);
        if (magnitude >= threshold) {
            sum += (double)magnitude;
            count++;
        }
    }
    return count ? (float)(sum / (double)count) : 0;
}

void stn_straight_through(const stn_quantiser_call *call, float *grad)
{
    size_t n = stn_weight_count(call->shape);
    const float *w = call->latent;

    for (size_t i = 0; i < n; i++)
        grad[i] = fabsf(w[i]) < 1 ? grad[i] : 0;
}
