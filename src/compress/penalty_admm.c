/* SPDX-License-Identifier: MIT
 *
 * ADMM (Ren et al., ADMM-NN, ASPLOS 2019; formulas from the authors' Caffe
 * fork, yeshaokai/ADMM-NN, sgd_solver.cpp).
 *
 *     min f(W)  so that  W in S        S: few nonzero weights, or levels
 *     R = rho/2 ||W - Z + U||^2
 *     when a run starts:        Z = P(W),      U = 0
 *     every `every` epochs:     Z = P(W + U),  U = U + W - Z
 *                               rho = growth rho, U = U / growth
 *     at the end, with `snap`:  W = P(W)
 *
 * P is the nearest point of S: of `largest` the `keep` share of largest
 * magnitudes, exactly so many; of `levels` each nonzero weight's nearest of
 * ±q … ±2^(bits-1) q, with q searched anew, while weights that are 0 stay 0.
 * With `first` the share falls from that to `keep`, by the same factor each
 * time: many small steps in place of a large one (Ye et al. 2018, "Progressive
 * weight pruning of deep neural networks using ADMM").
 * Scaled form: U is the multiplier divided by rho, so it shrinks where rho
 * grows. The authors keep rho; a run of few rounds gets from a loose
 * pull, which lets weights still choose, to a tight one by growth. */
#include "base/compiler.h"
#include "compress/project.h"
#include "compress/quant.h"

enum { LARGEST, LEVELS };
static const char *const sets[] = {"largest", "levels", NULL};

typedef struct admm_attrs {
    float rho, growth, keep, first, from;
    int set, bits, every;
    bool snap;
} admm_attrs;

// clang-format off
static const stn_attr attrs[] = {
    {"rho", STN_ATTR_FLOAT, offsetof(admm_attrs, rho), 0.007, 0, 1e3, NULL,
     "weight of the distance to the target"},
    {"growth", STN_ATTR_FLOAT, offsetof(admm_attrs, growth), 1, 1, 100, NULL,
     "factor of rho from one target to the next"},
    {"project", STN_ATTR_CHOICE, offsetof(admm_attrs, set), LARGEST, 0, 0,
     sets, "what the target is: the largest magnitudes, or levels"},
    {"keep", STN_ATTR_FLOAT, offsetof(admm_attrs, keep), 0.1, 1e-6, 1, NULL,
     "largest: share of the weights that stay nonzero"},
    {"first", STN_ATTR_FLOAT, offsetof(admm_attrs, first), 0, 0, 1, NULL,
     "largest: the share of the first target, if it is more than keep"},
    {"bits", STN_ATTR_INT, offsetof(admm_attrs, bits), 3, 1, 7, NULL,
     "levels: 2^bits of them, without 0"},
    {"from", STN_ATTR_FLOAT, offsetof(admm_attrs, from), 0.1, 0.01, 1, NULL,
     "levels: least interval tried, as a share of max |w| / 2^(bits-1)"},
    {"every", STN_ATTR_INT, offsetof(admm_attrs, every), 1, 1, 100000, NULL,
     "epochs between two targets"},
    {"snap", STN_ATTR_BOOL, offsetof(admm_attrs, snap), 1, 0, 1, NULL,
     "move the weights to the target set when the run ends"},
    {.name = NULL}};
// clang-format on

#define TILE 1024 /* weights; what one takes stays in the L1 cache */

#define PROGRESS 0.7 /* of a run, until targets keep no more than `keep` */

/* The share that a target of `largest` keeps when `done` of the run is. */
static double share(const admm_attrs *a, double done)
{
    double left = done < PROGRESS ? 1 - done / PROGRESS : 0;

    if (!(a->first > a->keep) || !(a->keep > 0))
        return (double)a->keep;
    left *= (double)stn_logf(a->first / a->keep);
    return (double)a->keep * (double)stn_expf((float)left);
}

/* The target of `v`, in place; `w` says which weights are 0 for good. */
static void project(const admm_attrs *a, size_t n, const float *w, float *v,
                    double done)
{
    int n_levels = 1 << (a->bits - 1);
    float q;

    if (a->set == LARGEST) {
        stn_keep_largest(n, v, (size_t)(share(a, done) * (double)n + 0.5));
        return;
    }
    for (size_t i = 0; i < n; i++)
        v[i] = w[i] == 0 ? 0 : v[i];
    q = stn_levels_search(n, v, n_levels, a->from);
    for (size_t first = 0; first < n; first += TILE) {
        size_t count = n - first < TILE ? n - first : TILE;
        int8_t codes[TILE];

        stn_levels_codes(count, v + first, q, n_levels, codes);
        for (size_t i = 0; i < count; i++)
            v[first + i] = (float)codes[i] * q;
    }
}

STN_CLONES
static void pull(size_t n, const float *STN_RESTRICT w,
                 const float *STN_RESTRICT z, const float *STN_RESTRICT u,
                 float rho, float *STN_RESTRICT distance,
                 float *STN_RESTRICT grad)
{
    for (size_t i = 0; i < n; i++) {
        distance[i] = w[i] - z[i] + u[i];
        grad[i] += rho * distance[i];
    }
}

static double apply(const void *state, const stn_penalty_call *call)
{
    const admm_attrs *a = state;
    const float *z = call->state[0], *u = call->state[1];
    float rho = a->rho, distance[TILE];
    double sum = 0;

    for (int i = a->every; i <= call->epoch; i += a->every)
        rho *= a->growth;
    for (size_t i = 0; i < call->n; i += TILE) {
        size_t n = call->n - i < TILE ? call->n - i : TILE;

        pull(n, call->latent + i, z + i, u + i, rho, distance, call->grad + i);
        sum += stn_sum_squares(n, distance);
    }
    return 0.5 * (double)rho * sum;
}

static void turn(const void *state, const stn_penalty_call *call, int epoch,
                 int n_epochs)
{
    const admm_attrs *a = state;
    float *w = call->latent, *z = call->state[0], *u = call->state[1];

    if (epoch == n_epochs && a->snap)
        project(a, call->n, w, w, 1);
    if (epoch == n_epochs || epoch % a->every != 0)
        return;
    for (size_t i = 0; i < call->n; i++)
        z[i] = w[i] + u[i];
    project(a, call->n, w, z, (double)epoch / n_epochs);
    for (size_t i = 0; i < call->n && epoch > 0; i++)
        u[i] = (u[i] + w[i] - z[i]) / a->growth;
}

static bool makes_zeros(const void *state)
{
    return ((const admm_attrs *)state)->set == LARGEST;
}

const stn_penalty_type stn_penalty_admm = {
    .name = "admm",
    .help = "rho/2 ||W - Z + U||^2, Z the nearest pruned or quantised weights",
    .attrs = attrs,
    .attrs_size = sizeof(admm_attrs),
    .n_states = 2,
    .makes_zeros = makes_zeros,
    .apply = apply,
    .turn = turn,
};
