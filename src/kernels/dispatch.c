/* SPDX-License-Identifier: MIT
 *
 * Which kernels run: a table for each level, made by starting from the level
 * below and replacing what the level does faster. __builtin_cpu_supports
 * answers for CPU and operating system (XGETBV) together. */
#include "kernels/kernels.h"
#include "kernels/ref/ref.h"
#include "kernels/x86/x86.h"

static const stn_kernels ref_kernels = {
    .level = STN_CPU_REF,
    .dot_prepare = stn_dot_prepare_ref,
    .dot = stn_dot_ref,
    .circulant_pays = stn_circulant_pays_ref,
    .circulant_prepare = stn_circulant_prepare_ref,
    .circulant = stn_circulant_ref,
    .depthwise_prepare = stn_depthwise_prepare_ref,
    .depthwise = stn_depthwise_ref,
    .rescale_prepare = stn_rescale_prepare_ref,
    .rescale = stn_rescale_ref,
    .max_pool = stn_max_pool_ref,
    .sum_pool = stn_sum_pool_ref,
    .lif = stn_lif_ref,
    .rate_code = stn_rate_code_ref,
};

#ifdef STN_X86
static const stn_kernels avx2_kernels = {
    .level = STN_CPU_AVX2,
    .dot_prepare = stn_dot_prepare_avx2,
    .dot = stn_dot_avx2,
    .circulant_pays = stn_circulant_pays_fft,
    .circulant_prepare = stn_circulant_prepare_avx2,
    .circulant = stn_circulant_avx2,
    .depthwise_prepare = stn_depthwise_prepare_avx2,
    .depthwise = stn_depthwise_avx2,
    .rescale_prepare = stn_rescale_prepare_avx2,
    .rescale = stn_rescale_avx2,
    .max_pool = stn_max_pool_avx2,
    .sum_pool = stn_sum_pool_avx2,
    .lif = stn_lif_avx2,
    .rate_code = stn_rate_code_avx2,
};

static const stn_kernels avx512_kernels = {
    .level = STN_CPU_AVX512,
    .dot_prepare = stn_dot_prepare_avx512,
    .dot = stn_dot_avx512,
    .circulant_pays = stn_circulant_pays_fft,
    .circulant_prepare = stn_circulant_prepare_avx512,
    .circulant = stn_circulant_avx512,
    .depthwise_prepare = stn_depthwise_prepare_avx512,
    .depthwise = stn_depthwise_avx512,
    .rescale_prepare = stn_rescale_prepare_avx512,
    .rescale = stn_rescale_avx512,
    .max_pool = stn_max_pool_avx2,
    .sum_pool = stn_sum_pool_avx2,
    .lif = stn_lif_avx2,
    .rate_code = stn_rate_code_avx2,
};
#endif

stn_cpu_level stn_cpu_detect(void)
{
#ifdef STN_X86
    if (!__builtin_cpu_supports("avx2"))
        return STN_CPU_REF;
    if (__builtin_cpu_supports("avx512f") &&
        __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vnni"))
        return STN_CPU_AVX512;
    return STN_CPU_AVX2;
#else
    return STN_CPU_REF;
#endif
}

const char *stn_cpu_level_name(stn_cpu_level level)
{
    static const char *const names[STN_CPU_LEVELS] = {"ref", "avx2", "avx512"};
    return names[level];
}

const stn_kernels *stn_kernels_get(stn_cpu_level level)
{
    if (level > stn_cpu_detect())
        return NULL;
#ifdef STN_X86
    if (level == STN_CPU_AVX512)
        return &avx512_kernels;
    if (level == STN_CPU_AVX2)
        return &avx2_kernels;
#endif
    return &ref_kernels;
}
