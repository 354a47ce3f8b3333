/* SPDX-License-Identifier: MIT
 *
 * Inside src/tensor: what a convolution plan holds, and its methods. */
#ifndef STN_TENSOR_CONV_PLAN_H
#define STN_TENSOR_CONV_PLAN_H

#include "tensor/winograd.h"

typedef enum stn_conv_pass {
    STN_CONV_FORWARD,
    STN_CONV_DATA,
    STN_CONV_WEIGHTS,
    STN_CONV_PASSES
} stn_conv_pass;

typedef enum stn_conv_method {
    STN_CONV_BY_GEMM,     /* 1 x 1, stride 1: rows of pixels are the matrix */
    STN_CONV_BY_COLUMNS,  /* windows copied into a matrix, then GEMM */
    STN_CONV_BY_WINOGRAD, /* 3 x 3, stride 1, channels in sixteens */
    STN_CONV_BY_PRIMITIVE /* oneDNN's own convolution */
} stn_conv_method;

typedef struct stn_conv_primitive stn_conv_primitive;

struct stn_conv_plan {
    stn_conv_shape shape;
    int oh, ow;
    stn_conv_method method[STN_CONV_PASSES];
    stn_conv_primitive *primitive[STN_CONV_PASSES]; /* NULL: other method */
    const float *weights;             /* borrowed, of the last prepare */
    float *prepared[STN_CONV_PASSES]; /* the weights as the method reads them;
                                         NULL: as they stand */
    const stn_winograd_kernels *winograd; /* NULL: another machine */
    size_t scratch_floats;
};

/* One pass as a oneDNN primitive. *compiled tells whether oneDNN has
 * generated code for the shape; its fallbacks are slower than columns. */
stn_status stn_conv_primitive_create(const stn_conv_shape *shape, int oh,
                                     int ow, stn_conv_pass pass,
                                     stn_conv_primitive **out, bool *compiled,
                                     stn_error *err);
void stn_conv_primitive_destroy(stn_conv_primitive *primitive);
size_t stn_conv_primitive_scratch(const stn_conv_primitive *primitive);
/* Floats of the weights in the primitive's own layout; 0: OHWI will do. */
size_t stn_conv_primitive_weights(const stn_conv_primitive *primitive);
/* OHWI weights into that layout, for STN_CONV_FORWARD and STN_CONV_DATA. */
void stn_conv_primitive_prepare(const stn_conv_primitive *primitive,
                                const float *weights, float *prepared,
                                float *scratch);

/* src, weights (prepared, but OHWI for STN_CONV_WEIGHTS), bias (may be NULL),
 * dst: each is input or output, as the pass says. When oneDNN fails, the
 * outputs become NaN, which the executor reports. */
void stn_conv_primitive_run(const stn_conv_primitive *primitive, float *src,
                            float *weights, float *bias, float *dst,
                            float *scratch);

/* The column method; `scratch` is stn_conv_columns_scratch floats. */
size_t stn_conv_columns_scratch(const stn_conv_plan *plan);
void stn_conv_columns_forward(const stn_conv_plan *plan, const float *x,
                              const float *w, float *y, float beta,
                              float *scratch);
void stn_conv_columns_data(const stn_conv_plan *plan, const float *dy,
                           const float *w, float *dx, float *scratch);
void stn_conv_columns_weights(const stn_conv_plan *plan, const float *x,
                              const float *dy, float *dw, float *scratch);

#endif
