/* SPDX-License-Identifier: MIT
 *
 * Tables of agreement for docs/memory.md. A table has one shape: figures side
 * by side when every agreement is a single comparison, else statistics. */
#include "report/agreements.h"
#include <stdbool.h>
#include <string.h>

static const char *text_of(const stn_json *object, const char *key)
{
    const stn_json *node = stn_json_member(object, key);
    return node && node->kind == STN_JSON_STRING ? node->string : "";
}

static double number_of(const stn_json *object, const char *key)
{
    const stn_json *node = stn_json_member(object, key);
    return node && node->kind == STN_JSON_NUMBER ? node->number : 0.0;
}

static bool met(const stn_json *object)
{
    const stn_json *node = stn_json_member(object, "met");
    return node && node->boolean;
}

static bool chosen(const stn_json *item, const char *rung)
{
    return !rung || strcmp(text_of(item, "rung"), rung) == 0;
}

static void limits(const stn_json *item, FILE *out)
{
    double median = number_of(item, "limit_median");
    double worst = number_of(item, "limit_worst");
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
                text_of(i, "quantity"), text_of(i, "group"),
                number_of(i, "reference"), text_of(i, "unit"),
                number_of(i, "model"), text_of(i, "unit"),
                100.0 * number_of(i, "median_signed_error"));
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
                text_of(i, "quantity"), text_of(i, "group"), number_of(i, "n"),
                100.0 * number_of(i, "median_error"),
                100.0 * number_of(i, "p95_error"),
                100.0 * number_of(i, "worst_error"),
                100.0 * number_of(i, "median_signed_error"));
        limits(i, out);
        fprintf(out, " | %s |\n", text_of(i, "worst_case"));
    }
}

void stn_report_agreements(const stn_json *agreements, const char *rung,
                           FILE *out)
{
    bool single = true;
    for (const stn_json *i = agreements->first; i; i = i->next)
        if (chosen(i, rung) && number_of(i, "n") > 1.0)
            single = false;
    if (single)
        side_by_side(agreements, rung, out);
    else
        statistics(agreements, rung, out);
}
