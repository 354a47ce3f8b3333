/* SPDX-License-Identifier: MIT
 *
 * IDX, the format of MNIST (LeCun, Cortes & Burges): big-endian words
 * 0x00000803, n, rows, columns, then pixels; 0x00000801, n, then labels.
 * Plain or gzip. MNIST's pixels are kept as they are: 0 background. */
#include "base/file.h"
#include "base/status.h"
#include "io/dataset.h"
#include "io/gz.h"
#include <limits.h>

static const char *const prefix[] = {"train", "t10k"};

/* The path of one of the four files, plain or with .gz. */
static bool find(const char *folder, stn_split split, const char *suffix,
                 char path[PATH_MAX])
{
    static const char *const endings[] = {"", ".gz"};
    for (int i = 0; i < 2; i++)
        if (stn_path_format(path, PATH_MAX, NULL, "%s/%s-%s-ubyte%s", folder,
                            prefix[split], suffix, endings[i]) == STN_OK &&
            stn_file_exists(path))
            return true;
    return false;
}

bool stn_idx_is_here(const char *folder)
{
    char path[PATH_MAX];
    return find(folder, STN_SPLIT_TRAIN, "images-idx3", path);
}

/* Opens one file and reads its header of `rank` sizes after the magic. */
static stn_status open_idx(const char *folder, stn_split split,
                           const char *suffix, int rank, char path[PATH_MAX],
                           uint32_t sizes[3], stn_gz *gz, stn_error *err)
{
    if (!find(folder, split, suffix, path))
        return stn_fail(err, STN_E_NOT_FOUND,
                        "%s: lacks %s-%s-ubyte[.gz]; get all four files",
                        folder, prefix[split], suffix);
    STN_TRY(stn_gz_open(path, gz, err));
    for (int i = 0; i <= rank; i++) {
        uint8_t b[4] = {0};
        STN_TRY(stn_gz_read(gz, b, 4, err));
        uint32_t word = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 |
                        (uint32_t)b[2] << 8 | b[3];
        uint32_t magic = 0x800u + (uint32_t)rank;
        if (i == 0 && word != magic)
            return stn_fail(err, STN_E_FORMAT,
                            "%s: byte 0: got magic 0x%08x, expected 0x%08x; "
                            "not an IDX file of %s",
                            path, (unsigned)word, (unsigned)magic,
                            rank == 3 ? "pictures" : "labels");
        if (i > 0)
            sizes[i - 1] = word;
    }
    return STN_OK;
}

static stn_status read_images(stn_dataset *dataset, stn_split split,
                              uint8_t **labels, stn_error *err)
{
    char path[PATH_MAX];
    stn_gz gz = {0};
    uint32_t size[3] = {0};
    uint8_t *pixels;
    stn_status status =
        open_idx(dataset->path, split, "images-idx3", 3, path, size, &gz, err);
    if (status != STN_OK)
        goto out;
    /* Sides are checked against a small limit before they are multiplied. */
    stn_images shape = {.n = size[0],
                        .height = size[1] <= INT_MAX ? (int)size[1] : 0,
                        .width = size[2] <= INT_MAX ? (int)size[2] : 0,
                        .channels = 1};
    uint64_t area = (uint64_t)size[1] * size[2];
    if (area > 0 && (area > UINT32_MAX ||
                     !stn_gz_may_hold(&gz, area * (uint64_t)size[0]))) {
        status = stn_fail(err, STN_E_FORMAT,
                          "%s: byte 4: header gives %u pictures of %u x %u, "
                          "more than the file can hold",
                          path, (unsigned)size[0], (unsigned)size[1],
                          (unsigned)size[2]);
        goto out;
    }
    status =
        stn_dataset_allocate(dataset, split, shape, path, &pixels, labels, err);
    if (status == STN_OK)
        status = stn_gz_read(&gz, pixels, (size_t)area * size[0], err);
    if (status == STN_OK)
        status = stn_gz_check_end(&gz, err);
out:
    stn_gz_close(&gz);
    return status;
}

/* Labels must be below the known number of classes; without one, training
 * labels define it. */
static stn_status check_labels(stn_dataset *dataset, const char *path,
                               const uint8_t *labels, uint32_t n,
                               stn_error *err)
{
    int largest = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (dataset->n_classes && labels[i] >= dataset->n_classes)
            return stn_fail(err, STN_E_FORMAT,
                            "%s: byte %u: got label %d, expected 0 to %d", path,
                            (unsigned)i + 8, labels[i], dataset->n_classes - 1);
        if (labels[i] > largest)
            largest = labels[i];
    }
    if (dataset->n_classes)
        return STN_OK;
    return stn_dataset_set_classes(dataset, largest + 1, NULL, err);
}

static stn_status read_labels(stn_dataset *dataset, stn_split split,
                              uint8_t *labels, stn_error *err)
{
    char path[PATH_MAX];
    stn_gz gz = {0};
    uint32_t size[3] = {0}, n = dataset->images[split].n;
    stn_status status =
        open_idx(dataset->path, split, "labels-idx1", 1, path, size, &gz, err);
    if (status == STN_OK && size[0] != n)
        status = stn_fail(err, STN_E_FORMAT,
                          "%s: byte 4: got %u labels, expected %u, one for "
                          "each picture",
                          path, (unsigned)size[0], (unsigned)n);
    if (status == STN_OK)
        status = stn_gz_read(&gz, labels, n, err);
    if (status == STN_OK)
        status = stn_gz_check_end(&gz, err);
    stn_gz_close(&gz);
    if (status != STN_OK)
        return status;
    return check_labels(dataset, path, labels, n, err);
}

stn_status stn_idx_read(stn_dataset *dataset, stn_error *err)
{
    for (int split = STN_SPLIT_TRAIN; split <= STN_SPLIT_TEST; split++) {
        uint8_t *labels = NULL;
        STN_TRY(read_images(dataset, (stn_split)split, &labels, err));
        STN_TRY(read_labels(dataset, (stn_split)split, labels, err));
    }
    return STN_OK;
}
