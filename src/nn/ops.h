/* SPDX-License-Identifier: MIT
 *
 * Attributes of the operators that other folders read (packing, reports).
 * Each struct is what stn_node.attrs points to for that operator. */
#ifndef STN_NN_OPS_H
#define STN_NN_OPS_H

#include "nn/op.h"

/* Declares stn_op_conv, stn_op_depthwise, … */
#define STN_OP(name) extern const stn_op_type stn_op_##name;
#include "nn/ops.def"
#undef STN_OP

/* y = (x / 255 - mean[c]) / std[c]: pixels to real values. One value serves
 * all channels. */
typedef struct stn_normalise_attrs {
    stn_attr_floats mean, std;
} stn_normalise_attrs;

/* conv: `out` filters of kernel x kernel over all input channels; with
 * `groups` g, filter o reads only the input channels of its group, the
 * (o g / out)-th of g equal parts.
 * Parameters: 0 weight {out, k, k, in / g}, 1 bias {out} when `bias`. */
typedef struct stn_conv_attrs {
    int out, kernel, stride, pad, groups;
    bool bias;
} stn_conv_attrs;

/* depthwise: `multiplier` kernels per input channel; output channel o reads
 * input channel o mod C. Parameters: 0 weight {multiplier * C, k, k}. */
typedef struct stn_depthwise_attrs {
    int multiplier, kernel, stride, pad;
} stn_depthwise_attrs;

/* linear: y = W x + b over the flattened input, output shape 1 x 1 x out.
 * Parameters: 0 weight {out, h * w * c}, 1 bias {out} when `bias`. */
typedef struct stn_linear_attrs {
    int out;
    bool bias;
} stn_linear_attrs;

/* batch_norm: y = gain (x - mean) / sqrt(var + epsilon) + shift, statistics
 * over n, h, w of the whole batch (biased variance); running averages with
 * `momentum` (r = (1 - momentum) r + momentum * batch; unbiased variance, as
 * PyTorch). Parameters: 0 gain, 1 shift, 2 mean, 3 variance, each {c}. */
typedef struct stn_batch_norm_attrs {
    float momentum, epsilon;
} stn_batch_norm_attrs;

/* step: y = 1 where x >= 0, else 0. Gradient: dy / (2 window) where |x| <=
 * window, else 0. */
typedef struct stn_step_attrs {
    float window;
} stn_step_attrs;

/* rate_code: T = `steps` time steps of spikes, y[t] = 1 where the pixel x
 * exceeds a threshold drawn anew for each step, else 0 (base/spikes.h): a
 * pixel fires in x / 256 of the steps. In evaluation every picture meets the
 * same thresholds, in training each its own. */
typedef struct stn_rate_code_attrs {
    int steps;
} stn_rate_code_attrs;

/* lif: leaky integrate-and-fire neurons, u = 0 and s = 0 before a picture:
 *     u[t] = leak u[t-1] (1 - s[t-1]) + x[t],  s[t] = 1 where u[t] > threshold
 * y = s. leak is rounded to a multiple of 1 / 256. Gradient: s' = 1 /
 * (2 window) where |u - threshold| <= window, else 0; the reset is taken as a
 * constant. */
typedef struct stn_lif_attrs {
    float threshold, leak, window;
} stn_lif_attrs;

/* leak in 256ths, 0 ... 256. */
int stn_lif_leak(const stn_lif_attrs *attrs);

/* quantise: y = s * clamp(rint(x / s), lo, hi), half to even. Signed: hi =
 * 2^(bits-1) - 1, lo = -hi; unsigned: lo = 0, hi = 2^bits - 1. s = range / hi,
 * where `range` is parameter 0 (STATE, {1}): a running average of the batch's
 * max |x| (max(x, 0) when unsigned), updated after each training step by
 * r = (1 - momentum) r + momentum * max, and set to the first batch's max on
 * the first step, which itself passes x through. A `fixed` > 0 keeps the range
 * at that value. With `power_of_two` (dynamic fixed point) s is the smallest
 * power of two for which (hi + 1) s is not below the range. Gradient: straight
 * through where x lies in lo s … hi s, else 0. With 0 bits y = x, and there is
 * no parameter. */
typedef struct stn_quantise_attrs {
    int bits; /* 0; 1 … 16, signed from 2 */
    bool is_signed;
    float momentum;
    float fixed;
    bool power_of_two;
} stn_quantise_attrs;

/* The largest value hi s that a node with these attributes can give, `range`
 * being its parameter; not positive where that is not. */
float stn_quantise_largest(const stn_quantise_attrs *a, float range);

/* max_pool, avg_pool: windows kernel x kernel; incomplete windows at the end
 * are dropped. avg_pool with kernel 0 takes the whole picture. */
typedef struct stn_pool_attrs {
    int kernel, stride; /* stride 0: same as kernel */
    int pad;            /* max_pool only: pixels that are never the largest */
} stn_pool_attrs;

/* dropout: in training each value is zeroed with probability `rate` and the
 * rest scaled by 1 / (1 - rate); else the identity. */
typedef struct stn_dropout_attrs {
    float rate;
} stn_dropout_attrs;

#endif
