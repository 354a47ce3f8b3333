/* SPDX-License-Identifier: MIT
 *
 * Cutting a weight tensor into groups.
 *
 * Storage is out, area, in; a group takes a range of input channels at every
 * kernel position of one filter, so it is `area` runs of the chunk's length,
 * or one run when the chunk is the whole filter. */
#include "compress/compress.h"

#include <assert.h>
#include <math.h>

stn_weight_shape stn_weight_shape_of(const stn_param *param)
{
    const int *d = param->dims;
    stn_weight_shape shape = {d[0], 1, 1};

    assert(param->rank >= 2 && param->rank <= 4);
    if (param->rank == 2) {
        shape.in = d[1];
    } else {
        shape.area = d[1] * d[2];
        shape.in = param->rank == 4 ? d[3] : 1;
    }
    return shape;
}

stn_groups stn_groups_make(stn_weight_shape shape, int chunk)
{
    stn_groups groups = {.shape = shape};

    assert(chunk >= 1);
    groups.chunk = chunk < shape.in ? chunk : shape.in;
    groups.n_chunks = (shape.in + groups.chunk - 1) / groups.chunk;
    groups.n = shape.out * groups.n_chunks;
    return groups;
}

void stn_groups_visit(const stn_groups *groups, int g,
                      void (*visit)(void *context, size_t first, size_t n),
                      void *context)
{
    size_t in = (size_t)groups->shape.in, area = (size_t)groups->shape.area;
    size_t o = (size_t)(g / groups->n_chunks);
    size_t start = (size_t)(g % groups->n_chunks) * (size_t)groups->chunk;
    size_t n = (size_t)groups->chunk;

    if (start + n > in)
        n = in - start;
    if (n == in) {
        visit(context, o * area * in, area * in);
        return;
    }
    for (size_t a = 0; a < area; a++)
        visit(context, (o * area + a) * in + start, n);
}

struct norm_walk {
    const float *w;
    double sum;
};

static void add_squares(void *context, size_t first, size_t n)
{
    struct norm_walk *walk = context;

    for (size_t i = first; i < first + n; i++)
        walk->sum += (double)walk->w[i] * (double)walk->w[i];
}

void stn_groups_norms(const stn_groups *groups, const float *latent,
                      float *norms)
{
    for (int g = 0; g < groups->n; g++) {
        struct norm_walk walk = {latent, 0};
        stn_groups_visit(groups, g, add_squares, &walk);
        norms[g] = (float)sqrt(walk.sum);
    }
}

struct scale_walk {
    const float *w;
    float *grad;
    float factor;
};

static void add_scaled(void *context, size_t first, size_t n)
{
    const struct scale_walk *walk = context;

    for (size_t i = first; i < first + n; i++)
        walk->grad[i] += walk->factor * walk->w[i];
}

void stn_groups_add_scaled(const stn_groups *groups, const float *factor,
                           const float *latent, float *grad)
{
    for (int g = 0; g < groups->n; g++) {
        struct scale_walk walk = {latent, grad, factor[g]};
        stn_groups_visit(groups, g, add_scaled, &walk);
    }
}
