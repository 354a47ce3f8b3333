/* SPDX-License-Identifier: MIT
 *
 * setun sweep: many machines for one network, by prediction. */
#include "engine.h"
#include "results.h"
#include "sweep_chart.h"
#include "setun/sweep.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_VALUES 4096 /* of one axis */
#define MAX_RESULTS 64  /* points of a results file, which is for tables */

/* clang-format off */
static const stn_option OPTIONS[] = {
    {"vary", 'v', true, "PATH=A,B,…", NULL,
     "values of a field; A:B:STEP is a range"},
    STN_CLI_MACHINE_SET,
    {"pareto", 'p', false, "A,B,…", "energy,latency",
     "objectives of the front: energy, latency, area, edp, programming"},
    {"csv", 0, false, "FILE", NULL,
     "write all points; - is stdout"},
    {"chart", 0, false, "FILE.svg", NULL,
     "draw all points by the first two objectives"},
    {"results", 0, false, "FILE", NULL,
     "write all points as results for 'setun table --data MACHINE', 64 at most"},
    {"weights", 0, false, "BITS", "1",
     "of a NETWORK: bits of its weights"},
    {"activations", 0, false, "BITS", "8",
     "of a NETWORK: bits of its activations"},
    {"ends", 0, false, "BITS", "8",
     "of a NETWORK: bits of the first and last layer's weights"},
    {"data", 'd', false, "NAME|DIR", NULL,
     "of a FILE.stn: execute a picture at the points that are checked"},
    {"check", 0, false, "N", "3",
     "points costed again by 'simulate', and executed with --data"},
    STN_CLI_THREADS,
    {"json", 0, false, NULL, NULL,
     "print summary and front as JSON"},
    {0},
};
/* clang-format on */

/* What one command line asks for; values are owned. */
typedef struct request {
    stn_sweep_options options;
    stn_sweep_axis axes[STN_SWEEP_AXES];
    stn_objective objectives[STN_OBJECTIVES];
    char *texts[STN_SWEEP_AXES]; /* what the values point into */
    stn_cli_subject subject;
} request;

static void progress(void *context, uint64_t done, uint64_t n_points,
                     double elapsed_s)
{
    (void)context;
    stn_cli_bar(&(stn_cli_work){
        .done = done, .n = n_points, .unit = "points", .elapsed_s = elapsed_s});
}

/* "64:1024:64" into texts behind one another; 0 when it is no range. */
static int expand_range(const char *item, char *out, size_t capacity,
                        const char **values, int room)
{
    double from, to, step;
    char rest;
    if (sscanf(item, "%lf:%lf:%lf%c", &from, &to, &step, &rest) != 3 ||
        !(step > 0))
        return 0;
    int n = 0;
    for (double v = from; v <= to * (1 + 1e-12) && n < room;
         v = from + step * ++n) {
        int length = snprintf(out, capacity, "%.10g", v);
        if (length < 0 || (size_t)length >= capacity)
            return 0;
        values[n] = out;
        out += length + 1;
        capacity -= (size_t)length + 1;
    }
    return n;
}

/* One --vary into an axis; prints what is wrong and returns false. */
static bool read_axis(const char *text, stn_sweep_axis *axis, char **memory)
{
    const char *equals = strchr(text, '=');
    size_t size = strlen(text) + 32 * (size_t)MAX_VALUES;
    if (!equals || equals == text || !equals[1]) {
        stn_cli_error("--vary: got \"%s\", expected PATH=A,B,…", text);
        return false;
    }
    char *copy = malloc(size + MAX_VALUES * sizeof(char *));
    if (!copy) {
        stn_cli_error("out of memory for --vary");
        return false;
    }
    *memory = copy;
    const char **values = (const char **)(void *)copy;
    char *at = copy + MAX_VALUES * sizeof(char *);
    memcpy(at, text, strlen(text) + 1);
    at[equals - text] = '\0';
    *axis = (stn_sweep_axis){.path = at, .values = values};
    char *item = at + (equals - text) + 1, *spare = at + strlen(text) + 1;
    for (char *next; item; item = next) {
        next = strchr(item, ',');
        if (next)
            *next++ = '\0';
        if (axis->n == MAX_VALUES) {
            stn_cli_error("--vary %s: more than %d values", at, MAX_VALUES);
            return false;
        }
        int n = expand_range(item, spare, size - (size_t)(spare - at),
                             values + axis->n, MAX_VALUES - axis->n);
        if (n)
            spare = strchr(values[axis->n + n - 1], '\0') + 1;
        else
            values[axis->n] = item;
        axis->n += n ? n : 1;
    }
    return true;
}

