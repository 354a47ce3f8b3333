/* SPDX-License-Identifier: MIT
 *
 * Channels are taken in blocks of LANES, whose weights or sums stay in
 * registers while the whole picture goes by; what is left of the channels is
 * one shorter block. Kernels 3 and 5 are constants in their inlined copies, so
 * that all taps unroll; other kernels loop. */
#include "nn/depthwise_plane.h"
#include "base/compiler.h"

#define LANES 16
#define MAX_TAPS (STN_DEPTHWISE_KERNEL * STN_DEPTHWISE_KERNEL)

STN_INLINE void filter_block(const stn_plane *p, const int kernel,
                             const size_t lanes, const bool add,
                             const float *STN_RESTRICT x,
                             const float *STN_RESTRICT w, float *STN_RESTRICT y)
{
    const size_t x_row = p->x_row, x_pixel = p->x_pixel, y_pixel = p->y_pixel;
    const size_t step = (size_t)p->stride * x_pixel;
    const int width = p->w, taps = kernel * kernel;
    float kept[MAX_TAPS][LANES];
    for (int t = 0; t < taps; t++)
        for (size_t l = 0; l < lanes; l++)
            kept[t][l] = w[t * p->w_tap + (ptrdiff_t)l];
    for (int oy = 0; oy < p->h; oy++) {
        const float *at = x + (size_t)(oy * p->stride) * x_row;
        for (int ox = 0; ox < width; ox++, at += step, y += y_pixel)
            for (size_t l = 0; l < lanes; l++) {
                float sum = at[l] * kept[0][l];
                for (int t = 1; t < taps; t++)
                    sum += at[(size_t)(t / kernel) * x_row +
                              (size_t)(t % kernel) * x_pixel + l] *
                           kept[t][l];
                y[l] = add ? y[l] + sum : sum;
            }
    }
}

STN_INLINE void filter(const stn_plane *p, const int kernel, const bool add,
                       const float *x, const float *w, float *y)
{
    size_t i = 0;
    for (; i + LANES <= p->c; i += LANES)
        filter_block(p, kernel, LANES, add, x + i, w + i, y + i);
    if (i < p->c)
        filter_block(p, kernel, p->c - i, add, x + i, w + i, y + i);
}

STN_INLINE void correlate_block(const stn_plane *p, const int kernel,
                                const size_t lanes, const float *STN_RESTRICT x,
                                const float *STN_RESTRICT y,
                                float *STN_RESTRICT w)
{
    const size_t x_row = p->x_row, x_pixel = p->x_pixel, y_pixel = p->y_pixel;
    const size_t step = (size_t)p->stride * x_pixel;
    const int width = p->w, taps = kernel * kernel;
    float sum[MAX_TAPS][LANES];
    for (int t = 0; t < taps; t++)
        for (size_t l = 0; l < lanes; l++)
            sum[t][l] = 0.0f;
    for (int oy = 0; oy < p->h; oy++) {
        const float *at = x + (size_t)(oy * p->stride) * x_row;
        for (int ox = 0; ox < width; ox++, at += step, y += y_pixel)
            for (size_t l = 0; l < lanes; l++) {
                const float d = y[l];
                for (int t = 0; t < taps; t++)
                    sum[t][l] += at[(size_t)(t / kernel) * x_row +
                                    (size_t)(t % kernel) * x_pixel + l] *
                                 d;
            }
    }
    for (int t = 0; t < taps; t++)
        for (size_t l = 0; l < lanes; l++)
            w[t * p->w_tap + (ptrdiff_t)l] += sum[t][l];
}

STN_INLINE void correlate(const stn_plane *p, const int kernel, const float *x,
                          const float *y, float *w)
{
    size_t i = 0;
    for (; i + LANES <= p->c; i += LANES)
        correlate_block(p, kernel, LANES, x + i, y + i, w + i);
    if (i < p->c)
        correlate_block(p, kernel, p->c - i, x + i, y + i, w + i);
}

STN_CLONES
void stn_plane_filter(const stn_plane *p, const float *x, const float *w,
                      bool add, float *y)
{
    if (p->kernel == 3 && !add)
        filter(p, 3, false, x, w, y);
    else if (p->kernel == 3)
        filter(p, 3, true, x, w, y);
    else if (p->kernel == 5)
        filter(p, 5, add, x, w, y);
    else
        filter(p, p->kernel, add, x, w, y);
}

STN_CLONES
void stn_plane_correlate(const stn_plane *p, const float *x, const float *y,
                         float *w)
{
    if (p->kernel == 3)
        correlate(p, 3, x, y, w);
    else if (p->kernel == 5)
        correlate(p, 5, x, y, w);
    else
        correlate(p, p->kernel, x, y, w);
}
