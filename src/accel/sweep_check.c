/* SPDX-License-Identifier: MIT
 *
 * Spot checks of a sweep: some points are simulated one by one, from files that
 * are read anew, and executed where there is a picture. */
#include "accel/sweep.h"

/* The machine of a point, of which nothing was kept. */
static stn_status load_machine(const stn_sweep_job *j, uint64_t index,
                               stn_machine **out, stn_error *err)
{
    stn_machine_source *source = NULL;
    int at[STN_SWEEP_AXES];
    for (int a = 0; a < STN_SWEEP_AXES; a++)
        at[a] = -1;
    STN_TRY(stn_machine_source_open(j->o->machine, j->o->set, j->o->n_set,
                                    false, &source, err));
    stn_status status = stn_sweep_assign(j, index, source, at, err);
    if (status == STN_OK)
        status = stn_machine_source_build(source, NULL, out, err);
    stn_machine_source_close(source);
    return status;
}

static stn_status check_point(const stn_sweep_job *j, stn_sweep_worker *w,
                              uint64_t index, stn_error *err)
{
    const stn_sweep_point *point = &j->sweep->points[index];
    stn_machine *machine = NULL;
    stn_simulation *s = NULL;
    stn_simulate_options o = {.density = j->o->density};
    STN_TRY(stn_sweep_choose_program(j, w, index, err));
    STN_TRY(load_machine(j, index, &machine, err));
    stn_status status = stn_simulate(machine, w->program, &o, &s, err);
    if (status == STN_OK &&
        (stn_cost_energy_j(&s->total) !=
             point->objective[STN_OBJECTIVE_ENERGY] ||
         s->total.latency_s != point->objective[STN_OBJECTIVE_LATENCY] ||
         stn_cost_area_m2(&s->total) != point->objective[STN_OBJECTIVE_AREA]))
        status = stn_fail(err, STN_E_MISMATCH,
                          "sweep: point %llu is not what stn_simulate predicts",
                          (unsigned long long)index);
    stn_simulation_destroy(s);
    s = NULL;
    if (status == STN_OK && j->o->pixels && j->o->program) {
        o = (stn_simulate_options){.pixels = j->o->pixels,
                                   .n_pictures = 1,
                                   .threads = 1,
                                   .check = true};
        status = stn_simulate(machine, w->program, &o, &s, err);
        if (status == STN_OK &&
            (s->n_mismatches || !s->predicted_equals_counted))
            status = stn_fail(err, STN_E_MISMATCH,
                              "sweep: point %llu executed differs from its "
                              "prediction, or from the reference",
                              (unsigned long long)index);
        stn_simulation_destroy(s);
        j->sweep->n_executed++;
    }
    stn_machine_destroy(machine);
    j->sweep->n_checked++;
    return status;
}

stn_status stn_sweep_check(const stn_sweep_job *j, stn_error *err)
{
    uint64_t n = j->sweep->n_points;
    for (int k = 0; k < j->o->n_checks; k++) {
        uint64_t index = n * (uint64_t)k / (uint64_t)j->o->n_checks;
        while (index < n && !j->sweep->points[index].fits)
            index++;
        if (index < n)
            STN_TRY(check_point(j, &j->workers[0], index, err));
    }
    return STN_OK;
}
