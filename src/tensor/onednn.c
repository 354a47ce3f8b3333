/* SPDX-License-Identifier: MIT
 *
 * Matrix product, and convolution plans: which of four methods computes each
 * pass of a shape. The choice is a rule on the shape and the library, never a
 * measurement, so the same machine always gives the same bits. */
#include "tensor/conv_plan.h"
#include "base/compiler.h"
#include "base/memory.h"
#include <assert.h>
#include <oneapi/dnnl/dnnl.h>
#include <omp.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>

/* oneDNN's products (2.6, jit_avx512_common_gemm_f32) point the stack pointer
 * at a workspace on the heap, and the frame of a signal that comes then
 * overwrites what lies below. So signals wait, those apart that a fault
 * raises. */
static void hold_signals(sigset_t *before)
{
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP};
    sigset_t all;
    sigfillset(&all);
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
        sigdelset(&all, faults[i]);
    pthread_sigmask(SIG_BLOCK, &all, before);
}

void stn_sgemm(bool transpose_a, bool transpose_b, int m, int n, int k,
               float alpha, const float *a, int lda, const float *b, int ldb,
               float beta, float *c, int ldc)
{
    sigset_t before;
    hold_signals(&before);
    dnnl_status_t status =
        dnnl_sgemm(transpose_a ? 'T' : 'N', transpose_b ? 'T' : 'N', m, n, k,
                   alpha, a, lda, b, ldb, beta, c, ldc);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    assert(status == dnnl_success);
    (void)status;
}

static bool is_gemm(const stn_conv_shape *s)
{
    return s->kernel == 1 && s->stride == 1 && s->pad == 0 && s->groups <= 1;
}

static void need_scratch(stn_conv_plan *plan, size_t floats)
{
    if (floats > plan->scratch_floats)
        plan->scratch_floats = floats;
}

/* oneDNN's primitive if it is compiled, else columns, which know no groups. */
static stn_status choose_primitive(stn_conv_plan *plan, stn_conv_pass pass,
                                   size_t *prepared, stn_error *err)
{
    bool compiled = false;
    stn_conv_primitive **made = &plan->primitive[pass];
    STN_TRY(stn_conv_primitive_create(&plan->shape, plan->oh, plan->ow, pass,
                                      made, &compiled, err));
    if (compiled || plan->shape.groups > 1) {
        plan->method[pass] = STN_CONV_BY_PRIMITIVE;
        need_scratch(plan, stn_conv_primitive_scratch(*made));
        *prepared = stn_conv_primitive_weights(*made);
    } else {
        plan->method[pass] = STN_CONV_BY_COLUMNS;
        stn_conv_primitive_destroy(*made);
        *made = NULL;
        need_scratch(plan, stn_conv_columns_scratch(plan));
    }
    return STN_OK;
}

static stn_status choose(stn_conv_plan *plan, stn_conv_pass pass,
                         stn_error *err)
{
    size_t prepared = 0;
    if (is_gemm(&plan->shape)) {
        plan->method[pass] = STN_CONV_BY_GEMM;
    } else if (plan->winograd && stn_winograd_fits(&plan->shape)) {
        plan->method[pass] = STN_CONV_BY_WINOGRAD;
        need_scratch(plan, stn_winograd_scratch(&plan->shape));
        prepared = stn_winograd_filter_floats(&plan->shape);
    } else {
        STN_TRY(choose_primitive(plan, pass, &prepared, err));
    }
    if (prepared && pass != STN_CONV_WEIGHTS) {
        plan->prepared[pass] = stn_alloc(prepared, sizeof(float));
        if (!plan->prepared[pass])
            return stn_fail_memory(err, "a convolution's weights");
    }
    return STN_OK;
}

stn_status stn_conv_plan_create(const stn_conv_shape *shape, bool backward,
                                stn_conv_plan **out, stn_error *err)
{
    stn_conv_plan *plan = stn_alloc(1, sizeof *plan);
    if (!plan)
        return stn_fail_memory(err, "a convolution plan");
    plan->shape = *shape;
    plan->winograd = stn_winograd_kernels_get();
    plan->oh = (shape->h + 2 * shape->pad - shape->kernel) / shape->stride + 1;
    plan->ow = (shape->w + 2 * shape->pad - shape->kernel) / shape->stride + 1;
    /* A primitive remembers the number of threads of its creation. */
    const int threads = omp_get_max_threads();
    omp_set_num_threads(1);
    stn_status status = choose(plan, STN_CONV_FORWARD, err);
    if (status == STN_OK && backward)
        status = choose(plan, STN_CONV_DATA, err);
    if (status == STN_OK && backward)
        status = choose(plan, STN_CONV_WEIGHTS, err);
    omp_set_num_threads(threads);
    if (status != STN_OK) {
        stn_conv_plan_destroy(plan);
        return status;
    }
    *out = plan;
    return STN_OK;
}

void stn_conv_plan_destroy(stn_conv_plan *plan)
{
    if (!plan)
        return;
    for (int i = 0; i < STN_CONV_PASSES; i++) {
        stn_conv_primitive_destroy(plan->primitive[i]);
        stn_free(plan->prepared[i]);
    }
    stn_free(plan);
}

size_t stn_conv_plan_scratch(const stn_conv_plan *plan)
{
    return plan->scratch_floats;
}

