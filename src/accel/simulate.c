/* SPDX-License-Identifier: MIT
 *
 * Simulating a program on a machine: map, execute picture by picture on all
 * threads, compare with the reference, fold into cost. Each thread has its
 * own scratch and ledger; counters are integers, so totals do not depend on
 * how pictures were shared out. */
#include "accel/accel.h"
#include "base/clock.h"
#include "base/pool.h"
#include <stdio.h>
#include <string.h>

/* One thread's part. */
typedef struct worker {
    void *scratch;
    stn_ledger ledger;
    void **values;             /* of the reference; NULL without check */
    int32_t *logits, *defined; /* defined: NULL unless the family defines */
    int n_mismatches, n_inexact, n_correct;
    uint64_t n_bits_differ; /* of logits, where the machine errs */
} worker;

typedef struct job {
    const stn_machine *machine;
    const stn_program *program;
    const stn_simulate_options *options;
    int32_t *logits; /* n_pictures results, or NULL */
    bool define;     /* run the definition instead of the machine */
    bool errs;       /* the machine, at random */
    int n_checked;   /* pictures, from the first */
    void *mapping;
    size_t n_bins; /* of histograms, when asked for */
    stn_pool *pool;
    int n_workers;
    worker *workers;
    stn_arena arena;
} job;

static size_t picture_bytes(const stn_program *program)
{
    return stn_shape_count(program->input);
}

static const int32_t *reference_result(const job *j, const worker *w)
{
    const stn_program *p = j->program;
    return w->values[p->instructions[p->n_instructions - 1].output];
}

uint64_t stn_bits_differ(const int32_t *a, const int32_t *b, size_t n)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++)
        for (uint32_t x = (uint32_t)a[i] ^ (uint32_t)b[i]; x; x &= x - 1)
            sum++;
    return sum;
}

/* Compares with the reference, and with the family's own definition. */
static void check_picture(const job *j, worker *w, const uint8_t *pixels,
                          const int32_t *logits)
{
    const stn_program *p = j->program;
    size_t bytes = (size_t)p->n_classes * sizeof *logits;
    /* It can only fail for missing memory, which start() provided. */
    stn_status status = stn_reference_run(p, pixels, w->values, NULL);
    bool inexact =
        status != STN_OK || memcmp(logits, reference_result(j, w), bytes) != 0;
    w->n_inexact += inexact;
    if (j->errs && status == STN_OK)
        w->n_bits_differ += stn_bits_differ(logits, reference_result(j, w),
                                            (size_t)p->n_classes);
    if (w->defined) {
        j->machine->type->define(j->mapping, pixels, w->defined, w->scratch);
        w->n_mismatches += memcmp(logits, w->defined, bytes) != 0;
    } else if (!j->machine->type->define && !j->errs) {
        w->n_mismatches += inexact;
    }
}

/* The lowest index among equals. */
static int class_of(const int32_t *logits, int n)
{
    int best = 0;
    for (int i = 1; i < n; i++)
        best = logits[i] > logits[best] ? i : best;
    return best;
}

static void run_picture(void *context, int task, int thread)
{
    job *j = context;
    worker *w = &j->workers[thread];
    const stn_program *p = j->program;
    const uint8_t *pixels =
        j->options->pixels + (size_t)task * picture_bytes(p);
    int32_t *logits =
        j->logits ? j->logits + (size_t)task * (size_t)p->n_classes : w->logits;
    if (j->define) {
        j->machine->type->define(j->mapping, pixels, logits, w->scratch);
        return;
    }
    j->machine->type->execute(j->mapping, pixels, logits, w->scratch,
                              &w->ledger);
    if (j->options->labels)
        w->n_correct +=
            class_of(logits, p->n_classes) == j->options->labels[task];
    if (w->values && task < j->n_checked)
        check_picture(j, w, pixels, logits);
}

