/* SPDX-License-Identifier: MIT
 *
 * depthwise: every output channel o has one kernel over input channel
 * o mod C, so the outputs are `multiplier` blocks of C channels and all loops
 * run over C contiguous channels. Weights are transposed to tap, channel
 * first, and work goes row of pixels by row of a kernel (depthwise_rows.h). */
#include "nn/depthwise_rows.h"
#include "nn/ops.h"
#include <stddef.h>
#include <string.h>

#define MAX_KERNEL 15
#define MAX_MULTIPLIER 16

#define AT(field) offsetof(stn_depthwise_attrs, field)
/* clang-format off */
static const stn_attr attrs[] = {
    {"multiplier", STN_ATTR_INT, AT(multiplier), 1, 1, MAX_MULTIPLIER, NULL,
     "kernels per input channel"},
    {"kernel",     STN_ATTR_INT, AT(kernel),     3, 1, MAX_KERNEL,     NULL,
     "height and width of a kernel"},
    {"stride",     STN_ATTR_INT, AT(stride),     1, 1, 63,             NULL,
     "pixels between windows"},
    {"pad",        STN_ATTR_INT, AT(pad),        0, 0, MAX_KERNEL - 1, NULL,
     "zero pixels on each side"},
    {.name = NULL}};
/* clang-format on */

static stn_status shape(stn_graph *graph, stn_node *node, stn_error *err)
{
    const stn_depthwise_attrs *a = node->attrs;
    STN_TRY(stn_node_window(node, a->kernel, a->stride, a->pad, err));
    node->out.c = a->multiplier * node->in[0].c;
    const int dims[] = {node->out.c, a->kernel, a->kernel};
    return stn_graph_add_param(graph, node, "weight", STN_PARAM_WEIGHT, 3, dims,
                               err);
}

static stn_status plan(const stn_node *node, int n, bool training, void **out,
                       stn_op_needs *needs, stn_error *err)
{
    (void)n, (void)training, (void)out, (void)err;
    const stn_depthwise_attrs *a = node->attrs;
    needs->scratch_floats =
        (size_t)(a->kernel * a->kernel) * (size_t)node->out.c;
    return STN_OK;
}

/* w is out, tap; wt is tap, out. */
static void transpose(const float *w, int out, int taps, float *wt)
{
    for (int o = 0; o < out; o++)
        for (int t = 0; t < taps; t++)
            wt[(size_t)t * (size_t)out + (size_t)o] =
                w[(size_t)o * (size_t)taps + (size_t)t];
}

static size_t pixel(const stn_shape *s, int n, int y, int x)
{
    return (((size_t)n * (size_t)s->h + (size_t)y) * (size_t)s->w + (size_t)x) *
           (size_t)s->c;
}

/* ---- which pixels a tap sees ---- */

/* One direction of a window walk. */
typedef struct axis {
    int in, out, kernel, stride, pad;
} axis;

/* Output positions [first, last) whose tap k lies inside the input. */
typedef struct range {
    int first, last;
} range;

static range seen_by(const axis *a, int k)
{
    const int shift = k - a->pad; /* input = output * stride + shift */
    range r;
    r.first = shift < 0 ? (-shift + a->stride - 1) / a->stride : 0;
    r.last = a->in > shift ? (a->in - shift - 1) / a->stride + 1 : 0;
    r.last = r.last < a->out ? r.last : a->out;
    return r;
}

/* Those that all taps see. */
static range interior(const axis *a)
{
    const range low = seen_by(a, 0), high = seen_by(a, a->kernel - 1);
    return (range){low.first, high.last};
}

/* What a visit works on: `taps` taps from column kx on, outputs `part`. */
typedef void (*visit_row)(const void *context, int kx, int taps, range part);

/* Covers one row of outputs: the interior with all taps of a kernel row at
 * once, the borders tap by tap. */
static void cover_row(const axis *a, visit_row visit, const void *context)
{
    const range inner = interior(a);
    const bool has_inner = inner.first < inner.last;
    if (has_inner)
        visit(context, 0, a->kernel, inner);
    for (int kx = 0; kx < a->kernel; kx++) {
        const range seen = seen_by(a, kx);
        range left = seen, right = seen;
        if (has_inner) {
            left.last = inner.first;
            right.first = inner.last;
            if (right.first < right.last)
                visit(context, kx, 1, right);
        }
        if (left.first < left.last)
            visit(context, kx, 1, left);
    }
}

