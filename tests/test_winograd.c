/* SPDX-License-Identifier: MIT
 *
 * Winograd's convolutions at every level of the machine, against their
 * definition: whole and partial tiles, every padding, several chunks. */
#include "test.h"
#include "base/memory.h"
#include "base/rng.h"
#include "tensor/winograd.h"
#include <math.h>

/* clang-format off */
static const stn_conv_shape shapes[] = {
    {.n = 2, .h = 8,  .w = 8,  .c = 16, .out = 16, .kernel = 3, .stride = 1,
     .pad = 1},
    {.n = 3, .h = 7,  .w = 10, .c = 32, .out = 48, .kernel = 3, .stride = 1,
     .pad = 1},
    {.n = 1, .h = 3,  .w = 3,  .c = 64, .out = 16, .kernel = 3, .stride = 1,
     .pad = 0},
    {.n = 2, .h = 5,  .w = 14, .c = 16, .out = 64, .kernel = 3, .stride = 1,
     .pad = 2},
    {.n = 9, .h = 16, .w = 16, .c = 32, .out = 32, .kernel = 3, .stride = 1,
     .pad = 1},
};
/* clang-format on */
#define N_SHAPES (sizeof shapes / sizeof *shapes)

/* One shape's tensors; `expected` by the definition, in double. */
typedef struct bed {
    const stn_conv_shape *s;
    int oh, ow;
    size_t n_x, n_w, n_y;
    float *x, *w, *dy, *got, *filter, *scratch;
    double *expected;
} bed;

static float *normals(size_t n, uint64_t stream)
{
    float *values = stn_alloc(n, sizeof *values);
    assert_non_null(values);
    stn_rng rng = stn_rng_make(4, STN_RNG_TEST, stream);
    for (size_t i = 0; i < n; i++)
        values[i] = stn_rng_normal(&rng);
    return values;
}

static void set_up(bed *b, const stn_conv_shape *s)
{
    *b =
        (bed){.s = s, .oh = s->h + 2 * s->pad - 2, .ow = s->w + 2 * s->pad - 2};
    b->n_x = (size_t)(s->n * s->h * s->w * s->c);
    b->n_w = (size_t)(s->out * 9 * s->c);
    b->n_y = (size_t)(s->n * b->oh * b->ow * s->out);
    const size_t most = b->n_x + b->n_w + b->n_y;
    b->x = normals(b->n_x, 1);
    b->w = normals(b->n_w, 2);
    b->dy = normals(b->n_y, 3);
    b->got = normals(most, 4);
    b->filter = normals(stn_winograd_filter_floats(s), 5);
    b->scratch = normals(stn_winograd_scratch(s), 6);
    b->expected = stn_alloc(most, sizeof *b->expected);
    assert_non_null(b->expected);
}

static void tear_down(bed *b)
{
    stn_free(b->x), stn_free(b->w), stn_free(b->dy), stn_free(b->got);
    stn_free(b->filter), stn_free(b->scratch), stn_free(b->expected);
}

typedef enum pass { FORWARD, DATA, WEIGHTS } pass;

/* Adds every product of the convolution to what the pass computes. */
static void define(bed *b, pass which)
{
    const stn_conv_shape *s = b->s;
    memset(b->expected, 0, (b->n_x + b->n_w + b->n_y) * sizeof *b->expected);
    for (int i = 0; i < s->n * b->oh * b->ow * 9; i++) {
        const int tap = i % 9, ox = i / 9 % b->ow, oy = i / 9 / b->ow % b->oh;
        const int n = i / 9 / b->ow / b->oh;
        const int iy = oy - s->pad + tap / 3, ix = ox - s->pad + tap % 3;
        if (iy < 0 || iy >= s->h || ix < 0 || ix >= s->w)
            continue;
        const int x0 = ((n * s->h + iy) * s->w + ix) * s->c;
        const int y0 = ((n * b->oh + oy) * b->ow + ox) * s->out;
        for (int k = 0; k < s->out; k++)
            for (int c = 0; c < s->c; c++) {
                const int x = x0 + c, y = y0 + k, w = (k * 9 + tap) * s->c + c;
                if (which == FORWARD)
                    b->expected[y] += (double)b->x[x] * (double)b->w[w];
                else if (which == DATA)
                    b->expected[x] += (double)b->dy[y] * (double)b->w[w];
                else
                    b->expected[w] += (double)b->x[x] * (double)b->dy[y];
            }
    }
}

/* Errors stay below 3e-5 of the largest value: F(4 x 4, 3 x 3) loses about
 * four bits of a float's 24 (Lavin & Gray 2016, section 5.2). */
static void compare(const bed *b, const char *what, size_t n)
{
    double largest = 0.0, worst = 0.0;
    for (size_t i = 0; i < n; i++) {
        largest = fmax(largest, fabs(b->expected[i]));
        worst = fmax(worst, fabs(b->expected[i] - (double)b->got[i]));
    }
    if (!(worst < 3e-5 * largest))
        fail_msg("%s of %dx%dx%d -> %d, pad %d: off by %g of %g", what, b->s->h,
                 b->s->w, b->s->c, b->s->out, b->s->pad, worst, largest);
}

static void check(const stn_winograd_kernels *kernels)
{
    if (!kernels)
        skip();
    for (size_t i = 0; i < N_SHAPES; i++) {
        bed b;
        set_up(&b, &shapes[i]);
        assert_true(stn_winograd_fits(b.s));
        stn_winograd_prepare(kernels, b.s, b.w, false, b.filter, b.scratch);
        stn_winograd_forward(kernels, b.s, b.x, b.filter, b.got, b.scratch);
        define(&b, FORWARD);
        compare(&b, "output", b.n_y);
        stn_winograd_prepare(kernels, b.s, b.w, true, b.filter, b.scratch);
        stn_winograd_data(kernels, b.s, b.dy, b.filter, b.got, b.scratch);
        define(&b, DATA);
        compare(&b, "input gradient", b.n_x);
        stn_winograd_weights(kernels, b.s, b.x, b.dy, b.got, b.scratch);
        define(&b, WEIGHTS);
        compare(&b, "weight gradient", b.n_w);
        tear_down(&b);
    }
}

static void avx2_follows_the_definition(void **state)
{
    (void)state;
    check(stn_winograd_kernels_avx2());
}

static void avx512_follows_the_definition(void **state)
{
    (void)state;
    check(stn_winograd_kernels_avx512());
}

static void other_shapes_are_left_to_others(void **state)
{
    (void)state;
    stn_conv_shape s = shapes[0];
    s.stride = 2;
    assert_false(stn_winograd_fits(&s));
    s = shapes[0];
    s.kernel = 5;
    assert_false(stn_winograd_fits(&s));
    s = shapes[0];
    s.groups = 4;
    assert_false(stn_winograd_fits(&s));
    s = shapes[0];
    s.c = 24;
    assert_false(stn_winograd_fits(&s));
    s = shapes[0];
    s.c = s.out = 256;
    assert_false(stn_winograd_fits(&s));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(avx2_follows_the_definition),
        cmocka_unit_test(avx512_follows_the_definition),
        cmocka_unit_test(other_shapes_are_left_to_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
