/* SPDX-License-Identifier: MIT
 *
 * What the readers of data sets share. A reader fills a data set made by
 * stn_dataset_create; on failure the caller destroys it, so a reader cleans
 * up nothing that lives in the arena. */
#ifndef STN_IO_DATASET_H
#define STN_IO_DATASET_H

#include "base/memory.h"
#include "setun/data.h"
#include <stdbool.h>

#define STN_CLASSES_MAX 256 /* labels are bytes */

struct stn_dataset {
    stn_arena arena; /* owns everything below */
    const char *name, *path;
    int n_classes;
    const char **class_names;
    stn_images images[2]; /* by stn_split */
};

/* An empty data set; class names come later. */
stn_status stn_dataset_create(const char *name, const char *path,
                              stn_dataset **out, stn_error *err);
/* `names` may be NULL: then the numbers are the names. Copies them. */
stn_status stn_dataset_set_classes(stn_dataset *dataset, int n,
                                   const char *const *names, stn_error *err);
/* Room for a split of `shape` (its n, height, width and channels); the
 * pointers let the reader fill it. `file` is named in error texts. */
stn_status stn_dataset_allocate(stn_dataset *dataset, stn_split split,
                                stn_images shape, const char *file,
                                uint8_t **pixels, uint8_t **labels,
                                stn_error *err);
/* Refuses splits of different picture sizes. */
stn_status stn_dataset_check_splits(const stn_dataset *dataset, stn_error *err);

/* Called with the pictures read so far. `call` may be NULL. */
typedef struct stn_progress {
    void (*call)(void *context, size_t done);
    void *context;
} stn_progress;

/* Readers; each takes dataset->path, a folder (a file for tar). Class names
 * already set bound the labels of IDX and CIFAR; otherwise the file decides. */
stn_status stn_idx_read(stn_dataset *dataset, stn_error *err);
stn_status stn_cifar_read(stn_dataset *dataset, stn_error *err);
stn_status stn_folder_read(stn_dataset *dataset, stn_progress progress,
                           stn_error *err);
stn_status stn_tar_read(stn_dataset *dataset, stn_progress progress,
                        stn_error *err);
bool stn_idx_is_here(const char *folder);
bool stn_cifar_is_here(const char *folder);
bool stn_folder_is_here(const char *folder);

/* Known names; see find.c. */
typedef struct stn_known_dataset {
    const char *name, *description, *hint;
    const char *folders[3];     /* NULL-terminated: names to look for */
    const char *archive;        /* to convert when no folder is found, or
                                   NULL */
    const char *const *classes; /* STN_KNOWN_CLASSES of them */
} stn_known_dataset;
#define STN_KNOWN_CLASSES 10

/* NULL when the name is not known. */
const stn_known_dataset *stn_dataset_known(const char *name);
/* The folder (or, with *archive, the .tar.gz) of a name; STN_E_NOT_FOUND
 * lists the places. */
stn_status stn_dataset_find(const char *name, char *path, size_t capacity,
                            bool *archive, stn_error *err);
/* Where an archive is converted to, relative to the current folder. */
#define STN_CONVERTED_FOLDER "runs/data"

#endif
