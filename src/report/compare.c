/* SPDX-License-Identifier: MIT
 *
 * Published costs beside ours: every case is a network without weights,
 * predicted on a machine, or a converter. Nothing is trained, and no figure
 * is fitted to what is published. */
#include "base/file.h"
#include "report/compare.h"
#include "report/results.h"
#include "setun/compare.h"
#include "setun/library.h"
#include "setun/text.h"
#include <fnmatch.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* The public struct with what it points into. */
typedef struct comparison_image {
    stn_comparison comparison;
    stn_compare_file *file;
    double ours[STN_COMPARE_CASES][STN_COMPARE_QUANTITIES]; /* SI */
    double *of_events; /* [n_published], J */
    stn_result_row *rows;
    stn_arena arena;
} comparison_image;

static bool matches(const stn_compare_list *patterns, const char *name)
{
    bool some = false;
    for (int i = 0; i < patterns->n; i++)
        some |= fnmatch(patterns->items[i], name, 0) == 0;
    return some;
}

static bool counts(const stn_compare_case *c, const char *layer)
{
    return c->layers.n == 0 || matches(&c->layers, layer);
}

/* Counts the products of the layers that count, of integers. */
static double products_of(const stn_compare_case *c, const stn_program *program)
{
    double products = 0.0;
    for (int i = 0; i < program->n_instructions; i++) {
        uint64_t dense = 0, nonzero = 0;
        stn_instruction_operations(program, i, &dense, &nonzero);
        if (counts(c, program->instructions[i].name))
            products += (double)dense;
    }
    return products;
}

static stn_status predict(const stn_compare_case *c, const stn_machine *machine,
                          stn_simulation **out, double *products,
                          stn_error *err)
{
    stn_program *program = NULL, *split = NULL;
    const stn_simulate_options o = {.density = c->ones};
    if (c->is_float)
        return stn_simulate_float(machine, c->network, out, err);
    STN_TRY(stn_program_outline(c->network, &c->outline, &program, err));
    *products = products_of(c, program);
    stn_status status = STN_OK;
    if (c->window)
        status = stn_program_split_time(program, c->window, &split, err);
    if (status == STN_OK)
        status = stn_simulate(machine, split ? split : program, &o, out, err);
    stn_program_destroy(split);
    stn_program_destroy(program);
    return status;
}

/* Energies of figures that are of some events only. */
static stn_status sum_events(comparison_image *image, const stn_compare_case *c,
                             const stn_simulation *s, stn_error *err)
{
    const stn_compare_file *f = image->file;
    for (int i = 0; i < f->n_published; i++) {
        const stn_compare_published *p = &f->published[i];
        int n = 0;
        if (!p->events.n || &f->cases[p->of] != c)
            continue;
        for (int k = 0; k < s->n_layer_events; k++) {
            const stn_layer_event *e = &s->layer_events[k];
            if (!counts(c, s->layers[e->layer].name) ||
                !matches(&p->events, s->events[e->event].name))
                continue;
            image->of_events[i] += e->energy_j;
            n++;
        }
        if (!n)
            return stn_fail(err, STN_E_ARGUMENT,
                            "no event is called \"%.40s\" or like the other "
                            "'events' of a figure; 'setun simulate %s --on %s' "
                            "shows their names",
                            p->events.items[0], c->network, c->machine);
    }
    return STN_OK;
}

static stn_status cost_network(comparison_image *image,
                               const stn_compare_case *c,
                               const stn_machine *machine, double *ours,
                               stn_error *err)
{
    stn_simulation *s = NULL;
    double products = 0.0;
    int n = 0;
    STN_TRY(predict(c, machine, &s, &products, err));
    for (int i = 0; i < s->n_layers; i++) {
        if (!counts(c, s->layers[i].name))
            continue;
        ours[STN_COMPARE_ENERGY] += stn_cost_energy_j(&s->layers[i].cost);
        ours[STN_COMPARE_LATENCY] += s->layers[i].cost.latency_s;
        ours[STN_COMPARE_AREA] += stn_cost_area_m2(&s->layers[i].cost);
        n++;
    }
    ours[STN_COMPARE_POWER] =
        ours[STN_COMPARE_ENERGY] / ours[STN_COMPARE_LATENCY];
    ours[STN_COMPARE_EFFICIENCY] = 2.0 * products / ours[STN_COMPARE_ENERGY];
    ours[STN_COMPARE_DENSITY] =
        2.0 * products / ours[STN_COMPARE_LATENCY] / ours[STN_COMPARE_AREA];
    stn_status status = sum_events(image, c, s, err);
    stn_simulation_destroy(s);
    if (!n)
        return stn_fail(err, STN_E_ARGUMENT,
                        "case %s: no layer of %s is called like its 'layers'",
                        c->name, c->network);
    return status;
}

