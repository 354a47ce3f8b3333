/* SPDX-License-Identifier: MIT
 *
 * Reading a comparison file. What is unknown is refused by name, so that a
 * misspelt case cannot compare nothing. */
#include "base/share.h"
#include "report/compare.h"
#include <math.h>
#include <string.h>

const char *const stn_compare_quantity_names[] = {
    "energy", "latency", "area", "power", "efficiency", "density", NULL};

static const char *const FILE_KEYS[] = {"title", "scope",     "layers",
                                        "cases", "published", NULL};
static const char *const CASE_KEYS[] = {
    "machine", "network", "set",         "parameters", "layers",
    "weights", "ends",    "activations", "density",    "codes",
    "float",   "adc",     "window",      "ones",       NULL};
static const char *const CODE_KEYS[] = {"layers", "bits", "density", NULL};
static const char *const ROW_KEYS[] = {"quantity", "case",       "over",
                                       "events",   "value",      "unit",
                                       "source",   "confidence", NULL};
static const char *const CONFIDENCES[] = {"text",    "code",   "third_party",
                                          "derived", "memory", NULL};

static stn_status text(const stn_yaml *map, const char *key, bool required,
                       const char **out, stn_error *err)
{
    const stn_yaml *node = stn_yaml_get(map, key);
    if (!node && !required)
        return STN_OK;
    if (!node || node->kind != STN_YAML_SCALAR || !node->scalar[0])
        return stn_yaml_fail(node ? node : map, err, "needs a text \"%s\"",
                             key);
    *out = node->scalar;
    return STN_OK;
}

/* Of texts; an absent key leaves it as it is. */
static stn_status list(const stn_yaml *map, const char *key,
                       stn_compare_list *out, stn_error *err)
{
    const stn_yaml *node = stn_yaml_get(map, key);
    if (!node)
        return STN_OK;
    if (node->kind != STN_YAML_SEQUENCE || node->n_children > STN_COMPARE_LIST)
        return stn_yaml_fail(node, err, "%s: expected a list of at most %d",
                             key, STN_COMPARE_LIST);
    out->n = 0;
    for (const stn_yaml *i = node->first; i; i = i->next) {
        if (i->kind != STN_YAML_SCALAR)
            return stn_yaml_fail(i, err, "%s: expected a text", key);
        out->items[out->n++] = i->scalar;
    }
    return STN_OK;
}

static stn_status whole(const stn_yaml *map, const char *key, int64_t min,
                        int64_t max, int *out, stn_error *err)
{
    const stn_yaml *node = stn_yaml_get(map, key);
    int64_t value = 0;
    if (!node)
        return STN_OK;
    STN_TRY(stn_yaml_int(node, NULL, min, max, &value, err));
    *out = (int)value;
    return STN_OK;
}

static stn_status share(const stn_yaml *map, const char *key, double *out,
                        stn_error *err)
{
    const stn_yaml *node = stn_yaml_get(map, key);
    return node ? stn_yaml_number(node, NULL, 1e-9, 1, out, err) : STN_OK;
}

static stn_status read_codes(const stn_yaml *map, stn_compare_case *c,
                             stn_error *err)
{
    const stn_yaml *node = stn_yaml_get(map, "codes");
    if (!node)
        return STN_OK;
    if (node->kind != STN_YAML_SEQUENCE || node->n_children > STN_COMPARE_LIST)
        return stn_yaml_fail(node, err, "codes: expected a list of at most %d",
                             STN_COMPARE_LIST);
    for (const stn_yaml *i = node->first; i; i = i->next) {
        stn_outline_codes *codes = &c->codes[c->outline.n_codes++];
        codes->density = 1.0;
        STN_TRY(stn_yaml_check_keys(i, CODE_KEYS, err));
        STN_TRY(text(i, "layers", true, &codes->layers, err));
        STN_TRY(whole(i, "bits", 1, 8, &codes->bits, err));
        STN_TRY(share(i, "density", &codes->density, err));
        if (!codes->bits)
            return stn_yaml_fail(i, err, "needs a number \"bits\"");
    }
    return STN_OK;
}

