/* SPDX-License-Identifier: MIT
 *
 * The safetensors container: an 8-byte little-endian header length, a JSON
 * header {name: {dtype, shape, data_offsets}, "__metadata__": {text: text}},
 * then the bytes of the tensors, row-major, little-endian. We align the data
 * to 64 bytes by padding the header with spaces, so that a mapped file can
 * be used in place. */
#ifndef STN_BASE_SAFETENSORS_H
#define STN_BASE_SAFETENSORS_H

#include "base/status.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STN_SAFETENSORS_RANK 8

typedef struct stn_st_tensor {
    const char *name;
    const char *dtype; /* "F32", "U8", "I8", "I16", "I32", "I64", "U64" */
    int rank;
    int64_t shape[STN_SAFETENSORS_RANK];
    const void *data; /* inside the mapping, or the writer's input */
    size_t size;      /* bytes */
} stn_st_tensor;

typedef struct stn_st_file stn_st_file;

/* Maps and checks the whole header: known types, sizes equal to shape times
 * type, data that covers the rest of the file without overlap or hole and is
 * aligned for its type, no name twice. Tensors come in the header's order and
 * point into the mapping, which lives until stn_st_close. */
stn_status stn_st_open(const char *path, stn_st_file **out, stn_error *err);
void stn_st_close(stn_st_file *file); /* NULL is legal */
const char *stn_st_path(const stn_st_file *file);
size_t stn_st_file_size(const stn_st_file *file);
/* All of the file, for as long as it is open. */
const uint8_t *stn_st_bytes(const stn_st_file *file);
/* NULL when absent. */
const char *stn_st_metadata(const stn_st_file *file, const char *key);
const stn_st_tensor *stn_st_find(const stn_st_file *file, const char *name);
size_t stn_st_count(const stn_st_file *file);
const stn_st_tensor *stn_st_at(const stn_st_file *file, size_t i);

typedef struct stn_st_pair {
    const char *key, *value;
} stn_st_pair;

/* Metadata of a file that is sealed: the CRC-32 of all its bytes as eight
 * hexadecimal digits, which count as zeros themselves. */
#define STN_ST_SEAL ((stn_st_pair){"crc32", "00000000"})

/* Writes atomically (stn_file_write_atomic). The header keeps the given
 * order; the data is laid out by descending size of the element type, so that
 * every tensor is aligned for its type without holes, which other readers
 * refuse. STN_ST_SEAL among the metadata is filled in. The same input gives the
 * same bytes. */
stn_status stn_st_write(const char *path, const stn_st_tensor *tensors,
                        size_t n_tensors, const stn_st_pair *metadata,
                        size_t n_metadata, stn_error *err);

/* Fills in the seal of a whole file in memory; false when it has none. */
bool stn_st_seal(uint8_t *bytes, size_t size);
/* Refuses a file without a seal, and one whose seal does not hold. Reads all
 * of it. */
stn_status stn_st_verify(const stn_st_file *file, stn_error *err);

/* Bytes per element of a type name, or 0 when it is unknown. */
size_t stn_st_type_size(const char *dtype);

#endif
