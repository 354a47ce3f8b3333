/* SPDX-License-Identifier: MIT
 *
 * What rungs share: each adds its agreements to one list. */
#include "memory/validate.h"
#include "base/file.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

stn_status stn_validate_table(const stn_validate_list *list, const char *folder,
                              const char *file, stn_csv *out, stn_error *err)
{
    char path[1024];
    STN_TRY(stn_path_format(path, sizeof path, err, "%s%s/%s",
                            folder ? folder : stn_share_directory(),
                            folder ? "" : "/references", file));
    return stn_csv_load(path, list->arena, out, err);
}

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

stn_status stn_validate_series_init(stn_validate_series *s, stn_arena *arena,
                                    int cases, stn_error *err)
{
    *s = (stn_validate_series){
        .errors = stn_arena_alloc(arena, (size_t)cases, sizeof *s->errors)};
    return s->errors ? STN_OK : stn_fail_memory(err, "a validation");
}

void stn_validate_note(stn_validate_series *s, double model, double reference,
                       const char *name)
{
    if (!(reference > 0.0))
        return;
    double error = model / reference - 1.0;
    s->errors[s->n++] = error;
    if (fabs(error) < s->worst)
        return;
    s->worst = fabs(error);
    snprintf(s->worst_case, sizeof s->worst_case, "%s", name);
}

stn_status stn_validate_add_series(stn_validate_list *list,
                                   stn_validate_series *s, stn_agreement *item,
                                   stn_error *err)
{
    if (s->n == 0)
        return STN_OK;
    snprintf(item->worst_case, sizeof item->worst_case, "%s", s->worst_case);
    stn_validate_summarise(s->errors, s->n, item);
    return stn_validate_add(list, item, err);
}

stn_status stn_validate_add_single(stn_validate_list *list, stn_agreement *item,
                                   stn_error *err)
{
    if (!(item->reference > 0.0))
        return STN_OK;
    double error = item->model / item->reference - 1.0;
    stn_validate_summarise(&error, 1, item);
    return stn_validate_add(list, item, err);
}
