/* SPDX-License-Identifier: MIT
 *
 * One step of a compression: latent → effective before the forward pass,
 * gradient of effective → gradient of latent after the backward pass; and how
 * sparse the result is. */
#include "compress/compress.h"
#include "base/compiler.h"
#include "compress/structure.h"

#include <math.h>

static stn_quantiser_call quantiser_call(const stn_binding *b)
{
    return (stn_quantiser_call){.attrs = b->quantiser_attrs,
                                .shape = b->shape,
                                .latent = b->param->latent,
                                .learned =
                                    b->learned ? b->learned->latent[0] : 0};
}

/* effective = code * scale, or (radix code + low) * scale / radix. */
STN_CLONES
static void find_effective(size_t n, const int8_t *STN_RESTRICT codes,
                           const int8_t *STN_RESTRICT low, int radix,
                           float scale, float *STN_RESTRICT effective)
{
    const float unit = scale / (float)radix;

    if (low)
        for (size_t i = 0; i < n; i++)
            effective[i] = (float)stn_whole_code(codes, low, radix, i) * unit;
    else
        for (size_t i = 0; i < n; i++)
            effective[i] = (float)codes[i] * scale;
}

static void apply_one(void *context, int task, int thread)
{
    const stn_compression *c = context;
    const stn_binding *b = &c->bindings[task];
    size_t block = b->param->count / (size_t)b->n_scales;
    stn_quantiser_call call = quantiser_call(b);

    (void)thread;
    if (b->stored)
        stn_stored_project(b, &call);
    if (b->learned && b->learned->latent[0] == 0)
        b->learned->latent[0] = call.learned = b->quantiser->start(&call);
    if (b->stored)
        stn_stored_encode(b, &call);
    else
        b->quantiser->encode(&call, b->codes, b->scales);
    if (b->low && !b->stored)
        b->quantiser->encode_low(&call, b->scales, b->low);
    for (size_t s = 0; s < (size_t)b->n_scales; s++)
        find_effective(block, b->codes + s * block,
                       b->low ? b->low + s * block : NULL, b->low_radix,
                       b->scales[s], b->param->effective + s * block);
}

void stn_compression_apply(stn_compression *compression, stn_pool *pool)
{
    stn_pool_run(pool, compression->n, apply_one, compression);
}

static stn_penalty_call penalty_call(const stn_binding *b, int epoch)
{
    return (stn_penalty_call){.groups = &b->groups,
                              .n = b->param->count,
                              .latent = b->param->latent,
                              .grad = b->param->grad,
                              .codes = b->codes,
                              .low = b->low,
                              .low_radix = b->low_radix,
                              .scales = b->scales,
                              .n_scales = b->n_scales,
                              .norms = b->norms,
                              .state = b->penalty_state,
                              .epoch = epoch};
}

struct backward_pass {
    stn_compression *compression;
    bool penalise;
};

static void backward_one(void *context, int task, int thread)
{
    const struct backward_pass *pass = context;
    stn_binding *b = &pass->compression->bindings[task];
    stn_quantiser_call quantise = quantiser_call(b);
    float *grad = b->param->grad;

    (void)thread;
    if (b->stored && !b->learned && !b->quantiser->backward) {
        stn_stored_clear(b); /* nothing to do with what is stored */
    } else if (b->stored) {
        grad = stn_stored_gather(b, &quantise);
        if (b->learned)
            b->learned->grad[0] = b->quantiser->learn(&quantise, grad);
        stn_stored_backward(b, &quantise);
    } else {
        if (b->learned)
            b->learned->grad[0] = b->quantiser->learn(&quantise, grad);
        stn_quantiser_backward(b->quantiser, &quantise, grad);
    }
    b->penalty_value = 0;
    if (pass->penalise && b->penalty) {
        stn_penalty_call call = penalty_call(b, pass->compression->epoch);
        b->penalty_value = b->penalty->apply(b->penalty_attrs, &call);
    }
    if (b->stored && b->penalty && pass->penalise)
        stn_stored_clear(b);
}

double stn_compression_backward(stn_compression *compression, stn_pool *pool,
                                bool penalise)
{
    struct backward_pass pass = {compression, penalise};
    double sum = 0;

    stn_pool_run(pool, compression->n, backward_one, &pass);
    for (int i = 0; i < compression->n; i++)
        sum += compression->bindings[i].penalty_value;
    return sum;
}

struct turn {
    stn_compression *compression;
    int epoch, n_epochs;
};

static void turn_one(void *context, int task, int thread)
{
    const struct turn *turn = context;
    const stn_binding *b = &turn->compression->bindings[task];

    (void)thread;
    if (b->penalty && b->penalty->turn) {
        stn_penalty_call call = penalty_call(b, turn->epoch);
        b->penalty->turn(b->penalty_attrs, &call, turn->epoch, turn->n_epochs);
    }
}

void stn_compression_turn(stn_compression *compression, stn_pool *pool,
                          int epoch, int n_epochs)
{
    struct turn turn = {compression, epoch, n_epochs};

    stn_pool_run(pool, compression->n, turn_one, &turn);
}

static void settle_one(void *context, int task, int thread)
{
    const stn_compression *c = context;
    const stn_binding *b = &c->bindings[task];

    (void)thread;
    if (b->penalty && b->penalty->settle) {
        stn_penalty_call call = penalty_call(b, c->epoch);
        b->penalty->settle(b->penalty_attrs, &call);
    }
}

void stn_compression_settle(stn_compression *compression, stn_pool *pool)
{
    stn_pool_run(pool, compression->n, settle_one, compression);
}

struct count_walk {
    const int8_t *codes;
    size_t n, nonzero;
};

static void count_codes(void *context, size_t first, size_t n)
{
    struct count_walk *walk = context;

    walk->n += n;
    for (size_t i = first; i < first + n; i++)
        walk->nonzero += walk->codes[i] != 0;
}

static void add_binding(const stn_binding *b, stn_density *density)
{
    for (int g = 0; g < b->groups.n; g++) {
        struct count_walk walk = {b->codes, 0, 0};
        double zeros;

        stn_groups_visit(&b->groups, g, count_codes, &walk);
        density->n_weights += walk.n;
        density->n_nonzero += walk.nonzero;
        density->n_groups++;
        if (!walk.nonzero)
            continue;
        zeros = (double)(walk.n - walk.nonzero) / (double)walk.n;
        if (!density->n_live || zeros < density->min_live_sparsity)
            density->min_live_sparsity = zeros;
        density->n_live++;
    }
}

stn_density stn_binding_density(const stn_binding *binding)
{
    stn_density density = {0};

    add_binding(binding, &density);
    return density;
}

stn_density stn_compression_density(const stn_compression *compression)
{
    stn_density density = {0};

    for (int i = 0; i < compression->n; i++)
        if (compression->bindings[i].alphabet.levels == STN_LEVELS_TERNARY)
            add_binding(&compression->bindings[i], &density);
    return density;
}

double stn_density_group_share(stn_density density)
{
    return density.n_groups ? (double)density.n_live / density.n_groups : NAN;
}

double stn_density_compression(stn_density density)
{
    double share = stn_density_group_share(density);

    if (!(share > 0))
        return NAN;
    return 16 / (share * (1 - density.min_live_sparsity));
}
