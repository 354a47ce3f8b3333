/* SPDX-License-Identifier: MIT
 *
 * First fit. For each item the earlier ones that live at the same time push
 * its offset up until none overlaps; O(n^3) at worst for n in the hundreds,
 * once per executor. */
#include "nn/placement.h"
#include <stdbool.h>

static bool live_together(const stn_placed *a, const stn_placed *b)
{
    return a->first <= b->last && b->first <= a->last;
}

/* The end of an earlier item in the way of item `i` at `offset`, or 0. */
static size_t blocked_until(const stn_placed *items, int i, size_t offset)
{
    for (int j = 0; j < i; j++)
        if (items[j].size && live_together(&items[i], &items[j]) &&
            offset < items[j].offset + items[j].size &&
            items[j].offset < offset + items[i].size)
            return items[j].offset + items[j].size;
    return 0;
}

size_t stn_place(stn_placed *items, int n)
{
    size_t total = 0;
    for (int i = 0; i < n; i++) {
        size_t offset = 0, next;
        while (items[i].size && (next = blocked_until(items, i, offset)) != 0)
            offset = next;
        items[i].offset = offset;
        if (offset + items[i].size > total)
            total = offset + items[i].size;
    }
    return total;
}
