/* SPDX-License-Identifier: MIT
 *
 * Design-space exploration. A point changes fields of files that are read
 * once, builds a machine from them and folds a prediction into cost. Mapping
 * looks at options and geometry only, so it is kept by these, and its
 * prediction as long as no latency changes: most points are one fold.
 *
 * Each thread has files and mappings of its own; points are independent, and
 * nothing depends on who costed which. */
#include "accel/sweep.h"
#include "accel/machine.h"
#include "base/clock.h"
#include "base/pool.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BLOCK 512            /* points a thread takes at once */
#define MAX_ARRAYS (1 << 20) /* sub-arrays that are kept */

const char *const stn_objective_names[] = {"energy", "latency",     "area",
                                           "edp",    "programming", NULL};

/* A program for one choice of the outline's values. */
typedef struct variant {
    uint64_t key; /* values of the axes of the network, mixed radix */
    stn_program *program;
} variant;

/* A program mapped on one choice of options and geometry. */
typedef struct mapped {
    struct mapped *next;
    const stn_program *program;
    stn_machine *machine; /* what the mapping borrows; figures are replaced */
    void *mapping;        /* NULL: refused, see `reason` */
    stn_placement *placements;
    stn_ledger ledger;
    bool predicted; /* for the latencies in `machine` */
    char reason[STN_ERROR_CAPACITY];
} mapped;

typedef struct worker {
    stn_machine_source *source;
    variant *variants;
    int n_variants, capacity;
    const stn_program *program;
    uint64_t variant_key;   /* of `program` */
    int at[STN_SWEEP_AXES]; /* values assigned now; -1: none */
    mapped *list;
    stn_array *arrays; /* by the axes that make one; rows 0: not made yet */
    stn_status status; /* a failure that ends the sweep */
    stn_error err;
    uint64_t refused; /* first point; UINT64_MAX: none */
    char reason[STN_ERROR_CAPACITY];
} worker;

typedef struct job {
    const stn_sweep_options *o;
    stn_sweep *sweep;
    stn_pool *pool;
    worker *workers;
    int n_workers;
    uint64_t first; /* point of the batch that runs */
    stn_yaml_document **values[STN_SWEEP_AXES];
    bool of_network[STN_SWEEP_AXES], of_part[STN_SWEEP_AXES];
    bool of_array[STN_SWEEP_AXES]; /* changes the sub-array, or may */
    size_t n_arrays;               /* combinations of these */
} job;

int stn_sweep_value(const stn_sweep_options *options, uint64_t point, int axis)
{
    for (int a = options->n_axes - 1; a > axis; a--)
        point /= (uint64_t)options->axes[a].n;
    return (int)(point % (uint64_t)options->axes[axis].n);
}

/* --- what a point is made of ----------------------------------------------*/

/* Network axes into options of the outline; `texts` holds n_axes texts. */
static stn_status outline_of(const job *j, uint64_t point, char (*texts)[128],
                             const char **set, stn_outline_options *out,
                             stn_error *err)
{
    *out = j->o->outline;
    int n = out->n_set;
    for (int i = 0; i < n; i++)
        set[i] = out->set[i];
    for (int a = 0; a < j->o->n_axes; a++) {
        const stn_sweep_axis *axis = &j->o->axes[a];
        if (!j->of_network[a])
            continue;
        const char *name = axis->path + strlen("network.");
        const char *value = axis->values[stn_sweep_value(j->o, point, a)];
        char *end = NULL;
        double number = strtod(value, &end);
        if (end == value || *end)
            return stn_fail(err, STN_E_ARGUMENT,
                            "%s: got \"%.60s\", expected a number", axis->path,
                            value);
        if (strcmp(name, "weights") == 0)
            out->weight_bits = (int)number;
        else if (strcmp(name, "activations") == 0)
            out->activation_bits = (int)number;
        else if (strcmp(name, "ends") == 0)
            out->end_bits = (int)number;
        else if (strcmp(name, "density") == 0)
            out->density = number;
        else {
            snprintf(texts[a], sizeof texts[a], "%.60s=%.60s", name, value);
            set[n++] = texts[a];
        }
    }
    out->set = set;
    out->n_set = n;
    return STN_OK;
}

