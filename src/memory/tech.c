/* SPDX-License-Identifier: MIT
 *
 * Technology files: transistors of two roadmaps, wires, current sensing, write
 * drivers where there are any.
 *
 * A file holds one node. Between two nodes the transistors are interpolated
 * figure by figure, linearly; currents that leak geometrically, since they
 * span decades. Wires and current sensing are not: tables of wires jump
 * between nodes, so the coarser node's wires and the finer node's converter and
 * write drivers are taken, as NVSim does of those it has. Between the two
 * temperatures of a file, and beyond, the same rules hold for currents. */
#include "base/file.h"
#include "memory/model.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

#define COLD_K 300.0
#define HOT_K 350.0
#define MAX_K 400.0
/* A node that went through metres is not whole to the last bit. */
#define NEAR_NM 1e-3

/* Transistors at COLD_K, and their currents at HOT_K: all doubles, so that
 * two nodes can be interpolated. */
typedef struct device_figures {
    stn_device cold;
    double hot_on_n, hot_on_p, hot_off_n, hot_off_p;
} device_figures;

typedef struct tech_figures {
    device_figures device;
    stn_wire_figures local, global;
    stn_current_sense current_sense;
    double write_headroom;
} tech_figures;

#define N_DOUBLES (sizeof(device_figures) / sizeof(double))

/* clang-format off */
#define DEVICE(field) offsetof(device_figures, cold.field)
static const stn_figure_row feature_row =
    {"feature_size", STN_QUANTITY_LENGTH, 5e-9, 1e-6, DEVICE(feature_m)};
static const stn_figure_row device_rows[] = {
    {"supply_voltage", STN_QUANTITY_VOLTAGE, 0.3, 5, DEVICE(supply_v)},
    {"threshold_voltage", STN_QUANTITY_VOLTAGE, 0.05, 1.5, DEVICE(threshold_v)},
    {"threshold_matching", STN_QUANTITY_MATCHING, 1e-10, 1e-7, DEVICE(matching_v_m)},
    {"gate_capacitance", STN_QUANTITY_CAPACITANCE_PER_WIDTH, 1e-10, 1e-8, DEVICE(gate_f_m)},
    {"junction_capacitance", STN_QUANTITY_CAPACITANCE_PER_AREA, 1e-6, 1e-1, DEVICE(junction_f_m2)},
    {"sidewall_capacitance", STN_QUANTITY_CAPACITANCE_PER_WIDTH, 1e-13, 1e-8, DEVICE(sidewall_f_m)},
    {"gate_edge_capacitance", STN_QUANTITY_CAPACITANCE_PER_WIDTH, 1e-13, 1e-8, DEVICE(gate_edge_f_m)},
    {"on_current_n", STN_QUANTITY_CURRENT_PER_WIDTH, 10, 1e4, DEVICE(on_n_a_m)},
    {"on_current_p", STN_QUANTITY_CURRENT_PER_WIDTH, 10, 1e4, DEVICE(on_p_a_m)},
    {"off_current_n", STN_QUANTITY_CURRENT_PER_WIDTH, 1e-8, 100, DEVICE(off_n_a_m)},
    {"off_current_p", STN_QUANTITY_CURRENT_PER_WIDTH, 1e-8, 100, DEVICE(off_p_a_m)},
    {"on_current_n_350k", STN_QUANTITY_CURRENT_PER_WIDTH, 10, 1e4, offsetof(device_figures, hot_on_n)},
    {"on_current_p_350k", STN_QUANTITY_CURRENT_PER_WIDTH, 10, 1e4, offsetof(device_figures, hot_on_p)},
    {"off_current_n_350k", STN_QUANTITY_CURRENT_PER_WIDTH, 1e-8, 100, offsetof(device_figures, hot_off_n)},
    {"off_current_p_350k", STN_QUANTITY_CURRENT_PER_WIDTH, 1e-8, 100, offsetof(device_figures, hot_off_p)},
    {"transconductance_n", STN_QUANTITY_CONDUCTANCE_PER_WIDTH, 10, 1e5, DEVICE(gm_n_s_m)},
    {"transconductance_p", STN_QUANTITY_CONDUCTANCE_PER_WIDTH, 10, 1e5, DEVICE(gm_p_s_m)},
    {"pn_ratio", STN_QUANTITY_RATIO, 0.5, 5, DEVICE(pn_ratio)},
    {"stack_factor", STN_QUANTITY_RATIO, 0.2, 5, DEVICE(stack_factor)},
    {"resistance_factor", STN_QUANTITY_RATIO, 0.2, 5, DEVICE(resistance_factor)},
    {0}};