static size_t n_rows(const stn_conv_plan *plan)
{
    return (size_t)plan->shape.n * (size_t)plan->oh * (size_t)plan->ow;
}

void stn_conv_prepare(stn_conv_plan *plan, const float *w, float *scratch)
{
    plan->weights = w;
    for (int i = 0; i < STN_CONV_WEIGHTS; i++) {
        if (!plan->prepared[i])
            continue;
        if (plan->method[i] == STN_CONV_BY_WINOGRAD)
            stn_winograd_prepare(plan->winograd, &plan->shape, w,
                                 i == STN_CONV_DATA, plan->prepared[i],
                                 scratch);
        else
            stn_conv_primitive_prepare(plan->primitive[i], w, plan->prepared[i],
                                       scratch);
    }
}

/* The weights as the pass's primitive reads them. */
static float *primitive_weights(const stn_conv_plan *plan, stn_conv_pass pass)
{
    return plan->prepared[pass] ? plan->prepared[pass] : (float *)plan->weights;
}

STN_CLONES
static void add_bias(const float *STN_RESTRICT bias, size_t rows, size_t c,
                     float *STN_RESTRICT y)
{
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < c; j++)
            y[i * c + j] += bias[j];
}

static void forward_by_product(const stn_conv_plan *plan, const float *x,
                               const float *bias, float *y, float *scratch)
{
    const stn_conv_shape *s = &plan->shape;
    const size_t rows = n_rows(plan), out = (size_t)s->out;
    const float beta = bias ? 1.0f : 0.0f;
    for (size_t i = 0; bias && i < rows; i++)
        memcpy(y + i * out, bias, out * sizeof *y);
    if (plan->method[STN_CONV_FORWARD] == STN_CONV_BY_GEMM)
        stn_sgemm(false, true, (int)rows, s->out, s->c, 1, x, s->c,
                  plan->weights, s->c, beta, y, s->out);
    else
        stn_conv_columns_forward(plan, x, plan->weights, y, beta, scratch);
}

void stn_conv_forward(const stn_conv_plan *plan, const float *x,
                      const float *bias, float *y, float *scratch)
{
    const stn_conv_shape *s = &plan->shape;
    switch (plan->method[STN_CONV_FORWARD]) {
    case STN_CONV_BY_PRIMITIVE:
        stn_conv_primitive_run(plan->primitive[STN_CONV_FORWARD], (float *)x,
                               primitive_weights(plan, STN_CONV_FORWARD),
                               (float *)bias, y, scratch);
        break;
    case STN_CONV_BY_WINOGRAD:
        stn_winograd_forward(plan->winograd, s, x,
                             plan->prepared[STN_CONV_FORWARD], y, scratch);
        if (bias)
            add_bias(bias, n_rows(plan), (size_t)s->out, y);
        break;
    case STN_CONV_BY_GEMM:
    case STN_CONV_BY_COLUMNS:
        forward_by_product(plan, x, bias, y, scratch);
        break;
    }
}

void stn_conv_backward_data(const stn_conv_plan *plan, const float *dy,
                            float *dx, float *scratch)
{
    const stn_conv_shape *s = &plan->shape;
    switch (plan->method[STN_CONV_DATA]) {
    case STN_CONV_BY_PRIMITIVE:
        stn_conv_primitive_run(plan->primitive[STN_CONV_DATA], dx,
                               primitive_weights(plan, STN_CONV_DATA), NULL,
                               (float *)dy, scratch);
        break;
    case STN_CONV_BY_WINOGRAD:
        stn_winograd_data(plan->winograd, s, dy, plan->prepared[STN_CONV_DATA],
                          dx, scratch);
        break;
    case STN_CONV_BY_GEMM:
        stn_sgemm(false, false, (int)n_rows(plan), s->c, s->out, 1, dy, s->out,
                  plan->weights, s->c, 0, dx, s->c);
        break;
    case STN_CONV_BY_COLUMNS:
        stn_conv_columns_data(plan, dy, plan->weights, dx, scratch);
        break;
    }
}

STN_CLONES
static void sum_rows(const float *STN_RESTRICT x, size_t rows, size_t c,
                     float *STN_RESTRICT sum)
{
    memset(sum, 0, c * sizeof *sum);
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < c; j++)
            sum[j] += x[i * c + j];
}

void stn_conv_backward_weights(const stn_conv_plan *plan, const float *x,
                               const float *dy, float *dw, float *dbias,
                               float *scratch)
{
    const stn_conv_shape *s = &plan->shape;
    switch (plan->method[STN_CONV_WEIGHTS]) {
    case STN_CONV_BY_PRIMITIVE:
        stn_conv_primitive_run(plan->primitive[STN_CONV_WEIGHTS], (float *)x,
                               dw, dbias, (float *)dy, scratch);
        return; /* with dbias */
    case STN_CONV_BY_WINOGRAD:
        stn_winograd_weights(plan->winograd, s, x, dy, dw, scratch);
        break;
    case STN_CONV_BY_GEMM:
        stn_sgemm(true, false, s->out, s->c, (int)n_rows(plan), 1, dy, s->out,
                  x, s->c, 0, dw, s->c);
        break;
    case STN_CONV_BY_COLUMNS:
        stn_conv_columns_weights(plan, x, dy, dw, scratch);
        break;
    }
    if (dbias)
        sum_rows(dy, n_rows(plan), (size_t)s->out, dbias);
}
