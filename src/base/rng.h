/* SPDX-License-Identifier: MIT
 *
 * Random numbers. One type, passed in, never global.
 *
 * A generator is made from (seed, stream, counter): anything that must not
 * depend on threads or on a resume (which picture, which crop, which neuron
 * drops) makes its own from the indices it is about, so the state of training
 * is a few counters. Algorithm: splitmix64 hash of the three words, then
 * xoshiro256** (Blackman & Vigna 2018). */
#ifndef STN_BASE_RNG_H
#define STN_BASE_RNG_H

#include <stdint.h>

typedef struct stn_rng {
    uint64_t s[4];
} stn_rng;

/* What a stream is used for; part of every seed, so uses never correlate. */
typedef enum stn_rng_stream {
    STN_RNG_INIT = 1,      /* weights; counter = parameter index */
    STN_RNG_SHUFFLE = 2,   /* order of pictures; counter = epoch */
    STN_RNG_AUGMENT = 3,   /* crop, flip; counter = epoch << 32 | picture */
    STN_RNG_DROPOUT = 4,   /* counter = hash of step, node, picture */
    STN_RNG_TEST = 5,      /* tests */
    STN_RNG_SPLIT = 6,     /* train/validation split */
    STN_RNG_STRUCTURE = 7, /* kept weights; counter = parameter index */
    STN_RNG_DEVICE = 8,    /* memory cells; counter = layer << 40 | column, or
                              region << 48 | row << 24 | column */
    STN_RNG_SENSE = 9, /* errors of row operations; counter = hash of picture */
    STN_RNG_SPIKES = 10,   /* rate code; counter = step << 32 | picture */
    STN_RNG_OPERANDS = 11, /* of a digital unit; counter = 0 */
    STN_RNG_STRIP = 12     /* of memory cells; counter as of STN_RNG_DEVICE */
} stn_rng_stream;

stn_rng stn_rng_make(uint64_t seed, stn_rng_stream stream, uint64_t counter);
uint64_t stn_rng_u64(stn_rng *rng);
/* Uniform in [0, bound); bound > 0; unbiased. */
uint32_t stn_rng_below(stn_rng *rng, uint32_t bound);
/* Uniform in [0, 1) with 24 random bits. */
float stn_rng_unit(stn_rng *rng);
/* Standard normal; the same bits on every machine (own logarithm). */
float stn_rng_normal(stn_rng *rng);
/* Fisher–Yates shuffle of 0 … n-1 already in `index`. */
void stn_rng_shuffle(stn_rng *rng, uint32_t *index, uint32_t n);

#endif
