/* SPDX-License-Identifier: MIT
 *
 * Speed of bitnet.cpp's I2_S kernels on one thread: ternary weights by 8-bit
 * inputs, the sums alone (no quantising, no scale; for convolutions the
 * matrix product alone, over windows laid out before). The function
 * is declared here as its source defines it: no header of it does.
 *   bitnet ROUNDS LEVEL */
#include "measure.h"
#include <stddef.h>
#include <stdint.h>

/* n products; bs: stride of the sums; bx, by: of rows of weights and columns
 * of inputs; one row by nrc columns, four at a time where nrc allows it. */
void ggml_vec_dot_i2_i8_s(int n, float *s, size_t bs, const void *vx, size_t bx,
                          const void *vy, size_t by, int nrc);

typedef struct product {
    const char *layer;
    int out, in, columns;
    uint8_t *w; /* four codes a byte */
    int8_t *x;
    float *y;
} product;

static void run(void *context)
{
    const product *p = context;
    const size_t in = (size_t)p->in;
    for (int o = 0; o < p->out; o++)
        ggml_vec_dot_i2_i8_s(p->in, p->y + o, (size_t)p->out,
                             p->w + (size_t)o * in / 4, in, p->x, in,
                             p->columns);
}

static void report(product p, int rounds, const char *level)
{
    const size_t in = (size_t)p.in, out = (size_t)p.out;
    const size_t columns = (size_t)p.columns;
    p.w = aligned_alloc(64, out * in / 4);
    p.x = aligned_alloc(64, columns * in);
    p.y = malloc(out * columns * sizeof *p.y);
    if (!p.w || !p.x || !p.y)
        exit(1);
    for (size_t i = 0; i < out * in / 4; i++) /* codes 0, 1, 2 alone */
        p.w[i] = (uint8_t)(i % 3 * 1 + i / 3 % 3 * 4 + i / 9 % 3 * 16 +
                           i / 27 % 3 * 64);
    for (size_t i = 0; i < columns * in; i++)
        p.x[i] = (int8_t)(i * 37 % 255 - 127);
    measure(&(row){p.layer, "ternary x 8 bits (I2_S)", "bitnet.cpp", level,
                   2.0 * p.out * p.in * p.columns, rounds, run, &p, NULL});
    free(p.w);
    free(p.x);
    free(p.y);
}

int main(int argc, char **argv)
{
    int rounds = read_rounds(argc, argv);
    report((product){"linear 4096-4096", 4096, 4096, 1, NULL, NULL, NULL},
           rounds, argv[2]);
    report((product){"1x1 512-512 @14", 512, 512, 196, NULL, NULL, NULL},
           rounds, argv[2]);
    report((product){"3x3 256-256 @14", 256, 2304, 196, NULL, NULL, NULL},
           rounds, argv[2]);
    return 0;
}
