/* SPDX-License-Identifier: MIT
 *
 * Filling an stn_error. Texts may quote names out of damaged files, so
 * control characters are masked and a text that does not fit is cut between
 * UTF-8 characters, never inside one. */
#include "base/status.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *stn_status_text(stn_status status)
{
    switch (status) {
    case STN_OK:
        return "ok";
    case STN_E_ARGUMENT:
        return "bad argument";
    case STN_E_MEMORY:
        return "out of memory";
    case STN_E_IO:
        return "input/output error";
    case STN_E_FORMAT:
        return "bad format";
    case STN_E_NOT_FOUND:
        return "not found";
    case STN_E_UNSUPPORTED:
        return "unsupported";
    case STN_E_NUMERIC:
        return "not a finite number";
    case STN_E_INTERRUPTED:
        return "interrupted";
    case STN_E_MISMATCH:
        return "mismatch";
    }
    return "unknown status";
}

/* Masks control characters and drops a character cut at the end. `full`
 * says that the text filled the buffer. */
static void tidy(char *text, int full)
{
    size_t n = strlen(text);
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)text[i];
        if ((c < 0x20 && c != '\n') || c == 0x7f)
            text[i] = '?';
    }
    if (!full)
        return;
    size_t start = n; /* of the last character */
    while (start > 0 && ((unsigned char)text[start - 1] & 0xc0) == 0x80)
        start--;
    if (start > 0 && ((unsigned char)text[start - 1] & 0x80))
        text[start - 1] = '\0';
}

static void format(stn_error *err, stn_status status, const char *form,
                   va_list args)
{
    err->status = status;
    int n = vsnprintf(err->text, sizeof err->text, form, args);
    if (n < 0)
        err->text[0] = '\0';
    tidy(err->text, n >= (int)sizeof err->text);
}

stn_status stn_fail_text(stn_error *err, stn_status status, const char *form, ...)
{
    if (err) {
        va_list args;
        va_start(args, form);
        format(err, status, form, args);
        va_end(args);
    }
    return status;
}

stn_status stn_fail_within(stn_error *err, stn_status status, const char *form,
                           ...)
{
    if (err) {
        stn_error inner = *err;
        va_list args;
        va_start(args, form);
        format(err, status, form, args);
        va_end(args);
        size_t n = strlen(err->text);
        int more =
            snprintf(err->text + n, sizeof err->text - n, ": %s", inner.text);
        tidy(err->text, more >= (int)(sizeof err->text - n));
    }
    return status;
}
