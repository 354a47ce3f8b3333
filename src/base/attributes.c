/* SPDX-License-Identifier: MIT
 *
 * Reading a map into a struct by its attribute table. */
#include "base/attributes.h"
#include "base/memory.h"
#include <limits.h>
#include <math.h>
#include <string.h>

/* Where row `a` lives in the owner's struct. */
static void *field(const stn_attr *a, void *target)
{
    return (char *)target + a->offset;
}

static void set_default(const stn_attr *a, void *target)
{
    void *at = field(a, target);
    switch (a->kind) {
    case STN_ATTR_INT:
    case STN_ATTR_CHOICE:
        *(int *)at = (int)a->initial;
        break;
    case STN_ATTR_FLOAT:
        *(float *)at = (float)a->initial;
        break;
    case STN_ATTR_BOOL:
        *(bool *)at = a->initial != 0.0;
        break;
    case STN_ATTR_FLOATS:
        *(stn_attr_floats *)at =
            (stn_attr_floats){.n = 1, .v = {(float)a->initial}};
        break;
    }
}

static stn_status parse_floats(const stn_attr *a, const stn_yaml *node,
                               const stn_yaml_scope *scope,
                               stn_attr_floats *out, stn_error *err)
{
    stn_attr_floats list = {0};
    bool single = node->kind == STN_YAML_SCALAR;
    size_t n = single ? 1 : node->n_children;
    if (node->kind == STN_YAML_MAP || n < 1 || n > STN_ATTR_FLOATS_MAX)
        return stn_yaml_fail(node, err,
                             "%s: expected a number or a list of 1 to %d",
                             a->name, STN_ATTR_FLOATS_MAX);
    const stn_yaml *item = single ? node : node->first;
    for (size_t i = 0; i < n; i++, item = item->next) {
        double x = 0.0;
        STN_TRY(stn_yaml_number(item, scope, a->min, a->max, &x, err));
        list.v[list.n++] = (float)x;
    }
    *out = list;
    return STN_OK;
}

static stn_status parse_one(const stn_attr *a, const stn_yaml *node,
                            const stn_yaml_scope *scope, void *target,
                            stn_error *err)
{
    void *at = field(a, target);
    double x = 0.0;
    int64_t i = 0;
    switch (a->kind) {
    case STN_ATTR_INT:
        /* A table's limits may be infinite; the field is an int. */
        STN_TRY(stn_yaml_int(node, scope, (int64_t)fmax(a->min, INT_MIN),
                             (int64_t)fmin(a->max, INT_MAX), &i, err));
        *(int *)at = (int)i;
        return STN_OK;
    case STN_ATTR_FLOAT:
        STN_TRY(stn_yaml_number(node, scope, a->min, a->max, &x, err));
        *(float *)at = (float)x;
        return STN_OK;
    case STN_ATTR_BOOL: /* a word, or an expression that is 0 or 1 */
        if (stn_yaml_int(node, scope, 0, 1, &i, NULL) != STN_OK)
            return stn_yaml_bool(node, at, err);
        *(bool *)at = i == 1;
        return STN_OK;
    case STN_ATTR_CHOICE:
        return stn_yaml_choice(node, a->words, at, err);
    case STN_ATTR_FLOATS:
        return parse_floats(a, node, scope, at, err);
    }
    return STN_OK;
}

/* Checks the map's keys against the table and `also`. */
static stn_status check_keys(const stn_attr *attrs, const stn_yaml *map,
                             const char *const *also, stn_error *err)
{
    size_t n = 0;
    for (const stn_attr *a = attrs; a->name; a++)
        n++;
    for (const char *const *k = also; k && *k; k++)
        n++;
    const char **keys = stn_alloc(n + 1, sizeof *keys);
    if (!keys)
        return stn_fail_memory(err, "a list of keys");
    n = 0;
    for (const stn_attr *a = attrs; a->name; a++)
        keys[n++] = a->name;
    for (const char *const *k = also; k && *k; k++)
        keys[n++] = *k;
    stn_status status = stn_yaml_check_keys(map, keys, err);
    stn_free(keys);
    return status;
}

stn_status stn_attrs_parse(const stn_attr *attrs, const stn_yaml *map,
                           const stn_yaml_scope *scope, const char *const *also,
                           void *target, stn_error *err)
{
    STN_TRY(check_keys(attrs, map, also, err));
    for (const stn_attr *a = attrs; a->name; a++) {
        const stn_yaml *node = stn_yaml_get(map, a->name);
        if (node)
            STN_TRY(parse_one(a, node, scope, target, err));
        else if (isnan(a->initial))
            return stn_yaml_fail(map, err, "\"%s\" is missing: %s", a->name,
                                 a->help);
        else
            set_default(a, target);
    }
    return STN_OK;
}
