/* SPDX-License-Identifier: MIT
 *
 * setun: finds the verb, parses its options, runs it. */
#include "cli.h"
#include "setun/text.h"
#include <locale.h>
#include <stdio.h>
#include <string.h>

#define STN_COMMAND(symbol) extern const stn_command stn_cmd_##symbol;
#include "commands.def"
#undef STN_COMMAND

const stn_command *const stn_commands[] = {
#define STN_COMMAND(symbol) &stn_cmd_##symbol,
#include "commands.def"
#undef STN_COMMAND
    NULL,
};

/* Words of argv that the name of `command` takes up, or 0. */
static int match(const stn_command *command, int argc, char **argv)
{
    const char *space = strchr(command->name, ' ');
    if (!space)
        return strcmp(argv[0], command->name) == 0 ? 1 : 0;
    size_t first = (size_t)(space - command->name);
    return argc > 1 && strlen(argv[0]) == first &&
                   strncmp(argv[0], command->name, first) == 0 &&
                   strcmp(argv[1], space + 1) == 0
               ? 2
               : 0;
}

static int unknown_verb(const char *word)
{
    const char *names[sizeof stn_commands / sizeof *stn_commands];
    size_t n = 0;
    for (; stn_commands[n]; n++)
        names[n] = stn_commands[n]->name;
    names[n] = NULL;
    const char *nearest = stn_nearest_word(word, names);
    /* "data" alone is the beginning of a name of two words. */
    for (size_t i = 0; i < n && !nearest; i++)
        if (strncmp(names[i], word, strlen(word)) == 0)
            nearest = names[i];
    if (nearest)
        stn_cli_error("there is no verb '%s'; did you mean '%s'?", word,
                      nearest);
    else
        stn_cli_error("there is no verb '%s'; see 'setun --help'", word);
    return STN_EXIT_USAGE;
}

static int run_verb(const stn_command *command, int argc, char **argv)
{
    static stn_arguments arguments;
    static const char *operands[1024];
    arguments.operands = operands;
    if (argc > (int)(sizeof operands / sizeof *operands)) {
        stn_cli_error("too many words: got %d, at most %zu", argc,
                      sizeof operands / sizeof *operands);
        return STN_EXIT_USAGE;
    }
    bool help = false;
    int code = stn_cli_parse(command, argc, argv, &arguments, &help);
    if (help) {
        stn_cli_help(command);
        return STN_EXIT_OK;
    }
    return code == STN_EXIT_OK ? command->run(&arguments) : code;
}

int main(int argc, char **argv)
{
    setlocale(LC_CTYPE, "");
    if (argc < 2) {
        stn_cli_overview();
        return STN_EXIT_USAGE;
    }
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") ||
        (!strcmp(argv[1], "help") && argc == 2)) {
        stn_cli_overview();
        return STN_EXIT_OK;
    }
    if (!strcmp(argv[1], "--version")) {
        printf("setun %s\n", SETUN_VERSION);
        return STN_EXIT_OK;
    }
    bool wants_help = !strcmp(argv[1], "help");
    int first = wants_help ? 2 : 1;
    for (int i = 0; stn_commands[i]; i++) {
        int words = match(stn_commands[i], argc - first, argv + first);
        if (!words)
            continue;
        if (!wants_help)
            return run_verb(stn_commands[i], argc - first - words,
                            argv + first + words);
        stn_cli_help(stn_commands[i]);
        return STN_EXIT_OK;
    }
    return unknown_verb(argv[first]);
}
