/* SPDX-License-Identifier: MIT
 *
 * The JSON reader: recursive descent over a byte range, strict RFC 8259.
 * Limits: depth 64; U+0000 inside a string is refused because strings are
 * NUL-terminated; numbers beyond the range of double are refused. Of equal
 * keys the first is found; formats that forbid them check that themselves. */
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include <math.h>
#include <string.h>

#define MAX_DEPTH 64

struct stn_json_document {
    stn_arena arena;
    stn_json *root;
};

typedef struct reader {
    const char *name, *text;
    size_t size, at;
    int depth;
    stn_arena *arena;
    stn_error *err;
} reader;

static stn_status fail(const reader *r, const char *expected)
{
    if (r->at >= r->size)
        return stn_fail(r->err, STN_E_FORMAT,
                        "%s: ends at byte %zu, expected %s; is the file cut?",
                        r->name, r->size, expected);
    unsigned char c = (unsigned char)r->text[r->at];
    if (c > 0x20 && c < 0x7f)
        return stn_fail(r->err, STN_E_FORMAT,
                        "%s: byte %zu: got '%c', expected %s", r->name, r->at,
                        c, expected);
    return stn_fail(r->err, STN_E_FORMAT,
                    "%s: byte %zu: got byte 0x%02x, expected %s", r->name,
                    r->at, (unsigned)c, expected);
}

static int peek(const reader *r)
{
    return r->at < r->size ? (unsigned char)r->text[r->at] : -1;
}

static void skip_space(reader *r)
{
    for (;;) {
        int c = peek(r);
        if (c != ' ' && c != '\t' && c != '\n' && c != '\r')
            return;
        r->at++;
    }
}

