/* SPDX-License-Identifier: MIT
 *
 * Sub-arrays side by side, reached by an H-tree on the global layer.
 *
 * The port is in the middle of an edge. A trunk leads to the centre; from
 * there on every level halves what is below it, in width and in height by
 * turns, until each branch ends in the middle of a sub-array. Only one path
 * switches. Wires run over the cells, repeaters stand beside them.
 *
 * Repeaters (Bakoglu, "Circuits, Interconnections, and Packaging for VLSI",
 * 1990, ch. 5): least delay takes inverters s = sqrt(R0 Cw / (Rw C0)) times
 * the smallest, l = sqrt(2 R0 (C0 + Cp) / (Rw Cw)) apart. Here they are half
 * as wide and twice as far apart: every term of the delay becomes 2 or 1/2,
 * so a quarter slower, with a quarter of the repeaters' energy.
 *
 * A sub-array is taken to be square. Not modelled: arbitration, latches on
 * the way, more than one access at a time. */
#include "memory/model.h"
#include <math.h>
#include <stdio.h>

/* Random data: a wire changes for half of the bits, and a change costs
 * C V^2 / 2 in the mean of rising and falling. */
static const double ACTIVITY = 0.25;
static const double RC_TO_HALF = 0.69; /* ln 2 */

/* A wire of one metre with its repeaters. */
typedef struct repeated {
    double farad_m, delay_s_m, leakage_w_m, area_m2_m;
} repeated;

static repeated repeat(const stn_tech *tech)
{
    const stn_device *d = &tech->device;
    const stn_wire *w = &tech->global;
    stn_gate gate = stn_gate_minimum(d, 1);
    double ohm = stn_resistance_n(d, gate.width_n_m);
    double in_f = stn_gate_input_f(d, &gate);
    double self_f = in_f + stn_gate_output_f(d, &gate);
    double size = 0.5 * sqrt(ohm * w->farad_m / (w->ohm_m * in_f));
    double pitch_m = 2.0 * sqrt(2.0 * ohm * self_f / (w->ohm_m * w->farad_m));
    double stage_s =
        ohm / size * (size * self_f + w->farad_m * pitch_m) +
        w->ohm_m * pitch_m * (0.5 * w->farad_m * pitch_m + size * in_f);
    gate.width_n_m *= size;
    gate.width_p_m *= size;
    stn_box box = stn_gate_box(d, &gate);
    return (repeated){.farad_m = w->farad_m + size * self_f / pitch_m,
                      .delay_s_m = RC_TO_HALF * stage_s / pitch_m,
                      .leakage_w_m = stn_gate_leakage_w(d, &gate) / pitch_m,
                      .area_m2_m = box.width_m * box.height_m / pitch_m};
}

stn_tree stn_tree_model(const stn_tech *tech, double sub_array_m2, int levels)
{
    repeated wire = repeat(tech);
    double side_m = sqrt(sub_array_m2);
    double width_m = side_m * (double)(1 << (levels + 1) / 2);
    double height_m = side_m * (double)(1 << levels / 2);
    double path_m = 0.0, all_m = 0.0, branches = 1.0;
    for (int k = 0; levels && k <= levels; k++, branches *= 2.0) {
        double part_m = k % 2 ? width_m : height_m;
        part_m /= k % 2 ? (double)(4 << k / 2) : (double)(2 << k / 2);
        path_m += part_m;
        all_m += branches * part_m;
    }
    double supply_v = tech->device.supply_v;
    return (stn_tree){.path_m = path_m,
                      .bit_j = ACTIVITY * path_m * wire.farad_m * supply_v *
                               supply_v,
                      .latency_s = path_m * wire.delay_s_m,
                      .wire_leakage_w = all_m * wire.leakage_w_m,
                      .wire_area_m2 = all_m * wire.area_m2_m};
}

static int levels_of(int n)
{
    int levels = 0;
    while (1 << levels < n)
        levels++;
    return levels;
}

