/* SPDX-License-Identifier: MIT
 *
 * The walk over tiles. Pictures are cut into tiles of 4 x 4 outputs; a chunk
 * of tiles is transformed, each of the 36 points is a matrix product over the
 * channels, and the products are transformed back. A chunk's matrices stay in
 * the L2 cache. The pixels behind a row of tiles are first copied into a strip
 * with zeros around. */
#include "tensor/winograd.h"
#include "base/compiler.h"
#include "base/memory.h"
#include <string.h>

#define POINTS STN_WINOGRAD_POINTS
#define ROWS STN_WINOGRAD_ROWS
#define TILE 4 /* outputs of a tile, each way */
#define REACH 6
#define KERNEL 3
#define TAPS (KERNEL * KERNEL)
/* Between the matrices of neighbouring points, so that the 36 streams of a
 * transform do not fall into the same sets of the L1 cache. */
#define GAP 16
#define CHUNK_FLOATS 1024 /* of one point's matrix, or */
#define CHUNK_TILES 32    /* rows of it, if that is more */

const stn_winograd_kernels *stn_winograd_kernels_get(void)
{
    const stn_winograd_kernels *kernels = stn_winograd_kernels_avx512();
    return kernels ? kernels : stn_winograd_kernels_avx2();
}

/* Transformed filters of more than this many inputs x outputs, 2.4 MB, come
 * from memory that is too slow for a chunk's few products. */
#define MAX_FILTERS (128 * 128)

bool stn_winograd_fits(const stn_conv_shape *s)
{
    return s->kernel == KERNEL && s->stride == 1 && s->pad < KERNEL &&
           s->groups <= 1 && s->c % 16 == 0 && s->out % 16 == 0 &&
           s->c <= MAX_FILTERS / s->out;
}

/* One pass as a correlation: `in` channels of h x w pixels with `pad` zeros
 * around, to `out` channels of oh x ow pixels. */
typedef struct pass {
    const stn_winograd_kernels *kernels;
    int n, h, w, pad, oh, ow;
    size_t in, out;
    size_t across, down;    /* tiles of a picture */
    size_t strips, step;    /* rows of tiles in all, and in a chunk */
    size_t in_gap, out_gap; /* floats between the matrices of two points */
    size_t in_row, out_row; /* floats of a row of the widened picture */
} pass;

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* Rows of a chunk's matrices. */
static size_t matrix_rows(size_t tiles)
{
    return (tiles + ROWS - 1) / ROWS * ROWS;
}

static void lay_out(pass *p)
{
    p->across = ((size_t)p->ow + TILE - 1) / TILE;
    p->down = ((size_t)p->oh + TILE - 1) / TILE;
    p->strips = (size_t)p->n * p->down;
    const size_t fit = CHUNK_FLOATS / larger(p->in, p->out);
    p->step = larger(larger(fit, CHUNK_TILES) / p->across, 1);
    p->step = smaller(p->step, p->strips);
    p->in_gap = matrix_rows(p->step * p->across) * p->in + GAP;
    p->out_gap = matrix_rows(p->step * p->across) * p->out + GAP;
    p->in_row = (p->across * TILE + KERNEL - 1) * p->in;
    p->out_row = p->across * TILE * p->out;
}

static pass forward_pass(const stn_winograd_kernels *kernels,
                         const stn_conv_shape *s)
{
    pass p = {.kernels = kernels,
              .n = s->n,
              .h = s->h,
              .w = s->w,
              .pad = s->pad,
              .oh = s->h + 2 * s->pad - KERNEL + 1,
              .ow = s->w + 2 * s->pad - KERNEL + 1,
              .in = (size_t)s->c,
              .out = (size_t)s->out};
    lay_out(&p);
    return p;
}

/* The gradient of the input: a correlation of dy with the filters turned. */
static pass backward_pass(const stn_winograd_kernels *kernels,
                          const stn_conv_shape *s)
{
    pass p = {.kernels = kernels,
              .n = s->n,
              .h = s->h + 2 * s->pad - KERNEL + 1,
              .w = s->w + 2 * s->pad - KERNEL + 1,
              .pad = KERNEL - 1 - s->pad,
              .oh = s->h,
              .ow = s->w,
              .in = (size_t)s->out,
              .out = (size_t)s->c};
    lay_out(&p);
    return p;
}

/* Where a call keeps its matrices and strips. */
typedef struct room {
    float *v, *m;          /* transformed inputs, outputs */
    float *input, *output; /* strips widened to whole tiles */
    float *rest;
} room;

static room room_of(const pass *p, float *scratch)
{
    room r = {.v = scratch};
    r.m = r.v + POINTS * p->in_gap;
    r.input = r.m + POINTS * p->out_gap;
    r.output = r.input + REACH * p->in_row;
    r.rest = r.output + TILE * p->out_row;
    return r;
}

static size_t room_floats(const pass *p)
{
    return POINTS * (p->in_gap + p->out_gap) + REACH * p->in_row +
           TILE * p->out_row;
}

