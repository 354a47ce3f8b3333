/* SPDX-License-Identifier: MIT
 *
 * xoshiro256** (Blackman & Vigna, "Scrambled linear pseudorandom number
 * generators", 2018, figure 1), seeded by the splitmix64 finaliser (Steele,
 * Lea & Flood, OOPSLA 2014). Not for cryptography. */
#include "base/rng.h"
#include "base/math.h"
#include <math.h>

/* One step of splitmix64: advances *x and hashes it. A bijection of *x, so
 * distinct words stay distinct. */
static uint64_t splitmix(uint64_t *x)
{
    *x += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = *x;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

stn_rng stn_rng_make(uint64_t seed, stn_rng_stream stream, uint64_t counter)
{
    uint64_t x = seed;
    x = splitmix(&x) ^ (uint64_t)stream;
    x = splitmix(&x) ^ counter;
    stn_rng rng;
    for (int i = 0; i < 4; i++)
        rng.s[i] = splitmix(&x);
    return rng;
}

static uint64_t rotate(uint64_t x, int k)
{
    return (x << k) | (x >> (64 - k));
}

uint64_t stn_rng_u64(stn_rng *rng)
{
    uint64_t *s = rng->s;
    uint64_t result = rotate(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return result;
}

/* Lemire, "Fast random integer generation in an interval", 2019: the high
 * word of x * bound, rejecting the 2^32 mod bound low words that would come
 * once too often. */
uint32_t stn_rng_below(stn_rng *rng, uint32_t bound)
{
    uint64_t m = (stn_rng_u64(rng) >> 32) * bound;
    if ((uint32_t)m < bound) {
        uint32_t reject = (0u - bound) % bound;
        while ((uint32_t)m < reject)
            m = (stn_rng_u64(rng) >> 32) * bound;
    }
    return (uint32_t)(m >> 32);
}

float stn_rng_unit(stn_rng *rng)
{
    return (float)(stn_rng_u64(rng) >> 40) * 0x1p-24f;
}

/* Marsaglia's polar method: (u, v) uniform in the unit disc, s = u^2 + v^2,
 * u sqrt(-2 ln s / s) is normal. The second value is dropped so that the
 * generator stays four words. */
float stn_rng_normal(stn_rng *rng)
{
    for (;;) {
        float u = 2.0f * stn_rng_unit(rng) - 1.0f;
        float v = 2.0f * stn_rng_unit(rng) - 1.0f;
        float s = u * u + v * v;
        if (s > 0.0f && s < 1.0f)
            return u * sqrtf(-2.0f * stn_logf(s) / s);
    }
}

void stn_rng_shuffle(stn_rng *rng, uint32_t *index, uint32_t n)
{
    for (uint32_t i = n; i > 1; i--) {
        uint32_t j = stn_rng_below(rng, i);
        uint32_t swap = index[i - 1];
        index[i - 1] = index[j];
        index[j] = swap;
    }
}
