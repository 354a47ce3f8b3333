/* SPDX-License-Identifier: MIT
 *
 * Reading recipes. A file is first resolved (recipe_when.c) and then read by
 * tables; a checkpoint holds the resolved form, which is read the same way. */
#include "train/recipe.h"

#include "base/file.h"
#include "base/share.h"
#include "compress/compress.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

// clang-format off
static const char *const inits[] = {"fan_in", "fan_out", NULL};

static const stn_attr numbers[] = {
    {"epochs", STN_ATTR_INT, offsetof(stn_recipe, epochs), NAN, 0, 100000,
     NULL, "passes over the training pictures"},
    {"batch", STN_ATTR_INT, offsetof(stn_recipe, batch), 128, 1, 65536, NULL,
     "pictures a step"},
    {"shards", STN_ATTR_INT, offsetof(stn_recipe, shards), 8, 1, 256, NULL,
     "parts a batch is cut into; bounds the useful threads"},
    {"validation", STN_ATTR_INT, offsetof(stn_recipe, validation), 0, 0, 1e9,
     NULL, "pictures held out of the training split"},
    {"init", STN_ATTR_CHOICE, offsetof(stn_recipe, init), STN_INIT_FAN_IN, 0,
     0, inits, "width of the initial weights of convolutions"},
    {"label_smoothing", STN_ATTR_FLOAT, offsetof(stn_recipe, label_smoothing),
     0, 0, 0.99, NULL, "share of the target spread over all classes"},
    {"penalise_until", STN_ATTR_FLOAT, offsetof(stn_recipe, penalise_until),
     1, 0, 1, NULL, "share of all steps with penalties"},
    {.name = NULL}};

static const stn_attr augment_attrs[] = {
    {"crop_pad", STN_ATTR_INT, offsetof(stn_augment, crop_pad), 0, 0, 64,
     NULL, "zero pixels around a picture before a random crop"},
    {"flip", STN_ATTR_BOOL, offsetof(stn_augment, flip), 0, 0, 1, NULL,
     "mirror left-right at random"},
    {.name = NULL}};

static const stn_attr distil_attrs[] = {
    {"share", STN_ATTR_FLOAT, offsetof(stn_distil, share), 1, 0, 1, NULL,
     "of the loss of narrower widths: from the widest, not from labels"},
    {"temperature", STN_ATTR_FLOAT, offsetof(stn_distil, temperature), 1,
     0.01, 1000, NULL, "divides the logits of both"},
    {.name = NULL}};
// clang-format on

const char *const stn_recipe_fields[] = {
    "title",     "description",     "network",   "parameters", "data",
    "epochs",    "batch",           "shards",    "validation", "augment",
    "init",      "label_smoothing", "optimiser", "schedule",   "compress",
    "constants", "penalise_until",  "start",     "widths",     "distil",
    NULL};

/* Fields that are not numbers. */
static const char *const others[] = {
    "id",        "title",  "description", "network",  "parameters", "data",
    "variant",   "budget", "optimiser",   "schedule", "compress",   "augment",
    "constants", "start",  "widths",      "distil",   NULL};

static stn_status read_text(const stn_yaml *root, const char *key, char *out,
                            size_t capacity, stn_error *err)
{
    const stn_yaml *node = stn_yaml_get(root, key);

    if (!node || node->kind != STN_YAML_SCALAR)
        return stn_yaml_fail(node ? node : root, err,
                             "expected '%s: TEXT' here", key);
    if (strlen(node->scalar) >= capacity)
        return stn_yaml_fail(node, err, "'%s' is longer than %zu bytes", key,
                             capacity - 1);
    strcpy(out, node->scalar);
    return STN_OK;
}

static stn_status read_optimiser(stn_recipe *r, const stn_yaml *root,
                                 stn_error *err)
{
    const stn_yaml *node = stn_yaml_get(root, "optimiser"), *options = NULL;
    int kind = 0;

    if (node)
        STN_TRY(stn_yaml_pick(node, stn_optimiser_names, &kind, &options, err));
    r->optimiser = stn_optimiser_types[kind];
    r->optimiser_attrs =
        stn_arena_alloc(&r->arena, 1, r->optimiser->attrs_size);
    if (!r->optimiser_attrs)
        return stn_fail_memory(err, "optimiser options");
    return stn_attrs_parse(r->optimiser->attrs, options, NULL, NULL,
                           r->optimiser_attrs, err);
}

