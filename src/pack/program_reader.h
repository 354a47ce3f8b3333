/* SPDX-License-Identifier: MIT
 *
 * Inside the reader of .stn files: its state, and checked access to the
 * members of the program's text and to tensors. Failures are STN_E_FORMAT and
 * say where. Part of libsetun-rt. */
#ifndef STN_PACK_PROGRAM_READER_H
#define STN_PACK_PROGRAM_READER_H

#include "base/json.h"
#include "base/text.h"
#include "pack/program_image.h"

/* The state of one reading. `where` names the file, then the instruction. */
typedef struct stn_reader {
    stn_program_image *image;
    const stn_program *widest; /* NULL: it is this one */
    const stn_st_file *file;
    char prefix[STN_TEXT_DOUBLE + 1]; /* of tensors: "", or "WIDTH/" */
    char where[STN_ERROR_CAPACITY / 2];
    size_t n_used; /* tensors that an instruction has named */
    size_t n_weights;
    stn_error *err;
} stn_reader;

/* An object without unknown or repeated members. */
stn_status stn_reader_check_keys(const stn_reader *r, const stn_json *object,
                                 const char *const *keys);
/* A number that is whole and from min to max; false otherwise. */
bool stn_reader_whole(const stn_json *node, int min, int max, int *out);
/* A list of n of them, from 0 to max; `what` names it. */
stn_status stn_reader_numbers(const stn_reader *r, const stn_json *array, int n,
                              const char *what, int max, int *out);
stn_status stn_reader_int(const stn_reader *r, const stn_json *object,
                          const char *key, int64_t min, int64_t max, int *out);
/* Index of a text in the NULL-terminated `words`. */
stn_status stn_reader_word(const stn_reader *r, const stn_json *node,
                           const char *what, const char *const *words,
                           int *out);
/* The tensor NAME.SUFFIX of `count` elements (SIZE_MAX: any number) of `size`
 * bytes. The container has checked that it is aligned and inside the file. */
stn_status stn_reader_tensor(stn_reader *r, const char *name,
                             const char *suffix, const char *dtype, size_t size,
                             size_t count, const stn_st_tensor **out);

/* program_read_weights.c: shape, levels, structure and codes of a conv or
 * depthwise instruction; fills kh, kw, pad and weights. */
stn_status stn_reader_weights(stn_reader *r, const stn_json *json,
                              stn_instruction *in);

#endif
