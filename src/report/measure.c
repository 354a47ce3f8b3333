/* SPDX-License-Identifier: MIT
 *
 * Measuring a run: pack, verify, evaluate, simulate; or, when nothing in it
 * is compressed, evaluate and cost its float graph. */
#include "report/measure.h"
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "setun/pack.h"
#include "setun/train.h"
#include "train/model.h"
#include <fnmatch.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static void say(const stn_measure_options *o, const char *text)
{
    if (o->say)
        o->say(o->context, text);
}

static const char *keep(stn_measure *m, const char *text)
{
    return stn_arena_string(&m->arena, text ? text : "");
}

/* An unsupported part becomes a note; other failures stay failures. */
static stn_status forgive(stn_measure *m, stn_status status,
                          const stn_measure_options *o, stn_error *err)
{
    if (status != STN_E_UNSUPPORTED)
        return status;
    snprintf(m->note, sizeof m->note, "%s", err->text);
    say(o, m->note);
    return STN_OK;
}

/* "test_accuracy" of the result, or of the width in its list. */
static double accuracy_of(const stn_json *root, double width)
{
    const stn_json *from = root, *list = stn_json_member(root, "widths");
    for (const stn_json *w = list ? list->first : NULL; w; w = w->next) {
        const stn_json *number = stn_json_member(w, "width");
        if (number && number->number == width)
            from = w;
    }
    double accuracy = NAN;
    stn_json_get_number(from, "test_accuracy", "result", &accuracy, NULL);
    return accuracy;
}

/* Test accuracy of the training graph from RUN/result.json. */
static double result_accuracy(const char *run, double width)
{
    char path[600];
    uint8_t *bytes = NULL;
    size_t size = 0;
    stn_json_document *document = NULL;
    double accuracy = NAN;
    if (stn_path_format(path, sizeof path, NULL, "%s/result.json", run) ||
        stn_file_read(path, &bytes, &size, NULL))
        return NAN;
    if (stn_json_parse(path, (char *)bytes, size, &document, NULL) == STN_OK)
        accuracy = accuracy_of(stn_json_root(document), width);
    stn_json_destroy(document);
    stn_free(bytes);
    return accuracy;
}

/* "shared@0.5". */
static const char *at_width(stn_measure *m, const char *name, double width)
{
    char number[STN_TEXT_DOUBLE], text[256];
    if (width == 1)
        return keep(m, name);
    stn_text_from_double(width, number);
    snprintf(text, sizeof text, "%s@%s", name, number);
    return keep(m, text);
}

size_t stn_measure_variant_size(const stn_measure *measure)
{
    return measure->width == 1 ? strlen(measure->variant)
                               : strcspn(measure->variant, "@");
}

/* ---- a packed run */

static stn_status verify(stn_measure *m, const stn_dataset *dataset,
                         const stn_measure_options *o, stn_error *err)
{
    if (o->verify_images <= 0)
        return STN_OK;
    stn_pictures *pictures = NULL;
    STN_TRY(stn_pictures_create(dataset, m->program->input,
                                (uint32_t)o->verify_images, &pictures, err));
    /* The machine is verified by the simulation, on its own pictures. */
    stn_verify_options options = {.threads = o->threads};
    stn_status status = stn_verify(m->program, pictures, &options, m->verified,
                                   &m->n_verified, err);
    stn_pictures_destroy(pictures);
    return status;
}

/* The machine, on the pictures that it executed. */
static void add_verified(stn_measure *m)
{
    const stn_simulation *s = m->simulation;
    stn_verification *v = &m->verified[m->n_verified++];
    *v = (stn_verification){.n = (uint32_t)s->n_pictures,
                            .n_mismatches = (uint32_t)s->n_mismatches,
                            .n_inexact = (uint32_t)s->n_inexact,
                            .seconds = s->seconds};
    snprintf(v->executor, sizeof v->executor, "machine %s", s->machine);
}

static stn_status simulate(stn_measure *m, const stn_dataset *dataset,
                           const stn_measure_options *o, stn_error *err)
{
    stn_pictures *pictures = NULL;
    stn_simulate_options options = {.threads = o->threads,
                                    .check = STN_CHECK_ALL};
    if (o->simulate_images > 0) {
        STN_TRY(stn_pictures_create(dataset, m->program->input,
                                    (uint32_t)o->simulate_images, &pictures,
                                    err));
        options.pixels = pictures->pixels;
        options.n_pictures = (int)pictures->n;
    }
    stn_status status =
        stn_simulate(o->machine, m->program, &options, &m->simulation, err);
    stn_pictures_destroy(pictures);
    if (status != STN_OK || m->simulation->n_pictures == 0)
        return forgive(m, status, o, err);
    add_verified(m);
    return STN_OK;
}

