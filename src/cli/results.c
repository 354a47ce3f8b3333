/* SPDX-License-Identifier: MIT
 *
 * Results files: the schema of 'setun reproduce', from a command. */
#include "results.h"
#include "setun/library.h"
#include <stdio.h>
#include <string.h>

static bool is_one_of(const char *const *names, const char *name)
{
    while (names && *names && strcmp(*names, name) != 0)
        names++;
    return names && *names;
}

void stn_cli_command_text(const stn_arguments *a, const char *const *left_out,
                          char *out, size_t capacity)
{
    int n = snprintf(out, capacity, "setun %s", a->command->name);
    for (int i = 0; i < a->n_operands; i++)
        if (n > 0 && (size_t)n < capacity)
            n += snprintf(out + n, capacity - (size_t)n, " %s", a->operands[i]);
    for (int i = 0; a->command->options[i].name; i++) {
        const stn_option *o = &a->command->options[i];
        if (!o->argument || is_one_of(left_out, o->name))
            continue;
        for (int k = 0; k < a->n_values[i]; k++)
            if (n > 0 && (size_t)n < capacity)
                n += snprintf(out + n, capacity - (size_t)n, " --%s %s",
                              o->name, a->values[i][k]);
    }
}

void stn_cli_results_origin(stn_json_writer *w, const stn_arguments *arguments)
{
    char text[1024];
    stn_library_commit(text, sizeof text);
    stn_json_string(w, "commit", text);
    stn_library_machine(text, sizeof text);
    stn_json_string(w, "machine", text);
    stn_cli_command_text(arguments, NULL, text, sizeof text);
    stn_json_string(w, "command", text);
}

void stn_cli_results_begin(stn_json_writer *w, const char *system,
                           const stn_arguments *arguments)
{
    stn_json_begin_object(w, NULL);
    stn_json_string(w, "system", system);
    stn_cli_results_origin(w, arguments);
    stn_json_int(w, "seed", 1);
    stn_json_begin_array(w, "rows");
}

void stn_cli_results_row(stn_json_writer *w, const char *quantity,
                         const char *conditions, double ours, const char *unit)
{
    stn_json_begin_object(w, NULL);
    stn_json_string(w, "quantity", quantity);
    stn_json_string(w, "conditions", conditions);
    stn_json_null(w, "published");
    stn_json_string(w, "published_confidence", "");
    stn_json_number(w, "ours", ours);
    stn_json_string(w, "unit", unit);
    stn_json_begin_array(w, "calibrated_by");
    stn_json_end_array(w);
    stn_json_string(w, "note", "");
    stn_json_end_object(w);
}

void stn_cli_results_end(stn_json_writer *w)
{
    stn_json_end_array(w);
    stn_json_end_object(w);
}

int stn_cli_results_show(const stn_cli_study *s)
{
    const char *results = stn_cli_text(s->arguments, "results");
    stn_json_writer w = {.indent = 2}, file = {.indent = 2};
    int code = STN_EXIT_OK;
    if (stn_cli_switch(s->arguments, "json")) {
        s->write(s->study, &w);
        code = stn_cli_json(&w);
    } else {
        s->print(s->study);
    }
    if (code != STN_EXIT_OK || !results)
        return code;
    s->write(s->study, &file);
    return stn_cli_json_save(&file, results);
}
