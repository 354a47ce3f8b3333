/* SPDX-License-Identifier: MIT
 *
 * The command line. A verb is one file cmd_<name>.c exporting a stn_command
 * and one line in commands.def; its table of options is what is parsed, what
 * --help and the man page print, and what unknown words are compared with.
 *
 * The command includes public headers only (setun/…). */
#ifndef STN_CLI_CLI_H
#define STN_CLI_CLI_H

#include "setun/json.h"
#include "setun/status.h"
#include <stdbool.h>
#include <stdint.h>

/* What scripts branch on. */
enum {
    STN_EXIT_OK = 0,
    STN_EXIT_FAILURE = 1,
    STN_EXIT_USAGE = 2,
    STN_EXIT_MISMATCH = 3, /* executors disagree */
    STN_EXIT_MISSING = 4,  /* a file or data set is not there */
    STN_EXIT_INTERRUPTED = 130
};

/* `argument` is NULL for a switch. `initial` is the value when the option is
 * not given, as text; NULL: none. */
typedef struct stn_option {
    const char *name; /* without "--" */
    char letter;      /* 0: none */
    bool repeats;     /* may be given several times */
    const char *argument, *initial, *help;
} stn_option;

#define STN_CLI_OPTIONS 20 /* most options a verb may have */
#define STN_CLI_REPEATS 32 /* most times an option may be repeated */

/* Rows that most tables share; engine.h has those about programs. */
/* clang-format off */
#define STN_CLI_THREADS                                                        \
    {"threads", 't', false, "N", "0", "threads, 0 for all CPUs"}
#define STN_CLI_TABLE_FILE                                                     \
    {"results", 0, false, "FILE", NULL,                                        \
     "write a results file for 'setun table'"}
#define STN_CLI_JSON {"json", 0, false, NULL, NULL, "print as JSON"}
/* clang-format on */

/* A parsed command line. Texts are argv's. */
typedef struct stn_arguments {
    const struct stn_command *command;
    const char **operands;
    int n_operands;
    const char *values[STN_CLI_OPTIONS][STN_CLI_REPEATS];
    int n_values[STN_CLI_OPTIONS];
} stn_arguments;

typedef struct stn_command {
    const char *name;               /* "train", or two words: "data convert" */
    const char *operands;           /* "RECIPE", "FILE IMAGE...", or "" */
    int min_operands, max_operands; /* max < 0: any number */
    const char *summary;            /* one line, no full stop */
    const char *details; /* paragraphs for --help and the man page, or "" */
    const stn_option *options; /* ended by a row without name; not NULL */
    int (*run)(const stn_arguments *arguments); /* returns an exit code */
} stn_command;

extern const stn_command *const stn_commands[]; /* NULL ends */

/* ---- parse.c */
/* Parses argv after the verb's words. Prints what is wrong and returns
 * STN_EXIT_USAGE; *help is set when --help was asked for. */
int stn_cli_parse(const stn_command *command, int argc, char **argv,
                  stn_arguments *out, bool *help);
/* Value of an option of this verb: the last given, else `initial`. */
const char *stn_cli_text(const stn_arguments *arguments, const char *option);
bool stn_cli_switch(const stn_arguments *arguments, const char *option);
/* All values of an option that repeats. */
const char *const *stn_cli_list(const stn_arguments *arguments,
                                const char *option, int *n);
/* A whole number in [min, max]; otherwise says so and returns false. */
bool stn_cli_int(const stn_arguments *arguments, const char *option,
                 int64_t min, int64_t max, int64_t *out);
/* Any number; otherwise says so and returns false. */
bool stn_cli_number(const stn_arguments *arguments, const char *option,
                    double *out);
/* Refuses a word outside the NULL-terminated list, naming the nearest. */
bool stn_cli_choice(const char *what, const char *word,
                    const char *const *words, int *out);

/* ---- help.c */
void stn_cli_help(const stn_command *command);
void stn_cli_overview(void);
void stn_cli_man(void); /* troff, to stdout */

/* ---- print.c */
/* "error: …" on stderr, once, in red on a terminal. */
void stn_cli_error(const char *format, ...)
    __attribute__((format(printf, 1, 2)));
/* Prints the error of a failed call and returns its exit code. */
int stn_cli_fail(stn_status status, const stn_error *error);
/* Prints the JSON and returns the exit code. */
int stn_cli_json(stn_json_writer *w);
/* Writes it to the file `path` instead. */
int stn_cli_json_save(stn_json_writer *w, const char *path);

/* Text of a value in a unit that fits ("1.23 uJ", "4.5 ms", "12 kB"); eight
 * texts may be in use at once. NaN gives "-". */
const char *stn_cli_si(double value, const char *unit);
const char *stn_cli_bytes(double bytes);
const char *stn_cli_percent(double share, int digits);
const char *stn_cli_count(double count);      /* 28.7 M */
const char *stn_cli_duration(double seconds); /* 1:05, 2:03:04 */

/* What is to be said behind the name of a report: "", or that it has no
 * charts. */
const char *stn_cli_without_charts(void);

/* Width of the terminal behind a file descriptor; 0: it is none. */
int stn_cli_columns(int descriptor);

/* A table whose columns are as wide as they need, but for texts in the last
 * one, which a terminal breaks. Formats cells into own memory; one table at a
 * time. `align` has one letter a column: l or r. */
void stn_table_begin(const char *align, ...); /* heads, then NULL */
void stn_table_cell(const char *format, ...)
    __attribute__((format(printf, 1, 2)));
void stn_table_end(void); /* prints */

/* ---- progress.c */
/* Options for training progress: one line rewritten on a terminal, a line
 * kept for every epoch. */
struct stn_train_progress;
void stn_cli_progress(void *context, const struct stn_train_progress *p);
/* A bar on a terminal, rewritten as more of n is done and cleared when all is:
 * "[####....]  45 %  450 of 1000 points  left 0:03  150 points/s". */
typedef struct stn_cli_work {
    uint64_t done, n;
    const char *unit; /* "points" */
    double elapsed_s;
} stn_cli_work;
void stn_cli_bar(const stn_cli_work *work);
/* A line of text, after clearing a progress line. */
void stn_cli_say(void *context, const char *line);
/* Ctrl-C sets this flag once; a second one ends the process. */
const volatile int *stn_cli_stop_flag(void);

#endif