static stn_status read_schedule(stn_recipe *r, const stn_yaml *root,
                                stn_error *err)
{
    const stn_yaml *node = stn_yaml_get(root, "schedule"), *options = NULL;
    int kind = 0;

    if (node)
        STN_TRY(stn_yaml_pick(node, stn_schedule_names, &kind, &options, err));
    r->schedule = stn_schedule_types[kind];
    r->schedule_attrs = stn_arena_alloc(&r->arena, 1, r->schedule->attrs_size);
    if (!r->schedule_attrs)
        return stn_fail_memory(err, "schedule options");
    return stn_attrs_parse(r->schedule->attrs, options, NULL, NULL,
                           r->schedule_attrs, err);
}

/* `start: VARIANT` or `start: {recipe: ID, variant: NAME}`. */
static stn_status read_start(stn_recipe *r, const stn_yaml *root,
                             stn_error *err)
{
    static const char *const keys[] = {"recipe", "variant", NULL};
    const stn_yaml *node = stn_yaml_get(root, "start");

    if (!node)
        return STN_OK;
    if (node->kind == STN_YAML_SCALAR)
        return read_text(root, "start", r->start_variant,
                         sizeof(r->start_variant), err);
    STN_TRY(stn_yaml_check_keys(node, keys, err));
    STN_TRY(read_text(node, "recipe", r->start_recipe, sizeof(r->start_recipe),
                      err));
    if (!stn_yaml_get(node, "variant"))
        return STN_OK;
    return read_text(node, "variant", r->start_variant,
                     sizeof(r->start_variant), err);
}

bool stn_recipe_starts(const stn_recipe *recipe)
{
    return *recipe->start_recipe || *recipe->start_variant;
}

/* `widths: [0.25, 0.5, 1]`. */
static stn_status read_widths(stn_recipe *r, const stn_yaml *root,
                              stn_error *err)
{
    const stn_yaml *list = stn_yaml_get(root, "widths");
    const stn_yaml *distil = stn_yaml_get(root, "distil");
    double before = 0;

    STN_TRY(stn_attrs_parse(distil_attrs, distil, NULL, NULL, &r->distil, err));
    if (distil && !list)
        return stn_yaml_fail(distil, err,
                             "distil: only narrower widths learn from the "
                             "widest, and the recipe has no 'widths'");
    if (!list)
        return STN_OK;
    if (list->kind != STN_YAML_SEQUENCE || list->n_children > STN_WIDTHS_MAX)
        return stn_yaml_fail(list, err,
                             "expected a list of up to %d shares of the "
                             "channels, such as [0.25, 0.5, 1]",
                             STN_WIDTHS_MAX);
    for (const stn_yaml *w = list->first; w; w = w->next) {
        double *width = &r->widths[r->n_widths++];
        STN_TRY(stn_yaml_number(w, NULL, 0.001, 1, width, err));
        if (*width <= before || (!w->next && *width != 1))
            return stn_yaml_fail(w, err,
                                 "widths ascend and end with 1, the whole "
                                 "network");
        before = *width;
    }
    return STN_OK;
}

