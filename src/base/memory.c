/* SPDX-License-Identifier: MIT
 *
 * Aligned, zeroed blocks and the arena. An arena cuts what is small, such as
 * the nodes of a JSON text, from blocks that it takes whole: a block of its
 * own each was a fifth of the time to read a small program. With a sanitizer
 * each has its own, so that its bounds are seen. */
#include "base/memory.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Blocks of at least this size begin at a multiple of HUGE_PAGE and ask for
 * huge pages: walking a batch's activations misses the TLB less. */
#define HUGE_BLOCK ((size_t)4 << 20)
#define HUGE_PAGE ((size_t)2 << 20)

static void *take(size_t bytes)
{
    if (bytes < HUGE_BLOCK)
        return aligned_alloc(STN_ALIGNMENT, bytes);
    const size_t whole = (bytes + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
    void *block = aligned_alloc(HUGE_PAGE, whole);
    if (block) /* advice: a kernel without huge pages ignores it */
        madvise(block, whole, MADV_HUGEPAGE);
    return block;
}

void *stn_alloc(size_t count, size_t size)
{
    /* PTRDIFF_MAX leaves room for rounding up and keeps pointer differences
     * inside the block defined. */
    if (size && count > (PTRDIFF_MAX - HUGE_PAGE) / size)
        return NULL;
    size_t bytes = count * size;
    if (!bytes)
        bytes = 1;
    bytes = stn_align_up(bytes);
    void *block = take(bytes);
    if (block)
        memset(block, 0, bytes);
    return block;
}

void stn_free(void *block)
{
    free(block);
}

/* A block of its own for the arena. */
static void *add_block(stn_arena *arena, size_t count, size_t size)
{
    if (arena->n_blocks == arena->capacity) {
        size_t capacity = arena->capacity ? 2 * arena->capacity : 16;
        if (capacity > SIZE_MAX / sizeof *arena->blocks)
            return NULL;
        void **blocks =
            realloc(arena->blocks, capacity * sizeof *arena->blocks);
        if (!blocks)
            return NULL;
        arena->blocks = blocks;
        arena->capacity = capacity;
    }
    void *block = stn_alloc(count, size);
    if (block)
        arena->blocks[arena->n_blocks++] = block;
    return block;
}

#ifdef __SANITIZE_ADDRESS__
#define SMALL 0 /* of the next block, in quarters */
#else
#define SMALL 1
#endif
#define FIRST_SHARED ((size_t)4 << 10)
#define MOST_SHARED ((size_t)64 << 10)

/* Blocks that are shared double, so that an arena of thousands of objects has
 * a dozen. */
static size_t next_shared(const stn_arena *arena)
{
    size_t next = 2 * arena->last_shared;
    next = next > FIRST_SHARED ? next : FIRST_SHARED;
    return next < MOST_SHARED ? next : MOST_SHARED;
}

void *stn_arena_alloc(stn_arena *arena, size_t count, size_t size)
{
    size_t next = next_shared(arena);
    if (!count || !size || count > SMALL * next / 4 / size)
        return add_block(arena, count, size);
    size_t bytes = count * size;
    bytes = stn_align_up(bytes);
    if (arena->shared_bytes < bytes) {
        arena->shared = add_block(arena, next, 1);
        arena->shared_bytes = arena->shared ? next : 0;
        arena->last_shared = next;
    }
    if (!arena->shared)
        return NULL;
    void *small = arena->shared;
    arena->shared += bytes;
    arena->shared_bytes -= bytes;
    return small;
}

char *stn_arena_string(stn_arena *arena, const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = stn_arena_alloc(arena, size, 1);
    if (copy)
        memcpy(copy, text, size);
    return copy;
}

void stn_arena_deinit(stn_arena *arena)
{
    for (size_t i = 0; i < arena->n_blocks; i++)
        stn_free(arena->blocks[i]);
    free(arena->blocks);
    *arena = (stn_arena){0};
}
