/* SPDX-License-Identifier: MIT
 *
 * Packs codes of 1 or 2 bits for lone patches, see dot_codes.h. */
#include "kernels/layout/dot_codes.h"
#include <string.h>

/* Sums of a field are below 2^14 * run, and must fit 32 bits. */
#define RUN_MAX (1 << 16)
/* Where fewer groups of 4 by 16 weights than this share have one that is not
 * zero, skipping groups of whole bytes reads less. */
#define LIVE_MIN 0.3
#define LIVE_FILTERS 16

/* Share of groups of 4 elements by LIVE_FILTERS filters with a weight. */
static double live_share(const stn_dot_shape *s, const int8_t *codes)
{
    size_t run = (size_t)s->run, live = 0, all = 0;
    for (size_t o = 0; o < (size_t)s->out; o += LIVE_FILTERS)
        for (size_t k = 0; k < run; k += 4, all++) {
            bool any = false;
            for (size_t i = o; i < o + LIVE_FILTERS && i < (size_t)s->out; i++)
                for (size_t e = k; e < k + 4 && e < run; e++)
                    any |= codes[i * run + e] != 0;
            live += any;
        }
    return (double)live / (double)all;
}

int stn_codes_try(const stn_dot_shape *s, const int8_t *codes,
                  stn_dot_facts facts)
{
    if (!stn_dot_is_ternary(facts) || s->patches != 1 || s->runs != 1 ||
        s->input == STN_TYPE_S16 || s->run > RUN_MAX)
        return 0;
    int bits = facts.zeros ? 2 : 1;
    return bits == 2 && live_share(s, codes) < LIVE_MIN ? 0 : bits;
}

double stn_codes_cost(const stn_codes_style *style, const stn_dot_shape *shape,
                      int bits)
{
    return style->weight[bits] * shape->out * shape->run;
}

/* Codes of one filter, lane by lane of its block. Elements beyond the run have
 * code 0 and meet zeros. Returns the sum of codes. */
static int32_t put_filter(const stn_codes_pack *p, const int8_t *w, int lane,
                          int width, uint8_t *out)
{
    int fields = 8 / p->bits, sum = 0;
    for (int k = 0; k < p->run; k++) {
        int code = p->bits == 2 ? w[k] + 1 : (w[k] + 1) / 2;
        int step = k / 4, group = step / fields, field = step % fields;
        size_t at = ((size_t)group * (size_t)width + (size_t)lane) * 4;
        at += (size_t)(k % 4);
        out[at] |= (uint8_t)(code << (p->bits * field));
        sum += code;
    }
    return sum;
}

stn_status stn_codes_make(const stn_codes_style *style,
                          const stn_dot_shape *shape, const int8_t *codes,
                          int bits, stn_arena *arena, stn_prepared *out,
                          stn_error *err)
{
    int width = style->lanes * style->vectors;
    int n = (shape->out + width - 1) / width, elements = 32 / bits;
    int groups = (shape->run + elements - 1) / elements;
    stn_codes_pack *p = NULL;
    size_t size = sizeof *p + (size_t)n * sizeof p->blocks[0];
    size_t block_bytes = (size_t)groups * (size_t)width * 4;
    p = stn_arena_alloc(arena, 1, size);
    if (!p)
        return stn_fail_memory(err, "laid-out weights");
    STN_TRY(stn_dot_head_make(shape, style->lanes, style->run, arena, &p->head,
                              err));
    p->bits = bits;
    p->groups = groups;
    p->run = shape->run;
    p->flip = shape->hi > INT8_MAX;
    p->n_blocks = n;
    for (int i = 0; i < n; i++) {
        stn_codes_block *b = &p->blocks[i];
        b->first = i * width;
        b->width =
            shape->out - b->first < width ? shape->out - b->first : width;
        uint8_t *packed = stn_arena_alloc(arena, 1, block_bytes);
        int32_t *constant =
            stn_arena_alloc(arena, (size_t)width, sizeof *constant);
        if (!packed || !constant)
            return stn_fail_memory(err, "laid-out weights");
        for (int lane = 0; lane < b->width; lane++) {
            const int8_t *w =
                codes + (size_t)(b->first + lane) * (size_t)shape->run;
            int32_t sum = put_filter(p, w, lane, width, packed);
            if (p->flip)
                constant[lane] = 128 * (bits == 2 ? 1 : 2) * sum;
        }
        b->codes = packed;
        b->constant = constant;
        size += block_bytes + (size_t)width * 4;
    }
    *out = (stn_prepared){.data = p,
                          .size_bytes = size,
                          .isa = style->isa,
                          .maps = p->head.map != NULL,
                          .parts = n,
                          .scratch_bytes = (size_t)groups * (size_t)elements};
    return STN_OK;
}

int32_t stn_codes_input(const stn_codes_pack *pack, const stn_dot_call *call)
{
    const uint8_t *x = (const uint8_t *)call->x + call->patches[0];
    uint8_t *to = call->scratch, top = pack->flip ? 0x80 : 0;
    size_t n = (size_t)pack->run;
    size_t all = (size_t)pack->groups * 32 / (size_t)pack->bits;
    bool is_signed = call->shape->input == STN_TYPE_S8;
    int32_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += is_signed ? (int8_t)x[i] : x[i];
    for (size_t i = 0; i < n; i++)
        to[i] = x[i] ^ top;
    memset(to + n, 0, all - n);
    return sum;
}