static stn_status cost_converter(const stn_compare_case *c,
                                 const stn_machine *machine, double *ours,
                                 stn_error *err)
{
    stn_adc_cost adcs[16];
    if (stn_machine_adcs(machine, adcs, 16) < c->adc_bits)
        return stn_fail(err, STN_E_ARGUMENT,
                        "case %s: %s has no converter of %d bits", c->name,
                        c->machine, c->adc_bits);
    const stn_adc_cost *adc = &adcs[c->adc_bits - 1];
    ours[STN_COMPARE_ENERGY] = adc->energy_j;
    ours[STN_COMPARE_LATENCY] = adc->latency_s;
    ours[STN_COMPARE_AREA] = adc->area_m2;
    ours[STN_COMPARE_POWER] = adc->power_w;
    return STN_OK;
}

static stn_status cost_case(comparison_image *image, int i, stn_error *err)
{
    const stn_compare_case *c = &image->file->cases[i];
    double *ours = image->ours[i];
    stn_machine *machine = NULL;
    stn_status status =
        stn_machine_load(c->machine, c->set.items, c->set.n, &machine, err);
    if (status == STN_OK)
        status = c->adc_bits ? cost_converter(c, machine, ours, err)
                             : cost_network(image, c, machine, ours, err);
    stn_machine_destroy(machine);
    return status == STN_OK ? STN_OK
                            : stn_fail_within(err, status, "case %s", c->name);
}

/* ---- rows */

static const char *format(comparison_image *image, const char *pattern,
                          const char *a, const char *b, const char *c,
                          const char *d)
{
    char text[512];
    snprintf(text, sizeof text, pattern, a, b, c, d);
    return stn_arena_string(&image->arena, text);
}

static void add(comparison_image *image, const char *quantity,
                const char *conditions, const char *unit, double ours,
                const stn_compare_published *p)
{
    image->rows[image->comparison.n_rows++] =
        (stn_result_row){.quantity = quantity,
                         .conditions = conditions,
                         .unit = unit,
                         .published = p ? p->value : NAN,
                         .published_confidence = p ? p->confidence : "",
                         .ours = ours,
                         .calibrated_by = "",
                         .note = p ? p->source : ""};
}

static const stn_compare_published *published_of(const stn_compare_file *f,
                                                 int of, int quantity)
{
    for (int i = 0; i < f->n_published; i++)
        if (f->published[i].over < 0 && f->published[i].of == of &&
            !f->published[i].events.n && f->published[i].quantity == quantity)
            return &f->published[i];
    return NULL;
}

static const char *conditions_of(comparison_image *image,
                                 const stn_compare_case *c)
{
    return format(image, "%s, %s, %s, %s", c->network, image->file->scope,
                  c->name, c->machine);
}

/* Energy, latency and area of case `i`, each beside what was published. */
static void add_case(comparison_image *image, int i)
{
    static const struct {
        const char *name, *unit;
        double scale;
    } rows[] = {{"energy per image", "uJ", 1e6},
                {"latency per image", "ms", 1e3},
                {"area", "mm2", 1e6},
                {"power", "W", 1},
                {"efficiency", "TOPS/W", 1e-12},
                {"density", "TOPS/mm2", 1e-18}};
    const stn_compare_file *f = image->file;
    const stn_compare_case *c = &f->cases[i];
    for (int q = 0; !c->adc_bits && q < STN_COMPARE_QUANTITIES; q++) {
        const stn_compare_published *p = published_of(f, i, q);
        if (q > STN_COMPARE_AREA && !p)
            continue;
        add(image, rows[q].name, conditions_of(image, c),
            p ? p->unit : rows[q].unit,
            image->ours[i][q] * (p ? p->scale : rows[q].scale), p);
    }
}