static bool read_objectives(const char *text, request *r)
{
    char copy[128];
    snprintf(copy, sizeof copy, "%s", text);
    for (char *item = copy, *next; item; item = next) {
        int index = 0;
        next = strchr(item, ',');
        if (next)
            *next++ = '\0';
        if (!stn_cli_choice("objective", item, stn_objective_names, &index))
            return false;
        if (r->options.n_objectives == STN_OBJECTIVES) {
            stn_cli_error("--pareto: an objective is named twice");
            return false;
        }
        r->objectives[r->options.n_objectives++] = (stn_objective)index;
    }
    r->options.objectives = r->objectives;
    return true;
}

static bool read_options(const stn_arguments *arguments, request *r)
{
    int n = 0;
    int64_t weights = 0, activations = 0, ends = 0, threads = 0, checks = 0;
    const char *const *vary = stn_cli_list(arguments, "vary", &n);
    stn_sweep_options *o = &r->options;
    if (n < 1 || n > STN_SWEEP_AXES) {
        stn_cli_error("setun sweep: got %d --vary, expected 1 to %d", n,
                      STN_SWEEP_AXES);
        return false;
    }
    for (o->n_axes = 0; o->n_axes < n; o->n_axes++)
        if (!read_axis(vary[o->n_axes], &r->axes[o->n_axes],
                       &r->texts[o->n_axes]))
            return false;
    if (!stn_cli_int(arguments, "weights", 1, 8, &weights) ||
        !stn_cli_int(arguments, "activations", 1, 16, &activations) ||
        !stn_cli_int(arguments, "ends", 1, 8, &ends) ||
        !stn_cli_int(arguments, "threads", 0, 4096, &threads) ||
        !stn_cli_int(arguments, "check", 0, 1000, &checks) ||
        !read_objectives(stn_cli_text(arguments, "pareto"), r))
        return false;
    o->machine = arguments->operands[0];
    o->set = stn_cli_list(arguments, "set", &o->n_set);
    o->outline = stn_outline_defaults();
    o->outline.weight_bits = (int)weights;
    o->outline.activation_bits = (int)activations;
    o->outline.end_bits = (int)ends;
    o->axes = r->axes;
    o->threads = (int)threads;
    o->n_checks = (int)checks;
    o->progress = progress;
    return true;
}

/* The network by name, or the packed program and a picture. */
static int open_subject(const stn_arguments *arguments, request *r)
{
    stn_error err = {0};
    const char *what = arguments->operands[1];
    const char *data = stn_cli_text(arguments, "data");
    size_t n = strlen(what);
    if (n < 4 || strcmp(what + n - 4, ".stn") != 0) {
        r->options.network = what;
        return STN_EXIT_OK;
    }
    stn_cli_subject *s = &r->subject;
    stn_status status = stn_program_read(what, &s->program, &err);
    if (status == STN_OK && data)
        status = stn_dataset_open(data, &s->dataset, &err);
    if (status == STN_OK && data)
        status = stn_pictures_create(s->dataset, s->program->input, 1,
                                     &s->pictures, &err);
    if (status != STN_OK)
        return stn_cli_fail(status, &err);
    r->options.program = s->program;
    r->options.pixels = s->pictures ? s->pictures->pixels : NULL;
    return STN_EXIT_OK;
}

static bool write_csv(const char *path, const request *r, const stn_sweep *s)
{
    FILE *file = strcmp(path, "-") == 0 ? stdout : fopen(path, "w");
    if (!file) {
        stn_cli_error("%s: cannot be written", path);
        return false;
    }
    for (int a = 0; a < r->options.n_axes; a++)
        fprintf(file, "%s,", r->axes[a].path);
    fprintf(file, "energy_j,latency_s,area_m2,edp_js,programming_energy_j,"
                  "sub_arrays,utilisation,front\n");
    for (uint64_t i = 0; i < s->n_points; i++) {
        const stn_sweep_point *p = &s->points[i];
        for (int a = 0; a < r->options.n_axes; a++)
            fprintf(file, "%s,",
                    r->axes[a].values[stn_sweep_value(&r->options, i, a)]);
        for (int k = 0; k < STN_OBJECTIVES; k++)
            fprintf(file, p->fits ? "%.9g," : ",", p->objective[k]);
        fprintf(file, "%llu,%.6g,%d\n", (unsigned long long)p->sub_arrays,
                p->utilisation, p->front);
    }
    bool written = !ferror(file);
    if (file != stdout)
        written = fclose(file) == 0 && written;
    if (!written)
        stn_cli_error("%s: writing failed", path);
    return written;
}