#define WIRE(field) offsetof(stn_wire_figures, field)
static const stn_figure_row wire_rows[] = {
    {"pitch", STN_QUANTITY_LENGTH, 1e-9, 1e-5, WIRE(pitch_m)},
    {"aspect_ratio", STN_QUANTITY_RATIO, 0.5, 5, WIRE(aspect_ratio)},
    {"barrier", STN_QUANTITY_LENGTH, 0, 1e-7, WIRE(barrier_m)},
    {"dielectric", STN_QUANTITY_RATIO, 1, 10, WIRE(dielectric)},
    {"layer_distance", STN_QUANTITY_LENGTH, 1e-9, 1e-5, WIRE(ild_m)},
    {"resistivity", STN_QUANTITY_RESISTIVITY, 1e-8, 1e-6, WIRE(resistivity_ohm_m)},
    {"fringe_capacitance", STN_QUANTITY_CAPACITANCE_PER_WIDTH, 0, 1e-9, WIRE(fringe_f_m)},
    {0}};
#define SENSE(field) offsetof(stn_current_sense, field)
static const stn_figure_row sense_rows[] = {
    {"latency", STN_QUANTITY_TIME, 1e-13, 1e-6, SENSE(latency_s)},
    {"energy", STN_QUANTITY_ENERGY, 1e-18, 1e-9, SENSE(energy_j)},
    {"leakage", STN_QUANTITY_POWER, 0, 1e-3, SENSE(leakage_w)},
    {"area", STN_QUANTITY_CELL, 1, 1e6, SENSE(area_f2)},
    {0}};
static const stn_figure_row write_rows[] = {
    {"headroom", STN_QUANTITY_RATIO, 0.01, 0.5, offsetof(tech_figures, write_headroom)},
    {0}};
/* clang-format on */

static stn_status part(const stn_yaml *root, const char *key,
                       const stn_figure_row *rows, stn_figures *figures,
                       void *target, stn_error *err)
{
    const stn_yaml *map = stn_yaml_get(root, key);
    char prefix[64];
    if (!map)
        return stn_yaml_fail(root, err, "\"%s\" is missing", key);
    snprintf(prefix, sizeof prefix, "transistors.%s", key);
    return stn_figures_parse(figures, prefix, rows, map, NULL, target, err);
}

static stn_status wire(const stn_yaml *root, const char *key,
                       stn_figures *figures, stn_wire_figures *w,
                       stn_error *err)
{
    STN_TRY(part(root, key, wire_rows, figures, w, err));
    if (w->pitch_m > 4.0 * w->barrier_m)
        return STN_OK;
    return stn_yaml_fail(stn_yaml_get(stn_yaml_get(root, key), "barrier"), err,
                         "%s.barrier: got %.6g m, expected less than a quarter "
                         "of the pitch, %.6g m",
                         key, w->barrier_m, 0.25 * w->pitch_m);
}

/* See stn_device.ramp_weight. */
static stn_status timing(const stn_yaml *root, stn_device *d, stn_error *err)
{
    static const char *const words[] = {"measured", "horowitz", NULL};
    const stn_yaml *node = stn_yaml_get(root, "timing");
    int word = 0;
    if (!node)
        return stn_yaml_fail(root, err, "\"timing\" is missing");
    STN_TRY(stn_yaml_choice(node, words, &word, err));
    d->ramp_weight = word;
    return STN_OK;
}

/* What is listed of a file: everything, or only transistors. */
typedef struct listing {
    stn_figures *transistors, *rest;
} listing;

static stn_status parse(const stn_yaml *root, const char *roadmap,
                        const listing *list, tech_figures *t, stn_error *err)
{
    static const char *const keys[] = {"title",        "timing",
                                       "feature_size", "local_wire",
                                       "global_wire",  "current_sense",
                                       "write_driver", "hp",
                                       "lstp",         NULL};
    const stn_yaml *feature = stn_yaml_get(root, "feature_size");
    STN_TRY(stn_yaml_check_keys(root, keys, err));
    STN_TRY(timing(root, &t->device.cold, err));
    if (!feature)
        return stn_yaml_fail(root, err, "\"feature_size\" is missing");
    STN_TRY(stn_figure_parse(list->rest, "transistors", &feature_row, feature,
                             &t->device.cold.feature_m, err));
    STN_TRY(
        part(root, roadmap, device_rows, list->transistors, &t->device, err));
    STN_TRY(wire(root, "local_wire", list->rest, &t->local, err));
    STN_TRY(wire(root, "global_wire", list->rest, &t->global, err));
    STN_TRY(part(root, "current_sense", sense_rows, list->rest,
                 &t->current_sense, err));
    if (!stn_yaml_get(root, "write_driver"))
        return STN_OK;
    return part(root, "write_driver", write_rows, list->rest, t, err);
}

static stn_status load(const char *set, const char *roadmap, int node_nm,
                       const listing *list, tech_figures *t, stn_error *err)
{
    char path[1024];
    stn_yaml_document *document = NULL;
    STN_TRY(stn_path_format(path, sizeof path, err, "%s/tech/%s-%dnm.yaml",
                            stn_share_directory(), set, node_nm));
    if (!stn_file_exists(path))
        return stn_fail(err, STN_E_NOT_FOUND,
                        "technology set \"%s\": there is no %s", set, path);
    STN_TRY(stn_yaml_load(path, &document, err));
    stn_status status = parse(stn_yaml_root(document), roadmap, list, t, err);
    stn_yaml_destroy(document);
    return status;
}

