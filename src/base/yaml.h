/* SPDX-License-Identifier: MIT
 *
 * YAML files as a tree that remembers file and line of every node, so that
 * each complaint can name its place. Parsing is libyaml's; this adds merging,
 * expressions and checked access. Maps keep the order of the file. */
#ifndef STN_BASE_YAML_H
#define STN_BASE_YAML_H

#include "base/status.h"
#include "setun/text.h" /* stn_nearest_word */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum stn_yaml_kind {
    STN_YAML_SCALAR,
    STN_YAML_SEQUENCE,
    STN_YAML_MAP
} stn_yaml_kind;

/* Owned by its document. */
typedef struct stn_yaml {
    stn_yaml_kind kind;
    const char *key;    /* inside a map, else NULL */
    const char *scalar; /* SCALAR: the text; "" for an empty value */
    const char *file;   /* name of the file it came from */
    int line;           /* 1-based; 0: `file` says all */
    size_t n_children;
    struct stn_yaml *first, *next;
} stn_yaml;

typedef struct stn_yaml_document stn_yaml_document;

stn_status stn_yaml_load(const char *path, stn_yaml_document **out,
                         stn_error *err);
/* The same from text; `name` stands for the file in error texts. */
stn_status stn_yaml_parse(const char *name, const char *text,
                          stn_yaml_document **out, stn_error *err);
stn_yaml *stn_yaml_root(stn_yaml_document *document);
void stn_yaml_destroy(stn_yaml_document *document); /* NULL is legal */

/* Lays `overlay` over `base`, both in `document`: maps merge key by key, all
 * else is replaced. Overlay keys that are new are appended. */
stn_status stn_yaml_merge(stn_yaml_document *document, stn_yaml *base,
                          const stn_yaml *overlay, stn_error *err);
/* Sets a field by dotted path ("array.rows") to `value`, read as YAML; the
 * path must exist unless `create`. Used by --set and by sweeps. */
stn_status stn_yaml_set(stn_yaml_document *document, const char *path,
                        const char *value, bool create, stn_error *err);
/* Takes a key, if it is there, out of a map. */
void stn_yaml_remove(stn_yaml *map, const char *key);

/* The node at a dotted path, or NULL; and a node made to mean what another
 * does, by sharing its children: `value` must outlive the document. */
stn_yaml *stn_yaml_find(stn_yaml_document *document, const char *path);
void stn_yaml_assign(stn_yaml *node, const stn_yaml *value);

/* NULL when `map` is NULL, not a map, or has no such key. */
const stn_yaml *stn_yaml_get(const stn_yaml *map, const char *key);
const stn_yaml *stn_yaml_at(const stn_yaml *sequence, size_t i);

/* STN_E_FORMAT "FILE:LINE: …" from a printf format. */
#define stn_yaml_fail(node, err, ...)                                          \
    (stn_yaml_fail_text(node, err, __VA_ARGS__), STN_E_FORMAT)
/* The function behind it, for a caller that needs only the text. */
void stn_yaml_fail_text(const stn_yaml *node, stn_error *err,
                        const char *format, ...) STN_PRINTF(3, 4);

/* Refuses keys of `map` that are not in the NULL-terminated list, naming the
 * nearest one that is. */
stn_status stn_yaml_check_keys(const stn_yaml *map, const char *const *keys,
                               stn_error *err);

/* STN_E_FORMAT "FILE:LINE: key "KEY" is unknown", with the nearest key, or
 * with all. */
stn_status stn_yaml_fail_key(const stn_yaml *node, const char *key,
                             const char *const *keys, stn_error *err);

/* Named integers for expressions: "$p", "p*m", "(h+1)/2". */
typedef struct stn_yaml_variable {
    const char *name;
    double value;
} stn_yaml_variable;

typedef struct stn_yaml_scope {
    const stn_yaml_variable *variables;
    size_t n_variables;
} stn_yaml_scope;

/* Number of a scalar: a literal, or an expression of + - * / ( ) and the
 * scope's variables (a leading $ is allowed). `scope` may be NULL. */
stn_status stn_yaml_number(const stn_yaml *node, const stn_yaml_scope *scope,
                           double min, double max, double *out, stn_error *err);
stn_status stn_yaml_int(const stn_yaml *node, const stn_yaml_scope *scope,
                        int64_t min, int64_t max, int64_t *out, stn_error *err);
stn_status stn_yaml_bool(const stn_yaml *node, bool *out, stn_error *err);
/* One of a NULL-terminated list of words; *out is its index. */
stn_status stn_yaml_choice(const stn_yaml *node, const char *const *words,
                           int *out, stn_error *err);

/* A choice with options of its own, `word` or {word: {options}}: *out is the
 * index into `words`, *options the inner node (NULL for a bare word). */
stn_status stn_yaml_pick(const stn_yaml *node, const char *const *words,
                         int *out, const stn_yaml **options, stn_error *err);

/* The tree as text that parses back to the same tree: JSON with every scalar
 * quoted, which is YAML in flow style. The caller releases *text (stn_free).
 */
stn_status stn_yaml_dump(const stn_yaml *root, char **text, stn_error *err);

/* Whether two trees differ in more than file and line; `path` (capacity
 * bytes, at least 64) gets the first place, such as "optimiser.sgd.lr" or
 * "compress[0].group". Maps are compared in the order of the files. */
bool stn_yaml_differs(const stn_yaml *a, const stn_yaml *b, char *path,
                      size_t capacity);

#endif
