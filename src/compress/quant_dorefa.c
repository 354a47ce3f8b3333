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

/* t as one of the levels' codes. With `bits` = 8 every integer is a code,
 * else every second one. Comparisons in this form also send NaN to one. */
static int8_t level(float t, int bits)
{
    float top = bits < 8 ? (float)((1 << bits) - 1) : 127;
    float spacing = bits < 8 ? 2 : 1;
    float code = spacing * stn_rintf((t + 1) * (top / spacing)) - top;

    code = code < top ? code : top;
    return (int8_t)(code > -top ? code : -top);
}

static void encode(const stn_quantiser_call *call, int8_t *codes, float *scales)
{
    int bits = bits_of(call->attrs);
    size_t n = stn_weight_count(call->shape);
    float max;

    if (bits == 1) {
        encode_signs(n, call->latent, codes, scales);
        return;
    }
    max = stn_tanhf(stn_max_magnitude(n, call->latent));
    for (size_t i = 0; i < n; i++)
        codes[i] = level(max > 0 ? stn_tanhf(call->latent[i]) / max : 0, bits);
    scales[0] = max > 0 ? 1 / (float)(bits < 8 ? (1 << bits) - 1 : 127) : 0;
}

static stn_alphabet alphabet(const void *state)
{
    int bits = bits_of(state);

    return (stn_alphabet){bits < 8 ? STN_LEVELS_ODD : STN_LEVELS_WHOLE, bits};
}

static void backward(const stn_quantiser_call *call, float *grad)
{
    size_t n = stn_weight_count(call->shape), largest = 0;
    const float *w = call->latent;
    float max;
    double pull = 0; /* sum of g t */

    if (bits_of(call->attrs) == 1)
        return;
    for (size_t i = 1; i < n; i++)
        largest = fabsf(w[i]) > fabsf(w[largest]) ? i : largest;
    max = fabsf(stn_tanhf(w[largest]));
    if (!(max > 0))
        return;
    for (size_t i = 0; i < n; i++) {
        float tanh_w = stn_tanhf(w[i]);
        pull += (double)grad[i] * (double)(tanh_w / max);
        if (i != largest)
            grad[i] *= (1 - tanh_w * tanh_w) / max;
    }
    /* t is ±1 there: g/max - sign pull/max, each times dtanh/dw. */
    grad[largest] = (grad[largest] - copysignf((float)pull, w[largest])) *
                    (1 - max * max) / max;
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
