/* SPDX-License-Identifier: MIT
 *
 * Packing a folder or archive of pictures into CIFAR-10 binary. Everything
 * is written to a temporary neighbour that is renamed at the end, so an
 * interrupted conversion leaves no half data set under the final name. */
#include "base/file.h"
#include "base/status.h"
#include "io/dataset.h"
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SIDE = 32, PLANE = SIDE * SIDE, RECORD = 1 + 3 * PLANE };
#define BATCH 10000u /* pictures in a file */

static stn_status write_batch(const char *path, const stn_images *images,
                              uint32_t from, uint32_t n, stn_error *err)
{
    uint8_t *bytes = stn_alloc(n, RECORD);
    if (!bytes)
        return stn_fail_memory(err, path);
    for (uint32_t i = 0; i < n; i++) {
        uint8_t *to = bytes + (size_t)i * RECORD;
        const uint8_t *pixels = images->pixels + (size_t)(from + i) * 3 * PLANE;
        *to++ = images->labels[from + i];
        for (int c = 0; c < 3; c++)
            for (int p = 0; p < PLANE; p++)
                *to++ = pixels[3 * p + c];
    }
    stn_status status =
        stn_file_write_atomic(path, bytes, (size_t)n * RECORD, err);
    stn_free(bytes);
    return status;
}

/* batches.meta.txt, and a note of where the pictures came from. */
static stn_status write_texts(const stn_dataset *dataset, const char *folder,
                              stn_error *err)
{
    char path[PATH_MAX], note[PATH_MAX + 128];
    size_t size = 0;
    for (int i = 0; i < dataset->n_classes; i++)
        size += strlen(dataset->class_names[i]) + 1;
    char *text = stn_alloc(size + 1, 1);
    if (!text)
        return stn_fail_memory(err, "class names");
    char *end = text;
    for (int i = 0; i < dataset->n_classes; i++)
        end += sprintf(end, "%s\n", dataset->class_names[i]);
    stn_status status =
        stn_path_format(path, sizeof path, err, "%s/batches.meta.txt", folder);
    if (status == STN_OK)
        status = stn_file_write_atomic(path, text, size, err);
    stn_free(text);
    if (status != STN_OK)
        return status;
    STN_TRY(stn_path_format(path, sizeof path, err, "%s/source.txt", folder));
    const char *slash = strrchr(dataset->path, '/');
    int n = snprintf(note, sizeof note,
                     "Converted from %s. If that held JPEG, pixels and "
                     "accuracies differ slightly from the original's.\n",
                     slash ? slash + 1 : dataset->path);
    return stn_file_write_atomic(path, note, (size_t)n, err);
}

static stn_status write_all(const stn_dataset *dataset, const char *folder,
                            stn_error *err)
{
    char path[PATH_MAX];
    const stn_images *train = &dataset->images[STN_SPLIT_TRAIN];
    const stn_images *test = &dataset->images[STN_SPLIT_TEST];
    for (uint32_t from = 0, i = 1; from < train->n; from += BATCH, i++) {
        uint32_t left = train->n - from;
        STN_TRY(stn_path_format(path, sizeof path, err, "%s/data_batch_%u.bin",
                                folder, (unsigned)i));
        STN_TRY(
            write_batch(path, train, from, left < BATCH ? left : BATCH, err));
    }
    STN_TRY(
        stn_path_format(path, sizeof path, err, "%s/test_batch.bin", folder));
    STN_TRY(write_batch(path, test, 0, test->n, err));
    return write_texts(dataset, folder, err);
}

/* Removes what write_all may have left. */
static void remove_all(const stn_dataset *dataset, const char *folder)
{
    char path[PATH_MAX];
    uint32_t n = dataset->images[STN_SPLIT_TRAIN].n / BATCH + 1;
    for (uint32_t i = 1; i <= n; i++)
        if (stn_path_format(path, sizeof path, NULL, "%s/data_batch_%u.bin",
                            folder, (unsigned)i) == STN_OK)
            unlink(path);
    static const char *const names[] = {"test_batch.bin", "batches.meta.txt",
                                        "source.txt"};
    for (int i = 0; i < 3; i++)
        if (stn_path_format(path, sizeof path, NULL, "%s/%s", folder,
                            names[i]) == STN_OK)
            unlink(path);
    rmdir(folder);
}

static stn_status write_folder(const stn_dataset *dataset, const char *out,
                               stn_error *err)
{
    char folder[PATH_MAX];
    STN_TRY(stn_path_format(folder, sizeof folder, err, "%s.tmp-%ld", out,
                            (long)getpid()));
    STN_TRY(stn_make_directories(folder, err));
    stn_status status = write_all(dataset, folder, err);
    if (status == STN_OK && rename(folder, out) != 0) {
        /* Another process may have finished the same conversion first. */
        bool done =
            (errno == EEXIST || errno == ENOTEMPTY) && stn_cifar_is_here(out);
        if (!done)
            status = stn_fail(err, STN_E_IO,
                              "%s: cannot become the new folder: %s; remove "
                              "what is there or choose another name",
                              out, strerror(errno));
    }
    remove_all(dataset, folder);
    return status;
}

static stn_status check(const stn_dataset *dataset, stn_error *err)
{
    const stn_images *train = &dataset->images[STN_SPLIT_TRAIN];
    STN_TRY(stn_dataset_check_splits(dataset, err));
    if (train->height != SIDE || train->width != SIDE || train->channels != 3)
        return stn_fail(err, STN_E_UNSUPPORTED,
                        "%s: pictures are %d x %d x %d, CIFAR-10 binary holds "
                        "32 x 32 x 3 only; train from the folder itself",
                        dataset->path, train->height, train->width,
                        train->channels);
    return STN_OK;
}

stn_status stn_dataset_convert(const char *folder_or_tar, const char *out,
                               void (*progress)(void *context, size_t done),
                               void *context, stn_error *err)
{
    stn_progress call = {.call = progress, .context = context};
    stn_dataset *dataset;
    STN_TRY(stn_dataset_create(folder_or_tar, folder_or_tar, &dataset, err));
    stn_status status = stn_directory_exists(folder_or_tar)
                            ? stn_folder_read(dataset, call, err)
                            : stn_tar_read(dataset, call, err);
    if (status == STN_OK)
        status = check(dataset, err);
    if (status == STN_OK)
        status = write_folder(dataset, out, err);
    stn_dataset_close(dataset);
    return status;
}
