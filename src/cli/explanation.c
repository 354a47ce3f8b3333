/* SPDX-License-Identifier: MIT
 *
 * The tree of an explanation, as a table or as JSON. */
#include "explanation.h"
#include <stdio.h>

static const char *kind_name(stn_reason_kind kind)
{
    static const char *const names[] = {"sum", "product", "function", "figure",
                                        "count"};
    return names[kind];
}

/* What stands behind a value: a formula or a source, after how much an input
 * matters. */
static void print_why(const stn_reason *r)
{
    char influence[32] = "";
    if (r->influence != 0)
        snprintf(influence, sizeof influence, "%+.2g %% per %%, ",
                 r->influence);
    switch (r->kind) {
    case STN_REASON_SUM:
        stn_table_cell("sum: %s", r->text);
        break;
    case STN_REASON_PRODUCT:
        stn_table_cell("product: %s", r->text);
        break;
    case STN_REASON_FUNCTION:
        stn_table_cell("function of these: %s", r->text);
        break;
    case STN_REASON_FIGURE:
        stn_table_cell("%s%s: %s", influence, r->confidence, r->text);
        break;
    case STN_REASON_COUNT:
        stn_table_cell("%s%s", influence, r->text);
        break;
    }
}

static void print_tree(const stn_reason *r, int level, int depth)
{
    stn_table_cell("%*s%s", 2 * level, "", r->key);
    stn_table_cell("%.6g", r->value);
    stn_table_cell("%s", r->unit);
    print_why(r);
    for (const stn_reason *p = r->first; p && level < depth; p = p->next)
        print_tree(p, level + 1, depth);
}

static void put_tree(stn_json_writer *w, const stn_reason *r, int level,
                     int depth)
{
    stn_json_begin_object(w, NULL);
    stn_json_string(w, "key", r->key);
    stn_json_number(w, "value", r->value);
    stn_json_string(w, "unit", r->unit);
    stn_json_string(w, "kind", kind_name(r->kind));
    stn_json_string(w, "text", r->text);
    stn_json_string(w, "confidence", r->confidence);
    if (r->influence != 0)
        stn_json_number(w, "influence", r->influence);
    stn_json_begin_array(w, "parts");
    for (const stn_reason *p = r->first; p && level < depth; p = p->next)
        put_tree(w, p, level + 1, depth);
    stn_json_end_array(w);
    stn_json_end_object(w);
}

int stn_cli_explanation(const stn_arguments *arguments, const stn_reason *root,
                        int depth)
{
    if (stn_cli_switch(arguments, "json")) {
        stn_json_writer w = {.indent = 2};
        put_tree(&w, root, 0, depth);
        return stn_cli_json(&w);
    }
    stn_table_begin("lrll", "figure", "value", "unit", "why", NULL);
    print_tree(root, 0, depth);
    stn_table_end();
    return STN_EXIT_OK;
}
