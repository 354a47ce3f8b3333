/* SPDX-License-Identifier: MIT
 *
 * setun list: networks, recipes, machines and data sets by name. */
#include "cli.h"
#include "setun/data.h"
#include "setun/library.h"
#include <stdio.h>

static const stn_option OPTIONS[] = {
    STN_CLI_JSON,
    {0},
};

#define DATASETS 16 /* room for the known data sets */

static void put_entry(stn_json_writer *w, const char *id, const char *title,
                      const char *path)
{
    stn_json_begin_object(w, NULL);
    stn_json_string(w, "id", id);
    stn_json_string(w, "title", title);
    if (*path)
        stn_json_string(w, "path", path);
    else
        stn_json_null(w, "path");
    stn_json_end_object(w);
}

static int list_datasets(bool json)
{
    stn_dataset_entry entries[DATASETS];
    size_t n = stn_dataset_list(entries, DATASETS);
    n = n < DATASETS ? n : DATASETS;
    stn_json_writer w = {.indent = 2};
    if (json) {
        stn_json_begin_array(&w, NULL);
        for (size_t i = 0; i < n; i++)
            put_entry(&w, entries[i].name, entries[i].description,
                      entries[i].path);
        stn_json_end_array(&w);
        return stn_cli_json(&w);
    }
    stn_table_begin("lll", "data set", "what", "where", NULL);
    for (size_t i = 0; i < n; i++) {
        stn_table_cell("%s", entries[i].name);
        stn_table_cell("%s", entries[i].description);
        stn_table_cell("%s%s", *entries[i].path ? "" : "missing: ",
                       *entries[i].path ? entries[i].path : entries[i].hint);
    }
    stn_table_end();
    return STN_EXIT_OK;
}

static int list_library(stn_library_kind kind, bool json)
{
    stn_library_entry *entries = NULL;
    size_t n = 0;
    stn_error err = {0};
    stn_status status = stn_library_list(kind, &entries, &n, &err);
    if (status != STN_OK)
        return stn_cli_fail(status, &err);
    int code = STN_EXIT_OK;
    if (json) {
        stn_json_writer w = {.indent = 2};
        stn_json_begin_array(&w, NULL);
        for (size_t i = 0; i < n; i++)
            put_entry(&w, entries[i].id, entries[i].title, entries[i].path);
        stn_json_end_array(&w);
        code = stn_cli_json(&w);
    } else {
        bool recipes = kind == STN_LIBRARY_RECIPES;
        stn_table_begin(recipes ? "lll" : "ll", "id", "title",
                        recipes ? "variants" : NULL, NULL);
        for (size_t i = 0; i < n; i++) {
            stn_table_cell("%s", entries[i].id);
            stn_table_cell("%s", entries[i].title);
            if (recipes)
                stn_table_cell("%s", entries[i].variants);
        }
        stn_table_end();
    }
    stn_library_free(entries);
    return code;
}

static int run(const stn_arguments *arguments)
{
    static const char *const KINDS[] = {"networks",    "recipes",  "machines",
                                        "comparisons", "datasets", NULL};
    int kind = 0;
    if (!stn_cli_choice("setun list:", arguments->operands[0], KINDS, &kind))
        return STN_EXIT_USAGE;
    bool json = stn_cli_switch(arguments, "json");
    return kind == 4 ? list_datasets(json)
                     : list_library((stn_library_kind)kind, json);
}

const stn_command stn_cmd_list = {
    .name = "list",
    .operands = "networks|recipes|machines|comparisons|datasets",
    .min_operands = 1,
    .max_operands = 1,
    .summary = "List what is here by name",
    .details = "",
    .options = OPTIONS,
    .run = run,
};
