/* SPDX-License-Identifier: MIT
 *
 * What stays of a results file, see results_kept.h. Files without "origins"
 * are of one command. */
#include "report/results_kept.h"
#include "base/file.h"
#include "base/memory.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void stn_result_condition(const char *conditions, int index,
                          char word[STN_CONDITION])
{
    const char *at = conditions;
    for (; index > 0 && at; index--) {
        at = strstr(at, ", ");
        at = at ? at + 2 : NULL;
    }
    const size_t length = at ? strcspn(at, ",") : 0;
    snprintf(word, STN_CONDITION, "%.*s", (int)length, at ? at : "");
}

void stn_result_subject(const char *conditions, char subject[STN_SUBJECT])
{
    char network[STN_CONDITION], data[STN_CONDITION];
    stn_result_condition(conditions, 0, network);
    stn_result_condition(conditions, 1, data);
    snprintf(subject, STN_SUBJECT, "%s, %s", network, data);
}

int stn_result_seeds(const stn_json *row)
{
    const char *at = strstr(stn_json_text(row, "conditions"), ", mean of ");
    return at ? atoi(at + strlen(", mean of ")) : 1;
}

static stn_status check(const stn_json *root, const char *path,
                        const char *system, stn_error *err)
{
    const stn_json *rows = stn_json_member(root, "rows");
    const char *found = stn_json_text(root, "system");
    if (!rows || rows->kind != STN_JSON_ARRAY || !*found)
        return stn_fail(err, STN_E_FORMAT,
                        "%s: is no results file (no 'system' and 'rows'); "
                        "move it away or name another by --results",
                        path);
    if (strcmp(found, system) != 0)
        return stn_fail(err, STN_E_ARGUMENT,
                        "%s: has results of '%s', not of '%s'; name another "
                        "file by --results",
                        path, found, system);
    return STN_OK;
}

stn_status stn_kept_load(const char *path, const char *system,
                         stn_json_document **out, stn_error *err)
{
    uint8_t *bytes = NULL;
    size_t size = 0;
    *out = NULL;
    if (!stn_file_exists(path))
        return STN_OK;
    STN_TRY(stn_file_read(path, &bytes, &size, err));
    stn_status status =
        stn_json_parse(path, (const char *)bytes, size, out, err);
    if (status == STN_OK)
        status = check(stn_json_root(*out), path, system, err);
    if (status != STN_OK) {
        stn_json_destroy(*out);
        *out = NULL;
    }
    stn_free(bytes);
    return status;
}

static bool is_about(const stn_json *row, const char *subject)
{
    char about[STN_SUBJECT];
    stn_result_subject(stn_json_text(row, "conditions"), about);
    return strcmp(about, subject) == 0;
}

int stn_kept_subjects(const stn_json *root, char (*subjects)[STN_SUBJECT],
                      int capacity)
{
    const stn_json *rows = stn_json_member(root, "rows");
    int n = 0;
    for (const stn_json *r = rows ? rows->first : NULL; r; r = r->next) {
        int i = 0;
        while (i < n && !is_about(r, subjects[i]))
            i++;
        if (i == n && n < capacity)
            stn_result_subject(stn_json_text(r, "conditions"), subjects[n++]);
    }
    return n;
}

const stn_json *stn_kept_find_origin(const stn_json *root, const char *subject)
{
    const stn_json *origins = stn_json_member(root, "origins");
    for (const stn_json *o = origins ? origins->first : NULL; o; o = o->next)
        if (!strcmp(stn_json_text(o, "subject"), subject))
            return o;
    return root;
}

void stn_kept_origin(const stn_json *root, const char *subject,
                     stn_json_writer *w)
{
    const stn_json *origin = stn_kept_find_origin(root, subject);
    stn_json_string(w, "commit", stn_json_text(origin, "commit"));
    stn_json_string(w, "machine", stn_json_text(origin, "machine"));
    stn_json_number(w, "seed", stn_json_number_or(origin, "seed", 1));
    stn_json_string(w, "command", stn_json_text(origin, "command"));
}

static void write_value(stn_json_writer *w, const stn_json *v)
{
    switch (v->kind) {
    case STN_JSON_NULL:
        stn_json_null(w, v->key);
        return;
    case STN_JSON_BOOL:
        stn_json_bool(w, v->key, v->boolean);
        return;
    case STN_JSON_NUMBER:
        stn_json_number(w, v->key, v->number);
        return;
    case STN_JSON_STRING:
        stn_json_string(w, v->key, v->string);
        return;
    case STN_JSON_ARRAY:
        stn_json_begin_array(w, v->key);
        break;
    case STN_JSON_OBJECT:
        stn_json_begin_object(w, v->key);
        break;
    }
    for (const stn_json *c = v->first; c; c = c->next)
        write_value(w, c);
    if (v->kind == STN_JSON_ARRAY)
        stn_json_end_array(w);
    else
        stn_json_end_object(w);
}

void stn_kept_rows(const stn_json *root, const char *subject,
                   stn_json_writer *w)
{
    const stn_json *rows = stn_json_member(root, "rows");
    for (const stn_json *r = rows ? rows->first : NULL; r; r = r->next)
        if (is_about(r, subject))
            write_value(w, r);
}