static stn_status read_case(const stn_yaml *node, stn_compare_case *c,
                            stn_error *err)
{
    const stn_yaml *is_float = stn_yaml_get(node, "float");
    STN_TRY(stn_yaml_check_keys(node, CASE_KEYS, err));
    c->name = node->key;
    c->outline = stn_outline_defaults();
    STN_TRY(text(node, "machine", true, &c->machine, err));
    STN_TRY(whole(node, "adc", 1, 16, &c->adc_bits, err));
    STN_TRY(text(node, "network", !c->adc_bits, &c->network, err));
    STN_TRY(whole(node, "weights", 1, 8, &c->outline.weight_bits, err));
    STN_TRY(whole(node, "ends", 1, 8, &c->outline.end_bits, err));
    STN_TRY(
        whole(node, "activations", 1, 16, &c->outline.activation_bits, err));
    STN_TRY(share(node, "density", &c->outline.density, err));
    STN_TRY(share(node, "ones", &c->ones, err));
    STN_TRY(whole(node, "window", 1, 255, &c->window, err));
    if (is_float)
        STN_TRY(stn_yaml_bool(is_float, &c->is_float, err));
    STN_TRY(read_codes(node, c, err));
    STN_TRY(list(node, "set", &c->set, err));
    STN_TRY(list(node, "parameters", &c->parameters, err));
    STN_TRY(list(node, "layers", &c->layers, err));
    c->outline.set = c->parameters.items;
    c->outline.n_set = c->parameters.n;
    c->outline.codes = c->codes;
    return STN_OK;
}

static stn_status read_cases(const stn_yaml *root, stn_compare_file *f,
                             stn_error *err)
{
    const stn_yaml *cases = stn_yaml_get(root, "cases");
    if (!cases || cases->kind != STN_YAML_MAP ||
        cases->n_children > STN_COMPARE_CASES)
        return stn_yaml_fail(cases ? cases : root, err,
                             "cases: expected a map of at most %d",
                             STN_COMPARE_CASES);
    for (const stn_yaml *i = cases->first; i; i = i->next) {
        stn_compare_case *c = &f->cases[f->n_cases++];
        STN_TRY(list(root, "layers", &c->layers, err));
        STN_TRY(read_case(i, c, err));
    }
    return STN_OK;
}

static stn_status find_case(const stn_compare_file *f, const stn_yaml *row,
                            const char *key, int *out, stn_error *err)
{
    const char *names[STN_COMPARE_CASES + 1] = {NULL};
    for (int i = 0; i < f->n_cases; i++)
        names[i] = f->cases[i].name;
    const stn_yaml *node = stn_yaml_get(row, key);
    if (!node)
        return stn_yaml_fail(row, err, "needs a text \"%s\"", key);
    return stn_yaml_choice(node, names, out, err);
}

/* Units by quantity; a ratio has x. */
static stn_status read_unit(const stn_yaml *row, stn_compare_published *p,
                            stn_error *err)
{
    static const struct {
        const char *unit;
        int quantity;
        double scale;
    } units[] = {{"uJ", STN_COMPARE_ENERGY, 1e6},
                 {"mJ", STN_COMPARE_ENERGY, 1e3},
                 {"ms", STN_COMPARE_LATENCY, 1e3},
                 {"us", STN_COMPARE_LATENCY, 1e6},
                 {"mm2", STN_COMPARE_AREA, 1e6},
                 {"W", STN_COMPARE_POWER, 1},
                 {"TOPS/W", STN_COMPARE_EFFICIENCY, 1e-12},
                 {"TOPS/mm2", STN_COMPARE_DENSITY, 1e-18}};
    p->scale = 1.0;
    STN_TRY(text(row, "unit", true, &p->unit, err));
    if (p->over >= 0 && strcmp(p->unit, "x") == 0)
        return STN_OK;
    for (size_t i = 0; p->over < 0 && i < sizeof units / sizeof units[0]; i++)
        if (units[i].quantity == p->quantity &&
            strcmp(units[i].unit, p->unit) == 0) {
            p->scale = units[i].scale;
            return STN_OK;
        }
    return stn_yaml_fail(stn_yaml_get(row, "unit"), err,
                         "unit: got \"%.20s\", expected x for a ratio, else "
                         "uJ, mJ, ms, us, mm2, W, TOPS/W or TOPS/mm2",
                         p->unit);
}

