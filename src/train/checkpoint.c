/* SPDX-License-Identifier: MIT
 *
 * Writing and reading checkpoints. The tensor table is made once by walking
 * graph and optimiser (`list_tensors`); writing hands it over, reading copies
 * into the memory it names. */
#include "train/checkpoint.h"
#include "nn/circulant.h"

#include "base/file.h"
#include "base/json.h"
#include "base/safetensors.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FORMAT "setun-checkpoint 1"

/* Tensors of a model, as safetensors sees them. */
struct tensor_list {
    stn_arena arena;
    size_t n;
    stn_st_tensor *tensors;
    float **data; /* the same memory, writable */
};

static stn_status add_tensor(struct tensor_list *list, const stn_param *p,
                             const char *prefix, float *data, stn_error *err)
{
    stn_st_tensor *t = &list->tensors[list->n];
    size_t capacity = strlen(prefix) + sizeof(p->name);
    char *name = stn_arena_alloc(&list->arena, capacity, 1);

    if (!name)
        return stn_fail_memory(err, "the list of tensors");
    snprintf(name, capacity, "%s%s", prefix, p->name);
    *t = (stn_st_tensor){.name = name,
                         .dtype = "F32",
                         .rank = p->rank,
                         .data = data,
                         .size = p->count * sizeof(float)};
    for (int i = 0; i < p->rank; i++)
        t->shape[i] = p->dims[i];
    list->data[list->n++] = data;
    return STN_OK;
}

/* What penalties keep, as penalty.K.NAME. */
static stn_status list_penalties(struct tensor_list *list,
                                 const stn_compression *c, stn_error *err)
{
    for (int k = 0; k < STN_PENALTY_STATES; k++) {
        char prefix[32];

        snprintf(prefix, sizeof(prefix), "penalty.%d.", k);
        for (int i = 0; i < c->n; i++)
            if (c->bindings[i].penalty_state[k])
                STN_TRY(add_tensor(list, c->bindings[i].param, prefix,
                                   c->bindings[i].penalty_state[k], err));
    }
    return STN_OK;
}

/* Without an optimiser the latent values alone. */
static stn_status list_tensors(struct tensor_list *list, const stn_model *model,
                               const stn_optimiser *optimiser, stn_error *err)
{
    const stn_graph *graph = model->graph;
    size_t n = (size_t)graph->n_params *
               (1 + STN_OPTIMISER_MOMENTS + STN_PENALTY_STATES);

    list->tensors = stn_arena_alloc(&list->arena, n, sizeof(*list->tensors));
    list->data = stn_arena_alloc(&list->arena, n, sizeof(*list->data));
    if (!list->tensors || !list->data)
        return stn_fail_memory(err, "the list of tensors");
    for (int i = 0; i < graph->n_params; i++)
        STN_TRY(add_tensor(list, &graph->params[i], "", graph->params[i].latent,
                           err));
    for (int k = 0; optimiser && k < optimiser->type->n_moments; k++) {
        char prefix[32];

        snprintf(prefix, sizeof(prefix), "optimiser.%d.", k);
        for (int i = 0; i < graph->n_params; i++)
            if (optimiser->moments[i][k])
                STN_TRY(add_tensor(list, &graph->params[i], prefix,
                                   optimiser->moments[i][k], err));
    }
    return optimiser ? list_penalties(list, model->compression, err) : STN_OK;
}

static stn_status write_progress(const stn_counters *c, char **text,
                                 stn_error *err)
{
    stn_json_writer w = {0};
    size_t size;

    stn_json_begin_object(&w, NULL);
    stn_json_int(&w, "epoch", c->epoch);
    stn_json_int(&w, "step", c->step);
    stn_json_number(&w, "loss_sum", c->loss_sum);
    stn_json_int(&w, "n_correct", c->n_correct);
    stn_json_number(&w, "train_loss", c->train_loss);
    stn_json_number(&w, "train_accuracy", c->train_accuracy);
    stn_json_number(&w, "validation_accuracy", c->validation_accuracy);
    stn_json_end_object(&w);
    return stn_json_finish(&w, text, &size, err);
}