size_t stn_winograd_filter_floats(const stn_conv_shape *s)
{
    return (size_t)POINTS * (size_t)s->c * (size_t)s->out;
}

size_t stn_winograd_scratch(const stn_conv_shape *s)
{
    const pass a = forward_pass(NULL, s), b = backward_pass(NULL, s);
    return larger(room_floats(&a) + stn_winograd_filter_floats(s),
                  room_floats(&b));
}

/* ---- filters ---- */

/* to[tap][c][k] = w[k][tap][c]. */
static void exchange(const stn_conv_shape *s, const float *w, float *to)
{
    const size_t c = (size_t)s->c, k = (size_t)s->out;
    for (size_t t = 0; t < TAPS; t++)
        for (size_t i = 0; i < k; i++)
            for (size_t j = 0; j < c; j++)
                to[(t * c + j) * k + i] = w[(i * TAPS + t) * c + j];
}

/* taps[k][tap] backwards. */
static void turn(const stn_conv_shape *s, const float *w, float *to)
{
    const size_t c = (size_t)s->c, k = (size_t)s->out;
    for (size_t i = 0; i < k; i++)
        for (size_t t = 0; t < TAPS; t++)
            memcpy(to + (t * k + i) * c, w + (i * TAPS + (TAPS - 1 - t)) * c,
                   c * sizeof *to);
}

void stn_winograd_prepare(const stn_winograd_kernels *kernels,
                          const stn_conv_shape *s, const float *w, bool turned,
                          float *filter, float *scratch)
{
    const size_t rows = (size_t)(turned ? s->out : s->c);
    const size_t width = (size_t)(turned ? s->c : s->out);
    const size_t each = rows * width;
    const stn_winograd_tiles from = {scratch, KERNEL * each, each, width};
    const stn_winograd_tiles to = {filter, REACH * each, each, width};
    (turned ? turn : exchange)(s, w, scratch);
    kernels->filter(&from, &to, rows, width);
}

/* ---- strips: the rows of pixels behind a row of tiles ---- */

/* Copies `rows` rows of a picture of h x row floats from row y on into rows
 * of `width` floats, after `margin` floats; what lies outside is zero. */
typedef struct strip {
    int y, rows, h;
    size_t row, width, margin;
} strip;

static void widen(const strip *s, const float *picture, float *to)
{
    for (int i = 0; i < s->rows; i++, to += s->width) {
        const int y = s->y + i;
        const bool inside = y >= 0 && y < s->h;
        const size_t end = s->margin + s->row;
        if (!inside) {
            memset(to, 0, s->width * sizeof *to);
            continue;
        }
        memset(to, 0, s->margin * sizeof *to);
        memcpy(to + s->margin, picture + (size_t)y * s->row,
               s->row * sizeof *to);
        memset(to + end, 0, (s->width - end) * sizeof *to);
    }
}

/* The matrices' rows of the tiles from `tile` on. */
static stn_winograd_tiles points(float *matrices, size_t gap, size_t tile,
                                 size_t c)
{
    return (stn_winograd_tiles){matrices + tile * c, REACH * gap, gap, c};
}

static size_t strip_row(const pass *p, size_t index, int *y)
{
    *y = (int)(index % p->down) * TILE;
    return index / p->down;
}

/* Strips [first, first + n) of the input into rows of v. */
static void take_input(const pass *p, const float *x, size_t first, size_t n,
                       const room *r)
{
    for (size_t i = 0; i < n; i++) {
        strip s = {.rows = REACH,
                   .h = p->h,
                   .row = (size_t)p->w * p->in,
                   .width = p->in_row,
                   .margin = (size_t)p->pad * p->in};
        const size_t picture = strip_row(p, first + i, &s.y);
        const stn_winograd_tiles from = {r->input, p->in_row, p->in,
                                         TILE * p->in};
        const stn_winograd_tiles to =
            points(r->v, p->in_gap, i * p->across, p->in);
        s.y -= p->pad;
        widen(&s, x + picture * (size_t)p->h * s.row, r->input);
        p->kernels->data(&from, &to, p->across, p->in);
    }
}

/* Strips [first, first + n) of the output's gradient into rows of m. */
static void take_gradient(const pass *p, const float *dy, size_t first,
                          size_t n, const room *r)
{
    for (size_t i = 0; i < n; i++) {
        strip s = {.rows = TILE,
                   .h = p->oh,
                   .row = (size_t)p->ow * p->out,
                   .width = p->out_row};
        const size_t picture = strip_row(p, first + i, &s.y);
        const stn_winograd_tiles from = {r->output, p->out_row, p->out,
                                         TILE * p->out};
        const stn_winograd_tiles to =
            points(r->m, p->out_gap, i * p->across, p->out);
        widen(&s, dy + picture * (size_t)p->oh * s.row, r->output);
        p->kernels->gradient(&from, &to, p->across, p->out);
    }
}

