/* SPDX-License-Identifier: MIT
 *
 * `setun pack`: a run folder or checkpoint in, a .stn file out. The program is
 * all that executors read; where it came from goes along as metadata. */
#include "setun/pack.h"
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "pack/lower.h"
#include "pack/program_image.h"
#include "pack/write.h"
#include "setun/data.h"
#include "train/model.h"
#include <string.h>

/* recipe, variant, data, budget; seed, epochs, accuracy. */
#define MAX_PAIRS 7

typedef struct origin {
    stn_st_pair pairs[MAX_PAIRS];
    size_t n;
    char texts[3][64]; /* what result.json adds */
} origin;

/* result.json of the run, beside the checkpoint. */
static stn_status result_path(const char *run_or_checkpoint, char *path,
                              size_t capacity, stn_error *err)
{
    if (stn_directory_exists(run_or_checkpoint))
        return stn_path_format(path, capacity, err, "%s/result.json",
                               run_or_checkpoint);
    const char *slash = strrchr(run_or_checkpoint, '/');
    int folder = slash ? (int)(slash - run_or_checkpoint) + 1 : 0;
    return stn_path_format(path, capacity, err, "%.*sresult.json", folder,
                           run_or_checkpoint);
}

/* A number or a text as text; false for what is neither, or too long. */
static bool copy_text(const stn_json *node, char *out, size_t capacity)
{
    char number[STN_TEXT_DOUBLE];
    const char *text = node->string;
    if (node->kind == STN_JSON_NUMBER) {
        stn_text_from_double(node->number, number);
        text = number;
    } else if (node->kind != STN_JSON_STRING) {
        return false;
    }
    if (strlen(text) >= capacity)
        return false;
    memcpy(out, text, strlen(text) + 1);
    return true;
}

/* A run that was stopped before its end has no result: then nothing is
 * added. */
static stn_status add_result(origin *o, const char *run_or_checkpoint,
                             stn_error *err)
{
    static const char *const members[][2] = {
        {"seed", "seed"}, {"epochs", "epochs"}, {"test_accuracy", "accuracy"}};
    char path[1024];
    uint8_t *bytes = NULL;
    size_t size;
    stn_json_document *document = NULL;
    STN_TRY(result_path(run_or_checkpoint, path, sizeof path, err));
    if (!stn_file_exists(path))
        return STN_OK;
    stn_status status = stn_file_read(path, &bytes, &size, err);
    if (status == STN_OK)
        status =
            stn_json_parse(path, (const char *)bytes, size, &document, err);
    for (int i = 0; status == STN_OK && i < 3; i++) {
        const stn_json *node =
            stn_json_member(stn_json_root(document), members[i][0]);
        if (node && copy_text(node, o->texts[i], sizeof o->texts[i]))
            o->pairs[o->n++] = (stn_st_pair){members[i][1], o->texts[i]};
    }
    stn_json_destroy(document);
    stn_free(bytes);
    return status;
}

static stn_status describe(const stn_model *model,
                           const char *run_or_checkpoint, origin *o,
                           stn_error *err)
{
    const stn_recipe *r = model->recipe;
    o->pairs[o->n++] = (stn_st_pair){"recipe", r->id};
    o->pairs[o->n++] = (stn_st_pair){"variant", r->variant};
    o->pairs[o->n++] = (stn_st_pair){"data", stn_data_short_name(r->data)};
    o->pairs[o->n++] = (stn_st_pair){"budget", r->budget};
    return add_result(o, run_or_checkpoint, err);
}

/* Lowers the narrower networks of a model and joins them to `widest`. */
static stn_status lower_widths(const stn_model *model, const char *const *names,
                               stn_program *widest, stn_error *err)
{
    const stn_widths *widths = model->widths;
    stn_program_image *images[STN_WIDTHS_MAX] = {NULL};
    stn_status status = STN_OK;
    stn_pool *pool = NULL;
    int n = 0;
    STN_TRY(stn_pool_create(1, NULL, &pool, err));
    while (n < widths->n && status == STN_OK) {
        stn_compression *slices = NULL;
        stn_program *program = NULL;
        stn_width_load(widths, n, pool);
        status =
            stn_width_compression(widths, n, model->compression, &slices, err);
        if (status == STN_OK)
            status =
                stn_lower(widths->width[n].graph, slices, names, &program, err);
        stn_compression_destroy(slices);
        if (status == STN_OK)
            images[n++] = (stn_program_image *)program;
    }
    stn_pool_destroy(pool);
    if (status == STN_OK)
        return stn_program_join((stn_program_image *)widest, images,
                                model->recipe->widths, n + 1,
                                model->graph->name, err);
    for (int i = 0; i < n; i++)
        stn_program_destroy(&images[i]->program);
    return status;
}

/* Lowers with the names of the data set's classes when the data set is here
 * and fits; otherwise classes are called by their numbers. */
static stn_status lower(const stn_model *model, stn_program **program,
                        stn_error *err)
{
    const stn_graph *graph = model->graph;
    stn_dataset *data = NULL;
    const char **names = NULL;
    if (stn_dataset_open(model->recipe->data, &data, NULL) == STN_OK &&
        stn_dataset_classes(data) == graph->n_classes)
        names = stn_alloc((size_t)graph->n_classes, sizeof *names);
    for (int i = 0; names && i < graph->n_classes; i++)
        names[i] = stn_dataset_class_name(data, i);
    stn_status status =
        stn_lower(graph, model->compression, names, program, err);
    if (status == STN_OK && model->widths)
        status = lower_widths(model, names, *program, err);
    stn_free(names);
    stn_dataset_close(data);
    return status;
}

stn_status stn_pack(const char *run_or_checkpoint, const char *out_stn,
                    int window, stn_error *err)
{
    stn_model *model = NULL;
    stn_program *program = NULL, *split = NULL;
    origin o = {0};
    stn_status status = stn_model_load(run_or_checkpoint, &model, err);
    if (status != STN_OK)
        goto out;
    status = lower(model, &program, err);
    if (status != STN_OK)
        goto out;
    status = describe(model, run_or_checkpoint, &o, err);
    if (status != STN_OK)
        goto out;
    if (window)
        status = stn_program_split_time(program, window, &split, err);
    if (status == STN_OK)
        status = stn_program_write(out_stn, split ? split : program, o.pairs,
                                   o.n, err);
out:
    stn_program_destroy(split);
    stn_program_destroy(program);
    stn_model_destroy(model);
    return status;
}
