/* SPDX-License-Identifier: MIT
 *
 * Transcendental functions with the same bits on every machine: libm's differ
 * between versions. Each states its bound; tests/test_base.c measures it. */
#ifndef STN_BASE_MATH_H
#define STN_BASE_MATH_H

#include <math.h>
#include <stddef.h>

/* e^x; at most 2 ulp for x in [-87, 88]; 0 below, +inf above. */
float stn_expf(float x);
/* tanh x; at most 2 ulp. */
float stn_tanhf(float x);
/* y[i] = tanh x[i], the same bits, n at a time. */
void stn_tanhf_all(size_t n, const float *x, float *y);
/* ln x for x > 0; at most 2 ulp; -inf at 0. */
float stn_logf(float x);
/* cos(pi x), for the cosine schedule; absolute error at most 1e-6. */
float stn_cospif(float x);
/* The largest of 0, x[i] and sign * x[i]: with sign -1 max|x|, with 1 max x.
 * NaN is passed over. */
float stn_largest(size_t n, const float *x, float sign);
/* Round half to even, the default of IEEE 754, whatever the compiler; without
 * a branch, so that loops over it vectorise. From 2^23 on every float is an
 * integer, and adding 2^23 leaves no room for a fraction. */
static inline float stn_rintf(float x)
{
    const float magic = copysignf(0x1p23f, x);
    const float rounded = copysignf((x + magic) - magic, x);
    return fabsf(x) < 0x1p23f ? rounded : x;
}

#endif
