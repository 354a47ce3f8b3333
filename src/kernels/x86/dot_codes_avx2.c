/* SPDX-License-Identifier: MIT
 *
 * Packed codes against a lone patch with AVX2. vpmaddubsw of a code by x adds
 * two products in 16 bits; the upper half of each byte is shifted down first,
 * so that one of them is at most 8 * 128 * 2 = 2^11 for either width of code
 * and 2 * GROUPS of them stay below 2^15. */
#include "kernels/layout/dot_codes.h"
#include "kernels/x86/ending_avx2.h"

#ifdef STN_X86
#include <string.h>

#define AVX2 STN_AVX2
#define LANES 8
#define GROUPS 7 /* before 16-bit sums are widened */

AVX2 STN_INLINE __m256i field(__m256i sum, __m256i codes, int mask,
                              const uint8_t *x)
{
    int32_t four;
    memcpy(&four, x, sizeof four);
    codes = _mm256_and_si256(codes, _mm256_set1_epi8((char)mask));
    return _mm256_add_epi16(
        sum, _mm256_maddubs_epi16(codes, _mm256_set1_epi32(four)));
}

/* Fields of a half byte, each with its own sums; both halves share them. */
#define EACH_FIELD(X) X(0) X(1) X(2) X(3)
#define BEGIN(f) __m256i a##f = zero, w##f = zero;
#define ADD(f)                                                                 \
    if ((f)*bits < 4) {                                                        \
        a##f = field(a##f, low, mask << ((f)*bits), x + 4 * (f));              \
        a##f = field(a##f, high, mask << ((f)*bits), x + 16 / bits + 4 * (f)); \
    }
#define WIDEN(f)                                                               \
    if ((f)*bits < 4) {                                                        \
        w##f = _mm256_add_epi32(w##f, _mm256_madd_epi16(a##f, ones));          \
        a##f = zero;                                                           \
    }
#define END(f)                                                                 \
    if ((f)*bits < 4)                                                          \
        sum = _mm256_add_epi32(sum, _mm256_srai_epi32(w##f, (f)*bits));

AVX2 STN_INLINE __m256i block_sums(const stn_codes_pack *p,
                                   const uint8_t *codes, const uint8_t *x,
                                   int bits)
{
    const __m256i zero = _mm256_setzero_si256(), ones = _mm256_set1_epi16(1);
    const int mask = (1 << bits) - 1;
    EACH_FIELD(BEGIN)
    for (int g = 0; g < p->groups;) {
        int end = p->groups - g < GROUPS ? p->groups : g + GROUPS;
        for (; g < end; g++, codes += 4 * LANES, x += 32 / bits) {
            __m256i low = _mm256_load_si256((const void *)codes);
            __m256i high = _mm256_srli_epi16(low, 4);
            EACH_FIELD(ADD)
        }
        EACH_FIELD(WIDEN)
    }
    __m256i sum = zero;
    EACH_FIELD(END)
    return sum;
}

AVX2 static void dot(const stn_dot_call *call)
{
    const stn_codes_pack *p = call->prepared;
    if (call->n == 0)
        return;
    const __m256i sum_x = _mm256_set1_epi32(stn_codes_input(p, call));
    const uint8_t *x = call->scratch;
    for (int i = call->part; i < call->part_end; i++) {
        const stn_codes_block *b = &p->blocks[i];
        __m256i sum = p->bits == 2 ? block_sums(p, b->codes, x, 2)
                                   : block_sums(p, b->codes, x, 1);
        if (p->bits == 1)
            sum = _mm256_add_epi32(sum, sum);
        sum =
            _mm256_add_epi32(sum, _mm256_load_si256((const void *)b->constant));
        sum = _mm256_sub_epi32(sum, sum_x);
        stn_finish_vec(
            &(stn_finish){&p->head, call, 0, 1, (size_t)b->first, b->width},
            &sum, 1);
    }
}

const stn_codes_style *stn_codes_style_avx2(void)
{
    static const stn_codes_style style = {
        LANES, 1, "codes_avx2", dot, {0, 0.065, 0.07}};
    return &style;
}
#endif
