/* SPDX-License-Identifier: MIT
 *
 * Cell files: geometry of a cell, and how it is read and written. A file has
 * exactly the figures that its kind and its ways of sensing and writing
 * need. */
#include "base/file.h"
#include "memory/model.h"
#include "memory/mtj.h"
#include <math.h>
#include <stdio.h>

/* Which cells have a figure. */
enum {
    ALL = 1 << 0,
    RESISTIVE = 1 << 1,
    SRAM = 1 << 2,
    FORCE_CURRENT = 1 << 3, /* resistive, voltage sensing */
    FORCE_VOLTAGE = 1 << 4, /* resistive, current sensing */
    WRITE_CURRENT = 1 << 5,
    WRITE_VOLTAGE = 1 << 6,
    SRAM_8T = 1 << 7,
    DRAM = 1 << 8,
    LEVELS = 1 << 9, /* resistive, when the file says so */
    ENDURANCE = 1 << 10,
    SPIN_ORBIT = 1 << 11
};

typedef struct cell_row {
    int when;
    stn_figure_row row;
} cell_row;

/* clang-format off */
#define AT(field) offsetof(stn_cell, field)
static const cell_row rows[] = {
    {ALL, {"cell_area", STN_QUANTITY_CELL, 4, 1000, AT(area_f2)}},
    {ALL, {"aspect_ratio", STN_QUANTITY_RATIO, 0.1, 10, AT(aspect_ratio)}},
    {ALL, {"access_width", STN_QUANTITY_WIDTH, 0.5, 100, AT(access_width_f)}},
    {ALL, {"sense_signal", STN_QUANTITY_VOLTAGE, 1e-3, 1, AT(signal_v)}},
    {RESISTIVE, {"on_resistance", STN_QUANTITY_RESISTANCE, 100, 1e9, AT(on_ohm)}},
    {RESISTIVE, {"off_resistance", STN_QUANTITY_RESISTANCE, 100, 1e12, AT(off_ohm)}},
    {FORCE_CURRENT, {"read_current", STN_QUANTITY_CURRENT, 1e-9, 1e-2, AT(read_a)}},
    {FORCE_VOLTAGE, {"read_voltage", STN_QUANTITY_VOLTAGE, 1e-3, 5, AT(read_v)}},
    {RESISTIVE, {"read_power", STN_QUANTITY_POWER, 1e-12, 1e-2, AT(read_power_w)}},
    {WRITE_CURRENT, {"write_current", STN_QUANTITY_CURRENT, 1e-9, 1e-2, AT(write_a)}},
    {WRITE_VOLTAGE, {"write_voltage", STN_QUANTITY_VOLTAGE, 0.1, 20, AT(write_v)}},
    {RESISTIVE, {"set_pulse", STN_QUANTITY_TIME, 1e-12, 1e-3, AT(set_s)}},
    {RESISTIVE, {"reset_pulse", STN_QUANTITY_TIME, 1e-12, 1e-3, AT(reset_s)}},
    {RESISTIVE, {"set_energy", STN_QUANTITY_ENERGY, 1e-18, 1e-6, AT(set_j)}},
    {RESISTIVE, {"reset_energy", STN_QUANTITY_ENERGY, 1e-18, 1e-6, AT(reset_j)}},
    {SRAM, {"pull_down_width", STN_QUANTITY_WIDTH, 0.5, 100, AT(pull_down_width_f)}},
    {SRAM, {"pull_up_width", STN_QUANTITY_WIDTH, 0.5, 100, AT(pull_up_width_f)}},
    {SRAM_8T | SPIN_ORBIT, {"read_access_width", STN_QUANTITY_WIDTH, 0.5, 100, AT(read_access_width_f)}},
    {SRAM_8T, {"read_pull_down_width", STN_QUANTITY_WIDTH, 0.5, 100, AT(read_pull_down_width_f)}},
    {LEVELS, {"levels", STN_QUANTITY_RATIO, 2, 64, AT(levels)}},
    {LEVELS, {"program_pulses", STN_QUANTITY_RATIO, 1, 1000, AT(program_pulses)}},
    {ENDURANCE, {"endurance", STN_QUANTITY_RATIO, 1, 1e20, AT(endurance)}},
    {DRAM, {"storage_capacitance", STN_QUANTITY_CAPACITANCE, 1e-16, 1e-12, AT(storage_f)}},
    {DRAM, {"retention", STN_QUANTITY_TIME, 1e-6, 1e3, AT(retention_s)}},
};
#define N_ROWS (sizeof rows / sizeof rows[0])
/* clang-format on */

static stn_status choice(const stn_yaml *root, const char *key,
                         const char *const *words, int *out, stn_error *err)
{
    const stn_yaml *node = stn_yaml_get(root, key);
    if (!node)
        return stn_yaml_fail(root, err, "\"%s\" is missing", key);
    return stn_yaml_choice(node, words, out, err);
}

/* What the junction's file says of reading and writing, so that errors and
 * costs are those of one device. Read by current sensing. */
