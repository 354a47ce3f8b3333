/* SPDX-License-Identifier: MIT
 *
 * Fitting a picture to another size. Bilinear interpolation between pixel
 * centres; when shrinking, the triangle grows with the ratio, so that every
 * source pixel counts and fine lines do not vanish. Only + - * / of float,
 * so the bits are the same everywhere. */
#include "io/image.h"
#include <math.h>
#include <string.h>

/* Channel `k` of a pixel with `from` channels, as one of `to`. */
static float channel(const uint8_t *pixel, int from, int to, int k)
{
    if (from == to)
        return (float)pixel[k];
    if (from == 1)
        return (float)pixel[0];
    return 0.299f * (float)pixel[0] + 0.587f * (float)pixel[1] +
           0.114f * (float)pixel[2];
}

/* The source rows (or columns) that matter for output `i`, and the triangle
 * over them: weight(s) = 1 - |s + 1/2 - centre| / reach, where positive. */
typedef struct triangle {
    float centre, reach;
    int first, last;
} triangle;

static triangle spread(int i, int out, int in)
{
    float ratio = (float)in / (float)out;
    triangle t = {.centre = ((float)i + 0.5f) * ratio,
                  .reach = ratio > 1.0f ? ratio : 1.0f};
    int first = (int)(t.centre - t.reach) - 1;
    int last = (int)(t.centre + t.reach) + 1;
    t.first = first > 0 ? first : 0;
    t.last = last < in - 1 ? last : in - 1;
    return t;
}

static float weight(triangle t, int s)
{
    float w = 1.0f - fabsf((float)s + 0.5f - t.centre) / t.reach;
    return w > 0.0f ? w : 0.0f;
}

static void fit_pixel(const stn_picture *in, triangle rows, triangle columns,
                      int channels, uint8_t *out)
{
    float sums[3] = {0}, total = 0.0f;
    for (int y = rows.first; y <= rows.last; y++) {
        float wy = weight(rows, y);
        for (int x = columns.first; x <= columns.last; x++) {
            float w = wy * weight(columns, x);
            const uint8_t *pixel =
                in->pixels + ((size_t)y * (size_t)in->width + (size_t)x) *
                                 (size_t)in->channels;
            total += w;
            for (int k = 0; k < channels; k++)
                sums[k] += w * channel(pixel, in->channels, channels, k);
        }
    }
    for (int k = 0; k < channels; k++)
        out[k] = (uint8_t)(sums[k] / total + 0.5f);
}

void stn_picture_fit(const stn_picture *in, int height, int width, int channels,
                     uint8_t *out)
{
    if (in->height == height && in->width == width &&
        in->channels == channels) {
        memcpy(out, in->pixels,
               (size_t)height * (size_t)width * (size_t)channels);
        return;
    }
    for (int y = 0; y < height; y++) {
        triangle rows = spread(y, height, in->height);
        for (int x = 0; x < width; x++, out += channels)
            fit_pixel(in, rows, spread(x, width, in->width), channels, out);
    }
}
