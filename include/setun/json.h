/* SPDX-License-Identifier: MIT
 *
 * Writing JSON: what every figure of the command line, results/ and the
 * report leaves through. */
#ifndef STN_JSON_H
#define STN_JSON_H

#include "setun/status.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* A writer that grows its own buffer. Initialise with {0}. Keys are NULL
 * inside arrays. Running out of memory is remembered and reported by
 * stn_json_finish. `indent` > 0 pretty-prints with that many spaces. */
typedef struct stn_json_writer {
    char *text;
    size_t size, capacity;
    int depth, indent;
    bool failed, need_comma;
} stn_json_writer;

void stn_json_begin_object(stn_json_writer *w, const char *key);
void stn_json_end_object(stn_json_writer *w);
void stn_json_begin_array(stn_json_writer *w, const char *key);
void stn_json_end_array(stn_json_writer *w);
void stn_json_string(stn_json_writer *w, const char *key, const char *value);
void stn_json_int(stn_json_writer *w, const char *key, int64_t value);
/* Shortest text that reads back to the same double; null for NaN and inf. */
void stn_json_number(stn_json_writer *w, const char *key, double value);
void stn_json_bool(stn_json_writer *w, const char *key, bool value);
void stn_json_null(stn_json_writer *w, const char *key);
/* Gives the NUL-terminated text to the caller (stn_free) and resets. */
stn_status stn_json_finish(stn_json_writer *w, char **text, size_t *size,
                           stn_error *err);
/* Finishes, writes the text and a newline to `stream`, and resets. */
stn_status stn_json_print(stn_json_writer *w, FILE *stream, stn_error *err);
/* Drops what was written, and resets. */
void stn_json_discard(stn_json_writer *w);

#endif