static stn_status hex4(reader *r, uint32_t *out)
{
    uint32_t value = 0;
    for (int i = 0; i < 4; i++, r->at++) {
        int c = peek(r);
        uint32_t digit;
        if (c >= '0' && c <= '9')
            digit = (uint32_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            digit = (uint32_t)(c - 'a' + 10);
        else if (c >= 'A' && c <= 'F')
            digit = (uint32_t)(c - 'A' + 10);
        else
            return fail(r, "four hexadecimal digits after \\u");
        value = value * 16 + digit;
    }
    *out = value;
    return STN_OK;
}

/* Appends code point `u` as UTF-8; returns the new end. */
static char *encode(char *to, uint32_t u)
{
    if (u < 0x80) {
        *to++ = (char)u;
        return to;
    }
    int more = u >= 0x10000 ? 3 : u >= 0x800 ? 2 : 1;
    static const uint32_t lead[] = {0, 0xc0, 0xe0, 0xf0};
    *to++ = (char)(unsigned char)(lead[more] | (u >> (6 * more)));
    while (more-- > 0)
        *to++ = (char)(unsigned char)(0x80 | ((u >> (6 * more)) & 0x3f));
    return to;
}

/* After the 'u' of an escape: one or, for a surrogate pair, two units. */
static stn_status unicode_escape(reader *r, char **to)
{
    uint32_t u = 0;
    STN_TRY(hex4(r, &u));
    if (u >= 0xd800 && u < 0xdc00) {
        uint32_t low = 0;
        if (r->size - r->at < 6 || r->text[r->at] != '\\' ||
            r->text[r->at + 1] != 'u')
            return fail(r, "the second half of a surrogate pair");
        r->at += 2;
        STN_TRY(hex4(r, &low));
        if (low < 0xdc00 || low > 0xdfff)
            return fail(r, "a low surrogate before this place");
        u = 0x10000 + ((u - 0xd800) << 10) + (low - 0xdc00);
    } else if (u >= 0xdc00 && u <= 0xdfff) {
        return fail(r, "a high surrogate before this place");
    }
    if (u == 0)
        return fail(r, "text without U+0000 before this place");
    *to = encode(*to, u);
    return STN_OK;
}

static stn_status escape(reader *r, char **to)
{
    static const char from[] = "\"\\/bfnrt", into[] = "\"\\/\b\f\n\r\t";
    int c = peek(r);
    const char *found = c > 0 ? strchr(from, c) : NULL;
    if (!found && c != 'u')
        return fail(r, "an escape, one of \\\" \\\\ \\/ \\b \\f \\n \\r \\t "
                       "\\uXXXX");
    r->at++;
    if (c == 'u')
        return unicode_escape(r, to);
    *(*to)++ = into[found - from];
    return STN_OK;
}

/* Reads a string at its opening quote into the arena. */
static stn_status read_string(reader *r, const char **out)
{
    if (peek(r) != '"')
        return fail(r, "a string");
    r->at++;
    /* Decoding never lengthens, so the raw length is enough room. */
    size_t end = r->at;
    while (end < r->size && r->text[end] != '"')
        end += r->text[end] == '\\' ? 2 : 1;
    if (end >= r->size) {
        r->at = r->size;
        return fail(r, "the end of a string");
    }
    char *copy = stn_arena_alloc(r->arena, end - r->at + 1, 1);
    if (!copy)
        return stn_fail_memory(r->err, "a JSON string");
    char *to = copy;
    while (peek(r) != '"') {
        int c = peek(r);
        if (c == '\\') {
            r->at++;
            STN_TRY(escape(r, &to));
            continue;
        }
        size_t n = stn_text_character(r->text + r->at, r->size - r->at);
        if (c < 0x20 || n == 0)
            return fail(r, "UTF-8 text without control characters");
        memcpy(to, r->text + r->at, n);
        to += n;
        r->at += n;
    }
    r->at++;
    *out = copy;
    return STN_OK;
}

static stn_status read_number(reader *r, double *out)
{
    bool negative = peek(r) == '-';
    if (negative)
        r->at++;
    const char *text = r->text + r->at;
    size_t left = r->size - r->at;
    /* Stricter than stn_text_to_double: a digit first, no leading zero, and
     * a digit after the point. */
    int c = peek(r);
    if (c < '0' || c > '9')
        return fail(r, "a digit");
    double value = 0.0;
    size_t n = stn_text_to_double(text, left, &value);
    if (n == 0)
        return fail(r, "a number of at most 400 characters");
    if (c == '0' && left > 1 && text[1] >= '0' && text[1] <= '9')
        return fail(r, "a number without leading zeros");
    const char *point = memchr(text, '.', n);
    if (point && (point + 1 == text + n || point[1] < '0' || point[1] > '9')) {
        r->at += (size_t)(point - text) + 1;
        return fail(r, "a digit after the decimal point");
    }
    if (isinf(value))
        return fail(r, "a number below 1.8e308");
    r->at += n;
    if (peek(r) == 'e' || peek(r) == 'E')
        return fail(r, "a complete exponent");
    *out = negative ? -value : value;
    return STN_OK;
}

static stn_status read_word(reader *r, const char *word)
{
    size_t n = strlen(word);
    if (r->size - r->at < n || memcmp(r->text + r->at, word, n) != 0)
        return fail(r, "a value: object, array, string, number, true, false "
                       "or null");
    r->at += n;
    return STN_OK;
}

static stn_status read_value(reader *r, stn_json **out);

/* Reads the children of an array or object at its opening bracket. */
static stn_status read_children(reader *r, stn_json *parent)
{
    bool object = parent->kind == STN_JSON_OBJECT;
    int close = object ? '}' : ']';
    if (r->depth == MAX_DEPTH)
        return fail(r, "at most 64 levels of nesting");
    r->depth++;
    r->at++;
    stn_json **link = &parent->first;
    skip_space(r);
    while (peek(r) != close) {
        if (parent->n_children > 0) {
            if (peek(r) != ',')
                return fail(r, object ? "',' or '}'" : "',' or ']'");
            r->at++;
            skip_space(r);
        }
        const char *key = NULL;
        if (object) {
            STN_TRY(read_string(r, &key));
            skip_space(r);
            if (peek(r) != ':')
                return fail(r, "':' after a member's name");
            r->at++;
            skip_space(r);
        }
        STN_TRY(read_value(r, link));
        (*link)->key = key;
        link = &(*link)->next;
        parent->n_children++;
        skip_space(r);
    }
    r->at++;
    r->depth--;
    return STN_OK;
}

static stn_status read_value(reader *r, stn_json **out)
{
    stn_json *node = stn_arena_alloc(r->arena, 1, sizeof *node);
    if (!node)
        return stn_fail_memory(r->err, "a JSON value");
    int c = peek(r);
    if (c == '{' || c == '[') {
        node->kind = c == '{' ? STN_JSON_OBJECT : STN_JSON_ARRAY;
        STN_TRY(read_children(r, node));
    } else if (c == '"') {
        node->kind = STN_JSON_STRING;
        STN_TRY(read_string(r, &node->string));
    } else if (c == '-' || (c >= '0' && c <= '9')) {
        node->kind = STN_JSON_NUMBER;
        STN_TRY(read_number(r, &node->number));
    } else if (c == 't' || c == 'f') {
        node->kind = STN_JSON_BOOL;
        node->boolean = c == 't';
        STN_TRY(read_word(r, c == 't' ? "true" : "false"));
    } else {
        STN_TRY(read_word(r, "null"));
    }
    *out = node;
    return STN_OK;
}

stn_status stn_json_parse(const char *name, const char *text, size_t size,
                          stn_json_document **out, stn_error *err)
{
    stn_json_document *document = stn_alloc(1, sizeof *document);
    if (!document)
        return stn_fail_memory(err, "a JSON document");
    reader r = {.name = name,
                .text = text,
                .size = size,
                .arena = &document->arena,
                .err = err};
    skip_space(&r);
    stn_status status = read_value(&r, &document->root);
    if (status == STN_OK) {
        skip_space(&r);
        if (r.at < r.size)
            status = fail(&r, "nothing after the value");
    }
    if (status != STN_OK) {
        stn_json_destroy(document);
        return status;
    }
    *out = document;
    return STN_OK;
}

const stn_json *stn_json_root(const stn_json_document *document)
{
    return document->root;
}

void stn_json_destroy(stn_json_document *document)
{
    if (!document)
        return;
    stn_arena_deinit(&document->arena);
    stn_free(document);
}
