/* SPDX-License-Identifier: MIT
 *
 * Affine maps in fixed point. With s the target's scale, a rescale computes
 *     ⌊(Σ x·m + a) / 2^shift⌋,  m = p/s · 2^shift,  a = q/s · 2^shift +
 * 1/2·2^shift which is real/s rounded to nearest. shift is the largest that
 * keeps m and a within their limits, so the largest |m| has 23 bits and a
 * channel whose p is 2^k times smaller has 23 - k. */
#include "pack/lowering.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

#define MULTIPLIER_LIMIT 0x1p23
#define CONSTANT_LIMIT 0x1p60

/* Largest |p/s| over terms and channels, and largest |q/s|. */
static void extremes(const stn_owed *owed, int channels, double scale,
                     double *p_max, double *q_max)
{
    *p_max = 0;
    *q_max = 0;
    for (int c = 0; c < channels; c++) {
        for (int k = 0; k < owed->n_terms; k++)
            *p_max = fmax(*p_max, fabs(owed->p[k][c] / scale));
        *q_max = fmax(*q_max, fabs(owed->q[c] / scale));
    }
}

static bool all_finite(const stn_owed *owed, int channels)
{
    for (int c = 0; c < channels; c++) {
        if (!isfinite(owed->q[c]))
            return false;
        for (int k = 0; k < owed->n_terms; k++)
            if (!isfinite(owed->p[k][c]))
                return false;
    }
    return true;
}

static stn_status fail_parameters(stn_lowering *l, const stn_node *node)
{
    return stn_fail(l->err, STN_E_NUMERIC,
                    "layer %s: a parameter before it is NaN or infinite, or "
                    "its range is not positive; train again with a lower "
                    "learning rate",
                    node->name);
}

/* -1 when even shift 0 is too large. The half added for rounding is covered
 * by asking for |a| below 2^60 minus it. */
static int choose_shift(double p_max, double q_max)
{
    for (int shift = STN_PROGRAM_SHIFT; shift >= 0; shift--) {
        double m = ldexp(p_max, shift), a = ldexp(q_max, shift);
        if (rint(m) < MULTIPLIER_LIMIT && a < CONSTANT_LIMIT - 0x1p40)
            return shift;
    }
    return -1;
}

stn_status stn_lowering_pay(stn_lowering *l, const stn_node *node,
                            const stn_owed *owed, const stn_target *target,
                            int *value)
{
    stn_shape shape = l->image->values[owed->value[0]].shape;
    double p_max, q_max;
    if (!all_finite(owed, shape.c) || !(target->scale > 0))
        return fail_parameters(l, node);
    extremes(owed, shape.c, target->scale, &p_max, &q_max);
    int shift = choose_shift(p_max, q_max);
    if (shift < 0)
        return stn_lowering_refuse(l, node,
                                   "one integer step before it is %g steps "
                                   "after it (constant %g), at most 2^23 "
                                   "(2^60); its range is too small",
                                   p_max, q_max);
    stn_instruction in = {.opcode = STN_RESCALE,
                          .n_inputs = owed->n_terms,
                          .inputs = {owed->value[0], owed->value[1]},
                          .shift = shift,
                          .lo = owed->relu && target->lo < 0 ? 0 : target->lo,
                          .hi = target->hi};
    stn_arena *arena = &l->image->arena;
    int32_t *m[2] = {NULL, NULL};
    int64_t *a = stn_arena_alloc(arena, (size_t)shape.c, sizeof *a);
    for (int k = 0; k < owed->n_terms; k++) {
        m[k] = stn_arena_alloc(arena, (size_t)shape.c, sizeof *m[k]);
        if (!m[k] || !a)
            return stn_fail_memory(l->err, "multipliers");
        for (int c = 0; c < shape.c; c++)
            m[k][c] =
                (int32_t)rint(ldexp(owed->p[k][c] / target->scale, shift));
    }
    int64_t half = shift ? (int64_t)1 << (shift - 1) : 0;
    for (int c = 0; c < shape.c; c++)
        a[c] = (int64_t)rint(ldexp(owed->q[c] / target->scale, shift)) + half;
    in.m0 = m[0];
    in.m1 = m[1];
    in.a = a;
    snprintf(in.name, sizeof in.name, "%s", target->name);
    return stn_lowering_emit(l, node, in, shape, target->type, target->scale,
                             value);
}

/* p x + q >= 0 for x in lo … hi, as m x + a >= 1 with m of -1, 0 or 1. The
 * threshold is clamped to where it decides nothing else. */
static void threshold(double p, double q, int64_t lo, int64_t hi, int32_t *m,
                      int64_t *a)
{
    *m = (p > 0) - (p < 0);
    if (p > 0)
        *a = 1 - (int64_t)fmin(fmax(ceil(-q / p), (double)lo), (double)hi + 1);
    else if (p < 0)
        *a = 1 + (int64_t)fmin(fmax(floor(q / -p), (double)lo - 1), (double)hi);
    else
        *a = q >= 0;
}

stn_status stn_lowering_pay_step(stn_lowering *l, const stn_node *node,
                                 const stn_owed *owed, int *value)
{
    const stn_value *from = &l->image->values[owed->value[0]];
    int channels = from->shape.c;
    if (!all_finite(owed, channels))
        return fail_parameters(l, node);
    stn_arena *arena = &l->image->arena;
    int32_t *m = stn_arena_alloc(arena, (size_t)channels, sizeof *m);
    int64_t *a = stn_arena_alloc(arena, (size_t)channels, sizeof *a);
    if (!m || !a)
        return stn_fail_memory(l->err, "multipliers");
    for (int c = 0; c < channels; c++)
        threshold(owed->p[0][c], owed->q[c], from->lo, from->hi, &m[c], &a[c]);
    stn_instruction in = {.opcode = STN_RESCALE,
                          .n_inputs = 1,
                          .inputs = {owed->value[0]},
                          .m0 = m,
                          .a = a,
                          .hi = 1};
    memcpy(in.name, node->name, sizeof node->name);
    return stn_lowering_emit(l, node, in, from->shape, STN_TYPE_U8, 1, value);
}

double stn_lowering_logit_scale(const stn_lowering *l, const stn_owed *owed,
                                int channels)
{
    /* No logit exceeds `largest`; 2^30 steps for it leave room to round. A
     * step of at least p / 2^22 keeps m within its limit. */
    double largest = 0, p_max, q_max;
    for (int c = 0; c < channels; c++) {
        double bound = fabs(owed->q[c]);
        for (int k = 0; k < owed->n_terms; k++) {
            const stn_value *v = &l->image->values[owed->value[k]];
            bound += fabs(owed->p[k][c]) *
                     fmax(fabs((double)v->lo), fabs((double)v->hi));
        }
        largest = fmax(largest, bound);
    }
    extremes(owed, channels, 1, &p_max, &q_max);
    double scale = fmax(ldexp(largest, -30), ldexp(p_max, -22));
    return scale > 0 ? scale : 1;
}
