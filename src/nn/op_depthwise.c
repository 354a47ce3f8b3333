/* SPDX-License-Identifier: MIT
 *
 * depthwise: every output channel o has one kernel over input channel
 * o mod C, so the outputs are `multiplier` blocks of C channels and all loops
 * run over C contiguous channels. Weights are transposed to tap, channel
 * first. Forward and data gradient are both sums over a short list of
 * (vector, weights) pairs per pixel; the list holds only what lies inside. */
#include "base/compiler.h"
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

typedef struct pair {
    const float *x, *w;
} pair;

/* y = (or +=) sum over `taps` pairs of x * w, c channels. Inlined with a
 * constant `taps`, so that one pass over the channels does them all. */
static inline void products(const pair *list, int taps, size_t c, bool add,
                            float *STN_RESTRICT y)
{
    const float *x[9], *w[9];
    for (int t = 0; t < taps; t++) {
        x[t] = list[t].x;
        w[t] = list[t].w;
    }
    for (size_t i = 0; i < c; i++) {
        float sum = x[0][i] * w[0][i];
        for (int t = 1; t < taps; t++)
            sum += x[t][i] * w[t][i];
        y[i] = add ? y[i] + sum : sum;
    }
}

STN_CLONES
static void sum_products(const pair *list, int n, size_t c, float *y)
{
    int done = 0;
    if (n == 0)
        memset(y, 0, c * sizeof *y);
    for (; n - done >= 9; done += 9) {
        if (done)
            products(list + done, 9, c, true, y);
        else
            products(list, 9, c, false, y);
    }
    for (; n - done >= 3; done += 3)
        products(list + done, 3, c, done > 0, y);
    for (; done < n; done++)
        products(list + done, 1, c, done > 0, y);
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

/* The kernels' taps that touch input pixels, for output pixel (oy, ox). */
static int forward_pairs(const stn_op_call *call, int n, int oy, int ox,
                         pair *list)
{
    const stn_depthwise_attrs *a = call->node->attrs;
    const stn_shape *in = &call->node->in[0];
    const size_t out = (size_t)call->node->out.c;
    int count = 0;
    for (int ky = 0; ky < a->kernel; ky++)
        for (int kx = 0; kx < a->kernel; kx++) {
            const int y = oy * a->stride - a->pad + ky;
            const int x = ox * a->stride - a->pad + kx;
            if (y < 0 || y >= in->h || x < 0 || x >= in->w)
                continue;
            const size_t tap = (size_t)(ky * a->kernel + kx);
            list[count++] = (pair){call->x[0] + pixel(in, n, y, x),
                                   call->scratch + tap * out};
        }
    return count;
}

static void forward(const stn_op_call *call)
{
    const stn_depthwise_attrs *a = call->node->attrs;
    const stn_shape *out = &call->node->out;
    const size_t c = (size_t)call->node->in[0].c;
    pair list[MAX_KERNEL * MAX_KERNEL];
    transpose(call->param[0], out->c, a->kernel * a->kernel, call->scratch);
    for (int n = 0; n < call->n; n++)
        for (int oy = 0; oy < out->h; oy++)
            for (int ox = 0; ox < out->w; ox++) {
                float *y = call->y + pixel(out, n, oy, ox);
                const int count = forward_pairs(call, n, oy, ox, list);
                for (int j = 0; j < a->multiplier; j++) {
                    sum_products(list, count, c, y + (size_t)j * c);
                    for (int t = 0; t < count; t++)
                        list[t].w += c;
                }
            }
}

/* The output pixels whose windows hold input pixel (iy, ix). */
static int data_pairs(const stn_op_call *call, int n, int iy, int ix,
                      pair *list)
{
    const stn_depthwise_attrs *a = call->node->attrs;
    const stn_shape *out = &call->node->out;
    const size_t c = (size_t)call->node->in[0].c;
    int count = 0;
    for (int ky = 0; ky < a->kernel; ky++)
        for (int kx = 0; kx < a->kernel; kx++) {
            const int y = iy + a->pad - ky, x = ix + a->pad - kx;
            if (y < 0 || x < 0 || y % a->stride || x % a->stride ||
                y / a->stride >= out->h || x / a->stride >= out->w)
                continue;
            const float *dy =
                call->dy + pixel(out, n, y / a->stride, x / a->stride);
            const float *w =
                call->scratch + (size_t)((ky * a->kernel + kx) * out->c);
            for (int j = 0; j < a->multiplier; j++)
                list[count++] = (pair){dy + (size_t)j * c, w + (size_t)j * c};
        }
    return count;
}

static void backward_data(const stn_op_call *call)
{
    const stn_depthwise_attrs *a = call->node->attrs;
    const stn_shape *in = &call->node->in[0];
    pair list[MAX_KERNEL * MAX_KERNEL * MAX_MULTIPLIER];
    transpose(call->param[0], call->node->out.c, a->kernel * a->kernel,
              call->scratch);
    for (int n = 0; n < call->n; n++)
        for (int iy = 0; iy < in->h; iy++)
            for (int ix = 0; ix < in->w; ix++) {
                const int count = data_pairs(call, n, iy, ix, list);
                sum_products(list, count, (size_t)in->c,
                             call->dx[0] + pixel(in, n, iy, ix));
            }
}

/* dw[i] += sum over n pixels of x * dy; neighbours are x_step and dy_step
 * floats apart. Four at a time spare loads and stores of dw. */
STN_CLONES
static void add_correlation(const float *STN_RESTRICT x, size_t x_step,
                            const float *STN_RESTRICT dy, size_t dy_step, int n,
                            size_t c, float *STN_RESTRICT dw)
{
    int p = 0;
    for (; p + 4 <= n; p += 4, x += 4 * x_step, dy += 4 * dy_step) {
        const float *x1 = x + x_step, *x2 = x1 + x_step, *x3 = x2 + x_step;
        const float *d1 = dy + dy_step, *d2 = d1 + dy_step, *d3 = d2 + dy_step;
        for (size_t i = 0; i < c; i++)
            dw[i] += (x[i] * dy[i] + x1[i] * d1[i]) +
                     (x2[i] * d2[i] + x3[i] * d3[i]);
    }
    for (; p < n; p++, x += x_step, dy += dy_step)
        for (size_t i = 0; i < c; i++)
            dw[i] += x[i] * dy[i];
}

/* Adds output row (n, oy) for one tap row ky: for each kx the output columns
 * whose window column lies inside are a contiguous range. */
static void add_row(const stn_op_call *call, int n, int oy, int ky)
{
    const stn_depthwise_attrs *a = call->node->attrs;
    const stn_shape *in = &call->node->in[0], *out = &call->node->out;
    const size_t c = (size_t)in->c;
    const int y = oy * a->stride - a->pad + ky;
    if (y < 0 || y >= in->h)
        return;
    for (int kx = 0; kx < a->kernel; kx++) {
        const int shift = kx - a->pad; /* x = ox * stride + shift */
        const int first = shift < 0 ? (-shift + a->stride - 1) / a->stride : 0;
        int last = in->w > shift ? (in->w - shift - 1) / a->stride + 1 : 0;
        last = last < out->w ? last : out->w;
        if (first >= last)
            continue;
        const float *x =
            call->x[0] + pixel(in, n, y, first * a->stride + shift);
        const float *dy = call->dy + pixel(out, n, oy, first);
        float *dw = call->scratch + (size_t)((ky * a->kernel + kx) * out->c);
        for (int j = 0; j < a->multiplier; j++)
            add_correlation(x, (size_t)a->stride * c, dy + (size_t)j * c,
                            (size_t)out->c, last - first, c,
                            dw + (size_t)j * c);
    }
}

static void backward_weights(const stn_op_call *call)
{
    const stn_depthwise_attrs *a = call->node->attrs;
    const stn_shape *out = &call->node->out;
    const int taps = a->kernel * a->kernel;
    memset(call->scratch, 0,
           (size_t)taps * (size_t)out->c * sizeof *call->scratch);
    for (int n = 0; n < call->n; n++)
        for (int oy = 0; oy < out->h; oy++)
            for (int ky = 0; ky < a->kernel; ky++)
                add_row(call, n, oy, ky);
    /* tap, out back to out, tap */
    transpose(call->scratch, taps, out->c, call->dparam[0]);
}

static void backward(const stn_op_call *call)
{
    if (call->dx[0])
        backward_data(call);
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
