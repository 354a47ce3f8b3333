/* SPDX-License-Identifier: MIT
 *
 * From a program in memory to a .stn file. */
#ifndef STN_PACK_WRITE_H
#define STN_PACK_WRITE_H

#include "base/safetensors.h"
#include "setun/program.h"

/* Writes a checked program, with those of narrower widths that belong to it,
 * atomically; stn_program_read gives it back. The
 * pairs are added to the metadata; keys "format", "version" and "program"
 * are the file's own. The same program gives the same bytes. */
stn_status stn_program_write(const char *path, const stn_program *program,
                             const stn_st_pair *metadata, size_t n_metadata,
                             stn_error *err);

#endif
