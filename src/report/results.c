/* SPDX-License-Identifier: MIT
 *
 * Rows of ours, each with the published figure of the same quantity beside
 * it. Names of quantities are fixed, so that systems line up; a row whose
 * figure is unknown (no baseline, no machine) is left out. */
#include "report/results.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

static stn_status grow(stn_results *r, stn_error *err)
{
    if (r->n_rows < r->row_capacity)
        return STN_OK;
    int capacity = r->row_capacity ? 2 * r->row_capacity : 128;
    stn_result_row *rows =
        stn_arena_alloc(&r->arena, (size_t)capacity, sizeof *rows);
    if (!rows)
        return stn_fail_memory(err, "results");
    if (r->n_rows)
        memcpy(rows, r->rows, (size_t)r->n_rows * sizeof *rows);
    r->rows = rows;
    r->row_capacity = capacity;
    return STN_OK;
}

/* Where and how the published figure was found, and how far ours is from it:
 * shares by their difference, other figures relative to the published one. */
static void note_text(const stn_published_row *p, double ours, const char *unit,
                      char *out, size_t capacity)
{
    out[0] = '\0';
    if (!p)
        return;
    int n = snprintf(out, capacity, "%s%s%s; ours differs by ", p->source,
                     *p->conditions ? ": " : "", p->conditions);
    if (n < 0 || (size_t)n >= capacity)
        return;
    size_t left = capacity - (size_t)n;
    if (!strcmp(unit, "%"))
        snprintf(out + n, left, "%+.3g points", ours - p->value);
    else if (!strcmp(unit, "fraction") || p->value == 0)
        snprintf(out + n, left, "%+.3g", ours - p->value);
    else
        snprintf(out + n, left, "%+.3g %%",
                 100 * (ours - p->value) / fabs(p->value));
}

void stn_add_row(stn_adder *a, const char *quantity, const char *more,
                 const char *layer, double ours, const char *unit)
{
    stn_results *r = a->results;
    if (a->status != STN_OK || !isfinite(ours))
        return;
    a->status = grow(r, a->err);
    if (a->status != STN_OK)
        return;
    const stn_published_row *p =
        stn_plan_published(r->plan, quantity, a->m->data, a->variant, layer);
    char conditions[512], note[512];
    snprintf(conditions, sizeof conditions, "%s%s%s", a->place,
             *more ? ", " : "", more);
    note_text(p, ours, unit, note, sizeof note);
    stn_result_row row = {
        .quantity = stn_arena_string(&r->arena, quantity),
        .conditions = stn_arena_string(&r->arena, conditions),
        .unit = unit,
        .published = p ? p->value : NAN,
        .published_confidence = p ? p->confidence : "",
        .ours = ours,
        .calibrated_by = "",
        .note = stn_arena_string(&r->arena, note),
    };
    if (!row.quantity || !row.conditions || !row.note) {
        a->status = stn_fail_memory(a->err, "results");
        return;
    }
    r->rows[r->n_rows++] = row;
}

/* Codes of the compressed weights, else of the largest layer. */
static const char *codes_of(const stn_measure *m)
{
    const char *codes = "no";
    size_t most = 0;
    for (int i = 0; i < m->n_layers; i++) {
        const stn_measure_layer *l = &m->layers[i];
        if (!strcmp(l->code, "ternary") || !strcmp(l->code, "binary"))
            return l->code;
        if (l->n_weights > most) {
            most = l->n_weights;
            codes = l->code;
        }
    }
    return codes;
}

static const stn_measure *baseline_of(const stn_results *r,
                                      const stn_measure *m)
{
    const char *name = stn_plan_baseline(r->plan, m->variant);
    for (int i = 0; i < r->n_measures && name; i++)
        if (!strcmp(r->measures[i]->data, m->data) &&
            !strcmp(r->measures[i]->variant, name))
            return r->measures[i];
    return NULL;
}

void stn_adder_place(stn_adder *a)
{
    snprintf(a->place, sizeof a->place, "%s, %s, %s, %s weights", a->m->network,
             a->m->data, a->variant, codes_of(a->m));
}

/* What figures of several seeds, of both measures, are said to be; or "". */
static void seeds_text(const stn_measure *m, const stn_measure *other,
                       char *out, size_t capacity)
{
    out[0] = '\0';
    if (m->n_seeds && other->n_seeds == m->n_seeds)
        snprintf(out, capacity, "mean of %d seeds", m->n_seeds + 1);
}

/* With several seeds: the mean, and the difference of best and worst. */
static void add_accuracy(stn_adder *a)
{
    const stn_measure *m = a->m;
    double lo = m->accuracy, hi = m->accuracy;
    char more[64];
    seeds_text(m, m, more, sizeof more);
    for (int i = 0; i < m->n_seeds; i++) {
        lo = fmin(lo, m->seed_accuracy[i]);
        hi = fmax(hi, m->seed_accuracy[i]);
    }
    stn_add_row(a, "accuracy", more, NULL, 100 * stn_measure_accuracy(m), "%");
    if (m->n_seeds)
        stn_add_row(a, "accuracy spread", more, NULL, 100 * (hi - lo),
                    "points");
}

