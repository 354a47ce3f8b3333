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
 * of the paper describes. A group of norm 0 has gradient 0. */
#include "compress/compress.h"

typedef struct lasso_attrs {
    float lambda, clip_ratio;
    bool detach;
} lasso_attrs;

// clang-format off
static const stn_attr attrs[] = {
    {"lambda", STN_ATTR_FLOAT, offsetof(lasso_attrs, lambda), 2e-4, 0, 1e3,
     NULL, "weight of the penalty in the loss"},
    {"clip_ratio", STN_ATTR_FLOAT, offsetof(lasso_attrs, clip_ratio), 0, 0, 10,
     NULL, "clip at this share of the layer's mean norm; 0: plain lasso"},
    {"detach", STN_ATTR_BOOL, offsetof(lasso_attrs, detach), 0, 0, 1, NULL,
     "no gradient through the clipping threshold"},
    {.name = NULL}};
// clang-format on

/* Below this a norm is taken as 0: dividing by it would say nothing. */
#define TINY_NORM 1e-12f

static double apply(const void *state, const stn_penalty_call *call)
{
    const lasso_attrs *a = state;
    const stn_groups *groups = call->groups;
    float *norms = call->norms;
    bool clipping = a->clip_ratio > 0;
    double sum = 0, total = 0, delta;
    int n_clipped = 0;
    float shared;

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

const stn_penalty_type stn_penalty_group_lasso = {
    .name = "group_lasso",
    .help = "lambda * sum of group norms, optionally clipped (WPC)",
    .attrs = attrs,
    .attrs_size = sizeof(lasso_attrs),
    .apply = apply,
};
