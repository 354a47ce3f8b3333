/* SPDX-License-Identifier: MIT
 *
 * DoReFa weights of k bits (Zhou et al. 2016, sections 2.3 and 2.4; code of
 * tensorpack, examples/DoReFa-Net).
 *
 *     k = 1   code = sign(w), sign(0) = +1;   scale = mean|w|
 *             dL/dw = dL/d(effective)         the scale is a constant
 *     k > 1   t = tanh(w) / m,  m = max|tanh w| over the layer
 *             q = rint(n (t + 1) / 2),  n = 2^k - 1:  0 … n
 *             code = 2 q - n: the odd integers -n … n;   scale = 1 / n
 *             dL/dw = dL/d(effective) dt/dw, through m as well: the largest
 *             weight carries -sum(g t) / m in the place of its own -g t / m
 *
 * With k = 8 these codes would reach 255. Here they are the 255 integers
 * -127 … 127, scale 1/127: one level fewer than DoReFa's 256, and 0 is one. */
#include "base/compiler.h"
#include "compress/quant.h"

#include <math.h>

typedef struct dorefa_attrs {
    int bits;
} dorefa_attrs;

// clang-format off
static const stn_attr attrs[] = {
    {"bits", STN_ATTR_INT, offsetof(dorefa_attrs, bits), 2, 1, 8, NULL,
     "of a weight"},
    {.name = NULL}};
// clang-format on

static int bits_of(const void *state)
{
    return ((const dorefa_attrs *)state)->bits;
}

static void encode_signs(size_t n, const float *w, int8_t *codes, float *scales)
{
    for (size_t i = 0; i < n; i++)
        codes[i] = (int8_t)(w[i] >= 0 ? 1 : -1);
    scales[0] = stn_mean_magnitude(n, w, 0);
}

/* t = tanh(w) / max as one of the levels' codes. With `bits` = 8 every integer
 * is a code, else every second one. Adding and taking away 1.5 * 2^23 rounds
 * half to even; comparisons in this form also send NaN to a code. */
STN_CLONES
static void find_levels(size_t n, const float *STN_RESTRICT tanh_w, float max,
                        int bits, int8_t *STN_RESTRICT codes)
{
    const float magic = 12582912.0f;
    const float top = bits < 8 ? (float)((1 << bits) - 1) : 127;
    const float spacing = bits < 8 ? 2 : 1, last = 2 * top / spacing;

    for (size_t i = 0; i < n; i++) {
        float q = (tanh_w[i] / max + 1) * (top / spacing);

        q = q > 0 ? q : 0;
        q = q < last ? q : last;
        codes[i] = (int8_t)(int)(spacing * ((q + magic) - magic) - top);
    }
}

#define TILE 1024 /* weights; what one takes stays in the L1 cache */

static size_t tile_at(size_t first, size_t n)
{
    return n - first < TILE ? n - first : TILE;
}

static void encode(const stn_quantiser_call *call, int8_t *codes, float *scales)
{
    int bits = bits_of(call->attrs);
    size_t n = stn_weight_count(call->shape);
    float max, tanh_w[TILE];

    if (bits == 1) {
        encode_signs(n, call->latent, codes, scales);
        return;
    }
    max = stn_tanhf(stn_max_magnitude(n, call->latent));
    for (size_t i = 0; i < n; i += TILE) {
        stn_tanhf_all(tile_at(i, n), call->latent + i, tanh_w);
        find_levels(tile_at(i, n), tanh_w, max > 0 ? max : 1, bits, codes + i);
    }
    scales[0] = max > 0 ? 1 / (float)(bits < 8 ? (1 << bits) - 1 : 127) : 0;
}

static stn_alphabet alphabet(const void *state)
{
    int bits = bits_of(state);

    return (stn_alphabet){bits < 8 ? STN_LEVELS_ODD : STN_LEVELS_WHOLE, bits};
}

STN_CLONES
static void pass_tile(size_t n, const float *STN_RESTRICT tanh_w, float max,
                      float *STN_RESTRICT pulls, float *STN_RESTRICT grad)
{
    for (size_t i = 0; i < n; i++) {
        pulls[i] = grad[i] * (tanh_w[i] / max);
        grad[i] *= (1 - tanh_w[i] * tanh_w[i]) / max;
    }
}

/* The first of the largest magnitudes. */
static size_t find_largest(size_t n, const float *w)
{
    float max = stn_max_magnitude(n, w);
    size_t i = 0;

    while (i + 1 < n && fabsf(w[i]) != max)
        i++;
    return i;
}

static void backward(const stn_quantiser_call *call, float *grad)
{
    size_t n = stn_weight_count(call->shape), largest;
    const float *w = call->latent;
    float max, own, tanh_w[TILE], pulls[TILE];
    double pull = 0; /* sum of g t */

    if (bits_of(call->attrs) == 1)
        return;
    largest = find_largest(n, w);
    max = fabsf(stn_tanhf(w[largest]));
    if (!(max > 0))
        return;
    own = grad[largest];
    for (size_t i = 0; i < n; i += TILE) {
        stn_tanhf_all(tile_at(i, n), w + i, tanh_w);
        pass_tile(tile_at(i, n), tanh_w, max, pulls, grad + i);
        pull += stn_sum(tile_at(i, n), pulls);
    }
    /* t is ±1 there: g/max - sign pull/max, each times dtanh/dw. */
    grad[largest] =
        (own - copysignf((float)pull, w[largest])) * (1 - max * max) / max;
}

const stn_quantiser_type stn_quantiser_dorefa = {
    .name = "dorefa",
    .help = "k bits: tanh(w) / max|tanh w| rounded to 2^k levels; 1 bit: sign",
    .attrs = attrs,
    .attrs_size = sizeof(dorefa_attrs),
    .alphabet = alphabet,
    .encode = encode,
    .backward = backward,
};
