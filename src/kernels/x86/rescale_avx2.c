/* SPDX-License-Identifier: MIT
 *
 * Rescale with AVX2. vpmuldq multiplies the even 32-bit lanes to 64 bits; odd
 * lanes are moved down first. AVX2 has no arithmetic 64-bit shift, so 2^63 is
 * added to a, the sum is shifted logically, and 2^(63 - shift) is taken off:
 *     (v + 2^63) >> s (logical) = (v >> s (arithmetic)) + 2^(63 - s).
 * Only the low 32 bits of the result are kept, so this is for maps whose
 * range before clamping is proven to fit them; others go to the scalar
 * kernel. */
#include "kernels/ref/ref.h"
#include "kernels/x86/rescale_pack.h"
#include "kernels/x86/x86.h"

#ifdef STN_X86
#include <immintrin.h>

#define AVX2 STN_TARGET("avx2")

AVX2 STN_INLINE __m256i load(const void *p)
{
    return _mm256_loadu_si256(p);
}

/* Products of 8 elements: *even += those of lanes 0, 2, 4, 6. */
AVX2 STN_INLINE void multiply(const int32_t *x, const int32_t *m, __m256i *even,
                              __m256i *odd)
{
    __m256i v = load(x);
    *even = _mm256_add_epi64(*even, _mm256_mul_epi32(v, load(m)));
    v = _mm256_srli_epi64(v, 32);
    *odd = _mm256_add_epi64(*odd, _mm256_mul_epi32(v, load(m + 1)));
}

AVX2 static void core(const stn_rescale_shape *s, const stn_rescale_pack *p,
                      size_t phase, const int32_t *x0, const int32_t *x1, int n,
                      int32_t *y)
{
    const __m128i shift = _mm_cvtsi32_si128(s->shift);
    const __m256i lo = _mm256_set1_epi32(s->lo);
    const __m256i hi = _mm256_set1_epi32(s->hi);
    uint32_t excess = s->shift >= 32 ? UINT32_C(1) << (63 - s->shift) : 0;
    const __m256i bias = _mm256_set1_epi32((int32_t)excess);
    for (int i = 0; i < n; i += 8) {
        __m256i even = load(p->a + phase), odd = load(p->a + phase + 4);
        multiply(x0 + i, p->m0 + phase, &even, &odd);
        if (x1)
            multiply(x1 + i, p->m1 + phase, &even, &odd);
        even = _mm256_srl_epi64(even, shift);
        odd = _mm256_slli_epi64(_mm256_srl_epi64(odd, shift), 32);
        __m256i v = _mm256_blend_epi32(even, odd, 0xAA);
        v = _mm256_sub_epi32(v, bias);
        v = _mm256_min_epi32(_mm256_max_epi32(v, lo), hi);
        _mm256_storeu_si256((void *)(y + i), v);
        phase = phase + 8 == p->period ? 0 : phase + 8;
    }
}

AVX2 static void widen(const void *x, stn_type type, size_t first, int n,
                       int32_t *y)
{
    int i = 0;
    for (; i + 8 <= n; i += 8) {
        size_t at = first + (size_t)i;
        __m256i v;
        if (type == STN_TYPE_S16)
            v = _mm256_cvtepi16_epi32(
                _mm_loadu_si128((const void *)((const int16_t *)x + at)));
        else if (type == STN_TYPE_U8)
            v = _mm256_cvtepu8_epi32(
                _mm_loadl_epi64((const void *)((const uint8_t *)x + at)));
        else
            v = _mm256_cvtepi8_epi32(
                _mm_loadl_epi64((const void *)((const int8_t *)x + at)));
        _mm256_storeu_si256((void *)(y + i), v);
    }
    for (; i < n; i++)
        y[i] = stn_load(x, type, first + (size_t)i);
}

AVX2 static void narrow(const int32_t *x, int n, void *y, stn_type type,
                        size_t first)
{
    int i = 0;
    for (; i + 16 <= n; i += 16) {
        size_t at = first + (size_t)i;
        __m256i words = _mm256_packs_epi32(load(x + i), load(x + i + 8));
        words = _mm256_permute4x64_epi64(words, 0xD8); /* undo lane order */
        __m128i low = _mm256_castsi256_si128(words);
        __m128i high = _mm256_extracti128_si256(words, 1);
        if (type == STN_TYPE_S16)
            _mm256_storeu_si256((void *)((int16_t *)y + at), words);
        else if (type == STN_TYPE_U8)
            _mm_storeu_si128((void *)((uint8_t *)y + at),
                             _mm_packus_epi16(low, high));
        else
            _mm_storeu_si128((void *)((int8_t *)y + at),
                             _mm_packs_epi16(low, high));
    }
    for (; i < n; i++)
        stn_store(y, type, first + (size_t)i, x[i]);
}

stn_status stn_rescale_prepare_avx2(const stn_rescale_shape *shape,
                                    stn_arena *arena, stn_prepared *out,
                                    stn_error *err)
{
    STN_TRY(stn_rescale_pack_make(shape, 4, UINT64_C(1) << 63, "avx2", arena,
                                  out, err));
    if (!((const stn_rescale_pack *)out->data)->narrow)
        out->isa = "ref";
    return STN_OK;
}

void stn_rescale_avx2(const stn_rescale_call *call)
{
    if (((const stn_rescale_pack *)call->prepared)->narrow)
        stn_rescale_chunks(call, core, widen, narrow);
    else
        stn_rescale_ref(call);
}
#endif
