/* SPDX-License-Identifier: MIT
 *
 * Uniform symmetric k-bit weights, for the layers a paper keeps in fixed
 * point (first convolution, classifier).
 *
 *     scale = max|w| / (2^(bits-1) - 1)      per filter, or per layer
 *     code  = rint(w / scale)                half to even
 *
 * More than 8 bits are two digits of base 255, each in -127 … 127: they stand
 * for every integer of magnitude up to 32512 in one way, which is the largest
 * that 16 bits have here.
 *
 * The gradient passes straight through: no weight is ever clipped, because
 * the scale follows the largest one. */
#include "compress/quant.h"

#include "base/compiler.h"

#include <string.h>

/* 127 * 255 + 127 */
#define WIDE_LARGEST 32512

typedef struct uniform_attrs {
    int bits;
    bool per_filter;
} uniform_attrs;

// clang-format off
static const stn_attr attrs[] = {
    {"bits", STN_ATTR_INT, offsetof(uniform_attrs, bits), 8, 2, 16, NULL,
     "bits of a code, sign included"},
    {"per_filter", STN_ATTR_BOOL, offsetof(uniform_attrs, per_filter), 1, 0, 1,
     NULL, "one scale for each filter instead of one for the layer"},
    {.name = NULL}};
// clang-format on

/* Codes of one block that shares a scale; returns the scale. */
static float encode_block(int hi, size_t n, const float *w, int8_t *codes)
{
    float scale = stn_max_magnitude(n, w) / (float)hi;

    if (scale > 0)
        stn_round_codes(n, w, scale, (float)-hi, (float)hi, codes);
    else
        memset(codes, 0, n);
    return scale;
}

static bool is_wide(const uniform_attrs *a)
{
    return a->bits > 8;
}

/* One digit of the codes of more than 8 bits: the high one, or the low. Adding
 * and taking away 1.5 * 2^23 rounds half to even; NaN becomes the lowest. */
STN_CLONES
static void take_digits(size_t n, const float *STN_RESTRICT w, float scale,
                        float hi, bool low, int8_t *STN_RESTRICT digits)
{
    const float magic = 12582912.0f;

    for (size_t i = 0; i < n; i++) {
        float q = w[i] / scale;
        q = q > -hi ? q : -hi;
        q = q < hi ? q : hi;
        /* Of a number that is not negative, so that division rounds down. */
        int whole = (int)((q + magic) - magic) + WIDE_LARGEST;
        digits[i] = (int8_t)((low ? whole % STN_LOW_RADIX_WIDE
                                  : whole / STN_LOW_RADIX_WIDE) -
                             127);
    }
}

/* Digits of one block that shares a scale; returns the scale of the high. */
static float encode_wide(int bits, size_t n, const float *w, bool low,
                         int8_t *digits)
{
    int hi = (1 << (bits - 1)) - 1;
    float limit = (float)(hi < WIDE_LARGEST ? hi : WIDE_LARGEST);
    float scale = stn_max_magnitude(n, w) / limit;

    if (scale > 0)
        take_digits(n, w, scale, limit, low, digits);
    else
        memset(digits, 0, n);
    return scale * STN_LOW_RADIX_WIDE;
}

static void encode(const stn_quantiser_call *call, int8_t *codes, float *scales)
{
    const uniform_attrs *a = call->attrs;
    int n_scales = a->per_filter ? call->shape.out : 1;
    size_t block = stn_weight_count(call->shape) / (size_t)n_scales;

    for (int o = 0; o < n_scales; o++) {
        const float *w = call->latent + (size_t)o * block;
        int8_t *to = codes + (size_t)o * block;
        scales[o] = is_wide(a)
                        ? encode_wide(a->bits, block, w, false, to)
                        : encode_block((1 << (a->bits - 1)) - 1, block, w, to);
    }
}

static void encode_low(const stn_quantiser_call *call, const float *scales,
                       int8_t *low)
{
    const uniform_attrs *a = call->attrs;
    int n_scales = a->per_filter ? call->shape.out : 1;
    size_t block = stn_weight_count(call->shape) / (size_t)n_scales;

    (void)scales; /* which has lost what rounding needs */
    for (int o = 0; o < n_scales; o++)
        (void)encode_wide(a->bits, block, call->latent + (size_t)o * block,
                          true, low + (size_t)o * block);
}

static int low_radix(const void *state)
{
    return is_wide(state) ? STN_LOW_RADIX_WIDE : 1;
}

static stn_alphabet alphabet(const void *state)
{
    const uniform_attrs *a = state;

    return (stn_alphabet){STN_LEVELS_WHOLE, is_wide(a) ? 8 : a->bits};
}

static bool scale_per_filter(const void *state)
{
    return ((const uniform_attrs *)state)->per_filter;
}

const stn_quantiser_type stn_quantiser_uniform = {
    .name = "uniform",
    .help = "code = rint(w / scale), scale = max|w| / (2^(bits-1) - 1)",
    .attrs = attrs,
    .attrs_size = sizeof(uniform_attrs),
    .alphabet = alphabet,
    .encode = encode,
    .low_radix = low_radix,
    .encode_low = encode_low,
    .scale_per_filter = scale_per_filter,
};
