/* SPDX-License-Identifier: MIT
 *
 * Convolution as a matrix product over copied windows: row (oy, ox) of the
 * column matrix holds the window of that output, in the order kh, kw, in of
 * the weights. One picture at a time, so the matrix stays in cache. For
 * shapes that oneDNN has no generated code for (few or odd channels). */
#include "tensor/conv_plan.h"
#include <string.h>

typedef struct window {
    int h, w, c, k, stride, pad, oh, ow;
} window;

static window window_of(const stn_conv_plan *plan)
{
    const stn_conv_shape *s = &plan->shape;
    return (window){s->h,      s->w,   s->c,     s->kernel,
                    s->stride, s->pad, plan->oh, plan->ow};
}

static size_t in_count(const window *g)
{
    return (size_t)g->h * (size_t)g->w * (size_t)g->c;
}

/* Positions [first, last) of a window row at output column ox that lie inside
 * the picture. */
static void inside(const window *g, int ox, int *first, int *last)
{
    const int ix = ox * g->stride - g->pad;
    *first = ix < 0 ? -ix : 0;
    *last = ix + g->k > g->w ? g->w - ix : g->k;
    if (*last < *first)
        *last = *first = 0;
}

static void to_columns(const window *g, const float *x, float *columns)
{
    const size_t c = (size_t)g->c, row = (size_t)g->k * c;
    float *to = columns;
    for (int oy = 0; oy < g->oh; oy++)
        for (int ox = 0; ox < g->ow; ox++) {
            int first, last;
            inside(g, ox, &first, &last);
            const size_t a = (size_t)first * c, b = (size_t)last * c;
            for (int ky = 0; ky < g->k; ky++, to += row) {
                const int iy = oy * g->stride - g->pad + ky;
                if (iy < 0 || iy >= g->h || a == b) {
                    memset(to, 0, row * sizeof *to);
                    continue;
                }
                const int ix = ox * g->stride - g->pad + first;
                const float *from =
                    x + ((size_t)iy * (size_t)g->w + (size_t)ix) * c;
                memset(to, 0, a * sizeof *to);
                memcpy(to + a, from, (b - a) * sizeof *to);
                memset(to + b, 0, (row - b) * sizeof *to);
            }
        }
}

static void add_columns(const window *g, const float *columns, float *dx)
{
    const size_t c = (size_t)g->c, row = (size_t)g->k * c;
    const float *from = columns;
    for (int oy = 0; oy < g->oh; oy++)
        for (int ox = 0; ox < g->ow; ox++) {
            int first, last;
            inside(g, ox, &first, &last);
            const size_t a = (size_t)first * c, b = (size_t)last * c;
            for (int ky = 0; ky < g->k; ky++, from += row) {
                const int iy = oy * g->stride - g->pad + ky;
                if (iy < 0 || iy >= g->h || a == b)
                    continue;
                const int ix = ox * g->stride - g->pad + first;
                float *to = dx + ((size_t)iy * (size_t)g->w + (size_t)ix) * c;
                for (size_t i = 0; i < b - a; i++)
                    to[i] += from[a + i];
            }
        }
}

size_t stn_conv_columns_scratch(const stn_conv_plan *plan)
{
    const stn_conv_shape *s = &plan->shape;
    return (size_t)plan->oh * (size_t)plan->ow * (size_t)s->kernel *
           (size_t)s->kernel * (size_t)s->c;
}

void stn_conv_columns_forward(const stn_conv_plan *plan, const float *x,
                              const float *w, float *y, float beta,
                              float *scratch)
{
    const window g = window_of(plan);
    const int rows = g.oh * g.ow, width = g.k * g.k * g.c;
    const int out = plan->shape.out;
    for (int n = 0; n < plan->shape.n; n++) {
        to_columns(&g, x + (size_t)n * in_count(&g), scratch);
        stn_sgemm(false, true, rows, out, width, 1, scratch, width, w, width,
                  beta, y + (size_t)n * (size_t)rows * (size_t)out, out);
    }
}

void stn_conv_columns_data(const stn_conv_plan *plan, const float *dy,
                           const float *w, float *dx, float *scratch)
{
    const window g = window_of(plan);
    const int rows = g.oh * g.ow, width = g.k * g.k * g.c;
    const int out = plan->shape.out;
    memset(dx, 0, (size_t)plan->shape.n * in_count(&g) * sizeof *dx);
    for (int n = 0; n < plan->shape.n; n++) {
        stn_sgemm(false, false, rows, width, out, 1,
                  dy + (size_t)n * (size_t)rows * (size_t)out, out, w, width, 0,
                  scratch, width);
        add_columns(&g, scratch, dx + (size_t)n * in_count(&g));
    }
}

void stn_conv_columns_weights(const stn_conv_plan *plan, const float *x,
                              const float *dy, float *dw, float *scratch)
{
    const window g = window_of(plan);
    const int rows = g.oh * g.ow, width = g.k * g.k * g.c;
    const int out = plan->shape.out;
    for (int n = 0; n < plan->shape.n; n++) {
        to_columns(&g, x + (size_t)n * in_count(&g), scratch);
        stn_sgemm(true, false, out, width, rows, 1,
                  dy + (size_t)n * (size_t)rows * (size_t)out, out, scratch,
                  width, n ? 1.0f : 0.0f, dw, width);
    }
}
