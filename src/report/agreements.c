/* SPDX-License-Identifier: MIT
 *
 * Tables of agreement for docs/memory.md. A table has one shape: figures side
 * by side when every agreement is a single comparison, else statistics. */
#include "report/agreements.h"
#include <stdbool.h>
#include <string.h>

static bool met(const stn_json *object)
{
    const stn_json *node = stn_json_member(object, "met");
    return node && node->boolean;
}

static bool chosen(const stn_json *item, const char *rung)
{
    return !rung || strcmp(stn_json_text(item, "rung"), rung) == 0;
}

static void limits(const stn_json *item, FILE *out)
{
    double median = stn_json_number_or(item, "limit_median", 0);
    double worst = stn_json_number_or(item, "limit_worst", 0);
    if (median > 0.0)
        fprintf(out, "%.0f %%, ", 100.0 * median);
    if (worst > 0.0)
        fprintf(out, "%.0f %%%s", 100.0 * worst, met(item) ? "" : ", missed");
}

static void side_by_side(const stn_json *list, const char *rung, FILE *out)
{
    fprintf(out, "| quantity | of | reference | model | error | limit |\n"
                 "| --- | --- | ---: | ---: | ---: | --- |\n");
    for (const stn_json *i = list->first; i; i = i->next) {
        if (!chosen(i, rung))
            continue;
        fprintf(out, "| %s | %s | %.4g %s | %.4g %s | %+.1f %% | ",
                stn_json_text(i, "quantity"), stn_json_text(i, "group"),
                stn_json_number_or(i, "reference", 0), stn_json_text(i, "unit"),
                stn_json_number_or(i, "model", 0), stn_json_text(i, "unit"),
                100.0 * stn_json_number_or(i, "median_signed_error", 0));
        limits(i, out);
        fprintf(out, " |\n");
    }
}

static void statistics(const stn_json *list, const char *rung, FILE *out)
{
    fprintf(out, "| quantity | of | n | median | 95 %% | worst | signed median "
                 "| limits | worst case |\n"
                 "| --- | --- | ---: | ---: | ---: | ---: | ---: | --- | --- "
                 "|\n");
    for (const stn_json *i = list->first; i; i = i->next) {
        if (!chosen(i, rung))
            continue;
        fprintf(out,
                "| %s | %s | %.0f | %.1f %% | %.1f %% | %.1f %% | %+.1f %% | ",
                stn_json_text(i, "quantity"), stn_json_text(i, "group"),
                stn_json_number_or(i, "n", 0),
                100.0 * stn_json_number_or(i, "median_error", 0),
                100.0 * stn_json_number_or(i, "p95_error", 0),
                100.0 * stn_json_number_or(i, "worst_error", 0),
                100.0 * stn_json_number_or(i, "median_signed_error", 0));
        limits(i, out);
        fprintf(out, " | %s |\n", stn_json_text(i, "worst_case"));
    }
}

void stn_report_agreements(const stn_json *root, const char *rung,
                           const char *path, FILE *out)
{
    const stn_json *list = stn_json_member(root, "agreements");
    bool single = true;
    for (const stn_json *i = list->first; i; i = i->next)
        if (chosen(i, rung) && stn_json_number_or(i, "n", 0) > 1.0)
            single = false;
    if (single)
        side_by_side(list, rung, out);
    else
        statistics(list, rung, out);
    fprintf(out, "\nFrom `%s`: `%s`, commit %.10s, %s.\n", path,
            stn_json_text(root, "command"), stn_json_text(root, "commit"),
            stn_json_text(root, "machine"));
}
