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
#include "base/compiler.h"
#include "compress/compress.h"

typedef struct slice_attrs {
    float lambda;
} slice_attrs;

// clang-format off
static const stn_attr attrs[] = {
    {"lambda", STN_ATTR_FLOAT, offsetof(slice_attrs, lambda), 1e-6, 0, 1e3,
     NULL, "weight of the penalty in the loss"},
    {.name = NULL}};
// clang-format on

/* Two codes make one as stn_whole_code does. */
STN_INLINE void push_all(const stn_penalty_call *call, size_t first, size_t n,
                         float unit, int32_t *STN_RESTRICT totals, bool low)
{
    const int8_t *STN_RESTRICT high = call->codes + first;
    const int8_t *STN_RESTRICT fine = low ? call->low + first : NULL;
    float *STN_RESTRICT grad = call->grad + first;

    for (size_t i = 0; i < n; i++) {
        int code = low ? 2 * high[i] + fine[i] : high[i];
        int sign = (code > 0) - (code < 0), b = code * sign;
        /* 64 times the push */
        int push = 64 * ((b & 3) != 0) + 16 * ((b & 12) != 0) +
                   4 * ((b & 48) != 0) + ((b & 192) != 0);

        totals[i] = (b & 3) + (b >> 2 & 3) + (b >> 4 & 3) + (b >> 6 & 3);
        grad[i] += unit * ((float)(sign * push) / 64);
    }
}

STN_CLONES
static void push_tile(const stn_penalty_call *call, size_t first, size_t n,
                      float unit, int32_t *STN_RESTRICT totals)
{
    if (call->low)
        push_all(call, first, n, unit, totals, true);
    else
        push_all(call, first, n, unit, totals, false);
}

static int64_t sum(const int32_t *values, size_t n)
{
    int64_t total = 0;

    for (size_t i = 0; i < n; i++)
        total += values[i];
    return total;
}

#define TILE 1024 /* weights; what one takes stays in the L1 cache */

static double apply(const void *state, const stn_penalty_call *call)
{
    const slice_attrs *a = state;
    size_t block = call->n / (size_t)call->n_scales, i = 0;
    int64_t total = 0;
    int32_t totals[TILE];

    for (int s = 0; s < call->n_scales; s++) {
        float step = call->scales[s] / (call->low ? 2 : 1);
        float unit = step > 0 ? a->lambda / step : 0;

        for (size_t end = i + block, n; i < end; i += n) {
            n = end - i < TILE ? end - i : TILE;
            push_tile(call, i, n, unit, totals);
            total += sum(totals, n);
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
    .reads_codes = true,
    .apply = apply,
};
