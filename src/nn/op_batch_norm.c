/* SPDX-License-Identifier: MIT
 *
 * batch_norm (Ioffe & Szegedy 2015). Each shard sums deviations from a pivot
 * (its first pixel) in one pass, floats in short blocks, doubles between
 * them; shards are combined by the parallel formula of Chan, Golub & LeVeque
 * 1983. With N pixels, xh = (x - mean) / sqrt(var + epsilon):
 *   dx = gain / sqrt(var + epsilon) (dy - sum(dy) / N - xh sum(dy xh) / N),
 *   dgain = sum(dy xh), dshift = sum(dy).
 * A relu behind it needs no mask: the backward pass reads x anyway, and finds
 * again where y > 0 by the forward pass's own arithmetic. */
#include "base/compiler.h"
#include "nn/channels.h"
#include "nn/ops.h"
#include <math.h>
#include <stddef.h>
#include <string.h>

#define AT(field) offsetof(stn_batch_norm_attrs, field)
/* clang-format off */
static const stn_attr attrs[] = {
    {"momentum", STN_ATTR_FLOAT, AT(momentum), 0.1,  0,     1, NULL,
     "of the running mean and variance"},
    {"epsilon",  STN_ATTR_FLOAT, AT(epsilon),  1e-5, 1e-12, 1, NULL,
     "added to the variance"},
    {.name = NULL}};
/* clang-format on */

/* Order of the node's parameters, and of the values in `stats` and `batch`,
 * c floats each. `batch` holds means over the batch, `stats` the shard's. */
enum { GAIN, SHIFT, RUN_MEAN, RUN_VARIANCE };
enum { MEAN, SQUARES, SUM_DY, SUM_DY_XH, N_STATS }; /* of stats */
enum { INVERSE = SQUARES }; /* of batch: 1 / sqrt(var + epsilon) */

static stn_status shape(stn_graph *graph, stn_node *node, stn_error *err)
{
    static const struct {
        const char *suffix;
        stn_param_role role;
    } list[] = {{"gain", STN_PARAM_GAIN},
                {"shift", STN_PARAM_SHIFT},
                {"mean", STN_PARAM_STATE},
                {"variance", STN_PARAM_STATE}};
    node->out = node->in[0];
    for (int i = 0; i < 4; i++)
        STN_TRY(stn_graph_add_param(graph, node, list[i].suffix, list[i].role,
                                    1, &node->in[0].c, err));
    return STN_OK;
}

static stn_status plan(const stn_node *node, int n, bool training, void **out,
                       stn_op_needs *needs, stn_error *err)
{
    (void)n, (void)training, (void)out, (void)err;
    const size_t c = (size_t)node->in[0].c, width = stn_channels_width((int)c);
    needs->stats_floats = N_STATS * c;
    needs->batch_floats = N_STATS * c;
    /* Up to six wide rows, and two of doubles. */
    needs->scratch_floats = 10 * width;
    return STN_OK;
}

/* ---- statistics ---- */

#define BLOCK_ROWS 128 /* rows of `width` summed in float before a double */

/* a[i] += sum of u, b[i] += sum of u v over `rows` rows, where
 * v = x - pivot and u = dy, or u = v when dy is NULL. */
STN_CLONES
static void add_rows(const float *STN_RESTRICT x,
                     const float *STN_RESTRICT pivot, size_t rows, size_t width,
                     float *STN_RESTRICT a, float *STN_RESTRICT b)
{
    size_t r = 0;
    for (; r + 2 <= rows; r += 2, x += 2 * width)
        for (size_t i = 0; i < width; i++) {
            const float v = x[i] - pivot[i], w = x[width + i] - pivot[i];
            a[i] += v + w;
            b[i] += v * v + w * w;
        }
    for (; r < rows; r++, x += width)
        for (size_t i = 0; i < width; i++) {
            const float v = x[i] - pivot[i];
            a[i] += v;
            b[i] += v * v;
        }
}

/* Per-channel factors repeated to `width`, of
 *   y = f (x - mean) + shift and dx = (f dy + h) + g (x - mean). */
typedef struct factors {
    const float *mean, *f, *g, *h, *shift;
    size_t width;
} factors;

/* What a relu behind leaves of dy. */
STN_INLINE float passed(float dy, float deviation, float f, float shift,
                        bool relu)
{
    return !relu || deviation * f + shift > 0.0f ? dy : 0.0f;
}

