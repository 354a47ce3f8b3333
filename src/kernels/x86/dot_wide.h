/* SPDX-License-Identifier: MIT
 *
 * Products of 8-bit inputs done as those of 16-bit ones. */
#ifndef STN_KERNELS_DOT_WIDE_H
#define STN_KERNELS_DOT_WIDE_H

#include "kernels/layout/dot_pack.h"

/* The shape's band and patches must be known. */
stn_status stn_dot_wide_make(const stn_dot_style *style,
                             const stn_dot_shape *shape, const int8_t *codes,
                             stn_arena *arena, stn_prepared *out,
                             stn_error *err);

#endif
