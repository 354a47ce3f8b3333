/* SPDX-License-Identifier: MIT
 *
 * What one thread of this machine does at most of each kind of work, measured
 * on registers (memory: on reads of what must be read). One JSON
 * line each, operations a second; a multiplication and an addition are two,
 * and so are the AND of two bits and the counting of the result.
 *   float   fused multiply-add
 *   bytes   u8 by s8 into wider sums (vpdpbusd; vpmaddubsw and vpaddw, as if
 *           16 bits were always enough)
 *   words   s16 by s16 into 32 bits (vpdpwssd; vpmaddwd and vpaddd), what
 *           exact products of 8 bits take where there is no VNNI
 *   tables  4 products looked up (vpshufb and vpaddb)
 *   bits    carry-save adders and one count of bits for 8 words
 *   memoryB 4096 x 4096 weights of B bits, read again and again from the cache
 *           or memory that holds them; two operations each
 *   bench_limits */
#include "base/compiler.h"
#include "timing.h"
#include <stdint.h>

#ifdef STN_X86
#include <immintrin.h>

#define STEPS 400000
#define TRIES 9
#define WEIGHTS ((size_t)4096 * 4096)

static double cpu_s(void)
{
    return bench_clock_s(CLOCK_THREAD_CPUTIME_ID);
}

/* What the results go to, so that no loop is left out. */
static volatile int sink = 1;

#define EACH(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11)
#define SUMS 12

/* A function that runs `add` on SUMS sums STEPS times and returns seconds. */
#define DEFINE_LOOP(name, target, vector, start, add, join, first)             \
    STN_TARGET(target) static double name(void)                                \
    {                                                                          \
        const int seed = sink;                                                 \
        vector x = start(seed), w = start(seed + 1);                           \
        double begin = cpu_s();                                                \
        vector s0 = start(seed + 2), s1 = start(seed + 3);                     \
        vector s2 = start(seed + 4), s3 = start(seed + 5);                     \
        vector s4 = start(seed + 6), s5 = start(seed + 7);                     \
        vector s6 = start(seed + 8), s7 = start(seed + 9);                     \
        vector s8 = start(seed + 10), s9 = start(seed + 11);                   \
        vector s10 = start(seed + 12), s11 = start(seed + 13);                 \
        STN_UNROLL(16)                                                         \
        for (int i = 0; i < STEPS; i++) {                                      \
            EACH(add)                                                          \
        }                                                                      \
        EACH(join)                                                             \
        sink = first(x) + first(w);                                            \
        return cpu_s() - begin;                                                \
    }

#define PS512(v) _mm512_set1_ps((float)(v)*1e-9F)
#define FMA512(i) s##i = _mm512_fmadd_ps(s##i, x, w);
#define JOIN_PS512(i) x = _mm512_add_ps(x, s##i);
#define FIRST_PS512(v) (int)_mm512_cvtss_f32(v)
DEFINE_LOOP(float_avx512, "avx512f", __m512, PS512, FMA512, JOIN_PS512,
            FIRST_PS512)

#define PS256(v) _mm256_set1_ps((float)(v)*1e-9F)
#define FMA256(i) s##i = _mm256_fmadd_ps(s##i, x, w);
#define JOIN_PS256(i) x = _mm256_add_ps(x, s##i);
#define FIRST_PS256(v) (int)_mm256_cvtss_f32(v)
DEFINE_LOOP(float_avx2, "avx2,fma", __m256, PS256, FMA256, JOIN_PS256,
            FIRST_PS256)

/* sum = add(sum, product(x, w)), the product each time anew. Two instructions
 * in one place, so that the product stays in the register of the moment and
 * all sums in theirs. */
#define ADD_PRODUCT(type, product, add, sum)                                   \
    {                                                                          \
        type p;                                                                \
        __asm__ volatile(product " %2, %3, %1\n\t" add " %1, %0, %0"           \
                         : "+v"(sum), "=&v"(p)                                 \
                         : "v"(x), "v"(w));                                    \
    }

#define DP512(i) s##i = _mm512_dpbusd_epi32(s##i, x, w);
#define JOIN512(i) x = _mm512_xor_si512(x, s##i);
#define FIRST512(v) _mm_cvtsi128_si32(_mm512_castsi512_si128(v))
DEFINE_LOOP(bytes_avx512, "avx512f,avx512vnni", __m512i, _mm512_set1_epi32,
            DP512, JOIN512, FIRST512)

