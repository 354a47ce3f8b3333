/* SPDX-License-Identifier: MIT
 *
 * Rows of a spiking network under split-time temporal coding, window by
 * window. Drops and ratios are to the network as it was trained, which is that
 * of windows of one step. */
#include "report/results.h"
#include <stdio.h>

static void add_one(stn_adder *a, const stn_window *w, const stn_window *rate)
{
    double additions = w->weight_additions + w->sum_additions;
    stn_add_row(a, "accuracy", "", NULL, 100 * w->accuracy, "%");
    stn_add_row(a, "accuracy drop", "to the rate code", NULL,
                100 * (rate->accuracy - w->accuracy), "points");
    stn_add_row(a, "spikes per image", "", NULL, w->spikes, "spikes");
    stn_add_row(a, "weight reads per image", "", NULL, w->weight_additions,
                "reads");
    stn_add_row(a, "weight reads ratio", "to the rate code", NULL,
                rate->weight_additions / w->weight_additions, "x");
    stn_add_row(a, "additions ratio", "to the rate code", NULL,
                rate->weight_additions / additions, "x");
    if (!w->n_executed)
        return;
    stn_add_row(a, "energy per image", "", NULL, 1e6 * w->energy_j, "uJ");
    stn_add_row(a, "energy ratio", "to the rate code", NULL,
                rate->energy_j / w->energy_j, "x");
    stn_add_row(a, "latency per image", "", NULL, 1e3 * w->latency_s, "ms");
    stn_add_row(a, "latency ratio", "to the rate code", NULL,
                rate->latency_s / w->latency_s, "x");
}

void stn_add_windows(stn_adder *adder)
{
    const stn_measure *m = adder->m;
    char variant[96];
    for (int i = 0; i < m->n_windows; i++) {
        stn_adder a = *adder;
        snprintf(variant, sizeof variant, "window %d of %s",
                 m->windows[i].window, m->variant);
        a.variant = variant;
        stn_adder_place(&a);
        add_one(&a, &m->windows[i], &m->windows[0]);
        adder->status = a.status;
    }
}
