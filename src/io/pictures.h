/* SPDX-License-Identifier: MIT
 *
 * Lists of pictures sorted into classes, from a folder or an archive. */
#ifndef STN_IO_PICTURES_H
#define STN_IO_PICTURES_H

#include "io/dataset.h"

typedef struct stn_entry {
    stn_split split;
    const char *class_name, *name; /* in the list's arena */
    const uint8_t *pixels;         /* in the list's arena; NULL: on disk */
    int label;
    uint32_t rank; /* among its class, by name */
} stn_entry;

/* Initialise with {0}. */
typedef struct stn_entry_list {
    stn_arena arena; /* owns everything below */
    stn_entry *entries;
    size_t n, capacity;
} stn_entry_list;

/* Takes a path that ends in train/CLASS/NAME or test/CLASS/NAME of a picture
 * and appends it; *entry is NULL when the path is none of that. The entry is
 * valid until the next call. */
stn_status stn_entry_add(stn_entry_list *list, const char *path,
                         stn_entry **entry, stn_error *err);
/* Names the classes of `dataset` by sorted name, labels the entries, and
 * sorts them: training before test, then by rank and label, so that classes
 * alternate. *n_train of them are for training. */
stn_status stn_entries_sort(stn_entry_list *list, stn_dataset *dataset,
                            size_t *n_train, stn_error *err);

#endif
