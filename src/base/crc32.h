/* SPDX-License-Identifier: MIT
 *
 * CRC-32 of IEEE 802.3, that of zlib, gzip and PNG: polynomial 0x04c11db7,
 * bits reflected. Finds every error that lies within 32 bits in a row, and all
 * but one in 2^32 of the others. */
#ifndef STN_BASE_CRC32_H
#define STN_BASE_CRC32_H

#include <stddef.h>
#include <stdint.h>

/* Of `size` more bytes; `crc` is that of what stands before them, 0 at first.
 */
uint32_t stn_crc32(uint32_t crc, const void *data, size_t size);

#endif
