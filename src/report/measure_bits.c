/* SPDX-License-Identifier: MIT
 *
 * Measuring a packed program at fewer bits: each executor verified, accuracy
 * with exact products and with stochastic ones, and what it would cost. */
#include "report/measure.h"
#include <math.h>
#include <stdio.h>

/* Pictures that the definition of stochastic products counts cycle by cycle,
 * which takes a second each. */
#define DEFINED_IMAGES 2

/* What one number of bits is measured with. */
typedef struct job {
    stn_measure *m;
    const stn_measure_options *options;
    const stn_pictures *pictures; /* all of the test split */
    const stn_program *narrow;
    stn_measure_bits *out;
} job;

/* All executors as one. */
static stn_status verify(const job *j, stn_error *err)
{
    stn_verification found[STN_VERIFY_MAX];
    int n = 0;
    stn_pictures few = *j->pictures;
    stn_verification sum = {0};
    if (j->options->verify_images <= 0 || j->m->n_verified == STN_VERIFY_MAX)
        return STN_OK;
    if ((uint32_t)j->options->verify_images < few.n)
        few.n = (uint32_t)j->options->verify_images;
    const stn_verify_options o = {
        .threads = j->options->threads,
        .machine_images = DEFINED_IMAGES,
        .stochastic_bits = j->options->stochastic ? j->out->bits : 0};
    STN_TRY(stn_verify(j->narrow, &few, &o, found, &n, err));
    for (int i = 0; i < n; i++) {
        sum.n += found[i].n;
        sum.n_mismatches += found[i].n_mismatches;
        sum.n_inexact += found[i].n_inexact;
        sum.seconds += found[i].seconds;
    }
    snprintf(sum.executor, sizeof sum.executor, "%d executors at %d bits", n,
             j->out->bits);
    j->m->verified[j->m->n_verified++] = sum;
    return STN_OK;
}

/* Accuracy and cycles, added up over the layers. */
static stn_status count(const job *j, stn_error *err)
{
    stn_evaluation e;
    size_t n = (size_t)j->narrow->n_instructions;
    stn_stochastic_counts *counts = stn_alloc(n, sizeof *counts);
    stn_stochastic_counts *sum = &j->out->counts;
    if (!counts)
        return stn_fail_memory(err, "counts of cycles");
    stn_status status =
        stn_evaluate_stochastic(j->narrow, j->out->bits, j->pictures,
                                j->options->threads, &e, counts, err);
    for (size_t i = 0; i < n && status == STN_OK; i++) {
        sum->products += counts[i].products;
        sum->zero_weights += counts[i].zero_weights;
        sum->cycles += counts[i].cycles;
        sum->input_cycles += counts[i].input_cycles;
    }
    if (status == STN_OK)
        j->out->stochastic_accuracy = e.accuracy;
    stn_free(counts);
    return status;
}

static stn_status predict(const job *j, stn_error *err)
{
    const stn_simulate_options o = {.threads = j->options->threads};
    stn_simulation *s = NULL;
    stn_status status =
        stn_simulate(j->options->machine, j->narrow, &o, &s, err);
    if (status == STN_OK) {
        j->out->energy_j = stn_cost_energy_j(&s->total);
        j->out->latency_s = s->total.latency_s;
        stn_simulation_destroy(s);
    }
    return status == STN_E_UNSUPPORTED ? STN_OK : status;
}

static bool multiplies_signed(const stn_program *p)
{
    for (int i = 0; i < p->n_instructions; i++)
        if (p->instructions[i].weights.codes)
            return p->values[p->instructions[i].inputs[0]].type != STN_TYPE_U8;
    return false;
}

static stn_status measure(const job *j, stn_error *err)
{
    stn_evaluation e;
    stn_engine_options options = stn_engine_defaults();
    options.threads = j->options->threads;
    STN_TRY(verify(j, err));
    STN_TRY(stn_evaluate(j->narrow, j->pictures, &options, &e, err));
    j->out->accuracy = e.accuracy;
    j->out->is_signed = multiplies_signed(j->narrow);
    STN_TRY(predict(j, err));
    return j->options->stochastic ? count(j, err) : STN_OK;
}

stn_status stn_measure_narrow(stn_measure *m, const stn_dataset *dataset,
                              const stn_measure_options *options,
                              stn_error *err)
{
    stn_pictures *pictures = NULL;
    stn_status status = STN_OK;
    m->bits =
        stn_arena_alloc(&m->arena, (size_t)options->n_bits, sizeof *m->bits);
    if (!m->bits)
        return stn_fail_memory(err, "measures at fewer bits");
    STN_TRY(stn_pictures_create(dataset, m->program->input, 0, &pictures, err));
    for (int i = 0; i < options->n_bits && status == STN_OK; i++) {
        stn_program *narrow = NULL;
        stn_measure_bits *out = &m->bits[m->n_bits];
        *out = (stn_measure_bits){.bits = options->bits[i],
                                  .energy_j = NAN,
                                  .latency_s = NAN,
                                  .stochastic_accuracy = NAN};
        status = stn_program_narrow(m->program, out->bits, STN_NARROW_ROUND,
                                    &narrow, err);
        if (status == STN_OK)
            status = measure(&(job){m, options, pictures, narrow, out}, err);
        m->n_bits += status == STN_OK;
        stn_program_destroy(narrow);
    }
    stn_pictures_destroy(pictures);
    return status;
}
