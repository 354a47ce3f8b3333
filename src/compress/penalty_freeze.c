/* SPDX-License-Identifier: MIT
 *
 * Iterative hard quantisation (the last phase of ADMM-NN, Ren et al., ASPLOS
 * 2019, "clustering_phase: retrain" of the authors' Caffe fork): when a run
 * starts and every `every` epochs, of the free weights of each code the
 * `share` that is nearest to its effective value moves there and is frozen;
 * the others train on. At the end all are frozen. Works on the codes of any
 * quantiser, whose steps the free weights then take; or with `bits` on levels
 * of its own, found anew each time, under a finer quantiser: free weights train
 * as if they were floats, as in the fork. R = 0: this only holds latent weights
 * still. */
#include "compress/compress.h"
#include "compress/project.h"

#include <math.h>

typedef struct freeze_attrs {
    float share, from;
    int every, bits;
} freeze_attrs;

// clang-format off
static const stn_attr attrs[] = {
    {"share", STN_ATTR_FLOAT, offsetof(freeze_attrs, share), 0.3, 0, 1, NULL,
     "of the free weights of each code, frozen each time"},
    {"every", STN_ATTR_INT, offsetof(freeze_attrs, every), 1, 1, 100000, NULL,
     "epochs between two times"},
    {"bits", STN_ATTR_INT, offsetof(freeze_attrs, bits), 0, 0, 7, NULL,
     "freeze on 2^bits levels without 0; 0: on the quantiser's codes"},
    {"from", STN_ATTR_FLOAT, offsetof(freeze_attrs, from), 0.1, 0.01, 1, NULL,
     "with bits: least interval tried, as a share of max |w| / 2^(bits-1)"},
    {.name = NULL}};
// clang-format on

#define LARGEST_CODE 255

static double apply(const void *state, const stn_penalty_call *call)
{
    (void)state;
    (void)call;
    return 0;
}

/* What weights are frozen to. */
struct grid {
    const stn_penalty_call *call;
    int n_levels; /* a side; 0: the quantiser's codes */
    float q;
};

static struct grid grid_of(const freeze_attrs *a, const stn_penalty_call *call)
{
    struct grid g = {.call = call};

    if (a->bits) {
        g.n_levels = 1 << (a->bits - 1);
        g.q = stn_levels_search(call->n, call->latent, g.n_levels, a->from);
    }
    return g;
}

static int code_of(const struct grid *g, size_t i)
{
    const stn_penalty_call *call = g->call;
    int8_t level;

    if (!g->n_levels)
        return stn_whole_code(call->codes, call->low, call->low_radix, i);
    stn_levels_codes(1, call->latent + i, g->q, g->n_levels, &level);
    return level;
}

static float value_of(const struct grid *g, size_t i)
{
    const stn_penalty_call *call = g->call;
    size_t block = call->n / (size_t)call->n_scales;
    float scale = g->n_levels ? g->q
                              : call->scales[i / block] /
                                    (call->low ? (float)call->low_radix : 1);

    return (float)code_of(g, i) * scale;
}

/* One code's free weights, by their distance from its value. */
struct cell {
    const struct grid *grid;
    int code;
};

static bool distance(const void *context, size_t i, uint32_t *key)
{
    const struct cell *cell = context;
    const stn_penalty_call *call = cell->grid->call;

    if (call->state[1][i] != 0 || code_of(cell->grid, i) != cell->code)
        return false;
    *key = stn_magnitude_key(call->latent[i] - value_of(cell->grid, i));
    return true;
}

static void freeze(void *context, size_t i)
{
    const struct grid *grid = ((struct cell *)context)->grid;
    const stn_penalty_call *call = grid->call;

    call->latent[i] = call->state[0][i] = value_of(grid, i);
    call->state[1][i] = 1;
}

static void turn(const void *state, const stn_penalty_call *call, int epoch,
                 int n_epochs)
{
    const freeze_attrs *a = state;
    float share = epoch == n_epochs ? 1 : a->share;
    size_t n_free[2 * LARGEST_CODE + 1] = {0};

    if (epoch != n_epochs && epoch % a->every != 0)
        return;
    const struct grid grid = grid_of(a, call);
    /* Frozen weights follow a last change of the scale. */
    for (size_t i = 0; i < call->n && epoch == n_epochs; i++)
        call->state[1][i] = 0;
    for (size_t i = 0; i < call->n; i++)
        n_free[LARGEST_CODE + code_of(&grid, i)] += call->state[1][i] == 0;
    for (int code = -LARGEST_CODE; code <= LARGEST_CODE; code++) {
        struct cell cell = {&grid, code};
        size_t n = n_free[LARGEST_CODE + code];

        if (n)
            stn_pick_smallest(call->n, (size_t)ceil((double)share * (double)n),
                              distance, freeze, &cell);
    }
}

static void settle(const void *state, const stn_penalty_call *call)
{
    const float *value = call->state[0], *frozen = call->state[1];

    (void)state;
    for (size_t i = 0; i < call->n; i++)
        call->latent[i] = frozen[i] != 0 ? value[i] : call->latent[i];
}

const stn_penalty_type stn_penalty_freeze = {
    .name = "freeze",
    .help = "weights nearest to their codes are frozen there, step by step",
    .attrs = attrs,
    .attrs_size = sizeof(freeze_attrs),
    .n_states = 2,
    .reads_codes = true,
    .apply = apply,
    .turn = turn,
    .settle = settle,
};
