/* SPDX-License-Identifier: MIT
 *
 * Opening a data set: find the folder, pick the reader by what lies in it,
 * and convert a known archive on first use. */
#include "io/dataset.h"
#include "base/file.h"
#include "base/status.h"
#include <limits.h>
#include <stdio.h>
#include <string.h>

/* Far above any picture this library trains on; keeps products in range. */
#define LARGEST_SIDE 16384

stn_status stn_dataset_create(const char *name, const char *path,
                              stn_dataset **out, stn_error *err)
{
    stn_dataset *d = stn_alloc(1, sizeof *d);
    if (!d)
        return stn_fail_memory(err, path);
    d->name = stn_arena_string(&d->arena, name);
    d->path = stn_arena_string(&d->arena, path);
    if (!d->name || !d->path) {
        stn_dataset_close(d);
        return stn_fail_memory(err, path);
    }
    *out = d;
    return STN_OK;
}

stn_status stn_dataset_set_classes(stn_dataset *dataset, int n,
                                   const char *const *names, stn_error *err)
{
    if (n < 1 || n > STN_CLASSES_MAX)
        return stn_fail(err, STN_E_FORMAT,
                        "%s: got %d classes, expected 1 to %d", dataset->path,
                        n, STN_CLASSES_MAX);
    const char **list =
        stn_arena_alloc(&dataset->arena, (size_t)n, sizeof *list);
    if (!list)
        return stn_fail_memory(err, "class names");
    for (int i = 0; i < n; i++) {
        char number[12];
        snprintf(number, sizeof number, "%d", i);
        list[i] = stn_arena_string(&dataset->arena, names ? names[i] : number);
        if (!list[i])
            return stn_fail_memory(err, "class names");
    }
    dataset->class_names = list;
    dataset->n_classes = n;
    return STN_OK;
}

stn_status stn_dataset_allocate(stn_dataset *dataset, stn_split split,
                                stn_images shape, const char *file,
                                uint8_t **pixels, uint8_t **labels,
                                stn_error *err)
{
    int h = shape.height, w = shape.width, c = shape.channels;
    if (shape.n < 1 || h < 1 || w < 1 || h > LARGEST_SIDE || w > LARGEST_SIDE)
        return stn_fail(err, STN_E_FORMAT,
                        "%s: got %u pictures of %d x %d, expected at least "
                        "one, of 1 to %d pixels a side",
                        file, (unsigned)shape.n, h, w, LARGEST_SIDE);
    *pixels = stn_arena_alloc(&dataset->arena, shape.n,
                              (size_t)h * (size_t)w * (size_t)c);
    *labels = stn_arena_alloc(&dataset->arena, shape.n, 1);
    if (!*pixels || !*labels)
        return stn_fail_memory(err, file);
    shape.pixels = *pixels;
    shape.labels = *labels;
    dataset->images[split] = shape;
    return STN_OK;
}

stn_status stn_dataset_check_splits(const stn_dataset *dataset, stn_error *err)
{
    const stn_images *a = &dataset->images[STN_SPLIT_TRAIN];
    const stn_images *b = &dataset->images[STN_SPLIT_TEST];
    if (a->height == b->height && a->width == b->width &&
        a->channels == b->channels)
        return STN_OK;
    return stn_fail(err, STN_E_FORMAT,
                    "%s: test pictures are %d x %d x %d, expected %d x %d x "
                    "%d as in training",
                    dataset->path, b->height, b->width, b->channels, a->height,
                    a->width, a->channels);
}

static stn_status read_folder(stn_dataset *dataset, stn_error *err)
{
    if (stn_idx_is_here(dataset->path))
        return stn_idx_read(dataset, err);
    if (stn_cifar_is_here(dataset->path))
        return stn_cifar_read(dataset, err);
    if (stn_folder_is_here(dataset->path))
        return stn_folder_read(dataset, (stn_progress){0}, err);
    return stn_fail(err, STN_E_FORMAT,
                    "%s: holds no data set; expected "
                    "train-images-idx3-ubyte[.gz], data_batch_1.bin, or "
                    "train/CLASS/ and test/CLASS/ folders",
                    dataset->path);
}

/* Finds `name`, converting its archive when that is all there is. */
static stn_status locate(const char *name, char *path, size_t capacity,
                         stn_error *err)
{
    bool archive = false;
    STN_TRY(stn_dataset_find(name, path, capacity, &archive, err));
    if (!archive)
        return STN_OK;
    char source[PATH_MAX];
    STN_TRY(stn_path_format(source, sizeof source, err, "%s", path));
    STN_TRY(
        stn_path_format(path, capacity, err, STN_CONVERTED_FOLDER "/%s", name));
    return stn_dataset_convert(source, path, NULL, NULL, err);
}

stn_status stn_dataset_open(const char *name_or_folder, stn_dataset **out,
                            stn_error *err)
{
    char path[PATH_MAX];
    const stn_known_dataset *known = stn_dataset_known(name_or_folder);
    if (known || !stn_directory_exists(name_or_folder))
        STN_TRY(locate(name_or_folder, path, sizeof path, err));
    else
        STN_TRY(stn_path_format(path, sizeof path, err, "%s", name_or_folder));
    stn_dataset *dataset;
    STN_TRY(stn_dataset_create(name_or_folder, path, &dataset, err));
    stn_status status = STN_OK;
    if (known)
        status = stn_dataset_set_classes(dataset, STN_KNOWN_CLASSES,
                                         known->classes, err);
    if (status == STN_OK)
        status = read_folder(dataset, err);
    if (status == STN_OK)
        status = stn_dataset_check_splits(dataset, err);
    if (status == STN_OK)
        *out = dataset;
    else
        stn_dataset_close(dataset);
    return status;
}

void stn_dataset_close(stn_dataset *dataset)
{
    if (!dataset)
        return;
    stn_arena_deinit(&dataset->arena);
    stn_free(dataset);
}

const char *stn_dataset_name(const stn_dataset *dataset)
{
    return dataset->name;
}

const char *stn_dataset_path(const stn_dataset *dataset)
{
    return dataset->path;
}

int stn_dataset_classes(const stn_dataset *dataset)
{
    return dataset->n_classes;
}

const char *stn_dataset_class_name(const stn_dataset *dataset, int label)
{
    if (label < 0 || label >= dataset->n_classes)
        return "unknown";
    return dataset->class_names[label];
}

const stn_images *stn_dataset_images(const stn_dataset *dataset,
                                     stn_split split)
{
    return &dataset->images[split];
}
