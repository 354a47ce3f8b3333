/* SPDX-License-Identifier: MIT
 *
 * JSON, read into a tree and written from calls.
 *
 * Own code because the run-time library may depend on nothing but libc and
 * still has to read the header of a safetensors file; one reader then serves
 * everything. Strict RFC 8259; depth is limited to 64. */
#ifndef STN_BASE_JSON_H
#define STN_BASE_JSON_H

#include "base/status.h"
#include "setun/json.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum stn_json_kind {
    STN_JSON_NULL,
    STN_JSON_BOOL,
    STN_JSON_NUMBER,
    STN_JSON_STRING,
    STN_JSON_ARRAY,
    STN_JSON_OBJECT
} stn_json_kind;

/* A node; children form a list. Owned by the document. */
typedef struct stn_json {
    stn_json_kind kind;
    const char *key;    /* member name inside an object, else NULL */
    const char *string; /* STRING: decoded UTF-8, NUL-terminated */
    double number;      /* NUMBER; exact for integers below 2^53 */
    bool boolean;
    size_t n_children;
    struct stn_json *first, *next; /* children; next sibling */
} stn_json;

typedef struct stn_json_document stn_json_document;

/* Parses `size` bytes; `name` stands for the file in error texts, which give
 * the byte offset. */
stn_status stn_json_parse(const char *name, const char *text, size_t size,
                          stn_json_document **out, stn_error *err);
const stn_json *stn_json_root(const stn_json_document *document);
void stn_json_destroy(stn_json_document *document); /* NULL is legal */

/* NULL when `object` is not an object or has no such member. */
const stn_json *stn_json_member(const stn_json *object, const char *key);
const stn_json *stn_json_item(const stn_json *array, size_t i);
/* Lenient access, for printing: `otherwise`, or "", where the member is missing
 * or of another kind. */
const char *stn_json_text(const stn_json *object, const char *key);
double stn_json_number_or(const stn_json *object, const char *key,
                          double otherwise);
/* Typed access; STN_E_FORMAT names `where` and the member otherwise. */
stn_status stn_json_get_string(const stn_json *object, const char *key,
                               const char *where, const char **out,
                               stn_error *err);
stn_status stn_json_get_int(const stn_json *object, const char *key,
                            const char *where, int64_t min, int64_t max,
                            int64_t *out, stn_error *err);
stn_status stn_json_get_number(const stn_json *object, const char *key,
                               const char *where, double *out, stn_error *err);

#endif
