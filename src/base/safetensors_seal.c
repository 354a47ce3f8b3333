/* SPDX-License-Identifier: MIT
 *
 * The seal of a safetensors file: a CRC-32 that lies within what it is of, so
 * that its own digits count as zeros. It is found in the bytes of the header,
 * as we write it: no other text of JSON has its quotes. */
#include "base/crc32.h"
#include "base/safetensors.h"
#include <stdio.h>
#include <string.h>

#define DIGITS 8
static const char zeros[] = "00000000";

/* Where the digits begin in a file of `size` bytes; 0 without. */
static size_t find_digits(const uint8_t *bytes, size_t size)
{
    static const char key[] = "\"crc32\":\"";
    const size_t n = sizeof key - 1;
    uint64_t length = 0;
    for (int i = 7; size >= 8 && i >= 0; i--)
        length = length << 8 | bytes[i];
    if (size < 8 || length > size - 8)
        return 0;
    for (size_t at = 8; at + n + DIGITS <= 8 + length; at++)
        if (memcmp(bytes + at, key, n) == 0)
            return at + n;
    return 0;
}

static void make_digits(const uint8_t *bytes, size_t size, size_t at,
                        char digits[DIGITS + 1])
{
    stn_crc32 crc;
    stn_crc32_begin(&crc);
    stn_crc32_add(&crc, bytes, at);
    stn_crc32_add(&crc, zeros, DIGITS);
    stn_crc32_add(&crc, bytes + at + DIGITS, size - at - DIGITS);
    snprintf(digits, DIGITS + 1, "%08x", (unsigned)stn_crc32_value(&crc));
}

bool stn_st_seal(uint8_t *bytes, size_t size)
{
    char digits[DIGITS + 1];
    size_t at = find_digits(bytes, size);
    if (!at)
        return false;
    make_digits(bytes, size, at, digits);
    memcpy(bytes + at, digits, DIGITS);
    return true;
}

stn_status stn_st_verify(const stn_st_file *file, stn_error *err)
{
    const uint8_t *bytes = stn_st_bytes(file);
    size_t size = stn_st_file_size(file), at = find_digits(bytes, size);
    char digits[DIGITS + 1];
    if (!at)
        return stn_fail(err, STN_E_FORMAT,
                        "%s: the metadata has no \"crc32\" of eight digits; "
                        "make the file again",
                        stn_st_path(file));
    make_digits(bytes, size, at, digits);
    if (memcmp(bytes + at, digits, DIGITS) == 0)
        return STN_OK;
    return stn_fail(err, STN_E_FORMAT,
                    "%s: the CRC-32 of the file is %s, its header expects "
                    "%.*s: bytes of it were damaged or changed; copy it "
                    "again, or make it again",
                    stn_st_path(file), digits, DIGITS,
                    (const char *)bytes + at);
}