stn_status stn_checkpoint_write(const char *path, const stn_model *model,
                                const stn_optimiser *optimiser,
                                const stn_counters *counters, stn_error *err)
{
    struct tensor_list list = {0};
    char *recipe = NULL, *network = NULL, *progress = NULL, seed[32];
    stn_status status;

    snprintf(seed, sizeof(seed), "%" PRIu64, counters->seed);
    status = list_tensors(&list, model, optimiser, err);
    if (status == STN_OK)
        status =
            stn_yaml_dump(stn_yaml_root(model->recipe->document), &recipe, err);
    if (status == STN_OK)
        status =
            stn_yaml_dump(stn_yaml_root(model->recipe->network), &network, err);
    if (status == STN_OK)
        status = write_progress(counters, &progress, err);
    if (status == STN_OK) {
        const stn_st_pair metadata[] = {{"format", FORMAT},
                                        {"seed", seed},
                                        {"progress", progress},
                                        {"recipe", recipe},
                                        {"network", network}};
        status = stn_st_write(path, list.tensors, list.n, metadata,
                              sizeof(metadata) / sizeof(metadata[0]), err);
    }
    stn_free(progress);
    stn_free(network);
    stn_free(recipe);
    stn_arena_deinit(&list.arena);
    return status;
}

/* NULL, with `err` set to STN_E_FORMAT, when the key is absent. */
static const char *metadata(const stn_st_file *file, const char *key,
                            stn_error *err)
{
    const char *text = stn_st_metadata(file, key);

    if (!text)
        (void)stn_fail(
            err, STN_E_FORMAT,
            "%s: no metadata '%s'; this is not a checkpoint of setun",
            stn_st_path(file), key);
    return text;
}

static stn_status check_format(const stn_st_file *file, stn_error *err)
{
    const char *format = metadata(file, "format", err);

    if (!format)
        return STN_E_FORMAT;
    if (strcmp(format, FORMAT) != 0)
        return stn_fail(err, STN_E_UNSUPPORTED,
                        "%s: format '%s', expected '%s'", stn_st_path(file),
                        format, FORMAT);
    return STN_OK;
}

static stn_status read_tensors(const stn_st_file *file, const stn_model *model,
                               stn_optimiser *optimiser, stn_error *err)
{
    struct tensor_list list = {0};
    stn_status status = list_tensors(&list, model, optimiser, err);

    for (size_t i = 0; status == STN_OK && i < list.n; i++) {
        const stn_st_tensor *want = &list.tensors[i];
        const stn_st_tensor *got = stn_st_find(file, want->name);

        if (!got || strcmp(got->dtype, "F32") != 0 || got->size != want->size)
            status = stn_fail(err, STN_E_FORMAT,
                              "%s: tensor '%s' is missing or is not %zu bytes "
                              "of F32",
                              stn_st_path(file), want->name, want->size);
        else
            memcpy(list.data[i], got->data, want->size);
    }
    stn_arena_deinit(&list.arena);
    return status;
}

/* NaN for null, which is how JSON keeps it. */
static stn_status number(const stn_json *root, const char *key,
                         const char *where, double *out, stn_error *err)
{
    const stn_json *member = stn_json_member(root, key);

    if (member && member->kind == STN_JSON_NULL) {
        *out = NAN;
        return STN_OK;
    }
    return stn_json_get_number(root, key, where, out, err);
}

static stn_status parse_progress(const stn_json *root, const char *where,
                                 stn_counters *c, stn_error *err)
{
    int64_t epoch, step;

    STN_TRY(stn_json_get_int(root, "epoch", where, 0, INT32_MAX, &epoch, err));
    STN_TRY(stn_json_get_int(root, "step", where, 0, INT32_MAX, &step, err));
    STN_TRY(stn_json_get_int(root, "n_correct", where, 0, INT64_MAX,
                             &c->n_correct, err));
    STN_TRY(number(root, "loss_sum", where, &c->loss_sum, err));
    STN_TRY(number(root, "train_loss", where, &c->train_loss, err));
    STN_TRY(number(root, "train_accuracy", where, &c->train_accuracy, err));
    STN_TRY(number(root, "validation_accuracy", where, &c->validation_accuracy,
                   err));
    c->epoch = (int)epoch;
    c->step = (int)step;
    return STN_OK;
}

