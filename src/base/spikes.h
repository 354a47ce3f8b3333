/* SPDX-License-Identifier: MIT
 *
 * Rate-coded pixels: a pixel fires where it exceeds a threshold of 0 … 255
 * that a hash draws from (key, index), index running over time steps and then
 * pixels. No state: every executor, thread and lane finds the same spikes.
 * The mixing steps are those of "lowbias32" (C. Wellons, 2018, public
 * domain). Part of libsetun-rt. */
#ifndef STN_BASE_SPIKES_H
#define STN_BASE_SPIKES_H

#include <stdint.h>

/* The threshold of docs/semantics.md, which has key 0. */
static inline uint32_t stn_spike_threshold(uint32_t key, uint32_t index)
{
    uint32_t h = (index * 0x9e3779b9u) ^ key;
    h = (h ^ (h >> 16)) * 0x7feb352du;
    h = (h ^ (h >> 15)) * 0x846ca68bu;
    return (h ^ (h >> 16)) >> 24;
}

#endif
