/* SPDX-License-Identifier: MIT
 *
 * quantise: values that an integer of `bits` bits times a scale can hold.
 * The gradient is the straight-through estimator (Bengio et al. 2013), cut
 * off outside the range: one byte for each value says where.
 *
 * With 0 bits the node is the identity, so that one network file describes a
 * quantised network and its float twin. It has no parameter then, which
 * leaves the twin's initial weights what they are without the node. */
#include "base/compiler.h"
#include "base/math.h"
#include "nn/mask.h"
#include "nn/ops.h"
#include <math.h>
#include <stddef.h>
#include <string.h>

#define TILE 2048 /* floats; x and y of one stay in the L1 cache */

#define AT(field) offsetof(stn_quantise_attrs, field)
/* clang-format off */
static const stn_attr attrs[] = {
    {"bits",     STN_ATTR_INT,   AT(bits),      8,   0, 16,  NULL,
     "of the integer; 0: values pass as they are"},
    {"signed",   STN_ATTR_BOOL,  AT(is_signed), 0,   0, 1,   NULL,
     "whether negative values exist"},
    {"momentum", STN_ATTR_FLOAT, AT(momentum),  0.1, 0, 1,   NULL,
     "of the running range; 1: the last batch alone"},
    {"fixed",    STN_ATTR_FLOAT, AT(fixed),     0,   0, 1e6, NULL,
     "range that never moves; 0: follow the data"},
    {"power_of_two", STN_ATTR_BOOL, AT(power_of_two), 0, 0, 1, NULL,
     "whether a step is a power of two"},
    {.name = NULL}};
/* clang-format on */

static stn_status shape(stn_graph *graph, stn_node *node, stn_error *err)
{
    const stn_quantise_attrs *a = node->attrs;
    const int dims[] = {1};
    node->out = node->in[0];
    if (a->bits == 1 && a->is_signed)
        return stn_node_fail(node, err,
                             "1 bit holds no signed number; use at least 2 "
                             "bits, or unsigned");
    if (a->bits == 0)
        return STN_OK;
    return stn_graph_add_param(graph, node, "range", STN_PARAM_STATE, 1, dims,
                               err);
}

static bool is_identity(const stn_node *node)
{
    return ((const stn_quantise_attrs *)node->attrs)->bits == 0;
}

static stn_status plan(const stn_node *node, int n, bool training, void **out,
                       stn_op_needs *needs, stn_error *err)
{
    (void)out, (void)err;
    if (is_identity(node))
        return STN_OK;
    if (training) /* where x lies inside the range */
        needs->saved_floats =
            stn_mask_floats((size_t)n * stn_shape_count(node->out));
    needs->stats_floats = 1; /* the largest value of the shard */
    return STN_OK;
}

static void copy(const float *x, size_t count, float *y)
{
    if (y != x)
        memcpy(y, x, count * sizeof *y);
}

/* Adding and subtracting 1.5 * 2^23 rounds |x| < 2^22 half to even, as
 * stn_rintf does, and vectorises. Clamping first gives the same result since
 * the bounds are integers. */
STN_CLONES
static void round_clamped(const float *x, size_t count, float scale, float lo,
                          float hi, float *y)
{
    const float magic = 12582912.0f;
    STN_INDEPENDENT
    for (size_t i = 0; i < count; i++) {
        float q = x[i] / scale;
        q = q < lo ? lo : q;
        q = q > hi ? hi : q;
        y[i] = scale * ((q + magic) - magic);
    }
}

STN_CLONES
static void find_inside(const float *STN_RESTRICT x, size_t count, float lo,
                        float hi, uint8_t *STN_RESTRICT mask)
{
    for (size_t i = 0; i < count; i++)
        mask[i] = (x[i] >= lo) & (x[i] <= hi);
}

static float top(const stn_quantise_attrs *a)
{
    return (float)((1 << (a->is_signed ? a->bits - 1 : a->bits)) - 1);
}

/* Below this a step would not be a normal number. */
#define LEAST_EXPONENT (-100)

float stn_quantise_largest(const stn_quantise_attrs *a, float range)
{
    int exponent;
    range = a->fixed > 0.0f ? a->fixed : range;
    if (!a->power_of_two || !(range > 0.0f) || isinf(range))
        return range;
    /* range = fraction 2^exponent, 0.5 <= fraction < 1 */
    const float fraction = frexpf(range, &exponent), hi = top(a);
    exponent -= fraction == 0.5f;
    exponent = exponent > LEAST_EXPONENT ? exponent : LEAST_EXPONENT;
    return hi * ldexpf(1.0f / (hi + 1.0f), exponent);
}

/* What one pass needs to know. */
typedef struct rounding {
    float range, lo, hi; /* lo, hi: of the integer */
    float sign;          /* -1: the range is that of |x|, 1: of x */
} rounding;

static rounding rounding_of(const stn_op_call *call)
{
    const stn_quantise_attrs *a = call->node->attrs;
    return (rounding){
        .range = stn_quantise_largest(a, call->param[0][0]),
        .lo = a->is_signed ? -top(a) : 0.0f,
        .hi = top(a),
        .sign = a->is_signed ? -1.0f : 1.0f,
    };
}

/* Mask and largest value of one tile; before rounding, which may overwrite
 * it. */
static void observe(const stn_op_call *call, const rounding *r, size_t first,
                    size_t n)
{
    const stn_quantise_attrs *a = call->node->attrs;
    const float *x = call->x[0] + first;
    uint8_t *mask = stn_mask_of(call->saved) + first;
    if (r->range > 0.0f)
        find_inside(x, n, a->is_signed ? -r->range : 0.0f, r->range, mask);
    else
        memset(mask, 1, n);
    if (a->fixed <= 0.0f)
        call->stats[0] = fmaxf(call->stats[0], stn_largest(n, x, r->sign));
}

/* Tile by tile, so that each value comes from memory once. */
static void forward(const stn_op_call *call)
{
    const size_t count = stn_op_count(call);
    if (is_identity(call->node)) {
        copy(call->x[0], count, call->y);
        return;
    }
    const rounding r = rounding_of(call);
    call->stats[0] = 0.0f;
    for (size_t first = 0; first < count; first += TILE) {
        const size_t n = count - first < TILE ? count - first : TILE;
        const float *x = call->x[0] + first;
        float *y = call->y + first;
        if (call->training)
            observe(call, &r, first, n);
        if (r.range > 0.0f)
            round_clamped(x, n, r.range / r.hi, r.lo, r.hi, y);
        else
            copy(x, n, y);
    }
}

static void backward(const stn_op_call *call)
{
    if (call->dx[0] && is_identity(call->node))
        copy(call->dy, stn_op_count(call), call->dx[0]);
    else if (call->dx[0])
        stn_mask_apply(stn_mask_of(call->saved), call->dy, stn_op_count(call),
                       call->dx[0]);
}

static void forward_reduce(const stn_op_reduce *reduce)
{
    if (is_identity(reduce->node))
        return;
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
    .y_over_x = true,
    .dx_over_dy = true,
    .forward_reduce = forward_reduce,
};