static stn_status add_variant(const job *j, worker *w, uint64_t point,
                              uint64_t key, stn_error *err)
{
    char texts[STN_SWEEP_AXES][128];
    const char *set[STN_SWEEP_AXES + 32];
    stn_outline_options options;
    if (j->o->outline.n_set > 32)
        return stn_fail(err, STN_E_ARGUMENT,
                        "sweep: more than 32 parameters of the network");
    if (w->n_variants == w->capacity) {
        int capacity = w->capacity ? 2 * w->capacity : 16;
        variant *grown = stn_alloc((size_t)capacity, sizeof *grown);
        if (!grown)
            return stn_fail_memory(err, "networks of a sweep");
        if (w->n_variants)
            memcpy(grown, w->variants, (size_t)w->n_variants * sizeof *grown);
        stn_free(w->variants);
        w->variants = grown;
        w->capacity = capacity;
    }
    STN_TRY(outline_of(j, point, texts, set, &options, err));
    variant *v = &w->variants[w->n_variants];
    STN_TRY(stn_program_outline(j->o->network, &options, &v->program, err));
    v->key = key;
    w->program = v->program;
    w->n_variants++;
    return STN_OK;
}

static stn_status choose_program(const job *j, worker *w, uint64_t point,
                                 stn_error *err)
{
    uint64_t key = 1;
    if (j->o->program) {
        w->program = j->o->program;
        return STN_OK;
    }
    for (int a = 0; a < j->o->n_axes; a++)
        if (j->of_network[a])
            key = key * (uint64_t)j->o->axes[a].n +
                  (uint64_t)stn_sweep_value(j->o, point, a);
    if (w->program && key == w->variant_key)
        return STN_OK;
    w->variant_key = key;
    for (int i = 0; i < w->n_variants; i++)
        if (w->variants[i].key == key) {
            w->program = w->variants[i].program;
            return STN_OK;
        }
    return add_variant(j, w, point, key, err);
}

/* Assigns the axes whose value changes; those of cell and technology always,
 * because another axis may have named another file. */
static stn_status assign_axes(const job *j, worker *w, uint64_t point,
                              stn_error *err)
{
    for (int a = 0; a < j->o->n_axes; a++) {
        int value = stn_sweep_value(j->o, point, a);
        if (j->of_network[a] || (w->at[a] == value && !j->of_part[a]))
            continue;
        STN_TRY(stn_machine_source_assign(w->source, j->o->axes[a].path,
                                          stn_yaml_root(j->values[a][value]),
                                          err));
        w->at[a] = value;
    }
    return STN_OK;
}

/* Where the point's sub-array is kept, or NULL when there are too many. */
static stn_array *array_of(const job *j, worker *w, uint64_t point)
{
    size_t index = 0;
    for (int a = 0; a < j->o->n_axes; a++)
        if (j->of_array[a])
            index = index * (size_t)j->o->axes[a].n +
                    (size_t)stn_sweep_value(j->o, point, a);
    return w->arrays ? &w->arrays[index] : NULL;
}

/* The machine of a point whose fields are assigned. */
static stn_status build_machine(const job *j, worker *w, uint64_t point,
                                stn_machine **out, stn_error *err)
{
    stn_array *kept = array_of(j, w, point);
    const stn_array *known = kept && kept->rows ? kept : NULL;
    STN_TRY(stn_machine_source_build(w->source, known, out, err));
    if (kept)
        *kept = (*out)->array;
    return STN_OK;
}

/* --- mappings -------------------------------------------------------------*/

