/* SPDX-License-Identifier: MIT
 *
 * Transforms of the blocks of an array. One of complex numbers takes two real
 * blocks at once, which holds for odd p as well and, other than kissfft's real
 * ones, writes to no shared memory. */
#include "tensor/circulant_plan.h"

/* A block: where it lies in the array, and in planes of one and two parts. */
typedef struct block {
    size_t at, length, place[2];
} block;

static block block_of(const stn_blocked *b, size_t v)
{
    size_t row = v / b->blocks, k = v % b->blocks, first = k * b->p;
    size_t left = b->width - first;
    return (block){.at = row * b->width + first,
                   .length = left < b->p ? left : b->p,
                   .place = {row * b->blocks + k, row * 2 * b->blocks + k}};
}

static void load(const stn_blocked *b, const block *from, const float *x,
                 kiss_fft_cpx *z, bool imaginary)
{
    for (size_t t = 0; t < b->p; t++) {
        float value = t < from->length ? x[from->at + t] : 0;
        if (imaginary)
            z[t].i = value;
        else
            z[t] = (kiss_fft_cpx){value, 0};
    }
}

/* With Z = F(a + i b): F(a) = (Z[k] + conj Z[-k]) / 2 and
 * F(b) = (Z[k] - conj Z[-k]) / 2i. */
void stn_blocked_transform(const stn_circulant *c, const stn_blocked *b,
                           const float *x, float *spectrum, float *scratch)
{
    kiss_fft_cpx *z = (void *)scratch, *f = z + b->p;
    size_t count = b->n * b->blocks, plane = stn_blocked_plane(b);
    for (size_t v = 0; v < count; v += 2) {
        bool pair = v + 1 < count;
        block one = block_of(b, v), two = block_of(b, v + pair);
        load(b, &one, x, z, false);
        if (pair)
            load(b, &two, x, z, true);
        kiss_fft(c->forward, z, f);
        for (size_t k = 0; k < c->bins; k++) {
            kiss_fft_cpx u = f[k], w = f[k ? b->p - k : 0];
            size_t parts = stn_blocked_parts(b->p, k);
            float *to = spectrum + k * plane + one.place[parts - 1];
            float *to2 = spectrum + k * plane + two.place[parts - 1];
            to[0] = 0.5f * (u.r + w.r);
            if (parts == 2)
                to[b->blocks] = 0.5f * (u.i - w.i);
            if (!pair)
                continue;
            to2[0] = 0.5f * (u.i + w.i);
            if (parts == 2)
                to2[b->blocks] = 0.5f * (w.r - u.r);
        }
    }
}

/* z = A + i B, with A and B continued by their symmetry; B = 0 unless `pair`.
 */
static void fill(const stn_circulant *c, const stn_blocked *b,
                 const float *spectrum, const block *one, const block *two,
                 bool pair, kiss_fft_cpx *z)
{
    size_t plane = stn_blocked_plane(b);
    for (size_t k = 0; k < c->bins; k++) {
        size_t parts = stn_blocked_parts(b->p, k);
        const float *from = spectrum + k * plane + one->place[parts - 1];
        const float *from2 = spectrum + k * plane + two->place[parts - 1];
        float ar = from[0], ai = parts == 2 ? from[b->blocks] : 0;
        float br = pair ? from2[0] : 0;
        float bi = pair && parts == 2 ? from2[b->blocks] : 0;
        z[k] = (kiss_fft_cpx){ar - bi, ai + br};
        if (parts == 2)
            z[b->p - k] = (kiss_fft_cpx){ar + bi, br - ai};
    }
}

void stn_blocked_invert(const stn_circulant *c, const stn_blocked *b,
                        const float *spectrum, float *x, float *scratch)
{
    kiss_fft_cpx *z = (void *)scratch, *f = z + b->p;
    size_t count = b->n * b->blocks;
    float share = 1.0f / (float)b->p;
    for (size_t v = 0; v < count; v += 2) {
        bool pair = v + 1 < count;
        block one = block_of(b, v), two = block_of(b, v + pair);
        fill(c, b, spectrum, &one, &two, pair, z);
        kiss_fft(c->inverse, z, f);
        for (size_t t = 0; t < one.length; t++)
            x[one.at + t] = share * f[t].r;
        for (size_t t = 0; t < two.length && pair; t++)
            x[two.at + t] = share * f[t].i;
    }
}
