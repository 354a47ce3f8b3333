/* SPDX-License-Identifier: MIT
 *
 * One pass of a convolution as a oneDNN 2.x primitive. Activations are NHWC
 * as they stand; weights are OHWI and are reordered to the layout that the
 * primitive asks for, once a step; their gradient is reordered back on every
 * call. Scratch is the caller's, so threads share a primitive. */
#include "tensor/conv_plan.h"
#include "base/memory.h"
#include <math.h>
#include <oneapi/dnnl/dnnl.h>
#include <string.h>

struct stn_conv_primitive {
    stn_conv_pass pass;
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    dnnl_primitive_t primitive, reorder; /* reorder NULL: OHWI will do */
    dnnl_memory_desc_t src, dst, bias, user_weights, weights;
    dnnl_memory_desc_t scratchpad, reorder_scratchpad;
    size_t weights_floats, scratchpad_floats, reorder_floats;
    bool has_bias;
};

static size_t floats(const dnnl_memory_desc_t *desc)
{
    const size_t line = STN_ALIGNMENT;
    size_t bytes = dnnl_memory_desc_get_size(desc);
    return (bytes + line - 1) / line * line / sizeof(float);
}

static dnnl_status_t describe(stn_conv_primitive *p, const stn_conv_shape *s,
                              int oh, int ow)
{
    const dnnl_dims_t src = {s->n, s->c, s->h, s->w};
    const dnnl_dims_t dst = {s->n, s->out, oh, ow};
    const int g = s->groups > 1 ? s->groups : 1;
    const dnnl_dims_t dense = {s->out, s->c, s->kernel, s->kernel};
    const dnnl_dims_t grouped = {g, s->out / g, s->c / g, s->kernel, s->kernel};
    const dnnl_dim_t *weights = g > 1 ? grouped : dense;
    const int rank = g > 1 ? 5 : 4;
    const dnnl_dims_t bias = {s->out};
    dnnl_status_t e =
        dnnl_memory_desc_init_by_tag(&p->src, 4, src, dnnl_f32, dnnl_nhwc);
    if (!e)
        e = dnnl_memory_desc_init_by_tag(&p->dst, 4, dst, dnnl_f32, dnnl_nhwc);
    if (!e)
        e = dnnl_memory_desc_init_by_tag(&p->user_weights, rank, weights,
                                         dnnl_f32,
                                         g > 1 ? dnnl_gohwi : dnnl_ohwi);
    if (!e)
        e = dnnl_memory_desc_init_by_tag(&p->weights, rank, weights, dnnl_f32,
                                         dnnl_format_tag_any);
    if (!e)
        e = dnnl_memory_desc_init_by_tag(&p->bias, 1, bias, dnnl_f32, dnnl_x);
    return e;
}

/* The primitive descriptor of the pass; the backward ones want the forward
 * one as a hint. */
static dnnl_status_t describe_pass(const stn_conv_primitive *p,
                                   const stn_conv_shape *s, stn_conv_pass pass,
                                   const_dnnl_primitive_attr_t attr,
                                   const_dnnl_primitive_desc_t hint,
                                   dnnl_primitive_desc_t *out)
{
    const dnnl_dims_t strides = {s->stride, s->stride};
    const dnnl_dims_t pad = {s->pad, s->pad};
    const dnnl_memory_desc_t *bias = p->has_bias ? &p->bias : NULL;
    const dnnl_alg_kind_t alg = dnnl_convolution_direct;
    dnnl_convolution_desc_t desc;
    dnnl_status_t e;
    if (pass == STN_CONV_FORWARD)
        e = dnnl_convolution_forward_desc_init(&desc, dnnl_forward_training,
                                               alg, &p->src, &p->weights, bias,
                                               &p->dst, strides, pad, pad);
    else if (pass == STN_CONV_DATA)
        e = dnnl_convolution_backward_data_desc_init(
            &desc, alg, &p->src, &p->weights, &p->dst, strides, pad, pad);
    else
        e = dnnl_convolution_backward_weights_desc_init(
            &desc, alg, &p->src, &p->weights, bias, &p->dst, strides, pad, pad);
    if (!e)
        e = dnnl_primitive_desc_create(out, &desc, attr, p->engine, hint);
    return e;
}

