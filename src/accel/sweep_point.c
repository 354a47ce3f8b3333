/* SPDX-License-Identifier: MIT
 *
 * What a point of a sweep costs: its values are laid over files that were read
 * once, a machine is built from them, and a prediction is folded into cost.
 * Nothing of the machine's figures is listed, and a sub-array from the model
 * is made once for each geometry. */
#include "accel/sweep.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Network axes into options of the outline; `texts` holds n_axes texts. */
static stn_status outline_of(const stn_sweep_job *j, uint64_t point,
                             char (*texts)[128], const char **set,
                             stn_outline_options *out, stn_error *err)
{
    *out = j->o->outline;
    int n = out->n_set;
    for (int i = 0; i < n; i++)
        set[i] = out->set[i];
    for (int a = 0; a < j->o->n_axes; a++) {
        const stn_sweep_axis *axis = &j->o->axes[a];
        if (!j->of_network[a])
            continue;
        const char *name = axis->path + strlen("network.");
        const char *value = axis->values[stn_sweep_value(j->o, point, a)];
        char *end = NULL;
        double number = strtod(value, &end);
        if (end == value || *end)
            return stn_fail(err, STN_E_ARGUMENT,
                            "%s: got \"%.60s\", expected a number", axis->path,
                            value);
        if (strcmp(name, "weights") == 0)
            out->weight_bits = (int)number;
        else if (strcmp(name, "activations") == 0)
            out->activation_bits = (int)number;
        else if (strcmp(name, "ends") == 0)
            out->end_bits = (int)number;
        else if (strcmp(name, "density") == 0)
            out->density = number;
        else {
            snprintf(texts[a], sizeof texts[a], "%.60s=%.60s", name, value);
            set[n++] = texts[a];
        }
    }
    out->set = set;
    out->n_set = n;
    return STN_OK;
}

static stn_status add_variant(const stn_sweep_job *j, stn_sweep_worker *w,
                              uint64_t point, uint64_t key, stn_error *err)
{
    char texts[STN_SWEEP_AXES][128];
    const char *set[STN_SWEEP_AXES + 32];
    stn_outline_options options;
    if (j->o->outline.n_set > 32)
        return stn_fail(err, STN_E_ARGUMENT,
                        "sweep: more than 32 parameters of the network");
    if (w->n_variants == w->capacity) {
        int capacity = w->capacity ? 2 * w->capacity : 16;
        stn_sweep_variant *grown = stn_alloc((size_t)capacity, sizeof *grown);
        if (!grown)
            return stn_fail_memory(err, "networks of a sweep");
        if (w->n_variants)
            memcpy(grown, w->variants, (size_t)w->n_variants * sizeof *grown);
        stn_free(w->variants);
        w->variants = grown;
        w->capacity = capacity;
    }
    STN_TRY(outline_of(j, point, texts, set, &options, err));
    stn_sweep_variant *v = &w->variants[w->n_variants];
    STN_TRY(stn_program_outline(j->o->network, &options, &v->program, err));
    v->key = key;
    w->program = v->program;
    w->n_variants++;
    return STN_OK;
}

stn_status stn_sweep_choose_program(const stn_sweep_job *j, stn_sweep_worker *w,
                                    uint64_t point, stn_error *err)
{
    uint64_t key = 1;
    if (j->o->program) {
        w->program = j->o->program;
        return STN_OK;
    }
    for (int a = 0; a < j->o->n_axes; a++)
        if (j->of_network[a])
            key = key * (uint64_t)j->o->axes[a].n +
                  (uint64_t)stn_sweep_value(j->o, point, a);
    if (w->program && key == w->variant_key)
        return STN_OK;
    w->variant_key = key;
    for (int i = 0; i < w->n_variants; i++)
        if (w->variants[i].key == key) {
            w->program = w->variants[i].program;
            return STN_OK;
        }
    return add_variant(j, w, point, key, err);
}

static stn_status assign_axis(const stn_sweep_job *j, int axis, int value,
                              stn_machine_source *source, int *at,
                              stn_error *err)
{
    bool holds = at[axis] == value && !(j->of_part[axis] && j->parts_change);
    if (j->of_network[axis] || holds)
        return STN_OK;
    STN_TRY(stn_machine_source_assign(source, j->o->axes[axis].path,
                                      stn_yaml_root(j->values[axis][value]),
                                      err));
    at[axis] = value;
    return STN_OK;
}

/* Assigns the axes whose value changes, first those that name a cell or a
 * technology; fields of these always when they are named anew. */