STN_INLINE void sum_rows_dy(const float *STN_RESTRICT x,
                            const float *STN_RESTRICT dy, const factors *k,
                            size_t rows, size_t n, bool relu,
                            float *STN_RESTRICT a, float *STN_RESTRICT b)
{
    const float *STN_RESTRICT mean = k->mean;
    const float *STN_RESTRICT f = k->f, *STN_RESTRICT shift = k->shift;
    size_t r = 0;
    for (; r + 2 <= rows; r += 2, x += 2 * n, dy += 2 * n)
        for (size_t i = 0; i < n; i++) {
            const float v = x[i] - mean[i], w = x[n + i] - mean[i];
            const float d = passed(dy[i], v, f[i], shift[i], relu);
            const float e = passed(dy[n + i], w, f[i], shift[i], relu);
            a[i] += d + e;
            b[i] += d * v + e * w;
        }
    for (; r < rows; r++, x += n, dy += n)
        for (size_t i = 0; i < n; i++) {
            const float v = x[i] - mean[i];
            const float d = passed(dy[i], v, f[i], shift[i], relu);
            a[i] += d;
            b[i] += d * v;
        }
}

STN_CLONES
static void add_rows_dy(const float *STN_RESTRICT x,
                        const float *STN_RESTRICT dy, const factors *k,
                        size_t rows, size_t n, float *STN_RESTRICT a,
                        float *STN_RESTRICT b)
{
    sum_rows_dy(x, dy, k, rows, n, false, a, b);
}

STN_CLONES
static void add_rows_relu(const float *STN_RESTRICT x,
                          const float *STN_RESTRICT dy, const factors *k,
                          size_t rows, size_t n, float *STN_RESTRICT a,
                          float *STN_RESTRICT b)
{
    sum_rows_dy(x, dy, k, rows, n, true, a, b);
}

/* The factors in the call's scratch; those of the gradient are left out in
 * the passes before it is known. */
static factors factors_of(const stn_op_call *call, bool with_gradient)
{
    const size_t c = (size_t)call->node->in[0].c;
    const size_t width = stn_channels_width((int)c);
    float *mean = call->scratch, *f = mean + width, *shift = f + width;
    float *g = shift + width, *h = g + width;
    for (size_t i = 0; i < width; i++) {
        const size_t j = i % c;
        const float inverse = call->batch[INVERSE * c + j];
        mean[i] = call->batch[MEAN * c + j];
        f[i] = call->param[GAIN][j] * inverse;
        shift[i] = call->param[SHIFT][j];
        if (!with_gradient)
            continue;
        g[i] = -f[i] * inverse * call->batch[SUM_DY_XH * c + j];
        h[i] = -f[i] * call->batch[SUM_DY * c + j];
    }
    return (factors){mean, f, g, h, shift, width};
}

/* Sums of u and u v of a whole shard, per channel, in double; dy NULL as
 * above. Two rows of the scratch behind the factors' three hold the sums of a
 * block. */
static void shard_sums(const stn_op_call *call, const factors *k,
                       const float *dy, double *sum_u, double *sum_uv)
{
    const size_t c = (size_t)call->node->in[0].c;
    const size_t count = stn_op_count(call), width = k->width;
    float *a = call->scratch + 3 * width, *b = a + width;
    const size_t block = BLOCK_ROWS * width;
    for (size_t i = 0; i < c; i++)
        sum_u[i] = sum_uv[i] = 0.0;
    for (size_t first = 0; first < count; first += block) {
        const size_t n = count - first < block ? count - first : block;
        const size_t rows = n / width, rest = n - rows * width;
        const float *x = call->x[0] + first, *d = dy ? dy + first : NULL;
        memset(a, 0, 2 * width * sizeof *a);
        if (dy) {
            (call->relu_mask ? add_rows_relu : add_rows_dy)(x, d, k, rows,
                                                            width, a, b);
            (call->relu_mask ? add_rows_relu : add_rows_dy)(
                x + n - rest, d + n - rest, k, 1, rest, a, b);
        } else {
            add_rows(x, k->mean, rows, width, a, b);
            add_rows(x + n - rest, k->mean, 1, rest, a, b);
        }
        for (size_t i = 0; i < width; i += c)
            for (size_t j = 0; j < c; j++) {
                sum_u[j] += (double)a[i + j];
                sum_uv[j] += (double)b[i + j];
            }
    }
}

