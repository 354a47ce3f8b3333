/* SPDX-License-Identifier: MIT
 *
 * What penalties add to gradients is the slope of what they add to the loss,
 * whatever the structure: by differences, over a bound compression. */
#ifndef STN_TESTS_PENALISED_H
#define STN_TESTS_PENALISED_H

#include "test.h"
#include "compress/compress.h"
#include <math.h>

static inline double penalty_at(stn_compression *c, stn_pool *pool, float *w,
                                float value)
{
    *w = value;
    stn_compression_apply(c, pool);
    return stn_compression_backward(c, pool, true);
}

static inline float gradient_at(stn_compression *c, stn_pool *pool,
                                const stn_param *p, size_t k, bool penalise)
{
    memset(p->grad, 0, p->count * sizeof(float));
    stn_compression_backward(c, pool, penalise);
    return p->grad[k];
}

/* Of weight k, which is stored. */
static inline void assert_slope(stn_compression *c, stn_pool *pool,
                                const stn_binding *b, size_t k)
{
    stn_param *p = b->param;
    float keep = p->latent[k], up = keep + 1e-3f, down = keep - 1e-3f;
    double rise = penalty_at(c, pool, &p->latent[k], up) -
                  penalty_at(c, pool, &p->latent[k], down);
    penalty_at(c, pool, &p->latent[k], keep);
    float added = gradient_at(c, pool, p, k, true);
    added -= gradient_at(c, pool, p, k, false);
    if (!(fabs((double)added - rise / (double)(up - down)) < 2e-3))
        fail_msg("%s under %s, weight %zu: the gradient says %g, differences "
                 "say %g",
                 b->quantiser->name, b->penalty->name, k, (double)added,
                 rise / (double)(up - down));
}

/* Of a dozen stored weights a binding, none near 0, where norms have a kink.
 * Penalties that only estimate their gradient have a test of its closed form.
 */
static inline void assert_penalty_slopes(stn_compression *c, stn_pool *pool)
{
    for (int i = 0; i < c->n; i++) {
        const stn_binding *b = &c->bindings[i];
        size_t step = b->param->count / 12 + 1;
        if (!b->penalty || b->penalty->is_estimate)
            continue;
        for (size_t k = 1; k < b->param->count; k += step) {
            size_t at = k;
            while (b->stored && at < b->param->count &&
                   b->stored->position[at] < 0)
                at++;
            if (at < b->param->count && fabsf(b->param->latent[at]) > 0.01f)
                assert_slope(c, pool, b, at);
        }
    }
}

#endif
