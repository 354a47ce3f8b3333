/* SPDX-License-Identifier: MIT
 *
 * Comma-separated values: the file is split in place, in one block. */
#include "memory/csv.h"
#include "base/file.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Takes one field off *cursor and returns it, unquoted in place; sets *end at
 * the end of the line. */
static char *take_field(char **cursor, bool *end)
{
    char *in = *cursor, *start = in, *out = in;
    bool quoted = false;
    for (; *in && *in != '\n' && (quoted || *in != ','); in++) {
        if (*in == '"') {
            if (quoted && in[1] == '"')
                *out++ = *in++;
            else
                quoted = !quoted;
        } else if (*in != '\r') {
            *out++ = *in;
        }
    }
    *end = *in != ',';
    *cursor = *in ? in + 1 : in;
    *out = '\0';
    return start;
}

static int count(const char *text, char c)
{
    int n = 0;
    for (; *text; text++)
        n += *text == c;
    return n;
}

static stn_status split(const char *path, char *text, stn_arena *arena,
                        stn_csv *csv, stn_error *err)
{
    int most = count(text, ',') + count(text, '\n') + 2, line = 1;
    bool end = false;
    csv->names = stn_arena_alloc(arena, (size_t)most, sizeof *csv->names);
    if (!csv->names)
        return stn_fail_memory(err, "a table");
    while (*text && !end)
        csv->names[csv->n_columns++] = take_field(&text, &end);
    if (csv->n_columns < 2)
        return stn_fail(err, STN_E_FORMAT,
                        "%s:1: expected a line of names with commas", path);
    size_t rows = (size_t)count(text, '\n') + 1;
    csv->fields = stn_arena_alloc(arena, rows * (size_t)csv->n_columns,
                                  sizeof *csv->fields);
    if (!csv->fields)
        return stn_fail_memory(err, "a table");
    while (*text) {
        const char **row = csv->fields + csv->n_rows * csv->n_columns;
        int n = 0;
        line++;
        for (end = false; !end; n++) {
            const char *field = take_field(&text, &end);
            if (n >= csv->n_columns)
                return stn_fail(err, STN_E_FORMAT,
                                "%s:%d: got more than %d fields, the first "
                                "line names %d",
                                path, line, n, csv->n_columns);
            row[n] = field;
        }
        if (n == 1 && !row[0][0])
            continue;
        for (; n < csv->n_columns; n++)
            row[n] = "";
        csv->n_rows++;
    }
    return STN_OK;
}

stn_status stn_csv_load(const char *path, stn_arena *arena, stn_csv *out,
                        stn_error *err)
{
    uint8_t *bytes = NULL;
    size_t size = 0;
    STN_TRY(stn_file_read(path, &bytes, &size, err));
    char *text = stn_arena_string(arena, (const char *)bytes);
    char *name = stn_arena_string(arena, path);
    stn_free(bytes);
    if (!text || !name)
        return stn_fail_memory(err, "a table");
    stn_csv csv = {.file = name};
    STN_TRY(split(path, text, arena, &csv, err));
    *out = csv;
    return STN_OK;
}

const char *stn_csv_text(const stn_csv *csv, int row, const char *name)
{
    for (int i = 0; i < csv->n_columns; i++)
        if (strcmp(csv->names[i], name) == 0)
            return csv->fields[row * csv->n_columns + i];
    return "";
}

double stn_csv_number(const stn_csv *csv, int row, const char *name)
{
    const char *text = stn_csv_text(csv, row, name);
    char *end = NULL;
    double x = strtod(text, &end);
    return end == text || *end ? (double)NAN : x;
}
