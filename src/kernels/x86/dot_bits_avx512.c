/* SPDX-License-Identifier: MIT
 *
 * Products on bits with AVX-512. Without VPOPCNTDQ ones are counted through
 * carry-save adders: vpternlogd adds three words of one weight into one of
 * the same and one of twice the weight in two instructions, so that of 8
 * words only one has its bits counted, by vpshufb (Harley and Seal's method
 * with 16 filters side by side). With VPOPCNTDQ, which counts directly, the
 * adders are not worth their while. */
#include "kernels/layout/dot_bits.h"
#include "kernels/x86/ending_avx512.h"

#ifdef STN_X86

#define AVX512 STN_AVX512
#define AVX512_POPCNT                                                          \
    STN_TARGET("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,"                \
               "avx512vpopcntdq")
#define LANES 16
#define GROUP STN_BITS_GROUP
/* A byte's count of eights grows by up to 8 a group. */
#define GROUPS_MAX 31

AVX512 STN_INLINE __m512i and_word(const uint32_t *words, const uint8_t *x)
{
    int32_t word;
    memcpy(&word, x, sizeof word);
    return _mm512_and_si512(_mm512_load_si512(words), _mm512_set1_epi32(word));
}

/* Ones of each byte. */
AVX512 STN_INLINE __m512i count_bytes(__m512i v)
{
    const __m512i counts = _mm512_broadcast_i32x4(
        _mm_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4));
    const __m512i low = _mm512_set1_epi8(15);
    __m512i a = _mm512_and_si512(v, low);
    __m512i b = _mm512_and_si512(_mm512_srli_epi16(v, 4), low);
    return _mm512_add_epi8(_mm512_shuffle_epi8(counts, a),
                           _mm512_shuffle_epi8(counts, b));
}

#define SUM 0x96      /* a ^ b ^ c */
#define MAJORITY 0xE8 /* at least two of a, b, c */

/* *sum + a + b = *sum + 2 * the result, bit by bit. */
AVX512 STN_INLINE __m512i add_bits(__m512i *sum, __m512i a, __m512i b)
{
    __m512i carry = _mm512_ternarylogic_epi32(*sum, a, b, MAJORITY);
    *sum = _mm512_ternarylogic_epi32(*sum, a, b, SUM);
    return carry;
}

/* Bits counted so far: ones + 2 * twos + 4 * fours, and eights in bytes. */
typedef struct counter {
    __m512i ones, twos, fours, eights;
} counter;

AVX512 STN_INLINE void add_group(counter *c, const uint32_t *words,
                                 const uint32_t *offsets, const uint8_t *x)
{
#define PAIR(i)                                                                \
    add_bits(&c->ones, and_word(words + (i)*LANES, x + offsets[i]),            \
             and_word(words + ((i) + 1) * LANES, x + offsets[(i) + 1]))
    __m512i twos = PAIR(0);
    __m512i fours = add_bits(&c->twos, twos, PAIR(2));
    twos = PAIR(4);
    __m512i more = add_bits(&c->twos, twos, PAIR(6));
#undef PAIR
    c->eights = _mm512_add_epi8(c->eights,
                                count_bytes(add_bits(&c->fours, fours, more)));
}

/* For each filter the ones that `n` words of its weights share with x. */
AVX512 STN_INLINE __m512i count(const uint32_t *words, const uint32_t *offsets,
                                int n, const uint8_t *x)
{
    const __m512i zero = _mm512_setzero_si512();
    __m512i total = zero;
    counter c = {zero, zero, zero, zero};
    while (n >= GROUP) {
        int groups = n / GROUP < GROUPS_MAX ? n / GROUP : GROUPS_MAX;
        n -= groups * GROUP;
        for (; groups > 0; groups--, words += GROUP * LANES, offsets += GROUP)
            add_group(&c, words, offsets, x);
        total = _mm512_dpbusd_epi32(total, c.eights, _mm512_set1_epi8(GROUP));
        c.eights = zero;
    }
    /* At most 7 * 8 + 7 * 8 a byte. */
    __m512i bytes = count_bytes(c.fours);
    bytes = _mm512_add_epi8(bytes, bytes);
    bytes = _mm512_add_epi8(bytes, count_bytes(c.twos));
    bytes = _mm512_add_epi8(bytes, bytes);
    bytes = _mm512_add_epi8(bytes, count_bytes(c.ones));
    for (; n > 0; n--, words += LANES, offsets++)
        bytes =
            _mm512_add_epi8(bytes, count_bytes(and_word(words, x + *offsets)));
    return _mm512_dpbusd_epi32(total, bytes, _mm512_set1_epi8(1));
}

AVX512_POPCNT STN_INLINE __m512i count_popcnt(const uint32_t *words,
                                              const uint32_t *offsets, int n,
                                              const uint8_t *x)
{
    __m512i even = _mm512_setzero_si512(), odd = even;
    for (; n >= 2; n -= 2, words += 2 * LANES, offsets += 2) {
        __m512i a = and_word(words, x + offsets[0]);
        __m512i b = and_word(words + LANES, x + offsets[1]);
        even = _mm512_add_epi32(even, _mm512_popcnt_epi32(a));
        odd = _mm512_add_epi32(odd, _mm512_popcnt_epi32(b));
    }
    if (n)
        even = _mm512_add_epi32(
            even, _mm512_popcnt_epi32(and_word(words, x + *offsets)));
    return _mm512_add_epi32(even, odd);
}