/* ---- forward, and the data gradient for stride 1 ---- */

/* One row of a kernel over one row of pixels: y += x * w. */
typedef struct row_filter {
    const axis *across;
    const float *x, *w;
    float *y;
    size_t c, x_pixel, y_pixel;
    ptrdiff_t w_tap;
} row_filter;

static void visit_filter(const void *context, int kx, int taps, range part)
{
    const row_filter *f = context;
    const axis *a = f->across;
    const stn_tap_row row = {.n = part.last - part.first,
                             .taps = taps,
                             .c = f->c,
                             .x_step = (size_t)a->stride * f->x_pixel,
                             .x_tap = f->x_pixel,
                             .y_step = f->y_pixel,
                             .w_tap = f->w_tap};
    const int ix = part.first * a->stride - a->pad + kx;
    stn_tap_row_filter(&row, f->x + (size_t)ix * f->x_pixel,
                       f->w + kx * f->w_tap,
                       f->y + (size_t)part.first * f->y_pixel);
}

static void forward(const stn_op_call *call)
{
    const stn_depthwise_attrs *a = call->node->attrs;
    const stn_shape *in = &call->node->in[0], *out = &call->node->out;
    const axis across = {in->w, out->w, a->kernel, a->stride, a->pad};
    const size_t row = (size_t)out->w * (size_t)out->c;
    transpose(call->param[0], out->c, a->kernel * a->kernel, call->scratch);
    for (int i = 0; i < call->n * out->h; i++) {
        const int n = i / out->h, oy = i % out->h;
        float *y = call->y + (size_t)i * row;
        memset(y, 0, row * sizeof *y);
        for (int j = 0; j < a->multiplier * a->kernel; j++) {
            const int block = j / a->kernel * in->c, ky = j % a->kernel;
            const int iy = oy * a->stride - a->pad + ky;
            if (iy < 0 || iy >= in->h)
                continue;
            const row_filter f = {.across = &across,
                                  .x = call->x[0] + pixel(in, n, iy, 0),
                                  .w = call->scratch + ky * a->kernel * out->c +
                                       block,
                                  .y = y + block,
                                  .c = (size_t)in->c,
                                  .x_pixel = (size_t)in->c,
                                  .y_pixel = (size_t)out->c,
                                  .w_tap = out->c};
            cover_row(&across, visit_filter, &f);
        }
    }
}

/* A correlation of dy with the kernels turned by 180 degrees. */
static void backward_data_dense(const stn_op_call *call)
{
    const stn_depthwise_attrs *a = call->node->attrs;
    const stn_shape *in = &call->node->in[0], *out = &call->node->out;
    const int pad = a->kernel - 1 - a->pad;
    const axis across = {out->w, in->w, a->kernel, 1, pad};
    const size_t row = (size_t)in->w * (size_t)in->c;
    for (int i = 0; i < call->n * in->h; i++) {
        const int n = i / in->h, iy = i % in->h;
        float *dx = call->dx[0] + (size_t)i * row;
        memset(dx, 0, row * sizeof *dx);
        for (int j = 0; j < a->multiplier * a->kernel; j++) {
            const int block = j / a->kernel * in->c, ky = j % a->kernel;
            const int oy = iy - pad + ky;
            if (oy < 0 || oy >= out->h)
                continue;
            const int last_tap = (a->kernel - ky) * a->kernel - 1;
            const row_filter f = {.across = &across,
                                  .x = call->dy + pixel(out, n, oy, 0) + block,
                                  .w =
                                      call->scratch + last_tap * out->c + block,
                                  .y = dx,
                                  .c = (size_t)in->c,
                                  .x_pixel = (size_t)out->c,
                                  .y_pixel = (size_t)in->c,
                                  .w_tap = -out->c};
            cover_row(&across, visit_filter, &f);
        }
    }
}

/* ---- the data gradient for other strides: dy is scattered ---- */