#define MADD256(i) ADD_PRODUCT(__m256i, "vpmaddubsw", "vpaddw", s##i)
#define JOIN256(i) x = _mm256_xor_si256(x, s##i);
#define FIRST256(v) _mm256_extract_epi32(v, 0)
DEFINE_LOOP(bytes_avx2, "avx2", __m256i, _mm256_set1_epi32, MADD256, JOIN256,
            FIRST256)

#define DPW512(i) s##i = _mm512_dpwssd_epi32(s##i, x, w);
DEFINE_LOOP(words_avx512, "avx512f,avx512vnni", __m512i, _mm512_set1_epi32,
            DPW512, JOIN512, FIRST512)

#define MADDW256(i) ADD_PRODUCT(__m256i, "vpmaddwd", "vpaddd", s##i)
DEFINE_LOOP(words_avx2, "avx2", __m256i, _mm256_set1_epi32, MADDW256, JOIN256,
            FIRST256)

#define LOOK512(i) ADD_PRODUCT(__m512i, "vpshufb", "vpaddb", s##i)
DEFINE_LOOP(tables_avx512, "avx512f,avx512bw", __m512i, _mm512_set1_epi32,
            LOOK512, JOIN512, FIRST512)

#define LOOK256(i) ADD_PRODUCT(__m256i, "vpshufb", "vpaddb", s##i)
DEFINE_LOOP(tables_avx2, "avx2", __m256i, _mm256_set1_epi32, LOOK256, JOIN256,
            FIRST256)

/* 8 words into s3 through adders: 8 AND, 7 adders, one count. Each sum takes
 * its turn as input. */
#define ADD512(sum, a, b, carry)                                               \
    carry = _mm512_ternarylogic_epi32(sum, a, b, 0xE8);                        \
    sum = _mm512_ternarylogic_epi32(sum, a, b, 0x96);
STN_TARGET("avx512f,avx512bw") static double bits_avx512(void)
{
    const int seed = sink;
    __m512i x = _mm512_set1_epi32(seed * 77777), table = x;
    const __m512i low = _mm512_set1_epi8(15);
    __m512i ones = x, twos = x, fours = x, eights = x, w[8], t[4], u[2], v;
    for (int i = 0; i < 8; i++)
        w[i] = _mm512_set1_epi32(seed * 12345 + i);
    double begin = cpu_s();
    for (int i = 0; i < STEPS; i++) {
        x = _mm512_add_epi32(x, table);
        for (int k = 0; k < 4; k++) {
            __m512i a = _mm512_and_si512(w[2 * k], x);
            __m512i b = _mm512_and_si512(w[2 * k + 1], x);
            ADD512(ones, a, b, t[k])
        }
        ADD512(twos, t[0], t[1], u[0])
        ADD512(twos, t[2], t[3], u[1])
        ADD512(fours, u[0], u[1], v)
        __m512i a = _mm512_and_si512(v, low);
        __m512i b = _mm512_and_si512(_mm512_srli_epi16(v, 4), low);
        eights = _mm512_add_epi8(eights, _mm512_shuffle_epi8(table, a));
        eights = _mm512_add_epi8(eights, _mm512_shuffle_epi8(table, b));
    }
    v = _mm512_xor_si512(_mm512_xor_si512(ones, twos),
                         _mm512_xor_si512(fours, eights));
    sink = FIRST512(v);
    return cpu_s() - begin;
}

#define ADD256(sum, a, b, carry)                                               \
    v = _mm256_xor_si256(sum, a);                                              \
    carry = _mm256_or_si256(_mm256_and_si256(sum, a), _mm256_and_si256(v, b)); \
    sum = _mm256_xor_si256(v, b);
