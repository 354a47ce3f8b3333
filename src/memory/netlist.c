/* SPDX-License-Identifier: MIT */
#include "memory/netlist.h"
#include <math.h>
#include <string.h>

/* Both assumed. Beyond this load, in inputs of a smallest inverter, a gate
 * gets drivers. */
static const double MAX_LOAD = 16.0;
/* Wire of one connection, in sides of a square of a NAND's area. */
static const double WIRE_SIDES = 2.0;

stn_netlist stn_netlist_begin(int n_inputs)
{
    return (stn_netlist){.n_inputs = n_inputs, .n = n_inputs};
}

void stn_netlist_deinit(stn_netlist *net)
{
    stn_free(net->gates);
    *net = (stn_netlist){0};
}

static int add(stn_netlist *net, stn_net_gate gate)
{
    int used = net->n - net->n_inputs;
    if (used == net->capacity && !net->failed) {
        int capacity = net->capacity ? 2 * net->capacity : 64;
        stn_net_gate *gates = stn_alloc((size_t)capacity, sizeof *gates);
        net->failed = !gates;
        if (gates && used)
            memcpy(gates, net->gates, (size_t)used * sizeof *gates);
        if (gates) {
            stn_free(net->gates);
            net->gates = gates;
            net->capacity = capacity;
        }
    }
    if (net->failed)
        return 0;
    net->gates[used] = gate;
    return net->n++;
}

int stn_net_not(stn_netlist *net, int a)
{
    return add(net, (stn_net_gate){1, {a}});
}

int stn_net_nand(stn_netlist *net, int a, int b)
{
    return add(net, (stn_net_gate){2, {a, b}});
}

int stn_net_nand3(stn_netlist *net, int a, int b, int c)
{
    return add(net, (stn_net_gate){3, {a, b, c}});
}

static uint64_t output(const stn_net_gate *gate, const uint64_t *signals)
{
    uint64_t all = signals[gate->in[0]];
    for (int i = 1; i < gate->inputs; i++)
        all &= signals[gate->in[i]];
    return ~all;
}

void stn_netlist_evaluate(const stn_netlist *net, uint64_t *signals)
{
    for (int i = net->n_inputs; i < net->n; i++)
        signals[i] = output(&net->gates[i - net->n_inputs], signals);
}

void stn_netlist_settle(const stn_netlist *net, const uint64_t *inputs,
                        uint64_t *signals, uint64_t *scratch, uint64_t *toggles)
{
    uint64_t changed = 0;
    for (int i = 0; i < net->n_inputs; i++) {
        toggles[i] += (uint64_t)__builtin_popcountll(signals[i] ^ inputs[i]);
        changed |= signals[i] ^ inputs[i];
        signals[i] = inputs[i];
    }
    while (changed) {
        changed = 0;
        for (int i = net->n_inputs; i < net->n; i++)
            scratch[i] = output(&net->gates[i - net->n_inputs], signals);
        for (int i = net->n_inputs; i < net->n; i++) {
            toggles[i] +=
                (uint64_t)__builtin_popcountll(signals[i] ^ scratch[i]);
            changed |= signals[i] ^ scratch[i];
            signals[i] = scratch[i];
        }
    }
}

/* What a signal drives, and when it is there. */
typedef struct signal {
    double load_f, arrival_s, ramp;
} signal;

static double side_m(const stn_device *d)
{
    stn_gate nand = stn_gate_minimum(d, 2);
    stn_box box = stn_gate_box(d, &nand);
    return sqrt(box.width_m * box.height_m);
}

static void add_loads(const stn_netlist *net, const stn_tech *tech,
                      signal *signals)
{
    const stn_device *d = &tech->device;
    double wire_f = WIRE_SIDES * side_m(d) * tech->local.farad_m;
    for (int i = 0; i < net->n - net->n_inputs; i++) {
        const stn_net_gate *g = &net->gates[i];
        stn_gate gate = stn_gate_minimum(d, g->inputs);
        for (int k = 0; k < g->inputs; k++)
            signals[g->in[k]].load_f += stn_gate_input_f(d, &gate) + wire_f;
    }
}

/* A signal of a gate, or an input (NULL); returns the energy of a switch. */
static double add_signal(const stn_device *d, const stn_gate *gate, signal *s,
                         stn_part_cost *cost)
{
    double half_v2 = 0.5 * d->supply_v * d->supply_v;
    stn_gate smallest = stn_gate_minimum(d, 1);
    double input_f = stn_gate_input_f(d, &smallest), load_f = s->load_f;
    stn_part_cost drivers = {0};
    bool driven = load_f > MAX_LOAD * input_f;
    if (driven) {
        stn_driver chain = stn_driver_size(d, 1.0, input_f, load_f, 0.0, 0);
        load_f = stn_driver_input_f(&chain);
        drivers = stn_driver_cost(&chain, s->ramp);
    }
    if (gate) {
        stn_box box = stn_gate_box(d, gate);
        cost->area_m2 += box.width_m * box.height_m;
        cost->leakage_w += stn_gate_leakage_w(d, gate);
        s->arrival_s += stn_gate_delay(d, gate, load_f, 0.0, s->ramp, &s->ramp);
        load_f += stn_gate_output_f(d, gate);
    }
    if (driven) {
        cost->area_m2 += drivers.area_m2;
        cost->leakage_w += drivers.leakage_w;
        s->arrival_s += drivers.latency_s;
        s->ramp = drivers.ramp;
    }
    cost->latency_s = fmax(cost->latency_s, s->arrival_s);
    /* The energy of a chain is that of two switches. */
    return half_v2 * load_f + 0.5 * drivers.energy_j;
}

stn_status stn_netlist_cost(const stn_netlist *net, const stn_tech *tech,
                            double *switch_j, stn_part_cost *out,
                            stn_error *err)
{
    const stn_device *d = &tech->device;
    stn_part_cost cost = {0};
    signal *signals =
        net->failed ? NULL : stn_alloc((size_t)net->n, sizeof *signals);
    if (!signals)
        return stn_fail_memory(err, "a netlist");
    add_loads(net, tech, signals);
    for (int i = 0; i < net->n; i++) {
        signal *s = &signals[i];
        if (i < net->n_inputs) {
            s->ramp = STN_STEP_RAMP;
            switch_j[i] = add_signal(d, NULL, s, &cost);
            continue;
        }
        const stn_net_gate *g = &net->gates[i - net->n_inputs];
        for (int k = 0; k < g->inputs; k++) {
            const signal *in = &signals[g->in[k]];
            if (k && in->arrival_s <= s->arrival_s)
                continue;
            s->arrival_s = in->arrival_s;
            s->ramp = in->ramp;
        }
        stn_gate gate = stn_gate_minimum(d, g->inputs);
        switch_j[i] = add_signal(d, &gate, s, &cost);
    }
    stn_free(signals);
    *out = cost;
    return STN_OK;
}
