/* SPDX-License-Identifier: MIT
 *
 * What stands beside the sub-arrays of a machine, when it is modelled: digital
 * units of gates, the tree of a bank, a buffer of sub-arrays of its own,
 * converters. */
#include "accel/machine.h"

void stn_unit_event(stn_unit_figures *figures, stn_event event,
                    const stn_unit_chain *chain, double share,
                    const char *made_of)
{
    figures->made_of[event] = made_of;
    figures->energy_j[event] = chain->energy_j / share;
    figures->latency_s[event] = chain->latency_s;
}

/* Common to all families. Registers and what an event's data need to come and
 * go are events of their own. */
static stn_status common_units(const stn_unit_source *source,
                               stn_unit_figures *out, stn_error *err)
{
    stn_unit_chain rescale = {0}, pool = {0}, neuron = {0};
    STN_TRY(
        stn_unit_chain_add(source, STN_UNIT_MULTIPLIER, 32, 1, &rescale, err));
    STN_TRY(stn_unit_chain_add(source, STN_UNIT_ADDER, 32, 1, &rescale, err));
    STN_TRY(stn_unit_chain_add(source, STN_UNIT_ADDER, 32, 1, &rescale, err));
    STN_TRY(stn_unit_chain_add(source, STN_UNIT_ADDER, 32, 1, &pool, err));
    STN_TRY(
        stn_unit_chain_add(source, STN_UNIT_MULTIPLIER, 8, 3, &neuron, err));
    STN_TRY(stn_unit_chain_add(source, STN_UNIT_ADDER, 32, 2, &neuron, err));
    stn_unit_event(out, STN_EVENT_rescale, &rescale, 1,
                   "multiplier and two adders of 32 bits");
    stn_unit_event(out, STN_EVENT_pool, &pool, 1, "adder of 32 bits");
    stn_unit_event(out, STN_EVENT_neuron, &neuron, 1,
                   "multiplier of 8 bits three times, adder of 32 twice");
    out->lane = "multiplier and two adders of 32 bits";
    out->lane_m2 = rescale.area_m2;
    return STN_OK;
}

static stn_status chain_units(const stn_unit_source *source,
                              const stn_machine *m, stn_unit_figures *out,
                              stn_error *err)
{
    STN_TRY(common_units(source, out, err));
    return m->type->units ? m->type->units(m, source, out, err) : STN_OK;
}

/* Several chains have the same adder: it is simulated once. */
static stn_status read_units(const stn_machine_files *f, double feature_m,
                             stn_machine *m, stn_unit_figures *out,
                             stn_error *err)
{
    const stn_yaml *map = stn_yaml_get(f->root, "units");
    stn_tech_cache *own = NULL;
    stn_unit_source source;
    if (!map)
        return STN_OK;
    STN_TRY(stn_yaml_need_map(f->root, "units", &map, err));
    STN_TRY(stn_unit_source_read(map, feature_m, f->technologies, &m->figures,
                                 &source, err));
    if (!source.technologies) {
        STN_TRY(stn_tech_cache_create(&own, err));
        source.technologies = own;
    }
    stn_status status = chain_units(&source, m, out, err);
    stn_tech_cache_destroy(own);
    return status;
}

/* With a bank, what crosses the link goes along its tree, whose repeaters are
 * shared among the sub-arrays. */
static stn_status read_bank(const stn_machine_files *f, double feature_m,
                            stn_machine *m, stn_unit_figures *out,
                            stn_error *err)
{
    stn_bank_choice choice = {.bank = stn_yaml_get(f->root, "bank"),
                              .feature_m = feature_m,
                              .sub_array_m2 = m->array.area_m2,
                              .technologies = f->technologies};
    stn_tree tree;
    int n = 0;
    if (!choice.bank)
        return STN_OK;
    STN_TRY(stn_yaml_need_map(f->root, "bank", &choice.bank, err));
    STN_TRY(stn_bank_create(&choice, &m->figures, &tree, &n, err));
    const double wires = (double)m->array.columns;
    out->made_of[STN_EVENT_link_bit] = "H-tree to the sub-arrays of the bank";
    out->energy_j[STN_EVENT_link_bit] = tree.bit_j;
    out->latency_s[STN_EVENT_link_bit] = tree.latency_s;
    m->bank_leakage_w = wires * tree.wire_leakage_w / n;
    m->bank_m2 = wires * tree.wire_area_m2 / n;
    return STN_OK;
}

