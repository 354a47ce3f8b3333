/* SPDX-License-Identifier: MIT
 *
 * Kernels of x86 CPUs, by instruction set. */
#ifndef STN_KERNELS_X86_H
#define STN_KERNELS_X86_H

#include "base/compiler.h"
#include "kernels/kernels.h"

#ifdef STN_X86

stn_status stn_dot_prepare_avx2(const stn_dot_shape *shape, const int8_t *codes,
                                stn_arena *arena, stn_prepared *out,
                                stn_error *err);
stn_status stn_dot_prepare_avx512(const stn_dot_shape *shape,
                                  const int8_t *codes, stn_arena *arena,
                                  stn_prepared *out, stn_error *err);

bool stn_circulant_pays_fft(const stn_dot_shape *shape,
                            stn_circulant_blocks blocks);
stn_status stn_circulant_prepare_avx2(const stn_dot_shape *shape,
                                      stn_circulant_blocks blocks,
                                      const int8_t *codes, stn_arena *arena,
                                      stn_prepared *out, stn_error *err);
void stn_circulant_avx2(const stn_dot_call *call);
stn_status stn_circulant_prepare_avx512(const stn_dot_shape *shape,
                                        stn_circulant_blocks blocks,
                                        const int8_t *codes, stn_arena *arena,
                                        stn_prepared *out, stn_error *err);
void stn_circulant_avx512(const stn_dot_call *call);

stn_status stn_depthwise_prepare_avx2(const stn_depthwise_shape *shape,
                                      const int8_t *codes, stn_arena *arena,
                                      stn_prepared *out, stn_error *err);
void stn_depthwise_avx2(const stn_depthwise_call *call);
stn_status stn_depthwise_prepare_avx512(const stn_depthwise_shape *shape,
                                        const int8_t *codes, stn_arena *arena,
                                        stn_prepared *out, stn_error *err);
void stn_depthwise_avx512(const stn_depthwise_call *call);

stn_status stn_rescale_prepare_avx2(const stn_rescale_shape *shape,
                                    stn_arena *arena, stn_prepared *out,
                                    stn_error *err);
void stn_rescale_avx2(const stn_rescale_call *call);
stn_status stn_rescale_prepare_avx512(const stn_rescale_shape *shape,
                                      stn_arena *arena, stn_prepared *out,
                                      stn_error *err);
void stn_rescale_avx512(const stn_rescale_call *call);

void stn_max_pool_avx2(const stn_pool_call *call);
void stn_sum_pool_avx2(const stn_pool_call *call);

void stn_lif_avx2(const stn_lif_call *call);
void stn_rate_code_avx2(const stn_rate_code_call *call);

#endif
#endif
