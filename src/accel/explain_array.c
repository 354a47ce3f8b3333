/* SPDX-License-Identifier: MIT
 *
 * From a modelled sub-array or bank to the figures of its cell and technology
 * files. Nothing lists what a formula rests on: every input is moved a little
 * and the model run again; an input of a part is one that the part changes
 * with. So the list cannot differ from the code, and leaves out what a minimum
 * or a maximum hides here. An input that works in steps (a chain of drivers
 * gets another stage) is missed where no step is near. */
#include "accel/explain.h"
#include "memory/model.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How inputs are moved; the first that the model does not refuse counts.
 * Levels of a cell and the geometry are doubled or halved. */
static const double LITTLE = 1.0001, DOUBLE = 2.0, HALF = 0.5;
static const double NOISE = 1e-9; /* relative; what rounding makes */

/* Of what is asked, and of what is moved. */
typedef struct subject {
    stn_array_request request;
    int sub_arrays;
    stn_array_evaluation evaluation;
} subject;

/* An input, and the model with it moved by `factor`. */
typedef struct probe {
    stn_figure figure; /* confidence NULL: part of the request */
    double factor;
    subject moved;
} probe;

typedef struct inquiry {
    stn_reasoning *r;
    subject asked;
    probe *probes;
    int n_probes;
} inquiry;

/* What is explained: a total or a part of it. */
typedef struct target {
    stn_array_total total;
    int part; /* -1: the total */
    bool bank;
} target;

static int parts_of(const target *t)
{
    return t->bank ? (int)STN_BANK_PARTS : (int)STN_ARRAY_PARTS;
}

static const char *part_name(const target *t, int part)
{
    return t->bank ? stn_bank_part_name((stn_bank_part)part)
                   : stn_array_part_name((stn_array_part)part);
}

static double value_of(const target *t, const stn_array_evaluation *e)
{
    if (t->bank)
        return t->part < 0 ? e->bank.total[t->total]
                           : e->bank.part[t->total][t->part];
    return t->part < 0 ? e->array.total[t->total]
                       : e->array.part[t->total][t->part];
}

static const char *formula_of(const inquiry *q, const target *t)
{
    return t->bank ? stn_bank_formula(t->total, (stn_bank_part)t->part)
                   : stn_array_formula(&q->asked.evaluation.cell, t->total,
                                       (stn_array_part)t->part);
}

/* ---- probes */

static bool evaluate(subject *s, int figure, double factor)
{
    stn_arena arena = {0};
    stn_figures figures = {.arena = &arena, .probe = figure, .factor = factor};
    stn_error refused;
    stn_status status = stn_array_evaluate_all(
        &s->request, s->sub_arrays, &figures, &s->evaluation, &refused);
    stn_arena_deinit(&arena);
    return status == STN_OK;
}

/* The figure with index `i` of the files; else one that cannot be moved
 * alone, which nothing is said about. */
static void move_figure(inquiry *q, const stn_figure *figure, int i)
{
    const double factors[] = {LITTLE, DOUBLE};
    probe *p = &q->probes[q->n_probes];
    p->figure = *figure;
    p->moved = q->asked;
    for (int k = 0; k < 2; k++) {
        p->factor = factors[k];
        if (figure->value != 0 && evaluate(&p->moved, i + 1, p->factor)) {
            q->n_probes++;
            return;
        }
    }
}

/* A whole number of the request. */
static void move_whole(inquiry *q, const char *key, const char *unit,
                       size_t offset)
{
    const double factors[] = {DOUBLE, HALF};
    probe *p = &q->probes[q->n_probes];
    for (int k = 0; k < 2; k++) {
        p->moved = q->asked;
        p->factor = factors[k];
        int *n = (int *)((char *)&p->moved + offset);
        p->figure = (stn_figure){.key = key, .value = *n, .unit = unit};
        *n = (int)(*n * p->factor);
        if (evaluate(&p->moved, 0, 1.0)) {
            q->n_probes++;
            return;
        }
    }
}