static stn_status list_bit(stn_machine *m, const char *name, double value,
                           const char *unit, stn_error *err)
{
    return stn_figures_add(&m->figures, "buffer", name, value, unit,
                           "a bit of a sub-array of its cells, docs/memory.md",
                           err);
}

stn_status stn_machine_buffer(const stn_machine_files *files,
                              const stn_array_choice *array,
                              const stn_machine *machine, stn_array *out,
                              stn_error *err)
{
    static const char *const keys[] = {"cell", "array", NULL};
    const stn_yaml *map = stn_yaml_get(files->root, "buffer");
    stn_array_choice choice = *array;
    stn_figures unlisted = {0};
    if (!map)
        return STN_OK;
    STN_TRY(stn_yaml_need_map(files->root, "buffer", &map, err));
    if (machine->type->no_buffer)
        return stn_yaml_fail(map, err, "the %s family takes no buffer: %s",
                             machine->type->name, machine->type->no_buffer);
    STN_TRY(stn_yaml_check_keys(map, keys, err));
    STN_TRY(stn_yaml_need_map(map, "array", &choice.array, err));
    choice.cell = files->buffer_cell;
    choice.cell_name = files->buffer_cell_name;
    return stn_array_create(&choice, &unlisted, out, err);
}

/* The buffer is made of sub-arrays of the machine file's `buffer`, as much of
 * them as a layer needs. A row goes in or out at a time; a bit costs the mean
 * of reading and writing it. */
static stn_status use_buffer(const stn_machine_files *f, const stn_array *a,
                             stn_machine *m, stn_unit_figures *out,
                             stn_error *err)
{
    const double bits = (double)a->rows * a->columns;
    if (!stn_yaml_get(f->root, "buffer"))
        return STN_OK;
    m->buffer_bit_m2 = a->area_m2 / bits;
    m->buffer_bit_w = a->leakage_w / bits;
    out->made_of[STN_EVENT_buffer_bit] = "sub-array of the buffer";
    out->energy_j[STN_EVENT_buffer_bit] =
        0.5 * (a->read_energy_j + a->write_energy_j) / a->columns;
    out->latency_s[STN_EVENT_buffer_bit] =
        0.5 * (a->read_latency_s + a->write_latency_s);
    STN_TRY(list_bit(m, "bit_area", m->buffer_bit_m2, "m2", err));
    return list_bit(m, "bit_leakage", m->buffer_bit_w, "W", err);
}

stn_status stn_machine_units(const stn_machine_files *files,
                             const stn_array_choice *array,
                             const stn_array *buffer, stn_machine *machine,
                             stn_unit_figures *out, stn_error *err)
{
    stn_figures unlisted = {0};
    double feature_m = 0.0;
    STN_TRY(stn_array_feature(array, &unlisted, &feature_m, err));
    STN_TRY(read_units(files, feature_m, machine, out, err));
    STN_TRY(read_bank(files, feature_m, machine, out, err));
    return use_buffer(files, buffer, machine, out, err);
}

stn_status stn_machine_converters(const stn_machine_files *files,
                                  const stn_array_choice *array,
                                  stn_machine *machine,
                                  stn_converter_source *out, stn_error *err)
{
    const stn_yaml *map = NULL;
    stn_figures unlisted = {0};
    double feature_m = 0.0;
    STN_TRY(stn_yaml_need_map(files->root, "converters", &map, err));
    STN_TRY(stn_array_feature(array, &unlisted, &feature_m, err));
    return stn_converter_source_read(map, feature_m, files->technologies,
                                     &machine->figures, out, err);
}
