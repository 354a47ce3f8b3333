/* SPDX-License-Identifier: MIT
 *
 * Rows of a network that ran with fewer bits, and of the multiplier that it
 * ran with (ARSC, ISQED 2021; Sim & Lee, DAC 2017). */
#include "report/results.h"
#include <math.h>
#include <stdio.h>

static void add_errors(stn_adder *a, const stn_measure_bits *b)
{
    stn_stochastic_error e =
        stn_stochastic_errors((stn_stochastic_operand){b->bits, b->is_signed});
    stn_add_row(a, "multiplier error, largest", "", NULL, e.max, "LSB");
    stn_add_row(a, "multiplier error, rms", "", NULL, e.rms, "LSB");
    stn_add_row(a, "multiplier error, mean", "", NULL, e.mean, "LSB");
}

/* `wider` has one bit more, or is NULL. */
static void add_cycles(stn_adder *a, const stn_measure_bits *b,
                       const stn_measure_bits *wider)
{
    double products = (double)b->counts.products;
    stn_add_row(a, "cycles per product", "weight in the counter", NULL,
                (double)b->counts.cycles / products, "cycles");
    stn_add_row(a, "cycles per product, input in the counter", "", NULL,
                (double)b->counts.input_cycles / products, "cycles");
    stn_add_row(a, "products of weight 0", "", NULL,
                100 * (double)b->counts.zero_weights / products, "%");
    if (wider)
        stn_add_row(a, "cycles saved by one bit", "", NULL,
                    (double)wider->counts.cycles / (double)b->counts.cycles,
                    "x");
}

static void add_one(stn_adder *a, const stn_measure_bits *b,
                    const stn_measure_bits *wider, const stn_measure *base)
{
    const char *machine = stn_machine_name(a->results->machine);
    double base_accuracy = base ? base->accuracy : NAN;
    stn_add_row(a, "accuracy", "", NULL, 100 * b->accuracy, "%");
    stn_add_row(a, "accuracy drop", "", NULL,
                100 * (base_accuracy - b->accuracy), "points");
    stn_add_row(a, "energy per image", machine, NULL, 1e6 * b->energy_j, "uJ");
    stn_add_row(a, "latency per image", machine, NULL, 1e3 * b->latency_s,
                "ms");
    if (isnan(b->stochastic_accuracy))
        return;
    stn_add_row(a, "accuracy, stochastic", "", NULL,
                100 * b->stochastic_accuracy, "%");
    stn_add_row(a, "accuracy drop, stochastic", "", NULL,
                100 * (base_accuracy - b->stochastic_accuracy), "points");
    add_cycles(a, b, wider);
    add_errors(a, b);
}

void stn_add_bits(stn_adder *adder, const stn_measure *base)
{
    const stn_measure *m = adder->m;
    char variant[64];
    for (int i = 0; i < m->n_bits; i++) {
        const stn_measure_bits *b = &m->bits[i], *wider = i ? b - 1 : NULL;
        stn_adder a = *adder;
        if (wider && wider->bits != b->bits + 1)
            wider = NULL;
        snprintf(variant, sizeof variant, "%s at %d bits", m->variant, b->bits);
        a.variant = variant;
        stn_adder_place(&a);
        add_one(&a, b, wider, base);
        adder->status = a.status;
    }
}
