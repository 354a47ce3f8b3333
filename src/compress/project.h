/* SPDX-License-Identifier: MIT
 *
 * Nearest points of sets that weights are driven to: few nonzero weights,
 * equally spaced levels. */
#ifndef STN_COMPRESS_PROJECT_H
#define STN_COMPRESS_PROJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Calls pick(context, i) for the `k` smallest of the keys of 0 … n - 1; of
 * equal keys those of lower index come first. `key` returns false for an
 * index that takes no part; fewer than k may be left. No memory is needed. */
typedef bool stn_key_function(const void *context, size_t i, uint32_t *key);
void stn_pick_smallest(size_t n, size_t k, stn_key_function *key,
                       void (*pick)(void *context, size_t i), void *context);

/* A number that orders like |x|; NaN comes last. */
uint32_t stn_magnitude_key(float x);

/* Zeroes all but the `keep` largest magnitudes: the nearest point with so
 * many nonzero weights. Of equal magnitudes the first are kept. */
void stn_keep_largest(size_t n, float *w, size_t keep);

/* The interval q for which the levels ±q, ±2q, … ±n_levels q are nearest to
 * the nonzero weights, in the sum of squares; 0 when all weights are 0.
 * Weights that are levels of some q already give that q. Others are tried
 * from `from` (0 … 1.1) to 1.1 times max |w| / n_levels. */
float stn_levels_search(size_t n, const float *w, int n_levels, float from);

/* The level nearest to each weight, as a multiple of q: 0 for w = 0, otherwise
 * ±1 … ±n_levels, at most 127. */
void stn_levels_codes(size_t n, const float *w, float q, int n_levels,
                      int8_t *codes);

#endif
