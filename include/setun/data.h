/* SPDX-License-Identifier: MIT
 *
 * Data sets: labelled pictures of one size, in memory, as 8-bit pixels.
 *
 * One interface over IDX files (plain or gzip), CIFAR-10 binary, and folders
 * of class folders of PNG or JPEG. Layout everywhere: n, row, column, channel
 * (NHWC), row 0 at the top, RGB order. */
#ifndef STN_DATA_H
#define STN_DATA_H

#include "setun/status.h"
#include <stddef.h>
#include <stdint.h>

typedef struct stn_dataset stn_dataset;

/* One split. Owned by the data set. */
typedef struct stn_images {
    uint32_t n;             /* pictures */
    int height, width;      /* pixels */
    int channels;           /* 1 (grey) or 3 (RGB) */
    const uint8_t *pixels;  /* n * height * width * channels, NHWC */
    const uint8_t *labels;  /* n class indices in [0, n_classes) */
} stn_images;

typedef enum stn_split { STN_SPLIT_TRAIN, STN_SPLIT_TEST } stn_split;

/* Opens a data set by name ("mnist", "fashion-mnist", "cifar10") or by
 * folder. A name is looked for in the folders of $SETUN_DATA (separated by
 * ':'), in ../shared/data beside the checkout, in runs/data, then where Debian
 * puts it. What is found decides the reader: *-idx3-ubyte[.gz],
 * data_batch_*.bin, or train/CLASS/ and test/CLASS/. When cifar10 is found as
 * cifar10-jpeg.tar.gz only, it is converted once into runs/data/cifar10 of
 * the current folder. STN_E_NOT_FOUND lists the places tried and how to get
 * the data. */
stn_status stn_dataset_open(const char *name_or_folder, stn_dataset **out,
                            stn_error *err);
void stn_dataset_close(stn_dataset *dataset); /* NULL is legal */

const char *stn_dataset_name(const stn_dataset *dataset);
/* The folder it was read from. */
const char *stn_dataset_path(const stn_dataset *dataset);
int stn_dataset_classes(const stn_dataset *dataset);
/* Name of class `label`, or its number as text; never NULL. */
const char *stn_dataset_class_name(const stn_dataset *dataset, int label);
const stn_images *stn_dataset_images(const stn_dataset *dataset,
                                     stn_split split);

/* One known data set and whether it is here; for `list` and `doctor`. */
typedef struct stn_dataset_entry {
    const char *name, *description;
    char path[512];     /* where it was found, or "" */
    char hint[256];     /* how to get it */
} stn_dataset_entry;
/* Fills up to `capacity` entries, returns how many are known. */
size_t stn_dataset_list(stn_dataset_entry *entries, size_t capacity);

/* Packs a folder (train/CLASS/, test/CLASS/ of PNG or JPEG, all 32 x 32 RGB,
 * at most 256 classes) or a .tar.gz of one into CIFAR-10 binary:
 * OUT/data_batch_N.bin of at most 10 000 pictures, OUT/test_batch.bin,
 * OUT/batches.meta.txt with the class names, OUT/source.txt with the origin.
 * Pictures keep the order of sorted names, interleaved over classes. OUT
 * appears whole or not at all. `progress` may be NULL; it gets the number of
 * pictures decoded so far. */
stn_status stn_dataset_convert(const char *folder_or_tar, const char *out,
                               void (*progress)(void *context, size_t done),
                               void *context, stn_error *err);

/* Reads one PNG or JPEG and fits it to height x width x channels: exact size
 * is kept, others are resampled bilinearly, grey <-> RGB converted (luma
 * 0.299, 0.587, 0.114). `pixels` is the caller's, NHWC. */
stn_status stn_image_read(const char *path, int height, int width,
                          int channels, uint8_t *pixels, stn_error *err);

#endif
