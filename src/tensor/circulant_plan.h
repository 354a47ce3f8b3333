/* SPDX-License-Identifier: MIT
 *
 * Inside circulant layers: the plan, and the transforms of real numbers that
 * lie in blocks. The spectrum of an array is a plane a frequency; a plane has
 * for each row of the array the blocks' real parts and then, but for the
 * frequencies 0 and p / 2, which are real, their imaginary ones. */
#ifndef STN_TENSOR_CIRCULANT_PLAN_H
#define STN_TENSOR_CIRCULANT_PLAN_H

#include "tensor/circulant.h"
#include <kiss_fft.h>
#include <stdint.h>

struct stn_circulant {
    stn_conv_shape s;
    int p;
    size_t bins, rows, cols;    /* frequencies; blocks: R, Q */
    size_t area;                /* kernel positions */
    size_t oh, ow, n_in, n_out; /* pixels */
    bool direct; /* every output pixel reads the input pixel of its place */
    kiss_fft_cfg forward, inverse;
    /* Of each output pixel of a picture and kernel position the input pixel
     * of that picture; -1 in the padding. NULL when direct. */
    int32_t *windows;
    float *weights; /* of each frequency 2 R x 2 area Q */
};

/* A real array: `n` rows of `width` numbers, cut into `blocks` of p. */
typedef struct stn_blocked {
    size_t n, width, blocks, p;
} stn_blocked;

/* Parts that numbers of frequency k have: 1 or 2. */
static inline size_t stn_blocked_parts(size_t p, size_t k)
{
    return k == 0 || 2 * k == p ? 1 : 2;
}

/* Floats from one plane to the next. A cache line more than it takes: by a
 * power of two all frequencies of a block would meet in one set of the cache.
 */
static inline size_t stn_blocked_plane(const stn_blocked *b)
{
    return b->n * 2 * b->blocks + 16;
}

/* Between an array and its spectrum; scratch: 4 p floats. */
void stn_blocked_transform(const stn_circulant *c, const stn_blocked *b,
                           const float *x, float *spectrum, float *scratch);
void stn_blocked_invert(const stn_circulant *c, const stn_blocked *b,
                        const float *spectrum, float *x, float *scratch);

#endif
