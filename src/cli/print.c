/* SPDX-License-Identifier: MIT
 *
 * Errors, numbers for people, and tables on the terminal. */
#include "cli.h"
#include "setun/library.h"
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

int stn_cli_columns(int descriptor)
{
    struct winsize size;
    return isatty(descriptor) && ioctl(descriptor, TIOCGWINSZ, &size) == 0
               ? size.ws_col
               : 0;
}

void stn_cli_error(const char *format, ...)
{
    va_list list;
    va_start(list, format);
    bool colour = isatty(STDERR_FILENO);
    fprintf(stderr, "%ssetun: error:%s ", colour ? "\033[31m" : "",
            colour ? "\033[0m" : "");
    vfprintf(stderr, format, list);
    fputc('\n', stderr);
    va_end(list);
}

int stn_cli_fail(stn_status status, const stn_error *error)
{
    const char *text = *error->text ? error->text : stn_status_text(status);
    if (status == STN_E_INTERRUPTED) {
        fprintf(stderr, "setun: %s\n", text);
        return STN_EXIT_INTERRUPTED;
    }
    stn_cli_error("%s", text);
    return status == STN_E_ARGUMENT    ? STN_EXIT_USAGE
           : status == STN_E_MISMATCH  ? STN_EXIT_MISMATCH
           : status == STN_E_NOT_FOUND ? STN_EXIT_MISSING
                                       : STN_EXIT_FAILURE;
}

int stn_cli_json(stn_json_writer *w)
{
    stn_error err = {0};
    stn_status status = stn_json_print(w, stdout, &err);
    return status == STN_OK ? STN_EXIT_OK : stn_cli_fail(status, &err);
}

int stn_cli_json_save(stn_json_writer *w, const char *path)
{
    stn_error err = {0};
    FILE *file = fopen(path, "w");
    if (!file) {
        perror(path);
        return STN_EXIT_FAILURE;
    }
    stn_status status = stn_json_print(w, file, &err);
    if (fclose(file) != 0 && status == STN_OK) {
        perror(path);
        return STN_EXIT_FAILURE;
    }
    return status == STN_OK ? STN_EXIT_OK : stn_cli_fail(status, &err);
}

/* Short texts, used in turn. */
#define TEXT 48
#define TEXTS 8
static char *next_text(void)
{
    static char texts[TEXTS][TEXT];
    static int next;
    next = (next + 1) % TEXTS;
    return texts[next];
}

/* value scaled by 1000^k so that 1 <= |value| < 1000 where prefixes allow;
 * three significant digits. */
static const char *scaled(double value, const char *unit)
{
    static const char *const PREFIXES[] = {"a", "f", "p", "n", "u", "m",
                                           "",  "k", "M", "G", "T"};
    const int zero = 6, last = 10;
    if (isnan(value))
        return "-";
    int k = zero;
    double x = value;
    while (x != 0 && fabs(x) < 0.9995 && k > 0)
        x *= 1000, k--;
    while (fabs(x) >= 999.5 && k < last)
        x /= 1000, k++;
    double size = fabs(x);
    int digits = size >= 99.95 || x == 0 ? 0 : size >= 9.995 ? 1 : 2;
    if (k == zero && size == floor(size))
        digits = 0;
    char *text = next_text();
    snprintf(text, TEXT, "%.*f %s%s", digits, x, PREFIXES[k], unit);
    size_t n = strlen(text);
    if (n && text[n - 1] == ' ')
        text[n - 1] = '\0';
    return text;
}

const char *stn_cli_si(double value, const char *unit)
{
    /* A square unit takes the square of a prefix: mm2 and um2. */
    if (strcmp(unit, "m2") != 0)
        return scaled(value, unit);
    char *text = next_text();
    if (isnan(value))
        return "-";
    if (value >= 1e-8)
        snprintf(text, TEXT, "%.3g mm2", value * 1e6);
    else
        snprintf(text, TEXT, "%.3g um2", value * 1e12);
    return text;
}

const char *stn_cli_without_charts(void)
{
    return stn_library_chart_script() ? "" : " (tables only: no Chart.js)";
}

const char *stn_cli_bytes(double bytes)
{
    return scaled(bytes, "B");
}

const char *stn_cli_count(double count)
{
    return scaled(count, "");
}

const char *stn_cli_percent(double share, int digits)
{
    if (isnan(share))
        return "-";
    char *text = next_text();
    snprintf(text, TEXT, "%.*f %%", digits, 100 * share);
    return text;
}