static stn_status start_worker(job *j, worker *w, stn_error *err)
{
    const stn_program *p = j->program;
    w->scratch = stn_arena_alloc(
        &j->arena, j->machine->type->scratch_bytes(j->mapping), 1);
    w->logits =
        stn_arena_alloc(&j->arena, (size_t)p->n_classes, sizeof *w->logits);
    if (!w->scratch || !w->logits)
        return stn_fail_memory(err, "the scratch of a simulation");
    if (j->options->check) {
        w->values =
            stn_arena_alloc(&j->arena, (size_t)p->n_values, sizeof *w->values);
        for (int v = 1; w->values && v < p->n_values; v++) {
            w->values[v] =
                stn_arena_alloc(&j->arena, stn_value_bytes(&p->values[v]), 1);
            if (!w->values[v])
                w->values = NULL;
        }
        if (!w->values)
            return stn_fail_memory(err, "the reference of a simulation");
    }
    if (j->options->check == STN_CHECK_ALL && j->machine->type->define) {
        w->defined = stn_arena_alloc(&j->arena, (size_t)p->n_classes,
                                     sizeof *w->defined);
        if (!w->defined)
            return stn_fail_memory(err, "the definition of a simulation");
    }
    STN_TRY(stn_ledger_init(&w->ledger, p->n_instructions, err));
    return j->n_bins ? stn_ledger_init_bins(&w->ledger, j->n_bins, err)
                     : STN_OK;
}

static stn_status start(job *j, stn_error *err)
{
    STN_TRY(j->machine->type->map(j->machine, j->program, &j->mapping, err));
    j->errs = j->machine->type->errs && j->machine->type->errs(j->mapping);
    if (!j->options->pixels)
        return STN_OK;
    if (j->machine->type->prepare)
        STN_TRY(j->machine->type->prepare(j->mapping, err));
    if (j->options->check)
        j->n_checked = j->options->n_pictures;
    if (j->options->check_pictures > 0 &&
        j->options->check_pictures < j->n_checked)
        j->n_checked = j->options->check_pictures;
    if (j->options->histogram)
        j->n_bins = stn_histogram_bins(j->machine, j->mapping);
    STN_TRY(stn_pool_create(j->options->threads, NULL, &j->pool, err));
    int n = stn_pool_threads(j->pool);
    j->workers = stn_arena_alloc(&j->arena, (size_t)n, sizeof *j->workers);
    if (!j->workers)
        return stn_fail_memory(err, "the threads of a simulation");
    j->n_workers = n;
    for (int t = 0; t < n; t++)
        STN_TRY(start_worker(j, &j->workers[t], err));
    return STN_OK;
}

static void finish(job *j)
{
    for (int t = 0; t < j->n_workers; t++)
        stn_ledger_deinit(&j->workers[t].ledger);
    stn_pool_destroy(j->pool);
    j->machine->type->unmap(j->mapping);
    stn_arena_deinit(&j->arena);
}

/* Fills `predicted` for bits of which a share is 1. */
static stn_status predict(const job *j, stn_ledger *predicted, stn_error *err)
{
    double *density = stn_alloc((size_t)predicted->n, sizeof *density);
    if (!density)
        return stn_fail_memory(err, "a prediction");
    for (int i = 0; i < predicted->n; i++)
        density[i] = j->options->density > 0 ? j->options->density : 0.5;
    j->machine->type->predict(j->mapping, density, predicted);
    stn_free(density);
    return STN_OK;
}

/* Data-independent events must be exactly n times the prediction. */
static bool prediction_holds(const job *j, const stn_ledger *counted,
                             const stn_ledger *predicted)
{
    uint64_t n = (uint64_t)j->options->n_pictures;
    for (int i = 0; i < counted->n; i++)
        for (int e = 0; e < STN_EVENT_COUNT; e++) {
            const stn_ledger_row *c = &counted->rows[i];
            const stn_ledger_row *p = &predicted->rows[i];
            if (!j->machine->type->data_dependent(j->mapping, i,
                                                  (stn_event)e) &&
                (c->total[e] != n * p->total[e] ||
                 c->steps[e] != n * p->steps[e]))
                return false;
        }
    return true;
}

/* Rows written in one sub-array, at most. Each layer that borrows sub-arrays
 * writes in them, and so does the one that they belong to, which writes no more
 * than the busiest layer that borrows none. */
static double most_writes(const job *j, const stn_ledger *ledger)
{
    uint64_t own = 0, borrowed = 0;
    for (int i = 0; i < ledger->n; i++) {
        uint64_t steps = ledger->rows[i].steps[STN_EVENT_row_write];
        stn_placement place = {0};
        j->machine->type->place(j->mapping, i, &place);
        if (place.borrowed)
            borrowed += steps;
        else if (steps > own)
            own = steps;
    }
    return (double)(own + borrowed);
}

