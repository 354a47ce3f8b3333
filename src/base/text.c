/* SPDX-License-Identifier: MIT
 *
 * strtod and printf follow LC_NUMERIC of the embedding process; files do
 * not, so both are pinned to the C locale here. */
#include "base/text.h"
#include <locale.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LONGEST_NUMBER 400

static size_t digits(const char *text, size_t size, size_t at)
{
    size_t i = at;
    while (i < size && text[i] >= '0' && text[i] <= '9')
        i++;
    return i - at;
}

size_t stn_text_to_double(const char *text, size_t size, double *out)
{
    size_t whole = digits(text, size, 0), n = whole, part = 0;
    if (n < size && text[n] == '.') {
        part = digits(text, size, n + 1);
        n += 1 + part;
    }
    if (whole + part == 0)
        return 0;
    if (n < size && (text[n] == 'e' || text[n] == 'E')) {
        size_t at = n + 1;
        if (at < size && (text[at] == '+' || text[at] == '-'))
            at++;
        size_t exponent = digits(text, size, at);
        if (exponent)
            n = at + exponent;
    }
    if (n > LONGEST_NUMBER)
        return 0;
    char copy[LONGEST_NUMBER + 1];
    memcpy(copy, text, n);
    copy[n] = '\0';
    locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (!plain)
        return 0;
    *out = strtod_l(copy, NULL, plain);
    freelocale(plain);
    return n;
}

void stn_text_from_double(double value, char out[STN_TEXT_DOUBLE])
{
    /* Any double of at most 15 digits survives; 17 always do. */
    for (int precision = 15; precision <= 17; precision++) {
        snprintf(out, STN_TEXT_DOUBLE, "%.*g", precision, value);
        for (char *p = out; *p; p++)
            if (*p == ',')
                *p = '.';
        bool negative = out[0] == '-';
        double back = 0.0;
        if (stn_text_to_double(out + negative, strlen(out + negative), &back) &&
            (negative ? -back : back) == value)
            return;
    }
}

size_t stn_text_character(const char *text, size_t size)
{
    if (size == 0)
        return 0;
    const unsigned char *s = (const unsigned char *)text;
    if (s[0] < 0x80)
        return 1;
    size_t n = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
    if (s[0] < 0xc2 || s[0] > 0xf4 || n > size)
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    bool overlong =
        (s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xf0 && s[1] < 0x90);
    bool surrogate = s[0] == 0xed && s[1] >= 0xa0;
    bool beyond = s[0] == 0xf4 && s[1] >= 0x90;
    return overlong || surrogate || beyond ? 0 : n;
}