static stn_status read_progress(const stn_st_file *file, stn_counters *c,
                                stn_error *err)
{
    stn_json_document *document;
    const char *text = metadata(file, "progress", err);
    stn_status status;

    if (!text)
        return STN_E_FORMAT;
    STN_TRY(
        stn_json_parse(stn_st_path(file), text, strlen(text), &document, err));
    status = parse_progress(stn_json_root(document), stn_st_path(file), c, err);
    stn_json_destroy(document);
    return status;
}

/* Refuses a document that is not the stored one. */
static stn_status check_same(const stn_st_file *file, const char *key,
                             stn_yaml_document *now, stn_error *err)
{
    stn_yaml_document *stored;
    const char *text = metadata(file, key, err);
    char path[256];
    bool differs;

    if (!text)
        return STN_E_FORMAT;
    STN_TRY(stn_yaml_parse(stn_st_path(file), text, &stored, err));
    differs = stn_yaml_differs(stn_yaml_root(stored), stn_yaml_root(now), path,
                               sizeof(path));
    stn_yaml_destroy(stored);
    if (!differs)
        return STN_OK;
    return stn_fail(err, STN_E_ARGUMENT,
                    "%s: the run was started with another %s: field '%s' "
                    "differs; resume with the same one, or use a new folder",
                    stn_st_path(file), key, path);
}

static stn_status resume(const stn_st_file *file, stn_model *model,
                         stn_optimiser *optimiser, stn_counters *counters,
                         stn_error *err)
{
    const char *seed;
    char wanted[32];

    STN_TRY(check_format(file, err));
    seed = metadata(file, "seed", err);
    if (!seed)
        return STN_E_FORMAT;
    snprintf(wanted, sizeof(wanted), "%" PRIu64, counters->seed);
    if (strcmp(seed, wanted) != 0)
        return stn_fail(err, STN_E_ARGUMENT,
                        "%s: the run was started with seed %s, not %s; resume "
                        "with that seed, or use a new folder",
                        stn_st_path(file), seed, wanted);
    STN_TRY(check_same(file, "recipe", model->recipe->document, err));
    STN_TRY(check_same(file, "network", model->recipe->network, err));
    STN_TRY(read_progress(file, counters, err));
    return read_tensors(file, model, optimiser, err);
}

stn_status stn_checkpoint_resume(const char *path, stn_model *model,
                                 stn_optimiser *optimiser,
                                 stn_counters *counters, stn_error *err)
{
    stn_st_file *file;
    stn_status status;

    STN_TRY(stn_st_open(path, &file, err));
    status = resume(file, model, optimiser, counters, err);
    stn_st_close(file);
    return status;
}

static stn_status open_checkpoint(const char *run_or_checkpoint,
                                  stn_st_file **out, stn_error *err)
{
    bool folder = stn_directory_exists(run_or_checkpoint);
    char path[1024];

    STN_TRY(stn_path_format(path, sizeof(path), err, "%s%s", run_or_checkpoint,
                            folder ? "/checkpoint.safetensors" : ""));
    if (folder && !stn_file_exists(path))
        return stn_fail(err, STN_E_NOT_FOUND,
                        "%s: is no run folder (no checkpoint.safetensors); "
                        "'setun train' makes them",
                        run_or_checkpoint);
    return stn_st_open(path, out, err);
}

/* The node of which parameter `index` is the folded weight, or NULL. */
static const stn_node *folded_node(const stn_graph *graph, int index)
{
    for (int i = 0; i < graph->n_nodes; i++)
        if (graph->nodes[i].circulant && graph->nodes[i].params[0] == index)
            return &graph->nodes[i];
    return NULL;
}

/* Whether parameter `index` can start from `count` floats. */
static bool can_start(const stn_graph *graph, int index, size_t count)
{
    const stn_param *p = &graph->params[index];
    const stn_node *folded = folded_node(graph, index);

    return count == p->count ||
           (folded && count == stn_node_dense_count(folded, p));
}

