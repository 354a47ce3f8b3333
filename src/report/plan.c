/* SPDX-License-Identifier: MIT
 *
 * Reading what is reproduced and what is published. */
#include "report/plan.h"
#include "base/file.h"
#include "base/share.h"
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

static const char *const SECTION_KEYS[] = {
    "machine", "data",       "variants", "only",       "baseline", "block",
    "bits",    "stochastic", "windows",  "converters", NULL};
static const char *const ROW_KEYS[] = {
    "quantity", "layer",      "variants", "data",       "value",
    "unit",     "conditions", "source",   "confidence", NULL};
static const char *const CONFIDENCES[] = {
    "text", "code", "derived", "assumed", "memory", "third_party", NULL};

/* A scalar member; NULL when it is absent and optional. */
static stn_status text(const stn_yaml *map, const char *key, bool required,
                       const char **out, stn_error *err)
{
    const stn_yaml *node = stn_yaml_get(map, key);
    if (!node && !required)
        return STN_OK;
    if (!node)
        return stn_yaml_fail(map, err, "needs '%s:'", key);
    if (node->kind != STN_YAML_SCALAR || !*node->scalar)
        return stn_yaml_fail(node, err, "'%s' is one word or text", key);
    *out = node->scalar;
    return STN_OK;
}

/* ---- filters: "a,b" */

static bool listed(const char *list, const char *word)
{
    size_t n = strlen(word);
    while (list) {
        if (strncmp(list, word, n) == 0 && (list[n] == ',' || !list[n]))
            return true;
        list = strchr(list, ',');
        list = list ? list + 1 : NULL;
    }
    return false;
}

static stn_status fail_filter(const char *what, const char *word,
                              const char *const *names, stn_error *err)
{
    char list[256];
    stn_list_words(list, sizeof list, names);
    return stn_fail(err, STN_E_ARGUMENT,
                    "the recipe reproduces no %s '%s'; it has %s", what, word,
                    list);
}

/* Refuses a word of `list` that is not among the n words. */
static stn_status check_filter(const char *what, const char *list,
                               const char *const *words, int n, stn_error *err)
{
    char word[128];
    for (const char *at = list; at && *at;) {
        size_t length = strcspn(at, ",");
        snprintf(word, sizeof word, "%.*s", (int)length, at);
        const char *names[STN_PLAN_MAX + 1] = {NULL};
        bool known = false;
        for (int i = 0; i < n; i++) {
            names[i] = words[i];
            known = known || !strcmp(words[i], word);
        }
        const char *nearest = stn_nearest_word(word, names);
        if (!known && nearest)
            return stn_fail(err, STN_E_ARGUMENT,
                            "the recipe reproduces no %s '%s'; did you mean "
                            "'%s'?",
                            what, word, nearest);
        if (!known)
            return fail_filter(what, word, names, err);
        at += length + (at[length] == ',');
    }
    return STN_OK;
}

/* Keeps the listed words, and what stands beside them, in order. */
static int filter(const char *list, const char **words, const char **beside,
                  int n)
{
    int kept = 0;
    for (int i = 0; i < n; i++) {
        if (list && !listed(list, words[i]))
            continue;
        words[kept] = words[i];
        if (beside)
            beside[kept] = beside[i];
        kept++;
    }
    return kept;
}

/* ---- the recipe */

static stn_status read_lists(stn_plan *p, const stn_yaml *section,
                             stn_error *err)
{
    const stn_yaml *data = stn_yaml_get(section, "data");
    const stn_yaml *variants = stn_yaml_get(section, "variants");
    if (!data || data->kind != STN_YAML_SEQUENCE)
        return stn_yaml_fail(section, err, "needs 'data: [NAME, ...]'");
    if (!variants || variants->kind != STN_YAML_MAP)
        return stn_yaml_fail(section, err,
                             "needs 'variants: {NAME: title, ...}'");
    if (data->n_children > STN_PLAN_MAX || variants->n_children > STN_PLAN_MAX)
        return stn_yaml_fail(section, err,
                             "at most %d data sets and %d variants",
                             STN_PLAN_MAX, STN_PLAN_MAX);
    for (const stn_yaml *d = data->first; d; d = d->next) {
        if (d->kind != STN_YAML_SCALAR)
            return stn_yaml_fail(d, err, "a data set is one word");
        p->data[p->n_data++] = d->scalar;
    }
    for (const stn_yaml *v = variants->first; v; v = v->next) {
        if (v->kind != STN_YAML_SCALAR)
            return stn_yaml_fail(v, err, "expected 'NAME: title'");
        p->variants[p->n_variants] = v->key;
        p->titles[p->n_variants++] = *v->scalar ? v->scalar : v->key;
    }
    return STN_OK;
}