static double linear(double a, double b, double share)
{
    return a + (b - a) * share;
}

static double geometric(double a, double b, double share)
{
    return a * pow(b / a, share);
}

static device_figures between(const device_figures *a, const device_figures *b,
                              double share)
{
    device_figures t;
    const double *x = (const double *)a, *y = (const double *)b;
    double *z = (double *)&t;
    for (size_t i = 0; i < N_DOUBLES; i++)
        z[i] = linear(x[i], y[i], share);
    t.cold.off_n_a_m = geometric(a->cold.off_n_a_m, b->cold.off_n_a_m, share);
    t.cold.off_p_a_m = geometric(a->cold.off_p_a_m, b->cold.off_p_a_m, share);
    t.hot_off_n = geometric(a->hot_off_n, b->hot_off_n, share);
    t.hot_off_p = geometric(a->hot_off_p, b->hot_off_p, share);
    return t;
}

static stn_tech at_temperature(const tech_figures *t, double temperature_k)
{
    const device_figures *f = &t->device;
    double share = (temperature_k - COLD_K) / (HOT_K - COLD_K);
    stn_tech tech = {.device = f->cold,
                     .local = stn_wire_layer(&t->local, temperature_k),
                     .global = stn_wire_layer(&t->global, temperature_k),
                     .current_sense = t->current_sense,
                     .write_headroom = t->write_headroom};
    stn_device *d = &tech.device;
    d->on_n_a_m = linear(d->on_n_a_m, f->hot_on_n, share);
    d->on_p_a_m = linear(d->on_p_a_m, f->hot_on_p, share);
    d->off_n_a_m = geometric(d->off_n_a_m, f->hot_off_n, share);
    d->off_p_a_m = geometric(d->off_p_a_m, f->hot_off_p, share);
    tech.cell_device = *d;
    return tech;
}

stn_status stn_model_name(const char *what, const char *name, stn_error *err)
{
    if (!*name ||
        strspn(name, "abcdefghijklmnopqrstuvwxyz"
                     "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") != strlen(name))
        return stn_fail(err, STN_E_ARGUMENT,
                        "%s: got \"%.60s\", expected letters, digits, - and _",
                        what, name);
    return STN_OK;
}

static stn_status load_roadmap(const stn_tech_choice *choice,
                               const char *roadmap, const listing *list,
                               stn_tech *out, stn_error *err)
{
    double node_nm = choice->node_nm, temperature_k = choice->temperature_k;
    static const int nodes[] = {22, 32, 45, 65, 90};
    enum { N = sizeof nodes / sizeof nodes[0] };
    const char *key = strcmp(roadmap, "HP") == 0     ? "hp"
                      : strcmp(roadmap, "LSTP") == 0 ? "lstp"
                                                     : NULL;
    if (!key)
        return stn_fail(err, STN_E_ARGUMENT,
                        "roadmap: got \"%.20s\", expected HP or LSTP", roadmap);
    if (!(node_nm > nodes[0] - NEAR_NM && node_nm < nodes[N - 1] + NEAR_NM))
        return stn_fail(err, STN_E_ARGUMENT,
                        "node: got %g nm, expected from %d to %d nm", node_nm,
                        nodes[0], nodes[N - 1]);
    if (!(temperature_k >= COLD_K && temperature_k <= MAX_K))
        return stn_fail(err, STN_E_ARGUMENT,
                        "temperature: got %g K, expected from %g to %g K",
                        temperature_k, COLD_K, MAX_K);
    int i = 0;
    while (nodes[i] < node_nm - NEAR_NM)
        i++;
    tech_figures low = {0}, high = {0};
    STN_TRY(load(choice->set, key, nodes[i], list, &high, err));
    if (nodes[i] < node_nm + NEAR_NM) {
        *out = at_temperature(&high, temperature_k);
        return STN_OK;
    }
    STN_TRY(load(choice->set, key, nodes[i - 1], list, &low, err));
    high.device = between(&low.device, &high.device,
                          (node_nm - nodes[i - 1]) / (nodes[i] - nodes[i - 1]));
    high.current_sense = low.current_sense;
    high.write_headroom = low.write_headroom;
    *out = at_temperature(&high, temperature_k);
    return STN_OK;
}

stn_status stn_tech_load(const stn_tech_choice *choice, stn_figures *figures,
                         stn_tech *out, stn_error *err)
{
    stn_figures unlisted = {0};
    const listing all = {figures, figures};
    const listing transistors = {figures, &unlisted};
    const char *cells = choice->cell_roadmap;
    stn_tech of_cells;
    STN_TRY(stn_model_name("technology set", choice->set, err));
    STN_TRY(load_roadmap(choice, choice->roadmap, &all, out, err));
    if (!cells || strcmp(cells, choice->roadmap) == 0)
        return STN_OK;
    STN_TRY(load_roadmap(choice, cells, &transistors, &of_cells, err));
    of_cells.device.feature_m = out->device.feature_m;
    out->cell_device = of_cells.device;
    return STN_OK;
}
