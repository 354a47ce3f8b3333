/* SPDX-License-Identifier: MIT
 *
 * Group lasso, plain and with weight penalty clipping (WPC; Sparse BD-Net,
 * ACM JETC 2020; glasso and glasso_thre of the authors' main.py).
 *
 *     n_i   = ||w_i||                     l2 norm of group i, latent weights
 *     plain   (clip_ratio = 0):  R = sum_i n_i
 *     clipped (clip_ratio > 0):  R = sum_i min(n_i, delta),
 *                                delta = clip_ratio * mean_i n_i
 *
 *     dR/dw_i = w_i / n_i * ([n_i < delta] + C * clip_ratio / G)
 *
 * with G groups, C of them clipped. The second term is the derivative of
 * delta: the authors do not detach it, so strong groups keep a small pull.
 * `detach` treats delta as a constant and drops it, which is what the text
 * of the paper describes. A group of norm 0 has gradient 0.
 *
 * With `keep` below 1 the run ends with exactly that share of the layer's
 * groups: after the epoch that completes `cut_at` of all epochs the smallest
 * are set to 0, the penalty ends, and the rest is fine-tuned. Groups that are
 * 0 when a run starts, or were cut, stay 0: so a network is pruned first and
 * ternarised after (AAAI 2020's baseline) by two runs. */
#include "compress/compress.h"
#include "compress/project.h"

#include <string.h>

typedef struct lasso_attrs {
    float lambda, clip_ratio;
    bool detach;
    float keep, cut_at;
} lasso_attrs;

// clang-format off
static const stn_attr attrs[] = {
    {"lambda", STN_ATTR_FLOAT, offsetof(lasso_attrs, lambda), 2e-4, 0, 1e3,
     NULL, "weight of the penalty in the loss"},
    {"clip_ratio", STN_ATTR_FLOAT, offsetof(lasso_attrs, clip_ratio), 0, 0, 10,
     NULL, "clip at this share of the layer's mean norm; 0: plain lasso"},
    {"detach", STN_ATTR_BOOL, offsetof(lasso_attrs, detach), 0, 0, 1, NULL,
     "no gradient through the clipping threshold"},
    {"keep", STN_ATTR_FLOAT, offsetof(lasso_attrs, keep), 1, 1e-6, 1, NULL,
     "share of the groups that are left after the cut; 1: no cut"},
    {"cut_at", STN_ATTR_FLOAT, offsetof(lasso_attrs, cut_at), 0.6, 0, 1, NULL,
     "share of all epochs before the cut"},
    {.name = NULL}};
// clang-format on

/* Below this a norm is taken as 0: dividing by it would say nothing. */
#define TINY_NORM 1e-12f

/* The state of group g: DEAD when it stays 0, plus CUT after the cut. */
enum { DEAD = 1, CUT = 2 };

static int group_state(const stn_penalty_call *call, int g)
{
    return (int)call->state[0][g];
}

static bool is_cut(const stn_penalty_call *call)
{
    return group_state(call, 0) >= CUT;
}

static double apply(const void *state, const stn_penalty_call *call)
{
    const lasso_attrs *a = state;
    const stn_groups *groups = call->groups;
    float *norms = call->norms;
    bool clipping = a->clip_ratio > 0;
    double sum = 0, total = 0, delta;
    int n_clipped = 0;
    float shared;

    if (is_cut(call))
        return 0;
    stn_groups_norms(groups, call->latent, norms);
    for (int g = 0; g < groups->n; g++)
        sum += (double)norms[g];
    delta = (double)a->clip_ratio * sum / groups->n;
    for (int g = 0; g < groups->n; g++)
        n_clipped += clipping && (double)norms[g] >= delta;
    shared = clipping && !a->detach
                 ? a->clip_ratio * (float)n_clipped / (float)groups->n
                 : 0;

    for (int g = 0; g < groups->n; g++) {
        bool clipped = clipping && (double)norms[g] >= delta;
        float pull = (clipped ? 0 : 1) + shared;
        total += clipped ? delta : (double)norms[g];
        norms[g] = norms[g] > TINY_NORM ? a->lambda * pull / norms[g] : 0;
    }
    stn_groups_add_scaled(groups, norms, call->latent, call->grad);
    return (double)a->lambda * total;
}

static void zero_run(void *context, size_t first, size_t n)
{
    memset((float *)context + first, 0, n * sizeof(float));
}

static void settle(const void *state, const stn_penalty_call *call)
{
    (void)state;
    for (int g = 0; g < call->groups->n; g++)
        if (group_state(call, g) & DEAD)
            stn_groups_visit(call->groups, g, zero_run, call->latent);
}

static bool norm_of(const void *context, size_t g, uint32_t *key)
{
    *key = stn_magnitude_key(((const float *)context)[g]);
    return true;
}

static void drop(void *context, size_t g)
{
    ((float *)context)[g] = 0;
}

static void turn(const void *state, const stn_penalty_call *call, int epoch,
                 int n_epochs)
{
    const lasso_attrs *a = state;
    const stn_groups *groups = call->groups;
    size_t n = (size_t)groups->n;
    bool cut = a->keep < 1 && !is_cut(call) && epoch > 0 &&
               (double)epoch >= (double)a->cut_at * n_epochs;

    if (epoch > 0 && !cut)
        return;
    stn_groups_norms(groups, call->latent, call->norms);
    if (cut) {
        size_t kept = (size_t)((double)a->keep * (double)n);
        stn_pick_smallest(n, n - kept, norm_of, drop, call->norms);
    }
    for (size_t g = 0; g < n; g++)
        call->state[0][g] =
            (float)((call->norms[g] == 0 ? DEAD : 0) + (cut ? CUT : 0));
    settle(state, call);
}

static bool makes_zeros(const void *state)
{
    (void)state;
    return true;
}

const stn_penalty_type stn_penalty_group_lasso = {
    .name = "group_lasso",
    .help = "lambda * sum of group norms, optionally clipped (WPC)",
    .attrs = attrs,
    .attrs_size = sizeof(lasso_attrs),
    .n_states = 1,
    .makes_zeros = makes_zeros,
    .apply = apply,
    .turn = turn,
    .settle = settle,
};
