/* SPDX-License-Identifier: MIT
 *
 * constant: 1.
 * step: factor^(number of milestones passed).
 * cosine: (1 + cos(pi u)) / 2, u the share done after the warm-up
 *         (Loshchilov & Hutter 2017, one cycle).
 * Each begins with a linear warm-up. */
#include "train/schedule.h"

#include "base/math.h"

typedef struct schedule_attrs {
    float warmup;
    stn_attr_floats milestones; /* step */
    float factor;               /* step */
} schedule_attrs;

// clang-format off
#define WARMUP                                                                 \
    {"warmup", STN_ATTR_FLOAT, offsetof(schedule_attrs, warmup), 0, 0, 1,      \
     NULL, "share of all steps in which the rate rises from 0"}

static const stn_attr plain_attrs[] = {WARMUP, {.name = NULL}};
static const stn_attr step_attrs[] = {
    WARMUP,
    {"milestones", STN_ATTR_FLOATS, offsetof(schedule_attrs, milestones), 0.5,
     0, 1, NULL, "shares of all steps at which the rate drops"},
    {"factor", STN_ATTR_FLOAT, offsetof(schedule_attrs, factor), 0.1, 0, 1,
     NULL, "what the rate is multiplied by at a milestone"},
    {.name = NULL}};
// clang-format on

static float warm(const schedule_attrs *a, float progress)
{
    return progress < a->warmup ? progress / a->warmup : 1;
}

static float constant_factor(const void *attrs, float progress)
{
    return warm(attrs, progress);
}

static float step_factor(const void *attrs, float progress)
{
    const schedule_attrs *a = attrs;
    float factor = warm(a, progress);

    for (int i = 0; i < a->milestones.n; i++)
        if (progress >= a->milestones.v[i])
            factor *= a->factor;
    return factor;
}

static float cosine_factor(const void *attrs, float progress)
{
    const schedule_attrs *a = attrs;

    if (progress < a->warmup)
        return warm(a, progress);
    /* warmup = 1 never gets here: progress is below 1. */
    return 0.5f * (1 + stn_cospif((progress - a->warmup) / (1 - a->warmup)));
}

static const stn_schedule_type constant = {
    "constant", "the peak rate throughout", plain_attrs, sizeof(schedule_attrs),
    constant_factor};
static const stn_schedule_type step = {
    "step", "drops by a factor at each milestone", step_attrs,
    sizeof(schedule_attrs), step_factor};
static const stn_schedule_type cosine = {
    "cosine", "half a cosine from the peak to 0", plain_attrs,
    sizeof(schedule_attrs), cosine_factor};

const stn_schedule_type *const stn_schedule_types[] = {&constant, &step,
                                                       &cosine, NULL};
const char *const stn_schedule_names[] = {"constant", "step", "cosine", NULL};
