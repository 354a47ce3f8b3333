/* SPDX-License-Identifier: MIT
 *
 * Places values in one block of memory. A value is alive from the step that
 * writes it to the last that reads it, both included; values alive together
 * must not overlap. Greedy by size: the largest value first, each at the
 * lowest offset that is free throughout its life. Optimal packing is NP-hard;
 * this is the usual answer and reaches the lower bound on most networks. */
#include "run/plan.h"

typedef struct life {
    size_t bytes; /* 0: not stored here */
    int first, last;
    bool placed;
} life;

/* Lives in terms of steps. Pixels and logits belong to the caller, sums of a
 * fused pair to the scratch. */
static void find_lives(const stn_plan *plan, life *lives)
{
    int final = plan->n_steps - 1;
    for (int i = 0; i < plan->n_steps; i++) {
        const stn_step *s = &plan->steps[i];
        const stn_value *out = &plan->program->values[s->output];
        size_t bytes = stn_align_up(stn_value_bytes(out));
        lives[s->output] =
            (life){.bytes = i == final ? 0 : bytes, .first = i, .last = i};
        lives[s->input].last = i;
        if (s->other >= 0)
            lives[s->other].last = i;
    }
}

static bool meet(const life *a, const life *b)
{
    return a->first <= b->last && b->first <= a->last;
}

/* Lowest offset at which `v` overlaps no placed value that it meets: 0, or
 * the end of one of those. */
static size_t find_offset(const stn_plan *plan, const life *lives, int v)
{
    size_t offset = 0;
    for (int u = 0; u < plan->program->n_values;) {
        const life *l = &lives[u];
        bool clash = l->placed && meet(l, &lives[v]) &&
                     plan->offsets[u] < offset + lives[v].bytes &&
                     offset < plan->offsets[u] + l->bytes;
        if (clash)
            offset = plan->offsets[u] + l->bytes;
        u = clash ? 0 : u + 1;
    }
    return offset;
}

stn_status stn_plan_place(stn_plan *plan, stn_error *err)
{
    size_t n = (size_t)plan->program->n_values;
    life *lives = stn_arena_alloc(&plan->arena, n, sizeof *lives);
    plan->offsets = stn_arena_alloc(&plan->arena, n, sizeof *plan->offsets);
    if (!lives || !plan->offsets)
        return stn_fail_memory(err, "an engine's plan");
    find_lives(plan, lives);
    for (;;) {
        int largest = -1;
        for (int v = 0; v < (int)n; v++)
            if (lives[v].bytes && !lives[v].placed &&
                (largest < 0 || lives[v].bytes > lives[largest].bytes))
                largest = v;
        if (largest < 0)
            return STN_OK;
        size_t offset = find_offset(plan, lives, largest);
        plan->offsets[largest] = offset;
        lives[largest].placed = true;
        if (offset + lives[largest].bytes > plan->value_bytes)
            plan->value_bytes = offset + lives[largest].bytes;
    }
}