/* Rows of m to strips [first, first + n) of the output. */
static void give_output(const pass *p, float *y, size_t first, size_t n,
                        const room *r)
{
    const size_t row = (size_t)p->ow * p->out;
    for (size_t i = 0; i < n; i++) {
        int at;
        const size_t picture = strip_row(p, first + i, &at);
        float *to = y + (picture * (size_t)p->oh + (size_t)at) * row;
        const int rows = p->oh - at < TILE ? p->oh - at : TILE;
        const bool whole = rows == TILE && p->out_row == row;
        const stn_winograd_tiles from =
            points(r->m, p->out_gap, i * p->across, p->out);
        const stn_winograd_tiles into = {whole ? to : r->output, p->out_row,
                                         p->out, TILE * p->out};
        p->kernels->output(&from, &into, p->across, p->out);
        for (int j = 0; !whole && j < rows; j++)
            memcpy(to + (size_t)j * row, r->output + (size_t)j * p->out_row,
                   row * sizeof *to);
    }
}

/* ---- passes ---- */

/* What the next chunk reads, or this one will write: fetched into the cache
 * while the products, which need no memory, run. */
typedef struct ahead {
    const char *first;
    size_t size;
} ahead;

static ahead strips_ahead(const pass *p, const float *x, int h, size_t row,
                          size_t first)
{
    const size_t n =
        first < p->strips ? smaller(p->strips - first, p->step) : 0;
    const size_t down = p->down, picture = (size_t)h * row;
    const size_t from =
        first / down * picture + smaller(first % down * TILE * row, picture);
    const size_t end = (first + n) / down * picture +
                       smaller((first + n) % down * TILE * row, picture);
    return (ahead){(const char *)(x + from), (end - from) * sizeof *x};
}

/* Part `i` of POINTS. */
static void fetch(const ahead *a, size_t i)
{
    const size_t first = a->size * i / POINTS, end = a->size * (i + 1) / POINTS;
    for (size_t at = first; at < end; at += STN_ALIGNMENT)
        STN_PREFETCH(a->first + at);
}

static ahead input_ahead(const pass *p, const float *x, size_t first)
{
    return strips_ahead(p, x, p->h, (size_t)p->w * p->in, first);
}

static ahead output_ahead(const pass *p, const float *y, size_t first)
{
    return strips_ahead(p, y, p->oh, (size_t)p->ow * p->out, first);
}

static void correlate(const pass *p, const float *x, const float *filter,
                      float *y, float *scratch)
{
    const room r = room_of(p, scratch);
    for (size_t first = 0; first < p->strips; first += p->step) {
        const size_t n = smaller(p->strips - first, p->step);
        const size_t tiles = n * p->across, rows = matrix_rows(tiles);
        const ahead in = input_ahead(p, x, first + n);
        const ahead out = output_ahead(p, y, first);
        take_input(p, x, first, n, &r);
        for (size_t i = 0; i < POINTS; i++) {
            fetch(&in, i);
            fetch(&out, i);
            float *v = r.v + i * p->in_gap;
            memset(v + tiles * p->in, 0, (rows - tiles) * p->in * sizeof *v);
            p->kernels->product(v, filter + i * p->in * p->out, rows, p->in,
                                p->out, r.m + i * p->out_gap);
        }
        give_output(p, y, first, n, &r);
    }
}

void stn_winograd_forward(const stn_winograd_kernels *kernels,
                          const stn_conv_shape *s, const float *x,
                          const float *filter, float *y, float *scratch)
{
    const pass p = forward_pass(kernels, s);
    correlate(&p, x, filter, y, scratch);
}

void stn_winograd_data(const stn_winograd_kernels *kernels,
                       const stn_conv_shape *s, const float *dy,
                       const float *filter, float *dx, float *scratch)
{
    const pass p = backward_pass(kernels, s);
    correlate(&p, dy, filter, dx, scratch);
}

/* With y = A'((G g G') . (B' d B))A, the gradient of g is
 * G'((A dy A') . (B' d B))G, summed over tiles. */
void stn_winograd_weights(const stn_winograd_kernels *kernels,
                          const stn_conv_shape *s, const float *x,
                          const float *dy, float *dw, float *scratch)
{
    const pass p = forward_pass(kernels, s);
    const room r = room_of(&p, scratch);
    const size_t each = p.in * p.out;
    for (size_t first = 0; first < p.strips; first += p.step) {
        const size_t n = smaller(p.strips - first, p.step);
        take_input(&p, x, first, n, &r);
        take_gradient(&p, dy, first, n, &r);
        const ahead in = input_ahead(&p, x, first + n);
        const ahead out = output_ahead(&p, dy, first + n);
        for (size_t i = 0; i < POINTS; i++) {
            fetch(&in, i);
            fetch(&out, i);
            kernels->product_rows(r.m + i * p.out_gap, r.v + i * p.in_gap,
                                  n * p.across, p.in, p.out, first > 0,
                                  r.rest + i * each);
        }
    }
    const stn_winograd_tiles from = {r.rest, REACH * each, each, p.in};
    const stn_winograd_tiles to = {dw, KERNEL * p.in, p.in, TAPS * p.in};
    kernels->weights(&from, &to, p.out, p.in);
}
