/* SPDX-License-Identifier: MIT
 *
 * Digital units, see digital.h: docs/semantics.md as written. */
#include "accel/digital.h"

stn_event stn_digital_unit(const stn_instruction *in)
{
    return in->opcode == STN_RESCALE ? STN_EVENT_rescale : STN_EVENT_pool;
}

uint64_t stn_digital_count(const stn_program *program,
                           const stn_instruction *in)
{
    const int each =
        in->opcode == STN_RESCALE ? in->n_inputs : in->kh * in->kw - 1;
    return stn_shape_count(program->values[in->output].shape) * (uint64_t)each;
}

static void rescale(const stn_instruction *in, stn_shape shape,
                    const int32_t *x0, const int32_t *x1, int32_t *y)
{
    const size_t n = stn_shape_count(shape);
    for (size_t i = 0; i < n; i++) {
        size_t c = i % (size_t)shape.c;
        int64_t sum = (int64_t)x0[i] * in->m0[c] + in->a[c];
        if (in->n_inputs == 2)
            sum += (int64_t)x1[i] * in->m1[c];
        sum >>= in->shift;
        y[i] = (int32_t)(sum < in->lo ? in->lo : sum > in->hi ? in->hi : sum);
    }
}

/* One window of one channel; `x` is its first number. */
static int32_t pool_window(const stn_instruction *in, stn_shape shape,
                           const int32_t *x)
{
    int32_t best = x[0];
    uint32_t sum = 0;
    for (int i = 0; i < in->kh; i++)
        for (int j = 0; j < in->kw; j++) {
            int32_t v = x[(i * shape.w + j) * shape.c];
            best = v > best ? v : best;
            sum += (uint32_t)v;
        }
    return in->opcode == STN_MAX_POOL ? best : (int32_t)sum;
}

static void pool(const stn_instruction *in, stn_shape from, stn_shape to,
                 const int32_t *x, int32_t *y)
{
    for (int r = 0; r < to.h; r++)
        for (int q = 0; q < to.w; q++)
            for (int c = 0; c < to.c; c++) {
                size_t at = (size_t)(r * in->stride) * (size_t)from.w +
                            (size_t)(q * in->stride);
                *y++ = pool_window(in, from, x + at * (size_t)from.c + c);
            }
}

void stn_digital_run(const stn_program *program, const stn_instruction *in,
                     const int32_t *x0, const int32_t *x1, int32_t *y)
{
    const stn_shape to = program->values[in->output].shape;
    if (in->opcode == STN_RESCALE)
        rescale(in, to, x0, x1, y);
    else
        pool(in, program->values[in->inputs[0]].shape, to, x0, y);
}
