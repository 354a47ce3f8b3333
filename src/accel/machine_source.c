/* SPDX-License-Identifier: MIT
 *
 * The files of a machine: found, read and kept, cells and technologies by the
 * names under which the machine file asks for them. */
#include "accel/machine.h"
#include "base/file.h"
#include "base/share.h"
#include <stdio.h>
#include <string.h>

#define MAX_PARTS 64 /* cells and technologies that one sweep may name */

/* A cell or technology file. */
typedef struct part {
    const char *folder; /* "cells" or "tech" */
    char name[STN_NAME_CAPACITY];
    stn_yaml_document *document;
} part;

struct stn_machine_source {
    char name[STN_NAME_CAPACITY];
    stn_yaml_document *machine;
    part parts[MAX_PARTS];
    int n_parts;
    bool unlisted;
    stn_tech_cache *technologies; /* of an unlisted source */
    stn_machine_kept kept;        /* likewise; `set` and assigned since */
};

stn_status stn_yaml_need_text(const stn_yaml *map, const char *key,
                              const stn_yaml **out, stn_error *err)
{
    const stn_yaml *node = stn_yaml_get(map, key);
    if (!node)
        return stn_yaml_fail(map, err, "\"%s\" is missing", key);
    if (node->kind != STN_YAML_SCALAR || !node->scalar[0])
        return stn_yaml_fail(node, err, "%s: expected a text", key);
    *out = node;
    return STN_OK;
}

stn_status stn_yaml_need_map(const stn_yaml *map, const char *key,
                             const stn_yaml **out, stn_error *err)
{
    const stn_yaml *node = stn_yaml_get(map, key);
    if (!node)
        return stn_yaml_fail(map, err, "\"%s\" is missing", key);
    if (node->kind != STN_YAML_MAP)
        return stn_yaml_fail(node, err, "%s: expected a map", key);
    *out = node;
    return STN_OK;
}

static stn_status load_part(const stn_yaml *node, const char *folder, part *p,
                            stn_error *err)
{
    char path[1024];
    if (strspn(node->scalar, "abcdefghijklmnopqrstuvwxyz"
                             "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") !=
            strlen(node->scalar) ||
        strlen(node->scalar) >= sizeof p->name)
        return stn_yaml_fail(node, err,
                             "%s: got \"%.60s\", expected the name of a file "
                             "in share/setun/%s without .yaml",
                             node->key, node->scalar, folder);
    STN_TRY(stn_path_format(path, sizeof path, err, "%s/%s/%s.yaml",
                            stn_share_directory(), folder, node->scalar));
    if (!stn_file_exists(path))
        return stn_yaml_fail(node, err, "%s: there is no %s", node->key, path);
    STN_TRY(stn_yaml_load(path, &p->document, err));
    p->folder = folder;
    snprintf(p->name, sizeof p->name, "%s", node->scalar);
    return STN_OK;
}

/* The file that `key` of a map of the machine names now. */
static stn_status find_part(stn_machine_source *s, const stn_yaml *map,
                            const char *key, const char *folder, part **out,
                            stn_error *err)
{
    const stn_yaml *node = NULL;
    STN_TRY(stn_yaml_need_text(map, key, &node, err));
    for (int i = 0; i < s->n_parts; i++)
        if (strcmp(s->parts[i].folder, folder) == 0 &&
            strcmp(s->parts[i].name, node->scalar) == 0) {
            *out = &s->parts[i];
            return STN_OK;
        }
    if (s->n_parts == MAX_PARTS)
        return stn_yaml_fail(node, err, "more than %d cells and technologies",
                             MAX_PARTS);
    STN_TRY(load_part(node, folder, &s->parts[s->n_parts], err));
    *out = &s->parts[s->n_parts++];
    return STN_OK;
}

