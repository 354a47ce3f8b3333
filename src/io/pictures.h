/* SPDX-License-Identifier: MIT
 *
 * Lists of pictures sorted into classes, from a folder or an archive. */
#ifndef STN_IO_PICTURES_H
#define STN_IO_PICTURES_H

#include "io/dataset.h"
#include "io/image.h"

typedef struct stn_entry {
    stn_split split;
    const char *class_name, *name; /* in the list's arena */
    stn_picture picture;           /* its pixels in the list's arena */
    int label;
    uint32_t rank; /* among its class, by name */
} stn_entry;

/* Initialise with {0}. */
typedef struct stn_entry_list {
    stn_arena arena; /* owns everything below */
    stn_entry *entries;
    size_t n, capacity;
    stn_images shape; /* of all pictures; RGB when one of them is */
    size_t n_kept;    /* pictures decoded */
} stn_entry_list;

/* Takes a path that ends in train/CLASS/NAME or test/CLASS/NAME of a picture
 * and appends it; *entry is NULL when the path is none of that. The entry is
 * valid until the next call. */
stn_status stn_entry_add(stn_entry_list *list, const char *path,
                         stn_entry **entry, stn_error *err);
/* Decodes `bytes` into the entry and tells `progress`. All pictures must have
 * the first one's height and width. `where` names it in error texts. */
stn_status stn_entry_decode(stn_entry_list *list, stn_entry *entry,
                            const char *where, const uint8_t *bytes,
                            size_t size, stn_progress progress, stn_error *err);
/* Moves decoded pictures into the data set: names its classes by sorted name,
 * orders by rank and label, so that classes alternate, and repeats grey over
 * the channels where some are RGB. */
stn_status stn_entries_store(stn_entry_list *list, stn_dataset *dataset,
                             stn_error *err);

#endif
