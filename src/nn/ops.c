/* SPDX-License-Identifier: MIT
 *
 * The list of operators, and what their `shape` functions share. */
#include "nn/ops.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const stn_op_type *const stn_op_types[] = {
#define STN_OP(name) &stn_op_##name,
#include "nn/ops.def"
#undef STN_OP
    NULL};

const stn_op_type *stn_op_find(const char *name)
{
    for (int i = 0; stn_op_types[i]; i++)
        if (strcmp(stn_op_types[i]->name, name) == 0)
            return stn_op_types[i];
    return NULL;
}

stn_status stn_node_fail(const stn_node *node, stn_error *err,
                         const char *format, ...)
{
    char text[STN_ERROR_CAPACITY];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return stn_fail(err, STN_E_UNSUPPORTED, "%s:%d: %s: %s", node->file,
                    node->line, node->name, text);
}

stn_status stn_op_shape_of_input(stn_graph *graph, stn_node *node,
                                 stn_error *err)
{
    (void)graph, (void)err;
    node->out = node->in[0];
    return STN_OK;
}

stn_status stn_node_window(stn_node *node, int kernel, int stride, int pad,
                           stn_error *err)
{
    const stn_shape in = node->in[0];
    const int h = in.h + 2 * pad - kernel, w = in.w + 2 * pad - kernel;
    if (h < 0 || w < 0)
        return stn_node_fail(node, err,
                             "a %dx%d window does not fit into %dx%d with %d "
                             "zeros around; make the kernel smaller",
                             kernel, kernel, in.h, in.w, pad);
    if (pad >= kernel)
        return stn_node_fail(node, err,
                             "pad %d leaves windows of kernel %d outside the "
                             "picture; it must be less than the kernel",
                             pad, kernel);
    node->out.h = h / stride + 1;
    node->out.w = w / stride + 1;
    return STN_OK;
}
