/* SPDX-License-Identifier: MIT
 *
 * Ranges of values, proven instruction by instruction from the range of the
 * input and the weights themselves; and what else is counted in weights.
 *
 * A range holds for all elements of a value. Within that, sums are bounded
 * exactly, filter by filter: with P the sum of a filter's positive codes and
 * N that of its negative ones, and the input in [lo, hi],
 *     P·lo − N·hi <= y <= P·hi − N·lo.
 * lo and hi are first widened to include 0. That covers padding, and makes
 * the bound hold for every partial sum in whatever order an executor adds. */
#include "pack/format.h"
#include "pack/program_image.h"

typedef struct range {
    int64_t lo, hi;
} range;

static int64_t min64(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t max64(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static range with_zero(const stn_value *v)
{
    return (range){min64(v->lo, 0), max64(v->hi, 0)};
}

static stn_status check_s32(range r, const char *where, const char *what,
                            stn_error *err)
{
    if (r.lo >= INT32_MIN && r.hi <= INT32_MAX)
        return STN_OK;
    return stn_fail(err, STN_E_FORMAT,
                    "%s: sums of %s reach %lld … %lld, which leaves 32 bits; "
                    "use fewer bits or fewer products a sum",
                    where, what, (long long)r.lo, (long long)r.hi);
}

/* Codes whose magnitudes surely sum to 16 bits, which vectorises best. */
#define SUM_BLOCK ((size_t)255)

static void add_signs(const int8_t *codes, size_t n, int64_t *positive,
                      int64_t *negative)
{
    int16_t sum = 0, magnitude = 0;
    for (size_t k = 0; k < n; k++) {
        int16_t code = codes[k];
        sum = (int16_t)(sum + code);
        magnitude = (int16_t)(magnitude + (code < 0 ? -code : code));
    }
    *positive += (magnitude + sum) / 2;
    *negative += (magnitude - sum) / 2;
}

/* At most 2^28 products of 7 by 16 bits: far from 64 bits. */
static stn_status bound_filters(const stn_instruction *in, const stn_value *x,
                                range *y, const char *where, stn_error *err)
{
    const stn_weights *w = &in->weights;
    size_t n = stn_weights_count(w) / (size_t)w->out;
    range in_range = with_zero(x);
    *y = (range){0, 0};
    for (int o = 0; o < w->out; o++) {
        int64_t positive = 0, negative = 0;
        for (size_t k = 0; k < n; k += SUM_BLOCK)
            add_signs(w->codes + (size_t)o * n + k,
                      n - k < SUM_BLOCK ? n - k : SUM_BLOCK, &positive,
                      &negative);
        y->lo = min64(y->lo, positive * in_range.lo - negative * in_range.hi);
        y->hi = max64(y->hi, positive * in_range.hi - negative * in_range.lo);
    }
    return check_s32(*y, where, "one filter", err);
}

/* Which groups live. A group is (o, b): see docs/format.md. */
static stn_status count_weights(stn_program_image *image, stn_weights *w,
                                stn_error *err)
{
    int n_chunks = (w->in + w->chunk - 1) / w->chunk;
    w->n_groups = w->out * n_chunks;
    uint8_t *live = stn_arena_alloc(&image->arena, (size_t)w->n_groups, 1);
    if (!live)
        return stn_fail_memory(err, "groups of weights");
    size_t k = 0;
    w->n_nonzero = stn_count_nonzero(w->codes, stn_weights_count(w));
    for (int o = 0; o < w->out; o++)
        for (int area = w->kh * w->kw; area > 0; area--)
            for (int b = 0; b < n_chunks; b++) {
                int left = w->in - b * w->chunk;
                size_t width = (size_t)(left < w->chunk ? left : w->chunk);
                for (size_t i = 0; i < width && !live[o * n_chunks + b]; i++)
                    live[o * n_chunks + b] = w->codes[k + i] != 0;
                k += width;
            }
    w->n_live = 0;
    for (int g = 0; g < w->n_groups; g++)
        w->n_live += live[g];
    w->live = live;
    return STN_OK;
}

/* x·m is extreme where x is; the shift and the clamp keep the order. The sum
 * stays within 2 · 2^31 · 2^24 + 2^60 < 2^63. */
static range bound_rescale(const stn_instruction *in, const stn_value *x0,
                           const stn_value *x1, int channels)
{
    range y = {INT64_MAX, INT64_MIN};
    for (int c = 0; c < channels; c++) {
        int64_t lo = in->a[c], hi = in->a[c];
        for (int k = 0; k < in->n_inputs; k++) {
            const stn_value *x = k ? x1 : x0;
            int64_t m = k ? in->m1[c] : in->m0[c];
            lo += m >= 0 ? m * x->lo : m * x->hi;
            hi += m >= 0 ? m * x->hi : m * x->lo;
        }
        y.lo = min64(y.lo, lo >> in->shift);
        y.hi = max64(y.hi, hi >> in->shift);
    }
    return (range){min64(max64(y.lo, in->lo), in->hi),
                   min64(max64(y.hi, in->lo), in->hi)};
}

stn_status stn_program_bound(stn_program_image *image, int index,
                             const char *where, stn_error *err)
{
    stn_instruction *in = &image->instructions[index];
    const stn_value *x = &image->values[in->inputs[0]];
    stn_value *out = &image->values[in->output];
    range y = {0, 0};
    out->steps = stn_program_steps(in, x);
    if (stn_opcode_is_time(in->opcode))
        return stn_program_bound_time(in, x, out, where, err);
    switch (in->opcode) {
    case STN_CONV:
    case STN_DEPTHWISE:
        STN_TRY(stn_weights_check(&in->weights, where, err));
        STN_TRY(count_weights(image, &in->weights, err));
        STN_TRY(bound_filters(in, x, &y, where, err));
        break;
    case STN_RESCALE: {
        const stn_value *x1 = &image->values[in->inputs[in->n_inputs - 1]];
        y = bound_rescale(in, x, x1, out->shape.c);
        break;
    }
    case STN_MAX_POOL:
        y = (range){x->lo, x->hi};
        break;
    case STN_SUM_POOL: {
        int64_t n = (int64_t)in->kh * in->kw;
        range wide = with_zero(x);
        STN_TRY(check_s32((range){n * wide.lo, n * wide.hi}, where,
                          "one window", err));
        y = (range){n * x->lo, n * x->hi};
        break;
    }
    default: /* time, and concat of outlines, which have no file */
        break;
    }
    out->lo = y.lo;
    out->hi = y.hi;
    return STN_OK;
}
