/* SPDX-License-Identifier: MIT
 *
 * Spiking networks in integers. Spikes are 0 and 1 and owe nothing. What a
 * neuron reads is paid by a rescale to 16 bits in which its threshold is the
 * integer STN_LIF_THRESHOLD, so that currents are right to 1 / 4096 of it and
 * are clamped at 16 of it; leak is exact. */
#include "nn/ops.h"
#include "pack/lowering.h"
#include <stdio.h>
#include <string.h>

stn_status stn_lower_rate_code(stn_lowering *l, const stn_node *node)
{
    stn_owed *y = &l->owed[node - l->graph->nodes];
    stn_instruction in = stn_lowering_start(l, node, STN_RATE_CODE);
    in.steps = node->steps;
    STN_TRY(stn_lowering_owe(l, node->out.c, 1, y));
    for (int c = 0; c < node->out.c; c++)
        y->p[0][c] = 1;
    return stn_lowering_emit(l, node, in, node->out, STN_TYPE_U8, 1,
                             &y->value[0]);
}

stn_status stn_lower_lif(stn_lowering *l, const stn_node *node)
{
    const stn_lif_attrs *attrs = node->attrs;
    stn_owed *y = &l->owed[node - l->graph->nodes];
    stn_target target = {.type = STN_TYPE_S16,
                         .scale = (double)attrs->threshold / STN_LIF_THRESHOLD,
                         .lo = INT16_MIN,
                         .hi = INT16_MAX};
    snprintf(target.name, sizeof target.name, "%s.current", node->name);
    stn_instruction in = stn_lowering_start(l, node, STN_LIF);
    in.leak = stn_lif_leak(attrs);
    in.threshold = STN_LIF_THRESHOLD;
    STN_TRY(stn_lowering_pay(l, node, stn_lowering_input(l, node, 0), &target,
                             &in.inputs[0]));
    STN_TRY(stn_lowering_owe(l, node->out.c, 1, y));
    for (int c = 0; c < node->out.c; c++)
        y->p[0][c] = 1;
    return stn_lowering_emit(l, node, in, node->out, STN_TYPE_U8, 1,
                             &y->value[0]);
}

stn_status stn_lower_mean_steps(stn_lowering *l, const stn_node *node)
{
    const stn_owed *x = stn_lowering_input(l, node, 0);
    stn_owed *y = &l->owed[node - l->graph->nodes];
    stn_instruction in = stn_lowering_start(l, node, STN_SUM_STEPS);
    const stn_value *from = &l->image->values[x->value[0]];
    double steps = node->steps_in;
    STN_TRY(stn_lowering_single(l, node, false));
    STN_TRY(stn_lowering_owe(l, node->out.c, 1, y));
    for (int c = 0; c < node->out.c; c++) {
        y->p[0][c] = x->p[0][c] / steps;
        y->q[c] = x->q[c];
    }
    return stn_lowering_emit(l, node, in, node->out, STN_TYPE_S32,
                             from->scale / steps, &y->value[0]);
}
