/* SPDX-License-Identifier: MIT
 *
 * max_pool and avg_pool. Both first take the columns of windows over whole
 * rows, then the windows. Of equal values the leftmost column's uppermost is
 * the largest; max_pool saves the place of each for the gradient. Where
 * padding reaches into a window, the window is smaller. */
#include "base/compiler.h"
#include "nn/ops.h"
#include <stddef.h>
#include <string.h>

#define AT(field) offsetof(stn_pool_attrs, field)
/* clang-format off */
static const stn_attr max_attrs[] = {
    {"kernel", STN_ATTR_INT, AT(kernel), 2, 1, 1024, NULL,
     "height and width of a window"},
    {"stride", STN_ATTR_INT, AT(stride), 0, 0, 1024, NULL,
     "pixels between windows; 0: the kernel"},
    {"pad", STN_ATTR_INT, AT(pad), 0, 0, 1023, NULL,
     "pixels on each side that are never the largest"},
    {.name = NULL}};
static const stn_attr avg_attrs[] = {
    {"kernel", STN_ATTR_INT, AT(kernel), 0, 0, 1024, NULL,
     "height and width of a window; 0: the whole picture"},
    {"stride", STN_ATTR_INT, AT(stride), 0, 0, 1024, NULL,
     "pixels between windows; 0: the kernel"},
    {.name = NULL}};
/* clang-format on */

/* A window's size and step, with the zeros resolved. */
typedef struct window {
    int kh, kw, sh, sw, pad;
} window;

/* The pixels of one dimension that a window covers: [first, last). */
typedef struct span {
    int first, last;
} span;

static span covered(int index, int stride, int kernel, int pad, int size)
{
    const int at = index * stride - pad;
    return (span){at < 0 ? 0 : at, at + kernel > size ? size : at + kernel};
}

static window window_of(const stn_node *node)
{
    const stn_pool_attrs *a = node->attrs;
    window g = {a->kernel, a->kernel, a->stride, a->stride, a->pad};
    if (a->kernel == 0) {
        g.kh = node->in[0].h;
        g.kw = node->in[0].w;
    }
    if (a->stride == 0) {
        g.sh = g.kh;
        g.sw = g.kw;
    }
    return g;
}

static stn_status shape(stn_graph *graph, stn_node *node, stn_error *err)
{
    (void)graph;
    const window g = window_of(node);
    const stn_shape in = node->in[0];
    if (g.pad >= g.kh)
        return stn_node_fail(node, err,
                             "pad is %d, expected less than the kernel's %d",
                             g.pad, g.kh);
    if (g.kh > in.h + 2 * g.pad || g.kw > in.w + 2 * g.pad)
        return stn_node_fail(node, err,
                             "a %dx%d window does not fit into %dx%d", g.kh,
                             g.kw, in.h, in.w);
    node->out = (stn_shape){(in.h + 2 * g.pad - g.kh) / g.sh + 1,
                            (in.w + 2 * g.pad - g.kw) / g.sw + 1, in.c};
    return STN_OK;
}

static size_t row_floats(const stn_node *node)
{
    return (size_t)node->in[0].w * (size_t)node->in[0].c;
}

static stn_status max_plan(const stn_node *node, int n, bool training,
                           void **out, stn_op_needs *needs, stn_error *err)
{
    (void)out, (void)err;
    if (training) /* offset of the largest value of each window, int32_t */
        needs->saved_floats = (size_t)n * stn_shape_count(node->out);
    needs->scratch_floats = 2 * row_floats(node);
    return STN_OK;
}

static size_t pixel(const stn_shape *s, int n, int y, int x)
{
    return (((size_t)n * (size_t)s->h + (size_t)y) * (size_t)s->w + (size_t)x) *
           (size_t)s->c;
}

/* ---- max_pool ---- */

/* best[i] = largest of `rows` values `count` apart from x[i] on, and its
 * offset from x[i]. */
