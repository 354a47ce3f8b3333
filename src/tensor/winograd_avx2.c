/* SPDX-License-Identifier: MIT
 *
 * Winograd's kernels with AVX2 and FMA: 4 rows by 2 vectors of sums hide the
 * latency of 4 cycles at 2 a cycle, and a row costs one broadcast load for
 * two of its products. */
#include "base/compiler.h"
#include "tensor/winograd.h"

#ifdef STN_X86
#include <immintrin.h>

#define TARGET STN_TARGET("avx2,fma")
#define VECTOR __m256
#define LANES 8
#define LOAD _mm256_loadu_ps
#define STORE _mm256_storeu_ps
#define SET1 _mm256_set1_ps
#define ADD _mm256_add_ps
#define SUB _mm256_sub_ps
#define MUL _mm256_mul_ps
#define MADD _mm256_fmadd_ps
#define NMADD _mm256_fnmadd_ps
#define TILE_ROWS 4
#define LONE_ROWS 8
#include "tensor/winograd_kernels.h"

const stn_winograd_kernels *stn_winograd_kernels_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")
               ? &kernels
               : NULL;
}
#else
const stn_winograd_kernels *stn_winograd_kernels_avx2(void)
{
    return NULL;
}
#endif
