/* SPDX-License-Identifier: MIT
 *
 * Resolving a recipe: which variant, data set and budget, and what that
 * changes. A section of `when:` is named by the axes it looks at, joined by
 * '+'; its entries by the values on these axes:
 *
 *     when:
 *       data: {mnist: {…}, cifar10: {…}}
 *       data+budget: {mnist+full: {epochs: 15}} */
#include "train/recipe.h"

#include <stdio.h>
#include <string.h>

#define PART_CAPACITY 256

static const char *const axes[] = {"variant", "data", "budget", NULL};
static const char *const budgets[] = {"quick", "full", "demo", NULL};

enum { VARIANT, DATA, BUDGET, N_AXES };

const char *stn_data_short_name(const char *data)
{
    const char *slash = strrchr(data, '/');

    return slash && slash[1] ? slash + 1 : data;
}

/* Copies up to the next '+' and steps over it; false at the end. */
static bool next_part(const char **text, char *part)
{
    size_t n = strcspn(*text, "+");

    if (!**text)
        return false;
    snprintf(part, PART_CAPACITY, "%.*s", (int)n, *text);
    *text += n + ((*text)[n] == '+');
    return true;
}

static bool is_listed(const stn_yaml *list, const char *word)
{
    for (const stn_yaml *v = list ? list->first : NULL; v; v = v->next)
        if (v->kind == STN_YAML_SCALAR && strcmp(v->scalar, word) == 0)
            return true;
    return false;
}

static bool is_word(const char *const *words, const char *word)
{
    while (*words && strcmp(*words, word) != 0)
        words++;
    return *words != NULL;
}

/* Refuses a value that can never be chosen, which is a typing error. */
static stn_status check_value(const stn_yaml *root, const stn_yaml *entry,
                              int axis, const char *value, stn_error *err)
{
    if (axis == VARIANT && !is_listed(stn_yaml_get(root, "variants"), value))
        return stn_yaml_fail(entry, err, "'%s' is not among 'variants:'",
                             value);
    if (axis == BUDGET && !is_word(budgets, value))
        return stn_yaml_fail(entry, err,
                             "'%s' is no budget; expected demo, quick or full",
                             value);
    return STN_OK;
}

/* Whether the entry's values are the chosen ones. */
static stn_status matches(const stn_yaml *root, const char *section,
                          const stn_yaml *entry,
                          const char *const chosen[N_AXES], bool *out,
                          stn_error *err)
{
    const char *names = section, *values = entry->key;
    char name[PART_CAPACITY], value[PART_CAPACITY];
    bool all = true;

    while (next_part(&names, name)) {
        int axis = 0;

        if (!next_part(&values, value))
            return stn_yaml_fail(entry, err,
                                 "'%s' has too few parts; section '%s' "
                                 "expects one value for each, joined by '+'",
                                 entry->key, section);
        while (axes[axis] && strcmp(axes[axis], name) != 0)
            axis++;
        if (axis == N_AXES)
            return stn_yaml_fail(entry, err,
                                 "section '%s' of 'when:' is not made of "
                                 "variant, data and budget",
                                 section);
        STN_TRY(check_value(root, entry, axis, value, err));
        all = all && strcmp(value, chosen[axis]) == 0;
    }
    if (*values)
        return stn_yaml_fail(entry, err, "'%s' has more parts than '%s'",
                             entry->key, section);
    *out = all;
    return STN_OK;
}

static stn_status lay_sections(stn_yaml_document *document,
                               const char *const chosen[N_AXES], stn_error *err)
{
    stn_yaml *root = stn_yaml_root(document);
    const stn_yaml *when = stn_yaml_get(root, "when");

    for (const stn_yaml *s = when ? when->first : NULL; s; s = s->next) {
        for (const stn_yaml *entry = s->first; entry; entry = entry->next) {
            bool match;

            if (!s->key || !entry->key)
                return stn_yaml_fail(entry, err, "'when:' holds maps of maps");
            STN_TRY(matches(root, s->key, entry, chosen, &match, err));
            if (entry->kind == STN_YAML_SCALAR && !*entry->scalar)
                continue;
            STN_TRY(stn_yaml_check_keys(entry, stn_recipe_fields, err));
            if (match)
                STN_TRY(stn_yaml_merge(document, root, entry, err));
        }
    }
    return STN_OK;
}

/* The text of a root field, or NULL. */
static const char *field(const stn_yaml *root, const char *key)
{
    const stn_yaml *node = stn_yaml_get(root, key);

    return node && node->kind == STN_YAML_SCALAR && *node->scalar ? node->scalar
                                                                  : NULL;
}

/* Names the variants, for an error text. */
static void list_words(const stn_yaml *list, char *text, size_t capacity)
{
    size_t used = 0;

    text[0] = '\0';
    for (const stn_yaml *v = list->first; v && used < capacity; v = v->next)
        used += (size_t)snprintf(text + used, capacity - used, "%s%s",
                                 used ? ", " : "", v->scalar ? v->scalar : "");
}

