/* SPDX-License-Identifier: MIT
 *
 * "Did you mean": Levenshtein distance over a word list, and the error texts
 * that use it. */
#include "base/yaml_internal.h"
#include <stdio.h>
#include <string.h>

#define LONGEST_WORD 63

/* Edits (insert, delete, replace) from `a` to `b`, both of at most
 * LONGEST_WORD bytes; one row of the table at a time. */
static size_t distance(const char *a, const char *b)
{
    size_t row[LONGEST_WORD + 1];
    size_t n = strlen(b);
    for (size_t j = 0; j <= n; j++)
        row[j] = j;
    for (size_t i = 0; a[i]; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < n; j++) {
            size_t best = diagonal + (a[i] != b[j]);
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j + 1] + 1 < best)
                best = row[j + 1] + 1;
            diagonal = row[j + 1];
            row[j + 1] = best;
        }
    }
    return row[n];
}

const char *stn_nearest_word(const char *word, const char *const *words)
{
    size_t length = strlen(word);
    if (length > LONGEST_WORD)
        return NULL;
    /* A third of the letters may be wrong; less would miss swaps in short
     * words, more would offer nonsense. */
    size_t limit = 1 + length / 3;
    const char *nearest = NULL;
    for (; *words; words++) {
        if (strlen(*words) > LONGEST_WORD)
            continue;
        size_t d = distance(word, *words);
        if (d < limit || (d == limit && !nearest && d < length)) {
            nearest = *words;
            limit = d;
        }
    }
    return nearest;
}

void stn_list_words(char *out, size_t capacity, const char *const *words)
{
    size_t n = 0;
    out[0] = '\0';
    for (; *words; words++) {
        size_t room = capacity - n;
        int more = snprintf(out + n, room, "%s%s", n ? ", " : "", *words);
        if (more < 0 || (size_t)more + 5 > room) {
            snprintf(out + n, room, "...");
            return;
        }
        n += (size_t)more;
    }
}

stn_status stn_yaml_fail_key(const stn_yaml *node, const char *key,
                             const char *const *keys, stn_error *err)
{
    const char *nearest = stn_nearest_word(key, keys);
    if (nearest)
        return stn_yaml_fail(node, err,
                             "key \"%.100s\" is unknown; did you mean \"%s\"?",
                             key, nearest);
    char list[400];
    stn_list_words(list, sizeof list, keys);
    return stn_yaml_fail(
        node, err, "key \"%.100s\" is unknown, expected one of: %s", key, list);
}

stn_status stn_yaml_check_keys(const stn_yaml *map, const char *const *keys,
                               stn_error *err)
{
    if (!map)
        return STN_OK;
    bool empty = map->kind == STN_YAML_SCALAR && !*map->scalar;
    if (map->kind != STN_YAML_MAP && !empty)
        return stn_yaml_fail(
            map, err, "%s%sgot a %s, expected a map of \"key: value\"",
            map->key ? map->key : "", map->key ? ": " : "",
            map->kind == STN_YAML_SCALAR ? "single value" : "list");
    for (const stn_yaml *n = map->first; n; n = n->next) {
        const char *const *k = keys;
        while (*k && strcmp(*k, n->key) != 0)
            k++;
        if (!*k)
            return stn_yaml_fail_key(n, n->key, keys, err);
    }
    return STN_OK;
}

stn_status stn_yaml_choice(const stn_yaml *node, const char *const *words,
                           int *out, stn_error *err)
{
    if (!node)
        return stn_fail(err, STN_E_FORMAT, "a required word is missing");
    for (int i = 0; node->kind == STN_YAML_SCALAR && words[i]; i++)
        if (strcmp(words[i], node->scalar) == 0) {
            *out = i;
            return STN_OK;
        }
    const char *key = node->key ? node->key : "value";
    char list[400];
    stn_list_words(list, sizeof list, words);
    if (node->kind != STN_YAML_SCALAR)
        return stn_yaml_fail(
            node, err, "%s: got a list or map, expected one of: %s", key, list);
    const char *nearest = stn_nearest_word(node->scalar, words);
    if (nearest)
        return stn_yaml_fail(node, err,
                             "%s: \"%.100s\" is unknown; did you mean \"%s\"? "
                             "It may be one of: %s",
                             key, node->scalar, nearest, list);
    return stn_yaml_fail(node, err,
                         "%s: \"%.100s\" is unknown, expected one of: %s", key,
                         node->scalar, list);
}