/* "machines/x.yaml" is called "x". */
static void set_name(stn_machine_source *s, const char *name)
{
    const char *slash = strrchr(name, '/');
    snprintf(s->name, sizeof s->name, "%s", slash ? slash + 1 : name);
    char *dot = strstr(s->name, ".yaml");
    if (dot)
        *dot = '\0';
}

static stn_status open_machine(const char *name, stn_machine_source *s,
                               stn_error *err)
{
    char path[STN_SHARE_PATH];
    STN_TRY(stn_share_find("machines", "machine", name, path, err));
    return stn_yaml_load(path, &s->machine, err);
}

/* The file that `path` is about, and the rest of the path. */
static stn_status document_of(stn_machine_source *s, const char **path,
                              stn_yaml_document **out, stn_error *err)
{
    bool cell = strncmp(*path, "cell.", 5) == 0;
    if (!cell && strncmp(*path, "tech.", 5) != 0) {
        *out = s->machine;
        return STN_OK;
    }
    part *p = NULL;
    STN_TRY(find_part(s, stn_yaml_root(s->machine), cell ? "cell" : "tech",
                      cell ? "cells" : "tech", &p, err));
    *path += 5;
    *out = p->document;
    return STN_OK;
}

/* Options have defaults, and a machine need not have a bank, digital units, a
 * buffer, modelled converters, a device, cells of another roadmap, figures of
 * its own or leaking circuits: these may be laid over a file that has none. */
static bool may_be_new(const stn_machine_source *s,
                       const stn_yaml_document *document, const char *path)
{
    static const char *const maps[] = {"bank",       "units",  "buffer",
                                       "converters", "device", "options",
                                       "events",     "areas",  "circuits"};
    if (document != s->machine)
        return false;
    for (size_t i = 0; i < sizeof maps / sizeof maps[0]; i++) {
        size_t n = strlen(maps[i]);
        if (strncmp(path, maps[i], n) == 0 && (!path[n] || path[n] == '.'))
            return true;
    }
    return strcmp(path, "array.cell_roadmap") == 0;
}

static stn_status set_text(stn_machine_source *s, const char *text,
                           stn_error *err)
{
    const char *equals = strchr(text, '=');
    char field[256];
    const char *path = field;
    stn_yaml_document *document = NULL;
    if (!equals)
        return stn_fail(err, STN_E_ARGUMENT,
                        "\"%.100s\": expected path.to.field=value", text);
    STN_TRY(stn_path_format(field, sizeof field, err, "%.*s",
                            (int)(equals - text), text));
    STN_TRY(document_of(s, &path, &document, err));
    return stn_yaml_set(document, path, equals + 1,
                        may_be_new(s, document, path), err);
}

stn_status stn_machine_source_open(const char *name, const char *const *set,
                                   int n_set, bool unlisted,
                                   stn_machine_source **out, stn_error *err)
{
    stn_machine_source *s = stn_alloc(1, sizeof *s);
    if (!s)
        return stn_fail_memory(err, "a machine");
    set_name(s, name);
    s->unlisted = unlisted;
    stn_machine_forget(&s->kept);
    stn_status status = open_machine(name, s, err);
    if (status == STN_OK && unlisted)
        status = stn_tech_cache_create(&s->technologies, err);
    for (int i = 0; status == STN_OK && i < n_set; i++)
        status = set_text(s, set[i], err);
    if (status != STN_OK) {
        stn_machine_source_close(s);
        return status;
    }
    *out = s;
    return STN_OK;
}

void stn_machine_source_close(stn_machine_source *source)
{
    if (!source)
        return;
    for (int i = 0; i < source->n_parts; i++)
        stn_yaml_destroy(source->parts[i].document);
    stn_yaml_destroy(source->machine);
    stn_tech_cache_destroy(source->technologies);
    stn_machine_forget(&source->kept);
    stn_free(source);
}

/* The field `name`, or one below it. */
static bool is_field(const char *path, const char *name)
{
    size_t n = strlen(name);
    return strncmp(path, name, n) == 0 && (!path[n] || path[n] == '.');
}