/* "row_packing=16 adc_bits=4": the last parts of the paths. */
static void name_point(const request *r, uint64_t index, char *out,
                       size_t capacity)
{
    size_t used = 0;
    for (int a = 0; a < r->options.n_axes && used < capacity; a++) {
        const char *path = r->axes[a].path, *dot = strrchr(path, '.');
        used += (size_t)snprintf(
            out + used, capacity - used, "%s%s=%s", a ? " " : "",
            dot ? dot + 1 : path,
            r->axes[a].values[stn_sweep_value(&r->options, index, a)]);
    }
}

/* Points that do not fit have no rows. */
static bool write_results(const char *path, const stn_arguments *arguments,
                          const request *r, const stn_sweep *s)
{
    stn_json_writer w = {.indent = 2};
    const char *network =
        r->options.program ? r->options.program->name : r->options.network;
    if (s->n_points > MAX_RESULTS) {
        stn_cli_error("--results: got %llu points, expected at most %d; --csv "
                      "writes any number",
                      (unsigned long long)s->n_points, MAX_RESULTS);
        return false;
    }
    stn_cli_results_begin(&w, "sweep", arguments);
    for (uint64_t i = 0; i < s->n_points; i++) {
        const stn_sweep_point *p = &s->points[i];
        char fields[256], conditions[512];
        name_point(r, i, fields, sizeof fields);
        snprintf(conditions, sizeof conditions, "%s, %s, %s", network,
                 r->options.machine, fields);
        if (!p->fits)
            continue;
        stn_cli_results_row(&w, "sub-arrays", conditions, (double)p->sub_arrays,
                            "");
        stn_cli_results_row(&w, "utilisation", conditions, 100 * p->utilisation,
                            "%");
        stn_cli_results_row(&w, "energy per image", conditions,
                            1e6 * p->objective[STN_OBJECTIVE_ENERGY], "uJ");
        stn_cli_results_row(&w, "latency per image", conditions,
                            1e3 * p->objective[STN_OBJECTIVE_LATENCY], "ms");
        stn_cli_results_row(&w, "area", conditions,
                            1e6 * p->objective[STN_OBJECTIVE_AREA], "mm2");
    }
    stn_cli_results_end(&w);
    return stn_cli_json_save(&w, path) == STN_EXIT_OK;
}

static bool write_chart(const char *path, const request *r, const stn_sweep *s)
{
    FILE *file = fopen(path, "w");
    bool written = file != NULL;
    if (file) {
        stn_cli_sweep_chart(&r->options, s, file);
        written = !ferror(file);
        written = fclose(file) == 0 && written;
    }
    if (!written)
        stn_cli_error("%s: cannot be written", path);
    return written;
}

static int by_first(const void *a, const void *b)
{
    const stn_sweep_point *const *x = a, *const *y = b;
    return (*x)->objective[0] < (*y)->objective[0]   ? -1
           : (*x)->objective[0] > (*y)->objective[0] ? 1
                                                     : 0;
}

#define SHOWN 24

static void print_front(const request *r, const stn_sweep *s,
                        const stn_sweep_point **front)
{
    stn_table_begin("rrrrrl", "energy", "latency", "area", "sub-arrays",
                    "utilisation", "fields", NULL);
    for (uint64_t i = 0; i < s->n_front && i < SHOWN; i++) {
        const stn_sweep_point *p = front[i];
        char fields[256];
        name_point(r, (uint64_t)(p - s->points), fields, sizeof fields);
        stn_table_cell("%s",
                       stn_cli_si(p->objective[STN_OBJECTIVE_ENERGY], "J"));
        stn_table_cell("%s",
                       stn_cli_si(p->objective[STN_OBJECTIVE_LATENCY], "s"));
        stn_table_cell("%s",
                       stn_cli_si(p->objective[STN_OBJECTIVE_AREA], "m2"));
        stn_table_cell("%llu", (unsigned long long)p->sub_arrays);
        stn_table_cell("%s", stn_cli_percent(p->utilisation, 1));
        stn_table_cell("%s", fields);
    }
    stn_table_end();
    if (s->n_front > SHOWN)
        printf("… and %llu more; --csv writes all\n",
               (unsigned long long)(s->n_front - SHOWN));
}

static void print_text(const request *r, const stn_sweep *s,
                       const stn_sweep_point **front)
{
    printf("%llu points, %llu fit, %llu on the front; %s, %s points a second "
           "and core\n",
           (unsigned long long)s->n_points, (unsigned long long)s->n_fit,
           (unsigned long long)s->n_front, stn_cli_si(s->seconds, "s"),
           stn_cli_count((double)s->n_points / s->cpu_seconds));
    if (s->n_checked)
        printf("%d points costed again%s: the same\n", s->n_checked,
               s->n_executed ? " and executed" : "");
    if (s->n_fit < s->n_points)
        printf("the first that does not fit: %s\n", s->reason);
    printf("\n");
    print_front(r, s, front);
}