/* A family with circuits of its own lays out by their figures too. */
static bool same_layout(const stn_machine *a, const stn_machine *b)
{
    return !a->circuits && a->type == b->type &&
           a->array.rows == b->array.rows &&
           a->array.columns == b->array.columns &&
           memcmp(a->attrs, b->attrs, a->type->attrs_size) == 0;
}

static void free_mapped(mapped *p)
{
    if (p->mapping)
        p->machine->type->unmap(p->mapping);
    stn_machine_destroy(p->machine);
    stn_ledger_deinit(&p->ledger);
    stn_free(p->placements);
    stn_free(p);
}

/* Takes `machine` over when it returns STN_OK. */
static stn_status add_mapped(worker *w, stn_machine *machine, mapped **out,
                             stn_error *err)
{
    int n = w->program->n_instructions;
    mapped *p = stn_alloc(1, sizeof *p);
    if (!p)
        return stn_fail_memory(err, "a mapping");
    stn_status status = stn_ledger_init(&p->ledger, n, err);
    p->placements = stn_alloc((size_t)n, sizeof *p->placements);
    stn_error why = {0};
    if (status == STN_OK && !p->placements)
        status = stn_fail_memory(err, "a mapping");
    if (status == STN_OK) {
        status = machine->type->map(machine, w->program, &p->mapping, &why);
        if (status == STN_E_UNSUPPORTED) {
            snprintf(p->reason, sizeof p->reason, "%s", why.text);
            status = STN_OK;
        } else if (status != STN_OK && err) {
            *err = why;
        }
    }
    if (status != STN_OK) {
        stn_ledger_deinit(&p->ledger);
        stn_free(p->placements);
        stn_free(p);
        return status;
    }
    for (int i = 0; p->mapping && i < n; i++)
        machine->type->place(p->mapping, i, &p->placements[i]);
    p->program = w->program;
    p->machine = machine;
    p->next = w->list;
    w->list = p;
    *out = p;
    return STN_OK;
}

/* The mapping for `machine`, with its figures; the most recent comes first. */
static stn_status find_mapped(worker *w, stn_machine *machine, mapped **out,
                              stn_error *err)
{
    for (mapped **link = &w->list; *link; link = &(*link)->next) {
        mapped *p = *link;
        if (p->program != w->program || !same_layout(p->machine, machine))
            continue;
        *link = p->next;
        p->next = w->list;
        w->list = p;
        stn_machine *m = p->machine;
        p->predicted =
            p->predicted && memcmp(m->event_latency_s, machine->event_latency_s,
                                   sizeof m->event_latency_s) == 0;
        m->array = machine->array;
        memcpy(m->event_energy_j, machine->event_energy_j,
               sizeof m->event_energy_j);
        memcpy(m->event_latency_s, machine->event_latency_s,
               sizeof m->event_latency_s);
        m->sub_array_logic_m2 = machine->sub_array_logic_m2;
        m->lane_m2 = machine->lane_m2;
        stn_machine_destroy(machine);
        *out = p;
        return STN_OK;
    }
    if (machine->circuits && w->list) { /* the last one is of no more use */
        mapped *next = w->list->next;
        free_mapped(w->list);
        w->list = next;
    }
    stn_status status = add_mapped(w, machine, out, err);
    if (status != STN_OK)
        stn_machine_destroy(machine);
    return status;
}

/* --- costing --------------------------------------------------------------*/

static stn_status predict(mapped *p, double density, stn_error *err)
{
    if (p->predicted)
        return STN_OK;
    size_t n = (size_t)p->program->n_instructions;
    double *densities = stn_alloc(n, sizeof *densities);
    if (!densities)
        return stn_fail_memory(err, "a prediction");
    for (size_t i = 0; i < n; i++)
        densities[i] = density > 0 ? density : 0.5;
    memset(p->ledger.rows, 0, n * sizeof *p->ledger.rows);
    p->machine->type->predict(p->mapping, densities, &p->ledger);
    stn_free(densities);
    p->predicted = true;
    return STN_OK;
}

