/* SPDX-License-Identifier: MIT
 *
 * Files of a run. Every one is written whole and atomically; the log is kept
 * in memory for that (it is one line an epoch). Times live here and not in
 * the checkpoint, whose bytes must not depend on them. */
#include "train/run_folder.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

stn_status stn_run_folder_open(stn_run_folder *folder, const char *path,
                               stn_error *err)
{
    stn_run_folder f = {.lock_fd = -1, .start_s = stn_clock_s()};

    STN_TRY(stn_path_format(f.path, sizeof(f.path), err, "%s", path));
    STN_TRY(stn_path_format(f.checkpoint, sizeof(f.checkpoint), err,
                            "%s/checkpoint.safetensors", path));
    STN_TRY(stn_make_directories(path, err));
    /* The lock is on the folder itself and dies with the process. */
    f.lock_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (f.lock_fd < 0)
        return stn_fail(err, STN_E_IO, "%s: %s", path, strerror(errno));
    if (flock(f.lock_fd, LOCK_EX | LOCK_NB) != 0) {
        int reason = errno;
        close(f.lock_fd);
        if (reason == EWOULDBLOCK)
            return stn_fail(err, STN_E_ARGUMENT,
                            "%s: another process is training in this folder; "
                            "wait for it or use another folder",
                            path);
        return stn_fail(err, STN_E_IO, "%s: cannot lock: %s", path,
                        strerror(reason));
    }
    *folder = f;
    return STN_OK;
}

void stn_run_folder_close(stn_run_folder *folder)
{
    if (folder->lock_fd >= 0)
        close(folder->lock_fd);
    folder->lock_fd = -1;
    stn_free(folder->log);
    folder->log = NULL;
}

bool stn_run_folder_has_checkpoint(const stn_run_folder *folder)
{
    return stn_file_exists(folder->checkpoint);
}

static stn_status path_in(const stn_run_folder *folder, const char *name,
                          char path[STN_PATH_CAPACITY], stn_error *err)
{
    return stn_path_format(path, STN_PATH_CAPACITY, err, "%s/%s", folder->path,
                           name);
}

static stn_status write_text(const stn_run_folder *folder, const char *name,
                             const char *text, size_t size, stn_error *err)
{
    char path[STN_PATH_CAPACITY];

    STN_TRY(path_in(folder, name, path, err));
    return stn_file_write_atomic(path, text, size, err);
}

/* Parses a small JSON file of the folder. */
static stn_status read_json(const stn_run_folder *folder, const char *name,
                            stn_json_document **out, stn_error *err)
{
    char path[STN_PATH_CAPACITY];
    uint8_t *text;
    size_t size;
    stn_status status;

    STN_TRY(path_in(folder, name, path, err));
    if (!stn_file_exists(path))
        return stn_fail(err, STN_E_NOT_FOUND, "%s does not exist", path);
    STN_TRY(stn_file_read(path, &text, &size, err));
    status = stn_json_parse(path, (const char *)text, size, out, err);
    stn_free(text);
    return status;
}

/* NaN stands for null and for a missing member. */
static double number(const stn_json *root, const char *key)
{
    const stn_json *member = stn_json_member(root, key);

    return member && member->kind == STN_JSON_NUMBER ? member->number : NAN;
}

static void write_widths(stn_json_writer *w, const stn_train_result *result)
{
    if (!result->n_widths)
        return;
    stn_json_begin_array(w, "widths");
    for (int i = 0; i < result->n_widths; i++) {
        stn_json_begin_object(w, NULL);
        stn_json_number(w, "width", result->widths[i]);
        stn_json_number(w, "test_accuracy", result->width_accuracy[i]);
        stn_json_end_object(w);
    }
    stn_json_end_array(w);
}

static void read_widths(const stn_json *root, stn_train_result *result)
{
    const stn_json *list = stn_json_member(root, "widths");

    for (const stn_json *w = list ? list->first : NULL;
         w && result->n_widths < STN_WIDTHS_MAX; w = w->next) {
        result->widths[result->n_widths] = number(w, "width");
        result->width_accuracy[result->n_widths++] = number(w, "test_accuracy");
    }
}

static void read_clock(stn_run_folder *folder)
{
    stn_json_document *document;
    double seconds;

    /* A run that was killed before its first checkpoint has no clock. */
    if (read_json(folder, "clock.json", &document, NULL) != STN_OK)
        return;
    seconds = number(stn_json_root(document), "seconds");
    folder->earlier_s = seconds >= 0 ? seconds : 0;
    stn_json_destroy(document);
}

stn_status stn_run_folder_resume(stn_run_folder *folder, int n_epochs,
                                 stn_error *err)
{
    char path[STN_PATH_CAPACITY];
    uint8_t *text;
    size_t size, keep = 0;

    read_clock(folder);
    STN_TRY(path_in(folder, "log.jsonl", path, err));
    if (!stn_file_exists(path))
        return STN_OK;
    STN_TRY(stn_file_read(path, &text, &size, err));
    for (int lines = 0; keep < size && lines < n_epochs; keep++)
        lines += text[keep] == '\n';
    folder->log = (char *)text;
    folder->log_size = keep;
    return STN_OK;
}

