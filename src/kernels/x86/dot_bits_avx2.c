/* SPDX-License-Identifier: MIT
 *
 * Products on bits with AVX2: ones are counted through carry-save adders, so
 * that of 8 words only one has its bits counted, by vpshufb (Harley and Seal's
 * method with 8 filters side by side). */
#include "kernels/layout/dot_bits.h"
#include "kernels/x86/ending_avx2.h"

#ifdef STN_X86

#define AVX2 STN_AVX2
#define LANES 8
#define GROUP STN_BITS_GROUP
/* A byte's count of eights grows by up to 8 a group. */
#define GROUPS_MAX 31

AVX2 STN_INLINE __m256i and_word(const uint32_t *words, const uint8_t *x)
{
    int32_t word;
    memcpy(&word, x, sizeof word);
    return _mm256_and_si256(_mm256_load_si256((const void *)words),
                            _mm256_set1_epi32(word));
}

/* Ones of each byte. */
AVX2 STN_INLINE __m256i count_bytes(__m256i v)
{
    const __m256i counts = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4));
    const __m256i low = _mm256_set1_epi8(15);
    __m256i a = _mm256_and_si256(v, low);
    __m256i b = _mm256_and_si256(_mm256_srli_epi16(v, 4), low);
    return _mm256_add_epi8(_mm256_shuffle_epi8(counts, a),
                           _mm256_shuffle_epi8(counts, b));
}

/* *sum + a + b = *sum + 2 * the result, bit by bit. */
AVX2 STN_INLINE __m256i add_bits(__m256i *sum, __m256i a, __m256i b)
{
    __m256i odd = _mm256_xor_si256(*sum, a);
    __m256i carry =
        _mm256_or_si256(_mm256_and_si256(*sum, a), _mm256_and_si256(odd, b));
    *sum = _mm256_xor_si256(odd, b);
    return carry;
}

/* Bits counted so far: ones + 2 * twos + 4 * fours, and eights in bytes. */
typedef struct counter {
    __m256i ones, twos, fours, eights;
} counter;

AVX2 STN_INLINE void add_group(counter *c, const uint32_t *words,
                               const uint32_t *offsets, const uint8_t *x)
{
#define PAIR(i)                                                                \
    add_bits(&c->ones, and_word(words + (i)*LANES, x + offsets[i]),            \
             and_word(words + ((i) + 1) * LANES, x + offsets[(i) + 1]))
    __m256i twos = PAIR(0);
    __m256i fours = add_bits(&c->twos, twos, PAIR(2));
    twos = PAIR(4);
    __m256i more = add_bits(&c->twos, twos, PAIR(6));
#undef PAIR
    c->eights = _mm256_add_epi8(c->eights,
                                count_bytes(add_bits(&c->fours, fours, more)));
}

