/* SPDX-License-Identifier: MIT
 *
 * Tables of benchmarks, see tables.h. */
#include "report/tables.h"
#include <string.h>

static void print_cells(const stn_json *cells, FILE *out)
{
    for (const stn_json *c = cells->first; c; c = c->next)
        fprintf(out, "| %s ", c->kind == STN_JSON_STRING ? c->string : "");
    fputs("|\n", out);
}

/* Numbers, from column `numbers_from` on, stand to the right. */
static void print_rule(const stn_json *columns, int numbers_from, FILE *out)
{
    int i = 0;
    for (const stn_json *c = columns->first; c; c = c->next, i++)
        fputs(i < numbers_from ? "| --- " : "| ---: ", out);
    fputs("|\n", out);
}

static void print_versions(const stn_json *root, FILE *out)
{
    const stn_json *versions = stn_json_member(root, "versions");
    if (!versions || versions->kind != STN_JSON_OBJECT)
        return;
    for (const stn_json *v = versions->first; v; v = v->next)
        if (v->kind == STN_JSON_STRING)
            fprintf(out, ", %s %s", v->key, v->string);
}

void stn_report_tables(const stn_json *root, const char *name, const char *path,
                       FILE *out)
{
    const stn_json *tables = stn_json_member(root, "tables");
    const stn_json *table =
        name ? stn_json_member(tables, name) : tables->first;
    const stn_json *columns = stn_json_member(table, "columns");
    const stn_json *rows = stn_json_member(table, "rows");
    if (!columns || !rows) {
        fprintf(out, "No table%s%s in `%s`.\n", name ? " " : "",
                name ? name : "", path);
        return;
    }
    const stn_json *from = stn_json_member(table, "numbers_from");
    print_cells(columns, out);
    print_rule(columns, from ? (int)from->number : 1, out);
    for (const stn_json *row = rows->first; row; row = row->next)
        print_cells(row, out);
    fprintf(out, "\nFrom `%s`: `%s`, commit %s, %s", path,
            stn_json_text(root, "command"), stn_json_text(root, "commit"),
            stn_json_text(root, "cpu"));
    print_versions(root, out);
    fputs(".\n", out);
}
