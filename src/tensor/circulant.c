/* SPDX-License-Identifier: MIT
 *
 * Block-circulant products in the frequency domain (papers/
 * compression-and-accelerators section 4b; F the transform of length p):
 *     y_i = F^-1 Σ_j  F(w_ij) ∘ F(x_j)
 *     dw_ij = F^-1 ( F(g_i) ∘ conj F(x_j) ),  g_i = dL/dy_i
 *     dx_j = F^-1 Σ_i  F(g_i) ∘ conj F(w_ij)
 * Each block of each pixel is transformed once. What is left is, for each of
 * the p / 2 + 1 frequencies of real numbers, a convolution of complex numbers
 * with R x Q channels, done as a real matrix product: a pixel is the row
 * [re | im], a weight the matrix [[re, -im], [im, re]]. A transform is one of
 * complex numbers over two real blocks at once, which holds for odd p as well
 * and, other than kissfft's real ones, writes to no shared memory. */
#include "tensor/circulant.h"
#include "base/memory.h"
#include <kiss_fft.h>
#include <stdint.h>
#include <string.h>

struct stn_circulant {
    stn_conv_shape s;
    int p;
    size_t bins, rows, cols;    /* frequencies; blocks: R, Q */
    size_t area;                /* kernel positions */
    size_t oh, ow, n_in, n_out; /* pixels */
    bool direct; /* every output pixel reads the input pixel of its place */
    kiss_fft_cfg forward, inverse;
    /* Of each output pixel of a picture and kernel position the input pixel
     * of that picture; -1 in the padding. NULL when direct. */
    int32_t *windows;
    float *weights; /* of each frequency 2 R x 2 area Q */
};

/* Vectors of a real array: `n` rows of `width` numbers, cut into `blocks`. */
typedef struct blocked {
    size_t n, width, blocks, p;
} blocked;

static size_t div_up(size_t a, size_t b)
{
    return (a + b - 1) / b;
}

static size_t start_of(const blocked *b, size_t v, size_t *length)
{
    size_t first = v % b->blocks * b->p;
    *length = b->width - first < b->p ? b->width - first : b->p;
    return v / b->blocks * b->width + first;
}

/* Where frequency 0 of vector v lies: [bin][row][re, im][block]. */
static size_t bin_of(const blocked *b, size_t v)
{
    return v / b->blocks * 2 * b->blocks + v % b->blocks;
}

/* From one frequency to the next. A cache line more than it takes: by a power
 * of two all frequencies of a block would meet in one set of the cache. */
static size_t plane_of(const blocked *b)
{
    return b->n * 2 * b->blocks + 16;
}

static void load(const blocked *b, size_t v, const float *x, kiss_fft_cpx *z,
                 bool imaginary)
{
    size_t length, from = start_of(b, v, &length);
    for (size_t t = 0; t < b->p; t++) {
        float value = t < length ? x[from + t] : 0;
        if (imaginary)
            z[t].i = value;
        else
            z[t] = (kiss_fft_cpx){value, 0};
    }
}

/* With Z = F(a + i b): F(a) = (Z[k] + conj Z[-k]) / 2 and
 * F(b) = (Z[k] - conj Z[-k]) / 2i. */
static void transform(const stn_circulant *c, const blocked *b, const float *x,
                      float *spectrum, float *scratch)
{
    kiss_fft_cpx *z = (void *)scratch, *f = z + b->p;
    size_t count = b->n * b->blocks, plane = plane_of(b);
    for (size_t v = 0; v < count; v += 2) {
        bool pair = v + 1 < count;
        load(b, v, x, z, false);
        if (pair)
            load(b, v + 1, x, z, true);
        kiss_fft(c->forward, z, f);
        float *one = spectrum + bin_of(b, v);
        float *two = pair ? spectrum + bin_of(b, v + 1) : NULL;
        for (size_t k = 0; k < c->bins; k++) {
            kiss_fft_cpx u = f[k], w = f[k ? b->p - k : 0];
            one[k * plane] = 0.5f * (u.r + w.r);
            one[k * plane + b->blocks] = 0.5f * (u.i - w.i);
            if (!pair)
                continue;
            two[k * plane] = 0.5f * (u.i + w.i);
            two[k * plane + b->blocks] = 0.5f * (w.r - u.r);
        }
    }
}

/* z = A + i B, with A and B continued by their symmetry. */
static void fill(const stn_circulant *c, const blocked *b, const float *one,
                 const float *two, kiss_fft_cpx *z)
{
    size_t plane = plane_of(b);
    for (size_t k = 0; k < c->bins; k++) {
        float ar = one[k * plane], ai = one[k * plane + b->blocks];
        float br = two ? two[k * plane] : 0;
        float bi = two ? two[k * plane + b->blocks] : 0;
        z[k] = (kiss_fft_cpx){ar - bi, ai + br};
        if (k && k != b->p - k)
            z[b->p - k] = (kiss_fft_cpx){ar + bi, br - ai};
    }
}

