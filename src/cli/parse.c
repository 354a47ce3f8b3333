/* SPDX-License-Identifier: MIT
 *
 * Options and operands from argv, by the verb's table: --name VALUE,
 * --name=VALUE, -x VALUE, switches; "--" ends the options. Every complaint
 * names the word, what was expected, and the nearest name. */
#include "cli.h"
#include "setun/text.h"
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static int find_letter(const stn_option *options, char letter)
{
    for (int i = 0; options[i].name; i++)
        if (letter && options[i].letter == letter)
            return i;
    return -1;
}

static int find_name(const stn_option *options, const char *name, size_t n)
{
    for (int i = 0; options[i].name; i++)
        if (strlen(options[i].name) == n && !strncmp(options[i].name, name, n))
            return i;
    return -1;
}

/* The verb's own index of an option it certainly has. */
static int known(const stn_arguments *arguments, const char *option)
{
    int i = find_name(arguments->command->options, option, strlen(option));
    assert(i >= 0);
    return i;
}

static int unknown_option(const stn_command *command, const char *word)
{
    const char *names[STN_CLI_OPTIONS + 2];
    int n = 0;
    for (; command->options[n].name; n++)
        names[n] = command->options[n].name;
    names[n] = "help";
    names[n + 1] = NULL;
    char bare[64];
    const char *start = word + strspn(word, "-");
    size_t length = strcspn(start, "=");
    if (length >= sizeof bare)
        length = sizeof bare - 1;
    memcpy(bare, start, length);
    bare[length] = '\0';
    const char *nearest = stn_nearest_word(bare, names);
    if (nearest)
        stn_cli_error("setun %s has no option '%s'; did you mean '--%s'?",
                      command->name, word, nearest);
    else
        stn_cli_error("setun %s has no option '%s'; see 'setun %s --help'",
                      command->name, word, command->name);
    return STN_EXIT_USAGE;
}

static int add_value(const stn_command *command, int i, const char *value,
                     stn_arguments *out)
{
    const stn_option *option = &command->options[i];
    int most = option->repeats ? STN_CLI_REPEATS : 1;
    if (out->n_values[i] == most) {
        stn_cli_error("setun %s: --%s is given more than %d time%s",
                      command->name, option->name, most, most == 1 ? "" : "s");
        return STN_EXIT_USAGE;
    }
    out->values[i][out->n_values[i]++] = value;
    return STN_EXIT_OK;
}

/* One word that starts with '-'; *next is the word after it, or NULL, and is
 * set to NULL when it was used. */
static int parse_option(const stn_command *command, const char *word,
                        const char **next, stn_arguments *out)
{
    bool is_long = word[1] == '-';
    const char *equals = strchr(word, '=');
    int i = -1;
    if (is_long)
        i = find_name(command->options, word + 2,
                      equals ? (size_t)(equals - word - 2) : strlen(word + 2));
    else if (word[2] == '\0')
        i = find_letter(command->options, word[1]);
    if (i < 0)
        return unknown_option(command, word);
    const stn_option *option = &command->options[i];
    bool attached = is_long && equals;
    if (!option->argument) {
        if (attached) {
            stn_cli_error("setun %s: --%s takes no value, got '%s'",
                          command->name, option->name, equals + 1);
            return STN_EXIT_USAGE;
        }
        return add_value(command, i, "", out);
    }
    if (attached)
        return add_value(command, i, equals + 1, out);
    if (!*next) {
        stn_cli_error("setun %s: --%s needs a value: --%s %s", command->name,
                      option->name, option->name, option->argument);
        return STN_EXIT_USAGE;
    }
    const char *value = *next;
    *next = NULL;
    return add_value(command, i, value, out);
}

static int check_operands(const stn_command *command, int n)
{
    bool few = n < command->min_operands;
    if (!few && (command->max_operands < 0 || n <= command->max_operands))
        return STN_EXIT_OK;
    stn_cli_error("setun %s: too %s operands, got %d; usage: setun %s%s%s",
                  command->name, few ? "few" : "many", n, command->name,
                  *command->operands ? " " : "", command->operands);
    return STN_EXIT_USAGE;
}

int stn_cli_parse(const stn_command *command, int argc, char **argv,
                  stn_arguments *out, bool *help)
{
    out->command = command;
    bool options_end = false;
    for (int i = 0; i < argc; i++) {
        const char *word = argv[i];
        if (options_end || word[0] != '-' || word[1] == '\0') {
            out->operands[out->n_operands++] = word;
        } else if (!strcmp(word, "--")) {
            options_end = true;
        } else if (!strcmp(word, "--help") || !strcmp(word, "-h")) {
            *help = true;
            return STN_EXIT_OK;
        } else {
            const char *next = i + 1 < argc ? argv[i + 1] : NULL;
            bool had_next = next;
            int code = parse_option(command, word, &next, out);
            if (code != STN_EXIT_OK)
                return code;
            i += had_next && !next;
        }
    }
    return check_operands(command, out->n_operands);
}

const char *stn_cli_text(const stn_arguments *arguments, const char *option)
{
    int i = known(arguments, option);
    int n = arguments->n_values[i];
    return n ? arguments->values[i][n - 1]
             : arguments->command->options[i].initial;
}

bool stn_cli_switch(const stn_arguments *arguments, const char *option)
{
    return arguments->n_values[known(arguments, option)] > 0;
}

const char *const *stn_cli_list(const stn_arguments *arguments,
                                const char *option, int *n)
{
    int i = known(arguments, option);
    *n = arguments->n_values[i];
    if (*n == 0 && arguments->command->options[i].initial) {
        *n = 1;
        return &arguments->command->options[i].initial;
    }
    return arguments->values[i];
}

bool stn_cli_int(const stn_arguments *arguments, const char *option,
                 int64_t min, int64_t max, int64_t *out)
{
    const char *text = stn_cli_text(arguments, option);
    assert(text);
    char *end = NULL;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (errno || end == text || *end || value < min || value > max) {
        stn_cli_error("setun %s: --%s wants a whole number from %" PRId64
                      " to %" PRId64 ", got '%s'",
                      arguments->command->name, option, min, max, text);
        return false;
    }
    *out = value;
    return true;
}

bool stn_cli_number(const stn_arguments *arguments, const char *option,
                    double *out)
{
    const char *text = stn_cli_text(arguments, option);
    assert(text);
    char *end = NULL;
    *out = strtod(text, &end);
    if (end != text && !*end)
        return true;
    stn_cli_error("setun %s: --%s wants a number, got '%s'",
                  arguments->command->name, option, text);
    return false;
}

bool stn_cli_choice(const char *what, const char *word,
                    const char *const *words, int *out)
{
    char all[256] = "";
    for (int i = 0; words[i]; i++) {
        if (!strcmp(words[i], word)) {
            *out = i;
            return true;
        }
        size_t used = strlen(all);
        snprintf(all + used, sizeof all - used, "%s%s", i ? ", " : "",
                 words[i]);
    }
    const char *nearest = stn_nearest_word(word, words);
    stn_cli_error("%s '%s' is none of %s%s%s%s", what, word, all,
                  nearest ? "; did you mean '" : "", nearest ? nearest : "",
                  nearest ? "'?" : "");
    return false;
}
