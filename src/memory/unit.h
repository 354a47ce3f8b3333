/* SPDX-License-Identifier: MIT
 *
 * Circuits of the digital units. Operands are inputs, lowest bit first: of two
 * numbers all bits of a, then all of b; of a shifter the number, then the
 * bits of the distance. */
#ifndef STN_MEMORY_UNIT_H
#define STN_MEMORY_UNIT_H

#include "memory/netlist.h"
#include "setun/unit.h"

typedef struct stn_unit {
    stn_netlist net;
    int n_outputs;
    int *outputs; /* signals, lowest bit first */
} stn_unit;

stn_status stn_unit_create(stn_unit_kind kind, int bits, stn_unit *out,
                           stn_error *err);
void stn_unit_deinit(stn_unit *unit);
/* What a circuit costs with transistors of a technology; see stn_unit_request
 * for `pulses`. */
stn_status stn_unit_cost(const stn_netlist *net, const stn_tech *tech,
                         bool pulses, stn_unit_report *out, stn_error *err);

#endif