static stn_status fill_layers(const job *j, const stn_ledger *ledger,
                              double n_pictures, stn_simulation *s,
                              stn_error *err)
{
    uint64_t rows = 0, most_rows = 0;
    for (int i = 0; i < s->n_layers; i++) {
        const stn_instruction *in = &j->program->instructions[i];
        stn_layer_cost *layer = &s->layers[i];
        stn_placement place = {0};
        j->machine->type->place(j->mapping, i, &place);
        STN_TRY(stn_simulation_name(s, i, in->name, err));
        layer->opcode = in->opcode;
        if (in->opcode == STN_CONV || in->opcode == STN_DEPTHWISE) {
            layer->groups = (uint64_t)in->weights.n_groups;
            layer->live_groups = (uint64_t)in->weights.n_live;
        }
        layer->cost =
            stn_cost_placed(j->machine, &place, &ledger->rows[i], n_pictures);
        layer->replicas = place.replicas;
        layer->streamed_rows = place.streamed_rows;
        layer->passes = place.passes;
        rows += place.weight_rows;
        s->n_kept_bits += place.kept_bits;
        s->n_flipped_bits += place.flipped_bits;
        if (place.weight_rows > most_rows)
            most_rows = place.weight_rows;
    }
    s->rows = j->machine->array.rows;
    s->writes = most_writes(j, ledger) / n_pictures;
    if (s->writes > 0.0)
        s->lifetime = j->machine->array.endurance / s->writes;
    /* Layers are loaded side by side, each row after row. */
    s->programming_energy_j = (double)rows * j->machine->array.write_energy_j;
    s->programming_latency_s =
        (double)most_rows * j->machine->array.write_latency_s;
    return STN_OK;
}

/* Area and sub-arrays of the instruction of that name in the widest program,
 * where they are more. */
static void add_inactive(const job *j, const stn_program *widest,
                         const void *mapping, stn_layer_cost *layer)
{
    const stn_ledger_row nothing = {0};
    for (int i = 0; i < widest->n_instructions; i++) {
        if (strcmp(widest->instructions[i].name, layer->name) != 0)
            continue;
        stn_placement place = {0};
        j->machine->type->place(mapping, i, &place);
        stn_cost whole = stn_cost_placed(j->machine, &place, &nothing, 1.0);
        if (stn_cost_area_m2(&whole) > stn_cost_area_m2(&layer->cost)) {
            memcpy(layer->cost.area_m2, whole.area_m2, sizeof whole.area_m2);
            layer->cost.sub_arrays = whole.sub_arrays;
        }
    }
}

/* A narrow width runs where the widest is mapped; what it does not need is
 * switched off, but there. */
static stn_status fill_inactive(const job *j, stn_simulation *s, stn_error *err)
{
    const stn_program *widest = NULL;
    void *mapping = NULL;
    if (!j->program->n_widths)
        return STN_OK;
    STN_TRY(stn_program_at_width(j->program, 1, &widest, err));
    if (widest == j->program)
        return STN_OK;
    STN_TRY(j->machine->type->map(j->machine, widest, &mapping, err));
    for (int i = 0; i < s->n_layers; i++)
        add_inactive(j, widest, mapping, &s->layers[i]);
    j->machine->type->unmap(mapping);
    return STN_OK;
}

