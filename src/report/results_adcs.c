/* SPDX-License-Identifier: MIT
 *
 * Rows of a network on analog arrays, resolution by resolution. Drops and
 * ratios are to the first one tried. */
#include "report/results.h"
#include <stdio.h>
#include <string.h>

/* "ideal", "8 bits", "3-3-3-1 bits": commas separate conditions. */
static void name(const char *resolution, char *out, size_t capacity)
{
    size_t n = 0;
    if (strcmp(resolution, "0") == 0) {
        snprintf(out, capacity, "ideal");
        return;
    }
    for (const char *c = resolution; *c && n + 6 < capacity; c++)
        if (*c == ',')
            out[n++] = '-';
        else if (*c != '[' && *c != ']' && *c != ' ')
            out[n++] = *c;
    snprintf(out + n, capacity - n, " bits");
}

static void add_one(stn_adder *a, const stn_measure_adc *adc,
                    const stn_measure_adc *first)
{
    char more[48];
    snprintf(more, sizeof more, "%d pictures", adc->n_images);
    stn_add_row(a, "accuracy", more, NULL, 100 * adc->accuracy, "%");
    stn_add_row(a, "exact pictures", more, NULL, 100 * adc->exact, "%");
    stn_add_row(a, "energy per image", "", NULL, 1e6 * adc->energy_j, "uJ");
    stn_add_row(a, "converter energy per image", "", NULL,
                1e6 * adc->converter_j, "uJ");
    stn_add_row(a, "latency per image", "", NULL, 1e3 * adc->latency_s, "ms");
    if (adc != first)
        stn_add_row(a, "converter energy ratio", "", NULL,
                    first->converter_j / adc->converter_j, "x");
}

void stn_add_adcs(stn_adder *adder)
{
    const stn_measure *m = adder->m;
    char variant[128], resolution[48];
    for (int i = 0; i < m->n_adcs; i++) {
        stn_adder a = *adder;
        name(m->adcs[i].resolution, resolution, sizeof resolution);
        snprintf(variant, sizeof variant, "ADCs %s of %s", resolution,
                 m->variant);
        a.variant = variant;
        stn_adder_place(&a);
        add_one(&a, &m->adcs[i], &m->adcs[0]);
        adder->status = a.status;
    }
}
