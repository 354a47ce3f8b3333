/* SPDX-License-Identifier: MIT
 *
 * 8-bit weights by 8-bit inputs with AVX2, exactly: pairs of such products do
 * not fit the 16 bits of vpmaddubsw, so inputs and weights are widened to 16
 * bits and multiplied by vpmaddwd. Inputs are widened once for each call, into
 * its scratch, where the kernel of 16-bit inputs finds them; that takes two
 * instructions for 16 products, where cutting weights in two takes three. */
#include "kernels/x86/dot_wide.h"
#include "kernels/layout/dot_plan.h"

#ifdef STN_X86
#include <immintrin.h>
#include <string.h>

#define AVX2 STN_TARGET("avx2")

typedef struct wide {
    stn_dot_head head;
    stn_dot_shape shape;  /* the same, of 16-bit inputs */
    const void *prepared; /* of it */
    size_t elements;      /* from a patch's start to its end */
    size_t table;         /* scratch: bytes of inputs, before the patches */
} wide;

AVX2 static void widen(const uint8_t *x, bool is_signed, size_t n, int16_t *to)
{
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        __m128i v = _mm_loadu_si128((const void *)(x + i));
        _mm256_store_si256((void *)(to + i), is_signed
                                                 ? _mm256_cvtepi8_epi16(v)
                                                 : _mm256_cvtepu8_epi16(v));
    }
    for (; i < n; i++)
        to[i] = is_signed ? (int8_t)x[i] : x[i];
}

static void dot_wide(const stn_dot_call *call)
{
    const wide *w = call->prepared;
    if (call->n == 0)
        return;
    uint32_t first = call->patches[0];
    int16_t *x = call->scratch;
    uint32_t *patches =
        (uint32_t *)(void *)((uint8_t *)call->scratch + w->table);
    widen((const uint8_t *)call->x + first, call->shape->input == STN_TYPE_S8,
          call->patches[call->n - 1] - first + w->elements, x);
    for (int p = 0; p < call->n; p++)
        patches[p] = 2 * (call->patches[p] - first);
    stn_dot_call inner = *call;
    inner.shape = &w->shape;
    inner.prepared = w->prepared;
    inner.x = x;
    inner.patches = patches;
    stn_dot_planned(&inner);
}

stn_status stn_dot_wide_make(const stn_dot_style *style,
                             const stn_dot_shape *shape, const int8_t *codes,
                             stn_arena *arena, stn_prepared *out,
                             stn_error *err)
{
    wide *w = stn_arena_alloc(arena, 1, sizeof *w);
    if (!w)
        return stn_fail_memory(err, "laid-out weights");
    w->head.run = dot_wide;
    w->shape = *shape;
    w->shape.input = STN_TYPE_S16;
    STN_TRY(stn_dot_pack_make(style, &w->shape, codes, arena, out, err));
    w->prepared = out->data;
    w->elements = (size_t)(shape->runs - 1) * shape->pitch + (size_t)shape->run;
    /* 4 bytes of a run are read, however short it is. */
    w->table = (2 * shape->band + 4 + STN_ALIGNMENT - 1) / STN_ALIGNMENT *
               STN_ALIGNMENT;
    out->data = w;
    out->scratch_bytes = w->table + (size_t)shape->patches * sizeof(uint32_t);
    return STN_OK;
}
#endif