/* Two rows of doubles behind the wide rows of floats. */
static double *sums_of(const stn_op_call *call)
{
    const size_t width = stn_channels_width(call->node->in[0].c);
    return (double *)(void *)(call->scratch + 6 * width);
}

static void forward_stats(const stn_op_call *call)
{
    const size_t c = (size_t)call->node->in[0].c;
    const size_t width = stn_channels_width((int)c);
    const float *pivot = call->x[0];
    const factors k = {.mean = call->scratch, .width = width};
    double *sum = sums_of(call), *squares = sum + c;
    const double n = (double)(stn_op_count(call) / c);
    stn_channels_widen(pivot, (int)c, width, call->scratch);
    shard_sums(call, &k, NULL, sum, squares);
    for (size_t i = 0; i < c; i++) {
        const double m2 = squares[i] - sum[i] * sum[i] / n;
        call->stats[MEAN * c + i] = (float)((double)pivot[i] + sum[i] / n);
        call->stats[SQUARES * c + i] = m2 > 0.0 ? (float)m2 : 0.0f;
    }
}

static void backward_stats(const stn_op_call *call)
{
    const size_t c = (size_t)call->node->in[0].c;
    double *sum = sums_of(call), *sum_xh = sum + c;
    const factors k = factors_of(call, false);
    shard_sums(call, &k, call->dy, sum, sum_xh);
    for (size_t i = 0; i < c; i++) {
        const double inverse = (double)call->batch[INVERSE * c + i];
        call->stats[SUM_DY * c + i] = (float)sum[i];
        call->stats[SUM_DY_XH * c + i] = (float)(sum_xh[i] * inverse);
    }
}

/* ---- reductions over shards ---- */

static void use_running(const stn_op_reduce *reduce, size_t c)
{
    const stn_batch_norm_attrs *a = reduce->node->attrs;
    for (size_t i = 0; i < c; i++) {
        reduce->batch[MEAN * c + i] = reduce->state[RUN_MEAN][i];
        reduce->batch[INVERSE * c + i] =
            1.0f / sqrtf(reduce->state[RUN_VARIANCE][i] + a->epsilon);
    }
}

/* All shards have the same number of pixels, n. */
static void combine(const stn_op_reduce *reduce, size_t c, size_t i, double n,
                    double *mean, double *squares)
{
    double total = 0.0;
    *mean = *squares = 0.0;
    for (int s = 0; s < reduce->n_shards; s++) {
        const double m = (double)reduce->stats[s][MEAN * c + i];
        const double q = (double)reduce->stats[s][SQUARES * c + i];
        const double delta = m - *mean, sum = total + n;
        *mean += delta * n / sum;
        *squares += q + delta * delta * total * n / sum;
        total = sum;
    }
}

static void forward_reduce(const stn_op_reduce *reduce)
{
    const stn_batch_norm_attrs *a = reduce->node->attrs;
    const stn_shape in = reduce->node->in[0];
    const size_t c = (size_t)in.c;
    if (!reduce->training) {
        use_running(reduce, c);
        return;
    }
    const double total = (double)reduce->n * in.h * in.w;
    const double momentum = (double)a->momentum;
    for (size_t i = 0; i < c; i++) {
        double mean, squares;
        combine(reduce, c, i, total / reduce->n_shards, &mean, &squares);
        const double variance = squares / total;
        const double unbiased = squares / (total > 1.0 ? total - 1.0 : 1.0);
        float *run_mean = &reduce->state[RUN_MEAN][i];
        float *run_variance = &reduce->state[RUN_VARIANCE][i];
        reduce->batch[MEAN * c + i] = (float)mean;
        reduce->batch[INVERSE * c + i] =
            (float)(1.0 / sqrt(variance + (double)a->epsilon));
        *run_mean =
            (float)((1 - momentum) * (double)*run_mean + momentum * mean);
        *run_variance = (float)((1 - momentum) * (double)*run_variance +
                                momentum * unbiased);
    }
}

