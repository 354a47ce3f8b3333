/* SPDX-License-Identifier: MIT
 *
 * quantise: values that an integer of `bits` bits times a scale can hold.
 * The gradient is the straight-through estimator (Bengio et al. 2013), cut
 * off outside the range. */
#include "base/compiler.h"
#include "nn/ops.h"
#include <math.h>
#include <stddef.h>

#define AT(field) offsetof(stn_quantise_attrs, field)
/* clang-format off */
static const stn_attr attrs[] = {
    {"bits",     STN_ATTR_INT,   AT(bits),      8,   2, 16,  NULL,
     "of the integer"},
    {"signed",   STN_ATTR_BOOL,  AT(is_signed), 0,   0, 1,   NULL,
     "whether negative values exist"},
    {"momentum", STN_ATTR_FLOAT, AT(momentum),  0.1, 0, 1,   NULL,
     "of the running range; 1: the last batch alone"},
    {"fixed",    STN_ATTR_FLOAT, AT(fixed),     0,   0, 1e6, NULL,
     "range that never moves; 0: follow the data"},
    {.name = NULL}};
/* clang-format on */

static stn_status shape(stn_graph *graph, stn_node *node, stn_error *err)
{
    const int dims[] = {1};
    node->out = node->in[0];
    return stn_graph_add_param(graph, node, "range", STN_PARAM_STATE, 1, dims,
                               err);
}

static stn_status plan(const stn_node *node, int n, bool training, void **out,
                       stn_op_needs *needs, stn_error *err)
{
    (void)node, (void)n, (void)training, (void)out, (void)err;
    needs->saved_floats = 1; /* the range that forward used */
    needs->stats_floats = 1; /* the largest value of the shard */
    return STN_OK;
}

static size_t count_of(const stn_op_call *call)
{
    return (size_t)call->n * stn_shape_count(call->node->out);
}

/* Adding and subtracting 1.5 * 2^23 rounds |x| < 2^22 half to even, as
 * stn_rintf does, and vectorises. Clamping first gives the same result since
 * the bounds are integers. */
STN_CLONES
static void round_clamped(const float *STN_RESTRICT x, size_t count,
                          float scale, float lo, float hi,
                          float *STN_RESTRICT y)
{
    const float magic = 12582912.0f;
    for (size_t i = 0; i < count; i++) {
        float q = x[i] / scale;
        q = q < lo ? lo : q;
        q = q > hi ? hi : q;
        y[i] = scale * ((q + magic) - magic);
    }
}

STN_CLONES
static void copy(const float *STN_RESTRICT x, size_t count,
                 float *STN_RESTRICT y)
{
    for (size_t i = 0; i < count; i++)
        y[i] = x[i];
}

STN_CLONES
static void mask(const float *STN_RESTRICT x, const float *STN_RESTRICT dy,
                 size_t count, float lo, float hi, float *STN_RESTRICT dx)
{
    for (size_t i = 0; i < count; i++) {
        const float kept = x[i] <= hi ? dy[i] : 0.0f;
        dx[i] = x[i] >= lo ? kept : 0.0f;
    }
}

/* max of sign * x and x over the shard; sign -1: of |x|, sign 1: of x. */
#define LANES 32
STN_CLONES
static float largest(const float *STN_RESTRICT x, size_t count, float sign)
{
    float lane[LANES] = {0};
    size_t i = 0;
    for (; i + LANES <= count; i += LANES)
        for (size_t l = 0; l < LANES; l++) {
            const float v = x[i + l], w = sign * v;
            const float u = v > w ? v : w;
            lane[l] = u > lane[l] ? u : lane[l];
        }
    for (; i < count; i++) {
        const float v = x[i], w = sign * v;
        const float u = v > w ? v : w;
        lane[0] = u > lane[0] ? u : lane[0];
    }
    for (size_t l = 1; l < LANES; l++)
        lane[0] = lane[l] > lane[0] ? lane[l] : lane[0];
    return lane[0];
}

static float top(const stn_quantise_attrs *a)
{
    return (float)((1 << (a->is_signed ? a->bits - 1 : a->bits)) - 1);
}

static void forward(const stn_op_call *call)
{
    const stn_quantise_attrs *a = call->node->attrs;
    const float range = a->fixed > 0.0f ? a->fixed : call->param[0][0];
    call->saved[0] = range;
    if (range > 0.0f)
        round_clamped(call->x[0], count_of(call), range / top(a),
                      a->is_signed ? -top(a) : 0.0f, top(a), call->y);
    else
        copy(call->x[0], count_of(call), call->y);
}

static void backward(const stn_op_call *call)
{
    const stn_quantise_attrs *a = call->node->attrs;
    const float range = call->saved[0];
    if (!call->dx[0])
        return;
    if (range > 0.0f)
        mask(call->x[0], call->dy, count_of(call), a->is_signed ? -range : 0.0f,
             range, call->dx[0]);
    else
        copy(call->dy, count_of(call), call->dx[0]);
}

static void forward_stats(const stn_op_call *call)
{
    const stn_quantise_attrs *a = call->node->attrs;
    if (a->fixed > 0.0f)
        return;
    call->stats[0] =
        largest(call->x[0], count_of(call), a->is_signed ? -1.0f : 1.0f);
}

static void forward_reduce(const stn_op_reduce *reduce)
{
    const stn_quantise_attrs *a = reduce->node->attrs;
    float *range = reduce->state[0];
    if (a->fixed > 0.0f) {
        *range = a->fixed;
        return;
    }
    float max = 0.0f;
    for (int s = 0; s < reduce->n_shards; s++)
        max = fmaxf(max, reduce->stats[s][0]);
    *range =
        *range > 0.0f ? (1.0f - a->momentum) * *range + a->momentum * max : max;
}

const stn_op_type stn_op_quantise = {
    .name = "quantise",
    .help = "y = s clamp(rint(x / s)) with s = range / largest integer",
    .attrs = attrs,
    .attrs_size = sizeof(stn_quantise_attrs),
    .n_inputs = 1,
    .shape = shape,
    .plan = plan,
    .forward = forward,
    .backward = backward,
    .forward_stats = forward_stats,
    .forward_reduce = forward_reduce,
};