const char *stn_cli_duration(double seconds)
{
    if (!isfinite(seconds))
        return "-";
    char *text = next_text();
    long s = lround(seconds < 0 ? 0 : seconds);
    if (s >= 3600)
        snprintf(text, TEXT, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
    else
        snprintf(text, TEXT, "%ld:%02ld", s / 60, s % 60);
    return text;
}

/* ---- tables */

#define COLUMNS 16
#define LEAST_TEXT 16 /* columns; in fewer a text is not broken */
static struct {
    char align[COLUMNS + 1];
    int n_columns, n_cells, capacity;
    char **cells; /* row after row; the first row is the heads */
} table;

/* Columns that a text takes on the terminal: characters, not bytes. */
static int columns_of(const char *text)
{
    int n = 0;
    for (; *text; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

static void add_cell(const char *text)
{
    if (table.n_cells == table.capacity) {
        int capacity = table.capacity ? 2 * table.capacity : 256;
        char **cells =
            realloc(table.cells, (size_t)capacity * sizeof *table.cells);
        if (!cells)
            return;
        table.cells = cells;
        table.capacity = capacity;
    }
    char *copy = strdup(text);
    if (copy)
        table.cells[table.n_cells++] = copy;
}

void stn_table_begin(const char *align, ...)
{
    va_list heads;
    va_start(heads, align);
    table.n_columns = (int)strlen(align);
    snprintf(table.align, sizeof table.align, "%s", align);
    for (const char *head = va_arg(heads, const char *); head;
         head = va_arg(heads, const char *))
        add_cell(head);
    va_end(heads);
}

void stn_table_cell(const char *format, ...)
{
    char text[512];
    va_list list;
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    add_cell(text);
}

/* The last cell of a line, which begins at column `indent`; broken between
 * words when `room` is less than it takes. */
static void print_last(const char *text, int indent, int room)
{
    bool whole = columns_of(text) <= room;
    for (int at = 0; *text && !whole;) {
        const char *end = text + strcspn(text, " ");
        char word[512];
        snprintf(word, sizeof word, "%.*s", (int)(end - text), text);
        int n = columns_of(word);
        if (at && at + 1 + n > room) {
            printf("\n%*s", indent, "");
            at = 0;
        }
        printf("%s%s", at ? " " : "", word);
        at += n + (at > 0);
        text = end + (*end == ' ');
    }
    printf("%s\n", text);
}

/* Without blanks at the end of the line. */
static void print_row(const int *widths, int row)
{
    char *const *cells = table.cells + row * table.n_columns;
    int last = table.n_columns - 1, indent = 0;
    while (last > 0 && !*cells[last])
        last--;
    for (int c = 0; c <= last; c++) {
        int pad = widths[c] - columns_of(cells[c]);
        if (table.align[c] == 'r')
            printf("%*s", pad, "");
        if (c == last && table.align[c] == 'l')
            print_last(cells[c], indent, widths[c]);
        else
            printf("%s%*s%s", cells[c], table.align[c] == 'r' ? 0 : pad, "",
                   c == last ? "\n" : "  ");
        indent += widths[c] + 2;
    }
}

/* On a terminal a last column of texts is no wider than what is left. */
static void fit_last(int *widths)
{
    int last = table.n_columns - 1, left = stn_cli_columns(STDOUT_FILENO);
    if (table.align[last] != 'l' || !left)
        return;
    for (int c = 0; c < last; c++)
        left -= widths[c] + 2;
    if (left >= LEAST_TEXT && left < widths[last])
        widths[last] = left;
}

void stn_table_end(void)
{
    int widths[COLUMNS] = {0};
    for (int i = 0; i < table.n_cells; i++) {
        int c = i % table.n_columns, n = columns_of(table.cells[i]);
        widths[c] = n > widths[c] ? n : widths[c];
    }
    fit_last(widths);
    for (int row = 0; row < table.n_cells / table.n_columns; row++) {
        print_row(widths, row);
        if (row > 0)
            continue;
        for (int c = 0; c < table.n_columns; c++) {
            for (int i = 0; i < widths[c]; i++)
                fputs("─", stdout);
            printf(c + 1 == table.n_columns ? "\n" : "  ");
        }
    }
    for (int i = 0; i < table.n_cells; i++)
        free(table.cells[i]);
    table.n_cells = 0;
}
