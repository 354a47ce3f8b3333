/* SPDX-License-Identifier: MIT
 *
 * The end of a dot with AVX2. */
#ifndef STN_KERNELS_ENDING_AVX2_H
#define STN_KERNELS_ENDING_AVX2_H

#include "kernels/x86/rescale_avx2.h"
#include "kernels/layout/dot_pack.h"

#ifdef STN_X86
#include "kernels/layout/ending.h"
#endif
#endif