static void fold(const mapped *p, stn_sweep_point *point)
{
    stn_cost total = {0};
    double rows = 0.0;
    for (int i = 0; i < p->program->n_instructions; i++) {
        stn_cost layer = stn_cost_placed(p->machine, &p->placements[i],
                                         &p->ledger.rows[i], 1.0);
        stn_cost_add(&total, &layer);
        rows += (double)p->placements[i].weight_rows;
    }
    double *o = point->objective;
    o[STN_OBJECTIVE_ENERGY] = stn_cost_energy_j(&total);
    o[STN_OBJECTIVE_LATENCY] = total.latency_s;
    o[STN_OBJECTIVE_AREA] = total.area_m2;
    o[STN_OBJECTIVE_EDP] = o[STN_OBJECTIVE_ENERGY] * total.latency_s;
    o[STN_OBJECTIVE_PROGRAMMING] = rows * p->machine->array.write_energy_j;
    point->sub_arrays = total.sub_arrays;
    point->utilisation = total.utilisation;
    point->fits = true;
}

static void refuse(worker *w, uint64_t index, const char *reason,
                   stn_sweep_point *point)
{
    for (int k = 0; k < STN_OBJECTIVES; k++)
        point->objective[k] = NAN;
    if (index >= w->refused)
        return;
    w->refused = index;
    snprintf(w->reason, sizeof w->reason, "%s", reason);
}

static stn_status cost_point(const job *j, worker *w, uint64_t index,
                             stn_error *err)
{
    stn_sweep_point *point = &j->sweep->points[index];
    stn_machine *machine = NULL;
    mapped *p = NULL;
    stn_error why = {0};
    STN_TRY(choose_program(j, w, index, err));
    STN_TRY(assign_axes(j, w, index, err));
    stn_status status = build_machine(j, w, index, &machine, &why);
    if (status == STN_E_UNSUPPORTED) { /* such as an array without figures */
        refuse(w, index, why.text, point);
        return STN_OK;
    }
    if (status != STN_OK) {
        if (err)
            *err = why;
        return status;
    }
    STN_TRY(find_mapped(w, machine, &p, err));
    if (!p->mapping) {
        refuse(w, index, p->reason, point);
        return STN_OK;
    }
    STN_TRY(predict(p, j->o->density, err));
    fold(p, point);
    return STN_OK;
}

static void run_block(void *context, int task, int thread)
{
    job *j = context;
    worker *w = &j->workers[thread];
    uint64_t i = j->first + (uint64_t)task * BLOCK;
    uint64_t end =
        i + BLOCK < j->sweep->n_points ? i + BLOCK : j->sweep->n_points;
    for (; i < end && w->status == STN_OK; i++)
        w->status = cost_point(j, w, i, &w->err);
}

/* --- spot checks ----------------------------------------------------------*/

static stn_status check_point(const job *j, worker *w, uint64_t index,
                              stn_error *err)
{
    const stn_sweep_point *point = &j->sweep->points[index];
    stn_machine *machine = NULL;
    stn_simulation *s = NULL;
    stn_simulate_options o = {.density = j->o->density};
    STN_TRY(choose_program(j, w, index, err));
    STN_TRY(assign_axes(j, w, index, err));
    STN_TRY(stn_machine_source_build(w->source, NULL, &machine, err));
    stn_status status = stn_simulate(machine, w->program, &o, &s, err);
    if (status == STN_OK &&
        (stn_cost_energy_j(&s->total) !=
             point->objective[STN_OBJECTIVE_ENERGY] ||
         s->total.latency_s != point->objective[STN_OBJECTIVE_LATENCY] ||
         s->total.area_m2 != point->objective[STN_OBJECTIVE_AREA]))
        status = stn_fail(err, STN_E_MISMATCH,
                          "sweep: point %llu is not what stn_simulate predicts",
                          (unsigned long long)index);
    stn_simulation_destroy(s);
    s = NULL;
    if (status == STN_OK && j->o->pixels && j->o->program) {
        o = (stn_simulate_options){.pixels = j->o->pixels,
                                   .n_pictures = 1,
                                   .threads = 1,
                                   .check = true};
        status = stn_simulate(machine, w->program, &o, &s, err);
        if (status == STN_OK &&
            (s->n_mismatches || !s->predicted_equals_counted))
            status = stn_fail(err, STN_E_MISMATCH,
                              "sweep: point %llu executed differs from its "
                              "prediction, or from the reference",
                              (unsigned long long)index);
        stn_simulation_destroy(s);
        j->sweep->n_executed++;
    }
    stn_machine_destroy(machine);
    j->sweep->n_checked++;
    return status;
}

