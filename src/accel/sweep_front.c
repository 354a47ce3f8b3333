/* SPDX-License-Identifier: MIT
 *
 * The Pareto front of a sweep. Points are sorted by their objectives, one
 * after the other, so that a point can only be dominated by one before it,
 * and then by one of the front: n log n, and n times the size of the front. */
#include "accel/sweep.h"
#include "base/memory.h"
#include <stdlib.h>

/* What the comparison of two points needs; set before sorting. */
typedef struct entry {
    const double *objective;
    uint64_t index;
    const stn_sweep_options *o;
} entry;

static int compare(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    for (int k = 0; k < x->o->n_objectives; k++) {
        double p = x->objective[x->o->objectives[k]];
        double q = y->objective[y->o->objectives[k]];
        if (p != q)
            return p < q ? -1 : 1;
    }
    return x->index < y->index ? -1 : x->index > y->index;
}

/* b is at least as good in all and better in one. */
static bool dominates(const stn_sweep_options *o, const double *b,
                      const double *a)
{
    bool better = false;
    for (int k = 0; k < o->n_objectives; k++) {
        if (b[o->objectives[k]] > a[o->objectives[k]])
            return false;
        better |= b[o->objectives[k]] < a[o->objectives[k]];
    }
    return better;
}

/* In sorted order a point can only be dominated by one before it, and then by
 * one of the front. */
stn_status stn_sweep_find_front(const stn_sweep_options *o, stn_sweep *s,
                                stn_error *err)
{
    entry *list = stn_alloc((size_t)s->n_points, sizeof *list);
    uint64_t n = 0, n_front = 0;
    if (!list)
        return stn_fail_memory(err, "a front");
    for (uint64_t i = 0; i < s->n_points; i++)
        if (s->points[i].fits)
            list[n++] = (entry){s->points[i].objective, i, o};
    if (n)
        qsort(list, (size_t)n, sizeof *list, compare);
    for (uint64_t i = 0; i < n; i++) {
        bool front = true;
        for (uint64_t k = n_front; front && k > 0; k--)
            front = !dominates(o, list[k - 1].objective, list[i].objective);
        if (front) {
            s->points[list[i].index].front = true;
            list[n_front++] = list[i];
        }
    }
    s->n_fit = n;
    s->n_front = n_front;
    stn_free(list);
    return STN_OK;
}
