/* SPDX-License-Identifier: MIT
 *
 * The ladder: each rung adds its agreements to one list. */
#include "memory/validate.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

stn_status stn_validate_add(stn_validate_list *list, const stn_agreement *item,
                            stn_error *err)
{
    if (list->n == list->capacity) {
        int capacity = list->capacity ? 2 * list->capacity : 64;
        stn_agreement *items = stn_alloc((size_t)capacity, sizeof *items);
        if (!items)
            return stn_fail_memory(err, "a list of agreements");
        for (int i = 0; i < list->n; i++)
            items[i] = list->items[i];
        stn_free(list->items);
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->n++] = *item;
    return STN_OK;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double middle(const double *sorted, int n)
{
    return 0.5 * (sorted[(n - 1) / 2] + sorted[n / 2]);
}

void stn_validate_summarise(double *errors, int n, stn_agreement *item)
{
    item->n = n;
    item->met = true;
    if (n == 0)
        return;
    qsort(errors, (size_t)n, sizeof *errors, ascending);
    item->median_signed = middle(errors, n);
    for (int i = 0; i < n; i++)
        errors[i] = fabs(errors[i]);
    qsort(errors, (size_t)n, sizeof *errors, ascending);
    item->median = middle(errors, n);
    item->p95 = errors[(size_t)(n - 1) * 95 / 100];
    item->worst = errors[n - 1];
    if (item->limit_median > 0.0 && item->median > item->limit_median)
        item->met = false;
    if (item->limit_worst > 0.0 && item->worst > item->limit_worst)
        item->met = false;
}

stn_status stn_validate(const char *reference_folder, stn_validation **out,
                        stn_error *err)
{
    stn_arena arena = {0};
    stn_validate_list list = {.arena = &arena};
    stn_status status = stn_validate_spice(reference_folder, &list, err);
    if (status == STN_OK)
        status = stn_validate_nvsim(reference_folder, &list, err);
    if (status == STN_OK)
        status = stn_validate_units(&list, err);
    if (status == STN_OK)
        status = stn_validate_silicon(reference_folder, &list, err);
    stn_arena_deinit(&arena);
    stn_validation *v = status == STN_OK ? stn_alloc(1, sizeof *v) : NULL;
    if (!v) {
        stn_free(list.items);
        if (status == STN_OK)
            status = stn_fail_memory(err, "a validation");
        return status;
    }
    *v = (stn_validation){.items = list.items, .n = list.n, .met = true};
    for (int i = 0; i < v->n; i++)
        v->met = v->met && v->items[i].met;
    *out = v;
    return STN_OK;
}

void stn_validation_destroy(stn_validation *validation)
{
    if (!validation)
        return;
    stn_free(validation->items);
    stn_free(validation);
}