static int print_json(const request *r, const stn_sweep *s,
                      const stn_sweep_point **front)
{
    stn_json_writer w = {.indent = 2};
    stn_json_begin_object(&w, NULL);
    stn_json_int(&w, "points", (int64_t)s->n_points);
    stn_json_int(&w, "fit", (int64_t)s->n_fit);
    stn_json_number(&w, "seconds", s->seconds);
    stn_json_number(&w, "cpu_seconds", s->cpu_seconds);
    stn_json_int(&w, "checked", s->n_checked);
    stn_json_int(&w, "executed", s->n_executed);
    stn_json_begin_array(&w, "front");
    for (uint64_t i = 0; i < s->n_front; i++) {
        uint64_t index = (uint64_t)(front[i] - s->points);
        stn_json_begin_object(&w, NULL);
        for (int a = 0; a < r->options.n_axes; a++)
            stn_json_string(
                &w, r->axes[a].path,
                r->axes[a].values[stn_sweep_value(&r->options, index, a)]);
        for (int k = 0; k < STN_OBJECTIVES; k++)
            stn_json_number(&w, stn_objective_names[k], front[i]->objective[k]);
        stn_json_int(&w, "sub_arrays", (int64_t)front[i]->sub_arrays);
        stn_json_number(&w, "utilisation", front[i]->utilisation);
        stn_json_end_object(&w);
    }
    stn_json_end_array(&w);
    stn_json_end_object(&w);
    return stn_cli_json(&w);
}

static int print(const stn_arguments *arguments, const request *r,
                 const stn_sweep *s)
{
    const stn_sweep_point **front =
        malloc((size_t)(s->n_front + 1) * sizeof *front);
    const char *csv = stn_cli_text(arguments, "csv");
    int code = STN_EXIT_OK;
    if (!front) {
        stn_cli_error("out of memory for the front");
        return STN_EXIT_FAILURE;
    }
    uint64_t n = 0;
    for (uint64_t i = 0; i < s->n_points; i++)
        if (s->points[i].front)
            front[n++] = &s->points[i];
    if (n)
        qsort(front, (size_t)n, sizeof *front, by_first);
    const char *chart = stn_cli_text(arguments, "chart");
    const char *results = stn_cli_text(arguments, "results");
    if ((csv && !write_csv(csv, r, s)) ||
        (chart && !write_chart(chart, r, s)) ||
        (results && !write_results(results, arguments, r, s)))
        code = STN_EXIT_FAILURE;
    else if (stn_cli_switch(arguments, "json"))
        code = print_json(r, s, front);
    else if (!csv || strcmp(csv, "-") != 0)
        print_text(r, s, front);
    free(front);
    return code;
}

static int run(const stn_arguments *arguments)
{
    request r = {0};
    stn_error err = {0};
    stn_sweep *sweep = NULL;
    int code = read_options(arguments, &r) ? open_subject(arguments, &r)
                                           : STN_EXIT_USAGE;
    if (code == STN_EXIT_OK) {
        stn_status status = stn_sweep_run(&r.options, &sweep, &err);
        code = status == STN_OK ? print(arguments, &r, sweep)
                                : stn_cli_fail(status, &err);
    }
    stn_sweep_destroy(sweep);
    stn_cli_close(&r.subject);
    for (int a = 0; a < STN_SWEEP_AXES; a++)
        free(r.texts[a]);
    return code;
}

const stn_command stn_cmd_sweep = {
    .name = "sweep",
    .operands = "MACHINE NETWORK|FILE.stn",
    .min_operands = 2,
    .max_operands = 2,
    .summary = "Cost every combination of machine fields; show the best",
    .details =
        "Predicts the cost of a network for all combinations of the values "
        "given by --vary, and prints those that no other beats in all "
        "objectives. A PATH is a field of the machine file (array.rows, "
        "options.carry, cell), of its cell or technology file "
        "(tech.events.link_bit.energy.value), or of a NETWORK "
        "(network.weights, network.activations, network.ends, "
        "network.density, network.PARAMETER).\n\nExample: setun sweep imce "
        "resnet18 --vary network.weights=1,2,4 --vary "
        "options.replicas=1,2,4,8 --pareto energy,latency,area",
    .options = OPTIONS,
    .run = run,
};
