/* SPDX-License-Identifier: MIT
 *
 * Storage of weight codes, shared by the writer (pack) and the reader
 * (program): docs/format.md, "Weights". Bits are numbered from the least
 * significant of byte 0. Part of libsetun-rt. */
#ifndef STN_PACK_FORMAT_H
#define STN_PACK_FORMAT_H

#include "base/status.h"
#include "setun/types.h"

#define STN_FORMAT_VERSION "1"

typedef struct stn_code_shape {
    int out, area, in, chunk;
} stn_code_shape;

static inline int stn_code_groups(stn_code_shape s)
{
    return s.out * ((s.in + s.chunk - 1) / s.chunk);
}

/* Ternary: `live`, one bit a group; `mask`, one bit a weight of the live
 * groups in order, set where nonzero; `sign`, one bit a nonzero weight, set
 * where negative. Binary: `sign`, one bit a weight. Sizes in bytes. */
typedef struct stn_code_sizes {
    size_t live, mask, sign;
} stn_code_sizes;

stn_code_sizes stn_codes_sizes(stn_code code, stn_code_shape shape,
                               const int8_t *codes);
/* Buffers of exactly those sizes. */
void stn_codes_pack(stn_code code, stn_code_shape shape, const int8_t *codes,
                    uint8_t *live, uint8_t *mask, uint8_t *sign);
/* The inverse; refuses buffers whose sizes do not fit what they hold, and
 * padding bits that are not zero. `where` names file and tensor. */
stn_status stn_codes_unpack(stn_code code, stn_code_shape shape,
                            const uint8_t *live, const uint8_t *mask,
                            const uint8_t *sign, stn_code_sizes sizes,
                            const char *where, int8_t *codes, stn_error *err);

#endif
