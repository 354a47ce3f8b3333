/* SPDX-License-Identifier: MIT
 *
 * The order of pictures: sorted names, interleaved over classes, so that any
 * leading part of a split holds about as many of each class. Independent of
 * the order in which a file system or archive lists them. */
#include "io/pictures.h"
#include "base/status.h"
#include <stdlib.h>
#include <string.h>

static const char *const splits[] = {"train", "test"};

static stn_status grow(stn_entry_list *list, stn_error *err)
{
    if (list->n < list->capacity)
        return STN_OK;
    size_t capacity = list->capacity ? 2 * list->capacity : 256;
    stn_entry *entries =
        stn_arena_alloc(&list->arena, capacity, sizeof *entries);
    if (!entries)
        return stn_fail_memory(err, "a list of pictures");
    if (list->n > 0)
        memcpy(entries, list->entries, list->n * sizeof *entries);
    list->entries = entries;
    list->capacity = capacity;
    return STN_OK;
}

/* The start of the path component before `end`, or NULL when there is none;
 * `end` points at a '/' or the final NUL. */
static const char *component(const char *path, const char *end)
{
    if (end <= path)
        return NULL;
    const char *start = end;
    while (start > path && start[-1] != '/')
        start--;
    return start;
}

stn_status stn_entry_add(stn_entry_list *list, const char *path,
                         stn_entry **entry, stn_error *err)
{
    *entry = NULL;
    const char *name = component(path, path + strlen(path));
    const char *class = name ? component(path, name - 1) : NULL;
    const char *split = class ? component(path, class - 1) : NULL;
    if (!split || !stn_picture_name(name) || class[0] == '.')
        return STN_OK;
    int which = 0;
    size_t length = (size_t)(class - 1 - split);
    while (which < 2 && (strlen(splits[which]) != length ||
                         strncmp(splits[which], split, length) != 0))
        which++;
    if (which == 2)
        return STN_OK;
    STN_TRY(grow(list, err));
    char *class_copy = stn_arena_string(&list->arena, class);
    char *name_copy = stn_arena_string(&list->arena, name);
    if (!class_copy || !name_copy)
        return stn_fail_memory(err, "a list of pictures");
    class_copy[name - 1 - class] = '\0';
    *entry = &list->entries[list->n++];
    **entry = (stn_entry){
        .split = (stn_split)which, .class_name = class_copy, .name = name_copy};
    return STN_OK;
}

static int by_name(const void *a, const void *b)
{
    const stn_entry *x = a, *y = b;
    if (x->split != y->split)
        return x->split < y->split ? -1 : 1;
    int order = strcmp(x->class_name, y->class_name);
    return order ? order : strcmp(x->name, y->name);
}

static int by_rank(const void *a, const void *b)
{
    const stn_entry *x = a, *y = b;
    if (x->split != y->split)
        return x->split < y->split ? -1 : 1;
    if (x->rank != y->rank)
        return x->rank < y->rank ? -1 : 1;
    return (x->label > y->label) - (x->label < y->label);
}

