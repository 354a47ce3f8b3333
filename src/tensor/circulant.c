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
 * [re | im], a weight the matrix [[re, -im], [im, re]]; at the frequencies 0
 * and p / 2 all are real, so that nothing is multiplied twice there. */
#include "base/memory.h"
#include "tensor/circulant_plan.h"
#include <string.h>

static size_t div_up(size_t a, size_t b)
{
    return (a + b - 1) / b;
}

/* What the transforms of a layer are about. */
static stn_blocked inputs_of(const stn_circulant *c)
{
    return (stn_blocked){c->n_in, (size_t)c->s.c, c->cols, (size_t)c->p};
}

static stn_blocked outputs_of(const stn_circulant *c)
{
    return (stn_blocked){c->n_out, (size_t)c->s.out, c->rows, (size_t)c->p};
}

static stn_blocked weights_of(const stn_circulant *c)
{
    size_t p = (size_t)c->p;
    return (stn_blocked){c->rows * c->area, c->cols * p, c->cols, p};
}

static size_t spectrum_floats(const stn_circulant *c, stn_blocked b)
{
    return c->bins * stn_blocked_plane(&b);
}

/* Parts of the scratch, in floats. */
typedef struct layout {
    size_t outputs, cols, dcols, inputs, product, weights, total;
} layout;

