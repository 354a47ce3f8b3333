/* SPDX-License-Identifier: MIT
 *
 * Dynamic fixed point (bit-slice L1, Zhang et al., EMC2 at NeurIPS 2019,
 * arXiv 1909.08496, section 3.1): magnitudes of `bits` bits, and a sign.
 *
 *     S    = ceil(log2(max|w|))           over the layer, anew each step
 *     step = 2^(S - bits)
 *     B    = clamp(round(|w| / step), 0, 2^bits - 1)
 *     w    → sign(w) B step
 *
 * `rounding`: the authors' code rounds, their text takes the floor. The clamp
 * at 2^bits - 1 is ours: |w| = 2^S would need one bit more.
 *
 * A magnitude of 8 bits and a sign exceed a code of 8 bits. So code = B / 2
 * (towards 0) with scale 2 step, and low = the last bit of B, with the sign.
 * The gradient passes straight through: no weight lies outside the range. */
#include "base/compiler.h"
#include "compress/quant.h"

#include <math.h>

enum { ROUND, FLOOR };
static const char *const roundings[] = {"round", "floor", NULL};

typedef struct fixed_attrs {
    int bits, rounding;
} fixed_attrs;

// clang-format off
static const stn_attr attrs[] = {
    {"bits", STN_ATTR_INT, offsetof(fixed_attrs, bits), 8, 1, 8, NULL,
     "of the magnitude"},
    {"rounding", STN_ATTR_CHOICE, offsetof(fixed_attrs, rounding), ROUND, 0, 0,
     roundings, "of the magnitude"},
    {.name = NULL}};
// clang-format on

/* Below this a step would not be a normal number. */
#define LEAST_S (-100)

static float step_of(const fixed_attrs *a, float max)
{
    int s;
    float fraction = frexpf(max, &s); /* max = fraction 2^s, 0.5 <= it < 1 */

    if (!(max > 0) || isinf(max))
        return max;
    s -= fraction == 0.5f;
    return ldexpf(1, (s > LEAST_S ? s : LEAST_S) - a->bits);
}

/* Signed magnitudes without their `drop` lowest bits, or, with `low`, those
 * bits alone. */
typedef struct part {
    float limit, step;
    bool floors, low;
    int drop;
} part;

/* A step is a power of 2, so that its inverse is exact. Adding and taking
 * away 2^23 rounds a magnitude below it half to even. NaN becomes 0. */
STN_INLINE void take_part(const part *p, bool floors, size_t n,
                          const float *STN_RESTRICT w,
                          int8_t *STN_RESTRICT codes)
{
    const float limit = p->limit, inverse = 1 / p->step, magic = 0x1p23f;
    const int drop = p->low ? 0 : p->drop;
    const int mask = p->low ? (1 << p->drop) - 1 : 255;

    for (size_t i = 0; i < n; i++) {
        float b = fabsf(w[i]) * inverse;
        b = b > 0 ? b : 0;
        b = b < limit ? b : limit;
        b = floors ? b : (b + magic) - magic;
        int code = ((int)b >> drop) & mask;
        codes[i] = (int8_t)(w[i] < 0 ? -code : code);
    }
}

STN_CLONES
static void take_codes(const part *p, size_t n, const float *STN_RESTRICT w,
                       int8_t *STN_RESTRICT codes)
{
    if (p->floors)
        take_part(p, true, n, w, codes);
    else
        take_part(p, false, n, w, codes);
}

static int low_radix(const void *state)
{
    return ((const fixed_attrs *)state)->bits == 8 ? 2 : 1;
}

static part part_of(const fixed_attrs *a, float step, bool low)
{
    return (part){.limit = (float)((1 << a->bits) - 1),
                  .step = step,
                  .floors = a->rounding == FLOOR,
                  .low = low,
                  .drop = low_radix(a) > 1};
}

static void encode(const stn_quantiser_call *call, int8_t *codes, float *scales)
{
    const fixed_attrs *a = call->attrs;
    size_t n = stn_weight_count(call->shape);
    float step = step_of(a, stn_max_magnitude(n, call->latent));
    part p = part_of(a, step, false);

    take_codes(&p, n, call->latent, codes);
    scales[0] = step * (float)(1 << p.drop);
}

static void encode_low(const stn_quantiser_call *call, const float *scales,
                       int8_t *low)
{
    part p = part_of(call->attrs, scales[0] / 2, true);

    take_codes(&p, stn_weight_count(call->shape), call->latent, low);
}

/* Of codes, a sign included; low codes are ternary. */
static stn_alphabet alphabet(const void *state)
{
    int bits = ((const fixed_attrs *)state)->bits;

    return (stn_alphabet){STN_LEVELS_WHOLE, bits < 8 ? bits + 1 : 8};
}

const stn_quantiser_type stn_quantiser_dynamic_fixed = {
    .name = "dynamic_fixed",
    .help = "sign(w) round(|w| / step) step, step = 2^(ceil(log2 max|w|)-bits)",
    .attrs = attrs,
    .attrs_size = sizeof(fixed_attrs),
    .alphabet = alphabet,
    .encode = encode,
    .low_radix = low_radix,
    .encode_low = encode_low,
};