static stn_status take_junction(const stn_yaml *root, stn_figures *figures,
                                stn_cell *cell, stn_error *err)
{
    const stn_yaml *name = stn_yaml_get(root, "junction");
    stn_figures unlisted = {0};
    stn_mtj m;
    char source[96];
    if (!name || name->kind != STN_YAML_SCALAR)
        return stn_yaml_fail(root, err,
                             "junction: expected the name of a file in "
                             "share/setun/devices without .yaml");
    stn_status status = stn_mtj_load(name->scalar, &unlisted, &m, err);
    if (status != STN_OK)
        return stn_fail_within(err, status, "%s:%d", name->file, name->line);
    if (!m.spin_orbit)
        return stn_yaml_fail(name, err,
                             "junction: %s is written through its barrier, a "
                             "cell of kind spin-orbit through a strip",
                             name->scalar);
    cell->current_sensing = true;
    cell->read_v = m.read_v;
    cell->on_ohm = stn_mtj_parallel_ohm(&m);
    cell->off_ohm = cell->on_ohm * (1.0 + stn_mtj_tmr(&m, m.read_v));
    cell->write_a = m.write_a;
    cell->set_s = m.write_s;
    snprintf(source, sizeof source, "share/setun/devices/%s.yaml",
             name->scalar);
    const struct {
        const char *name;
        double *value;
        const char *unit;
    } derived[] = {{"on_resistance", &cell->on_ohm, "ohm"},
                   {"off_resistance", &cell->off_ohm, "ohm"},
                   {"read_voltage", &cell->read_v, "V"},
                   {"write_current", &cell->write_a, "A"},
                   {"write_pulse", &cell->set_s, "s"}};
    for (size_t i = 0; i < sizeof derived / sizeof derived[0]; i++) {
        *derived[i].value = stn_figures_probe(figures, *derived[i].value);
        STN_TRY(stn_figures_add(figures, "cell", derived[i].name,
                                *derived[i].value, derived[i].unit, source,
                                err));
    }
    cell->reset_s = cell->set_s;
    cell->read_power_w = cell->read_v * cell->read_v / cell->on_ohm;
    return STN_OK;
}

stn_status stn_cell_parse(const stn_yaml *root, stn_figures *figures,
                          stn_cell *out, stn_error *err)
{
    static const char *const kinds[] = {"resistive", "sram",       "sram-8t",
                                        "dram",      "spin-orbit", NULL};
    static const char *const ways[] = {"voltage", "current", NULL};
    static const char *const resistive_keys[] = {"title", "kind", "sensing",
                                                 "writing", NULL};
    static const char *const junction_keys[] = {"title", "kind", "junction",
                                                NULL};
    static const char *const other_keys[] = {"title", "kind", NULL};
    const char *const *keys = other_keys;
    stn_cell cell = {.levels = 2, .program_pulses = 1};
    int kind = 0, sensing = 0, writing = 0, when = ALL;
    STN_TRY(choice(root, "kind", kinds, &kind, err));
    cell.kind = (stn_cell_kind)kind;
    if (cell.kind == STN_CELL_RESISTIVE) {
        keys = resistive_keys;
        STN_TRY(choice(root, "sensing", ways, &sensing, err));
        STN_TRY(choice(root, "writing", ways, &writing, err));
        cell.current_sensing = sensing;
        when |= RESISTIVE | (sensing ? FORCE_VOLTAGE : FORCE_CURRENT) |
                (writing ? WRITE_CURRENT : WRITE_VOLTAGE);
        if (stn_yaml_get(root, "levels"))
            when |= LEVELS;
    } else {
        static const int others[STN_CELL_KINDS] = {0, SRAM, SRAM | SRAM_8T,
                                                   DRAM, SPIN_ORBIT};
        when |= others[cell.kind];
        if (cell.kind == STN_CELL_SPIN_ORBIT)
            keys = junction_keys;
    }
    if (stn_yaml_get(root, "endurance"))
        when |= ENDURANCE;
    stn_figure_row wanted[N_ROWS + 1];
    size_t n = 0;
    for (size_t i = 0; i < N_ROWS; i++)
        if (rows[i].when & when)
            wanted[n++] = rows[i].row;
    wanted[n] = (stn_figure_row){0};
    STN_TRY(stn_figures_parse(figures, "cell", wanted, root, keys, &cell, err));
    if (cell.kind == STN_CELL_SPIN_ORBIT)
        STN_TRY(take_junction(root, figures, &cell, err));
    if (cell.kind == STN_CELL_RESISTIVE && cell.off_ohm <= cell.on_ohm)
        return stn_yaml_fail(stn_yaml_get(root, "off_resistance"), err,
                             "off_resistance: got %.6g ohm, expected more "
                             "than on_resistance, %.6g ohm",
                             cell.off_ohm, cell.on_ohm);
    if (cell.levels != exp2(rint(log2(cell.levels))))
        return stn_yaml_fail(stn_yaml_get(root, "levels"), err,
                             "levels: got %.6g, expected a power of two",
                             cell.levels);
    *out = cell;
    return STN_OK;
}

stn_status stn_cell_load(const char *name, stn_figures *figures, stn_cell *out,
                         stn_error *err)
{
    char path[1024];
    stn_yaml_document *document = NULL;
    STN_TRY(stn_path_format(path, sizeof path, err, "%s/cells/%s.yaml",
                            stn_share_directory(), name));
    if (!stn_file_exists(path))
        return stn_fail(err, STN_E_NOT_FOUND, "cell \"%s\": there is no %s",
                        name, path);
    STN_TRY(stn_yaml_load(path, &document, err));
    stn_status status =
        stn_cell_parse(stn_yaml_root(document), figures, out, err);
    stn_yaml_destroy(document);
    return status;
}
