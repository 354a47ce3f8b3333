/* SPDX-License-Identifier: MIT
 *
 * A results file as Markdown: what README and docs/ show is printed from
 * results/ by this, never typed.
 *
 * `conditions` are "network, data, variant, codes weights[, machine …]"; the
 * comparison puts variants side by side. */
#include "base/file.h"
#include "base/memory.h"
#include "report/agreements.h"
#include "report/results_kept.h"
#include "report/systems.h"
#include "report/tables.h"
#include "setun/report.h"
#include <fnmatch.h>
#include <math.h>
#include <string.h>

#define MAX_VARIANTS 64
#define MAX_COLUMNS 16 /* more variants become rows */
#define MAX_SUBJECTS 32

static void condition(const stn_json *row, int index, char word[STN_CONDITION])
{
    stn_result_condition(stn_json_text(row, "conditions"), index, word);
}

/* The accuracies' spread over the seeds, of a row's variant; NaN of one. */
static double spread_of(const stn_json *rows, const stn_json *row)
{
    if (strcmp(stn_json_text(row, "quantity"), "accuracy") == 0)
        for (const stn_json *r = rows->first; r; r = r->next)
            if (!strcmp(stn_json_text(r, "quantity"), "accuracy spread") &&
                !strcmp(stn_json_text(r, "conditions"),
                        stn_json_text(row, "conditions")))
                return stn_json_number_or(r, "ours", NAN);
    return NAN;
}

/* A mean accuracy has more digits than ten thousand pictures can tell. */
static double shown(double value, const stn_json *row)
{
    const char *quantity = stn_json_text(row, "quantity");
    return strncmp(quantity, "accuracy", strlen("accuracy")) == 0
               ? round(value * 100.0) / 100.0
               : value;
}

static void print_published(const stn_json *rows, FILE *out)
{
    fputs("| quantity | conditions | published | ours | unit | source |\n"
          "| --- | --- | ---: | ---: | --- | --- |\n",
          out);
    for (const stn_json *r = rows->first; r; r = r->next) {
        const double published = stn_json_number_or(r, "published", NAN);
        if (isnan(published))
            continue;
        const char *note = stn_json_text(r, "note");
        const double spread = spread_of(rows, r);
        fprintf(out, "| %s | %s | %.6g | %.5g", stn_json_text(r, "quantity"),
                stn_json_text(r, "conditions"), published,
                shown(stn_json_number_or(r, "ours", NAN), r));
        if (!isnan(spread))
            fprintf(out, " (spread %.2g)", spread);
        fprintf(out, " | %s | %.*s (%s) |\n", stn_json_text(r, "unit"),
                (int)strcspn(note, ";"), note,
                stn_json_text(r, "published_confidence"));
    }
}

typedef struct comparison {
    const stn_json *rows;
    const char *data, *pattern; /* NULL: all data sets, all variants */
    int n;
    char variants[MAX_VARIANTS][STN_CONDITION];
} comparison;

static bool is_about(const comparison *c, const stn_json *row)
{
    char word[STN_CONDITION], variant[STN_CONDITION];
    condition(row, 1, word);
    condition(row, 2, variant);
    return (!c->data || strcmp(word, c->data) == 0) &&
           (!c->pattern || fnmatch(c->pattern, variant, 0) == 0) &&
           strstr(stn_json_text(row, "conditions"), ", layer ") == NULL;
}

static void find_variants(comparison *c)
{
    for (const stn_json *r = c->rows->first; r; r = r->next) {
        char word[STN_CONDITION];
        condition(r, 2, word);
        int i = 0;
        while (i < c->n && strcmp(c->variants[i], word) != 0)
            i++;
        if (i == c->n && c->n < MAX_VARIANTS && is_about(c, r))
            memcpy(c->variants[c->n++], word, STN_CONDITION);
    }
}

