/* SPDX-License-Identifier: MIT
 *
 * Typed access to a JSON tree. */
#include "base/json.h"
#include <math.h>
#include <string.h>

const stn_json *stn_json_member(const stn_json *object, const char *key)
{
    if (!object || object->kind != STN_JSON_OBJECT)
        return NULL;
    for (const stn_json *n = object->first; n; n = n->next)
        if (strcmp(n->key, key) == 0)
            return n;
    return NULL;
}

const stn_json *stn_json_item(const stn_json *array, size_t i)
{
    if (!array || array->kind != STN_JSON_ARRAY || i >= array->n_children)
        return NULL;
    const stn_json *n = array->first;
    while (i-- > 0)
        n = n->next;
    return n;
}

const char *stn_json_text(const stn_json *object, const char *key)
{
    const stn_json *node = stn_json_member(object, key);
    return node && node->kind == STN_JSON_STRING ? node->string : "";
}

double stn_json_number_or(const stn_json *object, const char *key,
                          double otherwise)
{
    const stn_json *node = stn_json_member(object, key);
    return node && node->kind == STN_JSON_NUMBER ? node->number : otherwise;
}

static stn_status find(const stn_json *object, const char *key,
                       const char *where, stn_json_kind kind,
                       const stn_json **out, stn_error *err)
{
    static const char *const names[] = {"null",     "true or false",
                                        "a number", "a string",
                                        "an array", "an object"};
    const stn_json *node = stn_json_member(object, key);
    if (!node)
        return stn_fail(err, STN_E_FORMAT,
                        "%s: member \"%s\" is missing, expected %s", where, key,
                        names[kind]);
    if (node->kind != kind)
        return stn_fail(err, STN_E_FORMAT,
                        "%s: member \"%s\" is %s, expected %s", where, key,
                        names[node->kind], names[kind]);
    *out = node;
    return STN_OK;
}

stn_status stn_json_get_string(const stn_json *object, const char *key,
                               const char *where, const char **out,
                               stn_error *err)
{
    const stn_json *node;
    STN_TRY(find(object, key, where, STN_JSON_STRING, &node, err));
    *out = node->string;
    return STN_OK;
}

stn_status stn_json_get_int(const stn_json *object, const char *key,
                            const char *where, int64_t min, int64_t max,
                            int64_t *out, stn_error *err)
{
    const stn_json *node;
    STN_TRY(find(object, key, where, STN_JSON_NUMBER, &node, err));
    /* Beyond 2^53 a double no longer tells neighbouring integers apart. */
    double x = node->number;
    bool whole = fabs(x) <= 0x1p53 && x == (double)(int64_t)x;
    if (!whole || (int64_t)x < min || (int64_t)x > max)
        return stn_fail(err, STN_E_FORMAT,
                        "%s: member \"%s\" is %.17g, expected a whole number "
                        "from %lld to %lld",
                        where, key, x, (long long)min, (long long)max);
    *out = (int64_t)x;
    return STN_OK;
}

stn_status stn_json_get_number(const stn_json *object, const char *key,
                               const char *where, double *out, stn_error *err)
{
    const stn_json *node;
    STN_TRY(find(object, key, where, STN_JSON_NUMBER, &node, err));
    *out = node->number;
    return STN_OK;
}
