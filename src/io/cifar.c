/* SPDX-License-Identifier: MIT
 *
 * CIFAR-10 binary (Krizhevsky 2009): records of one label byte and 3 x 32 x
 * 32 pixels, plane by plane (R, G, B); data_batch_1.bin, data_batch_2.bin, …
 * for training, test_batch.bin, and the class names, one a line, in
 * batches.meta.txt. */
#include "base/file.h"
#include "base/status.h"
#include "io/dataset.h"
#include <limits.h>
#include <stdio.h>
#include <string.h>

enum { SIDE = 32, PLANE = SIDE * SIDE, RECORD = 1 + 3 * PLANE };

bool stn_cifar_is_here(const char *folder)
{
    char path[PATH_MAX];
    return stn_path_format(path, sizeof path, NULL, "%s/data_batch_1.bin",
                           folder) == STN_OK &&
           stn_file_exists(path);
}

/* Path of the i-th file of a split, from 0; false after the last. */
static bool file_of(const stn_dataset *dataset, stn_split split, int i,
                    char path[PATH_MAX])
{
    if (split == STN_SPLIT_TEST && i > 0)
        return false;
    char name[32] = "test_batch.bin";
    if (split == STN_SPLIT_TRAIN)
        snprintf(name, sizeof name, "data_batch_%d.bin", i + 1);
    return stn_path_format(path, PATH_MAX, NULL, "%s/%s", dataset->path,
                           name) == STN_OK &&
           (split == STN_SPLIT_TEST || stn_file_exists(path));
}

static stn_status map_file(const char *path, const uint8_t **bytes,
                           size_t *size, stn_error *err)
{
    STN_TRY(stn_file_map(path, bytes, size, err));
    if (*size % RECORD != 0) {
        stn_file_unmap(*bytes, *size);
        return stn_fail(err, STN_E_FORMAT,
                        "%s: ends at byte %zu inside record %zu, expected a "
                        "multiple of %d bytes; the file is cut, get it again",
                        path, *size, *size / RECORD, RECORD);
    }
    return STN_OK;
}

/* Adds the records of one file at *done, at most up to `n`. */
static stn_status copy_file(const stn_dataset *dataset, const char *path,
                            uint32_t n, uint32_t *done, uint8_t *pixels,
                            uint8_t *labels, stn_error *err)
{
    const uint8_t *bytes;
    size_t size;
    stn_status status = STN_OK;
    STN_TRY(map_file(path, &bytes, &size, err));
    for (size_t at = 0; at < size && *done < n; at += RECORD, ++*done) {
        if (bytes[at] >= dataset->n_classes) {
            status = stn_fail(err, STN_E_FORMAT,
                              "%s: byte %zu: got label %d, expected 0 to %d",
                              path, at, bytes[at], dataset->n_classes - 1);
            break;
        }
        labels[*done] = bytes[at];
        const uint8_t *from = bytes + at + 1;
        uint8_t *to = pixels + (size_t)*done * 3 * PLANE;
        for (int i = 0; i < PLANE; i++)
            for (int c = 0; c < 3; c++)
                to[3 * i + c] = from[c * PLANE + i];
    }
    stn_file_unmap(bytes, size);
    return status;
}

static stn_status read_split(stn_dataset *dataset, stn_split split,
                             stn_error *err)
{
    char path[PATH_MAX];
    const uint8_t *bytes;
    size_t size, n = 0;
    for (int i = 0; file_of(dataset, split, i, path); i++) {
        STN_TRY(map_file(path, &bytes, &size, err));
        stn_file_unmap(bytes, size);
        n += size / RECORD;
    }
    if (n > UINT32_MAX)
        return stn_fail(err, STN_E_FORMAT, "%s: %zu pictures are too many",
                        dataset->path, n);
    stn_images shape = {
        .n = (uint32_t)n, .height = SIDE, .width = SIDE, .channels = 3};
    uint8_t *pixels, *labels;
    STN_TRY(stn_dataset_allocate(dataset, split, shape, dataset->path, &pixels,
                                 &labels, err));
    uint32_t done = 0;
    for (int i = 0; file_of(dataset, split, i, path); i++)
        STN_TRY(copy_file(dataset, path, shape.n, &done, pixels, labels, err));
    if (done != shape.n)
        return stn_fail(err, STN_E_IO, "%s: files changed while they were read",
                        dataset->path);
    return STN_OK;
}

/* Class names from batches.meta.txt; without it, the names already set or
 * the numbers 0 to 9. */
static stn_status read_names(stn_dataset *dataset, stn_error *err)
{
    char path[PATH_MAX];
    STN_TRY(stn_path_format(path, sizeof path, err, "%s/batches.meta.txt",
                            dataset->path));
    if (!stn_file_exists(path))
        return dataset->n_classes
                   ? STN_OK
                   : stn_dataset_set_classes(dataset, 10, NULL, err);
    uint8_t *text;
    size_t size;
    STN_TRY(stn_file_read(path, &text, &size, err));
    const char *names[STN_CLASSES_MAX];
    int n = 0;
    stn_status status = STN_OK;
    char *rest = NULL;
    for (char *line = strtok_r((char *)text, "\r\n", &rest); line;
         line = strtok_r(NULL, "\r\n", &rest)) {
        if (n == STN_CLASSES_MAX) {
            status = stn_fail(err, STN_E_FORMAT, "%s: more than %d class names",
                              path, STN_CLASSES_MAX);
            goto out;
        }
        names[n++] = line;
    }
    status = stn_dataset_set_classes(dataset, n, names, err);
out:
    stn_free(text);
    return status;
}

stn_status stn_cifar_read(stn_dataset *dataset, stn_error *err)
{
    STN_TRY(read_names(dataset, err));
    STN_TRY(read_split(dataset, STN_SPLIT_TRAIN, err));
    return read_split(dataset, STN_SPLIT_TEST, err);
}
