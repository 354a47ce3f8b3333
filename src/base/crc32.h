/* SPDX-License-Identifier: MIT
 *
 * CRC-32 of IEEE 802.3, that of zlib, gzip and PNG: polynomial 0x04c11db7,
 * bits reflected. Finds every error that lies within 32 bits in a row, and all
 * but one in 2^32 of the others. */
#ifndef STN_BASE_CRC32_H
#define STN_BASE_CRC32_H

#include <stddef.h>
#include <stdint.h>

typedef struct stn_crc32 {
    uint32_t rest;          /* of the bytes so far, complemented */
    uint32_t table[8][256]; /* [k][b]: see crc32.c */
} stn_crc32;

/* stn_crc32_begin, stn_crc32_add for each part in order, stn_crc32_value. */
void stn_crc32_begin(stn_crc32 *crc);
void stn_crc32_add(stn_crc32 *crc, const void *data, size_t size);
uint32_t stn_crc32_value(const stn_crc32 *crc);

#endif