/* A list of variants of the plan. */
static stn_status check_variants(const stn_plan *p, const stn_yaml *list,
                                 stn_error *err)
{
    if (list->kind != STN_YAML_SEQUENCE)
        return stn_yaml_fail(list, err, "expected a list of variants");
    for (const stn_yaml *v = list->first; v; v = v->next) {
        if (v->kind != STN_YAML_SCALAR)
            return stn_yaml_fail(v, err, "a variant is one word");
        STN_TRY(check_filter("variant", v->scalar, p->variants, p->n_variants,
                             err));
    }
    return STN_OK;
}

/* Every data set and variant that `only` names is one of the lists. */
static stn_status read_only(stn_plan *p, const stn_yaml *section,
                            stn_error *err)
{
    p->only = stn_yaml_get(section, "only");
    if (p->only && p->only->kind != STN_YAML_MAP)
        return stn_yaml_fail(p->only, err, "expected '{DATA: [VARIANT, ...]}'");
    for (const stn_yaml *d = p->only ? p->only->first : NULL; d; d = d->next) {
        STN_TRY(check_filter("data set", d->key, p->data, p->n_data, err));
        STN_TRY(check_variants(p, d, err));
    }
    return STN_OK;
}

static stn_status read_baseline(stn_plan *p, const stn_yaml *section,
                                stn_error *err)
{
    p->baseline = stn_yaml_get(section, "baseline");
    if (!p->baseline)
        return STN_OK;
    if (p->baseline->kind == STN_YAML_SEQUENCE)
        return stn_yaml_fail(p->baseline, err,
                             "expected a variant, or '{VARIANT: ITS BASELINE, "
                             "...}'");
    bool one = p->baseline->kind == STN_YAML_SCALAR;
    const stn_yaml *word = one ? p->baseline : p->baseline->first;
    for (; word; word = one ? NULL : word->next) {
        if (word->kind != STN_YAML_SCALAR)
            return stn_yaml_fail(word, err, "a variant is one word");
        char variant[128]; /* without a width, as in "shared@0.5" */
        snprintf(variant, sizeof variant, "%.*s",
                 (int)strcspn(word->scalar, "@"), word->scalar);
        STN_TRY(
            check_filter("variant", variant, p->variants, p->n_variants, err));
    }
    return STN_OK;
}

static stn_status read_bits(stn_plan *p, const stn_yaml *section,
                            stn_error *err)
{
    const stn_yaml *stochastic = stn_yaml_get(section, "stochastic");
    p->bits = stn_yaml_get(section, "bits");
    if (stochastic)
        STN_TRY(stn_yaml_bool(stochastic, &p->stochastic, err));
    if (p->bits && p->bits->kind != STN_YAML_MAP)
        return stn_yaml_fail(p->bits, err, "expected '{VARIANT: [N, ...]}'");
    for (const stn_yaml *v = p->bits ? p->bits->first : NULL; v; v = v->next) {
        STN_TRY(
            check_filter("variant", v->key, p->variants, p->n_variants, err));
        if (v->kind != STN_YAML_SEQUENCE || v->n_children > STN_PLAN_BITS)
            return stn_yaml_fail(v, err, "expected a list of at most %d",
                                 STN_PLAN_BITS);
        for (const stn_yaml *n = v->first; n; n = n->next) {
            int64_t bits;
            STN_TRY(stn_yaml_int(n, NULL, 2, 8, &bits, err));
        }
    }
    return STN_OK;
}

static stn_status read_windows(stn_plan *p, const stn_yaml *section,
                               stn_error *err)
{
    const stn_yaml *node = stn_yaml_get(section, "windows");
    int64_t windows = 0;
    if (node)
        STN_TRY(stn_yaml_int(node, NULL, 1, 255, &windows, err));
    p->windows = (int)windows;
    return STN_OK;
}

