/* SPDX-License-Identifier: MIT
 *
 * Training under a structure. The latent weights stay a tensor of full size,
 * so that graph, optimiser and checkpoint know nothing of structures; that it
 * stays on the structure follows from two steps. Before the forward pass it
 * is projected: weights that are not stored become 0. After the backward pass
 * they have no gradient. A structure whose weights share values is another
 * thing: there the node holds each value once (stn_structure_type.fold). */
#include "compress/structure.h"

#include "base/compiler.h"

#include <math.h>
#include <string.h>

static bool is_sparse(const stn_binding *b)
{
    return b->layout.structure == STN_SPARSE;
}

/* Positions of a static layout; `source` is scratch for one row. */
static void place(const stn_binding *b, int32_t *source)
{
    stn_stored *s = b->stored;
    stn_weight_shape shape = b->shape;
    stn_plane plane = {shape.out, shape.in};
    size_t k = 0, area = (size_t)shape.area, in = (size_t)shape.in;

    s->n = 0;
    for (int o = 0; o < shape.out; o++) {
        s->first[o] = s->n;
        stn_layout_row(&b->layout, plane, o, source);
        for (size_t a = 0; a < area; a++)
            for (size_t c = 0; c < in; c++, k++) {
                s->where[s->n] = (int32_t)k;
                s->position[k] = source[c] < 0 ? -1 : (int32_t)s->n++;
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

/* Whether exactly the weights with a position are nonzero, as in nearly every
 * step: comparing takes a tenth of what placing does. */
STN_CLONES
static bool is_placed(const int32_t *STN_RESTRICT position, size_t count,
                      const float *STN_RESTRICT latent)
{
    int differ = 0;

    for (size_t k = 0; k < count; k++)
        differ |= (position[k] >= 0) ^ (latent[k] != 0);
    return !differ;
}

/* The stored ones of `values`. */
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

    /* Positions mean nothing before they are placed once, nor with none. */
    if (is_sparse(b) &&
        (!s->n || !is_placed(s->position, b->param->count, latent)))
        place_nonzero(s, b->shape, latent);
    pick(s, latent, s->latent);
    if (!is_sparse(b)) /* there the rest is what was 0 */
        clear_rest(s->position, b->param->count, latent);
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

    pick(s, b->param->grad, s->grad);
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

void stn_stored_clear(const stn_binding *b)
{
    clear_rest(b->stored->position, b->param->count, b->param->grad);
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
    s->codes = stn_arena_alloc(arena, n, 1);
    if (!s->position || !s->where || !s->first || !s->latent || !s->grad ||
        !s->codes)
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

stn_status stn_stored_create(stn_binding *b, stn_arena *arena, stn_error *err)
{
    stn_quantiser_call unused = {.attrs = b->quantiser_attrs};
    int32_t *source;

    STN_TRY(allocate(b, arena, err));
    if (is_sparse(b))
        return STN_OK;
    source = stn_arena_alloc(arena, (size_t)b->shape.in, sizeof(*source));
    if (!source)
        return stn_fail_memory(err, "a structure");
    place(b, source);
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
