/* SPDX-License-Identifier: MIT
 *
 * The leading channels of a weight tensor out, area, in: its first `out`
 * filters and of each the first `in` input channels, all kernel positions. */
#ifndef STN_BASE_SLICE_H
#define STN_BASE_SLICE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct stn_slice {
    size_t out, area, in; /* of the slice */
    size_t whole_in;      /* of the tensor that it is cut from */
} stn_slice;

/* part = the slice of `whole`; elements of `size` bytes. */
static inline void stn_slice_take(const stn_slice *s, const void *whole,
                                  size_t size, void *part)
{
    const uint8_t *from = whole;
    uint8_t *to = part;
    for (size_t row = 0; row < s->out * s->area; row++)
        memcpy(to + row * s->in * size, from + row * s->whole_in * size,
               s->in * size);
}

/* The slice of `whole` += part. */
static inline void stn_slice_add(const stn_slice *s, const float *part,
                                 float *whole)
{
    for (size_t row = 0; row < s->out * s->area; row++)
        for (size_t i = 0; i < s->in; i++)
            whole[row * s->whole_in + i] += part[row * s->in + i];
}

#endif