/* Figures of one event, when that is what `path` is about. */
static bool mark_event(stn_machine_kept *k, const char *path)
{
    if (is_field(path, "tech.events"))
        path += strlen("tech.");
    if (strncmp(path, "events.", 7) != 0)
        return false;
    for (int e = 0; e < STN_EVENT_COUNT; e++)
        if (is_field(path + 7, stn_events[e].name)) {
            k->stale_events |= (uint64_t)1 << e;
            return true;
        }
    return false;
}

/* What looks at a field is made anew; after one that is not listed here, such
 * as the feature size, everything. A buffer may be of the same cells. */
static void mark_stale(stn_machine_source *s, const char *path)
{
    static const struct {
        const char *field;
        unsigned parts;
    } list[] = {{"options", STN_MAKE_OPTIONS},
                {"baseline", STN_MAKE_OPTIONS},
                {"array", STN_MAKE_ARRAY},
                {"cell", STN_MAKE_ARRAY | STN_MAKE_BUFFER},
                {"buffer", STN_MAKE_BUFFER},
                {"units", STN_MAKE_UNITS},
                {"bank", STN_MAKE_UNITS},
                {"areas", STN_MAKE_AREAS},
                {"tech.areas", STN_MAKE_AREAS},
                {"circuits", STN_MAKE_CIRCUITS},
                {"converters", STN_MAKE_CIRCUITS}};
    if (strncmp(path, "cell.", 5) == 0)
        stn_tech_cache_forget_cells(s->technologies);
    if (mark_event(&s->kept, path))
        return;
    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        if (is_field(path, list[i].field)) {
            s->kept.stale |= list[i].parts;
            return;
        }
    s->kept.stale = STN_MAKE_ALL;
    s->kept.stale_events = UINT64_MAX;
}

stn_status stn_machine_source_assign(stn_machine_source *source,
                                     const char *path, const stn_yaml *value,
                                     stn_error *err)
{
    stn_yaml_document *document = NULL;
    mark_stale(source, path);
    STN_TRY(document_of(source, &path, &document, err));
    stn_yaml *node = stn_yaml_find(document, path);
    if (!node) {
        STN_TRY(stn_yaml_set(document, path, "",
                             may_be_new(source, document, path), err));
        node = stn_yaml_find(document, path);
    }
    stn_yaml_assign(node, value);
    return STN_OK;
}

stn_status stn_machine_source_build(stn_machine_source *source,
                                    const stn_array *array, stn_machine **out,
                                    stn_error *err)
{
    const stn_yaml *root = stn_yaml_root(source->machine);
    const stn_yaml *buffer = stn_yaml_get(root, "buffer");
    part *cell = NULL, *tech = NULL, *buffer_cell = NULL;
    STN_TRY(find_part(source, root, "cell", "cells", &cell, err));
    STN_TRY(find_part(source, root, "tech", "tech", &tech, err));
    if (buffer && buffer->kind == STN_YAML_MAP)
        STN_TRY(find_part(source, buffer, "cell", "cells", &buffer_cell, err));
    stn_machine_files files = {.root = root,
                               .cell = stn_yaml_root(cell->document),
                               .tech = stn_yaml_root(tech->document),
                               .cell_name = cell->name,
                               .tech_name = tech->name,
                               .array = array,
                               .technologies = source->technologies,
                               .unlisted = source->unlisted};
    if (buffer_cell) {
        files.buffer_cell = stn_yaml_root(buffer_cell->document);
        files.buffer_cell_name = buffer_cell->name;
    }
    return stn_machine_build(source->name, &files, &source->kept, out, err);
}

stn_status stn_machine_load(const char *name, const char *const *set, int n_set,
                            stn_machine **out, stn_error *err)
{
    stn_machine_source *source = NULL;
    STN_TRY(stn_machine_source_open(name, set, n_set, false, &source, err));
    stn_status status = stn_machine_source_build(source, NULL, out, err);
    stn_machine_source_close(source);
    return status;
}
