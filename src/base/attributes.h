/* SPDX-License-Identifier: MIT
 *
 * Attribute tables: one row per option of an operator, quantiser, penalty,
 * optimiser, machine part. The same table parses, checks, defaults, lists
 * and documents it. */
#ifndef STN_BASE_ATTRIBUTES_H
#define STN_BASE_ATTRIBUTES_H

#include "base/yaml.h"

typedef enum stn_attr_kind {
    STN_ATTR_INT,    /* int */
    STN_ATTR_FLOAT,  /* float */
    STN_ATTR_BOOL,   /* bool */
    STN_ATTR_CHOICE, /* int: index into `words` */
    STN_ATTR_FLOATS  /* stn_attr_floats: one number or a list */
} stn_attr_kind;

#define STN_ATTR_FLOATS_MAX 16
typedef struct stn_attr_floats {
    int n;
    float v[STN_ATTR_FLOATS_MAX];
} stn_attr_floats;

typedef struct stn_attr {
    const char *name;
    stn_attr_kind kind;
    size_t offset;            /* of the field in the owner's struct */
    double initial;           /* default; NaN marks a required attribute */
    double min, max;          /* inclusive; ignored for BOOL and CHOICE */
    const char *const *words; /* CHOICE: NULL-terminated */
    const char *help;         /* one line: meaning and unit */
} stn_attr;

/* Fills `target` from `map` by `attrs` (ended by a row with name NULL).
 * `map` may be NULL or an empty scalar: all defaults. Keys that are neither
 * in the table nor in the NULL-terminated `also` (may be NULL) are refused
 * with the nearest name. */
stn_status stn_attrs_parse(const stn_attr *attrs, const stn_yaml *map,
                           const stn_yaml_scope *scope,
                           const char *const *also, void *target,
                           stn_error *err);

#endif
