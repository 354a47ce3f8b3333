/* SPDX-License-Identifier: MIT
 *
 * With targets t summing to 1: loss = ln sum exp z - sum t z, and its gradient
 * is softmax(z) - t. The largest logit is subtracted first, so that no
 * exponential overflows. */
#include "nn/loss.h"
#include "base/math.h"
#include <assert.h>
#include <stddef.h>

double stn_loss_softmax(const stn_loss *loss, const float *logits,
                        uint8_t label, float *gradient, bool *correct)
{
    assert(label < loss->classes);
    const int n = loss->classes;
    const float rest = loss->smoothing / (float)n;
    int best = 0;
    for (int i = 1; i < n; i++)
        if (logits[i] > logits[best])
            best = i;
    float sum = 0.0f;
    double target = 0.0;
    for (int i = 0; i < n; i++) {
        const float z = logits[i] - logits[best];
        const float t = rest + (i == label ? 1.0f - loss->smoothing : 0.0f);
        sum += stn_expf(z);
        target += (double)t * (double)z;
    }
    for (int i = 0; gradient && i < n; i++) {
        const float t = rest + (i == label ? 1.0f - loss->smoothing : 0.0f);
        const float p = stn_expf(logits[i] - logits[best]) / sum;
        gradient[i] = loss->scale * (p - t);
    }
    *correct = best == label;
    return (double)stn_logf(sum) - target;
}
