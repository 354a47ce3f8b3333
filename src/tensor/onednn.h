/* SPDX-License-Identifier: MIT
 *
 * Matrix products and convolutions: oneDNN's, and our own where they are
 * faster. No other folder calls oneDNN, so that another version, or another
 * library, costs this one only. All calls are single-threaded on the caller's
 * thread. */
#ifndef STN_TENSOR_ONEDNN_H
#define STN_TENSOR_ONEDNN_H

#include "base/status.h"
#include <stdbool.h>
#include <stddef.h>

/* C = alpha op(A) op(B) + beta C, row-major, op(A) m x k, op(B) k x n; lda,
 * ldb, ldc are the row strides of A, B, C as stored. */
void stn_sgemm(bool transpose_a, bool transpose_b, int m, int n, int k,
               float alpha, const float *a, int lda, const float *b, int ldb,
               float beta, float *c, int ldc);

/* A convolution at one fixed shape: NHWC activations, OHWI weights, of which
 * I is c / groups. */
typedef struct stn_conv_shape {
    int n, h, w, c; /* input */
    int out, kernel, stride, pad;
    bool bias;
    int groups; /* 0 means 1 */
} stn_conv_shape;

typedef struct stn_conv_plan stn_conv_plan;

/* `backward` also makes ready for gradients. Between two calls of
 * stn_conv_prepare the plan is read-only and may be used by several threads,
 * each with its own scratch. */
stn_status stn_conv_plan_create(const stn_conv_shape *shape, bool backward,
                                stn_conv_plan **out, stn_error *err);
void stn_conv_plan_destroy(stn_conv_plan *plan);
/* Floats of scratch that any call of this plan needs. */
size_t stn_conv_plan_scratch(const stn_conv_plan *plan);

/* Lays out the weights for the calls of forward and backward_data that
 * follow. They are borrowed until the next call, which must come after each
 * change of theirs. */
void stn_conv_prepare(stn_conv_plan *plan, const float *w, float *scratch);

/* y = x * w + b (bias may be NULL when the shape has none). */
void stn_conv_forward(const stn_conv_plan *plan, const float *x,
                      const float *bias, float *y, float *scratch);
/* dx = dy * w transposed; overwritten. */
void stn_conv_backward_data(const stn_conv_plan *plan, const float *dy,
                            float *dx, float *scratch);
/* dw and dbias (NULL when the shape has no bias); overwritten. */
void stn_conv_backward_weights(const stn_conv_plan *plan, const float *x,
                               const float *dy, float *dw, float *dbias,
                               float *scratch);

/* "3.1.1": the version linked at run time. Not thread-safe the first time. */
const char *stn_onednn_version(void);

#endif
