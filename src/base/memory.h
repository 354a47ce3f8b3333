/* SPDX-License-Identifier: MIT
 *
 * Aligned heap blocks and an arena of them. */
#ifndef STN_BASE_MEMORY_H
#define STN_BASE_MEMORY_H

#include "base/status.h"
#include <stddef.h>

#define STN_ALIGNMENT 64 /* bytes: one cache line, one AVX-512 register */

/* Bytes that whole such lines take. */
static inline size_t stn_align_up(size_t bytes)
{
    return (bytes + STN_ALIGNMENT - 1) / STN_ALIGNMENT * STN_ALIGNMENT;
}

/* `count * size` zeroed bytes aligned to STN_ALIGNMENT, or NULL when memory
 * is out or the product overflows. A zero product returns one usable block.
 * Release with stn_free. */
void *stn_alloc(size_t count, size_t size);
void stn_free(void *block); /* NULL is legal */

/* Blocks that die together. Initialise with {0}. */
typedef struct stn_arena {
    void **blocks;
    size_t n_blocks, capacity;
    unsigned char *shared; /* what is left of the block that small ones share */
    size_t shared_bytes, last_shared; /* the latter of the whole block */
} stn_arena;

/* Like stn_alloc, owned by the arena; NULL when memory is out. */
void *stn_arena_alloc(stn_arena *arena, size_t count, size_t size);
/* A NUL-terminated copy of `text` in the arena; NULL when memory is out. */
char *stn_arena_string(stn_arena *arena, const char *text);
void stn_arena_deinit(stn_arena *arena);

/* The one wording for an exhausted heap. */
#define stn_fail_memory(err, what)                                             \
    stn_fail(err, STN_E_MEMORY,                                                \
             "no memory for %s; use a smaller batch or network, or free "      \
             "memory",                                                         \
             what)

#endif
