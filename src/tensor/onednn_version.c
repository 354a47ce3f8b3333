/* SPDX-License-Identifier: MIT
 *
 * Which oneDNN this process runs with, for reports of speed. */
#include "tensor/onednn.h"
#include <dnnl.h>
#include <stdio.h>

const char *stn_onednn_version(void)
{
    static char text[32];
    const dnnl_version_t *v = dnnl_version();
    snprintf(text, sizeof text, "%d.%d.%d", v->major, v->minor, v->patch);
    return text;
}
