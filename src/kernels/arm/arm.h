/* SPDX-License-Identifier: MIT
 *
 * Kernels of 64-bit ARM CPUs: NEON, which all of them have, and its dot
 * products of bytes (SDOT), which they have from ARMv8.2 on, mostly. Written
 * and tested under an emulator; no such machine has timed them. Pools and
 * neurons are those of ref/, whose plain loops a compiler vectorises for
 * NEON. */
#ifndef STN_KERNELS_ARM_H
#define STN_KERNELS_ARM_H

#include "base/compiler.h"
#include "kernels/kernels.h"

#ifdef STN_ARM64

stn_status stn_dot_prepare_neon(const stn_dot_shape *shape, const int8_t *codes,
                                stn_arena *arena, stn_prepared *out,
                                stn_error *err);

bool stn_circulant_pays_fft(const stn_dot_shape *shape,
                            stn_circulant_blocks blocks);
stn_status stn_circulant_prepare_neon(const stn_dot_shape *shape,
                                      stn_circulant_blocks blocks,
                                      const int8_t *codes, stn_arena *arena,
                                      stn_prepared *out, stn_error *err);
void stn_circulant_neon(const stn_dot_call *call);

stn_status stn_depthwise_prepare_neon(const stn_depthwise_shape *shape,
                                      const int8_t *codes, stn_arena *arena,
                                      stn_prepared *out, stn_error *err);
void stn_depthwise_neon(const stn_depthwise_call *call);

stn_status stn_rescale_prepare_neon(const stn_rescale_shape *shape,
                                    stn_arena *arena, stn_prepared *out,
                                    stn_error *err);
void stn_rescale_neon(const stn_rescale_call *call);

#endif

#ifdef STN_ARM_DOTPROD
stn_status stn_dot_prepare_dotprod(const stn_dot_shape *shape,
                                   const int8_t *codes, stn_arena *arena,
                                   stn_prepared *out, stn_error *err);
#endif

#endif