static stn_status read_row(const stn_compare_file *f, const stn_yaml *row,
                           stn_compare_published *p, stn_error *err)
{
    int confidence = 0;
    STN_TRY(stn_yaml_check_keys(row, ROW_KEYS, err));
    const stn_yaml *quantity = stn_yaml_get(row, "quantity");
    const stn_yaml *value = stn_yaml_get(row, "value");
    if (!quantity || !value)
        return stn_yaml_fail(row, err, "needs \"quantity\" and \"value\"");
    STN_TRY(stn_yaml_choice(quantity, stn_compare_quantity_names, &p->quantity,
                            err));
    STN_TRY(stn_yaml_number(value, NULL, 0, INFINITY, &p->value, err));
    p->over = -1;
    STN_TRY(find_case(f, row, "case", &p->of, err));
    if (stn_yaml_get(row, "over"))
        STN_TRY(find_case(f, row, "over", &p->over, err));
    STN_TRY(list(row, "events", &p->events, err));
    bool of_energy = p->quantity == STN_COMPARE_ENERGY ||
                     p->quantity == STN_COMPARE_EFFICIENCY;
    if (p->events.n && (!of_energy || p->over >= 0 ||
                        f->cases[p->of].adc_bits || f->cases[p->of].is_float))
        return stn_yaml_fail(
            stn_yaml_get(row, "events"), err,
            "events: expected with the energy or efficiency of "
            "a network of integers, without \"over\"");
    STN_TRY(read_unit(row, p, err));
    STN_TRY(text(row, "source", true, &p->source, err));
    STN_TRY(text(row, "confidence", true, &p->confidence, err));
    return stn_yaml_choice(stn_yaml_get(row, "confidence"), CONFIDENCES,
                           &confidence, err);
}

static stn_status read_published(const stn_yaml *root, stn_compare_file *f,
                                 stn_error *err)
{
    const stn_yaml *rows = stn_yaml_get(root, "published");
    if (!rows || rows->kind != STN_YAML_SEQUENCE)
        return stn_yaml_fail(rows ? rows : root, err,
                             "published: expected a list of figures");
    f->published =
        stn_arena_alloc(&f->arena, rows->n_children + 1, sizeof *f->published);
    if (!f->published)
        return stn_fail_memory(err, "published figures");
    for (const stn_yaml *i = rows->first; i; i = i->next)
        STN_TRY(read_row(f, i, &f->published[f->n_published++], err));
    return STN_OK;
}

static stn_status read_all(const char *id, stn_compare_file *f, stn_error *err)
{
    char path[STN_SHARE_PATH];
    STN_TRY(stn_share_find("comparisons", "comparison", id, path, err));
    STN_TRY(stn_yaml_load(path, &f->document, err));
    const stn_yaml *root = stn_yaml_root(f->document);
    f->scope = "network";
    STN_TRY(stn_yaml_check_keys(root, FILE_KEYS, err));
    STN_TRY(text(root, "title", true, &f->title, err));
    STN_TRY(text(root, "scope", false, &f->scope, err));
    STN_TRY(read_cases(root, f, err));
    return read_published(root, f, err);
}

stn_status stn_compare_file_read(const char *id, stn_compare_file **out,
                                 stn_error *err)
{
    stn_compare_file *f = stn_alloc(1, sizeof *f);
    if (!f)
        return stn_fail_memory(err, "a comparison");
    stn_status status = read_all(id, f, err);
    if (status != STN_OK) {
        stn_compare_file_destroy(f);
        return status;
    }
    *out = f;
    return STN_OK;
}

void stn_compare_file_destroy(stn_compare_file *file)
{
    if (!file)
        return;
    stn_yaml_destroy(file->document);
    stn_arena_deinit(&file->arena);
    stn_free(file);
}
