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

/* 2 * 127 + 1 at most, with low codes. */
#define MAGNITUDES 256

typedef struct slice_attrs {
    float lambda;
} slice_attrs;

// clang-format off
static const stn_attr attrs[] = {
    {"lambda", STN_ATTR_FLOAT, offsetof(slice_attrs, lambda), 1e-6, 0, 1e3,
     NULL, "weight of the penalty in the loss"},
    {.name = NULL}};
// clang-format on

/* Of one magnitude: its slices' sum, and how hard they push. */
typedef struct pull {
    int total;
    float push;
} pull;

static pull pull_of(int rest)
{
    pull p = {0};

    for (float weight = 1; rest; rest /= 4, weight /= 4) {
        p.total += rest % 4;
        p.push += rest % 4 ? weight : 0;
    }
    return p;
}

static double apply(const void *state, const stn_penalty_call *call)
{
    const slice_attrs *a = state;
    size_t block = call->n / (size_t)call->n_scales, i = 0;
    int64_t total = 0;
    pull pulls[MAGNITUDES];

    for (int m = 0; m < MAGNITUDES; m++)
        pulls[m] = pull_of(m);
    for (int s = 0; s < call->n_scales; s++) {
        float unit = a->lambda / (call->scales[s] / (call->low ? 2 : 1));

        for (size_t end = i + block; i < end; i++) {
            int code = stn_whole_code(call->codes, call->low, i);
            const pull *p = &pulls[abs(code)];

            total += p->total;
            if (code)
                call->grad[i] += unit * (code < 0 ? -p->push : p->push);
        }
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