/* Also finds out the weights' layout and what scratch is wanted. */
static dnnl_status_t make_primitive(stn_conv_primitive *p,
                                    const_dnnl_primitive_desc_t pd,
                                    bool *compiled)
{
    const char *info = NULL;
    dnnl_status_t e =
        dnnl_primitive_desc_query(pd, dnnl_query_impl_info_str, 0, &info);
    if (e)
        return e;
    *compiled = strncmp(info, "jit", 3) == 0 || strncmp(info, "brg", 3) == 0;
    const dnnl_query_t which = p->pass == STN_CONV_WEIGHTS
                                   ? dnnl_query_diff_weights_md
                                   : dnnl_query_weights_md;
    p->weights = *dnnl_primitive_desc_query_md(pd, which, 0);
    p->scratchpad =
        *dnnl_primitive_desc_query_md(pd, dnnl_query_scratchpad_md, 0);
    p->scratchpad_floats = floats(&p->scratchpad);
    return dnnl_primitive_create(&p->primitive, pd);
}

static dnnl_status_t make_reorder(stn_conv_primitive *p,
                                  const_dnnl_primitive_attr_t attr)
{
    if (dnnl_memory_desc_equal(&p->weights, &p->user_weights))
        return dnnl_success;
    p->weights_floats = floats(&p->weights);
    const bool to_user = p->pass == STN_CONV_WEIGHTS;
    dnnl_primitive_desc_t pd = NULL;
    dnnl_status_t e = dnnl_reorder_primitive_desc_create(
        &pd, to_user ? &p->weights : &p->user_weights, p->engine,
        to_user ? &p->user_weights : &p->weights, p->engine, attr);
    if (e)
        return e;
    p->reorder_scratchpad =
        *dnnl_primitive_desc_query_md(pd, dnnl_query_scratchpad_md, 0);
    p->reorder_floats = floats(&p->reorder_scratchpad);
    e = dnnl_primitive_create(&p->reorder, pd);
    dnnl_primitive_desc_destroy(pd);
    return e;
}

static dnnl_status_t make_all(stn_conv_primitive *p, const stn_conv_shape *s,
                              int oh, int ow, bool *compiled)
{
    dnnl_primitive_attr_t attr = NULL;
    dnnl_primitive_desc_t forward = NULL, backward = NULL;
    dnnl_status_t e = dnnl_engine_create(&p->engine, dnnl_cpu, 0);
    if (!e)
        e = dnnl_stream_create(&p->stream, p->engine,
                               dnnl_stream_default_flags);
    if (!e)
        e = dnnl_primitive_attr_create(&attr);
    if (!e)
        e = dnnl_primitive_attr_set_scratchpad_mode(attr,
                                                    dnnl_scratchpad_mode_user);
    if (!e)
        e = describe(p, s, oh, ow);
    if (!e)
        e = describe_pass(p, s, STN_CONV_FORWARD, attr, NULL, &forward);
    if (!e && p->pass != STN_CONV_FORWARD)
        e = describe_pass(p, s, p->pass, attr, forward, &backward);
    if (!e)
        e = make_primitive(p, backward ? backward : forward, compiled);
    if (!e)
        e = make_reorder(p, attr);
    if (backward)
        dnnl_primitive_desc_destroy(backward);
    if (forward)
        dnnl_primitive_desc_destroy(forward);
    if (attr)
        dnnl_primitive_attr_destroy(attr);
    return e;
}

stn_status stn_conv_primitive_create(const stn_conv_shape *shape, int oh,
                                     int ow, stn_conv_pass pass,
                                     stn_conv_primitive **out, bool *compiled,
                                     stn_error *err)
{
    stn_conv_primitive *p = stn_alloc(1, sizeof *p);
    if (!p)
        return stn_fail_memory(err, "a convolution");
    p->pass = pass;
    p->has_bias = shape->bias && pass != STN_CONV_DATA;
    dnnl_status_t e = make_all(p, shape, oh, ow, compiled);
    if (e) {
        stn_conv_primitive_destroy(p);
        if (e == dnnl_out_of_memory)
            return stn_fail_memory(err, "a oneDNN primitive");
        return stn_fail(err, STN_E_UNSUPPORTED,
                        "oneDNN refuses the convolution %dx%dx%d -> %d, kernel "
                        "%d, stride %d, pad %d (its status %d)",
                        shape->h, shape->w, shape->c, shape->out, shape->kernel,
                        shape->stride, shape->pad, (int)e);
    }
    *out = p;
    return STN_OK;
}

void stn_conv_primitive_destroy(stn_conv_primitive *p)
{
    if (!p)
        return;
    if (p->reorder)
        dnnl_primitive_destroy(p->reorder);
    if (p->primitive)
        dnnl_primitive_destroy(p->primitive);
    if (p->stream)
        dnnl_stream_destroy(p->stream);
    if (p->engine)
        dnnl_engine_destroy(p->engine);
    stn_free(p);
}

