/* SPDX-License-Identifier: MIT
 *
 * A folder of results as Markdown: each recipe that reproduces a system, and
 * what its first variant reached with each network on each data set, and how
 * long all of its variants were trained. The table of README. */
#include "report/systems.h"
#include "base/file.h"
#include "report/results_kept.h"
#include "setun/library.h"
#include <math.h>
#include <string.h>

#define SUBJECTS_MAX 32

/* The row of a quantity about a variant of a subject, or NULL. */
static const stn_json *find(const stn_json *root, const char *subject,
                            const char *variant, const char *quantity)
{
    const stn_json *rows = stn_json_member(root, "rows");
    for (const stn_json *r = rows->first; r; r = r->next) {
        const char *conditions = stn_json_text(r, "conditions");
        char about[STN_SUBJECT], of[STN_CONDITION];
        stn_result_subject(conditions, about);
        stn_result_condition(conditions, 2, of);
        if (!strcmp(about, subject) && !strcmp(of, variant) &&
            !strcmp(stn_json_text(r, "quantity"), quantity))
            return r;
    }
    return NULL;
}

/* Of the variants "a, b, …", the first whose accuracy is known of a subject;
 * its name goes to `variant`. */
static const stn_json *find_first(const stn_json *root, const char *subject,
                                  const char *variants,
                                  char variant[STN_CONDITION])
{
    const stn_json *row = NULL;
    for (int i = 0; !row; i++) {
        stn_result_condition(variants, i, variant);
        if (!*variant)
            break;
        row = find(root, subject, variant, "accuracy");
    }
    return row;
}

/* Minutes of all variants, seeds and data sets; 0: not recorded. */
static double training_time(const stn_json *root)
{
    double sum = 0;
    for (const stn_json *r = stn_json_member(root, "rows")->first; r;
         r = r->next)
        if (!strcmp(stn_json_text(r, "quantity"), "training time"))
            sum += stn_json_number_or(r, "ours", 0);
    return sum;
}

static bool has_drops(const stn_json *root)
{
    const stn_json *r = stn_json_member(root, "rows")->first;
    while (r && strcmp(stn_json_text(r, "quantity"), "accuracy drop") != 0)
        r = r->next;
    return r != NULL;
}

/* Whether it had a line: a network that others are compared with has none. */
static bool print_subject(const stn_library_entry *recipe, const stn_json *root,
                          const char *subject, bool first, FILE *out)
{
    char variant[STN_CONDITION];
    const stn_json *accuracy =
        find_first(root, subject, recipe->variants, variant);
    const stn_json *drop =
        accuracy ? find(root, subject, variant, "accuracy drop") : NULL;
    if (!accuracy || (!drop && has_drops(root)))
        return false;
    const int seeds = stn_result_seeds(accuracy);
    if (first)
        fprintf(out, "| [`%s`](docs/methods/%s.md) | %s: %s", recipe->id,
                recipe->id, recipe->title, recipe->description);
    else
        fputs("| |", out);
    fprintf(out, " | %s | `%s` | %.2f |", subject, variant,
            stn_json_number_or(accuracy, "ours", NAN));
    if (drop)
        fprintf(out, " %.2f", stn_json_number_or(drop, "ours", NAN));
    fprintf(out, " | %d |", seeds);
    if (first && training_time(root) > 0)
        fprintf(out, " %.0f", training_time(root));
    fputs(" |\n", out);
    return true;
}

static stn_status print_recipe(const stn_library_entry *recipe,
                               const char *folder, FILE *out, stn_error *err)
{
    char path[512], subjects[SUBJECTS_MAX][STN_SUBJECT];
    stn_json_document *document = NULL;
    STN_TRY(stn_path_format(path, sizeof path, err, "%s/%s.json", folder,
                            recipe->id));
    STN_TRY(stn_kept_load(path, recipe->id, &document, err));
    if (!document) {
        fprintf(out,
                "| [`%s`](docs/methods/%s.md) | %s: %s | not yet | | | | | |\n",
                recipe->id, recipe->id, recipe->title, recipe->description);
        return STN_OK;
    }
    const stn_json *root = stn_json_root(document);
    const int n = stn_kept_subjects(root, subjects, SUBJECTS_MAX);
    bool first = true;
    for (int i = 0; i < n; i++)
        if (print_subject(recipe, root, subjects[i], first, out))
            first = false;
    stn_json_destroy(document);
    return STN_OK;
}

stn_status stn_report_systems(const char *folder, FILE *out, stn_error *err)
{
    stn_library_entry *recipes = NULL;
    size_t n = 0;
    STN_TRY(stn_library_list(STN_LIBRARY_RECIPES, &recipes, &n, err));
    fputs("| system | what | network, data | variant | accuracy, % | drop, "
          "points | seeds | training, min |\n"
          "| --- | --- | --- | --- | ---: | ---: | ---: | ---: |\n",
          out);
    stn_status status = STN_OK;
    for (size_t i = 0; status == STN_OK && i < n; i++)
        if (recipes[i].reproduces)
            status = print_recipe(&recipes[i], folder, out, err);
    stn_library_free(recipes);
    return status;
}
