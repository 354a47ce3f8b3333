/* SPDX-License-Identifier: MIT
 *
 * normalise: pixels to real values, one multiplication and one addition:
 * y = x * a[c] + b[c] with a = 1 / (255 std), b = -mean / std. */
#include "base/compiler.h"
#include "nn/channels.h"
#include "nn/ops.h"
#include <stddef.h>

#define AT(field) offsetof(stn_normalise_attrs, field)
/* clang-format off */
static const stn_attr attrs[] = {
    {"mean", STN_ATTR_FLOATS, AT(mean), 0, -10,  10, NULL,
     "of each channel, of pixels scaled to 0 ... 1"},
    {"std",  STN_ATTR_FLOATS, AT(std),  1, 1e-6, 10, NULL,
     "of each channel, of pixels scaled to 0 ... 1"},
    {.name = NULL}};
/* clang-format on */

static stn_status shape(stn_graph *graph, stn_node *node, stn_error *err)
{
    (void)graph;
    const stn_normalise_attrs *a = node->attrs;
    const int c = node->in[0].c;
    if ((a->mean.n != 1 && a->mean.n != c) || (a->std.n != 1 && a->std.n != c))
        return stn_node_fail(node, err,
                             "%d means and %d deviations for %d channels; "
                             "give one, or one per channel",
                             a->mean.n, a->std.n, c);
    node->out = node->in[0];
    return STN_OK;
}

static stn_status plan(const stn_node *node, int n, bool training, void **out,
                       stn_op_needs *needs, stn_error *err)
{
    (void)n, (void)training, (void)out, (void)err;
    needs->scratch_floats = 2 * stn_channels_width(node->in[0].c);
    return STN_OK;
}

/* Writes a[width], b[width] to scratch. */
static void coefficients(const stn_op_call *call, size_t width)
{
    const stn_normalise_attrs *attr = call->node->attrs;
    const size_t c = (size_t)call->node->in[0].c;
    for (size_t i = 0; i < width; i++) {
        const float mean = attr->mean.v[attr->mean.n == 1 ? 0 : i % c];
        const float std = attr->std.v[attr->std.n == 1 ? 0 : i % c];
        call->scratch[i] = 1.0f / (255.0f * std);
        call->scratch[width + i] = -mean / std;
    }
}

STN_CLONES
static void scale_add(const float *STN_RESTRICT x, size_t count,
                      const float *STN_RESTRICT a, const float *STN_RESTRICT b,
                      size_t width, float *STN_RESTRICT y)
{
    for (size_t first = 0; first < count; first += width) {
        const size_t n = count - first < width ? count - first : width;
        for (size_t i = 0; i < n; i++)
            y[first + i] = x[first + i] * a[i] + b[i];
    }
}

static void forward(const stn_op_call *call)
{
    const size_t width = stn_channels_width(call->node->in[0].c);
    coefficients(call, width);
    scale_add(call->x[0], stn_op_count(call), call->scratch,
              call->scratch + width, width, call->y);
}

static void backward(const stn_op_call *call)
{
    if (!call->dx[0])
        return;
    const size_t width = stn_channels_width(call->node->in[0].c);
    coefficients(call, width);
    for (size_t i = 0; i < width; i++)
        call->scratch[width + i] = 0.0f;
    scale_add(call->dy, stn_op_count(call), call->scratch,
              call->scratch + width, width, call->dx[0]);
}

const stn_op_type stn_op_normalise = {
    .name = "normalise",
    .help = "y = (x / 255 - mean) / std",
    .attrs = attrs,
    .attrs_size = sizeof(stn_normalise_attrs),
    .n_inputs = 1,
    .shape = shape,
    .plan = plan,
    .forward = forward,
    .backward = backward,
};
