/* SPDX-License-Identifier: MIT
 *
 * rate_code: a picture becomes T steps of spikes, each pixel firing with
 * probability x / 256 a step. Thresholds are a hash of (key, step, pixel): in
 * training the key comes from seed, step of training and picture, so that it
 * depends on no thread; in evaluation it is 0, as in the integer program.
 * Pixels have no gradient. */
#include "base/compiler.h"
#include "base/rng.h"
#include "base/spikes.h"
#include "nn/ops.h"
#include <stddef.h>
#include <string.h>

#define MOST_STEPS 255 /* a byte counts them */

// clang-format off
static const stn_attr attrs[] = {
    {"steps", STN_ATTR_INT, offsetof(stn_rate_code_attrs, steps), 20, 1,
     MOST_STEPS, NULL, "time steps"},
    {.name = NULL}};
// clang-format on

static stn_status shape(stn_graph *graph, stn_node *node, stn_error *err)
{
    const stn_rate_code_attrs *a = node->attrs;
    if (node->inputs[0] != 0)
        return stn_node_fail(node, err,
                             "it reads '%s'; spikes are made of pixels, so "
                             "read 'in'",
                             graph->nodes[node->inputs[0]].name);
    node->out = node->in[0];
    node->steps = a->steps;
    return STN_OK;
}

STN_CLONES
static void encode(const float *STN_RESTRICT x, uint32_t count, uint32_t key,
                   uint32_t first, float *STN_RESTRICT y)
{
    for (uint32_t i = 0; i < count; i++)
        y[i] = x[i] > (float)(int)stn_spike_threshold(key, first + i) ? 1.0f
                                                                      : 0.0f;
}

static uint32_t key_of(const stn_op_call *call, int picture)
{
    if (!call->training)
        return 0;
    const uint64_t index = (uint64_t)(call->first_picture + picture);
    stn_rng rng =
        stn_rng_make(call->seed, STN_RNG_SPIKES, call->step << 32 | index);
    return (uint32_t)(stn_rng_u64(&rng) >> 32);
}

static void forward(const stn_op_call *call)
{
    const size_t count = stn_shape_count(call->node->out);
    const int steps = call->node->steps;
    float *y = call->y;
    for (int n = 0; n < call->n; n++) {
        const uint32_t key = key_of(call, n);
        for (int t = 0; t < steps; t++, y += count)
            encode(call->x[0] + (size_t)n * count, (uint32_t)count, key,
                   (uint32_t)t * (uint32_t)count, y);
    }
}

static void backward(const stn_op_call *call)
{
    if (call->dx[0])
        memset(call->dx[0], 0,
               (size_t)call->n * stn_shape_count(call->node->in[0]) *
                   sizeof(float));
}

const stn_op_type stn_op_rate_code = {
    .name = "rate_code",
    .help = "T steps of spikes: 1 with probability x / 256, else 0",
    .attrs = attrs,
    .attrs_size = sizeof(stn_rate_code_attrs),
    .n_inputs = 1,
    .shape = shape,
    .forward = forward,
    .backward = backward,
};