/* A mean of several seeds and a figure of one are two quantities. */
static bool is_alike(const stn_json *a, const stn_json *b)
{
    return stn_result_seeds(a) == stn_result_seeds(b) &&
           strcmp(stn_json_text(a, "quantity"), stn_json_text(b, "quantity")) ==
               0;
}

/* The figure of a variant that has the quantity and unit of `like`. */
static double find(const comparison *c, const stn_json *like, int variant)
{
    for (const stn_json *r = c->rows->first; r; r = r->next) {
        char word[STN_CONDITION];
        condition(r, 2, word);
        if (is_about(c, r) && strcmp(word, c->variants[variant]) == 0 &&
            is_alike(r, like))
            return stn_json_number_or(r, "ours", NAN);
    }
    return NAN;
}

static bool seen_before(const comparison *c, const stn_json *row)
{
    for (const stn_json *r = c->rows->first; r != row; r = r->next)
        if (is_about(c, r) && is_alike(r, row))
            return true;
    return false;
}

/* The quantity, and of how many seeds: no figure without. */
static void print_quantity(const stn_json *row, FILE *out)
{
    const char *quantity = stn_json_text(row, "quantity");
    const int n = stn_result_seeds(row);
    const bool spread = strstr(quantity, "spread") != NULL;
    fputs(quantity, out);
    if (n > 1)
        fprintf(out, ", %s of %d seeds", spread ? "best to worst" : "mean", n);
}

static void print_figure(double ours, const stn_json *row, FILE *out)
{
    if (isnan(ours))
        fputs(" |", out);
    else
        fprintf(out, " %.4g |", shown(ours, row));
}

/* A row a variant, for many of them. */
static void print_rows(const comparison *c, FILE *out)
{
    int n = 0;
    fputs("| variant |", out);
    for (const stn_json *r = c->rows->first; r; r = r->next) {
        if (!is_about(c, r) || seen_before(c, r))
            continue;
        fputs(" ", out);
        print_quantity(r, out);
        fprintf(out, " (%s) |", stn_json_text(r, "unit"));
        n++;
    }
    fputs("\n| --- |", out);
    for (; n > 0; n--)
        fputs(" ---: |", out);
    for (int v = 0; v < c->n; v++) {
        fprintf(out, "\n| %s |", c->variants[v]);
        for (const stn_json *r = c->rows->first; r; r = r->next)
            if (is_about(c, r) && !seen_before(c, r))
                print_figure(find(c, r, v), r, out);
    }
    fputs("\n", out);
}

static void print_columns(const comparison *c, FILE *out)
{
    fputs("| quantity | unit |", out);
    for (int v = 0; v < c->n; v++)
        fprintf(out, " %s |", c->variants[v]);
    fputs("\n| --- | --- |", out);
    for (int v = 0; v < c->n; v++)
        fputs(" ---: |", out);
    fputs("\n", out);
    for (const stn_json *r = c->rows->first; r; r = r->next) {
        if (!is_about(c, r) || seen_before(c, r))
            continue;
        fputs("| ", out);
        print_quantity(r, out);
        fprintf(out, " | %s |", stn_json_text(r, "unit"));
        for (int v = 0; v < c->n; v++)
            print_figure(find(c, r, v), r, out);
        fputs("\n", out);
    }
}

/* Whether there was anything to compare. */
static bool print_comparison(comparison *c, FILE *out)
{
    find_variants(c);
    if (c->n == 0)
        fprintf(out, "No rows of %s yet.\n", c->data);
    else if (c->n > MAX_COLUMNS)
        print_rows(c, out);
    else
        print_columns(c, out);
    return c->n > 0;
}

static bool is_of(const comparison *c, const stn_json *row, const char *subject)
{
    char about[STN_SUBJECT];
    stn_result_subject(stn_json_text(row, "conditions"), about);
    return is_about(c, row) && (!subject || !strcmp(about, subject));
}

static bool has_rows(const comparison *c, const char *subject)
{
    const stn_json *r = c->rows->first;
    while (r && !is_of(c, r, subject))
        r = r->next;
    return r != NULL;
}