/* The bytes of each lane times `weight`, 8 at most: no pair saturates. */
AVX2 STN_INLINE __m256i add_bytes(__m256i total, __m256i bytes, int weight)
{
    __m256i pairs = _mm256_maddubs_epi16(bytes, _mm256_set1_epi8((char)weight));
    return _mm256_add_epi32(total,
                            _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}

/* For each filter the ones that `n` words of its weights share with x. */
AVX2 STN_INLINE __m256i count(const uint32_t *words, const uint32_t *offsets,
                              int n, const uint8_t *x)
{
    const __m256i zero = _mm256_setzero_si256();
    __m256i total = zero;
    counter c = {zero, zero, zero, zero};
    while (n >= GROUP) {
        int groups = n / GROUP < GROUPS_MAX ? n / GROUP : GROUPS_MAX;
        n -= groups * GROUP;
        for (; groups > 0; groups--, words += GROUP * LANES, offsets += GROUP)
            add_group(&c, words, offsets, x);
        total = add_bytes(total, c.eights, GROUP);
        c.eights = zero;
    }
    /* At most 7 * 8 + 7 * 8 a byte. */
    __m256i bytes = count_bytes(c.fours);
    bytes = _mm256_add_epi8(bytes, bytes);
    bytes = _mm256_add_epi8(bytes, count_bytes(c.twos));
    bytes = _mm256_add_epi8(bytes, bytes);
    bytes = _mm256_add_epi8(bytes, count_bytes(c.ones));
    for (; n > 0; n--, words += LANES, offsets++)
        bytes =
            _mm256_add_epi8(bytes, count_bytes(and_word(words, x + *offsets)));
    return add_bytes(total, bytes, 1);
}

/* Cuts the input of a call into planes. */
AVX2 static void cut(const stn_bits_pack *pack, const stn_dot_call *call)
{
    const uint8_t *x = (const uint8_t *)call->x + call->patches[0];
    size_t n = stn_bits_elements(pack, call);
    const __m256i lo = _mm256_set1_epi8((char)pack->lo);
    for (size_t i = 0; i < n; i += 32) {
        uint8_t tail[32] = {0};
        if (n - i < 32)
            memcpy(tail, x + i, n - i);
        const uint8_t *from = n - i < 32 ? tail : x + i;
        __m256i v = _mm256_loadu_si256((const void *)from);
        v = _mm256_sub_epi8(v, lo);
        uint8_t *to = (uint8_t *)call->scratch + i / 8;
        for (int j = 0; j < pack->planes; j++, to += pack->plane_bytes) {
            __m256i top = _mm256_sll_epi16(v, _mm_cvtsi32_si128(7 - j));
            int bits = _mm256_movemask_epi8(top);
            memcpy(to, &bits, sizeof bits);
        }
    }
}

/* Sums of one patch by one block; `sub` is what binary weights take off. */
AVX2 STN_INLINE __m256i patch_sums(const stn_bits_pack *pack,
                                   const stn_bits_block *b, const uint8_t *x,
                                   int32_t sub)
{
    __m256i sum = _mm256_sub_epi32(_mm256_load_si256((const void *)b->constant),
                                   _mm256_set1_epi32(sub));
    const uint32_t *p = b->words, *m = p + (size_t)b->n_words * LANES;
    for (int j = 0; j < pack->planes; j++, x += pack->plane_bytes) {
        __m256i ones = count(p, b->offsets, b->n_words, x);
        if (pack->streams == 2)
            ones = _mm256_sub_epi32(ones, count(m, b->offsets, b->n_words, x));
        else
            ones = _mm256_add_epi32(ones, ones);
        sum =
            _mm256_add_epi32(sum, _mm256_sll_epi32(ones, _mm_cvtsi32_si128(j)));
    }
    return sum;
}

#define PATCHES 16 /* whose sums are finished together */

AVX2 static void dot(const stn_dot_call *call)
{
    const stn_bits_pack *pack = call->prepared;
    if (call->n == 0)
        return;
    cut(pack, call);
    for (int first = 0; first < call->n; first += PATCHES) {
        int n = call->n - first < PATCHES ? call->n - first : PATCHES;
        const uint8_t *x[PATCHES];
        int32_t sub[PATCHES];
        for (int r = 0; r < n; r++) {
            uint32_t at = call->patches[first + r] - call->patches[0];
            x[r] = (const uint8_t *)call->scratch + at / 8;
            sub[r] = pack->streams == 2 ? 0 : stn_bits_count(pack, x[r]);
        }
        for (int i = call->part; i < call->part_end; i++) {
            const stn_bits_block *b = &pack->blocks[i];
            __m256i sums[PATCHES];
            for (int r = 0; r < n; r++)
                sums[r] = patch_sums(pack, b, x[r], sub[r]);
            stn_finish_vec(&(stn_finish){&pack->head, call, (size_t)first,
                                         (size_t)n, (size_t)b->first, b->width},
                           sums, 1);
        }
    }
}

const stn_bits_style *stn_bits_style_avx2(void)
{
    static const stn_bits_style style = {.lanes = LANES,
                                         .isa = "bits_avx2",
                                         .run = dot,
                                         .word = 2.9,
                                         .once = 24};
    return &style;
}
#endif
