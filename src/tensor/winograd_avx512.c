/* SPDX-License-Identifier: MIT
 *
 * Winograd's kernels with AVX-512: 8 rows by 2 vectors of sums hide the
 * latency of 4 cycles at 2 a cycle, and a row costs one broadcast load for
 * two of its products. */
#include "base/compiler.h"
#include "tensor/winograd.h"

#ifdef STN_X86
#include <immintrin.h>

#define TARGET STN_TARGET("avx512f")
#define VECTOR __m512
#define LANES 16
#define LOAD _mm512_loadu_ps
#define STORE _mm512_storeu_ps
#define SET1 _mm512_set1_ps
#define ADD _mm512_add_ps
#define SUB _mm512_sub_ps
#define MUL _mm512_mul_ps
#define MADD _mm512_fmadd_ps
#define NMADD _mm512_fnmadd_ps
#define TILE_ROWS 8
#define LONE_ROWS 16
#include "tensor/winograd_kernels.h"

const stn_winograd_kernels *stn_winograd_kernels_avx512(void)
{
    return __builtin_cpu_supports("avx512f") ? &kernels : NULL;
}
#else
const stn_winograd_kernels *stn_winograd_kernels_avx512(void)
{
    return NULL;
}
#endif
