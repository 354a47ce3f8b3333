/* SPDX-License-Identifier: MIT
 *
 * Building a list of agreements, rung by rung. */
#ifndef STN_MEMORY_VALIDATE_H
#define STN_MEMORY_VALIDATE_H

#include "memory/csv.h"
#include "setun/validate.h"

/* A list that grows; `arena` for texts and tables. */
typedef struct stn_validate_list {
    stn_agreement *items;
    int n, capacity;
    stn_arena *arena;
} stn_validate_list;

/* Adds a copy of `item`. */
stn_status stn_validate_add(stn_validate_list *list, const stn_agreement *item,
                            stn_error *err);
/* Fills n, median, p95, worst, median_signed and `met` from signed errors,
 * which are sorted in place. */
void stn_validate_summarise(double *errors, int n, stn_agreement *item);

/* The rungs. */
stn_status stn_validate_spice(const char *folder, stn_validate_list *list,
                              stn_error *err);
stn_status stn_validate_units(stn_validate_list *list, stn_error *err);
stn_status stn_validate_silicon(const char *folder, stn_validate_list *list,
                                stn_error *err);
stn_status stn_validate_nvsim(const char *folder, stn_validate_list *list,
                              stn_error *err);

#endif
