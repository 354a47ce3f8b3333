/* SPDX-License-Identifier: MIT
 *
 * Circulant dots in scalar C: the definition. Columns are stored twice in a
 * row, so that an index (r - c) mod p never wraps. */
#include "kernels/circulant.h"
#include "kernels/ref/ref.h"

typedef struct columns {
    stn_circulant_blocks blocks;
    size_t across, rows, cols; /* blocks a position; of outputs; of inputs */
    const int8_t *twice;       /* rows x cols x 2 p */
} columns;

bool stn_circulant_pays_ref(const stn_dot_shape *shape,
                            stn_circulant_blocks blocks)
{
    (void)shape;
    return blocks.p > 1;
}

stn_status stn_circulant_prepare_ref(const stn_dot_shape *shape,
                                     stn_circulant_blocks blocks,
                                     const int8_t *codes, stn_arena *arena,
                                     stn_prepared *out, stn_error *err)
{
    size_t p = (size_t)blocks.p;
    size_t depth = (size_t)shape->runs * (size_t)shape->run;
    columns *c = stn_arena_alloc(arena, 1, sizeof *c);
    if (!c)
        return stn_fail_memory(err, "a circulant layer");
    c->blocks = blocks;
    c->across = ((size_t)blocks.in + p - 1) / p;
    c->rows = ((size_t)shape->out + p - 1) / p;
    c->cols = depth / (size_t)blocks.in * c->across;
    size_t n = c->rows * c->cols * 2 * p, k = 0;
    int8_t *twice = stn_arena_alloc(arena, n, 1);
    if (!twice)
        return stn_fail_memory(err, "laid-out weights");
    for (size_t i = 0; i < c->rows; i++)
        for (size_t b = 0; b < c->cols; b++)
            for (size_t t = 0; t < 2 * p; t++)
                twice[k++] = (int8_t)stn_circulant_value(shape, blocks, codes,
                                                         i, b, t % p);
    c->twice = twice;
    *out = (stn_prepared){.data = c, .size_bytes = n, .isa = "ref", .parts = 1};
    return STN_OK;
}

/* acc[i p + r] += w[(r - c) mod p] x for the input of block b, column c. */
static void add_input(const columns *k, size_t n_out, size_t b, size_t c,
                      int32_t x, int32_t *acc)
{
    size_t p = (size_t)k->blocks.p;
    for (size_t i = 0; i < k->rows; i++) {
        const int8_t *w = k->twice + (i * k->cols + b) * 2 * p + p - c;
        size_t rows = n_out - i * p < p ? n_out - i * p : p;
        for (size_t r = 0; r < rows; r++)
            acc[i * p + r] += w[r] * x;
    }
}

void stn_circulant_ref(const stn_dot_call *call)
{
    const stn_dot_shape *s = call->shape;
    const columns *k = call->prepared;
    size_t out = (size_t)s->out, in = (size_t)k->blocks.in;
    size_t p = (size_t)k->blocks.p, run = (size_t)s->run;
    for (int n = 0; n < call->n; n++) {
        const uint8_t *x = (const uint8_t *)call->x + call->patches[n];
        int32_t *acc = call->acc + (size_t)n * out;
        for (size_t o = 0; o < out; o++)
            acc[o] = 0;
        for (size_t e = 0; e < (size_t)s->runs * run; e++) {
            size_t at = e / run * s->pitch + e % run;
            size_t b = e / in * k->across + e % in / p;
            add_input(k, out, b, e % in % p,
                      stn_circulant_input(s->input, x, at), acc);
        }
    }
}
