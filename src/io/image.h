/* SPDX-License-Identifier: MIT
 *
 * PNG and JPEG pictures as 8-bit pixels. */
#ifndef STN_IO_IMAGE_H
#define STN_IO_IMAGE_H

#include "base/status.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A decoded picture, NHWC without n. */
typedef struct stn_picture {
    int height, width, channels; /* 1 (grey) or 3 (RGB) */
    uint8_t *pixels;             /* stn_free by the owner */
} stn_picture;

/* Decodes PNG or JPEG, told apart by their first bytes; `name` stands for
 * the file in error texts. Transparency is laid over black. A cut or
 * damaged picture is refused, not repaired. Sides are limited to 16384 and
 * the area to 2^26 pixels. */
stn_status stn_picture_decode(const char *name, const uint8_t *bytes,
                              size_t size, stn_picture *out, stn_error *err);
/* Resamples and converts `in` to height x width x channels at `out`. */
void stn_picture_fit(const stn_picture *in, int height, int width, int channels,
                     uint8_t *out);
/* Whether a file name ends as a picture's does (.png, .jpg, .jpeg). */
bool stn_picture_name(const char *name);

#endif