static layout layout_of(const stn_circulant *c, bool backward)
{
    size_t window = c->n_out * 2 * c->area * c->cols;
    layout at = {.outputs = 4 * (size_t)c->p};
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
    *needs = (stn_circulant_needs){.scratch = layout_of(c, backward).total,
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

/* Room for a frequency of the weights. It has rows (re, im) x R, columns area
 * x (re, im) x Q; where it is real, re alone. */
static size_t matrix_floats(const stn_circulant *c)
{
    return 4 * c->rows * c->area * c->cols;
}

/* One frequency, from rows R x area of [re, im][Q]. */
static void lay_matrix(const stn_circulant *c, size_t parts, const float *from,
                       float *to)
{
    size_t n = c->cols, row = parts * c->area * n;
    for (size_t i = 0; i < c->rows; i++)
        for (size_t a = 0; a < c->area; a++, from += parts * n) {
            float *re = to + i * row + a * parts * n, *im = re + c->rows * row;
            for (size_t j = 0; j < n; j++) {
                re[j] = from[j];
                if (parts == 1)
                    continue;
                re[n + j] = -from[n + j];
                im[j] = from[n + j];
                im[n + j] = from[j];
            }
        }
}

static size_t parts_at(const stn_circulant *c, size_t bin)
{
    return stn_blocked_parts((size_t)c->p, bin);
}

void stn_circulant_prepare(stn_circulant *c, const float *w, float *scratch)
{
    stn_blocked b = weights_of(c);
    float *spectrum = scratch + layout_of(c, false).weights;
    stn_blocked_transform(c, &b, w, spectrum, scratch);
    for (size_t k = 0; k < c->bins; k++)
        lay_matrix(c, parts_at(c, k), spectrum + k * stn_blocked_plane(&b),
                   c->weights + k * matrix_floats(c));
}

/* What a window has of a row of pixels: `n` floats at `at` of a
 * plane and at `col` of the window, or, for `at` of SIZE_MAX, padding. */
typedef struct piece {
    size_t at, col, n;
} piece;

/* Piece `k` of window m; false after the last. A row of a window that lies
 * inside the picture is one piece. */
static bool next_piece(const stn_circulant *c, size_t parts, size_t m,
                       size_t *k, piece *out)
{
    size_t places = c->oh * c->ow, side = (size_t)c->s.kernel;
    size_t pixel = parts * c->cols, first = *k;
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
static const float *gather(const stn_circulant *c, size_t parts,
                           const float *plane, float *cols)
{
    piece p;
    if (c->direct)
        return plane;
    for (size_t m = 0; m < c->n_out; m++)
        for (size_t k = 0; next_piece(c, parts, m, &k, &p);)
            for (size_t t = 0; t < p.n; t++)
                cols[p.col + t] = p.at == SIZE_MAX ? 0 : plane[p.at + t];
    return cols;
}

/* The reverse: adds windows up over the pixels they come from. */
static void scatter(const stn_circulant *c, size_t parts, const float *cols,
                    float *plane)
{
    piece p;
    memset(plane, 0, c->n_in * parts * c->cols * sizeof *plane);
    for (size_t m = 0; m < c->n_out; m++)
        for (size_t k = 0; next_piece(c, parts, m, &k, &p);)
            for (size_t t = 0; t < p.n && p.at != SIZE_MAX; t++)
                plane[p.at + t] += cols[p.col + t];
}

/* Of a product: m x q by q x r. Forward, m are pixels, and a matrix of
 * weights is r x q. */
typedef struct sizes {
    int m, r, q;
} sizes;

static sizes sizes_of(const stn_circulant *c, size_t parts)
{
    return (sizes){(int)c->n_out, (int)(parts * c->rows),
                   (int)(parts * c->area * c->cols)};
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
    stn_blocked in = inputs_of(c), out = outputs_of(c);
    layout at = layout_of(c, false);
    float *spectrum = scratch + at.outputs;
    stn_blocked_transform(c, &in, x, saved, scratch);
    for (size_t k = 0; k < c->bins; k++) {
        size_t parts = parts_at(c, k);
        const float *cols = gather(c, parts, saved + k * stn_blocked_plane(&in),
                                   scratch + at.cols);
        multiply(false, true, sizes_of(c, parts), cols,
                 c->weights + k * matrix_floats(c),
                 spectrum + k * stn_blocked_plane(&out));
    }
    stn_blocked_invert(c, &out, spectrum, y, scratch);
    for (size_t m = 0; m < c->n_out && bias; m++)
        for (size_t o = 0; o < out.width; o++)
            y[m * out.width + o] += bias[o];
}

/* Of G^T X, with rows and columns (re, im): F(g) ∘ conj F(x). */
static void conjugate_product(const stn_circulant *c, size_t parts,
                              const float *product, float *spectrum)
{
    size_t n = c->cols, row = parts * c->area * n;
    for (size_t i = 0; i < c->rows; i++)
        for (size_t a = 0; a < c->area; a++, spectrum += parts * n) {
            const float *re = product + i * row + a * parts * n;
            const float *im = re + c->rows * row;
            for (size_t j = 0; j < n; j++) {
                spectrum[j] = parts == 2 ? re[j] + im[n + j] : re[j];
                if (parts == 2)
                    spectrum[n + j] = im[j] - re[n + j];
            }
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

/* Frequency k: spectra of dw and dx from that of dy. */
static void backward_bin(const stn_circulant *c, size_t k, const float *saved,
                         bool wants_dx, float *scratch)
{
    stn_blocked in = inputs_of(c), out = outputs_of(c), w = weights_of(c);
    size_t parts = parts_at(c, k);
    layout at = layout_of(c, true);
    sizes z = sizes_of(c, parts);
    const float *g = scratch + at.outputs + k * stn_blocked_plane(&out);
    const float *cols =
        gather(c, parts, saved + k * stn_blocked_plane(&in), scratch + at.cols);
    float *dplane = scratch + at.inputs + k * stn_blocked_plane(&in);
    float *dcols = c->direct ? dplane : scratch + at.dcols;
    multiply(true, false, (sizes){z.r, z.q, z.m}, g, cols,
             scratch + at.product);
    conjugate_product(c, parts, scratch + at.product,
                      scratch + at.weights + k * stn_blocked_plane(&w));
    if (!wants_dx)
        return;
    multiply(false, false, (sizes){z.m, z.q, z.r}, g,
             c->weights + k * matrix_floats(c), dcols);
    if (!c->direct)
        scatter(c, parts, dcols, dplane);
}

void stn_circulant_backward(const stn_circulant *c, const float *dy,
                            const float *saved,
                            const stn_circulant_gradients *to, float *scratch)
{
    stn_blocked in = inputs_of(c), out = outputs_of(c), w = weights_of(c);
    layout at = layout_of(c, true);
    stn_blocked_transform(c, &out, dy, scratch + at.outputs, scratch);
    for (size_t k = 0; k < c->bins; k++)
        backward_bin(c, k, saved, to->dx, scratch);
    stn_blocked_invert(c, &w, scratch + at.weights, to->dw, scratch);
    clear_unused(c, to->dw);
    if (to->dx)
        stn_blocked_invert(c, &in, scratch + at.inputs, to->dx, scratch);
    if (!to->dbias)
        return;
    memset(to->dbias, 0, out.width * sizeof *to->dbias);
    for (size_t m = 0; m < c->n_out; m++)
        for (size_t o = 0; o < out.width; o++)
            to->dbias[o] += dy[m * out.width + o];
}
