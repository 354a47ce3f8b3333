/* SPDX-License-Identifier: MIT
 *
 * Lists of share/setun, and facts about this installation and machine. The
 * CPU's name and the memory come from Linux's /proc; elsewhere they are
 * "unknown". */
#include "setun/library.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/pool.h"
#include "base/yaml.h"
#include "setun/engine.h"
#include "tensor/onednn.h"
#include <dirent.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>
#include <zlib.h>

static const char *const FOLDERS[] = {"networks", "recipes", "machines",
                                      "comparisons"};

/* ---- lists */

static int by_id(const void *a, const void *b)
{
    return strcmp(((const stn_library_entry *)a)->id,
                  ((const stn_library_entry *)b)->id);
}

static void copy_text(const stn_yaml *root, const char *key, char *text,
                      size_t capacity)
{
    const stn_yaml *found = stn_yaml_get(root, key);
    if (found && found->kind == STN_YAML_SCALAR)
        snprintf(text, capacity, "%s", found->scalar);
}

static stn_status describe(stn_library_entry *entry, stn_error *err)
{
    stn_yaml_document *document = NULL;
    STN_TRY(stn_yaml_load(entry->path, &document, err));
    const stn_yaml *root = stn_yaml_root(document);
    copy_text(root, "description", entry->description,
              sizeof entry->description);
    copy_text(root, stn_yaml_get(root, "title") ? "title" : "description",
              entry->title, sizeof entry->title);
    entry->reproduces = stn_yaml_get(root, "reproduce") != NULL;
    const stn_yaml *variants = stn_yaml_get(root, "variants");
    size_t used = 0;
    for (const stn_yaml *v = variants ? variants->first : NULL;
         v && used < sizeof entry->variants; v = v->next)
        used += (size_t)snprintf(entry->variants + used,
                                 sizeof entry->variants - used, "%s%s",
                                 used ? ", " : "", v->key ? v->key : v->scalar);
    stn_yaml_destroy(document);
    return STN_OK;
}

/* Whether `name` is ID.yaml with an id that fits; copies it. */
static bool take_id(const char *name, char *id, size_t capacity)
{
    size_t n = strlen(name), suffix = strlen(".yaml");
    if (n <= suffix || strcmp(name + n - suffix, ".yaml") != 0 ||
        n - suffix >= capacity)
        return false;
    memcpy(id, name, n - suffix);
    id[n - suffix] = '\0';
    return true;
}

static stn_status grow(stn_library_entry **entries, size_t n, size_t *capacity,
                       stn_error *err)
{
    if (n < *capacity)
        return STN_OK;
    size_t wanted = *capacity ? 2 * *capacity : 32;
    stn_library_entry *grown = stn_alloc(wanted, sizeof *grown);
    if (!grown)
        return stn_fail_memory(err, "list of the library");
    if (n)
        memcpy(grown, *entries, n * sizeof *grown);
    stn_free(*entries);
    *entries = grown;
    *capacity = wanted;
    return STN_OK;
}

stn_status stn_library_list(stn_library_kind kind, stn_library_entry **entries,
                            size_t *n, stn_error *err)
{
    char folder[512];
    STN_TRY(stn_path_format(folder, sizeof folder, err, "%s/%s",
                            stn_share_directory(), FOLDERS[kind]));
    DIR *directory = opendir(folder);
    if (!directory)
        return stn_fail(err, STN_E_NOT_FOUND,
                        "%s: cannot open the folder; set SETUN_SHARE to the "
                        "folder that holds %s/",
                        folder, FOLDERS[kind]);
    stn_library_entry *found = NULL;
    size_t n_found = 0, capacity = 0;
    stn_status status = STN_OK;
    for (struct dirent *d; status == STN_OK && (d = readdir(directory));) {
        char id[sizeof found->id];
        if (!take_id(d->d_name, id, sizeof id))
            continue;
        status = grow(&found, n_found, &capacity, err);
        if (status != STN_OK)
            break;
        stn_library_entry *entry = &found[n_found++];
        memcpy(entry->id, id, sizeof id);
        status = stn_path_format(entry->path, sizeof entry->path, err, "%s/%s",
                                 folder, d->d_name);
        if (status == STN_OK)
            status = describe(entry, err);
    }
    closedir(directory);
    if (status != STN_OK) {
        stn_free(found);
        return status;
    }
    if (n_found)
        qsort(found, n_found, sizeof *found, by_id);
    *entries = found;
    *n = n_found;
    return STN_OK;
}