STN_CLONES
static void max_columns(const float *STN_RESTRICT x, size_t count, int rows,
                        float *STN_RESTRICT best, int32_t *STN_RESTRICT offset)
{
    memcpy(best, x, count * sizeof *best);
    memset(offset, 0, count * sizeof *offset);
    for (int r = 1; r < rows; r++) {
        const float *STN_RESTRICT below = x + (size_t)r * count;
        const int32_t at = r * (int32_t)count;
        for (size_t i = 0; i < count; i++) {
            const bool larger = below[i] > best[i];
            offset[i] = larger ? at : offset[i];
            best[i] = larger ? below[i] : best[i];
        }
    }
}

/* The largest of the columns of each window; `where` (NULL: not wanted) gets
 * its offset from the window's first value. */
STN_CLONES
static void max_windows(const float *STN_RESTRICT best,
                        const int32_t *STN_RESTRICT offset,
                        const stn_node *node, const window *g,
                        float *STN_RESTRICT y, int32_t *STN_RESTRICT where)
{
    const int c = node->in[0].c;
    for (int ox = 0; ox < node->out.w; ox++)
        for (int i = 0; i < c; i++) {
            const span s = covered(ox, g->sw, g->kw, g->pad, node->in[0].w);
            const int first = s.first * c + i, end = s.last * c;
            int at = first;
            for (int next = first + c; next < end; next += c)
                at = best[next] > best[at] ? next : at;
            y[ox * c + i] = best[at];
            if (where)
                where[ox * c + i] = offset[at] + at - first;
        }
}

static int32_t *places_of(const stn_op_call *call)
{
    return (int32_t *)(void *)call->saved;
}

static void max_forward(const stn_op_call *call)
{
    const stn_shape *in = &call->node->in[0], *out = &call->node->out;
    const window g = window_of(call->node);
    const size_t row = row_floats(call->node);
    float *best = call->scratch;
    int32_t *offset = (int32_t *)(void *)(call->scratch + row);
    for (int i = 0; i < call->n * out->h; i++) {
        const int n = i / out->h, oy = i % out->h;
        const size_t to = pixel(out, n, oy, 0);
        const span s = covered(oy, g.sh, g.kh, g.pad, in->h);
        max_columns(call->x[0] + pixel(in, n, s.first, 0), row,
                    s.last - s.first, best, offset);
        max_windows(best, offset, call->node, &g, call->y + to,
                    call->training ? places_of(call) + to : NULL);
    }
}

static void clear_dx(const stn_op_call *call)
{
    memset(call->dx[0], 0,
           (size_t)call->n * stn_shape_count(call->node->in[0]) *
               sizeof(float));
}

static void max_backward(const stn_op_call *call)
{
    if (!call->dx[0])
        return;
    const stn_shape *in = &call->node->in[0], *out = &call->node->out;
    const window g = window_of(call->node);
    const int32_t *where = places_of(call);
    const float *dy = call->dy;
    clear_dx(call);
    for (int n = 0; n < call->n; n++)
        for (int oy = 0; oy < out->h; oy++)
            for (int ox = 0; ox < out->w; ox++) {
                const span v = covered(oy, g.sh, g.kh, g.pad, in->h);
                const span u = covered(ox, g.sw, g.kw, g.pad, in->w);
                float *dx = call->dx[0] + pixel(in, n, v.first, u.first);
                for (int i = 0; i < in->c; i++)
                    dx[*where++ + i] += *dy++;
            }
}

/* ---- avg_pool: whole rows first, as above ---- */

static stn_status avg_plan(const stn_node *node, int n, bool training,
                           void **out, stn_op_needs *needs, stn_error *err)
{
    (void)n, (void)training, (void)out, (void)err;
    needs->scratch_floats = row_floats(node);
    return STN_OK;
}

/* sum[i] = sum of `rows` values `count` apart from x[i] on. */
STN_CLONES
static void sum_columns(const float *STN_RESTRICT x, size_t count, int rows,
                        float *STN_RESTRICT sum)
{
    memcpy(sum, x, count * sizeof *sum);
    for (int r = 1; r < rows; r++) {
        const float *STN_RESTRICT below = x + (size_t)r * count;
        for (size_t i = 0; i < count; i++)
            sum[i] += below[i];
    }
}

