/* SPDX-License-Identifier: MIT
 *
 * Lays picks out, see dot_picks.h. */
#include "kernels/layout/dot_picks.h"
#include <string.h>

#define SEGMENT STN_PICKS_SEGMENT
#define VECTOR 32 /* bytes */
#define PICKS_MAX 4

static int count_picks(const int8_t *w, int n)
{
    int count = 0;
    for (int i = 0; i < n; i++)
        count += w[i] != 0;
    return count;
}

int stn_picks_try(const stn_dot_shape *s, const int8_t *codes,
                  stn_dot_facts facts)
{
    int most = 1;
    if (s->patches != 1 || s->runs != 1 || s->input == STN_TYPE_S16 ||
        !facts.zeros || facts.least == INT8_MIN)
        return 0;
    for (size_t o = 0; o < (size_t)s->out; o++)
        for (int k = 0; k < s->run; k += SEGMENT) {
            int n = s->run - k < SEGMENT ? s->run - k : SEGMENT;
            int count = count_picks(codes + o * (size_t)s->run + k, n);
            most = count > most ? count : most;
            if (most > PICKS_MAX)
                return 0;
        }
    return most == 3 ? 4 : most;
}

static size_t step_bytes(int picks)
{
    return (size_t)stn_picks_segments(picks) * (VECTOR + VECTOR / 2);
}

static int steps_of(const stn_dot_shape *s, int picks)
{
    int elements = SEGMENT * stn_picks_segments(picks);
    return (s->run + elements - 1) / elements;
}

static int filters_of(int picks)
{
    return 8 * 4 / picks;
}

double stn_picks_cost(const stn_picks_style *style, const stn_dot_shape *s,
                      int picks)
{
    int filters = filters_of(picks), blocks = (s->out + filters - 1) / filters;
    double bytes = (double)steps_of(s, picks) * (double)step_bytes(picks);
    return style->byte * bytes * blocks;
}

/* Where the picks of filter f begin in a vector of places: joining works on
 * the 128-bit halves of vectors, 4 filters at a time. */
static size_t place_of(int f, int picks)
{
    return (size_t)(f / 4 % 2 * (VECTOR / 2) + (f / 8 * 4 + f % 4) * picks);
}

/* Where its weights of segment j of a step begin among the step's. */
static size_t weight_of(int f, int picks, int j)
{
    int vector = picks == 4 ? j : f / 8;
    int slot = picks == 4 ? 0 : j * picks;
    return (size_t)(vector * VECTOR + f % 8 * 4 + slot);
}

/* The picks of filter f of a block in segment j of a step; w has its `n`
 * weights of the segment. */
static void put_segment(const int8_t *w, int n, int f, int picks, int j,
                        uint8_t *step)
{
    uint8_t *places = step + (size_t)(j / 2) * VECTOR + place_of(f, picks);
    uint8_t *weights = step + (size_t)stn_picks_segments(picks) / 2 * VECTOR +
                       weight_of(f, picks, j);
    for (int i = 0; i < n; i++)
        if (w[i]) {
            *places++ |= (uint8_t)(i << (j % 2 * 4));
            *weights++ = (uint8_t)w[i];
        }
}

static bool make_block(const stn_picks_pack *p, const stn_dot_shape *s,
                       const int8_t *codes, stn_picks_block *b,
                       stn_arena *arena)
{
    int filters = filters_of(p->picks), segments = stn_picks_segments(p->picks);
    uint8_t *steps =
        stn_arena_alloc(arena, (size_t)p->n_steps, step_bytes(p->picks));
    int32_t *constant =
        stn_arena_alloc(arena, (size_t)filters, sizeof *constant);
    if (!steps || !constant)
        return false;
    int left = s->out - b->first;
    b->width = left < filters ? left : filters;
    b->steps = steps;
    b->constant = constant;
    for (int f = 0; f < b->width; f++) {
        const int8_t *w = codes + (size_t)(b->first + f) * (size_t)s->run;
        for (int k = 0; k < s->run; k += SEGMENT) {
            int n = s->run - k < SEGMENT ? s->run - k : SEGMENT;
            int j = k / SEGMENT;
            put_segment(w + k, n, f, p->picks, j % segments,
                        steps + (size_t)(j / segments) * step_bytes(p->picks));
            for (int i = 0; i < n && p->flip; i++)
                constant[f] += 128 * w[k + i];
        }
    }
    return true;
}

stn_status stn_picks_make(const stn_picks_style *style,
                          const stn_dot_shape *shape, const int8_t *codes,
                          int picks, stn_arena *arena, stn_prepared *out,
                          stn_error *err)
{
    int filters = filters_of(picks), n = (shape->out + filters - 1) / filters;
    stn_picks_pack *p = NULL;
    p = stn_arena_alloc(arena, 1, sizeof *p + (size_t)n * sizeof p->blocks[0]);
    if (!p)
        return stn_fail_memory(err, "laid-out weights");
    STN_TRY(stn_dot_head_make(shape, 8, style->run, arena, &p->head, err));
    p->picks = picks;
    p->n_steps = steps_of(shape, picks);
    p->run = shape->run;
    p->flip = shape->input == STN_TYPE_U8;
    p->n_blocks = n;
    for (int i = 0; i < n; i++) {
        p->blocks[i].first = i * filters;
        if (!make_block(p, shape, codes, &p->blocks[i], arena))
            return stn_fail_memory(err, "laid-out weights");
    }
    size_t bytes = (size_t)p->n_steps * step_bytes(picks) + 4 * (size_t)filters;
    *out = (stn_prepared){.data = p,
                          .size_bytes = (size_t)n * bytes,
                          .isa = style->isa,
                          .maps = p->head.map != NULL,
                          .parts = n,
                          .scratch_bytes = (size_t)p->n_steps * SEGMENT *
                                           (size_t)stn_picks_segments(picks)};
    return STN_OK;
}

void stn_picks_input(const stn_picks_pack *pack, const stn_dot_call *call)
{
    const uint8_t *x = (const uint8_t *)call->x + call->patches[0];
    size_t n = (size_t)pack->run;
    size_t all = (size_t)pack->n_steps * SEGMENT *
                 (size_t)stn_picks_segments(pack->picks);
    uint8_t *to = call->scratch, top = pack->flip ? 0x80 : 0;
    for (size_t i = 0; i < n; i++)
        to[i] = x[i] ^ top;
    memset(to + n, 0, all - n);
}