/* Shares of weights whose 2-bit slices are not 0, of networks whose weights
 * are made for it (bit-slice L1, arXiv 1909.08496, tables 1 to 3). */
static void add_slices(stn_adder *a)
{
    stn_slices sum = {0};
    bool any = false;
    for (int i = 0; i < a->m->n_layers; i++) {
        const stn_measure_layer *l = &a->m->layers[i];
        any = any || l->is_low;
        sum.n += l->slices.n;
        for (int k = 0; k < STN_SLICES; k++)
            sum.nonzero[k] += l->slices.nonzero[k];
    }
    double mean = 0, square = 0;
    for (int k = STN_SLICES - 1; any && k >= 0; k--) {
        char quantity[32];
        double share = 100 * (double)sum.nonzero[k] / (double)sum.n;
        snprintf(quantity, sizeof quantity, "nonzero slices B%d", k);
        stn_add_row(a, quantity, "", NULL, share, "%");
        mean += share / STN_SLICES;
        square += share * share / STN_SLICES;
    }
    if (!any)
        return;
    stn_add_row(a, "nonzero slices, mean", "", NULL, mean, "%");
    stn_add_row(a, "nonzero slices, deviation", "", NULL,
                sqrt(fmax(0, square - mean * mean)), "points");
}

/* What the file stores of the weights, without its header: fewer of them, of
 * fewer bits, and an index. Against 32 bits a weight. */
static void add_storage(stn_adder *a, const stn_measure_sum *sum)
{
    double weights = (double)sum->n_weights;
    double values = (double)sum->value_bits, index = (double)sum->index_bits;
    if (!sum->value_bits)
        return;
    stn_add_row(a, "data reduction", "", NULL, 32 * weights / values, "x");
    stn_add_row(a, "data reduction with index", "", NULL,
                32 * weights / (values + index), "x");
    if (sum->n_stored < sum->n_weights)
        stn_add_row(a, "structure compression", "weights to stored values",
                    NULL, weights / (double)sum->n_stored, "x");
}

/* What pruning papers count (ADMM-NN, ASPLOS 2019). */
static void add_sparse(stn_adder *a)
{
    double n = 0, nonzero = 0;
    bool any = false;
    for (int i = 0; i < a->m->n_layers; i++) {
        const stn_measure_layer *l = &a->m->layers[i];
        any = any || l->is_sparse;
        n += (double)l->n_weights;
        nonzero += (double)l->n_nonzero;
    }
    if (!any)
        return;
    stn_add_row(a, "weight pruning", "", NULL, n / nonzero, "x");
    for (int i = 0; i < a->m->n_layers; i++) {
        const stn_measure_layer *l = &a->m->layers[i];
        char more[128];
        if (!l->is_sparse || l->is_low)
            continue;
        snprintf(more, sizeof more, "layer %s, %zu of %zu weights", l->name,
                 l->n_nonzero, l->n_weights);
        stn_add_row(a, "nonzero share", more, l->name,
                    100 * (double)l->n_nonzero / (double)l->n_weights, "%");
        stn_add_row(a, "bits a weight", more, l->name, l->bits, "bits");
    }
}

/* Of all seeds. Narrower widths are trained with the widest. */
static void add_training(stn_adder *a)
{
    char more[64] = "";
    if (a->m->width != 1)
        return;
    if (a->m->n_seeds)
        snprintf(more, sizeof more, "all %d seeds", a->m->n_seeds + 1);
    stn_add_row(a, "training time", more, NULL, a->m->train_s / 60, "min");
}

static void add_own(stn_adder *a, const stn_measure_sum *sum,
                    const char *machine)
{
    const stn_measure *m = a->m;
    add_accuracy(a);
    stn_add_row(a, "group density", "", NULL, stn_measure_group_density(sum),
                "fraction");
    stn_add_row(a, "compression", "", NULL, stn_measure_compression(sum), "x");
    stn_add_row(a, "pruning ratio", "", NULL,
                sum->n_ternary
                    ? (double)sum->n_ternary_zero / (double)sum->n_ternary
                    : NAN,
                "fraction");
    add_slices(a);
    add_storage(a, sum);
    add_sparse(a);
    stn_add_row(a, "throughput", a->results->cpu, NULL, m->images_per_s,
                "images/s");
    add_training(a);
    if (!m->simulation)
        return;
    const stn_cost *cost = &m->simulation->total;
    stn_add_row(a, "energy per image", machine, NULL,
                1e6 * stn_cost_energy_j(cost), "uJ");
    stn_add_row(a, "latency per image", machine, NULL, 1e3 * cost->latency_s,
                "ms");
    stn_add_row(a, "area", machine, NULL, 1e6 * stn_cost_area_m2(cost), "mm2");
}

/* 100 (1 - ours / base). */
static double reduction(double ours, double base)
{
    return base > 0 ? 100 * (1 - ours / base) : NAN;
}

static double quotient(double numerator, double denominator)
{
    return denominator > 0 ? numerator / denominator : NAN;
}

