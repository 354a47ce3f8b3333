/* SPDX-License-Identifier: MIT
 *
 * setun list: networks, recipes, machines and data sets by name; quantisers,
 * structures, penalties and families of machines with their options. */
#include "cli.h"
#include "setun/data.h"
#include "setun/library.h"
#include <stdio.h>

static const stn_option OPTIONS[] = {
    STN_CLI_JSON,
    {0},
};

#define DATASETS 16 /* room for the known data sets */
#define CHOICES 256 /* room for a kind of choices and their options */

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

static void put_choice(stn_json_writer *w, const stn_choice *c)
{
    stn_json_begin_object(w, NULL);
    stn_json_string(w, "name", c->name);
    if (c->option) {
        stn_json_string(w, "option", c->option);
        stn_json_string(w, "default", c->standard);
        stn_json_string(w, "range", c->range);
    }
    stn_json_string(w, "help", c->help);
    stn_json_end_object(w);
}

static int list_choices(stn_choice_kind kind, bool json)
{
    static stn_choice choices[CHOICES];
    size_t n = stn_library_choices(kind, choices, CHOICES);
    n = n < CHOICES ? n : CHOICES;
    if (json) {
        stn_json_writer w = {.indent = 2};
        stn_json_begin_array(&w, NULL);
        for (size_t i = 0; i < n; i++)
            put_choice(&w, &choices[i]);
        stn_json_end_array(&w);
        return stn_cli_json(&w);
    }
    stn_table_begin("lllll", "name", "option", "default", "range", "meaning",
                    NULL);
    for (size_t i = 0; i < n; i++) {
        const stn_choice *c = &choices[i];
        stn_table_cell("%s", c->option ? "" : c->name);
        stn_table_cell("%s", c->option ? c->option : "");
        stn_table_cell("%s", c->standard);
        stn_table_cell("%s", c->range);
        stn_table_cell("%s", c->help);
    }
    stn_table_end();
    return STN_EXIT_OK;
}

static int run(const stn_arguments *arguments)
{
    static const char *const KINDS[] = {
        "networks",   "recipes",   "machines", "comparisons", "quantisers",
        "structures", "penalties", "families", "datasets",    NULL};
    int kind = 0;
    if (!stn_cli_choice("setun list:", arguments->operands[0], KINDS, &kind))
        return STN_EXIT_USAGE;
    bool json = stn_cli_switch(arguments, "json");
    if (kind < 4)
        return list_library((stn_library_kind)kind, json);
    return kind < 8 ? list_choices((stn_choice_kind)(kind - 4), json)
                    : list_datasets(json);
}

const stn_command stn_cmd_list = {
    .name = "list",
    .operands = "networks|recipes|machines|comparisons|quantisers|structures|"
                "penalties|families|datasets",
    .min_operands = 1,
    .max_operands = 1,
    .summary = "List what is here by name",
    .details = "Quantisers, structures and penalties are what recipes choose "
               "from, families what machine files do; each with its options.",
    .options = OPTIONS,
    .run = run,
};
