/* SPDX-License-Identifier: MIT
 *
 * One resolution of converters, tried on pictures. */
#include "setun/adc.h"
#include "base/memory.h"
#include <stdio.h>
#include <string.h>

static stn_status load(const stn_adc_trial *t, stn_machine **machine,
                       stn_error *err)
{
    char bits[128];
    const char **set = stn_alloc((size_t)t->n_set + 1, sizeof *set);
    int n = t->n_set;
    if (!set)
        return stn_fail_memory(err, "settings of a machine");
    for (int i = 0; i < n; i++)
        set[i] = t->set[i];
    if (t->bits) {
        snprintf(bits, sizeof bits, "options.adc_bits=%s", t->bits);
        set[n++] = bits;
    }
    stn_status status = stn_machine_load(t->machine, set, n, machine, err);
    stn_free(set);
    return status;
}

stn_status stn_adc_try(const stn_adc_trial *trial, const stn_program *program,
                       const stn_pictures *pictures, stn_simulation **out,
                       stn_error *err)
{
    stn_machine *machine = NULL;
    const stn_simulate_options o = {.pixels = pictures->pixels,
                                    .labels = pictures->labels,
                                    .n_pictures = (int)pictures->n,
                                    .threads = trial->threads,
                                    .check = STN_CHECK_REFERENCE};
    STN_TRY(load(trial, &machine, err));
    stn_status status = stn_simulate(machine, program, &o, out, err);
    stn_machine_destroy(machine);
    return status;
}
