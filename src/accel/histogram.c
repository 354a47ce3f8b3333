/* SPDX-License-Identifier: MIT
 *
 * Histograms of what converters saw: counted in a ledger while pictures are
 * executed, handed out with the simulation. */
#include "accel/accel.h"

size_t stn_histogram_bins(const stn_machine *machine, const void *mapping)
{
    stn_bins bins = {0};
    size_t n = 0;
    for (int i = 0; machine->type->histogram &&
                    machine->type->histogram(mapping, i, &bins);
         i++)
        n = bins.first + bins.n;
    return n;
}

/* Bins up to the last that is not empty. */
static stn_status copy_one(const stn_bins *bins, const stn_ledger *ledger,
                           stn_simulation *simulation, stn_histogram *out,
                           stn_error *err)
{
    const uint64_t *from = ledger->bins + bins->first;
    size_t n = bins->n;
    while (n > 1 && !from[n - 1])
        n--;
    uint64_t *counts = stn_simulation_alloc(simulation, n, sizeof *counts);
    if (!counts)
        return stn_fail_memory(err, "a histogram");
    *out = (stn_histogram){.layer = simulation->layers[bins->instruction].name,
                           .slice = bins->slice,
                           .bits = bins->bits,
                           .n = n,
                           .counts = counts};
    for (size_t b = 0; b < n; b++) {
        counts[b] = from[b];
        out->total += from[b];
    }
    return STN_OK;
}

stn_status stn_histogram_copy(const stn_machine *machine, const void *mapping,
                              const stn_ledger *ledger,
                              stn_simulation *simulation, stn_error *err)
{
    stn_bins bins = {0};
    int n = 0;
    while (machine->type->histogram(mapping, n, &bins))
        n++;
    stn_histogram *all =
        stn_simulation_alloc(simulation, (size_t)n, sizeof *all);
    if (!all)
        return stn_fail_memory(err, "histograms");
    for (int i = 0; machine->type->histogram(mapping, i, &bins); i++)
        STN_TRY(copy_one(&bins, ledger, simulation, &all[i], err));
    simulation->histograms = all;
    simulation->n_histograms = n;
    return STN_OK;
}