static void invert(const stn_circulant *c, const blocked *b,
                   const float *spectrum, float *x, float *scratch)
{
    kiss_fft_cpx *z = (void *)scratch, *f = z + b->p;
    size_t count = b->n * b->blocks, length;
    float share = 1.0f / (float)b->p;
    for (size_t v = 0; v < count; v += 2) {
        bool pair = v + 1 < count;
        fill(c, b, spectrum + bin_of(b, v),
             pair ? spectrum + bin_of(b, v + 1) : NULL, z);
        kiss_fft(c->inverse, z, f);
        size_t at = start_of(b, v, &length);
        for (size_t t = 0; t < length; t++)
            x[at + t] = share * f[t].r;
        if (!pair)
            continue;
        at = start_of(b, v + 1, &length);
        for (size_t t = 0; t < length; t++)
            x[at + t] = share * f[t].i;
    }
}

/* What the transforms of a layer are about. */
static blocked inputs_of(const stn_circulant *c)
{
    return (blocked){c->n_in, (size_t)c->s.c, c->cols, (size_t)c->p};
}

static blocked outputs_of(const stn_circulant *c)
{
    return (blocked){c->n_out, (size_t)c->s.out, c->rows, (size_t)c->p};
}

static blocked weights_of(const stn_circulant *c)
{
    size_t p = (size_t)c->p;
    return (blocked){c->rows * c->area, c->cols * p, c->cols, p};
}

static size_t spectrum_floats(const stn_circulant *c, blocked b)
{
    return c->bins * plane_of(&b);
}

/* Parts of the scratch, in floats. */
typedef struct parts {
    size_t outputs, cols, dcols, inputs, product, weights, total;
} parts;

static parts parts_of(const stn_circulant *c, bool backward)
{
    size_t window = c->n_out * 2 * c->area * c->cols;
    parts at = {.outputs = 4 * (size_t)c->p};
    at.cols = at.outputs + spectrum_floats(c, outputs_of(c));
    at.dcols = at.cols + (c->direct ? 0 : window);
    at.weights = at.outputs;
    at.total = at.dcols;
    if (backward) {
        at.inputs = at.dcols + (c->direct ? 0 : window);
        at.product = at.inputs + spectrum_floats(c, inputs_of(c));
        at.weights = at.product + 4 * c->rows * c->area * c->cols;
    }
    size_t last = at.weights + spectrum_floats(c, weights_of(c));
    at.total = last > at.total ? last : at.total;
    return at;
}

static bool list_windows(stn_circulant *c)
{
    const stn_conv_shape *s = &c->s;
    int side = s->kernel, *to;
    c->windows = to = stn_alloc(c->oh * c->ow * c->area, sizeof *to);
    for (int k = 0; to && k < (int)(c->oh * c->ow); k++)
        for (int a = 0; a < (int)c->area; a++) {
            int r = k / (int)c->ow * s->stride - s->pad + a / side;
            int q = k % (int)c->ow * s->stride - s->pad + a % side;
            bool inside = r >= 0 && r < s->h && q >= 0 && q < s->w;
            *to++ = inside ? r * s->w + q : -1;
        }
    return c->windows;
}

stn_status stn_circulant_create(const stn_conv_shape *shape, int p,
                                bool backward, stn_circulant **out,
                                stn_circulant_needs *needs, stn_error *err)
{
    stn_circulant *c = stn_alloc(1, sizeof *c);
    if (!c)
        return stn_fail_memory(err, "a circulant layer");
    const stn_conv_shape *s = shape;
    size_t side = (size_t)s->kernel, n = (size_t)s->n;
    *c = (stn_circulant){.s = *s, .p = p, .bins = (size_t)p / 2 + 1};
    c->rows = div_up((size_t)s->out, (size_t)p);
    c->cols = div_up((size_t)s->c, (size_t)p);
    c->area = side * side;
    c->oh = (size_t)((s->h + 2 * s->pad - s->kernel) / s->stride + 1);
    c->ow = (size_t)((s->w + 2 * s->pad - s->kernel) / s->stride + 1);
    c->n_in = n * (size_t)s->h * (size_t)s->w;
    c->n_out = n * c->oh * c->ow;
    c->direct = s->kernel == 1 && s->stride == 1 && s->pad == 0;
    c->forward = kiss_fft_alloc(p, 0, NULL, NULL);
    c->inverse = kiss_fft_alloc(p, 1, NULL, NULL);
    c->weights =
        stn_alloc(c->bins * 4 * c->rows * c->area * c->cols, sizeof(float));
    bool listed = c->direct || list_windows(c);
    if (!c->forward || !c->inverse || !c->weights || !listed) {
        stn_circulant_destroy(c);
        return stn_fail_memory(err, "a circulant layer");
    }
    *needs = (stn_circulant_needs){.scratch = parts_of(c, backward).total,
                                   .saved = spectrum_floats(c, inputs_of(c))};
    *out = c;
    return STN_OK;
}