/* How many seeds any figure of a subject (NULL: of all) is the mean of. */
static int most_seeds(const comparison *c, const char *subject)
{
    int most = 1;
    for (const stn_json *r = c->rows->first; r; r = r->next)
        if (is_of(c, r, subject) && stn_result_seeds(r) > most)
            most = stn_result_seeds(r);
    return most;
}

/* `subject` NULL: of all rows. */
static void print_origin(const comparison *c, const stn_json *origin,
                         const char *path, const char *subject, FILE *out)
{
    const double seed = stn_json_number_or(origin, "seed", NAN);
    const int n = most_seeds(c, subject);
    fprintf(out, "\nFrom `%s`%s%s: `%s`, commit %.10s, seed", path,
            subject ? ", " : "", subject ? subject : "",
            stn_json_text(origin, "command"), stn_json_text(origin, "commit"));
    if (n > 1)
        fprintf(out, "s %.0f to %.0f", seed, seed + n - 1);
    else
        fprintf(out, " %.0f", seed);
    fprintf(out, ", %s.\n", stn_json_text(origin, "machine"));
}

static bool is_same(const stn_json *a, const stn_json *b)
{
    return !strcmp(stn_json_text(a, "command"), stn_json_text(b, "command")) &&
           !strcmp(stn_json_text(a, "commit"), stn_json_text(b, "commit"));
}

/* Of every command that the compared rows are from; once when it is one. */
static void print_origins(const stn_json *root, const comparison *c,
                          const char *path, FILE *out)
{
    char subjects[MAX_SUBJECTS][STN_SUBJECT];
    const stn_json *origins[MAX_SUBJECTS] = {root};
    const int known = stn_kept_subjects(root, subjects, MAX_SUBJECTS);
    int n = 0;
    bool same = true;
    for (int i = 0; i < known; i++) {
        if (!has_rows(c, subjects[i]))
            continue;
        memmove(subjects[n], subjects[i], STN_SUBJECT);
        origins[n] = stn_kept_find_origin(root, subjects[n]);
        same = same && is_same(origins[n++], origins[0]);
    }
    if (same)
        print_origin(c, origins[0], path, NULL, out);
    for (int i = 0; !same && i < n; i++)
        print_origin(c, origins[i], path, subjects[i], out);
}

stn_status stn_report_markdown(const char *results_file, const char *data,
                               const char *variants, FILE *out, stn_error *err)
{
    if (stn_directory_exists(results_file))
        return stn_report_systems(results_file, out, err);
    uint8_t *bytes = NULL;
    size_t size = 0;
    stn_json_document *document = NULL;
    STN_TRY(stn_file_read(results_file, &bytes, &size, err));
    stn_status status =
        stn_json_parse(results_file, (const char *)bytes, size, &document, err);
    if (status != STN_OK)
        goto out;
    const stn_json *root = stn_json_root(document);
    const stn_json *rows = stn_json_member(root, "rows");
    const stn_json *agreements = stn_json_member(root, "agreements");
    if (agreements && agreements->kind == STN_JSON_ARRAY) {
        stn_report_agreements(root, data, results_file, out);
        goto out;
    }
    if (stn_json_member(root, "tables")) {
        stn_report_tables(root, data, results_file, out);
        goto out;
    }
    if (!rows || rows->kind != STN_JSON_ARRAY) {
        status = stn_fail(err, STN_E_FORMAT,
                          "%s: got no list 'rows'; expected a file that "
                          "'setun reproduce', 'setun validate' or 'make bench' "
                          "wrote",
                          results_file);
        goto out;
    }
    comparison c = {.rows = rows, .data = data, .pattern = variants};
    bool any = true;
    if (data)
        any = print_comparison(&c, out);
    else
        print_published(rows, out);
    if (any)
        print_origins(root, &c, results_file, out);
out:
    stn_json_destroy(document);
    stn_free(bytes);
    return status;
}
