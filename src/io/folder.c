/* SPDX-License-Identifier: MIT
 *
 * Folders of class folders: train/CLASS/NAME.png and test/CLASS/NAME.jpg.
 * Classes are numbered by sorted name. Hidden files and other endings are
 * passed over. All pictures must be of one size. */
#include "base/file.h"
#include "base/status.h"
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
                        "%s: cannot list: %s; expected folders train/CLASS/ "
                        "and test/CLASS/ with PNG or JPEG pictures",
                        folder, strerror(errno));
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

static stn_status read_picture(stn_entry_list *list, size_t i,
                               const char *folder, stn_progress progress,
                               stn_error *err)
{
    stn_entry *entry = &list->entries[i];
    char path[PATH_MAX];
    uint8_t *bytes;
    size_t size;
    STN_TRY(stn_path_format(path, sizeof path, err, "%s/%s/%s/%s", folder,
                            splits[entry->split], entry->class_name,
                            entry->name));
    STN_TRY(stn_file_read(path, &bytes, &size, err));
    stn_status status =
        stn_entry_decode(list, entry, path, bytes, size, progress, err);
    stn_free(bytes);
    return status;
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
    for (size_t i = 0; i < list->n; i++)
        STN_TRY(read_picture(list, i, dataset->path, progress, err));
    return stn_entries_store(list, dataset, err);
}

stn_status stn_folder_read(stn_dataset *dataset, stn_progress progress,
                           stn_error *err)
{
    stn_entry_list list = {0};
    stn_status status = read_all(dataset, &list, progress, err);
    stn_arena_deinit(&list.arena);
    return status;
}