static stn_status evaluate(stn_measure *m, const stn_dataset *dataset,
                           const stn_measure_options *o, stn_error *err)
{
    stn_pictures *pictures = NULL;
    stn_evaluation e;
    stn_engine_options options = stn_engine_defaults();
    options.threads = o->threads;
    STN_TRY(stn_pictures_create(dataset, m->program->input, 0, &pictures, err));
    stn_status status = stn_evaluate(m->program, pictures, &options, &e, err);
    stn_pictures_destroy(pictures);
    if (status != STN_OK)
        return status;
    m->accuracy = e.accuracy;
    m->n_images = e.n;
    m->images_per_s = e.images_per_s;
    return STN_OK;
}

static stn_status measure_packed(stn_measure *m, const stn_measure_options *o,
                                 stn_error *err)
{
    char path[600];
    stn_dataset *dataset = NULL;
    STN_TRY(stn_path_format(path, sizeof path, err, "%s/model.stn", m->run));
    stn_status status = stn_pack(m->run, path, 0, err);
    if (status != STN_OK)
        return forgive(m, status, o, err);
    STN_TRY(stn_program_read(path, &m->program, err));
    if (m->width != 1) {
        const stn_program *narrow;
        STN_TRY(stn_program_at_width(m->program, m->width, &narrow, err));
        m->program = (stn_program *)narrow; /* which owns the others, too */
    }
    m->file_bytes = (double)m->program->file_bytes;
    STN_TRY(stn_measure_program_layers(m, err));
    STN_TRY(stn_dataset_open(m->data, &dataset, err));
    status = verify(m, dataset, o, err);
    if (status == STN_OK)
        status = evaluate(m, dataset, o, err);
    if (status == STN_OK)
        status = simulate(m, dataset, o, err);
    if (status == STN_OK && o->n_bits)
        status = stn_measure_narrow(m, dataset, o, err);
    if (status == STN_OK && o->windows)
        status = stn_measure_windows(m, dataset, o, err);
    if (status == STN_OK && o->n_resolutions)
        status = stn_measure_adcs(m, dataset, o, err);
    stn_dataset_close(dataset);
    return status;
}

/* ---- a float run */

static stn_status measure_float(stn_measure *m, const stn_graph *graph,
                                const stn_measure_options *o, stn_error *err)
{
    m->is_float = true;
    STN_TRY(stn_measure_graph_layers(m, graph, err));
    for (int i = 0; i < m->n_layers; i++)
        m->file_bytes += (double)m->layers[i].weight_bytes;
    STN_TRY(stn_train_evaluate(m->run, m->data, o->threads, &m->accuracy,
                               &m->images_per_s, err));
    stn_dataset *dataset = NULL;
    STN_TRY(stn_dataset_open(m->data, &dataset, err));
    m->n_images = stn_dataset_images(dataset, STN_SPLIT_TEST)->n;
    stn_dataset_close(dataset);
    return forgive(
        m, stn_simulate_float(o->machine, m->run, &m->simulation, err), o, err);
}

stn_status stn_measure_run(const char *run, const char *variant,
                           const char *title,
                           const stn_measure_options *options,
                           stn_measure **out, stn_error *err)
{
    stn_error own;
    err = err ? err : &own; /* notes need the text */
    stn_model *model = NULL;
    STN_TRY(stn_model_load(run, &model, err));
    stn_status status = STN_OK;
    stn_measure *m = stn_alloc(1, sizeof *m);
    if (m) {
        m->run = keep(m, run);
        m->width = options->width > 0 ? options->width : 1;
        m->variant =
            at_width(m, variant ? variant : model->recipe->variant, m->width);
        m->title = at_width(m, title ? title : "", m->width);
        m->data = keep(m, model->recipe->data);
        m->network = keep(m, model->graph->name);
    }
    if (!m || !m->run || !m->variant || !m->title || !m->data || !m->network) {
        status = stn_fail_memory(err, "measures of a run");
        goto out;
    }
    m->accuracy = m->images_per_s = m->train_s = NAN;
    m->graph_accuracy = result_accuracy(run, m->width);
    if (model->compression->n == 0)
        status = measure_float(m, model->graph, options, err);
    else
        status = measure_packed(m, options, err);
out:
    stn_model_destroy(model);
    if (status == STN_OK)
        *out = m;
    else
        stn_measure_destroy(m);
    return status;
}

