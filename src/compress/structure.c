/* SPDX-License-Identifier: MIT
 *
 * Training under a structure. The latent weights stay a tensor of full size,
 * so that graph, optimiser and checkpoint know nothing of structures; that it
 * stays on the structure follows from two steps. Before the forward pass it
 * is projected (after the first time this changes no bit: a mean of n equal
 * floats, summed in double, is that float). After the backward pass weights
 * that are not stored have no gradient, and those that share a value the sum
 * of theirs, so that the optimiser moves them alike. */
#include "compress/structure.h"

#include "base/compiler.h"

#include <math.h>
#include <string.h>

static bool is_sparse(const stn_stored *s)
{
    return s->layout.structure == STN_SPARSE;
}

static bool shares(const stn_stored *s)
{
    return s->layout.structure == STN_CIRCULANT;
}

/* Positions of a static layout; `source` is scratch for one row. */
static void place(stn_stored *s, stn_weight_shape shape, int32_t *source)
{
    stn_plane plane = {shape.out, shape.in};
    size_t k = 0, area = (size_t)shape.area, in = (size_t)shape.in;

    s->n = 0;
    for (int o = 0; o < shape.out; o++) {
        s->first[o] = s->n;
        stn_layout_row(&s->layout, plane, o, source);
        for (size_t a = 0; a < area; a++)
            for (size_t c = 0; c < in; c++, k++) {
                size_t from = k;
                if (source[c] >= 0)
                    from = stn_plane_origin(source[c], plane, area, a);
                if (source[c] >= 0 && from == k)
                    s->where[s->n] = (int32_t)k;
                s->position[k] = source[c] < 0 ? -1
                                 : from == k   ? (int32_t)s->n++
                                               : s->position[from];
            }
    }
    s->first[shape.out] = s->n;
}

/* What is zero stays zero: its gradient is, and so is all its momentum. */
static void place_nonzero(stn_stored *s, stn_weight_shape shape,
                          const float *latent)
{
    size_t k = 0, filter = (size_t)shape.area * (size_t)shape.in;

    s->n = 0;
    for (int o = 0; o < shape.out; o++) {
        s->first[o] = s->n;
        for (size_t i = 0; i < filter; i++, k++) {
            bool is_stored = latent[k] != 0;

            s->where[s->n] = (int32_t)k;
            s->position[k] = is_stored ? (int32_t)s->n : -1;
            s->n += is_stored;
        }
    }
    s->first[shape.out] = s->n;
}

/* Sums over what shares a value, in the order of the weights; `sum` has a
 * number a stored value. */
static void gather(const stn_stored *s, size_t count, const float *values,
                   double *sum, int32_t *times)
{
    memset(sum, 0, s->n * sizeof(*sum));
    memset(times, 0, s->n * sizeof(*times));
    for (size_t k = 0; k < count; k++)
        if (s->position[k] >= 0) {
            sum[s->position[k]] += (double)values[k];
            times[s->position[k]]++;
        }
}

/* The stored values of a structure where none is shared. */
static void pick(const stn_stored *s, const float *values, float *stored)
{
    for (size_t i = 0; i < s->n; i++)
        stored[i] = values[s->where[i]];
}

/* Zero where nothing is stored. */
STN_CLONES
static void clear_rest(const int32_t *STN_RESTRICT position, size_t count,
                       float *STN_RESTRICT values)
{
    for (size_t k = 0; k < count; k++)
        values[k] = position[k] < 0 ? 0 : values[k];
}

void stn_stored_project(const stn_binding *b, stn_quantiser_call *call)
{
    stn_stored *s = b->stored;
    float *latent = b->param->latent;

    if (is_sparse(s))
        place_nonzero(s, b->shape, latent);
    if (shares(s)) {
        gather(s, b->param->count, latent, s->sum, s->times);
        for (size_t i = 0; i < s->n; i++)
            s->latent[i] = (float)(s->sum[i] / s->times[i]);
        for (size_t k = 0; k < b->param->count; k++)
            latent[k] = s->position[k] < 0 ? 0 : s->latent[s->position[k]];
    } else {
        pick(s, latent, s->latent);
        clear_rest(s->position, b->param->count, latent);
    }
    call->shape = (stn_weight_shape){1, 1, (int)s->n};
    call->latent = s->latent;
}

/* The stored values that share scale i: all, or those of filter i. */
static size_t run_of(const stn_binding *b, int i, size_t *first)
{
    const stn_stored *s = b->stored;

    *first = b->n_scales > 1 ? s->first[i] : 0;
    return (b->n_scales > 1 ? s->first[i + 1] : s->n) - *first;
}

/* The call for the values that share scale i; false when there are none. */
static bool run_call(const stn_binding *b, int i, stn_quantiser_call *call,
                     size_t *first)
{
    size_t n = run_of(b, i, first);

    call->shape = (stn_weight_shape){1, 1, (int)n};
    call->latent = b->stored->latent + *first;
    return n > 0;
}

static void scatter(const stn_binding *b, int8_t *codes)
{
    const stn_stored *s = b->stored;

    if (shares(s)) {
        for (size_t k = 0; k < b->param->count; k++)
            codes[k] = s->position[k] < 0 ? 0 : s->codes[s->position[k]];
        return;
    }
    memset(codes, 0, b->param->count);
    for (size_t i = 0; i < s->n; i++)
        codes[s->where[i]] = s->codes[i];
}