/* Label of a class among the `n` sorted names, or -1. */
static int label_of(const char *name, const char *const *names, int n)
{
    for (int i = 0; i < n; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    return -1;
}

/* Entries are sorted by name: gives each its label and rank. */
static stn_status label_entries(stn_entry_list *list, const char *where,
                                const char *names[STN_CLASSES_MAX],
                                int *n_classes, stn_error *err)
{
    int n = 0;
    for (size_t i = 0; i < list->n; i++) {
        stn_entry *e = &list->entries[i];
        const stn_entry *last = i ? &list->entries[i - 1] : NULL;
        bool same = last && last->split == e->split &&
                    strcmp(last->class_name, e->class_name) == 0;
        if (same && strcmp(last->name, e->name) == 0)
            return stn_fail(err, STN_E_FORMAT, "%s: %s/%s/%s occurs twice",
                            where, splits[e->split], e->class_name, e->name);
        e->rank = same ? last->rank + 1 : 0;
        e->label = same ? last->label : label_of(e->class_name, names, n);
        if (e->label >= 0)
            continue;
        if (e->split == STN_SPLIT_TEST)
            return stn_fail(err, STN_E_FORMAT,
                            "%s: class %s is in test/ but not in train/", where,
                            e->class_name);
        if (n == STN_CLASSES_MAX)
            return stn_fail(err, STN_E_FORMAT,
                            "%s: more than %d classes in train/", where,
                            STN_CLASSES_MAX);
        e->label = n;
        names[n++] = e->class_name;
    }
    *n_classes = n;
    return STN_OK;
}

/* Sorts and labels; *n_train entries are for training. */
static stn_status sort_entries(stn_entry_list *list, stn_dataset *dataset,
                               size_t *n_train, stn_error *err)
{
    const char *names[STN_CLASSES_MAX];
    int n_classes = 0;
    if (list->n > 0)
        qsort(list->entries, list->n, sizeof *list->entries, by_name);
    STN_TRY(label_entries(list, dataset->path, names, &n_classes, err));
    size_t n = 0;
    while (n < list->n && list->entries[n].split == STN_SPLIT_TRAIN)
        n++;
    if (n == 0 || n == list->n || list->n > UINT32_MAX)
        return stn_fail(err, STN_E_FORMAT,
                        "%s: got %zu pictures in train/CLASS/ and %zu in "
                        "test/CLASS/, expected some PNG or JPEG in both",
                        dataset->path, n, list->n - n);
    qsort(list->entries, list->n, sizeof *list->entries, by_rank);
    STN_TRY(stn_dataset_set_classes(dataset, n_classes, names, err));
    *n_train = n;
    return STN_OK;
}

stn_status stn_entry_decode(stn_entry_list *list, stn_entry *entry,
                            const char *where, const uint8_t *bytes,
                            size_t size, stn_progress progress, stn_error *err)
{
    stn_picture p;
    stn_images *shape = &list->shape;
    STN_TRY(stn_picture_decode(where, bytes, size, &p, err));
    stn_status status = STN_OK;
    if (list->n_kept == 0)
        *shape = (stn_images){
            .height = p.height, .width = p.width, .channels = p.channels};
    if (p.height != shape->height || p.width != shape->width) {
        status =
            stn_fail(err, STN_E_FORMAT,
                     "%s: picture is %d x %d, expected %d x %d like the "
                     "first; make all of one size",
                     where, p.height, p.width, shape->height, shape->width);
        goto out;
    }
    if (p.channels > shape->channels)
        shape->channels = p.channels;
    size_t area = (size_t)p.height * (size_t)p.width;
    entry->picture = p;
    entry->picture.pixels =
        stn_arena_alloc(&list->arena, area, (size_t)p.channels);
    if (!entry->picture.pixels) {
        status = stn_fail_memory(err, where);
        goto out;
    }
    memcpy(entry->picture.pixels, p.pixels, area * (size_t)p.channels);
    list->n_kept++;
    if (progress.call)
        progress.call(progress.context, list->n_kept);
out:
    stn_free(p.pixels);
    return status;
}

stn_status stn_entries_store(stn_entry_list *list, stn_dataset *dataset,
                             stn_error *err)
{
    size_t n_train, at = 0;
    STN_TRY(sort_entries(list, dataset, &n_train, err));
    stn_images shape = list->shape;
    size_t size =
        (size_t)shape.height * (size_t)shape.width * (size_t)shape.channels;
    for (int split = STN_SPLIT_TRAIN; split <= STN_SPLIT_TEST; split++) {
        uint8_t *pixels, *labels;
        bool train = split == STN_SPLIT_TRAIN;
        shape.n = (uint32_t)(train ? n_train : list->n - n_train);
        STN_TRY(stn_dataset_allocate(dataset, (stn_split)split, shape,
                                     dataset->path, &pixels, &labels, err));
        for (size_t i = 0; i < shape.n; i++, at++) {
            const stn_entry *e = &list->entries[at];
            stn_picture_fit(&e->picture, shape.height, shape.width,
                            shape.channels, pixels + i * size);
            labels[i] = (uint8_t)e->label;
        }
    }
    return STN_OK;
}