static stn_status check_points(const job *j, stn_error *err)
{
    uint64_t n = j->sweep->n_points;
    for (int k = 0; k < j->o->n_checks; k++) {
        uint64_t index = n * (uint64_t)k / (uint64_t)j->o->n_checks;
        while (index < n && !j->sweep->points[index].fits)
            index++;
        if (index < n)
            STN_TRY(check_point(j, &j->workers[0], index, err));
    }
    return STN_OK;
}

/* --- all of it ------------------------------------------------------------*/

static stn_status parse_axis(job *j, int a, stn_error *err)
{
    const stn_sweep_axis *axis = &j->o->axes[a];
    if (axis->n < 1)
        return stn_fail(err, STN_E_ARGUMENT, "%s: no values", axis->path);
    j->of_network[a] = strncmp(axis->path, "network.", 8) == 0;
    j->of_part[a] = strncmp(axis->path, "cell.", 5) == 0 ||
                    strncmp(axis->path, "tech.", 5) == 0;
    if (j->of_network[a] && j->o->program)
        return stn_fail(err, STN_E_ARGUMENT,
                        "%s: a packed program cannot be varied; sweep a "
                        "network by name",
                        axis->path);
    j->of_array[a] = j->of_part[a] || strncmp(axis->path, "array.", 6) == 0 ||
                     strcmp(axis->path, "cell") == 0 ||
                     strcmp(axis->path, "tech") == 0;
    if (j->of_array[a] && j->n_arrays <= MAX_ARRAYS)
        j->n_arrays *= (size_t)axis->n;
    j->values[a] = stn_alloc((size_t)axis->n, sizeof *j->values[a]);
    if (!j->values[a])
        return stn_fail_memory(err, "an axis");
    for (int v = 0; v < axis->n; v++)
        STN_TRY(
            stn_yaml_parse(axis->path, axis->values[v], &j->values[a][v], err));
    return STN_OK;
}

static stn_status begin(job *j, stn_error *err)
{
    const stn_sweep_options *o = j->o;
    uint64_t n = 1;
    if (o->n_axes < 1 || o->n_axes > STN_SWEEP_AXES || o->n_objectives < 1)
        return stn_fail(err, STN_E_ARGUMENT,
                        "sweep: got %d axes and %d objectives, expected 1 to "
                        "%d axes and at least one objective",
                        o->n_axes, o->n_objectives, STN_SWEEP_AXES);
    for (int a = 0; a < o->n_axes; a++) {
        STN_TRY(parse_axis(j, a, err));
        n *= (uint64_t)o->axes[a].n;
        if (n > 100000000)
            return stn_fail(err, STN_E_ARGUMENT,
                            "sweep: more than 100 million points");
    }
    j->sweep->n_points = n;
    j->sweep->points = stn_alloc((size_t)n, sizeof *j->sweep->points);
    if (!j->sweep->points)
        return stn_fail_memory(err, "the points of a sweep");
    STN_TRY(stn_pool_create(o->threads, NULL, &j->pool, err));
    int threads = stn_pool_threads(j->pool);
    j->workers = stn_alloc((size_t)threads, sizeof *j->workers);
    if (!j->workers)
        return stn_fail_memory(err, "a sweep");
    for (j->n_workers = 0; j->n_workers < threads; j->n_workers++) {
        worker *w = &j->workers[j->n_workers];
        w->refused = UINT64_MAX;
        for (int a = 0; a < STN_SWEEP_AXES; a++)
            w->at[a] = -1;
        if (j->n_arrays <= MAX_ARRAYS) {
            w->arrays = stn_alloc(j->n_arrays, sizeof *w->arrays);
            if (!w->arrays)
                return stn_fail_memory(err, "the sub-arrays of a sweep");
        }
        STN_TRY(stn_machine_source_open(o->machine, o->set, o->n_set,
                                        &w->source, err));
    }
    return STN_OK;
}