size_t stn_conv_primitive_scratch(const stn_conv_primitive *p)
{
    size_t pad = p->scratchpad_floats > p->reorder_floats ? p->scratchpad_floats
                                                          : p->reorder_floats;
    return (p->pass == STN_CONV_WEIGHTS ? p->weights_floats : 0) + pad;
}

size_t stn_conv_primitive_weights(const stn_conv_primitive *p)
{
    return p->weights_floats;
}

/* What one execution hands over: memory objects made for this call. */
typedef struct arguments {
    dnnl_exec_arg_t list[5];
    int n;
    dnnl_status_t status;
} arguments;

static void add(arguments *a, const stn_conv_primitive *p, int which,
                const dnnl_memory_desc_t *desc, float *data)
{
    dnnl_memory_t memory = NULL;
    if (!a->status)
        a->status = dnnl_memory_create(&memory, desc, p->engine, data);
    if (!a->status)
        a->list[a->n++] = (dnnl_exec_arg_t){which, memory};
}

static dnnl_status_t execute(arguments *a, const stn_conv_primitive *p,
                             const_dnnl_primitive_t primitive)
{
    if (!a->status)
        a->status = dnnl_primitive_execute(primitive, p->stream, a->n, a->list);
    for (int i = 0; i < a->n; i++)
        dnnl_memory_destroy(a->list[i].memory);
    return a->status;
}

static dnnl_status_t run_reorder(const stn_conv_primitive *p, float *from,
                                 float *to, float *scratch)
{
    const bool to_user = p->pass == STN_CONV_WEIGHTS;
    arguments a = {.n = 0};
    add(&a, p, DNNL_ARG_FROM, to_user ? &p->weights : &p->user_weights, from);
    add(&a, p, DNNL_ARG_TO, to_user ? &p->user_weights : &p->weights, to);
    add(&a, p, DNNL_ARG_SCRATCHPAD, &p->reorder_scratchpad, scratch);
    return execute(&a, p, p->reorder);
}

static dnnl_status_t run_pass(const stn_conv_primitive *p, float *src,
                              float *weights, float *bias, float *dst,
                              float *scratch)
{
    const bool forward = p->pass == STN_CONV_FORWARD;
    const bool to_data = p->pass == STN_CONV_DATA;
    const bool to_weights = p->pass == STN_CONV_WEIGHTS;
    arguments a = {.n = 0};
    add(&a, p, to_data ? DNNL_ARG_DIFF_SRC : DNNL_ARG_SRC, &p->src, src);
    add(&a, p, to_weights ? DNNL_ARG_DIFF_WEIGHTS : DNNL_ARG_WEIGHTS,
        &p->weights, weights);
    add(&a, p, forward ? DNNL_ARG_DST : DNNL_ARG_DIFF_DST, &p->dst, dst);
    if (p->has_bias)
        add(&a, p, to_weights ? DNNL_ARG_DIFF_BIAS : DNNL_ARG_BIAS, &p->bias,
            bias);
    add(&a, p, DNNL_ARG_SCRATCHPAD, &p->scratchpad, scratch);
    return execute(&a, p, p->primitive);
}

static void poison(const stn_conv_primitive *p, float *src, float *weights,
                   float *dst)
{
    const dnnl_memory_desc_t *desc = p->pass == STN_CONV_FORWARD ? &p->dst
                                     : p->pass == STN_CONV_DATA
                                         ? &p->src
                                         : &p->user_weights;
    float *data = p->pass == STN_CONV_FORWARD ? dst
                  : p->pass == STN_CONV_DATA  ? src
                                              : weights;
    for (size_t i = 0; i < dnnl_memory_desc_get_size(desc) / sizeof *data; i++)
        data[i] = NAN;
}

void stn_conv_primitive_prepare(const stn_conv_primitive *p,
                                const float *weights, float *prepared,
                                float *scratch)
{
    if (p->reorder && run_reorder(p, (float *)weights, prepared, scratch))
        for (size_t i = 0; i < p->weights_floats; i++)
            prepared[i] = NAN;
}

void stn_conv_primitive_run(const stn_conv_primitive *p, float *src,
                            float *weights, float *bias, float *dst,
                            float *scratch)
{
    const bool reordered = p->reorder && p->pass == STN_CONV_WEIGHTS;
    float *inner = reordered ? scratch : weights;
    float *pad = scratch + (reordered ? p->weights_floats : 0);
    dnnl_status_t e = run_pass(p, src, inner, bias, dst, pad);
    if (!e && reordered)
        e = run_reorder(p, inner, weights, pad);
    if (e)
        poison(p, src, weights, dst);
}