static stn_status choose_variant(const stn_yaml *root, const char *asked,
                                 const char **out, stn_error *err)
{
    const stn_yaml *variants = stn_yaml_get(root, "variants");
    const char *own = field(root, "variant");
    char names[256];

    if (!variants) {
        if (asked && (!own || strcmp(asked, own) != 0))
            return stn_yaml_fail(root, err,
                                 "the recipe has no variant '%s'; it has none: "
                                 "leave the variant out",
                                 asked);
        *out = own ? own : "";
        return STN_OK;
    }
    if (variants->kind != STN_YAML_SEQUENCE || !variants->first ||
        variants->first->kind != STN_YAML_SCALAR)
        return stn_yaml_fail(variants, err, "expected a list of names");
    *out = asked ? asked : variants->first->scalar;
    if (is_listed(variants, *out))
        return STN_OK;
    list_words(variants, names, sizeof(names));
    return stn_yaml_fail(variants, err,
                         "the recipe has no variant '%s'; it has %s", *out,
                         names);
}

static stn_status choose(const stn_yaml *root, const stn_recipe_choice *choice,
                         const char *chosen[N_AXES], stn_error *err)
{
    const char *own_budget = field(root, "budget");

    STN_TRY(choose_variant(root, choice->variant, &chosen[VARIANT], err));
    chosen[DATA] = choice->data ? choice->data : field(root, "data");
    if (!chosen[DATA])
        return stn_yaml_fail(root, err,
                             "the recipe names no data set; add "
                             "'data: NAME' or give one");
    chosen[BUDGET] = choice->budget ? choice->budget
                     : own_budget   ? own_budget
                                    : budgets[0];
    if (!is_word(budgets, chosen[BUDGET]))
        return stn_fail(err, STN_E_ARGUMENT,
                        "budget '%s' does not exist; expected demo, quick or "
                        "full",
                        chosen[BUDGET]);
    return STN_OK;
}

/* Sets a root field to a text that YAML must not interpret. */
static stn_status set_text(stn_yaml_document *document, const char *key,
                           const char *value, stn_error *err)
{
    char quoted[2 * PART_CAPACITY];
    size_t n = 0;

    /* Single-quoted YAML: only the quote itself is doubled. */
    quoted[n++] = '\'';
    for (; *value && n + 4 < sizeof(quoted); value++) {
        if (*value == '\'')
            quoted[n++] = '\'';
        quoted[n++] = *value;
    }
    quoted[n++] = '\'';
    quoted[n] = '\0';
    if (*value)
        return stn_fail(err, STN_E_ARGUMENT, "%s: the name is too long", key);
    return stn_yaml_set(document, key, quoted, true, err);
}

/* A constant that the recipe does not name would change nothing. */
static stn_status check_constant(stn_yaml_document *document, const char *path,
                                 stn_error *err)
{
    static const char prefix[] = "constants.";
    const stn_yaml *constants =
        stn_yaml_get(stn_yaml_root(document), "constants");
    const char *keys[65];
    size_t n = 0;

    if (strncmp(path, prefix, sizeof(prefix) - 1) != 0 ||
        stn_yaml_find(document, path))
        return STN_OK;
    if (!constants || constants->kind != STN_YAML_MAP)
        return stn_fail(err, STN_E_ARGUMENT,
                        "%s: the recipe has no constants to set", path);
    for (const stn_yaml *c = constants->first; c && n < 64; c = c->next)
        keys[n++] = c->key;
    keys[n] = NULL;
    return stn_yaml_fail_key(constants, path + sizeof(prefix) - 1, keys, err);
}

static stn_status apply_set(stn_yaml_document *document, const char *text,
                            stn_error *err)
{
    const char *equals = strchr(text, '=');
    char path[PART_CAPACITY];

    if (!equals || equals == text || equals - text >= PART_CAPACITY)
        return stn_fail(err, STN_E_ARGUMENT,
                        "'%s': expected PATH.TO.FIELD=VALUE, such as "
                        "optimiser.sgd.lr=0.01",
                        text);
    snprintf(path, sizeof(path), "%.*s", (int)(equals - text), text);
    STN_TRY(check_constant(document, path, err));
    return stn_yaml_set(document, path, equals + 1, true, err);
}

stn_status stn_recipe_resolve(stn_yaml_document *document,
                              const stn_recipe_choice *choice, stn_error *err)
{
    stn_yaml *root = stn_yaml_root(document);
    const char *chosen[N_AXES], *keyed[N_AXES];

    if (root->kind != STN_YAML_MAP)
        return stn_yaml_fail(root, err, "a recipe is a map");
    STN_TRY(choose(root, choice, chosen, err));
    memcpy(keyed, chosen, sizeof(keyed));
    keyed[DATA] = stn_data_short_name(chosen[DATA]);
    STN_TRY(lay_sections(document, keyed, err));
    for (int axis = 0; axis < N_AXES; axis++)
        STN_TRY(set_text(document, axes[axis], chosen[axis], err));
    for (int i = 0; i < choice->n_set; i++)
        STN_TRY(apply_set(document, choice->set[i], err));
    stn_yaml_remove(root, "when");
    stn_yaml_remove(root, "variants");
    stn_yaml_remove(root, "reproduce"); /* read by src/report alone */
    return STN_OK;
}
