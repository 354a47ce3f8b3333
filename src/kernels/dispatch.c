/* SPDX-License-Identifier: MIT
 *
 * Which kernels run: a table for each level, made by starting from the level
 * below and replacing what the level does faster. __builtin_cpu_supports
 * answers for CPU and operating system (XGETBV) together; on ARM Linux says
 * what the CPU has. */
#include "kernels/arm/arm.h"
#include "kernels/kernels.h"
#include "kernels/layout/dot_plan.h"
#include "kernels/ref/ref.h"
#include "kernels/x86/x86.h"
#if defined(STN_ARM64) && defined(__linux__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

static const stn_kernels ref_kernels = {
    .level = STN_CPU_REF,
    .plain = "ref",
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
    .plain = "avx2",
    .dot_prepare = stn_dot_prepare_avx2,
    .dot = stn_dot_planned,
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
    .plain = "avx2",
    .dot_prepare = stn_dot_prepare_avx512,
    .dot = stn_dot_planned,
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

#ifdef STN_ARM64
/* Loops of ref/ are compiled for NEON as they are. */
#define NEON_KERNELS                                                           \
    .plain = "ref", .dot = stn_dot_planned,                                    \
    .circulant_pays = stn_circulant_pays_fft,                                  \
    .circulant_prepare = stn_circulant_prepare_neon,                           \
    .circulant = stn_circulant_neon,                                           \
    .depthwise_prepare = stn_depthwise_prepare_neon,                           \
    .depthwise = stn_depthwise_neon,                                           \
    .rescale_prepare = stn_rescale_prepare_neon, .rescale = stn_rescale_neon,  \
    .max_pool = stn_max_pool_ref, .sum_pool = stn_sum_pool_ref,                \
    .lif = stn_lif_ref, .rate_code = stn_rate_code_ref

static const stn_kernels neon_kernels = {
    .level = STN_CPU_NEON, .dot_prepare = stn_dot_prepare_neon, NEON_KERNELS};
#endif

#ifdef STN_ARM_DOTPROD
static const stn_kernels dotprod_kernels = {.level = STN_CPU_DOTPROD,
                                            .dot_prepare =
                                                stn_dot_prepare_dotprod,
                                            NEON_KERNELS};
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
#elif defined(STN_ARM_DOTPROD) && defined(__linux__)
    return getauxval(AT_HWCAP) & HWCAP_ASIMDDP ? STN_CPU_DOTPROD : STN_CPU_NEON;
#elif defined(STN_ARM64)
    return STN_CPU_NEON;
#else
    return STN_CPU_REF;
#endif
}

const char *stn_cpu_level_name(stn_cpu_level level)
{
#ifdef STN_ARM64
    static const char *const names[STN_CPU_LEVELS] = {"ref", "neon", "dotprod"};
#else
    static const char *const names[STN_CPU_LEVELS] = {"ref", "avx2", "avx512"};
#endif
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
#ifdef STN_ARM_DOTPROD
    if (level == STN_CPU_DOTPROD)
        return &dotprod_kernels;
#endif
#ifdef STN_ARM64
    if (level == STN_CPU_NEON)
        return &neon_kernels;
#endif
    return &ref_kernels;
}