stn_status stn_run_folder_write_recipe(const stn_run_folder *folder,
                                       const stn_recipe *recipe, stn_error *err)
{
    char *text;
    stn_status status;

    STN_TRY(stn_yaml_dump(stn_yaml_root(recipe->document), &text, err));
    status = write_text(folder, "recipe.yaml", text, strlen(text), err);
    stn_free(text);
    return status;
}

double stn_run_folder_seconds(const stn_run_folder *folder)
{
    return folder->earlier_s + stn_clock_s() - folder->start_s;
}

stn_status stn_run_folder_write_clock(const stn_run_folder *folder,
                                      stn_error *err)
{
    char text[64];
    int n = snprintf(text, sizeof(text), "{\"seconds\":%.3f}\n",
                     stn_run_folder_seconds(folder));

    return write_text(folder, "clock.json", text, (size_t)n, err);
}

/* Puts `text` and a newline behind the log in memory. */
static stn_status append(stn_run_folder *folder, const char *text, size_t size,
                         stn_error *err)
{
    char *grown = stn_alloc(folder->log_size + size + 1, 1);

    if (!grown)
        return stn_fail_memory(err, "log.jsonl");
    if (folder->log)
        memcpy(grown, folder->log, folder->log_size);
    memcpy(grown + folder->log_size, text, size);
    grown[folder->log_size + size] = '\n';
    stn_free(folder->log);
    folder->log = grown;
    folder->log_size += size + 1;
    return STN_OK;
}

stn_status stn_run_folder_log(stn_run_folder *folder,
                              const stn_epoch_record *record, stn_error *err)
{
    stn_json_writer w = {0};
    char *text;
    size_t size;
    stn_status status;

    stn_json_begin_object(&w, NULL);
    stn_json_int(&w, "epoch", record->epoch);
    stn_json_number(&w, "train_loss", record->train_loss);
    stn_json_number(&w, "train_accuracy", record->train_accuracy);
    stn_json_number(&w, "validation_accuracy", record->validation_accuracy);
    stn_json_number(&w, "group_density", record->group_density);
    stn_json_number(&w, "seconds", stn_run_folder_seconds(folder));
    stn_json_number(&w, "images_per_s", record->images_per_s);
    for (int i = 0; i < record->n_widths; i++) {
        char key[32 + STN_TEXT_DOUBLE] = "validation_accuracy_";
        stn_text_from_double(record->widths[i], key + strlen(key));
        stn_json_number(&w, key, record->width_accuracy[i]);
    }
    stn_json_end_object(&w);
    STN_TRY(stn_json_finish(&w, &text, &size, err));
    status = append(folder, text, size, err);
    stn_free(text);
    if (status != STN_OK)
        return status;
    return write_text(folder, "log.jsonl", folder->log, folder->log_size, err);
}

stn_status stn_run_folder_write_result(const stn_run_folder *folder,
                                       const stn_recipe *recipe, uint64_t seed,
                                       const stn_train_result *result,
                                       stn_error *err)
{
    stn_json_writer w = {.indent = 2};
    char *text, seed_text[32];
    size_t size;
    stn_status status;

    snprintf(seed_text, sizeof(seed_text), "%llu", (unsigned long long)seed);
    stn_json_begin_object(&w, NULL);
    stn_json_string(&w, "recipe", recipe->id);
    stn_json_string(&w, "variant", recipe->variant);
    stn_json_string(&w, "data", stn_data_short_name(recipe->data));
    stn_json_string(&w, "budget", recipe->budget);
    /* Text, since a JSON number loses bits above 2^53. */
    stn_json_string(&w, "seed", seed_text);
    stn_json_int(&w, "epochs", result->epochs);
    stn_json_number(&w, "test_accuracy", result->test_accuracy);
    stn_json_number(&w, "validation_accuracy", result->validation_accuracy);
    stn_json_number(&w, "train_loss", result->train_loss);
    stn_json_number(&w, "group_density", result->group_density);
    stn_json_number(&w, "compression", result->compression);
    stn_json_number(&w, "seconds", result->seconds);
    stn_json_number(&w, "images_per_s", result->images_per_s);
    write_widths(&w, result);
    stn_json_end_object(&w);
    STN_TRY(stn_json_finish(&w, &text, &size, err));
    status = write_text(folder, "result.json", text, size, err);
    stn_free(text);
    return status;
}

stn_status stn_run_folder_read_result(const stn_run_folder *folder,
                                      stn_train_result *result, stn_error *err)
{
    stn_json_document *document;
    const stn_json *root;
    double epochs;

    STN_TRY(read_json(folder, "result.json", &document, err));
    root = stn_json_root(document);
    epochs = number(root, "epochs");
    *result = (stn_train_result){
        .test_accuracy = number(root, "test_accuracy"),
        .validation_accuracy = number(root, "validation_accuracy"),
        .train_loss = number(root, "train_loss"),
        .group_density = number(root, "group_density"),
        .compression = number(root, "compression"),
        .seconds = number(root, "seconds"),
        .images_per_s = number(root, "images_per_s"),
        .epochs = epochs >= 0 && epochs < 1e9 ? (int)epochs : 0};
    read_widths(root, result);
    strcpy(result->out, folder->path);
    stn_json_destroy(document);
    return STN_OK;
}