/* ---- a simulation */

stn_status stn_measure_simulated(const stn_program *program,
                                 const stn_simulation *simulation,
                                 stn_measure **out, stn_error *err)
{
    stn_measure *m = stn_alloc(1, sizeof *m);
    if (!m)
        return stn_fail_memory(err, "a report");
    *m = (stn_measure){.variant = program->name,
                       .title = program->name,
                       .network = program->name,
                       .data = "",
                       .run = "",
                       .width = 1,
                       .accuracy = NAN,
                       .graph_accuracy = NAN,
                       .images_per_s = NAN,
                       .file_bytes = (double)program->file_bytes,
                       .program = (stn_program *)program,
                       .simulation = (stn_simulation *)simulation,
                       .borrows = true};
    stn_status status = stn_measure_program_layers(m, err);
    if (status != STN_OK) {
        stn_measure_destroy(m);
        return status;
    }
    if (simulation->n_pictures)
        add_verified(m);
    *out = m;
    return STN_OK;
}

void stn_measure_destroy(stn_measure *measure)
{
    if (!measure)
        return;
    if (!measure->borrows) {
        stn_simulation_destroy(measure->simulation);
        stn_program_destroy(measure->program);
    }
    stn_arena_deinit(&measure->arena);
    stn_free(measure);
}

/* ---- sums */

static bool matches(const char *pattern, const char *name)
{
    return !pattern || fnmatch(pattern, name, 0) == 0;
}

stn_measure_sum stn_measure_total(const stn_measure *measure,
                                  const char *pattern)
{
    stn_measure_sum sum = {.min_live_sparsity = NAN};
    for (int i = 0; i < measure->n_layers; i++) {
        const stn_measure_layer *l = &measure->layers[i];
        if (!matches(pattern, l->name))
            continue;
        sum.weight_bytes += (double)l->weight_bytes;
        sum.n_weights += l->n_weights;
        sum.n_stored += l->n_stored;
        sum.value_bits += l->value_bits;
        sum.index_bits += l->index_bits;
        sum.add_subtract += l->add_subtract;
        sum.multiply += l->multiply;
        sum.rescale += l->rescale;
        if (!l->n_groups)
            continue;
        sum.n_ternary += l->n_weights;
        sum.n_ternary_zero += l->n_weights - l->n_nonzero;
        sum.n_groups += l->n_groups;
        sum.n_live += l->n_live;
        if (!(sum.min_live_sparsity <= l->min_live_sparsity))
            sum.min_live_sparsity = l->min_live_sparsity;
    }
    const stn_simulation *s = measure->simulation;
    if (!s) {
        sum.energy_j = sum.latency_s = sum.area_m2 = NAN;
        return sum;
    }
    for (int i = 0; i < s->n_layers; i++) {
        if (!matches(pattern, s->layers[i].name))
            continue;
        sum.energy_j += stn_cost_energy_j(&s->layers[i].cost);
        sum.latency_s += s->layers[i].cost.latency_s;
        sum.area_m2 += stn_cost_area_m2(&s->layers[i].cost);
    }
    return sum;
}

double stn_measure_group_density(const stn_measure_sum *sum)
{
    return sum->n_groups ? (double)sum->n_live / sum->n_groups : NAN;
}

double stn_measure_compression(const stn_measure_sum *sum)
{
    double kept = stn_measure_group_density(sum) * (1 - sum->min_live_sparsity);
    return kept > 0 ? 16 / kept : NAN;
}

double stn_measure_accuracy(const stn_measure *measure)
{
    double sum = measure->accuracy;
    for (int i = 0; i < measure->n_seeds; i++)
        sum += measure->seed_accuracy[i];
    return sum / (measure->n_seeds + 1);
}

uint32_t stn_measure_mismatches(const stn_measure *measure)
{
    uint32_t n = 0;
    for (int i = 0; i < measure->n_verified; i++)
        n += measure->verified[i].n_mismatches;
    return n;
}
