/* SPDX-License-Identifier: MIT
 *
 * A results file as Markdown: what README and docs/ show is printed from
 * results/ by this, never typed.
 *
 * `conditions` are "network, data, variant, codes weights[, machine …]"; the
 * comparison puts variants side by side. */
#include "report/agreements.h"
#include "report/tables.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "setun/report.h"
#include <fnmatch.h>
#include <math.h>
#include <string.h>

#define MAX_VARIANTS 64
#define MAX_COLUMNS 16 /* more variants become rows */
#define WORD 64

static const char *text_of(const stn_json *row, const char *key)
{
    const stn_json *member = stn_json_member(row, key);
    return member && member->kind == STN_JSON_STRING ? member->string : "";
}

static double number_of(const stn_json *row, const char *key)
{
    const stn_json *member = stn_json_member(row, key);
    return member && member->kind == STN_JSON_NUMBER ? member->number : NAN;
}

/* Copies the `index`-th ", "-separated word of a row's conditions. */
static void condition(const stn_json *row, int index, char word[WORD])
{
    const char *at = text_of(row, "conditions");
    for (; index > 0 && at; index--) {
        at = strstr(at, ", ");
        at = at ? at + 2 : NULL;
    }
    const size_t length = at ? strcspn(at, ",") : 0;
    snprintf(word, WORD, "%.*s", (int)length, at ? at : "");
}

static void print_published(const stn_json *rows, FILE *out)
{
    fputs("| quantity | conditions | published | ours | unit | source |\n"
          "| --- | --- | ---: | ---: | --- | --- |\n",
          out);
    for (const stn_json *r = rows->first; r; r = r->next) {
        const double published = number_of(r, "published");
        if (isnan(published))
            continue;
        const char *note = text_of(r, "note");
        fprintf(out, "| %s | %s | %.6g | %.5g | %s | %.*s (%s) |\n",
                text_of(r, "quantity"), text_of(r, "conditions"), published,
                number_of(r, "ours"), text_of(r, "unit"),
                (int)strcspn(note, ";"), note,
                text_of(r, "published_confidence"));
    }
}

typedef struct comparison {
    const stn_json *rows;
    const char *data, *pattern; /* pattern NULL: all variants */
    int n;
    char variants[MAX_VARIANTS][WORD];
} comparison;

static bool is_about(const comparison *c, const stn_json *row)
{
    char word[WORD], variant[WORD];
    condition(row, 1, word);
    condition(row, 2, variant);
    return strcmp(word, c->data) == 0 &&
           (!c->pattern || fnmatch(c->pattern, variant, 0) == 0) &&
           strstr(text_of(row, "conditions"), ", layer ") == NULL;
}

static void find_variants(comparison *c)
{
    for (const stn_json *r = c->rows->first; r; r = r->next) {
        char word[WORD];
        condition(r, 2, word);
        int i = 0;
        while (i < c->n && strcmp(c->variants[i], word) != 0)
            i++;
        if (i == c->n && c->n < MAX_VARIANTS && is_about(c, r))
            memcpy(c->variants[c->n++], word, WORD);
    }
}

/* The figure of a variant that has the quantity and unit of `like`. */
static double find(const comparison *c, const stn_json *like, int variant)
{
    for (const stn_json *r = c->rows->first; r; r = r->next) {
        char word[WORD];
        condition(r, 2, word);
        if (is_about(c, r) && strcmp(word, c->variants[variant]) == 0 &&
            strcmp(text_of(r, "quantity"), text_of(like, "quantity")) == 0)
            return number_of(r, "ours");
    }
    return NAN;
}

static bool seen_before(const comparison *c, const stn_json *row)
{
    for (const stn_json *r = c->rows->first; r != row; r = r->next)
        if (is_about(c, r) &&
            strcmp(text_of(r, "quantity"), text_of(row, "quantity")) == 0)
            return true;
    return false;
}

static void print_figure(double ours, FILE *out)
{
    if (isnan(ours))
        fputs(" |", out);
    else
        fprintf(out, " %.4g |", ours);
}

/* A row a variant, for many of them. */
static void print_rows(const comparison *c, FILE *out)
{
    int n = 0;
    fputs("| variant |", out);
    for (const stn_json *r = c->rows->first; r; r = r->next) {
        if (!is_about(c, r) || seen_before(c, r))
            continue;
        fprintf(out, " %s (%s) |", text_of(r, "quantity"), text_of(r, "unit"));
        n++;
    }
    fputs("\n| --- |", out);
    for (; n > 0; n--)
        fputs(" ---: |", out);
    for (int v = 0; v < c->n; v++) {
        fprintf(out, "\n| %s |", c->variants[v]);
        for (const stn_json *r = c->rows->first; r; r = r->next)
            if (is_about(c, r) && !seen_before(c, r))
                print_figure(find(c, r, v), out);
    }
    fputs("\n", out);
}

static void print_comparison(comparison *c, FILE *out)
{
    find_variants(c);
    if (c->n == 0) {
        fprintf(out, "No rows of %s yet.\n", c->data);
        return;
    }
    if (c->n > MAX_COLUMNS) {
        print_rows(c, out);
        return;
    }
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
        fprintf(out, "| %s | %s |", text_of(r, "quantity"), text_of(r, "unit"));
        for (int v = 0; v < c->n; v++)
            print_figure(find(c, r, v), out);
        fputs("\n", out);
    }
}

static void print_origin(const stn_json *root, const char *path, FILE *out)
{
    fprintf(out, "\nFrom `%s`: `%s`, commit %.10s, seed %.0f, %s.\n", path,
            text_of(root, "command"), text_of(root, "commit"),
            number_of(root, "seed"), text_of(root, "machine"));
}

stn_status stn_report_markdown(const char *results_file, const char *data,
                               const char *variants, FILE *out, stn_error *err)
{
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
        stn_report_agreements(agreements, data, out);
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
    if (data)
        print_comparison(
            &(comparison){.rows = rows, .data = data, .pattern = variants},
            out);
    else
        print_published(rows, out);
    print_origin(root, results_file, out);
out:
    stn_json_destroy(document);
    stn_free(bytes);
    return status;
}