/* One row of y: `scale` times the sums of the columns of each window. */
STN_CLONES
static void average_windows(const float *STN_RESTRICT sum, const stn_node *node,
                            const window *g, float scale, float *STN_RESTRICT y)
{
    const size_t c = (size_t)node->in[0].c;
    for (int ox = 0; ox < node->out.w; ox++, y += c) {
        const float *STN_RESTRICT first = sum + (size_t)(ox * g->sw) * c;
        memcpy(y, first, c * sizeof *y);
        for (int kx = 1; kx < g->kw; kx++)
            for (size_t i = 0; i < c; i++)
                y[i] += first[(size_t)kx * c + i];
        for (size_t i = 0; i < c; i++)
            y[i] *= scale;
    }
}

/* The gradient that one row of dy gives to each row of its windows. */
STN_CLONES
static void spread_windows(const float *STN_RESTRICT dy, const stn_node *node,
                           const window *g, float scale,
                           float *STN_RESTRICT row)
{
    const size_t c = (size_t)node->in[0].c;
    memset(row, 0, row_floats(node) * sizeof *row);
    for (int ox = 0; ox < node->out.w; ox++, dy += c)
        for (int kx = 0; kx < g->kw; kx++) {
            float *STN_RESTRICT to = row + (size_t)(ox * g->sw + kx) * c;
            for (size_t i = 0; i < c; i++)
                to[i] += dy[i] * scale;
        }
}

/* dx[i] += row[i] in `rows` rows of `count` values. */
STN_CLONES
static void add_to_rows(const float *STN_RESTRICT row, size_t count, int rows,
                        float *STN_RESTRICT dx)
{
    for (int r = 0; r < rows; r++, dx += count)
        for (size_t i = 0; i < count; i++)
            dx[i] += row[i];
}

static void avg_forward(const stn_op_call *call)
{
    const stn_shape *in = &call->node->in[0], *out = &call->node->out;
    const window g = window_of(call->node);
    const float scale = 1.0f / (float)(g.kh * g.kw);
    for (int i = 0; i < call->n * out->h; i++) {
        const int n = i / out->h, oy = i % out->h;
        sum_columns(call->x[0] + pixel(in, n, oy * g.sh, 0),
                    row_floats(call->node), g.kh, call->scratch);
        average_windows(call->scratch, call->node, &g, scale,
                        call->y + pixel(out, n, oy, 0));
    }
}

static void avg_backward(const stn_op_call *call)
{
    if (!call->dx[0])
        return;
    const stn_shape *in = &call->node->in[0], *out = &call->node->out;
    const window g = window_of(call->node);
    const float scale = 1.0f / (float)(g.kh * g.kw);
    clear_dx(call);
    for (int i = 0; i < call->n * out->h; i++) {
        const int n = i / out->h, oy = i % out->h;
        spread_windows(call->dy + pixel(out, n, oy, 0), call->node, &g, scale,
                       call->scratch);
        add_to_rows(call->scratch, row_floats(call->node), g.kh,
                    call->dx[0] + pixel(in, n, oy * g.sh, 0));
    }
}

const stn_op_type stn_op_max_pool = {
    .name = "max_pool",
    .help = "y = largest x of each window",
    .attrs = max_attrs,
    .attrs_size = sizeof(stn_pool_attrs),
    .n_inputs = 1,
    .shape = shape,
    .plan = max_plan,
    .forward = max_forward,
    .backward = max_backward,
};

const stn_op_type stn_op_avg_pool = {
    .name = "avg_pool",
    .help = "y = mean of x over each window",
    .attrs = avg_attrs,
    .attrs_size = sizeof(stn_pool_attrs),
    .n_inputs = 1,
    .shape = shape,
    .plan = avg_plan,
    .forward = avg_forward,
    .backward = avg_backward,
};
