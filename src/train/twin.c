/* SPDX-License-Identifier: MIT
 *
 * Finding a finished run that did what a recipe asks for, whatever recipe it
 * was of: float twins are trained once and shared.
 *
 * Compared are the texts that the checkpoint holds, recipe and network, field
 * by field and in their order, and the seed; so a difference that would not
 * change a bit may hide a twin, but no other run is taken for one. Runs that
 * start from others are left out: what they started from is not in them. */
#include "base/file.h"
#include "base/safetensors.h"
#include "setun/train.h"
#include "train/recipe.h"
#include "train/run_folder.h"

#include <glob.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Takes out what determines no bit: names, how the choice was made (the
 * network is compared by its text), and what nothing looks at when nothing is
 * compressed. */
static void strip(stn_yaml *recipe)
{
    static const char *const NAMES[] = {"id",      "title",  "description",
                                        "variant", "budget", "network"};
    static const char *const IDLE[] = {"compress", "constants",
                                       "penalise_until"};
    const stn_yaml *rules = stn_yaml_get(recipe, "compress");
    const stn_yaml *start = stn_yaml_get(recipe, "start");

    for (size_t i = 0; i < sizeof(NAMES) / sizeof(*NAMES); i++)
        stn_yaml_remove(recipe, NAMES[i]);
    if (!rules || !rules->n_children)
        for (size_t i = 0; i < sizeof(IDLE) / sizeof(*IDLE); i++)
            stn_yaml_remove(recipe, IDLE[i]);
    if (start && start->kind == STN_YAML_SCALAR && !*start->scalar)
        stn_yaml_remove(recipe, "start");
}

/* Whether a text of the file is this tree. */
static bool same_text(const stn_st_file *file, const char *key, bool stripped,
                      const stn_yaml *wanted)
{
    const char *text = stn_st_metadata(file, key);
    stn_yaml_document *stored = NULL;
    char path[256];
    bool same;

    if (!text ||
        stn_yaml_parse(stn_st_path(file), text, &stored, NULL) != STN_OK)
        return false;
    if (stripped)
        strip(stn_yaml_root(stored));
    same = !stn_yaml_differs(stn_yaml_root(stored), wanted, path, sizeof(path));
    stn_yaml_destroy(stored);
    return same;
}

/* Whether a checkpoint is of this recipe, stripped, and seed. */
static bool is_twin(const char *checkpoint, const stn_recipe *recipe,
                    uint64_t seed)
{
    stn_st_file *file;
    char wanted[32];
    const char *got;
    bool same;

    if (stn_st_open(checkpoint, &file, NULL) != STN_OK)
        return false;
    snprintf(wanted, sizeof(wanted), "%" PRIu64, seed);
    got = stn_st_metadata(file, "seed");
    same = got && strcmp(got, wanted) == 0 &&
           same_text(file, "recipe", true, stn_yaml_root(recipe->document)) &&
           same_text(file, "network", false, stn_yaml_root(recipe->network));
    stn_st_close(file);
    return same;
}

/* The result of the first finished run among the checkpoints' folders. */
static bool search(const glob_t *checkpoints, const stn_recipe *recipe,
                   uint64_t seed, stn_train_result *result)
{
    for (size_t i = 0; i < checkpoints->gl_pathc; i++) {
        const char *path = checkpoints->gl_pathv[i];
        stn_run_folder folder = {.lock_fd = -1};
        const int n = (int)(strrchr(path, '/') - path);

        if (stn_path_format(folder.path, sizeof(folder.path), NULL, "%.*s", n,
                            path) == STN_OK &&
            is_twin(path, recipe, seed) &&
            stn_run_folder_read_result(&folder, result, NULL) == STN_OK)
            return true;
    }
    return false;
}

stn_status stn_train_find_twin(const stn_train_options *options,
                               const char *root, stn_train_result *result,
                               bool *found, stn_error *err)
{
    static const char *const DEPTHS[] = {"*", "*/*", "*/*/*"};
    stn_recipe *recipe;
    glob_t paths = {0};

    *found = false;
    STN_TRY(stn_recipe_choose(options, &recipe, err));
    if (!stn_recipe_starts(recipe)) {
        strip(stn_yaml_root(recipe->document));
        for (int i = 0; i < 3; i++) {
            char pattern[STN_PATH_CAPACITY];
            if (stn_path_format(pattern, sizeof(pattern), NULL,
                                "%s/%s/checkpoint.safetensors", root,
                                DEPTHS[i]) == STN_OK)
                (void)glob(pattern, i ? GLOB_APPEND : 0, NULL, &paths);
        }
        *found = search(&paths, recipe, options->seed, result);
        globfree(&paths);
    }
    stn_recipe_destroy(recipe);
    return STN_OK;
}
