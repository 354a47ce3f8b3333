/* SPDX-License-Identifier: MIT
 *
 * Memory that ends, or begins, at a page that must not be touched: a kernel
 * that reads or writes one byte too far dies at once. */
#ifndef STN_TEST_GUARD_H
#define STN_TEST_GUARD_H

#include "test.h"
#include <sys/mman.h>
#include <unistd.h>

typedef struct guard {
    void *data;
    void *mapping;
    size_t mapped;
} guard;

/* `size` bytes filled with 0xA5 (so that unwritten output is seen), ending at
 * a guard page (`at_end`) or beginning after one. */
static inline guard guard_alloc(size_t size, int at_end)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t inner = (size + page - 1) / page * page;
    inner = inner ? inner : page;
    guard g = {.mapped = inner + 2 * page};
    g.mapping =
        mmap(NULL, g.mapped, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(g.mapping != MAP_FAILED);
    char *start = (char *)g.mapping + page;
    assert_int_equal(mprotect(start, inner, PROT_READ | PROT_WRITE), 0);
    memset(start, 0xA5, inner);
    g.data = at_end ? start + inner - size : start;
    return g;
}

static inline void guard_free(guard *g)
{
    munmap(g->mapping, g->mapped);
}

#endif
