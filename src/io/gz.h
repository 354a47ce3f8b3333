/* SPDX-License-Identifier: MIT
 *
 * Reading a file that may be compressed with gzip, counting bytes so that
 * every complaint can give the offset. */
#ifndef STN_IO_GZ_H
#define STN_IO_GZ_H

#include "base/status.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <zlib.h>

typedef struct stn_gz {
    gzFile file;
    const char *path;   /* the caller's */
    uint64_t offset;    /* in the uncompressed bytes */
    uint64_t file_size; /* on disk */
} stn_gz;

stn_status stn_gz_open(const char *path, stn_gz *out, stn_error *err);
void stn_gz_close(stn_gz *gz);
/* Reads exactly `size` bytes; the error gives offset, expected and got. */
stn_status stn_gz_read(stn_gz *gz, void *bytes, size_t size, stn_error *err);
/* Reads and drops `size` bytes. */
stn_status stn_gz_skip(stn_gz *gz, uint64_t size, stn_error *err);
/* Refuses bytes after the current place, and a damaged end of the gzip
 * stream (its checksum comes last). */
stn_status stn_gz_check_end(stn_gz *gz, stn_error *err);
/* Reads to the end, whatever is there, so that the checksum is compared. */
stn_status stn_gz_drain(stn_gz *gz, stn_error *err);
/* Whether `size` more bytes can come out of a file of this size: deflate
 * expands at most 1032 to 1. Guards allocations against a lying header. */
bool stn_gz_may_hold(const stn_gz *gz, uint64_t size);

#endif
