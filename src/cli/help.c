/* SPDX-License-Identifier: MIT
 *
 * The overview, --help of a verb, and the man page, all from the table of
 * verbs. Lines are broken at 78 columns. */
#include "cli.h"
#include <stdio.h>
#include <string.h>

#define WIDTH 78

static const char INTRODUCTION[] =
    "Setun trains networks that hardly multiply, packs them into kilobytes, "
    "runs them fast on an ordinary CPU, and says from a bit-accurate "
    "simulation what they would cost in energy, time and area on "
    "processing-in-memory arrays.";

static const struct {
    int code;
    const char *meaning;
} EXITS[] = {
    {STN_EXIT_OK, "done"},
    {STN_EXIT_FAILURE, "it failed; the text says why"},
    {STN_EXIT_USAGE, "the command line is wrong"},
    {STN_EXIT_MISMATCH, "executors disagree (verify, simulate, reproduce)"},
    {STN_EXIT_MISSING, "a file, recipe or data set is not there"},
    {STN_EXIT_INTERRUPTED, "interrupted; the state is saved"},
};

static const struct {
    const char *name, *meaning;
} VARIABLES[] = {
    {"SETUN_DATA", "folders with data sets, separated by ':'"},
    {"SETUN_SHARE", "folder with networks/, recipes/, machines/"},
};

/* Prints `text` with lines broken at WIDTH, starting at column `used` and
 * continuing at column `indent`. A newline in the text stays one. */
static void wrap(const char *text, int used, int indent)
{
    int column = used;
    while (*text) {
        size_t n = strcspn(text, " \n");
        if (column > indent && column + 1 + (int)n > WIDTH) {
            printf("\n%*s", indent, "");
            column = indent;
        } else if (column > indent) {
            putchar(' ');
            column++;
        }
        printf("%.*s", (int)n, text);
        column += (int)n;
        text += n;
        for (; *text == '\n'; text++) {
            printf("\n%*s", indent, "");
            column = indent;
        }
        text += strspn(text, " ");
    }
    putchar('\n');
}

static void usage(const stn_command *command)
{
    printf("setun %s%s%s%s", command->name, *command->operands ? " " : "",
           command->operands, command->options[0].name ? " [OPTION...]" : "");
}

static void print_option(const stn_option *option)
{
    char left[64];
    char letter[8] = "";
    if (option->letter)
        snprintf(letter, sizeof letter, "-%c, ", option->letter);
    int n = snprintf(left, sizeof left, "  %s--%s%s%s", letter, option->name,
                     option->argument ? " " : "",
                     option->argument ? option->argument : "");
    printf("%s", left);
    if (n > 24) {
        putchar('\n');
        n = 0;
    }
    printf("%*s", 26 - n, "");
    char text[512];
    snprintf(text, sizeof text, "%s%s%s%s%s", option->help,
             option->initial ? " (default: " : "",
             option->initial ? option->initial : "", option->initial ? ")" : "",
             option->repeats ? "; repeatable" : "");
    wrap(text, 26, 26);
}

void stn_cli_help(const stn_command *command)
{
    printf("Usage: ");
    usage(command);
    printf("\n\n");
    char summary[256];
    snprintf(summary, sizeof summary, "%s.", command->summary);
    wrap(summary, 0, 0);
    if (*command->details) {
        putchar('\n');
        wrap(command->details, 0, 0);
    }
    printf("\nOptions:\n");
    for (const stn_option *o = command->options; o->name; o++)
        print_option(o);
    print_option(&(stn_option){
        .name = "help", .letter = 'h', .help = "print this and exit"});
}

void stn_cli_overview(void)
{
    printf("Usage: setun VERB [OPERAND...] [OPTION...]\n\n");
    wrap(INTRODUCTION, 0, 0);
    printf("\nVerbs ('setun VERB --help' says more):\n");
    for (int i = 0; stn_commands[i]; i++)
        printf("  %-14s%s\n", stn_commands[i]->name, stn_commands[i]->summary);
    printf("\nExit codes:\n");
    for (size_t i = 0; i < sizeof EXITS / sizeof *EXITS; i++)
        printf("  %-6d%s\n", EXITS[i].code, EXITS[i].meaning);
    printf("\nEnvironment:\n");
    for (size_t i = 0; i < sizeof VARIABLES / sizeof *VARIABLES; i++)
        printf("  %-14s%s\n", VARIABLES[i].name, VARIABLES[i].meaning);
}

/* Text in troff: hyphens that people copy stay hyphens, a leading dot or
 * quote is no request, an empty line is a paragraph. */
static void troff(const char *text)
{
    bool line_starts = true;
    for (; *text; text++) {
        if (line_starts && (*text == '.' || *text == '\''))
            printf("\\&");
        line_starts = *text == '\n';
        if (*text == '-')
            printf("\\-");
        else if (*text == '\\')
            printf("\\e");
        else if (*text == '\n' && text[1] == '\n')
            printf("\n.PP"), text++, putchar('\n');
        else if (*text == '\n')
            printf("\n.br\n");
        else
            putchar(*text);
    }
}

static void man_option(const stn_option *option)
{
    printf(".TP\n.B ");
    if (option->letter)
        printf("\\-%c\\fR, \\fB", option->letter);
    printf("\\-\\-");
    troff(option->name);
    if (option->argument) {
        printf("\\fR \\fI");
        troff(option->argument);
        printf("\\fR");
    }
    putchar('\n');
    troff(option->help);
    if (option->initial) {
        printf(" (default: ");
        troff(option->initial);
        putchar(')');
    }
    puts(option->repeats ? "; repeatable" : "");
}

static void man_command(const stn_command *command)
{
    printf(".SS \"setun %s", command->name);
    if (*command->operands)
        printf(" %s", command->operands);
    printf("\"\n");
    troff(command->summary);
    printf(".\n");
    if (*command->details) {
        printf(".PP\n");
        troff(command->details);
        putchar('\n');
    }
    for (const stn_option *o = command->options; o->name; o++)
        man_option(o);
}

void stn_cli_man(void)
{
    printf(".TH SETUN 1 \"\" \"setun %s\" \"User Commands\"\n.SH NAME\n"
           "setun \\- train, pack, run and cost networks that hardly "
           "multiply\n.SH SYNOPSIS\n.B setun\n\\fIVERB\\fR "
           "[\\fIOPERAND\\fR...] [\\fIOPTION\\fR...]\n.SH DESCRIPTION\n",
           SETUN_VERSION);
    troff(INTRODUCTION);
    printf("\n.SH VERBS\n");
    for (int i = 0; stn_commands[i]; i++)
        man_command(stn_commands[i]);
    printf(".SH \"EXIT STATUS\"\n");
    for (size_t i = 0; i < sizeof EXITS / sizeof *EXITS; i++)
        printf(".TP\n%d\n%s\n", EXITS[i].code, EXITS[i].meaning);
    printf(".SH ENVIRONMENT\n");
    for (size_t i = 0; i < sizeof VARIABLES / sizeof *VARIABLES; i++)
        printf(".TP\n.B %s\n%s\n", VARIABLES[i].name, VARIABLES[i].meaning);
}