/* Rows that compare with the baseline on the same data. */
static void add_compared(stn_adder *a, const stn_measure *base,
                         const char *machine)
{
    const stn_measure *m = a->m;
    const char *block = a->results->plan->block;
    char more[64];
    seeds_text(m, base, more, sizeof more);
    stn_add_row(a, "accuracy drop", more, NULL,
                100 * (stn_measure_accuracy(base) - stn_measure_accuracy(m)),
                "points");
    stn_add_row(a, "weight memory reduction", "", NULL,
                quotient(base->file_bytes, m->file_bytes), "x");
    if (!m->simulation || !base->simulation)
        return;
    const stn_cost *ours = &m->simulation->total;
    const stn_cost *theirs = &base->simulation->total;
    stn_add_row(a, "energy ratio", machine, NULL,
                quotient(stn_cost_energy_j(theirs), stn_cost_energy_j(ours)),
                "x");
    stn_add_row(a, "speed ratio", machine, NULL,
                quotient(theirs->latency_s, ours->latency_s), "x");
    stn_add_row(a, "area ratio", machine, NULL,
                quotient(stn_cost_area_m2(theirs), stn_cost_area_m2(ours)),
                "x");
    if (!block)
        return;
    stn_measure_sum x = stn_measure_total(m, block);
    stn_measure_sum y = stn_measure_total(base, block);
    stn_add_row(a, "conv-layer energy reduction", machine, NULL,
                reduction(x.energy_j, y.energy_j), "%");
    stn_add_row(a, "conv-layer memory usage reduction", "", NULL,
                reduction(x.weight_bytes, y.weight_bytes), "%");
    stn_add_row(a, "conv-layer chip-area reduction", machine, NULL,
                reduction(x.area_m2, y.area_m2), "%");
}

/* Sparsity of single layers, where somebody published it. */
static void add_layers(stn_adder *a)
{
    static const char *const QUANTITIES[] = {"zero group share",
                                             "element sparsity"};
    const stn_measure *m = a->m;
    for (int i = 0; i < m->n_layers; i++) {
        const stn_measure_layer *l = &m->layers[i];
        if (!l->n_groups)
            continue;
        double ours[] = {1 - (double)l->n_live / l->n_groups,
                         1 - (double)l->n_nonzero / (double)l->n_weights};
        for (int q = 0; q < 2; q++) {
            char more[128];
            snprintf(more, sizeof more, "layer %s of %d groups", l->name,
                     l->n_groups);
            if (stn_plan_published(a->results->plan, QUANTITIES[q], m->data,
                                   m->variant, l->name))
                stn_add_row(a, QUANTITIES[q], more, l->name, ours[q],
                            "fraction");
        }
    }
}

static stn_status add_measure(stn_results *r, const stn_measure *m,
                              stn_error *err)
{
    stn_adder a = {.results = r, .m = m, .variant = m->variant, .err = err};
    stn_measure_sum sum = stn_measure_total(m, NULL);
    const char *machine = stn_machine_name(r->machine);
    stn_adder_place(&a);
    add_own(&a, &sum, machine);
    const stn_measure *base = baseline_of(r, m);
    if (base && base != m)
        add_compared(&a, base, machine);
    add_layers(&a);
    stn_add_bits(&a, base);
    stn_add_windows(&a);
    stn_add_adcs(&a);
    return a.status;
}

static void summarise(const stn_measure *m, stn_variant_summary *v)
{
    stn_measure_sum sum = stn_measure_total(m, NULL);
    const stn_cost *cost = m->simulation ? &m->simulation->total : NULL;
    *v = (stn_variant_summary){
        .variant = m->variant,
        .title = m->title,
        .data = m->data,
        .accuracy = stn_measure_accuracy(m),
        .weight_bytes = m->file_bytes,
        .add_subtract = sum.add_subtract,
        .multiply = sum.multiply + sum.rescale,
        .group_density = stn_measure_group_density(&sum),
        .energy_j = cost ? stn_cost_energy_j(cost) : NAN,
        .latency_s = cost ? cost->latency_s : NAN,
        .area_m2 = cost ? stn_cost_area_m2(cost) : NAN,
        .images_per_s = m->images_per_s,
    };
}

stn_status stn_results_tabulate(stn_results *r, stn_error *err)
{
    r->n_rows = 0;
    r->n_variants = 0;
    r->variants = stn_arena_alloc(&r->arena, (size_t)r->n_measures + 1,
                                  sizeof *r->variants);
    if (!r->variants)
        return stn_fail_memory(err, "comparison");
    for (int i = 0; i < r->n_measures; i++) {
        STN_TRY(add_measure(r, r->measures[i], err));
        summarise(r->measures[i], &r->variants[r->n_variants++]);
    }
    return STN_OK;
}

void stn_results_deinit(stn_results *results)
{
    for (int i = 0; i < results->n_measures; i++)
        stn_measure_destroy(results->measures[i]);
    stn_arena_deinit(&results->arena);
    *results = (stn_results){0};
}