/* `from`: the run to start from, as errors name it. */
static stn_status fail_start(const char *from, const stn_param *p, bool found,
                             stn_error *err)
{
    return stn_fail(err, STN_E_ARGUMENT,
                    "%s: weight '%s' %s; the run to start from must have the "
                    "same layers, names and sizes",
                    from, p->name, found ? "has another size" : "is missing");
}

static stn_status copy_latent(const stn_st_file *file, stn_graph *graph,
                              stn_error *err)
{
    for (int i = 0; i < graph->n_params; i++) {
        stn_param *p = &graph->params[i];
        const stn_st_tensor *got = stn_st_find(file, p->name);
        bool floats = got && strcmp(got->dtype, "F32") == 0;

        if (!floats || !can_start(graph, i, got->size / sizeof(float))) {
            if (p->role == STN_PARAM_WEIGHT)
                return fail_start(stn_st_path(file), p, got, err);
        } else if (got->size == p->count * sizeof(float)) {
            memcpy(p->latent, got->data, got->size);
        } else {
            stn_node_project_circulant(folded_node(graph, i), p, got->data);
        }
    }
    return STN_OK;
}

stn_status stn_checkpoint_check_start(const stn_model *from,
                                      const stn_model *model, stn_error *err)
{
    const stn_graph *graph = model->graph;
    char name[256];

    snprintf(name, sizeof(name), "'start: ' recipe '%s' with network '%s'",
             from->recipe->id, from->graph->name);
    for (int i = 0; i < graph->n_params; i++) {
        const stn_param *p = &graph->params[i];
        const stn_param *got = stn_graph_param(from->graph, p->name);

        if (p->role == STN_PARAM_WEIGHT &&
            !(got && can_start(graph, i, got->count)))
            return fail_start(name, p, got, err);
    }
    return STN_OK;
}

stn_status stn_checkpoint_start(const char *run_or_checkpoint, stn_model *model,
                                stn_error *err)
{
    stn_st_file *file;
    stn_status status;

    STN_TRY(open_checkpoint(run_or_checkpoint, &file, err));
    status = check_format(file, err);
    if (status == STN_OK)
        status = copy_latent(file, model->graph, err);
    stn_st_close(file);
    return status;
}

/* The seed of the run: what structures drew follows from it. */
static stn_status read_seed(const stn_st_file *file, uint64_t *seed,
                            stn_error *err)
{
    const char *text = metadata(file, "seed", err);
    char *end;

    if (!text)
        return STN_E_FORMAT;
    errno = 0;
    *seed = strtoull(text, &end, 10);
    if (errno || end == text || *end)
        return stn_fail(err, STN_E_FORMAT,
                        "the seed is '%.40s', expected a whole number", text);
    return STN_OK;
}

static stn_status load(const stn_st_file *file, stn_model **out, stn_error *err)
{
    const char *recipe_text, *network_text;
    stn_recipe *recipe;
    stn_model *model;
    stn_pool *pool;
    stn_status status;
    uint64_t seed;

    STN_TRY(check_format(file, err));
    STN_TRY(read_seed(file, &seed, err));
    recipe_text = metadata(file, "recipe", err);
    if (!recipe_text)
        return STN_E_FORMAT;
    network_text = metadata(file, "network", err);
    if (!network_text)
        return STN_E_FORMAT;
    STN_TRY(stn_recipe_restore(recipe_text, network_text, &recipe, err));
    STN_TRY(stn_model_create(recipe, seed, &model, err));
    status = read_tensors(file, model, NULL, err);
    if (status == STN_OK)
        status = stn_pool_create(1, NULL, &pool, err);
    if (status != STN_OK) {
        stn_model_destroy(model);
        return status;
    }
    stn_compression_apply(model->compression, pool);
    stn_pool_destroy(pool);
    *out = model;
    return STN_OK;
}

stn_status stn_model_load(const char *run_or_checkpoint, stn_model **out,
                          stn_error *err)
{
    stn_st_file *file;
    stn_status status;

    STN_TRY(open_checkpoint(run_or_checkpoint, &file, err));
    status = load(file, out, err);
    if (status != STN_OK)
        status = stn_fail_within(err, status, "%s", stn_st_path(file));
    stn_st_close(file);
    return status;
}
