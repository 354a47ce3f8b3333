/* SPDX-License-Identifier: MIT
 *
 * Channels are taken in blocks of LANES, whose weights or sums stay in
 * registers while the pixels of the row go by; what is left of the channels
 * takes the plain loop. The number of taps is a constant inside each inlined
 * copy: 1, 3 and 5; other rows go tap by tap. */
#include "nn/depthwise_rows.h"
#include "base/compiler.h"

#define LANES 16
#define MAX_TAPS 5

STN_INLINE void filter_block(const stn_tap_row *r, const int taps,
                             const float *STN_RESTRICT x,
                             const float *STN_RESTRICT w, float *STN_RESTRICT y)
{
    const size_t x_step = r->x_step, x_tap = r->x_tap, y_step = r->y_step;
    float kept[MAX_TAPS][LANES];
    for (int t = 0; t < taps; t++)
        for (int l = 0; l < LANES; l++)
            kept[t][l] = w[t * r->w_tap + l];
    for (int p = 0; p < r->n; p++, x += x_step, y += y_step)
        for (size_t l = 0; l < LANES; l++) {
            float sum = y[l];
            for (int t = 0; t < taps; t++)
                sum += x[(size_t)t * x_tap + l] * kept[t][l];
            y[l] = sum;
        }
}

STN_INLINE void filter(const stn_tap_row *r, const int taps,
                       const float *STN_RESTRICT x, const float *STN_RESTRICT w,
                       float *STN_RESTRICT y)
{
    size_t i = 0;
    for (; i + LANES <= r->c; i += LANES)
        filter_block(r, taps, x + i, w + i, y + i);
    for (int p = 0; p < r->n && i < r->c; p++)
        for (int t = 0; t < taps; t++)
            for (size_t l = i; l < r->c; l++)
                y[(size_t)p * r->y_step + l] +=
                    x[(size_t)p * r->x_step + (size_t)t * r->x_tap + l] *
                    w[t * r->w_tap + (ptrdiff_t)l];
}

/* Two pixels at a time, so that a sum waits half as often for the last. */
STN_INLINE void correlate_block(const stn_tap_row *r, const int taps,
                                const float *STN_RESTRICT x,
                                const float *STN_RESTRICT y,
                                float *STN_RESTRICT w)
{
    const size_t x_step = r->x_step, x_tap = r->x_tap, y_step = r->y_step;
    float sum[MAX_TAPS][LANES];
    for (int t = 0; t < taps; t++)
        for (int l = 0; l < LANES; l++)
            sum[t][l] = w[t * r->w_tap + l];
    int p = 0;
    for (; p + 2 <= r->n; p += 2, x += 2 * x_step, y += 2 * y_step)
        for (int t = 0; t < taps; t++)
            for (size_t l = 0; l < LANES; l++)
                sum[t][l] += x[(size_t)t * x_tap + l] * y[l] +
                             x[x_step + (size_t)t * x_tap + l] * y[y_step + l];
    for (; p < r->n; p++, x += x_step, y += y_step)
        for (int t = 0; t < taps; t++)
            for (size_t l = 0; l < LANES; l++)
                sum[t][l] += x[(size_t)t * x_tap + l] * y[l];
    for (int t = 0; t < taps; t++)
        for (int l = 0; l < LANES; l++)
            w[t * r->w_tap + l] = sum[t][l];
}

STN_INLINE void correlate(const stn_tap_row *r, const int taps,
                          const float *STN_RESTRICT x,
                          const float *STN_RESTRICT y, float *STN_RESTRICT w)
{
    size_t i = 0;
    for (; i + LANES <= r->c; i += LANES)
        correlate_block(r, taps, x + i, y + i, w + i);
    for (int p = 0; p < r->n && i < r->c; p++)
        for (int t = 0; t < taps; t++)
            for (size_t l = i; l < r->c; l++)
                w[t * r->w_tap + (ptrdiff_t)l] +=
                    x[(size_t)p * r->x_step + (size_t)t * r->x_tap + l] *
                    y[(size_t)p * r->y_step + l];
}

STN_CLONES
void stn_tap_row_filter(const stn_tap_row *r, const float *x, const float *w,
                        float *y)
{
    if (r->taps == 3)
        filter(r, 3, x, w, y);
    else if (r->taps == 5)
        filter(r, 5, x, w, y);
    else
        for (int t = 0; t < r->taps; t++)
            filter(r, 1, x + (size_t)t * r->x_tap, w + t * r->w_tap, y);
}

STN_CLONES
void stn_tap_row_correlate(const stn_tap_row *r, const float *x, const float *y,
                           float *w)
{
    if (r->taps == 3)
        correlate(r, 3, x, y, w);
    else if (r->taps == 5)
        correlate(r, 5, x, y, w);
    else
        for (int t = 0; t < r->taps; t++)
            correlate(r, 1, x + (size_t)t * r->x_tap, y, w + t * r->w_tap);
}
