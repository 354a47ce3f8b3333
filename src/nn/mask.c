/* SPDX-License-Identifier: MIT
 *
 * Byte masks. */
#include "nn/mask.h"
#include "base/compiler.h"

STN_CLONES
void stn_mask_apply(const uint8_t *STN_RESTRICT mask, const float *dy,
                    size_t count, float *dx)
{
    STN_INDEPENDENT
    for (size_t i = 0; i < count; i++)
        dx[i] = mask[i] ? dy[i] : 0.0f;
}
