/* SPDX-License-Identifier: MIT
 *
 * Bit-slice L1 (Zhang et al., EMC2 at NeurIPS 2019, arXiv 1909.08496, eq. 3,
 * and the authors' code). The magnitude B of a code is cut into slices of two
 * bits, B = b0 + 4 b1 + 16 b2 + 64 b3, which stand in four crossbars.
 *
 *     R     = lambda * sum over weights of b0 + b1 + b2 + b3
 *     dR/dw = lambda sign(w) / step * ([b0] + [b1]/4 + [b2]/16 + [b3]/64)
 *
 * with [b] = 1 where b is not 0, and step the value of one unit of B. The
 * gradient is what automatic differentiation gives when floors are passed
 * straight through, higher slices are constants and |x| has gradient 0 at 0:
 * only slices that are not zero push. Works on the codes of any quantiser. */
#include "compress/compress.h"

#include <stdlib.h>

typedef struct slice_attrs {
    float lambda;
} slice_attrs;

// clang-format off
static const stn_attr attrs[] = {
    {"lambda", STN_ATTR_FLOAT, offsetof(slice_attrs, lambda), 1e-6, 0, 1e3,
     NULL, "weight of the penalty in the loss"},
    {.name = NULL}};
// clang-format on

static double apply(const void *state, const stn_penalty_call *call)
{
    const slice_attrs *a = state;
    size_t block = call->n / (size_t)call->n_scales;
    int64_t total = 0;

    for (size_t i = 0; i < call->n; i++) {
        int code = stn_whole_code(call->codes, call->low, i), rest = abs(code);
        float step = call->scales[i / block] / (call->low ? 2 : 1), push = 0;

        for (float weight = 1; rest; rest /= 4, weight /= 4) {
            total += rest % 4;
            push += rest % 4 ? weight : 0;
        }
        if (push > 0)
            call->grad[i] += a->lambda / step * (code < 0 ? -push : push);
    }
    return (double)a->lambda * (double)total;
}

const stn_penalty_type stn_penalty_bit_slice_l1 = {
    .name = "bit_slice_l1",
    .help = "lambda * sum of the 2-bit slices of the codes",
    .attrs = attrs,
    .attrs_size = sizeof(slice_attrs),
    .is_estimate = true,
    .apply = apply,
};