static stn_status read_converters(stn_plan *p, const stn_yaml *section,
                                  stn_error *err)
{
    static const char *const keys[] = {"machine", "variants", "images", "bits",
                                       NULL};
    const stn_yaml *map = stn_yaml_get(section, "converters"), *images;
    int64_t n = 100;
    if (!map)
        return STN_OK;
    STN_TRY(stn_yaml_check_keys(map, keys, err));
    STN_TRY(text(map, "machine", true, &p->converters, err));
    p->converted = stn_yaml_get(map, "variants");
    if (p->converted)
        STN_TRY(check_variants(p, p->converted, err));
    p->resolutions = stn_yaml_get(map, "bits");
    if (!p->resolutions || p->resolutions->kind != STN_YAML_SEQUENCE ||
        p->resolutions->n_children > STN_PLAN_RESOLUTIONS)
        return stn_yaml_fail(map, err,
                             "bits: expected a list of at most %d values of "
                             "options.adc_bits",
                             STN_PLAN_RESOLUTIONS);
    images = stn_yaml_get(map, "images");
    if (images)
        STN_TRY(stn_yaml_int(images, NULL, 1, 1000000, &n, err));
    p->converter_images = (int)n;
    return STN_OK;
}

/* "dir/bdnet.yaml" → "bdnet". */
static stn_status read_id(stn_plan *p, const char *recipe, stn_error *err)
{
    const char *slash = strrchr(recipe, '/');
    const char *name = slash ? slash + 1 : recipe;
    const char *dot = strstr(name, ".yaml");
    int n = (int)(dot ? (size_t)(dot - name) : strlen(name));
    return stn_path_format(p->id, sizeof p->id, err, "%.*s", n, name);
}

static stn_status read_recipe(stn_plan *p, const stn_reproduce_options *o,
                              stn_error *err)
{
    char path[STN_SHARE_PATH];
    STN_TRY(read_id(p, o->id, err));
    STN_TRY(stn_share_find("recipes", "recipe", o->id, path, err));
    STN_TRY(stn_yaml_load(path, &p->recipe, err));
    const stn_yaml *root = stn_yaml_root(p->recipe);
    const stn_yaml *section = stn_yaml_get(root, "reproduce");
    if (!section)
        return stn_yaml_fail(root, err,
                             "the recipe has no 'reproduce:' section; 'setun "
                             "train' trains it");
    STN_TRY(stn_yaml_check_keys(section, SECTION_KEYS, err));
    p->title = p->id;
    STN_TRY(text(root, "title", false, &p->title, err));
    STN_TRY(text(section, "machine", true, &p->machine, err));
    STN_TRY(text(section, "block", false, &p->block, err));
    STN_TRY(read_lists(p, section, err));
    STN_TRY(read_only(p, section, err));
    STN_TRY(read_baseline(p, section, err));
    STN_TRY(read_bits(p, section, err));
    STN_TRY(read_windows(p, section, err));
    STN_TRY(read_converters(p, section, err));
    STN_TRY(check_filter("data set", o->data, p->data, p->n_data, err));
    STN_TRY(
        check_filter("variant", o->variants, p->variants, p->n_variants, err));
    p->n_data = filter(o->data, p->data, NULL, p->n_data);
    p->n_variants = filter(o->variants, p->variants, p->titles, p->n_variants);
    if (o->machine)
        p->machine = o->machine;
    return STN_OK;
}

/* ---- published rows */

static stn_status read_row(const stn_yaml *node, stn_published_row *row,
                           stn_error *err)
{
    int confidence = 0;
    STN_TRY(stn_yaml_check_keys(node, ROW_KEYS, err));
    STN_TRY(text(node, "quantity", true, &row->quantity, err));
    STN_TRY(text(node, "unit", true, &row->unit, err));
    STN_TRY(text(node, "source", true, &row->source, err));
    STN_TRY(text(node, "confidence", true, &row->confidence, err));
    row->conditions = "";
    STN_TRY(text(node, "conditions", false, &row->conditions, err));
    STN_TRY(text(node, "layer", false, &row->layer, err));
    STN_TRY(text(node, "data", false, &row->data, err));
    STN_TRY(stn_yaml_choice(stn_yaml_get(node, "confidence"), CONFIDENCES,
                            &confidence, err));
    const stn_yaml *value = stn_yaml_get(node, "value");
    if (!value)
        return stn_yaml_fail(node, err, "needs 'value:'");
    row->variants = stn_yaml_get(node, "variants");
    return stn_yaml_number(value, NULL, -1e300, 1e300, &row->value, err);
}

