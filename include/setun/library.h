/* SPDX-License-Identifier: MIT
 *
 * What this installation offers: networks, recipes, machines, comparisons, and
 * the facts that a bug report needs. */
#ifndef STN_LIBRARY_H
#define STN_LIBRARY_H

#include "setun/status.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Folders of share/setun whose files have a `title:` or `description:`. */
typedef enum stn_library_kind {
    STN_LIBRARY_NETWORKS,
    STN_LIBRARY_RECIPES,
    STN_LIBRARY_MACHINES,
    STN_LIBRARY_COMPARISONS
} stn_library_kind;

typedef struct stn_library_entry {
    char id[64];     /* the file's name without .yaml */
    char title[192]; /* in one line; without one the description, or "" */
    char description[192]; /* in one line, or "" */
    char path[512];
    char variants[192]; /* recipes: names separated by ", "; else "" */
    bool reproduces;    /* recipes: has a `reproduce:` */
} stn_library_entry;

/* Lists a kind, sorted by id. The caller releases *entries with
 * stn_library_free. A file that is not YAML is refused. */
stn_status stn_library_list(stn_library_kind kind, stn_library_entry **entries,
                            size_t *n, stn_error *err);
void stn_library_free(stn_library_entry *entries); /* NULL is legal */

/* What recipes and machine files choose by name. */
typedef enum stn_choice_kind {
    STN_CHOICE_QUANTISERS,
    STN_CHOICE_STRUCTURES,
    STN_CHOICE_PENALTIES,
    STN_CHOICE_FAMILIES /* of machines */
} stn_choice_kind;

/* A choice, or one of its options; the pointers are to static text. */
typedef struct stn_choice {
    const char *name;
    const char *option; /* NULL: the choice itself */
    const char *help;   /* in one line */
    char standard[32];  /* of an option; "": it has to be given */
    char range[96];     /* "least … most", or the words that it may be */
} stn_choice;

/* Each choice of a kind, followed by its options. Fills up to `capacity` rows,
 * returns how many there are. */
size_t stn_library_choices(stn_choice_kind kind, stn_choice *choices,
                           size_t capacity);

/* One line for `setun doctor` and for results. */
typedef struct stn_fact {
    char name[48], value[512];
} stn_fact;

/* Facts about this process and machine: CPU, cores, memory, kernel level,
 * compiler, library versions, share folder, chart script. Fills up to
 * `capacity` facts, returns how many there are. */
size_t stn_library_facts(stn_fact *facts, size_t capacity);

/* "AMD EPYC 7B13, 2 CPUs": what figures of speed were measured on. */
void stn_library_machine(char *out, size_t capacity);
/* The checkout's commit, "-dirty" appended when files differ from it, or
 * "unknown" when this installation is not a checkout or git is missing. */
void stn_library_commit(char *out, size_t capacity);
/* The chart script to embed into reports, or NULL when there is none. */
const char *stn_library_chart_script(void);

#endif
