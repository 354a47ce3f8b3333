/* SPDX-License-Identifier: MIT
 *
 * Words that several parts share. */
#ifndef STN_TYPES_H
#define STN_TYPES_H

#include <stddef.h>
#include <stdint.h>

#define STN_NAME_CAPACITY 64

/* Size of one picture's worth of activations; layout h, w, c. */
typedef struct stn_shape {
    int h, w, c;
} stn_shape;

static inline size_t stn_shape_count(stn_shape s)
{
    return (size_t)s.h * (size_t)s.w * (size_t)s.c;
}

/* What integers a weight may be, and so how it is stored. */
typedef enum stn_code {
    STN_CODE_INT8,    /* any integer in [-127, 127] */
    STN_CODE_TERNARY, /* -1, 0, +1 */
    STN_CODE_BINARY   /* -1, +1 */
} stn_code;

/* Integer types of activations in a program. */
typedef enum stn_type {
    STN_TYPE_U8,
    STN_TYPE_S8,
    STN_TYPE_S16,
    STN_TYPE_S32
} stn_type;

/* Bytes of one element. */
static inline size_t stn_type_size(stn_type type)
{
    return type <= STN_TYPE_S8 ? 1 : type == STN_TYPE_S16 ? 2 : 4;
}

#endif
