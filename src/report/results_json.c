/* SPDX-License-Identifier: MIT
 *
 * results/ID.json, and the summary of a reproduction or a single run that the
 * report shows. Texts are copied, never interpreted. */
#include "base/file.h"
#include "report/results.h"
#include "report/results_kept.h"
#include <string.h>

#define SUBJECTS_MAX 64 /* of the file before, and of now */

/* Keys separated by ", " as an array. */
static void write_list(stn_json_writer *w, const char *key, const char *list)
{
    char word[128];
    stn_json_begin_array(w, key);
    while (*list) {
        size_t n = strcspn(list, ",");
        snprintf(word, sizeof word, "%.*s", (int)n, list);
        stn_json_string(w, NULL, word);
        list += n + (list[n] == ',');
        list += strspn(list, " ");
    }
    stn_json_end_array(w);
}

/* Rows about a subject, or all of them for NULL, into the open array. */
static void write_rows(const stn_results *r, const char *subject,
                       stn_json_writer *w)
{
    for (int i = 0; i < r->n_rows; i++) {
        const stn_result_row *row = &r->rows[i];
        char about[STN_SUBJECT];
        stn_result_subject(row->conditions, about);
        if (subject && strcmp(about, subject) != 0)
            continue;
        stn_json_begin_object(w, NULL);
        stn_json_string(w, "quantity", row->quantity);
        stn_json_string(w, "conditions", row->conditions);
        stn_json_number(w, "published", row->published);
        stn_json_string(w, "published_confidence", row->published_confidence);
        stn_json_number(w, "ours", row->ours);
        stn_json_string(w, "unit", row->unit);
        write_list(w, "calibrated_by", row->calibrated_by);
        stn_json_string(w, "note", row->note);
        stn_json_end_object(w);
    }
}

/* Where figures come from. */
static void write_origin(const stn_results *r, stn_json_writer *w)
{
    const stn_reproduce_options *o = r->options;
    stn_json_string(w, "commit", r->commit);
    stn_json_string(w, "machine", r->cpu);
    if (!o)
        return;
    stn_json_int(w, "seed", (int64_t)o->seed);
    stn_json_string(w, "command", o->command ? o->command : "");
}

/* Makes the folder of `path` when it is missing. */
static stn_status make_parent(const char *path, stn_error *err)
{
    char folder[600];
    const char *slash = strrchr(path, '/');
    if (!slash || slash == path)
        return STN_OK;
    STN_TRY(stn_path_format(folder, sizeof folder, err, "%.*s",
                            (int)(slash - path), path));
    return stn_make_directories(folder, err);
}

static void find_subject(const stn_measure *m, char subject[STN_SUBJECT])
{
    snprintf(subject, STN_SUBJECT, "%s, %s", m->network, m->data);
}

static bool is_measured(const stn_results *r, const char *subject)
{
    for (int i = 0; i < r->n_measures; i++) {
        char about[STN_SUBJECT];
        find_subject(r->measures[i], about);
        if (!strcmp(about, subject))
            return true;
    }
    return false;
}

/* Subjects in the order of the file that is replaced, then the new ones. */
static int list_subjects(const stn_results *r, const stn_json *old,
                         char (*subjects)[STN_SUBJECT])
{
    int n = stn_kept_subjects(old, subjects, SUBJECTS_MAX);
    for (int i = 0; i < r->n_measures && n < SUBJECTS_MAX; i++) {
        int k = 0;
        find_subject(r->measures[i], subjects[n]);
        while (strcmp(subjects[k], subjects[n]) != 0)
            k++;
        n += k == n;
    }
    return n;
}

static void write_file(const stn_results *r, const stn_json *old,
                       stn_json_writer *w)
{
    char subjects[SUBJECTS_MAX][STN_SUBJECT];
    const int n = list_subjects(r, old, subjects);
    stn_json_begin_object(w, NULL);
    stn_json_string(w, "system", r->plan->id);
    write_origin(r, w);
    stn_json_begin_array(w, "origins");
    for (int i = 0; i < n; i++) {
        stn_json_begin_object(w, NULL);
        stn_json_string(w, "subject", subjects[i]);
        if (is_measured(r, subjects[i]))
            write_origin(r, w);
        else
            stn_kept_origin(old, subjects[i], w);
        stn_json_end_object(w);
    }
    stn_json_end_array(w);
    stn_json_begin_array(w, "rows");
    if (!r->n_measures)
        write_rows(r, NULL, w);
    for (int i = 0; i < n; i++)
        if (is_measured(r, subjects[i]))
            write_rows(r, subjects[i], w);
        else
            stn_kept_rows(old, subjects[i], w);
    stn_json_end_array(w);
    stn_json_end_object(w);
}

stn_status stn_results_write(const stn_results *results, const char *path,
                             stn_error *err)
{
    stn_json_writer w = {.indent = 2};
    char *text = NULL;
    size_t size = 0;
    stn_json_document *old = NULL;
    STN_TRY(stn_kept_load(path, results->plan->id, &old, err));
    /* A comparison measures no network: nothing stays. */
    bool keeps = old && results->n_measures;
    write_file(results, keeps ? stn_json_root(old) : NULL, &w);
    stn_json_destroy(old);
    STN_TRY(stn_json_finish(&w, &text, &size, err));
    stn_status status = make_parent(path, err);
    if (status == STN_OK)
        status = stn_file_write_atomic(path, text, size, err);
    stn_free(text);
    return status;
}

stn_status stn_results_summary(const stn_results *r, char **text,
                               stn_error *err)
{
    stn_json_writer w = {0};
    size_t size = 0;
    stn_status status = STN_OK;
    stn_json_begin_object(&w, NULL);
    if (r->plan) {
        stn_json_string(&w, "title", r->plan->title);
        stn_json_string(&w, "budget", r->options->budget);
        if (r->plan->baseline && r->plan->baseline->kind == STN_YAML_SCALAR)
            stn_json_string(&w, "baseline", r->plan->baseline->scalar);
        stn_json_string(&w, "system", r->plan->id);
    } else if (r->title) {
        stn_json_string(&w, "title", r->title);
        stn_json_string(&w, "command", r->command ? r->command : "");
    }
    write_origin(r, &w);
    stn_json_begin_array(&w, "skipped");
    for (int i = 0; i < r->n_skipped; i++)
        stn_json_string(&w, NULL, r->skipped[i]);
    stn_json_end_array(&w);
    stn_json_begin_array(&w, "variants");
    for (int i = 0; i < r->n_measures && status == STN_OK; i++)
        status = stn_measure_write(r->measures[i], &w, err);
    if (status != STN_OK) {
        stn_json_discard(&w);
        return status;
    }
    stn_json_end_array(&w);
    stn_json_begin_array(&w, "rows");
    write_rows(r, NULL, &w);
    stn_json_end_array(&w);
    if (r->machine)
        stn_measure_write_machine(r->machine, &w);
    stn_json_end_object(&w);
    return stn_json_finish(&w, text, &size, err);
}
