/* SPDX-License-Identifier: MIT
 *
 * Iterative hard quantisation (the last phase of ADMM-NN, Ren et al., ASPLOS
 * 2019, "clustering_phase: retrain" of the authors' Caffe fork): when a run
 * starts and every `every` epochs, of the free weights of each code the
 * `share` that is nearest to its effective value moves there and is frozen;
 * the others train on. At the end all are frozen. Works on the codes of any
 * quantiser. R = 0: this only holds latent weights still. */
#include "compress/compress.h"
#include "compress/project.h"

#include <math.h>

typedef struct freeze_attrs {
    float share;
    int every;
} freeze_attrs;

// clang-format off
static const stn_attr attrs[] = {
    {"share", STN_ATTR_FLOAT, offsetof(freeze_attrs, share), 0.3, 0, 1, NULL,
     "of the free weights of each code, frozen each time"},
    {"every", STN_ATTR_INT, offsetof(freeze_attrs, every), 1, 1, 100000, NULL,
     "epochs between two times"},
    {.name = NULL}};
// clang-format on

#define LARGEST_CODE 255

static double apply(const void *state, const stn_penalty_call *call)
{
    (void)state;
    (void)call;
    return 0;
}

/* One code's free weights, by their distance from its effective value. */
struct cell {
    const stn_penalty_call *call;
    int code;
};

static float effective(const stn_penalty_call *call, size_t i)
{
    size_t block = call->n / (size_t)call->n_scales;

    return (float)stn_whole_code(call->codes, call->low, call->low_radix, i) *
           (call->scales[i / block] / (call->low ? (float)call->low_radix : 1));
}

static bool distance(const void *context, size_t i, uint32_t *key)
{
    const struct cell *cell = context;
    const stn_penalty_call *call = cell->call;

    if (stn_whole_code(call->codes, call->low, call->low_radix, i) !=
            cell->code ||
        call->state[1][i] != 0)
        return false;
    *key = stn_magnitude_key(call->latent[i] - effective(call, i));
    return true;
}

static void freeze(void *context, size_t i)
{
    const stn_penalty_call *call = ((struct cell *)context)->call;

    call->latent[i] = call->state[0][i] = effective(call, i);
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
    /* Frozen weights follow a last change of the scale. */
    for (size_t i = 0; i < call->n && epoch == n_epochs; i++)
        call->state[1][i] = 0;
    for (size_t i = 0; i < call->n; i++)
        n_free[LARGEST_CODE +
               stn_whole_code(call->codes, call->low, call->low_radix, i)] +=
            call->state[1][i] == 0;
    for (int code = -LARGEST_CODE; code <= LARGEST_CODE; code++) {
        struct cell cell = {call, code};
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