stn_status stn_sweep_assign(const stn_sweep_job *j, uint64_t point,
                            stn_machine_source *source, int *at, stn_error *err)
{
    for (int pass = 0; pass < 2; pass++)
        for (int a = 0; a < j->o->n_axes; a++)
            if (j->names_part[a] == (pass == 0))
                STN_TRY(assign_axis(j, a, stn_sweep_value(j->o, point, a),
                                    source, at, err));
    return STN_OK;
}

/* Where the point's sub-array is kept, or NULL when there are too many. */
static stn_array *array_of(const stn_sweep_job *j, stn_sweep_worker *w,
                           uint64_t point)
{
    size_t index = 0;
    for (int a = 0; a < j->o->n_axes; a++)
        if (j->of_array[a])
            index = index * (size_t)j->o->axes[a].n +
                    (size_t)stn_sweep_value(j->o, point, a);
    return w->arrays ? &w->arrays[index] : NULL;
}

/* The machine of a point whose fields are assigned. */
static stn_status build_machine(const stn_sweep_job *j, stn_sweep_worker *w,
                                uint64_t point, stn_machine **out,
                                stn_error *err)
{
    stn_array *kept = array_of(j, w, point);
    const stn_array *known = kept && kept->rows ? kept : NULL;
    STN_TRY(stn_machine_source_build(w->source, known, out, err));
    if (kept)
        *kept = (*out)->array;
    return STN_OK;
}

static stn_status predict(stn_sweep_mapped *p, double density, stn_error *err)
{
    size_t n = (size_t)p->program->n_instructions;
    double *densities = NULL; /* 0.5 everywhere */
    if (p->predicted)
        return STN_OK;
    if (density > 0 && !(densities = stn_alloc(n, sizeof *densities)))
        return stn_fail_memory(err, "a prediction");
    for (size_t i = 0; densities && i < n; i++)
        densities[i] = density;
    memset(p->ledger.rows, 0, n * sizeof *p->ledger.rows);
    p->machine->type->predict(p->mapping, densities, &p->ledger);
    stn_free(densities);
    p->predicted = true;
    return STN_OK;
}

static void fold(const stn_sweep_mapped *p, stn_sweep_point *point)
{
    stn_cost total = {0};
    double rows = 0.0;
    for (int i = 0; i < p->program->n_instructions; i++) {
        stn_cost layer = stn_cost_placed(p->machine, &p->placements[i],
                                         &p->ledger.rows[i], 1.0);
        stn_cost_add(&total, &layer);
        rows += (double)p->placements[i].weight_rows;
    }
    double *o = point->objective;
    o[STN_OBJECTIVE_ENERGY] = stn_cost_energy_j(&total);
    o[STN_OBJECTIVE_LATENCY] = total.latency_s;
    o[STN_OBJECTIVE_AREA] = stn_cost_area_m2(&total);
    o[STN_OBJECTIVE_EDP] = o[STN_OBJECTIVE_ENERGY] * total.latency_s;
    o[STN_OBJECTIVE_PROGRAMMING] = rows * p->machine->array.write_energy_j;
    point->sub_arrays = total.sub_arrays;
    point->utilisation = total.utilisation;
    point->fits = true;
}

static void refuse(stn_sweep_worker *w, uint64_t index, const char *reason,
                   stn_sweep_point *point)
{
    for (int k = 0; k < STN_OBJECTIVES; k++)
        point->objective[k] = NAN;
    if (index >= w->refused)
        return;
    w->refused = index;
    snprintf(w->reason, sizeof w->reason, "%s", reason);
}

stn_status stn_sweep_cost_point(const stn_sweep_job *j, stn_sweep_worker *w,
                                uint64_t index, stn_error *err)
{
    stn_sweep_point *point = &j->sweep->points[index];
    stn_machine *machine = NULL;
    stn_sweep_mapped *p = NULL;
    stn_error why = {0};
    STN_TRY(stn_sweep_choose_program(j, w, index, err));
    STN_TRY(stn_sweep_assign(j, index, w->source, w->at, err));
    stn_status status = build_machine(j, w, index, &machine, &why);
    if (status == STN_E_UNSUPPORTED) { /* such as an array without figures */
        refuse(w, index, why.text, point);
        return STN_OK;
    }
    if (status != STN_OK) {
        if (err)
            *err = why;
        return status;
    }
    STN_TRY(stn_sweep_find_mapped(w, machine, &p, err));
    if (!p->mapping) {
        refuse(w, index, p->reason, point);
        return STN_OK;
    }
    STN_TRY(predict(p, j->o->density, err));
    fold(p, point);
    return STN_OK;
}
