/* SPDX-License-Identifier: MIT
 *
 * The map of rescale_pack.h on 16 channels in a register, shared by the
 * rescale kernel and by kernels that end in one. */
#ifndef STN_KERNELS_RESCALE_AVX512_H
#define STN_KERNELS_RESCALE_AVX512_H

#include "kernels/layout/rescale_pack.h"
#include "kernels/x86/x86.h"

#ifdef STN_X86
#include <immintrin.h>

#define STN_AVX512 STN_TARGET("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")

/* What layout/ending.h and rescale_rows.h ask for. */
#define STN_VEC STN_AVX512
#define STN_VEC_LANES 16
typedef __m512i stn_vec;
typedef __mmask16 stn_lanes; /* in use */

STN_AVX512 STN_INLINE stn_lanes stn_lanes_of(int width)
{
    return (__mmask16)(width < STN_VEC_LANES ? (1U << width) - 1 : 0xFFFF);
}

STN_AVX512 STN_INLINE stn_vec stn_vec_zero(void)
{
    return _mm512_setzero_si512();
}

/* Elements of `lanes` from the i-th, as 32-bit numbers. */
STN_AVX512 STN_INLINE __m512i stn_vec_read(const void *x, stn_type type,
                                           size_t i, __mmask16 lanes)
{
    switch (type) {
    case STN_TYPE_U8:
        return _mm512_cvtepu8_epi32(
            _mm_maskz_loadu_epi8(lanes, (const uint8_t *)x + i));
    case STN_TYPE_S8:
        return _mm512_cvtepi8_epi32(
            _mm_maskz_loadu_epi8(lanes, (const int8_t *)x + i));
    case STN_TYPE_S16:
        return _mm512_cvtepi16_epi32(
            _mm256_maskz_loadu_epi16(lanes, (const int16_t *)x + i));
    case STN_TYPE_S32:
        break;
    }
    return _mm512_maskz_loadu_epi32(lanes, (const int32_t *)x + i);
}

/* Values fit, so dropping high bits is exact for signed and unsigned. */
STN_AVX512 STN_INLINE void stn_vec_write(void *y, stn_type type, size_t i,
                                         __mmask16 lanes, __m512i v)
{
    if (type <= STN_TYPE_S8)
        _mm_mask_storeu_epi8((uint8_t *)y + i, lanes, _mm512_cvtepi32_epi8(v));
    else if (type == STN_TYPE_S16)
        _mm256_mask_storeu_epi16((int16_t *)y + i, lanes,
                                 _mm512_cvtepi32_epi16(v));
    else
        _mm512_mask_storeu_epi32((int32_t *)y + i, lanes, v);
}

/* Even lanes of x times those of m, and odd ones. */
STN_AVX512 STN_INLINE void stn_add_products16(__m512i x, const int32_t *m,
                                              __m512i *even, __m512i *odd)
{
    *even = _mm512_add_epi64(*even, _mm512_mul_epi32(x, _mm512_loadu_si512(m)));
    x = _mm512_srli_epi64(x, 32);
    *odd =
        _mm512_add_epi64(*odd, _mm512_mul_epi32(x, _mm512_loadu_si512(m + 1)));
}

/* y of 16 elements whose multipliers begin at `at`; x1 is read where the map
 * has two inputs. The kind is not REF. */
STN_AVX512 STN_INLINE __m512i stn_vec_map(const stn_rescale_pack *p, size_t at,
                                          __m512i x0, __m512i x1)
{
    if (p->kind == STN_RESCALE_STEP) {
        x0 = _mm512_xor_si512(x0, _mm512_loadu_si512(p->flip + at));
        __mmask16 above =
            _mm512_cmpgt_epi32_mask(x0, _mm512_loadu_si512(p->limit + at));
        return _mm512_mask_mov_epi32(_mm512_set1_epi32(p->lo), above,
                                     _mm512_set1_epi32(p->hi));
    }
    __m512i even = _mm512_loadu_si512(p->a + at);
    __m512i odd = _mm512_loadu_si512(p->a + at + 8);
    const __m128i before = _mm_cvtsi32_si128(p->before);
    if (p->before)
        x0 = _mm512_sll_epi32(x0, before);
    stn_add_products16(x0, p->m0 + at, &even, &odd);
    if (p->two) {
        if (p->before)
            x1 = _mm512_sll_epi32(x1, before);
        stn_add_products16(x1, p->m1 + at, &even, &odd);
    }
    /* Upper halves: odd ones stay, even ones move down a lane. */
    __m512i v =
        _mm512_mask_shuffle_epi32(odd, 0x5555, even, (_MM_PERM_ENUM)0x31);
    if (p->after)
        v = _mm512_sra_epi32(v, _mm_cvtsi32_si128(p->after));
    v = _mm512_max_epi32(v, _mm512_set1_epi32(p->lo));
    return _mm512_min_epi32(v, _mm512_set1_epi32(p->hi));
}

#endif
#endif
