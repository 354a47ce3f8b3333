/* SPDX-License-Identifier: MIT
 *
 * CRC-32 by eight bytes at a time (Kounavis and Berry, "A systematic approach
 * to building high performance software-based CRC generators", ISCC 2005):
 * entry b of table k is the remainder of byte b with k zero bytes after. The
 * tables take some microseconds to make. */
#include "base/crc32.h"

#define POLYNOMIAL UINT32_C(0xedb88320) /* reflected */
#define BYTES 8

void stn_crc32_begin(stn_crc32 *crc)
{
    uint32_t(*table)[256] = crc->table;
    for (uint32_t b = 0; b < 256; b++) {
        uint32_t rest = b;
        for (int bit = 0; bit < 8; bit++)
            rest = rest >> 1 ^ (rest & 1 ? POLYNOMIAL : 0);
        table[0][b] = rest;
    }
    for (int k = 1; k < BYTES; k++)
        for (int b = 0; b < 256; b++) {
            uint32_t before = table[k - 1][b];
            table[k][b] = before >> 8 ^ table[0][before & 255];
        }
    crc->rest = ~UINT32_C(0);
}

void stn_crc32_add(stn_crc32 *crc, const void *data, size_t size)
{
    uint32_t(*table)[256] = crc->table;
    const uint8_t *p = data;
    uint32_t rest = crc->rest;
    for (; size >= BYTES; size -= BYTES, p += BYTES) {
        uint32_t next = 0;
        for (int k = 0; k < 4; k++)
            next ^= table[7 - k][p[k] ^ (rest >> (8 * k) & 255)] ^
                    table[3 - k][p[4 + k]];
        rest = next;
    }
    for (; size > 0; size--)
        rest = rest >> 8 ^ table[0][(rest ^ *p++) & 255];
    crc->rest = rest;
}

uint32_t stn_crc32_value(const stn_crc32 *crc)
{
    return ~crc->rest;
}
