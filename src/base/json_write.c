/* SPDX-License-Identifier: MIT
 *
 * The JSON writer: appends to a growing buffer. Bytes that are not UTF-8 (a
 * file name, say) become U+FFFD, so that the output is always valid. */
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static void put(stn_json_writer *w, const char *text, size_t n)
{
    if (w->failed)
        return;
    if (w->capacity - w->size <= n) { /* one byte is kept for the NUL */
        size_t capacity = 2 * (w->size + n) + 256;
        char *grown = stn_alloc(capacity, 1);
        if (!grown) {
            w->failed = true;
            return;
        }
        if (w->size)
            memcpy(grown, w->text, w->size);
        stn_free(w->text);
        w->text = grown;
        w->capacity = capacity;
    }
    memcpy(w->text + w->size, text, n);
    w->size += n;
}

static void put_text(stn_json_writer *w, const char *text)
{
    put(w, text, strlen(text));
}

static void put_quoted(stn_json_writer *w, const char *text)
{
    size_t left = strlen(text);
    put(w, "\"", 1);
    while (left > 0) {
        size_t n = stn_text_character(text, left);
        unsigned char c = (unsigned char)*text;
        if (n == 0) {
            put_text(w, "\xef\xbf\xbd"); /* U+FFFD */
            n = 1;
        } else if (c < 0x20) {
            char code[8];
            snprintf(code, sizeof code, "\\u%04x", (unsigned)c);
            put_text(w, c == '\n' ? "\\n" : c == '\t' ? "\\t" : code);
        } else {
            if (c == '"' || c == '\\')
                put(w, "\\", 1);
            put(w, text, n);
        }
        text += n;
        left -= n;
    }
    put(w, "\"", 1);
}

static void put_line(stn_json_writer *w)
{
    if (w->indent <= 0)
        return;
    put(w, "\n", 1);
    for (int i = 0; i < w->depth * w->indent; i++)
        put(w, " ", 1);
}

/* What comes before a value: a comma, a line, the key. */
static void begin_value(stn_json_writer *w, const char *key)
{
    if (w->need_comma)
        put(w, ",", 1);
    if (w->depth > 0)
        put_line(w);
    if (key) {
        put_quoted(w, key);
        put_text(w, w->indent > 0 ? ": " : ":");
    }
    w->need_comma = true;
}

static void begin(stn_json_writer *w, const char *key, const char *bracket)
{
    begin_value(w, key);
    put(w, bracket, 1);
    w->depth++;
    w->need_comma = false;
}

static void end(stn_json_writer *w, const char *bracket)
{
    assert(w->depth > 0);
    w->depth--;
    if (w->need_comma) /* an empty one stays on its line */
        put_line(w);
    put(w, bracket, 1);
    w->need_comma = true;
}

void stn_json_begin_object(stn_json_writer *w, const char *key)
{
    begin(w, key, "{");
}

void stn_json_end_object(stn_json_writer *w)
{
    end(w, "}");
}

void stn_json_begin_array(stn_json_writer *w, const char *key)
{
    begin(w, key, "[");
}

void stn_json_end_array(stn_json_writer *w)
{
    end(w, "]");
}

void stn_json_string(stn_json_writer *w, const char *key, const char *value)
{
    begin_value(w, key);
    put_quoted(w, value);
}

void stn_json_int(stn_json_writer *w, const char *key, int64_t value)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRId64, value);
    begin_value(w, key);
    put_text(w, text);
}

void stn_json_number(stn_json_writer *w, const char *key, double value)
{
    char text[STN_TEXT_DOUBLE] = "null";
    if (isfinite(value))
        stn_text_from_double(value, text);
    begin_value(w, key);
    put_text(w, text);
}

void stn_json_bool(stn_json_writer *w, const char *key, bool value)
{
    begin_value(w, key);
    put_text(w, value ? "true" : "false");
}

void stn_json_null(stn_json_writer *w, const char *key)
{
    begin_value(w, key);
    put_text(w, "null");
}

stn_status stn_json_finish(stn_json_writer *w, char **text, size_t *size,
                           stn_error *err)
{
    assert(w->depth == 0 || w->failed);
    if (w->indent > 0)
        put(w, "\n", 1);
    put(w, "", 0); /* so that even an empty text has room for its NUL */
    stn_json_writer done = *w;
    *w = (stn_json_writer){.indent = done.indent};
    if (done.failed) {
        stn_free(done.text);
        return stn_fail_memory(err, "JSON text");
    }
    done.text[done.size] = '\0';
    *text = done.text;
    *size = done.size;
    return STN_OK;
}

stn_status stn_json_print(stn_json_writer *w, FILE *stream, stn_error *err)
{
    bool ends_line = w->indent > 0;
    char *text = NULL;
    size_t size = 0;
    STN_TRY(stn_json_finish(w, &text, &size, err));
    bool written = fwrite(text, 1, size, stream) == size;
    if (!ends_line)
        written = fputc('\n', stream) != EOF && written;
    stn_free(text);
    if (!written)
        return stn_fail(err, STN_E_IO, "cannot write %zu bytes of JSON; is "
                        "the disk full or the reader gone?", size);
    return STN_OK;
}

void stn_json_discard(stn_json_writer *w)
{
    stn_free(w->text);
    *w = (stn_json_writer){.indent = w->indent};
}
