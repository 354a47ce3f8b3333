/* SPDX-License-Identifier: MIT
 *
 * A folder of results as Markdown: each recipe that reproduces a system, and
 * what its first variant reached on each data set. The table of README. */
#include "report/systems.h"
#include "base/file.h"
#include "report/results_kept.h"
#include "setun/library.h"
#include <math.h>
#include <string.h>

#define DATA_MAX 16

/* The row of a quantity about a variant on a data set, or NULL. */
static const stn_json *find(const stn_json *root, const char *data,
                            const char *variant, const char *quantity)
{
    const stn_json *rows = stn_json_member(root, "rows");
    for (const stn_json *r = rows->first; r; r = r->next) {
        const char *conditions = stn_json_text(r, "conditions");
        char about[STN_CONDITION], of[STN_CONDITION];
        stn_result_condition(conditions, 1, about);
        stn_result_condition(conditions, 2, of);
        if (!strcmp(about, data) && !strcmp(of, variant) &&
            !strcmp(stn_json_text(r, "quantity"), quantity))
            return r;
    }
    return NULL;
}

/* Of the variants "a, b, …", the first whose accuracy on a data set is known;
 * its name goes to `variant`. */
static const stn_json *find_first(const stn_json *root, const char *data,
                                  const char *variants,
                                  char variant[STN_CONDITION])
{
    const stn_json *row = NULL;
    for (int i = 0; !row; i++) {
        stn_result_condition(variants, i, variant);
        if (!*variant)
            break;
        row = find(root, data, variant, "accuracy");
    }
    return row;
}

static void print_data(const stn_library_entry *recipe, const stn_json *root,
                       const char *data, bool first, FILE *out)
{
    char variant[STN_CONDITION];
    const stn_json *accuracy =
        find_first(root, data, recipe->variants, variant);
    if (!accuracy)
        return;
    const stn_json *drop = find(root, data, variant, "accuracy drop");
    const int seeds = stn_result_seeds(accuracy);
    if (first)
        fprintf(out, "| [`%s`](docs/methods/%s.md) | %s: %s", recipe->id,
                recipe->id, recipe->title, recipe->description);
    else
        fputs("| |", out);
    fprintf(out, " | %s | `%s` | %.2f |", data, variant,
            stn_json_number_or(accuracy, "ours", NAN));
    if (drop)
        fprintf(out, " %.2f", stn_json_number_or(drop, "ours", NAN));
    fprintf(out, " | %d |\n", seeds);
}

static stn_status print_recipe(const stn_library_entry *recipe,
                               const char *folder, FILE *out, stn_error *err)
{
    char path[512], data[DATA_MAX][STN_CONDITION];
    stn_json_document *document = NULL;
    STN_TRY(stn_path_format(path, sizeof path, err, "%s/%s.json", folder,
                            recipe->id));
    STN_TRY(stn_kept_load(path, recipe->id, &document, err));
    if (!document) {
        fprintf(out,
                "| [`%s`](docs/methods/%s.md) | %s: %s | not yet | | | | |\n",
                recipe->id, recipe->id, recipe->title, recipe->description);
        return STN_OK;
    }
    const stn_json *root = stn_json_root(document);
    const int n = stn_kept_data(root, data, DATA_MAX);
    for (int i = 0; i < n; i++)
        print_data(recipe, root, data[i], i == 0, out);
    stn_json_destroy(document);
    return STN_OK;
}

stn_status stn_report_systems(const char *folder, FILE *out, stn_error *err)
{
    stn_library_entry *recipes = NULL;
    size_t n = 0;
    STN_TRY(stn_library_list(STN_LIBRARY_RECIPES, &recipes, &n, err));
    fputs("| system | what | data | variant | accuracy, % | drop, points | "
          "seeds |\n| --- | --- | --- | --- | ---: | ---: | ---: |\n",
          out);
    stn_status status = STN_OK;
    for (size_t i = 0; status == STN_OK && i < n; i++)
        if (recipes[i].reproduces)
            status = print_recipe(&recipes[i], folder, out, err);
    stn_library_free(recipes);
    return status;
}