void stn_circulant_destroy(stn_circulant *plan)
{
    if (!plan)
        return;
    kiss_fft_free(plan->forward);
    kiss_fft_free(plan->inverse);
    stn_free(plan->weights);
    stn_free(plan->windows);
    stn_free(plan);
}

/* A frequency of the weights: rows (re, im) x R, columns area x (re, im) x Q.
 */
static size_t matrix_floats(const stn_circulant *c)
{
    return 4 * c->rows * c->area * c->cols;
}

void stn_circulant_prepare(stn_circulant *c, const float *w, float *scratch)
{
    blocked b = weights_of(c);
    float *spectrum = scratch + parts_of(c, false).weights;
    size_t row = 2 * c->area * c->cols;
    transform(c, &b, w, spectrum, scratch);
    for (size_t k = 0; k < c->bins; k++) {
        const float *from = spectrum + k * plane_of(&b);
        float *to = c->weights + k * matrix_floats(c);
        for (size_t i = 0; i < c->rows; i++)
            for (size_t a = 0; a < c->area; a++, from += 2 * c->cols)
                for (size_t j = 0; j < c->cols; j++) {
                    float re = from[j], im = from[c->cols + j];
                    size_t at = 2 * a * c->cols + j;
                    to[i * row + at] = re;
                    to[i * row + at + c->cols] = -im;
                    to[(c->rows + i) * row + at] = im;
                    to[(c->rows + i) * row + at + c->cols] = re;
                }
    }
}

/* What a window has of a row of pixels: `n` floats at `at` of a
 * plane and at `col` of the window, or, for `at` of SIZE_MAX, padding. */
typedef struct piece {
    size_t at, col, n;
} piece;

/* Piece `k` of window m; false after the last. A row of a window that lies
 * inside the picture is one piece. */
static bool next_piece(const stn_circulant *c, size_t m, size_t *k, piece *out)
{
    size_t places = c->oh * c->ow, side = (size_t)c->s.kernel;
    size_t pixel = 2 * c->cols, first = *k;
    const int32_t *from = c->windows + m % places * c->area;
    if (first == c->area)
        return false;
    bool whole =
        first % side == 0 && from[first] >= 0 && from[first + side - 1] >= 0;
    size_t picture = m / places * (c->n_in / (size_t)c->s.n);
    *k += whole ? side : 1;
    *out =
        (piece){.at = from[first] < 0 ? SIZE_MAX
                                      : (picture + (size_t)from[first]) * pixel,
                .col = (m * c->area + first) * pixel,
                .n = (*k - first) * pixel};
    return true;
}

/* One frequency of all windows: rows [position][re, im][block]. */
static const float *gather(const stn_circulant *c, const float *plane,
                           float *cols)
{
    piece p;
    if (c->direct)
        return plane;
    for (size_t m = 0; m < c->n_out; m++)
        for (size_t k = 0; next_piece(c, m, &k, &p);)
            for (size_t t = 0; t < p.n; t++)
                cols[p.col + t] = p.at == SIZE_MAX ? 0 : plane[p.at + t];
    return cols;
}

/* The reverse: adds windows up over the pixels they come from. */
static void scatter(const stn_circulant *c, const float *cols, float *plane)
{
    piece p;
    memset(plane, 0, c->n_in * 2 * c->cols * sizeof *plane);
    for (size_t m = 0; m < c->n_out; m++)
        for (size_t k = 0; next_piece(c, m, &k, &p);)
            for (size_t t = 0; t < p.n && p.at != SIZE_MAX; t++)
                plane[p.at + t] += cols[p.col + t];
}

/* Of a product: m x q by q x r. Forward, m are pixels, and a matrix of
 * weights is r x q. */
typedef struct sizes {
    int m, r, q;
} sizes;

static sizes sizes_of(const stn_circulant *c)
{
    return (sizes){(int)c->n_out, (int)(2 * c->rows),
                   (int)(2 * c->area * c->cols)};
}

/* Multiply-adds up to which a call of stn_sgemm takes longer than they do. */
#define FEW 2048