static void scatter_row(const stn_op_call *call, int n, int oy, int ky)
{
    const stn_depthwise_attrs *a = call->node->attrs;
    const stn_shape *in = &call->node->in[0], *out = &call->node->out;
    const axis across = {in->w, out->w, a->kernel, a->stride, a->pad};
    const int iy = oy * a->stride - a->pad + ky;
    if (iy < 0 || iy >= in->h)
        return;
    for (int j = 0; j < a->multiplier * a->kernel; j++) {
        const int block = j / a->kernel * in->c, kx = j % a->kernel;
        const range seen = seen_by(&across, kx);
        if (seen.first >= seen.last)
            continue;
        const stn_tap_row row = {.n = seen.last - seen.first,
                                 .taps = 1,
                                 .c = (size_t)in->c,
                                 .x_step = (size_t)out->c,
                                 .y_step = (size_t)(a->stride * in->c)};
        const int ix = seen.first * a->stride - a->pad + kx;
        stn_tap_row_filter(
            &row, call->dy + pixel(out, n, oy, seen.first) + block,
            call->scratch + (ky * a->kernel + kx) * out->c + block,
            call->dx[0] + pixel(in, n, iy, ix));
    }
}

static void backward_data_strided(const stn_op_call *call)
{
    const stn_depthwise_attrs *a = call->node->attrs;
    const stn_shape *out = &call->node->out;
    memset(call->dx[0], 0,
           (size_t)call->n * stn_shape_count(call->node->in[0]) *
               sizeof(float));
    for (int n = 0; n < call->n; n++)
        for (int oy = 0; oy < out->h; oy++)
            for (int ky = 0; ky < a->kernel; ky++)
                scatter_row(call, n, oy, ky);
}

/* ---- weights ---- */

typedef struct row_correlation {
    const axis *across;
    const float *x, *dy;
    float *dw;
    size_t c, x_pixel, y_pixel;
} row_correlation;

static void visit_correlate(const void *context, int kx, int taps, range part)
{
    const row_correlation *f = context;
    const axis *a = f->across;
    const stn_tap_row row = {.n = part.last - part.first,
                             .taps = taps,
                             .c = f->c,
                             .x_step = (size_t)a->stride * f->x_pixel,
                             .x_tap = f->x_pixel,
                             .y_step = f->y_pixel,
                             .w_tap = (ptrdiff_t)f->y_pixel};
    const int ix = part.first * a->stride - a->pad + kx;
    stn_tap_row_correlate(&row, f->x + (size_t)ix * f->x_pixel,
                          f->dy + (size_t)part.first * f->y_pixel,
                          f->dw + (size_t)kx * f->y_pixel);
}

static void backward_weights(const stn_op_call *call)
{
    const stn_depthwise_attrs *a = call->node->attrs;
    const stn_shape *in = &call->node->in[0], *out = &call->node->out;
    const axis across = {in->w, out->w, a->kernel, a->stride, a->pad};
    const int taps = a->kernel * a->kernel;
    memset(call->scratch, 0,
           (size_t)taps * (size_t)out->c * sizeof *call->scratch);
    for (int i = 0; i < call->n * out->h; i++) {
        const int n = i / out->h, oy = i % out->h;
        for (int j = 0; j < a->multiplier * a->kernel; j++) {
            const int block = j / a->kernel * in->c, ky = j % a->kernel;
            const int iy = oy * a->stride - a->pad + ky;
            if (iy < 0 || iy >= in->h)
                continue;
            const row_correlation f = {
                .across = &across,
                .x = call->x[0] + pixel(in, n, iy, 0),
                .dy = call->dy + pixel(out, n, oy, 0) + block,
                .dw = call->scratch + ky * a->kernel * out->c + block,
                .c = (size_t)in->c,
                .x_pixel = (size_t)in->c,
                .y_pixel = (size_t)out->c};
            cover_row(&across, visit_correlate, &f);
        }
    }
    /* tap, out back to out, tap */
    transpose(call->scratch, taps, out->c, call->dparam[0]);
}

static void backward(const stn_op_call *call)
{
    const stn_depthwise_attrs *a = call->node->attrs;
    if (call->dx[0]) {
        transpose(call->param[0], call->node->out.c, a->kernel * a->kernel,
                  call->scratch);
        if (a->stride == 1)
            backward_data_dense(call);
        else
            backward_data_strided(call);
    }
    backward_weights(call);
}

const stn_op_type stn_op_depthwise = {
    .name = "depthwise",
    .help = "y[o] = sum over window of w[o] x[o mod C]",
    .attrs = attrs,
    .attrs_size = sizeof(stn_depthwise_attrs),
    .n_inputs = 1,
    .shape = shape,
    .plan = plan,
    .forward = forward,
    .backward = backward,
};
