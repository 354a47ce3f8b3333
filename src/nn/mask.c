/* SPDX-License-Identifier: MIT
 *
 * Byte masks. */
#include "nn/mask.h"
#include "base/compiler.h"

stn_status stn_mask_plan(const stn_node *node, int n, bool training, void **out,
                         stn_op_needs *needs, stn_error *err)
{
    (void)out, (void)err;
    if (training)
        needs->saved_floats =
            stn_mask_floats((size_t)n * stn_shape_count(node->out));
    return STN_OK;
}

STN_CLONES
void stn_mask_apply(const uint8_t *STN_RESTRICT mask, const float *dy,
                    size_t count, float *dx)
{
    STN_INDEPENDENT
    for (size_t i = 0; i < count; i++)
        dx[i] = mask[i] ? dy[i] : 0.0f;
}
