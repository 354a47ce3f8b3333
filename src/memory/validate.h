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

/* The table FOLDER/FILE; NULL: of share/setun/references. In the arena. */
stn_status stn_validate_table(const stn_validate_list *list, const char *folder,
                              const char *file, stn_csv *out, stn_error *err);
/* Adds a copy of `item`. */
stn_status stn_validate_add(stn_validate_list *list, const stn_agreement *item,
                            stn_error *err);
/* Fills n, median, p95, worst, median_signed and `met` from signed errors,
 * which are sorted in place. */
void stn_validate_summarise(double *errors, int n, stn_agreement *item);

/* Errors of one quantity over many cases. */
typedef struct stn_validate_series {
    double *errors; /* in an arena, room for every case */
    int n;
    double worst; /* without sign */
    char worst_case[96];
} stn_validate_series;

stn_status stn_validate_series_init(stn_validate_series *s, stn_arena *arena,
                                    int cases, stn_error *err);
/* Compares with one case, whose name is kept if it is the worst so far. A
 * reference that is not above 0 is left out. */
void stn_validate_note(stn_validate_series *s, double model, double reference,
                       const char *name);
/* Adds `item`, of which rung, quantity, group, unit and limits are given, with
 * the series' statistics; nothing when there was no case. */
stn_status stn_validate_add_series(stn_validate_list *list,
                                   stn_validate_series *s, stn_agreement *item,
                                   stn_error *err);
/* Adds `item` likewise, a single comparison: of its `model` with its
 * `reference`; nothing when the reference is not above 0. */
stn_status stn_validate_add_single(stn_validate_list *list, stn_agreement *item,
                                   stn_error *err);

/* The rungs. */
stn_status stn_validate_spice(const char *folder, stn_validate_list *list,
                              stn_error *err);
stn_status stn_validate_units(stn_validate_list *list, stn_error *err);
/* Mats of SRAM, of share/setun/references/cacti-sram.csv. */
stn_status stn_validate_cacti(stn_validate_list *list, stn_error *err);
stn_status stn_validate_converters(stn_validate_list *list, stn_error *err);
stn_status stn_validate_silicon(const char *folder, stn_validate_list *list,
                                stn_error *err);
stn_status stn_validate_nvsim(const char *folder, stn_validate_list *list,
                              stn_error *err);

#endif
