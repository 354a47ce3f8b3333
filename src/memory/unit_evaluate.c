/* SPDX-License-Identifier: MIT
 *
 * What a digital unit costs: its circuit adds, counts, … random operands, and
 * every switch of a signal is paid for. */
#include "memory/unit.h"
#include "base/memory.h"
#include "base/rng.h"
#include <string.h>

#define ROUNDS 16 /* of 64 operations side by side */

static void lay_on(const stn_netlist *net, stn_rng *rng, uint64_t *inputs)
{
    for (int i = 0; i < net->n_inputs; i++)
        inputs[i] = stn_rng_u64(rng);
}

/* Energy of the mean operation: of signals that switch once where their value
 * changes, and with all pulses on the way there. words: 4 n. */
static void simulate(const stn_netlist *net, const double *switch_j,
                     bool pulses, uint64_t *words, stn_unit_report *out)
{
    size_t n = (size_t)net->n;
    uint64_t *signals = words, *inputs = words + n, *scratch = words + 2 * n,
             *toggles = words + 3 * n;
    stn_rng rng = stn_rng_make(1, STN_RNG_OPERANDS, 0);
    double once_j = 0.0, all_j = 0.0;
    lay_on(net, &rng, signals);
    stn_netlist_evaluate(net, signals);
    for (int round = 0; round < ROUNDS; round++) {
        lay_on(net, &rng, inputs);
        stn_netlist_evaluate(net, inputs);
        for (size_t i = 0; i < n; i++)
            once_j += switch_j[i] *
                      (double)__builtin_popcountll(inputs[i] ^ signals[i]);
        if (pulses)
            stn_netlist_settle(net, inputs, signals, scratch, toggles);
        else
            memcpy(signals, inputs, n * sizeof *signals);
    }
    for (size_t i = 0; i < n; i++)
        all_j += switch_j[i] * (double)toggles[i];
    out->energy_j = once_j / (64.0 * ROUNDS);
    out->energy_max_j = all_j / (64.0 * ROUNDS);
}

stn_status stn_unit_cost(const stn_netlist *net, const stn_tech *tech,
                         bool pulses, stn_unit_report *out, stn_error *err)
{
    size_t n = (size_t)net->n;
    uint64_t *words = stn_alloc(4 * n, sizeof *words);
    double *switch_j = stn_alloc(n, sizeof *switch_j);
    stn_part_cost c = {0};
    stn_status status;
    if (words && switch_j)
        status = stn_netlist_cost(net, tech, switch_j, &c, err);
    else
        status = stn_fail_memory(err, "a digital unit");
    *out = (stn_unit_report){.gates = net->n - net->n_inputs,
                             .area_m2 = c.area_m2,
                             .latency_s = c.latency_s,
                             .leakage_w = c.leakage_w};
    if (status == STN_OK)
        simulate(net, switch_j, pulses, words, out);
    stn_free(words);
    stn_free(switch_j);
    return status;
}

stn_status stn_unit_evaluate(const stn_unit_request *request,
                             stn_unit_report *out, stn_error *err)
{
    const stn_tech_choice transistors = {.set = request->tech,
                                         .roadmap = request->roadmap,
                                         .node_nm = request->node_nm,
                                         .temperature_k =
                                             request->temperature_k};
    stn_arena arena = {0};
    stn_figures figures = {.arena = &arena};
    stn_tech tech;
    stn_unit unit;
    stn_status status = stn_tech_load(&transistors, &figures, &tech, err);
    stn_arena_deinit(&arena);
    if (status != STN_OK)
        return status;
    STN_TRY(stn_unit_create(request->kind, request->bits, &unit, err));
    status = stn_unit_cost(&unit.net, &tech, request->pulses, out, err);
    stn_unit_deinit(&unit);
    return status;
}
