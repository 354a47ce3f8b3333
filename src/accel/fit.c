/* SPDX-License-Identifier: MIT
 *
 * With `stream`, a program that does not fit shares sub-arrays: from the first
 * on, layers keep their own as long as the largest of the others still fits
 * beside them. The others use what is left, one after the other; their
 * weights are written every picture, and a layer that is larger still takes
 * several passes. */
#include "accel/fit.h"

static uint64_t needed(const stn_fit *f, int i)
{
    return f->layers[i].placement->sub_arrays;
}

/* The layer of instructions [first, n) whose weights need most, the first of
 * equals; -1: none has weights. */
static int largest_from(const stn_fit *f, int first)
{
    int best = -1;
    for (int i = first; i < f->program->n_instructions; i++)
        if (f->layers[i].has_weights &&
            (best < 0 || needed(f, i) > needed(f, best)))
            best = i;
    return best;
}

static stn_status refuse(const stn_fit *f, uint64_t sum, stn_error *err)
{
    int largest = 0;
    for (int i = 0; i < f->program->n_instructions; i++)
        if (needed(f, i) > needed(f, largest))
            largest = i;
    return stn_fail(
        err, STN_E_UNSUPPORTED,
        "%s does not fit on %s: it needs %llu %s of %dx%d (%llu of them for "
        "%s), the machine has %llu; see %s",
        f->program->name, f->machine->name, (unsigned long long)sum, f->noun,
        f->machine->array.rows, f->machine->array.columns,
        (unsigned long long)needed(f, largest),
        f->program->instructions[largest].name,
        (unsigned long long)f->sub_arrays, f->options);
}

/* Streams a layer through `pool` sub-arrays. */
static void stream(stn_placement *p, bool owns, uint64_t pool)
{
    uint64_t whole = p->sub_arrays;
    p->passes = (whole + pool - 1) / pool;
    p->streamed_rows = p->weight_rows;
    p->weight_rows = 0;
    p->sub_arrays = whole < pool ? whole : pool;
    p->borrowed = owns ? 0 : p->sub_arrays;
    double own = (double)(p->sub_arrays - p->borrowed) / (double)whole;
    p->logic_m2 *= own;
    p->converter_m2 *= own;
    p->converter_w *= (double)p->sub_arrays / (double)whole;
}

static stn_status share(const stn_fit *f, uint64_t sum, stn_error *err)
{
    int n = f->program->n_instructions, first = 0;
    uint64_t kept = 0;
    for (int i = 0; i < n; i++)
        if (!f->layers[i].has_weights)
            kept += needed(f, i);
    if (kept >= f->sub_arrays)
        return refuse(f, sum, err);
    for (; first < n; first++) { /* layers before it keep their own */
        int next = largest_from(f, first + 1);
        uint64_t most = next < 0 ? 0 : needed(f, next);
        if (!f->layers[first].has_weights)
            continue;
        if (kept + needed(f, first) + most > f->sub_arrays)
            break;
        kept += needed(f, first);
    }
    int owner = largest_from(f, first);
    for (int i = first; i < n; i++)
        if (f->layers[i].has_weights && needed(f, i) > 0)
            stream(f->layers[i].placement, i == owner, f->sub_arrays - kept);
    return STN_OK;
}

stn_status stn_fit_program(const stn_fit *fit, stn_error *err)
{
    uint64_t sum = 0;
    for (int i = 0; i < fit->program->n_instructions; i++) {
        sum += needed(fit, i);
        fit->layers[i].placement->passes = 1;
    }
    if (sum <= fit->sub_arrays)
        return STN_OK;
    return fit->stream ? share(fit, sum, err) : refuse(fit, sum, err);
}
