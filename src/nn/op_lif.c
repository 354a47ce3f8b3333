/* SPDX-License-Identifier: MIT
 *
 * lif: leaky integrate-and-fire neurons, trained through time (Wu, Deng, Li,
 * Zhu & Shi, "Spatio-temporal backpropagation", Front. Neurosci. 2018, with
 * their rectangular surrogate). Per neuron, u and s being 0 before a picture:
 *     u[t] = leak u[t-1] (1 - s[t-1]) + x[t]        s[t] = [u[t] > threshold]
 * and backward, last step first,
 *     g[t] = dy[t] [|u[t] - threshold| <= window] / (2 window)
 *            + leak (1 - s[t]) g[t+1]                dx[t] = g[t]
 * The membrane has the form of the authors of TSSL-BP without their synaptic
 * filter. One byte a value is kept: whether the gradient passes the spike, and
 * what is left of the membrane. */
#include "base/compiler.h"
#include "nn/mask.h"
#include "nn/ops.h"
#include <math.h>

#define INSIDE 1 /* u is near the threshold */
#define STAYED 2 /* no spike: the membrane goes on */

// clang-format off
#define AT(field) offsetof(stn_lif_attrs, field)
static const stn_attr attrs[] = {
    {"threshold", STN_ATTR_FLOAT, AT(threshold), 1, 1e-6, 1e6, NULL,
     "membrane above which a neuron fires"},
    {"leak", STN_ATTR_FLOAT, AT(leak), 0.8, 0, 1, NULL,
     "share of the membrane left a step later, 1 - 1/tau, in 256ths"},
    {"window", STN_ATTR_FLOAT, AT(window), 0.5, 1e-6, 1e6, NULL,
     "largest |u - threshold| that a gradient passes"},
    {.name = NULL}};
// clang-format on

int stn_lif_leak(const stn_lif_attrs *attributes)
{
    return (int)lrintf(attributes->leak * 256.0f);
}

static stn_status plan(const stn_node *node, int n, bool training, void **out,
                       stn_op_needs *needs, stn_error *err)
{
    (void)out, (void)err;
    const size_t count = stn_shape_count(node->out);
    needs->scratch_floats = count;
    if (training)
        needs->saved_floats = stn_mask_floats((size_t)n * count);
    return STN_OK;
}

/* One step of `count` neurons. u is the membrane before leaking, 0 where the
 * neuron fired. */
STN_CLONES
static void step(const float *x, size_t count, const stn_lif_attrs *a,
                 float leak, float *STN_RESTRICT u, float *y)
{
    STN_INDEPENDENT
    for (size_t i = 0; i < count; i++) {
        const float now = leak * u[i] + x[i];
        y[i] = now > a->threshold ? 1.0f : 0.0f;
        u[i] = now > a->threshold ? 0.0f : now;
    }
}

/* The same, keeping what backward asks. */
STN_CLONES
static void step_training(const float *x, size_t count, const stn_lif_attrs *a,
                          float leak, float *STN_RESTRICT u,
                          uint8_t *STN_RESTRICT mask, float *y)
{
    STN_INDEPENDENT
    for (size_t i = 0; i < count; i++) {
        const float now = leak * u[i] + x[i];
        const int fires = now > a->threshold;
        const int inside = fabsf(now - a->threshold) <= a->window;
        y[i] = fires ? 1.0f : 0.0f;
        u[i] = fires ? 0.0f : now;
        mask[i] = (uint8_t)((inside ? INSIDE : 0) | (fires ? 0 : STAYED));
    }
}

static void forward(const stn_op_call *call)
{
    const stn_lif_attrs *a = call->node->attrs;
    const size_t count = stn_shape_count(call->node->out);
    const float leak = (float)stn_lif_leak(a) / 256.0f;
    const int steps = call->node->steps;
    float *u = call->scratch;
    for (int n = 0; n < call->n; n++) {
        const size_t at = (size_t)n * count;
        for (size_t i = 0; n % steps == 0 && i < count; i++)
            u[i] = 0.0f;
        if (call->training)
            step_training(call->x[0] + at, count, a, leak, u,
                          stn_mask_of(call->saved) + at, call->y + at);
        else
            step(call->x[0] + at, count, a, leak, u, call->y + at);
    }
}

/* g becomes g[t] from g[t+1]. */
STN_CLONES
static void step_back(const uint8_t *STN_RESTRICT mask, const float *dy,
                      size_t count, float slope, float leak,
                      float *STN_RESTRICT g, float *dx)
{
    STN_INDEPENDENT
    for (size_t i = 0; i < count; i++) {
        const float passed = mask[i] & INSIDE ? slope * dy[i] : 0.0f;
        const float carried = mask[i] & STAYED ? leak * g[i] : 0.0f;
        g[i] = passed + carried;
        dx[i] = g[i];
    }
}

static void backward(const stn_op_call *call)
{
    if (!call->dx[0])
        return;
    const stn_lif_attrs *a = call->node->attrs;
    const size_t count = stn_shape_count(call->node->out);
    const float leak = (float)stn_lif_leak(a) / 256.0f;
    const int steps = call->node->steps;
    float *g = call->scratch;
    for (int n = call->n - 1; n >= 0; n--) {
        const size_t at = (size_t)n * count;
        for (size_t i = 0; (n + 1) % steps == 0 && i < count; i++)
            g[i] = 0.0f;
        step_back(stn_mask_of(call->saved) + at, call->dy + at, count,
                  0.5f / a->window, leak, g, call->dx[0] + at);
    }
}

const stn_op_type stn_op_lif = {
    .name = "lif",
    .help = "u = leak u + x; y = 1 and u = 0 where u > threshold, else y = 0",
    .attrs = attrs,
    .attrs_size = sizeof(stn_lif_attrs),
    .n_inputs = 1,
    .shape = stn_op_shape_of_input,
    .plan = plan,
    .forward = forward,
    .backward = backward,
    .y_over_x = true,
    .dx_over_dy = true,
};