/* Fills everything but the network from the resolved document. */
static stn_status read_fields(stn_recipe *r, stn_error *err)
{
    const stn_yaml *root = stn_yaml_root(r->document), *batch;

    STN_TRY(stn_attrs_parse(numbers, root, NULL, others, r, err));
    STN_TRY(read_text(root, "id", r->id, sizeof(r->id), err));
    STN_TRY(read_text(root, "variant", r->variant, sizeof(r->variant), err));
    STN_TRY(read_text(root, "data", r->data, sizeof(r->data), err));
    STN_TRY(read_text(root, "budget", r->budget, sizeof(r->budget), err));
    STN_TRY(read_start(r, root, err));
    batch = stn_yaml_get(root, "batch");
    if (r->batch % r->shards != 0)
        return stn_yaml_fail(batch ? batch : root, err,
                             "a batch of %d pictures cannot be cut into %d "
                             "equal shards; make it a multiple",
                             r->batch, r->shards);
    STN_TRY(stn_attrs_parse(augment_attrs, stn_yaml_get(root, "augment"), NULL,
                            NULL, &r->augment, err));
    STN_TRY(read_widths(r, root, err));
    STN_TRY(read_optimiser(r, root, err));
    STN_TRY(read_schedule(r, root, err));
    r->parameters = stn_yaml_get(root, "parameters");
    r->constants = stn_yaml_get(root, "constants");
    r->compress = stn_yaml_get(root, "compress");
    return STN_OK;
}

/* A file stands beside the recipe; a bare name is one of share/setun. */
static stn_status load_network(stn_recipe *r, const char *recipe_path,
                               stn_error *err)
{
    const stn_yaml *root = stn_yaml_root(r->document);
    const stn_yaml *node = stn_yaml_get(root, "network");
    const char *slash = strrchr(recipe_path, '/');
    char name[256], file[1024], path[STN_SHARE_PATH];
    stn_status status;
    bool beside;

    STN_TRY(read_text(root, "network", name, sizeof(name), err));
    beside = stn_share_is_file(name) && name[0] != '/' && slash;
    STN_TRY(stn_path_format(file, sizeof(file), err, "%.*s%s",
                            beside ? (int)(slash - recipe_path) + 1 : 0,
                            recipe_path, name));
    status = stn_share_find("networks", "network", file, path, err);
    if (status != STN_OK)
        return stn_fail_within(err, status, "%s:%d", node->file, node->line);
    return stn_yaml_load(path, &r->network, err);
}

static stn_status load(stn_recipe *r, const char *path,
                       const stn_recipe_choice *choice, stn_error *err)
{
    STN_TRY(stn_yaml_load(path, &r->document, err));
    STN_TRY(stn_recipe_resolve(r->document, choice, err));
    STN_TRY(read_fields(r, err));
    return load_network(r, path, err);
}

stn_status stn_recipe_load(const char *name, const stn_recipe_choice *choice,
                           stn_recipe **out, stn_error *err)
{
    char path[STN_SHARE_PATH];
    stn_recipe *r;
    stn_status status;

    STN_TRY(stn_share_find("recipes", "recipe", name, path, err));
    r = stn_alloc(1, sizeof(*r));
    if (!r)
        return stn_fail_memory(err, "a recipe");
    status = load(r, path, choice, err);
    if (status != STN_OK)
        stn_recipe_destroy(r);
    else
        *out = r;
    return status;
}

stn_status stn_recipe_choose(const stn_train_options *options, stn_recipe **out,
                             stn_error *err)
{
    const stn_recipe_choice choice = {.variant = options->variant,
                                      .data = options->data,
                                      .budget = options->budget,
                                      .set = options->set,
                                      .n_set = options->n_set};

    if (!options->recipe)
        return stn_fail(err, STN_E_ARGUMENT, "no recipe given");
    return stn_recipe_load(options->recipe, &choice, out, err);
}

stn_status stn_recipe_restore(const char *recipe_text, const char *network_text,
                              stn_recipe **out, stn_error *err)
{
    stn_recipe *r = stn_alloc(1, sizeof(*r));
    stn_status status;

    if (!r)
        return stn_fail_memory(err, "a recipe");
    status = stn_yaml_parse("stored recipe", recipe_text, &r->document, err);
    if (status == STN_OK)
        status =
            stn_yaml_parse("stored network", network_text, &r->network, err);
    if (status == STN_OK)
        status = read_fields(r, err);
    if (status != STN_OK)
        stn_recipe_destroy(r);
    else
        *out = r;
    return status;
}

void stn_recipe_destroy(stn_recipe *recipe)
{
    if (!recipe)
        return;
    stn_yaml_destroy(recipe->document);
    stn_yaml_destroy(recipe->network);
    stn_arena_deinit(&recipe->arena);
    stn_free(recipe);
}
