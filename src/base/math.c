/* SPDX-License-Identifier: MIT
 *
 * Each function reduces its argument, evaluates a Taylor polynomial in
 * double with an error far below a float ulp, and rounds once. Only + - * /
 * and exact conversions are used, so the bits are the same wherever double
 * is IEEE 754. The bounds stated here are of the polynomials; with the final
 * rounding every result is within 0.51 ulp. */
#include "base/math.h"
#include "base/compiler.h"
#include <math.h>
#include <stdint.h>
#include <string.h>

/* Adding and taking away 1.5 * 2^52 rounds a small double to an integer. */
static const double round_magic = 0x1.8p52;

/* e^x = 2^n e^t for x in [-87, 88], n = round(x / ln 2), |t| <= ln 2 / 2.
 * Taylor to t^8 leaves 0.347^9 / 9! = 2e-10 relative. The lowest bits of
 * n + 1.5 * 2^52 are n. */
STN_INLINE double exponential(double x)
{
    double z = x * 1.4426950408889634; /* 1 / ln 2 */
    double shifted = z + round_magic, n = shifted - round_magic;
    double t = (z - n) * 0.6931471805599453; /* ln 2 */
    double p = 1.0 / 40320;
    p = p * t + 1.0 / 5040;
    p = p * t + 1.0 / 720;
    p = p * t + 1.0 / 120;
    p = p * t + 1.0 / 24;
    p = p * t + 1.0 / 6;
    p = p * t + 0.5;
    p = p * t + 1.0;
    p = p * t + 1.0;
    uint64_t bits;
    memcpy(&bits, &shifted, sizeof bits);
    bits = (bits + 1023) << 52;
    double scale;
    memcpy(&scale, &bits, sizeof scale);
    return p * scale;
}

float stn_expf(float x)
{
    if (x < -87.0f)
        return 0.0f;
    if (x > 88.0f)
        return INFINITY;
    if (isnan(x))
        return x;
    return (float)exponential((double)x);
}

/* tanh x = (e - 1) / (e + 1), e = e^2x, up to |x| = 9.5, where it is 1 as a
 * float. Near 0, where e - 1 cancels, the Taylor series; its next term is
 * below 0.2^12 * 0.0036 = 2e-11 relative. All are computed and one is taken,
 * so that a loop vectorises. */
STN_INLINE float hyperbolic_tangent(float x)
{
    const float magnitude = fabsf(x), held = magnitude < 9.5f ? x : 0.0f;
    const double d = (double)held, q = d * d, e = exponential(2 * d);
    double p = -1382.0 / 155925;
    p = p * q + 62.0 / 2835;
    p = p * q - 17.0 / 315;
    p = p * q + 2.0 / 15;
    p = p * q - 1.0 / 3;
    p = p * q + 1.0;
    const float near = (float)(d * p), far = (float)((e - 1) / (e + 1));
    const float inside = magnitude < 0.2f ? near : far;
    const float outside = isnan(x) ? x : copysignf(1.0f, x);
    return magnitude < 9.5f ? inside : outside;
}

float stn_tanhf(float x)
{
    return hyperbolic_tangent(x);
}

STN_CLONES
void stn_tanhf_all(size_t n, const float *STN_RESTRICT x, float *STN_RESTRICT y)
{
    for (size_t i = 0; i < n; i++)
        y[i] = hyperbolic_tangent(x[i]);
}

/* x = 2^e m, m in [sqrt 1/2, sqrt 2); with s = (m - 1) / (m + 1),
 * ln m = 2 (s + s^3/3 + s^5/5 + ...). |s| <= 0.172, so the terms after
 * s^11 are below s * 0.0295^6 / 13 = 5e-11 relative. */
float stn_logf(float x)
{
    if (x == 0.0f)
        return -INFINITY;
    if (!(x > 0.0f))
        return NAN;
    if (isinf(x))
        return x;
    double d = (double)x; /* a subnormal float is a normal double */
    uint64_t bits;
    memcpy(&bits, &d, sizeof bits);
    int e = (int)(bits >> 52) - 1023;
    bits = (bits & UINT64_C(0xfffffffffffff)) | UINT64_C(0x3ff) << 52;
    double m;
    memcpy(&m, &bits, sizeof m);
    if (m > 1.4142135623730951) {
        m *= 0.5;
        e++;
    }
    double s = (m - 1.0) / (m + 1.0);
    double q = s * s;
    double p = 1.0 / 11;
    p = p * q + 1.0 / 9;
    p = p * q + 1.0 / 7;
    p = p * q + 1.0 / 5;
    p = p * q + 1.0 / 3;
    p = p * q + 1.0;
    return (float)(2.0 * s * p + e * 0.6931471805599453);
}

/* Folds x to t in [0, 1/2] by cos(pi x) = cos(pi (2 - x)) = -cos(pi (1 - x)),
 * then Taylor in (pi t)^2 to the 14th power: the next term is below
 * (pi/2)^16 / 16! = 7e-11. */
float stn_cospif(float x)
{
    double t = fabs((double)x);
    t -= 2.0 * floor(0.5 * t);
    if (t > 1.0)
        t = 2.0 - t;
    double sign = 1.0;
    if (t > 0.5) {
        t = 1.0 - t;
        sign = -1.0;
    }
    double y = t * 3.141592653589793;
    double q = y * y;
    double p = -1.0 / 87178291200.0; /* 1 / 14! */
    p = p * q + 1.0 / 479001600.0;
    p = p * q - 1.0 / 3628800.0;
    p = p * q + 1.0 / 40320.0;
    p = p * q - 1.0 / 720.0;
    p = p * q + 1.0 / 24.0;
    p = p * q - 0.5;
    p = p * q + 1.0;
    return (float)(sign * p);
}

/* LANES maxima, so that the loop vectorises. */
#define LANES 32
STN_CLONES
float stn_largest(size_t n, const float *STN_RESTRICT x, float sign)
{
    float lane[LANES] = {0};
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (size_t l = 0; l < LANES; l++) {
            const float v = x[i + l], w = sign * v;
            const float u = v > w ? v : w;
            lane[l] = u > lane[l] ? u : lane[l];
        }
    for (; i < n; i++) {
        const float v = x[i], w = sign * v;
        const float u = v > w ? v : w;
        lane[0] = u > lane[0] ? u : lane[0];
    }
    for (size_t l = 1; l < LANES; l++)
        lane[0] = lane[l] > lane[0] ? lane[l] : lane[0];
    return lane[0];
}
