/* SPDX-License-Identifier: MIT
 *
 * Rescale with AVX-512: 16 elements at once as 8 even and 8 odd 64-bit sums,
 * shifted arithmetically. Maps whose range does not provably fit 32 bits are
 * clamped in 64. */
#include "kernels/ref/ref.h"
#include "kernels/x86/rescale_pack.h"
#include "kernels/x86/x86.h"

#ifdef STN_X86
#include <immintrin.h>

#define AVX512 STN_TARGET("avx512f,avx512bw,avx512vl,avx512dq")

AVX512 STN_INLINE void multiply(const int32_t *x, const int32_t *m,
                                __m512i *even, __m512i *odd)
{
    __m512i v = _mm512_loadu_si512(x);
    *even = _mm512_add_epi64(*even, _mm512_mul_epi32(v, _mm512_loadu_si512(m)));
    v = _mm512_srli_epi64(v, 32);
    *odd =
        _mm512_add_epi64(*odd, _mm512_mul_epi32(v, _mm512_loadu_si512(m + 1)));
}

AVX512 STN_INLINE __m512i clamp64(__m512i v, const stn_rescale_shape *s)
{
    v = _mm512_max_epi64(v, _mm512_set1_epi64(s->lo));
    return _mm512_min_epi64(v, _mm512_set1_epi64(s->hi));
}

AVX512 static void core(const stn_rescale_shape *s, const stn_rescale_pack *p,
                        size_t phase, const int32_t *x0, const int32_t *x1,
                        int n, int32_t *y)
{
    const __m128i shift = _mm_cvtsi32_si128(s->shift);
    const __m512i lo = _mm512_set1_epi32(s->lo);
    const __m512i hi = _mm512_set1_epi32(s->hi);
    for (int i = 0; i < n; i += 16) {
        __m512i even = _mm512_loadu_si512(p->a + phase);
        __m512i odd = _mm512_loadu_si512(p->a + phase + 8);
        multiply(x0 + i, p->m0 + phase, &even, &odd);
        if (x1)
            multiply(x1 + i, p->m1 + phase, &even, &odd);
        even = _mm512_sra_epi64(even, shift);
        odd = _mm512_sra_epi64(odd, shift);
        if (!p->narrow) {
            even = clamp64(even, s);
            odd = clamp64(odd, s);
        }
        /* Low halves: even ones stay, odd ones move up a lane. */
        __m512i v =
            _mm512_mask_shuffle_epi32(even, 0xAAAA, odd, (_MM_PERM_ENUM)0x80);
        v = _mm512_min_epi32(_mm512_max_epi32(v, lo), hi);
        _mm512_storeu_si512(y + i, v);
        phase = phase + 16 == p->period ? 0 : phase + 16;
    }
}

AVX512 static void widen(const void *x, stn_type type, size_t first, int n,
                         int32_t *y)
{
    int i = 0;
    for (; i + 16 <= n; i += 16) {
        size_t at = first + (size_t)i;
        __m512i v;
        if (type == STN_TYPE_S16)
            v = _mm512_cvtepi16_epi32(
                _mm256_loadu_si256((const void *)((const int16_t *)x + at)));
        else if (type == STN_TYPE_U8)
            v = _mm512_cvtepu8_epi32(
                _mm_loadu_si128((const void *)((const uint8_t *)x + at)));
        else
            v = _mm512_cvtepi8_epi32(
                _mm_loadu_si128((const void *)((const int8_t *)x + at)));
        _mm512_storeu_si512(y + i, v);
    }
    for (; i < n; i++)
        y[i] = stn_load(x, type, first + (size_t)i);
}

/* Values fit, so dropping high bits is exact for signed and unsigned. */
AVX512 static void narrow(const int32_t *x, int n, void *y, stn_type type,
                          size_t first)
{
    int i = 0;
    for (; i + 16 <= n; i += 16) {
        size_t at = first + (size_t)i;
        __m512i v = _mm512_loadu_si512(x + i);
        if (type == STN_TYPE_S16)
            _mm256_storeu_si256((void *)((int16_t *)y + at),
                                _mm512_cvtepi32_epi16(v));
        else
            _mm_storeu_si128((void *)((uint8_t *)y + at),
                             _mm512_cvtepi32_epi8(v));
    }
    for (; i < n; i++)
        stn_store(y, type, first + (size_t)i, x[i]);
}

stn_status stn_rescale_prepare_avx512(const stn_rescale_shape *shape,
                                      stn_arena *arena, stn_prepared *out,
                                      stn_error *err)
{
    return stn_rescale_pack_make(shape, 8, 0, "avx512", arena, out, err);
}

void stn_rescale_avx512(const stn_rescale_call *call)
{
    stn_rescale_chunks(call, core, widen, narrow);
}
#endif
