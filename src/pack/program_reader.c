/* SPDX-License-Identifier: MIT
 *
 * Checked access to the text and the tensors of a .stn file. */
#include "pack/program_reader.h"
#include <stdio.h>
#include <string.h>

stn_status stn_reader_check_keys(const stn_reader *r, const stn_json *object,
                                 const char *const *keys)
{
    if (!object || object->kind != STN_JSON_OBJECT)
        return stn_fail(r->err, STN_E_FORMAT, "%s: expected an object",
                        r->where);
    for (const stn_json *n = object->first; n; n = n->next) {
        bool known = false;
        for (const char *const *key = keys; *key; key++)
            known = known || strcmp(*key, n->key) == 0;
        if (!known || stn_json_member(object, n->key) != n)
            return stn_fail(r->err, STN_E_FORMAT, "%s: %s member \"%s\"",
                            r->where, known ? "repeated" : "unknown", n->key);
    }
    return STN_OK;
}

bool stn_reader_whole(const stn_json *node, int min, int max, int *out)
{
    double x = node->number;
    if (node->kind != STN_JSON_NUMBER || !(x >= min && x <= max) ||
        x != (double)(int)x)
        return false;
    *out = (int)x;
    return true;
}

stn_status stn_reader_numbers(const stn_reader *r, const stn_json *array, int n,
                              const char *what, int max, int *out)
{
    if (!array || array->kind != STN_JSON_ARRAY ||
        array->n_children != (size_t)n)
        return stn_fail(r->err, STN_E_FORMAT,
                        "%s: %s: expected a list of %d whole numbers", r->where,
                        what, n);
    int i = 0;
    for (const stn_json *item = array->first; item; item = item->next, i++)
        if (!stn_reader_whole(item, 0, max, &out[i]))
            return stn_fail(r->err, STN_E_FORMAT,
                            "%s: %s: entry %d is not a whole number from 0 to "
                            "%d",
                            r->where, what, i, max);
    return STN_OK;
}

stn_status stn_reader_int(const stn_reader *r, const stn_json *object,
                          const char *key, int64_t min, int64_t max, int *out)
{
    int64_t value;
    STN_TRY(stn_json_get_int(object, key, r->where, min, max, &value, r->err));
    *out = (int)value;
    return STN_OK;
}

stn_status stn_reader_word(const stn_reader *r, const stn_json *node,
                           const char *what, const char *const *words, int *out)
{
    const char *text =
        node && node->kind == STN_JSON_STRING ? node->string : "";
    for (int i = 0; words[i]; i++)
        if (strcmp(words[i], text) == 0) {
            *out = i;
            return STN_OK;
        }
    return stn_fail(r->err, STN_E_FORMAT,
                    "%s: %s \"%.40s\" is not one that this version knows",
                    r->where, what, text);
}

stn_status stn_reader_tensor(stn_reader *r, const char *name,
                             const char *suffix, const char *dtype, size_t size,
                             size_t count, const stn_st_tensor **out)
{
    char full[STN_TEXT_DOUBLE + STN_NAME_CAPACITY + 32];
    snprintf(full, sizeof full, "%s%s.%s", r->prefix, name, suffix);
    const stn_st_tensor *t = stn_st_find(r->file, full);
    if (!t)
        return stn_fail(r->err, STN_E_FORMAT, "%s: tensor %s is missing",
                        r->where, full);
    if (strcmp(t->dtype, dtype) != 0)
        return stn_fail(r->err, STN_E_FORMAT,
                        "%s: tensor %s is %s, expected %s", r->where, full,
                        t->dtype, dtype);
    if (count != SIZE_MAX && t->size != count * size)
        return stn_fail(r->err, STN_E_FORMAT,
                        "%s: tensor %s has %zu bytes, expected %zu", r->where,
                        full, t->size, count * size);
    r->n_used++;
    *out = t;
    return STN_OK;
}
