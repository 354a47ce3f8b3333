/* SPDX-License-Identifier: MIT
 *
 * The map of rescale_pack.h on 8 channels in a register, shared by the
 * rescale kernel and by kernels that end in one. Fewer than 8 elements go
 * through a copy: AVX2 has no masked moves of bytes. */
#ifndef STN_KERNELS_RESCALE_AVX2_H
#define STN_KERNELS_RESCALE_AVX2_H

#include "kernels/layout/rescale_pack.h"
#include "kernels/x86/x86.h"

#ifdef STN_X86
#include <immintrin.h>
#include <string.h>

#define STN_AVX2 STN_TARGET("avx2")

/* What layout/ending.h and rescale_rows.h ask for. */
#define STN_VEC STN_AVX2
#define STN_VEC_LANES 8
typedef __m256i stn_vec;
typedef size_t stn_lanes; /* in use */

STN_INLINE stn_lanes stn_lanes_of(int width)
{
    return width < STN_VEC_LANES ? (size_t)width : STN_VEC_LANES;
}

STN_AVX2 STN_INLINE stn_vec stn_vec_zero(void)
{
    return _mm256_setzero_si256();
}

STN_AVX2 STN_INLINE __m256i stn_widen8(const void *x, stn_type type)
{
    switch (type) {
    case STN_TYPE_U8:
        return _mm256_cvtepu8_epi32(_mm_loadl_epi64(x));
    case STN_TYPE_S8:
        return _mm256_cvtepi8_epi32(_mm_loadl_epi64(x));
    case STN_TYPE_S16:
        return _mm256_cvtepi16_epi32(_mm_loadu_si128(x));
    case STN_TYPE_S32:
        break;
    }
    return _mm256_loadu_si256(x);
}

/* Elements i … i + n - 1 as 32-bit numbers, 1 <= n <= 8. */
STN_AVX2 STN_INLINE __m256i stn_vec_read(const void *x, stn_type type, size_t i,
                                         size_t n)
{
    size_t size = stn_type_size(type);
    const uint8_t *from = (const uint8_t *)x + i * size;
    if (n == 8)
        return stn_widen8(from, type);
    uint8_t copy[32] = {0};
    memcpy(copy, from, n * size);
    return stn_widen8(copy, type);
}

/* Values fit their type, so that packing saturates nothing. */
STN_AVX2 STN_INLINE void stn_vec_write(void *y, stn_type type, size_t i,
                                       size_t n, __m256i v)
{
    size_t size = stn_type_size(type);
    uint8_t copy[32], *to = (uint8_t *)y + i * size;
    uint8_t *at = n == 8 ? to : copy;
    if (type == STN_TYPE_S32) {
        _mm256_storeu_si256((void *)at, v);
    } else {
        __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(v),
                                        _mm256_extracti128_si256(v, 1));
        if (type == STN_TYPE_S16)
            _mm_storeu_si128((void *)at, words);
        else if (type == STN_TYPE_U8)
            _mm_storel_epi64((void *)at, _mm_packus_epi16(words, words));
        else
            _mm_storel_epi64((void *)at, _mm_packs_epi16(words, words));
    }
    if (n != 8)
        memcpy(to, copy, n * size);
}

STN_AVX2 STN_INLINE void stn_add_products8(__m256i x, const int32_t *m,
                                           __m256i *even, __m256i *odd)
{
    *even = _mm256_add_epi64(
        *even, _mm256_mul_epi32(x, _mm256_loadu_si256((const void *)m)));
    x = _mm256_srli_epi64(x, 32);
    *odd = _mm256_add_epi64(
        *odd, _mm256_mul_epi32(x, _mm256_loadu_si256((const void *)(m + 1))));
}

/* y of 8 elements whose multipliers begin at `at`; x1 is read where the map
 * has two inputs. The kind is not REF. */
STN_AVX2 STN_INLINE __m256i stn_vec_map(const stn_rescale_pack *p, size_t at,
                                        __m256i x0, __m256i x1)
{
    if (p->kind == STN_RESCALE_STEP) {
        x0 = _mm256_xor_si256(x0,
                              _mm256_loadu_si256((const void *)(p->flip + at)));
        __m256i above = _mm256_cmpgt_epi32(
            x0, _mm256_loadu_si256((const void *)(p->limit + at)));
        return _mm256_sub_epi32(_mm256_set1_epi32(p->lo), above);
    }
    __m256i even = _mm256_loadu_si256((const void *)(p->a + at));
    __m256i odd = _mm256_loadu_si256((const void *)(p->a + at + 4));
    const __m128i before = _mm_cvtsi32_si128(p->before);
    if (p->before)
        x0 = _mm256_sll_epi32(x0, before);
    stn_add_products8(x0, p->m0 + at, &even, &odd);
    if (p->two) {
        if (p->before)
            x1 = _mm256_sll_epi32(x1, before);
        stn_add_products8(x1, p->m1 + at, &even, &odd);
    }
    /* Upper halves: odd ones stay, even ones move down a lane. */
    __m256i v = _mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xAA);
    if (p->after)
        v = _mm256_sra_epi32(v, _mm_cvtsi32_si128(p->after));
    v = _mm256_max_epi32(v, _mm256_set1_epi32(p->lo));
    return _mm256_min_epi32(v, _mm256_set1_epi32(p->hi));
}

#endif
#endif
