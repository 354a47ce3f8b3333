/* SPDX-License-Identifier: MIT
 *
 * setun doctor: facts about this machine and installation. */
#include "cli.h"
#include "setun/data.h"
#include "setun/library.h"
#include <stdio.h>

static const stn_option OPTIONS[] = {
    STN_CLI_JSON,
    {0},
};

#define FACTS 32
#define DATASETS 16

static void print_text(const stn_fact *facts, size_t n_facts,
                       const stn_dataset_entry *data, size_t n_data)
{
    printf("%-20s%s\n", "setun", SETUN_VERSION);
    for (size_t i = 0; i < n_facts; i++)
        printf("%-20s%s\n", facts[i].name, facts[i].value);
    for (size_t i = 0; i < n_data; i++) {
        char label[64];
        snprintf(label, sizeof label, "data %s", data[i].name);
        printf("%-20s%s%s\n", label, *data[i].path ? "" : "missing: ",
               *data[i].path ? data[i].path : data[i].hint);
    }
}

static int print_json(const stn_fact *facts, size_t n_facts,
                      const stn_dataset_entry *data, size_t n_data)
{
    stn_json_writer w = {.indent = 2};
    stn_json_begin_object(&w, NULL);
    stn_json_string(&w, "setun", SETUN_VERSION);
    for (size_t i = 0; i < n_facts; i++)
        stn_json_string(&w, facts[i].name, facts[i].value);
    stn_json_begin_object(&w, "data");
    for (size_t i = 0; i < n_data; i++) {
        if (*data[i].path)
            stn_json_string(&w, data[i].name, data[i].path);
        else
            stn_json_null(&w, data[i].name);
    }
    stn_json_end_object(&w);
    stn_json_end_object(&w);
    return stn_cli_json(&w);
}

static int run(const stn_arguments *arguments)
{
    stn_fact facts[FACTS];
    stn_dataset_entry data[DATASETS];
    size_t n_facts = stn_library_facts(facts, FACTS);
    size_t n_data = stn_dataset_list(data, DATASETS);
    n_facts = n_facts < FACTS ? n_facts : FACTS;
    n_data = n_data < DATASETS ? n_data : DATASETS;
    if (stn_cli_switch(arguments, "json"))
        return print_json(facts, n_facts, data, n_data);
    print_text(facts, n_facts, data, n_data);
    return STN_EXIT_OK;
}

const stn_command stn_cmd_doctor = {
    .name = "doctor",
    .operands = "",
    .min_operands = 0,
    .max_operands = 0,
    .summary = "Show CPU features, libraries, and data sets found and missing",
    .details = "",
    .options = OPTIONS,
    .run = run,
};
