/* SPDX-License-Identifier: MIT
 *
 * Strings of bits, numbered from the least significant of byte 0; a number of
 * several bits begins with its least significant. */
#ifndef STN_BASE_BITS_H
#define STN_BASE_BITS_H

#include <stddef.h>
#include <stdint.h>

static inline size_t stn_bytes_for_bits(size_t bits)
{
    return bits / 8 + (bits % 8 != 0);
}

/* n from 0 to 32; reads no byte that has none of the bits. */
static inline uint32_t stn_bits_get(const uint8_t *bytes, size_t first, int n)
{
    int shift = (int)(first % 8);
    uint64_t value = 0;
    bytes += first / 8;
    for (int i = 0; 8 * i < shift + n; i++)
        value |= (uint64_t)bytes[i] << (8 * i);
    return (uint32_t)(value >> shift & ((UINT64_C(1) << n) - 1));
}

/* Into bytes that are 0 there. */
static inline void stn_bits_put(uint8_t *bytes, size_t first, int n,
                                uint32_t value)
{
    for (int i = 0; i < n; i++) {
        size_t k = first + (size_t)i;
        bytes[k / 8] |= (uint8_t)((value >> i & 1) << (k % 8));
    }
}

/* Ones among the first n bits; the rest of their last byte must be 0. */
static inline size_t stn_bits_count(const uint8_t *bytes, size_t n)
{
    size_t ones = 0;
    for (size_t i = 0; i < stn_bytes_for_bits(n); i++) {
        unsigned b = bytes[i];
        b -= b >> 1 & 0x55U;
        b = (b & 0x33U) + (b >> 2 & 0x33U);
        ones += (b + (b >> 4)) & 0x0fU;
    }
    return ones;
}

#endif
