/* SPDX-License-Identifier: MIT
 *
 * Changing a YAML tree: overlays and dotted paths. Copies are deep, so the
 * overlay may come from a document that is destroyed afterwards. */
#include "base/yaml_internal.h"
#include <stdlib.h>
#include <string.h>

/* A key or index of a path, at most this long. */
#define LONGEST_PART 128

static stn_yaml *copy_tree(stn_arena *arena, const stn_yaml *from)
{
    stn_yaml *node = stn_arena_alloc(arena, 1, sizeof *node);
    if (!node)
        return NULL;
    *node = *from;
    node->first = node->next = NULL;
    node->scalar = stn_arena_string(arena, from->scalar);
    node->file = stn_arena_string(arena, from->file);
    node->key = from->key ? stn_arena_string(arena, from->key) : NULL;
    if (!node->scalar || !node->file || (from->key && !node->key))
        return NULL;
    stn_yaml **link = &node->first;
    for (const stn_yaml *c = from->first; c; c = c->next) {
        if (!(*link = copy_tree(arena, c)))
            return NULL;
        link = &(*link)->next;
    }
    return node;
}

/* Puts `node`'s content where `at` is, keeping at's key and place. */
static void replace(stn_yaml *at, const stn_yaml *node)
{
    const char *key = at->key;
    stn_yaml *next = at->next;
    *at = *node;
    at->key = key;
    at->next = next;
}

static void append(stn_yaml *parent, stn_yaml *child)
{
    stn_yaml **link = &parent->first;
    while (*link)
        link = &(*link)->next;
    *link = child;
    parent->n_children++;
}

static stn_yaml *find(stn_yaml *map, const char *key)
{
    if (map->kind != STN_YAML_MAP)
        return NULL;
    for (stn_yaml *n = map->first; n; n = n->next)
        if (strcmp(n->key, key) == 0)
            return n;
    return NULL;
}

stn_status stn_yaml_merge(stn_yaml_document *document, stn_yaml *base,
                          const stn_yaml *overlay, stn_error *err)
{
    if (base->kind != STN_YAML_MAP || overlay->kind != STN_YAML_MAP) {
        const stn_yaml *copy = copy_tree(&document->arena, overlay);
        if (!copy)
            return stn_fail_memory(err, overlay->file);
        replace(base, copy);
        return STN_OK;
    }
    for (const stn_yaml *n = overlay->first; n; n = n->next) {
        stn_yaml *old = find(base, n->key);
        if (old) {
            STN_TRY(stn_yaml_merge(document, old, n, err));
            continue;
        }
        stn_yaml *copy = copy_tree(&document->arena, n);
        if (!copy)
            return stn_fail_memory(err, overlay->file);
        append(base, copy);
    }
    return STN_OK;
}

/* The child of `node` that one part of a path names, or NULL. */
static stn_yaml *step(stn_yaml *node, const char *part)
{
    if (node->kind != STN_YAML_SEQUENCE)
        return find(node, part);
    char *end;
    unsigned long i = strtoul(part, &end, 10);
    if (part[0] < '0' || part[0] > '9' || *end)
        return NULL;
    stn_yaml *n = node->first;
    while (n && i-- > 0)
        n = n->next;
    return n;
}

static stn_status fail_step(const stn_yaml *node, const char *path,
                            const char *part, stn_error *err)
{
    const char *keys[65];
    size_t n = 0;
    if (node->kind == STN_YAML_MAP)
        for (const stn_yaml *c = node->first; c && n < 64; c = c->next)
            keys[n++] = c->key;
    keys[n] = NULL;
    const char *nearest = stn_nearest_word(part, keys);
    return stn_fail(err, STN_E_NOT_FOUND,
                    "%s: \"%s\" is not in the %s at %s:%d%s%s%s", path, part,
                    node->kind == STN_YAML_MAP        ? "map"
                    : node->kind == STN_YAML_SEQUENCE ? "list"
                                                      : "single value",
                    node->file, node->line, nearest ? "; did you mean \"" : "",
                    nearest ? nearest : "", nearest ? "\"?" : "");
}

/* Adds an empty child `part` to a map or to an empty value. */
static stn_yaml *add_step(stn_arena *arena, stn_yaml *node, const char *part,
                          const char *path)
{
    if (node->kind == STN_YAML_SCALAR && !*node->scalar)
        node->kind = STN_YAML_MAP;
    if (node->kind != STN_YAML_MAP)
        return NULL;
    stn_yaml *child = stn_arena_alloc(arena, 1, sizeof *child);
    const char *key = stn_arena_string(arena, part);
    const char *file = stn_arena_string(arena, path);
    if (!child || !key || !file)
        return NULL;
    *child = (stn_yaml){.key = key, .scalar = "", .file = file};
    append(node, child);
    return child;
}

stn_status stn_yaml_set(stn_yaml_document *document, const char *path,
                        const char *value, bool create, stn_error *err)
{
    /* The value comes first, so that a bad one changes nothing. */
    stn_yaml *tree;
    stn_status status =
        stn_yaml_build(document, path, value, strlen(value), &tree, err);
    if (status != STN_OK)
        return stn_fail_within(err, status, "value \"%.100s\"", value);
    if (tree->kind == STN_YAML_SCALAR)
        tree->line = 0; /* it has a path for its place */
    stn_yaml *node = document->root;
    for (const char *at = path;;) {
        char part[LONGEST_PART];
        size_t n = strcspn(at, ".");
        if (n == 0 || n >= sizeof part)
            return stn_fail(err, STN_E_ARGUMENT,
                            "%.200s: expected a path such as array.rows", path);
        memcpy(part, at, n);
        part[n] = '\0';
        stn_yaml *child = step(node, part);
        if (!child && create)
            child = add_step(&document->arena, node, part, path);
        if (!child)
            return fail_step(node, path, part, err);
        node = child;
        if (!at[n])
            break;
        at += n + 1;
    }
    replace(node, tree);
    return STN_OK;
}

stn_yaml *stn_yaml_find(stn_yaml_document *document, const char *path)
{
    stn_yaml *node = document->root;
    for (const char *at = path; node;) {
        char part[LONGEST_PART];
        size_t n = strcspn(at, ".");
        if (n == 0 || n >= sizeof part)
            return NULL;
        memcpy(part, at, n);
        part[n] = '\0';
        node = step(node, part);
        if (!at[n])
            break;
        at += n + 1;
    }
    return node;
}

void stn_yaml_assign(stn_yaml *node, const stn_yaml *value)
{
    replace(node, value);
}

void stn_yaml_remove(stn_yaml *map, const char *key)
{
    for (stn_yaml **link = &map->first; *link; link = &(*link)->next) {
        if (strcmp((*link)->key, key) == 0) {
            *link = (*link)->next;
            map->n_children--;
            return;
        }
    }
}
