/* SPDX-License-Identifier: MIT
 *
 * depthwise: every output channel o has one kernel over input channel
 * o mod C, so the outputs are `multiplier` blocks of C channels and all loops
 * run over C contiguous channels. Weights are transposed to tap, channel
 * first, and pictures are copied into a frame of zeros, so that no window
 * sticks out; the loops over a picture are in depthwise_plane.c. */
#include "nn/depthwise_plane.h"
#include "nn/ops.h"
#include <stddef.h>
#include <string.h>

#define MAX_KERNEL STN_DEPTHWISE_KERNEL
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

/* w is out, tap; wt is tap, out. */
static void transpose(const float *w, int out, int taps, float *wt)
{
    for (int o = 0; o < out; o++)
        for (int t = 0; t < taps; t++)
            wt[(size_t)t * (size_t)out + (size_t)o] =
                w[(size_t)o * (size_t)taps + (size_t)t];
}

/* Where the pixels of a picture stand in one with zeros around (`margin`
 * above and left of it) and, for the data gradient, between (`step` - 1). */
typedef struct frame {
    int h, w; /* of the frame */
    int margin, step;
} frame;

static frame input_frame(const stn_node *node)
{
    const stn_depthwise_attrs *a = node->attrs;
    const stn_shape in = node->in[0];
    return (frame){in.h + 2 * a->pad, in.w + 2 * a->pad, a->pad, 1};
}

/* With dy spread out by the stride, the data gradient is a correlation of
 * stride 1 with the kernel turned by 180 degrees. */
static frame gradient_frame(const stn_node *node)
{
    const stn_depthwise_attrs *a = node->attrs;
    const stn_shape in = node->in[0];
    const int more = a->kernel - 1;
    return (frame){in.h + more, in.w + more, more - a->pad, a->stride};
}

static size_t frame_floats(frame f, int c)
{
    return (size_t)f.h * (size_t)f.w * (size_t)c;
}

static stn_status plan(const stn_node *node, int n, bool training, void **out,
                       stn_op_needs *needs, stn_error *err)
{
    (void)n, (void)training, (void)out, (void)err;
    const stn_depthwise_attrs *a = node->attrs;
    const int c = node->in[0].c;
    const size_t x = frame_floats(input_frame(node), c);
    const size_t dy = frame_floats(gradient_frame(node), c);
    needs->scratch_floats =
        (size_t)(a->kernel * a->kernel) * (size_t)node->out.c +
        (x > dy ? x : dy);
    return STN_OK;
}

/* Scratch holds the transposed weights, then one frame of c channels. */
static float *frame_of(const stn_op_call *call)
{
    const stn_depthwise_attrs *a = call->node->attrs;
    return call->scratch +
           (size_t)(a->kernel * a->kernel) * (size_t)call->node->out.c;
}

static void clear_frame(const stn_op_call *call, frame f)
{
    memset(frame_of(call), 0,
           frame_floats(f, call->node->in[0].c) * sizeof(float));
}

/* Copies c channels of each pixel of a picture whose pixels are `pixel`
 * floats apart; what lies between stays zero. */
static void fill_frame(const stn_op_call *call, frame f, const float *from,
                       stn_shape shape, size_t pixel)
{
    const size_t c = (size_t)call->node->in[0].c;
    float *base = frame_of(call);
    for (int y = 0; y < shape.h; y++) {
        const int row = (f.margin + y * f.step) * f.w + f.margin;
        float *to = base + (size_t)row * c;
        const bool is_dense = f.step == 1 && pixel == c;
        if (is_dense)
            memcpy(to, from, (size_t)shape.w * c * sizeof *to);
        for (int x = 0; !is_dense && x < shape.w; x++)
            memcpy(to + (size_t)(x * f.step) * c, from + (size_t)x * pixel,
                   c * sizeof *to);
        from += (size_t)shape.w * pixel;
    }
}

/* The walk of forward and of the weights' gradient. */
static stn_plane plane_of(const stn_node *node)
{
    const stn_depthwise_attrs *a = node->attrs;
    const size_t c = (size_t)node->in[0].c;
    return (stn_plane){.h = node->out.h,
                       .w = node->out.w,
                       .kernel = a->kernel,
                       .stride = a->stride,
                       .c = c,
                       .x_row = (size_t)input_frame(node).w * c,
                       .x_pixel = c,
                       .y_pixel = (size_t)node->out.c,
                       .w_tap = node->out.c};
}

static void forward(const stn_op_call *call)
{
    const stn_node *node = call->node;
    const stn_depthwise_attrs *a = node->attrs;
    const frame f = input_frame(node);
    const stn_plane plane = plane_of(node);
    transpose(call->param[0], node->out.c, a->kernel * a->kernel,
              call->scratch);
    clear_frame(call, f);
    for (int n = 0; n < call->n; n++) {
        const float *x = call->x[0] + (size_t)n * stn_shape_count(node->in[0]);
        float *y = call->y + (size_t)n * stn_shape_count(node->out);
        fill_frame(call, f, x, node->in[0], plane.c);
        for (size_t j = 0; j < (size_t)a->multiplier; j++)
            stn_plane_filter(&plane, frame_of(call),
                             call->scratch + j * plane.c, false,
                             y + j * plane.c);
    }
}

static void backward_data(const stn_op_call *call)
{
    const stn_node *node = call->node;
    const stn_depthwise_attrs *a = node->attrs;
    const frame f = gradient_frame(node);
    const int taps = a->kernel * a->kernel;
    const size_t c = (size_t)node->in[0].c, out = (size_t)node->out.c;
    const stn_plane plane = {.h = node->in[0].h,
                             .w = node->in[0].w,
                             .kernel = a->kernel,
                             .stride = 1,
                             .c = c,
                             .x_row = (size_t)f.w * c,
                             .x_pixel = c,
                             .y_pixel = c,
                             .w_tap = -(ptrdiff_t)out};
    transpose(call->param[0], node->out.c, taps, call->scratch);
    const float *last_tap = call->scratch + (size_t)(taps - 1) * out;
    clear_frame(call, f);
    for (int n = 0; n < call->n; n++) {
        const float *dy = call->dy + (size_t)n * stn_shape_count(node->out);
        float *dx = call->dx[0] + (size_t)n * stn_shape_count(node->in[0]);
        for (size_t j = 0; j < (size_t)a->multiplier; j++) {
            fill_frame(call, f, dy + j * c, node->out, out);
            stn_plane_filter(&plane, frame_of(call), last_tap + j * c, j > 0,
                             dx);
        }
    }
}

static void backward_weights(const stn_op_call *call)
{
    const stn_node *node = call->node;
    const stn_depthwise_attrs *a = node->attrs;
    const frame f = input_frame(node);
    const stn_plane plane = plane_of(node);
    const int taps = a->kernel * a->kernel;
    memset(call->scratch, 0,
           (size_t)taps * (size_t)node->out.c * sizeof *call->scratch);
    clear_frame(call, f);
    for (int n = 0; n < call->n; n++) {
        const float *x = call->x[0] + (size_t)n * stn_shape_count(node->in[0]);
        const float *dy = call->dy + (size_t)n * stn_shape_count(node->out);
        fill_frame(call, f, x, node->in[0], plane.c);
        for (size_t j = 0; j < (size_t)a->multiplier; j++)
            stn_plane_correlate(&plane, frame_of(call), dy + j * plane.c,
                                call->scratch + j * plane.c);
    }
    /* tap, out back to out, tap */
    transpose(call->scratch, taps, node->out.c, call->dparam[0]);
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