stn_status stn_bank_check(int sub_arrays, stn_error *err)
{
    int n = 1 << levels_of(sub_arrays);
    return n == sub_arrays
               ? STN_OK
               : stn_fail(err, STN_E_ARGUMENT,
                          "sub-arrays of a bank: got %d, expected a power of "
                          "two, such as %d",
                          sub_arrays, n);
}

stn_tree stn_bank_tree(const stn_tech *tech, double sub_array_m2,
                       int sub_arrays)
{
    return stn_tree_model(tech, sub_array_m2, levels_of(sub_arrays));
}

/* Wires of one kind, data or address, that every access drives. */
static void post_wires(const stn_tree *t, stn_bank_part part, double wires,
                       bool both_ways, stn_bank_report *r)
{
    r->part[STN_ARRAY_AREA_M2][part] = wires * t->wire_area_m2;
    r->part[STN_ARRAY_LEAKAGE_W][part] = wires * t->wire_leakage_w;
    r->part[STN_ARRAY_READ_ENERGY_J][part] = wires * t->bit_j;
    r->part[STN_ARRAY_WRITE_ENERGY_J][part] = wires * t->bit_j;
    r->part[STN_ARRAY_READ_LATENCY_S][part] = t->latency_s;
    /* Data to be written travel with their address. */
    r->part[STN_ARRAY_WRITE_LATENCY_S][part] = both_ways ? 0.0 : t->latency_s;
}

void stn_bank_model(const stn_tech *tech, const stn_array_report *sub_array,
                    const stn_bank_size *size, stn_bank_report *out)
{
    stn_bank_report r = {0};
    stn_tree tree = stn_bank_tree(tech, sub_array->total[STN_ARRAY_AREA_M2],
                                  size->sub_arrays);
    for (int t = 0; t < STN_ARRAY_TOTALS; t++) {
        bool all = t == STN_ARRAY_AREA_M2 || t == STN_ARRAY_LEAKAGE_W;
        r.part[t][STN_BANK_SUB_ARRAYS] =
            sub_array->total[t] * (all ? size->sub_arrays : 1);
    }
    post_wires(&tree, STN_BANK_ADDRESS,
               levels_of(size->sub_arrays) + levels_of(size->rows), false, &r);
    post_wires(&tree, STN_BANK_DATA, size->word_bits, true, &r);
    for (int t = 0; t < STN_ARRAY_TOTALS; t++)
        for (int i = 0; i < STN_BANK_PARTS; i++)
            r.total[t] += r.part[t][i];
    *out = r;
}

stn_status stn_bank_create(const stn_bank_choice *choice, stn_figures *figures,
                           stn_tree *out, int *sub_arrays, stn_error *err)
{
    static const char *const keys[] = {"sub_arrays", "transistors", "roadmap",
                                       NULL};
    stn_tech_choice transistors = {.node_nm = 1e9 * choice->feature_m,
                                   .temperature_k = 300.0};
    char source[96];
    stn_tech tech;
    STN_TRY(stn_yaml_check_keys(choice->bank, keys, err));
    STN_TRY(stn_array_whole(choice->bank, "sub_arrays", 1, sub_arrays, err));
    STN_TRY(stn_array_text(choice->bank, "transistors", &transistors.set, err));
    STN_TRY(stn_array_text(choice->bank, "roadmap", &transistors.roadmap, err));
    stn_status status = stn_bank_check(*sub_arrays, err);
    if (status == STN_OK)
        status = stn_tech_cache_load(choice->technologies, &transistors,
                                     figures, &tech, err);
    if (status != STN_OK)
        return stn_fail_within(err, status, "%s:%d: bank", choice->bank->file,
                               choice->bank->line);
    *out = stn_bank_tree(&tech, choice->sub_array_m2, *sub_arrays);
    snprintf(source, sizeof source, "H-tree of docs/memory.md, %d sub-arrays",
             *sub_arrays);
    return stn_figures_add(figures, "bank", "path", out->path_m, "m", source,
                           err);
}