/* Cuts the input of a call into planes. */
AVX512 static void cut(const stn_bits_pack *pack, const stn_dot_call *call)
{
    const uint8_t *x = (const uint8_t *)call->x + call->patches[0];
    size_t n = stn_bits_elements(pack, call);
    const __m512i lo = _mm512_set1_epi8((char)pack->lo);
    for (size_t i = 0; i < n; i += 64) {
        __mmask64 lanes =
            n - i < 64 ? (UINT64_C(1) << (n - i)) - 1 : UINT64_MAX;
        __m512i v = _mm512_sub_epi8(_mm512_maskz_loadu_epi8(lanes, x + i), lo);
        uint8_t *to = (uint8_t *)call->scratch + i / 8;
        for (int j = 0; j < pack->planes; j++, to += pack->plane_bytes) {
            uint64_t bits =
                _mm512_test_epi8_mask(v, _mm512_set1_epi8((char)(1 << j)));
            memcpy(to, &bits, sizeof bits);
        }
    }
}

/* Sums of one patch by one block; `sub` is what binary weights take off. */
#define DEFINE_PATCH(name, target, count)                                      \
    target STN_INLINE __m512i name(const stn_bits_pack *pack,                  \
                                   const stn_bits_block *b, const uint8_t *x,  \
                                   int32_t sub)                                \
    {                                                                          \
        __m512i sum = _mm512_sub_epi32(_mm512_load_si512(b->constant),         \
                                       _mm512_set1_epi32(sub));                \
        const uint32_t *p = b->words, *m = p + (size_t)b->n_words * LANES;     \
        for (int j = 0; j < pack->planes; j++, x += pack->plane_bytes) {       \
            __m512i ones = count(p, b->offsets, b->n_words, x);                \
            if (pack->streams == 2)                                            \
                ones = _mm512_sub_epi32(ones,                                  \
                                        count(m, b->offsets, b->n_words, x));  \
            else                                                               \
                ones = _mm512_add_epi32(ones, ones);                           \
            sum = _mm512_add_epi32(                                            \
                sum, _mm512_sll_epi32(ones, _mm_cvtsi32_si128(j)));            \
        }                                                                      \
        return sum;                                                            \
    }

DEFINE_PATCH(patch_adders, AVX512, count)
DEFINE_PATCH(patch_popcnt, AVX512_POPCNT, count_popcnt)

#define PATCHES 16 /* whose sums are finished together */

#define DEFINE_DOT(name, target, patch_sums)                                   \
    target static void name(const stn_dot_call *call)                          \
    {                                                                          \
        const stn_bits_pack *pack = call->prepared;                            \
        if (call->n == 0)                                                      \
            return;                                                            \
        cut(pack, call);                                                       \
        for (int first = 0; first < call->n; first += PATCHES) {               \
            int n = call->n - first < PATCHES ? call->n - first : PATCHES;     \
            const uint8_t *x[PATCHES];                                         \
            int32_t sub[PATCHES];                                              \
            for (int r = 0; r < n; r++) {                                      \
                uint32_t at = call->patches[first + r] - call->patches[0];     \
                x[r] = (const uint8_t *)call->scratch + at / 8;                \
                sub[r] = pack->streams == 2 ? 0 : stn_bits_count(pack, x[r]);  \
            }                                                                  \
            for (int i = call->part; i < call->part_end; i++) {                \
                const stn_bits_block *b = &pack->blocks[i];                    \
                __m512i sums[PATCHES];                                         \
                for (int r = 0; r < n; r++)                                    \
                    sums[r] = patch_sums(pack, b, x[r], sub[r]);               \
                stn_finish_vec(&(stn_finish){&pack->head, call, (size_t)first, \
                                             (size_t)n, (size_t)b->first,      \
                                             b->width},                        \
                               sums, 1);                                       \
            }                                                                  \
        }                                                                      \
    }

DEFINE_DOT(dot_adders, AVX512, patch_adders)
DEFINE_DOT(dot_popcnt, AVX512_POPCNT, patch_popcnt)

const stn_bits_style *stn_bits_style_avx512(void)
{
    static const stn_bits_style adders = {.lanes = LANES,
                                          .isa = "bits_avx512",
                                          .run = dot_adders,
                                          .word = 2.4,
                                          .once = 44};
    /* Cycles counted from the instructions: no such CPU was at hand. */
    static const stn_bits_style popcnt = {.lanes = LANES,
                                          .isa = "bits_vpopcntdq",
                                          .run = dot_popcnt,
                                          .word = 1.6,
                                          .once = 8};
    return __builtin_cpu_supports("avx512vpopcntdq") ? &popcnt : &adders;
}
#endif
