/* SPDX-License-Identifier: MIT
 *
 * Combinational circuits of NANDs and inverters: what they compute, how often
 * their signals switch, and what that costs with transistors of a technology.
 *
 * Signals are numbered: inputs 0 … n_inputs - 1, then one for each gate, which
 * reads earlier ones only. 64 operations run side by side, one in each bit of
 * a word. */
#ifndef STN_MEMORY_NETLIST_H
#define STN_MEMORY_NETLIST_H

#include "memory/model.h"

typedef struct stn_net_gate {
    int inputs; /* 1 … 3 */
    int in[3];  /* signals */
} stn_net_gate;

typedef struct stn_netlist {
    int n_inputs, n; /* signals */
    int capacity;    /* of gates */
    stn_net_gate *gates;
    bool failed; /* for want of memory; all further gates are signal 0 */
} stn_netlist;

stn_netlist stn_netlist_begin(int n_inputs);
void stn_netlist_deinit(stn_netlist *net);

/* Each adds a gate and returns its signal. */
int stn_net_not(stn_netlist *net, int a);
int stn_net_nand(stn_netlist *net, int a, int b);
int stn_net_nand3(stn_netlist *net, int a, int b, int c);

/* All signals of the inputs signals[0 … n_inputs - 1]. */
void stn_netlist_evaluate(const stn_netlist *net, uint64_t *signals);

/* From the signals of one operation to those of the next, whose `inputs` are
 * laid on at once; every gate takes one step, so that signals that reach a
 * gate by ways of different lengths make it switch more than once. Adds to
 * toggles[n] how often each signal changed, in all 64 operations. `scratch`
 * has room for n words. */
void stn_netlist_settle(const stn_netlist *net, const uint64_t *inputs,
                        uint64_t *signals, uint64_t *scratch,
                        uint64_t *toggles);

/* Area, leakage and the latency of the slowest path; switch_j[n] is what one
 * switch of each signal takes, half of C V^2. Loads are gates and, for each, a
 * wire of two gates' side; those beyond the strength of the smallest gate get
 * a chain of inverters. Inputs are driven by others, their loads are paid
 * here. Gates abut: no room is lost between them. */
stn_status stn_netlist_cost(const stn_netlist *net, const stn_tech *tech,
                            double *switch_j, stn_part_cost *out,
                            stn_error *err);

#endif
