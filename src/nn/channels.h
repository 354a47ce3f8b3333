/* SPDX-License-Identifier: MIT
 *
 * Inside src/nn: loops that treat every channel alike. n * h * w pixels of c
 * channels are seen as rows of `width` floats, a multiple of c of at least 64
 * (four AVX-512 registers), and per-channel constants are repeated to that
 * width: the inner loop is then long enough to vectorise for any c. */
#ifndef STN_NN_CHANNELS_H
#define STN_NN_CHANNELS_H

#include <stddef.h>

#define STN_CHANNELS_WIDTH 64

static inline size_t stn_channels_width(int c)
{
    const size_t n = (size_t)c;
    return (STN_CHANNELS_WIDTH + n - 1) / n * n;
}

/* wide[i] = values[i mod c] for `width` values. */
static inline void stn_channels_widen(const float *values, int c, size_t width,
                                      float *wide)
{
    for (size_t i = 0; i < width; i++)
        wide[i] = values[i % (size_t)c];
}

#endif