static double cpu_s(void)
{
    return (double)clock() / CLOCKS_PER_SEC;
}

static stn_status cost_points(job *j, stn_error *err)
{
    uint64_t n = j->sweep->n_points;
    double begin_s = stn_clock_s(), begin_cpu_s = cpu_s();
    uint64_t batch = (uint64_t)BLOCK * 16 * (uint64_t)j->n_workers;
    for (j->first = 0; j->first < n; j->first += batch) {
        uint64_t left = n - j->first;
        uint64_t size = left < batch ? left : batch;
        stn_pool_run(j->pool, (int)((size + BLOCK - 1) / BLOCK), run_block, j);
        for (int t = 0; t < j->n_workers; t++)
            if (j->workers[t].status != STN_OK) {
                if (err)
                    *err = j->workers[t].err;
                return j->workers[t].status;
            }
        if (j->o->progress)
            j->o->progress(j->o->context, j->first + size, n);
    }
    j->sweep->seconds = stn_clock_s() - begin_s;
    j->sweep->cpu_seconds = cpu_s() - begin_cpu_s;
    uint64_t first = UINT64_MAX;
    for (int t = 0; t < j->n_workers; t++)
        if (j->workers[t].refused < first) {
            first = j->workers[t].refused;
            memcpy(j->sweep->reason, j->workers[t].reason,
                   sizeof j->sweep->reason);
        }
    return STN_OK;
}

static void end(job *j)
{
    for (int t = 0; t < j->n_workers; t++) {
        worker *w = &j->workers[t];
        while (w->list) {
            mapped *next = w->list->next;
            free_mapped(w->list);
            w->list = next;
        }
        for (int i = 0; i < w->n_variants; i++)
            stn_program_destroy(w->variants[i].program);
        stn_free(w->variants);
        stn_free(w->arrays);
        stn_machine_source_close(w->source);
    }
    stn_free(j->workers);
    stn_pool_destroy(j->pool);
    for (int a = 0; a < j->o->n_axes && a < STN_SWEEP_AXES; a++) {
        for (int v = 0; j->values[a] && v < j->o->axes[a].n; v++)
            stn_yaml_destroy(j->values[a][v]);
        stn_free(j->values[a]);
    }
}

stn_status stn_sweep_run(const stn_sweep_options *options, stn_sweep **out,
                         stn_error *err)
{
    job j = {
        .o = options, .n_arrays = 1, .sweep = stn_alloc(1, sizeof *j.sweep)};
    if (!j.sweep)
        return stn_fail_memory(err, "a sweep");
    stn_status status = begin(&j, err);
    if (status == STN_OK)
        status = cost_points(&j, err);
    if (status == STN_OK)
        status = stn_sweep_find_front(options, j.sweep, err);
    if (status == STN_OK)
        status = check_points(&j, err);
    end(&j);
    if (status != STN_OK) {
        stn_sweep_destroy(j.sweep);
        return status;
    }
    *out = j.sweep;
    return STN_OK;
}

void stn_sweep_destroy(stn_sweep *sweep)
{
    if (!sweep)
        return;
    stn_free(sweep->points);
    stn_free(sweep);
}
