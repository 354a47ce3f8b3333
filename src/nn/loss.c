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

/* ln sum exp(z / T), with the largest z apart: the first such is `best`. */
static float log_sum(int n, const float *z, float temperature, int *best)
{
    float sum = 0.0f;
    *best = 0;
    for (int i = 1; i < n; i++)
        if (z[i] > z[*best])
            *best = i;
    for (int i = 0; i < n; i++)
        sum += stn_expf((z[i] - z[*best]) / temperature);
    return stn_logf(sum);
}

/* With p = softmax(u / T) and q = softmax(z / T) the derivative of
 * T^2 KL(p || q) is T (q - p). */
double stn_loss_distil(const stn_loss *loss, const stn_distil *distil,
                       const float *logits, const float *teacher, uint8_t label,
                       float *gradient, bool *correct)
{
    const float t = distil->temperature, share = distil->share;
    const int n = loss->classes;
    stn_loss own = *loss;
    own.scale *= 1.0f - share;
    const double hard =
        stn_loss_softmax(&own, logits, label, gradient, correct);
    int best, first;
    const float q_sum = log_sum(n, logits, t, &best);
    const float p_sum = log_sum(n, teacher, t, &first);
    double divergence = 0.0;
    for (int i = 0; i < n; i++) {
        const float ln_q = (logits[i] - logits[best]) / t - q_sum;
        const float ln_p = (teacher[i] - teacher[first]) / t - p_sum;
        const float p = stn_expf(ln_p);
        divergence += (double)p * ((double)ln_p - (double)ln_q);
        if (gradient)
            gradient[i] += loss->scale * share * t * (stn_expf(ln_q) - p);
    }
    return (1.0 - (double)share) * hard +
           (double)share * (double)t * (double)t * divergence;
}