void stn_library_free(stn_library_entry *entries)
{
    stn_free(entries);
}

/* ---- facts */

/* The value after `key` and a colon in a file of /proc, or "unknown". */
static void proc_value(const char *path, const char *key, char *out,
                       size_t capacity)
{
    snprintf(out, capacity, "unknown");
    FILE *file = fopen(path, "r");
    if (!file)
        return;
    char line[512];
    while (fgets(line, sizeof line, file)) {
        const char *colon = strchr(line, ':');
        if (strncmp(line, key, strlen(key)) != 0 || !colon)
            continue;
        const char *value = colon + 1 + strspn(colon + 1, " \t");
        snprintf(out, capacity, "%.*s", (int)strcspn(value, "\n"), value);
        break;
    }
    fclose(file);
}

void stn_library_machine(char *out, size_t capacity)
{
    char cpu[256];
    proc_value("/proc/cpuinfo", "model name", cpu, sizeof cpu);
    int n = stn_cpu_count();
    snprintf(out, capacity, "%s, %d CPU%s", cpu, n, n == 1 ? "" : "s");
}

void stn_library_commit(char *out, size_t capacity)
{
    snprintf(out, capacity, "unknown");
    /* The tree this was built from, wherever data is taken from. Results are
     * not what figures come from: several commands in a row write them. */
    const char *share = STN_SOURCE_SHARE;
    char command[2048];
    if (strchr(share, '\'') ||
        snprintf(command, sizeof command,
                 "cd '%s' && c=$(git rev-parse HEAD 2>/dev/null) && "
                 "{ git diff --quiet HEAD -- :/ ':(top,exclude)results' "
                 "|| c=$c-dirty; echo $c; }",
                 share) >= (int)sizeof command)
        return;
    FILE *pipe = popen(command, "r");
    if (!pipe)
        return;
    char line[64] = "";
    bool read = fgets(line, sizeof line, pipe) != NULL;
    if (pclose(pipe) == 0 && read)
        snprintf(out, capacity, "%.*s", (int)strcspn(line, "\n"), line);
}

const char *stn_library_chart_script(void)
{
    static char installed[512];
    snprintf(installed, sizeof installed, "%s/chart.min.js",
             stn_share_directory());
    if (stn_file_exists(installed))
        return installed;
#ifdef STN_CHART_SCRIPT
    if (stn_file_exists(STN_CHART_SCRIPT))
        return STN_CHART_SCRIPT;
#endif
    return NULL;
}

/* Appends one fact; counts even those that do not fit. */
static void add(stn_fact *facts, size_t capacity, size_t *n, const char *name,
                const char *value)
{
    if (*n < capacity) {
        snprintf(facts[*n].name, sizeof facts[*n].name, "%s", name);
        snprintf(facts[*n].value, sizeof facts[*n].value, "%s", value);
    }
    ++*n;
}

static const char *levels(char *text, size_t capacity)
{
    int used = 0;
    for (int i = 0; i <= (int)stn_cpu_detect(); i++)
        used += snprintf(text + used, capacity - (size_t)used, "%s%s",
                         i ? ", " : "", stn_cpu_level_name((stn_cpu_level)i));
    return text;
}

size_t stn_library_facts(stn_fact *facts, size_t capacity)
{
    size_t n = 0;
    char text[512];
    stn_library_machine(text, sizeof text);
    add(facts, capacity, &n, "machine", text);
    add(facts, capacity, &n, "kernel levels", levels(text, sizeof text));
    proc_value("/proc/meminfo", "MemTotal", text, sizeof text);
    add(facts, capacity, &n, "memory", text);
    stn_library_commit(text, sizeof text);
    add(facts, capacity, &n, "commit", text);
    add(facts, capacity, &n, "compiler", STN_COMPILER_VERSION);
    add(facts, capacity, &n, "oneDNN", stn_onednn_version());
    add(facts, capacity, &n, "libyaml", yaml_get_version_string());
    add(facts, capacity, &n, "libpng", png_get_libpng_ver(NULL));
    add(facts, capacity, &n, "zlib", zlibVersion());
    const char *script = stn_library_chart_script();
    add(facts, capacity, &n, "Chart.js",
        script ? script
               : "missing: reports have tables only; "
                 "install libjs-chart.js and build again");
    add(facts, capacity, &n, "share", stn_share_directory());
    return n;
}