static void add_ratio(comparison_image *image, const stn_compare_published *p)
{
    const stn_compare_file *f = image->file;
    const stn_compare_case *of = &f->cases[p->of], *over = &f->cases[p->over];
    add(image,
        format(image, "%s ratio%s%s%s", stn_compare_quantity_names[p->quantity],
               "", "", ""),
        format(image, "%s over %s%s%s", of->name, over->name, "", ""), p->unit,
        image->ours[p->of][p->quantity] / image->ours[p->over][p->quantity], p);
}

/* Figure `i`, which is of some events only. */
static void add_events(comparison_image *image, int i)
{
    const stn_compare_published *p = &image->file->published[i];
    const stn_compare_case *c = &image->file->cases[p->of];
    char events[256];
    double ours = image->of_events[i];
    if (p->quantity == STN_COMPARE_EFFICIENCY)
        ours = image->ours[p->of][STN_COMPARE_EFFICIENCY] *
               image->ours[p->of][STN_COMPARE_ENERGY] / ours;
    stn_list_words(events, sizeof events, p->events.items);
    add(image,
        format(image, "%s of %s%s%s", stn_compare_quantity_names[p->quantity],
               events, "", ""),
        conditions_of(image, c), p->unit, ours * p->scale, p);
}

static stn_status fill(comparison_image *image, stn_error *err)
{
    const stn_compare_file *f = image->file;
    size_t n =
        STN_COMPARE_QUANTITIES * (size_t)f->n_cases + (size_t)f->n_published;
    image->rows = stn_arena_alloc(&image->arena, n, sizeof *image->rows);
    image->of_events =
        stn_arena_alloc(&image->arena, n, sizeof *image->of_events);
    if (!image->rows || !image->of_events)
        return stn_fail_memory(err, "a comparison");
    for (int i = 0; i < f->n_cases; i++)
        STN_TRY(cost_case(image, i, err));
    for (int i = 0; i < f->n_cases; i++)
        add_case(image, i);
    for (int i = 0; i < f->n_published; i++)
        if (f->published[i].events.n)
            add_events(image, i);
        else if (f->published[i].over >= 0)
            add_ratio(image, &f->published[i]);
    for (int i = 0; i < image->comparison.n_rows; i++)
        if (!image->rows[i].conditions || !image->rows[i].quantity)
            return stn_fail_memory(err, "a comparison");
    image->comparison.rows = image->rows;
    snprintf(image->comparison.title, sizeof image->comparison.title, "%s",
             f->title);
    return STN_OK;
}

/* The same file as a reproduction's. */
static stn_status write(const comparison_image *image, const char *id,
                        const char *path, const char *command, stn_error *err)
{
    const char *slash = strrchr(id, '/');
    stn_plan plan = {.title = image->comparison.title};
    stn_reproduce_options options = {.command = command, .seed = 1};
    stn_results r = {.plan = &plan,
                     .options = &options,
                     .n_rows = image->comparison.n_rows,
                     .rows = image->rows};
    STN_TRY(stn_path_format(plan.id, sizeof plan.id, err, "%s",
                            slash ? slash + 1 : id));
    stn_library_commit(r.commit, sizeof r.commit);
    stn_library_machine(r.cpu, sizeof r.cpu);
    return stn_results_write(&r, path, err);
}

stn_status stn_compare(const char *id, const char *results, const char *command,
                       stn_comparison **out, stn_error *err)
{
    comparison_image *image = stn_alloc(1, sizeof *image);
    if (!image)
        return stn_fail_memory(err, "a comparison");
    stn_status status = stn_compare_file_read(id, &image->file, err);
    if (status == STN_OK)
        status = fill(image, err);
    if (status == STN_OK && results)
        status = write(image, id, results, command, err);
    if (status != STN_OK) {
        stn_comparison_destroy(&image->comparison);
        return status;
    }
    *out = &image->comparison;
    return STN_OK;
}

void stn_comparison_destroy(stn_comparison *comparison)
{
    if (!comparison)
        return;
    comparison_image *image = (comparison_image *)comparison;
    stn_compare_file_destroy(image->file);
    stn_arena_deinit(&image->arena);
    stn_free(image);
}