static void move_temperature(inquiry *q)
{
    probe *p = &q->probes[q->n_probes];
    const double given_k = q->asked.request.temperature_k;
    p->figure =
        (stn_figure){.key = "temperature", .value = given_k, .unit = "K"};
    p->moved = q->asked;
    p->factor = LITTLE;
    p->moved.request.temperature_k *= p->factor;
    if (!evaluate(&p->moved, 0, 1.0)) {
        p->factor = 1.0 / LITTLE; /* the hottest there is */
        p->moved.request.temperature_k = given_k * p->factor;
        if (!evaluate(&p->moved, 0, 1.0))
            return;
    }
    q->n_probes++;
}

static stn_status probe_all(inquiry *q, stn_error *err)
{
    enum { GEOMETRY = 5 };
    stn_figures figures = {.arena = &q->r->arena};
    STN_TRY(stn_array_evaluate_all(&q->asked.request, q->asked.sub_arrays,
                                   &figures, &q->asked.evaluation, err));
    q->probes = stn_arena_alloc(&q->r->arena, (size_t)figures.n + GEOMETRY,
                                sizeof *q->probes);
    if (!q->probes)
        return stn_fail_memory(err, "an explanation");
    move_whole(q, "rows", "word lines", offsetof(subject, request.rows));
    move_whole(q, "columns", "bit lines", offsetof(subject, request.columns));
    move_whole(q, "columns_per_sense_amp", "bit lines",
               offsetof(subject, request.columns_per_sense_amp));
    move_whole(q, "sub_arrays", "sub-arrays", offsetof(subject, sub_arrays));
    move_temperature(q);
    for (int i = 0; i < figures.n; i++)
        move_figure(q, &figures.items[i], i);
    return STN_OK;
}

/* ---- the tree */

/* An input of one part. */
typedef struct input {
    const probe *probe;
    double influence; /* percent for one percent */
} input;

static int by_influence(const void *a, const void *b)
{
    const input *x = a, *y = b;
    const double d = fabs(y->influence) - fabs(x->influence);
    if (d != 0)
        return d > 0 ? 1 : -1;
    return x->probe < y->probe ? -1 : 1;
}

static void add_input(stn_reasoning *r, stn_reason *parent, const input *in)
{
    const stn_figure *f = &in->probe->figure;
    const bool asked = !f->confidence;
    stn_reason *leaf = stn_reason_add(
        r, parent,
        (stn_claim){asked ? STN_REASON_COUNT : STN_REASON_FIGURE, f->value,
                    f->unit, asked ? "as asked" : f->source},
        "%s", f->key);
    leaf->influence = in->influence;
    if (!asked)
        leaf->confidence = f->confidence;
}

/* The exponent of a power law through both points. */
static double influence_of(double ratio, double factor)
{
    return ratio > 0 ? log(ratio) / log(factor)
                     : (ratio - 1.0) / (factor - 1.0);
}

static stn_status add_inputs(inquiry *q, stn_reason *parent, const target *t,
                             stn_error *err)
{
    const double value = value_of(t, &q->asked.evaluation);
    input *inputs =
        stn_arena_alloc(&q->r->arena, (size_t)q->n_probes, sizeof *inputs);
    int n = 0;
    if (!inputs)
        return stn_fail_memory(err, "an explanation");
    for (int i = 0; i < q->n_probes; i++) {
        const probe *p = &q->probes[i];
        const double ratio = value_of(t, &p->moved.evaluation) / value;
        if (fabs(ratio - 1.0) > NOISE)
            inputs[n++] = (input){p, influence_of(ratio, p->factor)};
    }
    qsort(inputs, (size_t)n, sizeof *inputs, by_influence);
    for (int i = 0; i < n; i++)
        add_input(q->r, parent, &inputs[i]);
    return STN_OK;
}

static stn_status explain_part(inquiry *q, stn_reason *parent, const target *t,
                               stn_reason **out, stn_error *err)
{
    const double value = value_of(t, &q->asked.evaluation);
    const char *unit = stn_array_total_unit(t->total);
    stn_claim claim = {STN_REASON_FUNCTION, value, unit, formula_of(q, t)};
    if (value == 0)
        claim = (stn_claim){STN_REASON_COUNT, 0, unit, "takes none"};
    *out =
        stn_reason_add(q->r, parent, claim, "%s%s.%s", t->bank ? "bank." : "",
                       stn_array_total_name(t->total), part_name(t, t->part));
    return value == 0 ? STN_OK : add_inputs(q, *out, t, err);
}

