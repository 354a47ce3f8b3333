/* SPDX-License-Identifier: MIT
 *
 * Ternary weights with a trainable threshold (He & Fan, "Simultaneously
 * optimizing weight and quantizer of ternary neural network using truncated
 * Gaussian approximation", CVPR 2019; formulas from the authors' code,
 * github elliothe/tern_repo, tern_threshold_trainable_5.py).
 *
 *     mu, sigma = mean and standard deviation of the layer's weights
 *     theta = min(|delta|, 3 sigma)      delta: the trainable number
 *     a     = theta / sigma,  h = phi(a) / (1 - Phi(a))
 *     code  = +1 where w > mu + theta, -1 where w < mu - theta, else 0
 *     scale = mu + sigma h:  the mean of a Gaussian above mu + theta
 *
 * With g = dL/d(effective) and G = dL/dscale = sum(g code):
 *
 *     dL/dw     = g + G dscale/dw,   straight through the codes, no clipping
 *     dscale/dw = 1/n + (h - a h (h - a)) (w - mu) / ((n - 1) sigma)
 *     dL/ddelta = G h (h - a) sign(delta), 0 beyond 3 sigma, then clamped to
 *                 ± `clamp`
 *
 * A weight of exactly 0 was pruned and has code 0, whatever the mean.
 *
 * delta starts at `start` max|w| and is moved by the recipe's optimiser; the
 * authors use SGD with momentum for it, and no decay. A negative scale, which
 * weights far from mean 0 would give, is taken as 0. */
#include "compress/quant.h"

#include <math.h>

typedef struct gauss_attrs {
    float start, clamp;
} gauss_attrs;

// clang-format off
static const stn_attr attrs[] = {
    {"start", STN_ATTR_FLOAT, offsetof(gauss_attrs, start), 0.05, 0, 1, NULL,
     "first threshold, as a share of the layer's max|w|"},
    {"clamp", STN_ATTR_FLOAT, offsetof(gauss_attrs, clamp), 1e-3, 0, 1e30,
     NULL, "largest magnitude of the threshold's gradient"},
    {.name = NULL}};
// clang-format on

/* What the layer's weights and its threshold say. */
typedef struct moments {
    size_t n;
    double mean, deviation; /* unbiased */
    double theta, a, h;
} moments;

/* phi(a) / (1 - Phi(a)) for 0 <= a <= 3, by the series
 * Phi(a) - 1/2 = sum (-1)^k a^(2k+1) / (2^k k! (2k+1)) / sqrt(2 pi), whose
 * terms fall below 1e-12 by k = 30. */
static double hazard(double a)
{
    const double root = 2.5066282746310002; /* sqrt(2 pi) */
    double term = a, sum = 0;

    for (int k = 0; k < 30; k++) {
        sum += term / (2 * k + 1);
        term *= -a * a / (2 * (k + 1));
    }
    return (double)stn_expf((float)(-0.5 * a * a)) / (0.5 * root - sum);
}

static moments moments_of(const stn_quantiser_call *call)
{
    moments m = {.n = stn_weight_count(call->shape)};
    double sum = 0, squares = 0;

    for (size_t i = 0; i < m.n; i++)
        sum += (double)call->latent[i];
    m.mean = sum / (double)m.n;
    for (size_t i = 0; i < m.n; i++) {
        double d = (double)call->latent[i] - m.mean;
        squares += d * d;
    }
    m.deviation = m.n > 1 ? sqrt(squares / (double)(m.n - 1)) : 0;
    m.theta = fmin(fabs((double)call->learned), 3 * m.deviation);
    m.a = m.deviation > 0 ? m.theta / m.deviation : 0;
    m.h = hazard(m.a);
    return m;
}

static int code_at(const moments *m, float w)
{
    double d = (double)w - m->mean;

    if (w == 0)
        return 0;
    return (d > m->theta) - (d < -m->theta);
}

static void encode(const stn_quantiser_call *call, int8_t *codes, float *scales)
{
    moments m = moments_of(call);

    for (size_t i = 0; i < m.n; i++)
        codes[i] = (int8_t)code_at(&m, call->latent[i]);
    scales[0] = (float)fmax(m.mean + m.deviation * m.h, 0);
}

static stn_alphabet alphabet(const void *state)
{
    (void)state;
    return (stn_alphabet){STN_LEVELS_TERNARY, 2};
}

/* dL/dscale */
static double scale_gradient(const stn_quantiser_call *call, const moments *m,
                             const float *grad)
{
    double sum = 0;

    for (size_t i = 0; i < m->n; i++)
        sum += (double)grad[i] * code_at(m, call->latent[i]);
    return sum;
}

static void backward(const stn_quantiser_call *call, float *grad)
{
    moments m = moments_of(call);
    double g = scale_gradient(call, &m, grad), slope;

    if (!(m.deviation > 0))
        return;
    slope = (m.h - m.a * m.h * (m.h - m.a)) / ((double)(m.n - 1) * m.deviation);
    for (size_t i = 0; i < m.n; i++)
        grad[i] += (float)(g * (1 / (double)m.n +
                                slope * ((double)call->latent[i] - m.mean)));
}

static float start(const stn_quantiser_call *call)
{
    const gauss_attrs *a = call->attrs;

    return a->start *
           stn_max_magnitude(stn_weight_count(call->shape), call->latent);
}

static float learn(const stn_quantiser_call *call, const float *grad)
{
    const gauss_attrs *a = call->attrs;
    moments m = moments_of(call);
    float g;

    if (fabs((double)call->learned) > 3 * m.deviation)
        return 0;
    g = (float)(scale_gradient(call, &m, grad) * m.h * (m.h - m.a));
    g = copysignf(1, call->learned) * g;
    g = g < a->clamp ? g : a->clamp;
    return g > -a->clamp ? g : -a->clamp;
}

const stn_quantiser_type stn_quantiser_ternary_gauss = {
    .name = "ternary_gauss",
    .help = "ternary by a trainable threshold, scale of a truncated Gaussian",
    .attrs = attrs,
    .attrs_size = sizeof(gauss_attrs),
    .alphabet = alphabet,
    .encode = encode,
    .backward = backward,
    .learned = "threshold",
    .start = start,
    .learn = learn,
};
