/* SPDX-License-Identifier: MIT
 *
 * YAML trees as text, compared, and as choices with options. All build on the
 * tree alone and never touch libyaml. The depth of recursion is that of the
 * tree, which the parser bounds. */
#include "base/json.h"
#include "base/yaml.h"

#include <stdio.h>
#include <string.h>

static void dump(stn_json_writer *w, const stn_yaml *node)
{
    if (node->kind == STN_YAML_SCALAR) {
        stn_json_string(w, node->key, node->scalar);
        return;
    }
    if (node->kind == STN_YAML_MAP)
        stn_json_begin_object(w, node->key);
    else
        stn_json_begin_array(w, node->key);
    for (const stn_yaml *child = node->first; child; child = child->next)
        dump(w, child);
    if (node->kind == STN_YAML_MAP)
        stn_json_end_object(w);
    else
        stn_json_end_array(w);
}

stn_status stn_yaml_dump(const stn_yaml *root, char **text, stn_error *err)
{
    stn_json_writer w = {.indent = 2};
    size_t size;

    dump(&w, root);
    return stn_json_finish(&w, text, &size, err);
}

stn_status stn_yaml_pick(const stn_yaml *node, const char *const *words,
                         int *out, const stn_yaml **options, stn_error *err)
{
    stn_yaml word;

    if (node->kind == STN_YAML_SCALAR) {
        STN_TRY(stn_yaml_choice(node, words, out, err));
        *options = NULL;
        return STN_OK;
    }
    if (node->kind != STN_YAML_MAP || node->n_children != 1)
        return stn_yaml_fail(node, err,
                             "expected one name, or one {name: {options}}; "
                             "got %s of %zu entries",
                             node->kind == STN_YAML_MAP ? "a map" : "a list",
                             node->n_children);
    word = *node->first;
    word.kind = STN_YAML_SCALAR;
    word.scalar = node->first->key;
    word.key = node->key;
    STN_TRY(stn_yaml_choice(&word, words, out, err));
    *options = node->first;
    return STN_OK;
}

/* Writes the path behind its first `n` characters. */
static bool find_difference(const stn_yaml *a, const stn_yaml *b, char *path,
                            size_t capacity, size_t n)
{
    const stn_yaml *x = a->first, *y = b->first;
    int index = 0;

    path[n] = '\0';
    if (a->kind != b->kind)
        return true;
    if (a->kind == STN_YAML_SCALAR)
        return strcmp(a->scalar, b->scalar) != 0;
    for (; x && y; x = x->next, y = y->next, index++) {
        char part[64];
        size_t end = n;

        if (x->key)
            snprintf(part, sizeof(part), "%s%s", n ? "." : "", x->key);
        else
            snprintf(part, sizeof(part), "[%d]", index);
        if (n + strlen(part) < capacity) {
            strcpy(path + n, part);
            end = n + strlen(part);
        }
        if ((x->key && strcmp(x->key, y->key) != 0) ||
            find_difference(x, y, path, capacity, end))
            return true;
        path[n] = '\0';
    }
    if ((x || y) && n + 16 < capacity)
        snprintf(path + n, capacity - n, "%s%.40s", n ? "." : "",
                 (x ? x : y)->key ? (x ? x : y)->key : "length");
    return x || y;
}

bool stn_yaml_differs(const stn_yaml *a, const stn_yaml *b, char *path,
                      size_t capacity)
{
    return find_difference(a, b, path, capacity, 0);
}
