/* SPDX-License-Identifier: MIT
 *
 * Folders of class folders: train/CLASS/NAME.png and test/CLASS/NAME.jpg.
 * Classes are numbered by sorted name. Hidden files and other endings are
 * passed over. All pictures must have the first one's size; when that one is
 * RGB, grey ones are repeated over the channels. */
#include "base/file.h"
#include "base/status.h"
#include "io/image.h"
#include "io/pictures.h"
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <string.h>

static const char *const splits[] = {"train", "test"};

bool stn_folder_is_here(const char *folder)
{
    char path[PATH_MAX];
    return stn_path_format(path, sizeof path, NULL, "%s/train", folder) ==
               STN_OK &&
           stn_directory_exists(path);
}

/* Calls `visit` for each name in `folder` that is not hidden. */
static stn_status list_folder(const char *folder, stn_entry_list *list,
                              stn_status (*visit)(const char *path,
                                                  stn_entry_list *list,
                                                  stn_error *err),
                              stn_error *err)
{
    DIR *directory = opendir(folder);
    if (!directory)
        return stn_fail(err, errno == ENOENT ? STN_E_NOT_FOUND : STN_E_IO,
                        "%s: cannot list: %s", folder, strerror(errno));
    stn_status status = STN_OK;
    const struct dirent *item;
    while (status == STN_OK && (item = readdir(directory))) {
        char path[PATH_MAX];
        if (item->d_name[0] == '.')
            continue;
        status = stn_path_format(path, sizeof path, err, "%s/%s", folder,
                                 item->d_name);
        if (status == STN_OK)
            status = visit(path, list, err);
    }
    closedir(directory);
    return status;
}

static stn_status visit_picture(const char *path, stn_entry_list *list,
                                stn_error *err)
{
    stn_entry *entry;
    return stn_entry_add(list, path, &entry, err);
}

static stn_status visit_class(const char *path, stn_entry_list *list,
                              stn_error *err)
{
    if (!stn_directory_exists(path))
        return STN_OK;
    return list_folder(path, list, visit_picture, err);
}

static stn_status read_picture(const stn_dataset *dataset,
                               const stn_entry *entry, stn_picture *picture,
                               char path[PATH_MAX], stn_error *err)
{
    uint8_t *bytes;
    size_t size;
    STN_TRY(stn_path_format(path, PATH_MAX, err, "%s/%s/%s/%s", dataset->path,
                            splits[entry->split], entry->class_name,
                            entry->name));
    STN_TRY(stn_file_read(path, &bytes, &size, err));
    stn_status status = stn_picture_decode(path, bytes, size, picture, err);
    stn_free(bytes);
    return status;
}

/* Decodes the sorted entries of one split into the data set. */
static stn_status read_split(stn_dataset *dataset, const stn_entry *entries,
                             stn_images shape, size_t before,
                             stn_progress progress, stn_error *err)
{
    uint8_t *pixels, *labels;
    STN_TRY(stn_dataset_allocate(dataset, entries->split, shape, dataset->path,
                                 &pixels, &labels, err));
    size_t size =
        (size_t)shape.height * (size_t)shape.width * (size_t)shape.channels;
    for (size_t i = 0; i < shape.n; i++) {
        char path[PATH_MAX];
        stn_picture picture;
        STN_TRY(read_picture(dataset, &entries[i], &picture, path, err));
        stn_status status = stn_picture_check(path, &picture, &shape, err);
        if (status == STN_OK)
            stn_picture_fit(&picture, shape.height, shape.width, shape.channels,
                            pixels + i * size);
        stn_free(picture.pixels);
        if (status != STN_OK)
            return status;
        labels[i] = (uint8_t)entries[i].label;
        if (progress.call)
            progress.call(progress.context, before + i + 1);
    }
    return STN_OK;
}

static stn_status read_all(stn_dataset *dataset, stn_entry_list *list,
                           stn_progress progress, stn_error *err)
{
    char path[PATH_MAX];
    for (int split = STN_SPLIT_TRAIN; split <= STN_SPLIT_TEST; split++) {
        STN_TRY(stn_path_format(path, sizeof path, err, "%s/%s", dataset->path,
                                splits[split]));
        STN_TRY(list_folder(path, list, visit_class, err));
    }
    size_t n_train;
    STN_TRY(stn_entries_sort(list, dataset, &n_train, err));
    stn_picture first;
    STN_TRY(read_picture(dataset, list->entries, &first, path, err));
    stn_free(first.pixels);
    stn_images shape = {.n = (uint32_t)n_train,
                        .height = first.height,
                        .width = first.width,
                        .channels = first.channels};
    STN_TRY(read_split(dataset, list->entries, shape, 0, progress, err));
    shape.n = (uint32_t)(list->n - n_train);
    return read_split(dataset, list->entries + n_train, shape, n_train,
                      progress, err);
}

stn_status stn_folder_read(stn_dataset *dataset, stn_progress progress,
                           stn_error *err)
{
    stn_entry_list list = {0};
    stn_status status = read_all(dataset, &list, progress, err);
    stn_arena_deinit(&list.arena);
    return status;
}
