/* SPDX-License-Identifier: MIT
 *
 * Integers as bits. WHOLE is two's complement; ODD counts its levels from the
 * lowest; NONZERO is a magnitude less one, and a sign above it. */
#include "base/layout.h"

const char *const stn_levels_names[] = {"whole", "odd", "nonzero", "ternary",
                                        NULL};

const char *stn_levels_name(stn_levels levels)
{
    return stn_levels_names[levels];
}

bool stn_alphabet_valid(stn_alphabet a)
{
    switch (a.levels) {
    case STN_LEVELS_WHOLE:
        return a.bits >= 2 && a.bits <= 8;
    case STN_LEVELS_ODD:
    case STN_LEVELS_NONZERO:
        return a.bits >= 1 && a.bits <= 7;
    case STN_LEVELS_TERNARY:
        return a.bits == 2;
    }
    return false;
}

bool stn_alphabet_holds(stn_alphabet a, int code)
{
    int half = 1 << (a.bits - 1);
    switch (a.levels) {
    case STN_LEVELS_WHOLE:
        return code >= (a.bits == 8 ? -127 : -half) && code < half;
    case STN_LEVELS_ODD:
        return code % 2 && code > -2 * half && code < 2 * half;
    case STN_LEVELS_NONZERO:
        return code && code >= -half && code <= half;
    case STN_LEVELS_TERNARY:
        return code >= -1 && code <= 1;
    }
    return false;
}

unsigned stn_alphabet_encode(stn_alphabet a, int code)
{
    unsigned half = 1u << (a.bits - 1);
    if (a.levels == STN_LEVELS_WHOLE)
        return (unsigned)code & (2 * half - 1);
    if (a.levels == STN_LEVELS_ODD)
        return (unsigned)(code + 2 * (int)half - 1) / 2;
    return code < 0 ? half | (unsigned)(-code - 1) : (unsigned)(code - 1);
}

int stn_alphabet_decode(stn_alphabet a, unsigned bits)
{
    int half = 1 << (a.bits - 1), value = (int)bits;
    if (a.levels == STN_LEVELS_WHOLE)
        return value >= half ? value - 2 * half : value;
    if (a.levels == STN_LEVELS_ODD)
        return 2 * value - (2 * half - 1);
    return value >= half ? half - value - 1 : value + 1;
}