static stn_status explain_total(inquiry *q, target t, stn_reason **out,
                                stn_error *err)
{
    const double value = value_of(&t, &q->asked.evaluation);
    const char *unit = stn_array_total_unit(t.total);
    stn_claim claim = {STN_REASON_SUM, value, unit,
                       t.bank ? "sub-arrays and the tree to them"
                              : "parts of the sub-array"};
    if (value == 0)
        claim = (stn_claim){STN_REASON_COUNT, 0, unit,
                            "rows that share charge are never two at once"};
    *out = stn_reason_add(q->r, NULL, claim, "%s%s", t.bank ? "bank." : "",
                          stn_array_total_name(t.total));
    for (t.part = 0; t.part < parts_of(&t); t.part++) {
        stn_reason *part;
        if (value_of(&t, &q->asked.evaluation) != 0)
            STN_TRY(explain_part(q, *out, &t, &part, err));
    }
    return STN_OK;
}

/* ---- keys */

static bool read_key(const char *key, target *t)
{
    t->bank = strncmp(key, "bank.", 5) == 0;
    if (t->bank)
        key += 5;
    for (int i = 0; i < STN_ARRAY_TOTALS; i++) {
        const char *name = stn_array_total_name((stn_array_total)i);
        const size_t n = strlen(name);
        t->total = (stn_array_total)i;
        t->part = -1;
        if (strcmp(key, name) == 0)
            return true;
        if (strncmp(key, name, n) != 0 || key[n] != '.')
            continue;
        for (t->part = 0; t->part < parts_of(t); t->part++)
            if (strcmp(key + n + 1, part_name(t, t->part)) == 0)
                return true;
    }
    return false;
}

/* "a, b, c" of the totals, or of the parts. */
static void list_names(char *to, size_t size, int n, const target *parts)
{
    size_t used = 0;
    for (int i = 0; i < n && used < size; i++)
        used +=
            (size_t)snprintf(to + used, size - used, "%s%s", i ? ", " : "",
                             parts ? part_name(parts, i)
                                   : stn_array_total_name((stn_array_total)i));
}

static stn_status refuse_key(const char *key, stn_error *err)
{
    const target of_array = {.bank = false}, of_bank = {.bank = true};
    char totals[160], parts[160], bank_parts[64];
    list_names(totals, sizeof totals, STN_ARRAY_TOTALS, NULL);
    list_names(parts, sizeof parts, STN_ARRAY_PARTS, &of_array);
    list_names(bank_parts, sizeof bank_parts, STN_BANK_PARTS, &of_bank);
    return stn_fail(err, STN_E_NOT_FOUND,
                    "a sub-array has no figure \"%.60s\"; there are %s, each "
                    "also .PART: %s; and bank. before them: %s",
                    key, totals, parts, bank_parts);
}

stn_status stn_explain_array(const stn_array_request *request, int sub_arrays,
                             const char *key, stn_explanation **out,
                             stn_error *err)
{
    target t;
    if (!read_key(key, &t))
        return refuse_key(key, err);
    stn_explanation *e = stn_alloc(1, sizeof *e);
    if (!e)
        return stn_fail_memory(err, "an explanation");
    inquiry q = {.r = &e->reasoning,
                 .asked = {.request = *request, .sub_arrays = sub_arrays}};
    stn_status status = probe_all(&q, err);
    if (status == STN_OK)
        status = t.part < 0 ? explain_total(&q, t, &e->root, err)
                            : explain_part(&q, NULL, &t, &e->root, err);
    if (status == STN_OK && e->reasoning.failed)
        status = stn_fail_memory(err, "an explanation");
    if (status != STN_OK) {
        stn_explanation_destroy(e);
        return status;
    }
    *out = e;
    return STN_OK;
}
