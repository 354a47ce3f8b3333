/* SPDX-License-Identifier: MIT
 *
 * max_pool and avg_pool: one window walk, two rules. max_pool remembers the
 * position of the first largest value of each window. */
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
    int kh, kw, sh, sw;
} window;

static window window_of(const stn_node *node)
{
    const stn_pool_attrs *a = node->attrs;
    window g = {a->kernel, a->kernel, a->stride, a->stride};
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
    if (g.kh > in.h || g.kw > in.w)
        return stn_node_fail(node, err,
                             "a %dx%d window does not fit into %dx%d", g.kh,
                             g.kw, in.h, in.w);
    node->out =
        (stn_shape){(in.h - g.kh) / g.sh + 1, (in.w - g.kw) / g.sw + 1, in.c};
    return STN_OK;
}

static stn_status max_plan(const stn_node *node, int n, bool training,
                           void **out, stn_op_needs *needs, stn_error *err)
{
    (void)out, (void)err;
    if (training) /* position of the largest value of each window */
        needs->saved_floats = (size_t)n * stn_shape_count(node->out);
    return STN_OK;
}

static size_t pixel(const stn_shape *s, int n, int y, int x)
{
    return (((size_t)n * (size_t)s->h + (size_t)y) * (size_t)s->w + (size_t)x) *
           (size_t)s->c;
}

/* What one output pixel works on. */
typedef struct cell {
    const float *x; /* first pixel of the window */
    float *y, *where;
    float *dx;
    const float *dy;
    size_t c, row; /* floats in a pixel, in a row of the input */
} cell;

STN_CLONES
static void max_cell(const cell *at, const window *g)
{
    const size_t c = at->c;
    float *STN_RESTRICT y = at->y;
    memcpy(y, at->x, c * sizeof *y);
    for (int ky = 0; ky < g->kh; ky++)
        for (int kx = 0; kx < g->kw; kx++) {
            const float *x = at->x + (size_t)ky * at->row + (size_t)kx * c;
            for (size_t i = 0; i < c; i++)
                y[i] = x[i] > y[i] ? x[i] : y[i];
        }
}

/* The same, with positions. */
STN_CLONES
static void max_cell_saved(const cell *at, const window *g)
{
    const size_t c = at->c;
    float *STN_RESTRICT y = at->y;
    float *STN_RESTRICT where = at->where;
    memcpy(y, at->x, c * sizeof *y);
    memset(where, 0, c * sizeof *where);
    for (int ky = 0; ky < g->kh; ky++)
        for (int kx = 0; kx < g->kw; kx++) {
            const float *x = at->x + (size_t)ky * at->row + (size_t)kx * c;
            const float tap = (float)(ky * g->kw + kx);
            for (size_t i = 0; i < c; i++) {
                where[i] = x[i] > y[i] ? tap : where[i];
                y[i] = x[i] > y[i] ? x[i] : y[i];
            }
        }
}

STN_CLONES
static void max_cell_backward(const cell *at, const window *g)
{
    const size_t c = at->c;
    const float *STN_RESTRICT where = at->where;
    const float *STN_RESTRICT dy = at->dy;
    for (int ky = 0; ky < g->kh; ky++)
        for (int kx = 0; kx < g->kw; kx++) {
            float *STN_RESTRICT dx =
                at->dx + (size_t)ky * at->row + (size_t)kx * c;
            const float tap = (float)(ky * g->kw + kx);
            for (size_t i = 0; i < c; i++)
                dx[i] += where[i] == tap ? dy[i] : 0.0f;
        }
}

STN_CLONES
static void avg_cell(const cell *at, const window *g)
{
    const size_t c = at->c;
    const float scale = 1.0f / (float)(g->kh * g->kw);
    float *STN_RESTRICT y = at->y;
    memset(y, 0, c * sizeof *y);
    for (int ky = 0; ky < g->kh; ky++)
        for (int kx = 0; kx < g->kw; kx++) {
            const float *x = at->x + (size_t)ky * at->row + (size_t)kx * c;
            for (size_t i = 0; i < c; i++)
                y[i] += x[i];
        }
    for (size_t i = 0; i < c; i++)
        y[i] *= scale;
}

STN_CLONES
static void avg_cell_backward(const cell *at, const window *g)
{
    const size_t c = at->c;
    const float scale = 1.0f / (float)(g->kh * g->kw);
    const float *STN_RESTRICT dy = at->dy;
    for (int ky = 0; ky < g->kh; ky++)
        for (int kx = 0; kx < g->kw; kx++) {
            float *STN_RESTRICT dx =
                at->dx + (size_t)ky * at->row + (size_t)kx * c;
            for (size_t i = 0; i < c; i++)
                dx[i] += dy[i] * scale;
        }
}

static void walk(const stn_op_call *call,
                 void (*visit)(const cell *at, const window *g))
{
    const stn_shape *in = &call->node->in[0], *out = &call->node->out;
    const window g = window_of(call->node);
    for (int n = 0; n < call->n; n++)
        for (int oy = 0; oy < out->h; oy++)
            for (int ox = 0; ox < out->w; ox++) {
                const size_t from = pixel(in, n, oy * g.sh, ox * g.sw);
                const size_t to = pixel(out, n, oy, ox);
                const cell at = {.x = call->x[0] + from,
                                 .y = call->y + to,
                                 .where = call->saved ? call->saved + to : NULL,
                                 .dx = call->dx[0] ? call->dx[0] + from : NULL,
                                 .dy = call->dy ? call->dy + to : NULL,
                                 .c = (size_t)in->c,
                                 .row = (size_t)in->w * (size_t)in->c};
                visit(&at, &g);
            }
}

static void clear_dx(const stn_op_call *call)
{
    memset(call->dx[0], 0,
           (size_t)call->n * stn_shape_count(call->node->in[0]) *
               sizeof(float));
}

static void max_forward(const stn_op_call *call)
{
    walk(call, call->training ? max_cell_saved : max_cell);
}

static void max_backward(const stn_op_call *call)
{
    if (!call->dx[0])
        return;
    clear_dx(call);
    walk(call, max_cell_backward);
}

static void avg_forward(const stn_op_call *call)
{
    walk(call, avg_cell);
}

static void avg_backward(const stn_op_call *call)
{
    if (!call->dx[0])
        return;
    clear_dx(call);
    walk(call, avg_cell_backward);
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
    .forward = avg_forward,
    .backward = avg_backward,
};