static stn_status run(job *j, stn_simulation *s, stn_error *err)
{
    const stn_simulate_options *o = j->options;
    stn_ledger counted = {0}, predicted = {0};
    stn_status status = stn_ledger_init(&counted, s->n_layers, err);
    if (status == STN_OK)
        status = stn_ledger_init(&predicted, s->n_layers, err);
    if (status == STN_OK)
        status = predict(j, &predicted, err);
    if (status == STN_OK && j->n_bins)
        status = stn_ledger_init_bins(&counted, j->n_bins, err);
    if (status != STN_OK)
        goto out;
    s->predicted_equals_counted = true;
    if (o->pixels) {
        stn_pool_run(j->pool, o->n_pictures, run_picture, j);
        for (int t = 0; t < j->n_workers; t++) {
            stn_ledger_add(&counted, &j->workers[t].ledger);
            s->n_mismatches += j->workers[t].n_mismatches;
            s->n_inexact += j->workers[t].n_inexact;
            s->n_correct += j->workers[t].n_correct;
            s->n_bits_differ += j->workers[t].n_bits_differ;
        }
        s->n_pictures = o->n_pictures;
        s->n_checked = j->n_checked;
        s->errs = j->errs;
        s->n_bits = j->errs ? (uint64_t)j->n_checked * 32 *
                                  (uint64_t)j->program->n_classes
                            : 0;
        s->predicted_equals_counted = prediction_holds(j, &counted, &predicted);
    }
    const stn_ledger *ledger = o->pixels ? &counted : &predicted;
    double n = o->pixels ? (double)o->n_pictures : 1.0;
    status = fill_layers(j, ledger, n, s, err);
    if (status == STN_OK)
        status = fill_inactive(j, s, err);
    if (status == STN_OK && j->n_bins)
        status = stn_histogram_copy(j->machine, j->mapping, &counted, s, err);
    if (status == STN_OK)
        stn_simulation_sum(s, j->machine, ledger, n);
out:
    stn_ledger_deinit(&predicted);
    stn_ledger_deinit(&counted);
    return status;
}

static stn_status simulate(job *j, stn_simulation **out, stn_error *err)
{
    double begin_s = stn_clock_s();
    stn_simulation *s = NULL;
    if (j->options->pixels && j->options->n_pictures < 1)
        return stn_fail(err, STN_E_ARGUMENT,
                        "simulate: got %d pictures, expected at least 1",
                        j->options->n_pictures);
    bool outline = false;
    for (int i = 0; i < j->program->n_instructions; i++)
        outline |= j->program->instructions[i].weights.outline != NULL;
    if (j->options->pixels && outline)
        return stn_fail(err, STN_E_ARGUMENT,
                        "simulate: %s has no weights, it cannot be executed",
                        j->program->name);
    stn_status status =
        stn_simulation_create(j->program->n_instructions, &s, err);
    if (status != STN_OK)
        return status;
    status = start(j, err);
    if (status == STN_OK)
        status = run(j, s, err);
    finish(j);
    if (status != STN_OK) {
        stn_simulation_destroy(s);
        return status;
    }
    snprintf(s->program, sizeof s->program, "%s", j->program->name);
    s->seconds = stn_clock_s() - begin_s;
    *out = s;
    return STN_OK;
}

stn_status stn_simulate(const stn_machine *machine, const stn_program *program,
                        const stn_simulate_options *options,
                        stn_simulation **out, stn_error *err)
{
    job j = {.machine = machine, .program = program, .options = options};
    return simulate(&j, out, err);
}

static stn_status classify(const stn_machine *machine,
                           const stn_program *program,
                           const stn_simulate_options *options, bool define,
                           int32_t *logits, stn_error *err)
{
    job j = {.machine = machine,
             .program = program,
             .options = options,
             .define = define,
             .logits = logits};
    stn_simulation *simulation = NULL;
    STN_TRY(simulate(&j, &simulation, err));
    stn_simulation_destroy(simulation);
    return STN_OK;
}

stn_status stn_simulate_classify(const stn_machine *machine,
                                 const stn_program *program,
                                 const uint8_t *pixels, int n, int threads,
                                 int32_t *logits, stn_error *err)
{
    stn_simulate_options options = {
        .pixels = pixels, .n_pictures = n, .threads = threads};
    return classify(machine, program, &options, false, logits, err);
}

stn_status stn_simulate_define(const stn_machine *machine,
                               const stn_program *program,
                               const uint8_t *pixels, int n, int threads,
                               int32_t *logits, bool *own, bool *errs,
                               stn_error *err)
{
    stn_simulate_options options = {
        .pixels = pixels, .n_pictures = n, .threads = threads};
    void *mapping = NULL;
    STN_TRY(machine->type->map(machine, program, &mapping, err));
    *errs = machine->type->errs && machine->type->errs(mapping);
    machine->type->unmap(mapping);
    *own = machine->type->define != NULL;
    return *own ? classify(machine, program, &options, true, logits, err)
                : STN_OK;
}