/* stn_sgemm with alpha = 1 and beta = 0, rows without gaps. */
static void multiply(bool transpose_a, bool transpose_b, sizes z,
                     const float *a, const float *b, float *c)
{
    size_t m = (size_t)z.m, n = (size_t)z.r, k = (size_t)z.q;
    size_t a_row = transpose_a ? 1 : k, a_step = transpose_a ? m : 1;
    size_t b_row = transpose_b ? 1 : n, b_step = transpose_b ? k : 1;
    if (m * n * k > FEW) {
        stn_sgemm(transpose_a, transpose_b, z.m, z.r, z.q, 1, a,
                  transpose_a ? z.m : z.q, b, transpose_b ? z.q : z.r, 0, c,
                  z.r);
        return;
    }
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++) {
            float sum = 0;
            for (size_t l = 0; l < k; l++)
                sum += a[i * a_row + l * a_step] * b[l * b_row + j * b_step];
            c[i * n + j] = sum;
        }
}

void stn_circulant_forward(const stn_circulant *c, const float *x,
                           const float *bias, float *y, float *saved,
                           float *scratch)
{
    blocked in = inputs_of(c), out = outputs_of(c);
    parts at = parts_of(c, false);
    sizes z = sizes_of(c);
    float *spectrum = scratch + at.outputs;
    transform(c, &in, x, saved, scratch);
    for (size_t k = 0; k < c->bins; k++) {
        const float *cols =
            gather(c, saved + k * plane_of(&in), scratch + at.cols);
        multiply(false, true, z, cols, c->weights + k * matrix_floats(c),
                 spectrum + k * plane_of(&out));
    }
    invert(c, &out, spectrum, y, scratch);
    for (size_t m = 0; m < c->n_out && bias; m++)
        for (size_t o = 0; o < out.width; o++)
            y[m * out.width + o] += bias[o];
}

/* Of G^T X, with rows and columns (re, im): F(g) ∘ conj F(x). */
static void conjugate_product(const stn_circulant *c, const float *product,
                              float *spectrum)
{
    size_t row = 2 * c->area * c->cols;
    for (size_t i = 0; i < c->rows; i++)
        for (size_t a = 0; a < c->area; a++, spectrum += 2 * c->cols)
            for (size_t j = 0; j < c->cols; j++) {
                const float *re = product + i * row + 2 * a * c->cols + j;
                const float *im = re + c->rows * row;
                spectrum[j] = re[0] + im[c->cols];
                spectrum[c->cols + j] = im[0] - re[c->cols];
            }
}

/* Value t of a block of `rows` x `cols` that remain of p x p stands at
 * (t, 0), and at (0, p - t), if anywhere. */
static void clear_unused(const stn_circulant *c, float *dw)
{
    size_t p = (size_t)c->p, out = (size_t)c->s.out, in = (size_t)c->s.c;
    for (size_t i = 0; i < c->rows; i++)
        for (size_t a = 0; a < c->area; a++)
            for (size_t j = 0; j < c->cols; j++, dw += p) {
                size_t rows = out - i * p, cols = in - j * p;
                for (size_t t = rows; t < p && t + cols <= p; t++)
                    dw[t] = 0;
            }
}

void stn_circulant_backward(const stn_circulant *c, const float *dy,
                            const float *saved,
                            const stn_circulant_gradients *to, float *scratch)
{
    blocked in = inputs_of(c), out = outputs_of(c), w = weights_of(c);
    parts at = parts_of(c, true);
    sizes z = sizes_of(c);
    float *product = scratch + at.product, *weights = scratch + at.weights;
    transform(c, &out, dy, scratch + at.outputs, scratch);
    for (size_t k = 0; k < c->bins; k++) {
        const float *g = scratch + at.outputs + k * plane_of(&out);
        const float *cols =
            gather(c, saved + k * plane_of(&in), scratch + at.cols);
        float *dplane = scratch + at.inputs + k * plane_of(&in);
        float *dcols = c->direct ? dplane : scratch + at.dcols;
        multiply(true, false, (sizes){z.r, z.q, z.m}, g, cols, product);
        conjugate_product(c, product, weights + k * plane_of(&w));
        if (!to->dx)
            continue;
        multiply(false, false, (sizes){z.m, z.q, z.r}, g,
                 c->weights + k * matrix_floats(c), dcols);
        if (!c->direct)
            scatter(c, dcols, dplane);
    }
    invert(c, &w, weights, to->dw, scratch);
    clear_unused(c, to->dw);
    if (to->dx)
        invert(c, &in, scratch + at.inputs, to->dx, scratch);
    if (!to->dbias)
        return;
    memset(to->dbias, 0, out.width * sizeof *to->dbias);
    for (size_t m = 0; m < c->n_out; m++)
        for (size_t o = 0; o < out.width; o++)
            to->dbias[o] += dy[m * out.width + o];
}
