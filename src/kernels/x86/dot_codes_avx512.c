/* SPDX-License-Identifier: MIT
 *
 * Packed codes against a lone patch with AVX-512: a mask and a vpdpbusd for
 * each field, with its own sums. */
#include "kernels/layout/dot_codes.h"
#include "kernels/x86/ending_avx512.h"

#ifdef STN_X86
#include <string.h>

#define AVX512 STN_AVX512
#define LANES 16
#define VECTORS 2

AVX512 STN_INLINE __m512i field(__m512i sum, __m512i codes, int mask,
                                const uint8_t *x)
{
    int32_t four;
    memcpy(&four, x, sizeof four);
    codes = _mm512_and_si512(codes, _mm512_set1_epi8((char)mask));
    return _mm512_dpbusd_epi32(sum, codes, _mm512_set1_epi32(four));
}

/* Sums of codes times x of both vectors of a block; named variables, as in
 * dot_avx512.c. */
#define EACH_FIELD(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7)
#define BEGIN(f) __m512i a##f = zero, b##f = zero;
#define ADD(f)                                                                 \
    if ((f)*bits < 8) {                                                        \
        a##f = field(a##f, va, mask << ((f)*bits), x + 4 * (f));               \
        b##f = field(b##f, vb, mask << ((f)*bits), x + 4 * (f));               \
    }
#define END(f)                                                                 \
    if ((f)*bits < 8) {                                                        \
        sums[0] = _mm512_add_epi32(                                            \
            sums[0], _mm512_srai_epi32(a##f, (unsigned)((f)*bits)));           \
        sums[1] = _mm512_add_epi32(                                            \
            sums[1], _mm512_srai_epi32(b##f, (unsigned)((f)*bits)));           \
    }

AVX512 STN_INLINE void block_sums(const stn_codes_pack *p,
                                  const stn_codes_block *block,
                                  const uint8_t *x, int bits, __m512i *sums)
{
    const __m512i zero = _mm512_setzero_si512();
    const int mask = (1 << bits) - 1;
    const uint8_t *codes = block->codes;
    EACH_FIELD(BEGIN)
    for (int g = 0; g < p->groups; g++, codes += 128, x += 32 / bits) {
        __m512i va = _mm512_load_si512(codes);
        __m512i vb = _mm512_load_si512(codes + 64);
        EACH_FIELD(ADD)
    }
    sums[0] = sums[1] = zero;
    EACH_FIELD(END)
}

AVX512 static void dot(const stn_dot_call *call)
{
    const stn_codes_pack *p = call->prepared;
    if (call->n == 0)
        return;
    const __m512i sum_x = _mm512_set1_epi32(stn_codes_input(p, call));
    const uint8_t *x = call->scratch;
    for (int i = call->part; i < call->part_end; i++) {
        const stn_codes_block *b = &p->blocks[i];
        __m512i sums[VECTORS];
        if (p->bits == 2)
            block_sums(p, b, x, 2, sums);
        else
            block_sums(p, b, x, 1, sums);
        for (int v = 0; v < VECTORS && v * LANES < b->width; v++) {
            if (p->bits == 1)
                sums[v] = _mm512_add_epi32(sums[v], sums[v]);
            sums[v] = _mm512_add_epi32(
                sums[v], _mm512_load_si512(b->constant + v * LANES));
            sums[v] = _mm512_sub_epi32(sums[v], sum_x);
            stn_finish_vec(&(stn_finish){&p->head, call, 0, 1,
                                         (size_t)(b->first + v * LANES),
                                         b->width - v * LANES},
                           &sums[v], 1);
        }
    }
}

const stn_codes_style *stn_codes_style_avx512(void)
{
    static const stn_codes_style style = {
        LANES, VECTORS, "codes_avx512", dot, {0, 0.035, 0.04}};
    return &style;
}
#endif
