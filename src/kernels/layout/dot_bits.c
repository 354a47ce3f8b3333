/* SPDX-License-Identifier: MIT
 *
 * Lays bits of weights out, see dot_bits.h. */
#include "kernels/layout/dot_bits.h"

/* Bytes after a plane that reading whole vectors and words may touch. */
#define PLANE_SLACK 64

stn_bits_fit stn_bits_try(const stn_dot_shape *s, stn_dot_facts facts)
{
    stn_bits_fit fit = {0, 0};
    int64_t levels = s->hi - (s->lo < 0 ? s->lo : 0);
    while (levels >> fit.planes)
        fit.planes++;
    if (!stn_dot_is_ternary(facts) || s->input == STN_TYPE_S16 ||
        fit.planes > STN_BITS_PLANES_MAX || s->band == 0 || s->align % 8 != 0 ||
        s->align == 0)
        return fit;
    fit.streams = facts.zeros ? 2 : 1;
    return fit;
}

double stn_bits_cost(const stn_bits_style *style, const stn_dot_shape *shape,
                     stn_bits_fit fit)
{
    double words = (double)shape->runs * ((shape->run + 31) / 32);
    int vectors = (shape->out + style->lanes - 1) / style->lanes;
    return (words * style->word + style->once) * fit.planes * fit.streams *
           vectors * shape->patches;
}

/* Where a pack's parts come from. */
typedef struct source {
    const stn_dot_shape *shape;
    const int8_t *codes;
    const stn_bits_style *style;
    int words; /* of a run */
} source;

/* Bits of word `w` of run `r` of a filter: weights equal to `value`. */
static uint32_t word_of(const source *s, int filter, int r, int w, int value)
{
    size_t run = (size_t)s->shape->run;
    const int8_t *codes =
        s->codes + ((size_t)filter * (size_t)s->shape->runs + (size_t)r) * run;
    uint32_t word = 0;
    for (size_t b = 0; b < 32; b++) {
        size_t k = (size_t)w * 32 + b;
        if (k < run && codes[k] == value)
            word |= UINT32_C(1) << b;
    }
    return word;
}

static bool is_live(const source *s, const stn_bits_block *b, int r, int w)
{
    for (int i = 0; i < b->width; i++)
        if (word_of(s, b->first + i, r, w, 1) ||
            word_of(s, b->first + i, r, w, -1))
            return true;
    return false;
}

static void put_word(const source *s, const stn_bits_block *b, int at, int r,
                     int w, int streams, uint32_t *words)
{
    size_t lanes = (size_t)s->style->lanes, n = (size_t)b->n_words;
    for (int stream = 0; stream < streams; stream++)
        for (int i = 0; i < b->width; i++)
            words[((size_t)stream * n + (size_t)at) * lanes + (size_t)i] =
                word_of(s, b->first + i, r, w, stream ? -1 : 1);
}

/* Returns the block's bytes, 0 when memory is out. */
static size_t make_block(const source *s, const stn_bits_pack *pack,
                         stn_bits_block *b, stn_arena *arena)
{
    const stn_dot_shape *shape = s->shape;
    size_t most = (size_t)shape->runs * (size_t)s->words;
    size_t lanes = (size_t)s->style->lanes;
    int left = shape->out - b->first;
    b->width = left < (int)lanes ? left : (int)lanes;
    uint32_t *offsets = stn_arena_alloc(arena, most, sizeof *offsets);
    uint32_t *masks = stn_arena_alloc(arena, most, sizeof *masks);
    int *index = stn_arena_alloc(arena, most, sizeof *index);
    int32_t *constant = stn_arena_alloc(arena, lanes, sizeof *constant);
    if (!offsets || !masks || !index || !constant)
        return 0;
    for (int i = 0; i < (int)most; i++) {
        int r = i / s->words, w = i % s->words, rest = shape->run - 32 * w;
        if (!is_live(s, b, r, w))
            continue;
        index[b->n_words] = i;
        offsets[b->n_words] =
            (uint32_t)((size_t)r * shape->pitch / 8 + (size_t)w * 4);
        masks[b->n_words++] =
            rest >= 32 ? UINT32_MAX : (UINT32_C(1) << rest) - 1;
    }
    size_t n = (size_t)pack->streams * (size_t)b->n_words * lanes;
    uint32_t *words = stn_arena_alloc(arena, n, sizeof *words);
    if (!words)
        return 0;
    for (int i = 0; i < b->n_words; i++)
        put_word(s, b, i, index[i] / s->words, index[i] % s->words,
                 pack->streams, words);
    stn_dot_constants(shape, s->codes, pack->lo, b->first, b->width, constant);
    b->offsets = offsets;
    b->masks = masks;
    b->words = words;
    b->constant = constant;
    return n * 4 + (size_t)b->n_words * 8 + lanes * 4;
}

stn_status stn_bits_make(const stn_bits_style *style,
                         const stn_dot_shape *shape, const int8_t *codes,
                         stn_bits_fit fit, stn_arena *arena, stn_prepared *out,
                         stn_error *err)
{
    int n = (shape->out + style->lanes - 1) / style->lanes;
    stn_bits_pack *pack = NULL;
    size_t size = sizeof *pack + (size_t)n * sizeof pack->blocks[0];
    pack = stn_arena_alloc(arena, 1, size);
    if (!pack)
        return stn_fail_memory(err, "laid-out weights");
    STN_TRY(stn_dot_head_make(shape, style->lanes, style->run, arena,
                              &pack->head, err));
    pack->planes = fit.planes;
    pack->streams = fit.streams;
    pack->lo = shape->lo < 0 ? (int)shape->lo : 0;
    pack->plane_bytes = (shape->band + 7) / 8 + PLANE_SLACK;
    pack->plane_bytes = stn_align_up(pack->plane_bytes);
    pack->patch_elements =
        (size_t)(shape->runs - 1) * shape->pitch + (size_t)shape->run;
    pack->n_blocks = n;
    source s = {shape, codes, style, (shape->run + 31) / 32};
    for (int i = 0; i < n; i++) {
        pack->blocks[i].first = i * style->lanes;
        size_t bytes = make_block(&s, pack, &pack->blocks[i], arena);
        if (!bytes)
            return stn_fail_memory(err, "laid-out weights");
        size += bytes;
    }
    *out =
        (stn_prepared){.data = pack,
                       .size_bytes = size,
                       .isa = style->isa,
                       .maps = pack->head.map != NULL,
                       .parts = n,
                       .scratch_bytes = (size_t)fit.planes * pack->plane_bytes};
    return STN_OK;
}
