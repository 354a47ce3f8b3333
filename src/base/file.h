/* SPDX-License-Identifier: MIT
 *
 * Whole files in, whole files out. */
#ifndef STN_BASE_FILE_H
#define STN_BASE_FILE_H

#include "base/status.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Reads a file into a new stn_alloc block with one NUL byte appended (not
 * counted in *size). The caller releases *bytes with stn_free. */
stn_status stn_file_read(const char *path, uint8_t **bytes, size_t *size,
                         stn_error *err);

/* Writes to PATH.tmp-PID, syncs, renames: after a crash or kill the old file
 * or the new one is there, whole, never a mixture. */
stn_status stn_file_write_atomic(const char *path, const void *bytes,
                                 size_t size, stn_error *err);

/* Maps a file read-only. Release with stn_file_unmap. An empty file is
 * STN_E_FORMAT. */
stn_status stn_file_map(const char *path, const uint8_t **bytes, size_t *size,
                        stn_error *err);
void stn_file_unmap(const uint8_t *bytes, size_t size);

bool stn_file_exists(const char *path);
bool stn_directory_exists(const char *path);
/* mkdir -p. */
stn_status stn_make_directories(const char *path, stn_error *err);

/* Formats into a fixed buffer; STN_E_ARGUMENT when it does not fit, so that
 * no path is ever cut silently. */
stn_status stn_path_format(char *out, size_t capacity, stn_error *err,
                           const char *format, ...) STN_PRINTF(4, 5);

/* The folder with networks/, recipes/, machines/, …: $SETUN_SHARE, else the
 * source tree's share/setun when it exists, else the installed one. */
const char *stn_share_directory(void);

#endif
