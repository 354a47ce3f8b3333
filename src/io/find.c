/* SPDX-License-Identifier: MIT
 *
 * The data sets known by name and the places where they may lie. */
#include "base/file.h"
#include "base/status.h"
#include "io/dataset.h"
#include "setun/text.h"
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const digits[STN_KNOWN_CLASSES] = {"0", "1", "2", "3", "4",
                                                      "5", "6", "7", "8", "9"};
static const char *const clothes[STN_KNOWN_CLASSES] = {
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
    "Sandal",      "Shirt",   "Sneaker",  "Bag",   "Ankle boot"};
static const char *const things[STN_KNOWN_CLASSES] = {
    "airplane", "automobile", "bird",  "cat",  "deer",
    "dog",      "frog",       "horse", "ship", "truck"};

static const stn_known_dataset known[] = {
    {.name = "mnist",
     .description = "70 000 handwritten digits, 28 x 28 grey, 10 classes",
     .hint = "put the four *-ubyte.gz files of MNIST into a folder mnist/ "
             "under $SETUN_DATA or runs/data",
     .folders = {"mnist"},
     .classes = digits},
    {.name = "fashion-mnist",
     .description = "70 000 pieces of clothing, 28 x 28 grey, 10 classes",
     .hint = "apt install dataset-fashion-mnist",
     .folders = {"fashion-mnist"},
     .classes = clothes},
    {.name = "cifar10",
     .description = "60 000 photographs, 32 x 32 RGB, 10 classes",
     .hint = "unpack cifar-10-binary.tar.gz, or put cifar10-jpeg.tar.gz into "
             "a folder cifar10/, under $SETUN_DATA or runs/data",
     .folders = {"cifar10", "cifar-10-batches-bin"},
     .archive = "cifar10-jpeg.tar.gz",
     .classes = things},
};
#define N_KNOWN (sizeof known / sizeof known[0])

const stn_known_dataset *stn_dataset_known(const char *name)
{
    for (size_t i = 0; i < N_KNOWN; i++)
        if (strcmp(known[i].name, name) == 0)
            return &known[i];
    return NULL;
}

/* The i-th place to look in, or false after the last: parts of $SETUN_DATA,
 * then the fixed ones. One that cannot be is an empty name, which matches
 * nothing. */
static bool place(size_t i, char out[PATH_MAX])
{
    char beside[PATH_MAX];
    const char *list = getenv("SETUN_DATA");
    while (list && *list) {
        size_t n = strcspn(list, ":");
        if (i-- == 0) {
            snprintf(out, PATH_MAX, "%.*s", n < PATH_MAX ? (int)n : 0, list);
            return true;
        }
        list += n + (list[n] == ':');
    }
    switch (i) {
    case 0:
        snprintf(out, PATH_MAX, "../shared/data");
        return true;
    case 1: /* share/setun lies in the checkout when we run from there */
        snprintf(beside, sizeof beside, "%s/../../../shared/data",
                 stn_share_directory());
        if (!realpath(beside, out))
            out[0] = '\0';
        return true;
    case 2:
        snprintf(out, PATH_MAX, "%s", STN_CONVERTED_FOLDER);
        return true;
    case 3:
        snprintf(out, PATH_MAX, "/usr/share/datasets");
        return true;
    }
    return false;
}

static bool is_dataset(const char *folder)
{
    return stn_idx_is_here(folder) || stn_cifar_is_here(folder) ||
           stn_folder_is_here(folder);
}

/* Looks for a folder `name` with data in every place. */
static bool find_folder(const char *name, char *path, size_t capacity)
{
    char where[PATH_MAX];
    for (size_t i = 0; place(i, where); i++)
        if (*where &&
            stn_path_format(path, capacity, NULL, "%s/%s", where, name) ==
                STN_OK &&
            is_dataset(path))
            return true;
    return false;
}

static bool find_archive(const stn_known_dataset *entry, char *path,
                         size_t capacity)
{
    char where[PATH_MAX];
    for (size_t i = 0; place(i, where); i++)
        if (*where &&
            stn_path_format(path, capacity, NULL, "%s/%s/%s", where,
                            entry->name, entry->archive) == STN_OK &&
            stn_file_exists(path))
            return true;
    return false;
}

static bool find_known(const stn_known_dataset *entry, char *path,
                       size_t capacity, bool *archive)
{
    *archive = false;
    for (const char *const *f = entry->folders; *f; f++)
        if (find_folder(*f, path, capacity))
            return true;
    *archive = entry->archive && find_archive(entry, path, capacity);
    return *archive;
}

static stn_status fail_not_found(const char *name,
                                 const stn_known_dataset *entry, stn_error *err)
{
    const char *names[N_KNOWN + 1] = {NULL};
    for (size_t i = 0; i < N_KNOWN; i++)
        names[i] = known[i].name;
    const char *nearest = entry ? NULL : stn_nearest_word(name, names);
    if (nearest)
        return stn_fail(err, STN_E_NOT_FOUND,
                        "data set %.100s: no such name or folder; did you "
                        "mean \"%s\"?",
                        name, nearest);
    char places[400] = "", where[PATH_MAX];
    size_t n = 0;
    for (size_t i = 0; place(i, where) && n < sizeof places; i++) {
        if (!*where)
            continue;
        int more = snprintf(places + n, sizeof places - n, "%s%s",
                            n ? ", " : "", where);
        n += more > 0 ? (size_t)more : 0;
    }
    return stn_fail(err, STN_E_NOT_FOUND,
                    "data set %.100s: not found in %s; %s", name, places,
                    entry ? entry->hint
                          : "give a folder, or mnist, fashion-mnist or "
                            "cifar10");
}

stn_status stn_dataset_find(const char *name, char *path, size_t capacity,
                            bool *archive, stn_error *err)
{
    const stn_known_dataset *entry = stn_dataset_known(name);
    *archive = false;
    bool found = entry ? find_known(entry, path, capacity, archive)
                       : *name && find_folder(name, path, capacity);
    return found ? STN_OK : fail_not_found(name, entry, err);
}

size_t stn_dataset_list(stn_dataset_entry *entries, size_t capacity)
{
    for (size_t i = 0; i < N_KNOWN && i < capacity; i++) {
        stn_dataset_entry *e = &entries[i];
        *e = (stn_dataset_entry){.name = known[i].name,
                                 .description = known[i].description};
        bool archive;
        if (!find_known(&known[i], e->path, sizeof e->path, &archive))
            e->path[0] = '\0';
        if (archive)
            snprintf(e->hint, sizeof e->hint,
                     "converted once, at first use, into " STN_CONVERTED_FOLDER
                     "/%s; JPEG is lossy, so accuracies "
                     "differ slightly from the original's",
                     e->name);
        else
            snprintf(e->hint, sizeof e->hint, "%s", known[i].hint);
    }
    return N_KNOWN;
}