STN_TARGET("avx2") static double bits_avx2(void)
{
    const int seed = sink;
    __m256i x = _mm256_set1_epi32(seed * 77777), table = x;
    const __m256i low = _mm256_set1_epi8(15);
    __m256i ones = x, twos = x, fours = x, eights = x, w[8], t[4], u[2], v;
    for (int i = 0; i < 8; i++)
        w[i] = _mm256_set1_epi32(seed * 12345 + i);
    double begin = cpu_s();
    for (int i = 0; i < STEPS; i++) {
        x = _mm256_add_epi32(x, table);
        for (int k = 0; k < 4; k++) {
            __m256i a = _mm256_and_si256(w[2 * k], x);
            __m256i b = _mm256_and_si256(w[2 * k + 1], x);
            ADD256(ones, a, b, t[k])
        }
        ADD256(twos, t[0], t[1], u[0])
        ADD256(twos, t[2], t[3], u[1])
        ADD256(fours, u[0], u[1], t[0])
        __m256i a = _mm256_and_si256(t[0], low);
        __m256i b = _mm256_and_si256(_mm256_srli_epi16(t[0], 4), low);
        eights = _mm256_add_epi8(eights, _mm256_shuffle_epi8(table, a));
        eights = _mm256_add_epi8(eights, _mm256_shuffle_epi8(table, b));
    }
    v = _mm256_xor_si256(_mm256_xor_si256(ones, twos),
                         _mm256_xor_si256(fours, eights));
    sink = FIRST256(v);
    return cpu_s() - begin;
}

/* Reads `bytes` once. */
STN_TARGET("avx2") static double read_once(const uint8_t *memory, size_t bytes)
{
    __m256i a = _mm256_setzero_si256(), b = a;
    double begin = cpu_s();
    for (size_t i = 0; i < bytes; i += 128) {
        const __m256i *p = (const __m256i *)(const void *)(memory + i);
        a = _mm256_xor_si256(a, _mm256_load_si256(p));
        b = _mm256_xor_si256(b, _mm256_load_si256(p + 1));
        a = _mm256_xor_si256(a, _mm256_load_si256(p + 2));
        b = _mm256_xor_si256(b, _mm256_load_si256(p + 3));
    }
    sink = FIRST256(_mm256_xor_si256(a, b));
    return cpu_s() - begin;
}

static void print(const char *limit, const char *level, double gops)
{
    printf("{\"limit\": \"%s\", \"level\": \"%s\", \"gops\": %.1f}\n", limit,
           level, gops);
}

static void report(const char *limit, const char *level,
                   double (*function)(void), double operations)
{
    double best = 1e9;
    for (int i = 0; i < TRIES; i++) {
        double s = function();
        best = s < best ? s : best;
    }
    print(limit, level, operations * STEPS / best * 1e-9);
}

static int report_memory(void)
{
    static const size_t bits[] = {1, 2, 8, 32};
    uint8_t *memory = aligned_alloc(64, WEIGHTS * 4);
    if (!memory)
        return 1;
    for (size_t i = 0; i < WEIGHTS * 4; i += 64)
        memory[i] = (uint8_t)i;
    for (int k = 0; k < 4; k++) {
        char name[16];
        double best = 1e9;
        for (int i = 0; i < TRIES; i++) {
            double s = read_once(memory, WEIGHTS * bits[k] / 8);
            best = s < best ? s : best;
        }
        snprintf(name, sizeof name, "memory%zu", bits[k]);
        print(name, "", 2.0 * (double)WEIGHTS / best * 1e-9);
    }
    free(memory);
    return 0;
}

int main(void)
{
    if (__builtin_cpu_supports("avx512vnni") &&
        __builtin_cpu_supports("avx512bw")) {
        report("float", "avx512", float_avx512, 32 * SUMS);
        report("bytes", "avx512", bytes_avx512, 128 * SUMS);
        report("bits", "avx512", bits_avx512, 2 * 512 * 8);
        report("words", "avx512", words_avx512, 64 * SUMS);
        report("tables", "avx512", tables_avx512, 512 * SUMS);
    }
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
        report("float", "avx2", float_avx2, 16 * SUMS);
        report("bytes", "avx2", bytes_avx2, 64 * SUMS);
        report("bits", "avx2", bits_avx2, 2 * 256 * 8);
        report("words", "avx2", words_avx2, 32 * SUMS);
        report("tables", "avx2", tables_avx2, 256 * SUMS);
        return report_memory();
    }
    return 0;
}
#else
int main(void)
{
    return 0;
}
#endif