static void backward_reduce(const stn_op_reduce *reduce)
{
    const stn_shape in = reduce->node->in[0];
    const size_t c = (size_t)in.c;
    const double total = (double)reduce->n * in.h * in.w;
    for (size_t i = SUM_DY * c; i < (SUM_DY_XH + 1) * c; i++) {
        double sum = 0.0;
        for (int s = 0; s < reduce->n_shards; s++)
            sum += (double)reduce->stats[s][i];
        reduce->batch[i] = (float)(sum / total);
    }
}

/* ---- passes ---- */

STN_INLINE void normalise(const float *STN_RESTRICT x, size_t count,
                          const factors *k, bool relu, float *STN_RESTRICT y)
{
    const float *STN_RESTRICT mean = k->mean, *STN_RESTRICT f = k->f;
    const float *STN_RESTRICT shift = k->shift;
    for (size_t first = 0; first < count; first += k->width) {
        const size_t left = count - first;
        const size_t n = left < k->width ? left : k->width;
        for (size_t i = 0; i < n; i++) {
            const float v = (x[first + i] - mean[i]) * f[i] + shift[i];
            y[first + i] = relu && v < 0.0f ? 0.0f : v;
        }
    }
}

STN_CLONES
static void apply(const float *STN_RESTRICT x, size_t count, const factors *k,
                  float *STN_RESTRICT y)
{
    normalise(x, count, k, false, y);
}

STN_CLONES
static void apply_relu(const float *STN_RESTRICT x, size_t count,
                       const factors *k, float *STN_RESTRICT y)
{
    normalise(x, count, k, true, y);
}

static void forward(const stn_op_call *call)
{
    const factors k = factors_of(call, false);
    (call->relu_mask ? apply_relu : apply)(call->x[0], stn_op_count(call), &k,
                                           call->y);
}

STN_INLINE void transform(const float *x, const float *dy, size_t count,
                          const factors *k, bool add, bool relu, float *dx)
{
    const float *mean = k->mean, *f = k->f, *g = k->g, *h = k->h;
    const float *shift = k->shift;
    for (size_t first = 0; first < count; first += k->width) {
        const size_t left = count - first;
        const size_t n = left < k->width ? left : k->width;
        STN_INDEPENDENT
        for (size_t i = 0; i < n; i++) {
            const size_t j = first + i;
            const float u = x[j] - mean[i];
            const float d = passed(dy[j], u, f[i], shift[i], relu);
            const float v = (f[i] * d + h[i]) + g[i] * u;
            dx[j] = add ? dx[j] + v : v;
        }
    }
}

#define BACKWARD(name, add, relu)                                              \
    STN_CLONES                                                                 \
    static void name(const float *x, const float *dy, size_t count,            \
                     const factors *k, float *dx)                              \
    {                                                                          \
        transform(x, dy, count, k, add, relu, dx);                             \
    }

BACKWARD(apply_backward, false, false)
BACKWARD(add_backward, true, false)
BACKWARD(apply_backward_relu, false, true)
BACKWARD(add_backward_relu, true, true)

static void backward(const stn_op_call *call)
{
    const size_t c = (size_t)call->node->in[0].c;
    memcpy(call->dparam[GAIN], call->stats + SUM_DY_XH * c, c * sizeof(float));
    memcpy(call->dparam[SHIFT], call->stats + SUM_DY * c, c * sizeof(float));
    if (!call->dx[0])
        return;
    const factors k = factors_of(call, true);
    const bool add = call->add_dx[0];
    if (call->relu_mask)
        (add ? add_backward_relu : apply_backward_relu)(
            call->x[0], call->dy, stn_op_count(call), &k, call->dx[0]);
    else
        (add ? add_backward : apply_backward)(
            call->x[0], call->dy, stn_op_count(call), &k, call->dx[0]);
}

const stn_op_type stn_op_batch_norm = {
    .name = "batch_norm",
    .help = "y = gain (x - mean) / sqrt(var + epsilon) + shift",
    .attrs = attrs,
    .attrs_size = sizeof(stn_batch_norm_attrs),
    .n_inputs = 1,
    .shape = shape,
    .plan = plan,
    .forward = forward,
    .backward = backward,
    .dx_over_dy = true,
    .adds_dx = true,
    .absorbs_relu = true,
    .forward_barrier = true,
    .forward_stats = forward_stats,
    .forward_reduce = forward_reduce,
    .backward_stats = backward_stats,
    .backward_reduce = backward_reduce,
};
