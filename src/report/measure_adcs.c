/* SPDX-License-Identifier: MIT
 *
 * Measuring a packed program on analog arrays: pictures executed with
 * converters of several resolutions, which may saturate. */
#include "report/measure.h"
#include "setun/adc.h"
#include <stdio.h>

static stn_status run(const stn_measure *m, const char *machine,
                      const stn_pictures *pictures, int threads,
                      stn_measure_adc *out, stn_verification *sum,
                      stn_error *err)
{
    stn_simulation *s = NULL;
    const stn_adc_trial trial = {
        .machine = machine, .bits = out->resolution, .threads = threads};
    STN_TRY(stn_adc_try(&trial, m->program, pictures, &s, err));
    double n = s->n_pictures;
    out->n_images = s->n_pictures;
    out->accuracy = (double)s->n_correct / n;
    out->exact = (n - (double)s->n_inexact) / n;
    out->energy_j = stn_cost_energy_j(&s->total);
    out->converter_j = s->total.energy_j[STN_COMPONENT_CONVERTER];
    out->latency_s = s->total.latency_s;
    sum->n += (uint32_t)s->n_pictures;
    sum->n_mismatches += (uint32_t)s->n_mismatches;
    stn_simulation_destroy(s);
    return STN_OK;
}

stn_status stn_measure_adcs(stn_measure *m, const stn_dataset *dataset,
                            const stn_measure_options *options, stn_error *err)
{
    stn_pictures *pictures = NULL;
    stn_verification sum = {0};
    m->adcs = stn_arena_alloc(&m->arena, (size_t)options->n_resolutions,
                              sizeof *m->adcs);
    if (!m->adcs)
        return stn_fail_memory(err, "measures of converters");
    STN_TRY(stn_pictures_create(dataset, m->program->input,
                                (uint32_t)options->converter_images, &pictures,
                                err));
    stn_status status = STN_OK;
    for (int i = 0; i < options->n_resolutions && status == STN_OK; i++) {
        stn_measure_adc *adc = &m->adcs[m->n_adcs];
        *adc = (stn_measure_adc){
            .resolution = stn_arena_string(&m->arena, options->resolutions[i])};
        if (!adc->resolution)
            status = stn_fail_memory(err, "measures of converters");
        else
            status = run(m, options->converters, pictures, options->threads,
                         adc, &sum, err);
        m->n_adcs += status == STN_OK;
    }
    stn_pictures_destroy(pictures);
    if (status != STN_OK || m->n_verified == STN_VERIFY_MAX)
        return status;
    snprintf(sum.executor, sizeof sum.executor, "machine %s, %d converters",
             options->converters, m->n_adcs);
    m->verified[m->n_verified++] = sum;
    return STN_OK;
}