static stn_status read_published(stn_plan *p, stn_error *err)
{
    char path[600];
    STN_TRY(stn_path_format(path, sizeof path, err, "%s/published/%s.yaml",
                            stn_share_directory(), p->id));
    if (!stn_file_exists(path))
        return STN_OK;
    STN_TRY(stn_yaml_load(path, &p->rows, err));
    const stn_yaml *rows = stn_yaml_get(stn_yaml_root(p->rows), "rows");
    if (!rows || rows->kind != STN_YAML_SEQUENCE)
        return stn_yaml_fail(stn_yaml_root(p->rows), err,
                             "needs 'rows:', a list");
    p->published =
        stn_arena_alloc(&p->arena, rows->n_children, sizeof *p->published);
    if (!p->published)
        return stn_fail_memory(err, "published rows");
    for (const stn_yaml *node = rows->first; node; node = node->next)
        STN_TRY(read_row(node, &p->published[p->n_published++], err));
    return STN_OK;
}

stn_status stn_plan_load(const stn_reproduce_options *options, stn_plan **out,
                         stn_error *err)
{
    stn_plan *p = stn_alloc(1, sizeof *p);
    if (!p)
        return stn_fail_memory(err, "plan");
    stn_status status = read_recipe(p, options, err);
    if (status == STN_OK)
        status = read_published(p, err);
    if (status == STN_OK)
        *out = p;
    else
        stn_plan_destroy(p);
    return status;
}

void stn_plan_destroy(stn_plan *plan)
{
    if (!plan)
        return;
    stn_yaml_destroy(plan->recipe);
    stn_yaml_destroy(plan->rows);
    stn_arena_deinit(&plan->arena);
    stn_free(plan);
}

/* ---- matching */

static bool names(const stn_yaml *list, const char *word)
{
    if (!list)
        return true;
    for (const stn_yaml *v = list->first; v; v = v->next)
        if (v->kind == STN_YAML_SCALAR && !strcmp(v->scalar, word))
            return true;
    return false;
}

bool stn_plan_runs(const stn_plan *plan, int v, const char *data)
{
    const stn_yaml *list = plan->only ? stn_yaml_get(plan->only, data) : NULL;
    return names(list, plan->variants[v]);
}

const char *stn_plan_baseline(const stn_plan *plan, const char *variant)
{
    const stn_yaml *node = plan->baseline;
    if (node && node->kind == STN_YAML_MAP)
        node = stn_yaml_get(node, variant);
    return node ? node->scalar : NULL;
}

int stn_plan_bits(const stn_plan *plan, int v, int bits[STN_PLAN_BITS])
{
    const stn_yaml *list =
        plan->bits ? stn_yaml_get(plan->bits, plan->variants[v]) : NULL;
    int n = 0;
    for (const stn_yaml *b = list ? list->first : NULL; b; b = b->next) {
        int64_t value = 0;
        if (stn_yaml_int(b, NULL, 2, 8, &value, NULL) == STN_OK)
            bits[n++] = (int)value;
    }
    return n;
}

/* "8", or "[3, 3, 3, 1]". */
static const char *resolution_text(stn_plan *plan, const stn_yaml *node)
{
    char out[96] = "";
    size_t n = 0;
    if (node->kind == STN_YAML_SCALAR)
        return node->scalar;
    for (const stn_yaml *v = node->first; v && n < sizeof out; v = v->next)
        n += (size_t)snprintf(out + n, sizeof out - n, "%s%s", n ? ", " : "[",
                              v->scalar ? v->scalar : "");
    if (n < sizeof out)
        snprintf(out + n, sizeof out - n, "]");
    return stn_arena_string(&plan->arena, out);
}

int stn_plan_resolutions(stn_plan *plan, int v,
                         const char *texts[STN_PLAN_RESOLUTIONS])
{
    int n = 0;
    const stn_yaml *first = plan->resolutions ? plan->resolutions->first : NULL;
    if (!names(plan->converted, plan->variants[v]))
        return 0;
    for (const stn_yaml *r = first; r; r = r->next)
        texts[n++] = resolution_text(plan, r);
    return n;
}

const stn_published_row *
stn_plan_published(const stn_plan *plan, const char *quantity, const char *data,
                   const char *variant, const char *layer)
{
    for (int i = 0; i < plan->n_published; i++) {
        const stn_published_row *row = &plan->published[i];
        bool same_layer =
            layer ? row->layer && !strcmp(row->layer, layer) : !row->layer;
        if (!strcmp(row->quantity, quantity) && same_layer &&
            (!row->data || fnmatch(row->data, data, 0) == 0) &&
            names(row->variants, variant))
            return row;
    }
    return NULL;
}