void stn_stored_encode(const stn_binding *b, const stn_quantiser_call *call)
{
    const stn_stored *s = b->stored;
    stn_quantiser_call run = *call;
    size_t first;

    for (int i = 0; i < b->n_scales; i++) {
        b->scales[i] = 0;
        if (run_call(b, i, &run, &first))
            b->quantiser->encode(&run, s->codes + first, &b->scales[i]);
    }
    scatter(b, b->codes);
    for (int i = 0; i < b->n_scales && b->low; i++)
        if (run_call(b, i, &run, &first))
            b->quantiser->encode_low(&run, &b->scales[i], s->codes + first);
    if (b->low)
        scatter(b, b->low);
}

float *stn_stored_gather(const stn_binding *b, stn_quantiser_call *call)
{
    stn_stored *s = b->stored;

    if (shares(s)) {
        gather(s, b->param->count, b->param->grad, s->sum, s->times);
        for (size_t i = 0; i < s->n; i++)
            s->grad[i] = (float)s->sum[i];
    } else {
        pick(s, b->param->grad, s->grad);
    }
    call->shape = (stn_weight_shape){1, 1, (int)s->n};
    call->latent = s->latent;
    return s->grad;
}

void stn_stored_backward(const stn_binding *b, const stn_quantiser_call *call)
{
    const stn_stored *s = b->stored;
    stn_quantiser_call run = *call;
    float *grad = b->param->grad;
    size_t first;

    for (int i = 0; i < b->n_scales; i++)
        if (run_call(b, i, &run, &first))
            stn_quantiser_backward(b->quantiser, &run, s->grad + first);
    memset(grad, 0, b->param->count * sizeof(*grad));
    for (size_t i = 0; i < s->n; i++)
        grad[s->where[i]] = s->grad[i];
}

void stn_stored_share(const stn_binding *b)
{
    stn_stored *s = b->stored;
    float *grad = b->param->grad;

    if (!shares(s)) {
        clear_rest(s->position, b->param->count, grad);
        return;
    }
    gather(s, b->param->count, grad, s->sum, s->times);
    for (size_t k = 0; k < b->param->count; k++) {
        int32_t at = s->position[k];

        grad[k] = at < 0 ? 0 : (float)s->sum[at];
    }
}

static stn_status allocate(stn_binding *b, stn_arena *arena, stn_error *err)
{
    stn_stored *s = stn_arena_alloc(arena, 1, sizeof(*s));
    size_t n = b->param->count;

    if (!s)
        return stn_fail_memory(err, "a structure");
    b->stored = s;
    s->position = stn_arena_alloc(arena, n, sizeof(*s->position));
    /* One more: where place_nonzero writes after the last. */
    s->where = stn_arena_alloc(arena, n + 1, sizeof(*s->where));
    s->first =
        stn_arena_alloc(arena, (size_t)b->shape.out + 1, sizeof(*s->first));
    s->latent = stn_arena_alloc(arena, n, sizeof(*s->latent));
    s->grad = stn_arena_alloc(arena, n, sizeof(*s->grad));
    s->sum = stn_arena_alloc(arena, n, sizeof(*s->sum));
    s->times = stn_arena_alloc(arena, n, sizeof(*s->times));
    s->codes = stn_arena_alloc(arena, n, 1);
    if (!s->position || !s->where || !s->first || !s->latent || !s->grad ||
        !s->sum || !s->times || !s->codes)
        return stn_fail_memory(err, "a structure");
    return STN_OK;
}

/* So that sums over the weights that are left keep their variance. */
static void widen(const stn_binding *b)
{
    size_t kept = 0;
    float factor;

    for (size_t k = 0; k < b->param->count; k++)
        kept += b->stored->position[k] >= 0;
    factor = (float)sqrt((double)b->param->count / (double)kept);
    for (size_t k = 0; k < b->param->count; k++)
        b->param->latent[k] *= factor;
}

stn_status stn_stored_create(stn_binding *b, stn_rng *rng,
                             const stn_yaml *where, stn_arena *arena,
                             stn_error *err)
{
    stn_quantiser_call unused = {.attrs = b->quantiser_attrs};
    stn_stored *s;
    int32_t *source;

    STN_TRY(allocate(b, arena, err));
    s = b->stored;
    STN_TRY(b->structure->lay(b->structure_attrs, b->shape, rng, where, arena,
                              &s->layout, err));
    if (shares(s) && stn_quantiser_per_filter(b->quantiser, b->quantiser_attrs))
        return stn_yaml_fail(where, err,
                             "%s weights share values between filters, so "
                             "they have one scale: give the quantiser "
                             "'per_filter: false'",
                             b->structure->name);
    if (is_sparse(s))
        return STN_OK;
    source = stn_arena_alloc(arena, (size_t)b->shape.in, sizeof(*source));
    if (!source)
        return stn_fail_memory(err, "a structure");
    place(s, b->shape, source);
    stn_stored_project(b, &unused);
    widen(b);
    return STN_OK;
}

stn_status stn_structure_check_plane(const stn_layout *layout,
                                     stn_weight_shape shape,
                                     const stn_yaml *where, stn_error *err)
{
    const char *got, *expected;

    if (shape.in == 1)
        return stn_yaml_fail(where, err,
                             "a layer with one input channel has no plane of "
                             "filters and channels for a structure; leave it "
                             "out of the rule's 'layers'");
    if (stn_layout_fits(layout, (stn_plane){shape.out, shape.in}, &got,
                        &expected))
        return STN_OK;
    return stn_yaml_fail(where, err,
                         "%s over %d filters x %d input channels: %s, "
                         "expected %s",
                         stn_structure_name(layout->structure), shape.out,
                         shape.in, got, expected);
}
